//! The origin of a request for the audit log, and the audit of refusals.

use axum::{
    extract::{Request, State},
    http::{HeaderName, StatusCode},
    middleware::Next,
    response::Response,
};

use super::{AppState, address::ClientAddress};
use crate::{domain::audit::Origin, service::audit};

static REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the origin of a request to the chat gateway.
#[must_use]
pub fn origin_of(extensions: &axum::http::Extensions, headers: &axum::http::HeaderMap) -> Origin {
    let address = extensions.get::<ClientAddress>().map(|address| address.0);
    let request = headers
        .get(&REQUEST_ID_HEADER)
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    Origin {
        address: address.filter(|address| !address.is_unspecified()),
        request,
        gateway: "chat",
    }
}

/// Handles a request with its origin in the audit context, and audits a refusal.
pub async fn audit_request(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let origin = origin_of(request.extensions(), request.headers());
    // Only the path is recorded: a query may hold a search keyword, which is message text.
    let call = format!("{} {}", request.method(), request.uri().path());
    audit::within(origin, async move {
        let response = next.run(request).await;
        if response.status() == StatusCode::FORBIDDEN {
            app.services.record_refused(None, &call);
        }
        response
    })
    .await
}
