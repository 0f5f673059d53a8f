//! People: who they are, what they are called, which role they have.

use std::str::FromStr;

use super::{Timestamp, UserId, presence::Status};

/// What a person may do in the house; the source's four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the house: accounts, others' lists and statistics. Never speaks for others.
    Admin,
    /// A physician.
    Doctor,
    /// A nurse.
    Nurse,
    /// Everybody else; what registration gives.
    User,
}

impl Role {
    /// All roles, for schemas and checks.
    pub const ALL: [Role; 4] = [Role::Admin, Role::Doctor, Role::Nurse, Role::User];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Doctor => "doctor",
            Role::Nurse => "nurse",
            Role::User => "user",
        }
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of admin, doctor, nurse, user")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// Which accounts a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Those that may sign in.
    #[default]
    Active,
    /// Those that were deactivated.
    Inactive,
    Any,
}

impl FromStr for Standing {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "true" => Ok(Standing::Active),
            "false" => Ok(Standing::Inactive),
            "all" => Ok(Standing::Any),
            _ => Err("is one of true, false, all"),
        }
    }
}

/// A person as everybody may see them: no password, no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// As it was chosen; unique without regard to case.
    pub username: String,
    pub real_name: String,
    pub email: String,
    pub phone: String,
    pub avatar: String,
    pub role: Role,
    /// A department's name, empty when none.
    pub department: String,
    /// A job title, empty when none.
    pub title: String,
    pub status: Status,
    pub last_seen: Option<Timestamp>,
    pub is_active: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The form under which usernames are compared: two that differ only in case are the same name.
#[must_use]
pub fn username_key(username: &str) -> String {
    username.to_lowercase()
}

/// Whether `username` is 3 to 32 letters, digits, `.`, `_`, `-` (ASCII, so that two names never
/// look alike by another script).
#[must_use]
pub fn is_valid_username(username: &str) -> bool {
    (3..=32).contains(&username.len())
        && username.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether `password` is 8 to 128 characters and not the username itself.
#[must_use]
pub fn is_valid_password(password: &str, username: &str) -> bool {
    (8..=128).contains(&password.chars().count()) && username_key(password) != username_key(username)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_and_passwords_keep_to_their_rules() {
        for good in ["abc", "dr.chen", "Nurse_Li-2", &"a".repeat(32)] {
            assert!(is_valid_username(good), "{good}");
        }
        for bad in ["ab", "", "two words", "李娜李娜", "a$ne", &"a".repeat(33)] {
            assert!(!is_valid_username(bad), "{bad}");
        }
        assert!(is_valid_password("12345678", "someone"));
        assert!(is_valid_password(&"密".repeat(128), "someone"));
        assert!(!is_valid_password("1234567", "someone"));
        assert!(!is_valid_password(&"x".repeat(129), "someone"));
        assert!(!is_valid_password("NURSE.LI1", "nurse.li1"), "the username is no password");
    }
}
