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

/// Stores a message under this id.
#[derive(Debug, Clone)]
pub struct SendCommand {
    pub id: MessageId,
    pub draft: Draft,
    /// The connection that sent it.
    pub origin: Option<ConnectionId>,
}

/// Moves a read position up to a message.
#[derive(Debug, Clone)]
pub struct ReadCommand {
    pub session: ConversationId,
    pub reader: UserId,
    pub up_to: MessageRef,
    pub origin: Option<ConnectionId>,
}

/// Records that messages reached a device of `receiver`.
#[derive(Debug, Clone)]
pub struct DeliverCommand {
    pub session: ConversationId,
    pub receiver: UserId,
    pub messages: Vec<MessageRef>,
}

/// Replaces a message by a tombstone; a `moderator` may do so with other users' messages.
#[derive(Debug, Clone)]
pub struct DeleteCommand {
    pub session: ConversationId,
    pub message: MessageId,
    pub by: UserId,
    pub moderator: bool,
}

/// Takes a message back, within `window` after it was sent.
#[derive(Debug, Clone)]
pub struct RecallCommand {
    pub session: ConversationId,
    pub message: MessageId,
    pub by: UserId,
    pub window: Duration,
}

/// Replaces the content of a message, within `window` after it was sent; without `mentions`
/// they stay.
#[derive(Debug, Clone)]
pub struct EditCommand {
    pub session: ConversationId,
    pub message: MessageId,
    pub by: UserId,
    pub content: String,
    pub mentions: Option<Mentions>,
    pub window: Duration,
}

/// Adds the user's emoji to a message, or removes it.
#[derive(Debug, Clone)]
pub struct ReactCommand {
    pub session: ConversationId,
    pub message: MessageId,
    pub by: UserId,
    pub emoji: String,
    pub on: bool,
}

/// Changes a group or its members.
#[derive(Debug, Clone)]
pub struct GroupCommand {
    pub session: ConversationId,
    pub by: UserId,
    pub change: GroupChange,
    /// The ids of the system messages that this may write.
    pub system_messages: [MessageId; 4],
}

/// Any command, as the commit path queues and applies it.
#[derive(Debug, Clone)]
pub enum AnyCommand {
    Send(SendCommand),
    Read(ReadCommand),
    Deliver(DeliverCommand),
    Delete(DeleteCommand),
    Recall(RecallCommand),
    Edit(EditCommand),
    React(ReactCommand),
    UpdateGroup(GroupCommand),
}

/// A requested change of one kind, whose outcome has a type of its own.
pub trait Command: Into<AnyCommand> {
    type Output;

    /// Returns the outcome of this kind of command; `None` for the outcome of another kind.
    fn output(outcome: Outcome) -> Option<Self::Output>;
}

macro_rules! commands {
    ($($command:ident => $variant:ident, $outcome:ident($output:ty);)*) => {
        $(
            impl From<$command> for AnyCommand {
                fn from(command: $command) -> Self {
                    AnyCommand::$variant(command)
                }
            }

            impl Command for $command {
                type Output = $output;

                fn output(outcome: Outcome) -> Option<Self::Output> {
                    let Outcome::$outcome(output) = outcome else {
                        return None;
                    };
                    Some(output)
                }
            }
        )*
    };
}

commands! {
    SendCommand => Send, Send(SendOutcome);
    ReadCommand => Read, Read(ReadOutcome);
    DeliverCommand => Deliver, Delivered(DeliveryOutcome);
    DeleteCommand => Delete, Deleted(RemovalOutcome);
    RecallCommand => Recall, Deleted(RemovalOutcome);
    EditCommand => Edit, Revised(RevisionOutcome);
    ReactCommand => React, Revised(RevisionOutcome);
    GroupCommand => UpdateGroup, GroupUpdated(Arc<GroupEvent>);
}

/// A change of a group.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// Adds these users; those that are already members stay unchanged.
    Add(Vec<UserId>),
    /// Removes a member; members who remove themselves leave.
    Remove(UserId),
    /// Changes a member's role, whether the member has muted the group, or whether the group's
    /// managers have silenced the member.
    Member {
        user: UserId,
        role: Option<MemberRole>,
        muted: Option<bool>,
        silenced: Option<bool>,
    },
    /// Changes the group's profile.
    GroupProfile(GroupProfileChange),
}

impl AnyCommand {
    /// Returns the command's conversation: commands of one conversation keep their order.
    #[must_use]
    pub fn session(&self) -> ConversationId {
        match self {
            AnyCommand::Send(SendCommand { draft, .. }) => draft.session,
            AnyCommand::Read(ReadCommand { session, .. })
            | AnyCommand::Deliver(DeliverCommand { session, .. })
            | AnyCommand::Delete(DeleteCommand { session, .. })
            | AnyCommand::Recall(RecallCommand { session, .. })
            | AnyCommand::Edit(EditCommand { session, .. })
            | AnyCommand::React(ReactCommand { session, .. })
            | AnyCommand::UpdateGroup(GroupCommand { session, .. }) => *session,
        }
    }

    /// Returns about how many bytes the command adds to a transaction.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            AnyCommand::Send(SendCommand { draft, .. }) => transaction_bytes_of(draft),
            AnyCommand::Read(_) => 256,
            AnyCommand::Delete(_) | AnyCommand::Recall(_) => 512,
            AnyCommand::Deliver(DeliverCommand { messages, .. }) => 256 + messages.len() * 32,
            // The new text and, in the earlier versions, the old one.
            AnyCommand::Edit(EditCommand { content, .. }) => 34_000 + content.len(),
            // The users who reacted so far are written again.
            AnyCommand::React(_) => 8_000,
            AnyCommand::UpdateGroup(GroupCommand {
                change: GroupChange::Add(users),
                ..
            }) => 12_000 + users.len() * 256,
            AnyCommand::UpdateGroup(_) => 64_000,
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

/// The outcome of a send.
#[derive(Debug, Clone)]
pub enum SendOutcome {
    /// The message is new.
    Sent {
        message: Arc<Message>,
        receivers: Vec<UserId>,
        unread: Vec<(UserId, u64)>,
        origin: Option<ConnectionId>,
    },
    /// The same `clientMsgId` was sent before: this is the first message.
    Repeated { message: Arc<Message> },
}

/// These messages had not reached a device of `receiver` before.
#[derive(Debug, Clone)]
pub struct DeliveryOutcome {
    pub receiver: UserId,
    pub messages: Vec<MessageRef>,
    pub at: Timestamp,
    /// The senders receive counts, not names.
    pub in_group: bool,
}

/// The message is a tombstone.
#[derive(Debug, Clone)]
pub struct RemovalOutcome {
    pub tombstone: Tombstone,
    /// The logged removal; `None` when the message was a tombstone before.
    pub change: Option<LoggedChange>,
    /// The users who receive the event, including the sender.
    pub audience: Vec<UserId>,
    /// The users whose counts changed, with the new counts.
    pub unread: Vec<(UserId, u64)>,
}

/// A message has the requested content or reactions.
#[derive(Debug, Clone)]
pub struct RevisionOutcome {
    pub message: Arc<Message>,
    pub how: Revision,
    /// The logged change; `None` when the message was so before.
    pub change: Option<LoggedChange>,
    pub audience: Vec<UserId>,
}

/// The outcome of any command.
#[derive(Debug, Clone)]
pub enum Outcome {
    Send(SendOutcome),
    Read(ReadOutcome),
    Delivered(DeliveryOutcome),
    Deleted(RemovalOutcome),
    Revised(RevisionOutcome),
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
            Outcome::Deleted(RemovalOutcome { change, .. })
            | Outcome::Revised(RevisionOutcome { change, .. }) => change.is_none(),
            Outcome::GroupUpdated(change) => !change.is_fresh,
            Outcome::Send(_) | Outcome::Read(_) | Outcome::Delivered(_) => false,
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
