//! Ends answers with the token of their caller. An answer that is still being computed or sent when
//! the token ends is not sent any further.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio_util::task::AbortOnDropHandle;

use super::{AppState, answer::Refusal, listener::Peer};
use crate::{domain::access::AuthenticatedToken, service::TOKEN_RECHECK_INTERVAL};

/// Answers up to this size are written at once when they reach the connection.
const MAX_UNWATCHED_BYTES: u64 = 64 << 10;
/// Larger answers are passed on in pieces of this size: a piece in the connection is written to its
/// end.
const CHUNK_BYTES: usize = 16 << 10;

/// A body whose token is watched until the body is sent.
struct RecheckedBody {
    body: Body,
    /// The rest of a frame.
    rest: Bytes,
    _watch: AbortOnDropHandle<()>,
}

impl HttpBody for RecheckedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        }
        let piece = self.rest.len().min(CHUNK_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

/// Answers an authenticated call as long as its token is valid. A change that was made before the
/// end is answered; a read is not.
pub async fn answer(
    app: AppState,
    auth: AuthenticatedToken,
    request: Request,
    next: Next,
) -> Response {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    let peer = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|ConnectInfo(peer)| peer.clone());
    let begun = Instant::now();
    let response = next.run(request).await;
    if is_look
        && begun.elapsed() > TOKEN_RECHECK_INTERVAL
        && let Err(error) = app.services.recheck_token(&auth).await
    {
        return Refusal::from(error).into_response();
    }
    let (parts, body) = response.into_parts();
    let Some(peer) = peer.filter(|_| {
        body.size_hint()
            .upper()
            .is_none_or(|most| most > MAX_UNWATCHED_BYTES)
    }) else {
        return Response::from_parts(parts, body);
    };
    // A client that reads nothing does not poll the body. The connection is therefore aborted from
    // a separate task.
    let watch = tokio::spawn(async move {
        app.services.ended(&auth).await;
        metrics::counter!("wardline_connections_closed_total", "reason" => "right_ended")
            .increment(1);
        peer.aborter.cut();
    });
    let watched = RecheckedBody {
        body,
        rest: Bytes::new(),
        _watch: AbortOnDropHandle::new(watch),
    };
    Response::from_parts(parts, Body::new(watched))
}
