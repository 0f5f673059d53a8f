//! The worker of durable jobs: claims what is due, runs its handler, renews the lease meanwhile,
//! and stores how it ended.
//!
//! Each node has one worker. Nodes share the jobs of the database, so a job that is due runs on
//! one of them. When a node dies, the leases of its jobs end and the others take them over. What
//! waits is bounded, and so is what runs at once.

mod handlers;

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, task::JoinSet};

use crate::{
    domain::{
        Clock, Error, Result, Timestamp,
        job::{Job, JobEnd, JobFailure, MAX_ATTEMPTS, NewJob, retry_delay},
    },
    store::Store,
};

/// The jobs that one node runs at once.
const MAX_RUNNING_JOBS: usize = 4;
/// The most jobs that wait. Beyond it, new ones are refused.
const MAX_WAITING_JOBS: u64 = 100_000;
/// How long a worker holds a job without renewing its lease.
pub const JOB_LEASE: Duration = Duration::from_secs(30);
/// The longest wait for a job that another node stored.
const MAX_IDLE: Duration = Duration::from_secs(2);
/// The interval at which the jobs are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);
/// How long a job that only a newer node understands is left to it.
const NEWER_VERSION_DELAY: Duration = Duration::from_mins(1);
/// How long running jobs have to end when the node stops. What is left runs again elsewhere.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// The future of a handler.
pub type JobRun = Pin<Box<dyn Future<Output = std::result::Result<JobEnd, JobFailure>> + Send>>;

/// What runs the jobs of one kind.
pub struct JobHandler {
    pub kind: &'static str,
    /// The newest form of the payload that it understands.
    pub version: u32,
    pub run: Box<dyn Fn(Job) -> JobRun + Send + Sync>,
}

/// What wakes the worker of this node, and what it last counted.
#[derive(Debug, Default)]
pub struct JobQueue {
    stored: Notify,
    waiting: AtomicU64,
}

impl JobQueue {
    /// Stores a job, unless one of its kind and key is stored; then the answer is `false`.
    ///
    /// # Errors
    /// `RateLimited` when too many wait; when MongoDB does not answer.
    pub async fn submit(&self, store: &Store, job: &NewJob) -> Result<bool> {
        if self.waiting.load(Ordering::Relaxed) >= MAX_WAITING_JOBS {
            metrics::counter!("wardline_refusals_total", "reason" => "jobs_full").increment(1);
            return Err(Error::RateLimited {
                retry_after: COUNT_INTERVAL,
            });
        }
        let is_new = store.insert_job(job).await?;
        self.wake();
        Ok(is_new)
    }

    /// Tells the worker of this node that a job was stored, for jobs that a commit stored.
    pub fn wake(&self) {
        self.stored.notify_one();
    }
}

/// The worker of one node.
pub struct JobWorker {
    store: Store,
    clock: Arc<dyn Clock>,
    node: String,
    queue: Arc<JobQueue>,
    handlers: BTreeMap<&'static str, JobHandler>,
}

impl JobWorker {
    /// Returns a worker with these handlers. `node` names the process and must be unique.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        node: String,
        queue: Arc<JobQueue>,
        handlers: Vec<JobHandler>,
    ) -> Self {
        let handlers = handlers
            .into_iter()
            .map(|handler| (handler.kind, handler))
            .collect();
        Self {
            store,
            clock,
            node,
            queue,
            handlers,
        }
    }

    /// Runs jobs until `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let worker = Arc::new(self);
        let mut running = JoinSet::new();
        let mut last_count = None;
        tokio::pin!(stop);
        loop {
            worker.count_jobs(&mut last_count).await;
            let idle = worker.start_due(&mut running).await;
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = running.join_next(), if !running.is_empty() => report_panic(ended),
                () = worker.queue.stored.notified(), if running.len() < MAX_RUNNING_JOBS => {}
                () = worker.clock.sleep(idle) => {}
            }
        }
        let rest = async {
            while let Some(ended) = running.join_next().await {
                report_panic(ended);
            }
        };
        let rest_is_done = tokio::time::timeout(STOP_GRACE, rest).await.is_ok();
        if !rest_is_done {
            tracing::info!("jobs are left to other nodes");
            running.shutdown().await;
        }
    }

    /// Starts what is due, as far as there is room. Returns how long to wait for more.
    async fn start_due(self: &Arc<Self>, running: &mut JoinSet<()>) -> Duration {
        let kinds: Vec<&str> = self.handlers.keys().copied().collect();
        while running.len() < MAX_RUNNING_JOBS {
            let now = self.clock.now();
            match self
                .store
                .claim_job(&kinds, &self.node, now, JOB_LEASE)
                .await
            {
                Ok(Some(job)) => {
                    let worker = Arc::clone(self);
                    running.spawn(async move { worker.run_job(job).await });
                }
                Ok(None) => {
                    return match self.store.next_job_at(&kinds, now).await {
                        Ok(Some(next)) => next.since(self.clock.now()).min(MAX_IDLE),
                        Ok(None) | Err(_) => MAX_IDLE,
                    };
                }
                Err(error) => {
                    tracing::debug!(%error, "no job could be claimed");
                    return MAX_IDLE;
                }
            }
        }
        MAX_IDLE
    }

    /// Runs one claimed job and stores how it ended.
    async fn run_job(&self, job: Job) {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else {
            return;
        };
        let now = self.clock.now();
        let stored = if job.version > handler.version {
            self.store
                .postpone_job(&job, &self.node, now.plus(NEWER_VERSION_DELAY), None)
                .await
        } else if job.attempts > MAX_ATTEMPTS {
            // Each time, the process ended before the job did.
            self.give_up(&job, "it never came to an end").await
        } else {
            match self.run_held(handler, &job).await {
                Some(ended) => self.store_end(&job, ended).await,
                None => Ok(false),
            }
        };
        match stored {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    kind = job.kind,
                    key = job.key,
                    "a job was lost to another node"
                );
            }
            Err(error) => {
                // The lease ends, and the job runs again.
                tracing::warn!(kind = job.kind, key = job.key, %error, "the end of a job was not stored");
            }
        }
    }

    /// Runs the handler while the lease is renewed; `None` when the lease was lost.
    async fn run_held(
        &self,
        handler: &JobHandler,
        job: &Job,
    ) -> Option<std::result::Result<JobEnd, JobFailure>> {
        let mut work = (handler.run)(job.clone());
        loop {
            tokio::select! {
                ended = &mut work => return Some(ended),
                () = self.clock.sleep(JOB_LEASE / 3) => {}
            }
            let until = self.clock.now().plus(JOB_LEASE);
            match self.store.renew_job(job, &self.node, until).await {
                Ok(true) => {}
                Ok(false) => return None,
                // The lease lasts for two more tries.
                Err(error) => tracing::debug!(%error, "a lease was not renewed"),
            }
        }
    }

    async fn store_end(
        &self,
        job: &Job,
        ended: std::result::Result<JobEnd, JobFailure>,
    ) -> Result<bool> {
        let (node, now) = (&self.node, self.clock.now());
        match ended {
            Ok(JobEnd::Done) => {
                metrics::counter!("wardline_jobs_done_total").increment(1);
                self.store.complete_job(job, node, now).await
            }
            Ok(JobEnd::Again(at)) => {
                metrics::counter!("wardline_jobs_done_total").increment(1);
                self.store.postpone_job(job, node, at, None).await
            }
            Err(JobFailure::Permanent(reason)) => self.give_up(job, &reason).await,
            Err(JobFailure::Temporary(reason)) if job.attempts >= MAX_ATTEMPTS => {
                self.give_up(job, &reason).await
            }
            Err(JobFailure::Temporary(reason)) => {
                metrics::counter!("wardline_job_retries_total").increment(1);
                tracing::warn!(
                    kind = job.kind,
                    key = job.key,
                    reason,
                    "a job is tried again"
                );
                let at = now.plus(retry_delay(job.attempts));
                self.store.postpone_job(job, node, at, Some(&reason)).await
            }
        }
    }

    async fn give_up(&self, job: &Job, reason: &str) -> Result<bool> {
        tracing::error!(kind = job.kind, key = job.key, reason, "a job was given up");
        self.store
            .fail_job(job, &self.node, self.clock.now(), reason)
            .await
    }

    /// Counts all jobs from time to time, for the bound and the metrics.
    async fn count_jobs(&self, last: &mut Option<Timestamp>) {
        let now = self.clock.now();
        if last.is_some_and(|last| now.since(last) < COUNT_INTERVAL) {
            return;
        }
        let Ok(summary) = self.store.job_summary(MAX_WAITING_JOBS).await else {
            return;
        };
        *last = Some(now);
        self.queue.waiting.store(summary.waiting, Ordering::Relaxed);
        let late = summary
            .first_run_at
            .map_or(Duration::ZERO, |first| now.since(first));
        metrics::gauge!("wardline_jobs_waiting").set(count_as_f64(summary.waiting));
        metrics::gauge!("wardline_jobs_failed").set(count_as_f64(summary.failed));
        metrics::gauge!("wardline_jobs_late_seconds").set(late.as_secs_f64());
    }
}

/// At most [`MAX_WAITING_JOBS`] are counted.
fn count_as_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn report_panic(ended: std::result::Result<(), tokio::task::JoinError>) {
    if let Err(panic) = ended {
        // Its lease ends, and it is tried again.
        tracing::error!(%panic, "a job panicked");
    }
}
