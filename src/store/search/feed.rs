//! The one who keeps the index: builds it from the database, then follows the changes.
//!
//! It lives on a thread of its own with a lower priority, which the index's own threads inherit: where the
//! processors are not enough for both, people's messages go first and the index comes later. It never stands
//! in the way of a commit; all it knows comes from the database.

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
    folder::{self, Tenure, Unforced},
    keyword,
    pen::{Building, Pen, Position},
    schema::{self, FORMAT},
    source::{Source, Trouble},
    terms,
};
use crate::store::Store;

/// What the writer may hold in memory before it writes a part of the index.
const WRITER_BYTES: usize = 48 << 20;
/// Parts with more messages are not joined any more.
const MAX_JOINED: usize = 1_000_000;
/// How long after a trouble it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest time until then, when it fails again and again.
const MAX_RETRY: Duration = Duration::from_mins(1);
/// How often a process that may not write looks for what the other has written.
const FOLLOW: Duration = Duration::from_millis(250);

/// Starts to keep the index; answers when it has ended.
pub(super) fn start(
    shared: Arc<Shared>,
    store: Store,
    stop: CancellationToken,
) -> std::io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new().name("search-feed".to_owned()).spawn(move || {
        if rustix::process::nice(10).is_err() {
            tracing::warn!("the search index cannot be given a lower priority");
        }
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(keep(&shared, &store, &stop)),
            Err(error) => tracing::error!(%error, "the search index cannot be kept"),
        }
        shared.hide();
        let _ = ended.send(());
    })?;
    Ok(end)
}

async fn keep(shared: &Arc<Shared>, store: &Store, stop: &CancellationToken) {
    let _ = keyword::dictionary();
    let mut failures = 0;
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let trouble = match Tenure::of(&shared.folder) {
            // The index's library panics at some damage, such as a file that is shorter than its own end says.
            Ok(Some(_tenure)) => match AssertUnwindSafe(write(shared, store, stop)).catch_unwind().await {
                Ok(written) => written.err(),
                Err(_) => Some(Trouble::Stale("the index's library gave up")),
            },
            Ok(None) => {
                follow(shared, stop).await;
                None
            }
            Err(error) => Some(Trouble::Folder(error)),
        };
        let Some(trouble) = trouble else { continue };
        match &trouble {
            Trouble::Database(_) | Trouble::Slow => {
                tracing::warn!(%trouble, "the search index waits for the database");
                shared.is_up_to_date(false);
            }
            Trouble::Stale(_) | Trouble::Index(_) => {
                tracing::warn!(%trouble, "the search index is made anew");
                shared.hide();
                if let Ok(Some(_tenure)) = Tenure::of(&shared.folder)
                    && let Err(error) = folder::clear(&shared.folder)
                {
                    tracing::error!(%error, "the old search index cannot be removed");
                }
            }
            Trouble::Folder(_) => tracing::error!(%trouble, "the search index cannot be kept"),
        }
        // A disk that is full is still full a second later, and every attempt reads the whole database.
        failures = if begun.elapsed() > MAX_RETRY { 1 } else { failures + 1 };
        let pause = match trouble {
            Trouble::Stale(_) if failures == 1 => Duration::ZERO,
            Trouble::Database(_) | Trouble::Slow => RETRY,
            _ => (RETRY * 2_u32.pow(failures.min(6))).min(MAX_RETRY),
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Reads what another process writes, until that one is gone.
async fn follow(shared: &Arc<Shared>, stop: &CancellationToken) {
    let mut read: Option<(Index, IndexReader)> = None;
    let (_, fields) = schema::schema();
    loop {
        let opened = match read.take() {
            Some((index, reader)) => reader.reload().map(|()| (index, reader)),
            None => MmapDirectory::open(folder::files(&shared.folder))
                .map_err(Into::into)
                .and_then(|directory| open(Index::open(directory)?)),
        };
        // The writer may be making a new one just now.
        if let Ok((index, reader)) = opened {
            let is_behind = position_of(&index).is_none_or(|position| position.building.is_some());
            shared.show(reader.clone(), fields, is_behind);
            read = Some((index, reader));
        } else {
            shared.hide();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FOLLOW) => {}
        }
        if matches!(Tenure::of(&shared.folder), Ok(Some(_))) {
            return;
        }
    }
}

fn open(mut index: Index) -> tantivy::Result<(Index, IndexReader)> {
    index.set_tokenizers(terms::analyzers());
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok((index, reader))
}

fn position_of(index: &Index) -> Option<Position> {
    serde_json::from_str(&index.load_metas().ok()?.payload?).ok()
}

/// The index on the disk, if it is whole and of our format; a new one if there is none.
fn open_whole(folder: &Path) -> Result<(Index, Option<Position>), Trouble> {
    let directory = Unforced::open(folder)?;
    let (schema, _) = schema::schema();
    if folder::is_renewal_asked(folder) {
        return Err(Trouble::Stale("that was asked for"));
    }
    if !Index::exists(&directory).map_err(tantivy::TantivyError::from)? {
        folder::clear(folder)?;
        let fresh = IndexBuilder::new().schema(schema).tokenizers(terms::analyzers());
        return Ok((fresh.open_or_create(Unforced::open(folder)?)?, None));
    }
    let index = Index::open(directory)?;
    let position = position_of(&index).filter(|position| position.format == FORMAT);
    let position = position.ok_or(Trouble::Stale("its format is another one"))?;
    if index.schema() != schema {
        return Err(Trouble::Stale("its form is another one"));
    }
    if !index.validate_checksum()?.is_empty() {
        return Err(Trouble::Stale("some of its files are damaged"));
    }
    Ok((index, Some(position)))
}

/// Keeps the index until told to stop.
async fn write(shared: &Arc<Shared>, store: &Store, stop: &CancellationToken) -> Result<(), Trouble> {
    let source = Source::of(store);
    let collection = source.identity().await?;
    let (index, position) = open_whole(&shared.folder)?;
    if position.as_ref().is_some_and(|position| position.collection != collection) {
        return Err(Trouble::Stale("it is of another database"));
    }
    if let Some(seen) = position.as_ref().and_then(|position| position.seen)
        && !source.holds(&seen).await?
    {
        return Err(Trouble::Stale("the database is older than it"));
    }
    let position = match position {
        // Whatever the position says: what was written up to now may be in the index already.
        Some(position) => {
            let now = source.now().await?;
            Position { overlap: Some((now.time, now.increment)), ..position }
        }
        None => Position {
            format: FORMAT,
            collection,
            token: source.position().await?,
            building: Some(Building { below: None }),
            built_at: None,
            overlap: None,
            seen: None,
        },
    };
    let (index, reader) = open(index)?;
    let options = tantivy::indexer::IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_BYTES)
        .build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    writer.set_merge_policy(Box::new(merge_policy()));
    let (_, fields) = schema::schema();
    shared.show(reader.clone(), fields, true);
    Pen::new(shared, store, (writer, reader), fields, position).keep(source, stop).await
}

fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    // A commit brings a few hundred messages: these are joined among themselves before they are joined with
    // what is larger.
    policy.set_min_layer_size(2_000);
    policy.set_min_num_segments(8);
    policy.set_max_docs_before_merge(MAX_JOINED);
    policy.set_del_docs_ratio_before_merge(0.3);
    policy
}
