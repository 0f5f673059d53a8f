//! The rollups, from which statistics are read. Each is a sum over what was committed. The commit
//! path itself updates none of them, since every message would then write into the same few
//! documents.
//!
//! - `stats_positions`: for each conversation, the position up to which it is counted. It moves in
//!   the transaction that adds to the sums, so a crash at any time neither counts twice nor omits
//!   anything.
//! - `stats_periods`: sums of each hour and day, and of all time.
//! - `stats_people`: the activity of each user on each day.
//! - `stats_unread`: the number of unread messages of each user.

mod reports;
mod rollup;
mod rows;

use std::collections::BTreeMap;

use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::{Store, collect, conversations, run, run_within, write};
use crate::domain::{ConversationId, Result, statistics::Calendar};

pub use reports::{AllTimeTotals, PersonSum};
pub use rollup::Rolled;

pub(super) const POSITIONS_COLLECTION: &str = "stats_positions";
pub(super) const PERIODS_COLLECTION: &str = "stats_periods";
pub(super) const USERS_COLLECTION: &str = "stats_people";
pub(super) const UNREAD_COLLECTION: &str = "stats_unread";

/// The collection with the state of the rollups.
const META_COLLECTION: &str = "meta";
/// The format of the rollups. Another number makes the next start count them anew.
const ROLLUP_FORMAT: i64 = 1;
/// Clearing and comparing take long on a large database.
const MAINTENANCE_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);

/// Returns the filter for the state in which counting may continue.
fn ready_filter(calendar: &Calendar) -> Document {
    doc! { "_id": "statistics", "state": "ready", "format": ROLLUP_FORMAT, "timeZone": calendar.name() }
}

#[derive(Deserialize)]
struct PlaceRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
    seq: u64,
    version: u64,
}

impl Store {
    /// Returns whether the rollups were counted in this calendar, in the current format, and no
    /// clearing is unfinished.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn are_rollups_current(&self, calendar: &Calendar) -> Result<bool> {
        let (meta, filter) = (
            self.collection::<Document>(META_COLLECTION),
            ready_filter(calendar),
        );
        Ok(run(async move { meta.find_one(filter).await })
            .await?
            .is_some())
    }

    /// Clears the rollups, to be counted anew in this calendar. If it is interrupted, the next
    /// start clears them again.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn clear_rollups(&self, calendar: &Calendar) -> Result<()> {
        let meta = self.collection::<Document>(META_COLLECTION);
        let clearing = doc! { "$set": { "state": "clearing" } };
        let id = doc! { "_id": "statistics" };
        // Every counting transaction writes into this document: from here on, none begins.
        write(async move { meta.update_one(id, clearing).upsert(true).await.map(drop) }).await?;
        for name in [
            PERIODS_COLLECTION,
            USERS_COLLECTION,
            UNREAD_COLLECTION,
            POSITIONS_COLLECTION,
        ] {
            let rows = self.collection::<Document>(name);
            run_within(MAINTENANCE_TIMEOUT, async move {
                rows.delete_many(doc! {}).await.map(drop)
            })
            .await?;
        }
        let meta = self.collection::<Document>(META_COLLECTION);
        let mut state = ready_filter(calendar);
        state.remove("_id");
        write(async move {
            meta.update_one(doc! { "_id": "statistics" }, doc! { "$set": state })
                .await
                .map(drop)
        })
        .await
    }

    /// Returns the conversations that changed since they were counted. It reads the position of
    /// every conversation, so it is for the start only.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn conversations_to_count(&self) -> Result<Vec<ConversationId>> {
        let places = async |name: &'static str| {
            let rows = self.collection::<PlaceRow>(name);
            run_within(MAINTENANCE_TIMEOUT, async move {
                let find = rows
                    .find(doc! {})
                    .projection(doc! { "seq": 1, "version": 1 });
                collect(find.batch_size(10_000).await?).await
            })
            .await
        };
        let counted: BTreeMap<ConversationId, (u64, u64)> = places(POSITIONS_COLLECTION)
            .await?
            .into_iter()
            .map(|row| (row.id, (row.seq, row.version)))
            .collect();
        let sessions = places(conversations::COLLECTION).await?.into_iter();
        Ok(sessions
            .filter(|row| counted.get(&row.id) != Some(&(row.seq, row.version)))
            .map(|row| row.id)
            .collect())
    }
}
