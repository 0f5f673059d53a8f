//! What happens to a message after it was written: `/api/chat/messages/{id}/…`, and forwarding.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::changes::{Edited, Emoji, Forward, ForwardBody};
use crate::{
    domain::MessageId,
    gateway::{
        chat::json::{EditJson, ForwardedJson, MessageJson, ReactionJson, ReceiptsJson, TombstoneJson},
        http::{
            Door,
            answer::{Answer, Outcome, Refusal},
            extract::{Body, Caller, PathId, PathPair},
            scales::Heavy,
        },
    },
};

/// Edit a message
///
/// Its sender's right, within the edit window.
#[utoipa::path(put, path = "/api/chat/messages/{id}", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = Edited, responses((status = 200, body = MessageJson)))]
pub async fn edit(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(edited): Body<Edited>,
) -> Result<Response, Refusal> {
    let view = door.services.edit(&caller.actor, message, edited.content, edited.mentions).await?;
    let warnings = view.warnings.clone();
    Ok(Answer::ok(MessageJson::from(&view)).warning(warnings).into_response())
}

/// What a message said before it was edited, oldest first (admins, on record)
#[utoipa::path(get, path = "/api/chat/messages/{id}/edits", tag = "messages", params(("id" = String, Path, description = "the message")),
    responses((status = 200, body = Vec<EditJson>)))]
pub async fn edits(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
) -> Outcome<Vec<EditJson>> {
    let edits = door.services.edits(&caller.actor, message).await?;
    Ok(Answer::ok(edits.into_iter().map(EditJson::from).collect()))
}

/// Take a message back
///
/// Its sender's right, within the recall window. A tombstone remains; recalling again changes nothing.
#[utoipa::path(post, path = "/api/chat/messages/{id}/recall", tag = "messages", params(("id" = String, Path, description = "the message")),
    responses((status = 200, body = TombstoneJson)))]
pub async fn recall(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
) -> Outcome<TombstoneJson> {
    let tombstone = door.services.recall(&caller.actor, message).await?;
    Ok(Answer::ok(TombstoneJson::from(&tombstone)))
}

/// Put an emoji on a message
///
/// One of each kind for a person, 20 kinds for a message.
#[utoipa::path(post, path = "/api/chat/messages/{id}/reactions", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = Emoji, responses((status = 200, body = ReactionJson)))]
pub async fn react(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(Emoji { emoji }): Body<Emoji>,
) -> Result<Response, Refusal> {
    let message = door.services.react(&caller.actor, message, emoji.clone(), true).await?;
    let answer = ReactionJson::of(&message, caller.actor.user, &emoji, true);
    Ok(Answer::ok(answer).into_response())
}

/// Take one's emoji off a message
#[utoipa::path(delete, path = "/api/chat/messages/{id}/reactions/{emoji}", tag = "messages",
    params(("id" = String, Path, description = "the message"), ("emoji" = String, Path)),
    responses((status = 200, body = ReactionJson)))]
pub async fn unreact(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathPair(message, emoji): PathPair<MessageId, String>,
) -> Result<Response, Refusal> {
    let message = door.services.react(&caller.actor, message, emoji.clone(), false).await?;
    let answer = ReactionJson::of(&message, caller.actor.user, &emoji, false);
    Ok(Answer::ok(answer).into_response())
}

/// Who has got a message, and who has read it
#[utoipa::path(get, path = "/api/chat/messages/{id}/receipts", tag = "messages", params(("id" = String, Path, description = "the message")),
    responses((status = 200, body = ReceiptsJson)))]
pub async fn receipts(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
) -> Outcome<ReceiptsJson> {
    Ok(Answer::ok(door.services.receipts(&caller.actor, message).await?.into()))
}

/// Forward messages
///
/// Only what the caller may read, only to where they may write; all or nothing.
#[utoipa::path(post, path = "/api/chat/messages/forward", tag = "messages", request_body = ForwardBody,
    responses((status = 201, body = ForwardedJson)))]
pub async fn forward(
    State(door): State<Door>,
    Caller(caller): Caller,
    Body(Forward(forwarding)): Body<Forward>,
) -> Result<Response, Refusal> {
    let _turn = door.turn(caller.actor.user, Heavy::Write, forwarding.writes()).await?;
    let forwarded = door.services.forward(&caller.actor, &forwarding).await?;
    let warnings = forwarded.warnings();
    Ok(Answer::created(ForwardedJson::from(&forwarded)).warning(warnings).into_response())
}
