//! `/api/chat/sessions`

use axum::extract::State;

use super::{pagination::Paged, requests::CreatePrivateRequest};
use crate::{
    domain::{UserId, cursors::ConversationsCursor},
    gateway::{
        chat::json::SessionViewJson,
        http::{
            AppState,
            answer::{Answer, Outcome},
            extract::{Body, Caller, HeavyCaller, PathId, Query},
        },
    },
};

/// List a user's sessions
///
/// The caller's own; admins may read those of others, which is audited. With `cursor`
/// (`pagination.nextCursor` of the first page, and of each after it) the order stays that of the
/// first page. No session is missed and none comes twice, whatever is sent meanwhile.
#[utoipa::path(get, path = "/api/chat/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the user"), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("cursor" = Option<String>, Query, description = "`start`, then `nextCursor` of the answer, instead of `page`")),
    responses((status = 200, body = Vec<SessionViewJson>)))]
pub async fn list(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    PathId(user): PathId<UserId>,
    Query(Paged(page)): Query<Paged<ConversationsCursor, 50, 100>>,
) -> Outcome<Vec<SessionViewJson>> {
    let (sessions, pagination) = app
        .services
        .conversations_of(&caller.actor, user, &page)
        .await?;
    Ok(Answer::page(
        sessions.into_iter().map(SessionViewJson::from).collect(),
        pagination,
    ))
}

/// Open a private session
///
/// 201 when it is new, 200 when they have it already; the caller is one of the two.
#[utoipa::path(post, path = "/api/chat/sessions/private", tag = "sessions", request_body = CreatePrivateRequest,
    responses((status = 201, body = SessionViewJson), (status = 200, body = SessionViewJson)))]
pub async fn open_private(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Body(pair): Body<CreatePrivateRequest>,
) -> Outcome<SessionViewJson> {
    let (session, is_new) = app
        .services
        .open_private(&caller.actor, pair.user_id1, pair.user_id2)
        .await?;
    Ok(if is_new {
        Answer::created(session.into())
    } else {
        Answer::ok(session.into())
    })
}
