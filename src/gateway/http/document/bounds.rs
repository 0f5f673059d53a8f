//! What the fields and parameters of the API may be, where their annotations say their type alone: ids, names of
//! kinds, lengths, ranges.
//!
//! A rule goes by a field's name where the name means one thing everywhere, else by schema and name.

use serde_json::{Value, json};

use crate::domain::{
    audit::Verdict,
    error::Code,
    event::DeliveryStatus,
    message::{MAX_CLIENT_ID, MAX_FILE_NAME, MAX_TEXT, MessageType},
    paging::MAX_ENTRIES,
    parts::{Fate, MAX_MENTIONS, NoteKind},
    presence::Status,
    session::{self, MAX_MEMBERS, MAX_TOPIC, MemberRole, SessionKind},
    user::Role,
};
use crate::service::{MAX_FORWARDED, MAX_KEYWORD, MAX_TARGETS};

const ID: &str = "^[0-9a-fA-F]{24}$";
/// A username has a letter or a digit among its signs.
const USERNAME: &str = "^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*$";

/// Fields that hold an id, or ids, though their names do not end in `Id`.
const IDS: [&str; 19] = [
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

/// Whether a field of this name holds ids of ours.
fn is_id(name: &str) -> bool {
    IDS.contains(&name) || (name.ends_with("Id") && !matches!(name, "clientMsgId" | "requestId" | "tokenId"))
}

fn one_of(names: &[&str]) -> Value {
    json!({ "enum": names })
}

/// Says what a parameter may be.
pub fn parameter(path: &str, parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default();
    let in_path = parameter["in"] == "path";
    let most = match path {
        "/api/chat/users" | "/api/chat/stats/users" => 1_000,
        "/api/chat/audit" | "/api/audit" => 200,
        _ => 100,
    };
    let bound = match name {
        // With a large limit the service draws the line earlier: at so many entries.
        "page" => json!({ "minimum": 1, "maximum": MAX_ENTRIES }),
        "limit" => json!({ "minimum": 1, "maximum": most }),
        "days" => json!({ "minimum": 1, "maximum": 366 }),
        "role" => one_of(&Role::ALL.map(Role::as_str)),
        "messageType" => one_of(&MessageType::ALL.map(MessageType::as_str)),
        "granularity" => one_of(&["hour", "day"]),
        "sort" => one_of(&["messages", "unread", "response"]),
        "active" => one_of(&["true", "false", "all"]),
        "mentions" => one_of(&["me", "all"]),
        "keep" => one_of(&["current"]),
        "keyword" => json!({ "maxLength": MAX_KEYWORD }),
        "search" | "action" => json!({ "maxLength": 64 }),
        "cursor" => json!({ "maxLength": 4_096 }),
        "before" => json!({ "pattern": "^[0-9]+-[0-9a-f]{24}$" }),
        "emoji" => json!({ "minLength": 1 }),
        id if is_id(id) || (in_path && id == "id") => json!({ "pattern": ID }),
        _ => return,
    };
    if let Some(schema) = parameter.get_mut("schema") {
        impose(schema, &bound);
    }
}

/// Says of every field of a schema what it may be.
pub fn schema(name: &str, node: &mut Value) {
    for part in node.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        schema(name, part);
    }
    for (field, property) in node.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if field == "mentions" {
            mentions(property);
        } else if let Some(bound) = bound_of(name, field) {
            impose(property, &bound);
        }
        schema(name, property);
    }
}

fn bound_of(schema: &str, field: &str) -> Option<Value> {
    let length = |least: usize, most: usize| json!({ "minLength": least, "maxLength": most });
    let items = |least: usize, most: usize| json!({ "minItems": least, "maxItems": most, "pattern": ID });
    Some(match (schema, field) {
        ("Failure", "success") => json!({ "enum": [false] }),
        ("Failure", "code") => one_of(&Code::ALL.map(Code::as_str)),
        ("Warning", "code") => one_of(&["MENTION_INACTIVE", "NO_ACTIVE_RECIPIENT"]),
        ("Health", "status") => one_of(&["ok", "degraded"]),
        ("HouseSettings", "registration") => one_of(&["open", "closed"]),
        ("HouseSettings", "notifyContentMax") => one_of(&["none", "sender", "text"]),
        ("User" | "PersonStatistics" | "NewUserBody" | "ChangedUserBody", "role") => {
            one_of(&Role::ALL.map(Role::as_str))
        }
        ("Member" | "SessionListed" | "ChangedMember", "role") => {
            one_of(&MemberRole::ALL.map(MemberRole::as_str))
        }
        ("User", "status") => one_of(&Status::ALL.map(Status::as_str)),
        ("Message", "status") => {
            let all = [DeliveryStatus::Sent, DeliveryStatus::Delivered, DeliveryStatus::Read];
            one_of(&all.map(DeliveryStatus::as_str))
        }
        ("Message" | "MergedMessage" | "SendBody", "messageType") => {
            one_of(&MessageType::ALL.map(MessageType::as_str))
        }
        ("Message" | "LastMessageSummary", "system") => one_of(&NoteKind::ALL.map(NoteKind::as_str)),
        ("LastMessageSummary", "kind") => {
            let kinds = MessageType::ALL.map(MessageType::as_str);
            one_of(&[&kinds[..], &["merged", "system"]].concat())
        }
        ("AnsweredChange", "kind") => {
            one_of(&[Fate::Edited, Fate::Recalled, Fate::Deleted].map(Fate::as_str))
        }
        ("Session", "sessionType") => {
            one_of(&[SessionKind::Private, SessionKind::Group].map(SessionKind::as_str))
        }
        ("AuditRow", "outcome") => {
            one_of(&[Verdict::Done, Verdict::Failed, Verdict::Refused].map(Verdict::as_str))
        }
        ("RegistrationBody" | "NewUserBody", "username") => {
            json!({ "minLength": 3, "maxLength": 32, "pattern": USERNAME })
        }
        ("RegistrationBody" | "NewUserBody" | "ChangedUserBody", "password") | ("OwnPassword", "next") => {
            length(8, 128)
        }
        // Counted in bytes; what is that long is no password of anybody's.
        ("Login", _) | ("OwnPassword", "current") => json!({ "maxLength": 256 }),
        ("RegistrationBody" | "NewUserBody" | "ChangedUserBody", "realName") => length(1, 64),
        ("RegistrationBody" | "NewUserBody" | "ChangedUserBody", "email") => json!({ "maxLength": 254 }),
        ("RegistrationBody" | "NewUserBody" | "ChangedUserBody", "phone") => json!({ "maxLength": 32 }),
        (
            "RegistrationBody" | "NewUserBody" | "ChangedUserBody" | "GroupBody" | "ChangedGroupBody",
            "avatar",
        ) => json!({ "maxLength": session::MAX_AVATAR }),
        ("NewUserBody" | "ChangedUserBody", "department" | "title") => json!({ "maxLength": 64 }),
        ("GroupBody" | "ChangedGroupBody", "sessionName") => length(1, session::MAX_NAME),
        ("GroupBody" | "ChangedGroupBody", "topic") => json!({ "maxLength": MAX_TOPIC }),
        ("GroupBody" | "Newcomers", "participants" | "userIds") => items(1, MAX_MEMBERS),
        ("SendBody" | "Edited", "content") => json!({ "maxLength": MAX_TEXT }),
        ("SendBody" | "ForwardBody", "clientMsgId") => length(1, MAX_CLIENT_ID),
        ("SendBody", "fileName") => json!({ "maxLength": MAX_FILE_NAME }),
        ("ForwardBody", "messageIds") => items(1, MAX_FORWARDED),
        ("ForwardBody", "toSessionIds") => items(1, MAX_TARGETS),
        ("ForwardBody", "mode") => one_of(&["each", "merged"]),
        ("Emoji", "emoji") => json!({ "minLength": 1 }),
        (_, id) if is_id(id) => json!({ "pattern": ID }),
        _ => return None,
    })
}

/// Whom a message calls by name: people, or everybody in one word.
fn mentions(property: &mut Value) {
    *property = json!({
        "description": property["description"],
        "oneOf": [
            { "type": "array", "items": { "type": "string", "pattern": ID }, "maxItems": MAX_MENTIONS },
            { "type": "string", "enum": ["all"] },
            { "type": "null" },
        ],
    });
}

/// Puts rules on what a field or parameter says of itself. A pattern is for texts; of a list it is its entries'.
fn impose(property: &mut Value, rules: &Value) {
    let is = |property: &Value, wanted: &str| match &property["type"] {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == wanted),
        kind => kind == wanted,
    };
    let (is_text, is_list, may_be_null) =
        (is(property, "string"), is(property, "array"), is(property, "null"));
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

/// Says of a map of anything that it is one: an empty schema is not read again.
pub fn free_forms(schema: &mut Value) {
    for property in schema.as_object_mut().into_iter().flatten().map(|(_, property)| property) {
        free_forms(property);
    }
    if let Some(of_any) = schema.get_mut("additionalProperties").filter(|of_any| **of_any == json!({})) {
        *of_any = json!(true);
    }
}
