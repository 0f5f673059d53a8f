//! The requests of clients that change messages and groups: bodies and payloads, read field by
//! field.

use utoipa::ToSchema;

use super::requests::mentions;
use crate::{
    domain::{
        ConversationId, MessageId, UserId,
        conversation::{GroupProfile, GroupProfileChange, MAX_MEMBERS, MemberRole},
        conversation_state::GroupChange,
        error::Code,
        message_parts::{Mentions, is_valid_emoji},
    },
    gateway::{
        accounts::requests::avatar,
        http::fields::{Fields, FromFields},
    },
    service::{Forwarding, Mode, NewGroup},
};

/// The most ids a list may name here.
const MAX_LISTED_IDS: usize = 1_000;

/// `POST /api/chat/sessions/group`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `Group` reads, for the document only"
)]
pub struct CreateGroupRequest {
    /// 1 to 100 characters.
    session_name: String,
    /// With the caller 2 to 500 people.
    participants: Vec<String>,
    avatar: Option<String>,
    /// At most 500 characters.
    topic: Option<String>,
    history_visible: Option<bool>,
}

/// A group to create.
pub struct CreateGroup(pub NewGroup);

impl FromFields for CreateGroup {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required_text("sessionName").unwrap_or_default();
        let participants = fields
            .required_list("participants", MAX_LISTED_IDS)
            .unwrap_or_default();
        let avatar = avatar(fields).unwrap_or_default();
        let topic = fields.text_or_empty("topic");
        let history_visible = fields.boolean("historyVisible").unwrap_or(false);
        let group = NewGroup {
            profile: GroupProfile {
                name,
                avatar,
                topic,
                history_visible,
            },
            participants,
        };
        fields.problems(&group.problems());
        Some(Self(group))
    }
}

/// `PATCH /api/chat/sessions/:id`; what is absent stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `ChangedGroup` reads, for the document only"
)]
pub struct UpdateGroupRequest {
    session_name: Option<String>,
    avatar: Option<String>,
    topic: Option<String>,
    /// `true` opens the past to everybody, also to those who came later.
    history_visible: Option<bool>,
}

/// The changes of a group.
pub struct UpdateGroup(pub GroupChange);

impl FromFields for UpdateGroup {
    fn read(fields: &mut Fields) -> Option<Self> {
        let change = GroupProfileChange {
            name: fields.text("sessionName"),
            avatar: avatar(fields),
            topic: fields.text("topic"),
            history_visible: fields.boolean("historyVisible"),
        };
        fields.problems(&change.problems());
        Some(Self(GroupChange::GroupProfile(change)))
    }
}

/// `POST /api/chat/sessions/:id/participants`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AddMembersRequest {
    #[schema(value_type = Vec<String>)]
    pub user_ids: Vec<UserId>,
}

impl FromFields for AddMembersRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields
            .required_list("userIds", MAX_MEMBERS)
            .map(|user_ids| Self { user_ids })
    }
}

/// `PATCH /api/chat/sessions/:id/participants/:userId`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct UpdateMemberRequest {
    /// `owner`, `admin` or `member`: owners give roles.
    #[schema(value_type = Option<String>)]
    pub role: Option<MemberRole>,
    /// Everybody mutes for themselves.
    pub muted: Option<bool>,
    /// Set by owners and admins: the member reads and does not write.
    pub silenced: Option<bool>,
}

impl FromFields for UpdateMemberRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let changed = Self {
            role: fields.parsed("role"),
            muted: fields.boolean("muted"),
            silenced: fields.boolean("silenced"),
        };
        if changed.role.is_none() && changed.muted.is_none() && changed.silenced.is_none() {
            fields.problem("role", "or muted or silenced must be given");
        }
        Some(changed)
    }
}

/// `POST /api/chat/sessions/:id/read`
#[derive(ToSchema, Default)]
pub struct MarkReadRequest {
    /// Everything when absent.
    pub seq: Option<u64>,
}

impl FromFields for MarkReadRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            seq: fields.natural("seq"),
        })
    }
}

fn required_seq(fields: &mut Fields) -> Option<u64> {
    let seq = fields.natural("seq");
    if seq.is_none() {
        fields.problem("seq", "is required");
    }
    seq
}

/// `session:read`
pub struct ReadConversationTo {
    pub session: ConversationId,
    pub seq: u64,
}

impl FromFields for ReadConversationTo {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (session, seq) = (fields.required("sessionId"), required_seq(fields));
        Some(Self {
            session: session?,
            seq: seq?,
        })
    }
}

/// `PUT /api/chat/messages/:id`
#[derive(ToSchema)]
pub struct EditMessageRequest {
    /// 1 to 8,000 characters.
    pub content: String,
    /// Ids of members, or `all`; absent, they stay.
    #[schema(value_type = Option<Vec<String>>)]
    pub mentions: Option<Mentions>,
}

impl FromFields for EditMessageRequest {
    const CODE: Code = Code::InvalidMessage;

    fn read(fields: &mut Fields) -> Option<Self> {
        let (content, mentions) = (fields.required_text("content"), mentions(fields));
        Some(Self {
            content: content?,
            mentions,
        })
    }
}

/// `message:edit`
pub struct EditMessage {
    pub message: MessageId,
    pub edited: EditMessageRequest,
}

impl FromFields for EditMessage {
    const CODE: Code = Code::InvalidMessage;

    fn read(fields: &mut Fields) -> Option<Self> {
        let (message, edited) = (
            fields.required("messageId"),
            EditMessageRequest::read(fields),
        );
        Some(Self {
            message: message?,
            edited: edited?,
        })
    }
}

/// `message:recall`, and `message:delete`, whose author may be named
pub struct MessageReference {
    pub message: MessageId,
    pub user: Option<UserId>,
}

impl FromFields for MessageReference {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (message, user) = (fields.required("messageId"), fields.parsed("userId"));
        Some(Self {
            message: message?,
            user,
        })
    }
}

/// `POST /api/chat/messages/:id/reactions`
#[derive(ToSchema)]
pub struct ReactionRequest {
    /// Exactly one emoji.
    pub emoji: String,
}

impl FromFields for ReactionRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let emoji = fields.required_text("emoji")?;
        if !is_valid_emoji(&emoji) {
            fields.problem("emoji", "must be exactly one emoji");
        }
        Some(Self { emoji })
    }
}

/// `message:react`; with `remove: true` the emoji is removed.
pub struct ReactToMessage {
    pub message: MessageId,
    pub emoji: String,
    pub on: bool,
}

impl FromFields for ReactToMessage {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (message, remove) = (
            fields.required("messageId"),
            fields.boolean("remove").unwrap_or(false),
        );
        // An emoji that was valid earlier can still be removed; the service checks it.
        let emoji = if remove {
            fields.required_text("emoji")
        } else {
            ReactionRequest::read(fields).map(|read| read.emoji)
        };
        Some(Self {
            message: message?,
            emoji: emoji?,
            on: !remove,
        })
    }
}

/// `POST /api/chat/messages/forward`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `Forward` reads, for the document only"
)]
pub struct ForwardRequest {
    /// 1 to 100.
    message_ids: Vec<String>,
    /// 1 to 20.
    to_session_ids: Vec<String>,
    /// `each` (the default): as many messages; `merged`: one that carries all.
    mode: Option<String>,
    /// The same one again is the same request.
    client_msg_id: Option<String>,
}

/// Messages to be forwarded, and `message:forward`
pub struct Forward(pub Forwarding);

impl FromFields for Forward {
    fn read(fields: &mut Fields) -> Option<Self> {
        let messages = fields
            .required_list("messageIds", MAX_LISTED_IDS)
            .unwrap_or_default();
        let targets = fields
            .required_list("toSessionIds", MAX_LISTED_IDS)
            .unwrap_or_default();
        let mode = match fields.text("mode").as_deref() {
            None | Some("each") => Mode::Each,
            Some("merged") => Mode::Merged,
            Some(_) => {
                fields.problem("mode", "must be each or merged");
                Mode::Each
            }
        };
        let forwarding = Forwarding {
            messages,
            targets,
            mode,
            client_msg_id: fields.text("clientMsgId"),
        };
        fields.problems(&forwarding.problems());
        Some(Self(forwarding))
    }
}
