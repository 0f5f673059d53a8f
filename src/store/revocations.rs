//! `revocations`: whose rights are about to change, and which tokens are about to end, so that every node
//! forgets what it remembers of them. Written before the change itself: a change that never follows costs
//! a look at the database, one that nobody heard of would cost more. MongoDB removes a row after an hour.

use std::time::Duration;

use mongodb::bson::{Document, doc, oid::ObjectId};
use serde::Deserialize;

use super::{Store, collect, run, write};
use crate::domain::{Result, Timestamp, TokenId, UserId};

pub(super) const COLLECTION: &str = "revocations";

/// How long a row stays: nodes ask again within seconds.
const REVOCATION_RETENTION: Duration = Duration::from_hours(1);

/// What is not to be remembered any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    User(UserId),
    Token(TokenId),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RevocationRow {
    at: Timestamp,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    token: Option<String>,
}

impl Store {
    /// Announces a change that is about to be made.
    pub(super) async fn announce_revocation(&self, what: &Revoked) -> Result<()> {
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
        write(async move { revocations.update_one(filter, update).upsert(true).await.map(drop) }).await
    }

    /// What was announced from `at` on, by mongod's clock, and the newest announcement's time.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn revocations_since(&self, at: Timestamp) -> Result<(Vec<Revoked>, Option<Timestamp>)> {
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
