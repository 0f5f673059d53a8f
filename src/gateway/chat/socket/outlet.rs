//! The server's events: what the hub says, in this protocol's words.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{json, value::RawValue};
use socketioxide::{AckError, SendError, SocketError, extract::SocketRef};

use super::{super::json as wire, connect::Cord};
use crate::{
    domain::{UserId, event::Event, message::Message, receipts::MessageView},
    gateway::http::answer::Success,
    hub::{Announcement, CloseReason, Handed, Outlet},
    service::Services,
};

/// An event's wire form, made once for all sockets that hear it.
struct Said {
    name: &'static str,
    /// None when the payload could not be written, which would be a defect of ours.
    payload: Option<Box<RawValue>>,
}

fn said<T: Serialize>(name: &'static str, payload: &T) -> Said {
    let payload = serde_json::value::to_raw_value(payload);
    if let Err(error) = &payload {
        tracing::error!(%error, name, "an event could not be written");
    }
    Said { name, payload: payload.ok() }
}

fn encode(event: &Event) -> Said {
    let message = |message: &Arc<Message>| {
        let view = MessageView::fresh(Arc::clone(message));
        json!({ "message": wire::MessageJson::from(&view) })
    };
    match event {
        Event::MessageSent(stored) => said("message:sent", &message(stored)),
        Event::MessageReceived(stored) => said("message:receive", &message(stored)),
        Event::MessageStatus { message, session, status, receiver, at } => said(
            "message:status",
            &json!({
                "messageId": message, "sessionId": session, "status": status.as_str(),
                "userId": receiver, "at": at,
            }),
        ),
        Event::MessageRead { message, session, reader, read_at, seq } => said(
            "message:read",
            &json!({
                "messageId": message, "sessionId": session, "userId": reader, "readAt": read_at, "seq": seq,
            }),
        ),
        Event::MessageCounted { message, session, delivered, read, at } => said(
            "message:status",
            &wire::CountsJson {
                message_id: *message,
                session_id: *session,
                status: if *read > 0 { "read" } else { "delivered" },
                delivered_count: *delivered,
                read_count: *read,
                at: *at,
            },
        ),
        Event::MessageDeleted(tombstone) => {
            let name = if tombstone.is_recall { "message:recalled" } else { "message:deleted" };
            said(name, &wire::TombstoneJson::from(tombstone))
        }
        Event::MessageUpdated(message) => said("message:updated", &wire::RevisedJson::from(&**message)),
        Event::MessageReaction { message, user, emoji, on } => {
            said("message:reaction", &wire::ReactionJson::of(message, *user, emoji, *on))
        }
        Event::UnreadChanged(unread) => said("unread:count", &Success::of(wire::UnreadJson::from(unread))),
        Event::UserStatus(presence) => said(
            "user:status",
            &json!({
                "userId": presence.user, "status": presence.status.as_str(), "lastSeen": presence.last_seen,
            }),
        ),
        Event::Typing { session, user, active } => {
            let name = if *active { "typing:start" } else { "typing:stop" };
            said(name, &json!({ "sessionId": session, "userId": user }))
        }
        Event::SessionCreated(session) => said("session:created", &wire::CreatedJson::from(&**session)),
        Event::SessionUpdated(change) => said("session:updated", &wire::GroupChangedJson::from(&**change)),
        Event::SessionRemoved { user, change } => {
            said("session:removed", &wire::RemovedJson::of(*user, change))
        }
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
    pub cord: Arc<Cord>,
}

fn handed(result: &Result<(), SendError>) -> Handed {
    match result {
        Ok(()) => Handed::Over,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => Handed::Full,
        Err(SendError::Socket(SocketError::Closed) | SendError::Serialize(_)) => Handed::Gone,
    }
}

impl SocketOutlet {
    /// Says a message; it is delivered once the client says so, or, for a client that never does, once it
    /// is on its way.
    fn deliver(&self, said: &Said, payload: &RawValue, message: &Arc<Message>) -> Handed {
        if !self.acknowledges {
            let result = handed(&self.socket.emit(said.name, payload));
            if result == Handed::Over {
                self.services.note_delivered(self.user, [&**message]);
            }
            return result;
        }
        match self.socket.emit_with_ack::<_, serde_json::Value>(said.name, payload) {
            Ok(acknowledged) => {
                let (services, user, message) = (Arc::clone(&self.services), self.user, Arc::clone(message));
                tokio::spawn(async move {
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
        let said = announcement.encoded(encode);
        let Some(payload) = said.payload.as_deref() else {
            return Handed::Over;
        };
        match announcement.event {
            Event::MessageReceived(message) => self.deliver(&said, payload, message),
            _ => handed(&self.socket.emit(said.name, payload)),
        }
    }

    fn close(&self, reason: CloseReason) {
        match reason {
            // No word would arrive any more: break the transport, its client comes back by itself.
            CloseReason::Lagging => {
                tracing::info!(socket = %self.socket.id, "a connection lagged and was cut");
                self.cord.pull();
                tokio::spawn(end_session(self.socket.clone()));
            }
            CloseReason::RightsChanged => {
                self.cord.pull();
                tokio::spawn(end_session(self.socket.clone()));
            }
            CloseReason::TokenEnded => {
                let said = self.socket.clone().disconnect().is_ok();
                let cord = Arc::clone(&self.cord);
                tokio::spawn(async move {
                    // Time for the last words; a client that stays all the same is shown out.
                    if said {
                        tokio::time::sleep(FAREWELL).await;
                    }
                    cord.pull();
                });
            }
        }
    }
}
