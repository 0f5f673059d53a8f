//! The server's events: encodes events of the hub for Socket.IO.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::Serialize;
use serde_json::{json, value::RawValue};
use socketioxide::{AckError, SendError, SocketError, extract::SocketRef};

use super::{super::json as wire, session_registry::SessionEntry};
use crate::{
    domain::{
        UserId,
        event::{ConversationEvent, Event, MessageEvent, ReceiptEvent, Typing},
        ids::ConnectionId,
        message::Message,
        receipts::MessageView,
    },
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

/// Returns the name of an event for a connection of `user`.
fn event_name(event: &Event, user: UserId) -> &'static str {
    match event {
        Event::Message(event) => match event {
            MessageEvent::Created(message) if message.sender == user => "message:sent",
            MessageEvent::Created(_) => "message:receive",
            MessageEvent::Edited(_) => "message:updated",
            MessageEvent::ReactionChanged { .. } => "message:reaction",
            MessageEvent::Recalled(_) => "message:recalled",
            MessageEvent::Deleted(_) => "message:deleted",
        },
        Event::Receipt(event) => match event {
            ReceiptEvent::StatusChanged { .. } | ReceiptEvent::Counted { .. } => "message:status",
            ReceiptEvent::ReadUpTo { .. } => "message:read",
        },
        Event::Conversation(event) => match event {
            ConversationEvent::Created(_) => "session:created",
            ConversationEvent::Updated(_) => "session:updated",
            ConversationEvent::MemberRemoved { .. } => "session:removed",
        },
        Event::Unread(_) => "unread:count",
        Event::Presence(_) => "user:status",
        Event::Typing(typing) if typing.active => "typing:start",
        Event::Typing(_) => "typing:stop",
    }
}

/// Whether the event is sent to the connection that caused it. The others are answered to their
/// request.
fn is_sent_to_origin(event: &Event) -> bool {
    match event {
        Event::Receipt(ReceiptEvent::ReadUpTo { .. }) | Event::Typing(_) => false,
        Event::Receipt(ReceiptEvent::StatusChanged { .. } | ReceiptEvent::Counted { .. })
        | Event::Message(_)
        | Event::Conversation(_)
        | Event::Unread(_)
        | Event::Presence(_) => true,
    }
}

fn encode(event: &Event) -> Payload {
    match event {
        Event::Message(event) => encode_message_event(event),
        Event::Receipt(event) => encode_receipt_event(event),
        Event::Conversation(event) => match event {
            ConversationEvent::Created(session) => payload(&wire::CreatedJson::from(&**session)),
            ConversationEvent::Updated(change) => payload(&wire::GroupChangedJson::from(&**change)),
            ConversationEvent::MemberRemoved { user, change } => {
                payload(&wire::RemovedJson::of(*user, change))
            }
        },
        Event::Unread(unread) => payload(&Success::of(wire::UnreadJson::from(unread))),
        Event::Presence(presence) => payload(&json!({
            "userId": presence.user, "status": presence.status.as_str(), "lastSeen": presence.last_seen,
        })),
        Event::Typing(Typing {
            session,
            user,
            active,
        }) => payload(&json!({ "sessionId": session, "userId": user, "isTyping": active })),
    }
}

fn encode_message_event(event: &MessageEvent) -> Payload {
    match event {
        MessageEvent::Created(stored) => {
            let view = MessageView::fresh(Arc::clone(stored));
            payload(&wire::DeliveredMessageJson::from(&view))
        }
        MessageEvent::Edited(message) => payload(&wire::MessageUpdatedJson::from(&**message)),
        MessageEvent::ReactionChanged {
            message,
            user,
            emoji,
            on,
        } => payload(&wire::ReactionJson::of(message, *user, emoji, *on)),
        MessageEvent::Recalled(tombstone) | MessageEvent::Deleted(tombstone) => {
            payload(&wire::MessageDeletedJson::from(tombstone))
        }
    }
}

fn encode_receipt_event(event: &ReceiptEvent) -> Payload {
    match event {
        ReceiptEvent::StatusChanged {
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
        ReceiptEvent::ReadUpTo {
            message,
            session,
            reader,
            read_at,
            seq,
        } => payload(&json!({
            "messageId": message, "sessionId": session, "userId": reader, "readBy": reader,
            "readAt": read_at, "seq": seq,
        })),
        ReceiptEvent::Counted {
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
    /// Its id in the hub, once it is registered.
    pub connection_id: Arc<OnceLock<ConnectionId>>,
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
        let (event, origin) = (encoded_event.event(), encoded_event.envelope.origin);
        if origin.is_some()
            && origin == self.connection_id.get().copied()
            && !is_sent_to_origin(event)
        {
            return SendResult::Queued;
        }
        let payload = encoded_event.encoded(("chat", ""), encode);
        let Some(payload) = payload.0.as_deref() else {
            return SendResult::Queued;
        };
        let name = event_name(event, self.user);
        match event {
            Event::Message(MessageEvent::Created(message)) if message.sender != self.user => {
                self.deliver(name, payload, message)
            }
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
