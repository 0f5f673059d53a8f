//! MongoDB: one file for each collection, and the commit path in [`commit`].
//!
//! Rows are private to this module; its functions return types of the domain. Every call runs in a
//! task of its own under a time limit. The driver has no socket time-out, and dropping one of its
//! futures half-way is documented as unsafe. A caller that leaves therefore never aborts a database
//! call.

pub mod address;
pub mod audit;
pub mod batch_loader;
pub mod blobs;
mod bson_form;
pub mod change_log;
mod command_spans;
pub mod commit;
pub mod conversations;
pub mod counters;
pub mod deactivated_users;
pub mod edits;
pub mod embedded;
pub mod ended_tokens;
pub mod failure;
pub mod files;
pub mod indexes;
pub mod jobs;
pub mod messages;
pub mod migrations;
pub mod nodes;
pub mod online_users;
pub mod readiness;
pub mod receipts;
pub mod revocations;
pub mod search;
pub mod statistics;
mod stored_number;
pub mod users;
pub mod validators;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Cursor, Database,
    bson::{Document, doc},
};
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::domain::{
    ConversationId, Result, UserId, conversation::Conversation, file::BlobLocation,
    message::Message, paging::SeqRange, receipts::Receipt,
};
use batch_loader::BatchLoader;

/// The time limit of a single read or write.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// Whether the commit path bypasses the collections' validators (`schemas/`), which took a fifth of
/// its time in mongod. They guard against other writers; this module stores documents of one form
/// only. A build for tests lets mongod check every document.
const BYPASS_VALIDATION: bool = !cfg!(debug_assertions);

/// The connected database.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    database: Database,
    /// Separate connections for the commit path: a burst of reading clients must not delay a
    /// message until a connection is free.
    committing: Client,
    address: Arc<address::Address>,
    /// The store for the bytes of files.
    blobs: blobs::Blobs,
    lookups: Arc<Lookups>,
    /// The commands that this process has committed.
    committed: Arc<AtomicU64>,
    inactive: Arc<deactivated_users::DeactivatedUsers>,
    conversation_numbers: Arc<counters::NumberBlock>,
}

/// The batched lookups (see [`batch_loader`]).
#[derive(Debug)]
struct Lookups {
    accounts: BatchLoader<Vec<UserId>, Vec<users::UserAccount>>,
    sessions: BatchLoader<ConversationId, Option<Arc<Conversation>>>,
    unread: BatchLoader<UserId, Vec<conversations::UnreadAt>>,
    messages: BatchLoader<(ConversationId, SeqRange), Vec<Message>>,
    receipts: BatchLoader<(ConversationId, SeqRange), Vec<Receipt>>,
}

impl Store {
    /// Creates a client for an address and a database. It makes no call yet: see
    /// [`Store::check_readiness`].
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn connect(address: address::Address, database: &str) -> mongodb::error::Result<Self> {
        let client = Client::with_options(command_spans::record_commands(address.reading.clone()))?;
        let database = client.database(database);
        let lookups = Arc::new(Lookups {
            accounts: users::new_loader(database.clone()),
            sessions: conversations::new_loader(database.clone()),
            unread: conversations::new_unread_loader(database.clone()),
            messages: messages::new_loader(database.clone()),
            receipts: receipts::new_loader(database.clone()),
        });
        let blobs = blobs::Blobs::in_database(&database);
        let committing =
            Client::with_options(command_spans::record_commands(address.committing.clone()))?;
        let address = Arc::new(address);
        Ok(Self {
            client,
            database,
            committing,
            address,
            blobs,
            lookups,
            committed: Arc::default(),
            inactive: Arc::default(),
            conversation_numbers: Arc::default(),
        })
    }

    /// Returns the same database, with the bytes of files in another store.
    ///
    /// # Errors
    /// When that store cannot be used.
    pub fn with_blob_location(
        mut self,
        place: &BlobLocation,
    ) -> std::result::Result<Self, blobs::BadBlobLocation> {
        self.blobs = blobs::Blobs::open(place, &self.database)?;
        Ok(self)
    }

    /// Returns the store for the bytes of files.
    #[must_use]
    pub fn blobs(&self) -> &blobs::Blobs {
        &self.blobs
    }

    /// Returns the same database over the connections of the commit path.
    fn for_commits(&self) -> Self {
        Self {
            client: self.committing.clone(),
            database: self.committing.database(self.database.name()),
            committing: self.committing.clone(),
            address: Arc::clone(&self.address),
            blobs: self.blobs.clone(),
            lookups: Arc::clone(&self.lookups),
            committed: Arc::clone(&self.committed),
            inactive: Arc::clone(&self.inactive),
            conversation_numbers: Arc::clone(&self.conversation_numbers),
        }
    }

    /// Returns the number of commands that this process has committed.
    fn committed(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// Returns whether a primary that can commit answers within `limit`.
    pub async fn can_answer(&self, limit: Duration) -> bool {
        let database = self.committing.database("admin");
        let hello = tokio::spawn(async move { database.run_command(doc! { "hello": 1 }).await });
        matches!(tokio::time::timeout(limit, hello).await, Ok(Ok(Ok(hello))) if readiness::can_commit(&hello))
    }

    /// Returns the reason why no server can be used, for the log.
    pub async fn describe_unavailability(&self) -> String {
        let found = readiness::diagnose(&self.address).await;
        found.map_or_else(|| "the primary answers again".to_owned(), |found| found.0)
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.committing.shutdown().await;
        self.client.shutdown().await;
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.database.collection(name)
    }

    /// Removes the whole database: for tests, which have one each.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn drop_database(&self) -> Result<()> {
        let database = self.database.clone();
        run(async move { database.drop().await }).await
    }
}

/// Runs one database call in its own task, under the time limit.
async fn run<T: Send + 'static>(
    call: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T> {
    run_within(CALL_TIMEOUT, call).await
}

/// Runs several updates of one collection as one command, each for itself.
async fn run_updates(database: &Database, collection: &str, updates: Vec<Document>) -> Result<()> {
    let database = database.clone();
    let command = doc! {
        "update": collection,
        "updates": updates,
        "ordered": false,
        "bypassDocumentValidation": BYPASS_VALIDATION,
    };
    run(async move { failure::check_reply(&database.run_command(command).await?) }).await
}

/// As [`run`], for a write outside the commit path: when its answer was lost, it may be stored.
async fn write<T: Send + 'static>(
    call: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T> {
    let limited = tokio::time::timeout(CALL_TIMEOUT, tokio::spawn(call.in_current_span()));
    match limited.await {
        Ok(Ok(Err(error)))
            if failure::is_unavailable(&error) && !failure::was_never_sent(&error) =>
        {
            tracing::warn!(
                cause = failure::describe(&error),
                "the answer to a write was lost"
            );
            Err(crate::domain::Error::OutcomeUnknown)
        }
        Err(_) => {
            tracing::warn!(limit_ms = CALL_TIMEOUT.as_millis(), "a write took too long");
            Err(crate::domain::Error::OutcomeUnknown)
        }
        Ok(joined) => join_result(joined),
    }
}

async fn run_within<T: Send + 'static>(
    limit: Duration,
    call: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T> {
    if let Ok(joined) = tokio::time::timeout(limit, tokio::spawn(call.in_current_span())).await {
        return join_result(joined);
    }
    tracing::warn!(
        limit_ms = limit.as_millis(),
        "a database call took too long"
    );
    Err(crate::domain::Error::Unavailable)
}

/// Returns the result of a call's task.
fn join_result<T>(
    joined: std::result::Result<mongodb::error::Result<T>, tokio::task::JoinError>,
) -> Result<T> {
    match joined {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure::to_domain(&error)),
        Err(panic) => {
            tracing::error!(%panic, "a database call panicked");
            Err(crate::domain::Error::Internal)
        }
    }
}

/// Converts a row to a document. It goes by way of bytes: directly, BSON's serializer takes itself
/// for a human-readable format, and ids and times would become text.
fn to_document(row: &impl serde::Serialize) -> mongodb::error::Result<mongodb::bson::Document> {
    let bytes = mongodb::bson::serialize_to_vec(row)?;
    Ok(mongodb::bson::deserialize_from_slice(&bytes)?)
}

/// Returns a filter for documents that match any of these filters. A single filter is returned
/// unchanged, since `$or` is planned anew each time.
fn any_of(filters: impl Iterator<Item = Document>) -> Document {
    let mut filters: Vec<Document> = filters.collect();
    if filters.len() > 1 {
        return doc! { "$or": filters };
    }
    // No filter matches no document.
    filters
        .pop()
        .unwrap_or_else(|| doc! { "_id": { "$in": [] } })
}

/// Reads a cursor to its end. A row that cannot be decoded is an error, never skipped.
async fn collect<R: DeserializeOwned + Send + Sync + Unpin>(
    cursor: Cursor<R>,
) -> mongodb::error::Result<Vec<R>> {
    cursor.try_collect().await
}
