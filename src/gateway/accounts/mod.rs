//! Accounts: `/api/auth`, which several gateways share.

pub mod file_address;
pub mod file_reader;
mod handlers;
pub mod json;
pub mod rate_limit;
pub mod requests;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::gateway::{Gateway, GatewayRoutes, http::AppState};

/// `/api/auth`, for all gateways.
pub struct Accounts;

impl Gateway for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn routes(&self) -> GatewayRoutes {
        GatewayRoutes {
            calls: calls(),
            sign_in: sign_in_routes(),
        }
    }
}

/// Returns the routes that check a password or make an account. The service counts them, for all
/// gateways, once it knows the name.
fn sign_in_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::register))
        .routes(routes!(handlers::login))
        .routes(routes!(handlers::guest))
}

/// Returns all other routes.
fn calls() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::logout))
        .routes(routes!(handlers::me))
        .routes(routes!(handlers::change_password))
        .routes(routes!(handlers::end_sessions))
        .routes(routes!(handlers::settings))
}
