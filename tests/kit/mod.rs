//! What the integration tests, the torture and the load tool share: the processes and the clock
//! around a service, and a client of its protocol.

#![allow(dead_code, reason = "each of the three uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

pub mod clock;
pub mod connection;
pub mod mongod;
pub mod process;
pub mod program;
pub mod socket;

use std::time::{Duration, Instant};

/// The secret that signs tokens in the tests.
pub const SECRET: &str = "a secret of at least thirty-two bytes";

/// The time limit for steps that do not test timing, on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Retries until `check` returns a value, for at most [`PATIENCE`].
#[track_caller]
pub fn eventually<T, F: Future<Output = Option<T>>>(
    mut check: impl FnMut() -> F,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(found) = check().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it did not come to pass within {PATIENCE:?} ({place})");
    }
}
