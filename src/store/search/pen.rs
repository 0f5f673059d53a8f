//! The hand that writes the index: first the whole database, then every change as it comes.

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
    changes::{Change, News},
    folder,
    pace::Pace,
    schema::Fields,
    source::{Source, SourceRow, Trouble},
};
use crate::{
    domain::{Clock, MessageId, SystemClock, Timestamp},
    store::Store,
};

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
/// How often it is looked whether the operator wants the index made anew.
const ASKED: Duration = Duration::from_secs(1);
/// How long the database may say nothing, not even that there is no news.
const SILENCE: Duration = Duration::from_mins(1);

/// Where the index stands: stored with each of its commits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Position {
    pub format: u32,
    /// Whose messages they are.
    pub collection: String,
    /// Every change up to here is in the index.
    pub token: Document,
    /// Set while the database is read: what was read reaches down to this id.
    #[serde(default)]
    pub building: Option<Building>,
    /// When it was built.
    #[serde(default)]
    pub built_at: Option<Timestamp>,
    /// Changes up to this time may be in the index already, since they were there when it was built.
    #[serde(default)]
    pub overlap: Option<(u32, u32)>,
    /// The last change that is in the index. A database without it is older than the index: what came before is
    /// a beginning of what the index has seen.
    #[serde(default)]
    pub seen: Option<Seen>,
}

/// A message in one of its states.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Seen {
    pub id: MessageId,
    pub rev: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Building {
    pub below: Option<MessageId>,
}

/// The writer, and where it stands.
pub(super) struct Pen<'a> {
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

impl<'a> Pen<'a> {
    pub fn new(
        shared: &'a Arc<Shared>,
        store: &'a Store,
        (writer, reader): (IndexWriter, IndexReader),
        fields: Fields,
        position: Position,
    ) -> Self {
        Self { shared, store, writer, reader, fields, position, pending: 0, stored: Instant::now() }
    }

    /// Builds the index unless that was done, and follows the changes until told to stop.
    pub async fn keep(mut self, source: Source, stop: &CancellationToken) -> Result<(), Trouble> {
        if self.build(&source, stop).await? { self.follow(source, stop).await } else { Ok(()) }
    }

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
            // The first page begins with the newest message of all.
            let first = rows.first().map(|row| Seen { id: row.id, rev: row.rev });
            self.position.seen = self.position.seen.or(first);
            for entry in rows.into_iter().filter_map(SourceRow::entry) {
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
            self.position.seen = Some(Seen { id: row.id, rev: row.rev });
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
        let mut asked = tokio::time::interval(ASKED);
        super::lag(Duration::ZERO);
        loop {
            let now = tokio::time::Instant::now();
            let (commit_at, go_on_at) = (due.unwrap_or(now + GATHER), hear_at.unwrap_or(now + GATHER));
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.commit()?;
                    return Ok(());
                }
                _ = asked.tick() => if folder::is_renewal_asked(&self.shared.folder) {
                    return Err(Trouble::Stale("that was asked for"));
                },
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
