//! Transactions whose process is gone. One that was killed in the middle of a commit leaves a transaction that
//! holds its sessions' documents, until MongoDB's own limit frees them a minute later; nobody could write
//! there so long. Each process' commit path has a name of its own among MongoDB's connections, so who waits
//! for such a transaction can see that nobody is left who could end it.
//!
//! A transaction that is ended by mistake is no loss: it was not committed, and its owner tries again.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use mongodb::{
    bson::{Document, doc, oid::ObjectId},
    options::ReadConcern,
};

use super::super::{Store, run};
use crate::domain::Result;

/// What the names of all commit paths begin with.
const PREFIX: &str = "wardline-commits-";

/// A name for a commit path's connections that no other process has.
pub(in crate::store) fn name() -> String {
    format!("{PREFIX}{}", ObjectId::new())
}

/// Ends the open transactions of commit paths that have no connection left.
///
/// # Errors
/// When MongoDB does not answer, or does not let this user look.
pub(super) async fn end(store: &Store) -> Result<()> {
    let admin = store.client.database("admin");
    run(async move {
        let pipeline = [
            doc! { "$currentOp": { "idleConnections": true, "idleSessions": true } },
            doc! { "$match": { "appName": { "$regex": format!("^{PREFIX}") } } },
            doc! { "$project": { "appName": 1, "type": 1, "lsid": 1, "transaction.timeOpenMicros": 1 } },
        ];
        // It reads no data, and takes no promise about it.
        let look = admin.aggregate(pipeline).read_concern(ReadConcern::local());
        let found: Vec<Document> = look.await?.try_collect().await?;
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
