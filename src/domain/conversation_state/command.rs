//! The commands of a conversation, the data they need preloaded, and their outcomes.

use std::{sync::Arc, time::Duration};

use super::super::{
    ConversationId, MessageId, Timestamp, UserId,
    change_log::LoggedChange,
    conversation::{GroupProfileChange, MemberRole},
    event::{GroupEvent, Tombstone},
    ids::ConnectionId,
    message::{Draft, Message},
    message_parts::Mentions,
};

/// The fields of a message that receipts need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef {
    pub id: MessageId,
    pub seq: u64,
    pub sender: UserId,
}

/// A requested change.
#[derive(Debug, Clone)]
pub enum Command {
    /// Stores a message under this id.
    Send {
        id: MessageId,
        draft: Draft,
        /// The connection that sent it.
        origin: Option<ConnectionId>,
    },
    /// Moves a read position up to a message.
    Read {
        session: ConversationId,
        reader: UserId,
        up_to: MessageRef,
        origin: Option<ConnectionId>,
    },
    /// Records that messages reached a device of `receiver`.
    Deliver {
        session: ConversationId,
        receiver: UserId,
        messages: Vec<MessageRef>,
    },
    /// Replaces a message by a tombstone; a `moderator` may do so with other users' messages.
    Delete {
        session: ConversationId,
        message: MessageId,
        by: UserId,
        moderator: bool,
    },
    /// Takes a message back, within `window` after it was sent.
    Recall {
        session: ConversationId,
        message: MessageId,
        by: UserId,
        window: Duration,
    },
    /// Replaces the content of a message, within `window` after it was sent; without `mentions`
    /// they stay.
    Edit {
        session: ConversationId,
        message: MessageId,
        by: UserId,
        content: String,
        mentions: Option<Mentions>,
        window: Duration,
    },
    /// Adds the user's emoji to a message, or removes it.
    React {
        session: ConversationId,
        message: MessageId,
        by: UserId,
        emoji: String,
        on: bool,
    },
    /// Changes a group or its members.
    UpdateGroup {
        session: ConversationId,
        by: UserId,
        change: GroupChange,
        /// The ids of the system messages that this may write.
        system_messages: [MessageId; 4],
    },
}

/// A change of a group.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// Adds these users; those that are already members stay unchanged.
    Add(Vec<UserId>),
    /// Removes a member; members who remove themselves leave.
    Remove(UserId),
    /// Changes a member's role, or whether the member has muted the group.
    Member {
        user: UserId,
        role: Option<MemberRole>,
        muted: Option<bool>,
    },
    /// Changes the group's profile.
    GroupProfile(GroupProfileChange),
}

impl Command {
    /// Returns the command's conversation: commands of one conversation keep their order.
    #[must_use]
    pub fn session(&self) -> ConversationId {
        match self {
            Command::Send { draft, .. } => draft.session,
            Command::Read { session, .. }
            | Command::Deliver { session, .. }
            | Command::Delete { session, .. }
            | Command::Recall { session, .. }
            | Command::Edit { session, .. }
            | Command::React { session, .. }
            | Command::UpdateGroup { session, .. } => *session,
        }
    }

    /// Returns about how many bytes the command adds to a transaction.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Command::Send { draft, .. } => transaction_bytes_of(draft),
            Command::Read { .. } => 256,
            Command::Delete { .. } | Command::Recall { .. } => 512,
            Command::Deliver { messages, .. } => 256 + messages.len() * 32,
            // The new text and, in the earlier versions, the old one.
            Command::Edit { content, .. } => 34_000 + content.len(),
            // The users who reacted so far are written again.
            Command::React { .. } => 8_000,
            Command::UpdateGroup {
                change: GroupChange::Add(users),
                ..
            } => 12_000 + users.len() * 256,
            Command::UpdateGroup { .. } => 64_000,
        }
    }
}

/// Returns about how many bytes a message adds to a transaction.
#[must_use]
pub fn transaction_bytes_of(draft: &Draft) -> usize {
    let quoted: usize = draft
        .merged
        .iter()
        .map(|quote| 256 + quote.content.len())
        .sum();
    512 + draft.content.len() + draft.mentions.people().len() * 16 + quoted
}

/// The data that must be preloaded before a command can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The messages of others in `after < seq ≤ up_to` that are not deleted.
    Unread {
        reader: UserId,
        after: u64,
        up_to: u64,
    },
    /// One message.
    Message(MessageId),
}

/// The preloaded data.
#[derive(Debug, Clone)]
pub enum Preloaded {
    /// Nothing was needed.
    None,
    /// The count, and the newest messages (at most [`super::MAX_REPORTED_MESSAGES`]).
    Unread { count: u64, newest: Vec<MessageRef> },
    /// The message, if it exists.
    Message(Option<Box<Message>>),
}

/// The outcome of a command.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The message is new.
    Sent {
        message: Arc<Message>,
        receivers: Vec<UserId>,
        unread: Vec<(UserId, u64)>,
        origin: Option<ConnectionId>,
    },
    /// The same `clientMsgId` was sent before: this is the first message.
    Repeated { message: Arc<Message> },
    /// The read position is at or beyond the requested one.
    Read(ReadOutcome),
    /// These messages had not reached a device of `receiver` before.
    Delivered {
        receiver: UserId,
        messages: Vec<MessageRef>,
        at: Timestamp,
        /// The senders receive counts, not names.
        in_group: bool,
    },
    /// The message is a tombstone.
    Deleted {
        tombstone: Tombstone,
        /// The logged removal; `None` when the message was a tombstone before.
        change: Option<LoggedChange>,
        /// The users who receive the event, including the sender.
        audience: Vec<UserId>,
        /// The users whose counts changed, with the new counts.
        unread: Vec<(UserId, u64)>,
    },
    /// A message has the requested content or reactions.
    Revised {
        message: Arc<Message>,
        how: Revision,
        /// The logged change; `None` when the message was so before.
        change: Option<LoggedChange>,
        audience: Vec<UserId>,
    },
    /// A group or its membership is as requested; nothing is published if it was so before.
    GroupUpdated(Arc<GroupEvent>),
}

impl Outcome {
    /// Returns whether the outcome holds only if the state it was computed from is not stale:
    /// nothing was changed, so no commit proves the state. Read positions and deliveries only grow,
    /// so a stale state gives a valid outcome for them.
    #[must_use]
    pub fn depends_on_cached_state(&self) -> bool {
        match self {
            Outcome::Deleted { change, .. } | Outcome::Revised { change, .. } => change.is_none(),
            Outcome::GroupUpdated(change) => !change.is_fresh,
            Outcome::Sent { .. }
            | Outcome::Repeated { .. }
            | Outcome::Read(_)
            | Outcome::Delivered { .. } => false,
        }
    }
}

/// The kind of change of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    Edited,
    Reacted { by: UserId, emoji: String, on: bool },
}

/// The outcome of a change of a read position.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    pub reader: UserId,
    /// The message up to which the caller read.
    pub up_to: MessageRef,
    /// Whether the position moved.
    pub moved: bool,
    /// How many unread messages became read.
    pub count: u64,
    /// The reader's unread messages left in this conversation.
    pub unread: u64,
    /// The newest of the messages just read, from senders who are still members.
    pub messages: Vec<MessageRef>,
    pub others: Vec<UserId>,
    pub at: Timestamp,
    pub origin: Option<ConnectionId>,
    /// The senders receive counts, not names.
    pub in_group: bool,
}
