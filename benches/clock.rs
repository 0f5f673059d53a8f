//! When to send in an open loop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

/// Sends that may wait for their turn; a contestant that stops reading fills it.
const WAITING: usize = 4_096;
/// No divisor of it divides our numbers of people, so everybody has a turn; and the two of a session do not
/// speak one right after the other.
const STRIDE: usize = 37;

/// Says when to send, from a thread of its own: tokio's timers are coarse by a millisecond.
pub struct Clock {
    tells: Vec<mpsc::Sender<Instant>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    /// A clock for `count` people, and where each one hears it.
    pub fn new(count: usize) -> (Self, Vec<mpsc::Receiver<Instant>>) {
        let (tells, told): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel(WAITING)).unzip();
        (Self { tells, stop: Arc::default(), thread: None }, told)
    }

    /// From now on `rate` sends a second over all people.
    pub fn start(&mut self, rate: f64) {
        let (tells, stop) = (std::mem::take(&mut self.tells), Arc::clone(&self.stop));
        let start = Instant::now();
        self.thread = Some(std::thread::spawn(move || {
            for number in 0_usize.. {
                let due = start + Duration::from_secs_f64(number as f64 / rate);
                #[expect(clippy::disallowed_methods, reason = "this thread has no tasks")]
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let _ = tells[number * STRIDE % tells.len()].try_send(due);
            }
        }));
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
