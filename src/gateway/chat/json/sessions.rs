//! Sessions and their members.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::UserJson;
use crate::{
    domain::{
        ConversationId, MessageId, Timestamp, UserId,
        conversation::{Conversation, ConversationKind, LastMessage, Member},
        event::GroupEvent,
    },
    gateway::chat::file_address,
    service::{ConversationInfo, ConversationView},
};

/// A session document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionJson {
    #[serde(rename = "_id")]
    #[schema(value_type = String)]
    id: ConversationId,
    #[schema(value_type = Vec<String>)]
    participants: Vec<UserId>,
    /// `private` or `group`.
    session_type: &'static str,
    session_name: String,
    /// Groups only.
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar: String,
    /// Groups only.
    #[serde(skip_serializing_if = "String::is_empty")]
    topic: String,
    /// Groups only: whether those who come later see what was said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    history_visible: Option<bool>,
    #[schema(value_type = Option<String>)]
    last_message: Option<MessageId>,
    #[schema(value_type = String, format = DateTime)]
    last_message_time: Timestamp,
    /// User id → count of unread messages.
    #[schema(value_type = BTreeMap<String, u64>)]
    unread_count: BTreeMap<UserId, u64>,
    /// The newest message's `seq`.
    seq: u64,
    rev: u64,
    /// Who made a group; absent of one that is older than this field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    created_by: Option<UserId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<&Conversation> for SessionJson {
    fn from(session: &Conversation) -> Self {
        Self {
            id: session.id,
            participants: session.participants().collect(),
            session_type: session.kind.as_str(),
            session_name: session.profile.name.clone(),
            avatar: file_address::of_avatar(&session.profile.avatar),
            topic: session.profile.topic.clone(),
            history_visible: (session.kind == ConversationKind::Group)
                .then_some(session.profile.history_visible),
            last_message: session.last_message.as_ref().map(|last| last.id),
            last_message_time: session.last_message_time,
            unread_count: session
                .members
                .iter()
                .map(|(user, member)| (*user, member.unread))
                .collect(),
            seq: session.seq,
            rev: session.rev,
            created_by: session.created_by,
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

/// What the newest message is, beside its text: enough for the line of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LastMessageSummary)]
pub struct LastMessageJson {
    #[schema(value_type = String)]
    sender: UserId,
    /// `text`, `image`, `file`, `voice`; `merged` for several forwarded as one; `system` for what a group
    /// wrote about itself.
    kind: &'static str,
    /// `joined`, `left`, `renamed` …: which system message it is; null for what a person wrote.
    system: Option<&'static str>,
    /// Whom a system message is about, the first twenty.
    #[schema(value_type = Vec<String>)]
    subjects: Vec<UserId>,
    is_deleted: bool,
}

impl From<&LastMessage> for LastMessageJson {
    fn from(last: &LastMessage) -> Self {
        let kind = match &last.system_notice {
            Some(_) => "system",
            None if last.is_merged => "merged",
            None => last.kind.as_str(),
        };
        Self {
            sender: last.sender,
            kind,
            system: last
                .system_notice
                .as_ref()
                .map(|system_notice| system_notice.kind.as_str()),
            subjects: last
                .system_notice
                .as_ref()
                .map(|system_notice| system_notice.subjects.clone())
                .unwrap_or_default(),
            is_deleted: last.is_deleted,
        }
    }
}

/// A session with what a list shows of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionListed)]
pub struct SessionViewJson {
    #[serde(flatten)]
    session: SessionJson,
    participant_profiles: Vec<UserJson>,
    /// The newest message's text, shortened; a file's name for files; empty for a deleted one.
    last_message_preview: String,
    /// What the newest message is; null before the first.
    last_message_summary: Option<LastMessageJson>,
    /// The asked person's unread messages in it.
    unread: u64,
    /// What the asked person is in it: `owner`, `admin` or `member`.
    role: &'static str,
    /// Whether the user muted the session.
    muted: bool,
}

impl From<ConversationView> for SessionViewJson {
    fn from(view: ConversationView) -> Self {
        Self {
            session: SessionJson::from(&view.session),
            participant_profiles: view.profiles.into_iter().map(UserJson::from).collect(),
            last_message_summary: view
                .session
                .last_message
                .as_ref()
                .map(LastMessageJson::from),
            last_message_preview: view
                .session
                .last_message
                .map(|last| last.preview)
                .unwrap_or_default(),
            unread: view.unread,
            role: view
                .member
                .as_ref()
                .map_or("member", |member| member.role.as_str()),
            muted: view.member.as_ref().is_some_and(|member| member.muted),
        }
    }
}

/// The positions of a member.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionJson {
    read_seq: u64,
    read_at: Option<Timestamp>,
    /// The highest `seq` that reached one of their devices.
    delivered_seq: u64,
    role: &'static str,
    muted: bool,
    /// Whether the group lets the member read only.
    silenced: bool,
    joined_at: Timestamp,
}

impl From<&Member> for PositionJson {
    fn from(member: &Member) -> Self {
        let delivered = member
            .delivered
            .pairs()
            .map(|(_, to)| to)
            .max()
            .unwrap_or(0);
        Self {
            read_seq: member.read_seq,
            read_at: member.read_at,
            delivered_seq: delivered.max(member.read_seq),
            role: member.role.as_str(),
            muted: member.muted,
            silenced: member.silenced,
            joined_at: member.joined_at,
        }
    }
}

/// A member of a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub struct MemberJson {
    #[schema(value_type = String)]
    user_id: UserId,
    /// `owner`, `admin` or `member`.
    role: &'static str,
    #[schema(value_type = String, format = DateTime)]
    joined_at: Timestamp,
    /// Everything up to this `seq` is read.
    read_seq: u64,
    /// Whether the member muted the session.
    muted: bool,
    /// Whether the group lets the member read only.
    silenced: bool,
}

impl From<(&UserId, &Member)> for MemberJson {
    fn from((user, member): (&UserId, &Member)) -> Self {
        Self {
            user_id: *user,
            role: member.role.as_str(),
            joined_at: member.joined_at,
            read_seq: member.read_seq,
            muted: member.muted,
            silenced: member.silenced,
        }
    }
}

/// One session with who is in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionInfo)]
pub struct InfoJson {
    #[serde(flatten)]
    session: SessionJson,
    members: Vec<MemberJson>,
    participant_profiles: Vec<UserJson>,
}

impl From<ConversationInfo> for InfoJson {
    fn from(info: ConversationInfo) -> Self {
        Self {
            session: SessionJson::from(&*info.session),
            members: info.session.members.iter().map(MemberJson::from).collect(),
            participant_profiles: info.profiles.into_iter().map(UserJson::from).collect(),
        }
    }
}

/// `session:created`
#[derive(Debug, Serialize)]
pub struct CreatedJson {
    session: SessionJson,
    members: Vec<MemberJson>,
}

impl From<&Conversation> for CreatedJson {
    fn from(session: &Conversation) -> Self {
        Self {
            session: SessionJson::from(session),
            members: session.members.iter().map(MemberJson::from).collect(),
        }
    }
}

/// A user is no longer a member.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberRemoved)]
pub struct MemberRemoved {
    #[schema(value_type = String)]
    session_id: ConversationId,
    /// The former members.
    #[schema(value_type = String)]
    user_id: UserId,
    rev: u64,
}

impl MemberRemoved {
    /// Creates the removal of `user` by this change.
    pub fn of(user: UserId, change: &GroupEvent) -> Self {
        Self {
            session_id: change.session.id,
            user_id: user,
            rev: change.session.rev,
        }
    }
}

/// `session:removed`
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovedJson {
    session_id: ConversationId,
    user_id: UserId,
    rev: u64,
    /// `left` or `removed`.
    reason: &'static str,
    by: UserId,
    at: Timestamp,
}

impl RemovedJson {
    /// Creates the removal of `user` by this change.
    pub fn of(user: UserId, change: &GroupEvent) -> Self {
        Self {
            session_id: change.session.id,
            user_id: user,
            rev: change.session.rev,
            reason: if change.by == user { "left" } else { "removed" },
            by: change.by,
            at: change.at,
        }
    }
}

/// The profile of a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileJson {
    session_name: String,
    avatar: String,
    topic: String,
    history_visible: bool,
}

/// `session:updated`: only the differences, so that a change of one member among 500 stays small.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChangedJson {
    session_id: ConversationId,
    rev: u64,
    /// The newest message's `seq` after the change.
    seq: u64,
    by: UserId,
    at: Timestamp,
    session: ProfileJson,
    /// The new members.
    joined: Vec<MemberJson>,
    /// The former members.
    left: Vec<UserId>,
    /// Members whose role or mute setting changed.
    changed: Vec<MemberJson>,
}

impl From<&GroupEvent> for GroupChangedJson {
    fn from(change: &GroupEvent) -> Self {
        let session = &change.session;
        let members = |users: &[UserId]| -> Vec<MemberJson> {
            let known = users
                .iter()
                .filter_map(|user| session.members.get_key_value(user));
            known.map(MemberJson::from).collect()
        };
        let profile = session.profile.clone();
        Self {
            session_id: session.id,
            rev: session.rev,
            seq: session.seq,
            by: change.by,
            at: change.at,
            session: ProfileJson {
                session_name: profile.name,
                avatar: file_address::of_avatar(&profile.avatar),
                topic: profile.topic,
                history_visible: profile.history_visible,
            },
            joined: members(&change.joined),
            left: change.left.clone(),
            changed: members(&change.changed),
        }
    }
}
