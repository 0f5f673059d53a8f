//! Conversations: their members, how far each member has read, and the conversation's own counters.

use std::collections::BTreeMap;

use super::{
    ConversationId, Field, MessageId, Timestamp, UserId,
    avatar::{Avatar, MAX_AVATAR_CHARS},
    error::FieldErrors,
    message::{Message, MessageType},
    message_parts::SystemNotice,
    receipts::SeqRanges,
    text::{is_picture_address, is_visible, visible_text},
};

/// Whether a conversation has two users or is a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConversationKind {
    Private,
    Group,
}

impl ConversationKind {
    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ConversationKind::Private => "private",
            ConversationKind::Group => "group",
        }
    }
}

/// The most members of a group.
pub const MAX_MEMBERS: usize = 500;
/// The most characters of a group's name.
pub const MAX_GROUP_NAME_CHARS: usize = 100;
/// The most characters of a group's topic.
pub const MAX_TOPIC_CHARS: usize = 500;

/// What a member may do in a group; all members of a private conversation are plain members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum MemberRole {
    #[default]
    Member,
    /// Changes the group and its members, but not its owners.
    Admin,
    /// Changes everything; a group has at least one owner.
    Owner,
}

impl MemberRole {
    /// All roles, for schemas and checks.
    pub const ALL: [MemberRole; 3] = [MemberRole::Member, MemberRole::Admin, MemberRole::Owner];

    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            MemberRole::Member => "member",
            MemberRole::Admin => "admin",
            MemberRole::Owner => "owner",
        }
    }

    /// Returns whether the role may change the group and its members.
    #[must_use]
    pub fn can_manage(self) -> bool {
        self >= MemberRole::Admin
    }
}

/// The error of a text that names no role in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be owner, admin or member")]
pub struct UnknownMemberRole;

impl std::str::FromStr for MemberRole {
    type Err = UnknownMemberRole;
    fn from_str(text: &str) -> Result<Self, UnknownMemberRole> {
        MemberRole::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownMemberRole)
    }
}

/// The profile of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupProfile {
    pub name: String,
    pub avatar: Avatar,
    pub topic: String,
    /// Whether new members see the messages from before they joined.
    pub history_visible: bool,
}

/// A change of a group's profile; absent fields stay unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupProfileChange {
    pub name: Option<String>,
    pub avatar: Option<Avatar>,
    pub topic: Option<String>,
    pub history_visible: Option<bool>,
}

impl GroupProfileChange {
    /// Returns the change with its texts as they are stored: their visible part.
    #[must_use]
    pub fn seen(self) -> Self {
        let seen = |text: String| visible_text(&text).unwrap_or_default();
        Self {
            name: self.name.map(seen),
            topic: self.topic.map(seen),
            ..self
        }
    }

    /// Returns every invalid field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        let long = |text: &String, max: usize| text.chars().nth(max).is_some();
        let unprintable = |text: &String| text.chars().any(char::is_control);
        if self
            .name
            .as_ref()
            .is_some_and(|n| !is_visible(n) || long(n, MAX_GROUP_NAME_CHARS) || unprintable(n))
        {
            errors.add(Field::GroupName, "must have 1 to 100 printable characters");
        }
        if self
            .topic
            .as_ref()
            .is_some_and(|topic| long(topic, MAX_TOPIC_CHARS))
        {
            errors.add(Field::Topic, "must have at most 500 characters");
        }
        if self
            .avatar
            .as_ref()
            .is_some_and(|avatar| !is_valid_address(avatar.address()))
        {
            errors.add(
                Field::Avatar,
                "must be empty, a path of this service or an https address",
            );
        }
        errors
    }
}

/// Returns whether the text is a valid address of a picture: nothing that a browser would run, or
/// take for a picture of another host.
fn is_valid_address(text: &str) -> bool {
    text.chars().nth(MAX_AVATAR_CHARS).is_none() && is_picture_address(text)
}

/// A member's place in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub role: MemberRole,
    /// The member has muted this conversation; only they can change it.
    pub muted: bool,
    /// The group's managers let the member read, not write.
    pub silenced: bool,
    pub joined_at: Timestamp,
    /// The newest `seq` when the member joined.
    pub joined_seq: u64,
    /// Messages up to this `seq` were sent before the member joined and are not shown to them.
    /// Never above `joined_seq`.
    pub hidden_seq: u64,
    /// The read position: everything up to this `seq` is read. It only grows.
    pub read_seq: u64,
    pub read_at: Option<Timestamp>,
    /// The ranges of messages that reached one of the member's devices.
    pub delivered: SeqRanges,
    /// Messages of others above `read_seq` that are not deleted.
    pub unread: u64,
    /// The member's own messages above `joined_seq` that are not deleted.
    pub sent: u64,
}

impl Member {
    /// Returns the membership of a user who joins when the newest message is `seq`.
    #[must_use]
    pub fn joining(at: Timestamp, seq: u64) -> Self {
        Self {
            role: MemberRole::Member,
            muted: false,
            silenced: false,
            joined_at: at,
            joined_seq: seq,
            hidden_seq: seq,
            read_seq: seq,
            read_at: None,
            delivered: SeqRanges::default(),
            unread: 0,
            sent: 0,
        }
    }
}

/// How many subjects of a system message a list of conversations names.
pub const MAX_LISTED_SUBJECTS: usize = 20;

/// The newest message as a list of conversations shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastMessage {
    pub id: MessageId,
    pub seq: u64,
    pub sender: UserId,
    pub kind: MessageType,
    pub preview: String,
    pub is_deleted: bool,
    /// Whether it is a merged forward of several messages.
    pub is_merged: bool,
    /// Set for a system message; holds at most its first [`MAX_LISTED_SUBJECTS`] subjects.
    pub system_notice: Option<SystemNotice>,
}

impl From<&Message> for LastMessage {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id,
            seq: message.seq,
            sender: message.sender,
            kind: message.kind,
            preview: message.preview(),
            is_deleted: message.is_deleted,
            is_merged: !message.merged.is_empty(),
            system_notice: message
                .system_notice
                .as_ref()
                .map(|system_notice| SystemNotice {
                    kind: system_notice.kind,
                    subjects: system_notice
                        .subjects
                        .iter()
                        .take(MAX_LISTED_SUBJECTS)
                        .copied()
                        .collect(),
                }),
        }
    }
}

/// A conversation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    pub id: ConversationId,
    /// Counts the conversations of the service from 1; unique. It stays the conversation's for ever
    /// and is shown to clients only as a part of the numbers of its events.
    pub number: u64,
    pub kind: ConversationKind,
    /// Empty for private conversations.
    pub profile: GroupProfile,
    pub members: BTreeMap<UserId, Member>,
    /// The newest message's `seq`; 0 before the first.
    pub seq: u64,
    /// The number of the newest stored event (see [`super::change_log`]). Never below `seq`.
    pub event_seq: u64,
    /// Grows by one with every change to an existing message or to the conversation.
    pub rev: u64,
    /// Grows with every commit that changes the conversation. The writer checks its cached state
    /// against it.
    pub version: u64,
    /// Messages that are not deleted.
    pub message_count: u64,
    pub last_message: Option<LastMessage>,
    /// When the last message was sent, or the conversation was created.
    pub last_message_time: Timestamp,
    /// The creator of a group. `None` for a private conversation, and for a group from before this
    /// was stored.
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Conversation {
    /// Returns a new private conversation of two users.
    #[must_use]
    pub fn private(number: u64, first: UserId, second: UserId, now: Timestamp) -> Self {
        let members = [first, second]
            .into_iter()
            .map(|user| (user, Member::joining(now, 0)));
        Self::empty(
            number,
            ConversationKind::Private,
            GroupProfile::default(),
            members.collect(),
            now,
        )
    }

    /// Returns a new group with its first owner.
    #[must_use]
    pub fn group(
        number: u64,
        owner: UserId,
        others: impl IntoIterator<Item = UserId>,
        profile: GroupProfile,
        now: Timestamp,
    ) -> Self {
        let mut members: BTreeMap<UserId, Member> = others
            .into_iter()
            .map(|user| (user, Member::joining(now, 0)))
            .collect();
        members.insert(
            owner,
            Member {
                role: MemberRole::Owner,
                ..Member::joining(now, 0)
            },
        );
        let group = Self::empty(number, ConversationKind::Group, profile, members, now);
        Self {
            created_by: Some(owner),
            ..group
        }
    }

    fn empty(
        number: u64,
        kind: ConversationKind,
        profile: GroupProfile,
        members: BTreeMap<UserId, Member>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: ConversationId::generate(),
            number,
            kind,
            profile,
            members,
            seq: 0,
            event_seq: 0,
            rev: 0,
            version: 0,
            message_count: 0,
            last_message: None,
            last_message_time: now,
            created_by: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the conversation as `reader` sees it in another user's list. A reader who is not a
    /// member sees neither the newest message nor the topic.
    #[must_use]
    pub fn visible_to(mut self, reader: UserId) -> Self {
        if !self.members.contains_key(&reader) {
            self.profile.topic.clear();
            if let Some(last) = &mut self.last_message {
                last.preview.clear();
                last.system_notice = None;
            }
        }
        self
    }

    /// Returns the members' ids, ascending.
    pub fn participants(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.keys().copied()
    }

    /// Returns all members except `user`.
    #[must_use]
    pub fn others(&self, user: UserId) -> Vec<UserId> {
        self.participants()
            .filter(|participant| *participant != user)
            .collect()
    }

    /// Returns the members who may see the message at `seq`.
    #[must_use]
    pub fn audience(&self, seq: u64) -> Vec<UserId> {
        self.members
            .iter()
            .filter(|(_, member)| member.hidden_seq < seq)
            .map(|(user, _)| *user)
            .collect()
    }

    /// Returns the number of owners.
    #[must_use]
    pub fn owner_count(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.role == MemberRole::Owner)
            .count()
    }

    /// Returns the other member of a private conversation.
    #[must_use]
    pub fn counterpart(&self, user: UserId) -> Option<UserId> {
        match self.kind {
            ConversationKind::Private => {
                self.participants().find(|participant| *participant != user)
            }
            ConversationKind::Group => None,
        }
    }
}

/// Returns the key of two users' private conversation. It does not depend on the order of the two
/// users.
#[must_use]
pub fn pair_key(first: UserId, second: UserId) -> String {
    let (low, high) = if first <= second {
        (first, second)
    } else {
        (second, first)
    };
    format!("{low}:{high}")
}
