//! Long CPU work, apart from the tasks that wait for it.

use tokio::runtime::{Handle, RuntimeFlavor};

/// From this many bytes on, measuring or serialising takes long enough to delay other tasks.
const BLOCKING_THRESHOLD_BYTES: usize = 256 << 10;

/// Runs work on about `bytes` bytes. When that takes long, the other tasks of this thread move to
/// another one. The operating system shares the processors between the two threads. So requests for
/// pages of megabytes do not slow down the senders beyond their share.
#[expect(
    clippy::disallowed_methods,
    reason = "spawn_blocking would need copies; callers do nothing beside it"
)]
pub fn run_heavy_work<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let flavor = || Handle::try_current().map(|runtime| runtime.runtime_flavor());
    // A runtime of one thread has no other thread for its tasks.
    if bytes >= BLOCKING_THRESHOLD_BYTES && matches!(flavor(), Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_go_on_during_long_work() {
        let (done, is_done) = mpsc::channel();
        let worker = tokio::spawn(async move {
            let other = tokio::spawn(async move { done.send(()).unwrap() });
            // The only worker is busy here until the other task has run.
            run_heavy_work(BLOCKING_THRESHOLD_BYTES, || is_done.recv().unwrap());
            other.await.unwrap();
        });
        worker.await.unwrap();
    }

    #[tokio::test]
    async fn a_single_thread_does_it_itself() {
        assert_eq!(run_heavy_work(BLOCKING_THRESHOLD_BYTES, || 7), 7);
    }
}
