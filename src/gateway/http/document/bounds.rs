//! The bounds of the API's fields and parameters whose annotations give the type alone: ids, names
//! of kinds, lengths, ranges.
//!
//! A rule depends on a field's name where the name has one meaning everywhere, else on schema and
//! name.

use serde_json::{Value, json};

use crate::domain::{
    audit::AuditOutcome,
    avatar::MAX_AVATAR_CHARS,
    conversation::{self, ConversationKind, MAX_MEMBERS, MAX_TOPIC_CHARS, MemberRole},
    error::Code,
    event::DeliveryStatus,
    message::{MAX_FILE_NAME_CHARS, MAX_IDEMPOTENCY_KEY_CHARS, MAX_TEXT_CHARS, MessageType},
    message_parts::{MAX_MENTIONS, ReplyTargetChange, SystemNoticeKind},
    paging::MAX_PAGED_ENTRIES,
    presence::Status,
    user::Role,
};
use crate::service::{MAX_FORWARD_TARGETS, MAX_FORWARDED_MESSAGES, MAX_KEYWORD_CHARS};

const ID_PATTERN: &str = "^[0-9a-fA-F]{24}$";
/// A username contains a letter or a digit.
const USERNAME_PATTERN: &str = "^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*$";

/// Fields that hold an id, or ids, though their names do not end in `Id`.
const ID_FIELDS: [&str; 19] = [
    "_id",
    "userId1",
    "userId2",
    "userIds",
    "user",
    "users",
    "sender",
    "receiver",
    "actor",
    "subject",
    "subjects",
    "session",
    "participants",
    "messageIds",
    "toSessionIds",
    "replyTo",
    "deletedBy",
    "createdBy",
    "lastMessage",
];

/// Whether a field of this name holds ids of the service.
fn is_id(name: &str) -> bool {
    ID_FIELDS.contains(&name)
        || (name.ends_with("Id") && !matches!(name, "clientMsgId" | "requestId" | "tokenId"))
}

fn one_of(names: &[&str]) -> Value {
    json!({ "enum": names })
}

/// Adds the bounds of a parameter.
pub fn parameter(path: &str, parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default();
    let in_path = parameter["in"] == "path";
    let most = match path {
        "/api/chat/users" | "/api/chat/stats/users" => 1_000,
        "/api/chat/audit" | "/api/audit" => 200,
        _ => 100,
    };
    let bound = match name {
        // With a large limit the service stops earlier: after this number of entries.
        "page" => json!({ "minimum": 1, "maximum": MAX_PAGED_ENTRIES }),
        "limit" => json!({ "minimum": 1, "maximum": most }),
        "days" => json!({ "minimum": 1, "maximum": 366 }),
        "role" => one_of(&Role::ALL.map(Role::as_str)),
        "messageType" => one_of(&MessageType::ALL.map(MessageType::as_str)),
        "granularity" => one_of(&["hour", "day"]),
        "sort" => one_of(&["messages", "unread", "response"]),
        "active" => one_of(&["true", "false", "all"]),
        "mentions" => one_of(&["me", "all"]),
        "keep" => one_of(&["current"]),
        "keyword" => json!({ "maxLength": MAX_KEYWORD_CHARS }),
        "search" | "action" => json!({ "maxLength": 64 }),
        "cursor" => json!({ "maxLength": 4_096 }),
        "before" => json!({ "pattern": "^[0-9]+-[0-9a-f]{24}$" }),
        "emoji" => json!({ "minLength": 1 }),
        id if is_id(id) || (in_path && id == "id") => json!({ "pattern": ID_PATTERN }),
        _ => return,
    };
    if let Some(schema) = parameter.get_mut("schema") {
        apply_rules(schema, &bound);
    }
}

/// Adds the bounds of every field of a schema.
pub fn schema(name: &str, node: &mut Value) {
    for part in node
        .get_mut("allOf")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        schema(name, part);
    }
    for (field, property) in node
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        if field == "mentions" {
            mentions(property);
        } else if let Some(bound) = field_bounds(name, field) {
            apply_rules(property, &bound);
        }
        schema(name, property);
    }
}

fn field_bounds(schema: &str, field: &str) -> Option<Value> {
    let length = |least: usize, most: usize| json!({ "minLength": least, "maxLength": most });
    let items = |least: usize, most: usize| json!({ "minItems": least, "maxItems": most, "pattern": ID_PATTERN });
    Some(match (schema, field) {
        ("Failure", "success") => json!({ "enum": [false] }),
        ("Failure", "code") => one_of(&Code::ALL.map(Code::as_str)),
        ("Warning", "code") => one_of(&["MENTION_INACTIVE", "NO_ACTIVE_RECIPIENT"]),
        ("Health", "status") => one_of(&["ok", "degraded"]),
        ("ClientSettings", "registration") => one_of(&["open", "closed"]),
        ("ClientSettings", "notifyContentMax") => one_of(&["none", "sender", "text"]),
        ("User" | "PersonStatistics" | "CreateUserRequest" | "UpdateUserRequest", "role") => {
            one_of(&Role::ALL.map(Role::as_str))
        }
        ("Member" | "SessionListed" | "UpdateMemberRequest", "role") => {
            one_of(&MemberRole::ALL.map(MemberRole::as_str))
        }
        ("User", "status") => one_of(&Status::ALL.map(Status::as_str)),
        ("Message", "status") => {
            let all = [
                DeliveryStatus::Sent,
                DeliveryStatus::Delivered,
                DeliveryStatus::Read,
            ];
            one_of(&all.map(DeliveryStatus::as_str))
        }
        ("Message" | "MergedMessage" | "SendMessageRequest", "messageType") => {
            one_of(&MessageType::ALL.map(MessageType::as_str))
        }
        ("Message" | "LastMessageSummary", "system") => {
            one_of(&SystemNoticeKind::ALL.map(SystemNoticeKind::as_str))
        }
        ("LastMessageSummary", "kind") => {
            let kinds = MessageType::ALL.map(MessageType::as_str);
            one_of(&[&kinds[..], &["merged", "system"]].concat())
        }
        ("AnsweredChange", "kind") => one_of(
            &[
                ReplyTargetChange::Edited,
                ReplyTargetChange::Recalled,
                ReplyTargetChange::Deleted,
            ]
            .map(ReplyTargetChange::as_str),
        ),
        ("Session", "sessionType") => one_of(
            &[ConversationKind::Private, ConversationKind::Group].map(ConversationKind::as_str),
        ),
        ("AuditRow", "outcome") => one_of(
            &[
                AuditOutcome::Done,
                AuditOutcome::Failed,
                AuditOutcome::Refused,
            ]
            .map(AuditOutcome::as_str),
        ),
        ("RegisterRequest" | "CreateUserRequest", "username") => {
            json!({ "minLength": 3, "maxLength": 32, "pattern": USERNAME_PATTERN })
        }
        ("RegisterRequest" | "CreateUserRequest" | "UpdateUserRequest", "password")
        | ("ChangePasswordRequest", "next") => length(8, 128),
        ("GuestRequest", "nickname" | "guestName") => json!({ "maxLength": 32 }),
        // Counted in bytes; no password is that long.
        ("LoginRequest", _) | ("ChangePasswordRequest", "current") => json!({ "maxLength": 256 }),
        ("RegisterRequest" | "CreateUserRequest" | "UpdateUserRequest", "realName") => {
            length(1, 64)
        }
        ("RegisterRequest" | "CreateUserRequest" | "UpdateUserRequest", "email") => {
            json!({ "maxLength": 254 })
        }
        ("RegisterRequest" | "CreateUserRequest" | "UpdateUserRequest", "phone") => {
            json!({ "maxLength": 32 })
        }
        (
            "RegisterRequest" | "CreateUserRequest" | "UpdateUserRequest" | "CreateGroupRequest"
            | "UpdateGroupRequest",
            "avatar",
        ) => json!({ "maxLength": MAX_AVATAR_CHARS }),
        ("CreateUserRequest" | "UpdateUserRequest", "department" | "title") => {
            json!({ "maxLength": 64 })
        }
        ("CreateGroupRequest" | "UpdateGroupRequest", "sessionName") => {
            length(1, conversation::MAX_GROUP_NAME_CHARS)
        }
        ("CreateGroupRequest" | "UpdateGroupRequest", "topic") => {
            json!({ "maxLength": MAX_TOPIC_CHARS })
        }
        ("CreateGroupRequest" | "AddMembersRequest", "participants" | "userIds") => {
            items(1, MAX_MEMBERS)
        }
        ("SendMessageRequest" | "EditMessageRequest", "content") => {
            json!({ "maxLength": MAX_TEXT_CHARS })
        }
        ("SendMessageRequest" | "ForwardRequest", "clientMsgId") => {
            length(1, MAX_IDEMPOTENCY_KEY_CHARS)
        }
        ("SendMessageRequest", "fileName") => json!({ "maxLength": MAX_FILE_NAME_CHARS }),
        ("ForwardRequest", "messageIds") => items(1, MAX_FORWARDED_MESSAGES),
        ("ForwardRequest", "toSessionIds") => items(1, MAX_FORWARD_TARGETS),
        ("ForwardRequest", "mode") => one_of(&["each", "merged"]),
        ("ReactionRequest", "emoji") => json!({ "minLength": 1 }),
        (_, id) if is_id(id) => json!({ "pattern": ID_PATTERN }),
        _ => return None,
    })
}

/// Describes the users whom a message mentions: their ids, or all in one word.
fn mentions(property: &mut Value) {
    *property = json!({
        "description": property["description"],
        "oneOf": [
            { "type": "array", "items": { "type": "string", "pattern": ID_PATTERN }, "maxItems": MAX_MENTIONS },
            { "type": "string", "enum": ["all"] },
            { "type": "null" },
        ],
    });
}

/// Applies rules to a field or parameter. A pattern applies to texts, and to the entries of a list.
fn apply_rules(property: &mut Value, rules: &Value) {
    let is = |property: &Value, wanted: &str| match &property["type"] {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == wanted),
        kind => kind == wanted,
    };
    let (is_text, is_list, may_be_null) = (
        is(property, "string"),
        is(property, "array"),
        is(property, "null"),
    );
    for (rule, value) in rules.as_object().into_iter().flatten() {
        match (rule.as_str(), value) {
            ("pattern", pattern) if is_list => {
                property["items"]["pattern"] = pattern.clone();
            }
            ("pattern", _) if !is_text => {}
            ("enum", Value::Array(names)) if may_be_null => {
                let with_null = names.iter().cloned().chain([Value::Null]);
                property["enum"] = with_null.collect();
            }
            (rule, value) => property[rule] = value.clone(),
        }
    }
}

/// Marks a map of anything as one: an empty schema is not read again.
pub fn describe_free_maps(schema: &mut Value) {
    for property in schema
        .as_object_mut()
        .into_iter()
        .flatten()
        .map(|(_, property)| property)
    {
        describe_free_maps(property);
    }
    if let Some(of_any) = schema
        .get_mut("additionalProperties")
        .filter(|of_any| **of_any == json!({}))
    {
        *of_any = json!(true);
    }
}
