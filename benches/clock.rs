//! The timing of the sends in an open loop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

/// Sends that may wait for their turn. A subject that stops reading fills the queue.
const MAX_QUEUED_SENDS: usize = 4_096;
/// Coprime to the numbers of senders, so every sender has a turn. The two members of a session do
/// not send one right after the other.
const STRIDE: usize = 37;

/// Triggers the sends from a separate thread, because tokio's timers have a resolution of a
/// millisecond.
pub struct Clock {
    senders: Vec<mpsc::Sender<Instant>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    /// Returns a clock for `count` senders, and the receiver of due times of each of them.
    pub fn new(count: usize) -> (Self, Vec<mpsc::Receiver<Instant>>) {
        let (senders, due_times): (Vec<_>, Vec<_>) =
            (0..count).map(|_| mpsc::channel(MAX_QUEUED_SENDS)).unzip();
        (
            Self {
                senders,
                stop: Arc::default(),
                thread: None,
            },
            due_times,
        )
    }

    /// Starts to trigger `rate` sends a second in all.
    pub fn start(&mut self, rate: f64) {
        let (senders, stop) = (std::mem::take(&mut self.senders), Arc::clone(&self.stop));
        let start = Instant::now();
        self.thread = Some(std::thread::spawn(move || {
            for number in 0_usize.. {
                let due = start + Duration::from_secs_f64(number as f64 / rate);
                #[expect(clippy::disallowed_methods, reason = "this thread has no tasks")]
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let _ = senders[number * STRIDE % senders.len()].try_send(due);
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
