//! `edits`: what messages said before they were edited. Written in the transaction of the edit.

use mongodb::{ClientSession, bson::doc};
use serde::{Deserialize, Serialize};

use super::{Store, collect, run};
use crate::domain::{MessageId, Result, SessionId, Timestamp, ledger::Edit};

pub(super) const NAME: &str = "edits";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EditRow {
    message_id: MessageId,
    session_id: SessionId,
    content: String,
    written_at: Timestamp,
    replaced_at: Timestamp,
}

impl Store {
    /// The earlier versions of a message, oldest first.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn edits_of(&self, message: MessageId) -> Result<Vec<Edit>> {
        let edits = self.collection::<EditRow>(NAME);
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
    store.collection::<EditRow>(NAME).insert_many(rows).session(transaction).await.map(drop)
}
