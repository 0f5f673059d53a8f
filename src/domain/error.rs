//! All errors, each with its stable code.
//!
//! An error never contains message text, a password or a token. The gateway decides how a protocol
//! shows it, and its text in each language (`gateway/i18n.rs`); its code is decided here.

mod fields;

use std::time::Duration;

pub use fields::{FieldErrors, Problem};

use super::UserId;

/// The result of a service's operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The stable code of a failure: clients match on it, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    AuthFailed,
    TokenExpired,
    Forbidden,
    NotFound,
    InvalidMessage,
    ValidationFailed,
    ConversationNotFound,
    MessageTooLarge,
    RateLimited,
    Conflict,
    WindowClosed,
    FileRejected,
    Internal,
}

impl Code {
    /// All codes, for schemas and checks.
    pub const ALL: [Code; 13] = [
        Code::AuthFailed,
        Code::TokenExpired,
        Code::Forbidden,
        Code::NotFound,
        Code::InvalidMessage,
        Code::ValidationFailed,
        Code::ConversationNotFound,
        Code::MessageTooLarge,
        Code::RateLimited,
        Code::Conflict,
        Code::WindowClosed,
        Code::FileRejected,
        Code::Internal,
    ];

    /// Returns the code on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::AuthFailed => "AUTH_FAILED",
            Code::TokenExpired => "TOKEN_EXPIRED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::InvalidMessage => "INVALID_MESSAGE",
            Code::ValidationFailed => "VALIDATION_FAILED",
            Code::ConversationNotFound => "CONVERSATION_NOT_FOUND",
            Code::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Code::RateLimited => "RATE_LIMITED",
            Code::Conflict => "CONFLICT",
            Code::WindowClosed => "WINDOW_CLOSED",
            Code::FileRejected => "FILE_REJECTED",
            Code::Internal => "INTERNAL",
        }
    }
}

/// Every error that an operation may return.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A missing, invalid or ended token; or a wrong name or password.
    #[error("the credentials are missing or not valid")]
    AuthFailed,
    #[error("the token has expired")]
    TokenExpired,
    /// The detail tells what was not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Absent, or not visible to the caller: both give the same error.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("there is no such conversation")]
    ConversationNotFound,
    #[error("{0}")]
    InvalidMessage(FieldErrors),
    #[error("{0}")]
    Validation(FieldErrors),
    /// More characters or bytes than allowed.
    #[error("the limit is {limit}")]
    MessageTooLarge { limit: usize },
    /// More bytes than a file may have.
    #[error("a file has at most {limit} bytes")]
    FileTooLarge { limit: u64 },
    /// The user's files have reached the user's quota.
    #[error("all files of a person have at most {quota} bytes together")]
    QuotaExceeded { quota: u64 },
    /// All files together have reached the service's quota.
    #[error("all files together have at most {total} bytes together")]
    TotalQuotaExceeded { total: u64 },
    /// A file with invalid content; the detail tells why.
    #[error("{0}")]
    FileRejected(&'static str),
    /// An upload that is slower than the limit; the detail says which.
    #[error("{0}")]
    UploadTooSlow(&'static str),
    /// A picture with more pixels than may be decoded.
    #[error("the picture has more than {limit} pixels")]
    PictureTooLarge { limit: u64 },
    /// A HEIC picture that cannot be converted by this service.
    #[error("this kind of HEIC picture is not supported")]
    HeicUnsupported,
    /// A file of a kind that is not accepted.
    #[error("{0}")]
    FileUnsupported(&'static str),
    #[error("try again in {} s", whole_seconds(*retry_after))]
    RateLimited { retry_after: Duration },
    #[error("{0}")]
    Conflict(&'static str),
    /// The recipients are inactive; nothing was stored.
    #[error("{} no longer use this service; the message was not sent", names_of(.users, .names))]
    RecipientInactive {
        users: Vec<UserId>,
        names: Vec<String>,
    },
    /// Other users have added these users to as many groups as allowed.
    #[error("{} are in too many groups", names_of(.users, .names))]
    GroupsFull {
        users: Vec<UserId>,
        names: Vec<String>,
    },
    /// Too late: the time in which it was allowed has passed.
    #[error("{0}")]
    WindowClosed(&'static str),
    /// The database cannot be reached; nothing was stored.
    #[error("the database or the store of files is not reachable; nothing was stored")]
    Unavailable,
    /// The database failed in the middle: the change may or may not be stored.
    #[error("the outcome is unknown; repeat to learn it (a message under the same clientMsgId)")]
    OutcomeUnknown,
    /// A defect of this service. The cause is logged where it is found and never shown.
    #[error("internal error")]
    Internal,
}

/// Returns users by their names, or by their ids where the names are not known.
pub fn names_of(users: &[UserId], names: &[String]) -> String {
    if names.is_empty() {
        users
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    } else {
        names.join(", ")
    }
}

/// Returns the wait in whole seconds, rounded up, and at least one.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis()
        .div_ceil(1_000)
        .try_into()
        .unwrap_or(u64::MAX)
        .max(1)
}

impl Error {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Error::AuthFailed => Code::AuthFailed,
            Error::TokenExpired => Code::TokenExpired,
            Error::Forbidden(_) => Code::Forbidden,
            Error::NotFound(_) => Code::NotFound,
            Error::ConversationNotFound => Code::ConversationNotFound,
            Error::InvalidMessage(_) => Code::InvalidMessage,
            Error::Validation(_) | Error::UploadTooSlow(_) => Code::ValidationFailed,
            Error::MessageTooLarge { .. } | Error::FileTooLarge { .. } => Code::MessageTooLarge,
            Error::QuotaExceeded { .. }
            | Error::TotalQuotaExceeded { .. }
            | Error::FileRejected(_)
            | Error::PictureTooLarge { .. }
            | Error::HeicUnsupported
            | Error::FileUnsupported(_) => Code::FileRejected,
            Error::RateLimited { .. } => Code::RateLimited,
            Error::Conflict(_) | Error::RecipientInactive { .. } | Error::GroupsFull { .. } => {
                Code::Conflict
            }
            Error::WindowClosed(_) => Code::WindowClosed,
            Error::Unavailable | Error::OutcomeUnknown | Error::Internal => Code::Internal,
        }
    }

    /// Returns after how many seconds a retry is useful, where that is known. The number is the
    /// same in every place that shows it.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Error::RateLimited { retry_after } => Some(whole_seconds(*retry_after)),
            _ => None,
        }
    }

    /// Returns the invalid fields, if there are any.
    #[must_use]
    pub fn fields(&self) -> Option<&FieldErrors> {
        match self {
            Error::InvalidMessage(fields) | Error::Validation(fields) => Some(fields),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let names: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
