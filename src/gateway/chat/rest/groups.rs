//! `/api/chat/sessions/group`, and the calls for one session

use axum::extract::State;

use super::change_requests::{
    AddMembersRequest, CreateGroup, CreateGroupRequest, MarkReadRequest, UpdateGroup,
    UpdateGroupRequest, UpdateMemberRequest,
};
use crate::{
    domain::{ConversationId, UserId, conversation_state::GroupChange},
    gateway::{
        chat::json::{InfoJson, MemberRemoved, ReadJson},
        http::{
            AppState,
            answer::{Answer, Outcome},
            extract::{Body, Caller, OptionalBody, PathId, PathPair},
            load_meter::Heavy,
        },
    },
};

/// A change of a group costs this many events, plus one for each new member: all of them receive
/// the change and the list of members.
const GROUP_CHANGE_COST: usize = 10;

/// Create a group
///
/// The caller is its owner.
#[utoipa::path(post, path = "/api/chat/sessions/group", tag = "sessions", request_body = CreateGroupRequest,
    responses((status = 201, body = InfoJson)))]
pub async fn open(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Body(CreateGroup(group)): Body<CreateGroup>,
) -> Outcome<InfoJson> {
    Ok(Answer::created(
        app.services.open_group(&caller.actor, group).await?.into(),
    ))
}

/// Get a session with its members
#[utoipa::path(get, path = "/api/chat/sessions/{id}/info", tag = "sessions", params(("id" = String, Path, description = "the session")),
    responses((status = 200, body = InfoJson)))]
pub async fn info(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(session): PathId<ConversationId>,
) -> Outcome<InfoJson> {
    Ok(Answer::ok(
        app.services
            .conversation_info(&caller.actor, session)
            .await?
            .into(),
    ))
}

/// Update a group (owners and group admins)
#[utoipa::path(patch, path = "/api/chat/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "the session")),
    request_body = UpdateGroupRequest, responses((status = 200, body = InfoJson)))]
pub async fn change(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(session): PathId<ConversationId>,
    Body(UpdateGroup(change)): Body<UpdateGroup>,
) -> Outcome<InfoJson> {
    change_group(&app, &caller.actor, session, change).await
}

/// Add members (owners and group admins)
///
/// They see messages from now on, or all messages when the group's history is visible. An existing
/// member stays unchanged.
#[utoipa::path(post, path = "/api/chat/sessions/{id}/participants", tag = "sessions", params(("id" = String, Path, description = "the session")),
    request_body = AddMembersRequest, responses((status = 200, body = InfoJson)))]
pub async fn add(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(session): PathId<ConversationId>,
    Body(request): Body<AddMembersRequest>,
) -> Outcome<InfoJson> {
    change_group(
        &app,
        &caller.actor,
        session,
        GroupChange::Add(request.user_ids),
    )
    .await
}

/// Remove a member, or leave
///
/// They receive and read nothing of the group from then on. The last owner leaves last.
#[utoipa::path(delete, path = "/api/chat/sessions/{id}/participants/{userId}", tag = "sessions",
    params(("id" = String, Path, description = "the session"), ("userId" = String, Path)),
    responses((status = 200, body = MemberRemoved)))]
pub async fn remove(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathPair(session, user): PathPair<ConversationId, UserId>,
) -> Outcome<MemberRemoved> {
    let _turn = app
        .turn(caller.actor.user, Heavy::Write, GROUP_CHANGE_COST)
        .await?;
    let change = app
        .services
        .apply_group_change(&caller.actor, session, GroupChange::Remove(user))
        .await?;
    Ok(Answer::ok(MemberRemoved::of(user, &change)))
}

/// Change a member's role, mute the session, or silence a member
///
/// Owners and admins of a group silence members of lower rank: these read and do not write.
#[utoipa::path(patch, path = "/api/chat/sessions/{id}/participants/{userId}", tag = "sessions",
    params(("id" = String, Path, description = "the session"), ("userId" = String, Path)),
    request_body = UpdateMemberRequest, responses((status = 200, body = InfoJson)))]
pub async fn change_member(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathPair(session, user): PathPair<ConversationId, UserId>,
    Body(UpdateMemberRequest {
        role,
        muted,
        silenced,
    }): Body<UpdateMemberRequest>,
) -> Outcome<InfoJson> {
    change_group(
        &app,
        &caller.actor,
        session,
        GroupChange::Member {
            user,
            role,
            muted,
            silenced,
        },
    )
    .await
}

/// Mark a session as read up to a `seq`
///
/// Without `seq`, or without a body, to the newest message.
#[utoipa::path(post, path = "/api/chat/sessions/{id}/read", tag = "sessions", params(("id" = String, Path, description = "the session")),
    request_body = MarkReadRequest, responses((status = 200, body = ReadJson)))]
pub async fn read(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(session): PathId<ConversationId>,
    OptionalBody(MarkReadRequest { seq }): OptionalBody<MarkReadRequest>,
) -> Outcome<ReadJson> {
    let (read_count, unread) = app
        .services
        .mark_read_up_to(&caller.actor, session, seq.unwrap_or(u64::MAX), None)
        .await?;
    Ok(Answer::ok(ReadJson {
        read_count,
        unread_count: unread.total,
    }))
}

async fn change_group(
    app: &AppState,
    actor: &crate::domain::access::Actor,
    session: ConversationId,
    change: GroupChange,
) -> Outcome<InfoJson> {
    let added = if let GroupChange::Add(users) = &change {
        users.len()
    } else {
        0
    };
    let _turn = app
        .turn(actor.user, Heavy::Write, GROUP_CHANGE_COST + added)
        .await?;
    Ok(Answer::ok(
        app.services
            .change_group(actor, session, change)
            .await?
            .into(),
    ))
}
