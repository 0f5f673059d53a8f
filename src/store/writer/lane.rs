//! A lane: takes what waits, commits it, hands the outcomes on, and knows what to do when the database
//! does not play along.
//!
//! What an author hears is always true: *refused* only when nothing was stored and nothing will be,
//! *done* only when it is stored. While the outcome of a commit is not known the lane finds it out
//! before it does anything else.

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

use super::{
    super::Store,
    Committed, Job, QUEUE, abandoned,
    plan::{Plan, Verdict},
    together::{Arrival, Meeting},
    transaction::{self, Setback},
};
use crate::domain::{
    Clock, Error, MessageId, Result, SessionId,
    ledger::{Account, Operation, Outcome},
    message::Message,
};

/// The most operations of one transaction. While more wait than fit, 800 commit a seventh more messages a second
/// than 400 (three pairs of runs), 1,600 no more than 800.
const MAX_BATCH: usize = 800;
/// The most bytes of one transaction (MongoDB's own bound is 16 MB).
const MAX_BYTES: usize = 4 << 20;
/// Sessions a lane remembers.
const REMEMBERED: usize = 20_000;
/// An operation that could not be committed for so long is refused.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long the lane waits for what it has to look up.
const LOOK_LIMIT: Duration = Duration::from_secs(3);
/// The longest pause between two attempts.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// After so many conflicts it is looked whether a process that died holds the documents.
pub(super) const CONFLICTS: u32 = 4;

/// An attempt that was not found stored so long after it began never will be: MongoDB ends transactions
/// after 60 s by default (`transactionLifetimeLimitSeconds`).
const DOUBT: Duration = Duration::from_secs(75);

/// An attempt whose outcome is not known.
pub(super) struct Doubt {
    pub commit: ObjectId,
    pub sessions: Vec<SessionId>,
    pub messages: Vec<Arc<Message>>,
    pub plan: Plan,
    pub since: Instant,
}

pub(super) struct Lane {
    store: Store,
    clock: Arc<dyn Clock>,
    inbox: mpsc::Receiver<Job>,
    meetings: mpsc::Receiver<Meeting>,
    sink: mpsc::Sender<Vec<Committed>>,
    stop: CancellationToken,
    /// What the sessions were when this lane last stored them.
    accounts: LruCache<SessionId, Account>,
    /// Taken from the inbox but not yet committed, in order.
    waiting: VecDeque<Job>,
}

impl Lane {
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        (inbox, meetings): (mpsc::Receiver<Job>, mpsc::Receiver<Meeting>),
        sink: mpsc::Sender<Vec<Committed>>,
        stop: CancellationToken,
    ) -> Self {
        let remembered = NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        let accounts = LruCache::new(remembered);
        Self { store, clock, inbox, meetings, sink, stop, accounts, waiting: VecDeque::new() }
    }

    pub async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            let started = Instant::now();
            metrics::histogram!("wardline_batch_size").record(as_f64(batch.len()));
            // A batch that holds a poisoned operation is halved until that one stands alone.
            let mut work = VecDeque::from([batch]);
            while let Some(jobs) = work.pop_front() {
                if let Some((first, second)) = self.commit(jobs).await {
                    work.push_front(second);
                    work.push_front(first);
                }
            }
            metrics::histogram!("wardline_commit_seconds").record(started.elapsed().as_secs_f64());
        }
    }

    /// Everything that waits, up to the bounds; `None` when the service stops and nothing is left.
    async fn gather(&mut self) -> Option<Vec<Job>> {
        while let Ok(meeting) = self.meetings.try_recv() {
            self.attend(meeting).await;
        }
        while self.waiting.is_empty() {
            let stop = self.stop.clone();
            let job = tokio::select! {
                biased;
                Some(meeting) = self.meetings.recv() => {
                    self.attend(meeting).await;
                    continue;
                }
                job = self.inbox.recv() => job,
                () = stop.cancelled() => {
                    // What is in it still comes out; then it is at its end.
                    self.inbox.close();
                    self.inbox.recv().await
                }
            }?;
            self.waiting.push_back(job);
        }
        while self.waiting.len() < MAX_BATCH {
            match self.inbox.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => break,
            }
        }
        let (mut batch, mut bytes) = (Vec::with_capacity(self.waiting.len().min(MAX_BATCH)), 0);
        while let Some(job) = self.waiting.pop_front() {
            bytes += job.operation.weight();
            if !batch.is_empty() && (bytes > MAX_BYTES || batch.len() >= MAX_BATCH) {
                self.waiting.push_front(job);
                break;
            }
            batch.push(job);
        }
        Some(batch)
    }

    /// Stops for a commit over several lanes, between two batches, and goes on with what comes of it.
    async fn attend(&mut self, meeting: Meeting) {
        let accounts = meeting.sessions.iter().filter_map(|session| self.accounts.pop(session)).collect();
        let (leave, left) = oneshot::channel();
        if meeting.arrived.send(Arrival { accounts, leave }).is_err() {
            return;
        }
        if let Ok(departure) = left.await {
            for account in departure.accounts {
                self.accounts.put(account.session.id, account);
            }
            self.hand_on(departure.done).await;
        }
    }

    /// Hands committed operations on to be told.
    async fn hand_on(&self, done: Vec<Committed>) {
        metrics::counter!("wardline_commits_total").increment(done.len() as u64);
        self.store.committed.fetch_add(done.len() as u64, Ordering::Relaxed);
        metrics::gauge!("wardline_outbox_depth").increment(as_f64(done.len()));
        if let Err(unpublished) = self.sink.send(done).await {
            unpublished.0.into_iter().for_each(Committed::answer);
        }
    }

    /// Commits a batch, however often it takes. Answers two halves when one of its operations is
    /// poisoned.
    async fn commit(&mut self, mut jobs: Vec<Job>) -> Option<(Vec<Job>, Vec<Job>)> {
        let (mut doubts, mut strays): (Vec<Doubt>, Vec<Document>) = (Vec::new(), Vec::new());
        // A client that repeats itself sets nobody back.
        let mut is_repeat = false;
        for attempt in 0_u32.. {
            if attempt > 0 {
                if !is_repeat {
                    metrics::counter!("wardline_commit_setbacks_total").increment(1);
                }
                self.pause(attempt).await;
            }
            is_repeat = false;
            if !strays.is_empty() && in_time(transaction::end_strays(&self.store, &strays)).await.is_ok() {
                strays.clear();
            }
            match in_time(find_out(&self.store, &mut doubts)).await {
                Ok(Some(plan)) => {
                    self.finish(jobs, plan).await;
                    return None;
                }
                // While something is in doubt, `jobs` must stay what the doubted plans speak of.
                Ok(None) if doubts.is_empty() && attempt > 0 => {
                    jobs = refuse_late(jobs);
                    if jobs.is_empty() {
                        return None;
                    }
                }
                Ok(None) => {}
                Err(_) => continue,
            }
            let Ok(mut plan) = in_time(self.work_out(&jobs)).await else {
                continue;
            };
            let (messages, sessions) = (plan.messages(), plan.changed_sessions());
            let Some(writes) = plan.writes() else {
                self.finish(jobs, plan).await;
                return None;
            };
            let commit = writes.commit;
            let Err(failed) = transaction::store(&self.store, writes).await else {
                self.finish(jobs, plan).await;
                return None;
            };
            strays.extend(failed.stray);
            match failed.setback {
                Setback::Stale if attempt >= CONFLICTS => {
                    drop(in_time(abandoned::end(&self.store)).await);
                }
                Setback::Stale | Setback::Unavailable => {}
                Setback::InDoubt => {
                    doubts.push(Doubt { commit, sessions, messages, plan, since: Instant::now() });
                }
                // Whatever cannot be found out now is tried again.
                Setback::Duplicate => is_repeat = self.recognize_repeats(&mut jobs).await.is_ok(),
                Setback::Poison if !doubts.is_empty() => {}
                Setback::Poison if jobs.len() == 1 => {
                    metrics::counter!("wardline_refusals_total", "reason" => "poisoned").increment(1);
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

    /// Works the batch out on what this lane remembers, loading what it does not.
    async fn work_out(&mut self, jobs: &[Job]) -> Result<Plan> {
        let (mut accounts, mut missing) = (HashMap::new(), HashSet::new());
        for job in jobs {
            let session = job.operation.session();
            if accounts.contains_key(&session) || missing.contains(&session) {
                continue;
            }
            match self.accounts.pop(&session) {
                Some(account) if !job.distrust => drop(accounts.insert(session, account)),
                _ => drop(missing.insert(session)),
            }
        }
        if !missing.is_empty() {
            let ids: Vec<SessionId> = missing.iter().copied().collect();
            for session in self.store.sessions_by_id(&ids).await? {
                accounts.insert(session.id, Account::open(session));
            }
        }
        Plan::work_out(&self.store, jobs, accounts, &missing, self.clock.now()).await
    }

    /// A stored batch: remembers the new states, hands the outcomes on, answers the rest.
    async fn finish(&mut self, jobs: Vec<Job>, plan: Plan) {
        let sent: Vec<Option<Arc<Message>>> = plan
            .verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Done { outcome: Outcome::Sent { message, .. }, .. } => Some(Arc::clone(message)),
                _ => None,
            })
            .collect();
        let (mut done, mut later) = (Vec::with_capacity(jobs.len()), Vec::new());
        for (mut job, verdict) in jobs.into_iter().zip(plan.verdicts) {
            let session = job.operation.session();
            match verdict {
                Verdict::Done { version, outcome } => {
                    done.push(Committed { session, version, outcome, since: job.since, reply: job.reply });
                }
                Verdict::RepeatOf(first) => match sent.get(first).cloned().flatten() {
                    Some(message) => job.answer(Outcome::Repeated { message }),
                    None => job.refuse(Error::Internal),
                },
                Verdict::Repeated(message) => job.answer(Outcome::Repeated { message }),
                Verdict::Refused(error) => job.refuse(error),
                Verdict::Deferred => later.push(job),
                Verdict::Distrusted => {
                    job.distrust = true;
                    later.push(job);
                }
            }
        }
        for job in later.into_iter().rev() {
            self.waiting.push_front(job);
        }
        for (id, account) in plan.accounts {
            self.accounts.put(id, account.settled());
        }
        self.hand_on(done).await;
    }

    /// Marks the sends whose `clientMsgId` is stored already.
    async fn recognize_repeats(&self, jobs: &mut [Job]) -> Result<()> {
        let key = |job: &Job| match &job.operation {
            Operation::Send { draft, .. } => draft.idempotency_key(),
            _ => None,
        };
        let keys: Vec<_> = jobs.iter().filter_map(key).collect();
        for first in self.store.messages_by_client_id(&keys).await? {
            let first = Arc::new(first);
            let stored = first.idempotency_key();
            for job in jobs.iter_mut().filter(|job| stored.is_some() && key(job) == stored) {
                job.repeat = Some(Arc::clone(&first));
            }
        }
        Ok(())
    }

    /// Waits before the next attempt; meanwhile takes what arrives and refuses what has waited too long.
    async fn pause(&mut self, attempt: u32) {
        // A first conflict is tried again almost at once, an absent database every half second.
        let pause = Duration::from_millis(1 << attempt.min(9)).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
        while self.waiting.len() < QUEUE {
            match self.inbox.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => break,
            }
        }
        if self.waiting.front().is_some_and(Job::is_late) {
            self.waiting = refuse_late(self.waiting.drain(..).collect()).into();
        }
    }
}

/// Finds out whether an attempt in doubt was stored; answers its plan if so.
pub(super) async fn find_out(store: &Store, doubts: &mut Vec<Doubt>) -> Result<Option<Plan>> {
    if doubts.is_empty() {
        return Ok(None);
    }
    let commits: Vec<ObjectId> = doubts.iter().map(|doubt| doubt.commit).collect();
    let sessions: Vec<SessionId> = doubts.iter().flat_map(|doubt| doubt.sessions.clone()).collect();
    let found = store.commit_found(&sessions, &commits).await?;
    let mut index = doubts.iter().position(|doubt| Some(doubt.commit) == found);
    if index.is_none() {
        // Another node may have written since; then the messages themselves tell.
        let ids: Vec<MessageId> = doubts.iter().flat_map(|d| d.messages.iter().map(|m| m.id)).collect();
        let stored = store.stored_among(&ids).await?;
        index = doubts.iter().position(|doubt| {
            doubt.messages.iter().any(|m| stored.iter().any(|s| s.id == m.id && s.seq == m.seq))
        });
    }
    tracing::info!(committed = index.is_some(), "a commit in doubt was looked up");
    if index.is_none() {
        doubts.retain(|doubt| doubt.since.elapsed() < DOUBT);
    }
    Ok(index.map(|index| doubts.swap_remove(index).plan))
}

/// A look at the database that is given up after [`LOOK_LIMIT`]; the call itself runs on in its own task.
pub(super) async fn in_time<T>(look: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(LOOK_LIMIT, look).await.unwrap_or(Err(Error::Unavailable))
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Refuses the operations that have waited too long. Nothing of them is stored.
fn refuse_late(jobs: Vec<Job>) -> Vec<Job> {
    let (late, rest): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(Job::is_late);
    if !late.is_empty() {
        metrics::counter!("wardline_refusals_total", "reason" => "unavailable").increment(late.len() as u64);
        for job in late {
            job.refuse(Error::Unavailable);
        }
    }
    rest
}

impl Job {
    fn is_late(&self) -> bool {
        self.since.elapsed() > PATIENCE
    }

    // In both, the author may have left.
    pub(super) fn refuse(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }

    fn answer(self, outcome: Outcome) {
        let _ = self.reply.send(Ok(outcome));
    }
}
