//! The sweep of files: uploads that were never finished, files that no message has named for a day,
//! and files whose last message is gone.
//!
//! A file is removed only if no message names it and none is about to. A sender moves `checkAt`
//! ahead before the commit. The removal is conditional on the `checkAt` that was read before the
//! messages were checked. Each step may be interrupted and repeated, by this node or another.

use std::sync::Arc;

use super::super::Services;
use crate::{
    domain::{Result, time::Ticks},
    store::files::{DueFile, FileState},
};

/// The most files of one pass.
const SWEEP_BATCH_SIZE: i64 = 200;

impl Services {
    /// Sweeps on a timer, until `stop`.
    pub(in crate::service) async fn run_file_sweep(
        self: Arc<Self>,
        stop: impl Future<Output = ()>,
    ) {
        let mut passes = Ticks::new(&self.clock, self.settings.timings.file_sweep);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = passes.tick() => {}
            }
            if let Err(error) = self.sweep_due_files().await {
                tracing::warn!(%error, "files could not be cleared away");
            }
        }
    }

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
