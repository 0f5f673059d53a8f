//! Socket.IO, the only place that knows its library.
//!
//! The library would handle each event in a task of its own, in any order and without bound. Each
//! event goes synchronously into its connection's inbox instead. A connection is authenticated
//! before it is accepted, and receives all events from then on: see `connect`.

mod connect;
mod http;
mod metered_transport;
mod packet_filter;
mod session_registry;
mod sink;

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use socketioxide::SocketIo;

pub use connect::SocketIoDialect;

use crate::{gateway::http::AppState, hub::Hub};

/// Packets that may wait for a slow reader before it is disconnected. This holds two answers for
/// each of 2,000 pipelined sends.
const MAX_OUTGOING_PACKETS: usize = 4_096;

/// The Socket.IO server.
pub struct SocketIoServer {
    transport: http::Transport,
    io: SocketIo,
}

/// Bytes that a WebSocket reads at once: an event of usual length. Each idle connection keeps this
/// buffer.
const READ_BUFFER_BYTES: usize = 512;

impl SocketIoServer {
    /// Creates a server on `/socket.io` whose connections speak `dialect` and join `hub`.
    #[must_use]
    pub fn new<D: SocketIoDialect>(app: &AppState, hub: &Arc<Hub>, dialect: &Arc<D>) -> Self {
        let max_frame_bytes = dialect.policy().max_frame_bytes;
        let timings = &app.settings.timings;
        let (service, io) = SocketIo::builder()
            .max_payload(max_frame_bytes as u64)
            .ws_max_message_size(max_frame_bytes)
            .ws_max_frame_size(max_frame_bytes)
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .max_buffer_size(MAX_OUTGOING_PACKETS)
            // A refused handshake keeps its TCP connection for this time.
            .connect_timeout(Duration::from_secs(5))
            .ping_interval(timings.ping_interval)
            .ping_timeout(timings.ping_timeout)
            // A message counts as not delivered to a device that has not acknowledged it by then.
            .ack_timeout(Duration::from_secs(30))
            .build_with_inner_svc(http::NotFoundService);
        let transport = http::Transport {
            service,
            registry: Arc::default(),
            app: app.clone(),
            max_frame_bytes,
        };
        // The namespace holds the library and the library holds the namespace. `close` breaks the
        // cycle.
        io.ns(
            "/",
            connect::ConnectAuthenticator {
                transport: transport.clone(),
                hub: Arc::clone(hub),
                dialect: Arc::clone(dialect),
            },
        );
        Self { transport, io }
    }

    /// Wraps `routes` with the Socket.IO server.
    pub fn wrap_routes(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.transport.clone(), http::serve))
    }

    /// Disconnects every client and closes the server.
    pub async fn close(&self) {
        self.transport.close();
        self.io.close().await;
    }
}
