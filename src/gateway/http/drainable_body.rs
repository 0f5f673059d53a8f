//! Draining of unread bodies. The body of a refused request is read and dropped, within bounds.
//! Closing the connection while it arrives would break it before the client has read the reason.

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

/// How much of a body is drained, and for how long.
const MAX_DRAINED_BYTES: usize = 16 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// A client that sends nothing for this time is waiting for the answer.
const DRAIN_STALL_TIMEOUT: Duration = Duration::from_secs(1);

/// A body whose rest can be read by another reader.
#[derive(Clone)]
struct DrainableBody(Arc<Mutex<BodyDataStream>>);

impl Stream for DrainableBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll_next_unpin(cx)
    }
}

/// Reads and drops the rest; returns `false` when more may follow.
async fn drain(mut rest: DrainableBody) -> bool {
    let drained = async {
        let mut dropped = 0;
        loop {
            match tokio::time::timeout(DRAIN_STALL_TIMEOUT, rest.next()).await {
                Ok(Some(Ok(bytes))) if dropped < MAX_DRAINED_BYTES => dropped += bytes.len(),
                Ok(None) => return true,
                _ => return false,
            }
        }
    };
    tokio::time::timeout(DRAIN_TIMEOUT, drained)
        .await
        .unwrap_or(false)
}

/// The middleware. If more of the body may follow, the connection is closed and the answer
/// announces it.
pub async fn drain_refused_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // A client that sent `Expect` does not send its body after a refusal.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let rest = DrainableBody(Arc::new(Mutex::new(body.into_data_stream())));
    let mut response = next
        .run(Request::from_parts(parts, Body::from_stream(rest.clone())))
        .await;
    let status = response.status();
    let is_refused = status.is_client_error() || status.is_server_error();
    if is_refused && (asks_first || !drain(rest).await) {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
