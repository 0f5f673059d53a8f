//! Updates the rollups of the statistics after commits, in rounds, for whole conversations at a
//! time.
//!
//! The queue holds hints: the changed conversations, and the new messages, so that they need not be
//! read back. The stored positions decide what is counted (`store::statistics`). So a hint that is
//! lost with the process is made up for at the next start.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::Services;
use crate::{
    domain::{
        ConversationId, Error, Result,
        message::Message,
        statistics::{Calendar, CountedMessage},
    },
    store::statistics::Rolled,
};

/// How long changes are collected before they are counted, unless a caller asks.
const ROLLUP_INTERVAL: Duration = Duration::from_secs(10);
/// The most messages that are kept to be counted; those beyond are read back from the database.
const MAX_PENDING_MESSAGES: usize = 200_000;
/// The number of messages that starts a round at once.
const EARLY_ROLLUP_MESSAGES: usize = 50_000;
/// The most conversations of one transaction.
const MAX_BATCH_CONVERSATIONS: usize = 200;
/// The delay of a retry after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(2);

type CommittedRanges = BTreeMap<ConversationId, Vec<CountedMessage>>;

#[derive(Default)]
struct PendingRollup {
    sessions: CommittedRanges,
    messages: usize,
}

/// The queue of what is still to be counted.
pub(super) struct RollupQueue {
    calendar: Arc<Calendar>,
    pending: Mutex<PendingRollup>,
    early_round_due: Notify,
    /// Allows one round at a time.
    round_lock: tokio::sync::Mutex<()>,
}

impl RollupQueue {
    pub fn new(calendar: Arc<Calendar>) -> Self {
        Self {
            calendar,
            pending: Mutex::default(),
            early_round_due: Notify::new(),
            round_lock: tokio::sync::Mutex::default(),
        }
    }

    fn take_pending(&self) -> CommittedRanges {
        mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner)).sessions
    }

    fn queue_conversations(&self, sessions: impl IntoIterator<Item = ConversationId>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for session in sessions {
            pending.sessions.entry(session).or_default();
        }
    }
}

impl Services {
    /// Returns the hospital's days and hours.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.rollups.calendar
    }

    /// Records that a conversation changed.
    pub(super) fn record_changed(&self, session: ConversationId) {
        self.rollups.queue_conversations([session]);
    }

    /// Records that a message was committed.
    pub(super) fn record_written(&self, message: &Message) {
        let mut pending = self
            .rollups
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if pending.messages >= MAX_PENDING_MESSAGES {
            pending.sessions.entry(message.session).or_default();
            return;
        }
        pending.messages += 1;
        let early_round_due = pending.messages == EARLY_ROLLUP_MESSAGES;
        pending
            .sessions
            .entry(message.session)
            .or_default()
            .push(CountedMessage {
                seq: message.seq,
                sender: message.sender,
                kind: message.kind,
                at: message.created_at,
                is_system: message.system_notice.is_some(),
            });
        drop(pending);
        if early_round_due {
            self.rollups.early_round_due.notify_one();
        }
    }

    /// Counts what was committed so far. After this returns, the rollups hold everything that this
    /// process had published before the call.
    ///
    /// # Errors
    /// When MongoDB does not answer; the rest is counted later.
    pub(super) async fn count_now(&self) -> Result<()> {
        let _turn = self.rollups.round_lock.lock().await;
        let mut pending = self.rollups.take_pending();
        while !pending.is_empty() {
            let mut batch = CommittedRanges::new();
            while batch.len() < MAX_BATCH_CONVERSATIONS
                && let Some((session, run)) = pending.pop_first()
            {
                batch.insert(session, run);
            }
            let ids: Vec<ConversationId> = batch.keys().copied().collect();
            match self.store.roll_up(&self.rollups.calendar, batch).await {
                Ok(Rolled::CountedMessage { behind }) => {
                    for session in behind {
                        pending.insert(session, Vec::new());
                    }
                }
                // The task that clears the rollups counts all conversations afterwards.
                Ok(Rolled::NotReady) => return Err(Error::Unavailable),
                Err(error) => {
                    self.rollups
                        .queue_conversations(ids.into_iter().chain(pending.into_keys()));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Queues every conversation that has changed since it was counted, by any process.
    async fn record_uncounted(&self) -> Result<()> {
        let behind = self.store.conversations_to_count().await?;
        if !behind.is_empty() {
            tracing::info!(sessions = behind.len(), "counting what the statistics lack");
        }
        self.rollups.queue_conversations(behind);
        Ok(())
    }

    /// Counts everything that is not counted, from any process. It starts from nothing when the
    /// rollups are of another calendar or an older program.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn catch_up_statistics(&self) -> Result<()> {
        if !self
            .store
            .are_rollups_current(&self.rollups.calendar)
            .await?
        {
            self.store.clear_rollups(&self.rollups.calendar).await?;
        }
        self.record_uncounted().await?;
        self.count_now().await
    }

    /// Counts all statistics again, from the messages.
    ///
    /// # Errors
    /// When MongoDB does not answer. An interrupted recount is resumed at the next start.
    #[tracing::instrument(name = "statistics.recount", level = "debug", skip_all)]
    pub async fn recount_statistics(&self) -> Result<()> {
        let round_lock = self.rollups.round_lock.lock().await;
        self.store.clear_rollups(&self.rollups.calendar).await?;
        drop(round_lock);
        self.record_uncounted().await?;
        self.count_now().await
    }

    /// Catches up, then counts in rounds until `stop`; the rest of the queue is counted last.
    pub(crate) async fn run_rollups(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        while let Err(error) = self.catch_up_statistics().await {
            tracing::warn!(%error, "the statistics could not be caught up with");
            tokio::select! {
                () = &mut stop => return,
                () = self.clock.sleep(RETRY_DELAY) => {}
            }
        }
        loop {
            let stopped = tokio::select! {
                () = &mut stop => true,
                () = self.clock.sleep(ROLLUP_INTERVAL) => false,
                () = self.rollups.early_round_due.notified() => false,
            };
            if let Err(error) = self.count_now().await {
                tracing::warn!(%error, "statistics are counted later");
            }
            if stopped {
                return;
            }
        }
    }
}
