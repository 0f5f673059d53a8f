//! The server's events: what the hub says, in this protocol's words.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{json, value::RawValue};
use socketioxide::{AckError, SendError, SocketError, extract::SocketRef};

use super::{super::json as wire, lobby::Ticket};
use crate::{
    domain::{UserId, event::Event, message::Message, receipts::MessageView},
    gateway::http::answer::Success,
    hub::{Announcement, CloseReason, Handed, Outlet},
    service::Services,
};

/// An event's payload, made once for all sockets that hear it; `None` when it could not be written, which
/// would be a defect of ours.
struct Payload(Option<Box<RawValue>>);

fn payload<T: Serialize>(payload: &T) -> Payload {
    let written = serde_json::value::to_raw_value(payload);
    Payload(written.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok())
}

fn name_of(event: &Event) -> &'static str {
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
        // The same payload: the hub hands what is made for the one to the other.
        Event::MessageSent(stored) | Event::MessageReceived(stored) => {
            let view = MessageView::fresh(Arc::clone(stored));
            payload(&wire::ToldJson { message: wire::MessageJson::from(&view) })
        }
        Event::MessageStatus { message, session, status, receiver, at } => payload(&wire::StatusJson {
            message_id: *message,
            session_id: *session,
            status: status.as_str(),
            user_id: *receiver,
            at: *at,
        }),
        Event::MessageRead { message, session, reader, read_at, seq } => payload(&json!({
            "messageId": message, "sessionId": session, "userId": reader, "readAt": read_at, "seq": seq,
        })),
        Event::MessageCounted { message, session, delivered, read, at } => payload(&wire::CountsJson {
            message_id: *message,
            session_id: *session,
            status: if *read > 0 { "read" } else { "delivered" },
            delivered_count: *delivered,
            read_count: *read,
            at: *at,
        }),
        Event::MessageDeleted(tombstone) => payload(&wire::TombstoneJson::from(tombstone)),
        Event::MessageUpdated(message) => payload(&wire::RevisedJson::from(&**message)),
        Event::MessageReaction { message, user, emoji, on } => {
            payload(&wire::ReactionJson::of(message, *user, emoji, *on))
        }
        Event::UnreadChanged(unread) => payload(&Success::of(wire::UnreadJson::from(unread))),
        Event::UserStatus(presence) => payload(&json!({
            "userId": presence.user, "status": presence.status.as_str(), "lastSeen": presence.last_seen,
        })),
        Event::Typing { session, user, .. } => payload(&json!({ "sessionId": session, "userId": user })),
        Event::SessionCreated(session) => payload(&wire::CreatedJson::from(&**session)),
        Event::SessionUpdated(change) => payload(&wire::GroupChangedJson::from(&**change)),
        Event::SessionRemoved { user, change } => payload(&wire::RemovedJson::of(*user, change)),
    }
}

/// How long the word of an ended token has to arrive before the connection is cut.
const FAREWELL: Duration = Duration::from_secs(2);

/// One socket, as the hub speaks to it.
pub(super) struct SocketOutlet {
    pub socket: SocketRef,
    pub services: Arc<Services>,
    pub user: UserId,
    pub acknowledges: bool,
    pub ticket: Arc<Ticket>,
}

fn handed(result: &Result<(), SendError>) -> Handed {
    match result {
        Ok(()) => Handed::Over,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => Handed::Full,
        Err(SendError::Socket(SocketError::Closed) | SendError::Serialize(_)) => Handed::Gone,
    }
}

/// What a message weighs that was sent and not yet acknowledged, bytes.
const UNACKNOWLEDGED: usize = 512;

/// An acknowledgement that is waited for.
struct Waiting(Arc<Ticket>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.load.written(UNACKNOWLEDGED);
    }
}

impl SocketOutlet {
    /// Says an event, as far as there is room for its bytes.
    fn emit(&self, name: &str, payload: &RawValue) -> Handed {
        if !self.ticket.load.add(name.len() + payload.get().len()) {
            return Handed::Full;
        }
        handed(&self.socket.emit(name, payload))
    }

    /// Says a message; it is delivered once the client says so, or, for a client that never does, once it
    /// is on its way.
    fn deliver(&self, name: &str, payload: &RawValue, message: &Arc<Message>) -> Handed {
        if !self.acknowledges {
            let result = self.emit(name, payload);
            if result == Handed::Over {
                self.services.note_delivered(self.user, [&**message]);
            }
            return result;
        }
        // What waits for its acknowledgement waits in memory, too.
        if !self.ticket.load.add(UNACKNOWLEDGED) {
            return Handed::Full;
        }
        let waiting = Waiting(Arc::clone(&self.ticket));
        if !self.ticket.load.add(name.len() + payload.get().len()) {
            return Handed::Full;
        }
        match self.socket.emit_with_ack::<_, serde_json::Value>(name, payload) {
            Ok(acknowledged) => {
                let (services, user, message) = (Arc::clone(&self.services), self.user, Arc::clone(message));
                tokio::spawn(async move {
                    let _waiting = waiting;
                    // Whatever it carries, or nothing: the client has the message.
                    if matches!(acknowledged.await, Ok(_) | Err(AckError::Decode(_))) {
                        services.note_delivered(user, [&*message]);
                    }
                });
                Handed::Over
            }
            Err(error) => handed(&Err(error)),
        }
    }
}

/// A session over polling survives a cut: tell it to end as soon as there is room for the word.
async fn end_session(socket: SocketRef) {
    while socket.connected() && socket.clone().disconnect().is_err() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Outlet for SocketOutlet {
    fn say(&self, announcement: &Announcement<'_>) -> Handed {
        let payload = announcement.encoded(encode);
        let Some(payload) = payload.0.as_deref() else {
            return Handed::Over;
        };
        let name = name_of(announcement.event);
        match announcement.event {
            Event::MessageReceived(message) => self.deliver(name, payload, message),
            _ => self.emit(name, payload),
        }
    }

    fn close(&self, reason: CloseReason) {
        match reason {
            // No word would arrive any more: break the transport, its client comes back by itself.
            CloseReason::Lagging => {
                tracing::info!(socket = %self.socket.id, "a connection lagged and was cut");
                self.ticket.cut();
                tokio::spawn(end_session(self.socket.clone()));
            }
            CloseReason::RightsChanged => {
                self.ticket.cut();
                tokio::spawn(end_session(self.socket.clone()));
            }
            CloseReason::TokenEnded => {
                let said = self.socket.clone().disconnect().is_ok();
                let ticket = Arc::clone(&self.ticket);
                tokio::spawn(async move {
                    // Time for the last words; a client that stays all the same is shown out.
                    if said {
                        tokio::time::sleep(FAREWELL).await;
                    }
                    ticket.cut();
                });
            }
        }
    }
}
