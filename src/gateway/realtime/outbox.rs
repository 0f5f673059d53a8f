//! The outbox of a connection: encodes the hub's events in its dialect, and records what was
//! delivered.

use std::sync::Arc;

use super::dialect::{Dialect, Frame, Responder};
use crate::{
    domain::{
        event::{Event, MessageEvent},
        message::Message,
    },
    hub::{CloseReason, EncodedEvent, Outbox, SendResult},
};

/// The load of a message that was sent and not yet acknowledged, bytes.
const UNACKNOWLEDGED_MESSAGE_BYTES: usize = 512;

/// The outgoing side of one connection.
pub(super) struct DialectOutbox<D> {
    pub dialect: Arc<D>,
    pub responder: Responder,
}

/// The load of an acknowledgement that has not arrived yet.
struct PendingAck(Responder);

impl Drop for PendingAck {
    fn drop(&mut self) {
        let load = self.0.connection.load();
        load.written(UNACKNOWLEDGED_MESSAGE_BYTES);
    }
}

impl<D: Dialect> DialectOutbox<D> {
    /// Sends another user's message. It counts as delivered when the client acknowledges it,
    /// or, for a client that never acknowledges, when it is queued.
    fn deliver(&self, frame: Frame<'_>, message: &Arc<Message>) -> SendResult {
        let Responder { connection, sink } = &self.responder;
        let services = &connection.app.services;
        if !connection.options.acknowledges {
            let result = sink.send(frame);
            if result == SendResult::Queued {
                services.record_delivered(connection.actor.user, [&**message]);
            }
            return result;
        }
        // An outstanding acknowledgement occupies memory, too.
        if !connection.load().add(UNACKNOWLEDGED_MESSAGE_BYTES) {
            return SendResult::Full;
        }
        let (waiting, message) = (PendingAck(self.responder.clone()), Arc::clone(message));
        let acknowledged = move || {
            let connection = &waiting.0.connection;
            let services = &connection.app.services;
            services.record_delivered(connection.actor.user, [&*message]);
        };
        sink.send_with_ack(frame, Box::new(acknowledged))
    }
}

impl<D: Dialect> Outbox for DialectOutbox<D> {
    fn send(&self, event: &EncodedEvent<'_>) -> SendResult {
        let connection = &self.responder.connection;
        let Some(encoded) = self.dialect.encode(event, connection) else {
            return SendResult::Queued;
        };
        let Some(frame) = encoded.frame() else {
            return SendResult::Queued;
        };
        match event.event() {
            Event::Message(MessageEvent::Created(message))
                if message.sender != connection.actor.user =>
            {
                self.deliver(frame, message)
            }
            Event::Message(_)
            | Event::Receipt(_)
            | Event::Conversation(_)
            | Event::Unread(_)
            | Event::Presence(_)
            | Event::Typing(_) => self.responder.sink.send(frame),
        }
    }

    fn close(&self, reason: CloseReason) {
        self.responder.sink.close(reason);
    }
}
