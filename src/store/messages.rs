//! The collection `messages`: the messages, in the order of `seq` within each conversation.

mod row;

use std::collections::HashMap;

use mongodb::{
    ClientSession, Database,
    bson::{Bson, Document, doc},
};
use serde::Deserialize;

use super::{
    BYPASS_VALIDATION, Store, any_of, batch_loader::BatchLoader, collect, failure, run,
    stored_number,
};
use crate::domain::{
    ConversationId, MessageId, Result, UserId,
    conversation_state::{MAX_REPORTED_MESSAGES, MessageRef},
    message::{IdempotencyKey, Message},
    paging::SeqRange,
};
pub(super) use row::mentions_of;
use row::{MessageRow, revision};

pub(super) const COLLECTION: &str = "messages";

/// The number of pages that one command returns, and the longest of them.
const PAGE_BATCH_SIZE: usize = 8;
const MAX_BATCHED_PAGE_MESSAGES: u64 = 100;

#[derive(Deserialize)]
struct RefRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: MessageId,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
}

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the filter for a range of a conversation's messages.
fn range_filter(session: ConversationId, range: SeqRange) -> Document {
    let seq = doc! { "$gt": as_i64(range.after), "$lte": as_i64(range.up_to) };
    doc! { "sessionId": session, "seq": seq }
}

/// Loads pages of conversations, oldest message first, for several callers at once.
pub(super) fn new_loader(
    database: Database,
) -> BatchLoader<(ConversationId, SeqRange), Vec<Message>> {
    BatchLoader::new(
        PAGE_BATCH_SIZE,
        move |wanted: Vec<(ConversationId, SeqRange)>| {
            let messages = database.collection::<MessageRow>(COLLECTION);
            async move {
                let filter = any_of(
                    wanted
                        .iter()
                        .map(|(session, range)| range_filter(*session, *range)),
                );
                let rows = run(async move {
                    collect(messages.find(filter).batch_size(1_000).await?).await
                })
                .await?;
                let mut found: HashMap<ConversationId, Vec<Message>> = HashMap::new();
                for row in rows {
                    let message = Message::try_from(row)?;
                    found.entry(message.session).or_default().push(message);
                }
                for messages in found.values_mut() {
                    messages.sort_unstable_by_key(|message| message.seq);
                }
                let page = |(session, range): (ConversationId, SeqRange)| {
                    let within = |m: &&Message| range.after < m.seq && m.seq <= range.up_to;
                    found
                        .get(&session)
                        .into_iter()
                        .flatten()
                        .filter(within)
                        .cloned()
                        .collect()
                };
                Ok(wanted.into_iter().map(page).collect())
            }
        },
    )
}

impl Store {
    /// Returns a message.
    ///
    /// # Errors
    /// When MongoDB does not answer or the row cannot be understood.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>> {
        let found = self.find_messages(doc! { "_id": id }, doc! {}, 1).await?;
        Ok(found.into_iter().next())
    }

    /// Returns the messages of a range of `seq`, oldest first.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn messages_in(
        &self,
        session: ConversationId,
        range: SeqRange,
    ) -> Result<Vec<Message>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        if range.up_to - range.after <= MAX_BATCHED_PAGE_MESSAGES {
            return self.lookups.messages.get((session, range)).await;
        }
        self.find_messages(range_filter(session, range), doc! { "seq": 1 }, 0)
            .await
    }

    /// Returns messages up to `up_to` that changed after `rev`, in the order of their changes.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn messages_changed_since(
        &self,
        session: ConversationId,
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

    /// Returns these messages, in no order.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Message>> {
        self.stored_among(ids).await
    }

    /// Returns the messages of a sender in these conversations whose `clientMsgId`s begin with
    /// `prefix`, in their order.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn messages_by_client_prefix(
        &self,
        sessions: &[ConversationId],
        sender: UserId,
        prefix: &str,
    ) -> Result<Vec<Message>> {
        // The prefix ends with ':', and the next character is ';'.
        let end = format!("{};", prefix.trim_end_matches(':'));
        let range = doc! { "$gt": prefix, "$lt": end };
        let filter = doc! { "sessionId": { "$in": sessions.iter().copied().map(Bson::from).collect::<Vec<_>>() }, "sender": sender, "clientMsgId": range };
        self.find_messages(filter, doc! { "clientMsgId": 1 }, 0)
            .await
    }

    /// Returns the message of a sender in a conversation with a `clientMsgId`.
    ///
    /// # Errors
    /// As [`Store::message`].
    pub async fn message_by_client_id(&self, key: IdempotencyKey) -> Result<Option<Message>> {
        Ok(self.messages_by_client_id(&[key]).await?.pop())
    }

    /// Returns the messages with these keys.
    pub(super) async fn messages_by_client_id(
        &self,
        keys: &[IdempotencyKey],
    ) -> Result<Vec<Message>> {
        let one = |key: &IdempotencyKey| doc! { "sessionId": key.session, "sender": key.sender, "clientMsgId": &key.client_id };
        let any: Vec<Document> = keys.iter().map(one).collect();
        if any.is_empty() {
            Ok(Vec::new())
        } else {
            self.find_messages(doc! { "$or": any }, doc! {}, 0).await
        }
    }

    /// Returns those of these messages that are stored.
    pub(super) async fn stored_among(&self, ids: &[MessageId]) -> Result<Vec<Message>> {
        let ids: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
        if ids.is_empty() {
            Ok(Vec::new())
        } else {
            self.find_messages(doc! { "_id": { "$in": ids } }, doc! {}, 0)
                .await
        }
    }

    async fn find_messages(
        &self,
        filter: Document,
        sort: Document,
        limit: u64,
    ) -> Result<Vec<Message>> {
        let messages = self.collection::<MessageRow>(COLLECTION);
        let rows = run(async move {
            collect(
                messages
                    .find(filter)
                    .sort(sort)
                    .limit(as_i64(limit))
                    .batch_size(1_000)
                    .await?,
            )
            .await
        })
        .await?;
        rows.into_iter().map(Message::try_from).collect()
    }

    /// Returns the number of messages of others in `after < seq ≤ up_to` that are not deleted, and
    /// the newest of them.
    pub(super) async fn unread_in(
        &self,
        session: ConversationId,
        reader: UserId,
        after: u64,
        up_to: u64,
    ) -> Result<(u64, Vec<MessageRef>)> {
        let filter = doc! {
            "sessionId": session,
            "seq": { "$gt": as_i64(after), "$lte": as_i64(up_to) },
            "sender": { "$ne": reader },
            "isDeleted": false,
            // A group's system messages are unread for nobody.
            "system": { "$exists": false },
        };
        let messages = self.collection::<RefRow>(COLLECTION);
        let (count, rows) = run(async move {
            let count = messages.count_documents(filter.clone()).await?;
            let newest = messages
                .find(filter)
                .sort(doc! { "seq": -1 })
                .limit(i64::try_from(MAX_REPORTED_MESSAGES).unwrap_or(i64::MAX))
                .projection(doc! { "seq": 1, "sender": 1 })
                .await?;
            Ok((count, collect(newest).await?))
        })
        .await?;
        let newest = rows.into_iter().rev().map(|r| MessageRef {
            id: r.id,
            seq: r.seq,
            sender: r.sender,
        });
        Ok((count, newest.collect()))
    }

    /// Stores many messages at once, outside the commit path (synthetic data).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn insert_messages(&self, new: &[Message]) -> Result<()> {
        let messages = self.collection::<MessageRow>(COLLECTION);
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
    let collection = store.collection::<MessageRow>(COLLECTION);
    let insert = collection
        .insert_many(rows)
        .bypass_document_validation(BYPASS_VALIDATION);
    insert.session(transaction).await.map(drop)
}

/// Stores changed messages inside a transaction.
pub(super) async fn revise_in(
    store: &Store,
    transaction: &mut ClientSession,
    revised: impl Iterator<Item = &Message>,
) -> mongodb::error::Result<()> {
    let statements: Vec<Document> = revised
        .map(|message| {
            let (set, unset) = revision(message)?;
            let mut update = doc! { "$set": set };
            if !unset.is_empty() {
                update.insert("$unset", unset);
            }
            Ok(doc! { "q": { "_id": message.id }, "u": update })
        })
        .collect::<mongodb::error::Result<_>>()?;
    if statements.is_empty() {
        return Ok(());
    }
    let command = doc! {
        "update": COLLECTION,
        "updates": statements,
        "ordered": true,
        "bypassDocumentValidation": BYPASS_VALIDATION,
    };
    let reply = store
        .database
        .run_command(command)
        .session(transaction)
        .await?;
    failure::check_reply(&reply)
}
