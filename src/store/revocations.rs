//! The collection `revocations`: the users whose rights are about to change and the tokens that are
//! about to end, so that every node evicts them from its cache. A row is written before the change
//! itself. A row without its change costs a read of the database; a change without its row would
//! cost more. MongoDB removes a row after an hour.

use std::time::Duration;

use mongodb::bson::{Document, doc, oid::ObjectId};
use serde::Deserialize;

use super::{Store, collect, run, write};
use crate::domain::{Result, Timestamp, TokenId, UserId};

pub(super) const COLLECTION: &str = "revocations";

/// How long a row is kept: nodes poll within seconds.
const REVOCATION_RETENTION: Duration = Duration::from_hours(1);

/// What must be evicted from the caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    User(UserId),
    Token(TokenId),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RevocationRow {
    #[serde(with = "crate::store::bson_form")]
    at: Timestamp,
    #[serde(default)]
    #[serde(with = "crate::store::bson_form")]
    user_id: Option<UserId>,
    #[serde(default)]
    token: Option<String>,
}

impl Store {
    /// Publishes a change that is about to be made.
    pub(super) async fn insert_revocation(&self, what: &Revoked) -> Result<()> {
        // By mongod's clock, the one clock of all nodes.
        let kept = i64::try_from(REVOCATION_RETENTION.as_millis()).unwrap_or(i64::MAX);
        let mut set = doc! { "at": "$$NOW", "expiresAt": { "$add": ["$$NOW", kept] } };
        match what {
            Revoked::User(user) => set.insert("userId", user),
            Revoked::Token(token) => set.insert("token", doc! { "$literal": &*token.0 }),
        };
        let update = vec![doc! { "$set": set }];
        let revocations = self.collection::<Document>(COLLECTION);
        let filter = doc! { "_id": ObjectId::new() };
        write(async move {
            revocations
                .update_one(filter, update)
                .upsert(true)
                .await
                .map(drop)
        })
        .await
    }

    /// Returns the revocations from `at` on, by mongod's clock, and the time of the newest one.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn revocations_since(
        &self,
        at: Timestamp,
    ) -> Result<(Vec<Revoked>, Option<Timestamp>)> {
        let revocations = self.collection::<RevocationRow>(COLLECTION);
        let filter = doc! { "at": { "$gte": at } };
        let rows = run(async move { collect(revocations.find(filter).await?).await }).await?;
        let newest = rows.iter().map(|row| row.at).max();
        let mut revoked = Vec::with_capacity(rows.len());
        for row in rows {
            revoked.extend(row.user_id.map(Revoked::User));
            revoked.extend(row.token.map(|token| Revoked::Token(TokenId(token.into()))));
        }
        Ok((revoked, newest))
    }
}
