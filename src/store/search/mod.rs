//! The search index: which messages contain which words.
//!
//! It is a second store, derived from the first (see `indexer`). It holds no only copy, and it may
//! be deleted at any time. Access is a condition of the query itself, never a filter on its
//! results. The results are ids; the messages themselves come from the database.

mod change_stream;
mod directory;
mod excerpts;
mod fractions;
mod index_terms;
mod indexer;
mod keyword;
mod message_source;
mod schema;
mod throttle;
mod tokenizer;
mod writer_task;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tantivy::{IndexReader, TantivyError};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use excerpts::Excerpt;

use super::Store;
use crate::domain::{
    ConversationId, Error, MessageId, Result, Timestamp, UserId,
    cursors::FoundCursor,
    message::{Message, MessageType},
};
pub use schema::MentionQuery;
use schema::{Fields, PreparedQuery};

/// The concurrent searches for each processor; each uses one while it runs.
const SEARCHES_PER_CORE: usize = 2;
/// The maximum number of searches that wait.
const MAX_QUEUED_SEARCHES: usize = 64;
/// The time after which a search is aborted.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a search waits for the index of a service that has just started.
const INDEX_OPEN_TIMEOUT: Duration = Duration::from_secs(2);

/// A search query. `visible_conversations` limits its access: the user's conversations, each with the `seq` up to
/// which the history is hidden from them.
#[derive(Debug, Clone)]
pub struct IndexQuery {
    /// `None` for everything that passes the filters.
    pub keyword: Option<String>,
    pub mentions: Option<MentionQuery>,
    pub visible_conversations: HashMap<ConversationId, u64>,
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    /// Written at this time or later.
    pub from: Option<Timestamp>,
    /// Written at this time or earlier.
    pub to: Option<Timestamp>,
    pub skip: usize,
    pub limit: usize,
    /// Only matches behind this cursor.
    pub behind: Option<FoundCursor>,
}

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Matches {
    /// Newest first.
    pub ids: Vec<MessageId>,
    /// The total number of matches, before a cursor and behind it.
    pub total: u64,
    /// The cursor behind these matches, when there are more.
    pub next: Option<FoundCursor>,
    /// The index is not up to date yet, or not again: there may be more matches.
    pub is_behind: bool,
    asked: Arc<Vec<keyword::QueryTerm>>,
}

/// A readable index.
#[derive(Clone)]
struct View {
    reader: IndexReader,
    fields: Fields,
    is_behind: bool,
}

/// The state that the indexer and the searches share.
struct Shared {
    folder: PathBuf,
    view: watch::Sender<Option<View>>,
    suspicion: Notify,
}

impl Shared {
    fn publish_view(&self, reader: IndexReader, fields: Fields, is_behind: bool) {
        record_document_count(&reader);
        self.view.send_replace(Some(View {
            reader,
            fields,
            is_behind,
        }));
    }

    fn clear_view(&self) {
        self.view.send_replace(None);
    }

    /// Sets whether the index contains every change received from the database.
    fn set_up_to_date(&self, is_it: bool) {
        self.view.send_if_modified(|view| {
            view.as_mut()
                .is_some_and(|view| std::mem::replace(&mut view.is_behind, !is_it) == is_it)
        });
    }

    /// Completes when a search has failed in a way that suggests a damaged index.
    async fn wait_for_suspicion(&self) {
        self.suspicion.notified().await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn record_document_count(reader: &IndexReader) {
    metrics::gauge!("wardline_search_documents").set(reader.searcher().num_docs() as f64);
}

fn record_lag(lag: Duration) {
    metrics::gauge!("wardline_search_lag_seconds").set(lag.as_secs_f64());
}

/// Describes an index error for the log, never with text of a message.
fn describe(error: &TantivyError) -> String {
    match error {
        TantivyError::IoError(error) => format!("io {:?}", error.kind()),
        TantivyError::DataCorruption(_) => "damaged".to_owned(),
        TantivyError::LockFailure(..) => "locked".to_owned(),
        TantivyError::OpenReadError(_) => "a file cannot be read".to_owned(),
        TantivyError::OpenWriteError(_) => "a file cannot be written".to_owned(),
        TantivyError::ErrorInThread(_) | TantivyError::Poisoned => "its writer broke".to_owned(),
        _ => "other".to_owned(),
    }
}

/// The search index, for queries.
#[derive(Clone)]
pub struct SearchIndex {
    shared: Arc<Shared>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl SearchIndex {
    /// Returns the index of the database `name`, below the data directory. Nothing is opened before
    /// [`SearchIndex::run`].
    #[must_use]
    pub fn of(data_dir: &Path, name: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let shared = Shared {
            folder: data_dir.join("search").join(name),
            view: watch::Sender::new(None),
            suspicion: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            running: Arc::new(Semaphore::new(cores * SEARCHES_PER_CORE)),
            waiting: Arc::new(Semaphore::new(
                cores * SEARCHES_PER_CORE + MAX_QUEUED_SEARCHES,
            )),
        }
    }

    /// Requests a rebuild of the index: at once where a service runs it, else when the next one
    /// starts.
    ///
    /// # Errors
    /// When its directory cannot be written.
    pub fn renew(data_dir: &Path, name: &str) -> std::io::Result<()> {
        directory::request_renewal(&data_dir.join("search").join(name))
    }

    /// Opens, builds and feeds the index in the background until `stop`; the receiver resolves when
    /// that has ended.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn run(
        &self,
        store: &Store,
        stop: &CancellationToken,
    ) -> std::io::Result<oneshot::Receiver<()>> {
        indexer::start(Arc::clone(&self.shared), store.clone(), stop.clone())
    }

    async fn view(&self) -> Option<View> {
        let mut views = self.shared.view.subscribe();
        let opened =
            tokio::time::timeout(INDEX_OPEN_TIMEOUT, views.wait_for(Option::is_some)).await;
        opened.ok()?.ok()?.clone()
    }

    /// Runs CPU-bound work when a permit is free.
    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let busy = Error::RateLimited {
            retry_after: Duration::from_secs(1),
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Error::Internal)?;
        let worker = tokio::task::spawn_blocking(move || {
            // Held by the work itself: the caller may have left.
            let _turn = turn;
            work()
        });
        worker.await.map_err(|panic| {
            tracing::error!(is_panic = panic.is_panic(), "a search broke");
            self.shared.suspicion.notify_one();
            Error::Internal
        })
    }

    /// Finds messages. An index that is not open yet returns no matches and sets `is_behind`.
    ///
    /// # Errors
    /// `RateLimited` when too many searches wait, or a search takes too long; `Internal`.
    pub async fn find(&self, question: IndexQuery) -> Result<Matches> {
        let start = Instant::now();
        let view = self.view().await;
        let (asked, found) = self
            .run_blocking(move || {
                let units = question.keyword.as_deref().map(keyword::parse_keyword);
                // A keyword without any unit finds nothing.
                let is_empty = units.as_ref().is_some_and(Vec::is_empty);
                let asked = PreparedQuery {
                    units: units.unwrap_or_default(),
                    mentions: question.mentions,
                    visible_conversations: question.visible_conversations,
                    sender: question.sender,
                    kind: question.kind,
                    from: question.from,
                    to: question.to,
                    skip: question.skip,
                    limit: question.limit,
                    behind: question.behind,
                };
                let found = view.map(|view| {
                    let (searcher, until) =
                        (view.reader.searcher(), Instant::now() + SEARCH_TIMEOUT);
                    let found = if is_empty {
                        Ok(Some(schema::IndexMatches::default()))
                    } else {
                        schema::search(&searcher, view.fields, &asked, until)
                    };
                    (found, view.is_behind)
                });
                (Arc::new(asked.units), found)
            })
            .await?;
        metrics::histogram!("wardline_search_seconds").record(start.elapsed().as_secs_f64());
        match found {
            None => Ok(Matches {
                ids: Vec::new(),
                total: 0,
                next: None,
                is_behind: true,
                asked,
            }),
            Some((Ok(Some(schema::IndexMatches { ids, total, next })), is_behind)) => Ok(Matches {
                ids,
                total,
                next,
                is_behind,
                asked,
            }),
            Some((Ok(None), _)) => Err(Error::RateLimited {
                retry_after: Duration::from_secs(1),
            }),
            Some((Err(error), _)) => {
                tracing::error!(cause = describe(&error), "the search index cannot be asked");
                self.shared.suspicion.notify_one();
                Err(Error::Internal)
            }
        }
    }

    /// Returns the excerpts of these messages. A message that no longer contains all searched words
    /// is omitted.
    ///
    /// # Errors
    /// `RateLimited`, `Internal`.
    pub async fn excerpts(
        &self,
        matches: &Matches,
        messages: Vec<Message>,
    ) -> Result<Vec<(Message, Vec<Excerpt>)>> {
        let asked = Arc::clone(&matches.asked);
        let show = move |message: Message| {
            let excerpts = excerpts::excerpts(&texts(&message), &asked)?;
            Some((message, excerpts))
        };
        self.run_blocking(move || messages.into_iter().filter_map(show).collect())
            .await
    }
}

/// Returns the searched texts of a message, as they are indexed.
fn texts(message: &Message) -> Vec<&str> {
    let mut texts = vec![message.content.as_str()];
    texts.extend(message.file.as_ref().map(|file| file.name.as_str()));
    for quote in &message.merged {
        texts.push(&quote.content);
        texts.extend(quote.file.as_ref().map(|file| file.name.as_str()));
    }
    texts
}
