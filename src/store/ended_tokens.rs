//! The collection `ended_tokens`: tokens that were logged out before they expired. MongoDB removes
//! a row once its token would have expired.

use std::{collections::HashSet, time::Duration};

use mongodb::bson::doc;
use serde::{Deserialize, Serialize};

use super::{Store, collect, revocations::Revoked, run, write};
use crate::domain::{
    Result, Timestamp, TokenId, UserId,
    access::{ChangeCredentials, Grant},
};

pub(super) const COLLECTION: &str = "ended_tokens";

/// How long a row outlives its token, in case a clock was changed.
const RETENTION_AFTER_EXPIRY: Duration = Duration::from_hours(24);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndedTokenRow {
    #[serde(rename = "_id")]
    token: String,
    #[serde(with = "crate::store::bson_form")]
    user_id: UserId,
    #[serde(with = "crate::store::bson_form")]
    expires_at: Timestamp,
}

impl Store {
    /// Ends a token that would be valid for `remaining`; ending it again changes nothing.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn end_token(
        &self,
        _: &Grant<ChangeCredentials>,
        token: &TokenId,
        user: UserId,
        remaining: Duration,
    ) -> Result<()> {
        self.insert_revocation(&Revoked::Token(token.clone()))
            .await?;
        let tokens = self.collection::<EndedTokenRow>(COLLECTION);
        // By the clock of mongod, which removes the row: the timestamps in the token may come from
        // a wrong clock.
        let kept =
            i64::try_from((remaining + RETENTION_AFTER_EXPIRY).as_millis()).unwrap_or(i64::MAX);
        let expires_at = doc! { "$ifNull": ["$expiresAt", { "$add": ["$$NOW", kept] }] };
        let set = vec![doc! { "$set": { "userId": user, "expiresAt": expires_at } }];
        // A condition, not an expression: an id may begin with a dollar.
        let filter = doc! { "_id": &*token.0 };
        write(async move { tokens.update_one(filter, set).upsert(true).await.map(drop) }).await
    }

    /// Returns those of these tokens that were ended.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn tokens_ended_among(
        &self,
        ids: impl Iterator<Item = &TokenId>,
    ) -> Result<HashSet<TokenId>> {
        let ids: Vec<String> = ids.map(|token| token.0.to_string()).collect();
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let tokens = self.collection::<EndedTokenRow>(COLLECTION);
        let filter = doc! { "_id": { "$in": ids } };
        let rows = run(async move { collect(tokens.find(filter).await?).await }).await?;
        Ok(rows
            .into_iter()
            .map(|row| TokenId(row.token.into()))
            .collect())
    }

    /// Returns all ended tokens that have not expired.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn ended_tokens(&self) -> Result<HashSet<TokenId>> {
        let tokens = self.collection::<EndedTokenRow>(COLLECTION);
        let rows =
            run(async move { collect(tokens.find(doc! {}).batch_size(10_000).await?).await })
                .await?;
        Ok(rows
            .into_iter()
            .map(|row| TokenId(row.token.into()))
            .collect())
    }

    /// Returns whether a token was ended.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn is_token_ended(&self, token: &TokenId) -> Result<bool> {
        let tokens = self.collection::<EndedTokenRow>(COLLECTION);
        let filter = doc! { "_id": &*token.0 };
        let found = run(async move { tokens.find_one(filter).await }).await?;
        Ok(found.is_some())
    }
}
