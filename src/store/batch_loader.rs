//! Group reads, the counterpart of the group commit: lookups of one kind that arrive while others
//! are under way are gathered and sent as one command.
//!
//! The cost of a small lookup in mongod is the command, not the document. It is 150 to 250 µs for
//! one, and 15 to 50 µs for each of eight in one command (measured). There are no timers: a single
//! lookup is sent at once. Each lookup is sent after its caller's request, so callers read their
//! own writes.

use std::{future::Future, sync::Arc};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::{Instrument, Span};

use crate::domain::{Error, Result};

/// The concurrent commands of one kind: one is prepared here while mongod works on the other.
const MAX_CONCURRENT_COMMANDS: usize = 2;
/// The maximum number of waiting lookups; further callers wait to enqueue theirs.
const MAX_QUEUED_LOOKUPS: usize = 1_024;

struct LoadRequest<K, V> {
    key: K,
    answer: oneshot::Sender<Result<V>>,
    /// The span of the call that needs the value.
    span: Span,
}

/// Loads values of one kind in batches.
pub struct BatchLoader<K, V> {
    requests: mpsc::Sender<LoadRequest<K, V>>,
}

impl<K, V> std::fmt::Debug for BatchLoader<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gathered").finish_non_exhaustive()
    }
}

impl<K, V> BatchLoader<K, V>
where
    K: Clone + Send + Sync + 'static,
    V: Send + 'static,
{
    /// Gathers up to `most` keys for one call of `lookup`, which returns values in the order of the
    /// keys. It ends when it is dropped.
    pub fn new<F, L>(most: usize, lookup: L) -> Self
    where
        F: Future<Output = Result<Vec<V>>> + Send + 'static,
        L: Fn(Vec<K>) -> F + Send + Sync + 'static,
    {
        let (requests, waiting) = mpsc::channel(MAX_QUEUED_LOOKUPS);
        tokio::spawn(run_loader(most, Arc::new(lookup), waiting));
        Self { requests }
    }

    /// Returns the value of this key.
    ///
    /// # Errors
    /// The error of `lookup`.
    pub async fn get(&self, key: K) -> Result<V> {
        let (answer, answered) = oneshot::channel();
        if self
            .requests
            .send(LoadRequest {
                key,
                answer,
                span: Span::current(),
            })
            .await
            .is_err()
        {
            return Err(Error::Unavailable);
        }
        // A call that panicked sends no answer.
        answered.await.unwrap_or(Err(Error::Internal))
    }
}

async fn run_loader<K, V, F, L>(
    most: usize,
    lookup: Arc<L>,
    mut waiting: mpsc::Receiver<LoadRequest<K, V>>,
) where
    K: Clone + Send + Sync + 'static,
    V: Send + 'static,
    F: Future<Output = Result<Vec<V>>> + Send + 'static,
    L: Fn(Vec<K>) -> F + Send + Sync + 'static,
{
    let places = Arc::new(Semaphore::new(MAX_CONCURRENT_COMMANDS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let mut batch = Vec::new();
        if waiting.recv_many(&mut batch, most).await == 0 {
            return;
        }
        let lookup = Arc::clone(&lookup);
        // The command of several calls stands in the trace of the first.
        let span = batch.first().map_or(Span::none(), |ask| ask.span.clone());
        let load = async move {
            load_batch(&*lookup, batch).await;
            drop(place);
        };
        tokio::spawn(load.instrument(span));
    }
}

async fn load_batch<K, V, F, L>(lookup: &L, batch: Vec<LoadRequest<K, V>>)
where
    K: Clone,
    F: Future<Output = Result<Vec<V>>>,
    L: Fn(Vec<K>) -> F,
{
    // No lookup for callers that have left.
    let batch: Vec<LoadRequest<K, V>> = batch
        .into_iter()
        .filter(|ask| !ask.answer.is_closed())
        .collect();
    if batch.is_empty() {
        return;
    }
    let keys = batch.iter().map(|ask| ask.key.clone()).collect();
    match lookup(keys).await {
        Ok(values) => {
            for (ask, value) in batch.into_iter().zip(values) {
                drop(ask.answer.send(Ok(value)));
            }
        }
        // An unreadable document is an error for its own caller only.
        Err(Error::Internal) if batch.len() > 1 => {
            for ask in batch {
                let alone = lookup(vec![ask.key]).await;
                let value = alone.and_then(|mut values| values.pop().ok_or(Error::Internal));
                drop(ask.answer.send(value));
            }
        }
        Err(error) => {
            for ask in batch {
                drop(ask.answer.send(Err(error.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use super::*;

    type LoadResult = Arc<Mutex<Vec<Vec<u32>>>>;

    fn slow(most: usize) -> (Arc<BatchLoader<u32, u32>>, LoadResult) {
        let seen = LoadResult::default();
        let noted = Arc::clone(&seen);
        let lookup = move |keys: Vec<u32>| {
            noted.lock().unwrap().push(keys.clone());
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if keys.contains(&13) {
                    Err(Error::Internal)
                } else {
                    Ok(keys.iter().map(|k| k * 2).collect())
                }
            }
        };
        (Arc::new(BatchLoader::new(most, lookup)), seen)
    }

    #[tokio::test]
    async fn one_alone_goes_at_once_and_a_crowd_goes_together() {
        let (gathered, seen) = slow(8);
        assert!(matches!(gathered.get(1).await, Ok(2)));
        let crowd = (0..30).map(|key| {
            let gathered = Arc::clone(&gathered);
            tokio::spawn(async move { gathered.get(key).await })
        });
        for (key, answer) in crowd.collect::<Vec<_>>().into_iter().enumerate() {
            let expected = (key != 13).then(|| u32::try_from(key).unwrap() * 2);
            assert_eq!(answer.await.unwrap().ok(), expected, "{key}");
        }
        let seen = seen.lock().unwrap();
        assert!(seen.iter().all(|keys| keys.len() <= 8));
        assert!(seen.iter().any(|keys| keys.len() == 8), "{seen:?}");
    }
}
