//! `/api/auth`

use axum::extract::{Extension, State};

use super::input::{Keep, Login, OwnPassword, Registration, RegistrationBody};
use crate::domain::Network;
use crate::gateway::{
    chat::json::{HouseSettingsJson, MeJson, SignedInJson, TokenJson, UserJson},
    http::{
        Door,
        address::ClientAddress,
        answer::{Answer, Outcome},
        extract::{Body, Caller, Query},
    },
};

/// The network that a request comes from, as far as it can be believed.
fn network(address: ClientAddress) -> Network {
    Network::of(address.0)
}

/// Make an account for oneself
///
/// The role is always `user`. Closed by `REGISTRATION=closed` (403); a taken name is 409. One network makes 200
/// accounts at once, then one a minute.
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", security(()),
    request_body = RegistrationBody, responses((status = 201, body = SignedInJson)))]
pub async fn register(
    State(door): State<Door>,
    Extension(address): Extension<ClientAddress>,
    Body(Registration(new)): Body<Registration>,
) -> Outcome<SignedInJson> {
    let signed_in = door.services.register(network(address), new).await?;
    Ok(Answer::created(SignedInJson::of(signed_in, &door.settings)))
}

/// Sign in
///
/// A wrong name and a wrong password answer alike. After ten failures under one name from one network it is 429
/// for a while, for the right password, too. `failedSignIns` tells of failures since the last sign-in.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", security(()),
    request_body = Login, responses((status = 200, body = SignedInJson)))]
pub async fn login(
    State(door): State<Door>,
    Extension(address): Extension<ClientAddress>,
    Body(login): Body<Login>,
) -> Outcome<SignedInJson> {
    let signed_in = door.services.login(network(address), &login.username, login.password).await?;
    Ok(Answer::ok(SignedInJson::of(signed_in, &door.settings)))
}

/// Change one's own password
///
/// Every token and every socket of the caller ends before the answer, which brings a fresh token. A wrong
/// `current` is 400 and counts as a failed sign-in. Ten an hour.
#[utoipa::path(put, path = "/api/auth/password", tag = "accounts",
    request_body = OwnPassword, responses((status = 200, body = TokenJson)))]
pub async fn change_password(
    State(door): State<Door>,
    Caller(caller): Caller,
    Extension(address): Extension<ClientAddress>,
    Body(OwnPassword { current, next }): Body<OwnPassword>,
) -> Outcome<TokenJson> {
    let from = network(address);
    let issued = door.services.change_own_password(from, &caller.actor, current, next).await?;
    Ok(Answer::ok(issued.into()))
}

/// Sign out everywhere
///
/// Ends every token and every socket of the caller. With `keep=current` the answer brings a fresh token.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "accounts",
    params(("keep" = Option<String>, Query, description = "`current`")),
    responses((status = 200, body = Option<TokenJson>)))]
pub async fn end_sessions(
    State(door): State<Door>,
    Caller(caller): Caller,
    Query(Keep(keep)): Query<Keep>,
) -> Outcome<Option<TokenJson>> {
    let issued = door.services.end_own_sessions(&caller, keep).await?;
    Ok(Answer::ok(issued.map(TokenJson::from)))
}

/// Sign out
///
/// Ends this token; its sockets are closed.
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", responses((status = 200)))]
pub async fn logout(State(door): State<Door>, Caller(caller): Caller) -> Outcome<()> {
    Ok(Answer::ok(door.services.logout(&caller.actor, caller.expires_at).await?))
}

/// The caller
#[utoipa::path(get, path = "/api/auth/me", tag = "accounts", responses((status = 200, body = MeJson)))]
pub async fn me(State(door): State<Door>, Caller(caller): Caller) -> Outcome<MeJson> {
    let user = UserJson::own(door.services.me(&caller.actor).await?);
    let storage_key = door.services.storage_key(&caller.actor)?;
    Ok(Answer::ok(MeJson { user, settings: (&*door.settings).into(), storage_key }))
}

/// What the house has decided
///
/// For the sign-in page, which has no token yet.
#[utoipa::path(get, path = "/api/auth/settings", tag = "accounts", security(()),
    responses((status = 200, body = HouseSettingsJson)))]
pub async fn settings(State(door): State<Door>) -> Outcome<HouseSettingsJson> {
    Ok(Answer::ok((&*door.settings).into()))
}
