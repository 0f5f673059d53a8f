//! `/api/chat/messages`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::input::{Author, HistoryWindow, Send, SendBody};
use crate::{
    domain::{MessageId, SessionId, UserId, weight},
    gateway::{
        chat::json::{self, MessageJson, ReadJson, TombstoneJson, UnreadJson},
        http::{
            Door,
            answer::{Answer, Outcome, Refusal},
            extract::{Body, Caller, HeavyCaller, PathId, Query},
        },
    },
    service::aside::aside,
};

/// A session's messages
///
/// Page 1 holds the newest; inside a page the oldest comes first. `beforeSeq` or `afterSeq` instead of
/// `page` walk without counting; more than one of the three is 400.
#[utoipa::path(get, path = "/api/chat/messages/{id}", tag = "messages",
    params(("id" = String, Path, description = "the session"), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("beforeSeq" = Option<u64>, Query), ("afterSeq" = Option<u64>, Query)),
    responses((status = 200, body = Vec<MessageJson>)))]
pub async fn history(
    State(door): State<Door>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    PathId(session): PathId<SessionId>,
    Query(HistoryWindow(window)): Query<HistoryWindow>,
) -> Result<Response, Refusal> {
    let history = door.services.history(&caller.actor, session, window).await?;
    Ok(aside(weight::of_texts(&history.messages), || {
        Answer::page(json::messages(&history.messages), history.pagination).into_response()
    }))
}

/// Send a message
///
/// The same path as the event `message:send`. Committed when it is answered.
#[utoipa::path(post, path = "/api/chat/messages", tag = "messages", request_body = SendBody,
    responses((status = 201, body = MessageJson)))]
pub async fn send(
    State(door): State<Door>,
    Caller(caller): Caller,
    Body(Send(draft)): Body<Send>,
) -> Result<Response, Refusal> {
    let message = door.services.send(&caller.actor, draft).await?;
    let warnings = message.warnings.clone();
    Ok(Answer::created(MessageJson::from(&message)).warning(warnings).into_response())
}

/// Mark a message and every earlier one of its session as read
#[utoipa::path(put, path = "/api/chat/messages/{id}/read", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = Author, responses((status = 200, body = ReadJson)))]
pub async fn read(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(author): Body<Author>,
) -> Outcome<ReadJson> {
    let (read, unread) = door.services.mark_read(&caller.actor, author.user_id, message, None).await?;
    Ok(Answer::ok(ReadJson { read_count: read.count, unread_count: unread.total }))
}

/// Somebody's unread counts
#[utoipa::path(get, path = "/api/chat/messages/unread/{userId}", tag = "messages", params(("userId" = String, Path)),
    responses((status = 200, body = UnreadJson)))]
pub async fn unread(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(user): PathId<UserId>,
) -> Outcome<UnreadJson> {
    Ok(Answer::ok(UnreadJson::from(&door.services.unread(&caller.actor, user).await?)))
}

/// Delete a message
///
/// Its sender's right, or an admin's. A tombstone remains at its `seq`; deleting again changes nothing.
#[utoipa::path(delete, path = "/api/chat/messages/{id}", tag = "messages", params(("id" = String, Path, description = "the message")),
    request_body = Author, responses((status = 200, body = TombstoneJson)))]
pub async fn delete(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(message): PathId<MessageId>,
    Body(author): Body<Author>,
) -> Outcome<TombstoneJson> {
    let tombstone = door.services.delete(&caller.actor, author.user_id, message).await?;
    Ok(Answer::ok(TombstoneJson::from(&tombstone)))
}
