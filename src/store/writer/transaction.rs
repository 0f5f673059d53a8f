//! Storing a batch: one transaction, all or nothing, majority and journal.

use std::{sync::Arc, time::Duration};

use mongodb::{
    ClientSession,
    bson::{Document, doc, oid::ObjectId},
    error::Error as MongoError,
};

use super::super::{Store, edits, failure, messages, receipts, sessions};
use crate::domain::{
    SessionId, UserId,
    ledger::{Edit, MemberPart},
    message::Message,
    receipts::Receipt,
    session::Session,
};

/// How long one attempt may take before its outcome counts as unknown. With a look at the database after it
/// this keeps recovery from a hanging one under 15 s.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);
/// How often the commit command itself is repeated when its answer was lost.
const COMMIT_TRIES: usize = 3;

/// One session of a batch as it is to be stored.
pub(super) struct SessionWrite {
    pub session: Session,
    pub believed_version: u64,
    /// Whether messages came or changed.
    pub wrote: bool,
    pub members: Vec<(UserId, MemberPart)>,
    pub frame: bool,
}

/// All that a batch stores.
pub(super) struct Writes {
    /// Names this attempt in every session it touches, so that a lost answer can be found out.
    pub commit: ObjectId,
    pub sessions: Vec<SessionWrite>,
    pub messages: Vec<Arc<Message>>,
    pub revised: Vec<Arc<Message>>,
    pub edits: Vec<Edit>,
    pub receipts: Vec<(SessionId, Receipt)>,
}

/// Why a batch was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setback {
    /// Somebody else changed one of its sessions first: work it out anew.
    Stale,
    /// A unique index refused: a message, or a `clientMsgId`, is there already.
    Duplicate,
    /// One of its documents will never be taken.
    Poison,
    /// The database is not there; nothing was stored.
    Unavailable,
    /// The answer to the commit was lost: it may be stored, or not.
    InDoubt,
}

/// A batch that was not stored.
pub(super) struct Failed {
    pub setback: Setback,
    /// The driver's session whose transaction may still be open in the database, and hold its documents.
    pub stray: Option<Document>,
}

impl From<Setback> for Failed {
    fn from(setback: Setback) -> Self {
        Self { setback, stray: None }
    }
}

/// Stores a batch in a task of its own, so that nobody's leaving can break it off.
pub(super) async fn store(store: &Store, writes: Writes) -> Result<(), Failed> {
    let transaction = store.client.start_session().await.map_err(|error| classify(&error))?;
    let session = transaction.id().clone();
    let store = store.clone();
    let attempt = tokio::spawn(async move { attempt(&store, transaction, &writes).await });
    let setback = match tokio::time::timeout(ATTEMPT_LIMIT, attempt).await {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(setback))) => setback,
        Ok(Err(panic)) => {
            tracing::error!(%panic, "a transaction panicked");
            Setback::InDoubt
        }
        Err(_) => Setback::InDoubt,
    };
    let stray = matches!(setback, Setback::InDoubt | Setback::Unavailable).then_some(session);
    Err(Failed { setback, stray })
}

/// Ends the transactions that lost attempts may have left open, so that their documents are free again
/// before MongoDB's own limit (`transactionLifetimeLimitSeconds`) frees them.
pub(super) async fn end_strays(store: &Store, strays: &[Document]) -> crate::domain::Result<()> {
    let (database, strays) = (store.database.clone(), strays.to_vec());
    super::super::run(async move { database.run_command(doc! { "killSessions": strays }).await }).await?;
    Ok(())
}

async fn attempt(store: &Store, mut transaction: ClientSession, writes: &Writes) -> Result<(), Setback> {
    transaction.start_transaction().await.map_err(|error| classify(&error))?;
    let updates: Vec<sessions::SessionUpdate<'_>> = writes
        .sessions
        .iter()
        .map(|write| sessions::SessionUpdate {
            session: &write.session,
            believed_version: write.believed_version,
            commit: writes.commit,
            wrote: write.wrote,
            members: &write.members,
            frame: write.frame,
        })
        .collect();
    let body = async {
        if !sessions::update_in(store, &mut transaction, &updates).await? {
            return Ok(false);
        }
        messages::insert_in(store, &mut transaction, writes.messages.iter().map(|m| &**m)).await?;
        messages::revise_in(store, &mut transaction, writes.revised.iter().map(|m| &**m)).await?;
        edits::insert_in(store, &mut transaction, &writes.edits).await?;
        // What is gone leaves nothing, not even what it said before.
        let gone = writes.revised.iter().filter(|message| message.is_deleted).map(|message| message.id);
        edits::remove_in(store, &mut transaction, gone.collect()).await?;
        receipts::insert_in(store, &mut transaction, writes.receipts.iter().map(|(s, r)| (*s, r))).await?;
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
    // Once a commit was asked for, no failure says that it did not happen: the driver may have asked twice
    // and lost the first answer. Only a look at the database tells.
    for _ in 0..COMMIT_TRIES {
        match transaction.commit_transaction().await {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::warn!(cause = failure::describe(&error), "a commit was not confirmed");
                if !error.contains_label("UnknownTransactionCommitResult") {
                    break;
                }
            }
        }
    }
    Err(Setback::InDoubt)
}

async fn abort(transaction: &mut ClientSession) {
    // An abort that fails is no loss: the server ends the transaction by itself.
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
    tracing::debug!(?setback, cause = failure::describe(error), "a batch was not stored");
    setback
}
