//! Stores a batch: one transaction, all or nothing, majority and journal.

use std::{sync::Arc, time::Duration};

use mongodb::{
    ClientSession,
    bson::{Document, doc, oid::ObjectId},
    error::Error as MongoError,
};
use tracing::Instrument;

use super::super::{Store, change_log, conversations, edits, failure, jobs, messages, receipts};
use crate::domain::{
    ConversationId, UserId,
    change_log::LoggedChange,
    conversation::Conversation,
    conversation_state::{Edit, MemberField},
    job::NewJob,
    message::Message,
    receipts::Receipt,
};

/// The time after which the outcome of an attempt counts as unknown. Together with a database read
/// after it, recovery from a hanging database stays under 15 s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of times the commit command is sent while its answer is lost.
const MAX_COMMIT_TRIES: usize = 3;

/// One conversation of a batch as it is to be stored.
pub(super) struct ConversationWrite {
    pub session: Conversation,
    pub expected_version: u64,
    /// Whether messages were added or changed.
    pub messages_written: bool,
    pub members: Vec<(UserId, MemberField)>,
    pub profile_or_membership_changed: bool,
}

/// Everything that a batch stores.
pub(super) struct Writes {
    /// The name of this attempt in every conversation it changes, by which a lost answer is found
    /// out.
    pub commit: ObjectId,
    pub sessions: Vec<ConversationWrite>,
    pub messages: Vec<Arc<Message>>,
    pub revised: Vec<Arc<Message>>,
    pub edits: Vec<Edit>,
    pub changes: Vec<LoggedChange>,
    pub jobs: Vec<NewJob>,
    pub receipts: Vec<(ConversationId, Receipt)>,
}

/// Why a batch was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setback {
    /// Another writer changed one of its conversations first: plan it again.
    Stale,
    /// A unique index refused it: a message or a `clientMsgId` is already stored.
    Duplicate,
    /// MongoDB will never accept one of its documents.
    Poison,
    /// The database is unavailable; nothing was stored.
    Unavailable,
    /// The answer to the commit was lost: whether it is stored is unknown.
    InDoubt,
}

/// A batch that was not stored.
pub(super) struct Failed {
    pub setback: Setback,
    /// The driver session whose transaction may still be open in the database and lock its
    /// documents.
    pub orphan: Option<Document>,
}

impl From<Setback> for Failed {
    fn from(setback: Setback) -> Self {
        Self {
            setback,
            orphan: None,
        }
    }
}

/// Stores a batch in a task of its own, so that a caller that leaves cannot abort it.
pub(super) async fn commit_writes(store: &Store, writes: Writes) -> Result<(), Failed> {
    let transaction = store
        .client
        .start_session()
        .await
        .map_err(|error| classify(&error))?;
    let session = transaction.id().clone();
    let store = store.clone();
    let attempt = async move { try_commit(&store, transaction, &writes).await };
    let attempt = tokio::spawn(attempt.in_current_span());
    let setback = match tokio::time::timeout(ATTEMPT_TIMEOUT, attempt).await {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(setback))) => setback,
        Ok(Err(panic)) => {
            tracing::error!(%panic, "a transaction panicked");
            Setback::InDoubt
        }
        Err(_) => Setback::InDoubt,
    };
    let orphan = matches!(setback, Setback::InDoubt | Setback::Unavailable).then_some(session);
    Err(Failed { setback, orphan })
}

/// Ends the transactions that lost attempts may have left open. Their documents are then free
/// before MongoDB's own limit (`transactionLifetimeLimitSeconds`) frees them.
pub(super) async fn end_orphans(store: &Store, orphans: &[Document]) -> crate::domain::Result<()> {
    let (database, orphans) = (store.database.clone(), orphans.to_vec());
    super::super::run(async move { database.run_command(doc! { "killSessions": orphans }).await })
        .await?;
    Ok(())
}

async fn try_commit(
    store: &Store,
    mut transaction: ClientSession,
    writes: &Writes,
) -> Result<(), Setback> {
    transaction
        .start_transaction()
        .await
        .map_err(|error| classify(&error))?;
    let updates: Vec<conversations::ConversationUpdate<'_>> = writes
        .sessions
        .iter()
        .map(|write| conversations::ConversationUpdate {
            session: &write.session,
            expected_version: write.expected_version,
            commit: writes.commit,
            messages_written: write.messages_written,
            members: &write.members,
            profile_or_membership_changed: write.profile_or_membership_changed,
        })
        .collect();
    let body = async {
        if !conversations::update_in(store, &mut transaction, &updates).await? {
            return Ok(false);
        }
        messages::insert_in(
            store,
            &mut transaction,
            writes.messages.iter().map(|m| &**m),
        )
        .await?;
        messages::revise_in(store, &mut transaction, writes.revised.iter().map(|m| &**m)).await?;
        edits::insert_in(store, &mut transaction, &writes.edits).await?;
        // A deleted message leaves nothing, not even its earlier contents.
        let gone = writes
            .revised
            .iter()
            .filter(|message| message.is_deleted)
            .map(|message| message.id);
        edits::remove_in(store, &mut transaction, gone.collect()).await?;
        jobs::insert_in(store, &mut transaction, &writes.jobs).await?;
        change_log::insert_in(store, &mut transaction, &writes.changes).await?;
        receipts::insert_in(
            store,
            &mut transaction,
            writes.receipts.iter().map(|(s, r)| (*s, r)),
        )
        .await?;
        Ok::<bool, MongoError>(true)
    };
    match body.await {
        Ok(true) => {}
        Ok(false) => {
            abort(&mut transaction).await;
            return Err(Setback::Stale);
        }
        Err(error) => {
            abort(&mut transaction).await;
            return Err(classify(&error));
        }
    }
    // Once a commit was sent, no error proves that it did not happen: the driver may have sent it
    // twice and lost the first answer. Only a read of the database decides.
    for _ in 0..MAX_COMMIT_TRIES {
        match transaction.commit_transaction().await {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::warn!(
                    cause = failure::describe(&error),
                    "a commit was not confirmed"
                );
                if !error.contains_label("UnknownTransactionCommitResult") {
                    break;
                }
            }
        }
    }
    Err(Setback::InDoubt)
}

async fn abort(transaction: &mut ClientSession) {
    // A failed abort is harmless: the server ends the transaction by itself.
    if let Err(error) = transaction.abort_transaction().await {
        tracing::debug!(cause = failure::describe(&error), "abort failed");
    }
}

fn classify(error: &MongoError) -> Setback {
    let setback = if failure::is_duplicate_key(error) {
        Setback::Duplicate
    } else if failure::is_unavailable(error) {
        Setback::Unavailable
    } else if error.contains_label("TransientTransactionError") {
        Setback::Stale
    } else if failure::is_poison(error) {
        Setback::Poison
    } else {
        tracing::error!(cause = failure::describe(error), "a batch was refused");
        Setback::Poison
    };
    tracing::debug!(
        ?setback,
        cause = failure::describe(error),
        "a batch was not stored"
    );
    setback
}
