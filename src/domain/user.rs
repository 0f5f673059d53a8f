//! Users: their names, accounts and roles.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use super::{Timestamp, UserId, avatar::Avatar, presence::Status, text::visible_text};

/// The role of a user; the source's four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Manages the service: accounts, others' lists and statistics. Never acts for others.
    Admin,
    /// A physician.
    Doctor,
    /// A nurse.
    Nurse,
    /// All other users; the role after registration.
    User,
}

impl Role {
    /// All roles, for schemas and checks.
    pub const ALL: [Role; 4] = [Role::Admin, Role::Doctor, Role::Nurse, Role::User];

    /// Returns the name on the wire and in the database.
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

/// The error of a text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of admin, doctor, nurse, user")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// The kind of an account: whose it is, and by what it gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// Works here; `is_agent` also answers at the service desk.
    Staff { is_agent: bool },
    /// Has no password. A member of staff adds them to conversations.
    Guest,
    /// Gets in at the service desk only.
    Customer,
}

impl AccountKind {
    /// An ordinary member of staff.
    pub const STAFF: Self = AccountKind::Staff { is_agent: false };

    /// Returns the name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountKind::Staff { .. } => "staff",
            AccountKind::Guest => "guest",
            AccountKind::Customer => "customer",
        }
    }

    /// Returns the kind with this stored name.
    #[must_use]
    pub fn stored(name: &str, is_agent: bool) -> Option<Self> {
        match name {
            "staff" => Some(AccountKind::Staff { is_agent }),
            "guest" => Some(AccountKind::Guest),
            "customer" => Some(AccountKind::Customer),
            _ => None,
        }
    }

    /// Returns whether it is a member of staff.
    #[must_use]
    pub fn is_staff(self) -> bool {
        matches!(self, AccountKind::Staff { .. })
    }

    /// Returns whether it answers at the service desk.
    #[must_use]
    pub fn is_agent(self) -> bool {
        matches!(self, AccountKind::Staff { is_agent: true })
    }
}

/// The accounts that a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountStatus {
    /// Accounts that may sign in.
    #[default]
    Active,
    /// Accounts that were deactivated.
    Inactive,
    Any,
}

impl FromStr for AccountStatus {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "true" => Ok(AccountStatus::Active),
            "false" => Ok(AccountStatus::Inactive),
            "all" => Ok(AccountStatus::Any),
            _ => Err("is one of true, false, all"),
        }
    }
}

/// Who may see the telephone numbers and e-mail addresses of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactVisibility {
    /// Doctors, nurses and admins.
    Staff,
    /// All signed-in users.
    All,
    /// Admins only.
    Nobody,
}

/// A reader of users' data, and the setting for contact data.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryReader {
    pub user: UserId,
    pub role: Role,
    pub contacts: ContactVisibility,
}

impl DirectoryReader {
    /// Returns whether the reader sees a user's telephone number and e-mail address. These are the
    /// reader's own, those shared with all, and otherwise what the setting allows.
    #[must_use]
    pub fn sees_contacts_of(&self, person: &User) -> bool {
        let by_role = match (self.contacts, self.role) {
            (ContactVisibility::All, _)
            | (_, Role::Admin)
            | (ContactVisibility::Staff, Role::Doctor | Role::Nurse) => true,
            (ContactVisibility::Staff, Role::User)
            | (ContactVisibility::Nobody, Role::Doctor | Role::Nurse | Role::User) => false,
        };
        by_role || person.contacts_shared || person.id == self.user
    }

    /// Removes from a user the data that this reader may not see. The fields stay, empty.
    pub fn narrow(&self, person: &mut User) {
        if !self.sees_contacts_of(person) {
            person.email.clear();
            person.phone.clear();
        }
    }
}

/// A user with the public data: no password, no token.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about a person"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// The username as it was chosen; unique without regard to case.
    pub username: String,
    pub real_name: String,
    pub email: String,
    pub phone: String,
    pub avatar: Avatar,
    pub role: Role,
    pub account: AccountKind,
    /// A department's name, empty when none.
    pub department: String,
    /// A job title, empty when none.
    pub title: String,
    pub status: Status,
    pub last_seen: Option<Timestamp>,
    pub is_active: bool,
    /// Whether the user registered the account, and no admin has changed it since.
    pub self_registered: bool,
    /// Whether the user shares their telephone number and e-mail address with all users.
    pub contacts_shared: bool,
    /// Whether another person set the password, and so knows it.
    pub must_change_password: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Returns a department's name as it is stored: its visible part, letters and digits in the usual
/// width.
#[must_use]
pub fn department_of(given: &str) -> String {
    let usual = |c: char| match c {
        '\u{3000}' => ' ',
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '－' | '．' | '／' | '＆' | '＋' => {
            char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
        }
        other => other,
    };
    visible_text(given)
        .unwrap_or_default()
        .chars()
        .map(usual)
        .collect()
}

/// Returns a typed username without the blanks around it, visible or not.
#[must_use]
pub fn trim_username(typed: &str) -> &str {
    let is_blank = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
            )
    };
    typed.trim_matches(is_blank)
}

/// Returns the form under which usernames are compared. Two names that differ only in case, in
/// blanks around them or in the width of their letters are the same.
#[must_use]
pub fn username_key(username: &str) -> String {
    trim_username(username)
        .nfkc()
        .collect::<String>()
        .to_lowercase()
}

/// Returns whether `username` is 3 to 32 letters, digits, `.`, `_`, `-`, with a letter or a digit
/// among them. Only ASCII is allowed, so that two names never look alike by another script.
#[must_use]
pub fn is_valid_username(username: &str) -> bool {
    (3..=32).contains(&username.len())
        && username
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && username.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// What the names of guests begin with.
pub const GUEST_NAME_PREFIX: &str = "guest-";

/// Names that users may not choose: such a user would seem to act for the service or for all.
const RESERVED_NAMES: [&str; 11] = [
    "all", "everyone", "here", "admin", "root", "system", "wardline", "info", "status", "search",
    "profile",
];

/// Returns whether users may not choose this name. `admin` is the name that the operator has chosen
/// for the first admin.
#[must_use]
pub fn is_reserved_username(username: &str, admin: Option<&str>) -> bool {
    let key = username_key(username);
    RESERVED_NAMES.contains(&key.as_str())
        || key.starts_with("demo-")
        || key.starts_with(GUEST_NAME_PREFIX)
        || admin.is_some_and(|admin| username_key(admin) == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_shared_as_the_organisation_or_the_user_decides() {
        let now = Timestamp(0);
        let person = User {
            id: UserId::generate(),
            username: "a".into(),
            real_name: "a".into(),
            email: "a@b.example".into(),
            phone: "1".into(),
            avatar: Avatar::None,
            role: Role::Nurse,
            account: AccountKind::STAFF,
            department: String::new(),
            title: String::new(),
            status: Status::Offline,
            last_seen: None,
            is_active: true,
            self_registered: false,
            contacts_shared: false,
            must_change_password: false,
            created_at: now,
            updated_at: now,
        };
        for (contacts, who) in [
            (
                ContactVisibility::Staff,
                &[Role::Doctor, Role::Nurse, Role::Admin][..],
            ),
            (ContactVisibility::All, &Role::ALL[..]),
            (ContactVisibility::Nobody, &[Role::Admin][..]),
        ] {
            for role in Role::ALL {
                let reader = DirectoryReader {
                    user: UserId::generate(),
                    role,
                    contacts,
                };
                assert_eq!(
                    reader.sees_contacts_of(&person),
                    who.contains(&role),
                    "{contacts:?} {role:?}"
                );
                let shared = User {
                    contacts_shared: true,
                    ..person.clone()
                };
                assert!(reader.sees_contacts_of(&shared));
                assert!(
                    DirectoryReader {
                        user: person.id,
                        ..reader
                    }
                    .sees_contacts_of(&person),
                    "oneself"
                );
            }
        }
    }

    #[test]
    fn usernames_keep_to_their_rules() {
        for good in ["abc", "dr.chen", "Nurse_Li-2", &"a".repeat(32)] {
            assert!(is_valid_username(good), "{good}");
        }
        for bad in ["ab", "", "two words", "李娜李娜", "a$ne", &"a".repeat(33)] {
            assert!(!is_valid_username(bad), "{bad}");
        }
        for blank in ["...", "-_-"] {
            assert!(!is_valid_username(blank), "{blank}");
        }
        for same in [
            "nurse.li ",
            "\u{3000}Nurse.Li",
            "ｎｕｒｓｅ．ｌｉ",
            "\u{feff}nurse.li\t",
        ] {
            assert_eq!(username_key(same), "nurse.li", "{same:?}");
        }
        for reserved in [
            "all", "Admin", "WARDLINE", "demo-li", "Guest-1", "search", "Chief",
        ] {
            assert!(is_reserved_username(reserved, Some("chief")), "{reserved}");
        }
        assert!(
            !is_reserved_username("chief", None) && !is_reserved_username("allan", Some("chief"))
        );
    }
}
