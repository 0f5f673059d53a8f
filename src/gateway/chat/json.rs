//! The wire form of users, sessions and messages for clients of this gateway. The field names are
//! the source's.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

mod audit;
mod files;
mod messages;
mod search;
mod sessions;
mod statistics;

pub use crate::gateway::accounts::json::UserJson;
pub use audit::AuditJson;
pub use files::{FileJson, FileLinkJson};
pub use messages::{
    DeliveredMessageJson, EditJson, ForwardedJson, MessageDeletedJson, MessageJson,
    MessageUpdatedJson, ReactionJson, ReadMessageJson, ReceiptCountsJson, ReceiptsJson, StatusJson,
    messages,
};
pub use search::{FoundMessageJson, found};
pub use sessions::{
    CreatedJson, GroupChangedJson, InfoJson, MemberRemoved, PositionJson, RemovedJson, SessionJson,
    SessionViewJson,
};
pub use statistics::{DepartmentJson, OverviewJson, PeriodJson, PersonStatisticsJson, Row};

use crate::{
    domain::{ConversationId, UserId, event::Unread, user::User},
    gateway::chat::file_address,
    service::{ConversationSync, Stats, Synced},
};

/// How a person is shown beside what they wrote or where they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Profile)]
pub struct ProfileJson {
    #[serde(rename = "_id")]
    #[schema(value_type = String)]
    id: UserId,
    username: String,
    real_name: String,
    avatar: String,
    role: &'static str,
}

impl From<&User> for ProfileJson {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            real_name: user.real_name.clone(),
            avatar: file_address::of_avatar(&user.avatar),
            role: user.role.as_str(),
        }
    }
}

/// A person who is online or away.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnlineUser)]
pub struct OnlineUserJson {
    #[serde(flatten)]
    user: UserJson,
    /// The same person, as the entries of the original's list name them.
    user_id: ProfileJson,
}

impl From<User> for OnlineUserJson {
    fn from(user: User) -> Self {
        Self {
            user_id: ProfileJson::from(&user),
            user: user.into(),
        }
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

/// A user's unread counts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Unread)]
pub struct UnreadJson {
    unread_count: u64,
    /// Session id → count; only sessions with something unread.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_session: BTreeMap<ConversationId, u64>,
}

impl From<&Unread> for UnreadJson {
    fn from(unread: &Unread) -> Self {
        Self {
            unread_count: unread.total,
            by_session: unread.by_session.clone(),
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

/// The position from which the next `chat:sync` continues.
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
    /// The client's position after this answer, as `next`; once it has everything, the session's
    /// own position. A client that syncs again from here misses nothing.
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
    sessions: BTreeMap<ConversationId, SessionSyncJson<'a>>,
    removed: &'a [ConversationId],
    has_more: bool,
}

impl<'a> From<&'a Synced> for SyncedJson<'a> {
    fn from(synced: &'a Synced) -> Self {
        let session = |one: &'a ConversationSync| SessionSyncJson {
            session: SessionJson::from(&one.session),
            messages: messages(&one.messages),
            changed: messages(&one.changed),
            positions: one
                .session
                .members
                .iter()
                .map(|(user, member)| (*user, member.into()))
                .collect(),
            seq: one.reached.seq,
            rev: one.reached.rev,
            next: NextJson {
                seq: one.reached.seq,
                rev: one.reached.rev,
            },
            hidden_seq: one.hidden,
            has_more: one.has_more,
        };
        Self {
            sessions: synced
                .sessions
                .iter()
                .map(|one| (one.session.id, session(one)))
                .collect(),
            removed: &synced.removed,
            has_more: synced.has_more,
        }
    }
}
