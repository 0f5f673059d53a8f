//! Forms that bring a file (multipart/form-data, RFC 7578), read as they come.
//!
//! The parser would take as much as is there; here it gets one piece at a time, and between files no more
//! than a form's words may have. So an upload takes a few pieces of memory, whatever is in it.

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

use super::file_name;
use crate::domain::{Error, Result, error::FieldErrors};

/// The most bytes of a form before, between and after its files.
const MAX_WORDS: usize = 64 * 1024;
/// How much of a refused form is taken off the line, and for how long: closing while it still comes would
/// break the connection before the client has read why.
const MAX_DROPPED: usize = 64 << 20;
const DROP_LIMIT: Duration = Duration::from_secs(15);
const DROP_STALL: Duration = Duration::from_secs(1);

/// The body, and how much of it may come before the parser says what it was.
struct Line {
    body: BodyDataStream,
    /// Bytes that may still come before the next field.
    words: usize,
    in_file: bool,
    /// A piece was just handed over: the next one waits until that is worked off.
    gave: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the form is too long")]
struct TooManyWords;

#[derive(Clone)]
struct Metered(Arc<Mutex<Line>>);

impl Metered {
    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Metered {
    type Item = std::result::Result<Bytes, axum::BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut line = self.line();
        if std::mem::take(&mut line.gave) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // One piece, which may be most of a small file, always comes.
        if !line.in_file && line.words == 0 {
            return Poll::Ready(Some(Err(TooManyWords.into())));
        }
        match line.body.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                line.gave = true;
                if !line.in_file {
                    line.words = line.words.saturating_sub(bytes.len());
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            other => other.map(|item| item.map(|piece| piece.map_err(Into::into))),
        }
    }
}

/// A form that is coming in.
pub struct Form {
    line: Metered,
    fields: Multipart,
    stall: Duration,
}

/// A form that was refused, with what may still come of it.
pub struct Leftover(Metered);

/// The length that a request says its body has.
#[must_use]
pub fn declared_length(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Takes a request for a form; its body may be taken off the line when it is refused.
#[must_use]
pub fn split(request: Request) -> (Request, Leftover) {
    let (parts, body) = request.into_parts();
    let line = Line { body: body.into_data_stream(), words: MAX_WORDS, in_file: false, gave: false };
    let line = Metered(Arc::new(Mutex::new(line)));
    (Request::from_parts(parts, Body::from_stream(line.clone())), Leftover(line))
}

impl Form {
    /// Begins to read. Between two pieces no more than `stall` may pass.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for what is no form.
    pub async fn of(request: Request, leftover: &Leftover, stall: Duration) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let is_packed = request.headers().contains_key(header::CONTENT_ENCODING);
        if !essence.eq_ignore_ascii_case("multipart/form-data") || is_packed {
            return Err(Error::UnsupportedMediaType);
        }
        let fields = Multipart::from_request(request, &()).await;
        let fields = fields.map_err(|_| Error::Malformed("the form has no boundary".to_owned()))?;
        Ok(Self { line: leftover.0.clone(), fields, stall })
    }

    /// The next field.
    ///
    /// # Errors
    /// `Malformed`.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>> {
        {
            let mut line = self.line.line();
            (line.in_file, line.words) = (false, MAX_WORDS);
        }
        let next = in_time(self.stall, self.fields.next_field()).await?;
        let Some(field) = next.map_err(|_| unreadable())? else { return Ok(None) };
        Ok(Some(Part { line: self.line.clone(), field, stall: self.stall }))
    }
}

/// One field of a form.
pub struct Part<'a> {
    line: Metered,
    field: Field<'a>,
    stall: Duration,
}

impl Part<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.named_by(file_name::field_name)
    }

    /// The name that its file has where it comes from; empty when it has none.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.named_by(file_name::file_name)
    }

    fn named_by(&self, read: fn(&[u8]) -> Option<String>) -> String {
        let disposition = self.field.headers().get(header::CONTENT_DISPOSITION);
        disposition.and_then(|value| read(value.as_bytes())).unwrap_or_default()
    }

    /// The next bytes of a file.
    ///
    /// # Errors
    /// `Malformed` when it breaks off or stalls.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        self.line.line().in_file = true;
        in_time(self.stall, self.field.chunk()).await?.map_err(|_| unreadable())
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    let late = |_| Error::Malformed("nothing came for too long".to_owned());
    tokio::time::timeout(limit, work).await.map_err(late)
}

// The parser's words may quote a field's name: they stay here.
fn unreadable() -> Error {
    Error::Malformed("the form could not be read".to_owned())
}

/// A form without its file, with two, or with a file of no name.
#[must_use]
pub fn bad_file(problem: &str) -> Error {
    Error::Validation(FieldErrors::one("file", problem))
}

impl Leftover {
    /// Takes what still comes off the line, within bounds.
    pub async fn drain(self) {
        let drained = async {
            let mut dropped = 0;
            let mut line = self.0;
            line.line().in_file = true;
            // Who has stopped sending is listening.
            while let Ok(Some(Ok(bytes))) = tokio::time::timeout(DROP_STALL, line.next()).await {
                dropped += bytes.len();
                if dropped > MAX_DROPPED {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(DROP_LIMIT, drained).await;
    }
}
