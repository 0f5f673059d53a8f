//! The source of the index: the message collection as it is, and every change to it from a position
//! on.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{
    self, Bson, Document, RawDocument, RawDocumentBuf, Timestamp as ClusterTime, doc,
};
use serde::{Deserialize, de::IgnoredAny};
use tokio::sync::mpsc;

use super::{
    change_stream::{ChangeStream, StreamEvent},
    schema::IndexedDocument,
    writer_task::IndexedMessage,
};
use crate::{
    domain::{ConversationId, MessageId, Timestamp, UserId},
    store::{Store, bson_form::BsonForm, failure, messages, stored_number},
};

/// The number of messages in one page of the collection.
const PAGE_MESSAGES: i64 = 2_000;
/// The maximum number of changes that wait to be indexed; beyond it no more are requested.
const MAX_QUEUED_EVENTS: usize = 128;
/// The time limit of one database read.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Why the index cannot be fed.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    /// MongoDB does not answer: retry.
    #[error("{}", failure::describe(.0))]
    Database(#[from] mongodb::error::Error),
    /// MongoDB is too slow: retry.
    #[error("MongoDB takes too long")]
    Slow,
    /// The index, or its position, is no longer usable.
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

/// The fields of a message that the index needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    pub id: MessageId,
    #[serde(with = "crate::store::bson_form")]
    session_id: ConversationId,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    message_type: String,
    content: String,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    mentions: Option<Bson>,
    #[serde(default)]
    merged: Vec<QuoteRow>,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    /// How often it was changed.
    #[serde(default, deserialize_with = "stored_number::natural")]
    pub rev: u64,
    is_deleted: bool,
    #[serde(default)]
    system: Option<IgnoredAny>,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
}

/// Returns the projection of the fields of [`SourceRow`].
pub(super) fn change_filter(prefix: &str) -> Document {
    const PROJECTED_FIELDS: [&str; 14] = [
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
    PROJECTED_FIELDS
        .iter()
        .map(|field| (format!("{prefix}{field}"), Bson::from(1)))
        .collect()
}

pub(super) fn id_of(raw: &RawDocument) -> Option<MessageId> {
    raw.get_object_id("_id").ok().map(MessageId::from_form)
}

/// Parses a message; one that the service did not write may contain anything.
pub(super) fn read(raw: &RawDocument) -> Option<SourceRow> {
    let row = bson::deserialize_from_slice(raw.as_bytes());
    if row.is_err() {
        let id = id_of(raw).map(tracing::field::display);
        tracing::warn!(id, "a message cannot be understood and is not searched");
    }
    row.ok()
}

impl SourceRow {
    /// Returns the indexed document; `None` for tombstones and a group's system messages.
    pub fn into_document(self) -> Option<IndexedDocument> {
        if self.is_deleted || self.system.is_some() {
            return None;
        }
        let mut texts = vec![self.content, self.file_name.unwrap_or_default()];
        texts.extend(
            self.merged
                .into_iter()
                .flat_map(|quote| [Some(quote.content), quote.file_name])
                .flatten(),
        );
        Some(IndexedDocument {
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

/// Runs a call in a task of its own with a time limit: the driver has none, and its calls must not
/// be dropped.
pub(super) async fn within<T: Send + 'static>(
    call: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T, IndexError> {
    match tokio::time::timeout(READ_TIMEOUT, tokio::spawn(call)).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(_)) | Err(_) => Err(IndexError::Slow),
    }
}

/// The database from which messages and changes are read.
pub(super) struct MessageSource {
    store: Store,
}

impl MessageSource {
    pub fn of(store: &Store) -> Self {
        Self {
            store: store.clone(),
        }
    }

    /// Returns a name that only this collection in this database has.
    pub async fn identity(&self) -> Result<String, IndexError> {
        let filter = doc! { "name": messages::COLLECTION };
        let database = self.store.database.clone();
        let found = within(async move {
            database
                .list_collections()
                .filter(filter)
                .await?
                .try_next()
                .await
        });
        let uuid = found.await?.and_then(|collection| collection.info.uuid);
        let uuid = uuid.ok_or(IndexError::Stale("there is no collection of messages"))?;
        let uuid = uuid
            .to_uuid()
            .map_err(|_| IndexError::Stale("the collection has no name of its own"))?;
        Ok(uuid.to_string())
    }

    /// Returns the newest time that every reader sees.
    pub async fn now(&self) -> Result<ClusterTime, IndexError> {
        let database = self.store.database.clone();
        let reply = within(async move { database.run_command(doc! { "ping": 1 }).await }).await?;
        reply
            .get_timestamp("operationTime")
            .map_err(|_| IndexError::Stale("MongoDB is no replica set"))
    }

    /// Returns whether the database holds a message in this state or a later one.
    pub async fn contains(&self, seen: &IndexedMessage) -> Result<bool, IndexError> {
        let collection = self.store.collection::<Document>(messages::COLLECTION);
        let filter = doc! { "_id": seen.id };
        let row = within(async move {
            collection
                .find_one(filter)
                .projection(doc! { "rev": 1 })
                .await
        })
        .await?;
        let rev = row.map(|row| row.get("rev").and_then(stored_number::whole).unwrap_or(0));
        Ok(rev.is_some_and(|rev| u64::try_from(rev).unwrap_or(0) >= seen.rev))
    }

    /// Returns the current position.
    pub async fn position(&self) -> Result<Document, IndexError> {
        let mut stream = ChangeStream::open(&self.store, None).await?;
        let token = stream.next().await?.post_batch_resume_token;
        stream.close().await;
        token.ok_or(IndexError::Stale("the position cannot be known"))
    }

    /// Returns a page of the messages with ids below `below`, the newest first, and the last of
    /// their ids; `None` after the last page.
    pub async fn page(
        &self,
        below: Option<MessageId>,
    ) -> Result<Option<(Vec<SourceRow>, MessageId)>, IndexError> {
        let filter = below.map_or_else(
            || doc! { "$type": "objectId" },
            |below| doc! { "$lt": below },
        );
        let collection = self
            .store
            .collection::<RawDocumentBuf>(messages::COLLECTION);
        let rows: Vec<RawDocumentBuf> = within(async move {
            let find = collection
                .find(doc! { "_id": filter })
                .sort(doc! { "_id": -1 })
                .limit(PAGE_MESSAGES);
            let find = find
                .projection(change_filter(""))
                .batch_size(u32::try_from(PAGE_MESSAGES).unwrap_or(1_000));
            find.await?.try_collect().await
        })
        .await?;
        let last = rows.last().and_then(|row| id_of(row));
        Ok(last.map(|last| (rows.iter().filter_map(|row| read(row)).collect(), last)))
    }

    /// Sends every change after a position until the receiver is closed.
    pub async fn follow_changes(
        self,
        after: Document,
    ) -> Result<mpsc::Receiver<Result<StreamEvent, IndexError>>, IndexError> {
        let mut stream = ChangeStream::open(&self.store, Some(after)).await?;
        let (tell, told) = mpsc::channel(MAX_QUEUED_EVENTS);
        tokio::spawn(async move {
            let end = stream.send_changes(&tell).await;
            stream.close().await;
            if let Err(trouble) = end {
                let _ = tell.send(Err(trouble)).await;
            }
        });
        Ok(told)
    }
}
