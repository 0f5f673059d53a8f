//! Forms that carry a file (multipart/form-data, RFC 7578), read as a stream.
//!
//! The parser would buffer all that has arrived. Here it gets one piece at a time, and between
//! files only a limited number of bytes. So an upload takes a few pieces of memory, whatever its
//! content.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::header,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::{
    error::{RequestError, Result},
    file_name,
};

/// The most bytes of a form before, between and after its files.
const MAX_BETWEEN_FILES_BYTES: usize = 64 * 1024;
/// How much of a refused form is drained, and for how long. Closing the connection while the form
/// arrives would break it before the client has read the reason.
const MAX_DRAINED_BYTES: usize = 64 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
const DRAIN_STALL_TIMEOUT: Duration = Duration::from_secs(1);

/// The body, and how much of it may arrive before the parser reports a field.
struct BoundedBody {
    body: BodyDataStream,
    /// Bytes that may still arrive before the next field.
    remaining_bytes: usize,
    in_file: bool,
    /// A piece was just passed to the parser; the next one waits until the parser has handled it.
    gave: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the form is too long")]
struct FormTooLong;

#[derive(Clone)]
struct MeteredBody(Arc<Mutex<BoundedBody>>);

impl MeteredBody {
    fn line(&self) -> std::sync::MutexGuard<'_, BoundedBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for MeteredBody {
    type Item = std::result::Result<Bytes, axum::BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut line = self.line();
        if std::mem::take(&mut line.gave) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // One piece is always passed; it may contain most of a small file.
        if !line.in_file && line.remaining_bytes == 0 {
            return Poll::Ready(Some(Err(FormTooLong.into())));
        }
        match line.body.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                line.gave = true;
                if !line.in_file {
                    line.remaining_bytes = line.remaining_bytes.saturating_sub(bytes.len());
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            other => other.map(|item| item.map(|piece| piece.map_err(Into::into))),
        }
    }
}

/// A form that is being read.
pub struct Form {
    line: MeteredBody,
    fields: Multipart,
    stall: Duration,
}

/// The unread rest of a refused form.
pub struct RefusedForm(MeteredBody);

/// Returns the length that a request declares for its body.
#[must_use]
pub fn declared_length(request: &Request) -> Option<u64> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Splits a request from its body, which can then be drained if the form is refused.
#[must_use]
pub fn split(request: Request) -> (Request, RefusedForm) {
    let (parts, body) = request.into_parts();
    let line = BoundedBody {
        body: body.into_data_stream(),
        remaining_bytes: MAX_BETWEEN_FILES_BYTES,
        in_file: false,
        gave: false,
    };
    let line = MeteredBody(Arc::new(Mutex::new(line)));
    (
        Request::from_parts(parts, Body::from_stream(line.clone())),
        RefusedForm(line),
    )
}

impl Form {
    /// Begins to read. At most `stall` may pass between two pieces.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for a body that is no form.
    pub async fn of(request: Request, leftover: &RefusedForm, stall: Duration) -> Result<Self> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let essence = kind
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        let is_packed = request.headers().contains_key(header::CONTENT_ENCODING);
        if !essence.eq_ignore_ascii_case("multipart/form-data") || is_packed {
            return Err(RequestError::UnsupportedMediaType);
        }
        let fields = Multipart::from_request(request, &()).await;
        let fields = fields.map_err(|_| RequestError::malformed("the form has no boundary"))?;
        Ok(Self {
            line: leftover.0.clone(),
            fields,
            stall,
        })
    }

    /// Returns the next field.
    ///
    /// # Errors
    /// `Malformed`.
    pub async fn next(&mut self) -> Result<Option<FormPart<'_>>> {
        {
            let mut line = self.line.line();
            (line.in_file, line.remaining_bytes) = (false, MAX_BETWEEN_FILES_BYTES);
        }
        let next = within_timeout(self.stall, self.fields.next_field()).await?;
        let Some(field) = next.map_err(|_| unreadable_form())? else {
            return Ok(None);
        };
        Ok(Some(FormPart {
            line: self.line.clone(),
            field,
            stall: self.stall,
        }))
    }
}

/// One field of a form.
pub struct FormPart<'a> {
    line: MeteredBody,
    field: Field<'a>,
    stall: Duration,
}

impl FormPart<'_> {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.disposition_name(file_name::field_name)
    }

    /// Returns the name of its file on the client; empty when it has none.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.disposition_name(file_name::file_name)
    }

    fn disposition_name(&self, read: fn(&[u8]) -> Option<String>) -> String {
        let disposition = self.field.headers().get(header::CONTENT_DISPOSITION);
        disposition
            .and_then(|value| read(value.as_bytes()))
            .unwrap_or_default()
    }

    /// Returns the next bytes of a file.
    ///
    /// # Errors
    /// `Malformed` when it breaks off or stalls.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        self.line.line().in_file = true;
        within_timeout(self.stall, self.field.chunk())
            .await?
            .map_err(|_| unreadable_form())
    }
}

async fn within_timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    let late = |_| RequestError::malformed("nothing came for too long");
    tokio::time::timeout(limit, work).await.map_err(late)
}

// The parser's message may quote a field's name and is therefore not returned.
fn unreadable_form() -> RequestError {
    RequestError::malformed("the form could not be read")
}

/// Returns the error for a form without its file, with two, or with a file without a name.
#[must_use]
pub fn bad_file(problem: &str) -> RequestError {
    RequestError::invalid("file", problem)
}

impl RefusedForm {
    /// Reads and drops the rest of the body, within bounds.
    pub async fn drain(self) {
        let drained = async {
            let mut dropped = 0;
            let mut line = self.0;
            line.line().in_file = true;
            // A client that has stopped sending is waiting for the answer.
            while let Ok(Some(Ok(bytes))) =
                tokio::time::timeout(DRAIN_STALL_TIMEOUT, line.next()).await
            {
                dropped += bytes.len();
                if dropped > MAX_DRAINED_BYTES {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
    }
}
