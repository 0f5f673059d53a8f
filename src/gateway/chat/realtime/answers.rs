//! Answers to an event: its acknowledgement, the server event of the source, or an `error` event.

use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::Ticket;
use crate::{
    domain::Error,
    gateway::{
        http::{answer::failure, error::RequestError},
        realtime::{Frame, Responder},
    },
};

/// The recipient of the answer to one event.
pub(super) struct Answers<'a> {
    pub to: &'a Responder,
    pub ticket: Ticket,
}

fn encode<T: Serialize + ?Sized>(answer: &T) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(answer)
        .inspect_err(|error| tracing::error!(%error, "an answer could not be written"))
        .ok()
}

impl Answers<'_> {
    /// Whether the client waits for an acknowledgement.
    pub fn has_callback(&self) -> bool {
        self.ticket.ack.is_some()
    }

    /// Calls the client's callback, if it gave one.
    pub fn acknowledge<T: Serialize + ?Sized>(&self, answer: &T) {
        let Some(id) = self.ticket.ack else { return };
        if let Some(payload) = encode(answer) {
            self.to.send(Frame::Ack {
                id,
                payload: &payload,
            });
        }
    }

    /// Sends a server event to this socket alone.
    pub fn emit<T: Serialize + ?Sized>(&self, name: &str, payload: &T) {
        if let Some(payload) = encode(payload) {
            self.to.send(Frame::Event {
                name,
                payload: &payload,
            });
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
    pub fn refuse(&self, error: impl Into<RequestError>) {
        let error = error.into();
        let (connection, event) = (&self.to.connection, &self.ticket.event);
        if matches!(error, RequestError::Service(Error::Forbidden(_))) {
            let services = &connection.app.services;
            services.record_refused(Some(&connection.actor), event);
        }
        let mut body = failure(&error, connection.language);
        if self.has_callback() {
            self.acknowledge(&body);
        } else {
            body.insert("event".to_owned(), json!(event));
            self.emit("error", &body);
        }
    }
}
