//! The server's events: how each event of the hub is called and written.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::super::json as wire;
use crate::{
    domain::{
        UserId,
        event::{ConversationEvent, Event, MessageEvent, ReceiptEvent, Typing},
        receipts::MessageView,
    },
    gateway::{
        http::answer::Success,
        realtime::{Connection, Dialect, EncodedFrame},
    },
    hub::EncodedEvent,
};

/// Returns the event for a connection; `None` if its client is not told.
pub(super) fn encode(event: &EncodedEvent<'_>, to: &Connection) -> Option<EncodedFrame> {
    let is_origin = to.id().is_some() && event.envelope.origin == to.id();
    if is_origin && !is_sent_to_origin(event.event()) {
        return None;
    }
    Some(EncodedFrame::Event {
        name: event_name(event.event(), to.actor.user),
        payload: event.encoded((super::ChatDialect::NAME, to.options.style), payload_of),
    })
}

/// An event's payload. `None` if encoding failed, which is a defect of the service.
type Payload = Option<Box<RawValue>>;

fn payload<T: Serialize>(payload: &T) -> Payload {
    serde_json::value::to_raw_value(payload)
        .inspect_err(|error| tracing::error!(%error, "an event could not be written"))
        .ok()
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

fn payload_of(event: &Event) -> Payload {
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
