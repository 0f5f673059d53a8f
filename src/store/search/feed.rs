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
use mongodb::{bson::Timestamp as ClusterTime, change_stream::event::ResumeToken};
use serde::{Deserialize, Serialize};
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
    pace::Pace,
    schema::{self, FORMAT, Fields},
    source::{Change, News, Source, Trouble},
    words,
};
use crate::{
    domain::{Clock, MessageId, SystemClock, Timestamp},
    store::Store,
};

/// What the writer may hold in memory before it writes a part of the index.
const WRITER_BYTES: usize = 48 << 20;
/// Parts with more messages are not joined any more.
const MAX_JOINED: usize = 1_000_000;
/// The most changes that wait for a commit.
const MAX_PENDING: u64 = 20_000;
/// A first change waits so long for others.
const GATHER: Duration = Duration::from_millis(25);
/// Between the end of one commit and the next; a slow commit makes it longer, up to the second.
const PAUSE: Duration = Duration::from_millis(300);
const LONG_PAUSE: Duration = Duration::from_millis(600);
/// The same while messages come faster than they are indexed.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Between two commits while the database is read.
const BUILD_PAUSE: Duration = Duration::from_secs(1);
/// How often the position is stored when nothing was written, so that it stays in the database's log.
const KEEP_POSITION: Duration = Duration::from_mins(5);
/// How long the database may say nothing, not even that there is no news.
const SILENCE: Duration = Duration::from_mins(1);
/// How long after a trouble it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest time until then, when it fails again and again.
const MAX_RETRY: Duration = Duration::from_mins(1);
/// How often a process that may not write looks for what the other has written.
const FOLLOW: Duration = Duration::from_millis(250);

/// Where the index stands: stored with each of its commits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    format: u32,
    /// Whose messages they are.
    collection: String,
    /// Every change up to here is in the index.
    token: ResumeToken,
    /// Set while the database is read: what was read reaches down to this id.
    #[serde(default)]
    building: Option<Building>,
    /// When it was built.
    #[serde(default)]
    built_at: Option<Timestamp>,
    /// Changes up to this time may be in the index already, since they were there when it was built.
    #[serde(default)]
    overlap: Option<(u32, u32)>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Building {
    below: Option<MessageId>,
}

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
            Trouble::Stale(_) if failures == 1 => GATHER,
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
    index.set_tokenizers(words::analyzers());
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
    if !Index::exists(&directory).map_err(tantivy::TantivyError::from)? {
        folder::clear(folder)?;
        let fresh = IndexBuilder::new().schema(schema).tokenizers(words::analyzers());
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
    let mut pen = Pen { shared, store, writer, reader, fields, position, pending: 0, stored: Instant::now() };
    if !pen.build(&source, stop).await? {
        return Ok(());
    }
    pen.follow(source, stop).await
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

/// The writer, and where it stands.
struct Pen<'a> {
    shared: &'a Arc<Shared>,
    store: &'a Store,
    writer: IndexWriter,
    reader: IndexReader,
    fields: Fields,
    position: Position,
    /// Changes since the last commit.
    pending: u64,
    /// When the position was stored last.
    stored: Instant,
}

impl Pen<'_> {
    /// Makes everything so far visible, and stores how far that is.
    fn commit(&mut self) -> Result<(), Trouble> {
        let start = Instant::now();
        let payload = serde_json::to_string(&self.position).map_err(|_| Trouble::Stale("no position"))?;
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.reader.reload()?;
        self.pending = 0;
        self.stored = Instant::now();
        metrics::histogram!("wardline_search_commit_seconds").record(start.elapsed().as_secs_f64());
        super::count(&self.reader);
        Ok(())
    }

    /// Reads the whole database, the newest messages first, unless that was done; `false` when told to stop.
    async fn build(&mut self, source: &Source, stop: &CancellationToken) -> Result<bool, Trouble> {
        let Some(Building { mut below }) = self.position.building else { return Ok(true) };
        let start = Instant::now();
        tracing::info!("building the search index");
        loop {
            let rows = tokio::select! {
                () = stop.cancelled() => {
                    self.commit()?;
                    return Ok(false);
                }
                rows = source.page(below) => rows?,
            };
            let Some((rows, last)) = rows else { break };
            below = Some(last);
            self.position.building = Some(Building { below });
            for entry in rows.into_iter().filter_map(super::source::SourceRow::entry) {
                self.writer.add_document(self.fields.document(&entry))?;
            }
            if self.stored.elapsed() > BUILD_PAUSE {
                self.commit()?;
            }
        }
        let now = source.now().await?;
        self.position.building = None;
        self.position.built_at = Some(SystemClock.now());
        self.position.overlap = Some((now.time, now.increment));
        self.commit()?;
        let documents = self.reader.searcher().num_docs();
        tracing::info!(documents, seconds = start.elapsed().as_secs(), "the search index is built");
        Ok(true)
    }

    /// Takes over one change.
    fn apply(&mut self, change: Change, time: ClusterTime) -> Result<(), Trouble> {
        let (row, may_be_there) = match change {
            Change::New(row) => {
                let is_early = self.position.overlap.is_some_and(|end| (time.time, time.increment) <= end);
                if !is_early {
                    self.position.overlap = None;
                }
                (Some(row), is_early)
            }
            Change::Changed(id, row) => {
                self.writer.delete_term(self.fields.only(id));
                (row, false)
            }
            Change::Foreign => (None, false),
        };
        if let Some(row) = row {
            if may_be_there {
                self.writer.delete_term(self.fields.only(row.id));
            }
            if let Some(entry) = row.entry() {
                self.writer.add_document(self.fields.document(&entry))?;
            }
        }
        self.pending += 1;
        Ok(())
    }

    /// Follows the changes until told to stop.
    async fn follow(&mut self, source: Source, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut news = source.listen(self.position.token.clone()).await?;
        let mut due: Option<tokio::time::Instant> = None;
        let mut next_commit = tokio::time::Instant::now();
        // When the oldest change that waits for a commit was made.
        let mut oldest = None;
        let mut pace = Pace::new(Instant::now(), self.store.committed());
        let mut hear_at: Option<tokio::time::Instant> = None;
        super::lag(Duration::ZERO);
        loop {
            let now = tokio::time::Instant::now();
            let (commit_at, go_on_at) = (due.unwrap_or(now + RETRY), hear_at.unwrap_or(now + RETRY));
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.commit()?;
                    return Ok(());
                }
                () = self.shared.suspected() => return Err(Trouble::Stale("a search failed in it")),
                () = tokio::time::sleep_until(commit_at), if due.is_some() => {
                    let start = Instant::now();
                    self.commit()?;
                    due = None;
                    let pause = (start.elapsed() * 8).clamp(PAUSE, LONG_PAUSE);
                    let pause = if pace.is_busy() { BUSY_PAUSE } else { pause };
                    next_commit = tokio::time::Instant::now() + pause;
                    if let Some(wall) = oldest.take() {
                        super::lag(SystemClock.now().since(wall));
                    }
                }
                () = tokio::time::sleep_until(go_on_at), if hear_at.is_some() => hear_at = None,
                heard = news.recv(), if hear_at.is_none() => match heard {
                    Some(Ok(News::Change { change, time, wall, token })) => {
                        self.apply(change, time)?;
                        self.position.token = token;
                        oldest = oldest.or(wall);
                        if let Some(wait) = pace.take(Instant::now(), self.store.committed()) {
                            self.shared.is_up_to_date(false);
                            hear_at = Some(tokio::time::Instant::now() + wait);
                        }
                        let soon = || (tokio::time::Instant::now() + GATHER).max(next_commit);
                        due = if self.pending >= MAX_PENDING {
                            Some(tokio::time::Instant::now())
                        } else {
                            Some(due.unwrap_or_else(soon))
                        };
                    }
                    Some(Ok(News::Quiet(token))) => {
                        super::lag(Duration::ZERO);
                        self.shared.is_up_to_date(true);
                        if let Some(token) = token {
                            self.position.token = token;
                        }
                        if self.stored.elapsed() > KEEP_POSITION {
                            self.commit()?;
                        }
                    }
                    Some(Err(trouble)) => {
                        self.commit()?;
                        return Err(trouble);
                    }
                    None => return Err(Trouble::Stale("nobody tells of changes any more")),
                },
                () = tokio::time::sleep(SILENCE) => return Err(Trouble::Slow),
            }
        }
    }
}
