//! The rate limit of calls: by user when authenticated, otherwise by network.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::file_reader::FileReader;
use crate::{
    domain::{Error, Network, Result, access::AuthenticatedToken},
    gateway::http::{
        AppState, address::ClientAddress, answer::Refusal, extract::bearer, token_expiry,
    },
};

/// Counts a call. A user's calls and those of others behind the same address are counted
/// separately. An invalid token counts as none. The answer ends with the token that authorised it.
pub async fn limit_call(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller: Option<AuthenticatedToken> = if let Some(token) = bearer(&parts.headers) {
        let auth = app.services.check_token(token).await.ok();
        if let Some(auth) = &auth {
            parts.extensions.insert(auth.clone());
        }
        auth
    } else {
        FileReader::signer(&parts, &app).await
    };
    let counted: Result<()> = match (&caller, parts.extensions.get::<ClientAddress>()) {
        (Some(auth), _) => app.limits.call(auth.actor.user),
        (None, Some(address)) => app
            .limits
            .check_unauthenticated_call(Network::of(address.0)),
        (None, None) => Err(Error::Internal),
    };
    let request = Request::from_parts(parts, body);
    match (counted, caller) {
        (Ok(()), Some(auth)) => token_expiry::answer(app, auth, request, next).await,
        (Ok(()), None) => next.run(request).await,
        (Err(error), _) => Refusal::from(error).into_response(),
    }
}
