//! Everything that can go wrong, once, with its stable code and its words in both languages.
//!
//! An error never carries message text, a password or a token. How a protocol shows it is the
//! gateway's business; what it is called is decided here.

mod fields;

use std::{borrow::Cow, time::Duration};

pub use fields::{FieldErrors, Problem};

use super::UserId;

/// What a service answers.
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

    /// The code on the wire.
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

/// The language of a message for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    English,
    Chinese,
}

/// Everything a service may answer instead of a result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No token, a bad one, an ended one; or a wrong name or password.
    #[error("the credentials are missing or not valid")]
    AuthFailed,
    #[error("the token has expired")]
    TokenExpired,
    /// The detail says what was not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Absent, or not visible to the caller: both look the same.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("there is no such conversation")]
    ConversationNotFound,
    #[error("{0}")]
    InvalidMessage(FieldErrors),
    #[error("{0}")]
    Validation(FieldErrors),
    /// The input could not be read at all (no JSON, wrong method …).
    #[error("{0}")]
    Malformed(String),
    #[error("the media type is not application/json")]
    UnsupportedMediaType,
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// More characters or bytes than allowed.
    #[error("the limit is {limit}")]
    MessageTooLarge { limit: usize },
    /// More bytes than a file may have.
    #[error("a file has at most {limit} bytes")]
    FileTooLarge { limit: u64 },
    /// The person's files take up all the room they have.
    #[error("all files of a person have at most {quota} bytes together")]
    QuotaExceeded { quota: u64 },
    /// The house's files take up all the room it has.
    #[error("all files of the house have at most {total} bytes together")]
    HouseFull { total: u64 },
    /// A file whose content is not what it should be; the detail says why.
    #[error("{0}")]
    FileRejected(&'static str),
    /// A picture that unfolds to more than may be unpacked.
    #[error("the picture has more than {limit} pixels")]
    PictureTooLarge { limit: u64 },
    /// A HEIC picture that cannot be converted here.
    #[error("this kind of HEIC picture is not supported")]
    HeicUnsupported,
    /// A file of a kind that is not taken.
    #[error("{0}")]
    FileUnsupported(&'static str),
    /// A part of a file was asked for that it does not have.
    #[error("the file has {size} bytes")]
    RangeNotSatisfiable { size: u64 },
    #[error("try again in {} s", whole_seconds(*retry_after))]
    RateLimited { retry_after: Duration },
    #[error("{0}")]
    Conflict(&'static str),
    /// Whoever it is for is not active any more; nothing was stored.
    #[error("{} no longer use this service; the message was not sent", names_of(.users, .names))]
    RecipientInactive { users: Vec<UserId>, names: Vec<String> },
    /// Others have put these people into as many groups as they may.
    #[error("{} are in too many groups", names_of(.users, .names))]
    GroupsFull { users: Vec<UserId>, names: Vec<String> },
    /// Too late: the time in which it was allowed has passed.
    #[error("{0}")]
    WindowClosed(&'static str),
    /// The database cannot be reached; nothing was stored.
    #[error("the database or the store of files is not reachable; nothing was stored")]
    Unavailable,
    /// The database went away in the middle: the change may or may not be stored.
    #[error("the outcome is unknown; repeat to learn it (a message under the same clientMsgId)")]
    OutcomeUnknown,
    /// A defect of ours. The cause is logged where it is found and never shown.
    #[error("internal error")]
    Internal,
}

/// People by their names, or by their ids where these are not known.
fn names_of(users: &[UserId], names: &[String]) -> String {
    if names.is_empty() {
        users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    } else {
        names.join(", ")
    }
}

/// Whoever waits so long has waited long enough.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1)
}

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Error::AuthFailed => Code::AuthFailed,
            Error::TokenExpired => Code::TokenExpired,
            Error::Forbidden(_) => Code::Forbidden,
            Error::NotFound(_) => Code::NotFound,
            Error::ConversationNotFound => Code::ConversationNotFound,
            Error::InvalidMessage(_) => Code::InvalidMessage,
            Error::Validation(_)
            | Error::Malformed(_)
            | Error::UnsupportedMediaType
            | Error::MethodNotAllowed
            | Error::RangeNotSatisfiable { .. } => Code::ValidationFailed,
            Error::MessageTooLarge { .. } | Error::FileTooLarge { .. } => Code::MessageTooLarge,
            Error::QuotaExceeded { .. }
            | Error::HouseFull { .. }
            | Error::FileRejected(_)
            | Error::PictureTooLarge { .. }
            | Error::HeicUnsupported
            | Error::FileUnsupported(_) => Code::FileRejected,
            Error::RateLimited { .. } => Code::RateLimited,
            Error::Conflict(_) | Error::RecipientInactive { .. } | Error::GroupsFull { .. } => Code::Conflict,
            Error::WindowClosed(_) => Code::WindowClosed,
            Error::Unavailable | Error::OutcomeUnknown | Error::Internal => Code::Internal,
        }
    }

    /// Returns after how many seconds it is worth to try again, where that is known: the same number wherever
    /// it is told.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Error::RateLimited { retry_after } => Some(whole_seconds(*retry_after)),
            _ => None,
        }
    }

    /// The bad fields, where there are any.
    #[must_use]
    pub fn fields(&self) -> Option<&FieldErrors> {
        match self {
            Error::InvalidMessage(fields) | Error::Validation(fields) => Some(fields),
            _ => None,
        }
    }

    /// One sentence for a person.
    #[must_use]
    pub fn message(&self, language: Language) -> Cow<'static, str> {
        if let Error::RecipientInactive { users, names } = self {
            let who = names_of(users, names);
            return Cow::Owned(match language {
                Language::English if users.len() > 1 => {
                    format!("{who} no longer use Wardline; the message was not sent.")
                }
                Language::English => format!("{who} no longer uses Wardline; the message was not sent."),
                Language::Chinese => format!("{who}已不再使用 Wardline，消息未发送。"),
            });
        }
        if let Error::GroupsFull { users, names } = self {
            let who = names_of(users, names);
            return Cow::Owned(match language {
                Language::English => format!("Too many groups already: {who}."),
                Language::Chinese => format!("所在群组已达上限：{who}。"),
            });
        }
        let (english, chinese) = match self {
            Error::AuthFailed => ("Sign-in failed or has ended.", "登录失败或已失效。"),
            Error::TokenExpired => ("Your sign-in has expired.", "登录已过期。"),
            Error::Forbidden(_) => ("You may not do this.", "您无权执行此操作。"),
            Error::NotFound(_) => ("Not found.", "未找到。"),
            Error::ConversationNotFound => ("There is no such conversation.", "会话不存在。"),
            Error::InvalidMessage(_) => ("The message is not valid.", "消息无效。"),
            Error::Validation(_) => ("The input is not valid.", "输入无效。"),
            Error::Malformed(_) => ("The request could not be read.", "无法解析请求。"),
            Error::UnsupportedMediaType => ("This media type is not supported.", "不支持的媒体类型。"),
            Error::MethodNotAllowed => ("This method is not allowed here.", "不允许使用此方法。"),
            Error::MessageTooLarge { .. } => ("The message is too large.", "消息过大。"),
            Error::FileTooLarge { .. } => ("The file is too large.", "文件过大。"),
            Error::QuotaExceeded { .. } => ("There is no room left for your files.", "您的文件空间已满。"),
            Error::HouseFull { .. } => ("There is no room left for files here.", "文件总空间已满。"),
            Error::FileRejected(_) => ("The file was not accepted.", "文件未被接受。"),
            Error::PictureTooLarge { .. } => ("The picture has too many pixels.", "图片的像素过多。"),
            Error::HeicUnsupported => (
                "This HEIC picture cannot be converted. Set the camera to \"Most Compatible\", or send the picture from \
                 the Wardline page.",
                "无法转换此 HEIC 图片。请将相机格式设为“兼容性最佳”，或在 Wardline 网页中发送。",
            ),
            Error::FileUnsupported(_) => ("Files of this kind are not accepted.", "不接受此类文件。"),
            Error::RangeNotSatisfiable { .. } => ("The file has no such part.", "文件没有所请求的部分。"),
            Error::RateLimited { .. } => ("Too many requests; please wait.", "请求过于频繁，请稍候。"),
            Error::Conflict(_) => ("This conflicts with what is there.", "与现有数据冲突。"),
            Error::RecipientInactive { .. } => ("They no longer use Wardline.", "对方已不再使用 Wardline。"),
            Error::GroupsFull { .. } => ("Somebody is in too many groups already.", "有人所在群组已达上限。"),
            Error::WindowClosed(_) => ("It is too late for this.", "已超过允许的时间。"),
            Error::Unavailable => {
                ("The service is not available; nothing was stored.", "服务暂不可用，未保存任何内容。")
            }
            Error::OutcomeUnknown => {
                ("It is not known whether this was stored; please repeat.", "无法确定是否已保存，请重试。")
            }
            Error::Internal => ("Something went wrong on our side.", "服务器内部错误。"),
        };
        Cow::Borrowed(match language {
            Language::English => english,
            Language::Chinese => chinese,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
