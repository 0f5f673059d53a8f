//! The cross-lane commit: changes to several conversations, all or none.
//!
//! The order of a conversation is the order of its lane. A change to several conversations
//! therefore pauses their lanes one after the other, in lane order. It borrows their cached states
//! of these conversations, commits one transaction, and returns the new states with the outcomes.
//! Each lane then hands these outcomes on like its own. One cross-lane commit runs at a time. A
//! paused lane waits no longer than for a commit of its own.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
    sync::Arc,
    time::Instant,
};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    super::Store,
    Committed, QueuedCommand,
    attempt::{self, AttemptDriver, Next},
    lane::COMMIT_DEADLINE,
    plan::{BatchPlan, CommandResult},
};
use crate::domain::{Clock, ConversationId, Error, Result, conversation_state::ConversationState};

/// The maximum of cross-lane commits that wait or run.
pub(super) const MAX_QUEUED_CROSS_LANE_COMMITS: usize = 64;

/// A request to a lane to pause and to lend its cached states of these conversations.
pub(super) struct PauseRequest {
    pub sessions: Vec<ConversationId>,
    pub lane_paused: oneshot::Sender<LanePaused>,
}

/// The notice that a lane has paused.
pub(super) struct LanePaused {
    pub states: Vec<ConversationState>,
    /// Resumes the lane. If it is dropped, the lane resumes without the lent states.
    pub resume_sender: oneshot::Sender<LaneResume>,
}

/// The states and outcomes with which a lane resumes.
pub(super) struct LaneResume {
    pub states: Vec<ConversationState>,
    pub done: Vec<Committed>,
}

/// Runs the cross-lane commits, one at a time.
pub(super) struct CrossLaneCoordinator {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub lane_senders: Vec<mpsc::Sender<PauseRequest>>,
    pub commit_lock: Semaphore,
    /// Permits for the cross-lane commits that wait or run.
    pub permits: Arc<Semaphore>,
}

impl CrossLaneCoordinator {
    /// Commits all commands or refuses all. `lanes` holds the lane of each command.
    pub async fn commit(&self, jobs: Vec<QueuedCommand>, lanes: Vec<usize>) {
        let Ok(_turn) = self.commit_lock.acquire().await else {
            return;
        };
        let mut stopped = BTreeMap::new();
        let (mut states, mut sessions) = (
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
            let (lane_paused, arrival) = oneshot::channel();
            let meet = async {
                self.lane_senders
                    .get(lane)?
                    .send(PauseRequest {
                        sessions,
                        lane_paused,
                    })
                    .await
                    .ok()?;
                arrival.await.ok()
            };
            let Ok(Some(arrival)) = timeout(COMMIT_DEADLINE, meet).await else {
                return refuse(jobs, &Error::Unavailable);
            };
            states.extend(
                arrival
                    .states
                    .into_iter()
                    .map(|state| (state.session.id, state)),
            );
            stopped.insert(lane, arrival.resume_sender);
        }
        let mut batch = CrossLaneBatch {
            coordinator: self,
            jobs: &jobs,
            states,
            begun: Instant::now(),
        };
        match attempt::commit(&self.store, &mut batch).await {
            Ok(plan) => resume_lanes(jobs, &lanes, plan, stopped),
            Err(error) => refuse(jobs, &error),
        }
    }

    async fn compute_plan(
        &self,
        jobs: &[QueuedCommand],
        mut states: HashMap<ConversationId, ConversationState>,
    ) -> Result<BatchPlan> {
        let all: HashSet<ConversationId> = jobs.iter().map(|job| job.operation.session()).collect();
        let missing: HashSet<ConversationId> = all
            .into_iter()
            .filter(|session| !states.contains_key(session))
            .collect();
        let ids: Vec<ConversationId> = missing.iter().copied().collect();
        for session in self.store.conversations_by_id(&ids).await? {
            states.insert(session.id, ConversationState::open(session));
        }
        BatchPlan::compute_plan(&self.store, jobs, states, &missing, self.clock.now()).await
    }
}

/// The commands of a cross-lane commit, while it is attempted.
struct CrossLaneBatch<'a> {
    coordinator: &'a CrossLaneCoordinator,
    jobs: &'a [QueuedCommand],
    /// The lent states, until the first attempt uses them. After a setback, every state is loaded
    /// again.
    states: HashMap<ConversationId, ConversationState>,
    begun: Instant,
}

impl AttemptDriver for CrossLaneBatch<'_> {
    type End = Error;

    async fn wait_before_retry(&mut self, attempt: u32) {
        tokio::time::sleep(attempt::retry_delay(attempt)).await;
    }

    fn refuse_expired(&mut self, _attempt: u32) -> Next<Error> {
        if self.begun.elapsed() > COMMIT_DEADLINE {
            return Next::Break(Error::Unavailable);
        }
        Next::Continue(())
    }

    async fn compute_plan(&mut self) -> Result<BatchPlan> {
        let lent = std::mem::take(&mut self.states);
        self.coordinator.compute_plan(self.jobs, lent).await
    }

    fn judge_plan(&self, plan: &BatchPlan, is_uncertain: bool) -> Result<bool> {
        match plan.results.iter().find_map(failure_of) {
            None => Ok(true),
            Some(CrossLaneFailure::Refused(error)) if !is_uncertain => Err(error),
            Some(CrossLaneFailure::Refused(_) | CrossLaneFailure::Old) => Ok(false),
        }
    }

    async fn resolve_duplicate(&mut self, is_uncertain: bool) -> ControlFlow<Error, bool> {
        // The stored duplicate may be an uncertain attempt, which is looked up next.
        if is_uncertain {
            return ControlFlow::Continue(false);
        }
        ControlFlow::Break(Error::Conflict("this is stored already"))
    }

    fn poisoned(&mut self) -> Error {
        metrics::counter!("wardline_refusals_total", "reason" => "poisoned").increment(1);
        Error::Internal
    }
}

/// Why the commands cannot be committed together.
enum CrossLaneFailure {
    Refused(Error),
    /// The state may be stale: retry with a fresh one.
    Old,
}

fn failure_of(result: &CommandResult) -> Option<CrossLaneFailure> {
    match result {
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
fn resume_lanes(
    jobs: Vec<QueuedCommand>,
    lanes: &[usize],
    plan: BatchPlan,
    stopped: BTreeMap<usize, oneshot::Sender<LaneResume>>,
) {
    let mut resumes: BTreeMap<usize, LaneResume> = BTreeMap::new();
    let mut states = plan.states;
    for ((job, lane), result) in jobs.into_iter().zip(lanes).zip(plan.results) {
        let session = job.operation.session();
        let resume = resumes.entry(*lane).or_insert_with(|| LaneResume {
            states: Vec::new(),
            done: Vec::new(),
        });
        resume.states.extend(
            states
                .remove(&session)
                .map(ConversationState::into_committed),
        );
        match result {
            CommandResult::Done { version, outcome } => {
                let (since, reply) = (job.since, job.reply);
                resume.done.push(Committed {
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
    for (lane, resume_sender) in stopped {
        if let Some(resume) = resumes.remove(&lane)
            && let Err(ended) = resume_sender.send(resume)
        {
            ended.done.into_iter().for_each(Committed::answer);
        }
    }
}
