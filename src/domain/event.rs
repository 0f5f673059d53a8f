//! The events that the hub sends to clients.
//!
//! A gateway matches on [`Event`] without `_`. So a new event stops the build until each gateway
//! has decided how its protocol encodes it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ConversationId, MessageId, Timestamp, UserId,
    conversation::Conversation,
    ids::{ConnectionId, TokenId},
    message::Message,
    presence::Presence,
};

/// The delivery status of a message for one receiver.
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
    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Sent => "sent",
            DeliveryStatus::Delivered => "delivered",
            DeliveryStatus::Read => "read",
        }
    }
}

/// An event for clients. No event is published before its commit.
#[derive(Debug, Clone)]
pub enum Event {
    /// To the sender's own connections: the message is stored.
    MessageSent(Arc<Message>),
    /// To the other members: a message for them.
    MessageReceived(Arc<Message>),
    /// To the sender: the status of one message for `receiver`.
    MessageStatus {
        message: MessageId,
        session: ConversationId,
        status: DeliveryStatus,
        receiver: UserId,
        at: Timestamp,
    },
    /// A member's read position moved to `seq`, the position of `message`.
    MessageRead {
        message: MessageId,
        session: ConversationId,
        reader: UserId,
        read_at: Timestamp,
        seq: u64,
    },
    /// To a sender in a group: how many members received the message so far, and how many read it.
    MessageCounted {
        message: MessageId,
        session: ConversationId,
        delivered: u64,
        read: u64,
        at: Timestamp,
    },
    /// A message became a tombstone, deleted or recalled.
    MessageDeleted(Tombstone),
    /// A message was edited: its new content.
    MessageUpdated(Arc<Message>),
    /// A user added an emoji to a message (`on`), or removed it.
    MessageReaction {
        message: Arc<Message>,
        user: UserId,
        emoji: String,
        on: bool,
    },
    /// To one user: all of their unread counts.
    UnreadChanged(Unread),
    /// A user's presence changed.
    UserStatus(Presence),
    /// A user began (`true`) or stopped typing.
    Typing {
        session: ConversationId,
        user: UserId,
        active: bool,
    },
    /// A new conversation of which the receiver is a member.
    SessionCreated(Arc<Conversation>),
    /// A group or its members have changed.
    SessionUpdated(Arc<GroupEvent>),
    /// To a former member: no event of this conversation follows it.
    SessionRemoved {
        user: UserId,
        change: Arc<GroupEvent>,
    },
}

/// A change of a group.
#[derive(Debug, Clone)]
pub struct GroupEvent {
    /// The group after the change.
    pub session: Arc<Conversation>,
    pub by: UserId,
    pub at: Timestamp,
    /// Whether anything changed.
    pub is_fresh: bool,
    /// The system messages of the change.
    pub system_messages: Vec<Arc<Message>>,
    pub joined: Vec<UserId>,
    pub left: Vec<UserId>,
    /// Members whose role or muting changed.
    pub changed: Vec<UserId>,
}

impl GroupEvent {
    /// Returns an event without changes.
    #[must_use]
    pub fn nothing(session: &Conversation, by: UserId, at: Timestamp) -> Self {
        Self {
            session: Arc::new(session.clone()),
            by,
            at,
            is_fresh: false,
            system_messages: Vec::new(),
            joined: Vec::new(),
            left: Vec::new(),
            changed: Vec::new(),
        }
    }
}

/// The rest of a deleted message, and who deleted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    pub message: MessageId,
    pub session: ConversationId,
    pub seq: u64,
    /// The conversation's `rev` after the deletion.
    pub rev: u64,
    pub deleted_by: UserId,
    pub at: Timestamp,
    /// Whether its sender recalled it.
    pub is_recall: bool,
}

impl Tombstone {
    /// Returns the tombstone of a deleted message.
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

/// One user's unread counts: only conversations with something unread are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unread {
    pub total: u64,
    pub by_session: BTreeMap<ConversationId, u64>,
}

impl FromIterator<(ConversationId, u64)> for Unread {
    fn from_iter<I: IntoIterator<Item = (ConversationId, u64)>>(counts: I) -> Self {
        let by_session: BTreeMap<_, _> =
            counts.into_iter().filter(|(_, count)| *count > 0).collect();
        Self {
            total: by_session.values().sum(),
            by_session,
        }
    }
}

/// The connections that receive an event.
#[derive(Debug, Clone)]
pub enum Audience {
    /// All connections of these users.
    Users(Vec<UserId>),
    /// All connections of these users except this one.
    UsersExcept(Vec<UserId>, ConnectionId),
    /// These users' connections, and those that watch the presence of all users; each once.
    UsersAndWatchers(Vec<UserId>),
}

/// The connections to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// The connections of one token: it was ended.
    Token(TokenId),
    /// All connections of one user: the account was deactivated.
    User(UserId),
}
