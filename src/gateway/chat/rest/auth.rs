//! `/api/auth`

use axum::extract::{Extension, State};

use super::input::{Login, Registration, RegistrationBody};
use crate::domain::Error;
use crate::gateway::{
    chat::json::{SignedInJson, UserJson},
    http::{
        Door,
        address::ClientAddress,
        answer::{Answer, Outcome},
        extract::{Body, Caller},
    },
};

/// Make an account for oneself
///
/// The role is always `user`. Closed by `REGISTRATION=closed` (403); a taken name is 409.
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", security(()),
    request_body = RegistrationBody, responses((status = 201, body = SignedInJson)))]
pub async fn register(
    State(door): State<Door>,
    Body(Registration(new)): Body<Registration>,
) -> Outcome<SignedInJson> {
    Ok(Answer::created(door.services.register(new).await?.into()))
}

/// Sign in
///
/// A wrong name and a wrong password answer alike.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", security(()),
    request_body = Login, responses((status = 200, body = SignedInJson)))]
pub async fn login(
    State(door): State<Door>,
    Extension(address): Extension<ClientAddress>,
    Body(login): Body<Login>,
) -> Outcome<SignedInJson> {
    door.limits.may_sign_in(address, &login.username)?;
    let signed_in = door.services.login(&login.username, login.password).await;
    if let Err(Error::AuthFailed) = signed_in {
        door.limits.sign_in_failed(address, &login.username)?;
    }
    Ok(Answer::ok(signed_in?.into()))
}

/// Sign out
///
/// Ends this token; its sockets are closed.
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", responses((status = 200)))]
pub async fn logout(State(door): State<Door>, Caller(caller): Caller) -> Outcome<()> {
    Ok(Answer::ok(door.services.logout(&caller.actor, caller.expires_at).await?))
}

/// The caller
#[utoipa::path(get, path = "/api/auth/me", tag = "accounts", responses((status = 200, body = UserJson)))]
pub async fn me(State(door): State<Door>, Caller(caller): Caller) -> Outcome<UserJson> {
    Ok(Answer::ok(door.services.me(&caller.actor).await?.into()))
}
