//! The wire form: how users, sessions and messages look to clients of this gateway. Field names are the
//! source's.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        MessageId, SessionId, Timestamp, UserId,
        event::{Tombstone, Unread},
        receipts::MessageView,
        session::{Member, Session},
        user::User,
    },
    service::{SessionSync, SessionView, SignedIn, Stats, Synced},
};

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserJson {
    #[serde(rename = "_id")]
    #[schema(value_type = String, example = "64b7f0c2a1b2c3d4e5f60718")]
    id: UserId,
    username: String,
    real_name: String,
    email: String,
    phone: String,
    avatar: String,
    /// `admin`, `doctor`, `nurse` or `user`.
    role: &'static str,
    department: String,
    title: String,
    /// `online`, `away` or `offline`.
    status: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
    is_active: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<User> for UserJson {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            real_name: user.real_name,
            email: user.email,
            phone: user.phone,
            avatar: user.avatar,
            role: user.role.as_str(),
            department: user.department,
            title: user.title,
            status: user.status.as_str(),
            last_seen: user.last_seen,
            is_active: user.is_active,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// Somebody with a fresh token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedIn)]
pub struct SignedInJson {
    user: UserJson,
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<SignedIn> for SignedInJson {
    fn from(signed_in: SignedIn) -> Self {
        let SignedIn { user, issued } = signed_in;
        Self { user: user.into(), token: issued.token, expires_at: issued.expires_at }
    }
}

/// A session document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionJson {
    #[serde(rename = "_id")]
    #[schema(value_type = String)]
    id: SessionId,
    #[schema(value_type = Vec<String>)]
    participants: Vec<UserId>,
    /// `private` or `group`.
    session_type: &'static str,
    session_name: String,
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
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<&Session> for SessionJson {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            participants: session.participants().collect(),
            session_type: session.kind.as_str(),
            session_name: session.name.clone(),
            last_message: session.last_message.as_ref().map(|last| last.id),
            last_message_time: session.last_message_time,
            unread_count: session.members.iter().map(|(user, member)| (*user, member.unread)).collect(),
            seq: session.seq,
            rev: session.rev,
            created_at: session.created_at,
            updated_at: session.updated_at,
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
    /// The asked person's unread messages in it.
    unread: u64,
}

impl From<SessionView> for SessionViewJson {
    fn from(view: SessionView) -> Self {
        Self {
            session: SessionJson::from(&view.session),
            participant_profiles: view.profiles.into_iter().map(UserJson::from).collect(),
            last_message_preview: view.session.last_message.map(|last| last.preview).unwrap_or_default(),
            unread: view.unread,
        }
    }
}

/// One who has read a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadBy)]
pub struct ReadByJson {
    #[schema(value_type = String)]
    user: UserId,
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub struct MessageJson<'a> {
    #[serde(rename = "_id")]
    #[schema(value_type = String)]
    id: MessageId,
    #[schema(value_type = String)]
    session_id: SessionId,
    #[schema(value_type = String)]
    sender: UserId,
    #[schema(value_type = Option<String>)]
    receiver: Option<UserId>,
    content: &'a str,
    /// `text`, `image`, `file` or `voice`.
    message_type: &'static str,
    file_url: &'a str,
    file_name: &'a str,
    /// Bytes.
    file_size: u64,
    /// `sent`, `delivered` or `read`.
    status: &'static str,
    read_by: Vec<ReadByJson>,
    /// 1, 2, 3 … within its session.
    seq: u64,
    /// The session's `rev` at its last change; 0 when never changed.
    rev: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_msg_id: Option<&'a str>,
    is_deleted: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a MessageView> for MessageJson<'a> {
    fn from(view: &'a MessageView) -> Self {
        let message = &*view.message;
        let file = message.file.as_ref();
        let read_by = view.read_by.iter().map(|r| ReadByJson { user: r.user, read_at: r.read_at });
        Self {
            id: message.id,
            session_id: message.session,
            sender: message.sender,
            receiver: message.receiver,
            content: &message.content,
            message_type: message.kind.as_str(),
            file_url: file.map_or("", |file| &file.url),
            file_name: file.map_or("", |file| &file.name),
            file_size: file.map_or(0, |file| file.size),
            status: view.status.as_str(),
            read_by: read_by.collect(),
            seq: message.seq,
            rev: message.rev,
            client_msg_id: message.client_msg_id.as_deref(),
            is_deleted: message.is_deleted,
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

/// A message as `message:sent` and `message:receive` tell it.
#[derive(Serialize)]
pub struct ToldJson<'a> {
    pub message: MessageJson<'a>,
}

/// How far a message has come with one receiver, as `message:status` tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusJson {
    pub message_id: MessageId,
    pub session_id: SessionId,
    pub status: &'static str,
    pub user_id: UserId,
    pub at: Timestamp,
}

/// Messages as a list.
pub fn messages(views: &[MessageView]) -> Vec<MessageJson<'_>> {
    views.iter().map(MessageJson::from).collect()
}

/// What marking as read did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadResult)]
pub struct ReadJson {
    /// Messages that became read by this call.
    pub read_count: u64,
    /// The caller's unread messages left, in all sessions.
    pub unread_count: u64,
}

/// Somebody's unread counts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Unread)]
pub struct UnreadJson {
    unread_count: u64,
    /// Session id → count; only sessions with something unread.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_session: BTreeMap<SessionId, u64>,
}

impl From<&Unread> for UnreadJson {
    fn from(unread: &Unread) -> Self {
        Self { unread_count: unread.total, by_session: unread.by_session.clone() }
    }
}

/// What remains of a deleted message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tombstone)]
pub struct TombstoneJson {
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    session_id: SessionId,
    seq: u64,
    rev: u64,
    /// Who deleted it.
    #[schema(value_type = String)]
    user_id: UserId,
    is_deleted: bool,
    #[schema(value_type = String, format = DateTime)]
    deleted_at: Timestamp,
}

impl From<&Tombstone> for TombstoneJson {
    fn from(tombstone: &Tombstone) -> Self {
        Self {
            message_id: tombstone.message,
            session_id: tombstone.session,
            seq: tombstone.seq,
            rev: tombstone.rev,
            user_id: tombstone.deleted_by,
            is_deleted: true,
            deleted_at: tombstone.at,
        }
    }
}

/// The source's six counters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stats)]
pub struct StatsJson {
    total_sessions: u64,
    total_messages: u64,
    sent_messages: u64,
    received_messages: u64,
    unread_messages: u64,
    online_users: u64,
}

impl From<Stats> for StatsJson {
    fn from(stats: Stats) -> Self {
        Self {
            total_sessions: stats.total_sessions,
            total_messages: stats.total_messages,
            sent_messages: stats.sent_messages,
            received_messages: stats.received_messages,
            unread_messages: stats.unread_messages,
            online_users: stats.online_users,
        }
    }
}

/// How far a member has come.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionJson {
    read_seq: u64,
    read_at: Option<Timestamp>,
    /// The highest `seq` that reached one of their devices.
    delivered_seq: u64,
}

impl From<&Member> for PositionJson {
    fn from(member: &Member) -> Self {
        let delivered = member.delivered.pairs().map(|(_, to)| to).max().unwrap_or(0);
        Self {
            read_seq: member.read_seq,
            read_at: member.read_at,
            delivered_seq: delivered.max(member.read_seq),
        }
    }
}

/// Where to ask from the next time.
#[derive(Debug, Serialize)]
pub struct NextJson {
    seq: u64,
    rev: u64,
}

/// One session's share of `chat:sync`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionSyncJson<'a> {
    session: SessionJson,
    messages: Vec<MessageJson<'a>>,
    changed: Vec<MessageJson<'a>>,
    positions: BTreeMap<UserId, PositionJson>,
    seq: u64,
    rev: u64,
    next: NextJson,
    has_more: bool,
}

/// The answer to `chat:sync`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncedJson<'a> {
    sessions: BTreeMap<SessionId, SessionSyncJson<'a>>,
    removed: &'a [SessionId],
    has_more: bool,
}

impl<'a> From<&'a Synced> for SyncedJson<'a> {
    fn from(synced: &'a Synced) -> Self {
        let session = |one: &'a SessionSync| SessionSyncJson {
            session: SessionJson::from(&one.session),
            messages: messages(&one.messages),
            changed: messages(&one.changed),
            positions: one.session.members.iter().map(|(user, member)| (*user, member.into())).collect(),
            seq: one.session.seq,
            rev: one.session.rev,
            next: NextJson { seq: one.reached.seq, rev: one.reached.rev },
            has_more: one.has_more,
        };
        Self {
            sessions: synced.sessions.iter().map(|one| (one.session.id, session(one))).collect(),
            removed: &synced.removed,
            has_more: synced.has_more,
        }
    }
}
