//! Messages: their content, and the rules for it.

use std::str::FromStr;

use super::{
    ConversationId, Field, FileId, MessageId, Timestamp, UserId,
    error::{Error, FieldErrors},
    file::{self, StoredFile},
    message_parts::{
        Forwarded, MAX_MENTIONS, Mentions, Quote, Reaction, ReplyTargetChange, ReplyTo,
        SystemNotice,
    },
    text::is_visible,
};

/// The most characters (Unicode scalar values) a text message may have.
pub const MAX_TEXT_CHARS: usize = 8_000;
/// The most characters of a `clientMsgId`.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 64;
/// The most characters of a file's name.
pub const MAX_FILE_NAME_CHARS: usize = 255;

/// The kind of content of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    Text,
    Image,
    File,
    Voice,
}

impl MessageType {
    /// All types, for schemas and checks.
    pub const ALL: [MessageType; 4] = [
        MessageType::Text,
        MessageType::Image,
        MessageType::File,
        MessageType::Voice,
    ];

    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            MessageType::Text => "text",
            MessageType::Image => "image",
            MessageType::File => "file",
            MessageType::Voice => "voice",
        }
    }
}

/// The error of a text that names no message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message type is one of text, image, file, voice")]
pub struct UnknownMessageType;

impl FromStr for MessageType {
    type Err = UnknownMessageType;
    fn from_str(text: &str) -> Result<Self, UnknownMessageType> {
        MessageType::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownMessageType)
    }
}

/// A file in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    pub id: FileId,
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// The stored file's type by its content; `None` in messages from before this was stored.
    pub mime: Option<String>,
    /// The SHA-256 of the stored file, hexadecimal; `None` as with `mime`.
    pub digest: Option<String>,
}

/// A message before its commit. It becomes a [`Message`] by being committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub session: ConversationId,
    pub sender: UserId,
    /// The other member, as the sender named them.
    pub receiver: Option<UserId>,
    pub content: String,
    pub kind: MessageType,
    pub file: Option<FileRef>,
    pub client_msg_id: Option<String>,
    /// The message of the same conversation that it replies to.
    pub reply_to: Option<MessageId>,
    /// The time of the version of that message which the sender saw.
    pub reply_to_as_of: Option<Timestamp>,
    pub mentions: Mentions,
    pub forwarded: Option<Forwarded>,
    /// The messages it contains, when several were forwarded as one.
    pub merged: Vec<Quote>,
}

/// The key that makes a repeated send the same message: a sender's `clientMsgId` within one
/// conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    pub session: ConversationId,
    pub sender: UserId,
    pub client_id: String,
}

impl IdempotencyKey {
    fn of(session: ConversationId, sender: UserId, client_id: Option<&String>) -> Option<Self> {
        client_id.map(|client_id| Self {
            session,
            sender,
            client_id: client_id.clone(),
        })
    }
}

impl Draft {
    /// Returns the key of a repeat; `None` when the sender chose no `clientMsgId`.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<IdempotencyKey> {
        IdempotencyKey::of(self.session, self.sender, self.client_msg_id.as_ref())
    }

    /// Returns an empty text message, to be filled in.
    #[must_use]
    pub fn blank(session: ConversationId, sender: UserId) -> Self {
        Self {
            session,
            sender,
            receiver: None,
            content: String::new(),
            kind: MessageType::Text,
            file: None,
            client_msg_id: None,
            reply_to: None,
            reply_to_as_of: None,
            mentions: Mentions::default(),
            forwarded: None,
            merged: Vec::new(),
        }
    }

    /// Returns the files that it names, including those of its quotes.
    #[must_use]
    pub fn file_ids(&self) -> Vec<FileId> {
        file_ids(self.file.as_ref(), &self.merged)
    }

    /// Checks everything that can be known without the conversation.
    ///
    /// # Errors
    /// `MessageTooLarge` for content beyond [`MAX_TEXT_CHARS`]; `InvalidMessage` naming every bad field.
    pub fn check(&self) -> Result<(), Error> {
        if self.content.chars().nth(MAX_TEXT_CHARS).is_some() {
            return Err(Error::MessageTooLarge {
                limit: MAX_TEXT_CHARS,
            });
        }
        self.problems().into_result(Error::InvalidMessage)
    }

    /// Returns every invalid field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        match (self.kind, &self.file) {
            (MessageType::Text, _) if !is_visible(&self.content) && self.merged.is_empty() => {
                errors.add(Field::Content, "must not be empty");
            }
            (MessageType::Text, Some(_)) => {
                errors.add(Field::File, "belongs to image, file and voice only");
            }
            (MessageType::Text, None) => {}
            (_, None) => {
                errors.add(Field::File, "is required for image, file and voice");
                errors.add(Field::FileName, "is required for image, file and voice");
            }
            (_, Some(file)) => file.check(&mut errors),
        }
        if let Some(id) = &self.client_msg_id
            && (id.is_empty() || id.chars().count() > MAX_IDEMPOTENCY_KEY_CHARS)
        {
            errors.add(Field::IdempotencyKey, "must have 1 to 64 characters");
        }
        if self.mentions.people().len() > MAX_MENTIONS {
            errors.add(Field::Mentions, "must name at most 500 people");
        }
        errors
    }
}

/// Returns the files named by this file and these quotes, each once.
fn file_ids(own: Option<&FileRef>, merged: &[Quote]) -> Vec<FileId> {
    let quoted = merged.iter().filter_map(|quote| quote.file.as_ref());
    let mut ids: Vec<FileId> = own.into_iter().chain(quoted).map(|file| file.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl FileRef {
    /// Returns a file as its sender names it; the stored file provides the rest.
    #[must_use]
    pub fn named(id: FileId, name: String, size: u64) -> Self {
        Self {
            id,
            name,
            size,
            mime: None,
            digest: None,
        }
    }

    /// Fills in the data of the stored file. The given name stays if it is clean and has the ending
    /// of the same kind of file. Otherwise a reader would take `setup.exe` for `harmless.pdf`, and
    /// the stored name is used.
    ///
    /// # Errors
    /// `InvalidMessage` naming `messageType` when a file is no displayable picture, or no sound.
    pub fn fill_from(&mut self, kind: MessageType, stored: &StoredFile) -> Result<(), Error> {
        let problem = match kind {
            MessageType::Image if !file::is_displayable_picture(&stored.mime) => {
                "image is for pictures"
            }
            MessageType::Voice if !file::is_sound(&stored.mime) => "voice is for sounds",
            MessageType::Text | MessageType::Image | MessageType::File | MessageType::Voice => {
                if !file::is_acceptable_name(&self.name, &stored.name) {
                    self.name.clone_from(&stored.name);
                }
                self.size = stored.size;
                self.mime = Some(stored.mime.clone());
                self.digest = Some(stored.digest.clone());
                return Ok(());
            }
        };
        Err(Error::InvalidMessage(FieldErrors::one(
            Field::MessageType,
            problem,
        )))
    }

    fn check(&self, errors: &mut FieldErrors) {
        if self.name.trim().is_empty() || self.name.chars().count() > MAX_FILE_NAME_CHARS {
            errors.add(Field::FileName, "must have 1 to 255 characters");
        }
    }
}

/// A stored message. `status` and `readBy` are not here: they follow from the members' positions
/// (see [`super::receipts`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub session: ConversationId,
    pub sender: UserId,
    /// The other member of a private conversation; `None` in a group.
    pub receiver: Option<UserId>,
    pub content: String,
    pub kind: MessageType,
    pub file: Option<FileRef>,
    pub client_msg_id: Option<String>,
    /// 1, 2, 3 … within the conversation, in commit order.
    pub seq: u64,
    /// Its number among the conversation's stored events (see [`super::change_log`]).
    pub event_seq: u64,
    /// The conversation's `rev` at this message's last change; 0 when it was never changed.
    pub rev: u64,
    /// Whether it is a tombstone: its content is removed.
    pub is_deleted: bool,
    pub deleted_by: Option<UserId>,
    /// The time when its sender recalled it; then it is a tombstone.
    pub recalled_at: Option<Timestamp>,
    pub edited_at: Option<Timestamp>,
    pub reply_to: Option<ReplyTo>,
    pub mentions: Mentions,
    pub reactions: Vec<Reaction>,
    pub forwarded: Option<Forwarded>,
    pub merged: Vec<Quote>,
    /// Set for a system message; such a message is never unread and never changes.
    pub system_notice: Option<SystemNotice>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Message {
    /// Returns the key of a repeat.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<IdempotencyKey> {
        IdempotencyKey::of(self.session, self.sender, self.client_msg_id.as_ref())
    }

    /// Returns the files that a reader of this message may fetch.
    #[must_use]
    pub fn file_ids(&self) -> Vec<FileId> {
        file_ids(self.file.as_ref(), &self.merged)
    }

    /// Returns the message of a draft at its position and with its event number.
    #[must_use]
    pub fn of(draft: &Draft, id: MessageId, seq: u64, event_seq: u64, at: Timestamp) -> Self {
        Self {
            id,
            session: draft.session,
            sender: draft.sender,
            receiver: None,
            content: draft.content.clone(),
            kind: draft.kind,
            file: draft.file.clone(),
            client_msg_id: draft.client_msg_id.clone(),
            seq,
            event_seq,
            rev: 0,
            is_deleted: false,
            deleted_by: None,
            recalled_at: None,
            edited_at: None,
            reply_to: None,
            mentions: draft.mentions.clone(),
            reactions: Vec::new(),
            forwarded: draft.forwarded,
            merged: draft.merged.clone(),
            system_notice: None,
            created_at: at,
            updated_at: at,
        }
    }

    /// Returns the tombstone of the message: its position, its times, and who removed it.
    #[must_use]
    pub fn into_tombstone(&self, by: UserId, at: Timestamp, rev: u64) -> Self {
        Self {
            content: String::new(),
            file: None,
            reply_to: None,
            mentions: Mentions::default(),
            reactions: Vec::new(),
            forwarded: None,
            merged: Vec::new(),
            client_msg_id: self.client_msg_id.clone(),
            system_notice: None,
            rev,
            is_deleted: true,
            deleted_by: Some(by),
            updated_at: at,
            ..*self
        }
    }

    /// Returns the change of the message after the version at `answered`, and its time.
    #[must_use]
    pub fn change_since(&self, answered: Timestamp) -> Option<(ReplyTargetChange, Timestamp)> {
        match (self.is_deleted, self.recalled_at, self.edited_at) {
            (true, Some(at), _) => Some((ReplyTargetChange::Recalled, at)),
            (true, None, _) => Some((ReplyTargetChange::Deleted, self.updated_at)),
            (false, _, Some(at)) if at > answered => Some((ReplyTargetChange::Edited, at)),
            (false, _, _) => None,
        }
    }

    /// Returns the line that a list of conversations shows: at most 100 characters, a file's name
    /// for files.
    #[must_use]
    pub fn preview(&self) -> String {
        let line = match &self.file {
            Some(file) if self.content.is_empty() => &file.name,
            _ => &self.content,
        };
        line.chars().take(100).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(kind: MessageType, content: &str, file: Option<&str>) -> Draft {
        Draft {
            content: content.into(),
            kind,
            file: file.map(|name| FileRef::named(FileId::generate(), name.into(), 1)),
            ..Draft::blank(ConversationId::generate(), UserId::generate())
        }
    }

    #[test]
    fn text_is_1_to_8000_characters_of_any_script() {
        assert!(draft(MessageType::Text, "好", None).check().is_ok());
        assert!(
            draft(MessageType::Text, &"好".repeat(8_000), None)
                .check()
                .is_ok()
        );
        assert!(matches!(
            draft(MessageType::Text, &"好".repeat(8_001), None).check(),
            Err(Error::MessageTooLarge { .. })
        ));
        for nothing in [
            " \n",
            "\u{200b}",
            "\u{2800}",
            "\u{feff}",
            "\u{3164}",
            "\u{202e}\u{200d}",
        ] {
            let refused = draft(MessageType::Text, nothing, None).check();
            assert!(
                matches!(refused, Err(Error::InvalidMessage(_))),
                "{nothing:?}"
            );
        }
    }

    #[test]
    fn files_have_names() {
        assert!(
            draft(MessageType::Image, "", Some("x-ray.png"))
                .check()
                .is_ok()
        );
        for name in [" ", &"a".repeat(256)] {
            let refused = draft(MessageType::File, "", Some(name)).check();
            assert!(matches!(refused, Err(Error::InvalidMessage(_))), "{name:?}");
        }
        let Err(Error::InvalidMessage(fields)) = draft(MessageType::Voice, "", None).check() else {
            panic!("a voice note without a file was taken")
        };
        assert_eq!(
            fields.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
            [Field::File, Field::FileName]
        );
    }
}
