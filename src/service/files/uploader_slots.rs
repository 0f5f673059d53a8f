//! The slots of uploads: how many run at once, of which users, and which one is aborted for
//! another.
//!
//! Half of the slots are for users who have none yet, so that a few users cannot take them all.
//! When all are taken, a new user gets the slot of the slowest upload, if that is slow indeed.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::domain::{Error, Result, UserId};

/// The most uploads at once.
const MAX_CONCURRENT_UPLOADS: usize = 32;
/// The most uploads of one user at once.
const MAX_UPLOADS_PER_USER: usize = 4;
/// The time after which a refused user may retry.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(3);
/// An upload that is slower loses its slot to a new user, bytes a second on average.
const SLOW_UPLOAD_BYTES_PER_SECOND: u64 = 16 * 1024;
/// How long an upload runs before its speed is judged.
const SPEED_GRACE: Duration = Duration::from_secs(2);

/// The users who upload.
#[derive(Default)]
pub(super) struct UploaderSlots(Arc<Mutex<SlotCounts>>);

#[derive(Default)]
struct SlotCounts {
    next: u64,
    places: Vec<RunningUpload>,
}

struct RunningUpload {
    number: u64,
    user: UserId,
    started: Instant,
    received: Arc<AtomicU64>,
    lost: CancellationToken,
}

impl RunningUpload {
    /// Returns the average bytes a second; `None` while it is too early to tell.
    fn speed(&self) -> Option<u64> {
        let lasted = self.started.elapsed();
        (lasted > SPEED_GRACE)
            .then(|| self.received.load(Ordering::Relaxed) / lasted.as_secs().max(1))
    }
}

/// A user's slot, until it is dropped or lost.
pub(super) struct UploaderSlot {
    all: Arc<Mutex<SlotCounts>>,
    number: u64,
    received: Arc<AtomicU64>,
    lost: CancellationToken,
}

fn lock_counts(taken: &Mutex<SlotCounts>) -> MutexGuard<'_, SlotCounts> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UploaderSlots {
    /// Takes a slot for one more upload of `user`.
    ///
    /// # Errors
    /// `RateLimited` when there is none.
    pub(super) fn acquire(&self, user: UserId) -> Result<UploaderSlot> {
        let mut taken = lock_counts(&self.0);
        let own = taken
            .places
            .iter()
            .filter(|place| place.user == user)
            .count();
        let places = if own == 0 {
            MAX_CONCURRENT_UPLOADS
        } else {
            MAX_CONCURRENT_UPLOADS / 2
        };
        if own >= MAX_UPLOADS_PER_USER
            || (taken.places.len() >= places && !(own == 0 && taken.evict_slowest()))
        {
            return Err(Error::RateLimited {
                retry_after: BUSY_RETRY_AFTER,
            });
        }
        let number = taken.next;
        taken.next += 1;
        let (received, lost) = (Arc::default(), CancellationToken::new());
        taken.places.push(RunningUpload {
            number,
            user,
            started: Instant::now(),
            received: Arc::clone(&received),
            lost: lost.clone(),
        });
        Ok(UploaderSlot {
            all: Arc::clone(&self.0),
            number,
            received,
            lost,
        })
    }
}

impl SlotCounts {
    /// Takes the slot of the slowest upload; false when none is slow.
    fn evict_slowest(&mut self) -> bool {
        let speeds = self
            .places
            .iter()
            .enumerate()
            .filter_map(|(at, place)| Some((place.speed()?, at)));
        match speeds
            .min()
            .filter(|(speed, _)| *speed < SLOW_UPLOAD_BYTES_PER_SECOND)
        {
            Some((_, at)) => {
                self.places.swap_remove(at).lost.cancel();
                true
            }
            None => false,
        }
    }
}

impl UploaderSlot {
    /// Records the number of received bytes.
    pub(super) fn record_received(&self, bytes: u64) {
        self.received.store(bytes, Ordering::Relaxed);
    }

    /// Records that everything was received: from now on the sender is not the cause of slowness.
    pub(super) fn mark_complete(&self) {
        self.received.store(u64::MAX, Ordering::Relaxed);
    }

    /// Resolves when the slot was lost to another user.
    pub(super) fn wait_for_loss(&self) -> impl Future<Output = ()> + Send + use<> {
        self.lost.clone().cancelled_owned()
    }
}

impl Drop for UploaderSlot {
    fn drop(&mut self) {
        lock_counts(&self.all)
            .places
            .retain(|place| place.number != self.number);
    }
}
