//! Messages: what is written, and the rules for what may be.

use std::str::FromStr;

use super::{
    ConversationId, FileId, MessageId, Timestamp, UserId,
    error::{Error, FieldErrors},
    file::{self, StoredFile},
    message_parts::{
        Forwarded, MAX_MENTIONS, Mentions, Quote, Reaction, ReplyTargetChange, ReplyTo, SystemNotice,
    },
    text::is_visible,
};

/// The most characters (Unicode scalar values) a text message may have.
pub const MAX_TEXT_CHARS: usize = 8_000;
/// The most characters of a `clientMsgId`.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 64;
/// The most characters of a file's name.
pub const MAX_FILE_NAME_CHARS: usize = 255;

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    Text,
    Image,
    File,
    Voice,
}

impl MessageType {
    /// All types, for schemas and checks.
    pub const ALL: [MessageType; 4] =
        [MessageType::Text, MessageType::Image, MessageType::File, MessageType::Voice];

    /// The name on the wire and in the database.
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

/// The text names no message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message type is one of text, image, file, voice")]
pub struct UnknownMessageType;

impl FromStr for MessageType {
    type Err = UnknownMessageType;
    fn from_str(text: &str) -> Result<Self, UnknownMessageType> {
        MessageType::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownMessageType)
    }
}

/// A file that a message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    pub url: String,
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// As the stored file's content says; none in messages of before it was written down.
    pub mime: Option<String>,
    /// SHA-256 of the stored file, hexadecimal; none as with `mime`.
    pub digest: Option<String>,
}

/// What a sender asks to have written. It becomes a [`Message`] by being committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub session: ConversationId,
    pub sender: UserId,
    /// Who the sender believes the other participant to be, when they said.
    pub receiver: Option<UserId>,
    pub content: String,
    pub kind: MessageType,
    pub file: Option<FileRef>,
    pub client_msg_id: Option<String>,
    /// The message of the same session that it answers.
    pub reply_to: Option<MessageId>,
    /// Since when that message said what the sender saw.
    pub reply_to_as_of: Option<Timestamp>,
    pub mentions: Mentions,
    pub forwarded: Option<Forwarded>,
    /// The messages it carries, when several were forwarded as one.
    pub merged: Vec<Quote>,
}

/// What makes a repeated send the same message: a sender's `clientMsgId` counts within one session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    pub session: ConversationId,
    pub sender: UserId,
    pub client_id: String,
}

impl IdempotencyKey {
    fn of(session: ConversationId, sender: UserId, client_id: Option<&String>) -> Option<Self> {
        client_id.map(|client_id| Self { session, sender, client_id: client_id.clone() })
    }
}

impl Draft {
    /// Under what a repeat of it is known; `None` when its sender chose no `clientMsgId`.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<IdempotencyKey> {
        IdempotencyKey::of(self.session, self.sender, self.client_msg_id.as_ref())
    }

    /// An empty text, to be filled in.
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

    /// The files that it names, its quotes' too.
    #[must_use]
    pub fn file_ids(&self) -> Vec<FileId> {
        file_ids(self.file.as_ref(), &self.merged)
    }

    /// Checks everything that can be known without the session.
    ///
    /// # Errors
    /// `MessageTooLarge` for content beyond [`MAX_TEXT_CHARS`]; `InvalidMessage` naming every bad field.
    pub fn check(&self) -> Result<(), Error> {
        if self.content.chars().nth(MAX_TEXT_CHARS).is_some() {
            return Err(Error::MessageTooLarge { limit: MAX_TEXT_CHARS });
        }
        self.problems().into_result(Error::InvalidMessage)
    }

    /// Every bad field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        match (self.kind, &self.file) {
            (MessageType::Text, _) if !is_visible(&self.content) && self.merged.is_empty() => {
                errors.add("content", "must not be empty");
            }
            (MessageType::Text, Some(_)) => errors.add("fileUrl", "belongs to image, file and voice only"),
            (MessageType::Text, None) => {}
            (_, None) => {
                errors.add("fileUrl", "is required for image, file and voice");
                errors.add("fileName", "is required for image, file and voice");
            }
            (_, Some(file)) => file.check(&mut errors),
        }
        if let Some(id) = &self.client_msg_id
            && (id.is_empty() || id.chars().count() > MAX_IDEMPOTENCY_KEY_CHARS)
        {
            errors.add("clientMsgId", "must have 1 to 64 characters");
        }
        if self.mentions.people().len() > MAX_MENTIONS {
            errors.add("mentions", "must name at most 500 people");
        }
        errors
    }
}

/// The files that something with this file and these quotes names, each once.
fn file_ids(own: Option<&FileRef>, merged: &[Quote]) -> Vec<FileId> {
    let quoted = merged.iter().filter_map(|quote| quote.file.as_ref());
    let mut ids: Vec<FileId> = own.into_iter().chain(quoted).filter_map(FileRef::id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl FileRef {
    /// A file as its sender names it; what it is comes from the stored file.
    #[must_use]
    pub fn named(url: String, name: String, size: u64) -> Self {
        Self { url, name, size, mime: None, digest: None }
    }

    /// Says what the stored file is. The given name stays if it is clean and promises the same kind of file;
    /// otherwise a reader would take `setup.exe` for `harmless.pdf`, and the stored name is told.
    ///
    /// # Errors
    /// `InvalidMessage` naming `messageType` when a file is no picture that is shown, or does not sound.
    pub fn fill_from(&mut self, kind: MessageType, stored: &StoredFile) -> Result<(), Error> {
        let problem = match kind {
            MessageType::Image if !file::is_shown_picture(&stored.mime) => "image is for pictures",
            MessageType::Voice if !file::is_sound(&stored.mime) => "voice is for sounds",
            MessageType::Text | MessageType::Image | MessageType::File | MessageType::Voice => {
                self.url = file::url(stored.id);
                if !file::may_be_called(&self.name, &stored.name) {
                    self.name.clone_from(&stored.name);
                }
                self.size = stored.size;
                self.mime = Some(stored.mime.clone());
                self.digest = Some(stored.digest.clone());
                return Ok(());
            }
        };
        Err(Error::InvalidMessage(FieldErrors::one("messageType", problem)))
    }

    /// The file that it names, when its address is one of ours.
    #[must_use]
    pub fn id(&self) -> Option<FileId> {
        file::id_of(&self.url)
    }

    fn check(&self, errors: &mut FieldErrors) {
        if self.id().is_none() {
            errors.add("fileUrl", "must be the path of a file of this service");
        }
        if self.name.trim().is_empty() || self.name.chars().count() > MAX_FILE_NAME_CHARS {
            errors.add("fileName", "must have 1 to 255 characters");
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
    /// The other participant of a private session; none in a group.
    pub receiver: Option<UserId>,
    pub content: String,
    pub kind: MessageType,
    pub file: Option<FileRef>,
    pub client_msg_id: Option<String>,
    /// 1, 2, 3 … within the session, in commit order.
    pub seq: u64,
    /// The session's `rev` at this message's last change; 0 when it was never changed.
    pub rev: u64,
    /// A tombstone: nothing of what it said is left.
    pub is_deleted: bool,
    pub deleted_by: Option<UserId>,
    /// When its sender took it back; then it is a tombstone.
    pub recalled_at: Option<Timestamp>,
    pub edited_at: Option<Timestamp>,
    pub reply_to: Option<ReplyTo>,
    pub mentions: Mentions,
    pub reactions: Vec<Reaction>,
    pub forwarded: Option<Forwarded>,
    pub merged: Vec<Quote>,
    /// Set for what a group writes about itself; such a message is never unread and never changes.
    pub note: Option<SystemNotice>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Message {
    /// Under what a repeat of it is known.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<IdempotencyKey> {
        IdempotencyKey::of(self.session, self.sender, self.client_msg_id.as_ref())
    }

    /// The files that whoever may read this message may fetch.
    #[must_use]
    pub fn file_ids(&self) -> Vec<FileId> {
        file_ids(self.file.as_ref(), &self.merged)
    }

    /// The message that a draft becomes, at its place.
    #[must_use]
    pub fn of(draft: &Draft, id: MessageId, seq: u64, at: Timestamp) -> Self {
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
            note: None,
            created_at: at,
            updated_at: at,
        }
    }

    /// What remains of it once it is gone: its place, its times, and who took it away.
    #[must_use]
    pub fn buried(&self, by: UserId, at: Timestamp, rev: u64) -> Self {
        Self {
            content: String::new(),
            file: None,
            reply_to: None,
            mentions: Mentions::default(),
            reactions: Vec::new(),
            forwarded: None,
            merged: Vec::new(),
            client_msg_id: self.client_msg_id.clone(),
            note: None,
            rev,
            is_deleted: true,
            deleted_by: Some(by),
            updated_at: at,
            ..*self
        }
    }

    /// What became of it after somebody answered what it said at `answered`, and when.
    #[must_use]
    pub fn fate_since(&self, answered: Timestamp) -> Option<(ReplyTargetChange, Timestamp)> {
        match (self.is_deleted, self.recalled_at, self.edited_at) {
            (true, Some(at), _) => Some((ReplyTargetChange::Recalled, at)),
            (true, None, _) => Some((ReplyTargetChange::Deleted, self.updated_at)),
            (false, _, Some(at)) if at > answered => Some((ReplyTargetChange::Edited, at)),
            (false, _, _) => None,
        }
    }

    /// The line that a list of sessions shows: at most 100 characters, a file's name for files.
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

    fn draft(kind: MessageType, content: &str, file: Option<(&str, &str)>) -> Draft {
        Draft {
            content: content.into(),
            kind,
            file: file.map(|(url, name)| FileRef::named(url.into(), name.into(), 1)),
            ..Draft::blank(ConversationId::generate(), UserId::generate())
        }
    }

    #[test]
    fn text_is_1_to_8000_characters_of_any_script() {
        assert!(draft(MessageType::Text, "好", None).check().is_ok());
        assert!(draft(MessageType::Text, &"好".repeat(8_000), None).check().is_ok());
        assert!(matches!(
            draft(MessageType::Text, &"好".repeat(8_001), None).check(),
            Err(Error::MessageTooLarge { .. })
        ));
        for nothing in [" \n", "\u{200b}", "\u{2800}", "\u{feff}", "\u{3164}", "\u{202e}\u{200d}"] {
            let refused = draft(MessageType::Text, nothing, None).check();
            assert!(matches!(refused, Err(Error::InvalidMessage(_))), "{nothing:?}");
        }
    }

    #[test]
    fn files_are_our_own_and_have_names() {
        let ours = Some(("/api/chat/files/64b7f0c2a1b2c3d4e5f60718", "x-ray.png"));
        assert!(draft(MessageType::Image, "", ours).check().is_ok());
        for url in [
            "https://evil.example/a.png",
            "//evil.example/a",
            "/api/chat/files/../users",
            "javascript:alert(1)",
            "/api/chat/files/",
            "/api/chat/files/x-ray",
            "/api/chat/files/64b7f0c2a1b2c3d4e5f60718/thumbnail",
        ] {
            assert!(draft(MessageType::File, "", Some((url, "a"))).check().is_err(), "{url}");
        }
        let Err(Error::InvalidMessage(fields)) = draft(MessageType::Voice, "", None).check() else {
            panic!("a voice note without a file was taken")
        };
        assert_eq!(fields.names().collect::<Vec<_>>(), ["fileName", "fileUrl"]);
    }
}
