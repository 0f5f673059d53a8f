//! The changes to the collection of messages, in the order of their commits.

use std::time::Duration;

use mongodb::{
    ClientSession, Database,
    bson::{self, Bson, Document, RawDocumentBuf, Timestamp as ClusterTime, doc},
};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::source::{SourceRow, Trouble, id_of, read, wanted, within};
use crate::{
    domain::{MessageId, Timestamp},
    store::{Store, failure, messages},
};

/// Changes in one answer.
const BATCH: i32 = 1_000;
/// Between one answer with changes and the next question.
const GATHER: Duration = Duration::from_millis(75);
/// How long mongod waits for a change before it says that there is none.
const QUIET: Duration = Duration::from_millis(300);

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
#[expect(clippy::large_enum_variant, reason = "nearly all are changes")]
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
pub(super) struct BatchRow {
    /// 0 when the cursor has come to its end.
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

/// An open change stream. It is ours and not the driver's, which asks for more as soon as it has nothing.
pub(super) struct Stream {
    database: Database,
    /// The cursor belongs to it. Away while a call is under way.
    session: Option<ClientSession>,
    id: i64,
    /// What opening it brought.
    first: Option<BatchRow>,
}

impl Stream {
    /// Opens a change stream; without a position it begins now.
    pub async fn open(store: &Store, after: Option<Document>) -> Result<Self, Trouble> {
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
            // The server is there and says no: the position is too old for its log, or another database's.
            Err(Trouble::Database(error))
                if is_resumed && failure::code(&error).is_some() && !failure::is_unavailable(&error) =>
            {
                Err(Trouble::Stale("the position is not in the database's log"))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Tells what comes until the listener is gone.
    pub async fn tell(&mut self, listener: &mpsc::Sender<Result<News, Trouble>>) -> Result<(), Trouble> {
        loop {
            // What opening brings may be empty before mongod has looked for what there is.
            let is_opening = self.first.is_some();
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
            } else if !is_opening
                && listener.send(Ok(News::Quiet(batch.post_batch_resume_token))).await.is_err()
            {
                return Ok(());
            }
        }
    }

    /// Lets mongod forget it; it would do so by itself some minutes later.
    pub async fn close(self) {
        let Some(mut session) = self.session else { return };
        let command = doc! { "killCursors": messages::NAME, "cursors": [self.id] };
        let closed =
            within(async move { self.database.run_command(command).session(&mut session).await }).await;
        if let Err(error) = closed {
            tracing::debug!(%error, "a change stream was not closed");
        }
    }

    /// What is new; nothing when nothing comes for a while.
    pub async fn next(&mut self) -> Result<BatchRow, Trouble> {
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
