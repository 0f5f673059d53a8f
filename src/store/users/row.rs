//! The document of a user, and its conversion to and from the account.

use serde::{Deserialize, Serialize};

use super::super::stored_number;
use crate::domain::{
    Error, Result, Timestamp, UserId,
    access::Credentials,
    avatar::Avatar,
    presence::Status,
    search_keys::PersonTexts,
    user::{AccountKind, Role, User, username_key},
};

#[expect(
    clippy::struct_excessive_bools,
    reason = "as the stored document has them"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: UserId,
    username: String,
    username_key: String,
    search_keys: Vec<String>,
    password: String,
    real_name: String,
    email: String,
    phone: String,
    /// In its text form.
    avatar: String,
    role: String,
    /// Absent in accounts from before there were others than staff.
    #[serde(default = "staff")]
    kind: String,
    #[serde(default)]
    is_agent: bool,
    department: String,
    title: String,
    status: String,
    #[serde(default, with = "crate::store::bson_form")]
    last_seen: Option<Timestamp>,
    is_active: bool,
    #[serde(default)]
    self_registered: bool,
    #[serde(default)]
    contacts_shared: bool,
    #[serde(with = "crate::store::bson_form")]
    tokens_valid_from: Timestamp,
    #[serde(default, deserialize_with = "stored_number::natural")]
    credential_version: u64,
    #[serde(default)]
    must_change_password: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_sign_ins: Option<FailedSignIns>,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    #[serde(with = "crate::store::bson_form")]
    updated_at: Timestamp,
}

pub(super) fn staff() -> String {
    AccountKind::STAFF.as_str().to_owned()
}

/// A user's account: the public user and the private account data.
#[derive(Debug, Clone)]
pub struct UserAccount {
    pub user: User,
    /// An argon2id hash in PHC form.
    pub password_hash: String,
    /// Tokens of other issuers from before this time are ended.
    pub tokens_valid_from: Timestamp,
    /// Tokens of this service with another version are ended.
    pub credential_version: u64,
    /// Since the last sign-in.
    pub failed_sign_ins: Option<FailedSignIns>,
}

/// The number of failed sign-ins under a name, and the time of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSignIns {
    #[serde(deserialize_with = "stored_number::natural")]
    pub count: u64,
    #[serde(with = "crate::store::bson_form")]
    pub since: Timestamp,
}

impl UserAccount {
    /// Returns the data that decides which tokens are valid.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials {
            role: self.user.role,
            account: self.user.account,
            is_active: self.user.is_active,
            version: self.credential_version,
            changed_at: self.tokens_valid_from,
        }
    }
}

/// Returns the texts by which a user is found.
pub(super) fn person_texts(user: &User) -> PersonTexts<'_> {
    PersonTexts {
        username: &user.username,
        real_name: &user.real_name,
        department: &user.department,
        title: &user.title,
    }
}

impl From<&UserAccount> for UserRow {
    fn from(account: &UserAccount) -> Self {
        let user = &account.user;
        Self {
            id: user.id,
            username_key: username_key(&user.username),
            search_keys: person_texts(user).keys(),
            username: user.username.clone(),
            password: account.password_hash.clone(),
            real_name: user.real_name.clone(),
            email: user.email.clone(),
            phone: user.phone.clone(),
            avatar: user.avatar.to_string(),
            role: user.role.as_str().to_owned(),
            kind: user.account.as_str().to_owned(),
            is_agent: user.account.is_agent(),
            department: user.department.clone(),
            title: user.title.clone(),
            status: user.status.as_str().to_owned(),
            last_seen: user.last_seen,
            is_active: user.is_active,
            self_registered: user.self_registered,
            contacts_shared: user.contacts_shared,
            tokens_valid_from: account.tokens_valid_from,
            credential_version: account.credential_version,
            must_change_password: user.must_change_password,
            failed_sign_ins: account.failed_sign_ins,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl TryFrom<UserRow> for UserAccount {
    type Error = Error;
    fn try_from(row: UserRow) -> Result<Self> {
        let corrupt = |what: &str| {
            tracing::error!(user = %row.id, what, "a stored user cannot be understood");
            Error::Internal
        };
        let role: Role = row.role.parse().map_err(|_| corrupt("role"))?;
        let account =
            AccountKind::stored(&row.kind, row.is_agent).ok_or_else(|| corrupt("kind"))?;
        let status: Status = row.status.parse().map_err(|_| corrupt("status"))?;
        Ok(Self {
            user: User {
                id: row.id,
                username: row.username,
                real_name: row.real_name,
                email: row.email,
                phone: row.phone,
                avatar: Avatar::from_text(row.avatar),
                role,
                account,
                department: row.department,
                title: row.title,
                status,
                last_seen: row.last_seen,
                is_active: row.is_active,
                self_registered: row.self_registered,
                contacts_shared: row.contacts_shared,
                must_change_password: row.must_change_password,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
            password_hash: row.password,
            tokens_valid_from: row.tokens_valid_from,
            credential_version: row.credential_version,
            failed_sign_ins: row.failed_sign_ins,
        })
    }
}
