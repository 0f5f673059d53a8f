//! The wire form: how users, sessions and messages look to clients of this gateway. Field names are the
//! source's.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

mod files;
mod messages;
mod search;
mod sessions;
mod statistics;

pub use files::{FileJson, FileLinkJson};
pub use messages::{
    CountsJson, EditJson, ForwardedJson, MessageJson, ReactionJson, ReceiptsJson, RevisedJson, StatusJson,
    ToldJson, TombstoneJson, messages,
};
pub use search::{FoundMessageJson, found};
pub use sessions::{
    CreatedJson, GroupChangedJson, InfoJson, PositionJson, RemovedJson, SeatGoneJson, SessionJson,
    SessionViewJson,
};
pub use statistics::{DepartmentJson, OverviewJson, PeriodJson, PersonStatisticsJson, Row};

use crate::{
    domain::{SessionId, Timestamp, UserId, event::Unread, user::User},
    service::{SessionSync, SignedIn, Stats, Synced},
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
    /// Messages up to this `seq` are not shown (any more).
    hidden_seq: u64,
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
            hidden_seq: one.hidden,
            has_more: one.has_more,
        };
        Self {
            sessions: synced.sessions.iter().map(|one| (one.session.id, session(one))).collect(),
            removed: &synced.removed,
            has_more: synced.has_more,
        }
    }
}
