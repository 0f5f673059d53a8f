//! `/api/chat/messages`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::requests::{HistoryWindow, SendMessage, SendMessageRequest, SenderRequest};
use crate::{
    domain::{ConversationId, MessageId, UserId, encoded_size},
    gateway::{
        chat::json::{self, MessageDeletedJson, MessageJson, ReadMessageJson, UnreadJson},
        http::{
            AppState,
            answer::{Answer, Outcome, Refusal},
            extract::{Body, Caller, HeavyCaller, PathId, Query},
        },
    },
    service::blocking::run_heavy_work,
};

/// List a session's messages
///
/// Page 1 holds the newest; inside a page the oldest comes first. `beforeSeq` or `afterSeq` instead of
/// `page` walk without counting; more than one of the three is 400.
#[utoipa::path(get, path = "/api/chat/messages/{id}", tag = "messages",
    params(("id" = String, Path, description = "the session"), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("beforeSeq" = Option<u64>, Query), ("afterSeq" = Option<u64>, Query)),
    responses((status = 200, body = Vec<MessageJson>)))]
pub async fn history(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    PathId(session): PathId<ConversationId>,
    Query(HistoryWindow(window)): Query<HistoryWindow>,
) -> Result<Response, Refusal> {
    let history = app.services.history(&caller.actor, session, window).await?;
    Ok(run_heavy_work(
        encoded_size::of_texts(&history.messages),
        || Answer::page(json::messages(&history.messages), history.pagination).into_response(),
    ))
}

/// Send a message
///
/// The same path as the event `message:send`. Committed when it is answered.
#[utoipa::path(post, path = "/api/chat/messages", tag = "messages", request_body = SendMessageRequest,
    responses((status = 201, body = MessageJson)))]
pub async fn send(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Body(SendMessage(draft)): Body<SendMessage>,
) -> Result<Response, Refusal> {
    let message = app.services.send(&caller.actor, draft).await?;
    let warnings = message.warnings.clone();
    Ok(Answer::created(MessageJson::from(&message))
        .warning(warnings)
        .into_response())
}

/// Mark messages as read up to this one
#[utoipa::path(put, path = "/api/chat/messages/{id}/read", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = SenderRequest, responses((status = 200, body = ReadMessageJson)))]
pub async fn read(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(author): Body<SenderRequest>,
) -> Result<Response, Refusal> {
    let (view, read, unread) = app
        .services
        .mark_read_and_view(&caller.actor, author.user_id, message)
        .await?;
    Ok(Answer::ok(ReadMessageJson::of(&view, read.count, unread.total)).into_response())
}

/// Get a user's unread counts
#[utoipa::path(get, path = "/api/chat/messages/unread/{userId}", tag = "messages", params(("userId" = String, Path)),
    responses((status = 200, body = UnreadJson)))]
pub async fn unread(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(user): PathId<UserId>,
) -> Outcome<UnreadJson> {
    Ok(Answer::ok(UnreadJson::from(
        &app.services.unread(&caller.actor, user).await?,
    )))
}

/// Delete a message
///
/// Its sender's right, or an admin's. A tombstone remains at its `seq`; deleting again changes nothing.
#[utoipa::path(delete, path = "/api/chat/messages/{id}", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = SenderRequest, responses((status = 200, body = MessageDeletedJson)))]
pub async fn delete(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(author): Body<SenderRequest>,
) -> Outcome<MessageDeletedJson> {
    let tombstone = app
        .services
        .delete(&caller.actor, author.user_id, message)
        .await?;
    Ok(Answer::ok(MessageDeletedJson::from(&tombstone)))
}
