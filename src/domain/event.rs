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

/// An event for clients, by subject. No event is published before its commit.
#[derive(Debug, Clone)]
pub enum Event {
    Message(MessageEvent),
    Receipt(ReceiptEvent),
    Conversation(ConversationEvent),
    /// To one user: all of their unread counts.
    Unread(Unread),
    /// A user's presence changed.
    Presence(Presence),
    Typing(Typing),
}

/// What happened to a message.
#[derive(Debug, Clone)]
pub enum MessageEvent {
    /// A new message. Its sender's connections receive the event, too.
    Created(Arc<Message>),
    /// A message was edited: its new content.
    Edited(Arc<Message>),
    /// A user added an emoji to a message (`on`), or removed it.
    ReactionChanged {
        message: Arc<Message>,
        user: UserId,
        emoji: String,
        on: bool,
    },
    /// Its sender took a message back: it is a tombstone.
    Recalled(Tombstone),
    /// A message was deleted: it is a tombstone.
    Deleted(Tombstone),
}

/// What happened to the receipts of messages.
#[derive(Debug, Clone)]
pub enum ReceiptEvent {
    /// To the sender: the status of one message for `receiver`.
    StatusChanged {
        message: MessageId,
        session: ConversationId,
        status: DeliveryStatus,
        receiver: UserId,
        at: Timestamp,
    },
    /// A member's read position moved to `seq`, the position of `message`. The connection that
    /// moved it is the origin.
    ReadUpTo {
        message: MessageId,
        session: ConversationId,
        reader: UserId,
        read_at: Timestamp,
        seq: u64,
    },
    /// To a sender in a group: how many members received the message so far, and how many read it.
    Counted {
        message: MessageId,
        session: ConversationId,
        delivered: u64,
        read: u64,
        at: Timestamp,
    },
}

/// What happened to a conversation.
#[derive(Debug, Clone)]
pub enum ConversationEvent {
    /// A new conversation of which the receiver is a member.
    Created(Arc<Conversation>),
    /// A group or its members have changed.
    Updated(Arc<GroupEvent>),
    /// To a former member: no event of this conversation follows it.
    MemberRemoved {
        user: UserId,
        change: Arc<GroupEvent>,
    },
}

/// A user began (`active`) or stopped typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typing {
    pub session: ConversationId,
    pub user: UserId,
    pub active: bool,
}

/// An event with its addressees.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The conversation of the event; `None` for events of a person. A user who was removed from
    /// the conversation receives no further envelope of it.
    pub scope: Option<Scope>,
    /// The connection that caused the event, on whichever node it is. A protocol that answers the
    /// request itself does not send the event to it.
    pub origin: Option<ConnectionId>,
    pub audience: Audience,
    pub event: Event,
}

/// The conversation of an event, and the version of it that the event follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    pub conversation: ConversationId,
    /// The counter of the conversation's commits.
    pub version: u64,
}

impl Scope {
    /// Returns the scope of a conversation as it is now.
    #[must_use]
    pub fn of(conversation: &Conversation) -> Self {
        Self {
            conversation: conversation.id,
            version: conversation.version,
        }
    }
}

impl Envelope {
    /// Returns an event of a conversation, for all connections of these users.
    #[must_use]
    pub fn of(scope: Scope, users: Vec<UserId>, event: Event) -> Self {
        Self {
            scope: Some(scope),
            origin: None,
            audience: Audience::Users(users),
            event,
        }
    }

    /// Returns an event that belongs to no conversation.
    #[must_use]
    pub fn personal(audience: Audience, event: Event) -> Self {
        Self {
            scope: None,
            origin: None,
            audience,
            event,
        }
    }

    /// Sets the connection that caused the event.
    #[must_use]
    pub fn from_origin(self, origin: Option<ConnectionId>) -> Self {
        Self { origin, ..self }
    }
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
    /// These users' connections, and those that watch the presence of all users; each once.
    UsersAndWatchers(Vec<UserId>),
}

impl Audience {
    /// Returns the users by name, without those that watch the presence of all.
    #[must_use]
    pub fn users(&self) -> &[UserId] {
        match self {
            Audience::Users(users) | Audience::UsersAndWatchers(users) => users,
        }
    }
}

/// The connections to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// The connections of one token: it was ended.
    Token(TokenId),
    /// All connections of one user: the account was deactivated.
    User(UserId),
}
