//! The change log of a conversation: every stored event has a number, `event_seq`.
//!
//! A message takes the next number when it is sent and carries it for ever. Every other event (an
//! effective edit, recall or deletion, an effective change of a reaction) takes the next number and
//! is logged as a [`LoggedChange`]. A repeat that changes nothing takes none, and neither do read
//! positions, deliveries, typing or changes of membership (the system message of such a change is a
//! message).
//!
//! Between two logged changes the numbers of messages run with their `seq`. So the event of a
//! number is found from the last logged change at or below it, without an index over messages: see
//! [`place_of`]. The log holds no text. An edit says that the message has another content, not
//! which.

use super::{ConversationId, MessageId, Timestamp, UserId, message_parts::is_same_emoji};

/// What changed in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// The content or the mentions were edited.
    Edited,
    /// The sender recalled the message.
    Recalled,
    /// The sender or a moderator deleted the message.
    Deleted,
    /// A user added an emoji (`on`), or removed it.
    Reacted { emoji: String, on: bool },
}

/// A change of a stored message, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedChange {
    pub conversation: ConversationId,
    /// The number of this event in its conversation.
    pub event_seq: u64,
    /// The `seq` of the newest message at the time of this change.
    pub after_seq: u64,
    pub kind: ChangeKind,
    pub by: UserId,
    pub at: Timestamp,
    pub message: MessageId,
    /// Whether no later change supersedes it. Only current changes are shown to clients.
    pub is_current: bool,
}

impl LoggedChange {
    /// Returns whether an earlier change need not be shown any more once this one is logged: an
    /// edit supersedes the edits before it, a reaction the same user's reactions with that emoji,
    /// and a removal everything of its message.
    #[must_use]
    pub fn supersedes(&self, earlier: &LoggedChange) -> bool {
        if self.message != earlier.message || self.conversation != earlier.conversation {
            return false;
        }
        match (&self.kind, &earlier.kind) {
            (ChangeKind::Recalled | ChangeKind::Deleted, _)
            | (ChangeKind::Edited, ChangeKind::Edited) => true,
            (ChangeKind::Reacted { emoji, .. }, ChangeKind::Reacted { emoji: other, .. }) => {
                self.by == earlier.by && is_same_emoji(emoji, other)
            }
            (ChangeKind::Edited | ChangeKind::Reacted { .. }, _) => false,
        }
    }
}

/// The changes of one batch in a conversation, ascending by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog(Vec<LoggedChange>);

impl ChangeLog {
    /// Appends a change; the changes that it supersedes are no longer current.
    pub fn push(&mut self, change: LoggedChange) {
        for earlier in &mut self.0 {
            if earlier.is_current && change.supersedes(earlier) {
                earlier.is_current = false;
            }
        }
        self.0.push(change);
    }

    /// Returns the changes.
    #[must_use]
    pub fn changes(&self) -> &[LoggedChange] {
        &self.0
    }
}

/// What has a number in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPlace {
    /// The message with this `seq`.
    Message {
        seq: u64,
    },
    Change(LoggedChange),
}

/// Returns what has the number `event_seq`, given the last logged change at or below it. `None`
/// when that change is above it, or when 0 is asked for.
#[must_use]
pub fn place_of(event_seq: u64, last: Option<LoggedChange>) -> Option<EventPlace> {
    let Some(last) = last else {
        return (event_seq > 0).then_some(EventPlace::Message { seq: event_seq });
    };
    let behind = event_seq.checked_sub(last.event_seq)?;
    Some(match behind {
        0 => EventPlace::Change(last),
        behind => EventPlace::Message {
            seq: last.after_seq + behind,
        },
    })
}
