//! One socket as the outgoing side of a connection.

use std::{sync::Arc, time::Duration};

use serde_json::value::RawValue;
use socketioxide::{
    AckError, SendError, SocketError,
    adapter::LocalAdapter,
    extract::{AckSender, SocketRef},
    handler::{FromMessageParts, Value},
    socket::Socket,
};

use super::session_registry::SessionEntry;
use crate::{
    gateway::{
        http::address::ClientAddress,
        realtime::{Frame, FrameSink},
    },
    hub::{CloseReason, SendResult},
    service::ClientInfo,
};

/// How long the disconnect packet of an ended token may take before the connection is aborted.
const TOKEN_ENDED_GRACE: Duration = Duration::from_secs(2);

/// One socket.
pub(super) struct SocketSink {
    pub socket: Arc<Socket<LocalAdapter>>,
    pub entry: Arc<SessionEntry>,
}

fn send_result(result: Result<(), SendError>) -> SendResult {
    match result {
        Ok(()) => SendResult::Queued,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => SendResult::Full,
        Err(SendError::Socket(SocketError::Closed)) => SendResult::Gone,
        Err(SendError::Serialize(error)) => {
            tracing::error!(%error, "a frame could not be written");
            SendResult::Gone
        }
    }
}

/// Ends a session over polling, which survives the abort of its connection. It retries until the
/// disconnect packet fits into the buffer.
async fn end_session(socket: SocketRef) {
    while socket.connected() && socket.clone().disconnect().is_err() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl SocketSink {
    fn socket(&self) -> SocketRef {
        SocketRef::from(Arc::clone(&self.socket))
    }

    fn emit(&self, name: &str, payload: &RawValue) -> SendResult {
        if !self.entry.load.add(name.len() + payload.get().len()) {
            return SendResult::Full;
        }
        send_result(self.socket.emit(name, payload))
    }

    fn acknowledge(&self, id: i64, payload: &RawValue) -> SendResult {
        if !self.entry.load.add(payload.get().len()) {
            return SendResult::Full;
        }
        let mut nothing = Value::Bytes(bytes::Bytes::new());
        let Ok(sender) =
            AckSender::<LocalAdapter>::from_message_parts(&self.socket, &mut nothing, &Some(id));
        send_result(sender.send(payload))
    }
}

impl FrameSink for SocketSink {
    fn send(&self, frame: Frame<'_>) -> SendResult {
        match frame {
            Frame::Event { name, payload } => self.emit(name, payload),
            Frame::Ack { id, payload } => self.acknowledge(id, payload),
            Frame::Text(_) | Frame::Binary(_) => {
                tracing::error!("a dialect of WebSockets answered a Socket.IO event");
                SendResult::Gone
            }
        }
    }

    fn send_with_ack(
        &self,
        frame: Frame<'_>,
        acknowledged: Box<dyn FnOnce() + Send>,
    ) -> SendResult {
        let Frame::Event { name, payload } = frame else {
            return self.send(frame);
        };
        if !self.entry.load.add(name.len() + payload.get().len()) {
            return SendResult::Full;
        }
        let sent = self
            .socket
            .emit_with_ack::<_, serde_json::Value>(name, payload);
        match sent {
            Ok(answer) => {
                tokio::spawn(async move {
                    // The content of the acknowledgement does not matter: the client has the
                    // message.
                    if matches!(answer.await, Ok(_) | Err(AckError::Decode(_))) {
                        acknowledged();
                    }
                });
                SendResult::Queued
            }
            Err(error) => send_result(Err(error)),
        }
    }

    fn close(&self, reason: CloseReason) {
        match reason {
            // A disconnect packet would not arrive any more. The transport is aborted instead, and
            // the client reconnects by itself.
            CloseReason::Lagging => {
                tracing::info!(socket = %self.socket.id, "a connection lagged and was cut");
                self.entry.cut();
                tokio::spawn(end_session(self.socket()));
            }
            CloseReason::RightsChanged => {
                self.entry.cut();
                tokio::spawn(end_session(self.socket()));
            }
            CloseReason::TokenEnded
            | CloseReason::Deactivated
            | CloseReason::Replaced
            | CloseReason::Surplus
            | CloseReason::Flooding => {
                let said = self.socket().disconnect().is_ok();
                let entry = Arc::clone(&self.entry);
                tokio::spawn(async move {
                    // The last packets get time to arrive; then the connection is aborted, if the
                    // client has not closed it.
                    if said {
                        tokio::time::sleep(TOKEN_ENDED_GRACE).await;
                    }
                    entry.cut();
                });
            }
        }
    }

    fn is_open(&self) -> bool {
        self.socket.connected()
    }

    fn client_info(&self) -> ClientInfo {
        let parts = self.socket.req_parts();
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        ClientInfo {
            socket_id: self.socket.id.to_string(),
            user_agent: text(axum::http::header::USER_AGENT).to_owned(),
            ip_address: parts
                .extensions
                .get::<ClientAddress>()
                .map_or(String::new(), |address| address.0.to_string()),
        }
    }
}
