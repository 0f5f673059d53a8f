//! Sessions: who talks with whom, how far each member has come, and the session's own counters.

use std::collections::BTreeMap;

use super::{
    MessageId, SessionId, Timestamp, UserId,
    error::FieldErrors,
    message::{Message, MessageType},
    parts::Note,
    receipts::Runs,
    text::{is_picture_address, is_visible, visible_text},
};

/// Two people, or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    Private,
    Group,
}

impl SessionKind {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SessionKind::Private => "private",
            SessionKind::Group => "group",
        }
    }
}

/// The most people of a group.
pub const MAX_MEMBERS: usize = 500;
/// The most characters of a group's name.
pub const MAX_NAME: usize = 100;
/// The most characters of a group's topic.
pub const MAX_TOPIC: usize = 500;
/// The most characters of the address of a group's picture.
pub const MAX_AVATAR: usize = 512;

/// What a member may do in a group; everybody in a private session is a plain member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum MemberRole {
    #[default]
    Member,
    /// Changes the group and its members, but not its owners.
    Admin,
    /// Everything; a group has at least one.
    Owner,
}

impl MemberRole {
    /// All roles, for schemas and checks.
    pub const ALL: [MemberRole; 3] = [MemberRole::Member, MemberRole::Admin, MemberRole::Owner];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            MemberRole::Member => "member",
            MemberRole::Admin => "admin",
            MemberRole::Owner => "owner",
        }
    }

    /// Whether it changes the group and its members.
    #[must_use]
    pub fn manages(self) -> bool {
        self >= MemberRole::Admin
    }
}

/// The text names no role in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be owner, admin or member")]
pub struct UnknownMemberRole;

impl std::str::FromStr for MemberRole {
    type Err = UnknownMemberRole;
    fn from_str(text: &str) -> Result<Self, UnknownMemberRole> {
        MemberRole::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownMemberRole)
    }
}

/// How a group shows itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    pub name: String,
    pub avatar: String,
    pub topic: String,
    /// Whether those who come later see what was said before.
    pub history_visible: bool,
}

/// What is to be different about a group; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub avatar: Option<String>,
    pub topic: Option<String>,
    pub history_visible: Option<bool>,
}

impl ProfileChange {
    /// The change with texts as they are stored: what can be seen of them.
    #[must_use]
    pub fn seen(self) -> Self {
        let seen = |text: String| visible_text(&text).unwrap_or_default();
        Self { name: self.name.map(seen), topic: self.topic.map(seen), ..self }
    }

    /// Every bad field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        let long = |text: &String, max: usize| text.chars().nth(max).is_some();
        let unprintable = |text: &String| text.chars().any(char::is_control);
        if self.name.as_ref().is_some_and(|n| !is_visible(n) || long(n, MAX_NAME) || unprintable(n)) {
            errors.add("sessionName", "must have 1 to 100 printable characters");
        }
        if self.topic.as_ref().is_some_and(|topic| long(topic, MAX_TOPIC)) {
            errors.add("topic", "must have at most 500 characters");
        }
        if self.avatar.as_ref().is_some_and(|avatar| !is_avatar(avatar)) {
            errors.add("avatar", "must be empty, a path of this service or an https address");
        }
        errors
    }
}

/// A picture's address: nothing a browser would run, or take for another's.
fn is_avatar(text: &str) -> bool {
    text.chars().nth(MAX_AVATAR).is_none() && is_picture_address(text)
}

/// One participant's place in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub role: MemberRole,
    /// They want no bell for this session: their own choice.
    pub muted: bool,
    pub joined_at: Timestamp,
    /// The newest `seq` when they came.
    pub joined_seq: u64,
    /// Messages up to this `seq` were written before they came and are not shown to them; never above
    /// `joined_seq`.
    pub hidden_seq: u64,
    /// Everything up to this `seq` is read; it only grows.
    pub read_seq: u64,
    pub read_at: Option<Timestamp>,
    /// What reached one of their devices.
    pub delivered: Runs,
    /// Messages of others above `read_seq` that are not deleted.
    pub unread: u64,
    /// Their own messages above `joined_seq` that are not deleted.
    pub sent: u64,
}

impl Member {
    /// Somebody who comes when the newest message is `seq`.
    #[must_use]
    pub fn joining(at: Timestamp, seq: u64) -> Self {
        Self {
            role: MemberRole::Member,
            muted: false,
            joined_at: at,
            joined_seq: seq,
            hidden_seq: seq,
            read_seq: seq,
            read_at: None,
            delivered: Runs::default(),
            unread: 0,
            sent: 0,
        }
    }
}

/// How many subjects of a system message a list of sessions names.
pub const MAX_SUBJECTS: usize = 20;

/// The newest message as a list of sessions shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastMessage {
    pub id: MessageId,
    pub seq: u64,
    pub sender: UserId,
    pub kind: MessageType,
    pub preview: String,
    pub is_deleted: bool,
    /// It carries several messages.
    pub is_merged: bool,
    /// Set for what a group wrote about itself; of its subjects the first [`MAX_SUBJECTS`].
    pub note: Option<Note>,
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
            note: message.note.as_ref().map(|note| Note {
                kind: note.kind,
                subjects: note.subjects.iter().take(MAX_SUBJECTS).copied().collect(),
            }),
        }
    }
}

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub kind: SessionKind,
    /// Empty for private sessions.
    pub profile: Profile,
    pub members: BTreeMap<UserId, Member>,
    /// The newest message's `seq`; 0 before the first.
    pub seq: u64,
    /// Grows by one with every change to an existing message or to the session.
    pub rev: u64,
    /// Grows with every commit that touches the session: what a writer's belief is checked against.
    pub version: u64,
    /// Messages that are not deleted.
    pub message_count: u64,
    pub last_message: Option<LastMessage>,
    /// When the last message was written, or the session was made.
    pub last_message_time: Timestamp,
    /// Who made a group; none of a private session, and of a group of before it was written down.
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Session {
    /// A new private session of two people.
    #[must_use]
    pub fn private(first: UserId, second: UserId, now: Timestamp) -> Self {
        let members = [first, second].into_iter().map(|user| (user, Member::joining(now, 0)));
        Self::empty(SessionKind::Private, Profile::default(), members.collect(), now)
    }

    /// A new group with its first owner.
    #[must_use]
    pub fn group(
        owner: UserId,
        others: impl IntoIterator<Item = UserId>,
        profile: Profile,
        now: Timestamp,
    ) -> Self {
        let mut members: BTreeMap<UserId, Member> =
            others.into_iter().map(|user| (user, Member::joining(now, 0))).collect();
        members.insert(owner, Member { role: MemberRole::Owner, ..Member::joining(now, 0) });
        let group = Self::empty(SessionKind::Group, profile, members, now);
        Self { created_by: Some(owner), ..group }
    }

    fn empty(kind: SessionKind, profile: Profile, members: BTreeMap<UserId, Member>, now: Timestamp) -> Self {
        Self {
            id: SessionId::generate(),
            kind,
            profile,
            members,
            seq: 0,
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

    /// The session as `reader` sees it in somebody's list: without a seat of their own nothing of what is said in
    /// it, neither the newest message nor the topic.
    #[must_use]
    pub fn seen_by(mut self, reader: UserId) -> Self {
        if !self.members.contains_key(&reader) {
            self.profile.topic.clear();
            if let Some(last) = &mut self.last_message {
                last.preview.clear();
                last.note = None;
            }
        }
        self
    }

    /// The participants' ids, ascending.
    pub fn participants(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.keys().copied()
    }

    /// Everybody but `user`.
    #[must_use]
    pub fn others(&self, user: UserId) -> Vec<UserId> {
        self.participants().filter(|participant| *participant != user).collect()
    }

    /// Those who may see the message at `seq`.
    #[must_use]
    pub fn audience(&self, seq: u64) -> Vec<UserId> {
        self.members.iter().filter(|(_, member)| member.hidden_seq < seq).map(|(user, _)| *user).collect()
    }

    /// How many owners there are.
    #[must_use]
    pub fn owners(&self) -> usize {
        self.members.values().filter(|member| member.role == MemberRole::Owner).count()
    }

    /// The other one of a private session.
    #[must_use]
    pub fn counterpart(&self, user: UserId) -> Option<UserId> {
        match self.kind {
            SessionKind::Private => self.participants().find(|participant| *participant != user),
            SessionKind::Group => None,
        }
    }
}

/// The key that two people's private session has, whoever asks first.
#[must_use]
pub fn pair_key(first: UserId, second: UserId) -> String {
    let (low, high) = if first <= second { (first, second) } else { (second, first) };
    format!("{low}:{high}")
}
