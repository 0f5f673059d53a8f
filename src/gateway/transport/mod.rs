//! Bytes and frames, without a vocabulary: Socket.IO and WebSocket.

pub mod socketio;
mod upgrade;
pub mod websocket;

use std::sync::Arc;

use axum::Router;

use crate::{gateway::http::AppState, hub::Hub};
use socketio::{SocketIoDialect, SocketIoServer};
use websocket::{KeepAlive, WebSocketDialect, WebSocketServer};

/// The servers of live connections, to which gateways add their dialects.
pub struct RealtimeServers {
    app: AppState,
    hub: Arc<Hub>,
    socket_io: Option<SocketIoServer>,
    websocket: WebSocketServer,
}

impl RealtimeServers {
    /// Creates servers without dialects whose connections join `hub`.
    #[must_use]
    pub fn new(app: &AppState, hub: &Arc<Hub>, keep_alive: KeepAlive) -> Self {
        Self {
            app: app.clone(),
            hub: Arc::clone(hub),
            socket_io: None,
            websocket: WebSocketServer::new(app, hub, keep_alive),
        }
    }

    /// Serves a dialect on `/socket.io`, which has one.
    pub fn serve_socket_io<D: SocketIoDialect>(&mut self, dialect: D) {
        let dialect = Arc::new(dialect);
        self.socket_io = Some(SocketIoServer::new(&self.app, &self.hub, &dialect));
    }

    /// Serves a dialect on `/ws`, beside the others.
    pub fn serve_websocket<D: WebSocketDialect>(&mut self, dialect: D) {
        self.websocket = self.websocket.clone().with(Arc::new(dialect));
    }

    /// Returns the routes with those of the servers.
    pub fn wrap_routes(&self, routes: Router) -> Router {
        let routes = self.websocket.routes().merge(routes);
        match &self.socket_io {
            Some(server) => server.wrap_routes(routes),
            None => routes,
        }
    }

    /// Disconnects every client and closes the servers.
    pub async fn close(&self) {
        let socket_io = async {
            if let Some(server) = &self.socket_io {
                server.close().await;
            }
        };
        tokio::join!(socket_io, self.websocket.close());
    }
}
