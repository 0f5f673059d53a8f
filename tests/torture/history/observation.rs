//! Messages as clients saw them, small enough to keep every observation of each.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

/// An id of the service: 24 hex digits. Zero when there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub u128);

impl Id {
    pub fn of(value: &Value) -> Self {
        Self(
            value
                .as_str()
                .and_then(|text| u128::from_str_radix(text, 16).ok())
                .unwrap_or_default(),
        )
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:024x}", self.0)
    }
}

/// The change in a group's system message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SystemMessage {
    /// A message of a user.
    #[default]
    None,
    Joined(Id),
    Removed(Id),
    Other,
}

/// A message as a client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObservedMessage {
    pub id: Id,
    pub seq: u64,
    pub sender: Id,
    /// The number of its send, or of its forward, from its `clientMsgId`.
    pub key: u64,
    /// Its part in a forward: a hundred for each target and one for each message, from one on.
    pub part: u16,
    /// A hash of its content, or of the ids of the messages merged into it; 0 for a tombstone.
    pub text: u64,
    pub deleted: bool,
    pub rev: u64,
    /// 0 sent, 1 delivered, 2 read.
    pub status: u8,
    /// The number of members who have read it.
    pub readers: u64,
    /// The sum over the hashes of its reactions.
    pub reactions: u64,
    pub note: SystemMessage,
}

pub fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The hash of a user's emoji on a message.
fn reaction(emoji: &str, user: Id) -> u64 {
    hash(&format!("{user} {emoji}"))
}

/// The reactions of a message's JSON: the emoji's hash, and the user.
pub fn reactions_in(list: &Value) -> Vec<(u64, Id)> {
    let groups = list.as_array().into_iter().flatten();
    let pairs = groups.flat_map(|group| {
        let emoji = hash(group["emoji"].as_str().unwrap_or_default());
        group["users"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |user| (emoji, Id::of(user)))
    });
    pairs.collect()
}

/// The sum over the same, in any order.
pub fn sum_of_reactions(list: &Value) -> u64 {
    let groups = list.as_array().into_iter().flatten();
    let hashes = groups.flat_map(|group| {
        let emoji = group["emoji"].as_str().unwrap_or_default();
        group["users"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |user| reaction(emoji, Id::of(user)))
    });
    hashes.fold(0, u64::wrapping_add)
}

/// The hash of a merged forward of these messages.
pub fn hash_of_merged(sources: impl Iterator<Item = Id>) -> u64 {
    hash(&sources.fold("merged".to_owned(), |all, id| format!("{all} {id}")))
}

/// Key and part in a `clientMsgId`: a send's own, or the one a forward derives for each of its
/// messages.
fn key_of(client_id: &str) -> Option<(u64, u16)> {
    let Some(forward) = client_id.strip_prefix("forward:") else {
        return Some((u64::from_str_radix(client_id, 16).ok()?, 0));
    };
    let mut fields = forward.split(':').skip(1);
    let key = u64::from_str_radix(fields.next()?, 16).ok()?;
    let (place, number): (u16, u16) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((key, place * 100 + number + 1))
}

impl ObservedMessage {
    pub fn of(message: &Value) -> Self {
        let (key, part) = message["clientMsgId"]
            .as_str()
            .and_then(key_of)
            .unwrap_or_default();
        let content = message["content"].as_str().unwrap_or_default();
        let merged = message["merged"]
            .as_array()
            .filter(|merged| !merged.is_empty());
        let text = match merged {
            Some(merged) => hash_of_merged(merged.iter().map(|one| Id::of(&one["messageId"]))),
            None if content.is_empty() => 0,
            None => hash(content),
        };
        let subject = Id::of(&message["subjects"][0]);
        let note = match message["system"].as_str() {
            None => SystemMessage::None,
            Some("joined") => SystemMessage::Joined(subject),
            Some("removed") => SystemMessage::Removed(subject),
            Some(_) => SystemMessage::Other,
        };
        Self {
            id: Id::of(&message["_id"]),
            seq: message["seq"].as_u64().unwrap_or_default(),
            sender: Id::of(&message["sender"]),
            key,
            part,
            text,
            deleted: message["isDeleted"].as_bool().unwrap_or_default(),
            rev: message["rev"].as_u64().unwrap_or_default(),
            status: ["sent", "delivered", "read"]
                .iter()
                .position(|name| message["status"] == *name)
                .map_or(0, |rank| u8::try_from(rank).unwrap_or_default()),
            readers: message["readCount"].as_u64().unwrap_or_default(),
            reactions: sum_of_reactions(&message["reactions"]),
            note,
        }
    }

    /// A user's message that is not deleted.
    pub fn is_said(&self) -> bool {
        !self.deleted && self.note == SystemMessage::None
    }

    /// The fields on which two clients must agree. A tombstone's event contains less than the
    /// message it replaces.
    pub fn lasting(&self) -> (Id, u64, Id, u64, bool, u64, u64) {
        let (sender, text) = if self.deleted {
            (Id(0), 0)
        } else {
            (self.sender, self.text)
        };
        (
            self.id,
            self.seq,
            sender,
            text,
            self.deleted,
            self.rev,
            self.reactions,
        )
    }
}
