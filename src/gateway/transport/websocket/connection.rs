//! One WebSocket: a task reads, writes, and watches that the client is alive.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as WsError, Message, Utf8Bytes,
        error::CapacityError,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use super::{
    WebSocketDialect,
    sink::{Outgoing, WebSocketSink},
};
use crate::{
    gateway::{
        http::listener::ConnectionAborter,
        realtime::{Connection, FrameSink, Input, Responder, accept},
    },
    service::ClientInfo,
};

/// How long one frame may take to be written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes that a WebSocket reads at once. Each idle connection keeps this buffer.
const READ_BUFFER_BYTES: usize = 1 << 10;
/// Written frames are gathered up to this size.
const WRITE_BUFFER_BYTES: usize = 4 << 10;

/// When a silent client is asked, and when it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// The silence after which the server sends a Ping.
    pub ping_after: Duration,
    /// The silence after which the connection is cut.
    pub cut_after: Duration,
}

/// What carries a connection once its upgrade has come.
pub(super) struct Carrier<D> {
    pub dialect: Arc<D>,
    pub connection: Arc<Connection>,
    pub client: ClientInfo,
    pub keep_alive: KeepAlive,
    pub closing: CancellationToken,
    pub aborter: ConnectionAborter,
}

impl<D: WebSocketDialect> Carrier<D> {
    /// Ends a connection whose upgrade did not come.
    pub fn give_up(self) {
        self.connection.leave();
    }

    /// Carries the connection until it ends.
    pub async fn run<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        let policy = self.dialect.policy();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(Some(policy.max_frame_bytes))
            .max_frame_size(Some(policy.max_frame_bytes));
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let load = Arc::clone(self.connection.load());
        let sink = WebSocketSink::new(load, self.client.clone());
        let shared: Arc<dyn FrameSink> = sink.clone();
        self.connection.join_hub(&self.dialect, shared);
        let mut is_entered = true;
        if policy.is_present_on_arrival && self.connection.enter(&*sink).await.is_err() {
            is_entered = false;
            sink.close(crate::hub::CloseReason::TokenEnded);
        }
        let _ = is_entered;
        let clean = self.serve(&mut socket, &sink).await;
        sink.end();
        self.connection.leave();
        if clean {
            // The client's own close frame, or its end of the connection.
            let rest = async { while let Some(Ok(_)) = socket.next().await {} };
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, rest).await;
        } else {
            self.aborter.cut();
        }
    }

    /// Returns whether the connection was closed as the protocol says.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocketStream<S>,
        sink: &Arc<WebSocketSink>,
    ) -> bool {
        let KeepAlive {
            ping_after,
            cut_after,
        } = self.keep_alive;
        let (mut heard_at, mut pinged) = (Instant::now(), false);
        loop {
            let due = heard_at + if pinged { cut_after } else { ping_after };
            tokio::select! {
                () = sink.written.notified() => match write_queued(socket, sink).await {
                    ControlFlow::Continue(()) => {}
                    ControlFlow::Break(clean) => return clean,
                },
                received = socket.next() => {
                    (heard_at, pinged) = (Instant::now(), false);
                    match received {
                        Some(Ok(message)) => match self.take(message, sink) {
                            ControlFlow::Continue(()) => {}
                            ControlFlow::Break(()) => return true,
                        },
                        Some(Err(error)) => sink.close_with(match close_for(&error) {
                            Some(frame) => frame,
                            None => return false,
                        }),
                        None => return true,
                    }
                },
                () = tokio::time::sleep_until(due) => {
                    if pinged {
                        return false;
                    }
                    pinged = true;
                    if write(socket, Message::Ping(bytes::Bytes::new())).await.is_err() {
                        return false;
                    }
                },
                () = self.closing.cancelled() => {
                    sink.close_with(frame(CloseCode::Away, "shutting down"));
                    // Only once: from here on the queue's end closes the connection.
                    if let ControlFlow::Break(clean) = write_queued(socket, sink).await {
                        return clean;
                    }
                    return true;
                },
            }
        }
    }

    fn take(&self, message: Message, sink: &Arc<WebSocketSink>) -> ControlFlow<()> {
        let input = match message {
            Message::Text(text) => Input::Text(text.as_str().to_owned()),
            Message::Binary(bytes) => Input::Binary(bytes),
            Message::Close(_) => return ControlFlow::Break(()),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                return ControlFlow::Continue(());
            }
        };
        let responder = Responder {
            connection: Arc::clone(&self.connection),
            sink: sink.clone(),
        };
        accept(&self.dialect, responder, input);
        ControlFlow::Continue(())
    }
}

/// Writes what is queued. `Break` tells whether the connection was closed as the protocol says.
async fn write_queued<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    sink: &WebSocketSink,
) -> ControlFlow<bool> {
    let mut unflushed = 0;
    loop {
        match sink.next() {
            Outgoing::Frame(frame) => {
                let bytes = frame.len();
                let fed = tokio::time::timeout(WRITE_TIMEOUT, socket.feed(frame)).await;
                if !matches!(fed, Ok(Ok(()))) {
                    return ControlFlow::Break(false);
                }
                unflushed += bytes;
            }
            Outgoing::Close(frame) => {
                let closed = write(socket, Message::Close(Some(frame))).await;
                sink.written(unflushed);
                return ControlFlow::Break(closed.is_ok());
            }
            Outgoing::Nothing => {
                let flushed = tokio::time::timeout(WRITE_TIMEOUT, socket.flush()).await;
                sink.written(unflushed);
                return match flushed {
                    Ok(Ok(())) => ControlFlow::Continue(()),
                    Ok(Err(_)) | Err(_) => ControlFlow::Break(false),
                };
            }
        }
    }
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    message: Message,
) -> Result<(), ()> {
    match tokio::time::timeout(WRITE_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

fn frame(code: CloseCode, text: &'static str) -> CloseFrame {
    CloseFrame {
        code,
        reason: Utf8Bytes::from_static(text),
    }
}

/// Returns how a broken connection can still be closed; `None` if nothing can be said any more.
fn close_for(error: &WsError) -> Option<CloseFrame> {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some(frame(CloseCode::Size, "the frame is too large"))
        }
        WsError::Utf8(_) => Some(frame(CloseCode::Invalid, "the text is not UTF-8")),
        WsError::Protocol(_) => Some(frame(CloseCode::Protocol, "broken protocol")),
        _ => None,
    }
}
