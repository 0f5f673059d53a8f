//! Clearing away: uploads that were never finished, files that no message has named for a day, and files
//! whose last message is gone.
//!
//! A file is taken only if no message names it, and only if nobody was about to send it: who sends moves
//! `checkAt` ahead before the commit, and taking is conditional on the `checkAt` that was seen before the
//! messages were asked. Each step may be interrupted and done again, by this node or another.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use super::super::Services;
use crate::{
    domain::Result,
    store::files::{DueFile, FileState},
};

/// The most files of one pass.
const SWEEP_BATCH_SIZE: i64 = 200;

impl Services {
    /// Clears away by the clock, until `stop`.
    pub(in crate::service) async fn clear_files(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut passes =
            tokio::time::interval(self.settings.timings.file_sweep.max(Duration::from_millis(1)));
        passes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = passes.tick() => {}
            }
            if let Err(error) = self.clear_due_files().await {
                tracing::warn!(%error, "files could not be cleared away");
            }
        }
    }

    /// One pass. What fails is tried again in a later one.
    async fn clear_due_files(&self) -> Result<()> {
        for file in self.store.files_due(self.clock.now(), SWEEP_BATCH_SIZE).await? {
            if let Err(error) = self.clear_file(file).await {
                tracing::warn!(file = %file.id, %error, "a file could not be cleared away");
            }
        }
        Ok(())
    }

    async fn clear_file(&self, file: DueFile) -> Result<()> {
        let doomed = match file.state {
            FileState::Ready if self.store.is_file_used(file.id).await? => {
                return self.store.settle_file(&file).await;
            }
            FileState::Ready | FileState::Uploading => {
                if !self.store.doom_file(&file).await? {
                    return Ok(());
                }
                DueFile { state: FileState::Doomed, ..file }
            }
            FileState::Doomed => file,
        };
        // Nobody can have sent it since; should a commit have hung for longer than any may, it is kept.
        if doomed.size.is_some() && self.store.is_file_used(doomed.id).await? {
            return self.store.settle_file(&doomed).await;
        }
        self.remove_file(&doomed).await
    }

    /// Removes what is left of a doomed file.
    pub(super) async fn remove_file(&self, doomed: &DueFile) -> Result<()> {
        self.store.blobs().remove_all(doomed.id).await?;
        self.store.forget_file(doomed).await?;
        metrics::counter!("wardline_files_cleared_total").increment(1);
        Ok(())
    }
}
