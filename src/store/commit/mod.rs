//! The commit path: every change to a conversation is committed here, in batches.
//!
//! One transaction for each message commits some hundreds a second; one for each batch commits tens
//! of thousands. Commands therefore queue in one of a few lanes, chosen by conversation, so the
//! order of a conversation is the order of its lane. A lane takes all waiting commands and plans
//! the batch in memory on the domain's conversation states. It stores the batch as one transaction
//! and hands the outcomes on, while the next batch gathers. There are no timers: an idle system
//! commits a single message at once.
//!
//! The parts: [`CommitQueue`] accepts commands, `lane` is its loop, `plan` plans a
//! batch, `attempt` tries to commit it until the outcome is known, `transaction` stores it, `cross_lane` commits to several
//! conversations, and `orphans` ends transactions that a dead process left open.

mod attempt;
mod cross_lane;
mod lane;
mod orphans;
mod plan;
mod transaction;

use std::{
    hash::{BuildHasher, RandomState},
    marker::PhantomData,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::Store;
use crate::domain::{
    Clock, ConversationId, Error, Result,
    access::{Converse, Grant},
    conversation_state::{AnyCommand, Command, ConversationState, Outcome},
    message::Message,
};
pub(super) use orphans::name as connection_name;
use transaction::Setback;

/// The lanes that commit side by side: while one waits for the journal, the other uses the
/// processor. More lanes make smaller batches, which cost more for each message.
const LANE_COUNT: usize = 2;
/// The maximum of commands that wait for one lane.
const MAX_QUEUED_PER_LANE: usize = 8_192;
/// The maximum of batches whose outcomes wait to be published.
const MAX_UNPUBLISHED_BATCHES: usize = 8;

/// A command in the queue of a lane.
struct QueuedCommand {
    operation: AnyCommand,
    reply: oneshot::Sender<Result<Outcome>>,
    since: Instant,
    /// A cached state refused it: decide again on a fresh one.
    require_fresh_state: bool,
    /// The stored message with the same `clientMsgId`, if there is one.
    repeat: Option<Arc<Message>>,
}

/// A committed command: its outcome, and the reply to its caller.
#[derive(Debug)]
pub struct Committed {
    pub session: ConversationId,
    /// The version of the conversation that contains this change.
    pub version: u64,
    pub outcome: Outcome,
    /// When the caller submitted the command.
    pub since: Instant,
    reply: oneshot::Sender<Result<Outcome>>,
}

impl Committed {
    /// Answers the caller, after the events were published.
    pub fn answer(self) {
        // The caller may have left; the commit is stored all the same.
        let _ = self.reply.send(Ok(self.outcome));
    }
}

/// The entry to the commit path: it queues commands in their lanes.
#[derive(Clone)]
pub struct CommitQueue {
    lanes: Arc<[mpsc::Sender<QueuedCommand>]>,
    coordinator: Arc<cross_lane::CrossLaneCoordinator>,
    hasher: RandomState,
}

/// The outcome of a queued command, which is not known yet.
pub struct PendingReply<C> {
    reply: oneshot::Receiver<Result<Outcome>>,
    command: PhantomData<fn() -> C>,
}

impl<C: Command> PendingReply<C> {
    /// Waits for the outcome.
    ///
    /// # Errors
    /// Why the command was refused; `OutcomeUnknown` when the service stops meanwhile.
    pub async fn outcome(self) -> Result<C::Output> {
        let outcome = self.reply.await.map_err(|_| Error::OutcomeUnknown)??;
        C::output(outcome).ok_or_else(|| {
            tracing::error!("a command was answered with the outcome of another kind");
            Error::Internal
        })
    }
}

impl CommitQueue {
    /// Queues a command without waiting. Commands of one conversation are committed in the order in
    /// which they were queued.
    ///
    /// # Errors
    /// `RateLimited` when the queue is full; `Unavailable` when the service is stopping.
    pub fn submit<C: Command>(&self, _: &Grant<Converse>, command: C) -> Result<PendingReply<C>> {
        let (job, answer) = new_job(command);
        match self.lane(&job).try_send(job) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => {
                metrics::counter!("wardline_refusals_total", "reason" => "commit_queue_full")
                    .increment(1);
                Err(Error::RateLimited {
                    retry_after: Duration::from_secs(1),
                })
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Error::Unavailable),
        }
    }

    /// Queues a command and waits while the queue is full.
    ///
    /// # Errors
    /// `Unavailable` when the service is stopping.
    pub async fn submit_with_backpressure<C: Command>(
        &self,
        _: &Grant<Converse>,
        command: C,
    ) -> Result<PendingReply<C>> {
        let (job, answer) = new_job(command);
        self.lane(&job)
            .send(job)
            .await
            .map_err(|_| Error::Unavailable)?;
        Ok(answer)
    }

    /// Returns the number of waiting commands.
    #[must_use]
    pub fn queued_commands(&self) -> usize {
        self.lanes
            .iter()
            .map(|lane| lane.max_capacity() - lane.capacity())
            .sum()
    }

    /// Commits commands of several conversations, all or none, and waits until their events are
    /// published. No command may need preloaded data, and no two may have the same `clientMsgId`.
    ///
    /// # Errors
    /// `Conflict` when one of the messages, or one of their `clientMsgId`s, is already stored; the
    /// error of the first refused command; `RateLimited`; `Unavailable`. Nothing is stored then.
    /// `OutcomeUnknown` when the service stops meanwhile.
    pub async fn submit_across_lanes<C: Command>(
        &self,
        _: &Grant<Converse>,
        commands: Vec<C>,
    ) -> Result<Vec<C::Output>> {
        let full = |_| Error::RateLimited {
            retry_after: Duration::from_secs(1),
        };
        let place = Arc::clone(&self.coordinator.permits)
            .try_acquire_owned()
            .map_err(full)?;
        let (jobs, replies): (Vec<QueuedCommand>, Vec<PendingReply<C>>) =
            commands.into_iter().map(new_job).unzip();
        let lanes = jobs
            .iter()
            .map(|job| self.lane_index(job.operation.session()))
            .collect();
        let coordinator = Arc::clone(&self.coordinator);
        // In a task of its own: a caller that leaves cannot abort it.
        tokio::spawn(async move {
            coordinator.commit(jobs, lanes).await;
            drop(place);
        });
        let mut outcomes = Vec::with_capacity(replies.len());
        for reply in replies {
            outcomes.push(reply.outcome().await?);
        }
        Ok(outcomes)
    }

    fn lane(&self, job: &QueuedCommand) -> &mpsc::Sender<QueuedCommand> {
        &self.lanes[self.lane_index(job.operation.session())]
    }

    fn lane_index(&self, session: ConversationId) -> usize {
        let count = self.lanes.len() as u64;
        usize::try_from(self.hasher.hash_one(session) % count).unwrap_or(0)
    }
}

fn new_job<C: Command>(command: C) -> (QueuedCommand, PendingReply<C>) {
    let (reply, answer) = oneshot::channel();
    (
        QueuedCommand {
            operation: command.into(),
            reply,
            since: Instant::now(),
            require_fresh_state: false,
            repeat: None,
        },
        PendingReply {
            reply: answer,
            command: PhantomData,
        },
    )
}

/// The running lanes.
pub struct CommitPath {
    pub queue: CommitQueue,
    /// One stream of committed batches for each lane, in commit order.
    pub committed: Vec<mpsc::Receiver<Vec<Committed>>>,
    /// They end when `stop` is cancelled and every queued command is done.
    pub tasks: Vec<JoinHandle<()>>,
}

/// Starts the lanes. When `stop` is cancelled, they accept no new command, finish the queued ones
/// and end.
#[must_use]
pub fn start(store: &Store, clock: &Arc<dyn Clock>, stop: &CancellationToken) -> CommitPath {
    let store = store.for_commits();
    let (mut senders, mut committed, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    let mut lane_senders = Vec::new();
    for _ in 0..LANE_COUNT {
        let (jobs, inbox) = mpsc::channel(MAX_QUEUED_PER_LANE);
        let (lane_sender, pause_requests) = mpsc::channel(1);
        let (sink, outcomes) = mpsc::channel(MAX_UNPUBLISHED_BATCHES);
        let lane = lane::Lane::new(
            store.clone(),
            Arc::clone(clock),
            (inbox, pause_requests),
            sink,
            stop.clone(),
        );
        lane_senders.push(lane_sender);
        tasks.push(tokio::spawn(lane.run()));
        senders.push(jobs);
        committed.push(outcomes);
    }
    let coordinator = Arc::new(cross_lane::CrossLaneCoordinator {
        store: store.clone(),
        clock: Arc::clone(clock),
        lane_senders,
        commit_lock: Semaphore::new(1),
        permits: Arc::new(Semaphore::new(cross_lane::MAX_QUEUED_CROSS_LANE_COMMITS)),
    });
    let queue = CommitQueue {
        lanes: senders.into(),
        coordinator,
        hasher: RandomState::new(),
    };
    CommitPath {
        queue,
        committed,
        tasks,
    }
}

impl Store {
    /// Stores the changes of a conversation state in one transaction, outside the lanes (seeding).
    /// Returns `false` when another writer changed the conversation first.
    ///
    /// # Errors
    /// When MongoDB refuses it.
    pub async fn import(&self, state: ConversationState) -> Result<bool> {
        let states = [(state.session.id, state)].into_iter().collect();
        let mut plan = plan::BatchPlan {
            results: Vec::new(),
            states,
        };
        let Some(writes) = plan.take_writes() else {
            return Ok(true);
        };
        let Err(failed) = transaction::commit_writes(self, writes).await else {
            return Ok(true);
        };
        match failed.setback {
            Setback::Stale | Setback::Duplicate => Ok(false),
            Setback::Unavailable => Err(Error::Unavailable),
            Setback::InDoubt => Err(Error::OutcomeUnknown),
            Setback::Poison => Err(Error::Internal),
        }
    }
}
