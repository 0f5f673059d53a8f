//! The client's events: each is decoded, passed to its service call and answered.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{super::json as wire, answers::Answers};
use crate::{
    domain::{
        ConversationId, Error, MessageId, Result, UserId, encoded_size, error::FieldErrors,
        message::Draft, presence::Status, receipts::MessageView,
    },
    gateway::{
        chat::rest::{
            EditMessage, EditMessageRequest, Forward, HistoryRequest, JoinRequest,
            MessageReference, ReactToMessage, ReadConversationTo, ReadUpTo, SendMessage,
            SyncRequest, TypingRequest,
        },
        http::{answer::Success, error::RequestError, fields::FromFields, load_meter::Heavy},
    },
    service::{Forwarded, Forwarding, SyncFrom, blocking::run_heavy_work},
};

/// Every event a client may send.
pub const CLIENT_EVENTS: [&str; 16] = [
    "user:join",
    "message:send",
    "message:read",
    "message:edit",
    "message:recall",
    "message:delete",
    "message:react",
    "message:forward",
    "session:read",
    "unread:count",
    "users:online",
    "user:status:update",
    "chat:history",
    "chat:sync",
    "typing:start",
    "typing:stop",
];

/// Every event the server may send.
pub const SERVER_EVENTS: [&str; 21] = [
    "user:joined",
    "user:status",
    "users:online",
    "message:sent",
    "message:receive",
    "message:status",
    "message:read",
    "message:read:success",
    "message:deleted",
    "message:recalled",
    "message:updated",
    "message:reaction",
    "unread:count",
    "chat:history",
    "chat:sync",
    "typing:start",
    "typing:stop",
    "session:created",
    "session:updated",
    "session:removed",
    "error",
];

/// A decoded event.
#[expect(
    clippy::large_enum_variant,
    reason = "most events are sends: a box would cost each an allocation"
)]
pub enum ClientEvent {
    JoinRequest(UserId),
    SendMessage(Draft),
    Read(ReadUpTo),
    Edit(MessageId, EditMessageRequest),
    Recall(MessageId),
    /// The user who deletes, when the payload names one.
    Delete(MessageId, Option<UserId>),
    React(ReactToMessage),
    Forward(Forwarding),
    ReadConversationTo(ReadConversationTo),
    /// The user whose counts are requested; the caller when the payload names none.
    Unread(Option<UserId>),
    Online,
    Status(Status),
    History(HistoryRequest),
    SyncRequest(BTreeMap<ConversationId, SyncFrom>),
    TypingRequest(TypingRequest, bool),
}

/// The longest part of an unknown event's name that is repeated to its sender, characters.
const MAX_ECHOED_NAME_CHARS: usize = 64;

/// How many events a heavy event counts as.
const ONLINE_USERS_COST: usize = 5;
const HISTORY_COST: usize = 5;
const SYNC_COST: usize = 10;

/// Reads `["name", payload?, …]`.
pub(super) fn decode(text: &str) -> (String, Result<ClientEvent, RequestError>) {
    let Ok(Value::Array(parts)) = serde_json::from_str::<Value>(text) else {
        // The name can be read all the same: it comes first, and without escapes (see
        // `packet_filter`).
        let name = text
            .split('"')
            .nth(1)
            .unwrap_or_default()
            .chars()
            .take(MAX_ECHOED_NAME_CHARS)
            .collect();
        return (
            name,
            Err(RequestError::malformed("the event could not be read")),
        );
    };
    let mut parts = parts.into_iter();
    let name = parts.next();
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let Some(known) = CLIENT_EVENTS.into_iter().find(|event| *event == name) else {
        let shown = name.chars().take(MAX_ECHOED_NAME_CHARS).collect();
        return (
            shown,
            Err(RequestError::malformed("there is no such event")),
        );
    };
    (
        known.to_owned(),
        decode_payload(known, parts.next().unwrap_or(Value::Null)),
    )
}

fn decode_payload(name: &str, payload: Value) -> Result<ClientEvent, RequestError> {
    Ok(match name {
        "user:join" => ClientEvent::JoinRequest(read::<JoinRequest>(payload)?.0),
        "message:send" => ClientEvent::SendMessage(read::<SendMessage>(payload)?.0),
        "message:read" => ClientEvent::Read(read(payload)?),
        "message:edit" => {
            let EditMessage { message, edited } = read(payload)?;
            ClientEvent::Edit(message, edited)
        }
        "message:recall" => ClientEvent::Recall(read::<MessageReference>(payload)?.message),
        "message:delete" => {
            let MessageReference { message, user } = read(payload)?;
            ClientEvent::Delete(message, user)
        }
        "message:react" => ClientEvent::React(read(payload)?),
        "message:forward" => ClientEvent::Forward(read::<Forward>(payload)?.0),
        "session:read" => ClientEvent::ReadConversationTo(read(payload)?),
        "unread:count" => ClientEvent::Unread(named_user(&payload)?),
        "users:online" => ClientEvent::Online,
        "user:status:update" => ClientEvent::Status(status(&payload)?),
        "chat:history" => ClientEvent::History(read(payload)?),
        "chat:sync" => ClientEvent::SyncRequest(read::<SyncRequest>(payload)?.0),
        "typing:start" => ClientEvent::TypingRequest(read(payload)?, true),
        "typing:stop" => ClientEvent::TypingRequest(read(payload)?, false),
        _ => return Err(RequestError::malformed("there is no such event")),
    })
}

fn read<T: FromFields>(payload: Value) -> Result<T, RequestError> {
    match payload {
        Value::Object(map) => T::from_map(map, false),
        Value::Null => T::from_map(Map::new(), false),
        _ => Err(RequestError::Invalid {
            code: T::CODE,
            fields: FieldErrors::one("payload", "must be an object"),
        }),
    }
}

/// Returns the user whom the payload names: a bare id, an object with one, or nothing.
fn named_user(payload: &Value) -> Result<Option<UserId>, RequestError> {
    let id = match payload {
        Value::Null => return Ok(None),
        Value::Object(map) => map.get("userId").unwrap_or(&Value::Null),
        other => other,
    };
    let parsed = id.as_str().and_then(|text| text.parse().ok());
    let problem = || RequestError::invalid("userId", "an id is 24 hexadecimal digits");
    parsed.map(Some).ok_or_else(problem)
}

fn status(payload: &Value) -> Result<Status, RequestError> {
    let text = match payload {
        Value::Object(map) => map.get("status").and_then(Value::as_str),
        other => other.as_str(),
    };
    let parsed = text.and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| RequestError::invalid("status", "must be online, away or offline"))
}

/// Executes an event and answers it.
pub(super) async fn handle(answering: &Answers<'_>, event: ClientEvent) {
    if let Err(error) = execute(event, answering).await {
        answering.refuse(error);
    }
}

/// Answers a send. The sender's sockets receive `message:sent` from the hub.
pub(super) fn answer_send(answering: &Answers<'_>, sent: Result<MessageView>) {
    match sent {
        Ok(message) if answering.has_callback() => {
            let answer = Success::of(wire::MessageJson::from(&message));
            answering.acknowledge(&answer.warning(message.warnings.clone()));
        }
        // A repeat publishes no event: without a callback its sender would wait for ever.
        Ok(message) if message.is_repeat => {
            answering.emit("message:sent", &wire::DeliveredMessageJson::from(&message));
        }
        Ok(_) => {}
        Err(error) => answering.refuse(error),
    }
}

async fn execute(event: ClientEvent, answering: &Answers<'_>) -> Result<()> {
    let connection = &answering.to.connection;
    let (services, actor) = (&connection.app.services, &connection.actor);
    let connection_id = connection.id().ok_or(Error::AuthFailed)?;
    match event {
        ClientEvent::JoinRequest(user) => {
            let user = services
                .join(
                    actor,
                    user,
                    connection_id,
                    answering.to.sink.client_info(),
                    connection.take_profile(),
                )
                .await?;
            let user = wire::UserJson::from(user);
            answering.acknowledge(&Success::of(&user));
            answering.emit("user:joined", &json!({ "success": true, "user": user }));
        }
        ClientEvent::SendMessage(draft) => {
            let pending = services
                .begin_send(actor, draft, Some(connection_id))
                .await?;
            let message = services.finish_send(pending).await?;
            let answer = Success::of(wire::MessageJson::from(&message));
            answering.acknowledge(&answer.warning(message.warnings.clone()));
        }
        ClientEvent::Read(ReadUpTo { message, user }) => {
            let (read, unread) = services
                .mark_read(actor, user, message, Some(connection_id))
                .await?;
            let answer = wire::ReadJson {
                read_count: read.count,
                unread_count: unread.total,
            };
            answering.emit(
                "message:read:success",
                &json!({
                    "success": true, "messageId": message,
                    "readCount": answer.read_count, "unreadCount": answer.unread_count,
                }),
            );
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::Edit(message, edited) => {
            let view = services
                .edit(actor, message, edited.content, edited.mentions)
                .await?;
            let answer = Success::of(wire::MessageJson::from(&view));
            answering.acknowledge(&answer.warning(view.warnings.clone()));
        }
        ClientEvent::Recall(message) => {
            let tombstone = services.recall(actor, message).await?;
            answering.acknowledge(&Success::of(wire::MessageDeletedJson::from(&tombstone)));
        }
        ClientEvent::Delete(message, user) => {
            let tombstone = services
                .delete(actor, user.unwrap_or(actor.user), message)
                .await?;
            answering.acknowledge(&Success::of(wire::MessageDeletedJson::from(&tombstone)));
        }
        ClientEvent::React(ReactToMessage { message, emoji, on }) => {
            let message = services.react(actor, message, emoji.clone(), on).await?;
            let answer = wire::ReactionJson::of(&message, actor.user, &emoji, on);
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::Forward(forwarding) => {
            let _turn = connection.turn(Heavy::Write, forwarding.writes()).await?;
            let forwarded = services.forward(actor, &forwarding).await?;
            answer_forward(&forwarded, answering);
        }
        ClientEvent::ReadConversationTo(ReadConversationTo { session, seq }) => {
            let (read_count, unread) = services
                .mark_read_up_to(actor, session, seq, Some(connection_id))
                .await?;
            let answer = wire::ReadJson {
                read_count,
                unread_count: unread.total,
            };
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::Unread(user) => {
            let unread = services.unread(actor, user.unwrap_or(actor.user)).await?;
            let answer = Success::of(wire::UnreadJson::from(&unread));
            answering.acknowledge(&answer);
            answering.emit("unread:count", &answer);
        }
        ClientEvent::Online => {
            if !services.sees_contacts_only(actor).await? {
                connection.watch_presence();
            }
            let _turn = connection.turn(Heavy::Read, ONLINE_USERS_COST).await?;
            let users: Vec<_> = services
                .users_online(actor)
                .await?
                .into_iter()
                .map(wire::UserJson::from)
                .collect();
            // The answer is the bare array without the envelope, as in the source.
            answering.acknowledge(&users);
            answering.emit("users:online", &users);
        }
        ClientEvent::Status(status) => {
            let presence = services.set_status(
                actor,
                connection_id,
                status,
                answering.to.sink.client_info(),
            );
            let answer = json!({
                "userId": presence.user, "status": presence.status.as_str(), "lastSeen": presence.last_seen,
            });
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::History(HistoryRequest { session, window }) => {
            let _turn = connection.turn(Heavy::Read, HISTORY_COST).await?;
            let history = services.history(actor, session, window).await?;
            services.record_delivered(
                actor.user,
                history.messages.iter().map(|view| &*view.message),
            );
            let answer = Success::page(wire::messages(&history.messages), history.pagination);
            run_heavy_work(encoded_size::of_texts(&history.messages), || {
                answering.answer("chat:history", &answer);
            });
        }
        ClientEvent::SyncRequest(from) => {
            let _turn = connection.turn(Heavy::Read, SYNC_COST).await?;
            let synced = services.sync(actor, &from).await?;
            let messages = synced
                .sessions
                .iter()
                .flat_map(|one| one.messages.iter().chain(&one.changed));
            let bytes = encoded_size::of_texts(messages);
            run_heavy_work(bytes, || {
                answering.answer("chat:sync", &Success::of(wire::SyncedJson::from(&synced)));
            });
        }
        ClientEvent::TypingRequest(TypingRequest { session, user }, active) => {
            services
                .typing(actor, user, session, active, connection_id)
                .await?;
            answering.acknowledge(&Success::of(Value::Null));
        }
    }
    Ok(())
}

/// Answers a forward. The hub publishes its messages; those of a repeat were published the first
/// time.
fn answer_forward(forwarded: &Forwarded, answering: &Answers<'_>) {
    let answer = Success::of(wire::ForwardedJson::from(forwarded));
    answering.acknowledge(&answer.warning(forwarded.warnings()));
    if forwarded.is_repeat && !answering.has_callback() {
        for message in &forwarded.messages {
            answering.emit("message:sent", &wire::DeliveredMessageJson::from(message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_client_sends_is_decoded_or_refused() {
        for text in [
            "[]",
            "[1]",
            "{}",
            "[\"message:send\"]",
            "[\"message:send\",null,1]",
            "[\"message:send\",[]]",
            "[\"message:send\",{\"sessionId\":{\"$ne\":null}}]",
            "[\"unread:count\",{\"userId\":{\"$ne\":null}}]",
            "[\"unread:count\",[\"64b7f0c2a1b2c3d4e5f60718\"]]",
            "[\"user:status:update\",\"invisible\"]",
            "[\"chat:sync\",{\"sessions\":[1]}]",
            "[\"chat:sync\",{\"sessions\":{\"x\":1}}]",
            "[\"no:such\"]",
            "[\"message:edit\",{\"messageId\":{\"$ne\":null},\"content\":\"x\"}]",
            "[\"message:react\",{\"messageId\":\"64b7f0c2a1b2c3d4e5f60718\",\"emoji\":{\"$ne\":1}}]",
            "[\"message:forward\",{\"messageIds\":{\"$in\":[]},\"toSessionIds\":\"all\"}]",
            "[\"session:read\",{\"sessionId\":\"64b7f0c2a1b2c3d4e5f60718\",\"seq\":-1}]",
        ] {
            assert!(decode(text).1.is_err(), "{text}");
        }
        for text in [
            "[\"users:online\"]",
            "[\"users:online\",{},2]",
            "[\"unread:count\"]",
            "[\"unread:count\",\"64b7f0c2a1b2c3d4e5f60718\"]",
            "[\"chat:sync\",{\"sessions\":{\"64b7f0c2a1b2c3d4e5f60718\":7}}]",
        ] {
            assert!(decode(text).1.is_ok(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_name() {
        for rest in [
            "{\"content\":\"\\ud83d\"}]",
            "1e999]",
            &format!("{}{}]", "[".repeat(200), "]".repeat(200)),
        ] {
            assert_eq!(
                decode(&format!("[\"message:send\",{rest}")).0,
                "message:send",
                "{rest}"
            );
        }
        assert_eq!(decode("{}").0, "");
    }

    #[test]
    fn every_listed_event_is_known() {
        for name in CLIENT_EVENTS {
            let error = decode_payload(name, json!([]))
                .err()
                .map(|error| error.to_string());
            assert_ne!(error.as_deref(), Some("there is no such event"), "{name}");
        }
    }
}
