//! `/api/chat/users`, `/api/chat/stats`

use axum::extract::State;

use super::input::{ChangedUser, ChangedUserBody, Directory, NewUser, NewUserBody};
use crate::{
    domain::UserId,
    gateway::{
        chat::json::{StatsJson, UserJson},
        http::{
            Door,
            answer::{Answer, Outcome},
            extract::{Body, Caller, HeavyCaller, PathId, Query},
        },
    },
};

/// The directory
///
/// By username, also behind a `cursor` (`pagination.nextCursor`): people who come or go meanwhile shift nobody.
#[utoipa::path(get, path = "/api/chat/users", tag = "users",
    params(("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 1000"),
        ("cursor" = Option<String>, Query, description = "`start`, then `nextCursor` of the answer, instead of `page`"),
        ("role" = Option<String>, Query),
        ("search" = Option<String>, Query, description = "parts of name, username, department or title in any order; pinyin"),
        ("sessionId" = Option<String>, Query, description = "only who is in this session of the caller's"),
        ("active" = Option<String>, Query, description = "`true` (the default); admins also `false` and `all`")),
    responses((status = 200, body = Vec<UserJson>)))]
pub async fn list(
    State(door): State<Door>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    Query(query): Query<Directory>,
) -> Outcome<Vec<UserJson>> {
    let (users, pagination) =
        door.services.users(&caller.actor, &query.filter, query.session, &query.page).await?;
    Ok(Answer::page(users.into_iter().map(UserJson::from).collect(), pagination))
}

/// Who is online or away
#[utoipa::path(get, path = "/api/chat/users/online", tag = "users", responses((status = 200, body = Vec<UserJson>)))]
pub async fn online(
    State(door): State<Door>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
) -> Outcome<Vec<UserJson>> {
    let users = door.services.users_online(&caller.actor).await?;
    Ok(Answer::ok(users.into_iter().map(UserJson::from).collect()))
}

/// Make an account (admins)
#[utoipa::path(post, path = "/api/chat/users", tag = "users",
    request_body = NewUserBody, responses((status = 201, body = UserJson)))]
pub async fn create(
    State(door): State<Door>,
    Caller(caller): Caller,
    Body(NewUser(new)): Body<NewUser>,
) -> Outcome<UserJson> {
    Ok(Answer::created(door.services.create_user(&caller.actor, new).await?.into()))
}

/// Change an account (admins), or one's own
///
/// Of their own account everybody changes `contactsShared` and `avatar`; nobody else changes `contactsShared`.
/// Deactivating, or a new password, ends the person's tokens and closes their sockets. A new password is one
/// that they are asked to change: `mustChangePassword`.
#[utoipa::path(patch, path = "/api/chat/users/{id}", tag = "users", params(("id" = String, Path)),
    request_body = ChangedUserBody, responses((status = 200, body = UserJson)))]
pub async fn change(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(id): PathId<UserId>,
    Body(changed): Body<ChangedUser>,
) -> Outcome<UserJson> {
    let user = door.services.change_user(&caller.actor, id, changed.change, changed.password).await?;
    Ok(Answer::ok(user.into()))
}

/// Sign somebody out everywhere (admins)
///
/// Ends every token and every socket of theirs.
#[utoipa::path(delete, path = "/api/chat/users/{id}/sessions", tag = "users", params(("id" = String, Path)),
    responses((status = 200)))]
pub async fn end_sessions(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(id): PathId<UserId>,
) -> Outcome<()> {
    Ok(Answer::ok(door.services.end_sessions_of(&caller.actor, id).await?))
}

/// Somebody's statistics
///
/// One's own; admins may look at others', which is put on record.
#[utoipa::path(get, path = "/api/chat/stats/{userId}", tag = "statistics", params(("userId" = String, Path)),
    responses((status = 200, body = StatsJson)))]
pub async fn stats(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(user): PathId<UserId>,
) -> Outcome<StatsJson> {
    Ok(Answer::ok(door.services.stats(&caller.actor, user).await?.into()))
}
