//! The document of a conversation, and its conversion to and from the domain's type.

use std::collections::BTreeMap;

use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::super::stored_number;
use crate::domain::{
    ConversationId, Error, MessageId, Result, Timestamp, UserId,
    avatar::Avatar,
    conversation::{
        Conversation, ConversationKind, GroupProfile, LastMessage, Member, MemberRole, pair_key,
    },
    message::MessageType,
    message_parts::{SystemNotice, SystemNoticeKind},
    receipts::SeqRanges,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct ConversationRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    number: u64,
    #[serde(with = "crate::store::bson_form")]
    participants: Vec<UserId>,
    session_type: String,
    session_name: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    avatar: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    topic: String,
    #[serde(skip_serializing_if = "is_false", default)]
    history_visible: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) pair_key: Option<String>,
    #[serde(default, with = "crate::store::bson_form")]
    last_message: Option<MessageId>,
    #[serde(with = "crate::store::bson_form")]
    last_message_time: Timestamp,
    last_message_info: Option<LastMessageRow>,
    /// Keyed by user id in hex: BSON documents have text keys.
    #[serde(deserialize_with = "stored_number::by_name")]
    unread_count: BTreeMap<String, u64>,
    members: BTreeMap<String, MemberRow>,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    event_seq: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    rev: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    version: u64,
    /// The commit attempt that last changed it, so that a commit whose answer was lost can be found
    /// out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) last_commit: Option<ObjectId>,
    #[serde(deserialize_with = "stored_number::natural")]
    message_count: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    created_by: Option<UserId>,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    #[serde(with = "crate::store::bson_form")]
    updated_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastMessageRow {
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    message_type: String,
    preview: String,
    is_deleted: bool,
    #[serde(skip_serializing_if = "is_false", default)]
    is_merged: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    system: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[serde(with = "crate::store::bson_form")]
    subjects: Vec<UserId>,
}

impl From<&LastMessage> for LastMessageRow {
    fn from(last: &LastMessage) -> Self {
        Self {
            seq: last.seq,
            sender: last.sender,
            message_type: last.kind.as_str().to_owned(),
            preview: last.preview.clone(),
            is_deleted: last.is_deleted,
            is_merged: last.is_merged,
            system: last
                .system_notice
                .as_ref()
                .map(|system_notice| system_notice.kind.as_str().to_owned()),
            subjects: last
                .system_notice
                .as_ref()
                .map(|system_notice| system_notice.subjects.clone())
                .unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberRow {
    /// Absent for plain members.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    role: Option<String>,
    #[serde(skip_serializing_if = "is_false", default)]
    muted: bool,
    #[serde(skip_serializing_if = "is_false", default)]
    silenced: bool,
    #[serde(with = "crate::store::bson_form")]
    joined_at: Timestamp,
    /// Absent where it equals `hidden_seq`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "stored_number::perhaps"
    )]
    joined_seq: Option<u64>,
    #[serde(deserialize_with = "stored_number::natural")]
    hidden_seq: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    read_seq: u64,
    #[serde(default, with = "crate::store::bson_form")]
    read_at: Option<Timestamp>,
    #[serde(deserialize_with = "stored_number::pairs")]
    delivered: Vec<(u64, u64)>,
    #[serde(deserialize_with = "stored_number::natural")]
    sent: u64,
}

impl From<&Member> for MemberRow {
    fn from(member: &Member) -> Self {
        Self {
            role: (member.role != MemberRole::Member).then(|| member.role.as_str().to_owned()),
            muted: member.muted,
            silenced: member.silenced,
            joined_at: member.joined_at,
            joined_seq: (member.joined_seq != member.hidden_seq).then_some(member.joined_seq),
            hidden_seq: member.hidden_seq,
            read_seq: member.read_seq,
            read_at: member.read_at,
            delivered: member.delivered.pairs().collect(),
            sent: member.sent,
        }
    }
}

impl From<&Conversation> for ConversationRow {
    fn from(session: &Conversation) -> Self {
        let pair: Vec<UserId> = session.participants().collect();
        let last = session.last_message.as_ref();
        Self {
            id: session.id,
            number: session.number,
            session_type: session.kind.as_str().to_owned(),
            session_name: session.profile.name.clone(),
            avatar: session.profile.avatar.to_string(),
            topic: session.profile.topic.clone(),
            history_visible: session.profile.history_visible,
            pair_key: match (session.kind, pair.as_slice()) {
                (ConversationKind::Private, [first, second]) => Some(pair_key(*first, *second)),
                _ => None,
            },
            participants: pair,
            last_message: last.map(|last| last.id),
            last_message_time: session.last_message_time,
            last_message_info: last.map(LastMessageRow::from),
            unread_count: session
                .members
                .iter()
                .map(|(user, m)| (user.to_string(), m.unread))
                .collect(),
            members: session
                .members
                .iter()
                .map(|(user, m)| (user.to_string(), m.into()))
                .collect(),
            seq: session.seq,
            event_seq: session.event_seq,
            rev: session.rev,
            version: session.version,
            last_commit: None,
            message_count: session.message_count,
            created_by: session.created_by,
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

impl TryFrom<ConversationRow> for Conversation {
    type Error = Error;
    fn try_from(row: ConversationRow) -> Result<Self> {
        let id = row.id;
        let corrupt = |what: &str| {
            tracing::error!(session = %id, what, "a stored session cannot be understood");
            Error::Internal
        };
        let kind = match row.session_type.as_str() {
            "private" => ConversationKind::Private,
            "group" => ConversationKind::Group,
            _ => return Err(corrupt("sessionType")),
        };
        let mut members = BTreeMap::new();
        for user in row.participants {
            let key = user.to_string();
            let member = row.members.get(&key).ok_or_else(|| corrupt("members"))?;
            let unread = *row
                .unread_count
                .get(&key)
                .ok_or_else(|| corrupt("unreadCount"))?;
            let role = match member.role.as_deref().map(str::parse::<MemberRole>) {
                None => MemberRole::Member,
                Some(role) => role.map_err(|_| corrupt("role"))?,
            };
            members.insert(
                user,
                Member {
                    role,
                    muted: member.muted,
                    silenced: member.silenced,
                    joined_at: member.joined_at,
                    joined_seq: member.joined_seq.unwrap_or(member.hidden_seq),
                    hidden_seq: member.hidden_seq,
                    read_seq: member.read_seq,
                    read_at: member.read_at,
                    delivered: SeqRanges::from_pairs(member.delivered.iter().copied()),
                    unread,
                    sent: member.sent,
                },
            );
        }
        let last_message = match (row.last_message, row.last_message_info) {
            (Some(id), Some(info)) => Some(LastMessage {
                id,
                seq: info.seq,
                sender: info.sender,
                kind: info
                    .message_type
                    .parse::<MessageType>()
                    .map_err(|_| corrupt("lastMessageInfo"))?,
                preview: info.preview,
                is_deleted: info.is_deleted,
                is_merged: info.is_merged,
                system_notice: match info.system.as_deref().map(str::parse::<SystemNoticeKind>) {
                    None => None,
                    Some(kind) => {
                        let kind = kind.map_err(|_| corrupt("lastMessageInfo"))?;
                        Some(SystemNotice {
                            kind,
                            subjects: info.subjects,
                        })
                    }
                },
            }),
            _ => None,
        };
        Ok(Self {
            id,
            number: row.number,
            kind,
            profile: GroupProfile {
                name: row.session_name,
                avatar: Avatar::from_text(row.avatar),
                topic: row.topic,
                history_visible: row.history_visible,
            },
            members,
            seq: row.seq,
            event_seq: row.event_seq,
            rev: row.rev,
            version: row.version,
            message_count: row.message_count,
            last_message,
            last_message_time: row.last_message_time,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
