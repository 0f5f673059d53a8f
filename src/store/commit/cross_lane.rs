//! The cross-lane commit: changes to several conversations, all or none.
//!
//! The order of a conversation is the order of its lane. A change to several conversations
//! therefore pauses their lanes one after the other, in lane order. It borrows their cached states
//! of these conversations, commits one transaction, and returns the new states with the outcomes.
//! Each lane then hands these outcomes on like its own. One cross-lane commit runs at a time. A
//! paused lane waits no longer than for a commit of its own.

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
    Committed, QueuedCommand,
    lane::{
        COMMIT_DEADLINE, CONFLICTS_BEFORE_ORPHAN_CHECK, MAX_RETRY_DELAY, UncertainAttempt,
        find_out, in_time,
    },
    orphans,
    plan::{BatchPlan, CommandResult},
    transaction::{self, Setback},
};
use crate::domain::{Clock, ConversationId, Error, Result, conversation_state::ConversationState};

/// The maximum of cross-lane commits that wait or run.
pub(super) const MAX_QUEUED_CROSS_LANE_COMMITS: usize = 64;

/// A request to a lane to pause and to lend its cached states of these conversations.
pub(super) struct PauseRequest {
    pub sessions: Vec<ConversationId>,
    pub arrived: oneshot::Sender<LanePaused>,
}

/// The notice that a lane has paused.
pub(super) struct LanePaused {
    pub accounts: Vec<ConversationState>,
    /// Resumes the lane. If it is dropped, the lane resumes without the lent states.
    pub leave: oneshot::Sender<LaneResume>,
}

/// The states and outcomes with which a lane resumes.
pub(super) struct LaneResume {
    pub accounts: Vec<ConversationState>,
    pub done: Vec<Committed>,
}

/// Runs the cross-lane commits, one at a time.
pub(super) struct CrossLaneCoordinator {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub lane_senders: Vec<mpsc::Sender<PauseRequest>>,
    pub turn: Semaphore,
    /// Permits for the cross-lane commits that wait or run.
    pub room: Arc<Semaphore>,
}

impl CrossLaneCoordinator {
    /// Commits all commands or refuses all. `lanes` holds the lane of each command.
    pub async fn commit(&self, jobs: Vec<QueuedCommand>, lanes: Vec<usize>) {
        let Ok(_turn) = self.turn.acquire().await else {
            return;
        };
        let mut stopped = BTreeMap::new();
        let (mut accounts, mut sessions) = (
            HashMap::new(),
            BTreeMap::<usize, Vec<ConversationId>>::new(),
        );
        for (job, lane) in jobs.iter().zip(&lanes) {
            sessions
                .entry(*lane)
                .or_default()
                .push(job.operation.session());
        }
        for (lane, sessions) in sessions {
            let (arrived, arrival) = oneshot::channel();
            let meet = async {
                self.lane_senders
                    .get(lane)?
                    .send(PauseRequest { sessions, arrived })
                    .await
                    .ok()?;
                arrival.await.ok()
            };
            let Ok(Some(arrival)) = timeout(COMMIT_DEADLINE, meet).await else {
                return refuse(jobs, &Error::Unavailable);
            };
            accounts.extend(
                arrival
                    .accounts
                    .into_iter()
                    .map(|state| (state.session.id, state)),
            );
            stopped.insert(lane, arrival.leave);
        }
        match self.store(&jobs, accounts).await {
            Ok(plan) => release(jobs, &lanes, plan, stopped),
            Err(error) => refuse(jobs, &error),
        }
    }

    /// Stores the commands in one transaction and retries until the outcome is known.
    async fn store(
        &self,
        jobs: &[QueuedCommand],
        mut accounts: HashMap<ConversationId, ConversationState>,
    ) -> Result<BatchPlan> {
        let (begun, mut doubts, mut orphans) =
            (Instant::now(), Vec::<UncertainAttempt>::new(), Vec::new());
        for attempt in 0_u32.. {
            if attempt > 0 {
                metrics::counter!("wardline_commit_setbacks_total").increment(1);
                tokio::time::sleep(Duration::from_millis(1 << attempt.min(9)).min(MAX_RETRY_DELAY))
                    .await;
            }
            if !orphans.is_empty()
                && in_time(transaction::end_orphans(&self.store, &orphans))
                    .await
                    .is_ok()
            {
                orphans.clear();
            }
            match in_time(find_out(&self.store, &mut doubts)).await {
                Ok(Some(plan)) => return Ok(plan),
                Ok(None) if doubts.is_empty() && begun.elapsed() > COMMIT_DEADLINE => {
                    return Err(Error::Unavailable);
                }
                Ok(None) => {}
                Err(_) => continue,
            }
            // After a setback, every state is loaded again.
            let lent = std::mem::take(&mut accounts);
            let Ok(mut plan) = in_time(self.work_out(jobs, lent)).await else {
                continue;
            };
            match plan.verdicts.iter().find_map(failure_of) {
                None => {}
                Some(CrossLaneFailure::Refused(error)) if doubts.is_empty() => return Err(error),
                Some(CrossLaneFailure::Refused(_) | CrossLaneFailure::Old) => continue,
            }
            let (messages, sessions) = (plan.messages(), plan.changed_conversations());
            let Some(writes) = plan.writes() else {
                return Ok(plan);
            };
            let commit = writes.commit;
            let Err(failed) = transaction::store(&self.store, writes).await else {
                return Ok(plan);
            };
            orphans.extend(failed.orphan);
            match failed.setback {
                Setback::InDoubt => {
                    doubts.push(UncertainAttempt {
                        commit,
                        sessions,
                        messages,
                        plan,
                        since: Instant::now(),
                    });
                }
                Setback::Stale if attempt >= CONFLICTS_BEFORE_ORPHAN_CHECK => {
                    drop(in_time(orphans::end(&self.store)).await);
                }
                Setback::Stale | Setback::Unavailable => {}
                // The stored duplicate may be an uncertain attempt; the next `find_out` decides.
                Setback::Duplicate | Setback::Poison if !doubts.is_empty() => {}
                Setback::Duplicate => return Err(Error::Conflict("this is stored already")),
                Setback::Poison => {
                    metrics::counter!("wardline_refusals_total", "reason" => "poisoned")
                        .increment(1);
                    return Err(Error::Internal);
                }
            }
        }
        Err(Error::Unavailable)
    }

    async fn work_out(
        &self,
        jobs: &[QueuedCommand],
        mut accounts: HashMap<ConversationId, ConversationState>,
    ) -> Result<BatchPlan> {
        let all: HashSet<ConversationId> = jobs.iter().map(|job| job.operation.session()).collect();
        let missing: HashSet<ConversationId> = all
            .into_iter()
            .filter(|session| !accounts.contains_key(session))
            .collect();
        let ids: Vec<ConversationId> = missing.iter().copied().collect();
        for session in self.store.conversations_by_id(&ids).await? {
            accounts.insert(session.id, ConversationState::open(session));
        }
        BatchPlan::work_out(&self.store, jobs, accounts, &missing, self.clock.now()).await
    }
}

/// Why the commands cannot be committed together.
enum CrossLaneFailure {
    Refused(Error),
    /// The state may be stale: retry with a fresh one.
    Old,
}

fn failure_of(verdict: &CommandResult) -> Option<CrossLaneFailure> {
    match verdict {
        CommandResult::Done { .. } => None,
        CommandResult::Refused(error) => Some(CrossLaneFailure::Refused(error.clone())),
        // A command behind a refused one of the same conversation is retried with it.
        CommandResult::Distrusted | CommandResult::Deferred => Some(CrossLaneFailure::Old),
        // The caller guarantees that all `clientMsgId`s differ.
        CommandResult::RepeatOf(_) | CommandResult::Repeated(_) => {
            Some(CrossLaneFailure::Refused(Error::Internal))
        }
    }
}

fn refuse(jobs: Vec<QueuedCommand>, error: &Error) {
    for job in jobs {
        job.refuse(error.clone());
    }
}

/// Returns the states and outcomes to every lane.
fn release(
    jobs: Vec<QueuedCommand>,
    lanes: &[usize],
    plan: BatchPlan,
    stopped: BTreeMap<usize, oneshot::Sender<LaneResume>>,
) {
    let mut departures: BTreeMap<usize, LaneResume> = BTreeMap::new();
    let mut accounts = plan.accounts;
    for ((job, lane), verdict) in jobs.into_iter().zip(lanes).zip(plan.verdicts) {
        let session = job.operation.session();
        let departure = departures.entry(*lane).or_insert_with(|| LaneResume {
            accounts: Vec::new(),
            done: Vec::new(),
        });
        departure
            .accounts
            .extend(accounts.remove(&session).map(ConversationState::settled));
        match verdict {
            CommandResult::Done { version, outcome } => {
                let (since, reply) = (job.since, job.reply);
                departure.done.push(Committed {
                    session,
                    version,
                    outcome,
                    since,
                    reply,
                });
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
