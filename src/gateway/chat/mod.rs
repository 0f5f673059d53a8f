//! The chat gateway: `/api/chat` and the Socket.IO events, as `docs/contracts/chat.md`
//! names them.
//!
//! [`json`] is the wire form of all data, [`rest`] the REST calls, [`realtime`] the Socket.IO
//! events. Accounts and the addresses of files are shared with other gateways (`gateway/accounts`).

pub mod json;
pub mod realtime;
pub mod rest;

use super::{Gateway, GatewayRoutes, accounts::file_address, transport::RealtimeServers};

/// The chat gateway.
pub struct Chat;

impl Gateway for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn routes(&self) -> GatewayRoutes {
        GatewayRoutes {
            calls: rest::calls(),
            ..GatewayRoutes::default()
        }
    }

    fn serve(&self, servers: &mut RealtimeServers) {
        servers.serve_socket_io(realtime::ChatDialect);
    }
}
