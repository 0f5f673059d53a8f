//! The change stream of the message collection, in the order of the commits.

use std::time::Duration;

use mongodb::{
    ClientSession, Database,
    bson::{self, Bson, Document, RawDocumentBuf, Timestamp as ClusterTime, doc},
};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::message_source::{IndexError, SourceRow, change_filter, id_of, read, within};
use crate::{
    domain::{MessageId, Timestamp},
    store::{Store, failure, messages},
};

/// The maximum number of changes in one reply.
const MAX_BATCH_CHANGES: i32 = 1_000;
/// The delay between a reply with changes and the next request.
const REQUEST_DELAY: Duration = Duration::from_millis(75);
/// How long mongod waits for a change before it returns an empty reply.
const MAX_AWAIT_TIME: Duration = Duration::from_millis(300);

/// One change to a message.
#[derive(Debug)]
pub(super) enum MessageChange {
    /// A new message.
    New(SourceRow),
    /// The current state of a changed message; `None` if it is deleted or unreadable.
    Changed(MessageId, Option<SourceRow>),
    /// A change of a document whose id is not one of ours.
    Foreign,
}

/// An event of the stream.
#[expect(clippy::large_enum_variant, reason = "nearly all are changes")]
#[derive(Debug)]
pub(super) enum StreamEvent {
    MessageChange {
        change: MessageChange,
        time: ClusterTime,
        wall: Option<Timestamp>,
        token: Document,
    },
    /// Everything up to this position has been sent.
    Quiet(Option<Document>),
}

/// The reply to `aggregate` and `getMore`.
#[derive(Debug, Deserialize)]
struct ReplyRow {
    cursor: BatchRow,
}

impl ReplyRow {
    /// Decodes by way of bytes: read from a document, BSON takes itself for a human-readable
    /// format.
    fn of(reply: &Document) -> mongodb::error::Result<Self> {
        Ok(bson::deserialize_from_slice(&bson::serialize_to_vec(
            reply,
        )?)?)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchRow {
    /// 0 when the cursor is exhausted.
    id: i64,
    #[serde(default)]
    first_batch: Vec<EventRow>,
    #[serde(default)]
    next_batch: Vec<EventRow>,
    #[serde(default)]
    pub post_batch_resume_token: Option<Document>,
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
    #[serde(with = "crate::store::bson_form")]
    wall_time: Option<Timestamp>,
}

impl EventRow {
    fn into_stream_event(self) -> Result<StreamEvent, IndexError> {
        let id = self.document_key.as_deref().map(id_of);
        let row = self.full_document.as_deref().and_then(read);
        let change = match (self.operation_type.as_str(), row, id) {
            ("insert", Some(row), _) => MessageChange::New(row),
            ("insert" | "update" | "replace" | "delete", row, Some(Some(id))) => {
                MessageChange::Changed(id, row)
            }
            ("insert" | "update" | "replace" | "delete", _, Some(None)) => MessageChange::Foreign,
            ("insert" | "update" | "replace" | "delete", _, None) => {
                return Err(IndexError::Stale("a change cannot be understood"));
            }
            _ => return Err(IndexError::Stale("the collection was dropped or renamed")),
        };
        Ok(StreamEvent::MessageChange {
            change,
            time: self.cluster_time,
            wall: self.wall_time,
            token: self.token,
        })
    }
}

/// An open change stream. It replaces the driver's, which sends the next request as soon as a reply
/// is empty.
pub(super) struct ChangeStream {
    database: Database,
    /// The session that owns the cursor. `None` while a call is under way.
    session: Option<ClientSession>,
    id: i64,
    /// The first batch, from opening the stream.
    first: Option<BatchRow>,
}

impl ChangeStream {
    /// Opens a change stream; without a position it begins now.
    pub async fn open(store: &Store, after: Option<Document>) -> Result<Self, IndexError> {
        // Only these fields of an event are needed, not the transaction or the rest of the message.
        let mut fields = change_filter("fullDocument.");
        fields.extend(
            [
                "operationType",
                "ns",
                "documentKey",
                "clusterTime",
                "wallTime",
            ]
            .map(|field| (field.to_owned(), Bson::from(1))),
        );
        let is_resumed = after.is_some();
        let mut stage = doc! { "fullDocument": "updateLookup" };
        stage.extend(after.map(|token| ("resumeAfter".to_owned(), Bson::from(token))));
        let command = doc! {
            "aggregate": messages::COLLECTION,
            "pipeline": [{ "$changeStream": stage }, { "$project": fields }],
            "cursor": { "batchSize": MAX_BATCH_CHANGES },
            "readConcern": { "level": "majority" },
        };
        let (client, database) = (store.client.clone(), store.database.clone());
        let opened = within(async move {
            let mut session = client.start_session().await?;
            let reply = database.run_command(command).session(&mut session).await?;
            Ok((session, ReplyRow::of(&reply)?))
        });
        match opened.await {
            Ok((session, reply)) => {
                let id = reply.cursor.id;
                Ok(Self {
                    database: store.database.clone(),
                    session: Some(session),
                    id,
                    first: Some(reply.cursor),
                })
            }
            // The server refuses the position: it is too old for its log, or another database's.
            Err(IndexError::Database(error))
                if is_resumed
                    && failure::code(&error).is_some()
                    && !failure::is_unavailable(&error) =>
            {
                Err(IndexError::Stale(
                    "the position is not in the database's log",
                ))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Sends the changes until the receiver is closed.
    pub async fn send_changes(
        &mut self,
        listener: &mpsc::Sender<Result<StreamEvent, IndexError>>,
    ) -> Result<(), IndexError> {
        loop {
            // The first batch may be empty before mongod has searched its log.
            let is_opening = self.first.is_some();
            let batch = self.next().await?;
            let events = batch.first_batch.into_iter().chain(batch.next_batch);
            let mut is_quiet = true;
            for event in events {
                is_quiet = false;
                if listener.send(Ok(event.into_stream_event()?)).await.is_err() {
                    return Ok(());
                }
            }
            if batch.id == 0 {
                return Err(IndexError::Stale("the changes have come to an end"));
            }
            if !is_quiet {
                // The delay collects changes into one batch: a request for each message costs
                // mongod as much as the message.
                tokio::time::sleep(REQUEST_DELAY).await;
            } else if !is_opening
                && listener
                    .send(Ok(StreamEvent::Quiet(batch.post_batch_resume_token)))
                    .await
                    .is_err()
            {
                return Ok(());
            }
        }
    }

    /// Closes the cursor; mongod would close it by itself some minutes later.
    pub async fn close(self) {
        let Some(mut session) = self.session else {
            return;
        };
        let command = doc! { "killCursors": messages::COLLECTION, "cursors": [self.id] };
        let closed = within(async move {
            self.database
                .run_command(command)
                .session(&mut session)
                .await
        })
        .await;
        if let Err(error) = closed {
            tracing::debug!(%error, "a change stream was not closed");
        }
    }

    /// Returns the next changes; an empty batch when none come for a while.
    pub async fn next(&mut self) -> Result<BatchRow, IndexError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let Some(mut session) = self.session.take() else {
            return Err(IndexError::Slow);
        };
        let (database, id) = (self.database.clone(), self.id);
        let command = doc! {
            "getMore": id,
            "collection": messages::COLLECTION,
            "batchSize": MAX_BATCH_CHANGES,
            "maxTimeMS": i64::try_from(MAX_AWAIT_TIME.as_millis()).unwrap_or(300),
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
