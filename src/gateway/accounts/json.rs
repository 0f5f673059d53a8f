//! The wire form of a person and of what signing in gives. The chat gateway shows people in the same
//! form.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config::Settings,
    domain::{
        Timestamp, UserId,
        user::{AccountKind, User},
    },
    gateway::accounts::file_address,
    service::{Issued, SignedIn},
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

/// The person who has signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub struct AccountJson {
    #[serde(flatten)]
    user: UserJson,
    /// The same as `_id`.
    #[schema(value_type = String)]
    user_id: UserId,
    /// The same as `avatar`.
    avatar_url: String,
    is_guest: bool,
}

impl From<User> for AccountJson {
    fn from(user: User) -> Self {
        Self {
            user_id: user.id,
            avatar_url: file_address::of_avatar(&user.avatar),
            is_guest: user.account == AccountKind::Guest,
            user: UserJson::own(user),
        }
    }
}

/// A user with a new token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedIn)]
pub struct SignedInJson {
    user: AccountJson,
    token: String,
    /// The same as `token`.
    access_token: String,
    /// When the token ends, Unix seconds.
    expires_in: i64,
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
            user: user.into(),
            access_token: issued.token.clone(),
            token: issued.token,
            expires_in: issued.expires_at.seconds(),
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
