//! The requests of `/api/auth`.

use utoipa::ToSchema;

use crate::{
    domain::{
        avatar::Avatar,
        text::visible_text,
        user::{AccountKind, Role, trim_username},
    },
    gateway::{
        accounts::file_address,
        http::fields::{Fields, FromFields},
    },
    service::NewAccount,
};

/// The most characters of a guest's name.
const MAX_NICKNAME_CHARS: usize = 32;

/// `POST /api/auth/login`
#[derive(ToSchema)]
pub struct LoginRequest {
    pub username: String,
    pub password: String,
}

impl FromFields for LoginRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (username, password) = (
            fields.required_text("username"),
            fields.required_text("password"),
        );
        let (username, password) = (username?, password?);
        for (name, text) in [("username", &username), ("password", &password)] {
            if text.len() > 1_024 {
                fields.problem(name, "is too long");
            }
        }
        Some(Self { username, password })
    }
}

/// `PUT /api/auth/password`
#[derive(ToSchema)]
pub struct ChangePasswordRequest {
    /// The password as it is.
    pub current: String,
    /// 8 to 128 characters; not the username, not the real name, none of the commonest.
    pub next: String,
}

impl FromFields for ChangePasswordRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (current, next) = (
            fields.required_text("current"),
            fields.required_text("next"),
        );
        let (current, next) = (current?, next?);
        for (name, text) in [("current", &current), ("next", &next)] {
            if text.len() > 1_024 {
                fields.problem(name, "is too long");
            }
        }
        Some(Self { current, next })
    }
}

/// `?keep=current`
pub struct KeepSessions(pub bool);

impl FromFields for KeepSessions {
    fn read(fields: &mut Fields) -> Option<Self> {
        let keep = fields.text("keep");
        if keep.as_deref().is_some_and(|keep| keep != "current") {
            fields.problem("keep", "must be `current`");
        }
        Some(Self(keep.is_some()))
    }
}

/// `POST /api/auth/register`; the role is always `user`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `Registration` reads, for the document only"
)]
pub struct RegisterRequest {
    /// 3 to 32 letters, digits, `.`, `_`, `-`; unique without regard to case.
    username: String,
    /// 8 to 128 characters; not the username, not the real name, none of the commonest.
    password: String,
    /// The username when absent.
    real_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    avatar: Option<String>,
}

/// An account that a user registers.
pub struct Register(pub NewAccount);

impl FromFields for Register {
    fn read(fields: &mut Fields) -> Option<Self> {
        let username = fields.required_text("username").unwrap_or_default();
        let username = trim_username(&username).to_owned();
        let password = fields.required_text("password").unwrap_or_default();
        let real_name = fields.text("realName").unwrap_or_else(|| username.clone());
        let [email, phone] = ["email", "phone"].map(|name| fields.text_or_empty(name));
        let avatar = avatar(fields).unwrap_or_default();
        let account = NewAccount {
            username,
            password,
            real_name,
            role: Role::User,
            account: AccountKind::STAFF,
            email,
            phone,
            avatar,
            department: String::new(),
            title: String::new(),
        };
        // A missing field does not hide the bad ones.
        fields.problems(&account.problems());
        Some(Self(account))
    }
}

/// `POST /api/auth/guest`; every field may be missing, and so may the body.
#[derive(ToSchema, Default)]
#[schema(rename_all = "camelCase")]
pub struct GuestRequest {
    /// At most 32 characters; the username when absent.
    pub nickname: Option<String>,
    /// The same as `nickname`.
    #[expect(dead_code, reason = "read as `nickname`")]
    guest_name: Option<String>,
}

impl FromFields for GuestRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let names = ["nickname", "guestName"].map(|field| (field, fields.text(field)));
        for (field, name) in &names {
            let Some(name) = name else { continue };
            if name.chars().nth(MAX_NICKNAME_CHARS).is_some() {
                fields.problem(
                    field,
                    format!("must have at most {MAX_NICKNAME_CHARS} characters"),
                );
            }
        }
        // One line of what can be seen; without it the guest has none.
        let seen = |(_, name): (_, Option<String>)| {
            let line = name?.replace(char::is_control, " ");
            visible_text(&line)
        };
        let [nickname, guest_name] = names.map(seen);
        Some(Self {
            nickname: nickname.or(guest_name),
            guest_name: None,
        })
    }
}

/// Reads the address of an avatar, if present.
pub fn avatar(fields: &mut Fields) -> Option<Avatar> {
    fields.text("avatar").map(file_address::avatar_at)
}
