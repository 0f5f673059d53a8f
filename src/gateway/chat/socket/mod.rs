//! The Socket.IO side: connections, the ordered inbox of each, the client's events and the server's.
//!
//! What the library would do in a task for each event, in any order and without bound, is done here by one
//! bounded inbox for each socket: see `inbox`. A connection is authenticated before it is accepted and
//! hears everything from the moment it is: see `connect`.

mod answer;
mod connect;
mod events;
mod frames;
mod inbox;
mod lobby;
mod outlet;
mod sieve;
mod transport;

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use socketioxide::SocketIo;

pub use events::{CLIENT_EVENTS, SERVER_EVENTS};

use crate::{gateway::http::Door, hub::Hub};

/// The largest frame or polling body a client may send, bytes: Socket.IO's own default.
const MAX_FRAME: usize = 1_000_000;
/// Packets that may wait for a slow reader before its connection is cut. It holds two answers for each of
/// 2,000 pipelined sends.
const OUTGOING: usize = 4_096;

/// The Socket.IO server of this gateway.
pub struct Sockets {
    transport: transport::Transport,
    io: SocketIo,
}

/// Bytes that a WebSocket reads at once, which each idle connection keeps: an event of usual length.
const READ_BUFFER: usize = 512;

impl Sockets {
    /// A server on `/socket.io` whose connections join `hub`.
    #[must_use]
    pub fn new(door: &Door, hub: &Arc<Hub>) -> Self {
        let timings = &door.settings.timings;
        let (service, io) = SocketIo::builder()
            .max_payload(MAX_FRAME as u64)
            .ws_max_message_size(MAX_FRAME)
            .ws_max_frame_size(MAX_FRAME)
            .ws_read_buffer_size(READ_BUFFER)
            .max_buffer_size(OUTGOING)
            // A refused handshake keeps its TCP connection for so long.
            .connect_timeout(Duration::from_secs(5))
            .ping_interval(timings.ping_interval)
            .ping_timeout(timings.ping_timeout)
            // A device that has not acknowledged a message by then is not known to have it.
            .ack_timeout(Duration::from_secs(30))
            .build_with_inner_svc(transport::Nothing);
        let transport = transport::Transport { service, lobby: Arc::default(), door: door.clone() };
        // The namespace holds the library that holds it: `close` ends the circle.
        io.ns("/", connect::Entrance { transport: transport.clone(), hub: Arc::clone(hub) });
        Self { transport, io }
    }

    /// Puts the Socket.IO server in front of `routes`.
    pub fn in_front_of(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.transport.clone(), transport::serve))
    }

    /// Tells every client that the service goes, and closes.
    pub async fn close(&self) {
        self.transport.close();
        self.io.close().await;
    }
}
