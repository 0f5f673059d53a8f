//! The bus: carries the events of a commit from the node that made it to the hubs of all nodes.
//!
//! The events of one conversation arrive in the order in which they were published. The author of
//! a change is answered after the delivery on this node; other nodes are not waited for.

mod local;

pub use local::LocalBus;

use crate::domain::event::Envelope;

/// The transport of events between nodes.
pub trait Bus: Send + Sync {
    /// Publishes envelopes in order. On return they are delivered on this node. Does not wait for
    /// anything else.
    fn publish(&self, batch: &[Envelope]);
}

/// Where a node delivers the envelopes that the bus brings.
pub type Subscriber = Box<dyn Fn(&[Envelope]) + Send + Sync>;
