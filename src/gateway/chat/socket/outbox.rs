//! The server's events: encodes events of the hub for Socket.IO.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{json, value::RawValue};
use socketioxide::{AckError, SendError, SocketError, extract::SocketRef};

use super::{super::json as wire, session_registry::SessionEntry};
use crate::{
    domain::{UserId, event::Event, message::Message, receipts::MessageView},
    gateway::http::answer::Success,
    hub::{CloseReason, EncodedEvent, Outbox, SendResult},
    service::Services,
};

/// An event's payload, encoded once for all sockets that receive it. `None` if encoding failed,
/// which is a defect of the service.
struct Payload(Option<Box<RawValue>>);

fn payload<T: Serialize>(payload: &T) -> Payload {
    let written = serde_json::value::to_raw_value(payload);
    Payload(
        written
            .inspect_err(|error| tracing::error!(%error, "an event could not be written"))
            .ok(),
    )
}

fn event_name(event: &Event) -> &'static str {
    match event {
        Event::MessageSent(_) => "message:sent",
        Event::MessageReceived(_) => "message:receive",
        Event::MessageStatus { .. } | Event::MessageCounted { .. } => "message:status",
        Event::MessageRead { .. } => "message:read",
        Event::MessageDeleted(tombstone) if tombstone.is_recall => "message:recalled",
        Event::MessageDeleted(_) => "message:deleted",
        Event::MessageUpdated(_) => "message:updated",
        Event::MessageReaction { .. } => "message:reaction",
        Event::UnreadChanged(_) => "unread:count",
        Event::UserStatus(_) => "user:status",
        Event::Typing { active: true, .. } => "typing:start",
        Event::Typing { active: false, .. } => "typing:stop",
        Event::SessionCreated(_) => "session:created",
        Event::SessionUpdated(_) => "session:updated",
        Event::SessionRemoved { .. } => "session:removed",
    }
}

fn encode(event: &Event) -> Payload {
    match event {
        // Both events have the same payload: the hub reuses the encoding of the one for the other.
        Event::MessageSent(stored) | Event::MessageReceived(stored) => {
            let view = MessageView::fresh(Arc::clone(stored));
            payload(&wire::DeliveredMessageJson::from(&view))
        }
        Event::MessageStatus {
            message,
            session,
            status,
            receiver,
            at,
        } => payload(&wire::StatusJson {
            message_id: *message,
            session_id: *session,
            status: status.as_str(),
            user_id: *receiver,
            at: *at,
        }),
        Event::MessageRead {
            message,
            session,
            reader,
            read_at,
            seq,
        } => payload(&json!({
            "messageId": message, "sessionId": session, "userId": reader, "readBy": reader,
            "readAt": read_at, "seq": seq,
        })),
        Event::MessageCounted {
            message,
            session,
            delivered,
            read,
            at,
        } => payload(&wire::ReceiptCountsJson {
            message_id: *message,
            session_id: *session,
            status: if *read > 0 { "read" } else { "delivered" },
            delivered_count: *delivered,
            read_count: *read,
            at: *at,
        }),
        Event::MessageDeleted(tombstone) => payload(&wire::MessageDeletedJson::from(tombstone)),
        Event::MessageUpdated(message) => payload(&wire::MessageUpdatedJson::from(&**message)),
        Event::MessageReaction {
            message,
            user,
            emoji,
            on,
        } => payload(&wire::ReactionJson::of(message, *user, emoji, *on)),
        Event::UnreadChanged(unread) => payload(&Success::of(wire::UnreadJson::from(unread))),
        Event::UserStatus(presence) => payload(&json!({
            "userId": presence.user, "status": presence.status.as_str(), "lastSeen": presence.last_seen,
        })),
        Event::Typing {
            session,
            user,
            active,
        } => payload(&json!({ "sessionId": session, "userId": user, "isTyping": active })),
        Event::SessionCreated(session) => payload(&wire::CreatedJson::from(&**session)),
        Event::SessionUpdated(change) => payload(&wire::GroupChangedJson::from(&**change)),
        Event::SessionRemoved { user, change } => payload(&wire::RemovedJson::of(*user, change)),
    }
}

/// How long the disconnect packet of an ended token may take before the connection is aborted.
const TOKEN_ENDED_GRACE: Duration = Duration::from_secs(2);

/// One socket as an outbox of the hub.
pub(super) struct SocketOutbox {
    pub socket: SocketRef,
    pub services: Arc<Services>,
    pub user: UserId,
    pub acknowledges: bool,
    pub entry: Arc<SessionEntry>,
}

fn send_result(result: &Result<(), SendError>) -> SendResult {
    match result {
        Ok(()) => SendResult::Queued,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => SendResult::Full,
        Err(SendError::Socket(SocketError::Closed) | SendError::Serialize(_)) => SendResult::Gone,
    }
}

/// The load of a message that was sent and not yet acknowledged, bytes.
const UNACKNOWLEDGED_MESSAGE_BYTES: usize = 512;

/// The load of an acknowledgement that has not arrived yet.
struct PendingAck(Arc<SessionEntry>);

impl Drop for PendingAck {
    fn drop(&mut self) {
        self.0.load.written(UNACKNOWLEDGED_MESSAGE_BYTES);
    }
}

impl SocketOutbox {
    /// Sends an event, if the load has capacity for its bytes.
    fn emit(&self, name: &str, payload: &RawValue) -> SendResult {
        if !self.entry.load.add(name.len() + payload.get().len()) {
            return SendResult::Full;
        }
        send_result(&self.socket.emit(name, payload))
    }

    /// Sends a message. It counts as delivered when the client acknowledges it, or, for a client
    /// that never acknowledges, when it is queued.
    fn deliver(&self, name: &str, payload: &RawValue, message: &Arc<Message>) -> SendResult {
        if !self.acknowledges {
            let result = self.emit(name, payload);
            if result == SendResult::Queued {
                self.services.record_delivered(self.user, [&**message]);
            }
            return result;
        }
        // An outstanding acknowledgement occupies memory, too.
        if !self.entry.load.add(UNACKNOWLEDGED_MESSAGE_BYTES) {
            return SendResult::Full;
        }
        let waiting = PendingAck(Arc::clone(&self.entry));
        if !self.entry.load.add(name.len() + payload.get().len()) {
            return SendResult::Full;
        }
        match self
            .socket
            .emit_with_ack::<_, serde_json::Value>(name, payload)
        {
            Ok(acknowledged) => {
                let (services, user, message) =
                    (Arc::clone(&self.services), self.user, Arc::clone(message));
                tokio::spawn(async move {
                    let _waiting = waiting;
                    // The content of the acknowledgement does not matter: the client has the
                    // message.
                    if matches!(acknowledged.await, Ok(_) | Err(AckError::Decode(_))) {
                        services.record_delivered(user, [&*message]);
                    }
                });
                SendResult::Queued
            }
            Err(error) => send_result(&Err(error)),
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

impl Outbox for SocketOutbox {
    fn send(&self, encoded_event: &EncodedEvent<'_>) -> SendResult {
        let payload = encoded_event.encoded(encode);
        let Some(payload) = payload.0.as_deref() else {
            return SendResult::Queued;
        };
        let name = event_name(encoded_event.event);
        match encoded_event.event {
            Event::MessageReceived(message) => self.deliver(name, payload, message),
            _ => self.emit(name, payload),
        }
    }

    fn close(&self, reason: CloseReason) {
        match reason {
            // A disconnect packet would not arrive any more. The transport is aborted instead, and
            // the client reconnects by itself.
            CloseReason::Lagging => {
                tracing::info!(socket = %self.socket.id, "a connection lagged and was cut");
                self.entry.cut();
                tokio::spawn(end_session(self.socket.clone()));
            }
            CloseReason::RightsChanged => {
                self.entry.cut();
                tokio::spawn(end_session(self.socket.clone()));
            }
            CloseReason::TokenEnded => {
                let said = self.socket.clone().disconnect().is_ok();
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
}
