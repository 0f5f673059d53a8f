//! `/api/chat/sessions/group`, and what happens to one session

use axum::extract::State;

use super::changes::{ChangedGroup, ChangedGroupBody, ChangedMember, Group, GroupBody, Newcomers, ReadSeq};
use crate::{
    domain::{SessionId, UserId, ledger::GroupChange},
    gateway::{
        chat::json::{InfoJson, ReadJson, SeatGoneJson},
        http::{
            Door,
            answer::{Answer, Outcome},
            extract::{Body, Caller, PathId, PathPair},
            scales::Heavy,
        },
    },
};

/// What a change of a group counts as, in events, besides each newcomer: all of them hear of it, and of who is in it.
const CHANGE: usize = 10;

/// Make a group
///
/// The caller is its owner.
#[utoipa::path(post, path = "/api/chat/sessions/group", tag = "sessions", request_body = GroupBody,
    responses((status = 201, body = InfoJson)))]
pub async fn open(
    State(door): State<Door>,
    Caller(caller): Caller,
    Body(Group(group)): Body<Group>,
) -> Outcome<InfoJson> {
    Ok(Answer::created(door.services.open_group(&caller.actor, group).await?.into()))
}

/// One session and who is in it
#[utoipa::path(get, path = "/api/chat/sessions/{id}/info", tag = "sessions", params(("id" = String, Path, description = "the session")),
    responses((status = 200, body = InfoJson)))]
pub async fn info(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(session): PathId<SessionId>,
) -> Outcome<InfoJson> {
    Ok(Answer::ok(door.services.session_info(&caller.actor, session).await?.into()))
}

/// Change a group (its owners and admins)
#[utoipa::path(patch, path = "/api/chat/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "the session")),
    request_body = ChangedGroupBody, responses((status = 200, body = InfoJson)))]
pub async fn change(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(session): PathId<SessionId>,
    Body(ChangedGroup(change)): Body<ChangedGroup>,
) -> Outcome<InfoJson> {
    regrouped(&door, &caller.actor, session, change).await
}

/// Add people (owners and admins)
///
/// They see what is said from now on, or everything when the group's past is open. Who is in already
/// stays as they are.
#[utoipa::path(post, path = "/api/chat/sessions/{id}/participants", tag = "sessions", params(("id" = String, Path, description = "the session")),
    request_body = Newcomers, responses((status = 200, body = InfoJson)))]
pub async fn add(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(session): PathId<SessionId>,
    Body(newcomers): Body<Newcomers>,
) -> Outcome<InfoJson> {
    regrouped(&door, &caller.actor, session, GroupChange::Add(newcomers.user_ids)).await
}

/// Remove somebody (owners and admins; an owner only by owners), or leave
///
/// They hear and read nothing of the group from then on. The last owner leaves last.
#[utoipa::path(delete, path = "/api/chat/sessions/{id}/participants/{userId}", tag = "sessions",
    params(("id" = String, Path, description = "the session"), ("userId" = String, Path)),
    responses((status = 200, body = SeatGoneJson)))]
pub async fn remove(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathPair(session, user): PathPair<SessionId, UserId>,
) -> Outcome<SeatGoneJson> {
    let _turn = door.turn(caller.actor.user, Heavy::Write, CHANGE).await?;
    let change = door.services.regroup(&caller.actor, session, GroupChange::Remove(user)).await?;
    Ok(Answer::ok(SeatGoneJson::of(user, &change)))
}

/// Give a role (owners), or mute (oneself)
#[utoipa::path(patch, path = "/api/chat/sessions/{id}/participants/{userId}", tag = "sessions",
    params(("id" = String, Path, description = "the session"), ("userId" = String, Path)),
    request_body = ChangedMember, responses((status = 200, body = InfoJson)))]
pub async fn change_member(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathPair(session, user): PathPair<SessionId, UserId>,
    Body(ChangedMember { role, muted }): Body<ChangedMember>,
) -> Outcome<InfoJson> {
    regrouped(&door, &caller.actor, session, GroupChange::Member { user, role, muted }).await
}

/// Mark everything up to a `seq` as read; it only moves forward
#[utoipa::path(post, path = "/api/chat/sessions/{id}/read", tag = "sessions", params(("id" = String, Path, description = "the session")),
    request_body = ReadSeq, responses((status = 200, body = ReadJson)))]
pub async fn read(
    State(door): State<Door>,
    Caller(caller): Caller,
    PathId(session): PathId<SessionId>,
    Body(ReadSeq { seq }): Body<ReadSeq>,
) -> Outcome<ReadJson> {
    let (read_count, unread) = door.services.read_to(&caller.actor, session, seq, None).await?;
    Ok(Answer::ok(ReadJson { read_count, unread_count: unread.total }))
}

async fn regrouped(
    door: &Door,
    actor: &crate::domain::access::Actor,
    session: SessionId,
    change: GroupChange,
) -> Outcome<InfoJson> {
    let newcomers = if let GroupChange::Add(users) = &change { users.len() } else { 0 };
    let _turn = door.turn(actor.user, Heavy::Write, CHANGE + newcomers).await?;
    Ok(Answer::ok(door.services.regrouped(actor, session, change).await?.into()))
}
