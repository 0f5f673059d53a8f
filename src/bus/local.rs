//! The bus of a service that runs as one process: it calls the subscriber directly.

use super::{Bus, Subscriber};
use crate::domain::event::Envelope;

/// A bus with one node.
pub struct LocalBus(Subscriber);

impl LocalBus {
    /// Returns a bus that delivers to `subscriber` on the publishing thread.
    #[must_use]
    pub fn new(subscriber: Subscriber) -> Self {
        Self(subscriber)
    }
}

impl Bus for LocalBus {
    fn publish(&self, batch: &[Envelope]) {
        (self.0)(batch);
    }
}
