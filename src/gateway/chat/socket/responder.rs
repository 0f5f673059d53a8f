//! Answers to an event: its acknowledgement, the server event of the source, or an `error` event.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{json, value::RawValue};
use socketioxide::{
    SendError, SocketError,
    adapter::LocalAdapter,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};

use super::connect::Connection;
use crate::{
    domain::Error,
    gateway::http::{answer::failure, error::RequestError},
};

/// The recipient of the answer to one event.
pub(super) struct EventResponder {
    pub socket: Arc<Socket<LocalAdapter>>,
    ack: Option<i64>,
    connection: Arc<Connection>,
}

impl EventResponder {
    pub fn new(
        socket: &Arc<Socket<LocalAdapter>>,
        ack: Option<i64>,
        connection: &Arc<Connection>,
    ) -> Self {
        Self {
            socket: Arc::clone(socket),
            ack,
            connection: Arc::clone(connection),
        }
    }

    /// Whether the client waits for an acknowledgement.
    pub fn has_callback(&self) -> bool {
        self.ack.is_some()
    }

    /// Calls the client's callback, if it gave one.
    pub fn acknowledge<T: Serialize + ?Sized>(&self, answer: &T) {
        let Some(ack) = self.ack else { return };
        let Some(answer) = self.encode_within_load("", answer) else {
            return;
        };
        let mut nothing = Value::Bytes(bytes::Bytes::new());
        let Ok(sender) =
            AckSender::<LocalAdapter>::from_message_parts(&self.socket, &mut nothing, &Some(ack));
        self.handle_send_error(sender.send(&answer).err());
    }

    /// Sends a server event to this socket alone.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, payload: &T) {
        let Some(payload) = self.encode_within_load(event, payload) else {
            return;
        };
        self.handle_send_error(self.socket.emit(event, &payload).err());
    }

    /// Encodes an answer, if the load has capacity for its bytes.
    fn encode_within_load<T: Serialize + ?Sized>(
        &self,
        event: &str,
        answer: &T,
    ) -> Option<Box<RawValue>> {
        match serde_json::value::to_raw_value(answer) {
            Ok(answer) if self.connection.load().add(event.len() + answer.get().len()) => {
                Some(answer)
            }
            Ok(_) => {
                self.handle_send_error(Some(SendError::Socket(SocketError::InternalChannelFull)));
                None
            }
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                None
            }
        }
    }

    /// Answers once: to the callback, or without one as a server event.
    pub fn answer<T: Serialize + ?Sized>(&self, event: &str, answer: &T) {
        if self.has_callback() {
            self.acknowledge(answer);
        } else {
            self.emit(event, answer);
        }
    }

    /// Answers a failure: to the callback, or as an `error` event.
    pub fn refuse(&self, event: &str, error: impl Into<RequestError>) {
        let error = error.into();
        if matches!(error, RequestError::Service(Error::Forbidden(_))) {
            self.connection
                .app
                .services
                .record_refused(Some(&self.connection.actor), event);
        }
        let mut body = failure(&error, self.connection.language);
        if self.has_callback() {
            self.acknowledge(&body);
        } else {
            body.insert("event".to_owned(), json!(event));
            self.emit("error", &body);
        }
    }

    fn handle_send_error(&self, error: Option<SendError>) {
        match error {
            // The client would wait for ever. It is disconnected, so that it reconnects and asks
            // again.
            Some(SendError::Socket(SocketError::InternalChannelFull)) => {
                self.connection.disconnect_slow_consumer();
            }
            // A closed socket needs no answer.
            Some(SendError::Socket(SocketError::Closed)) | None => {}
            Some(SendError::Serialize(error)) => {
                tracing::error!(%error, "an answer could not be written");
            }
        }
    }
}
