//! Where a request comes from, for the record; and what was refused, put on it.

use axum::{
    extract::{Request, State},
    http::{HeaderName, StatusCode},
    middleware::Next,
    response::Response,
};

use super::{Door, address::ClientAddress};
use crate::{domain::audit::Origin, service::audit};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a request to the chat gateway comes from.
#[must_use]
pub fn origin_of(extensions: &axum::http::Extensions, headers: &axum::http::HeaderMap) -> Origin {
    let address = extensions.get::<ClientAddress>().map(|address| address.0);
    let request = headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    Origin { address: address.filter(|address| !address.is_unspecified()), request, gateway: "chat" }
}

/// Answers a request as something that comes from its client, and puts a refusal on record.
pub async fn follow(State(door): State<Door>, request: Request, next: Next) -> Response {
    let origin = origin_of(request.extensions(), request.headers());
    // The path alone: a query may hold a keyword, and that is message text.
    let call = format!("{} {}", request.method(), request.uri().path());
    audit::within(origin, async move {
        let response = next.run(request).await;
        if response.status() == StatusCode::FORBIDDEN {
            door.services.note_refused(None, &call);
        }
        response
    })
    .await
}
