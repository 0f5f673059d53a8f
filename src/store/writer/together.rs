//! Several sessions at once: all of it, or nothing.
//!
//! A session's order is its lane's order, so whoever writes into several sessions first stops the lanes
//! concerned, one after the other in their order, borrows what they remember of these sessions, commits one
//! transaction, and gives back the new states with the outcomes, which each lane then hands on like its
//! own. One such commit runs at a time; a lane that is stopped waits no longer than it would for its own.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    super::Store,
    Committed, Job, abandoned,
    lane::{CONFLICTS, Doubt, LONGEST_PAUSE, PATIENCE, find_out, in_time},
    plan::{Plan, Verdict},
    transaction::{self, Setback},
};
use crate::domain::{Clock, Error, Result, SessionId, ledger::Account};

/// Commits over several sessions that may wait for their turn.
pub(super) const WAITING: usize = 64;

/// Asks a lane to stop and lend what it remembers of these sessions.
pub(super) struct Meeting {
    pub sessions: Vec<SessionId>,
    pub arrived: oneshot::Sender<Arrival>,
}

/// A lane has stopped.
pub(super) struct Arrival {
    pub accounts: Vec<Account>,
    /// Lets it go on; dropped, it goes on without the accounts.
    pub leave: oneshot::Sender<Departure>,
}

/// What a lane takes with it.
pub(super) struct Departure {
    pub accounts: Vec<Account>,
    pub done: Vec<Committed>,
}

/// Where lanes meet.
pub(super) struct Table {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub doors: Vec<mpsc::Sender<Meeting>>,
    pub turn: Semaphore,
    /// How many may be here, waiting or at it.
    pub room: Arc<Semaphore>,
}

impl Table {
    /// Commits all of these jobs, each of the lane beside it, or refuses all.
    pub async fn commit(&self, jobs: Vec<Job>, lanes: Vec<usize>) {
        let Ok(_turn) = self.turn.acquire().await else { return };
        let mut stopped = BTreeMap::new();
        let (mut accounts, mut sessions) = (HashMap::new(), BTreeMap::<usize, Vec<SessionId>>::new());
        for (job, lane) in jobs.iter().zip(&lanes) {
            sessions.entry(*lane).or_default().push(job.operation.session());
        }
        for (lane, sessions) in sessions {
            let (arrived, arrival) = oneshot::channel();
            let meet = async {
                self.doors.get(lane)?.send(Meeting { sessions, arrived }).await.ok()?;
                arrival.await.ok()
            };
            let Ok(Some(arrival)) = timeout(PATIENCE, meet).await else {
                return refuse(jobs, &Error::Unavailable);
            };
            accounts.extend(arrival.accounts.into_iter().map(|account| (account.session.id, account)));
            stopped.insert(lane, arrival.leave);
        }
        match self.store(&jobs, accounts).await {
            Ok(plan) => release(jobs, &lanes, plan, stopped),
            Err(error) => refuse(jobs, &error),
        }
    }

    /// Stores the jobs in one transaction, however often it takes.
    async fn store(&self, jobs: &[Job], mut accounts: HashMap<SessionId, Account>) -> Result<Plan> {
        let (begun, mut doubts, mut strays) = (Instant::now(), Vec::<Doubt>::new(), Vec::new());
        for attempt in 0_u32.. {
            if attempt > 0 {
                metrics::counter!("wardline_commit_setbacks_total").increment(1);
                tokio::time::sleep(Duration::from_millis(1 << attempt.min(9)).min(LONGEST_PAUSE)).await;
            }
            if !strays.is_empty() && in_time(transaction::end_strays(&self.store, &strays)).await.is_ok() {
                strays.clear();
            }
            match in_time(find_out(&self.store, &mut doubts)).await {
                Ok(Some(plan)) => return Ok(plan),
                Ok(None) if doubts.is_empty() && begun.elapsed() > PATIENCE => {
                    return Err(Error::Unavailable);
                }
                Ok(None) => {}
                Err(_) => continue,
            }
            // After a setback everything is loaded anew.
            let lent = std::mem::take(&mut accounts);
            let Ok(mut plan) = in_time(self.work_out(jobs, lent)).await else {
                continue;
            };
            match plan.verdicts.iter().find_map(hindrance) {
                None => {}
                Some(Hindrance::Refused(error)) if doubts.is_empty() => return Err(error),
                Some(Hindrance::Refused(_) | Hindrance::Old) => continue,
            }
            let (messages, sessions) = (plan.messages(), plan.changed_sessions());
            let Some(writes) = plan.writes() else { return Ok(plan) };
            let commit = writes.commit;
            let Err(failed) = transaction::store(&self.store, writes).await else { return Ok(plan) };
            strays.extend(failed.stray);
            match failed.setback {
                Setback::InDoubt => {
                    doubts.push(Doubt { commit, sessions, messages, plan, since: Instant::now() });
                }
                Setback::Stale if attempt >= CONFLICTS => {
                    drop(in_time(abandoned::end(&self.store)).await);
                }
                Setback::Stale | Setback::Unavailable => {}
                // It may be an attempt in doubt that stands there: then that is found out.
                Setback::Duplicate | Setback::Poison if !doubts.is_empty() => {}
                Setback::Duplicate => return Err(Error::Conflict("this is stored already")),
                Setback::Poison => {
                    metrics::counter!("wardline_refusals_total", "reason" => "poisoned").increment(1);
                    return Err(Error::Internal);
                }
            }
        }
        Err(Error::Unavailable)
    }

    async fn work_out(&self, jobs: &[Job], mut accounts: HashMap<SessionId, Account>) -> Result<Plan> {
        let all: HashSet<SessionId> = jobs.iter().map(|job| job.operation.session()).collect();
        let missing: HashSet<SessionId> =
            all.into_iter().filter(|session| !accounts.contains_key(session)).collect();
        let ids: Vec<SessionId> = missing.iter().copied().collect();
        for session in self.store.sessions_by_id(&ids).await? {
            accounts.insert(session.id, Account::open(session));
        }
        Plan::work_out(&self.store, jobs, accounts, &missing, self.clock.now()).await
    }
}

/// Why the whole cannot be done.
enum Hindrance {
    Refused(Error),
    /// The state may be old: once more on a fresh one.
    Old,
}

fn hindrance(verdict: &Verdict) -> Option<Hindrance> {
    match verdict {
        Verdict::Done { .. } => None,
        Verdict::Refused(error) => Some(Hindrance::Refused(error.clone())),
        // What comes behind a refusal in its session waits with it.
        Verdict::Distrusted | Verdict::Deferred => Some(Hindrance::Old),
        // No two bear the same `clientMsgId`.
        Verdict::RepeatOf(_) | Verdict::Repeated(_) => Some(Hindrance::Refused(Error::Internal)),
    }
}

fn refuse(jobs: Vec<Job>, error: &Error) {
    for job in jobs {
        job.refuse(error.clone());
    }
}

/// Gives every lane its accounts and outcomes.
fn release(
    jobs: Vec<Job>,
    lanes: &[usize],
    plan: Plan,
    stopped: BTreeMap<usize, oneshot::Sender<Departure>>,
) {
    let mut departures: BTreeMap<usize, Departure> = BTreeMap::new();
    let mut accounts = plan.accounts;
    for ((job, lane), verdict) in jobs.into_iter().zip(lanes).zip(plan.verdicts) {
        let session = job.operation.session();
        let departure =
            departures.entry(*lane).or_insert_with(|| Departure { accounts: Vec::new(), done: Vec::new() });
        departure.accounts.extend(accounts.remove(&session).map(Account::settled));
        match verdict {
            Verdict::Done { version, outcome } => {
                let (since, reply) = (job.since, job.reply);
                departure.done.push(Committed { session, version, outcome, since, reply });
            }
            _ => job.refuse(Error::Internal),
        }
    }
    for (lane, leave) in stopped {
        if let Some(departure) = departures.remove(&lane)
            && let Err(ended) = leave.send(departure)
        {
            ended.done.into_iter().for_each(Committed::answer);
        }
    }
}
