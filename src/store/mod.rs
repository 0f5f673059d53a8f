//! MongoDB and nothing else: one file for each collection, the commit path in [`writer`].
//!
//! Rows are private to this room; what leaves it are nouns of the domain. Every call runs in a task of
//! its own under a time limit: the driver has no socket time-out, and dropping one of its futures
//! half-way is documented as unsafe, so a caller that leaves never takes a database call with it.

pub mod address;
pub mod audit;
pub mod batch_loader;
pub mod blobs;
pub mod commit;
pub mod conversations;
pub mod deactivated_users;
pub mod edits;
pub mod embedded;
pub mod ended_tokens;
pub mod failure;
pub mod files;
pub mod indexes;
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

use crate::domain::{
    ConversationId, Result, UserId, conversation::Conversation, file::BlobLocation, message::Message,
    paging::SeqRange, receipts::Receipt,
};
use batch_loader::BatchLoader;

/// How long a single read or write may take before its caller gives up.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// Whether the commit path stores without the collections' validators (`schemas/`), which took a fifth of
/// its time in mongod. They guard against other writers; what this room stores has one form, and a build
/// for tests lets mongod check every document of it.
const BYPASS_VALIDATION: bool = !cfg!(debug_assertions);

/// The connected database.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    database: Database,
    /// Connections of their own for the commit path: a crowd that comes back and reads must not keep a
    /// message waiting for a place.
    committing: Client,
    address: Arc<address::Address>,
    /// Where the bytes of files are.
    blobs: blobs::Blobs,
    lookups: Arc<Lookups>,
    /// Operations that this process has committed.
    committed: Arc<AtomicU64>,
    inactive: Arc<deactivated_users::DeactivatedUsers>,
}

/// The look-ups that gather (see [`gathered`]).
#[derive(Debug)]
struct Lookups {
    accounts: BatchLoader<Vec<UserId>, Vec<users::UserAccount>>,
    sessions: BatchLoader<ConversationId, Option<Arc<Conversation>>>,
    unread: BatchLoader<UserId, Vec<conversations::UnreadAt>>,
    messages: BatchLoader<(ConversationId, SeqRange), Vec<Message>>,
    receipts: BatchLoader<(ConversationId, SeqRange), Vec<Receipt>>,
}

impl Store {
    /// Connects to an address and names the database. No call is made yet: see [`Store::examine`].
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn connect(address: address::Address, database: &str) -> mongodb::error::Result<Self> {
        let client = Client::with_options(address.reading.clone())?;
        let database = client.database(database);
        let lookups = Arc::new(Lookups {
            accounts: users::gathered(database.clone()),
            sessions: conversations::gathered(database.clone()),
            unread: conversations::gathered_unread(database.clone()),
            messages: messages::gathered(database.clone()),
            receipts: receipts::gathered(database.clone()),
        });
        let blobs = blobs::Blobs::in_database(&database);
        let committing = Client::with_options(address.committing.clone())?;
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
        })
    }

    /// The same database, with the bytes of files elsewhere.
    ///
    /// # Errors
    /// When that place cannot be used.
    pub fn with_files_in(
        mut self,
        place: &BlobLocation,
    ) -> std::result::Result<Self, blobs::BadBlobLocation> {
        self.blobs = blobs::Blobs::open(place, &self.database)?;
        Ok(self)
    }

    /// The bytes of files.
    #[must_use]
    pub fn blobs(&self) -> &blobs::Blobs {
        &self.blobs
    }

    /// The same database over the connections of the commit path.
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
        }
    }

    /// How many operations this process has committed.
    fn committed(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// Whether a primary that can commit answers within `limit`.
    pub async fn is_able(&self, limit: Duration) -> bool {
        let database = self.committing.database("admin");
        let hello = tokio::spawn(async move { database.run_command(doc! { "hello": 1 }).await });
        matches!(tokio::time::timeout(limit, hello).await, Ok(Ok(Ok(hello))) if readiness::can_commit(&hello))
    }

    /// Why no server can be used, in words for the log.
    pub async fn diagnosis(&self) -> String {
        readiness::diagnose(&self.address).await.0
    }

    /// Ends all connections.
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
    let limited = tokio::time::timeout(CALL_TIMEOUT, tokio::spawn(call));
    match limited.await {
        Ok(Ok(Err(error))) if failure::is_unavailable(&error) && !failure::was_never_sent(&error) => {
            tracing::warn!(cause = failure::describe(&error), "the answer to a write was lost");
            Err(crate::domain::Error::OutcomeUnknown)
        }
        Err(_) => {
            tracing::warn!(limit_ms = CALL_TIMEOUT.as_millis(), "a write took too long");
            Err(crate::domain::Error::OutcomeUnknown)
        }
        Ok(joined) => settle(joined),
    }
}

async fn run_within<T: Send + 'static>(
    limit: Duration,
    call: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T> {
    if let Ok(joined) = tokio::time::timeout(limit, tokio::spawn(call)).await {
        return settle(joined);
    }
    tracing::warn!(limit_ms = limit.as_millis(), "a database call took too long");
    Err(crate::domain::Error::Unavailable)
}

/// What a call's own task came to.
fn settle<T>(joined: std::result::Result<mongodb::error::Result<T>, tokio::task::JoinError>) -> Result<T> {
    match joined {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure::to_domain(&error)),
        Err(panic) => {
            tracing::error!(%panic, "a database call panicked");
            Err(crate::domain::Error::Internal)
        }
    }
}

/// A row as a document. By way of bytes: directly, BSON's serializer takes itself for a readable format, and
/// ids and times would become text.
fn to_document(row: &impl serde::Serialize) -> mongodb::error::Result<mongodb::bson::Document> {
    let bytes = mongodb::bson::serialize_to_vec(row)?;
    Ok(mongodb::bson::deserialize_from_slice(&bytes)?)
}

/// What fits one of these: by itself when it is one, since `$or` is planned anew each time.
fn any_of(filters: impl Iterator<Item = Document>) -> Document {
    let mut filters: Vec<Document> = filters.collect();
    if filters.len() > 1 {
        return doc! { "$or": filters };
    }
    // Of nothing, nothing fits.
    filters.pop().unwrap_or_else(|| doc! { "_id": { "$in": [] } })
}

/// Reads a cursor to its end. A row that cannot be decoded is an error, never skipped.
async fn collect<R: DeserializeOwned + Send + Sync + Unpin>(
    cursor: Cursor<R>,
) -> mongodb::error::Result<Vec<R>> {
    cursor.try_collect().await
}
