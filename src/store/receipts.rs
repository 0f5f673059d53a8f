//! The collection `receipts`: when which range of messages was delivered to, or read by, which
//! user.
//!
//! A stored range never crosses a multiple of `BUCKET_MESSAGES`, so the receipts of a page are
//! found by equality on their buckets. However long the history is, a page reads two or three of
//! them.

use std::collections::{BTreeSet, HashMap};

use mongodb::{
    ClientSession, Database,
    bson::{Document, doc},
};
use serde::{Deserialize, Serialize};

use super::{
    BYPASS_VALIDATION, Store, any_of, batch_loader::BatchLoader, collect, run, stored_number,
};
use crate::domain::{
    ConversationId, Error, Result, Timestamp, UserId,
    paging::SeqRange,
    receipts::{Receipt, ReceiptKind},
};

pub(super) const COLLECTION: &str = "receipts";

/// The number of messages of a bucket.
const BUCKET_MESSAGES: u64 = 128;
/// The number of ranges that one command returns.
const RANGE_BATCH_SIZE: usize = 8;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptRow {
    #[serde(with = "crate::store::bson_form")]
    session_id: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    bucket: u64,
    kind: String,
    #[serde(with = "crate::store::bson_form")]
    users: Vec<UserId>,
    #[serde(deserialize_with = "stored_number::natural")]
    from: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    to: u64,
    #[serde(with = "crate::store::bson_form")]
    at: Timestamp,
}

fn bucket_of(seq: u64) -> u64 {
    seq.saturating_sub(1) / BUCKET_MESSAGES
}

/// Returns the rows of a receipt, split at the buckets' borders.
fn receipt_rows(
    session: ConversationId,
    receipt: &Receipt,
) -> impl Iterator<Item = ReceiptRow> + '_ {
    (bucket_of(receipt.from)..=bucket_of(receipt.to)).map(move |bucket| ReceiptRow {
        session_id: session,
        bucket,
        kind: match receipt.kind {
            ReceiptKind::Delivered => "delivered".to_owned(),
            ReceiptKind::Read => "read".to_owned(),
        },
        users: receipt.users.clone(),
        from: receipt.from.max(bucket * BUCKET_MESSAGES + 1),
        to: receipt.to.min((bucket + 1) * BUCKET_MESSAGES),
        at: receipt.at,
    })
}

impl TryFrom<ReceiptRow> for Receipt {
    type Error = Error;
    fn try_from(row: ReceiptRow) -> Result<Self> {
        let kind = match row.kind.as_str() {
            "delivered" => ReceiptKind::Delivered,
            "read" => ReceiptKind::Read,
            _ => {
                tracing::error!(session = %row.session_id, "a stored receipt is of unknown kind");
                return Err(Error::Internal);
            }
        };
        Ok(Self {
            kind,
            users: row.users,
            from: row.from,
            to: row.to,
            at: row.at,
        })
    }
}

/// Returns the filter for the receipts that overlap a range of a conversation's messages.
fn overlap_filter(session: ConversationId, range: SeqRange) -> Document {
    let (first, last) = (range.after + 1, range.up_to);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    doc! {
        "sessionId": session,
        "bucket": { "$gte": signed(bucket_of(first)), "$lte": signed(bucket_of(last)) },
        "to": { "$gte": signed(first) },
        "from": { "$lte": signed(last) },
    }
}

/// Loads the receipts of ranges of messages, for several callers at once.
pub(super) fn new_loader(
    database: Database,
) -> BatchLoader<(ConversationId, SeqRange), Vec<Receipt>> {
    BatchLoader::new(
        RANGE_BATCH_SIZE,
        move |wanted: Vec<(ConversationId, SeqRange)>| {
            let receipts = database.collection::<ReceiptRow>(COLLECTION);
            async move {
                let filter = any_of(
                    wanted
                        .iter()
                        .map(|(session, range)| overlap_filter(*session, *range)),
                );
                let rows = run(async move {
                    collect(receipts.find(filter).batch_size(1_000).await?).await
                })
                .await?;
                let mut found: HashMap<ConversationId, Vec<Receipt>> = HashMap::new();
                for row in rows {
                    found
                        .entry(row.session_id)
                        .or_default()
                        .push(Receipt::try_from(row)?);
                }
                let of = |(session, range): (ConversationId, SeqRange)| {
                    let touches = |r: &&Receipt| range.after < r.to && r.from <= range.up_to;
                    found
                        .get(&session)
                        .into_iter()
                        .flatten()
                        .filter(touches)
                        .cloned()
                        .collect()
                };
                Ok(wanted.into_iter().map(of).collect())
            }
        },
    )
}

impl Store {
    /// Returns the receipts that overlap a range of a conversation's messages.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn receipts_in(
        &self,
        session: ConversationId,
        range: SeqRange,
    ) -> Result<Vec<Receipt>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        self.lookups.receipts.get((session, range)).await
    }

    /// Returns the receipts that cover these messages (conversation and `seq`), by conversation, in
    /// one query for messages of many conversations.
    ///
    /// # Errors
    /// As [`Store::receipts_in`].
    pub async fn receipts_at(
        &self,
        places: &[(ConversationId, u64)],
    ) -> Result<HashMap<ConversationId, Vec<Receipt>>> {
        let buckets: BTreeSet<(ConversationId, u64)> = places
            .iter()
            .map(|(session, seq)| (*session, bucket_of(*seq)))
            .collect();
        let any: Vec<Document> = buckets
            .into_iter()
            .map(|(session, bucket)| {
                doc! { "sessionId": session, "bucket": i64::try_from(bucket).unwrap_or(i64::MAX) }
            })
            .collect();
        if any.is_empty() {
            return Ok(HashMap::new());
        }
        let filter = doc! { "$or": any };
        let receipts = self.collection::<ReceiptRow>(COLLECTION);
        let rows =
            run(async move { collect(receipts.find(filter).batch_size(1_000).await?).await })
                .await?;
        let mut found: HashMap<ConversationId, Vec<Receipt>> = HashMap::new();
        for row in rows {
            found
                .entry(row.session_id)
                .or_default()
                .push(Receipt::try_from(row)?);
        }
        Ok(found)
    }

    /// Stores many receipts at once, outside the commit path (synthetic data).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn insert_receipts(&self, new: &[(ConversationId, Receipt)]) -> Result<()> {
        let all: Vec<ReceiptRow> = new
            .iter()
            .flat_map(|(session, receipt)| receipt_rows(*session, receipt))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        let receipts = self.collection::<ReceiptRow>(COLLECTION);
        run(async move { receipts.insert_many(all).ordered(false).await.map(drop) }).await
    }
}

/// Stores receipts inside a transaction.
pub(super) async fn insert_in(
    store: &Store,
    transaction: &mut ClientSession,
    new: impl Iterator<Item = (ConversationId, &Receipt)>,
) -> mongodb::error::Result<()> {
    let all: Vec<ReceiptRow> = new
        .flat_map(|(session, receipt)| receipt_rows(session, receipt))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let collection = store.collection::<ReceiptRow>(COLLECTION);
    let insert = collection
        .insert_many(all)
        .bypass_document_validation(BYPASS_VALIDATION);
    insert.session(transaction).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_cut_at_the_buckets_borders() {
        let receipt = Receipt {
            kind: ReceiptKind::Read,
            users: vec![UserId::generate()],
            from: 100,
            to: 300,
            at: Timestamp(0),
        };
        let cut: Vec<_> = receipt_rows(ConversationId::generate(), &receipt)
            .map(|r| (r.bucket, r.from, r.to))
            .collect();
        assert_eq!(cut, [(0, 100, 128), (1, 129, 256), (2, 257, 300)]);
    }
}
