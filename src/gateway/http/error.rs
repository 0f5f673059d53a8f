//! Failures of requests: those that a service answers, and those of requests that no service sees.

use std::borrow::Cow;

use super::field_names::field_name;
use crate::{
    domain::{
        Error,
        error::{Code, FieldErrors, Problem},
    },
    gateway::i18n::{self, Language},
};

/// Why a request failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Service(#[from] Error),
    /// Fields of the input are not valid.
    #[error("{fields}")]
    Invalid {
        code: Code,
        fields: FieldErrors<String>,
    },
    /// The input could not be read at all: no JSON, no such event, a body that breaks off.
    #[error("{0}")]
    Malformed(String),
    #[error("the media type is not application/json")]
    UnsupportedMediaType,
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// The client asked for a part that the file does not have.
    #[error("the file has {size} bytes")]
    RangeNotSatisfiable { size: u64 },
}

/// The result of reading a request.
pub type Result<T, E = RequestError> = std::result::Result<T, E>;

impl RequestError {
    /// Returns an error for one invalid field.
    #[must_use]
    pub fn invalid(field: &str, problem: impl Into<Problem>) -> Self {
        Self::Invalid {
            code: Code::ValidationFailed,
            fields: FieldErrors::one(field, problem),
        }
    }

    /// Returns an error for input that could not be read; `detail` never quotes the input.
    #[must_use]
    pub fn malformed(detail: &str) -> Self {
        Self::Malformed(detail.to_owned())
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Service(error) => error.code(),
            Self::Invalid { code, .. } => *code,
            Self::Malformed(_)
            | Self::UnsupportedMediaType
            | Self::MethodNotAllowed
            | Self::RangeNotSatisfiable { .. } => Code::ValidationFailed,
        }
    }

    /// Returns the invalid fields under the names that clients use.
    #[must_use]
    pub fn fields(&self) -> Option<Cow<'_, FieldErrors<String>>> {
        if let Self::Invalid { fields, .. } = self {
            return Some(Cow::Borrowed(fields));
        }
        let fields = self.service().and_then(Error::fields)?;
        let mut named = FieldErrors::default();
        named.merge(fields, |field| field_name(*field).to_owned());
        Some(Cow::Owned(named))
    }

    /// Returns one sentence for a developer.
    #[must_use]
    pub fn detail(&self) -> String {
        self.fields()
            .map_or_else(|| self.to_string(), |fields| fields.to_string())
    }

    /// Returns the service's error, if a service answered it.
    #[must_use]
    pub fn service(&self) -> Option<&Error> {
        match self {
            Self::Service(error) => Some(error),
            _ => None,
        }
    }

    /// Returns one sentence for a person.
    #[must_use]
    pub fn message(&self, language: Language) -> Cow<'static, str> {
        let (english, chinese) = match self {
            Self::Service(error) => return i18n::message(error, language),
            Self::Invalid {
                code: Code::InvalidMessage,
                ..
            } => ("The message is not valid.", "消息无效。"),
            Self::Invalid { .. } => ("The input is not valid.", "输入无效。"),
            Self::Malformed(_) => ("The request could not be read.", "无法解析请求。"),
            Self::UnsupportedMediaType => {
                ("This media type is not supported.", "不支持的媒体类型。")
            }
            Self::MethodNotAllowed => ("This method is not allowed here.", "不允许使用此方法。"),
            Self::RangeNotSatisfiable { .. } => {
                ("The file has no such part.", "文件没有所请求的部分。")
            }
        };
        Cow::Borrowed(match language {
            Language::English => english,
            Language::Chinese => chinese,
        })
    }
}
