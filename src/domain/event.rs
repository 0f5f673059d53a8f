//! Every thing the hub can say to a connected client.
//!
//! A gateway matches on [`Event`] without `_`: a new event stops the build until each gateway has
//! decided how its protocol says it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    MessageId, SessionId, Timestamp, UserId,
    ids::{ConnectionId, TokenId},
    message::Message,
    presence::Presence,
};

/// How far a message has come with one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryStatus {
    /// Committed.
    Sent,
    /// A device of the receiver has it.
    Delivered,
    /// The receiver's read position has passed it.
    Read,
}

impl DeliveryStatus {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Sent => "sent",
            DeliveryStatus::Delivered => "delivered",
            DeliveryStatus::Read => "read",
        }
    }
}

/// What happened, as it is told to clients. Nothing is told before it is committed.
#[derive(Debug, Clone)]
pub enum Event {
    /// To the sender's own connections: their message is stored.
    MessageSent(Arc<Message>),
    /// To the other participants: a message for them.
    MessageReceived(Arc<Message>),
    /// To the sender: how far one message has come with `receiver`.
    MessageStatus {
        message: MessageId,
        session: SessionId,
        status: DeliveryStatus,
        receiver: UserId,
        at: Timestamp,
    },
    /// Somebody's read position moved to `seq`, the place of `message`.
    MessageRead { message: MessageId, session: SessionId, reader: UserId, read_at: Timestamp, seq: u64 },
    /// A message became a tombstone.
    MessageDeleted(Tombstone),
    /// To one person: their unread counts, all of them.
    UnreadChanged(Unread),
    /// Somebody came, went or stepped aside.
    UserStatus(Presence),
    /// Somebody began (`true`) or stopped typing.
    Typing { session: SessionId, user: UserId, active: bool },
    /// A new session that the receiver belongs to.
    SessionCreated(Arc<super::session::Session>),
}

/// What remains of a deleted message, and who deleted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    pub message: MessageId,
    pub session: SessionId,
    pub seq: u64,
    /// The session's `rev` after the deletion.
    pub rev: u64,
    pub deleted_by: UserId,
    pub at: Timestamp,
}

/// One person's unread counts: only sessions with something unread are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unread {
    pub total: u64,
    pub by_session: BTreeMap<SessionId, u64>,
}

impl FromIterator<(SessionId, u64)> for Unread {
    fn from_iter<I: IntoIterator<Item = (SessionId, u64)>>(counts: I) -> Self {
        let by_session: BTreeMap<_, _> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        Self { total: by_session.values().sum(), by_session }
    }
}

/// Whose connections an event goes to.
#[derive(Debug, Clone)]
pub enum Audience {
    /// All connections of these people.
    Users(Vec<UserId>),
    /// All connections of these people but this one.
    UsersExcept(Vec<UserId>, ConnectionId),
    /// These people's connections, and those that watch everybody's presence; each once.
    UsersAndWatchers(Vec<UserId>),
}

/// Which connections are to be closed, and what the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// Those of one token: it was ended.
    Token(TokenId),
    /// All of one person: the account was deactivated.
    User(UserId),
}
