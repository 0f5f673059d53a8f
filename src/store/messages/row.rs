//! The document of a message, and its conversion to and from the domain's type. Absent values have
//! no field, so that a plain message stays small.

use mongodb::bson::{Bson, Document};
use serde::{Deserialize, Serialize};

use super::super::{bson_form::BsonForm, stored_number, to_document};
use crate::domain::{
    ConversationId, Error, FileId, MessageId, Result, Timestamp, UserId,
    message::{FileRef, Message, MessageType},
    message_parts::{
        Forwarded, Mentions, Quote, Reaction, ReplyTo, SystemNotice, SystemNoticeKind,
    },
};

// No `flatten` and no `untagged` here: serde would read through a buffer that loses BSON's id
// types.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct MessageRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: MessageId,
    #[serde(with = "crate::store::bson_form")]
    session_id: ConversationId,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    #[serde(default, with = "crate::store::bson_form")]
    receiver: Option<UserId>,
    content: String,
    message_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    file_id: Option<FileId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_name: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "stored_number::perhaps"
    )]
    file_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mime_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_digest: Option<String>,
    /// All files that it and its quotes name, for `GET /files/{id}`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[serde(with = "crate::store::bson_form")]
    file_ids: Vec<FileId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    client_msg_id: Option<String>,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    /// Absent in messages that are older than the change log: theirs is their `seq`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "stored_number::perhaps"
    )]
    event_seq: Option<u64>,
    #[serde(deserialize_with = "stored_number::natural")]
    rev: u64,
    is_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    deleted_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    recalled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    edited_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reply_to: Option<ReplyRow>,
    /// `"all"`, or a list of users.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mentions: Option<Bson>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    reactions: Vec<ReactionRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    forwarded_from: Option<ForwardedRow>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    merged: Vec<QuoteRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    system: Option<SystemNoticeRow>,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    #[serde(with = "crate::store::bson_form")]
    updated_at: Timestamp,
}

/// The fields that never change in a stored message.
const IMMUTABLE_FIELDS: [&str; 10] = [
    "_id",
    "sessionId",
    "sender",
    "receiver",
    "messageType",
    "clientMsgId",
    "seq",
    "eventSeq",
    "system",
    "createdAt",
];

/// The fields that may be absent and may change.
const OPTIONAL_FIELDS: [&str; 14] = [
    "fileId",
    "fileName",
    "fileSize",
    "mimeType",
    "fileDigest",
    "fileIds",
    "deletedBy",
    "recalledAt",
    "editedAt",
    "replyTo",
    "mentions",
    "reactions",
    "forwardedFrom",
    "merged",
];

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SystemNoticeRow {
    kind: String,
    #[serde(with = "crate::store::bson_form")]
    subjects: Vec<UserId>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplyRow {
    #[serde(with = "crate::store::bson_form")]
    message: MessageId,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    as_of: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReactionRow {
    emoji: String,
    #[serde(with = "crate::store::bson_form")]
    users: Vec<UserId>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForwardedRow {
    #[serde(with = "crate::store::bson_form")]
    message: MessageId,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    edited_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuoteRow {
    #[serde(with = "crate::store::bson_form")]
    message: MessageId,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    content: String,
    message_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    file_id: Option<FileId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_name: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "stored_number::perhaps"
    )]
    file_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mime_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file_digest: Option<String>,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    edited_at: Option<Timestamp>,
}

/// Defines the file that a message or a quote names: its id and name are stored together.
macro_rules! file_of {
    ($row:ident) => {
        $row.file_id.zip($row.file_name).map(|(id, name)| FileRef {
            id,
            name,
            size: $row.file_size.unwrap_or_default(),
            mime: $row.mime_type,
            digest: $row.file_digest,
        })
    };
}

impl From<&Quote> for QuoteRow {
    fn from(quote: &Quote) -> Self {
        let file = quote.file.as_ref();
        Self {
            message: quote.message,
            sender: quote.sender,
            content: quote.content.clone(),
            message_type: quote.kind.as_str().to_owned(),
            file_id: file.map(|file| file.id),
            file_name: file.map(|file| file.name.clone()),
            file_size: file.map(|file| file.size),
            mime_type: file.and_then(|file| file.mime.clone()),
            file_digest: file.and_then(|file| file.digest.clone()),
            created_at: quote.created_at,
            edited_at: quote.edited_at,
        }
    }
}

fn mentions_row(mentions: &Mentions) -> Option<Bson> {
    match mentions {
        Mentions::All => Some(Bson::from("all")),
        Mentions::People(people) if people.is_empty() => None,
        Mentions::People(people) => Some(people.iter().copied().map(Bson::from).collect()),
    }
}

/// Returns the mentions; `None` when they are unreadable.
pub(in crate::store) fn mentions_of(row: Option<Bson>) -> Option<Mentions> {
    match row {
        None => Some(Mentions::default()),
        Some(Bson::String(all)) if all == "all" => Some(Mentions::All),
        Some(Bson::Array(people)) => {
            let ids = people
                .iter()
                .map(|person| person.as_object_id().map(UserId::from_form));
            ids.collect::<Option<Vec<_>>>().map(Mentions::People)
        }
        Some(_) => None,
    }
}

/// Returns the update, with `$set` and `$unset`, that turns a stored message into this one.
pub(super) fn revision(message: &Message) -> mongodb::error::Result<(Document, Document)> {
    let mut set = to_document(&MessageRow::from(message))?;
    for field in IMMUTABLE_FIELDS {
        set.remove(field);
    }
    let absent = OPTIONAL_FIELDS
        .iter()
        .filter(|field| !set.contains_key(**field));
    let unset = absent
        .map(|field| ((*field).to_owned(), Bson::from("")))
        .collect();
    Ok((set, unset))
}

impl From<&Message> for MessageRow {
    fn from(message: &Message) -> Self {
        let file = message.file.as_ref();
        Self {
            id: message.id,
            session_id: message.session,
            sender: message.sender,
            receiver: message.receiver,
            content: message.content.clone(),
            message_type: message.kind.as_str().to_owned(),
            file_id: file.map(|file| file.id),
            file_name: file.map(|file| file.name.clone()),
            file_size: file.map(|file| file.size),
            mime_type: file.and_then(|file| file.mime.clone()),
            file_digest: file.and_then(|file| file.digest.clone()),
            file_ids: message.file_ids(),
            client_msg_id: message.client_msg_id.clone(),
            seq: message.seq,
            event_seq: Some(message.event_seq),
            rev: message.rev,
            is_deleted: message.is_deleted,
            deleted_by: message.deleted_by,
            recalled_at: message.recalled_at,
            edited_at: message.edited_at,
            reply_to: message.reply_to.map(|reply| ReplyRow {
                message: reply.message,
                seq: reply.seq,
                as_of: reply.as_of,
            }),
            mentions: mentions_row(&message.mentions),
            reactions: message
                .reactions
                .iter()
                .map(|reaction| ReactionRow {
                    emoji: reaction.emoji.clone(),
                    users: reaction.users.clone(),
                })
                .collect(),
            forwarded_from: message.forwarded.map(|forwarded| ForwardedRow {
                message: forwarded.message,
                sender: forwarded.sender,
                created_at: forwarded.created_at,
                edited_at: forwarded.edited_at,
            }),
            merged: message.merged.iter().map(QuoteRow::from).collect(),
            system: message
                .system_notice
                .as_ref()
                .map(|system_notice| SystemNoticeRow {
                    kind: system_notice.kind.as_str().to_owned(),
                    subjects: system_notice.subjects.clone(),
                }),
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

impl TryFrom<MessageRow> for Message {
    type Error = Error;
    fn try_from(row: MessageRow) -> Result<Self> {
        let id = row.id;
        let corrupt = |what: &str| {
            tracing::error!(message = %id, what, "a stored message cannot be understood");
            Error::Internal
        };
        let kind_of = |text: &str| {
            text.parse::<MessageType>()
                .map_err(|_| corrupt("messageType"))
        };
        let note_of = |row: SystemNoticeRow| {
            let kind = row
                .kind
                .parse::<SystemNoticeKind>()
                .map_err(|_| corrupt("system"))?;
            Ok::<_, Error>(SystemNotice {
                kind,
                subjects: row.subjects,
            })
        };
        let quote_of = |row: QuoteRow| {
            Ok(Quote {
                message: row.message,
                sender: row.sender,
                kind: kind_of(&row.message_type)?,
                content: row.content,
                file: file_of!(row),
                created_at: row.created_at,
                edited_at: row.edited_at,
            })
        };
        Ok(Self {
            id,
            session: row.session_id,
            sender: row.sender,
            receiver: row.receiver,
            content: row.content,
            kind: kind_of(&row.message_type)?,
            file: file_of!(row),
            client_msg_id: row.client_msg_id,
            seq: row.seq,
            event_seq: row.event_seq.unwrap_or(row.seq),
            rev: row.rev,
            is_deleted: row.is_deleted,
            deleted_by: row.deleted_by,
            recalled_at: row.recalled_at,
            edited_at: row.edited_at,
            reply_to: row.reply_to.map(|reply| ReplyTo {
                message: reply.message,
                seq: reply.seq,
                as_of: reply.as_of,
            }),
            mentions: mentions_of(row.mentions).ok_or_else(|| corrupt("mentions"))?,
            reactions: row
                .reactions
                .into_iter()
                .map(|reaction| Reaction {
                    emoji: reaction.emoji,
                    users: reaction.users,
                })
                .collect(),
            forwarded: row.forwarded_from.map(|forwarded| Forwarded {
                message: forwarded.message,
                sender: forwarded.sender,
                created_at: forwarded.created_at,
                edited_at: forwarded.edited_at,
            }),
            merged: row
                .merged
                .into_iter()
                .map(quote_of)
                .collect::<Result<_>>()?,
            system_notice: row.system.map(note_of).transpose()?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
