//! The `$jsonSchema` validators of `schemas/`, applied to their collections at start.

use futures_util::TryStreamExt;
use mongodb::{
    bson::{Document, doc},
    results::CollectionSpecification,
};

use super::{Store, run, run_within};
use crate::domain::{Error, Result};

/// Collection and schema, as in `schemas/`.
pub const SCHEMAS: [(&str, &str); 16] = [
    (
        super::users::COLLECTION,
        include_str!("../../schemas/users.json"),
    ),
    (
        super::conversations::COLLECTION,
        include_str!("../../schemas/sessions.json"),
    ),
    (
        super::messages::COLLECTION,
        include_str!("../../schemas/messages.json"),
    ),
    (
        super::edits::COLLECTION,
        include_str!("../../schemas/edits.json"),
    ),
    (
        super::change_log::COLLECTION,
        include_str!("../../schemas/changes.json"),
    ),
    (
        super::counters::COLLECTION,
        include_str!("../../schemas/counters.json"),
    ),
    (
        super::jobs::COLLECTION,
        include_str!("../../schemas/jobs.json"),
    ),
    (
        super::audit::COLLECTION,
        include_str!("../../schemas/audit.json"),
    ),
    (
        super::receipts::COLLECTION,
        include_str!("../../schemas/receipts.json"),
    ),
    (
        super::online_users::COLLECTION,
        include_str!("../../schemas/online_users.json"),
    ),
    (
        super::files::COLLECTION,
        include_str!("../../schemas/files.json"),
    ),
    (
        super::files::USAGE_COLLECTION,
        include_str!("../../schemas/file_usage.json"),
    ),
    (
        super::statistics::POSITIONS_COLLECTION,
        include_str!("../../schemas/stats_positions.json"),
    ),
    (
        super::statistics::PERIODS_COLLECTION,
        include_str!("../../schemas/stats_periods.json"),
    ),
    (
        super::statistics::USERS_COLLECTION,
        include_str!("../../schemas/stats_people.json"),
    ),
    (
        super::statistics::UNREAD_COLLECTION,
        include_str!("../../schemas/stats_unread.json"),
    ),
];

impl Store {
    /// Creates missing collections and sets the validators of all.
    ///
    /// # Errors
    /// When MongoDB does not answer or a schema is invalid.
    pub async fn ensure_validators(&self) -> Result<()> {
        let database = self.database.clone();
        let present: Vec<CollectionSpecification> =
            run(async move { database.list_collections().await?.try_collect().await }).await?;
        for (name, text) in SCHEMAS {
            let schema: Document = serde_json::from_str(text).map_err(|error| {
                tracing::error!(name, %error, "a schema is not JSON");
                Error::Internal
            })?;
            let validator = doc! { "$jsonSchema": schema };
            let known = present.iter().find(|known| known.name == name);
            // `collMod` waits for every open transaction on the collection, also those left by a
            // killed service. It therefore runs only when there is something to change.
            if known.is_some_and(|known| known.options.validator.as_ref() == Some(&validator)) {
                continue;
            }
            let verb = if known.is_some() { "collMod" } else { "create" };
            let command = doc! {
                verb: name,
                "validator": validator,
                "validationLevel": "strict",
                "validationAction": "error",
            };
            let database = self.database.clone();
            let limit = std::time::Duration::from_mins(1);
            run_within(limit, async move {
                database.run_command(command).await.map(drop)
            })
            .await?;
        }
        Ok(())
    }
}
