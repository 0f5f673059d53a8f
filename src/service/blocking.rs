//! Long work of the processor, aside from the tasks that wait for it.

use tokio::runtime::{Handle, RuntimeFlavor};

/// From this many bytes on, weighing or writing out takes long enough to be noticed by others.
const BLOCKING_THRESHOLD_BYTES: usize = 256 << 10;

/// Works on about `bytes` bytes. When that takes long, the other tasks of this thread go to another one, and the
/// operating system shares the processors between the two: whoever asks for pages of megabytes takes no more than
/// their share from those who send.
#[expect(
    clippy::disallowed_methods,
    reason = "spawn_blocking would need copies; callers do nothing beside it"
)]
pub fn aside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let flavor = || Handle::try_current().map(|runtime| runtime.runtime_flavor());
    // A runtime of one thread has no other one to give its tasks to.
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
            aside(BLOCKING_THRESHOLD_BYTES, || is_done.recv().unwrap());
            other.await.unwrap();
        });
        worker.await.unwrap();
    }

    #[tokio::test]
    async fn a_single_thread_does_it_itself() {
        assert_eq!(aside(BLOCKING_THRESHOLD_BYTES, || 7), 7);
    }
}
