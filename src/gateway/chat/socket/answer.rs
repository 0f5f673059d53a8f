//! Answering an event: its acknowledgement, the server event of the source, or an `error` event.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use socketioxide::{
    adapter::LocalAdapter,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};

use crate::{
    domain::{Error, error::Language},
    gateway::http::answer::failure,
};

/// Where the answer to one event goes.
pub(super) struct Answering {
    pub socket: Arc<Socket<LocalAdapter>>,
    ack: Option<i64>,
    language: Language,
}

impl Answering {
    pub fn new(socket: &Arc<Socket<LocalAdapter>>, ack: Option<i64>, language: Language) -> Self {
        Self { socket: Arc::clone(socket), ack, language }
    }

    /// Whether the client waits for an acknowledgement.
    pub fn has_callback(&self) -> bool {
        self.ack.is_some()
    }

    /// Calls the client's callback, if it gave one.
    pub fn acknowledge<T: Serialize + ?Sized>(&self, answer: &T) {
        let Some(ack) = self.ack else { return };
        let mut nothing = Value::Bytes(bytes::Bytes::new());
        let Ok(sender) =
            AckSender::<LocalAdapter>::from_message_parts(&self.socket, &mut nothing, &Some(ack));
        self.note(sender.send(answer).err());
    }

    /// Says a server event to this socket alone.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, payload: &T) {
        self.note(self.socket.emit(event, payload).err());
    }

    /// Answers a failure: to the callback, or as an `error` event.
    pub fn refuse(&self, event: &str, error: &Error) {
        let mut body = failure(error, self.language);
        if self.has_callback() {
            self.acknowledge(&body);
        } else {
            body.insert("event".to_owned(), json!(event));
            self.emit("error", &body);
        }
    }

    fn note(&self, error: Option<socketioxide::SendError>) {
        if let Some(error) = error {
            // A full buffer also fails the next event from the hub, which closes the connection; a gone
            // socket needs no answer.
            tracing::debug!(%error, socket = %self.socket.id, "an answer was not taken");
            metrics::counter!("wardline_refusals_total", "reason" => "answer_lost").increment(1);
        }
    }
}
