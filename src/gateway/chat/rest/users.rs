//! `/api/chat/users`, `/api/chat/stats`

use axum::extract::State;

use super::requests::{
    CreateUser, CreateUserRequest, DirectoryQuery, UpdateUser, UpdateUserRequest,
};
use crate::{
    domain::UserId,
    gateway::{
        chat::json::{OnlineUserJson, StatsJson, UserJson},
        http::{
            AppState,
            answer::{Answer, Outcome},
            extract::{Body, Caller, HeavyCaller, PathId, Query},
        },
    },
};

/// List the directory
///
/// By username, also after a `cursor` (`pagination.nextCursor`): users who are added or removed
/// meanwhile shift none.
#[utoipa::path(get, path = "/api/chat/users", tag = "users",
    params(("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 1000"),
        ("cursor" = Option<String>, Query, description = "`start`, then `nextCursor` of the answer, instead of `page`"),
        ("role" = Option<String>, Query),
        ("search" = Option<String>, Query, description = "parts of name, username, department or title in any order; pinyin"),
        ("sessionId" = Option<String>, Query, description = "only who is in this session of the caller's"),
        ("active" = Option<String>, Query, description = "`true` (the default); admins also `false` and `all`")),
    responses((status = 200, body = Vec<UserJson>)))]
pub async fn list(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    Query(query): Query<DirectoryQuery>,
) -> Outcome<Vec<UserJson>> {
    let (users, pagination) = app
        .services
        .users(&caller.actor, &query.filter, query.session, &query.page)
        .await?;
    Ok(Answer::page(
        users.into_iter().map(UserJson::from).collect(),
        pagination,
    ))
}

/// List users who are online or away
#[utoipa::path(get, path = "/api/chat/users/online", tag = "users", responses((status = 200, body = Vec<OnlineUserJson>)))]
pub async fn online(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
) -> Outcome<Vec<OnlineUserJson>> {
    let users = app.services.users_online(&caller.actor).await?;
    Ok(Answer::ok(
        users.into_iter().map(OnlineUserJson::from).collect(),
    ))
}

/// Create an account (admins)
#[utoipa::path(post, path = "/api/chat/users", tag = "users",
    request_body = CreateUserRequest, responses((status = 201, body = UserJson)))]
pub async fn create(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Body(CreateUser(new)): Body<CreateUser>,
) -> Outcome<UserJson> {
    Ok(Answer::created(
        app.services.create_user(&caller.actor, new).await?.into(),
    ))
}

/// Update an account (admins), or the caller's own profile
///
/// Every user may change `contactsShared` and `avatar` of their own account; nobody else may change
/// `contactsShared`. Deactivating, or a new password, ends the user's tokens and closes their
/// sockets. The user is asked to change such a password: `mustChangePassword`.
#[utoipa::path(patch, path = "/api/chat/users/{id}", tag = "users", params(("id" = String, Path)),
    request_body = UpdateUserRequest, responses((status = 200, body = UserJson)))]
pub async fn change(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(id): PathId<UserId>,
    Body(changed): Body<UpdateUser>,
) -> Outcome<UserJson> {
    let user = app
        .services
        .change_user(&caller.actor, id, changed.change, changed.password)
        .await?;
    Ok(Answer::ok(user.into()))
}

/// Sign a user out everywhere (admins)
///
/// Ends every token and every socket of theirs.
#[utoipa::path(delete, path = "/api/chat/users/{id}/sessions", tag = "users", params(("id" = String, Path)),
    responses((status = 200)))]
pub async fn end_sessions(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(id): PathId<UserId>,
) -> Outcome<()> {
    Ok(Answer::ok(
        app.services.end_sessions_of(&caller.actor, id).await?,
    ))
}

/// Get a user's statistics
///
/// The caller's own; admins may read those of others, which is audited.
#[utoipa::path(get, path = "/api/chat/stats/{userId}", tag = "statistics", params(("userId" = String, Path)),
    responses((status = 200, body = StatsJson)))]
pub async fn stats(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(user): PathId<UserId>,
) -> Outcome<StatsJson> {
    Ok(Answer::ok(
        app.services.stats(&caller.actor, user).await?.into(),
    ))
}
