//! Places for uploads: how many come in at once, of whom, and who has to go for whom.
//!
//! Half of the places are for people who have none yet, so that a few cannot take them all; when all are taken, a
//! newcomer gets the place of the slowest, if that is slow indeed.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::domain::{Error, Result, UserId};

/// Uploads at once.
const MAX_CONCURRENT_UPLOADS: usize = 32;
/// Uploads of one person at once.
const MAX_UPLOADS_PER_USER: usize = 4;
/// Who is refused may try again after this.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(3);
/// An upload that is slower loses its place to a newcomer, bytes a second on the average.
const SLOW_UPLOAD_BYTES_PER_SECOND: u64 = 16 * 1024;
/// How long an upload has before its speed is judged.
const SPEED_GRACE: Duration = Duration::from_secs(2);

/// Who is uploading.
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
    /// Bytes a second on the average; none while it is too early to tell.
    fn speed(&self) -> Option<u64> {
        let lasted = self.started.elapsed();
        (lasted > SPEED_GRACE).then(|| self.received.load(Ordering::Relaxed) / lasted.as_secs().max(1))
    }
}

/// A person's place, until it is dropped or lost.
pub(super) struct UploaderSlot {
    all: Arc<Mutex<SlotCounts>>,
    number: u64,
    received: Arc<AtomicU64>,
    lost: CancellationToken,
}

fn locked(taken: &Mutex<SlotCounts>) -> MutexGuard<'_, SlotCounts> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UploaderSlots {
    /// A place for one more upload of `user`.
    ///
    /// # Errors
    /// `RateLimited` when there is none.
    pub(super) fn take(&self, user: UserId) -> Result<UploaderSlot> {
        let mut taken = locked(&self.0);
        let own = taken.places.iter().filter(|place| place.user == user).count();
        let places = if own == 0 { MAX_CONCURRENT_UPLOADS } else { MAX_CONCURRENT_UPLOADS / 2 };
        if own >= MAX_UPLOADS_PER_USER || (taken.places.len() >= places && !(own == 0 && taken.make_room())) {
            return Err(Error::RateLimited { retry_after: BUSY_RETRY_AFTER });
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
        Ok(UploaderSlot { all: Arc::clone(&self.0), number, received, lost })
    }
}

impl SlotCounts {
    /// Takes the place of the slowest upload; false when none is slow.
    fn make_room(&mut self) -> bool {
        let speeds = self.places.iter().enumerate().filter_map(|(at, place)| Some((place.speed()?, at)));
        match speeds.min().filter(|(speed, _)| *speed < SLOW_UPLOAD_BYTES_PER_SECOND) {
            Some((_, at)) => {
                self.places.swap_remove(at).lost.cancel();
                true
            }
            None => false,
        }
    }
}

impl UploaderSlot {
    /// So many bytes have come.
    pub(super) fn has_received(&self, bytes: u64) {
        self.received.store(bytes, Ordering::Relaxed);
    }

    /// All has come: from now on it is not the sender who is slow.
    pub(super) fn is_complete(&self) {
        self.received.store(u64::MAX, Ordering::Relaxed);
    }

    /// Resolves when the place was lost to somebody else.
    pub(super) fn lost(&self) -> impl Future<Output = ()> + Send + use<> {
        self.lost.clone().cancelled_owned()
    }
}

impl Drop for UploaderSlot {
    fn drop(&mut self) {
        locked(&self.all).places.retain(|place| place.number != self.number);
    }
}
