//! Accounts: `/api/auth`, which several gateways share.

pub mod file_address;
mod handlers;
pub mod json;
pub mod requests;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::gateway::http::AppState;

/// Returns the routes that check a password or make an account. The service counts them, for all
/// gateways, once it knows the name.
#[must_use]
pub fn sign_in_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::register))
        .routes(routes!(handlers::login))
        .routes(routes!(handlers::guest))
}

/// Returns all other routes.
#[must_use]
pub fn calls() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::logout))
        .routes(routes!(handlers::me))
        .routes(routes!(handlers::change_password))
        .routes(routes!(handlers::end_sessions))
        .routes(routes!(handlers::settings))
}
