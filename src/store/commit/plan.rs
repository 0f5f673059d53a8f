//! Plans a batch in memory: which commands it takes, the outcome of each, and what is to be stored.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;

use super::{
    super::Store,
    QueuedCommand,
    transaction::{ConversationWrite, Writes},
};
use crate::domain::{
    ConversationId, Error, Result, Timestamp, UserId,
    conversation::Conversation,
    conversation_state::{
        AnyCommand, ConversationState, EditCommand, GroupChange, GroupCommand, Lookup, Outcome,
        Preloaded, SendCommand,
    },
    message::{Draft, IdempotencyKey, Message},
    message_parts::Mentions,
};

/// The database lookups of one batch that run side by side.
const MAX_CONCURRENT_LOOKUPS: usize = 8;

/// The result of one command of the batch.
pub(super) enum CommandResult {
    /// Done, once the batch is stored.
    Done { version: u64, outcome: Outcome },
    /// The command at this index of the batch has the same `clientMsgId`.
    RepeatOf(usize),
    /// The stored message that has the same `clientMsgId`.
    Repeated(Arc<Message>),
    /// The command is not possible.
    Refused(Error),
    /// It waits for a later batch, in its order.
    Deferred,
    /// A cached state, which may be stale, refused it or found it already done: retry on a fresh
    /// one.
    Distrusted,
}

/// A planned batch.
pub(super) struct BatchPlan {
    /// One for each command, in order.
    pub results: Vec<CommandResult>,
    pub states: HashMap<ConversationId, ConversationState>,
}

impl BatchPlan {
    /// Plans `jobs` on `states`, which hold every existing conversation. `fresh` lists those that
    /// were just loaded.
    pub async fn compute_plan(
        store: &Store,
        jobs: &[QueuedCommand],
        mut states: HashMap<ConversationId, ConversationState>,
        fresh: &HashSet<ConversationId>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut preloaded = preload(store, jobs, &states).await?;
        // Read now, not at submission: a user deactivated in between receives nothing.
        let inactive = store.inactive();
        let mut deferred: HashSet<ConversationId> = HashSet::new();
        let mut sent: HashMap<IdempotencyKey, usize> = HashMap::new();
        let mut results = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let session = job.operation.session();
            if let Some(first) = &job.repeat {
                results.push(CommandResult::Repeated(Arc::clone(first)));
                continue;
            }
            if deferred.contains(&session) {
                results.push(CommandResult::Deferred);
                continue;
            }
            if let AnyCommand::Send(SendCommand { draft, .. }) = &job.operation
                && let Some(first) = draft.idempotency_key().and_then(|key| sent.get(&key))
            {
                results.push(CommandResult::RepeatOf(*first));
                continue;
            }
            let Some(state) = states.get_mut(&session) else {
                results.push(CommandResult::Refused(Error::ConversationNotFound));
                continue;
            };
            let found = match (state.lookup(&job.operation), preloaded.remove(&index)) {
                (None, _) => Preloaded::None,
                // A change by this batch takes precedence over the stored message.
                (Some(Lookup::Message(id)), Some(found)) => {
                    state.revised(id).map_or(found, |message| {
                        Preloaded::Message(Some(Box::new((**message).clone())))
                    })
                }
                // A lookup describes the stored state, so this batch must not have changed it.
                (Some(_), Some(found)) if state.changes().is_empty() => found,
                (Some(_), _) => {
                    deferred.insert(session);
                    results.push(CommandResult::Deferred);
                    continue;
                }
            };
            let may_be_old = !fresh.contains(&session) && !job.require_fresh_state;
            let without_inactive_recipients =
                without_inactive_recipients(&job.operation, &state.session, &inactive);
            match without_inactive_recipients
                .and_then(|operation| state.apply(&operation, found, now))
            {
                // A change that this batch stores proves that the state is current.
                Ok(outcome)
                    if may_be_old
                        && outcome.depends_on_cached_state()
                        && state.changes().is_empty() =>
                {
                    deferred.insert(session);
                    results.push(CommandResult::Distrusted);
                }
                Ok(outcome) => {
                    if let AnyCommand::Send(SendCommand { draft, .. }) = &job.operation
                        && let Some(key) = draft.idempotency_key()
                    {
                        sent.insert(key, index);
                    }
                    // The version of the conversation once this batch is stored.
                    let version = state.session.version + 1;
                    results.push(CommandResult::Done { version, outcome });
                }
                Err(_) if may_be_old => {
                    deferred.insert(session);
                    results.push(CommandResult::Distrusted);
                }
                Err(refusal) => results.push(CommandResult::Refused(refusal)),
            }
        }
        Ok(Self { results, states })
    }

    /// Returns what this batch stores; `None` when it changes nothing.
    pub fn take_writes(&mut self) -> Option<Writes> {
        let mut writes = Writes {
            commit: ObjectId::new(),
            sessions: Vec::new(),
            messages: Vec::new(),
            revised: Vec::new(),
            edits: Vec::new(),
            changes: Vec::new(),
            jobs: Vec::new(),
            receipts: Vec::new(),
        };
        for state in self
            .states
            .values_mut()
            .filter(|state| !state.changes().is_empty())
        {
            let expected_version = state.session.version;
            state.session.version += 1;
            let changes = state.changes();
            writes.messages.extend(changes.messages.iter().cloned());
            writes.revised.extend(changes.revised.values().cloned());
            writes.edits.extend(changes.edits.iter().cloned());
            writes.jobs.extend(changes.jobs.iter().cloned());
            writes.changes.extend(changes.log.changes().iter().cloned());
            let id = state.session.id;
            writes
                .receipts
                .extend(changes.receipts.iter().map(|receipt| (id, receipt.clone())));
            writes.sessions.push(ConversationWrite {
                session: state.session.clone(),
                expected_version,
                messages_written: !changes.messages.is_empty() || !changes.revised.is_empty(),
                members: changes.members.iter().copied().collect(),
                profile_or_membership_changed: changes.profile_or_membership_changed,
            });
        }
        (!writes.sessions.is_empty()).then_some(writes)
    }

    /// Returns the new messages.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.states
            .values()
            .flat_map(|state| state.changes().messages.iter().cloned())
            .collect()
    }

    /// Returns the conversations that it changes.
    pub fn changed_conversations(&self) -> Vec<ConversationId> {
        let changed = self
            .states
            .iter()
            .filter(|(_, state)| !state.changes().is_empty());
        changed.map(|(id, _)| *id).collect()
    }
}

/// Removes inactive users from a command's recipients; refuses it when no other recipient remains.
///
/// # Errors
/// `RecipientInactive` for a message whose only recipient is inactive, `NotFound` for an inactive
/// new member.
fn without_inactive_recipients<'a>(
    operation: &'a AnyCommand,
    session: &Conversation,
    inactive: &HashSet<UserId>,
) -> Result<Cow<'a, AnyCommand>> {
    if inactive.is_empty() {
        return Ok(Cow::Borrowed(operation));
    }
    let without = |mentions: &Mentions| match mentions {
        Mentions::People(people) if people.iter().any(|user| inactive.contains(user)) => {
            let active = people
                .iter()
                .copied()
                .filter(|user| !inactive.contains(user));
            Some(Mentions::People(active.collect()))
        }
        Mentions::People(_) | Mentions::All => None,
    };
    match operation {
        AnyCommand::Send(SendCommand { id, draft, origin }) => {
            if let Some(other) = session
                .counterpart(draft.sender)
                .filter(|other| inactive.contains(other))
            {
                return Err(Error::RecipientInactive {
                    users: vec![other],
                    names: Vec::new(),
                });
            }
            Ok(match without(&draft.mentions) {
                Some(mentions) => Cow::Owned(AnyCommand::Send(SendCommand {
                    id: *id,
                    draft: Draft {
                        mentions,
                        ..draft.clone()
                    },
                    origin: *origin,
                })),
                None => Cow::Borrowed(operation),
            })
        }
        AnyCommand::Edit(EditCommand {
            session,
            message,
            by,
            content,
            mentions: Some(asked),
            window,
        }) => Ok(match without(asked) {
            Some(mentions) => Cow::Owned(AnyCommand::Edit(EditCommand {
                session: *session,
                message: *message,
                by: *by,
                content: content.clone(),
                mentions: Some(mentions),
                window: *window,
            })),
            None => Cow::Borrowed(operation),
        }),
        AnyCommand::UpdateGroup(GroupCommand {
            change: GroupChange::Add(users),
            ..
        }) => {
            let gone = users
                .iter()
                .any(|user| inactive.contains(user) && !session.members.contains_key(user));
            if gone {
                Err(Error::NotFound("user"))
            } else {
                Ok(Cow::Borrowed(operation))
            }
        }
        AnyCommand::Edit(_)
        | AnyCommand::Read(_)
        | AnyCommand::Deliver(_)
        | AnyCommand::Delete(_)
        | AnyCommand::Recall(_)
        | AnyCommand::React(_)
        | AnyCommand::UpdateGroup(_) => Ok(Cow::Borrowed(operation)),
    }
}

/// Preloads the data that commands need, side by side. Messages are loaded for all commands. Unread
/// messages are loaded for the first command of each conversation only, since an earlier command
/// would change them. A later one waits for the next batch.
async fn preload(
    store: &Store,
    jobs: &[QueuedCommand],
    states: &HashMap<ConversationId, ConversationState>,
) -> Result<HashMap<usize, Preloaded>> {
    let mut seen = BTreeSet::new();
    let needed: Vec<(usize, ConversationId, Lookup)> = jobs
        .iter()
        .enumerate()
        .filter_map(|(index, job)| {
            let session = job.operation.session();
            let is_first = seen.insert(session);
            let lookup = states.get(&session)?.lookup(&job.operation)?;
            (is_first || matches!(lookup, Lookup::Message(_))).then_some((index, session, lookup))
        })
        .collect();
    stream::iter(needed)
        .map(|(index, session, lookup)| async move {
            let preloaded = match lookup {
                Lookup::Message(id) => Preloaded::Message(store.message(id).await?.map(Box::new)),
                Lookup::Unread {
                    reader,
                    after,
                    up_to,
                } => {
                    let (count, newest) = store.unread_in(session, reader, after, up_to).await?;
                    Preloaded::Unread { count, newest }
                }
            };
            Ok((index, preloaded))
        })
        .buffer_unordered(MAX_CONCURRENT_LOOKUPS)
        .try_collect()
        .await
}
