//! `messages`: what was written, in the order of `seq` within each session.

use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
};
use serde::{Deserialize, Serialize};

use super::{BYPASS_VALIDATION, Store, collect, failure, run};
use crate::domain::{
    Error, MessageId, Result, SessionId, Timestamp, UserId,
    event::Tombstone,
    ledger::{MAX_REPORTED, MessageRef},
    message::{FileRef, Message, MessageType},
    paging::SeqRange,
};

pub(super) const NAME: &str = "messages";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageRow {
    #[serde(rename = "_id")]
    id: MessageId,
    session_id: SessionId,
    sender: UserId,
    receiver: Option<UserId>,
    content: String,
    message_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    client_msg_id: Option<String>,
    seq: u64,
    rev: u64,
    is_deleted: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<&Message> for MessageRow {
    fn from(message: &Message) -> Self {
        let file = message.file.as_ref();
        Self {
            id: message.id,
            session_id: message.session,
            sender: message.sender,
            receiver: message.receiver,
            content: message.content.clone(),
            message_type: message.kind.as_str().to_owned(),
            file_url: file.map(|file| file.url.clone()),
            file_name: file.map(|file| file.name.clone()),
            file_size: file.map(|file| file.size),
            client_msg_id: message.client_msg_id.clone(),
            seq: message.seq,
            rev: message.rev,
            is_deleted: message.is_deleted,
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

impl TryFrom<MessageRow> for Message {
    type Error = Error;
    fn try_from(row: MessageRow) -> Result<Self> {
        let Ok(kind) = row.message_type.parse::<MessageType>() else {
            tracing::error!(message = %row.id, "a stored message has an unknown type");
            return Err(Error::Internal);
        };
        let file = match (row.file_url, row.file_name) {
            (Some(url), Some(name)) => Some(FileRef { url, name, size: row.file_size.unwrap_or_default() }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            session: row.session_id,
            sender: row.sender,
            receiver: row.receiver,
            content: row.content,
            kind,
            file,
            client_msg_id: row.client_msg_id,
            seq: row.seq,
            rev: row.rev,
            is_deleted: row.is_deleted,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(Deserialize)]
struct RefRow {
    #[serde(rename = "_id")]
    id: MessageId,
    seq: u64,
    sender: UserId,
}

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// One message.
    ///
    /// # Errors
    /// When MongoDB does not answer or the row cannot be understood.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>> {
        let found = self.find_messages(doc! { "_id": id }, doc! {}, 1).await?;
        Ok(found.into_iter().next())
    }

    /// The messages of a run of `seq`, oldest first.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn messages_in(&self, session: SessionId, range: SeqRange) -> Result<Vec<Message>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let seq = doc! { "$gt": as_i64(range.after), "$lte": as_i64(range.up_to) };
        self.find_messages(doc! { "sessionId": session, "seq": seq }, doc! { "seq": 1 }, 0).await
    }

    /// Messages up to `up_to` that changed after `rev`, in the order of their changes.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn messages_changed(
        &self,
        session: SessionId,
        rev: u64,
        up_to: u64,
        limit: u64,
    ) -> Result<Vec<Message>> {
        let filter = doc! {
            "sessionId": session,
            "rev": { "$gt": as_i64(rev) },
            "seq": { "$lte": as_i64(up_to) },
        };
        self.find_messages(filter, doc! { "rev": 1 }, limit).await
    }

    /// The messages that a sender wrote under these `clientMsgId`s.
    pub(super) async fn messages_by_client_id(&self, keys: &[(UserId, String)]) -> Result<Vec<Message>> {
        let any: Vec<Document> =
            keys.iter().map(|(sender, id)| doc! { "sender": sender, "clientMsgId": id }).collect();
        if any.is_empty() {
            Ok(Vec::new())
        } else {
            self.find_messages(doc! { "$or": any }, doc! {}, 0).await
        }
    }

    /// Which of these messages are stored.
    pub(super) async fn stored_among(&self, ids: &[MessageId]) -> Result<Vec<Message>> {
        let ids: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
        if ids.is_empty() {
            Ok(Vec::new())
        } else {
            self.find_messages(doc! { "_id": { "$in": ids } }, doc! {}, 0).await
        }
    }

    async fn find_messages(&self, filter: Document, sort: Document, limit: u64) -> Result<Vec<Message>> {
        let messages = self.collection::<MessageRow>(NAME);
        let rows = run(async move {
            collect(messages.find(filter).sort(sort).limit(as_i64(limit)).batch_size(1_000).await?).await
        })
        .await?;
        rows.into_iter().map(Message::try_from).collect()
    }

    /// How many messages of others in `after < seq ≤ up_to` are not deleted, and the newest of them.
    pub(super) async fn unread_in(
        &self,
        session: SessionId,
        reader: UserId,
        after: u64,
        up_to: u64,
    ) -> Result<(u64, Vec<MessageRef>)> {
        let filter = doc! {
            "sessionId": session,
            "seq": { "$gt": as_i64(after), "$lte": as_i64(up_to) },
            "sender": { "$ne": reader },
            "isDeleted": false,
        };
        let messages = self.collection::<RefRow>(NAME);
        let (count, rows) = run(async move {
            let count = messages.count_documents(filter.clone()).await?;
            let newest = messages
                .find(filter)
                .sort(doc! { "seq": -1 })
                .limit(i64::try_from(MAX_REPORTED).unwrap_or(i64::MAX))
                .projection(doc! { "seq": 1, "sender": 1 })
                .await?;
            Ok((count, collect(newest).await?))
        })
        .await?;
        let newest = rows.into_iter().rev().map(|r| MessageRef { id: r.id, seq: r.seq, sender: r.sender });
        Ok((count, newest.collect()))
    }

    /// Stores many messages at once, outside the commit path (synthetic data).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn insert_messages(&self, new: &[Message]) -> Result<()> {
        let messages = self.collection::<MessageRow>(NAME);
        let rows: Vec<MessageRow> = new.iter().map(MessageRow::from).collect();
        run(async move { messages.insert_many(rows).ordered(false).await.map(drop) }).await
    }
}

/// Stores new messages inside a transaction.
pub(super) async fn insert_in(
    store: &Store,
    transaction: &mut ClientSession,
    messages: impl Iterator<Item = &Message>,
) -> mongodb::error::Result<()> {
    let rows: Vec<MessageRow> = messages.map(MessageRow::from).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let collection = store.collection::<MessageRow>(NAME);
    let insert = collection.insert_many(rows).bypass_document_validation(BYPASS_VALIDATION);
    insert.session(transaction).await.map(drop)
}

/// Turns messages into tombstones inside a transaction.
pub(super) async fn bury_in(
    store: &Store,
    transaction: &mut ClientSession,
    tombstones: &[Tombstone],
) -> mongodb::error::Result<()> {
    if tombstones.is_empty() {
        return Ok(());
    }
    let statements: Vec<Document> = tombstones
        .iter()
        .map(|tombstone| {
            let set = doc! {
                "isDeleted": true,
                "content": "",
                "rev": as_i64(tombstone.rev),
                "deletedBy": tombstone.deleted_by,
                "updatedAt": tombstone.at,
            };
            let unset = doc! { "fileUrl": "", "fileName": "", "fileSize": "" };
            doc! { "q": { "_id": tombstone.message }, "u": { "$set": set, "$unset": unset } }
        })
        .collect();
    let command = doc! { "update": NAME, "updates": statements, "ordered": true };
    let reply = store.database.run_command(command).session(transaction).await?;
    failure::check_reply(&reply)
}
