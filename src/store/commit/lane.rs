//! A lane: takes the queued commands, commits them, and hands the outcomes on.
//!
//! An answer to a caller is always true. A command is *refused* only when nothing was stored and
//! nothing will be. It is *done* only when it is stored. While the outcome of a commit is unknown,
//! the lane finds it out before it does anything else.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use lru::LruCache;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    super::Store,
    Committed, MAX_QUEUED_PER_LANE, QueuedCommand,
    attempt::{self, AttemptDriver, Next},
    cross_lane::{LanePaused, PauseRequest},
    plan::{BatchPlan, CommandResult},
};
use crate::domain::{
    Clock, ConversationId, Error, Result,
    conversation_state::{AnyCommand, ConversationState, Outcome, SendCommand, SendOutcome},
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

    /// Commits a batch. Returns two halves when one of its
    /// commands is poisoned.
    async fn commit(
        &mut self,
        jobs: Vec<QueuedCommand>,
    ) -> Option<(Vec<QueuedCommand>, Vec<QueuedCommand>)> {
        let store = self.store.clone();
        let mut batch = LaneBatch { lane: self, jobs };
        let committed = attempt::commit(&store, &mut batch).await;
        let mut jobs = batch.jobs;
        match committed {
            Ok(plan) => self.finish(jobs, plan).await,
            Err(LaneEnd::NoneLeft) => {}
            Err(LaneEnd::Poisoned) if jobs.len() > 1 => {
                let second = jobs.split_off(jobs.len() / 2);
                return Some((jobs, second));
            }
            Err(LaneEnd::Poisoned) => {
                metrics::counter!("wardline_refusals_total", "reason" => "poisoned").increment(1);
                for job in jobs {
                    job.refuse(Error::Internal);
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
                    outcome: Outcome::Send(SendOutcome::Sent { message, .. }),
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
                    Some(message) => job.answer(Outcome::Send(SendOutcome::Repeated { message })),
                    None => job.refuse(Error::Internal),
                },
                CommandResult::Repeated(message) => {
                    job.answer(Outcome::Send(SendOutcome::Repeated { message }));
                }
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
            AnyCommand::Send(SendCommand { draft, .. }) => draft.idempotency_key(),
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
        tokio::time::sleep(attempt::retry_delay(attempt)).await;
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

/// A batch of a lane, while it is attempted.
struct LaneBatch<'a> {
    lane: &'a mut Lane,
    jobs: Vec<QueuedCommand>,
}

/// Why nothing of a batch was stored.
enum LaneEnd {
    /// Every command has waited too long and is refused.
    NoneLeft,
    /// MongoDB will never accept one of the commands.
    Poisoned,
}

impl AttemptDriver for LaneBatch<'_> {
    type End = LaneEnd;

    async fn wait_before_retry(&mut self, attempt: u32) {
        self.lane.wait_before_retry(attempt).await;
    }

    fn refuse_expired(&mut self, attempt: u32) -> Next<LaneEnd> {
        if attempt > 0 {
            self.jobs = refuse_expired(std::mem::take(&mut self.jobs));
            if self.jobs.is_empty() {
                return Next::Break(LaneEnd::NoneLeft);
            }
        }
        Next::Continue(())
    }

    async fn compute_plan(&mut self) -> Result<BatchPlan> {
        self.lane.compute_plan(&self.jobs).await
    }

    fn judge_plan(&self, _plan: &BatchPlan, _is_uncertain: bool) -> Result<bool, LaneEnd> {
        Ok(true)
    }

    async fn resolve_duplicate(&mut self, _is_uncertain: bool) -> ControlFlow<LaneEnd, bool> {
        // A failed lookup is repeated in the next attempt.
        let found = self.lane.recognize_repeats(&mut self.jobs).await;
        ControlFlow::Continue(found.is_ok())
    }

    fn poisoned(&mut self) -> LaneEnd {
        LaneEnd::Poisoned
    }
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
