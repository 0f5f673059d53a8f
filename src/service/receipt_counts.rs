//! Receipt counts in groups. A sender receives the number of users who received and read a message,
//! at most once a second, instead of one event for each member.
//!
//! The changed messages are collected here. Once a second their receipts are counted in the
//! database. So the numbers equal those of a fetch.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::Services;
use crate::domain::{
    ConversationId, MessageId, Result, UserId,
    conversation_state::MessageRef,
    event::{Envelope, Event, ReceiptEvent, Scope},
    paging::SeqRange,
    receipts::ReceiptTally,
};

/// The most messages that may wait to be counted; beyond it the newest are published with their
/// next receipt.
const MAX_QUEUED_MESSAGES: usize = 100_000;

#[derive(Clone, Copy)]
struct ConversationTallies {
    message: MessageId,
    sender: UserId,
    /// The version of the conversation at the newest receipt.
    version: u64,
    /// Grows with every receipt, so that a receipt that arrives during a count is counted, too.
    generation: u64,
}

#[derive(Default)]
struct PendingTally {
    /// By conversation and `seq`.
    messages: HashMap<ConversationId, BTreeMap<u64, ConversationTallies>>,
    count: usize,
    generation: u64,
}

/// The queue of messages whose receipts are to be counted.
#[derive(Default)]
pub(super) struct ReceiptCountQueue {
    pending: Mutex<PendingTally>,
    arrived: Notify,
}

impl ReceiptCountQueue {
    fn pending(&self) -> MutexGuard<'_, PendingTally> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services {
    /// Queues messages of a group that have new receipts.
    pub(super) fn queue_counts(&self, scope: Scope, messages: &[MessageRef]) {
        let mut pending = self.receipt_counts.pending();
        let PendingTally {
            messages: waiting,
            count,
            generation,
        } = &mut *pending;
        // Senders without a connection receive no events.
        for m in messages.iter().filter(|m| self.hub.is_connected(m.sender)) {
            if *count >= MAX_QUEUED_MESSAGES {
                break;
            }
            *generation += 1;
            let entry = ConversationTallies {
                message: m.id,
                sender: m.sender,
                version: scope.version,
                generation: *generation,
            };
            if waiting
                .entry(scope.conversation)
                .or_default()
                .insert(m.seq, entry)
                .is_none()
            {
                *count += 1;
            }
        }
        drop(pending);
        self.receipt_counts.arrived.notify_one();
    }

    /// Removes a former member's messages of a conversation from the queue: they receive no counts
    /// of it.
    pub(super) fn discard_counts(&self, session: ConversationId, user: UserId) {
        let mut pending = self.receipt_counts.pending();
        let PendingTally {
            messages, count, ..
        } = &mut *pending;
        if let Some(waiting) = messages.get_mut(&session) {
            let before = waiting.len();
            waiting.retain(|_, entry| entry.sender != user);
            *count -= before - waiting.len();
        }
    }

    pub(super) async fn publish_counts(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.receipt_counts.arrived.notified() => {}
            }
            let sessions: Vec<ConversationId> = self
                .receipt_counts
                .pending()
                .messages
                .keys()
                .copied()
                .collect();
            for session in sessions {
                if let Err(error) = self.publish_counts_of(session).await {
                    tracing::warn!(%error, "receipts could not be counted");
                }
            }
            tokio::select! {
                () = &mut stop => return,
                () = self.clock.sleep(self.settings.timings.counts) => {}
            }
        }
    }

    async fn publish_counts_of(&self, session: ConversationId) -> Result<()> {
        let asked = self
            .receipt_counts
            .pending()
            .messages
            .get(&session)
            .cloned()
            .unwrap_or_default();
        let (Some((first, _)), Some((last, _))) = (asked.first_key_value(), asked.last_key_value())
        else {
            return Ok(());
        };
        let range = SeqRange {
            after: first - 1,
            up_to: *last,
        };
        let receipts = self.store.receipts_in(session, range).await;
        let mut pending = self.receipt_counts.pending();
        let PendingTally {
            messages, count, ..
        } = &mut *pending;
        let Some(waiting) = messages.get_mut(&session) else {
            return Ok(());
        };
        let mut counted = Vec::new();
        for (seq, entry) in asked {
            // Only for messages still queued: see `discard_counts`.
            let Some(now) = waiting.get(&seq).copied() else {
                continue;
            };
            if now.generation == entry.generation || receipts.is_err() {
                waiting.remove(&seq);
                *count -= 1;
            }
            if let Ok(receipts) = &receipts {
                let tally = ReceiptTally::of(seq, entry.sender, receipts);
                let (delivered, read) = (tally.delivered.len() as u64, tally.read.len() as u64);
                let at = self.clock.now();
                let event = ReceiptEvent::Counted {
                    message: entry.message,
                    session,
                    delivered,
                    read,
                    at,
                };
                let scope = Scope {
                    conversation: session,
                    version: entry.version,
                };
                counted.push(Envelope::of(
                    scope,
                    vec![entry.sender],
                    Event::Receipt(event),
                ));
            }
        }
        if waiting.is_empty() {
            messages.remove(&session);
        } else {
            self.receipt_counts.arrived.notify_one();
        }
        drop(pending);
        self.bus.publish(&counted);
        receipts.map(drop)
    }
}
