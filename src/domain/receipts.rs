//! Receipts: every member's positions, and a message's `status` and `readBy` derived from them.
//!
//! Reading changes no message. A member's read position is one number that only grows. Each change
//! of it, and each range of delivered messages, leaves one [`Receipt`] with its time. So marking
//! ten thousand messages read costs as much as marking one, and a status cannot drift.

use std::collections::BTreeMap;

use super::{
    Timestamp, UserId, event::DeliveryStatus, message::Message, message_parts::ReplyTargetChange,
};

/// The most separate ranges of delivered messages stored for a member. Beyond it the lowest range
/// is dropped, which only claims less than is true.
const MAX_DELIVERED_RANGES: usize = 8;

/// The ranges of `seq` that reached a device: ascending, disjoint, inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeqRanges(Vec<(u64, u64)>);

impl SeqRanges {
    /// Returns the ranges of stored pairs, which are sorted first.
    #[must_use]
    pub fn from_pairs(pairs: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut runs = Self::default();
        for (from, to) in pairs {
            runs.merge_range(from, to);
        }
        runs
    }

    /// Returns the pairs to store.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Returns whether `seq` is in a range.
    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        self.0
            .iter()
            .rev()
            .any(|(from, to)| (*from..=*to).contains(&seq))
    }

    /// Adds one `seq`; `false` when it was there.
    pub fn insert(&mut self, seq: u64) -> bool {
        if self.contains(seq) {
            return false;
        }
        self.merge_range(seq, seq);
        true
    }

    /// Returns the end of the range before `seq`, if there is one.
    #[must_use]
    pub fn end_before(&self, seq: u64) -> Option<u64> {
        self.0
            .iter()
            .rev()
            .find(|(_, to)| *to < seq)
            .map(|(_, to)| *to)
    }

    /// Merges two ranges: the messages between them need no delivery.
    pub fn bridge(&mut self, from: u64, to: u64) {
        self.merge_range(from, to);
    }

    fn merge_range(&mut self, from: u64, to: u64) {
        let (mut from, mut to) = (from.min(to), from.max(to));
        self.0.retain(|(low, high)| {
            let touches = *low <= to.saturating_add(1) && from <= high.saturating_add(1);
            if touches {
                from = from.min(*low);
                to = to.max(*high);
            }
            !touches
        });
        let place = self.0.partition_point(|(low, _)| *low < from);
        self.0.insert(place, (from, to));
        if self.0.len() > MAX_DELIVERED_RANGES {
            self.0.remove(0);
        }
    }
}

/// The kind of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReceiptKind {
    Delivered,
    Read,
}

/// A receipt: `users` received or read the messages `from..=to` at `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub kind: ReceiptKind,
    pub users: Vec<UserId>,
    pub from: u64,
    pub to: u64,
    pub at: Timestamp,
}

/// A user who has read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBy {
    pub user: UserId,
    pub read_at: Timestamp,
}

/// Who received a message and who read it, with the times. Every reader counts as a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiptTally {
    pub delivered: BTreeMap<UserId, Timestamp>,
    pub read: BTreeMap<UserId, Timestamp>,
}

impl ReceiptTally {
    /// Returns the receipts of the message at `seq`. The earliest receipt of a user counts.
    #[must_use]
    pub fn of(seq: u64, sender: UserId, receipts: &[Receipt]) -> Self {
        let mut tally = Self::default();
        for receipt in receipts.iter().filter(|r| (r.from..=r.to).contains(&seq)) {
            for user in receipt.users.iter().filter(|user| **user != sender) {
                let record_first = |times: &mut BTreeMap<UserId, Timestamp>| {
                    let known = times.entry(*user).or_insert(receipt.at);
                    *known = receipt.at.min(*known);
                };
                record_first(&mut tally.delivered);
                if receipt.kind == ReceiptKind::Read {
                    record_first(&mut tally.read);
                }
            }
        }
        tally
    }
}

/// A warning for the sender of a stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// These users are inactive: the message does not mention them.
    MentionInactive(Vec<UserId>),
    /// No other member of the group is active.
    NoActiveRecipient,
}

/// The most readers that a message names; their number is given besides.
const MAX_LISTED_READERS: usize = 100;

/// A message with its receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    pub message: std::sync::Arc<Message>,
    pub status: DeliveryStatus,
    /// The first users who have read it.
    pub read_by: Vec<ReadBy>,
    pub read_count: u64,
    pub delivered_count: u64,
    /// The change of the message it replies to, since the reply, and its time.
    pub answered: Option<(ReplyTargetChange, Timestamp)>,
    /// Whether its record of forwarded messages was left out of a page that would be too large.
    pub omits_merged: bool,
    /// The warnings for the sender, in the answer to the sender only.
    pub warnings: Vec<Warning>,
    /// Whether it answers the repeat of a `clientMsgId`: it is not published again.
    pub is_repeat: bool,
}

impl MessageView {
    /// Returns a message that no user has received yet.
    #[must_use]
    pub fn fresh(message: std::sync::Arc<Message>) -> Self {
        Self {
            message,
            status: DeliveryStatus::Sent,
            read_by: Vec::new(),
            read_count: 0,
            delivered_count: 0,
            answered: None,
            omits_merged: false,
            warnings: Vec::new(),
            is_repeat: false,
        }
    }

    /// Returns a message with the receipts of its conversation that may concern it.
    #[must_use]
    pub fn with_receipts(message: Message, receipts: &[Receipt]) -> Self {
        let tally = ReceiptTally::of(message.seq, message.sender, receipts);
        let (read_count, delivered_count) = (tally.read.len() as u64, tally.delivered.len() as u64);
        let mut read_by: Vec<ReadBy> = tally
            .read
            .into_iter()
            .map(|(user, read_at)| ReadBy { user, read_at })
            .collect();
        read_by.sort_by_key(|r| (r.read_at, r.user));
        read_by.truncate(MAX_LISTED_READERS);
        let status = match (read_count, delivered_count) {
            (0, 0) => DeliveryStatus::Sent,
            (0, _) => DeliveryStatus::Delivered,
            _ => DeliveryStatus::Read,
        };
        Self {
            message: std::sync::Arc::new(message),
            status,
            read_by,
            read_count,
            delivered_count,
            answered: None,
            omits_merged: false,
            warnings: Vec::new(),
            is_repeat: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbouring_runs_become_one() {
        let mut runs = SeqRanges::default();
        assert!(runs.insert(1) && runs.insert(3) && !runs.insert(3));
        assert_eq!(runs.pairs().collect::<Vec<_>>(), [(1, 1), (3, 3)]);
        assert!(runs.insert(2));
        assert_eq!(runs.pairs().collect::<Vec<_>>(), [(1, 3)]);
    }

    proptest! {
        #[test]
        fn runs_never_claim_what_was_not_delivered(seqs in prop::collection::vec(1u64..200, 0..150)) {
            let mut runs = SeqRanges::default();
            for seq in &seqs { runs.insert(*seq); }
            for seq in 1..200 {
                if runs.contains(seq) { prop_assert!(seqs.contains(&seq)); }
            }
            prop_assert!(runs.pairs().count() <= MAX_DELIVERED_RANGES);
            let stored = SeqRanges::from_pairs(runs.pairs());
            prop_assert_eq!(stored, runs);
        }
    }
}
