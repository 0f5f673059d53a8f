//! Passwords: argon2id, off the async threads, with a bounded number at once.
//!
//! Permits are given to the networks in turn, so that one busy network does not block the others.
//! Names that recently signed in from their network come before the others.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::oneshot;

use crate::domain::{Error, Network, Result, password::normalized};

/// The most hashes computed at once; each takes a core and 19 MiB (argon2's own defaults, OWASP's
/// minimum).
const MAX_CONCURRENT_HASHES: usize = 2;
/// The most callers of one network that may wait: with names that signed in there recently, and
/// with others.
const MAX_QUEUED_PER_NETWORK: [usize; 2] = [64, 16];
/// The most callers that may wait in all.
const MAX_QUEUED_HASHES: usize = 256;
/// The time after which a refused caller may retry.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The network and the priority of a caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct HashPriority {
    pub network: Network,
    /// Whether the name recently signed in from there, or the caller is signed in.
    pub is_known: bool,
}

impl HashPriority {
    /// Returns the priority of the operator and of signed-in users.
    pub fn internal() -> Self {
        Self {
            network: Network::of(std::net::Ipv4Addr::UNSPECIFIED.into()),
            is_known: true,
        }
    }
}

/// The waiting callers, by network.
#[derive(Default)]
struct NetworkQueue {
    turns: VecDeque<Network>,
    waiting: HashMap<Network, VecDeque<oneshot::Sender<HashPermit>>>,
    count: usize,
}

impl NetworkQueue {
    fn of(&self, network: Network) -> usize {
        self.waiting.get(&network).map_or(0, VecDeque::len)
    }

    fn push(&mut self, network: Network, caller: oneshot::Sender<HashPermit>) {
        let theirs = self.waiting.entry(network).or_default();
        if theirs.is_empty() {
            self.turns.push_back(network);
        }
        theirs.push_back(caller);
        self.count += 1;
    }

    /// Takes the first caller of the network whose turn it is.
    fn pop(&mut self) -> Option<oneshot::Sender<HashPermit>> {
        let network = self.turns.pop_front()?;
        let theirs = self.waiting.get_mut(&network)?;
        let caller = theirs.pop_front();
        if theirs.is_empty() {
            self.waiting.remove(&network);
        } else {
            self.turns.push_back(network);
        }
        self.count -= usize::from(caller.is_some());
        caller
    }

    /// Removes the last caller of the network with the longest queue, if it is longer than `than`.
    fn pop_longest(&mut self, than: usize) -> Option<oneshot::Sender<HashPermit>> {
        let (network, theirs) = self
            .waiting
            .iter_mut()
            .max_by_key(|(_, theirs)| theirs.len())?;
        if theirs.len() <= than {
            return None;
        }
        let (network, caller) = (*network, theirs.pop_back());
        if theirs.is_empty() {
            self.waiting.remove(&network);
            self.turns.retain(|other| *other != network);
        }
        self.count -= usize::from(caller.is_some());
        caller
    }
}

#[derive(Default)]
struct HashQueue {
    running: usize,
    /// Names that recently signed in, then the others.
    queues: [NetworkQueue; 2],
}

/// A permit for one hash; the next caller gets it when it is dropped.
struct HashPermit(Arc<Mutex<HashQueue>>);

impl Drop for HashPermit {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let next = queue.queues.iter_mut().find_map(NetworkQueue::pop);
            if next.is_none() {
                queue.running -= 1;
            }
            next
        };
        if let Some(next) = next {
            // A caller that went away meanwhile drops the permit, which passes it on.
            drop(next.send(HashPermit(Arc::clone(&self.0))));
        }
    }
}

/// The service that computes the hashes.
pub(super) struct HashingService {
    queue: Arc<Mutex<HashQueue>>,
    /// The hash that an unknown name's password is compared with, so that it takes as long as a
    /// known one's.
    decoy: Arc<tokio::sync::OnceCell<String>>,
}

impl HashingService {
    pub fn new() -> Self {
        Self {
            queue: Arc::default(),
            decoy: Arc::default(),
        }
    }

    /// Hashes a password with a random salt.
    #[tracing::instrument(name = "passwords.hash", level = "debug", skip_all)]
    pub async fn hash(&self, place: HashPriority, password: &str) -> Result<String> {
        let password = normalized(password);
        self.work(place, move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| {
                tracing::error!(%error, "a password could not be hashed");
                Error::Internal
            })
        })
        .await?
    }

    /// Returns whether `password` matches the hash. Without a hash it takes as long and returns
    /// false.
    #[tracing::instrument(name = "passwords.verify", level = "debug", skip_all)]
    pub async fn verify(
        &self,
        place: HashPriority,
        password: String,
        hash: Option<String>,
    ) -> Result<bool> {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self
                .decoy
                .get_or_try_init(|| self.hash(place, "decoy"))
                .await?
                .clone(),
        };
        let matches = self
            .work(place, move || match PasswordHash::new(&hash) {
                Ok(parsed) => {
                    let is = |text: &str| {
                        Argon2::default()
                            .verify_password(text.as_bytes(), &parsed)
                            .is_ok()
                    };
                    let normalized = normalized(&password);
                    // Older hashes are of the text as the keyboard sent it, without Unicode
                    // composition.
                    is(&normalized) || (normalized != password && is(&password))
                }
                Err(error) => {
                    tracing::error!(%error, "a stored password hash cannot be understood");
                    false
                }
            })
            .await?;
        Ok(matches && known)
    }

    /// Waits for a permit.
    async fn wait_for_permit(&self, place: HashPriority) -> Result<HashPermit> {
        let busy = || Error::RateLimited {
            retry_after: BUSY_RETRY_AFTER,
        };
        let (given, turn) = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.running < MAX_CONCURRENT_HASHES {
                queue.running += 1;
                return Ok(HashPermit(Arc::clone(&self.queue)));
            }
            let line = usize::from(!place.is_known);
            let theirs = queue.queues[line].of(place.network);
            if theirs >= MAX_QUEUED_PER_NETWORK[line] {
                return Err(busy());
            }
            let mut given = None;
            if queue.queues.iter().map(|line| line.count).sum::<usize>() >= MAX_QUEUED_HASHES {
                // The queue is full: the last caller of the network with the longest queue is
                // removed.
                let [known, others] = &mut queue.queues;
                let most = if line == 0 { 0 } else { theirs + 1 };
                given = others.pop_longest(most);
                if given.is_none() && line == 0 {
                    given = known.pop_longest(theirs + 1);
                }
                if given.is_none() {
                    return Err(busy());
                }
            }
            let (sender, turn) = oneshot::channel();
            queue.queues[line].push(place.network, sender);
            (given, turn)
        };
        drop(given);
        turn.await.map_err(|_| busy())
    }

    async fn work<T: Send + 'static>(
        &self,
        place: HashPriority,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let turn = self.wait_for_permit(place).await?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "password work panicked");
            Error::Internal
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_shared_by_network_and_known_names_come_first() {
        let passwords = Arc::new(HashingService::new());
        let place = |last: u8, is_known| HashPriority {
            network: Network::of([203, 0, 113, last].into()),
            is_known,
        };
        let held = [
            passwords.wait_for_permit(place(1, false)).await.unwrap(),
            passwords.wait_for_permit(place(1, false)).await.unwrap(),
        ];
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = tokio::task::JoinSet::new();
        for (who, at) in [(1, place(1, false)); 20]
            .into_iter()
            .chain([(2, place(2, false)), (3, place(3, true))])
        {
            let (passwords, order) = (Arc::clone(&passwords), Arc::clone(&order));
            waiting.spawn(async move {
                let turn = passwords.wait_for_permit(at).await?;
                order.lock().unwrap().push(who);
                drop(turn);
                Ok::<(), Error>(())
            });
            tokio::task::yield_now().await;
        }
        let [first, second] = held;
        drop(first);
        let outcomes = waiting.join_all().await;
        drop(second);
        let order = order.lock().unwrap().clone();
        assert_eq!(order[0], 3, "{order:?}");
        assert!(order[1..3].contains(&2), "{order:?}");
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_err()).count(),
            4,
            "a network has sixteen places"
        );
        assert_eq!(passwords.queue.lock().unwrap().running, 0);
    }
}
