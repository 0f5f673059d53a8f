//! The names of fields on the wire.

use crate::domain::Field;

/// Returns the name under which clients send a field.
#[must_use]
pub fn field_name(field: Field) -> &'static str {
    match field {
        Field::Agent => "isAgent",
        Field::Avatar => "avatar",
        Field::Content => "content",
        Field::CurrentPassword => "current",
        Field::Days => "days",
        Field::Department => "department",
        Field::Email => "email",
        Field::Emoji => "emoji",
        Field::File => "fileUrl",
        Field::FileName => "fileName",
        Field::From => "from",
        Field::GroupName => "sessionName",
        Field::IdempotencyKey => "clientMsgId",
        Field::Keyword => "keyword",
        Field::Limit => "limit",
        Field::Members => "participants",
        Field::Mentions => "mentions",
        Field::MessageType => "messageType",
        Field::Messages => "messageIds",
        Field::NewMembers => "userIds",
        Field::NewPassword => "next",
        Field::OtherUser => "userId2",
        Field::Page => "page",
        Field::Password => "password",
        Field::Phone => "phone",
        Field::RealName => "realName",
        Field::Recipient => "receiverId",
        Field::ReplyTo => "replyTo",
        Field::TargetConversations => "toSessionIds",
        Field::Title => "title",
        Field::Topic => "topic",
        Field::Upload => "file",
        Field::Username => "username",
    }
}
