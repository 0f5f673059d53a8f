//! What the index is fed from: the collection of messages as it stands, and every change to it from a
//! position on.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{self, Bson, Document, RawDocument, RawDocumentBuf, Timestamp as ClusterTime, doc};
use serde::{Deserialize, de::IgnoredAny};
use tokio::sync::mpsc;

use super::{
    changes::{News, Stream},
    pen::Seen,
    schema::Entry,
};
use crate::{
    domain::{MessageId, SessionId, Timestamp, UserId},
    store::{Store, failure, messages, number},
};

/// Messages of one look at the collection.
const PAGE: i64 = 2_000;
/// Changes that may wait to be indexed; beyond it the database is not asked for more.
const WAITING: usize = 128;
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
    mentions: Option<Bson>,
    #[serde(default)]
    merged: Vec<QuoteRow>,
    #[serde(deserialize_with = "number::natural")]
    seq: u64,
    /// How often it was changed.
    #[serde(default, deserialize_with = "number::natural")]
    pub rev: u64,
    is_deleted: bool,
    #[serde(default)]
    system: Option<IgnoredAny>,
    created_at: Timestamp,
}

/// The fields of [`SourceRow`].
pub(super) fn wanted(prefix: &str) -> Document {
    const FIELDS: [&str; 14] = [
        "_id",
        "sessionId",
        "sender",
        "messageType",
        "content",
        "fileName",
        "mentions",
        "merged.content",
        "merged.fileName",
        "seq",
        "rev",
        "isDeleted",
        "system.kind",
        "createdAt",
    ];
    FIELDS.iter().map(|field| (format!("{prefix}{field}"), Bson::from(1))).collect()
}

pub(super) fn id_of(raw: &RawDocument) -> Option<MessageId> {
    raw.get_object_id("_id").ok().map(MessageId)
}

/// What stands in a message; one that was not written by the service may be anything.
pub(super) fn read(raw: &RawDocument) -> Option<SourceRow> {
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
            mentions: messages::mentions_of(self.mentions).unwrap_or_default(),
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

/// A call in a task of its own, with a limit: the driver has none, and does not bear being dropped.
pub(super) async fn within<T: Send + 'static>(
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

    /// Whether the database holds a message in this state, or a later one.
    pub async fn holds(&self, seen: &Seen) -> Result<bool, Trouble> {
        let collection = self.store.collection::<Document>(messages::NAME);
        let filter = doc! { "_id": seen.id };
        let row =
            within(async move { collection.find_one(filter).projection(doc! { "rev": 1 }).await }).await?;
        let rev = row.map(|row| row.get("rev").and_then(number::whole).unwrap_or(0));
        Ok(rev.is_some_and(|rev| u64::try_from(rev).unwrap_or(0) >= seen.rev))
    }

    /// The position now.
    pub async fn position(&self) -> Result<Document, Trouble> {
        let mut stream = Stream::open(&self.store, None).await?;
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
        let mut stream = Stream::open(&self.store, Some(after)).await?;
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
