//! Everything that can go wrong, once, with its stable code and its words in both languages.
//!
//! An error never carries message text, a password or a token. How a protocol shows it is the
//! gateway's business; what it is called is decided here.

use std::{collections::BTreeMap, fmt, time::Duration};

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

/// Every bad field of an input with what is wrong about it, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldErrors(BTreeMap<String, String>);

impl FieldErrors {
    /// One bad field.
    #[must_use]
    pub fn one(field: &str, problem: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, problem);
        errors
    }

    /// Notes a problem; the first one of a field stays.
    pub fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.0.entry(field.to_owned()).or_insert_with(|| problem.into());
    }

    /// The bad fields' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Field and problem, sorted by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, problem)| (field.as_str(), problem.as_str()))
    }

    /// `Ok` when nothing is bad, else the error made of these.
    ///
    /// # Errors
    /// `make(self)` when there is a bad field.
    pub fn into_result(self, make: impl FnOnce(Self) -> Error) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(make(self)) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, problem)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field} {problem}")?;
        }
        Ok(())
    }
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
    /// A file whose content is not what it should be; the detail says why.
    #[error("{0}")]
    FileRejected(&'static str),
    /// A file of a kind that is not taken.
    #[error("{0}")]
    FileUnsupported(&'static str),
    /// A part of a file was asked for that it does not have.
    #[error("the file has {size} bytes")]
    RangeNotSatisfiable { size: u64 },
    #[error("try again in {} s", retry_after.as_secs().max(1))]
    RateLimited { retry_after: Duration },
    #[error("{0}")]
    Conflict(&'static str),
    /// Too late: the time in which it was allowed has passed.
    #[error("{0}")]
    WindowClosed(&'static str),
    /// The database cannot be reached; nothing was stored.
    #[error("the database is not reachable; nothing was stored")]
    Unavailable,
    /// The database went away in the middle: the change may or may not be stored.
    #[error("the outcome is unknown; repeat to learn it (a message under the same clientMsgId)")]
    OutcomeUnknown,
    /// A defect of ours. The cause is logged where it is found and never shown.
    #[error("internal error")]
    Internal,
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
            Error::QuotaExceeded { .. } | Error::FileRejected(_) | Error::FileUnsupported(_) => {
                Code::FileRejected
            }
            Error::RateLimited { .. } => Code::RateLimited,
            Error::Conflict(_) => Code::Conflict,
            Error::WindowClosed(_) => Code::WindowClosed,
            Error::Unavailable | Error::OutcomeUnknown | Error::Internal => Code::Internal,
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
    pub fn message(&self, language: Language) -> &'static str {
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
            Error::FileRejected(_) => ("The file was not accepted.", "文件未被接受。"),
            Error::FileUnsupported(_) => ("Files of this kind are not accepted.", "不接受此类文件。"),
            Error::RangeNotSatisfiable { .. } => ("The file has no such part.", "文件没有所请求的部分。"),
            Error::RateLimited { .. } => ("Too many requests; please wait.", "请求过于频繁，请稍候。"),
            Error::Conflict(_) => ("This conflicts with what is there.", "与现有数据冲突。"),
            Error::WindowClosed(_) => ("It is too late for this.", "已超过允许的时间。"),
            Error::Unavailable => {
                ("The service is not available; nothing was stored.", "服务暂不可用，未保存任何内容。")
            }
            Error::OutcomeUnknown => {
                ("It is not known whether this was stored; please repeat.", "无法确定是否已保存，请重试。")
            }
            Error::Internal => ("Something went wrong on our side.", "服务器内部错误。"),
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
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

    #[test]
    fn every_bad_field_is_named_once() {
        let mut fields = FieldErrors::one("b", "is required");
        fields.add("a", "must be text");
        fields.add("b", "is also wrong");
        assert_eq!(fields.to_string(), "a must be text; b is required");
    }
}
