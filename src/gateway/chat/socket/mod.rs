//! The Socket.IO side: connections, the ordered inbox of each, the client's events and the
//! server's.
//!
//! The library would handle each event in a task of its own, in any order and without bound. One
//! bounded inbox for each socket does this instead: see `inbox`. A connection is authenticated
//! before it is accepted, and receives all events from then on: see `connect`.

mod connect;
mod events;
mod inbox;
mod metered_transport;
mod outbox;
mod packet_filter;
mod responder;
mod session_registry;
mod transport;

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use socketioxide::SocketIo;

pub use events::{CLIENT_EVENTS, SERVER_EVENTS};

use crate::{gateway::http::AppState, hub::Hub};

/// The largest frame or polling body a client may send, bytes: Socket.IO's own default.
const MAX_FRAME_BYTES: usize = 1_000_000;
/// Packets that may wait for a slow reader before it is disconnected. This holds two answers for
/// each of 2,000 pipelined sends.
const MAX_OUTGOING_PACKETS: usize = 4_096;

/// The Socket.IO server of this gateway.
pub struct Sockets {
    transport: transport::Transport,
    io: SocketIo,
}

/// Bytes that a WebSocket reads at once: an event of usual length. Each idle connection keeps this
/// buffer.
const READ_BUFFER_BYTES: usize = 512;

impl Sockets {
    /// Creates a server on `/socket.io` whose connections join `hub`.
    #[must_use]
    pub fn new(app: &AppState, hub: &Arc<Hub>) -> Self {
        let timings = &app.settings.timings;
        let (service, io) = SocketIo::builder()
            .max_payload(MAX_FRAME_BYTES as u64)
            .ws_max_message_size(MAX_FRAME_BYTES)
            .ws_max_frame_size(MAX_FRAME_BYTES)
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .max_buffer_size(MAX_OUTGOING_PACKETS)
            // A refused handshake keeps its TCP connection for this time.
            .connect_timeout(Duration::from_secs(5))
            .ping_interval(timings.ping_interval)
            .ping_timeout(timings.ping_timeout)
            // A message counts as not delivered to a device that has not acknowledged it by then.
            .ack_timeout(Duration::from_secs(30))
            .build_with_inner_svc(transport::NotFoundService);
        let transport = transport::Transport {
            service,
            registry: Arc::default(),
            app: app.clone(),
        };
        // The namespace holds the library and the library holds the namespace. `close` breaks the
        // cycle.
        io.ns(
            "/",
            connect::ConnectAuthenticator {
                transport: transport.clone(),
                hub: Arc::clone(hub),
            },
        );
        Self { transport, io }
    }

    /// Wraps `routes` with the Socket.IO server.
    pub fn wrap_routes(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.transport.clone(), transport::serve))
    }

    /// Disconnects every client and closes the server.
    pub async fn close(&self) {
        self.transport.close();
        self.io.close().await;
    }
}
