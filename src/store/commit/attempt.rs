//! The loop over the attempts to commit a batch, for the lanes and for commits over several lanes.
//!
//! One setback after the other is handled as `docs/architecture/commit-path.md` says, until the
//! outcome is known. An [`AttemptDriver`] holds the commands and decides what depends on them.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use mongodb::bson::{Document, oid::ObjectId};

use super::{
    super::Store,
    orphans,
    plan::BatchPlan,
    transaction::{self, Setback},
};
use crate::domain::{ConversationId, Error, MessageId, Result, message::Message};

/// The time limit of one database read between two attempts.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_millis(500);
/// The number of conflicts after which orphaned transactions of dead processes are looked for.
const CONFLICTS_BEFORE_ORPHAN_CHECK: u32 = 4;
/// The age after which an attempt that was not found stored never will be. MongoDB ends
/// transactions after 60 s by default (`transactionLifetimeLimitSeconds`).
const UNCERTAIN_ATTEMPT_LIFETIME: Duration = Duration::from_secs(75);

/// Whether the attempts go on, or how they end with nothing stored.
pub(super) type Next<E> = ControlFlow<E>;

/// The commands of a batch. Nothing may change them while an attempt is uncertain, since its plan
/// describes them.
pub(super) trait AttemptDriver: Send {
    /// Why nothing was stored.
    type End: Send;

    /// Waits before another attempt.
    fn wait_before_retry(&mut self, attempt: u32) -> impl Future<Output = ()> + Send;

    /// Ends what has waited too long. Called before an attempt while none is uncertain.
    fn refuse_expired(&mut self, attempt: u32) -> Next<Self::End>;

    /// Plans the batch; states that were used before are loaded again.
    fn compute_plan(&mut self) -> impl Future<Output = Result<BatchPlan>> + Send;

    /// Decides whether a plan is to be committed: `Ok(false)` to plan anew.
    fn judge_plan(
        &self,
        plan: &BatchPlan,
        is_uncertain: bool,
    ) -> std::result::Result<bool, Self::End>;

    /// Handles a refusal by a unique index. `Continue(true)` when it was a client's repeat, which is
    /// no setback.
    fn resolve_duplicate(
        &mut self,
        is_uncertain: bool,
    ) -> impl Future<Output = ControlFlow<Self::End, bool>> + Send;

    /// Returns the end of a batch that MongoDB will never accept.
    fn poisoned(&mut self) -> Self::End;
}

/// A commit attempt whose outcome is unknown.
struct UncertainAttempt {
    commit: ObjectId,
    sessions: Vec<ConversationId>,
    messages: Vec<Arc<Message>>,
    plan: BatchPlan,
    since: Instant,
}

/// Commits a batch and retries until the outcome is known. Returns the plan that is stored.
///
/// # Errors
/// The end of the driver; nothing is stored then, and nothing will be.
pub(super) async fn commit<D: AttemptDriver>(
    store: &Store,
    driver: &mut D,
) -> std::result::Result<BatchPlan, D::End> {
    let (mut uncertain, mut orphans) = (Vec::<UncertainAttempt>::new(), Vec::<Document>::new());
    // A client's repeated send does not count as a setback.
    let mut is_repeat = false;
    let mut attempt = 0_u32;
    loop {
        if attempt > 0 {
            if !is_repeat {
                metrics::counter!("wardline_commit_setbacks_total").increment(1);
            }
            driver.wait_before_retry(attempt).await;
        }
        let conflicts = attempt;
        attempt = attempt.saturating_add(1);
        is_repeat = false;
        if !orphans.is_empty()
            && within_lookup_timeout(transaction::end_orphans(store, &orphans))
                .await
                .is_ok()
        {
            orphans.clear();
        }
        match within_lookup_timeout(resolve_uncertain_attempts(store, &mut uncertain)).await {
            Ok(Some(plan)) => return Ok(plan),
            Ok(None) if uncertain.is_empty() => {
                if let ControlFlow::Break(end) = driver.refuse_expired(conflicts) {
                    return Err(end);
                }
            }
            Ok(None) => {}
            Err(_) => continue,
        }
        let Ok(mut plan) = within_lookup_timeout(driver.compute_plan()).await else {
            continue;
        };
        if !driver.judge_plan(&plan, !uncertain.is_empty())? {
            continue;
        }
        let (messages, sessions) = (plan.messages(), plan.changed_conversations());
        let Some(writes) = plan.take_writes() else {
            return Ok(plan);
        };
        let commit = writes.commit;
        let Err(failed) = transaction::commit_writes(store, writes).await else {
            return Ok(plan);
        };
        orphans.extend(failed.orphan);
        match failed.setback {
            Setback::Stale if conflicts >= CONFLICTS_BEFORE_ORPHAN_CHECK => {
                drop(within_lookup_timeout(orphans::end(store)).await);
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
            Setback::Duplicate => match driver.resolve_duplicate(!uncertain.is_empty()).await {
                ControlFlow::Continue(repeat) => is_repeat = repeat,
                ControlFlow::Break(end) => return Err(end),
            },
            // What is refused may be what an uncertain attempt stored.
            Setback::Poison if !uncertain.is_empty() => {}
            Setback::Poison => return Err(driver.poisoned()),
        }
    }
}

/// Returns the delay before an attempt: a first conflict is retried almost at once, an unavailable
/// database every half second.
pub(super) fn retry_delay(attempt: u32) -> Duration {
    Duration::from_millis(1 << attempt.min(9)).min(MAX_RETRY_DELAY)
}

/// Checks whether an uncertain attempt was stored; returns its plan if so.
async fn resolve_uncertain_attempts(
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
async fn within_lookup_timeout<T>(lookup: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(LOOKUP_TIMEOUT, lookup)
        .await
        .unwrap_or(Err(Error::Unavailable))
}
