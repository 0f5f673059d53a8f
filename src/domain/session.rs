//! Sessions: who talks with whom, how far each member has come, and the session's own counters.

use std::collections::BTreeMap;

use super::{
    MessageId, SessionId, Timestamp, UserId,
    message::{Message, MessageType},
    receipts::Runs,
};

/// Two people, or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    Private,
    Group,
}

impl SessionKind {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SessionKind::Private => "private",
            SessionKind::Group => "group",
        }
    }
}

/// One participant's place in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub joined_at: Timestamp,
    /// Messages up to this `seq` were written before they came and are not shown to them.
    pub hidden_seq: u64,
    /// Everything up to this `seq` is read; it only grows.
    pub read_seq: u64,
    pub read_at: Option<Timestamp>,
    /// What reached one of their devices.
    pub delivered: Runs,
    /// Messages of others above `read_seq` that are not deleted.
    pub unread: u64,
    /// Their own messages that are not deleted.
    pub sent: u64,
}

impl Member {
    /// Somebody who comes when the newest message is `seq`.
    #[must_use]
    pub fn joining(at: Timestamp, seq: u64) -> Self {
        Self {
            joined_at: at,
            hidden_seq: seq,
            read_seq: seq,
            read_at: None,
            delivered: Runs::default(),
            unread: 0,
            sent: 0,
        }
    }
}

/// The newest message as a list of sessions shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastMessage {
    pub id: MessageId,
    pub seq: u64,
    pub sender: UserId,
    pub kind: MessageType,
    pub preview: String,
    pub is_deleted: bool,
}

impl From<&Message> for LastMessage {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id,
            seq: message.seq,
            sender: message.sender,
            kind: message.kind,
            preview: message.preview(),
            is_deleted: message.is_deleted,
        }
    }
}

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub kind: SessionKind,
    pub name: String,
    pub members: BTreeMap<UserId, Member>,
    /// The newest message's `seq`; 0 before the first.
    pub seq: u64,
    /// Grows by one with every change to an existing message or to the session.
    pub rev: u64,
    /// Grows with every commit that touches the session: what a writer's belief is checked against.
    pub version: u64,
    /// Messages that are not deleted.
    pub message_count: u64,
    pub last_message: Option<LastMessage>,
    /// When the last message was written, or the session was made.
    pub last_message_time: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Session {
    /// A new private session of two people.
    #[must_use]
    pub fn private(first: UserId, second: UserId, now: Timestamp) -> Self {
        Self {
            id: SessionId::generate(),
            kind: SessionKind::Private,
            name: String::new(),
            members: [first, second].into_iter().map(|user| (user, Member::joining(now, 0))).collect(),
            seq: 0,
            rev: 0,
            version: 0,
            message_count: 0,
            last_message: None,
            last_message_time: now,
            created_at: now,
            updated_at: now,
        }
    }

    /// The participants' ids, ascending.
    pub fn participants(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.keys().copied()
    }

    /// Everybody but `user`.
    #[must_use]
    pub fn others(&self, user: UserId) -> Vec<UserId> {
        self.participants().filter(|participant| *participant != user).collect()
    }

    /// The other one of a private session.
    #[must_use]
    pub fn counterpart(&self, user: UserId) -> Option<UserId> {
        match self.kind {
            SessionKind::Private => self.participants().find(|participant| *participant != user),
            SessionKind::Group => None,
        }
    }
}

/// The key that two people's private session has, whoever asks first.
#[must_use]
pub fn pair_key(first: UserId, second: UserId) -> String {
    let (low, high) = if first <= second { (first, second) } else { (second, first) };
    format!("{low}:{high}")
}
