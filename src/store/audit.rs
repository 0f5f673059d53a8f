//! The collection `audit`: who did what to whom, from where. Rows are only ever added.

use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::{Store, bson_form::behind, collect, failure, run};
use crate::domain::{
    AuditEntryId, ConversationId, Result, Timestamp, UserId,
    audit::{AuditEntry, AuditFilter, FieldChange},
    paging::Cursor,
};

pub(super) const COLLECTION: &str = "audit";

#[derive(Serialize, Deserialize)]
struct ChangeRow {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to: Option<String>,
}

fn once() -> u64 {
    1
}

/// Older rows have the first five fields only.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: AuditEntryId,
    #[serde(with = "crate::store::bson_form")]
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    actor: Option<UserId>,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    principal: String,
    action: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    subject: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    session: Option<ConversationId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    changes: Vec<ChangeRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    token: Option<String>,
    #[serde(default)]
    gateway: String,
    #[serde(default)]
    outcome: String,
    #[serde(default = "once")]
    count: u64,
}

impl From<&AuditEntry> for EntryRow {
    fn from(entry: &AuditEntry) -> Self {
        let changes = entry.changes.iter().cloned();
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            principal: entry.principal.clone(),
            action: entry.action.clone(),
            subject: entry.subject,
            object: entry.object.clone(),
            session: entry.session,
            changes: changes
                .map(|c| ChangeRow {
                    field: c.field,
                    from: c.from,
                    to: c.to,
                })
                .collect(),
            address: entry.address.clone(),
            request: entry.request.clone(),
            token: entry.token.clone(),
            gateway: entry.gateway.clone(),
            outcome: entry.verdict.clone(),
            count: entry.count,
        }
    }
}

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        let changes = row.changes.into_iter();
        let or = |text: String, default: &str| {
            if text.is_empty() {
                default.to_owned()
            } else {
                text
            }
        };
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            principal: row.principal,
            action: row.action,
            subject: row.subject,
            object: row.object,
            session: row.session,
            changes: changes
                .map(|c| FieldChange {
                    field: c.field,
                    from: c.from,
                    to: c.to,
                })
                .collect(),
            address: row.address,
            request: row.request,
            token: row.token,
            gateway: or(row.gateway, "chat"),
            verdict: or(row.outcome, "done"),
            count: row.count,
        }
    }
}

impl Store {
    /// Stores audit entries, all in one call.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn record(&self, entries: &[AuditEntry]) -> Result<()> {
        self.insert_entries(entries, false).await
    }

    /// Stores audit entries as [`Store::record`] does, for actions that have happened. A row that
    /// the collection's schema refuses is omitted, since retrying it would keep the rows behind it
    /// from being stored.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub async fn record_skipping_invalid(&self, entries: &[AuditEntry]) -> Result<()> {
        self.insert_entries(entries, true).await
    }

    async fn insert_entries(&self, entries: &[AuditEntry], skips_invalid: bool) -> Result<()> {
        let audit = self.collection::<EntryRow>(COLLECTION);
        let rows: Vec<EntryRow> = entries.iter().map(EntryRow::from).collect();
        run(async move {
            match audit.insert_many(rows).ordered(false).await {
                Err(error) if skips_invalid && failure::is_poison(&error) => {
                    tracing::error!(target: "security", "the database refused a row of the record: its act has its log line only");
                    Ok(())
                }
                // Rows that are already stored come from an attempt whose answer was lost.
                Err(error) if !failure::is_duplicate_key(&error) => Err(error),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Returns the newest rows that match, before `before`.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn recorded(
        &self,
        filter: &AuditFilter,
        before: Option<&Cursor>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>> {
        let mut query = doc! {};
        if let Some(actor) = filter.actor {
            query.insert("actor", actor);
        }
        if let Some(subject) = filter.subject {
            query.insert("subject", subject);
        }
        if let Some(action) = &filter.action {
            query.insert("action", action);
        }
        if let Some(session) = filter.session {
            query.insert("session", session);
        }
        let mut at = Document::new();
        if let Some(from) = filter.from {
            at.insert("$gte", from);
        }
        let to = [filter.to, before.map(|cursor| cursor.at)]
            .into_iter()
            .flatten()
            .min();
        if let Some(to) = to {
            at.insert("$lte", to);
        }
        // The time is always a condition, so that the index by time serves a query without other
        // conditions.
        at.entry("$gte".to_owned())
            .or_insert_with(|| Timestamp(i64::MIN).into());
        query.insert("at", at);
        if let Some(cursor) = before {
            query.insert("$or", behind(cursor, "at", "_id"));
        }
        let audit = self.collection::<EntryRow>(COLLECTION);
        let rows = run(async move {
            let find = audit.find(query).sort(doc! { "at": -1, "_id": -1 });
            collect(find.limit(i64::try_from(limit).unwrap_or(i64::MAX)).await?).await
        })
        .await?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }
}
