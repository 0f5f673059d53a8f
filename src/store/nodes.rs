//! The collection `nodes`: the processes of this service and the time of their last heartbeats. A
//! process that dies without notice is detected by the other nodes, or by itself when it starts
//! again.

use mongodb::bson::doc;
use serde::{Deserialize, Serialize};

use super::{Store, collect, run};
use crate::domain::{Result, Timestamp};

pub(super) const COLLECTION: &str = "nodes";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeRow {
    #[serde(rename = "_id")]
    node: String,
    #[serde(with = "crate::store::bson_form")]
    heartbeat_at: Timestamp,
}

impl Store {
    /// Stores a heartbeat of this node. Returns whether the node was unknown: it is new, or another
    /// node has removed it.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn record_heartbeat(&self, node: &str, now: Timestamp) -> Result<bool> {
        let nodes = self.collection::<NodeRow>(COLLECTION);
        let (filter, set) = (
            doc! { "_id": node },
            doc! { "$set": { "heartbeatAt": now } },
        );
        let updated = run(async move { nodes.update_one(filter, set).upsert(true).await }).await?;
        Ok(updated.upserted_id.is_some())
    }

    /// Returns the nodes whose last heartbeat is older than `before`.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn silent_nodes(&self, before: Timestamp) -> Result<Vec<String>> {
        let nodes = self.collection::<NodeRow>(COLLECTION);
        let filter = doc! { "heartbeatAt": { "$lt": before } };
        let rows = run(async move { collect(nodes.find(filter).await?).await }).await?;
        Ok(rows.into_iter().map(|row| row.node).collect())
    }

    /// Removes a node.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn remove_node(&self, node: &str) -> Result<()> {
        let nodes = self.collection::<NodeRow>(COLLECTION);
        let filter = doc! { "_id": node };
        run(async move { nodes.delete_one(filter).await.map(drop) }).await
    }
}
