//! Every thing the hub can say to a connected client.
//!
//! A gateway matches on [`Event`] without `_`: a new event stops the build until each gateway has
//! decided how its protocol says it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ConversationId, MessageId, Timestamp, UserId,
    conversation::Conversation,
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
        session: ConversationId,
        status: DeliveryStatus,
        receiver: UserId,
        at: Timestamp,
    },
    /// Somebody's read position moved to `seq`, the place of `message`.
    MessageRead { message: MessageId, session: ConversationId, reader: UserId, read_at: Timestamp, seq: u64 },
    /// To a sender in a group: how many the message has reached so far, and how many have read it.
    MessageCounted { message: MessageId, session: ConversationId, delivered: u64, read: u64, at: Timestamp },
    /// A message became a tombstone, deleted or recalled.
    MessageDeleted(Tombstone),
    /// A message was edited: what it says now.
    MessageUpdated(Arc<Message>),
    /// Somebody put an emoji on a message (`on`), or took it off.
    MessageReaction { message: Arc<Message>, user: UserId, emoji: String, on: bool },
    /// To one person: their unread counts, all of them.
    UnreadChanged(Unread),
    /// Somebody came, went or stepped aside.
    UserStatus(Presence),
    /// Somebody began (`true`) or stopped typing.
    Typing { session: ConversationId, user: UserId, active: bool },
    /// A new session that the receiver belongs to.
    SessionCreated(Arc<Conversation>),
    /// A group, or who is in it, has changed.
    SessionUpdated(Arc<GroupEvent>),
    /// To somebody who has no seat any more: nothing of this session comes after it.
    SessionRemoved { user: UserId, change: Arc<GroupEvent> },
}

/// What changed about a group.
#[derive(Debug, Clone)]
pub struct GroupEvent {
    /// As it stands after the change.
    pub session: Arc<Conversation>,
    pub by: UserId,
    pub at: Timestamp,
    /// Whether anything changed.
    pub is_fresh: bool,
    /// What the group wrote about it.
    pub notes: Vec<Arc<Message>>,
    pub joined: Vec<UserId>,
    pub left: Vec<UserId>,
    /// Members with another role, or muted otherwise.
    pub changed: Vec<UserId>,
}

impl GroupEvent {
    /// No change yet.
    #[must_use]
    pub fn nothing(session: &Conversation, by: UserId, at: Timestamp) -> Self {
        Self {
            session: Arc::new(session.clone()),
            by,
            at,
            is_fresh: false,
            notes: Vec::new(),
            joined: Vec::new(),
            left: Vec::new(),
            changed: Vec::new(),
        }
    }
}

/// What remains of a deleted message, and who deleted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    pub message: MessageId,
    pub session: ConversationId,
    pub seq: u64,
    /// The session's `rev` after the deletion.
    pub rev: u64,
    pub deleted_by: UserId,
    pub at: Timestamp,
    /// Its sender took it back.
    pub is_recall: bool,
}

impl Tombstone {
    /// Of a message that is one.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        Self {
            message: message.id,
            session: message.session,
            seq: message.seq,
            rev: message.rev,
            deleted_by: message.deleted_by.unwrap_or(message.sender),
            at: message.updated_at,
            is_recall: message.recalled_at.is_some(),
        }
    }
}

/// One person's unread counts: only sessions with something unread are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unread {
    pub total: u64,
    pub by_session: BTreeMap<ConversationId, u64>,
}

impl FromIterator<(ConversationId, u64)> for Unread {
    fn from_iter<I: IntoIterator<Item = (ConversationId, u64)>>(counts: I) -> Self {
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
