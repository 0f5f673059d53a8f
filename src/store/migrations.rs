//! The database's format, as a number, and the migrations from each to the next.
//!
//! A new and an old database take the same steps. A step may be interrupted anywhere and run again:
//! its number is written only once it is done. A database newer than this program is refused.

mod file_ids;

use mongodb::bson::{Document, doc};

use super::{Store, run, stored_number::whole};
use crate::domain::{Error, Result};

pub(super) const COLLECTION: &str = "meta";

/// One step and its purpose; `Store::run_migration` does it.
pub struct Migration {
    pub version: i64,
    pub what: &'static str,
}

/// All steps, ascending without a gap.
pub const MIGRATIONS: [Migration; 7] = [
    Migration {
        version: 1,
        what: "collections with their validators, and the indexes",
    },
    Migration {
        version: 2,
        what: "indexes that need not be unique are not",
    },
    Migration {
        version: 3,
        what: "people are found by any part of what they are called, and by pinyin",
    },
    Migration {
        version: 4,
        what: "a clientMsgId is one message of its session",
    },
    Migration {
        version: 5,
        what: "what messages said before they were edited goes with them",
    },
    Migration {
        version: 6,
        what: "files are named by their ids, not by addresses of a gateway",
    },
    Migration {
        version: 7,
        what: "sessions have numbers, and count their stored events",
    },
];

/// The indexes of format 1 that step 2 removes where they are unique.
const FORMER_UNIQUE_INDEXES: [(&str, &str); 2] = [
    (super::messages::COLLECTION, "order"),
    (super::online_users::COLLECTION, "socket"),
];

/// Returns the newest format that this program knows.
#[must_use]
pub fn newest_format() -> i64 {
    MIGRATIONS.last().map_or(0, |step| step.version)
}

/// The formats that a run of the migrations found and reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    pub from: i64,
    pub to: i64,
}

impl Store {
    /// Returns the database's format; 0 when it is new.
    ///
    /// # Errors
    /// `Conflict` when the stored value is not a format; else when MongoDB does not answer.
    pub async fn format(&self) -> Result<i64> {
        let meta = self.collection::<Document>(COLLECTION);
        let row = run(async move { meta.find_one(doc! { "_id": "format" }).await }).await?;
        let Some(row) = row else { return Ok(0) };
        row.get("version")
            .and_then(whole)
            .ok_or(Error::Conflict("the database's format is no number"))
    }

    /// Takes every missing step, then ensures validators and indexes.
    ///
    /// # Errors
    /// `Conflict` when the database is newer than this program; else when MongoDB does not answer.
    pub async fn migrate(&self) -> Result<Migrated> {
        let from = self.format().await?;
        if from > newest_format() {
            return Err(Error::Conflict(
                "the database is newer than this program; run a newer one",
            ));
        }
        for step in MIGRATIONS.iter().filter(|step| step.version > from) {
            tracing::info!(version = step.version, what = step.what, "migrating");
            self.run_migration(step.version).await?;
            let meta = self.collection::<Document>(COLLECTION);
            let set = doc! { "$set": { "version": step.version } };
            run(async move {
                meta.update_one(doc! { "_id": "format" }, set)
                    .upsert(true)
                    .await
                    .map(drop)
            })
            .await?;
        }
        self.ensure_validators().await?;
        self.ensure_indexes().await?;
        Ok(Migrated {
            from,
            to: newest_format(),
        })
    }

    async fn run_migration(&self, version: i64) -> Result<()> {
        match version {
            1 => {
                self.ensure_validators().await?;
                // An older program may have begun this step and created them.
                self.drop_unique_indexes().await?;
                self.ensure_indexes().await
            }
            // Their replacements are created like all missing indexes.
            2 => self.drop_unique_indexes().await,
            3 => self.rebuild_search_keys().await,
            4 => {
                self.drop_unique_index(super::messages::COLLECTION, "idempotency")
                    .await
            }
            5 => self.remove_edits_of_deleted().await,
            6 => self.replace_file_addresses().await,
            7 => self.number_conversations().await,
            unknown => {
                tracing::error!(unknown, "there is no such migration step");
                Err(Error::Internal)
            }
        }
    }

    async fn drop_unique_indexes(&self) -> Result<()> {
        for (collection, name) in FORMER_UNIQUE_INDEXES {
            self.drop_unique_index(collection, name).await?;
        }
        Ok(())
    }
}
