//! People: who they are, what they are called, which role they have.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use super::{Timestamp, UserId, presence::Status, text::visible_text};

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
pub enum AccountStatus {
    /// Those that may sign in.
    #[default]
    Active,
    /// Those that were deactivated.
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

/// Who gets the telephone numbers and e-mail addresses of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactVisibility {
    /// Doctors, nurses and admins.
    Staff,
    /// Everybody who is signed in.
    All,
    /// Admins only.
    Nobody,
}

/// Who reads of people, and what the house allows them.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryReader {
    pub user: UserId,
    pub role: Role,
    pub contacts: ContactVisibility,
}

impl DirectoryReader {
    /// Whether they get a person's telephone number and e-mail address: their own, those that a person shows
    /// to all, and otherwise what the house allows.
    #[must_use]
    pub fn gets_contacts_of(&self, person: &User) -> bool {
        let by_role = match (self.contacts, self.role) {
            (ContactVisibility::All, _)
            | (_, Role::Admin)
            | (ContactVisibility::Staff, Role::Doctor | Role::Nurse) => true,
            (ContactVisibility::Staff, Role::User)
            | (ContactVisibility::Nobody, Role::Doctor | Role::Nurse | Role::User) => false,
        };
        by_role || person.contacts_shared || person.id == self.user
    }

    /// Takes from a person what this reader does not get. The fields stay, empty.
    pub fn narrow(&self, person: &mut User) {
        if !self.gets_contacts_of(person) {
            person.email.clear();
            person.phone.clear();
        }
    }
}

/// A person as everybody may see them: no password, no token.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a person")]
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
    /// They made the account themselves, and no admin has looked after it since.
    pub self_registered: bool,
    /// They show their telephone number and e-mail address to everybody.
    pub contacts_shared: bool,
    /// Somebody else knows the password: they set it.
    pub must_change_password: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A department's name as it is stored: what can be seen of it, letters and digits in the usual width.
#[must_use]
pub fn department_of(given: &str) -> String {
    let usual = |c: char| match c {
        '\u{3000}' => ' ',
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '－' | '．' | '／' | '＆' | '＋' => {
            char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
        }
        other => other,
    };
    visible_text(given).unwrap_or_default().chars().map(usual).collect()
}

/// Returns what was typed as a username without the blanks around it, seen or unseen.
#[must_use]
pub fn trim_username(typed: &str) -> &str {
    let is_blank = |c: char| {
        c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
    };
    typed.trim_matches(is_blank)
}

/// The form under which usernames are compared: two that differ only in case, in blanks around them or in the
/// width that a keyboard gave their letters are the same name.
#[must_use]
pub fn username_key(username: &str) -> String {
    trim_username(username).nfkc().collect::<String>().to_lowercase()
}

/// Whether `username` is 3 to 32 letters, digits, `.`, `_`, `-` (ASCII, so that two names never
/// look alike by another script), with a letter or a digit among them.
#[must_use]
pub fn is_valid_username(username: &str) -> bool {
    (3..=32).contains(&username.len())
        && username.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && username.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// Names that people may not give themselves: who bears one would seem to speak for the house or for all.
const RESERVED_NAMES: [&str; 7] = ["all", "everyone", "here", "admin", "root", "system", "wardline"];

/// Whether people may not give themselves this name. `admin` is the name that the operator has chosen for the
/// first admin.
#[must_use]
pub fn is_reserved_username(username: &str, admin: Option<&str>) -> bool {
    let key = username_key(username);
    RESERVED_NAMES.contains(&key.as_str())
        || key.starts_with("demo-")
        || admin.is_some_and(|admin| username_key(admin) == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_for_whom_the_house_or_the_person_says() {
        let now = Timestamp(0);
        let person = User {
            id: UserId::generate(),
            username: "a".into(),
            real_name: "a".into(),
            email: "a@b.example".into(),
            phone: "1".into(),
            avatar: String::new(),
            role: Role::Nurse,
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
            (ContactVisibility::Staff, &[Role::Doctor, Role::Nurse, Role::Admin][..]),
            (ContactVisibility::All, &Role::ALL[..]),
            (ContactVisibility::Nobody, &[Role::Admin][..]),
        ] {
            for role in Role::ALL {
                let reader = DirectoryReader { user: UserId::generate(), role, contacts };
                assert_eq!(reader.gets_contacts_of(&person), who.contains(&role), "{contacts:?} {role:?}");
                let shared = User { contacts_shared: true, ..person.clone() };
                assert!(reader.gets_contacts_of(&shared));
                assert!(DirectoryReader { user: person.id, ..reader }.gets_contacts_of(&person), "oneself");
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
        for same in ["nurse.li ", "\u{3000}Nurse.Li", "ｎｕｒｓｅ．ｌｉ", "\u{feff}nurse.li\t"] {
            assert_eq!(username_key(same), "nurse.li", "{same:?}");
        }
        for reserved in ["all", "Admin", "WARDLINE", "demo-li", "Chief"] {
            assert!(is_reserved_username(reserved, Some("chief")), "{reserved}");
        }
        assert!(!is_reserved_username("chief", None) && !is_reserved_username("allan", Some("chief")));
    }
}
