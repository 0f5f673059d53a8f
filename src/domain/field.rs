//! The fields of input that the rules of domain and services speak about. Each gateway has its own
//! names for them.

use std::fmt;

/// A field of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Whether a user answers at the service desk.
    Agent,
    Avatar,
    /// The text of a message.
    Content,
    CurrentPassword,
    /// How many days a report covers.
    Days,
    Department,
    Email,
    Emoji,
    /// The file of a message, or of an upload.
    File,
    FileName,
    /// The start of a time range.
    From,
    GroupName,
    IdempotencyKey,
    /// The text to search for.
    Keyword,
    Limit,
    /// The users a group is created with.
    Members,
    Mentions,
    MessageType,
    /// The messages to forward.
    Messages,
    NewMembers,
    NewPassword,
    /// The second user of a private conversation.
    OtherUser,
    Page,
    Password,
    Phone,
    RealName,
    Recipient,
    ReplyTo,
    /// The conversations to forward to.
    TargetConversations,
    Title,
    Topic,
    /// The file of an upload.
    Upload,
    Username,
}

impl fmt::Display for Field {
    /// Writes the variant's name, for logs and tests; a gateway shows its own name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
