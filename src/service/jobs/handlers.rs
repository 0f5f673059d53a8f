//! The handlers of this service's jobs, and its recurring jobs.

use std::sync::Arc;

use serde_json::json;

use super::{JobHandler, JobWorker, MAX_IDLE};
use crate::{
    domain::{Result, job::NewJob},
    service::{Services, files},
};

impl Services {
    /// Runs the jobs of this node until `stop`.
    pub(in crate::service) async fn run_jobs(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let worker = JobWorker::new(
            self.store.clone(),
            Arc::clone(&self.clock),
            self.hub.node().to_string(),
            Arc::clone(&self.jobs),
            self.job_handlers(),
        );
        tokio::pin!(stop);
        while let Err(error) = self.ensure_recurring_jobs().await {
            tracing::warn!(%error, "the recurring jobs were not stored");
            tokio::select! {
                () = &mut stop => return,
                () = self.clock.sleep(MAX_IDLE) => {}
            }
        }
        worker.run(stop).await;
    }

    /// Returns the handler of each kind.
    fn job_handlers(&self) -> Vec<JobHandler> {
        vec![files::sweep_handler(self.this.clone())]
    }

    async fn ensure_recurring_jobs(&self) -> Result<()> {
        let (kind, version) = files::FILE_SWEEP_JOB;
        let sweep = NewJob {
            kind,
            version,
            key: "all".to_owned(),
            run_at: self.clock.now(),
            payload: json!({}),
        };
        self.store.ensure_recurring_job(&sweep).await
    }
}
