//! The collection `file_usage`: the storage that each user's files take. It changes in one
//! transaction with the file, so that it is always their sum.

use std::time::Duration;

use mongodb::{
    ClientSession,
    bson::{Document, doc},
};
use serde::Deserialize;

use super::{
    super::{Store, collect, run, to_document, write},
    COLLECTION, DueFile, FileRow, FileState,
};
use crate::domain::{FileId, Result, Timestamp, UserId, file::StoredFile};

pub(in crate::store) const USAGE_COLLECTION: &str = "file_usage";

/// The maximum number of attempts at a conflicting transaction, and at a commit whose answer was
/// lost.
const MAX_TRANSACTION_TRIES: u32 = 30;
const MAX_COMMIT_TRIES: usize = 3;
#[derive(Deserialize)]
struct UsageRow {
    used: u64,
}

/// The outcome of completing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    Done,
    /// The owner's quota does not suffice.
    NoRoom,
    /// Its row no longer exists: the upload took too long.
    Gone,
}

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Returns the bytes that a user's files take.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn file_usage(&self, owner: UserId) -> Result<u64> {
        let usage = self.collection::<UsageRow>(USAGE_COLLECTION);
        let row = run(async move { usage.find_one(doc! { "_id": owner }).await }).await?;
        Ok(row.map_or(0, |row| row.used))
    }

    /// Returns the bytes that all users' files take together: a sum over one row for each user.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn total_file_usage(&self) -> Result<u64> {
        let usage = self.collection::<Document>(USAGE_COLLECTION);
        let sum = doc! { "$group": { "_id": null, "used": { "$sum": "$used" } } };
        let rows: Vec<UsageRow> =
            run(
                async move { collect(usage.aggregate([sum]).with_type::<UsageRow>().await?).await },
            )
            .await?;
        Ok(rows.first().map_or(0, |row| row.used))
    }

    /// Makes a file ready and counts it in the quota, in one transaction. The files of a user never
    /// exceed `quota`, however many are completed at once.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn complete_file(
        &self,
        file: &StoredFile,
        quota: u64,
        check_at: Timestamp,
    ) -> Result<Completion> {
        let (store, row) = (
            self.clone(),
            FileRow {
                check_at: Some(check_at),
                ..FileRow::from(file)
            },
        );
        let (id, owner, size) = (file.id, file.owner, file.size);
        write(async move {
            let mut set = to_document(&row)?;
            set.remove("_id");
            apply_change(
                &store,
                &QuotaChange::Complete {
                    id,
                    owner,
                    size,
                    quota,
                    set,
                },
            )
            .await
        })
        .await
    }

    /// Removes the row of a doomed file and subtracts it from the quota.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn delete_file_row(&self, file: &DueFile) -> Result<()> {
        let (
            store,
            DueFile {
                id, owner, size, ..
            },
        ) = (self.clone(), *file);
        write(async move {
            apply_change(&store, &QuotaChange::Forget { id, owner, size })
                .await
                .map(drop)
        })
        .await
    }
}

/// A change of a file together with its owner's usage.
enum QuotaChange {
    Complete {
        id: FileId,
        owner: UserId,
        size: u64,
        quota: u64,
        set: Document,
    },
    Forget {
        id: FileId,
        owner: UserId,
        size: Option<u64>,
    },
}

/// Makes a change in one transaction, and repeats it after a conflict.
async fn apply_change(store: &Store, change: &QuotaChange) -> mongodb::error::Result<Completion> {
    let mut tried = 0;
    loop {
        tried += 1;
        let mut session = store.client.start_session().await?;
        session.start_transaction().await?;
        let done = match apply(store, &mut session, change).await {
            Ok(Completion::Done) => commit(&mut session).await.map(|()| Completion::Done),
            Ok(nothing) => {
                let _ = session.abort_transaction().await;
                return Ok(nothing);
            }
            Err(error) => {
                let _ = session.abort_transaction().await;
                Err(error)
            }
        };
        match done {
            Err(error)
                if error.contains_label("TransientTransactionError")
                    && tried < MAX_TRANSACTION_TRIES =>
            {
                // The random delay separates the transactions that conflicted.
                tokio::time::sleep(Duration::from_millis(rand::random_range(
                    1..=10 * u64::from(tried),
                )))
                .await;
            }
            done => return done,
        }
    }
}

async fn apply(
    store: &Store,
    session: &mut ClientSession,
    change: &QuotaChange,
) -> mongodb::error::Result<Completion> {
    let (files, usage) = (
        store.collection::<Document>(COLLECTION),
        store.collection::<Document>(USAGE_COLLECTION),
    );
    match change {
        QuotaChange::Complete {
            id,
            owner,
            size,
            quota,
            set,
        } => {
            let waiting = doc! { "_id": id, "state": FileState::Uploading.as_str() };
            let update = doc! { "$set": set.clone() };
            if files
                .update_one(waiting, update)
                .session(&mut *session)
                .await?
                .matched_count
                == 0
            {
                return Ok(Completion::Gone);
            }
            let Some(room) = quota.checked_sub(*size) else {
                return Ok(Completion::NoRoom);
            };
            let fits = doc! { "_id": owner, "used": { "$lte": as_i64(room) } };
            let take = doc! { "$inc": { "used": as_i64(*size) } };
            let taken = usage
                .update_one(fits, take)
                .session(&mut *session)
                .await?
                .matched_count;
            Ok(if taken == 0 {
                Completion::NoRoom
            } else {
                Completion::Done
            })
        }
        QuotaChange::Forget { id, owner, size } => {
            let doomed = doc! { "_id": id, "state": FileState::Doomed.as_str() };
            if files
                .delete_one(doomed)
                .session(&mut *session)
                .await?
                .deleted_count
                == 0
            {
                return Ok(Completion::Gone);
            }
            if let Some(size) = size {
                let give = doc! { "$inc": { "used": -as_i64(*size) } };
                usage
                    .update_one(doc! { "_id": owner }, give)
                    .session(&mut *session)
                    .await?;
            }
            Ok(Completion::Done)
        }
    }
}

async fn commit(session: &mut ClientSession) -> mongodb::error::Result<()> {
    let mut last = session.commit_transaction().await;
    for _ in 1..MAX_COMMIT_TRIES {
        match last {
            Err(error) if error.contains_label("UnknownTransactionCommitResult") => {
                last = session.commit_transaction().await;
            }
            ended => return ended,
        }
    }
    last
}
