//! The load meter: queued bytes, incoming and outgoing, by connection, by user and in total.
//!
//! Queues that are bounded by number hold entries that differ by a factor of 100,000 in size, so
//! bytes are counted. Each connection has a [`Load`], each user (or unauthenticated network) a
//! [`LoadAccount`], and the process one sum. Nothing here locks or allocates where events pass; a
//! lock is taken when a connection becomes heavy.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, Result, UserId, network::Network};

/// The most bytes that may wait for one connection to read them.
pub const MAX_CONNECTION_OUTGOING_BYTES: usize = 8 << 20;
/// A connection with this many unread bytes is among those closed first when the load is too high.
const HEAVY_CONNECTION_BYTES: usize = 128 << 10;
/// The most unread bytes of all connections of one user.
const MAX_USER_OUTGOING_BYTES: usize = 32 << 20;
/// The most bytes that all connections of one user may have sent and the service not yet handled.
const MAX_USER_INCOMING_BYTES: usize = 32 << 20;
/// The same limits for one network without a token.
const MAX_NETWORK_OUTGOING_BYTES: usize = 16 << 20;
const MAX_NETWORK_INCOMING_BYTES: usize = 8 << 20;
/// The same limits for all users and networks together.
const MAX_TOTAL_OUTGOING_BYTES: usize = 256 << 20;
const MAX_TOTAL_INCOMING_BYTES: usize = 192 << 20;
/// The most heavy reads of one user at once, and how many more may wait.
const MAX_CONCURRENT_READS_PER_USER: usize = 4;
const MAX_QUEUED_READS_PER_USER: usize = 64;
/// How long a heavy read may wait.
const READ_QUEUE_TIMEOUT: Duration = Duration::from_secs(20);
/// When a refused client should retry.
const OVERLOAD_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The owner of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoadOwner {
    Person(UserId),
    Network(Network),
}

#[derive(Default)]
struct LoadTotals {
    incoming: AtomicUsize,
    outgoing: AtomicUsize,
    accounts: Mutex<HashMap<LoadOwner, Weak<LoadAccount>>>,
    /// Connections that have, or had, many unread bytes.
    heavy: Mutex<Vec<Weak<Load>>>,
}

/// The load meter of one service.
#[derive(Clone, Default)]
pub struct LoadMeter(Arc<LoadTotals>);

impl LoadMeter {
    /// Returns the load account of this owner, over all their connections.
    #[must_use]
    pub fn load_account(&self, owner: LoadOwner) -> Arc<LoadAccount> {
        let mut accounts = self
            .0
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(load_account) = accounts.get(&owner).and_then(Weak::upgrade) {
            return load_account;
        }
        let load_account = Arc::new(LoadAccount {
            owner,
            incoming: AtomicUsize::new(0),
            outgoing: AtomicUsize::new(0),
            reads: Arc::new(Semaphore::new(MAX_CONCURRENT_READS_PER_USER)),
            writes: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
            totals: Arc::clone(&self.0),
        });
        accounts.insert(owner, Arc::downgrade(&load_account));
        load_account
    }

    /// Returns how many bytes clients have not read yet.
    #[must_use]
    pub fn outgoing(&self) -> usize {
        self.0.outgoing.load(Ordering::Relaxed)
    }
}

/// The load of one user, or of one unauthenticated network.
pub struct LoadAccount {
    owner: LoadOwner,
    incoming: AtomicUsize,
    outgoing: AtomicUsize,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    /// The number of heavy calls that wait.
    waiting: AtomicUsize,
    totals: Arc<LoadTotals>,
}

/// The permit for one heavy call; dropping it releases the permit.
pub struct HeavyPermit(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// The kind of a heavy call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heavy {
    /// Four at once.
    Read,
    /// One at a time.
    Write,
}

impl LoadAccount {
    /// Returns the owner, if it is a user.
    #[must_use]
    pub fn person(&self) -> Option<UserId> {
        match self.owner {
            LoadOwner::Person(user) => Some(user),
            LoadOwner::Network(_) => None,
        }
    }

    fn limits(&self) -> (usize, usize) {
        match self.owner {
            LoadOwner::Person(_) => (MAX_USER_INCOMING_BYTES, MAX_USER_OUTGOING_BYTES),
            LoadOwner::Network(_) => (MAX_NETWORK_INCOMING_BYTES, MAX_NETWORK_OUTGOING_BYTES),
        }
    }

    /// Counts incoming bytes until the returned guard is dropped.
    ///
    /// # Errors
    /// `RateLimited` when too much of this owner, or of all, is being handled.
    pub fn hold_incoming(self: &Arc<Self>, bytes: usize) -> Result<HeldBytes> {
        let mut held = HeldBytes {
            load_account: Arc::clone(self),
            bytes: 0,
        };
        held.grow(bytes)?;
        Ok(held)
    }

    /// Checks whether another heavy answer may be computed.
    ///
    /// # Errors
    /// `RateLimited` while this owner, or all together, have too many unread bytes.
    pub fn check_capacity(&self) -> Result<()> {
        let (_, out) = self.limits();
        let theirs = self.outgoing.load(Ordering::Relaxed);
        if theirs >= out / 2
            || self.totals.outgoing.load(Ordering::Relaxed) >= MAX_TOTAL_OUTGOING_BYTES / 2
        {
            return Err(Error::RateLimited {
                retry_after: OVERLOAD_RETRY_AFTER,
            });
        }
        Ok(())
    }

    /// Waits for a permit for a heavy call of this owner. With `patience: true` neither the number
    /// of waiting calls nor the time is limited.
    ///
    /// # Errors
    /// `RateLimited` when too many calls wait already, or the wait takes too long.
    pub async fn turn(&self, heavy: Heavy, patience: bool) -> Result<HeavyPermit> {
        let turns = match heavy {
            Heavy::Read => &self.reads,
            Heavy::Write => &self.writes,
        };
        if let Ok(turn) = Arc::clone(turns).try_acquire_owned() {
            return Ok(HeavyPermit(turn));
        }
        let late = || Error::RateLimited {
            retry_after: OVERLOAD_RETRY_AFTER,
        };
        if patience {
            return Arc::clone(turns)
                .acquire_owned()
                .await
                .map(HeavyPermit)
                .map_err(|_| late());
        }
        let _place = QueuedPermit::enqueue(&self.waiting).ok_or_else(late)?;
        let turn =
            tokio::time::timeout(READ_QUEUE_TIMEOUT, Arc::clone(turns).acquire_owned()).await;
        turn.map_err(|_| late())?
            .map(HeavyPermit)
            .map_err(|_| late())
    }

    fn add_outgoing(&self, bytes: usize) {
        let (_, limit) = self.limits();
        let theirs = self.outgoing.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let all = self.totals.outgoing.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if theirs > limit {
            self.totals.abort_heaviest(Some(self.owner));
        } else if all > MAX_TOTAL_OUTGOING_BYTES {
            self.totals.abort_heaviest(None);
        }
    }

    fn subtract_outgoing(&self, bytes: usize) {
        self.outgoing.fetch_sub(bytes, Ordering::Relaxed);
        self.totals.outgoing.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for LoadAccount {
    fn drop(&mut self) {
        let mut accounts = self
            .totals
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if accounts
            .get(&self.owner)
            .is_some_and(|load_account| load_account.strong_count() == 0)
        {
            accounts.remove(&self.owner);
        }
    }
}

struct QueuedPermit<'a>(&'a AtomicUsize);

impl<'a> QueuedPermit<'a> {
    fn enqueue(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_QUEUED_READS_PER_USER).then_some(place)
    }
}

impl Drop for QueuedPermit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Incoming bytes that are being handled; dropping this ends the count.
pub struct HeldBytes {
    load_account: Arc<LoadAccount>,
    bytes: usize,
}

impl HeldBytes {
    /// Adds bytes.
    ///
    /// # Errors
    /// `RateLimited` when the load is too high; the earlier bytes stay counted.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let (limit, _) = self.load_account.limits();
        let theirs = self
            .load_account
            .incoming
            .fetch_add(bytes, Ordering::Relaxed)
            + bytes;
        let all = self
            .load_account
            .totals
            .incoming
            .fetch_add(bytes, Ordering::Relaxed)
            + bytes;
        self.bytes += bytes;
        if theirs > limit || all > MAX_TOTAL_INCOMING_BYTES {
            self.shrink(bytes);
            return Err(Error::RateLimited {
                retry_after: OVERLOAD_RETRY_AFTER,
            });
        }
        Ok(())
    }

    fn shrink(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.load_account
            .incoming
            .fetch_sub(bytes, Ordering::Relaxed);
        self.load_account
            .totals
            .incoming
            .fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

type AbortHandle = Box<dyn Fn() + Send + Sync>;

/// The unread bytes of one connection.
pub struct Load {
    /// Itself, for the list of heavy connections.
    this: Weak<Load>,
    waiting: AtomicUsize,
    is_listed: AtomicBool,
    account: OnceLock<Arc<LoadAccount>>,
    cut: OnceLock<AbortHandle>,
}

impl Load {
    /// Creates an empty load without an owner.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            waiting: AtomicUsize::new(0),
            is_listed: AtomicBool::new(false),
            account: OnceLock::new(),
            cut: OnceLock::new(),
        })
    }

    /// Sets the owner, and the callback that aborts the connection when its load is the highest.
    /// Must be called before bytes are added; a second call has no effect.
    pub fn set_owner(
        &self,
        load_account: Arc<LoadAccount>,
        cut: impl Fn() + Send + Sync + 'static,
    ) {
        let _ = self.cut.set(Box::new(cut));
        let _ = self.account.set(load_account);
    }

    /// Returns the owner's load account; `None` before the owner is set.
    #[must_use]
    pub fn load_account(&self) -> Option<&Arc<LoadAccount>> {
        self.account.get()
    }

    /// Returns how many bytes are unread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Adds queued bytes. Returns `false` and adds nothing if they exceed a limit.
    #[must_use]
    pub fn add(&self, bytes: usize) -> bool {
        // The sums are raised first: another thread may write the bytes at once and subtract them
        // from the sums.
        let load_account = self.account.get();
        if let Some(load_account) = load_account {
            load_account.add_outgoing(bytes);
        }
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > MAX_CONNECTION_OUTGOING_BYTES && before > 0 {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            if let Some(load_account) = load_account {
                load_account.subtract_outgoing(bytes);
            }
            return false;
        }
        if let Some(load_account) = load_account
            && before + bytes >= HEAVY_CONNECTION_BYTES
            && !self.is_listed.swap(true, Ordering::Relaxed)
        {
            load_account.totals.list(Weak::clone(&self.this));
        }
        true
    }

    /// Subtracts written bytes. Bytes that were never added (a ping, a head) are not subtracted.
    pub fn written(&self, bytes: usize) {
        let mut waiting = self.waiting.load(Ordering::Relaxed);
        while waiting > 0 {
            let off = bytes.min(waiting);
            let left = waiting - off;
            match self.waiting.compare_exchange_weak(
                waiting,
                left,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    if let Some(load_account) = self.account.get() {
                        load_account.subtract_outgoing(off);
                    }
                    return;
                }
                Err(now) => waiting = now,
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(load_account) = self.account.get() {
            load_account.subtract_outgoing(*self.waiting.get_mut());
        }
    }
}

impl LoadTotals {
    fn list(&self, load: Weak<Load>) {
        let mut heavy = self.heavy.lock().unwrap_or_else(PoisonError::into_inner);
        if heavy.len() == heavy.capacity() {
            heavy.retain(|load| load.strong_count() > 0);
        }
        heavy.push(load);
    }

    /// Aborts the connection of this owner, or of all, with the highest load.
    fn abort_heaviest(&self, owner: Option<LoadOwner>) {
        // A call that is already shedding load sees these bytes, too.
        let Ok(mut heavy) = self.heavy.try_lock() else {
            return;
        };
        let of_theirs = |load: &Arc<Load>| {
            owner.is_none() || load.account.get().map(|load_account| load_account.owner) == owner
        };
        let slowest = (0..heavy.len())
            .filter_map(|place| Some((place, heavy[place].upgrade()?)))
            .filter(|(_, load)| of_theirs(load))
            .max_by_key(|(_, load)| load.waiting());
        let Some((place, load)) = slowest else { return };
        heavy.swap_remove(place);
        drop(heavy);
        metrics::counter!("wardline_connections_closed_total", "reason" => "overweight")
            .increment(1);
        tracing::info!(
            bytes = load.waiting(),
            "too much waits to be read: the slowest connection is cut"
        );
        if let Some(cut) = load.cut.get() {
            cut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> LoadOwner {
        LoadOwner::Person(UserId::generate())
    }

    fn connection(load_account: &Arc<LoadAccount>) -> (Arc<Load>, Arc<AtomicBool>) {
        let (load, is_cut) = (Load::new(), Arc::new(AtomicBool::new(false)));
        let cut = Arc::clone(&is_cut);
        load.set_owner(Arc::clone(load_account), move || {
            cut.store(true, Ordering::Relaxed);
        });
        (load, is_cut)
    }

    #[test]
    fn a_connection_holds_so_many_bytes_however_many_packets_they_are() {
        let load_meter = LoadMeter::default();
        let load_account = load_meter.load_account(person());
        let (load, _) = connection(&load_account);
        assert!((0..8).all(|_| load.add(1 << 20)));
        assert!(!load.add(1), "8 MiB are the most");
        load.written(3 << 20);
        assert!(load.add(3 << 20));
        load.written(100 << 20);
        assert_eq!(
            (load.waiting(), load_meter.outgoing()),
            (0, 0),
            "more than waits is not taken off"
        );
        assert!(load.add(20 << 20), "a single answer always goes");
        drop(load);
        assert_eq!(load_meter.outgoing(), 0);
        drop(load_account);
        assert!(load_meter.0.accounts.lock().unwrap().is_empty());
    }

    #[test]
    fn of_many_connections_of_one_person_the_slowest_goes() {
        let load_meter = LoadMeter::default();
        let (one, other) = (
            load_meter.load_account(person()),
            load_meter.load_account(person()),
        );
        let (slow, slow_is_cut) = connection(&one);
        let (bystander, bystander_is_cut) = connection(&other);
        assert!(slow.add(7 << 20) && bystander.add(8 << 20));
        let quick: Vec<_> = (0..30).map(|_| connection(&one)).collect();
        for (load, _) in &quick {
            assert!(one.check_capacity().is_ok() || load_meter.outgoing() > 16 << 20);
            assert!(load.add(1 << 20));
        }
        assert!(one.check_capacity().is_err() && other.check_capacity().is_ok());
        assert!(
            slow_is_cut.load(Ordering::Relaxed),
            "37 MiB wait for one person"
        );
        assert!(
            !bystander_is_cut.load(Ordering::Relaxed),
            "nobody else is touched"
        );
    }

    #[test]
    fn what_comes_in_is_weighed_over_all_connections() {
        let load_meter = LoadMeter::default();
        let load_account = load_meter.load_account(person());
        let held: Vec<HeldBytes> = (0..4)
            .map(|_| load_account.hold_incoming(8 << 20).unwrap())
            .collect();
        assert!(matches!(
            load_account.hold_incoming(1),
            Err(Error::RateLimited { .. })
        ));
        assert!(
            load_meter
                .load_account(person())
                .hold_incoming(1 << 20)
                .is_ok(),
            "another's is another's"
        );
        drop(held);
        assert!(load_account.hold_incoming(8 << 20).is_ok());
    }

    #[tokio::test]
    async fn heavy_calls_of_one_person_take_turns() {
        let load_account = LoadMeter::default().load_account(person());
        let writing = load_account.turn(Heavy::Write, false).await.unwrap();
        assert!(load_account.writes.try_acquire().is_err());
        let mut reading = Vec::new();
        for _ in 0..MAX_CONCURRENT_READS_PER_USER {
            reading.push(load_account.turn(Heavy::Read, false).await.unwrap());
        }
        let queued: Vec<_> = (0..MAX_QUEUED_READS_PER_USER)
            .map(|_| QueuedPermit::enqueue(&load_account.waiting).unwrap())
            .collect();
        assert!(matches!(
            load_account.turn(Heavy::Read, false).await,
            Err(Error::RateLimited { .. })
        ));
        drop((queued, reading, writing));
        assert!(
            load_account.turn(Heavy::Write, false).await.is_ok()
                && load_account.turn(Heavy::Read, false).await.is_ok()
        );
    }
}
