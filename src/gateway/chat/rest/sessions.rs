//! `/api/chat/sessions`

use axum::extract::State;

use super::{input::Pair, pages::Paged};
use crate::{
    domain::{UserId, cursors::SessionsCursor},
    gateway::{
        chat::json::SessionViewJson,
        http::{
            Door,
            answer::{Answer, Outcome},
            extract::{Body, Caller, HeavyCaller, PathId, Query},
        },
    },
};

/// Somebody's sessions, newest activity first
///
/// One's own; admins may look at others', which is put on record. With `cursor` (`pagination.nextCursor` of the
/// first page, and of each behind it) the order is that of the first page, whatever is said meanwhile: no session
/// is missed, none comes twice.
#[utoipa::path(get, path = "/api/chat/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the user"), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("cursor" = Option<String>, Query, description = "`start`, then `nextCursor` of the answer, instead of `page`")),
    responses((status = 200, body = Vec<SessionViewJson>)))]
pub async fn list(
    State(door): State<Door>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    PathId(user): PathId<UserId>,
    Query(Paged(page)): Query<Paged<SessionsCursor, 50, 100>>,
) -> Outcome<Vec<SessionViewJson>> {
    let (sessions, pagination) = door.services.sessions_of(&caller.actor, user, &page).await?;
    Ok(Answer::page(sessions.into_iter().map(SessionViewJson::from).collect(), pagination))
}

/// The private session of two people
///
/// 201 when it is new, 200 when they have it already; the caller is one of the two.
#[utoipa::path(post, path = "/api/chat/sessions/private", tag = "sessions", request_body = Pair,
    responses((status = 201, body = SessionViewJson), (status = 200, body = SessionViewJson)))]
pub async fn open_private(
    State(door): State<Door>,
    Caller(caller): Caller,
    Body(pair): Body<Pair>,
) -> Outcome<SessionViewJson> {
    let (session, is_new) = door.services.open_private(&caller.actor, pair.user_id1, pair.user_id2).await?;
    Ok(if is_new { Answer::created(session.into()) } else { Answer::ok(session.into()) })
}
