//! The rate at which the index takes changes. Reading and indexing a change costs about a third of
//! committing a message, much of it in mongod, where no thread priority applies. While messages
//! come at a rate that fills the machine, the index slows down, and catches up afterwards.

use std::time::{Duration, Instant};

/// The commits in a second from which on this process counts as busy: several times what a large
/// hospital writes in its worst minute.
const BUSY_COMMITS_PER_SECOND: u128 = 3_000;
/// The changes taken in a second while it is busy.
const BUSY_CHANGES_PER_SECOND: u64 = 2_000;
/// The changes taken in a second otherwise: after a burst the backlog is long, and users write
/// meanwhile.
const MAX_CHANGES_PER_SECOND: u64 = 6_000;
/// The window in which the rates are measured.
const RATE_WINDOW: Duration = Duration::from_millis(250);
const WINDOWS_PER_SECOND: u64 = 4;

/// Counts the changes taken by the index and the commits of the process.
pub(super) struct Throttle {
    since: Instant,
    /// The count of commits at the start of the window.
    committed: u64,
    /// The changes taken since then.
    taken: u64,
    is_busy: bool,
}

impl Throttle {
    pub fn new(now: Instant, committed: u64) -> Self {
        Self {
            since: now,
            committed,
            taken: 0,
            is_busy: false,
        }
    }

    /// Counts one more change, when `committed` commands had been committed since the start.
    /// Returns how long to wait before the next.
    pub fn record_change(&mut self, now: Instant, committed: u64) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.since);
        if passed >= RATE_WINDOW {
            let new = u128::from(committed.saturating_sub(self.committed));
            let is_busy = new * 1_000 >= BUSY_COMMITS_PER_SECOND * passed.as_millis();
            *self = Self {
                is_busy,
                ..Self::new(now, committed)
            };
        }
        self.taken += 1;
        let allowed = if self.is_busy {
            BUSY_CHANGES_PER_SECOND
        } else {
            MAX_CHANGES_PER_SECOND
        } / WINDOWS_PER_SECOND;
        (self.taken >= allowed)
            .then(|| RATE_WINDOW.saturating_sub(now.saturating_duration_since(self.since)))
    }

    /// Returns whether messages come so fast that the index slows down.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the changes taken in `seconds` at full speed, at `rate` commits a second.
    fn taken_in(seconds: u64, rate: u64) -> u64 {
        let start = Instant::now();
        let (mut pace, mut now, mut taken) = (Throttle::new(start, 0), start, 0);
        while now < start + Duration::from_secs(seconds) {
            let committed = (now - start).as_millis() * u128::from(rate) / 1_000;
            taken += 1;
            let wait = pace.record_change(now, u64::try_from(committed).unwrap());
            now += wait.unwrap_or(Duration::from_micros(50));
        }
        taken
    }

    #[test]
    fn it_holds_back_while_much_is_committed() {
        let (quiet, busy) = (taken_in(10, 2_500), taken_in(10, 5_000));
        assert!((58_000..=62_000).contains(&quiet), "{quiet}");
        assert!((20_000..=24_000).contains(&busy), "{busy}");
    }

    #[test]
    fn it_goes_faster_when_the_rush_is_over_and_never_waits_for_a_few() {
        let start = Instant::now();
        let mut pace = Throttle::new(start, 0);
        let rush = start + Duration::from_secs(1);
        let waits = (0..BUSY_CHANGES_PER_SECOND / WINDOWS_PER_SECOND)
            .filter_map(|_| pace.record_change(rush, 10_000))
            .count();
        assert_eq!((waits, pace.is_busy()), (1, true));
        let after = rush + Duration::from_secs(1);
        let waits = (1..MAX_CHANGES_PER_SECOND / WINDOWS_PER_SECOND)
            .filter_map(|_| pace.record_change(after, 10_100))
            .count();
        assert_eq!((waits, pace.is_busy()), (0, false));
    }
}
