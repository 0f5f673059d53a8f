//! How fast the index takes in what changes. Hearing of a change and indexing it costs about a third of what
//! committing a message does, much of it in mongod, where no priority of a thread counts. So while messages
//! come at a rate that fills the machine, the index takes its time, and makes up for it afterwards.

use std::time::{Duration, Instant};

/// Operations committed in a second from which on this process counts as busy: several times what a large
/// hospital writes in its worst minute.
const BUSY: u128 = 3_000;
/// Changes taken in a second while it is.
const SLOW: u64 = 2_000;
/// Changes taken in a second otherwise: after a rush there is much to make up for, and people write meanwhile.
const FAST: u64 = 6_000;
/// How often it is looked.
const WINDOW: Duration = Duration::from_millis(250);
const WINDOWS_A_SECOND: u64 = 4;

/// Counts what the index takes, and looks at what is committed.
pub(super) struct Pace {
    since: Instant,
    /// What had been committed by then.
    committed: u64,
    /// Changes taken since then.
    taken: u64,
    is_busy: bool,
}

impl Pace {
    pub fn new(now: Instant, committed: u64) -> Self {
        Self { since: now, committed, taken: 0, is_busy: false }
    }

    /// One more change was taken, when `committed` operations had been committed since the start. Answers how
    /// long to wait before the next.
    pub fn take(&mut self, now: Instant, committed: u64) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.since);
        if passed >= WINDOW {
            let new = u128::from(committed.saturating_sub(self.committed));
            let is_busy = new * 1_000 >= BUSY * passed.as_millis();
            *self = Self { is_busy, ..Self::new(now, committed) };
        }
        self.taken += 1;
        let allowed = if self.is_busy { SLOW } else { FAST } / WINDOWS_A_SECOND;
        (self.taken >= allowed).then(|| WINDOW.saturating_sub(now.saturating_duration_since(self.since)))
    }

    /// Whether messages come so fast that the index holds back.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes taken in `seconds` at full speed, while `rate` operations are committed in each.
    fn taken_in(seconds: u64, rate: u64) -> u64 {
        let start = Instant::now();
        let (mut pace, mut now, mut taken) = (Pace::new(start, 0), start, 0);
        while now < start + Duration::from_secs(seconds) {
            let committed = (now - start).as_millis() * u128::from(rate) / 1_000;
            taken += 1;
            let wait = pace.take(now, u64::try_from(committed).unwrap());
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
        let mut pace = Pace::new(start, 0);
        let rush = start + Duration::from_secs(1);
        let waits = (0..SLOW / WINDOWS_A_SECOND).filter_map(|_| pace.take(rush, 10_000)).count();
        assert_eq!((waits, pace.is_busy()), (1, true));
        let after = rush + Duration::from_secs(1);
        let waits = (1..FAST / WINDOWS_A_SECOND).filter_map(|_| pace.take(after, 10_100)).count();
        assert_eq!((waits, pace.is_busy()), (0, false));
    }
}
