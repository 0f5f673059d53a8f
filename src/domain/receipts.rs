//! Receipts: how far each member has come, and what follows for a message's `status` and `readBy`.
//!
//! Nothing about reading is written into messages. A member's read position is one number that only
//! grows; each step of it, and each run of delivered messages, leaves one [`Receipt`] with its time.
//! So marking ten thousand messages read costs what marking one costs, and a status cannot drift.

use super::{Timestamp, UserId, event::DeliveryStatus, message::Message};

/// The most separate runs of delivered messages remembered for a member. Beyond it the lowest two
/// are kept apart no longer: the lower is forgotten (which only claims less than is true).
const MAX_RUNS: usize = 8;

/// Which runs of `seq` reached a device: ascending, disjoint, inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Runs(Vec<(u64, u64)>);

impl Runs {
    /// From stored pairs; anything out of order is put in order.
    #[must_use]
    pub fn from_pairs(pairs: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut runs = Self::default();
        for (from, to) in pairs {
            runs.join(from, to);
        }
        runs
    }

    /// The pairs to store.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Whether `seq` is in a run.
    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        self.0.iter().rev().any(|(from, to)| (*from..=*to).contains(&seq))
    }

    /// Adds one `seq`; `false` when it was there.
    pub fn insert(&mut self, seq: u64) -> bool {
        if self.contains(seq) {
            return false;
        }
        self.join(seq, seq);
        true
    }

    /// Where the run before `seq` ends, if there is one.
    #[must_use]
    pub fn end_before(&self, seq: u64) -> Option<u64> {
        self.0.iter().rev().find(|(_, to)| *to < seq).map(|(_, to)| *to)
    }

    /// Makes one run of two: what lies between needs no delivery.
    pub fn bridge(&mut self, from: u64, to: u64) {
        self.join(from, to);
    }

    fn join(&mut self, from: u64, to: u64) {
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
        if self.0.len() > MAX_RUNS {
            self.0.remove(0);
        }
    }
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReceiptKind {
    Delivered,
    Read,
}

/// `users` had the messages `from..=to` delivered, or read them, at `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub kind: ReceiptKind,
    pub users: Vec<UserId>,
    pub from: u64,
    pub to: u64,
    pub at: Timestamp,
}

/// One who has read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBy {
    pub user: UserId,
    pub read_at: Timestamp,
}

/// A message with what its receipts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    pub message: std::sync::Arc<Message>,
    pub status: DeliveryStatus,
    pub read_by: Vec<ReadBy>,
    /// It answers the repeat of a `clientMsgId`: nobody is told of it anew.
    pub is_repeat: bool,
}

impl MessageView {
    /// A message nobody has received yet.
    #[must_use]
    pub fn fresh(message: std::sync::Arc<Message>) -> Self {
        Self { message, status: DeliveryStatus::Sent, read_by: Vec::new(), is_repeat: false }
    }

    /// A message with the receipts of its session that may touch it. The earliest receipt of a
    /// person counts.
    #[must_use]
    pub fn with_receipts(message: Message, receipts: &[Receipt]) -> Self {
        let mut read_by: Vec<ReadBy> = Vec::new();
        let mut delivered = false;
        let touching = receipts.iter().filter(|r| (r.from..=r.to).contains(&message.seq));
        for receipt in touching {
            for user in receipt.users.iter().filter(|user| **user != message.sender) {
                match receipt.kind {
                    ReceiptKind::Delivered => delivered = true,
                    ReceiptKind::Read => match read_by.iter_mut().find(|r| r.user == *user) {
                        Some(known) => known.read_at = known.read_at.min(receipt.at),
                        None => read_by.push(ReadBy { user: *user, read_at: receipt.at }),
                    },
                }
            }
        }
        read_by.sort_by_key(|r| (r.read_at, r.user));
        let status = match (read_by.is_empty(), delivered) {
            (false, _) => DeliveryStatus::Read,
            (true, true) => DeliveryStatus::Delivered,
            (true, false) => DeliveryStatus::Sent,
        };
        Self { message: std::sync::Arc::new(message), status, read_by, is_repeat: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbouring_runs_become_one() {
        let mut runs = Runs::default();
        assert!(runs.insert(1) && runs.insert(3) && !runs.insert(3));
        assert_eq!(runs.pairs().collect::<Vec<_>>(), [(1, 1), (3, 3)]);
        assert!(runs.insert(2));
        assert_eq!(runs.pairs().collect::<Vec<_>>(), [(1, 3)]);
    }

    proptest! {
        #[test]
        fn runs_never_claim_what_was_not_delivered(seqs in prop::collection::vec(1u64..200, 0..150)) {
            let mut runs = Runs::default();
            for seq in &seqs { runs.insert(*seq); }
            for seq in 1..200 {
                if runs.contains(seq) { prop_assert!(seqs.contains(&seq)); }
            }
            prop_assert!(runs.pairs().count() <= MAX_RUNS);
            let stored = Runs::from_pairs(runs.pairs());
            prop_assert_eq!(stored, runs);
        }
    }
}
