//! A lane: takes the queued commands, commits them, hands the outcomes on, and handles failures of
//! the database.
//!
//! An answer to a caller is always true. A command is *refused* only when nothing was stored and
//! nothing will be. It is *done* only when it is stored. While the outcome of a commit is unknown,
//! the lane finds it out before it does anything else.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use lru::LruCache;
use mongodb::bson::{Document, oid::ObjectId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    super::Store,
    Committed, MAX_QUEUED_PER_LANE, QueuedCommand,
    cross_lane::{LanePaused, PauseRequest},
    orphans,
    plan::{BatchPlan, CommandResult},
    transaction::{self, Setback},
};
use crate::domain::{
    Clock, ConversationId, Error, MessageId, Result,
    conversation_state::{Command, ConversationState, Outcome},
    message::Message,
};

/// The maximum number of commands in one transaction. When more commands wait than fit, 800 commit
/// a seventh more messages a second than 400 (three pairs of runs). 1,600 commit no more than 800.
const MAX_BATCH_COMMANDS: usize = 800;
/// The maximum size of one transaction in bytes (MongoDB's own limit is 16 MB).
const MAX_BATCH_BYTES: usize = 4 << 20;
/// The number of conversation states that a lane caches.
const STATE_CACHE_CAPACITY: usize = 20_000;
/// The time after which a command that could not be committed is refused.
pub(super) const COMMIT_DEADLINE: Duration = Duration::from_secs(5);
/// The time limit of one database read of a lane.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest delay between two attempts.
pub(super) const MAX_RETRY_DELAY: Duration = Duration::from_millis(500);

/// The number of conflicts after which the lane looks for orphaned transactions of dead processes.
pub(super) const CONFLICTS_BEFORE_ORPHAN_CHECK: u32 = 4;

/// The age after which an attempt that was not found stored never will be. MongoDB ends
/// transactions after 60 s by default (`transactionLifetimeLimitSeconds`).
const UNCERTAIN_ATTEMPT_LIFETIME: Duration = Duration::from_secs(75);

/// A commit attempt whose outcome is unknown.
pub(super) struct UncertainAttempt {
    pub commit: ObjectId,
    pub sessions: Vec<ConversationId>,
    pub messages: Vec<Arc<Message>>,
    pub plan: BatchPlan,
    pub since: Instant,
}

pub(super) struct Lane {
    store: Store,
    clock: Arc<dyn Clock>,
    inbox: mpsc::Receiver<QueuedCommand>,
    pause_requests: mpsc::Receiver<PauseRequest>,
    sink: mpsc::Sender<Vec<Committed>>,
    stop: CancellationToken,
    /// The conversation states as this lane last stored them.
    states: LruCache<ConversationId, ConversationState>,
    /// The commands taken from the inbox but not yet committed, in order.
    waiting: VecDeque<QueuedCommand>,
}

impl Lane {
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        (inbox, pause_requests): (mpsc::Receiver<QueuedCommand>, mpsc::Receiver<PauseRequest>),
        sink: mpsc::Sender<Vec<Committed>>,
        stop: CancellationToken,
    ) -> Self {
        let remembered = NonZeroUsize::new(STATE_CACHE_CAPACITY).unwrap_or(NonZeroUsize::MIN);
        let states = LruCache::new(remembered);
        Self {
            store,
            clock,
            inbox,
            pause_requests,
            sink,
            stop,
            states,
            waiting: VecDeque::new(),
        }
    }

    pub async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            let started = Instant::now();
            metrics::histogram!("wardline_batch_size").record(as_f64(batch.len()));
            // A batch with a poisoned command is halved until that command is alone.
            let mut work = VecDeque::from([batch]);
            while let Some(jobs) = work.pop_front() {
                let span = tracing::debug_span!("commit.batch", commands = jobs.len());
                if let Some((first, second)) = self.commit(jobs).instrument(span).await {
                    work.push_front(second);
                    work.push_front(first);
                }
            }
            metrics::histogram!("wardline_commit_seconds").record(started.elapsed().as_secs_f64());
        }
    }

    /// Returns all waiting commands up to the batch limits; `None` when the service stops and no
    /// command is left.
    async fn next_batch(&mut self) -> Option<Vec<QueuedCommand>> {
        while let Ok(pause_request) = self.pause_requests.try_recv() {
            self.pause_for(pause_request).await;
        }
        while self.waiting.is_empty() {
            let stop = self.stop.clone();
            let job = tokio::select! {
                biased;
                Some(pause_request) = self.pause_requests.recv() => {
                    self.pause_for(pause_request).await;
                    continue;
                }
                job = self.inbox.recv() => job,
                () = stop.cancelled() => {
                    // The closed inbox still returns its queued commands, then `None`.
                    self.inbox.close();
                    self.inbox.recv().await
                }
            }?;
            self.waiting.push_back(job);
        }
        while self.waiting.len() < MAX_BATCH_COMMANDS {
            match self.inbox.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => break,
            }
        }
        let (mut batch, mut bytes) = (
            Vec::with_capacity(self.waiting.len().min(MAX_BATCH_COMMANDS)),
            0,
        );
        while let Some(job) = self.waiting.pop_front() {
            bytes += job.operation.weight();
            if !batch.is_empty() && (bytes > MAX_BATCH_BYTES || batch.len() >= MAX_BATCH_COMMANDS) {
                self.waiting.push_front(job);
                break;
            }
            batch.push(job);
        }
        Some(batch)
    }

    /// Pauses for a cross-lane commit, between two batches, and applies the returned states and
    /// outcomes.
    async fn pause_for(&mut self, pause_request: PauseRequest) {
        let states = pause_request
            .sessions
            .iter()
            .filter_map(|session| self.states.pop(session))
            .collect();
        let (resume_sender, left) = oneshot::channel();
        if pause_request
            .lane_paused
            .send(LanePaused {
                states,
                resume_sender,
            })
            .is_err()
        {
            return;
        }
        if let Ok(resume) = left.await {
            for state in resume.states {
                self.states.put(state.session.id, state);
            }
            self.send_to_publisher(resume.done).await;
        }
    }

    /// Sends committed commands to the publisher.
    async fn send_to_publisher(&self, done: Vec<Committed>) {
        metrics::counter!("wardline_commits_total").increment(done.len() as u64);
        self.store
            .committed
            .fetch_add(done.len() as u64, Ordering::Relaxed);
        metrics::gauge!("wardline_outbox_depth").increment(as_f64(done.len()));
        if let Err(unpublished) = self.sink.send(done).await {
            unpublished.0.into_iter().for_each(Committed::answer);
        }
    }

    /// Commits a batch and retries until the outcome is known. Returns two halves when one of its
    /// commands is poisoned.
    async fn commit(
        &mut self,
        mut jobs: Vec<QueuedCommand>,
    ) -> Option<(Vec<QueuedCommand>, Vec<QueuedCommand>)> {
        let (mut uncertain, mut orphans): (Vec<UncertainAttempt>, Vec<Document>) =
            (Vec::new(), Vec::new());
        // A client's repeated send does not count as a setback.
        let mut is_repeat = false;
        for attempt in 0_u32.. {
            if attempt > 0 {
                if !is_repeat {
                    metrics::counter!("wardline_commit_setbacks_total").increment(1);
                }
                self.wait_before_retry(attempt).await;
            }
            is_repeat = false;
            if !orphans.is_empty()
                && within_lookup_timeout(transaction::end_orphans(&self.store, &orphans))
                    .await
                    .is_ok()
            {
                orphans.clear();
            }
            match within_lookup_timeout(resolve_uncertain_attempts(&self.store, &mut uncertain))
                .await
            {
                Ok(Some(plan)) => {
                    self.finish(jobs, plan).await;
                    return None;
                }
                // While an outcome is unknown, `jobs` must match the plans of the uncertain
                // attempts.
                Ok(None) if uncertain.is_empty() && attempt > 0 => {
                    jobs = refuse_expired(jobs);
                    if jobs.is_empty() {
                        return None;
                    }
                }
                Ok(None) => {}
                Err(_) => continue,
            }
            let Ok(mut plan) = within_lookup_timeout(self.compute_plan(&jobs)).await else {
                continue;
            };
            let (messages, sessions) = (plan.messages(), plan.changed_conversations());
            let Some(writes) = plan.take_writes() else {
                self.finish(jobs, plan).await;
                return None;
            };
            let commit = writes.commit;
            let Err(failed) = transaction::commit_writes(&self.store, writes).await else {
                self.finish(jobs, plan).await;
                return None;
            };
            orphans.extend(failed.orphan);
            match failed.setback {
                Setback::Stale if attempt >= CONFLICTS_BEFORE_ORPHAN_CHECK => {
                    drop(within_lookup_timeout(orphans::end(&self.store)).await);
                }
                Setback::Stale | Setback::Unavailable => {}
                Setback::InDoubt => {
                    uncertain.push(UncertainAttempt {
                        commit,
                        sessions,
                        messages,
                        plan,
                        since: Instant::now(),
                    });
                }
                // A failed lookup is repeated in the next attempt.
                Setback::Duplicate => is_repeat = self.recognize_repeats(&mut jobs).await.is_ok(),
                Setback::Poison if !uncertain.is_empty() => {}
                Setback::Poison if jobs.len() == 1 => {
                    metrics::counter!("wardline_refusals_total", "reason" => "poisoned")
                        .increment(1);
                    for job in jobs {
                        job.refuse(Error::Internal);
                    }
                    return None;
                }
                Setback::Poison => {
                    let second = jobs.split_off(jobs.len() / 2);
                    return Some((jobs, second));
                }
            }
        }
        None
    }

    /// Plans the batch on the cached states and loads the missing ones.
    async fn compute_plan(&mut self, jobs: &[QueuedCommand]) -> Result<BatchPlan> {
        let (mut states, mut missing) = (HashMap::new(), HashSet::new());
        for job in jobs {
            let session = job.operation.session();
            if states.contains_key(&session) || missing.contains(&session) {
                continue;
            }
            match self.states.pop(&session) {
                Some(state) if !job.require_fresh_state => drop(states.insert(session, state)),
                _ => drop(missing.insert(session)),
            }
        }
        if !missing.is_empty() {
            let ids: Vec<ConversationId> = missing.iter().copied().collect();
            for session in self.store.conversations_by_id(&ids).await? {
                states.insert(session.id, ConversationState::open(session));
            }
        }
        BatchPlan::compute_plan(&self.store, jobs, states, &missing, self.clock.now()).await
    }

    /// Finishes a stored batch: caches the new states, hands the outcomes on, answers the other
    /// commands.
    async fn finish(&mut self, jobs: Vec<QueuedCommand>, plan: BatchPlan) {
        let sent: Vec<Option<Arc<Message>>> = plan
            .results
            .iter()
            .map(|result| match result {
                CommandResult::Done {
                    outcome: Outcome::Sent { message, .. },
                    ..
                } => Some(Arc::clone(message)),
                _ => None,
            })
            .collect();
        let (mut done, mut later) = (Vec::with_capacity(jobs.len()), Vec::new());
        for (mut job, result) in jobs.into_iter().zip(plan.results) {
            let session = job.operation.session();
            match result {
                CommandResult::Done { version, outcome } => {
                    done.push(Committed {
                        session,
                        version,
                        outcome,
                        since: job.since,
                        reply: job.reply,
                    });
                }
                CommandResult::RepeatOf(first) => match sent.get(first).cloned().flatten() {
                    Some(message) => job.answer(Outcome::Repeated { message }),
                    None => job.refuse(Error::Internal),
                },
                CommandResult::Repeated(message) => job.answer(Outcome::Repeated { message }),
                CommandResult::Refused(error) => job.refuse(error),
                CommandResult::Deferred => later.push(job),
                CommandResult::Distrusted => {
                    job.require_fresh_state = true;
                    later.push(job);
                }
            }
        }
        for job in later.into_iter().rev() {
            self.waiting.push_front(job);
        }
        for (id, state) in plan.states {
            self.states.put(id, state.into_committed());
        }
        self.send_to_publisher(done).await;
    }

    /// Marks the sends whose `clientMsgId` is already stored.
    async fn recognize_repeats(&self, jobs: &mut [QueuedCommand]) -> Result<()> {
        let key = |job: &QueuedCommand| match &job.operation {
            Command::Send { draft, .. } => draft.idempotency_key(),
            _ => None,
        };
        let keys: Vec<_> = jobs.iter().filter_map(key).collect();
        for first in self.store.messages_by_client_id(&keys).await? {
            let first = Arc::new(first);
            let stored = first.idempotency_key();
            for job in jobs
                .iter_mut()
                .filter(|job| stored.is_some() && key(job) == stored)
            {
                job.repeat = Some(Arc::clone(&first));
            }
        }
        Ok(())
    }

    /// Waits before the next attempt. Meanwhile it accepts arriving commands and refuses those that
    /// waited too long.
    async fn wait_before_retry(&mut self, attempt: u32) {
        // A first conflict is retried almost at once, an unavailable database every half second.
        let pause = Duration::from_millis(1 << attempt.min(9)).min(MAX_RETRY_DELAY);
        tokio::time::sleep(pause).await;
        while self.waiting.len() < MAX_QUEUED_PER_LANE {
            match self.inbox.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => break,
            }
        }
        if self.waiting.front().is_some_and(QueuedCommand::has_expired) {
            self.waiting = refuse_expired(self.waiting.drain(..).collect()).into();
        }
    }
}

/// Checks whether an uncertain attempt was stored; returns its plan if so.
pub(super) async fn resolve_uncertain_attempts(
    store: &Store,
    uncertain: &mut Vec<UncertainAttempt>,
) -> Result<Option<BatchPlan>> {
    if uncertain.is_empty() {
        return Ok(None);
    }
    let commits: Vec<ObjectId> = uncertain.iter().map(|doubt| doubt.commit).collect();
    let sessions: Vec<ConversationId> = uncertain
        .iter()
        .flat_map(|doubt| doubt.sessions.clone())
        .collect();
    let found = store.find_stored_commit(&sessions, &commits).await?;
    let mut index = uncertain
        .iter()
        .position(|doubt| Some(doubt.commit) == found);
    if index.is_none() {
        // Another node may have written since; then the stored messages decide.
        let ids: Vec<MessageId> = uncertain
            .iter()
            .flat_map(|d| d.messages.iter().map(|m| m.id))
            .collect();
        let stored = store.stored_among(&ids).await?;
        index = uncertain.iter().position(|doubt| {
            doubt
                .messages
                .iter()
                .any(|m| stored.iter().any(|s| s.id == m.id && s.seq == m.seq))
        });
    }
    tracing::info!(
        committed = index.is_some(),
        "a commit in doubt was looked up"
    );
    if index.is_none() {
        uncertain.retain(|doubt| doubt.since.elapsed() < UNCERTAIN_ATTEMPT_LIFETIME);
    }
    Ok(index.map(|index| uncertain.swap_remove(index).plan))
}

/// Gives a database read up after [`LOOKUP_TIMEOUT`]. The call itself continues in its own task.
pub(super) async fn within_lookup_timeout<T>(lookup: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(LOOKUP_TIMEOUT, lookup)
        .await
        .unwrap_or(Err(Error::Unavailable))
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Refuses the commands that have waited too long. None of them is stored.
fn refuse_expired(jobs: Vec<QueuedCommand>) -> Vec<QueuedCommand> {
    let (late, rest): (Vec<QueuedCommand>, Vec<QueuedCommand>) =
        jobs.into_iter().partition(QueuedCommand::has_expired);
    if !late.is_empty() {
        metrics::counter!("wardline_refusals_total", "reason" => "unavailable")
            .increment(late.len() as u64);
        for job in late {
            job.refuse(Error::Unavailable);
        }
    }
    rest
}

impl QueuedCommand {
    fn has_expired(&self) -> bool {
        self.since.elapsed() > COMMIT_DEADLINE
    }

    // In both functions, the caller may have left.
    pub(super) fn refuse(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }

    fn answer(self, outcome: Outcome) {
        let _ = self.reply.send(Ok(outcome));
    }
}
