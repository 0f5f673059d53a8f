//! Answering an event: its acknowledgement, the server event of the source, or an `error` event.

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

use super::connect::Guest;
use crate::{domain::Error, gateway::http::answer::failure};

/// Where the answer to one event goes.
pub(super) struct Answering {
    pub socket: Arc<Socket<LocalAdapter>>,
    ack: Option<i64>,
    guest: Arc<Guest>,
}

impl Answering {
    pub fn new(socket: &Arc<Socket<LocalAdapter>>, ack: Option<i64>, guest: &Arc<Guest>) -> Self {
        Self { socket: Arc::clone(socket), ack, guest: Arc::clone(guest) }
    }

    /// Whether the client waits for an acknowledgement.
    pub fn has_callback(&self) -> bool {
        self.ack.is_some()
    }

    /// Calls the client's callback, if it gave one.
    pub fn acknowledge<T: Serialize + ?Sized>(&self, answer: &T) {
        let Some(ack) = self.ack else { return };
        let Some(answer) = self.weighed("", answer) else { return };
        let mut nothing = Value::Bytes(bytes::Bytes::new());
        let Ok(sender) =
            AckSender::<LocalAdapter>::from_message_parts(&self.socket, &mut nothing, &Some(ack));
        self.note(sender.send(&answer).err());
    }

    /// Says a server event to this socket alone.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, payload: &T) {
        let Some(payload) = self.weighed(event, payload) else { return };
        self.note(self.socket.emit(event, &payload).err());
    }

    /// Writes an answer, as far as there is room for its bytes.
    fn weighed<T: Serialize + ?Sized>(&self, event: &str, answer: &T) -> Option<Box<RawValue>> {
        match serde_json::value::to_raw_value(answer) {
            Ok(answer) if self.guest.load().add(event.len() + answer.get().len()) => Some(answer),
            Ok(_) => {
                self.note(Some(SendError::Socket(SocketError::InternalChannelFull)));
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
    pub fn refuse(&self, event: &str, error: &Error) {
        if matches!(error, Error::Forbidden(_)) {
            self.guest.door.services.note_refused(Some(&self.guest.actor), event);
        }
        let mut body = failure(error, self.guest.language);
        if self.has_callback() {
            self.acknowledge(&body);
        } else {
            body.insert("event".to_owned(), json!(event));
            self.emit("error", &body);
        }
    }

    fn note(&self, error: Option<SendError>) {
        match error {
            // Its client would wait for ever: it is to come back and ask again.
            Some(SendError::Socket(SocketError::InternalChannelFull)) => self.guest.lag(),
            // A gone socket needs no answer.
            Some(SendError::Socket(SocketError::Closed)) | None => {}
            Some(SendError::Serialize(error)) => tracing::error!(%error, "an answer could not be written"),
        }
    }
}
