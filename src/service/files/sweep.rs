//! The sweep of files: uploads that were never finished, files that no message has named for a day,
//! and files whose last message is gone.
//!
//! A file is removed only if no message names it and none is about to. A sender moves `checkAt`
//! ahead before the commit. The removal is conditional on the `checkAt` that was read before the
//! messages were checked. Each step may be interrupted and repeated, by this node or another.

use std::sync::Weak;

use super::super::{
    Services,
    jobs::{JobHandler, JobRun},
};
use crate::{
    domain::{Error, Result, job::JobEnd},
    store::files::{DueFile, FileState},
};

/// The most files of one pass.
const SWEEP_BATCH_SIZE: i64 = 200;

/// The kind of the recurring job, and the version of its payload, which is empty.
pub(in crate::service) const FILE_SWEEP_JOB: (&str, u32) = ("files.sweep", 1);

/// Returns the handler of the recurring job: one pass, and the next one after a period.
pub(in crate::service) fn sweep_handler(services: Weak<Services>) -> JobHandler {
    let (kind, version) = FILE_SWEEP_JOB;
    let run = move |_| -> JobRun {
        let services = services.upgrade();
        Box::pin(async move {
            let services = services.ok_or(Error::Unavailable)?;
            // What failed is due again in a later pass, so the job itself does not fail.
            if let Err(error) = services.sweep_due_files().await {
                tracing::warn!(%error, "files could not be cleared away");
            }
            let next = services
                .clock
                .now()
                .plus(services.settings.timings.file_sweep);
            Ok(JobEnd::Again(next))
        })
    };
    JobHandler {
        kind,
        version,
        run: Box::new(run),
    }
}

impl Services {
    /// Runs one pass. A failed removal is tried again in a later one.
    async fn sweep_due_files(&self) -> Result<()> {
        for file in self
            .store
            .find_due_files(self.clock.now(), SWEEP_BATCH_SIZE)
            .await?
        {
            if let Err(error) = self.sweep_file(file).await {
                tracing::warn!(file = %file.id, %error, "a file could not be cleared away");
            }
        }
        Ok(())
    }

    async fn sweep_file(&self, file: DueFile) -> Result<()> {
        let doomed = match file.state {
            FileState::Ready if self.store.is_file_used(file.id).await? => {
                return self.store.mark_file_settled(&file).await;
            }
            FileState::Ready | FileState::Uploading => {
                if !self.store.mark_file_for_removal(&file).await? {
                    return Ok(());
                }
                DueFile {
                    state: FileState::Doomed,
                    ..file
                }
            }
            FileState::Doomed => file,
        };
        // No user can have sent it since. If a commit took longer than any may, the file is kept.
        if doomed.size.is_some() && self.store.is_file_used(doomed.id).await? {
            return self.store.mark_file_settled(&doomed).await;
        }
        self.remove_file(&doomed).await
    }

    /// Removes the rest of a doomed file.
    pub(super) async fn remove_file(&self, doomed: &DueFile) -> Result<()> {
        self.store.blobs().remove_all(doomed.id).await?;
        self.store.delete_file_row(doomed).await?;
        metrics::counter!("wardline_files_cleared_total").increment(1);
        Ok(())
    }
}
