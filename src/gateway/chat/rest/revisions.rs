//! Changes of a message after it was sent: `/api/chat/messages/{id}/…`, and forwarding.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::change_requests::{EditMessageRequest, Forward, ForwardRequest, ReactionRequest};
use crate::{
    domain::MessageId,
    gateway::{
        chat::json::{
            EditJson, ForwardedJson, MessageDeletedJson, MessageJson, ReactionJson, ReceiptsJson,
        },
        http::{
            AppState,
            answer::{Answer, Outcome, Refusal},
            extract::{Body, Caller, PathId, PathPair},
            load_meter::Heavy,
        },
    },
};

/// Edit a message
///
/// Its sender's right, within the edit window.
#[utoipa::path(put, path = "/api/chat/messages/{id}", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = EditMessageRequest, responses((status = 200, body = MessageJson)))]
pub async fn edit(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(edited): Body<EditMessageRequest>,
) -> Result<Response, Refusal> {
    let view = app
        .services
        .edit(&caller.actor, message, edited.content, edited.mentions)
        .await?;
    let warnings = view.warnings.clone();
    Ok(Answer::ok(MessageJson::from(&view))
        .warning(warnings)
        .into_response())
}

/// List earlier versions of a message (admins; audited)
#[utoipa::path(get, path = "/api/chat/messages/{id}/edits", tag = "messages", params(("id" = String, Path, description = "the message")),
    responses((status = 200, body = Vec<EditJson>)))]
pub async fn edits(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
) -> Outcome<Vec<EditJson>> {
    let edits = app.services.edits(&caller.actor, message).await?;
    Ok(Answer::ok(edits.into_iter().map(EditJson::from).collect()))
}

/// Recall a message
///
/// Its sender's right, within the recall window. A tombstone remains; recalling again changes nothing.
#[utoipa::path(post, path = "/api/chat/messages/{id}/recall", tag = "messages", params(("id" = String, Path, description = "the message")),
    responses((status = 200, body = MessageDeletedJson)))]
pub async fn recall(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
) -> Outcome<MessageDeletedJson> {
    let tombstone = app.services.recall(&caller.actor, message).await?;
    Ok(Answer::ok(MessageDeletedJson::from(&tombstone)))
}

/// Add a reaction
///
/// One of each kind for a person, 20 kinds for a message.
#[utoipa::path(post, path = "/api/chat/messages/{id}/reactions", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = ReactionRequest, responses((status = 200, body = ReactionJson)))]
pub async fn react(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(ReactionRequest { emoji }): Body<ReactionRequest>,
) -> Result<Response, Refusal> {
    let message = app
        .services
        .react(&caller.actor, message, emoji.clone(), true)
        .await?;
    let answer = ReactionJson::of(&message, caller.actor.user, &emoji, true);
    Ok(Answer::ok(answer).into_response())
}

/// Remove a reaction
#[utoipa::path(delete, path = "/api/chat/messages/{id}/reactions/{emoji}", tag = "messages",
    params(("id" = String, Path, description = "the message"), ("emoji" = String, Path)),
    responses((status = 200, body = ReactionJson)))]
pub async fn unreact(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathPair(message, emoji): PathPair<MessageId, String>,
) -> Result<Response, Refusal> {
    let message = app
        .services
        .react(&caller.actor, message, emoji.clone(), false)
        .await?;
    let answer = ReactionJson::of(&message, caller.actor.user, &emoji, false);
    Ok(Answer::ok(answer).into_response())
}

/// List a message's receipts
#[utoipa::path(get, path = "/api/chat/messages/{id}/receipts", tag = "messages", params(("id" = String, Path, description = "the message")),
    responses((status = 200, body = ReceiptsJson)))]
pub async fn receipts(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
) -> Outcome<ReceiptsJson> {
    Ok(Answer::ok(
        app.services.receipts(&caller.actor, message).await?.into(),
    ))
}

/// Forward messages
///
/// Only what the caller may read, only to where they may write; all or nothing.
#[utoipa::path(post, path = "/api/chat/messages/forward", tag = "messages", request_body = ForwardRequest,
    responses((status = 201, body = ForwardedJson)))]
pub async fn forward(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Body(Forward(forwarding)): Body<Forward>,
) -> Result<Response, Refusal> {
    let _turn = app
        .turn(caller.actor.user, Heavy::Write, forwarding.writes())
        .await?;
    let forwarded = app.services.forward(&caller.actor, &forwarding).await?;
    let warnings = forwarded.warnings();
    Ok(Answer::created(ForwardedJson::from(&forwarded))
        .warning(warnings)
        .into_response())
}
