//! `/api/auth`

use axum::extract::{Extension, State};

use super::{
    json::{ClientSettingsJson, MeJson, SignedInJson, TokenJson, UserJson},
    requests::{
        ChangePasswordRequest, GuestRequest, KeepSessions, LoginRequest, Register, RegisterRequest,
    },
};
use crate::domain::Network;
use crate::gateway::http::{
    AppState,
    address::ClientAddress,
    answer::{Answer, Outcome},
    extract::{Body, Caller, OptionalBody, Query},
};

/// Returns the network of a request, as far as its address can be trusted.
fn network(address: ClientAddress) -> Network {
    Network::of(address.0)
}

/// Register
///
/// The role is always `user`. Closed by `REGISTRATION=closed` (403); a taken name is 409. One network makes 200
/// accounts at once, then one a minute.
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", security(()),
    request_body = RegisterRequest, responses((status = 201, body = SignedInJson)))]
pub async fn register(
    State(app): State<AppState>,
    Extension(address): Extension<ClientAddress>,
    Body(Register(new)): Body<Register>,
) -> Outcome<SignedInJson> {
    let signed_in = app.services.register(network(address), new).await?;
    Ok(Answer::created(SignedInJson::of(signed_in, &app.settings)))
}

/// Sign in
///
/// A wrong name and a wrong password get the same answer. After ten failures under one name from
/// one network it is 429 for a while, for the right password, too. `failedSignIns` reports failures
/// since the last sign-in.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", security(()),
    request_body = LoginRequest, responses((status = 200, body = SignedInJson)))]
pub async fn login(
    State(app): State<AppState>,
    Extension(address): Extension<ClientAddress>,
    Body(login): Body<LoginRequest>,
) -> Outcome<SignedInJson> {
    let signed_in = app
        .services
        .login(network(address), &login.username, login.password)
        .await?;
    Ok(Answer::ok(SignedInJson::of(signed_in, &app.settings)))
}

/// Come in as a guest
///
/// A guest has no password and a token of `GUEST_TTL`. Closed by `GUESTS=off` (403). One address makes ten guests a minute.
#[utoipa::path(post, path = "/api/auth/guest", tag = "accounts", security(()),
    request_body = Option<GuestRequest>, responses((status = 201, body = SignedInJson)))]
pub async fn guest(
    State(app): State<AppState>,
    Extension(address): Extension<ClientAddress>,
    OptionalBody(GuestRequest { nickname, .. }): OptionalBody<GuestRequest>,
) -> Outcome<SignedInJson> {
    let signed_in = app
        .services
        .create_guest(network(address), nickname)
        .await?;
    Ok(Answer::created(SignedInJson::of(signed_in, &app.settings)))
}

/// Change the caller's password
///
/// Every token and every socket of the caller ends before the answer, which contains a fresh token.
/// A wrong `current` is 400 and counts as a failed sign-in. Ten an hour.
#[utoipa::path(put, path = "/api/auth/password", tag = "accounts",
    request_body = ChangePasswordRequest, responses((status = 200, body = TokenJson)))]
pub async fn change_password(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Extension(address): Extension<ClientAddress>,
    Body(ChangePasswordRequest { current, next }): Body<ChangePasswordRequest>,
) -> Outcome<TokenJson> {
    let from = network(address);
    let issued = app
        .services
        .change_own_password(from, &caller.actor, current, next)
        .await?;
    Ok(Answer::ok(issued.into()))
}

/// Sign out everywhere
///
/// Ends every token and every socket of the caller. With `keep=current` the answer contains a fresh
/// token.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "accounts",
    params(("keep" = Option<String>, Query, description = "`current`")),
    responses((status = 200, body = Option<TokenJson>)))]
pub async fn end_sessions(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Query(KeepSessions(keep)): Query<KeepSessions>,
) -> Outcome<Option<TokenJson>> {
    let issued = app.services.end_own_sessions(&caller, keep).await?;
    Ok(Answer::ok(issued.map(TokenJson::from)))
}

/// Sign out
///
/// Ends this token; its sockets are closed.
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", responses((status = 200)))]
pub async fn logout(State(app): State<AppState>, Caller(caller): Caller) -> Outcome<()> {
    Ok(Answer::ok(
        app.services
            .logout(&caller.actor, caller.expires_at)
            .await?,
    ))
}

/// Get the caller
#[utoipa::path(get, path = "/api/auth/me", tag = "accounts", responses((status = 200, body = MeJson)))]
pub async fn me(State(app): State<AppState>, Caller(caller): Caller) -> Outcome<MeJson> {
    let user = UserJson::own(app.services.me(&caller.actor).await?);
    let storage_key = app.services.storage_key(&caller.actor)?;
    Ok(Answer::ok(MeJson {
        user,
        settings: (&*app.settings).into(),
        storage_key,
    }))
}

/// Get the settings for clients
///
/// For the sign-in page, which has no token yet.
#[utoipa::path(get, path = "/api/auth/settings", tag = "accounts", security(()),
    responses((status = 200, body = ClientSettingsJson)))]
pub async fn settings(State(app): State<AppState>) -> Outcome<ClientSettingsJson> {
    Ok(Answer::ok((&*app.settings).into()))
}
