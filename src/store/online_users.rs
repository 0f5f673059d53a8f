//! `online_users`: one document for each live connection, with the node that holds it.

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{BYPASS_VALIDATION, Store, collect, run};
use crate::domain::{Result, Timestamp, UserId, presence::OnlineSocket};

pub(super) const NAME: &str = "online_users";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserOnly {
    user_id: UserId,
}

impl Store {
    /// Writes connections that came or changed and removes those that went, in one call each.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn write_sockets(
        &self,
        node: &str,
        present: &[OnlineSocket],
        gone: &[String],
        now: Timestamp,
    ) -> Result<()> {
        if !present.is_empty() {
            let updates: Vec<Document> = present
                .iter()
                .map(|socket| {
                    // By `_id`, which mongod does not plan.
                    let set = doc! {
                        "node": node,
                        "socketId": &socket.socket_id,
                        "userId": socket.user,
                        "status": socket.status.as_str(),
                        "lastSeen": now,
                        "userAgent": &socket.user_agent,
                        "ipAddress": &socket.ip_address,
                        "createdAt": socket.connected_at,
                        "updatedAt": now,
                    };
                    doc! { "q": { "_id": socket.id }, "u": { "$set": set }, "upsert": true }
                })
                .collect();
            let database = self.database.clone();
            let command = doc! {
                "update": NAME,
                "updates": updates,
                "ordered": false,
                "bypassDocumentValidation": BYPASS_VALIDATION,
            };
            run(async move { database.run_command(command).await }).await?;
        }
        if !gone.is_empty() {
            let sockets = self.collection::<Document>(NAME);
            let filter = doc! { "node": node, "socketId": { "$in": gone } };
            run(async move { sockets.delete_many(filter).await }).await?;
        }
        Ok(())
    }

    /// Removes all connections of a node and answers whose they were and who has none left anywhere.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn remove_sockets_of_node(&self, node: &str) -> Result<Vec<UserId>> {
        let sockets = self.collection::<UserOnly>(NAME);
        let filter = doc! { "node": node };
        let affected: BTreeSet<UserId> = run({
            let (sockets, filter) = (sockets.clone(), filter.clone());
            async move {
                let found = collect(sockets.find(filter.clone()).await?).await?;
                sockets.delete_many(filter).await?;
                Ok(found.into_iter().map(|row| row.user_id).collect())
            }
        })
        .await?;
        let ids: Vec<Bson> = affected.iter().copied().map(Bson::from).collect();
        let left: BTreeSet<UserId> = run(async move {
            let found = collect(sockets.find(doc! { "userId": { "$in": ids } }).await?).await?;
            Ok(found.into_iter().map(|row| row.user_id).collect())
        })
        .await?;
        Ok(affected.difference(&left).copied().collect())
    }

    /// Of these people, those who have a connection on a node other than `node`.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn present_elsewhere(&self, node: &str, users: &[UserId]) -> Result<BTreeSet<UserId>> {
        let ids: Vec<Bson> = users.iter().copied().map(Bson::from).collect();
        let sockets = self.collection::<UserOnly>(NAME);
        let filter = doc! { "userId": { "$in": ids }, "node": { "$ne": node } };
        let rows = run(async move { collect(sockets.find(filter).await?).await }).await?;
        Ok(rows.into_iter().map(|row| row.user_id).collect())
    }
}
