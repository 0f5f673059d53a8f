//! The collection `changes`: the logged changes of each conversation (see
//! [`crate::domain::change_log`]). A commit writes them in its transaction. They are never removed
//! or renumbered. A change that a later one supersedes only ceases to be current, in the
//! transaction of the later one, so that a page of current changes reads no others.

use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::Hint,
};
use serde::{Deserialize, Serialize};

use super::{
    BYPASS_VALIDATION, Store, collect, failure, run,
    stored_number::{self, as_i64},
    to_document,
};
use crate::domain::{
    ConversationId, Error, MessageId, Result, Timestamp, UserId,
    change_log::{ChangeKind, EventPlace, LoggedChange, place_of},
    message_parts::emoji_key,
};

pub(super) const COLLECTION: &str = "changes";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeRow {
    #[serde(with = "crate::store::bson_form")]
    conversation: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    event_seq: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    after_seq: u64,
    kind: String,
    #[serde(with = "crate::store::bson_form")]
    by: UserId,
    #[serde(with = "crate::store::bson_form")]
    at: Timestamp,
    #[serde(with = "crate::store::bson_form")]
    message: MessageId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    payload: Option<ReactionRow>,
    is_current: bool,
}

/// The payload of a change of a reaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReactionRow {
    emoji: String,
    /// Equal for all texts of one emoji.
    emoji_key: String,
    on: bool,
}

const EDITED: &str = "edited";
const RECALLED: &str = "recalled";
const DELETED: &str = "deleted";
const REACTED: &str = "reacted";

impl From<&LoggedChange> for ChangeRow {
    fn from(change: &LoggedChange) -> Self {
        let (kind, payload) = match &change.kind {
            ChangeKind::Edited => (EDITED, None),
            ChangeKind::Recalled => (RECALLED, None),
            ChangeKind::Deleted => (DELETED, None),
            ChangeKind::Reacted { emoji, on } => {
                let reaction = ReactionRow {
                    emoji: emoji.clone(),
                    emoji_key: emoji_key(emoji),
                    on: *on,
                };
                (REACTED, Some(reaction))
            }
        };
        Self {
            conversation: change.conversation,
            event_seq: change.event_seq,
            after_seq: change.after_seq,
            kind: kind.to_owned(),
            by: change.by,
            at: change.at,
            message: change.message,
            payload,
            is_current: change.is_current,
        }
    }
}

impl TryFrom<ChangeRow> for LoggedChange {
    type Error = Error;
    fn try_from(row: ChangeRow) -> Result<Self> {
        let kind = match (row.kind.as_str(), row.payload) {
            (EDITED, None) => ChangeKind::Edited,
            (RECALLED, None) => ChangeKind::Recalled,
            (DELETED, None) => ChangeKind::Deleted,
            (REACTED, Some(ReactionRow { emoji, on, .. })) => ChangeKind::Reacted { emoji, on },
            _ => {
                tracing::error!(
                    session = %row.conversation,
                    event_seq = row.event_seq,
                    "a stored change cannot be understood"
                );
                return Err(Error::Internal);
            }
        };
        Ok(Self {
            conversation: row.conversation,
            event_seq: row.event_seq,
            after_seq: row.after_seq,
            kind,
            by: row.by,
            at: row.at,
            message: row.message,
            is_current: row.is_current,
        })
    }
}

impl Store {
    /// Returns the current changes of a conversation above the number `after`, ascending.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn changes_after(
        &self,
        conversation: ConversationId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LoggedChange>> {
        let above = doc! { "$gt": as_i64(after) };
        self.find_current_changes(conversation, above, 1, limit)
            .await
    }

    /// Returns the newest current changes of a conversation below the number `before`, descending.
    ///
    /// # Errors
    /// As [`Store::changes_after`].
    pub async fn changes_before(
        &self,
        conversation: ConversationId,
        before: u64,
        limit: u64,
    ) -> Result<Vec<LoggedChange>> {
        let below = doc! { "$lt": as_i64(before) };
        self.find_current_changes(conversation, below, -1, limit)
            .await
    }

    /// Returns what has the number `event_seq` in a conversation, current or not. The caller checks
    /// that the conversation has come so far. `None` for 0.
    ///
    /// # Errors
    /// As [`Store::changes_after`].
    pub async fn event_at(
        &self,
        conversation: ConversationId,
        event_seq: u64,
    ) -> Result<Option<EventPlace>> {
        let filter =
            doc! { "conversation": conversation, "eventSeq": { "$lte": as_i64(event_seq) } };
        let last = self.find_changes(filter, "order", -1, 1).await?.pop();
        Ok(place_of(event_seq, last))
    }

    async fn find_current_changes(
        &self,
        conversation: ConversationId,
        range: Document,
        direction: i32,
        limit: u64,
    ) -> Result<Vec<LoggedChange>> {
        let filter = doc! { "conversation": conversation, "eventSeq": range, "isCurrent": true };
        self.find_changes(filter, "current", direction, limit).await
    }

    /// The index is named, since the planner would remember the one that suited another
    /// conversation.
    async fn find_changes(
        &self,
        filter: Document,
        index: &'static str,
        direction: i32,
        limit: u64,
    ) -> Result<Vec<LoggedChange>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let changes = self.collection::<ChangeRow>(COLLECTION);
        let rows = run(async move {
            let find = changes.find(filter).hint(Hint::Name(index.to_owned()));
            let find = find.sort(doc! { "eventSeq": direction });
            collect(find.limit(as_i64(limit)).batch_size(1_000).await?).await
        })
        .await?;
        rows.into_iter().map(LoggedChange::try_from).collect()
    }
}

/// Logs changes inside a transaction: the stored changes that they supersede cease to be current.
pub(super) async fn insert_in(
    store: &Store,
    transaction: &mut ClientSession,
    changes: &[LoggedChange],
) -> mongodb::error::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let statements: Vec<Document> = changes
        .iter()
        .map(|change| {
            doc! {
                "q": superseded_filter(change),
                "u": { "$set": { "isCurrent": false } },
                "multi": true,
            }
        })
        .collect();
    let update = doc! {
        "update": COLLECTION,
        "updates": statements,
        "ordered": true,
        "bypassDocumentValidation": BYPASS_VALIDATION,
    };
    let reply = store
        .database
        .run_command(update)
        .session(&mut *transaction)
        .await?;
    failure::check_reply(&reply)?;
    let rows: Vec<Document> = changes
        .iter()
        .map(|change| to_document(&ChangeRow::from(change)))
        .collect::<Result<_, _>>()?;
    let collection = store.collection::<Document>(COLLECTION);
    let insert = collection
        .insert_many(rows)
        .bypass_document_validation(BYPASS_VALIDATION);
    insert.session(transaction).await.map(drop)
}

/// Returns the filter of the stored changes that a change supersedes, as
/// [`LoggedChange::supersedes`] says.
fn superseded_filter(change: &LoggedChange) -> Document {
    let mut filter = doc! { "message": change.message, "isCurrent": true };
    match &change.kind {
        ChangeKind::Recalled | ChangeKind::Deleted => {}
        ChangeKind::Edited => drop(filter.insert("kind", EDITED)),
        ChangeKind::Reacted { emoji, .. } => {
            filter.insert("kind", REACTED);
            filter.insert("by", change.by);
            filter.insert("payload.emojiKey", emoji_key(emoji));
        }
    }
    filter
}
