//! The collection `jobs`: durable work (see [`crate::domain::job`]).
//!
//! A job waits, is done, or has failed. A worker claims a waiting job that is due by writing its
//! lease; afterwards its calls change the job only while that lease is the worker's. A job that is
//! done is kept for some days, so that its key still stops a repeat.

use std::time::Duration;

use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BYPASS_VALIDATION, Store, collect, failure, run, to_document, write};
use crate::domain::{
    Error, Result, Timestamp,
    job::{FailedJob, Job, JobSummary, MAX_KEY_CHARS, NewJob},
};

pub(super) const COLLECTION: &str = "jobs";

/// How long a job that is done is kept.
const DONE_RETENTION: Duration = Duration::from_hours(24 * 7);
/// The most characters that are kept of a reason for a failure.
const MAX_REASON_CHARS: usize = 300;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobRow {
    kind: String,
    version: u32,
    key: String,
    #[serde(with = "crate::store::bson_form")]
    run_at: Timestamp,
    attempts: u32,
    payload: Value,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last_error: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::store::bson_form"
    )]
    ended_at: Option<Timestamp>,
}

/// Before every stored time. MongoDB takes a partial index for a query only if that bounds its key.
const ANY_TIME: Timestamp = Timestamp(0);

const WAITING: &str = "waiting";
const DONE: &str = "done";
const FAILED: &str = "failed";

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            kind: row.kind,
            version: row.version,
            key: row.key,
            run_at: row.run_at,
            payload: row.payload,
            attempts: row.attempts,
        }
    }
}

/// Returns the fields of a new job.
fn new_row(job: &NewJob) -> mongodb::error::Result<Document> {
    to_document(&JobRow {
        kind: job.kind.to_owned(),
        version: job.version,
        key: job.key.clone(),
        run_at: job.run_at,
        attempts: 0,
        payload: job.payload.clone(),
        state: WAITING.to_owned(),
        last_error: None,
        ended_at: None,
    })
}

/// Returns the statement that stores a job unless one of its name is stored.
fn insertion(job: &NewJob) -> mongodb::error::Result<Document> {
    let query = doc! { "kind": job.kind, "key": &job.key };
    Ok(doc! { "q": query, "u": { "$setOnInsert": new_row(job)? }, "upsert": true })
}

fn check_key(job: &NewJob) -> Result<()> {
    if job.key.chars().nth(MAX_KEY_CHARS).is_some() {
        tracing::error!(kind = job.kind, "a job's key is too long");
        return Err(Error::Internal);
    }
    Ok(())
}

/// Stores jobs inside the transaction that causes them.
pub(super) async fn insert_in(
    store: &Store,
    transaction: &mut ClientSession,
    jobs: &[NewJob],
) -> mongodb::error::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let statements: Vec<Document> = jobs.iter().map(insertion).collect::<Result<_, _>>()?;
    let command = doc! {
        "update": COLLECTION,
        "updates": statements,
        "ordered": true,
        "bypassDocumentValidation": BYPASS_VALIDATION,
    };
    let reply = store
        .database
        .run_command(command)
        .session(transaction)
        .await?;
    failure::check_reply(&reply)
}

impl Store {
    /// Stores a job outside a commit. A job of the same kind and key, whatever became of it, stays
    /// as it is; then the answer is `false`.
    ///
    /// # Errors
    /// `OutcomeUnknown` when the answer was lost: storing it again is harmless.
    pub async fn insert_job(&self, job: &NewJob) -> Result<bool> {
        check_key(job)?;
        let query = doc! { "kind": job.kind, "key": &job.key };
        let row = new_row(job).map_err(|error| failure::to_domain(&error))?;
        let jobs = self.collection::<Document>(COLLECTION);
        let stored = write(async move {
            let insert = jobs.update_one(query, doc! { "$setOnInsert": row });
            match insert.upsert(true).await {
                Ok(updated) => Ok(updated.upserted_id.is_some()),
                // Two nodes stored it at the same moment.
                Err(error) if failure::is_duplicate_key(&error) => Ok(false),
                Err(error) => Err(error),
            }
        });
        stored.await
    }

    /// Makes sure that a recurring job waits: it is stored, or begun again if it was given up.
    ///
    /// # Errors
    /// As [`Store::insert_job`].
    pub async fn ensure_recurring_job(&self, job: &NewJob) -> Result<()> {
        if self.insert_job(job).await? {
            return Ok(());
        }
        let query = doc! { "kind": job.kind, "key": &job.key, "state": { "$ne": WAITING } };
        let set = doc! { "state": WAITING, "attempts": 0, "runAt": job.run_at };
        let unset = doc! { "lease": "", "endedAt": "", "expiresAt": "" };
        let jobs = self.collection::<Document>(COLLECTION);
        write(async move {
            let update = doc! { "$set": set, "$unset": unset };
            jobs.update_one(query, update).await.map(drop)
        })
        .await
    }

    /// Claims the first job of these kinds that is due and that no living worker holds.
    ///
    /// # Errors
    /// When MongoDB does not answer or the row cannot be understood.
    pub async fn claim_job(
        &self,
        kinds: &[&str],
        node: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Job>> {
        let held = doc! { "node": node, "until": now.plus(lease) };
        let update = doc! { "$set": { "lease": held }, "$inc": { "attempts": 1 } };
        let filter = due_filter(kinds, now);
        let jobs = self.collection::<JobRow>(COLLECTION);
        // A claim whose answer is lost ends with its lease.
        let row = run(async move {
            jobs.find_one_and_update(filter, update)
                .sort(doc! { "runAt": 1 })
                .return_document(ReturnDocument::After)
                .await
        })
        .await?;
        Ok(row.map(Job::from))
    }

    /// Returns when the next job of these kinds is to run, among those that nobody holds.
    ///
    /// # Errors
    /// As [`Store::claim_job`].
    pub async fn next_job_at(&self, kinds: &[&str], now: Timestamp) -> Result<Option<Timestamp>> {
        let mut filter = due_filter(kinds, now);
        filter.insert("runAt", doc! { "$gte": ANY_TIME });
        let jobs = self.collection::<JobRow>(COLLECTION);
        let row = run(async move { jobs.find_one(filter).sort(doc! { "runAt": 1 }).await }).await?;
        Ok(row.map(|row| row.run_at))
    }

    /// Prolongs a lease; `false` when the worker no longer holds it.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn renew_job(&self, job: &Job, node: &str, until: Timestamp) -> Result<bool> {
        let update = doc! { "$set": { "lease.until": until } };
        self.update_held_job(job, node, update).await
    }

    /// Ends a job; `false` when the worker no longer held it.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn complete_job(&self, job: &Job, node: &str, now: Timestamp) -> Result<bool> {
        let set = doc! { "state": DONE, "endedAt": now, "expiresAt": now.plus(DONE_RETENTION) };
        let update = doc! { "$set": set, "$unset": { "lease": "", "lastError": "" } };
        self.update_held_job(job, node, update).await
    }

    /// Gives a job back, to be run at `run_at`: after a failure, with its reason; without one its
    /// attempts count anew.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn postpone_job(
        &self,
        job: &Job,
        node: &str,
        run_at: Timestamp,
        reason: Option<&str>,
    ) -> Result<bool> {
        let (mut set, mut unset) = (doc! { "runAt": run_at }, doc! { "lease": "" });
        if let Some(reason) = reason {
            set.insert("lastError", shortened(reason));
        } else {
            set.insert("attempts", 0);
            unset.insert("lastError", "");
        }
        let update = doc! { "$set": set, "$unset": unset };
        self.update_held_job(job, node, update).await
    }

    /// Gives a job up: it is kept with the reason and not tried again.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn fail_job(
        &self,
        job: &Job,
        node: &str,
        now: Timestamp,
        reason: &str,
    ) -> Result<bool> {
        let set = doc! { "state": FAILED, "endedAt": now, "lastError": shortened(reason) };
        let update = doc! { "$set": set, "$unset": { "lease": "" } };
        self.update_held_job(job, node, update).await
    }

    /// Changes a job that this worker holds. The number of the attempt tells two leases of one
    /// worker apart.
    async fn update_held_job(&self, job: &Job, node: &str, update: Document) -> Result<bool> {
        let filter = doc! {
            "kind": &job.kind,
            "key": &job.key,
            "state": WAITING,
            "lease.node": node,
            "attempts": job.attempts,
        };
        let jobs = self.collection::<Document>(COLLECTION);
        let updated = write(async move { jobs.update_one(filter, update).await }).await?;
        Ok(updated.matched_count == 1)
    }

    /// Returns the jobs that were given up, the last ones first.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn failed_jobs(&self, limit: u32) -> Result<Vec<FailedJob>> {
        let jobs = self.collection::<JobRow>(COLLECTION);
        let rows = run(async move {
            let find = jobs.find(doc! { "state": FAILED, "endedAt": { "$gte": ANY_TIME } });
            let find = find.sort(doc! { "endedAt": -1 });
            collect(find.limit(i64::from(limit.max(1))).await?).await
        })
        .await?;
        let failed = |mut row: JobRow| FailedJob {
            failed_at: row.ended_at.unwrap_or(row.run_at),
            reason: row.last_error.take().unwrap_or_default(),
            job: row.into(),
        };
        Ok(rows.into_iter().map(failed).collect())
    }

    /// Returns how many jobs wait and have failed, counting up to `most` of each.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn job_summary(&self, most: u64) -> Result<JobSummary> {
        let jobs = self.collection::<JobRow>(COLLECTION);
        let (waiting, failed, first) = run(async move {
            let waiting =
                jobs.count_documents(doc! { "state": WAITING, "runAt": { "$gte": ANY_TIME } });
            let waiting = waiting.limit(most).await?;
            let failed =
                jobs.count_documents(doc! { "state": FAILED, "endedAt": { "$gte": ANY_TIME } });
            let failed = failed.limit(most).await?;
            let first = jobs.find_one(doc! { "state": WAITING, "runAt": { "$gte": ANY_TIME } });
            Ok((waiting, failed, first.sort(doc! { "runAt": 1 }).await?))
        })
        .await?;
        Ok(JobSummary {
            waiting,
            failed,
            first_run_at: first.map(|row| row.run_at),
        })
    }
}

/// Returns the filter of the jobs of these kinds that are due and that nobody holds.
fn due_filter(kinds: &[&str], now: Timestamp) -> Document {
    let kinds: Vec<Bson> = kinds.iter().copied().map(Bson::from).collect();
    doc! {
        "state": WAITING,
        "runAt": { "$lte": now },
        "kind": { "$in": kinds },
        "$or": [{ "lease": { "$exists": false } }, { "lease.until": { "$lte": now } }],
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON_CHARS).collect()
}
