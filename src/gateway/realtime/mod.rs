//! What every live connection shares, whatever its protocol: arrival and leaving, the ordered
//! inbox, the outbox that closes a slow consumer, limits, and what "delivered" means.
//!
//! A protocol is a [`Dialect`]: it decodes a client's input into commands, executes them, and
//! encodes events. It knows no transport. A transport ([`super::transport`]) knows no dialect: it
//! passes on [`Input`] and sends [`Frame`]s.

mod connection;
mod dialect;
mod inbox;
mod outbox;

pub use connection::{Arrival, Connection, authenticate};
pub use dialect::{
    ConnectionOptions, ConnectionPolicy, Dialect, EncodedFrame, Frame, FrameSink, Input,
    JsonPayload, Responder, Surplus,
};
pub use inbox::accept;
