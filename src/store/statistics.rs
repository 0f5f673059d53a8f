//! The rollups: what statistics are read from. Each is a sum of what was committed; none is kept up by the
//! commit path itself, which would make every message write into the same few documents.
//!
//! - `stats_positions`: for each session, up to where it is counted. It moves in the transaction that adds
//!   to the sums, so whatever crashes when, nothing is counted twice or never.
//! - `stats_periods`: sums of each hour and day, and of all time.
//! - `stats_people`: what each person did on each day.
//! - `stats_unread`: how many unread messages each person has.

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

/// Where the state of the rollups is kept.
const META_COLLECTION: &str = "meta";
/// How they are counted. Another number makes the next start count them anew.
const ROLLUP_FORMAT: i64 = 1;
/// Clearing and comparing take their time on a large database.
const MAINTENANCE_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);

/// Under which state of the rollups counting may go on.
fn ready(calendar: &Calendar) -> Document {
    doc! { "_id": "statistics", "state": "ready", "format": ROLLUP_FORMAT, "timeZone": calendar.name() }
}

#[derive(Deserialize)]
struct PlaceRow {
    #[serde(rename = "_id")]
    id: ConversationId,
    seq: u64,
    version: u64,
}

impl Store {
    /// Whether the rollups were counted in this calendar, in today's way, to the end of a clearing.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn rollups_stand(&self, calendar: &Calendar) -> Result<bool> {
        let (meta, filter) = (self.collection::<Document>(META_COLLECTION), ready(calendar));
        Ok(run(async move { meta.find_one(filter).await }).await?.is_some())
    }

    /// Empties the rollups, to be counted anew in this calendar. Broken off anywhere, the next start
    /// empties them again.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn clear_rollups(&self, calendar: &Calendar) -> Result<()> {
        let meta = self.collection::<Document>(META_COLLECTION);
        let clearing = doc! { "$set": { "state": "clearing" } };
        let id = doc! { "_id": "statistics" };
        // Every transaction that counts writes into this document: from here on none begins.
        write(async move { meta.update_one(id, clearing).upsert(true).await.map(drop) }).await?;
        for name in [PERIODS_COLLECTION, USERS_COLLECTION, UNREAD_COLLECTION, POSITIONS_COLLECTION] {
            let rows = self.collection::<Document>(name);
            run_within(MAINTENANCE_TIMEOUT, async move { rows.delete_many(doc! {}).await.map(drop) }).await?;
        }
        let meta = self.collection::<Document>(META_COLLECTION);
        let mut state = ready(calendar);
        state.remove("_id");
        write(async move {
            meta.update_one(doc! { "_id": "statistics" }, doc! { "$set": state }).await.map(drop)
        })
        .await
    }

    /// The sessions that have changed since they were counted: a look at the place of every session, for
    /// the start and for nothing else.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn uncounted_sessions(&self) -> Result<Vec<ConversationId>> {
        let places = async |name: &'static str| {
            let rows = self.collection::<PlaceRow>(name);
            run_within(MAINTENANCE_TIMEOUT, async move {
                let find = rows.find(doc! {}).projection(doc! { "seq": 1, "version": 1 });
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
