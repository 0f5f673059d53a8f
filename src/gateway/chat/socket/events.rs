//! The client's events: decoding each, calling its verb, answering.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{super::json as wire, answer::Answering, connect::Guest};
use crate::{
    domain::{
        Error, MessageId, Result, SessionId, UserId, error::FieldErrors, message::Draft, presence::Status,
        weight,
    },
    gateway::{
        chat::rest::{
            EditOf, Edited, Forward, HistoryOf, Join, MessageOf, ReactionTo, ReadTo, ReadUpTo, Send, Sync,
            Typing,
        },
        http::{answer::Success, fields::FromFields, scales::Heavy},
    },
    service::{Forwarded, Forwarding, PendingSend, SyncFrom, aside::aside},
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
pub const SERVER_EVENTS: [&str; 20] = [
    "user:joined",
    "user:status",
    "users:online",
    "message:sent",
    "message:receive",
    "message:status",
    "message:read",
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
#[expect(clippy::large_enum_variant, reason = "most events are sends: a box would cost each an allocation")]
pub(super) enum ClientEvent {
    Join(UserId),
    Send(Draft),
    Read(ReadUpTo),
    Edit(MessageId, Edited),
    Recall(MessageId),
    /// By whom, when it is said.
    Delete(MessageId, Option<UserId>),
    React(ReactionTo),
    Forward(Forwarding),
    ReadTo(ReadTo),
    /// Whose counts; the caller's when nobody is named.
    Unread(Option<UserId>),
    Online,
    Status(Status),
    History(HistoryOf),
    Sync(BTreeMap<SessionId, SyncFrom>),
    Typing(Typing, bool),
}

/// The longest part of an unknown event's name that is repeated to its sender, characters.
const LONGEST_NAME: usize = 64;

/// The event's name, as far as it can be read.
pub(super) fn name_of(text: &str) -> String {
    decode(text).0
}

/// What heavy events count as, in events.
const ONLINE: usize = 5;
const HISTORY: usize = 5;
const SYNC: usize = 10;

/// Reads `["name", payload?, …]`.
pub(super) fn decode(text: &str) -> (String, Result<ClientEvent>) {
    let Ok(Value::Array(parts)) = serde_json::from_str::<Value>(text) else {
        // Its name can be read all the same: it comes first, and without escapes (see `sieve`).
        let name = text.split('"').nth(1).unwrap_or_default().chars().take(LONGEST_NAME).collect();
        return (name, Err(Error::Malformed("the event could not be read".to_owned())));
    };
    let mut parts = parts.into_iter();
    let name = parts.next();
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let Some(known) = CLIENT_EVENTS.into_iter().find(|event| *event == name) else {
        let shown = name.chars().take(LONGEST_NAME).collect();
        return (shown, Err(Error::Malformed("there is no such event".to_owned())));
    };
    (known.to_owned(), decode_payload(known, parts.next().unwrap_or(Value::Null)))
}

fn decode_payload(name: &str, payload: Value) -> Result<ClientEvent> {
    Ok(match name {
        "user:join" => ClientEvent::Join(read::<Join>(payload)?.0),
        "message:send" => ClientEvent::Send(read::<Send>(payload)?.0),
        "message:read" => ClientEvent::Read(read(payload)?),
        "message:edit" => {
            let EditOf { message, edited } = read(payload)?;
            ClientEvent::Edit(message, edited)
        }
        "message:recall" => ClientEvent::Recall(read::<MessageOf>(payload)?.message),
        "message:delete" => {
            let MessageOf { message, user } = read(payload)?;
            ClientEvent::Delete(message, user)
        }
        "message:react" => ClientEvent::React(read(payload)?),
        "message:forward" => ClientEvent::Forward(read::<Forward>(payload)?.0),
        "session:read" => ClientEvent::ReadTo(read(payload)?),
        "unread:count" => ClientEvent::Unread(named_user(&payload)?),
        "users:online" => ClientEvent::Online,
        "user:status:update" => ClientEvent::Status(status(&payload)?),
        "chat:history" => ClientEvent::History(read(payload)?),
        "chat:sync" => ClientEvent::Sync(read::<Sync>(payload)?.0),
        "typing:start" => ClientEvent::Typing(read(payload)?, true),
        "typing:stop" => ClientEvent::Typing(read(payload)?, false),
        _ => return Err(Error::Malformed("there is no such event".to_owned())),
    })
}

fn read<T: FromFields>(payload: Value) -> Result<T> {
    match payload {
        Value::Object(map) => T::from_map(map, false),
        Value::Null => T::from_map(Map::new(), false),
        _ => Err(T::problem(FieldErrors::one("payload", "must be an object"))),
    }
}

/// A bare id, an object with one, or nothing.
fn named_user(payload: &Value) -> Result<Option<UserId>> {
    let id = match payload {
        Value::Null => return Ok(None),
        Value::Object(map) => map.get("userId").unwrap_or(&Value::Null),
        other => other,
    };
    let parsed = id.as_str().and_then(|text| text.parse().ok());
    let problem = || Error::Validation(FieldErrors::one("userId", "an id is 24 hexadecimal digits"));
    parsed.map(Some).ok_or_else(problem)
}

fn status(payload: &Value) -> Result<Status> {
    let text = match payload {
        Value::Object(map) => map.get("status").and_then(Value::as_str),
        other => other.as_str(),
    };
    let parsed = text.and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Error::Validation(FieldErrors::one("status", "must be online, away or offline")))
}

/// Does what an event asks and answers it.
pub(super) async fn handle(guest: &Guest, name: &str, event: ClientEvent, answering: Answering) {
    if let Err(error) = act(guest, event, &answering).await {
        answering.refuse(name, &error);
    }
}

/// Waits for a message's commit and answers it. The sockets of its sender hear `message:sent` from the hub.
pub(super) async fn answer_send(guest: &Guest, pending: PendingSend, answering: Answering) {
    match guest.door.services.finish_send(pending).await {
        Ok(message) if answering.has_callback() => {
            let answer = Success::of(wire::MessageJson::from(&message));
            answering.acknowledge(&answer.warning(message.warnings.clone()));
        }
        // A repeat was told to nobody: without a callback its author would wait for ever.
        Ok(message) if message.is_repeat => {
            answering.emit("message:sent", &json!({ "message": wire::MessageJson::from(&message) }));
        }
        Ok(_) => {}
        Err(error) => answering.refuse("message:send", &error),
    }
}

async fn act(guest: &Guest, event: ClientEvent, answering: &Answering) -> Result<()> {
    let (services, actor) = (&guest.door.services, &guest.actor);
    let connection = guest.connection().ok_or(Error::AuthFailed)?;
    match event {
        ClientEvent::Join(user) => {
            let user = services
                .join(actor, user, connection, Guest::visit(&answering.socket), guest.profile())
                .await?;
            let user = wire::UserJson::from(user);
            answering.acknowledge(&Success::of(&user));
            answering.emit("user:joined", &json!({ "success": true, "user": user }));
        }
        ClientEvent::Send(draft) => {
            let pending = services.begin_send(actor, draft).await?;
            let message = services.finish_send(pending).await?;
            let answer = Success::of(wire::MessageJson::from(&message));
            answering.acknowledge(&answer.warning(message.warnings.clone()));
        }
        ClientEvent::Read(ReadUpTo { message, user }) => {
            let (read, unread) = services.mark_read(actor, user, message, Some(connection)).await?;
            let answer = wire::ReadJson { read_count: read.count, unread_count: unread.total };
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::Edit(message, edited) => {
            let view = services.edit(actor, message, edited.content, edited.mentions).await?;
            let answer = Success::of(wire::MessageJson::from(&view));
            answering.acknowledge(&answer.warning(view.warnings.clone()));
        }
        ClientEvent::Recall(message) => {
            let tombstone = services.recall(actor, message).await?;
            answering.acknowledge(&Success::of(wire::TombstoneJson::from(&tombstone)));
        }
        ClientEvent::Delete(message, user) => {
            let tombstone = services.delete(actor, user.unwrap_or(actor.user), message).await?;
            answering.acknowledge(&Success::of(wire::TombstoneJson::from(&tombstone)));
        }
        ClientEvent::React(ReactionTo { message, emoji, on }) => {
            let message = services.react(actor, message, emoji.clone(), on).await?;
            let answer = wire::ReactionJson::of(&message, actor.user, &emoji, on);
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::Forward(forwarding) => {
            let _turn = guest.turn(Heavy::Write, forwarding.writes()).await?;
            let forwarded = services.forward(actor, &forwarding).await?;
            answer_forward(&forwarded, answering);
        }
        ClientEvent::ReadTo(ReadTo { session, seq }) => {
            let (read_count, unread) = services.read_to(actor, session, seq, Some(connection)).await?;
            let answer = wire::ReadJson { read_count, unread_count: unread.total };
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::Unread(user) => {
            let unread = services.unread(actor, user.unwrap_or(actor.user)).await?;
            let answer = Success::of(wire::UnreadJson::from(&unread));
            answering.acknowledge(&answer);
            answering.emit("unread:count", &answer);
        }
        ClientEvent::Online => {
            if !services.is_stranger(actor).await? {
                guest.watch_presence();
            }
            let _turn = guest.turn(Heavy::Read, ONLINE).await?;
            let users: Vec<_> =
                services.users_online(actor).await?.into_iter().map(wire::UserJson::from).collect();
            // As the source shows it: the bare array, without the envelope.
            answering.acknowledge(&users);
            answering.emit("users:online", &users);
        }
        ClientEvent::Status(status) => {
            let presence = services.set_status(actor, connection, status, Guest::visit(&answering.socket));
            let answer = json!({
                "userId": presence.user, "status": presence.status.as_str(), "lastSeen": presence.last_seen,
            });
            answering.acknowledge(&Success::of(answer));
        }
        ClientEvent::History(HistoryOf { session, window }) => {
            let _turn = guest.turn(Heavy::Read, HISTORY).await?;
            let history = services.history(actor, session, window).await?;
            services.note_delivered(actor.user, history.messages.iter().map(|view| &*view.message));
            let answer = Success::page(wire::messages(&history.messages), history.pagination);
            aside(weight::of_texts(&history.messages), || answering.answer("chat:history", &answer));
        }
        ClientEvent::Sync(from) => {
            let _turn = guest.turn(Heavy::Read, SYNC).await?;
            let synced = services.sync(actor, &from).await?;
            let messages = synced.sessions.iter().flat_map(|one| one.messages.iter().chain(&one.changed));
            let bytes = weight::of_texts(messages);
            aside(bytes, || {
                answering.answer("chat:sync", &Success::of(wire::SyncedJson::from(&synced)));
            });
        }
        ClientEvent::Typing(Typing { session, user }, active) => {
            services.typing(actor, user, session, active, connection).await?;
            answering.acknowledge(&Success::of(Value::Null));
        }
    }
    Ok(())
}

/// A forward's messages are told by the hub; a repeat's were told the first time.
fn answer_forward(forwarded: &Forwarded, answering: &Answering) {
    let answer = Success::of(wire::ForwardedJson::from(forwarded));
    answering.acknowledge(&answer.warning(forwarded.warnings()));
    if forwarded.is_repeat && !answering.has_callback() {
        for message in &forwarded.messages {
            answering.emit("message:sent", &json!({ "message": wire::MessageJson::from(message) }));
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
        for rest in
            ["{\"content\":\"\\ud83d\"}]", "1e999]", &format!("{}{}]", "[".repeat(200), "]".repeat(200))]
        {
            assert_eq!(name_of(&format!("[\"message:send\",{rest}")), "message:send", "{rest}");
        }
        assert_eq!(name_of("{}"), "");
    }

    #[test]
    fn every_listed_event_is_known() {
        for name in CLIENT_EVENTS {
            let error = decode_payload(name, json!([])).err().map(|error| error.to_string());
            assert_ne!(error.as_deref(), Some("there is no such event"), "{name}");
        }
    }
}
