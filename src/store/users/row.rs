//! A person's document, and the way between it and the account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Error, Result, Timestamp, UserId,
    presence::Status,
    user::{Role, User, username_key},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserRow {
    #[serde(rename = "_id")]
    id: UserId,
    username: String,
    username_key: String,
    search_keys: Vec<String>,
    password: String,
    real_name: String,
    email: String,
    phone: String,
    avatar: String,
    role: String,
    department: String,
    title: String,
    status: String,
    last_seen: Option<Timestamp>,
    is_active: bool,
    tokens_valid_from: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Somebody's account: the person and what only the house knows of them.
#[derive(Debug, Clone)]
pub struct Account {
    pub user: User,
    /// An argon2id hash in PHC form.
    pub password_hash: String,
    /// Tokens issued before this are ended.
    pub tokens_valid_from: Timestamp,
}

impl From<&Account> for UserRow {
    fn from(account: &Account) -> Self {
        let user = &account.user;
        Self {
            id: user.id,
            username_key: username_key(&user.username),
            search_keys: search_keys(&user.username, &user.real_name),
            username: user.username.clone(),
            password: account.password_hash.clone(),
            real_name: user.real_name.clone(),
            email: user.email.clone(),
            phone: user.phone.clone(),
            avatar: user.avatar.clone(),
            role: user.role.as_str().to_owned(),
            department: user.department.clone(),
            title: user.title.clone(),
            status: user.status.as_str().to_owned(),
            last_seen: user.last_seen,
            is_active: user.is_active,
            tokens_valid_from: account.tokens_valid_from,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl TryFrom<UserRow> for Account {
    type Error = Error;
    fn try_from(row: UserRow) -> Result<Self> {
        let corrupt = |what: &str| {
            tracing::error!(user = %row.id, what, "a stored user cannot be understood");
            Error::Internal
        };
        let role: Role = row.role.parse().map_err(|_| corrupt("role"))?;
        let status: Status = row.status.parse().map_err(|_| corrupt("status"))?;
        Ok(Self {
            user: User {
                id: row.id,
                username: row.username,
                real_name: row.real_name,
                email: row.email,
                phone: row.phone,
                avatar: row.avatar,
                role,
                department: row.department,
                title: row.title,
                status,
                last_seen: row.last_seen,
                is_active: row.is_active,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
            password_hash: row.password,
            tokens_valid_from: row.tokens_valid_from,
        })
    }
}

/// Every ending of the names, folded in case: a prefix of one is a part of the name, so that an index
/// answers "contains".
pub(super) fn search_keys(username: &str, real_name: &str) -> Vec<String> {
    let mut keys = BTreeSet::new();
    for name in [username, real_name] {
        let folded = name.to_lowercase();
        for (start, _) in folded.char_indices().take(64) {
            keys.insert(folded[start..].to_owned());
        }
    }
    keys.into_iter().collect()
}
