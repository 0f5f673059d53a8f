//! Working a batch out in memory: which operations it takes, what comes of each, what is to be stored.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;

use super::{
    super::Store,
    Job,
    transaction::{SessionWrite, Writes},
};
use crate::domain::{
    Error, Result, SessionId, Timestamp, UserId,
    ledger::{Account, Facts, GroupChange, Lookup, Operation, Outcome},
    message::{Draft, IdempotencyKey, Message},
    parts::Mentions,
    session::Session,
};

/// Database look-ups of one batch that run side by side.
const LOOKUPS: usize = 8;

/// What became of one job of the batch.
pub(super) enum Verdict {
    /// Done, once the batch is stored.
    Done { version: u64, outcome: Outcome },
    /// The same `clientMsgId` came earlier in this batch, as the job of this index.
    RepeatOf(usize),
    /// The same `clientMsgId` was stored before, as this message.
    Repeated(Arc<Message>),
    /// Not possible.
    Refused(Error),
    /// Has to wait for a later batch, in its order.
    Deferred,
    /// Refused, or found done already, by a remembered state, which may be old: once more on a fresh one.
    Distrusted,
}

/// A batch worked out.
pub(super) struct Plan {
    /// One for each job, in order.
    pub verdicts: Vec<Verdict>,
    pub accounts: HashMap<SessionId, Account>,
}

impl Plan {
    /// Works out `jobs` on `accounts`, which hold every session that exists. `fresh` are those that were
    /// just loaded.
    pub async fn work_out(
        store: &Store,
        jobs: &[Job],
        mut accounts: HashMap<SessionId, Account>,
        fresh: &HashSet<SessionId>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut facts = look_up(store, jobs, &accounts).await?;
        // Asked here, not when the operation came: what was deactivated between hears nothing.
        let inactive = store.inactive();
        let mut deferred: HashSet<SessionId> = HashSet::new();
        let mut sent: HashMap<IdempotencyKey, usize> = HashMap::new();
        let mut verdicts = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let session = job.operation.session();
            if let Some(first) = &job.repeat {
                verdicts.push(Verdict::Repeated(Arc::clone(first)));
                continue;
            }
            if deferred.contains(&session) {
                verdicts.push(Verdict::Deferred);
                continue;
            }
            if let Operation::Send { draft, .. } = &job.operation
                && let Some(first) = draft.idempotency_key().and_then(|key| sent.get(&key))
            {
                verdicts.push(Verdict::RepeatOf(*first));
                continue;
            }
            let Some(account) = accounts.get_mut(&session) else {
                verdicts.push(Verdict::Refused(Error::ConversationNotFound));
                continue;
            };
            let found = match (account.lookup(&job.operation), facts.remove(&index)) {
                (None, _) => Facts::None,
                // What this batch has made of a message goes before what is stored.
                (Some(Lookup::Message(id)), Some(found)) => account
                    .revised(id)
                    .map_or(found, |message| Facts::Message(Some(Box::new((**message).clone())))),
                // A look-up speaks of the stored state, so nothing of this batch may have changed it.
                (Some(_), Some(found)) if account.changes().is_empty() => found,
                (Some(_), _) => {
                    deferred.insert(session);
                    verdicts.push(Verdict::Deferred);
                    continue;
                }
            };
            let may_be_old = !fresh.contains(&session) && !job.distrust;
            let addressed = addressed(&job.operation, &account.session, &inactive);
            match addressed.and_then(|operation| account.apply(&operation, found, now)) {
                // What this batch stores of the session proves its state.
                Ok(outcome) if may_be_old && outcome.rests_on_belief() && account.changes().is_empty() => {
                    deferred.insert(session);
                    verdicts.push(Verdict::Distrusted);
                }
                Ok(outcome) => {
                    if let Operation::Send { draft, .. } = &job.operation
                        && let Some(key) = draft.idempotency_key()
                    {
                        sent.insert(key, index);
                    }
                    // The version that the session has once this batch is stored.
                    let version = account.session.version + 1;
                    verdicts.push(Verdict::Done { version, outcome });
                }
                Err(_) if may_be_old => {
                    deferred.insert(session);
                    verdicts.push(Verdict::Distrusted);
                }
                Err(refusal) => verdicts.push(Verdict::Refused(refusal)),
            }
        }
        Ok(Self { verdicts, accounts })
    }

    /// What this batch stores; `None` when it changes nothing.
    pub fn writes(&mut self) -> Option<Writes> {
        let mut writes = Writes {
            commit: ObjectId::new(),
            sessions: Vec::new(),
            messages: Vec::new(),
            revised: Vec::new(),
            edits: Vec::new(),
            receipts: Vec::new(),
        };
        for account in self.accounts.values_mut().filter(|account| !account.changes().is_empty()) {
            let believed_version = account.session.version;
            account.session.version += 1;
            let changes = account.changes();
            writes.messages.extend(changes.messages.iter().cloned());
            writes.revised.extend(changes.revised.values().cloned());
            writes.edits.extend(changes.edits.iter().cloned());
            let id = account.session.id;
            writes.receipts.extend(changes.receipts.iter().map(|receipt| (id, receipt.clone())));
            writes.sessions.push(SessionWrite {
                session: account.session.clone(),
                believed_version,
                wrote: !changes.messages.is_empty() || !changes.revised.is_empty(),
                members: changes.members.iter().copied().collect(),
                frame: changes.frame,
            });
        }
        (!writes.sessions.is_empty()).then_some(writes)
    }

    /// The new messages.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.accounts.values().flat_map(|account| account.changes().messages.iter().cloned()).collect()
    }

    /// The sessions it changes.
    pub fn changed_sessions(&self) -> Vec<SessionId> {
        let changed = self.accounts.iter().filter(|(_, account)| !account.changes().is_empty());
        changed.map(|(id, _)| *id).collect()
    }
}

/// An operation as it addresses only people who are active; it is refused where nobody else is meant.
///
/// # Errors
/// `RecipientInactive` for a message to nobody else, `Validation` for an inactive new member.
fn addressed<'a>(
    operation: &'a Operation,
    session: &Session,
    inactive: &HashSet<UserId>,
) -> Result<Cow<'a, Operation>> {
    if inactive.is_empty() {
        return Ok(Cow::Borrowed(operation));
    }
    let without = |mentions: &Mentions| match mentions {
        Mentions::People(people) if people.iter().any(|user| inactive.contains(user)) => {
            let active = people.iter().copied().filter(|user| !inactive.contains(user));
            Some(Mentions::People(active.collect()))
        }
        Mentions::People(_) | Mentions::All => None,
    };
    match operation {
        Operation::Send { id, draft } => {
            if let Some(other) = session.counterpart(draft.sender).filter(|other| inactive.contains(other)) {
                return Err(Error::RecipientInactive { users: vec![other], names: Vec::new() });
            }
            Ok(match without(&draft.mentions) {
                Some(mentions) => {
                    Cow::Owned(Operation::Send { id: *id, draft: Draft { mentions, ..draft.clone() } })
                }
                None => Cow::Borrowed(operation),
            })
        }
        Operation::Edit { session, message, by, content, mentions: Some(asked), window } => {
            Ok(match without(asked) {
                Some(mentions) => Cow::Owned(Operation::Edit {
                    session: *session,
                    message: *message,
                    by: *by,
                    content: content.clone(),
                    mentions: Some(mentions),
                    window: *window,
                }),
                None => Cow::Borrowed(operation),
            })
        }
        Operation::Regroup { change: GroupChange::Add(users), .. } => {
            let gone =
                users.iter().any(|user| inactive.contains(user) && !session.members.contains_key(user));
            if gone { Err(Error::NotFound("user")) } else { Ok(Cow::Borrowed(operation)) }
        }
        Operation::Edit { .. }
        | Operation::Read { .. }
        | Operation::Deliver { .. }
        | Operation::Delete { .. }
        | Operation::Recall { .. }
        | Operation::React { .. }
        | Operation::Regroup { .. } => Ok(Cow::Borrowed(operation)),
    }
}

/// Looks up what operations need, side by side: messages for all of them, unread messages for the first of
/// each session only, since what comes before a later one would change them; that one waits for the next
/// batch.
async fn look_up(
    store: &Store,
    jobs: &[Job],
    accounts: &HashMap<SessionId, Account>,
) -> Result<HashMap<usize, Facts>> {
    let mut seen = BTreeSet::new();
    let needed: Vec<(usize, SessionId, Lookup)> = jobs
        .iter()
        .enumerate()
        .filter_map(|(index, job)| {
            let session = job.operation.session();
            let is_first = seen.insert(session);
            let lookup = accounts.get(&session)?.lookup(&job.operation)?;
            (is_first || matches!(lookup, Lookup::Message(_))).then_some((index, session, lookup))
        })
        .collect();
    stream::iter(needed)
        .map(|(index, session, lookup)| async move {
            let facts = match lookup {
                Lookup::Message(id) => Facts::Message(store.message(id).await?.map(Box::new)),
                Lookup::Unread { reader, after, up_to } => {
                    let (count, newest) = store.unread_in(session, reader, after, up_to).await?;
                    Facts::Unread { count, newest }
                }
            };
            Ok((index, facts))
        })
        .buffer_unordered(LOOKUPS)
        .try_collect()
        .await
}
