//! The audit log: each action leaves one row and one log line (target `security`).
//!
//! A change or read of others' data is stored before it happens. Frequent actions, above all
//! sign-ins, go into a bounded queue that one task writes. When the queue is full, a sign-in is
//! refused rather than left unrecorded.

mod recorder;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, OnceLock},
};

use recorder::log_entry;
pub(super) use recorder::{Recorder, run as record_entries};

use super::Services;
use crate::domain::{
    AuditEntryId, ConversationId, Network, Result, UserId,
    access::{Action, Actor, Principal},
    audit::{AuditEntry, AuditFilter, AuditOutcome, FieldChange, Origin},
    paging::Cursor,
    user::username_key,
};

struct RequestContext {
    origin: Origin,
    /// The caller, once authenticated.
    actor: OnceLock<KnownActor>,
}

/// The caller, as the audit log names them.
#[derive(Debug, Clone)]
struct KnownActor {
    user: UserId,
    principal: &'static str,
    token: String,
}

impl From<&Actor> for KnownActor {
    fn from(actor: &Actor) -> Self {
        Self {
            user: actor.user,
            principal: actor.principal().name(),
            token: token_of(actor),
        }
    }
}

tokio::task_local! {
    static REQUEST_CONTEXT: Arc<RequestContext>;
}

/// Runs `work` as a request that comes from `origin`.
pub async fn within<F: Future>(origin: Origin, work: F) -> F::Output {
    REQUEST_CONTEXT
        .scope(
            Arc::new(RequestContext {
                origin,
                actor: OnceLock::new(),
            }),
            work,
        )
        .await
}

/// Records the caller, for later refusals in the same work.
pub fn record_actor(actor: &Actor) {
    let _ = REQUEST_CONTEXT.try_with(|situation| situation.actor.set(actor.into()));
}

fn token_of(actor: &Actor) -> String {
    actor.token.0.chars().take(64).collect()
}

/// An audited action, as an operation describes it.
#[derive(Debug, Clone, Default)]
pub(super) struct AuditedAction {
    action: &'static str,
    actor: Option<UserId>,
    principal: Option<&'static str>,
    token: Option<String>,
    subject: Option<UserId>,
    object: Option<String>,
    session: Option<ConversationId>,
    changes: Vec<FieldChange>,
    verdict: AuditOutcome,
    count: u64,
}

impl AuditedAction {
    /// Returns an action of a caller.
    pub fn by(actor: &Actor, action: &'static str) -> Self {
        Self {
            actor: Some(actor.user),
            principal: Some(actor.principal().name()),
            token: Some(token_of(actor)),
            ..Self::named(action)
        }
    }

    /// Returns an action without an authenticated caller.
    pub fn named(action: &'static str) -> Self {
        Self {
            action,
            count: 1,
            ..Self::default()
        }
    }

    /// Sets the caller, when just authenticated, and the token.
    pub fn of(self, user: UserId, token: Option<&str>) -> Self {
        Self {
            actor: Some(user),
            token: token.map(str::to_owned),
            ..self
        }
    }

    pub fn on(self, subject: UserId) -> Self {
        Self {
            subject: Some(subject),
            ..self
        }
    }

    pub fn object(self, object: &(impl ToString + ?Sized)) -> Self {
        Self {
            object: Some(object.to_string().chars().take(200).collect()),
            ..self
        }
    }

    pub fn session(self, session: ConversationId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    pub fn changes(self, changes: Vec<FieldChange>) -> Self {
        Self { changes, ..self }
    }

    pub fn verdict(self, verdict: AuditOutcome) -> Self {
        Self { verdict, ..self }
    }

    pub fn count(self, count: u64) -> Self {
        Self { count, ..self }
    }
}

impl Services {
    fn entry(&self, act: AuditedAction) -> AuditEntry {
        let situation = REQUEST_CONTEXT.try_with(Arc::clone).ok();
        let origin = situation
            .as_ref()
            .map_or(&Origin::SERVICE, |situation| &situation.origin);
        let known = situation
            .as_ref()
            .and_then(|situation| situation.actor.get());
        let principal = act.principal.or(known.map(|known| known.principal));
        let is_own_work = matches!(origin.gateway, "service" | "command");
        let operator = is_own_work.then(|| Principal::Operator.name());
        let principal = principal.or(operator);
        AuditEntry {
            id: AuditEntryId::generate(),
            at: self.clock.now(),
            actor: act.actor.or(known.map(|known| known.user)),
            principal: principal.unwrap_or_default().to_owned(),
            action: act.action.to_owned(),
            subject: act.subject,
            object: act.object,
            session: act.session,
            changes: act.changes,
            address: origin.address.map(|address| address.to_string()),
            request: origin.request.clone(),
            token: act.token.or(known.map(|known| known.token.clone())),
            gateway: origin.gateway.to_owned(),
            verdict: act.verdict.as_str().to_owned(),
            count: act.count,
        }
    }

    /// Stores an action in the audit log, before it happens.
    ///
    /// # Errors
    /// When MongoDB does not answer: then the action must not happen.
    pub(super) async fn record(&self, act: AuditedAction) -> Result<()> {
        let entry = self.entry(act);
        self.store.record(std::slice::from_ref(&entry)).await?;
        log_entry(&entry);
        Ok(())
    }

    /// Puts an action into the queue of the audit log.
    ///
    /// # Errors
    /// `Unavailable` when the queue is full: then the action must not happen.
    pub(super) fn enqueue_action(&self, act: AuditedAction) -> Result<()> {
        let entry = self.entry(act);
        self.recorder.enqueue(entry.clone())?;
        log_entry(&entry);
        Ok(())
    }

    /// Records an action that has happened. When the queue is full, only its log line remains.
    pub(super) fn record_done(&self, act: AuditedAction) {
        let entry = self.entry(act);
        if self.recorder.enqueue(entry.clone()).is_err() {
            tracing::error!(target: "security", action = entry.action, "the audit log is full: an act has its log line only");
        }
        log_entry(&entry);
    }

    /// Records a failed sign-in. `known` is the user with this name, if there is one.
    ///
    /// # Errors
    /// `Unavailable` when the queue is full: then the sign-in is refused.
    pub(super) fn record_failed_sign_in(&self, name: &str, known: Option<UserId>) -> Result<()> {
        let hashed = self.recorder.hash_name(name);
        let act = AuditedAction::named("auth.failed").verdict(AuditOutcome::Failed);
        let act = match known {
            Some(user) => act.on(user),
            None => act.object(&hashed),
        };
        let network = REQUEST_CONTEXT
            .try_with(|situation| {
                situation
                    .origin
                    .address
                    .map(|address| Network::of(address).to_string())
            })
            .ok()
            .flatten();
        let name = if known.is_some() {
            username_key(name).chars().take(32).collect()
        } else {
            hashed
        };
        self.recorder
            .count_failure(name, network.unwrap_or_default());
        self.enqueue_action(act)
    }

    /// Records a refusal for a missing right. The first ten of a caller within a minute have a row
    /// each; the others share one.
    pub fn record_refused(&self, actor: Option<&Actor>, what: &str) {
        metrics::counter!("wardline_forbidden_total").increment(1);
        let act = actor.map_or_else(
            || AuditedAction::named("access.refused"),
            |actor| AuditedAction::by(actor, "access.refused"),
        );
        let entry = self.entry(act.object(what).verdict(AuditOutcome::Refused));
        if self.recorder.count_refusal(&entry) {
            log_entry(&entry);
            let _ = self.recorder.enqueue(entry);
        }
    }

    /// Records a command of the operator.
    pub fn record_command(&self, command: &'static str, object: &str, count: u64) {
        let act = AuditedAction::named(command).count(count);
        self.record_done(if object.is_empty() {
            act
        } else {
            act.object(object)
        });
    }

    /// Returns the audit log, newest first, for admins; the read itself is audited.
    ///
    /// # Errors
    /// `Forbidden` for all others; when MongoDB does not answer.
    #[tracing::instrument(name = "audit.list", level = "debug", skip_all)]
    pub async fn recorded(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        before: Option<&Cursor>,
        limit: u64,
    ) -> Result<Recorded> {
        actor.require(Action::ReadAudit)?;
        self.record(with_filter(AuditedAction::by(actor, "audit.read"), filter))
            .await?;
        self.rows(filter, before, limit).await
    }

    /// Returns the audit log as [`Services::recorded`], for the operator.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    #[tracing::instrument(name = "audit.export", level = "debug", skip_all)]
    pub async fn recorded_for_operator(
        &self,
        filter: &AuditFilter,
        before: Option<&Cursor>,
        limit: u64,
    ) -> Result<Recorded> {
        if before.is_none() {
            self.record(with_filter(AuditedAction::named("audit.read"), filter))
                .await?;
        }
        self.rows(filter, before, limit).await
    }

    async fn rows(
        &self,
        filter: &AuditFilter,
        before: Option<&Cursor>,
        limit: u64,
    ) -> Result<Recorded> {
        let mut entries = self
            .store
            .recorded(filter, before, limit.saturating_add(1))
            .await?;
        let has_more = entries.len() as u64 > limit;
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let people: BTreeSet<UserId> = entries
            .iter()
            .flat_map(|entry| [entry.actor, entry.subject])
            .flatten()
            .collect();
        let people = self.store.users_by_id(people).await?;
        let next = entries.last().filter(|_| has_more).map(|last| Cursor {
            at: last.at,
            id: last.id.into(),
        });
        Ok(Recorded {
            entries,
            names: people
                .into_iter()
                .map(|user| (user.id, user.real_name))
                .collect(),
            next,
        })
    }
}

/// A range of the audit log.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub entries: Vec<AuditEntry>,
    /// The real names of the users in the entries.
    pub names: BTreeMap<UserId, String>,
    /// The start of the next range; `None` at the end.
    pub next: Option<Cursor>,
}

/// Returns the action of reading the audit log, with the filter.
fn with_filter(act: AuditedAction, filter: &AuditFilter) -> AuditedAction {
    let parts = [
        filter.subject.map(|subject| format!("subject={subject}")),
        filter.session.map(|session| format!("session={session}")),
        filter.actor.map(|actor| format!("actor={actor}")),
        filter
            .action
            .as_ref()
            .map(|action| format!("action={action}")),
        filter.from.map(|from| format!("from={from}")),
        filter.to.map(|to| format!("to={to}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        act
    } else {
        act.object(&parts.join(" "))
    }
}
