//! Durations that are no settings of the operator.

use std::time::Duration;

/// Durations that no contract lets an operator choose, but that tests need shorter.
#[derive(Debug, Clone)]
pub struct Timings {
    /// The shortest interval between two receipt counts of a group message.
    pub counts: Duration,
    /// Typing ends by itself after this time.
    pub typing: Duration,
    /// Several changes of one user's status within this time are published as one.
    pub presence_window: Duration,
    /// The interval of a node's heartbeat.
    pub heartbeat: Duration,
    /// A node without a heartbeat for this time is dead.
    pub node_death: Duration,
    /// How long a cached token is accepted without an update from the revocation feed. Only a
    /// revocation on another node can take this long to take effect; a revocation on this node
    /// takes effect at once.
    pub token_cache_ttl: Duration,
    /// An upload that receives nothing for this time is aborted.
    pub upload_stall: Duration,
    /// The interval of the sweep of unneeded files.
    pub file_sweep: Duration,
    /// Socket.IO's ping interval.
    pub ping_interval: Duration,
    /// Socket.IO's ping time-out.
    pub ping_timeout: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            counts: Duration::from_secs(1),
            typing: Duration::from_secs(6),
            presence_window: Duration::from_millis(250),
            heartbeat: Duration::from_secs(10),
            node_death: Duration::from_secs(35),
            token_cache_ttl: Duration::from_secs(1),
            upload_stall: Duration::from_secs(30),
            file_sweep: Duration::from_mins(1),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
        }
    }
}
