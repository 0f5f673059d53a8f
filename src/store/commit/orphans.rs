//! Orphaned transactions, whose process is gone. A process that is killed during a commit leaves a
//! transaction that locks its conversations' documents. MongoDB's own limit ends it a minute later;
//! until then nothing can be written there. The commit path of each process has its own name among
//! MongoDB's connections. A lane that waits for such a transaction can therefore see that its
//! process is gone.
//!
//! Ending a transaction by mistake is harmless: it was not committed, and its owner retries.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use mongodb::{
    bson::{Document, doc, oid::ObjectId},
    options::ReadConcern,
};

use super::super::{Store, run};
use crate::domain::Result;

/// The common prefix of all commit paths' names.
const COMMIT_APP_NAME_PREFIX: &str = "wardline-commits-";

/// Returns a name for a commit path's connections that is unique to this process.
pub(in crate::store) fn name() -> String {
    format!("{COMMIT_APP_NAME_PREFIX}{}", ObjectId::new())
}

/// Ends the open transactions of commit paths that have no connection left.
///
/// # Errors
/// When MongoDB does not answer, or this database user lacks the privilege.
pub(super) async fn end(store: &Store) -> Result<()> {
    let admin = store.client.database("admin");
    run(async move {
        let pipeline = [
            doc! { "$currentOp": { "idleConnections": true, "idleSessions": true } },
            doc! { "$match": { "appName": { "$regex": format!("^{COMMIT_APP_NAME_PREFIX}") } } },
            doc! { "$project": { "appName": 1, "type": 1, "lsid": 1, "transaction.timeOpenMicros": 1 } },
        ];
        // `$currentOp` reads no data and accepts no stronger read concern.
        let operation = admin.aggregate(pipeline).read_concern(ReadConcern::local());
        let found: Vec<Document> = operation.await?.try_collect().await?;
        let is_idle = |row: &Document| row.get_str("type").is_ok_and(|kind| kind == "idleSession");
        let connected: HashSet<&str> =
            found.iter().filter(|row| !is_idle(row)).filter_map(|row| row.get_str("appName").ok()).collect();
        let abandoned: Vec<Document> = found
            .iter()
            .filter(|row| is_idle(row) && row.contains_key("transaction"))
            .filter(|row| row.get_str("appName").is_ok_and(|name| !connected.contains(name)))
            .filter_map(|row| Some(doc! { "id": row.get_document("lsid").ok()?.get("id")? }))
            .collect();
        if abandoned.is_empty() {
            return Ok(());
        }
        tracing::warn!(count = abandoned.len(), "ending transactions whose process is gone");
        admin.run_command(doc! { "killSessions": abandoned }).await.map(drop)
    })
    .await
}
