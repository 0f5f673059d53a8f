//! Durable jobs: work that must happen later or elsewhere, stored until it is done.
//!
//! A job is named by its kind and a key. Storing the same job twice is storing it once, also after
//! it is done. A worker holds a job by a lease. When the worker dies, the lease ends and another
//! worker takes the job. So a job may run more than once, and its effect must be idempotent.

use std::time::Duration;

use serde_json::Value;

use super::Timestamp;

/// How often a job is tried before it is given up. With [`retry_delay`] that takes about a day.
pub const MAX_ATTEMPTS: u32 = 32;
/// The most characters of a job's key.
pub const MAX_KEY_CHARS: usize = 128;
/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_hours(1);

/// A job to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// The name of the handler.
    pub kind: &'static str,
    /// The version of the payload's form.
    pub version: u32,
    /// Unique within the kind: the idempotency key, also towards the outside.
    pub key: String,
    pub run_at: Timestamp,
    /// What the handler needs; small, and without texts of messages.
    pub payload: Value,
}

/// A job that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub kind: String,
    pub version: u32,
    pub key: String,
    pub run_at: Timestamp,
    pub payload: Value,
    /// How often it was begun, with this time.
    pub attempts: u32,
}

/// A job that was given up, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedJob {
    pub job: Job,
    pub failed_at: Timestamp,
    pub reason: String,
}

/// How a job ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    Done,
    /// A recurring job: it is to run again at this time.
    Again(Timestamp),
}

/// Why a job did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFailure {
    /// It may succeed later.
    Temporary(String),
    /// It will never succeed: it is kept, and not tried again.
    Permanent(String),
}

impl From<super::Error> for JobFailure {
    /// Errors are temporary, unless the handler says otherwise. Their text quotes no message.
    fn from(error: super::Error) -> Self {
        JobFailure::Temporary(error.to_string())
    }
}

/// What is known of all jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobSummary {
    /// The jobs that wait, are due or run.
    pub waiting: u64,
    /// The jobs that were given up.
    pub failed: u64,
    /// When the first of the waiting ones is, or was, to run.
    pub first_run_at: Option<Timestamp>,
}

/// Returns the delay after a failed attempt (from 1): a second at first, doubled each time, an hour
/// at last.
#[must_use]
pub fn retry_delay(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(12);
    Duration::from_secs(1 << doublings).min(MAX_RETRY_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_an_hour() {
        let delays: Vec<u64> = [0, 1, 2, 3, 12, 13, 14, u32::MAX]
            .into_iter()
            .map(|attempts| retry_delay(attempts).as_secs())
            .collect();
        assert_eq!(delays, [1, 1, 2, 4, 2_048, 3_600, 3_600, 3_600]);
        let all: Duration = (1..MAX_ATTEMPTS).map(retry_delay).sum();
        assert!((18..30).contains(&(all.as_secs() / 3_600)), "{all:?}");
    }
}
