//! What a person reads of a failure, in both languages.

use std::borrow::Cow;

use crate::domain::{Error, error::names_of};

/// The language of a message for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    English,
    Chinese,
}

/// Returns one sentence for a person.
#[must_use]
pub fn message(error: &Error, language: Language) -> Cow<'static, str> {
    if let Error::RecipientInactive { users, names } = error {
        let who = names_of(users, names);
        return Cow::Owned(match language {
            Language::English if users.len() > 1 => {
                format!("{who} no longer use Wardline; the message was not sent.")
            }
            Language::English => {
                format!("{who} no longer uses Wardline; the message was not sent.")
            }
            Language::Chinese => format!("{who}已不再使用 Wardline，消息未发送。"),
        });
    }
    if let Error::GroupsFull { users, names } = error {
        let who = names_of(users, names);
        return Cow::Owned(match language {
            Language::English => format!("Too many groups already: {who}."),
            Language::Chinese => format!("所在群组已达上限：{who}。"),
        });
    }
    let (english, chinese) = match error {
        Error::AuthFailed => ("Sign-in failed or has ended.", "登录失败或已失效。"),
        Error::TokenExpired => ("Your sign-in has expired.", "登录已过期。"),
        Error::Forbidden(_) => ("You may not do this.", "您无权执行此操作。"),
        Error::NotFound(_) => ("Not found.", "未找到。"),
        Error::ConversationNotFound => ("There is no such conversation.", "会话不存在。"),
        Error::InvalidMessage(_) => ("The message is not valid.", "消息无效。"),
        Error::Validation(_) => ("The input is not valid.", "输入无效。"),
        Error::MessageTooLarge { .. } => ("The message is too large.", "消息过大。"),
        Error::FileTooLarge { .. } => ("The file is too large.", "文件过大。"),
        Error::QuotaExceeded { .. } => (
            "There is no room left for your files.",
            "您的文件空间已满。",
        ),
        Error::TotalQuotaExceeded { .. } => {
            ("There is no room left for files here.", "文件总空间已满。")
        }
        Error::FileRejected(_) => ("The file was not accepted.", "文件未被接受。"),
        Error::UploadTooSlow(_) => ("The upload was too slow.", "上传速度过慢。"),
        Error::PictureTooLarge { .. } => ("The picture has too many pixels.", "图片的像素过多。"),
        Error::HeicUnsupported => (
            "This HEIC picture cannot be converted. Set the camera to \"Most Compatible\", or send the picture from \
             the Wardline page.",
            "无法转换此 HEIC 图片。请将相机格式设为“兼容性最佳”，或在 Wardline 网页中发送。",
        ),
        Error::FileUnsupported(_) => ("Files of this kind are not accepted.", "不接受此类文件。"),
        Error::RateLimited { .. } => ("Too many requests; please wait.", "请求过于频繁，请稍候。"),
        Error::Conflict(_) => ("This conflicts with what is there.", "与现有数据冲突。"),
        Error::RecipientInactive { .. } => {
            ("They no longer use Wardline.", "对方已不再使用 Wardline。")
        }
        Error::GroupsFull { .. } => (
            "A user is in too many groups already.",
            "有人所在群组已达上限。",
        ),
        Error::WindowClosed(_) => ("It is too late for this.", "已超过允许的时间。"),
        Error::Unavailable => (
            "The service is not available; nothing was stored.",
            "服务暂不可用，未保存任何内容。",
        ),
        Error::OutcomeUnknown => (
            "It is not known whether this was stored; please repeat.",
            "无法确定是否已保存，请重试。",
        ),
        Error::Internal => ("Something went wrong on our side.", "服务器内部错误。"),
    };
    Cow::Borrowed(match language {
        Language::English => english,
        Language::Chinese => chinese,
    })
}
