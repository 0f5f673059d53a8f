//! What can be asked of a session, what has to be looked up for it, and what comes of it.

use std::{sync::Arc, time::Duration};

use super::super::{
    MessageId, SessionId, Timestamp, UserId,
    event::{GroupEvent, Tombstone},
    ids::ConnectionId,
    message::{Draft, Message},
    parts::Mentions,
    session::{MemberRole, ProfileChange},
};

/// As much of a message as receipts need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef {
    pub id: MessageId,
    pub seq: u64,
    pub sender: UserId,
}

/// A change that somebody asks for.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Write a message under this id.
    Send { id: MessageId, draft: Draft },
    /// Move a read position up to a message.
    Read { session: SessionId, reader: UserId, up_to: MessageRef, origin: Option<ConnectionId> },
    /// Note that messages reached a device of `receiver`.
    Deliver { session: SessionId, receiver: UserId, messages: Vec<MessageRef> },
    /// Replace a message by a tombstone; `moderator` may do so with other people's.
    Delete { session: SessionId, message: MessageId, by: UserId, moderator: bool },
    /// Take a message back, within `window` of its writing.
    Recall { session: SessionId, message: MessageId, by: UserId, window: Duration },
    /// Write a message anew, within `window` of its writing; without `mentions` they stay.
    Edit {
        session: SessionId,
        message: MessageId,
        by: UserId,
        content: String,
        mentions: Option<Mentions>,
        window: Duration,
    },
    /// Put one's emoji on a message, or take it off.
    React { session: SessionId, message: MessageId, by: UserId, emoji: String, on: bool },
    /// Change a group, or who is in it.
    Regroup {
        session: SessionId,
        by: UserId,
        change: GroupChange,
        /// The ids of the system messages this may write.
        notes: [MessageId; 4],
    },
}

/// A change of a group.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// These come in; who is in already stays as they are.
    Add(Vec<UserId>),
    /// Somebody goes: removed, or, by themselves, leaving.
    Remove(UserId),
    /// A member's role, or their own wish for silence.
    Member { user: UserId, role: Option<MemberRole>, muted: Option<bool> },
    /// How it shows itself.
    Profile(ProfileChange),
}

impl Operation {
    /// The session it belongs to: operations of one session keep their order.
    #[must_use]
    pub fn session(&self) -> SessionId {
        match self {
            Operation::Send { draft, .. } => draft.session,
            Operation::Read { session, .. }
            | Operation::Deliver { session, .. }
            | Operation::Delete { session, .. }
            | Operation::Recall { session, .. }
            | Operation::Edit { session, .. }
            | Operation::React { session, .. }
            | Operation::Regroup { session, .. } => *session,
        }
    }

    /// About how many bytes it adds to a transaction.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Operation::Send { draft, .. } => weight_of(draft),
            Operation::Read { .. } => 256,
            Operation::Delete { .. } | Operation::Recall { .. } => 512,
            Operation::Deliver { messages, .. } => 256 + messages.len() * 32,
            // The new words and, in the earlier versions, the old.
            Operation::Edit { content, .. } => 34_000 + content.len(),
            // Who reacted so far is written anew.
            Operation::React { .. } => 8_000,
            Operation::Regroup { change: GroupChange::Add(users), .. } => 12_000 + users.len() * 256,
            Operation::Regroup { .. } => 64_000,
        }
    }
}

/// Returns about how many bytes a message adds to a transaction.
#[must_use]
pub fn weight_of(draft: &Draft) -> usize {
    let quoted: usize = draft.merged.iter().map(|quote| 256 + quote.content.len()).sum();
    512 + draft.content.len() + draft.mentions.people().len() * 16 + quoted
}

/// What has to be looked up before an operation can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The messages of others in `after < seq ≤ up_to` that are not deleted.
    Unread { reader: UserId, after: u64, up_to: u64 },
    /// One message.
    Message(MessageId),
}

/// What a lookup found.
#[derive(Debug, Clone)]
pub enum Facts {
    /// Nothing was needed.
    None,
    /// How many there are, and the newest of them (at most [`super::MAX_REPORTED`]).
    Unread { count: u64, newest: Vec<MessageRef> },
    /// The message, when it is there.
    Message(Option<Box<Message>>),
}

/// What came of an operation.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The message is new.
    Sent { message: Arc<Message>, receivers: Vec<UserId>, unread: Vec<(UserId, u64)> },
    /// The same `clientMsgId` was sent before: this is the first one.
    Repeated { message: Arc<Message> },
    /// The read position is at or beyond what was asked.
    Read(ReadOutcome),
    /// These messages had not reached a device of `receiver` before.
    Delivered {
        receiver: UserId,
        messages: Vec<MessageRef>,
        at: Timestamp,
        /// Their senders hear counts, not names.
        in_group: bool,
    },
    /// A tombstone stands there; `fresh` says that it is new.
    Deleted {
        tombstone: Tombstone,
        fresh: bool,
        /// Everybody who may know of it, the sender too.
        audience: Vec<UserId>,
        /// Whose counts changed, and to what.
        unread: Vec<(UserId, u64)>,
    },
    /// A message says something else, or bears other reactions; `fresh` says that it is so from now on.
    Revised { message: Arc<Message>, how: Revision, fresh: bool, audience: Vec<UserId> },
    /// A group, or who is in it, is as was asked; nothing is told when it was so before.
    Regrouped(Arc<GroupEvent>),
}

impl Outcome {
    /// Nothing was to be done, which is true only if the state it was seen in is not an old one: no commit
    /// proves that. Read positions and deliveries only grow, so for them an old state is as good.
    #[must_use]
    pub fn rests_on_belief(&self) -> bool {
        match self {
            Outcome::Deleted { fresh, .. } | Outcome::Revised { fresh, .. } => !fresh,
            Outcome::Regrouped(change) => !change.is_fresh,
            Outcome::Sent { .. }
            | Outcome::Repeated { .. }
            | Outcome::Read(_)
            | Outcome::Delivered { .. } => false,
        }
    }
}

/// What is different about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    Edited,
    Reacted { by: UserId, emoji: String, on: bool },
}

/// What came of a step of a read position.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    pub reader: UserId,
    /// The message up to which it was asked.
    pub up_to: MessageRef,
    /// Whether the position moved.
    pub moved: bool,
    /// How many unread messages this step read.
    pub count: u64,
    /// The reader's unread messages left in this session.
    pub unread: u64,
    /// The newest of the messages just read, of senders who still have a seat.
    pub messages: Vec<MessageRef>,
    pub others: Vec<UserId>,
    pub at: Timestamp,
    pub origin: Option<ConnectionId>,
    /// The senders hear counts, not names.
    pub in_group: bool,
}
