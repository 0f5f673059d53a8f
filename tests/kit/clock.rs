//! A clock that tests advance.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::{Notify, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use wardline::domain::{Clock, Timestamp, time::Sleep};

use super::PATIENCE;

/// A clock whose time stands still until a test advances it.
///
/// Background work waits in real time beside [`MockClock::starting_now`]: such a test moves what is
/// stored and checked. Beside [`MockClock::manual`] it waits for [`MockClock::advance`]: such a
/// test drives the background work itself.
#[derive(Debug)]
pub struct MockClock {
    state: Mutex<State>,
    is_manual: bool,
    /// A wait has begun.
    begun: Notify,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// What has passed by `advance`, whatever `set_back` did.
    passed: Duration,
    waits: Vec<Wait>,
}

#[derive(Debug)]
struct Wait {
    duration: Duration,
    /// In terms of `passed`.
    end: Duration,
    wake: oneshot::Sender<()>,
}

impl MockClock {
    /// A clock at the present time, beside which background work waits in real time.
    pub fn starting_now() -> Arc<Self> {
        Arc::new(Self::new(false))
    }

    /// A clock at the present time, beside which background work waits until the test advances it.
    pub fn manual() -> Arc<Self> {
        Arc::new(Self::new(true))
    }

    fn new(is_manual: bool) -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let state = State {
            now: Timestamp(i64::try_from(now.as_millis()).unwrap()),
            passed: Duration::ZERO,
            waits: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            is_manual,
            begun: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Moves the time ahead and ends the waits that are over by then.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.now = state.now.plus(by);
        state.passed += by;
        let passed = state.passed;
        for wait in state.waits.extract_if(.., |wait| wait.end <= passed) {
            // The waiting task may have ended.
            let _ = wait.wake.send(());
        }
    }

    /// Moves the time ahead as real time passes, for as long as the guard is kept.
    pub fn keep_running(self: &Arc<Self>) -> DropGuard {
        let (clock, stop) = (Arc::clone(self), CancellationToken::new());
        let stopped = stop.clone();
        tokio::spawn(async move {
            let pause = Duration::from_millis(2);
            while !stopped.is_cancelled() {
                tokio::time::sleep(pause).await;
                clock.advance(pause);
            }
        });
        stop.drop_guard()
    }

    /// Sets the clock back, as for one that was ahead. No wait becomes longer.
    pub fn set_back(&self, by: Duration) {
        let mut state = self.state();
        state.now = state.now.minus(by);
    }

    /// Waits until a task waits for just this duration, and lets it pass: whatever it belongs to
    /// happens now. A test gives the duration a value that nothing else has.
    pub async fn let_pass(&self, duration: Duration) {
        self.until_awaited(duration).await;
        self.advance(duration);
    }

    /// Lets work that is done at each tick of this period be done once from beginning to end.
    pub async fn finish_round(&self, period: Duration) {
        // A round begins with its tick, and the next tick is taken after its end.
        self.let_pass(period).await;
        self.let_pass(period).await;
        self.until_awaited(period).await;
    }

    async fn until_awaited(&self, duration: Duration) {
        let begun = async {
            loop {
                let begun = self.begun.notified();
                if self.is_awaited(duration) {
                    return;
                }
                begun.await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, begun).await;
        assert!(found.is_ok(), "nobody waited for {duration:?}");
    }

    fn is_awaited(&self, duration: Duration) -> bool {
        let mut state = self.state();
        state.waits.retain(|wait| !wait.wake.is_closed());
        state.waits.iter().any(|wait| wait.duration == duration)
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        if !self.is_manual {
            return Box::pin(tokio::time::sleep(duration));
        }
        let (wake, woken) = oneshot::channel();
        let mut state = self.state();
        let end = state.passed + duration;
        state.waits.push(Wait {
            duration,
            end,
            wake,
        });
        drop(state);
        self.begun.notify_waiters();
        Box::pin(async move {
            // Without the clock nobody waits any more: its test has ended.
            let _ = woken.await;
        })
    }
}

#[tokio::test]
async fn a_manual_clock_ends_waits_when_it_is_advanced() {
    let clock = MockClock::manual();
    let minute = Duration::from_mins(1);
    let (mut short, mut long) = (clock.sleep(minute), clock.sleep(minute * 2));
    let is_over = |wait: &mut Sleep| futures_util::FutureExt::now_or_never(wait).is_some();
    assert!(!is_over(&mut short));
    clock.set_back(minute * 9);
    clock.let_pass(minute).await;
    assert!(is_over(&mut short) && !is_over(&mut long));
    clock.advance(minute);
    assert!(is_over(&mut long));
}

#[tokio::test]
async fn ticks_come_at_once_and_then_after_each_period() {
    let clock = MockClock::manual();
    let shared: Arc<dyn Clock> = clock.clone();
    let period = Duration::from_secs(10);
    let mut ticks = wardline::domain::time::Ticks::new(&shared, period);
    let mut has_ticked = || futures_util::FutureExt::now_or_never(ticks.tick()).is_some();
    assert!(has_ticked(), "the first comes at once");
    assert!(!has_ticked());
    clock.advance(period / 2);
    assert!(!has_ticked(), "a dropped wait goes on");
    clock.advance(period / 2);
    assert!(has_ticked() && !has_ticked());
    clock.advance(period * 5);
    assert!(
        has_ticked() && !has_ticked(),
        "late ticks are not made up for"
    );
}
