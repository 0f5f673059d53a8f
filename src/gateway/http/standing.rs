//! Answers end with the right of whoever asked: what is still being made, or taken off the line, when a token
//! ends is not handed out any further.

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

use super::{Door, answer::Refusal, listener::Peer};
use crate::{domain::access::Pass, service::BELIEF};

/// Answers up to this size are gone as soon as they are given to the connection.
const LIGHT: u64 = 64 << 10;
/// A larger one is given to it in pieces of this size: what it has, it writes to the end.
const PIECE: usize = 16 << 10;

/// A body that is watched until it was given away.
struct Watched {
    body: Body,
    /// What of a frame waits for its turn.
    rest: Bytes,
    _watch: AbortOnDropHandle<()>,
}

impl HttpBody for Watched {
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
        let piece = self.rest.len().min(PIECE);
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

/// Answers a call of somebody who showed a token, as long as it holds. What has been changed by then stays
/// changed and is answered; what was only looked at is not.
pub async fn answer(door: Door, pass: Pass, request: Request, next: Next) -> Response {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.clone());
    let begun = Instant::now();
    let response = next.run(request).await;
    if is_look
        && begun.elapsed() > BELIEF
        && let Err(error) = door.services.must_still_hold(&pass).await
    {
        return Refusal(error).into_response();
    }
    let (parts, body) = response.into_parts();
    let Some(peer) = peer.filter(|_| body.size_hint().upper().is_none_or(|most| most > LIGHT)) else {
        return Response::from_parts(parts, body);
    };
    // Who takes nothing asks for nothing: the connection is cut from outside.
    let watch = tokio::spawn(async move {
        door.services.ended(&pass).await;
        metrics::counter!("wardline_connections_closed_total", "reason" => "right_ended").increment(1);
        peer.switch.cut();
    });
    let watched = Watched { body, rest: Bytes::new(), _watch: AbortOnDropHandle::new(watch) };
    Response::from_parts(parts, Body::new(watched))
}
