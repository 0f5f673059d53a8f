//! The parts of a message besides its text: mentions, reply, origin and reactions; and the system
//! messages of a group.

use std::str::FromStr;

use super::{
    MessageId, Timestamp, UserId,
    message::{FileRef, MessageType},
};

/// The most users that one message mentions by name: as many as a group may have.
pub const MAX_MENTIONS: usize = 500;
/// The most bytes of an emoji (a kiss with skin tones has 35, a flag 8 to 28).
pub const MAX_EMOJI_BYTES: usize = 64;
/// The most kinds of emoji on one message.
pub const MAX_REACTION_KINDS: usize = 20;

/// The users that a message mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mentions {
    /// All members of the conversation.
    All,
    /// These users, each once; often none.
    People(Vec<UserId>),
}

impl Default for Mentions {
    fn default() -> Self {
        Self::People(Vec::new())
    }
}

impl Mentions {
    /// Returns whether nobody is mentioned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Mentions::People(people) if people.is_empty())
    }

    /// Returns the users who are mentioned by name.
    #[must_use]
    pub fn people(&self) -> &[UserId] {
        match self {
            Mentions::All => &[],
            Mentions::People(people) => people,
        }
    }
}

/// The message that another one replies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyTo {
    pub message: MessageId,
    /// Its position in the same conversation.
    pub seq: u64,
    /// The time of the version that the reply's sender saw, if given: its edit, or its sending.
    pub as_of: Option<Timestamp>,
}

/// The change of a message after it was replied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyTargetChange {
    Edited,
    Recalled,
    Deleted,
}

impl ReplyTargetChange {
    /// Returns the name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ReplyTargetChange::Edited => "edited",
            ReplyTargetChange::Recalled => "recalled",
            ReplyTargetChange::Deleted => "deleted",
        }
    }
}

/// All users who reacted with one emoji, in the order of their reactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub emoji: String,
    pub users: Vec<UserId>,
}

/// Returns whether a text is exactly one emoji of Unicode: with a skin tone, joined, a flag, a
/// keycap.
#[must_use]
pub fn is_valid_emoji(text: &str) -> bool {
    // A digit with the selector for colour stays a digit until a keycap is around it.
    emojis::get(text).is_some() && !without_variation_selectors(text).all(|c| c.is_ascii())
}

/// Returns whether a text may be the emoji of an older reaction that is to be removed.
#[must_use]
pub fn is_old_emoji(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_EMOJI_BYTES
}

/// Returns whether two texts are one emoji, with or without the selector for colour.
#[must_use]
pub fn is_same_emoji(one: &str, other: &str) -> bool {
    without_variation_selectors(one).eq(without_variation_selectors(other))
}

/// Returns an emoji without the selectors for colour: equal for two texts that are one emoji.
#[must_use]
pub fn emoji_key(emoji: &str) -> String {
    without_variation_selectors(emoji).collect()
}

fn without_variation_selectors(emoji: &str) -> impl Iterator<Item = char> + '_ {
    emoji.chars().filter(|c| *c != '\u{fe0f}')
}

/// The first author of a forwarded message. Its conversation is not named: the reader may not be a
/// member there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarded {
    pub message: MessageId,
    pub sender: UserId,
    pub created_at: Timestamp,
    /// The time of the last edit of the forwarded content.
    pub edited_at: Option<Timestamp>,
}

/// One message inside a merged one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub message: MessageId,
    pub sender: UserId,
    pub content: String,
    pub kind: MessageType,
    pub file: Option<FileRef>,
    pub created_at: Timestamp,
    /// The time of the last edit of the forwarded content.
    pub edited_at: Option<Timestamp>,
}

/// The kind of a system message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemNoticeKind {
    /// A user was added.
    Joined,
    /// A member left.
    Left,
    /// A member was removed.
    Removed,
    /// The group has another name: the content.
    Renamed,
    /// The group has another topic: the content.
    Topic,
    /// The group has another picture.
    Avatar,
    /// The history was opened to later members, or closed to future ones. The content is `open` or
    /// `closed`.
    History,
    /// A member has another role: the content.
    Role,
    /// Members may read the group and not write into it.
    Silenced,
    /// Members may write again.
    Unsilenced,
}

impl SystemNoticeKind {
    /// All kinds, for schemas and checks.
    pub const ALL: [SystemNoticeKind; 10] = [
        SystemNoticeKind::Joined,
        SystemNoticeKind::Left,
        SystemNoticeKind::Removed,
        SystemNoticeKind::Renamed,
        SystemNoticeKind::Topic,
        SystemNoticeKind::Avatar,
        SystemNoticeKind::History,
        SystemNoticeKind::Role,
        SystemNoticeKind::Silenced,
        SystemNoticeKind::Unsilenced,
    ];

    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SystemNoticeKind::Joined => "joined",
            SystemNoticeKind::Left => "left",
            SystemNoticeKind::Removed => "removed",
            SystemNoticeKind::Renamed => "renamed",
            SystemNoticeKind::Topic => "topic",
            SystemNoticeKind::Avatar => "avatar",
            SystemNoticeKind::History => "history",
            SystemNoticeKind::Role => "role",
            SystemNoticeKind::Silenced => "silenced",
            SystemNoticeKind::Unsilenced => "unsilenced",
        }
    }
}

/// The error of a text that names no kind of system message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such kind of system message")]
pub struct UnknownSystemNotice;

impl FromStr for SystemNoticeKind {
    type Err = UnknownSystemNotice;
    fn from_str(text: &str) -> Result<Self, UnknownSystemNotice> {
        SystemNoticeKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownSystemNotice)
    }
}

/// The data that make a message a system message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemNotice {
    pub kind: SystemNoticeKind,
    /// The users concerned.
    pub subjects: Vec<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_is_one_emoji_however_it_is_written() {
        for good in [
            "👍",
            "👍🏽",
            "❤️",
            "❤",
            "☺",
            "👩🏽‍⚕️",
            "👩🏽‍⚕",
            "👩🏿‍❤️‍💋‍👩🏼",
            "🇨🇳",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "5️⃣",
            "#⃣",
            "⭐",
            "⏰",
            "⬆️",
            "™️",
            "㊙️",
            "🫱🏻‍🫲🏿",
            "🏳️‍🌈",
        ] {
            assert!(
                is_valid_emoji(good) && good.len() <= MAX_EMOJI_BYTES,
                "{good}"
            );
        }
        for bad in [
            "",
            " ",
            "a b",
            "\u{7}",
            "👍👍",
            "👍 ",
            " 👍",
            "abc",
            "5",
            "5\u{fe0f}",
            "#",
            "中",
            "好",
            "+1",
            "\u{200d}",
            "\u{fe0f}",
            "\u{20e3}",
            "👍\u{200d}",
            "🇨",
            "🇽🇽",
            "🇨🇳🇨🇳",
            "\u{1f3fd}",
            "❤\u{fe0e}",
            "👍\u{200b}",
            "♥\u{202e}",
            "→",
            "(y)",
            "💊💉",
        ] {
            assert!(!is_valid_emoji(bad), "{bad:?}");
        }
        assert!(
            is_same_emoji("❤️", "❤") && is_same_emoji("👩🏽‍⚕️", "👩🏽‍⚕") && !is_same_emoji("👍", "👍🏽")
        );
    }
}
