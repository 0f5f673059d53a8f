//! The indexer: builds the index from the database, then follows the changes.
//!
//! It runs on its own thread with a lower priority, which the index's threads inherit. Where the
//! processors are not enough for both, sending messages takes precedence over indexing. The indexer
//! never delays a commit; it reads everything from the database.

use std::{
    panic::AssertUnwindSafe,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, directory::MmapDirectory, index::IndexBuilder,
    indexer::LogMergePolicy,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    directory::{self, NoFsyncDirectory, WriterLock},
    index_terms, keyword,
    message_source::{IndexError, MessageSource},
    schema::{self, INDEX_FORMAT},
    writer_task::{IndexPosition, IndexWriterTask, RebuildState},
};
use crate::store::Store;

/// The memory of the writer before it writes a segment.
const WRITER_MEMORY_BYTES: usize = 48 << 20;
/// Segments with more messages are not merged any more.
const MAX_MERGED_SEGMENT_MESSAGES: usize = 1_000_000;
/// The delay before the first retry after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The longest delay, after repeated failures.
const MAX_RETRY_DELAY: Duration = Duration::from_mins(1);
/// How often a process without the writer lock reloads what the writer has written.
const FOLLOWER_POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Starts the indexer; the receiver resolves when it has ended.
pub(super) fn start(
    shared: Arc<Shared>,
    store: Store,
    stop: CancellationToken,
) -> std::io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("search-feed".to_owned())
        .spawn(move || {
            if rustix::process::nice(10).is_err() {
                tracing::warn!("the search index cannot be given a lower priority");
            }
            match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime.block_on(run(&shared, &store, &stop)),
                Err(error) => tracing::error!(%error, "the search index cannot be kept"),
            }
            shared.clear_view();
            let _ = ended.send(());
        })?;
    Ok(end)
}

async fn run(shared: &Arc<Shared>, store: &Store, stop: &CancellationToken) {
    let _ = keyword::dictionary();
    let mut failures = 0;
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let trouble = match WriterLock::of(&shared.folder) {
            // Tantivy panics at some damage, such as a file that is shorter than its footer says.
            Ok(Some(_tenure)) => match AssertUnwindSafe(write(shared, store, stop))
                .catch_unwind()
                .await
            {
                Ok(written) => written.err(),
                Err(_) => Some(IndexError::Stale("the index's library gave up")),
            },
            Ok(None) => {
                follow(shared, stop).await;
                None
            }
            Err(error) => Some(IndexError::Folder(error)),
        };
        let Some(trouble) = trouble else { continue };
        match &trouble {
            IndexError::Database(_) | IndexError::Slow => {
                tracing::warn!(%trouble, "the search index waits for the database");
                shared.set_up_to_date(false);
            }
            IndexError::Stale(_) | IndexError::Index(_) => {
                tracing::warn!(%trouble, "the search index is made anew");
                shared.clear_view();
                if let Ok(Some(_tenure)) = WriterLock::of(&shared.folder)
                    && let Err(error) = directory::remove_index(&shared.folder)
                {
                    tracing::error!(%error, "the old search index cannot be removed");
                }
            }
            IndexError::Folder(_) => tracing::error!(%trouble, "the search index cannot be kept"),
        }
        // A full disk is still full a second later, and every attempt reads the whole database.
        failures = if begun.elapsed() > MAX_RETRY_DELAY {
            1
        } else {
            failures + 1
        };
        let pause = match trouble {
            IndexError::Stale(_) if failures == 1 => Duration::ZERO,
            IndexError::Database(_) | IndexError::Slow => RETRY_DELAY,
            _ => (RETRY_DELAY * 2_u32.pow(failures.min(6))).min(MAX_RETRY_DELAY),
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Reads the index of another process until that process is gone.
async fn follow(shared: &Arc<Shared>, stop: &CancellationToken) {
    let mut read: Option<(Index, IndexReader)> = None;
    let (_, fields) = schema::schema();
    loop {
        let opened = match read.take() {
            Some((index, reader)) => reader.reload().map(|()| (index, reader)),
            None => MmapDirectory::open(directory::index_directory(&shared.folder))
                .map_err(Into::into)
                .and_then(|directory| open(Index::open(directory)?)),
        };
        // The writer may be rebuilding it just now.
        if let Ok((index, reader)) = opened {
            let is_behind = position_of(&index).is_none_or(|position| position.building.is_some());
            shared.publish_view(reader.clone(), fields, is_behind);
            read = Some((index, reader));
        } else {
            shared.clear_view();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FOLLOWER_POLL_INTERVAL) => {}
        }
        if matches!(WriterLock::of(&shared.folder), Ok(Some(_))) {
            return;
        }
    }
}

fn open(mut index: Index) -> tantivy::Result<(Index, IndexReader)> {
    index.set_tokenizers(index_terms::analyzers());
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()?;
    Ok((index, reader))
}

fn position_of(index: &Index) -> Option<IndexPosition> {
    serde_json::from_str(&index.load_metas().ok()?.payload?).ok()
}

/// Opens the index on the disk, if it is whole and of our format; creates a new one if there is
/// none.
fn open_valid(folder: &Path) -> Result<(Index, Option<IndexPosition>), IndexError> {
    let directory = NoFsyncDirectory::open(folder)?;
    let (schema, _) = schema::schema();
    if directory::is_renewal_requested(folder) {
        return Err(IndexError::Stale("that was asked for"));
    }
    if !Index::exists(&directory).map_err(tantivy::TantivyError::from)? {
        directory::remove_index(folder)?;
        let fresh = IndexBuilder::new()
            .schema(schema)
            .tokenizers(index_terms::analyzers());
        return Ok((fresh.open_or_create(NoFsyncDirectory::open(folder)?)?, None));
    }
    let index = Index::open(directory)?;
    let position = position_of(&index).filter(|position| position.format == INDEX_FORMAT);
    let position = position.ok_or(IndexError::Stale("its format is another one"))?;
    if index.schema() != schema {
        return Err(IndexError::Stale("its form is another one"));
    }
    if !index.validate_checksum()?.is_empty() {
        return Err(IndexError::Stale("some of its files are damaged"));
    }
    Ok((index, Some(position)))
}

/// Writes the index until `stop` is cancelled.
async fn write(
    shared: &Arc<Shared>,
    store: &Store,
    stop: &CancellationToken,
) -> Result<(), IndexError> {
    let source = MessageSource::of(store);
    let collection = source.identity().await?;
    let (index, position) = open_valid(&shared.folder)?;
    if position
        .as_ref()
        .is_some_and(|position| position.collection != collection)
    {
        return Err(IndexError::Stale("it is of another database"));
    }
    if let Some(seen) = position.as_ref().and_then(|position| position.seen)
        && !source.contains(&seen).await?
    {
        return Err(IndexError::Stale("the database is older than it"));
    }
    let position = match position {
        // Whatever the position says, earlier changes may already be in the index.
        Some(position) => {
            let now = source.now().await?;
            IndexPosition {
                overlap: Some((now.time, now.increment)),
                ..position
            }
        }
        None => IndexPosition {
            format: INDEX_FORMAT,
            collection,
            token: source.position().await?,
            building: Some(RebuildState { below: None }),
            built_at: None,
            overlap: None,
            seen: None,
        },
    };
    let (index, reader) = open(index)?;
    let options = tantivy::indexer::IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_MEMORY_BYTES)
        .build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    writer.set_merge_policy(Box::new(merge_policy()));
    let (_, fields) = schema::schema();
    shared.publish_view(reader.clone(), fields, true);
    IndexWriterTask::new(shared, store, (writer, reader), fields, position)
        .run(source, stop)
        .await
}

fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    // A commit adds a few hundred messages. These small segments are merged among themselves before
    // they are merged with larger ones.
    policy.set_min_layer_size(2_000);
    policy.set_min_num_segments(8);
    policy.set_max_docs_before_merge(MAX_MERGED_SEGMENT_MESSAGES);
    policy.set_del_docs_ratio_before_merge(0.3);
    policy
}
