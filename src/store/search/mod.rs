//! The search index: which messages hold which words.
//!
//! It is a store of a second kind, fed from the first (see `feed`): nothing in it is the only copy of
//! anything, and it may be removed at any time. Who may see what is a condition of the question itself, never
//! a sieve behind it. What is found are ids; the messages themselves come from the database.

mod changes;
mod feed;
mod folder;
mod fractions;
mod keyword;
mod marks;
mod pace;
mod pen;
mod schema;
mod source;
mod terms;
mod words;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tantivy::{IndexReader, TantivyError};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use marks::Excerpt;

use super::Store;
use crate::domain::{
    Error, MessageId, Result, SessionId, Timestamp, UserId,
    cursors::FoundCursor,
    message::{Message, MessageType},
};
pub use schema::Mentioned;
use schema::{Asked, Fields};

/// Searches at once for each processor; each takes one while it runs.
const AT_ONCE_EACH: usize = 2;
/// Searches that may wait for their turn.
const MAX_WAITING: usize = 64;
/// How long one search may take before it is given up.
const LIMIT: Duration = Duration::from_secs(2);
/// How long a search waits for the index of a service that has just started.
const OPENING: Duration = Duration::from_secs(2);

/// What is asked. `seats` says where the asker may look: their sessions, each with the `seq` up to which the
/// past is hidden from them.
#[derive(Debug, Clone)]
pub struct Question {
    /// None for everything that the filters let through.
    pub keyword: Option<String>,
    pub mentions: Option<Mentioned>,
    pub seats: HashMap<SessionId, u64>,
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    /// Written at this time or later.
    pub from: Option<Timestamp>,
    /// Written at this time or earlier.
    pub to: Option<Timestamp>,
    pub skip: usize,
    pub limit: usize,
    /// Only what comes behind this.
    pub behind: Option<FoundCursor>,
}

/// What the index says.
#[derive(Debug, Clone)]
pub struct Matches {
    /// Newest first.
    pub ids: Vec<MessageId>,
    /// How many there are in all, before a cursor and behind it.
    pub total: u64,
    /// The cursor behind these, when there are more.
    pub next: Option<FoundCursor>,
    /// The index is not yet, or not again, up to date: there may be more.
    pub is_behind: bool,
    asked: Arc<Vec<keyword::Unit>>,
}

/// A readable index.
#[derive(Clone)]
struct View {
    reader: IndexReader,
    fields: Fields,
    is_behind: bool,
}

/// What the one who keeps the index and those who search in it have in common.
struct Shared {
    folder: PathBuf,
    view: watch::Sender<Option<View>>,
    suspicion: Notify,
}

impl Shared {
    fn show(&self, reader: IndexReader, fields: Fields, is_behind: bool) {
        count(&reader);
        self.view.send_replace(Some(View { reader, fields, is_behind }));
    }

    fn hide(&self) {
        self.view.send_replace(None);
    }

    /// Whether the index knows everything that the database has told.
    fn is_up_to_date(&self, is_it: bool) {
        self.view.send_if_modified(|view| {
            view.as_mut().is_some_and(|view| std::mem::replace(&mut view.is_behind, !is_it) == is_it)
        });
    }

    /// Ends when a search has failed in a way that speaks against the index.
    async fn suspected(&self) {
        self.suspicion.notified().await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn count(reader: &IndexReader) {
    metrics::gauge!("wardline_search_documents").set(reader.searcher().num_docs() as f64);
}

fn lag(lag: Duration) {
    metrics::gauge!("wardline_search_lag_seconds").set(lag.as_secs_f64());
}

/// What may be logged of an index's failure: never a text.
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

/// The index, to search in.
#[derive(Clone)]
pub struct SearchIndex {
    shared: Arc<Shared>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl SearchIndex {
    /// The index of the database `name`, below the data folder. Nothing is opened before [`SearchIndex::keep`].
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
            running: Arc::new(Semaphore::new(cores * AT_ONCE_EACH)),
            waiting: Arc::new(Semaphore::new(cores * AT_ONCE_EACH + MAX_WAITING)),
        }
    }

    /// Has the index made anew: at once where a service keeps it, else when the next one starts.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn renew(data_dir: &Path, name: &str) -> std::io::Result<()> {
        folder::ask_renewal(&data_dir.join("search").join(name))
    }

    /// Opens, builds and feeds the index in the background until `stop`; answers when that has ended.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn keep(&self, store: &Store, stop: &CancellationToken) -> std::io::Result<oneshot::Receiver<()>> {
        feed::start(Arc::clone(&self.shared), store.clone(), stop.clone())
    }

    async fn view(&self) -> Option<View> {
        let mut views = self.shared.view.subscribe();
        let opened = tokio::time::timeout(OPENING, views.wait_for(Option::is_some)).await;
        opened.ok()?.ok()?.clone()
    }

    /// Runs work that takes a processor, when it is its turn.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let busy = Error::RateLimited { retry_after: Duration::from_secs(1) };
        let _place = self.waiting.try_acquire().map_err(|_| busy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Internal)?;
        let worker = tokio::task::spawn_blocking(move || {
            // Held by the work itself: who asked may have left.
            let _turn = turn;
            work()
        });
        worker.await.map_err(|panic| {
            tracing::error!(is_panic = panic.is_panic(), "a search broke");
            self.shared.suspicion.notify_one();
            Error::Internal
        })
    }

    /// Finds messages. An index that is not there yet finds nothing, and says so.
    ///
    /// # Errors
    /// `RateLimited` when too many search at once, or a search takes too long; `Internal`.
    pub async fn find(&self, question: Question) -> Result<Matches> {
        let start = Instant::now();
        let view = self.view().await;
        let (asked, found) = self
            .work(move || {
                let units = question.keyword.as_deref().map(keyword::units);
                // A keyword in which there is nothing to look for finds nothing.
                let is_empty = units.as_ref().is_some_and(Vec::is_empty);
                let asked = Asked {
                    units: units.unwrap_or_default(),
                    mentions: question.mentions,
                    seats: question.seats,
                    sender: question.sender,
                    kind: question.kind,
                    from: question.from,
                    to: question.to,
                    skip: question.skip,
                    limit: question.limit,
                    behind: question.behind,
                };
                let found = view.map(|view| {
                    let (searcher, until) = (view.reader.searcher(), Instant::now() + LIMIT);
                    let found = if is_empty {
                        Ok(Some(schema::Matches::default()))
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
            None => Ok(Matches { ids: Vec::new(), total: 0, next: None, is_behind: true, asked }),
            Some((Ok(Some(schema::Matches { ids, total, next })), is_behind)) => {
                Ok(Matches { ids, total, next, is_behind, asked })
            }
            Some((Ok(None), _)) => Err(Error::RateLimited { retry_after: Duration::from_secs(1) }),
            Some((Err(error), _)) => {
                tracing::error!(cause = describe(&error), "the search index cannot be asked");
                self.shared.suspicion.notify_one();
                Err(Error::Internal)
            }
        }
    }

    /// Where in these messages the asked words stand; what does not hold all of them any more is left out.
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
            let excerpts = marks::excerpts(&texts(&message), &asked)?;
            Some((message, excerpts))
        };
        self.work(move || messages.into_iter().filter_map(show).collect()).await
    }
}

/// What of a message is searched: as it is indexed.
fn texts(message: &Message) -> Vec<&str> {
    let mut texts = vec![message.content.as_str()];
    texts.extend(message.file.as_ref().map(|file| file.name.as_str()));
    for quote in &message.merged {
        texts.push(&quote.content);
        texts.extend(quote.file.as_ref().map(|file| file.name.as_str()));
    }
    texts
}
