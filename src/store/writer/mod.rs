//! The commit path: every change to a session goes through here, in batches.
//!
//! One transaction for each message commits some hundreds a second; one for each batch commits tens of
//! thousands. So operations queue to one of a few lanes, chosen by session: a session's order is its
//! lane's order. A lane takes whatever is waiting, works the batch out in memory with the domain's
//! ledger, stores it as one transaction, and hands the outcomes on, while the next batch gathers
//! behind it. There are no timers: an idle system commits a single message at once.
//!
//! The parts: [`CommitQueue`] is the door, `lane` the loop and what it does when the database fails,
//! `plan` the working out of a batch, `transaction` the storing, `together` what concerns several sessions,
//! `abandoned` what a process that died has left open.

mod abandoned;
mod lane;
mod plan;
mod together;
mod transaction;

use std::{
    hash::{BuildHasher, RandomState},
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
    Clock, Error, Result, SessionId,
    ledger::{Account, Operation, Outcome},
    message::Message,
};
pub(super) use abandoned::name as connection_name;
use transaction::Setback;

/// Lanes that commit side by side: while one waits for the journal the other uses the processor. More of
/// them make smaller batches, which cost more for each message.
const LANES: usize = 2;
/// Operations that may wait for one lane.
const QUEUE: usize = 8_192;
/// Batches whose outcomes may wait to be published.
const UNPUBLISHED: usize = 8;

/// One operation on its way.
struct Job {
    operation: Operation,
    reply: oneshot::Sender<Result<Outcome>>,
    since: Instant,
    /// It was refused by a remembered state: decide again on a fresh one.
    distrust: bool,
    /// Its `clientMsgId` was found to be stored already, as this message.
    repeat: Option<Arc<Message>>,
}

/// One operation that is done: what came of it, and the author who waits to hear.
#[derive(Debug)]
pub struct Committed {
    pub session: SessionId,
    /// The session's version that this became part of.
    pub version: u64,
    pub outcome: Outcome,
    /// When its author asked.
    pub since: Instant,
    reply: oneshot::Sender<Result<Outcome>>,
}

impl Committed {
    /// Tells the author, after everybody else was told.
    pub fn answer(self) {
        // The author may have left; the commit stands all the same.
        let _ = self.reply.send(Ok(self.outcome));
    }
}

/// The door of the commit path.
#[derive(Clone)]
pub struct CommitQueue {
    lanes: Arc<[mpsc::Sender<Job>]>,
    table: Arc<together::Table>,
    hasher: RandomState,
}

/// What a caller waits on.
pub type Reply = oneshot::Receiver<Result<Outcome>>;

impl CommitQueue {
    /// Queues an operation without waiting. Operations of one session that are queued one after the
    /// other are committed in that order.
    ///
    /// # Errors
    /// `RateLimited` when too much is waiting already; `Unavailable` when the service is stopping.
    pub fn submit(&self, operation: Operation) -> Result<Reply> {
        let (job, answer) = job(operation);
        match self.lane(&job).try_send(job) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => {
                metrics::counter!("wardline_refusals_total", "reason" => "commit_queue_full").increment(1);
                Err(Error::RateLimited { retry_after: Duration::from_secs(1) })
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Error::Unavailable),
        }
    }

    /// Queues an operation, waiting for room.
    ///
    /// # Errors
    /// `Unavailable` when the service is stopping.
    pub async fn submit_when_room(&self, operation: Operation) -> Result<Reply> {
        let (job, answer) = job(operation);
        self.lane(&job).send(job).await.map_err(|_| Error::Unavailable)?;
        Ok(answer)
    }

    /// How many operations wait.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.lanes.iter().map(|lane| lane.max_capacity() - lane.capacity()).sum()
    }

    /// Commits operations of several sessions, all or none, and waits until everybody was told. None of
    /// them may need a look at the database, and no two may bear the same `clientMsgId`.
    ///
    /// # Errors
    /// `Conflict` when one of its messages, or of their `clientMsgId`s, is stored already; what the first
    /// impossible operation is refused with; `RateLimited`; `Unavailable`. Nothing is stored then.
    /// `OutcomeUnknown` when the service stops meanwhile.
    pub async fn submit_together(&self, operations: Vec<Operation>) -> Result<Vec<Outcome>> {
        let full = |_| Error::RateLimited { retry_after: Duration::from_secs(1) };
        let place = Arc::clone(&self.table.room).try_acquire_owned().map_err(full)?;
        let lanes = operations.iter().map(|operation| self.lane_of(operation.session())).collect();
        let (jobs, replies): (Vec<Job>, Vec<Reply>) = operations.into_iter().map(job).unzip();
        let table = Arc::clone(&self.table);
        // In a task of its own: nobody's leaving can break it off.
        tokio::spawn(async move {
            table.commit(jobs, lanes).await;
            drop(place);
        });
        let mut outcomes = Vec::with_capacity(replies.len());
        for reply in replies {
            outcomes.push(reply.await.map_err(|_| Error::OutcomeUnknown)??);
        }
        Ok(outcomes)
    }

    fn lane(&self, job: &Job) -> &mpsc::Sender<Job> {
        &self.lanes[self.lane_of(job.operation.session())]
    }

    fn lane_of(&self, session: SessionId) -> usize {
        let count = self.lanes.len() as u64;
        usize::try_from(self.hasher.hash_one(session) % count).unwrap_or(0)
    }
}

fn job(operation: Operation) -> (Job, Reply) {
    let (reply, answer) = oneshot::channel();
    (Job { operation, reply, since: Instant::now(), distrust: false, repeat: None }, answer)
}

/// The running lanes.
pub struct Writer {
    pub queue: CommitQueue,
    /// One stream of committed batches for each lane, in commit order.
    pub committed: Vec<mpsc::Receiver<Vec<Committed>>>,
    /// End when told to stop and everything queued is done.
    pub tasks: Vec<JoinHandle<()>>,
}

/// Starts the lanes. When `stop` is cancelled they take nothing new, finish what is queued and end.
#[must_use]
pub fn start(store: &Store, clock: &Arc<dyn Clock>, stop: &CancellationToken) -> Writer {
    let store = store.for_commits();
    let (mut senders, mut committed, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    let mut doors = Vec::new();
    for _ in 0..LANES {
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let (door, meetings) = mpsc::channel(1);
        let (sink, outcomes) = mpsc::channel(UNPUBLISHED);
        let lane = lane::Lane::new(store.clone(), Arc::clone(clock), (inbox, meetings), sink, stop.clone());
        doors.push(door);
        tasks.push(tokio::spawn(lane.run()));
        senders.push(jobs);
        committed.push(outcomes);
    }
    let table = Arc::new(together::Table {
        store: store.clone(),
        clock: Arc::clone(clock),
        doors,
        turn: Semaphore::new(1),
        room: Arc::new(Semaphore::new(together::WAITING)),
    });
    let queue = CommitQueue { lanes: senders.into(), table, hasher: RandomState::new() };
    Writer { queue, committed, tasks }
}

impl Store {
    /// Stores an account's changes in one transaction, outside the lanes (seeding); `false` when the
    /// session was changed by somebody else first.
    ///
    /// # Errors
    /// When MongoDB does not take it.
    pub async fn import(&self, account: Account) -> Result<bool> {
        let accounts = [(account.session.id, account)].into_iter().collect();
        let mut plan = plan::Plan { verdicts: Vec::new(), accounts };
        let Some(writes) = plan.writes() else {
            return Ok(true);
        };
        let Err(failed) = transaction::store(self, writes).await else { return Ok(true) };
        match failed.setback {
            Setback::Stale | Setback::Duplicate => Ok(false),
            Setback::Unavailable => Err(Error::Unavailable),
            Setback::InDoubt => Err(Error::OutcomeUnknown),
            Setback::Poison => Err(Error::Internal),
        }
    }
}
