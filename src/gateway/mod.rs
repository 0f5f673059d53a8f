//! The gateways: each folder translates one protocol and decides nothing. Their common parts are in
//! [`http`], [`realtime`], [`transport`] and [`accounts`]. A gateway is added by a folder and one
//! line in `app/wiring.rs`.

pub mod accounts;
pub mod chat;
pub mod http;
pub mod i18n;
pub mod realtime;
pub mod transport;
pub mod web;

use http::AppState;
use transport::RealtimeServers;
use utoipa_axum::router::OpenApiRouter;

/// The REST calls of a gateway, with their description.
#[derive(Default)]
pub struct GatewayRoutes {
    /// Calls whose rate is limited by user.
    pub calls: OpenApiRouter<AppState>,
    /// Calls that check a password or make an account. The service counts them once it knows the
    /// name.
    pub sign_in: OpenApiRouter<AppState>,
}

/// A protocol adapter.
pub trait Gateway: Send + Sync {
    /// Returns the name in logs.
    fn name(&self) -> &'static str;

    /// Returns its REST calls.
    fn routes(&self) -> GatewayRoutes {
        GatewayRoutes::default()
    }

    /// Adds its dialects to the servers of live connections.
    fn serve(&self, _servers: &mut RealtimeServers) {}
}
