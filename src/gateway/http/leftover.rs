//! Bodies that nobody read: what is refused before its body was looked at is taken off the line, within bounds.
//! Closing while it still comes would break the connection before the client has read why.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// How much is taken off the line, and for how long.
const MAX_DROPPED: usize = 16 << 20;
const DROP_LIMIT: Duration = Duration::from_secs(5);
/// Who sends nothing for so long is listening.
const DROP_STALL: Duration = Duration::from_secs(1);

/// A body of which somebody else can read the rest.
#[derive(Clone)]
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx)
    }
}

/// Takes the rest; `false` when more may come.
async fn drain(mut rest: Shared) -> bool {
    let drained = async {
        let mut dropped = 0;
        loop {
            match tokio::time::timeout(DROP_STALL, rest.next()).await {
                Ok(Some(Ok(bytes))) if dropped < MAX_DROPPED => dropped += bytes.len(),
                Ok(None) => return true,
                _ => return false,
            }
        }
    };
    tokio::time::timeout(DROP_LIMIT, drained).await.unwrap_or(false)
}

/// The middleware. A connection on which more may come is closed, and says so.
pub async fn take_off_the_line(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Who asks first sends nothing when it is refused.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let rest = Shared(Arc::new(Mutex::new(body.into_data_stream())));
    let mut response = next.run(Request::from_parts(parts, Body::from_stream(rest.clone()))).await;
    let status = response.status();
    let is_refused = status.is_client_error() || status.is_server_error();
    if is_refused && (asks_first || !drain(rest).await) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
