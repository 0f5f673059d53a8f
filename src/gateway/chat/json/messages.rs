//! Messages, their changes and their receipts.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        ConversationId, MessageId, Timestamp, UserId,
        conversation_state::Edit,
        event::Tombstone,
        message::Message,
        message_parts::{Forwarded, Mentions, Quote, Reaction, is_same_emoji},
        receipts::MessageView,
    },
    gateway::chat::file_address,
    service::{self, Receipts},
};

/// The users whom a message mentions: `all`, or a list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum MentionsJson<'a> {
    /// `all`
    All(&'static str),
    People(&'a [UserId]),
}

impl<'a> From<&'a Mentions> for MentionsJson<'a> {
    fn from(mentions: &'a Mentions) -> Self {
        match mentions {
            Mentions::All => Self::All("all"),
            Mentions::People(people) => Self::People(people),
        }
    }
}

/// Everybody who reacted with one emoji.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub struct ReactionGroupJson<'a> {
    emoji: &'a str,
    #[schema(value_type = Vec<String>)]
    users: &'a [UserId],
}

impl<'a> From<&'a Reaction> for ReactionGroupJson<'a> {
    fn from(reaction: &'a Reaction) -> Self {
        Self {
            emoji: &reaction.emoji,
            users: &reaction.users,
        }
    }
}

/// Who wrote a forwarded message at first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForwardedFrom)]
pub struct OriginJson {
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    sender: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the words that were forwarded had been edited; absent when never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    edited_at: Option<Timestamp>,
}

impl From<&Forwarded> for OriginJson {
    fn from(origin: &Forwarded) -> Self {
        Self {
            message_id: origin.message,
            sender: origin.sender,
            created_at: origin.created_at,
            edited_at: origin.edited_at,
        }
    }
}

/// One message inside a merged one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MergedMessage)]
pub struct QuoteJson<'a> {
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    sender: UserId,
    content: &'a str,
    message_type: &'static str,
    file_url: String,
    file_name: &'a str,
    file_size: u64,
    /// Of the file, as its content says.
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the words that were forwarded had been edited; absent when never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    edited_at: Option<Timestamp>,
}

impl<'a> From<&'a Quote> for QuoteJson<'a> {
    fn from(quote: &'a Quote) -> Self {
        let file = quote.file.as_ref();
        Self {
            message_id: quote.message,
            sender: quote.sender,
            content: &quote.content,
            message_type: quote.kind.as_str(),
            file_url: file.map_or_else(String::new, |file| file_address::of(file.id)),
            file_name: file.map_or("", |file| &file.name),
            file_size: file.map_or(0, |file| file.size),
            mime_type: file.and_then(|file| file.mime.as_deref()),
            created_at: quote.created_at,
            edited_at: quote.edited_at,
        }
    }
}

/// One who has read a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadBy)]
pub struct ReadByJson {
    #[schema(value_type = String)]
    user: UserId,
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
}

/// What became of an answered message after it was answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnsweredChange)]
pub struct ReplyChangeJson {
    /// `edited`, `recalled` or `deleted`.
    kind: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub struct MessageJson<'a> {
    #[serde(rename = "_id")]
    #[schema(value_type = String)]
    id: MessageId,
    #[schema(value_type = String)]
    session_id: ConversationId,
    #[schema(value_type = String)]
    sender: UserId,
    #[schema(value_type = Option<String>)]
    receiver: Option<UserId>,
    content: &'a str,
    /// `text`, `image`, `file` or `voice`.
    message_type: &'static str,
    file_url: String,
    file_name: &'a str,
    /// Bytes.
    file_size: u64,
    /// Of the file, as its content says; absent without a file, and in messages of before it was written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    /// SHA-256 of the file, hexadecimal; absent as `mimeType` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_digest: Option<&'a str>,
    /// `sent`, `delivered` or `read`: by anybody but its sender.
    status: &'static str,
    /// The first hundred who have read it.
    read_by: Vec<ReadByJson>,
    /// How many have read it.
    read_count: u64,
    /// How many have got it, those who have read it among them.
    delivered_count: u64,
    /// 1, 2, 3 … within its session.
    seq: u64,
    /// The session's `rev` at its last change; 0 when never changed.
    rev: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_msg_id: Option<&'a str>,
    is_deleted: bool,
    /// Who deleted it; absent when its sender took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    deleted_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    recalled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    edited_at: Option<Timestamp>,
    /// The message of the same session that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    /// That message's `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to_seq: Option<u64>,
    /// Since when that message said what was answered, as the answer's author told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    reply_to_as_of: Option<Timestamp>,
    /// What became of that message since it was answered; absent while it says what it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to_change: Option<ReplyChangeJson>,
    /// Ids of members, or the text `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    mentions: Option<MentionsJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<ReactionGroupJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded_from: Option<OriginJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merged: Vec<QuoteJson<'a>>,
    /// `merged` was left out of a page by number that would have been too heavy; by `beforeSeq` it comes whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    merged_omitted: bool,
    /// `joined`, `left`, `removed`, `renamed`, `topic`, `avatar`, `history`, `role`, `silenced` or `unsilenced`: the group wrote
    /// it about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'static str>,
    /// Whom a system message is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    subjects: Option<&'a [UserId]>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a MessageView> for MessageJson<'a> {
    fn from(view: &'a MessageView) -> Self {
        let message = &*view.message;
        let file = message.file.as_ref();
        let read_by = view.read_by.iter().map(|r| ReadByJson {
            user: r.user,
            read_at: r.read_at,
        });
        Self {
            id: message.id,
            session_id: message.session,
            sender: message.sender,
            receiver: message.receiver,
            content: &message.content,
            message_type: message.kind.as_str(),
            file_url: file.map_or_else(String::new, |file| file_address::of(file.id)),
            file_name: file.map_or("", |file| &file.name),
            file_size: file.map_or(0, |file| file.size),
            mime_type: file.and_then(|file| file.mime.as_deref()),
            file_digest: file.and_then(|file| file.digest.as_deref()),
            status: view.status.as_str(),
            read_by: read_by.collect(),
            read_count: view.read_count,
            delivered_count: view.delivered_count,
            seq: message.seq,
            rev: message.rev,
            client_msg_id: message.client_msg_id.as_deref(),
            is_deleted: message.is_deleted,
            deleted_by: message.deleted_by.filter(|_| message.recalled_at.is_none()),
            recalled_at: message.recalled_at,
            edited_at: message.edited_at,
            reply_to: message.reply_to.map(|reply| reply.message),
            reply_to_seq: message.reply_to.map(|reply| reply.seq),
            reply_to_as_of: message.reply_to.and_then(|reply| reply.as_of),
            reply_to_change: view.answered.map(|(fate, at)| ReplyChangeJson {
                kind: fate.as_str(),
                at,
            }),
            mentions: (!message.mentions.is_empty()).then(|| MentionsJson::from(&message.mentions)),
            reactions: message
                .reactions
                .iter()
                .map(ReactionGroupJson::from)
                .collect(),
            forwarded_from: message.forwarded.as_ref().map(OriginJson::from),
            merged: message.merged.iter().map(QuoteJson::from).collect(),
            merged_omitted: view.omits_merged,
            system: message
                .system_notice
                .as_ref()
                .map(|system_notice| system_notice.kind.as_str()),
            subjects: message
                .system_notice
                .as_ref()
                .map(|system_notice| system_notice.subjects.as_slice()),
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

/// A message in `message:sent` and `message:receive`.
#[derive(Serialize)]
pub struct DeliveredMessageJson<'a> {
    success: bool,
    message: MessageJson<'a>,
}

impl<'a> From<&'a MessageView> for DeliveredMessageJson<'a> {
    fn from(view: &'a MessageView) -> Self {
        Self {
            success: true,
            message: view.into(),
        }
    }
}

/// A message that its reader has just read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadMessage)]
pub struct ReadMessageJson<'a> {
    /// The message as it now is; its `readCount` is how many messages became read by this call.
    #[serde(flatten)]
    message: MessageJson<'a>,
    /// The caller's unread messages left, in all sessions.
    unread_count: u64,
}

impl<'a> ReadMessageJson<'a> {
    pub fn of(view: &'a MessageView, read_count: u64, unread_count: u64) -> Self {
        let message = MessageJson {
            read_count,
            ..view.into()
        };
        Self {
            message,
            unread_count,
        }
    }
}

/// The status of a message for one receiver, in `message:status`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusJson {
    pub message_id: MessageId,
    pub session_id: ConversationId,
    pub status: &'static str,
    pub user_id: UserId,
    pub at: Timestamp,
}

/// Converts messages to a list.
pub fn messages(views: &[MessageView]) -> Vec<MessageJson<'_>> {
    views.iter().map(MessageJson::from).collect()
}

/// What remains of a deleted message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tombstone)]
pub struct MessageDeletedJson {
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    session_id: ConversationId,
    seq: u64,
    rev: u64,
    /// Who deleted or recalled it.
    #[schema(value_type = String)]
    user_id: UserId,
    is_deleted: bool,
    /// Set when its sender took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    recalled_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    deleted_at: Timestamp,
}

impl From<&Tombstone> for MessageDeletedJson {
    fn from(tombstone: &Tombstone) -> Self {
        Self {
            message_id: tombstone.message,
            session_id: tombstone.session,
            seq: tombstone.seq,
            rev: tombstone.rev,
            user_id: tombstone.deleted_by,
            is_deleted: true,
            recalled_at: tombstone.is_recall.then_some(tombstone.at),
            deleted_at: tombstone.at,
        }
    }
}

/// `message:updated`: the content of an edited message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageUpdatedJson<'a> {
    message_id: MessageId,
    session_id: ConversationId,
    seq: u64,
    rev: u64,
    user_id: UserId,
    content: &'a str,
    mentions: MentionsJson<'a>,
    edited_at: Option<Timestamp>,
    updated_at: Timestamp,
}

impl<'a> From<&'a Message> for MessageUpdatedJson<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            message_id: message.id,
            session_id: message.session,
            seq: message.seq,
            rev: message.rev,
            user_id: message.sender,
            content: &message.content,
            mentions: MentionsJson::from(&message.mentions),
            edited_at: message.edited_at,
            updated_at: message.updated_at,
        }
    }
}

/// All reactions of a message, after one of them changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reactions)]
pub struct ReactionJson<'a> {
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    session_id: ConversationId,
    seq: u64,
    rev: u64,
    /// Who put it on, or took it off.
    #[schema(value_type = String)]
    user_id: UserId,
    emoji: &'a str,
    /// Whether it was put on.
    added: bool,
    reactions: Vec<ReactionGroupJson<'a>>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> ReactionJson<'a> {
    /// Creates the event in which `user` added an emoji to this message, or removed it.
    pub fn of(message: &'a Message, user: UserId, emoji: &'a str, added: bool) -> Self {
        // The emoji is written as in its first reaction, if there is one.
        let stored = message
            .reactions
            .iter()
            .find(|reaction| is_same_emoji(&reaction.emoji, emoji));
        let emoji = stored.map_or(emoji, |reaction| reaction.emoji.as_str());
        Self {
            message_id: message.id,
            session_id: message.session,
            seq: message.seq,
            rev: message.rev,
            user_id: user,
            emoji,
            added,
            reactions: message
                .reactions
                .iter()
                .map(ReactionGroupJson::from)
                .collect(),
            updated_at: message.updated_at,
        }
    }
}

/// `message:status` in groups.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptCountsJson {
    pub message_id: MessageId,
    pub session_id: ConversationId,
    pub status: &'static str,
    pub delivered_count: u64,
    pub read_count: u64,
    pub at: Timestamp,
}

/// What a message said before it was edited.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Edit)]
pub struct EditJson {
    content: String,
    #[schema(value_type = String, format = DateTime)]
    written_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    replaced_at: Timestamp,
}

impl From<Edit> for EditJson {
    fn from(edit: Edit) -> Self {
        Self {
            content: edit.content,
            written_at: edit.written_at,
            replaced_at: edit.replaced_at,
        }
    }
}

/// How far a message has come with one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipt)]
pub struct ReceiptJson {
    #[schema(value_type = String)]
    user_id: UserId,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
}

/// To whom a message was delivered, and who has read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipts)]
pub struct ReceiptsJson {
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    session_id: ConversationId,
    seq: u64,
    delivered_count: u64,
    read_count: u64,
    /// Every member but its sender, and who has got it and left since; of those who are not active any more only
    /// who has read it.
    receipts: Vec<ReceiptJson>,
}

impl From<Receipts> for ReceiptsJson {
    fn from(receipts: Receipts) -> Self {
        let Receipts {
            message,
            people,
            tally,
        } = receipts;
        let receipt = |user: UserId| ReceiptJson {
            user_id: user,
            delivered_at: tally.delivered.get(&user).copied(),
            read_at: tally.read.get(&user).copied(),
        };
        Self {
            message_id: message.id,
            session_id: message.session,
            seq: message.seq,
            delivered_count: tally.delivered.len() as u64,
            read_count: tally.read.len() as u64,
            receipts: people.into_iter().map(receipt).collect(),
        }
    }
}

/// What forwarding wrote: by target, then by message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Forwarded)]
pub struct ForwardedJson<'a> {
    messages: Vec<MessageJson<'a>>,
}

impl<'a> From<&'a service::Forwarded> for ForwardedJson<'a> {
    fn from(forwarded: &'a service::Forwarded) -> Self {
        Self {
            messages: messages(&forwarded.messages),
        }
    }
}
