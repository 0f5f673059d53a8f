//! How many calls somebody may make: whoever is signed in by person, everybody else by network.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::files::Visitor;
use crate::{
    domain::{Error, Network, Result, access::Pass},
    gateway::http::{Door, address::ClientAddress, answer::Refusal, extract::bearer, standing},
};

/// Counts a call. A person's own calls and what others behind the same address do never meet; a token that does
/// not hold counts as none. What a token opened ends with it.
pub async fn limit_call(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller: Option<Pass> = if let Some(token) = bearer(&parts.headers) {
        let pass = door.services.check_token(token).await.ok();
        if let Some(pass) = &pass {
            parts.extensions.insert(pass.clone());
        }
        pass
    } else {
        Visitor::signer(&parts, &door).await
    };
    let counted: Result<()> = match (&caller, parts.extensions.get::<ClientAddress>()) {
        (Some(pass), _) => door.limits.call(pass.actor.user),
        (None, Some(address)) => door.limits.open_call(Network::of(address.0)),
        (None, None) => Err(Error::Internal),
    };
    let request = Request::from_parts(parts, body);
    match (counted, caller) {
        (Ok(()), Some(pass)) => standing::answer(door, pass, request, next).await,
        (Ok(()), None) => next.run(request).await,
        (Err(error), _) => Refusal(error).into_response(),
    }
}
