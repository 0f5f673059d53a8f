//! What waits weighs: bytes on their way in or out, by connection, by person and in all.
//!
//! Queues that are bounded by number hold entries that differ by a factor of 100,000 in size, so bytes are
//! counted: each connection has a [`Load`], each person (or network of strangers) a [`Purse`], the process one
//! sum. Nothing here locks or allocates where events pass; a lock is taken when a connection becomes heavy.

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

/// Bytes that may wait for one connection to read them.
pub const CONNECTION_OUT: usize = 8 << 20;
/// From here on a connection counts among those that are closed first when too much waits.
const HEAVY: usize = 128 << 10;
/// Bytes that may wait for all connections of one person.
const PERSON_OUT: usize = 32 << 20;
/// Bytes that all connections of one person may have sent and we not yet worked off.
const PERSON_IN: usize = 32 << 20;
/// The same for what comes from one network without a token.
const NETWORK_OUT: usize = 16 << 20;
const NETWORK_IN: usize = 8 << 20;
/// The same for everybody together.
const ALL_OUT: usize = 256 << 20;
const ALL_IN: usize = 192 << 20;
/// Heavy reads of one person at once, and how many more may wait for their turn.
const READS: usize = 4;
const WAITING: usize = 64;
/// How long one waits for its turn.
const TURN_LIMIT: Duration = Duration::from_secs(20);
/// When to come again.
const LATER: Duration = Duration::from_secs(2);

/// Whose bytes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    Person(UserId),
    Network(Network),
}

#[derive(Default)]
struct Sums {
    incoming: AtomicUsize,
    outgoing: AtomicUsize,
    purses: Mutex<HashMap<Owner, Weak<Purse>>>,
    /// Connections for which much waits, or waited.
    heavy: Mutex<Vec<Weak<Load>>>,
}

/// The scales of one service.
#[derive(Clone, Default)]
pub struct Scales(Arc<Sums>);

impl Scales {
    /// Returns what is counted of this owner, over all their connections.
    #[must_use]
    pub fn purse(&self, owner: Owner) -> Arc<Purse> {
        let mut purses = self.0.purses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(purse) = purses.get(&owner).and_then(Weak::upgrade) {
            return purse;
        }
        let purse = Arc::new(Purse {
            owner,
            incoming: AtomicUsize::new(0),
            outgoing: AtomicUsize::new(0),
            reads: Arc::new(Semaphore::new(READS)),
            writes: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
            sums: Arc::clone(&self.0),
        });
        purses.insert(owner, Arc::downgrade(&purse));
        purse
    }

    /// Returns how many bytes wait to be read by clients.
    #[must_use]
    pub fn outgoing(&self) -> usize {
        self.0.outgoing.load(Ordering::Relaxed)
    }
}

/// What one person, or one network of strangers, has waiting.
pub struct Purse {
    owner: Owner,
    incoming: AtomicUsize,
    outgoing: AtomicUsize,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    /// Heavy calls that wait for their turn.
    waiting: AtomicUsize,
    sums: Arc<Sums>,
}

/// The right to do one heavy thing; given back when dropped.
pub struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// What kind of heavy call wants its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heavy {
    /// Four at once.
    Read,
    /// One at a time.
    Write,
}

impl Purse {
    /// Returns whose it is, if that is a person.
    #[must_use]
    pub fn person(&self) -> Option<UserId> {
        match self.owner {
            Owner::Person(user) => Some(user),
            Owner::Network(_) => None,
        }
    }

    fn limits(&self) -> (usize, usize) {
        match self.owner {
            Owner::Person(_) => (PERSON_IN, PERSON_OUT),
            Owner::Network(_) => (NETWORK_IN, NETWORK_OUT),
        }
    }

    /// Weighs what comes in, until the answer is dropped.
    ///
    /// # Errors
    /// `RateLimited` when too much of this owner, or of all, is being worked on.
    pub fn take_in(self: &Arc<Self>, bytes: usize) -> Result<Held> {
        let mut held = Held { purse: Arc::clone(self), bytes: 0 };
        held.grow(bytes)?;
        Ok(held)
    }

    /// Whether another heavy answer may be worked out.
    ///
    /// # Errors
    /// `RateLimited` while too much waits for this owner, or for all, to be read.
    pub fn has_room(&self) -> Result<()> {
        let (_, out) = self.limits();
        let theirs = self.outgoing.load(Ordering::Relaxed);
        if theirs >= out / 2 || self.sums.outgoing.load(Ordering::Relaxed) >= ALL_OUT / 2 {
            return Err(Error::RateLimited { retry_after: LATER });
        }
        Ok(())
    }

    /// Waits for this owner's turn to do something heavy; with `patience: true` however many wait already, and
    /// however long it takes.
    ///
    /// # Errors
    /// `RateLimited` when too many wait already, or it takes too long.
    pub async fn turn(&self, heavy: Heavy, patience: bool) -> Result<Turn> {
        let turns = match heavy {
            Heavy::Read => &self.reads,
            Heavy::Write => &self.writes,
        };
        if let Ok(turn) = Arc::clone(turns).try_acquire_owned() {
            return Ok(Turn(turn));
        }
        let late = || Error::RateLimited { retry_after: LATER };
        if patience {
            return Arc::clone(turns).acquire_owned().await.map(Turn).map_err(|_| late());
        }
        let _place = Queued::behind(&self.waiting).ok_or_else(late)?;
        let turn = tokio::time::timeout(TURN_LIMIT, Arc::clone(turns).acquire_owned()).await;
        turn.map_err(|_| late())?.map(Turn).map_err(|_| late())
    }

    fn add_out(&self, bytes: usize) {
        let (_, limit) = self.limits();
        let theirs = self.outgoing.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let all = self.sums.outgoing.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if theirs > limit {
            self.sums.shed(Some(self.owner));
        } else if all > ALL_OUT {
            self.sums.shed(None);
        }
    }

    fn sub_out(&self, bytes: usize) {
        self.outgoing.fetch_sub(bytes, Ordering::Relaxed);
        self.sums.outgoing.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Purse {
    fn drop(&mut self) {
        let mut purses = self.sums.purses.lock().unwrap_or_else(PoisonError::into_inner);
        if purses.get(&self.owner).is_some_and(|purse| purse.strong_count() == 0) {
            purses.remove(&self.owner);
        }
    }
}

struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn behind(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(place)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that came in and are being worked on; dropped, they are done.
pub struct Held {
    purse: Arc<Purse>,
    bytes: usize,
}

impl Held {
    /// Weighs more.
    ///
    /// # Errors
    /// `RateLimited` when it is too much; what was weighed before stays.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let (limit, _) = self.purse.limits();
        let theirs = self.purse.incoming.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let all = self.purse.sums.incoming.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bytes += bytes;
        if theirs > limit || all > ALL_IN {
            self.shrink(bytes);
            return Err(Error::RateLimited { retry_after: LATER });
        }
        Ok(())
    }

    fn shrink(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.purse.incoming.fetch_sub(bytes, Ordering::Relaxed);
        self.purse.sums.incoming.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

type Cut = Box<dyn Fn() + Send + Sync>;

/// What waits for one connection to read it.
pub struct Load {
    /// Itself, for the list of the heavy ones.
    this: Weak<Load>,
    waiting: AtomicUsize,
    listed: AtomicBool,
    purse: OnceLock<Arc<Purse>>,
    cut: OnceLock<Cut>,
}

impl Load {
    /// Nothing waits, and nobody is known yet to whom it belongs.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            waiting: AtomicUsize::new(0),
            listed: AtomicBool::new(false),
            purse: OnceLock::new(),
            cut: OnceLock::new(),
        })
    }

    /// Says whose it is, and how its connection is cut when it is the one for which most waits. To be called
    /// before anything is added; a second call changes nothing.
    pub fn belongs_to(&self, purse: Arc<Purse>, cut: impl Fn() + Send + Sync + 'static) {
        let _ = self.cut.set(Box::new(cut));
        let _ = self.purse.set(purse);
    }

    /// Returns what is counted of its owner; none before that is known.
    #[must_use]
    pub fn purse(&self) -> Option<&Arc<Purse>> {
        self.purse.get()
    }

    /// Returns how many bytes wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Adds what is handed over; `false`, and nothing is added, when it does not fit.
    #[must_use]
    pub fn add(&self, bytes: usize) -> bool {
        // The sums first: what is written at once, by another thread, is taken off them after it was added.
        let purse = self.purse.get();
        if let Some(purse) = purse {
            purse.add_out(bytes);
        }
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > CONNECTION_OUT && before > 0 {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            if let Some(purse) = purse {
                purse.sub_out(bytes);
            }
            return false;
        }
        if let Some(purse) = purse
            && before + bytes >= HEAVY
            && !self.listed.swap(true, Ordering::Relaxed)
        {
            purse.sums.list(Weak::clone(&self.this));
        }
        true
    }

    /// Takes off what was written. What was never added (a pulse, a head) takes off nothing.
    pub fn written(&self, bytes: usize) {
        let mut waiting = self.waiting.load(Ordering::Relaxed);
        while waiting > 0 {
            let off = bytes.min(waiting);
            let left = waiting - off;
            match self.waiting.compare_exchange_weak(waiting, left, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    if let Some(purse) = self.purse.get() {
                        purse.sub_out(off);
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
        if let Some(purse) = self.purse.get() {
            purse.sub_out(*self.waiting.get_mut());
        }
    }
}

impl Sums {
    fn list(&self, load: Weak<Load>) {
        let mut heavy = self.heavy.lock().unwrap_or_else(PoisonError::into_inner);
        if heavy.len() == heavy.capacity() {
            heavy.retain(|load| load.strong_count() > 0);
        }
        heavy.push(load);
    }

    /// Cuts the connection of this owner, or of all, for which most waits.
    fn shed(&self, owner: Option<Owner>) {
        // Whoever sheds just now sees what is added now, too.
        let Ok(mut heavy) = self.heavy.try_lock() else { return };
        let of_theirs =
            |load: &Arc<Load>| owner.is_none() || load.purse.get().map(|purse| purse.owner) == owner;
        let slowest = (0..heavy.len())
            .filter_map(|place| Some((place, heavy[place].upgrade()?)))
            .filter(|(_, load)| of_theirs(load))
            .max_by_key(|(_, load)| load.waiting());
        let Some((place, load)) = slowest else { return };
        heavy.swap_remove(place);
        drop(heavy);
        metrics::counter!("wardline_connections_closed_total", "reason" => "overweight").increment(1);
        tracing::info!(bytes = load.waiting(), "too much waits to be read: the slowest connection is cut");
        if let Some(cut) = load.cut.get() {
            cut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Owner {
        Owner::Person(UserId::generate())
    }

    fn connection(purse: &Arc<Purse>) -> (Arc<Load>, Arc<AtomicBool>) {
        let (load, is_cut) = (Load::new(), Arc::new(AtomicBool::new(false)));
        let cut = Arc::clone(&is_cut);
        load.belongs_to(Arc::clone(purse), move || cut.store(true, Ordering::Relaxed));
        (load, is_cut)
    }

    #[test]
    fn a_connection_holds_so_many_bytes_however_many_packets_they_are() {
        let scales = Scales::default();
        let purse = scales.purse(person());
        let (load, _) = connection(&purse);
        assert!((0..8).all(|_| load.add(1 << 20)));
        assert!(!load.add(1), "8 MiB are the most");
        load.written(3 << 20);
        assert!(load.add(3 << 20));
        load.written(100 << 20);
        assert_eq!((load.waiting(), scales.outgoing()), (0, 0), "more than waits is not taken off");
        assert!(load.add(20 << 20), "a single answer always goes");
        drop(load);
        assert_eq!(scales.outgoing(), 0);
        drop(purse);
        assert!(scales.0.purses.lock().unwrap().is_empty());
    }

    #[test]
    fn of_many_connections_of_one_person_the_slowest_goes() {
        let scales = Scales::default();
        let (one, other) = (scales.purse(person()), scales.purse(person()));
        let (slow, slow_is_cut) = connection(&one);
        let (bystander, bystander_is_cut) = connection(&other);
        assert!(slow.add(7 << 20) && bystander.add(8 << 20));
        let quick: Vec<_> = (0..30).map(|_| connection(&one)).collect();
        for (load, _) in &quick {
            assert!(one.has_room().is_ok() || scales.outgoing() > 16 << 20);
            assert!(load.add(1 << 20));
        }
        assert!(one.has_room().is_err() && other.has_room().is_ok());
        assert!(slow_is_cut.load(Ordering::Relaxed), "37 MiB wait for one person");
        assert!(!bystander_is_cut.load(Ordering::Relaxed), "nobody else is touched");
    }

    #[test]
    fn what_comes_in_is_weighed_over_all_connections() {
        let scales = Scales::default();
        let purse = scales.purse(person());
        let held: Vec<Held> = (0..4).map(|_| purse.take_in(8 << 20).unwrap()).collect();
        assert!(matches!(purse.take_in(1), Err(Error::RateLimited { .. })));
        assert!(scales.purse(person()).take_in(1 << 20).is_ok(), "another's is another's");
        drop(held);
        assert!(purse.take_in(8 << 20).is_ok());
    }

    #[tokio::test]
    async fn heavy_calls_of_one_person_take_turns() {
        let purse = Scales::default().purse(person());
        let writing = purse.turn(Heavy::Write, false).await.unwrap();
        assert!(purse.writes.try_acquire().is_err());
        let mut reading = Vec::new();
        for _ in 0..READS {
            reading.push(purse.turn(Heavy::Read, false).await.unwrap());
        }
        let queued: Vec<_> = (0..WAITING).map(|_| Queued::behind(&purse.waiting).unwrap()).collect();
        assert!(matches!(purse.turn(Heavy::Read, false).await, Err(Error::RateLimited { .. })));
        drop((queued, reading, writing));
        assert!(
            purse.turn(Heavy::Write, false).await.is_ok() && purse.turn(Heavy::Read, false).await.is_ok()
        );
    }
}
