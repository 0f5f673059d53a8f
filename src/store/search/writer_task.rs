//! The index writer: first the whole database, then every change as it comes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mongodb::bson::{Document, Timestamp as ClusterTime};
use serde::{Deserialize, Serialize};
use tantivy::{IndexReader, IndexWriter};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    change_stream::{MessageChange, StreamEvent},
    directory,
    message_source::{IndexError, MessageSource, SourceRow},
    schema::Fields,
    throttle::Throttle,
};
use crate::{
    domain::{Clock, MessageId, SystemClock, Timestamp},
    store::Store,
};

/// The maximum number of changes that wait for a commit.
const MAX_UNCOMMITTED_CHANGES: u64 = 20_000;
/// How long a first change waits for others.
const FIRST_COMMIT_DELAY: Duration = Duration::from_millis(25);
/// The delay between the end of one commit and the next; a slow commit extends it, up to one
/// second.
const MIN_COMMIT_DELAY: Duration = Duration::from_millis(300);
const MAX_COMMIT_DELAY: Duration = Duration::from_millis(600);
/// The same delay while messages come faster than they are indexed.
const BUSY_COMMIT_DELAY: Duration = Duration::from_secs(2);
/// The interval between two commits while the database is read.
const REBUILD_COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// How often the position is stored when nothing was written, so that it remains in the database's
/// log.
const POSITION_SAVE_INTERVAL: Duration = Duration::from_mins(5);
/// How often the writer checks whether an operator requested a rebuild.
const REBUILD_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the stream may be silent, without even an empty reply.
const STREAM_SILENCE_TIMEOUT: Duration = Duration::from_mins(1);

/// The position of the index, stored with each of its commits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IndexPosition {
    pub format: u32,
    /// The collection of the messages.
    pub collection: String,
    /// Every change up to here is in the index.
    pub token: Document,
    /// Set while the database is read: all messages down to this id were read.
    #[serde(default)]
    pub building: Option<RebuildState>,
    /// When the index was built.
    #[serde(default)]
    pub built_at: Option<Timestamp>,
    /// Changes up to this time may already be in the index, since they existed when it was built.
    #[serde(default)]
    pub overlap: Option<(u32, u32)>,
    /// The last change in the index. A database without it is older than the index: it holds only
    /// an earlier part of what the index has seen.
    #[serde(default)]
    pub seen: Option<IndexedMessage>,
}

/// A message in one of its states.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct IndexedMessage {
    pub id: MessageId,
    pub rev: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct RebuildState {
    pub below: Option<MessageId>,
}

/// The writer and its position.
pub(super) struct IndexWriterTask<'a> {
    shared: &'a Arc<Shared>,
    store: &'a Store,
    writer: IndexWriter,
    reader: IndexReader,
    fields: Fields,
    position: IndexPosition,
    /// The number of changes since the last commit.
    pending: u64,
    /// When the position was last stored.
    stored: Instant,
}

impl<'a> IndexWriterTask<'a> {
    pub fn new(
        shared: &'a Arc<Shared>,
        store: &'a Store,
        (writer, reader): (IndexWriter, IndexReader),
        fields: Fields,
        position: IndexPosition,
    ) -> Self {
        Self {
            shared,
            store,
            writer,
            reader,
            fields,
            position,
            pending: 0,
            stored: Instant::now(),
        }
    }

    /// Builds the index unless that was done, and follows the changes until `stop` is cancelled.
    pub async fn run(
        mut self,
        source: MessageSource,
        stop: &CancellationToken,
    ) -> Result<(), IndexError> {
        if self.build(&source, stop).await? {
            self.follow(source, stop).await
        } else {
            Ok(())
        }
    }

    /// Makes all changes so far visible, and stores the position.
    fn commit(&mut self) -> Result<(), IndexError> {
        let start = Instant::now();
        let payload =
            serde_json::to_string(&self.position).map_err(|_| IndexError::Stale("no position"))?;
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.reader.reload()?;
        self.pending = 0;
        self.stored = Instant::now();
        metrics::histogram!("wardline_search_commit_seconds").record(start.elapsed().as_secs_f64());
        super::record_document_count(&self.reader);
        Ok(())
    }

    /// Reads the whole database, the newest messages first, unless that was done; returns `false`
    /// when `stop` is cancelled.
    async fn build(
        &mut self,
        source: &MessageSource,
        stop: &CancellationToken,
    ) -> Result<bool, IndexError> {
        let Some(RebuildState { mut below }) = self.position.building else {
            return Ok(true);
        };
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
            self.position.building = Some(RebuildState { below });
            // The first page begins with the newest message.
            let first = rows.first().map(|row| IndexedMessage {
                id: row.id,
                rev: row.rev,
            });
            self.position.seen = self.position.seen.or(first);
            for entry in rows.into_iter().filter_map(SourceRow::into_document) {
                self.writer.add_document(self.fields.document(&entry))?;
            }
            if self.stored.elapsed() > REBUILD_COMMIT_INTERVAL {
                self.commit()?;
            }
        }
        let now = source.now().await?;
        self.position.building = None;
        self.position.built_at = Some(SystemClock.now());
        self.position.overlap = Some((now.time, now.increment));
        self.commit()?;
        let documents = self.reader.searcher().num_docs();
        tracing::info!(
            documents,
            seconds = start.elapsed().as_secs(),
            "the search index is built"
        );
        Ok(true)
    }

    /// Applies one change.
    fn apply(&mut self, change: MessageChange, time: ClusterTime) -> Result<(), IndexError> {
        let (row, may_be_there) = match change {
            MessageChange::New(row) => {
                let is_early = self
                    .position
                    .overlap
                    .is_some_and(|end| (time.time, time.increment) <= end);
                if !is_early {
                    self.position.overlap = None;
                }
                (Some(row), is_early)
            }
            MessageChange::Changed(id, row) => {
                self.writer.delete_term(self.fields.id_term(id));
                (row, false)
            }
            MessageChange::Foreign => (None, false),
        };
        if let Some(row) = row {
            self.position.seen = Some(IndexedMessage {
                id: row.id,
                rev: row.rev,
            });
            if may_be_there {
                self.writer.delete_term(self.fields.id_term(row.id));
            }
            if let Some(entry) = row.into_document() {
                self.writer.add_document(self.fields.document(&entry))?;
            }
        }
        self.pending += 1;
        Ok(())
    }

    /// Follows the changes until `stop` is cancelled.
    async fn follow(
        &mut self,
        source: MessageSource,
        stop: &CancellationToken,
    ) -> Result<(), IndexError> {
        let mut events = source.follow_changes(self.position.token.clone()).await?;
        let mut due: Option<tokio::time::Instant> = None;
        let mut next_commit = tokio::time::Instant::now();
        // The time of the oldest change that waits for a commit.
        let mut oldest = None;
        let mut pace = Throttle::new(Instant::now(), self.store.committed());
        let mut hear_at: Option<tokio::time::Instant> = None;
        let mut asked = tokio::time::interval(REBUILD_CHECK_INTERVAL);
        super::record_lag(Duration::ZERO);
        loop {
            let now = tokio::time::Instant::now();
            let (commit_at, go_on_at) = (
                due.unwrap_or(now + FIRST_COMMIT_DELAY),
                hear_at.unwrap_or(now + FIRST_COMMIT_DELAY),
            );
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.commit()?;
                    return Ok(());
                }
                _ = asked.tick() => if directory::is_renewal_requested(&self.shared.folder) {
                    return Err(IndexError::Stale("that was asked for"));
                },
                () = self.shared.wait_for_suspicion() => return Err(IndexError::Stale("a search failed in it")),
                () = tokio::time::sleep_until(commit_at), if due.is_some() => {
                    let start = Instant::now();
                    self.commit()?;
                    due = None;
                    let pause = (start.elapsed() * 8).clamp(MIN_COMMIT_DELAY, MAX_COMMIT_DELAY);
                    let pause = if pace.is_busy() { BUSY_COMMIT_DELAY } else { pause };
                    next_commit = tokio::time::Instant::now() + pause;
                    if let Some(wall) = oldest.take() {
                        super::record_lag(SystemClock.now().since(wall));
                    }
                }
                () = tokio::time::sleep_until(go_on_at), if hear_at.is_some() => hear_at = None,
                event = events.recv(), if hear_at.is_none() => match event {
                    Some(Ok(StreamEvent::MessageChange { change, time, wall, token })) => {
                        self.apply(change, time)?;
                        self.position.token = token;
                        oldest = oldest.or(wall);
                        if let Some(wait) = pace.record_change(Instant::now(), self.store.committed()) {
                            self.shared.set_up_to_date(false);
                            hear_at = Some(tokio::time::Instant::now() + wait);
                        }
                        let soon = || (tokio::time::Instant::now() + FIRST_COMMIT_DELAY).max(next_commit);
                        due = if self.pending >= MAX_UNCOMMITTED_CHANGES {
                            Some(tokio::time::Instant::now())
                        } else {
                            Some(due.unwrap_or_else(soon))
                        };
                    }
                    Some(Ok(StreamEvent::Quiet(token))) => {
                        super::record_lag(Duration::ZERO);
                        self.shared.set_up_to_date(true);
                        if let Some(token) = token {
                            self.position.token = token;
                        }
                        if self.stored.elapsed() > POSITION_SAVE_INTERVAL {
                            self.commit()?;
                        }
                    }
                    Some(Err(trouble)) => {
                        self.commit()?;
                        return Err(trouble);
                    }
                    None => return Err(IndexError::Stale("nobody tells of changes any more")),
                },
                () = tokio::time::sleep(STREAM_SILENCE_TIMEOUT) => return Err(IndexError::Slow),
            }
        }
    }
}
