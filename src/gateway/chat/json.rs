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
    config::Settings,
    domain::{ConversationId, Timestamp, UserId, event::Unread, user::User},
    gateway::chat::file_address,
    service::{ConversationSync, Issued, SignedIn, Stats, Synced},
};

/// A person.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about a person"
)]
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserJson {
    #[serde(rename = "_id")]
    #[schema(value_type = String, example = "64b7f0c2a1b2c3d4e5f60718")]
    underscore_id: UserId,
    /// The same as `_id`.
    #[schema(value_type = String)]
    id: UserId,
    username: String,
    real_name: String,
    /// Empty where the reader does not get it (`DIRECTORY_CONTACTS`).
    email: String,
    /// Empty where the reader does not get it (`DIRECTORY_CONTACTS`).
    phone: String,
    avatar: String,
    /// `admin`, `doctor`, `nurse` or `user`.
    role: &'static str,
    /// `staff`, `guest` or `customer`.
    kind: &'static str,
    /// Whether they answer at the service desk.
    is_agent: bool,
    department: String,
    title: String,
    /// `online`, `away` or `offline`.
    status: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
    is_active: bool,
    /// They made the account themselves, and no admin has changed it since.
    self_registered: bool,
    /// They show their telephone number and e-mail address to everybody.
    contacts_shared: bool,
    /// Another user set the password: the client asks for a new one first. Only the user receives this, and
    /// only while it is true: a search of the answers for passwords finds nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    must_change_password: Option<bool>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<User> for UserJson {
    fn from(user: User) -> Self {
        Self {
            underscore_id: user.id,
            id: user.id,
            username: user.username,
            real_name: user.real_name,
            email: user.email,
            phone: user.phone,
            avatar: file_address::of_avatar(&user.avatar),
            role: user.role.as_str(),
            kind: user.account.as_str(),
            is_agent: user.account.is_agent(),
            department: user.department,
            title: user.title,
            status: user.status.as_str(),
            last_seen: user.last_seen,
            is_active: user.is_active,
            self_registered: user.self_registered,
            contacts_shared: user.contacts_shared,
            must_change_password: None,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

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

/// What the service's settings say to clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientSettings)]
pub struct ClientSettingsJson {
    /// `open` or `closed`: whether people may register themselves.
    registration: &'static str,
    /// The most that an alert shows: `none`, `sender` or `text`.
    notify_content_max: &'static str,
    /// Seconds without use after which a shared workstation signs out; null: never.
    auto_logoff: Option<u64>,
    /// The languages in which the service speaks to people.
    languages: [&'static str; 2],
}

impl From<&Settings> for ClientSettingsJson {
    fn from(settings: &Settings) -> Self {
        Self {
            registration: if settings.auth.registration_open {
                "open"
            } else {
                "closed"
            },
            notify_content_max: settings.messages.notify_content_max.as_str(),
            auto_logoff: settings
                .auth
                .auto_logoff
                .map(|limit| limit.as_secs().max(1)),
            languages: ["en", "zh-CN"],
        }
    }
}

/// The caller, and the settings for clients.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Me)]
pub struct MeJson {
    #[serde(flatten)]
    pub user: UserJson,
    pub settings: ClientSettingsJson,
    /// What this person's storage on a device is encrypted with.
    pub storage_key: String,
}

impl UserJson {
    /// Converts a user for that user themselves.
    #[must_use]
    pub fn own(user: User) -> Self {
        let must_change_password = user.must_change_password.then_some(true);
        Self {
            must_change_password,
            ..Self::from(user)
        }
    }
}

/// Failures to sign in under this name since its last sign-in; returned once.
#[derive(Serialize, ToSchema)]
#[schema(as = FailedSignIns)]
pub struct FailedSignInsJson {
    count: u64,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// A token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenJson {
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<Issued> for TokenJson {
    fn from(issued: Issued) -> Self {
        Self {
            token: issued.token,
            expires_at: issued.expires_at,
        }
    }
}

/// A user with a new token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedIn)]
pub struct SignedInJson {
    user: UserJson,
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    settings: ClientSettingsJson,
    /// What this person's storage on a device is encrypted with: the same at each sign-in.
    storage_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_sign_ins: Option<FailedSignInsJson>,
}

impl SignedInJson {
    /// Converts a user who has just signed in.
    pub fn of(signed_in: SignedIn, settings: &Settings) -> Self {
        let SignedIn {
            user,
            issued,
            failed,
        } = signed_in;
        Self {
            user: UserJson::own(user),
            token: issued.token,
            expires_at: issued.expires_at,
            settings: settings.into(),
            storage_key: issued.storage_key,
            failed_sign_ins: failed.map(|failed| FailedSignInsJson {
                count: failed.count,
                since: failed.since,
            }),
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
