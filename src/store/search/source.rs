//! What the index is fed from: the collection of messages as it stands, and every change to it from a
//! position on, in the order of their commits.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::{
    ClientSession, Database,
    bson::{self, Bson, Document, RawDocument, RawDocumentBuf, Timestamp as ClusterTime, doc},
};
use serde::{Deserialize, de::IgnoredAny};
use tokio::sync::mpsc;

use super::schema::Entry;
use crate::{
    domain::{MessageId, SessionId, Timestamp, UserId},
    store::{Store, failure, messages},
};

/// Messages of one look at the collection.
const PAGE: i64 = 2_000;
/// Changes that may wait to be indexed; beyond it the database is not asked for more.
const WAITING: usize = 128;
/// Changes in one answer.
const BATCH: i32 = 1_000;
/// Between one answer with changes and the next question.
const GATHER: Duration = Duration::from_millis(75);
/// How long mongod waits for a change before it says that there is none.
const QUIET: Duration = Duration::from_millis(300);
/// How long one look at the database may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Why the index cannot be fed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// MongoDB does not answer: the same may be tried again.
    #[error("{}", failure::describe(.0))]
    Database(#[from] mongodb::error::Error),
    /// MongoDB takes too long: the same may be tried again.
    #[error("MongoDB takes too long")]
    Slow,
    /// The index, or its position, is of no use any more.
    #[error("{0}")]
    Stale(&'static str),
    #[error("the index: {}", super::describe(.0))]
    Index(#[from] tantivy::TantivyError),
    #[error("the index's folder: {0}")]
    Folder(#[from] std::io::Error),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuoteRow {
    content: String,
    #[serde(default)]
    file_name: Option<String>,
}

/// What the index needs of a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceRow {
    #[serde(rename = "_id")]
    pub id: MessageId,
    session_id: SessionId,
    sender: UserId,
    message_type: String,
    content: String,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    merged: Vec<QuoteRow>,
    seq: u64,
    is_deleted: bool,
    #[serde(default)]
    system: Option<IgnoredAny>,
    created_at: Timestamp,
}

/// The fields of [`SourceRow`].
fn wanted(prefix: &str) -> Document {
    const FIELDS: [&str; 12] = [
        "_id",
        "sessionId",
        "sender",
        "messageType",
        "content",
        "fileName",
        "merged.content",
        "merged.fileName",
        "seq",
        "isDeleted",
        "system.kind",
        "createdAt",
    ];
    FIELDS.iter().map(|field| (format!("{prefix}{field}"), Bson::from(1))).collect()
}

fn id_of(raw: &RawDocument) -> Option<MessageId> {
    raw.get_object_id("_id").ok().map(MessageId)
}

/// What stands in a message; one that was not written by the service may be anything.
fn read(raw: &RawDocument) -> Option<SourceRow> {
    let row = bson::deserialize_from_slice(raw.as_bytes());
    if row.is_err() {
        let id = id_of(raw).map(tracing::field::display);
        tracing::warn!(id, "a message cannot be understood and is not searched");
    }
    row.ok()
}

impl SourceRow {
    /// What is indexed of it: nothing of tombstones and of what a group writes about itself.
    pub fn entry(self) -> Option<Entry> {
        if self.is_deleted || self.system.is_some() {
            return None;
        }
        let mut texts = vec![self.content, self.file_name.unwrap_or_default()];
        texts.extend(
            self.merged.into_iter().flat_map(|quote| [Some(quote.content), quote.file_name]).flatten(),
        );
        Some(Entry {
            id: self.id,
            session: self.session_id,
            sender: self.sender,
            kind: self.message_type,
            seq: self.seq,
            at: self.created_at,
            texts,
        })
    }
}

/// One change to a message.
#[derive(Debug)]
pub(super) enum Change {
    /// It is new.
    New(SourceRow),
    /// It is this now, or gone, or not to be understood.
    Changed(MessageId, Option<SourceRow>),
    /// Of a message that has no id of ours.
    Foreign,
}

/// What is heard from the database.
#[derive(Debug)]
pub(super) enum News {
    Change {
        change: Change,
        time: ClusterTime,
        wall: Option<Timestamp>,
        token: Document,
    },
    /// Everything up to here has been told.
    Quiet(Option<Document>),
}

/// What `aggregate` and `getMore` answer.
#[derive(Debug, Deserialize)]
struct ReplyRow {
    cursor: BatchRow,
}

impl ReplyRow {
    /// By way of bytes: read from a document, BSON takes itself for a readable format.
    fn of(reply: &Document) -> mongodb::error::Result<Self> {
        Ok(bson::deserialize_from_slice(&bson::serialize_to_vec(reply)?)?)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRow {
    /// 0 when the cursor has come to its end.
    id: i64,
    #[serde(default)]
    first_batch: Vec<EventRow>,
    #[serde(default)]
    next_batch: Vec<EventRow>,
    #[serde(default)]
    post_batch_resume_token: Option<Document>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventRow {
    #[serde(rename = "_id")]
    token: Document,
    operation_type: String,
    #[serde(default)]
    document_key: Option<RawDocumentBuf>,
    #[serde(default)]
    full_document: Option<RawDocumentBuf>,
    cluster_time: ClusterTime,
    #[serde(default)]
    wall_time: Option<Timestamp>,
}

impl EventRow {
    fn into_news(self) -> Result<News, Trouble> {
        let id = self.document_key.as_deref().map(id_of);
        let row = self.full_document.as_deref().and_then(read);
        let change = match (self.operation_type.as_str(), row, id) {
            ("insert", Some(row), _) => Change::New(row),
            ("insert" | "update" | "replace" | "delete", row, Some(Some(id))) => Change::Changed(id, row),
            ("insert" | "update" | "replace" | "delete", _, Some(None)) => Change::Foreign,
            ("insert" | "update" | "replace" | "delete", _, None) => {
                return Err(Trouble::Stale("a change cannot be understood"));
            }
            _ => return Err(Trouble::Stale("the collection was dropped or renamed")),
        };
        Ok(News::Change { change, time: self.cluster_time, wall: self.wall_time, token: self.token })
    }
}

/// A call in a task of its own, with a limit: the driver has none, and does not bear being dropped.
async fn within<T: Send + 'static>(
    call: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::time::timeout(LIMIT, tokio::spawn(call)).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(_)) | Err(_) => Err(Trouble::Slow),
    }
}

/// Where changes are read, and where they come from.
pub(super) struct Source {
    store: Store,
}

impl Source {
    pub fn of(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// The name that only this very collection has, in this database.
    pub async fn identity(&self) -> Result<String, Trouble> {
        let filter = doc! { "name": messages::NAME };
        let database = self.store.database.clone();
        let found = within(async move { database.list_collections().filter(filter).await?.try_next().await });
        let uuid = found.await?.and_then(|collection| collection.info.uuid);
        let uuid = uuid.ok_or(Trouble::Stale("there is no collection of messages"))?;
        let uuid = uuid.to_uuid().map_err(|_| Trouble::Stale("the collection has no name of its own"))?;
        Ok(uuid.to_string())
    }

    /// The newest time that every reader sees.
    pub async fn now(&self) -> Result<ClusterTime, Trouble> {
        let database = self.store.database.clone();
        let reply = within(async move { database.run_command(doc! { "ping": 1 }).await }).await?;
        reply.get_timestamp("operationTime").map_err(|_| Trouble::Stale("MongoDB is no replica set"))
    }

    /// Opens a change stream; without a position it begins now.
    async fn watch(&self, after: Option<Document>) -> Result<Stream, Trouble> {
        // Half of an event is of no use here: who wrote in which transaction, and most of the message.
        let mut fields = wanted("fullDocument.");
        fields.extend(
            ["operationType", "ns", "documentKey", "clusterTime", "wallTime"]
                .map(|field| (field.to_owned(), Bson::from(1))),
        );
        let is_resumed = after.is_some();
        let mut stage = doc! { "fullDocument": "updateLookup" };
        stage.extend(after.map(|token| ("resumeAfter".to_owned(), Bson::from(token))));
        let command = doc! {
            "aggregate": messages::NAME,
            "pipeline": [{ "$changeStream": stage }, { "$project": fields }],
            "cursor": { "batchSize": BATCH },
            "readConcern": { "level": "majority" },
        };
        let (client, database) = (self.store.client.clone(), self.store.database.clone());
        let opened = within(async move {
            let mut session = client.start_session().await?;
            let reply = database.run_command(command).session(&mut session).await?;
            Ok((session, ReplyRow::of(&reply)?))
        });
        match opened.await {
            Ok((session, reply)) => {
                let id = reply.cursor.id;
                Ok(Stream {
                    database: self.store.database.clone(),
                    session: Some(session),
                    id,
                    first: Some(reply.cursor),
                })
            }
            // The server is there and says no: the position is too old for its log, or another database's.
            Err(Trouble::Database(error))
                if is_resumed && failure::code(&error).is_some() && !failure::is_unavailable(&error) =>
            {
                Err(Trouble::Stale("the position is not in the database's log"))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// The position now.
    pub async fn position(&self) -> Result<Document, Trouble> {
        let mut stream = self.watch(None).await?;
        let token = stream.next().await?.post_batch_resume_token;
        stream.close().await;
        token.ok_or(Trouble::Stale("the position cannot be known"))
    }

    /// A page of the messages with ids below `below`, the newest first, and the last of their ids; none after
    /// the last page.
    pub async fn page(
        &self,
        below: Option<MessageId>,
    ) -> Result<Option<(Vec<SourceRow>, MessageId)>, Trouble> {
        let filter = below.map_or_else(|| doc! { "$type": "objectId" }, |below| doc! { "$lt": below });
        let collection = self.store.collection::<RawDocumentBuf>(messages::NAME);
        let rows: Vec<RawDocumentBuf> = within(async move {
            let find = collection.find(doc! { "_id": filter }).sort(doc! { "_id": -1 }).limit(PAGE);
            let find = find.projection(wanted("")).batch_size(u32::try_from(PAGE).unwrap_or(1_000));
            find.await?.try_collect().await
        })
        .await?;
        let last = rows.last().and_then(|row| id_of(row));
        Ok(last.map(|last| (rows.iter().filter_map(|row| read(row)).collect(), last)))
    }

    /// Tells every change after a position, until the listener is gone.
    pub async fn listen(self, after: Document) -> Result<mpsc::Receiver<Result<News, Trouble>>, Trouble> {
        let mut stream = self.watch(Some(after)).await?;
        let (tell, told) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let end = stream.tell(&tell).await;
            stream.close().await;
            if let Err(trouble) = end {
                let _ = tell.send(Err(trouble)).await;
            }
        });
        Ok(told)
    }
}

/// An open change stream. It is ours and not the driver's, which asks for more as soon as it has nothing.
struct Stream {
    database: Database,
    /// The cursor belongs to it. Away while a call is under way.
    session: Option<ClientSession>,
    id: i64,
    /// What opening it brought.
    first: Option<BatchRow>,
}

impl Stream {
    /// Tells what comes until the listener is gone.
    async fn tell(&mut self, listener: &mpsc::Sender<Result<News, Trouble>>) -> Result<(), Trouble> {
        loop {
            let batch = self.next().await?;
            let events = batch.first_batch.into_iter().chain(batch.next_batch);
            let mut is_quiet = true;
            for event in events {
                is_quiet = false;
                if listener.send(Ok(event.into_news()?)).await.is_err() {
                    return Ok(());
                }
            }
            if batch.id == 0 {
                return Err(Trouble::Stale("the changes have come to an end"));
            }
            if !is_quiet {
                // What comes meanwhile comes as one batch: to be asked after each message costs mongod as much
                // as the message.
                tokio::time::sleep(GATHER).await;
            } else if listener.send(Ok(News::Quiet(batch.post_batch_resume_token))).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Lets mongod forget it; it would do so by itself some minutes later.
    async fn close(self) {
        let Some(mut session) = self.session else { return };
        let command = doc! { "killCursors": messages::NAME, "cursors": [self.id] };
        let closed =
            within(async move { self.database.run_command(command).session(&mut session).await }).await;
        if let Err(error) = closed {
            tracing::debug!(%error, "a change stream was not closed");
        }
    }

    /// What is new; nothing when nothing comes for a while.
    async fn next(&mut self) -> Result<BatchRow, Trouble> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let Some(mut session) = self.session.take() else { return Err(Trouble::Slow) };
        let (database, id) = (self.database.clone(), self.id);
        let command = doc! {
            "getMore": id,
            "collection": messages::NAME,
            "batchSize": BATCH,
            "maxTimeMS": i64::try_from(QUIET.as_millis()).unwrap_or(300),
        };
        let (session, reply) = within(async move {
            let reply = database.run_command(command).session(&mut session).await?;
            Ok((session, ReplyRow::of(&reply)?))
        })
        .await?;
        self.session = Some(session);
        Ok(reply.cursor)
    }
}
