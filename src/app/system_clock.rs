//! The machine's own clock, which waits on the runtime's timers.

use std::time::Duration;

use crate::domain::{Clock, SystemClock, Timestamp, time::Sleep};

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // A timer of the runtime is monotonic: it waits no longer when the machine's time is set
        // back.
        Box::pin(tokio::time::sleep(duration))
    }
}
