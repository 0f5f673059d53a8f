//! The collection `edits`: the earlier contents of edited messages. They are written in the
//! transaction of the edit.

use std::collections::BTreeSet;

use mongodb::{
    ClientSession,
    bson::{Bson, doc},
};
use serde::{Deserialize, Serialize};

use super::{Store, collect, messages, run};
use crate::domain::{ConversationId, MessageId, Result, Timestamp, conversation_state::Edit};

pub(super) const COLLECTION: &str = "edits";

/// The number of earlier versions that are checked together.
const EDIT_BATCH_SIZE: i64 = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfRow {
    #[serde(with = "crate::store::bson_form")]
    message_id: MessageId,
}

#[derive(Deserialize)]
struct IdRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: MessageId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EditRow {
    #[serde(with = "crate::store::bson_form")]
    message_id: MessageId,
    #[serde(with = "crate::store::bson_form")]
    session_id: ConversationId,
    content: String,
    #[serde(with = "crate::store::bson_form")]
    written_at: Timestamp,
    #[serde(with = "crate::store::bson_form")]
    replaced_at: Timestamp,
}

impl Store {
    /// Returns the earlier versions of a message, oldest first.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn edits_of(&self, message: MessageId) -> Result<Vec<Edit>> {
        let edits = self.collection::<EditRow>(COLLECTION);
        let rows = run(async move {
            let sort = doc! { "messageId": 1, "replacedAt": 1, "_id": 1 };
            collect(edits.find(doc! { "messageId": message }).sort(sort).await?).await
        })
        .await?;
        let edit = |row: EditRow| Edit {
            message: row.message_id,
            session: row.session_id,
            content: row.content,
            written_at: row.written_at,
            replaced_at: row.replaced_at,
        };
        Ok(rows.into_iter().map(edit).collect())
    }

    /// Removes the earlier versions of deleted messages, which an older program left.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub(super) async fn remove_edits_of_deleted(&self) -> Result<()> {
        let mut after = MessageId::NIL;
        loop {
            let edits = self.collection::<OfRow>(COLLECTION);
            let rows = run(async move {
                let find = edits.find(doc! { "messageId": { "$gt": after } });
                let find = find
                    .sort(doc! { "messageId": 1, "replacedAt": 1, "_id": 1 })
                    .limit(EDIT_BATCH_SIZE);
                collect(find.projection(doc! { "messageId": 1 }).await?).await
            })
            .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.message_id;
            let mut gone: BTreeSet<MessageId> = rows.iter().map(|row| row.message_id).collect();
            let ids: Vec<Bson> = gone.iter().copied().map(Bson::from).collect();
            let messages = self.collection::<IdRow>(messages::COLLECTION);
            let living = run(async move {
                let find =
                    messages.find(doc! { "_id": { "$in": ids }, "isDeleted": { "$ne": true } });
                collect(find.projection(doc! { "_id": 1 }).await?).await
            })
            .await?;
            for IdRow { id } in living {
                gone.remove(&id);
            }
            let of_them = doc! { "messageId": { "$in": gone.into_iter().map(Bson::from).collect::<Vec<_>>() } };
            let edits = self.collection::<EditRow>(COLLECTION);
            run(async move { edits.delete_many(of_them).await.map(drop) }).await?;
        }
    }
}

/// Removes all earlier versions of messages inside a transaction.
pub(super) async fn remove_in(
    store: &Store,
    transaction: &mut ClientSession,
    messages: Vec<MessageId>,
) -> mongodb::error::Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let of_them = doc! { "messageId": { "$in": messages } };
    store
        .collection::<EditRow>(COLLECTION)
        .delete_many(of_them)
        .session(transaction)
        .await
        .map(drop)
}

/// Stores earlier versions inside a transaction.
pub(super) async fn insert_in(
    store: &Store,
    transaction: &mut ClientSession,
    edits: &[Edit],
) -> mongodb::error::Result<()> {
    if edits.is_empty() {
        return Ok(());
    }
    let row = |edit: &Edit| EditRow {
        message_id: edit.message,
        session_id: edit.session,
        content: edit.content.clone(),
        written_at: edit.written_at,
        replaced_at: edit.replaced_at,
    };
    let rows: Vec<EditRow> = edits.iter().map(row).collect();
    store
        .collection::<EditRow>(COLLECTION)
        .insert_many(rows)
        .session(transaction)
        .await
        .map(drop)
}
