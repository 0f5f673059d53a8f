//! The requests of clients: the bodies, queries and payloads of this gateway, read field by field.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::pagination::{page, page_or_cursor};
use crate::{
    domain::{
        ConversationId, FileId, MessageId, UserId,
        cursors::{NameCursor, PageRequest},
        error::Code,
        message::{Draft, FileRef, MessageType},
        message_parts::{MAX_MENTIONS, Mentions},
        paging::Window,
        user::{AccountKind, Role},
    },
    gateway::{
        accounts::requests::{Register, avatar},
        chat::file_address,
        http::fields::{Fields, FromFields},
    },
    service::{NewAccount, SyncFrom, UserChange, UserFilter},
};

/// The most sessions a client may name in `chat:sync`.
const MAX_REQUESTED_CONVERSATIONS: usize = 10_000;

/// `POST /api/chat/users`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `NewUser` reads, for the document only"
)]
pub struct CreateUserRequest {
    username: String,
    password: String,
    /// The username when absent.
    real_name: Option<String>,
    /// `admin`, `doctor`, `nurse` or `user`.
    role: String,
    /// `staff` (the default) or `customer`.
    kind: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    avatar: Option<String>,
    department: Option<String>,
    title: Option<String>,
}

/// An account that an admin creates.
pub struct CreateUser(pub NewAccount);

impl FromFields for CreateUser {
    fn read(fields: &mut Fields) -> Option<Self> {
        let role = fields.required("role");
        let account = match fields.text("kind").as_deref() {
            None | Some("staff") => AccountKind::STAFF,
            Some("customer") => AccountKind::Customer,
            Some(_) => {
                fields.problem("kind", "must be staff or customer");
                AccountKind::STAFF
            }
        };
        let [department, title] = ["department", "title"].map(|name| fields.text_or_empty(name));
        let Register(registered) = Register::read(fields)?;
        let role = role.unwrap_or(Role::User);
        if account == AccountKind::Customer && role != Role::User {
            fields.problem("role", "must be user for a customer");
        }
        let account = NewAccount {
            role,
            account,
            department,
            title,
            ..registered
        };
        fields.problems(&account.problems());
        Some(Self(account))
    }
}

/// `PATCH /api/chat/users/:id`; what is absent stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `ChangedUser` reads, for the document only"
)]
pub struct UpdateUserRequest {
    role: Option<String>,
    /// Whether they answer at the service desk; staff only.
    is_agent: Option<bool>,
    is_active: Option<bool>,
    /// A new password ends the person's tokens.
    password: Option<String>,
    real_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    avatar: Option<String>,
    department: Option<String>,
    title: Option<String>,
    /// Only of oneself: show telephone number and e-mail address to everybody.
    contacts_shared: Option<bool>,
}

/// The changes of an account.
pub struct UpdateUser {
    pub change: UserChange,
    pub password: Option<String>,
}

impl FromFields for UpdateUser {
    fn read(fields: &mut Fields) -> Option<Self> {
        let change = UserChange {
            role: fields.parsed("role"),
            is_agent: fields.boolean("isAgent"),
            is_active: fields.boolean("isActive"),
            contacts_shared: fields.boolean("contactsShared"),
            self_registered: None,
            real_name: fields.text("realName"),
            email: fields.text("email"),
            phone: fields.text("phone"),
            avatar: avatar(fields),
            department: fields.text("department"),
            title: fields.text("title"),
            password_hash: None,
            must_change_password: None,
            end_tokens: false,
            expected_version: None,
        };
        Some(Self {
            change,
            password: fields.text("password"),
        })
    }
}

/// `POST /api/chat/sessions/private`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CreatePrivateRequest {
    #[schema(value_type = String)]
    pub user_id1: UserId,
    #[schema(value_type = String)]
    pub user_id2: UserId,
}

impl FromFields for CreatePrivateRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (first, second) = (fields.required("userId1"), fields.required("userId2"));
        Some(Self {
            user_id1: first?,
            user_id2: second?,
        })
    }
}

/// A body that names its author: `{userId}`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SenderRequest {
    #[schema(value_type = String)]
    pub user_id: UserId,
}

impl FromFields for SenderRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("userId").map(|user_id| Self { user_id })
    }
}

/// `POST /api/chat/messages` and `message:send`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape that `Send` reads, for the document only"
)]
pub struct SendMessageRequest {
    session_id: String,
    sender_id: String,
    /// Must be the other participant of a private session.
    receiver_id: Option<String>,
    /// 1 to 8,000 characters for text.
    content: Option<String>,
    /// `text` (the default), `image`, `file` or `voice`.
    message_type: Option<String>,
    /// The address of an uploaded file that the sender may fetch; for image, file and voice.
    file_url: Option<String>,
    file_name: Option<String>,
    /// Bytes; the message carries the file's true size.
    file_size: Option<u64>,
    /// Chosen by the sender, at most 64 characters: the same one again is the same message.
    client_msg_id: Option<String>,
    /// The message of the same session that this one answers.
    reply_to: Option<String>,
    /// Since when that message says what the sender sees: its `editedAt`, or its `createdAt`. Readers are then told when it
    /// was edited before the answer arrived.
    #[schema(format = DateTime)]
    reply_to_as_of: Option<String>,
    /// Ids of members, or `all`.
    #[schema(value_type = Option<Vec<String>>)]
    mentions: Option<Vec<String>>,
}

/// A message to send.
pub struct SendMessage(pub Draft);

impl FromFields for SendMessage {
    const CODE: Code = Code::InvalidMessage;

    fn read(fields: &mut Fields) -> Option<Self> {
        let (session, sender) = (fields.required("sessionId"), fields.required("senderId"));
        let receiver = fields.parsed("receiverId");
        let content = fields.text_or_empty("content");
        let kind = fields.parsed("messageType");
        let (url, name) = (
            fields.text_or_empty("fileUrl"),
            fields.text_or_empty("fileName"),
        );
        let size = fields.natural("fileSize").unwrap_or(0);
        let client_msg_id = fields.text("clientMsgId");
        let (reply_to, reply_to_as_of) = (fields.parsed("replyTo"), fields.parsed("replyToAsOf"));
        let mentions = mentions(fields);
        // The source's example sends empty file fields with a text.
        let is_file_named = !url.is_empty() || !name.is_empty();
        let file_id = file_address::file_at(&url);
        let file =
            is_file_named.then(|| FileRef::named(file_id.unwrap_or(FileId::NIL), name, size));
        // An unknown type is one bad field; the file fields are not reported for it.
        let assumed = if file.is_some() && fields.is_bad("messageType") {
            MessageType::File
        } else {
            MessageType::Text
        };
        let kind = kind.unwrap_or(assumed);
        let (session, sender) = (
            session.unwrap_or(ConversationId::NIL),
            sender.unwrap_or(UserId::NIL),
        );
        let draft = Draft {
            receiver,
            content,
            kind,
            file,
            client_msg_id,
            reply_to,
            reply_to_as_of,
            mentions: mentions.unwrap_or_default(),
            ..Draft::blank(session, sender)
        };
        // A missing field does not hide the bad ones; a text that is too long has its own code.
        fields.problems(&draft.problems());
        if is_file_named && file_id.is_none() && !fields.is_bad("fileUrl") {
            fields.problem("fileUrl", "must be the path of a file of this service");
        }
        Some(Self(draft))
    }
}

/// Reads `"all"`, or a list of users.
pub(super) fn mentions(fields: &mut Fields) -> Option<Mentions> {
    if fields.take_exact("mentions", "all") {
        return Some(Mentions::All);
    }
    fields.list("mentions", MAX_MENTIONS).map(Mentions::People)
}

/// The query of the directory.
pub struct DirectoryQuery {
    pub filter: UserFilter,
    pub session: Option<ConversationId>,
    pub page: PageRequest<NameCursor>,
}

impl FromFields for DirectoryQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let role = fields.parsed("role");
        let search = fields.text("search");
        if search
            .as_ref()
            .is_some_and(|text| text.chars().count() > 64 || text.chars().any(char::is_control))
        {
            fields.problem("search", "must have at most 64 printable characters");
        }
        let account_status = fields.parsed("active").unwrap_or_default();
        let session = fields.parsed("sessionId");
        let filter = UserFilter {
            role,
            search,
            account_status,
            only_users: None,
        };
        Some(Self {
            filter,
            session,
            page: page_or_cursor(fields, 1_000, 1_000)?,
        })
    }
}

/// The requested messages of a session: a page, or those before or after a `seq`.
pub struct HistoryWindow(pub Window);

impl FromFields for HistoryWindow {
    fn read(fields: &mut Fields) -> Option<Self> {
        let given: Vec<_> = ["page", "beforeSeq", "afterSeq"]
            .into_iter()
            .filter(|name| fields.has(name))
            .collect();
        let (before, after) = (fields.natural("beforeSeq"), fields.natural("afterSeq"));
        let page = page(fields, 50, 100)?;
        let limit = page.limit;
        if given.len() > 1 {
            for name in &given {
                let others: Vec<_> = given
                    .iter()
                    .copied()
                    .filter(|other| other != name)
                    .collect();
                fields.problem(
                    name,
                    format!("cannot be given together with {}", others.join(" and ")),
                );
            }
        }
        Some(Self(match (before, after) {
            (Some(seq), _) => Window::Before { seq, limit },
            (None, Some(seq)) => Window::After { seq, limit },
            (None, None) => Window::Page(page),
        }))
    }
}

/// `chat:history`
pub struct HistoryRequest {
    pub session: ConversationId,
    pub window: Window,
}

impl FromFields for HistoryRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (session, window) = (fields.required("sessionId"), HistoryWindow::read(fields));
        Some(Self {
            session: session?,
            window: window?.0,
        })
    }
}

/// `message:read`
pub struct ReadUpTo {
    pub message: MessageId,
    pub user: UserId,
}

impl FromFields for ReadUpTo {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (message, user) = (fields.required("messageId"), fields.required("userId"));
        Some(Self {
            message: message?,
            user: user?,
        })
    }
}

/// `user:join`; any other field of it is ignored.
pub struct JoinRequest(pub UserId);

impl FromFields for JoinRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("id").map(Self)
    }
}

/// `typing:start`, `typing:stop`
pub struct TypingRequest {
    pub session: ConversationId,
    pub user: UserId,
}

impl FromFields for TypingRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (session, user) = (fields.required("sessionId"), fields.required("userId"));
        Some(Self {
            session: session?,
            user: user?,
        })
    }
}

/// `chat:sync`
pub struct SyncRequest(pub BTreeMap<ConversationId, SyncFrom>);

impl FromFields for SyncRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let sessions = fields.object("sessions").unwrap_or_default();
        if sessions.len() > MAX_REQUESTED_CONVERSATIONS {
            fields.problem(
                "sessions",
                format!("must name at most {MAX_REQUESTED_CONVERSATIONS}"),
            );
            return None;
        }
        let mut known = BTreeMap::new();
        for (key, value) in sessions {
            let from = match &value {
                Value::Number(seq) => seq.as_u64().map(|seq| SyncFrom { seq, rev: 0 }),
                Value::Object(map) => position(map.get("seq"))
                    .zip(position(map.get("rev")))
                    .map(|(seq, rev)| SyncFrom { seq, rev }),
                _ => None,
            };
            match (key.parse::<ConversationId>(), from) {
                (Ok(session), Some(from)) => drop(known.insert(session, from)),
                (Err(problem), _) => fields.problem("sessions", problem.to_string()),
                (Ok(_), None) => fields.problem("sessions", "each must be a number or {seq, rev}"),
            }
        }
        Some(Self(known))
    }
}

/// Reads a position; an absent one is 0.
fn position(value: Option<&Value>) -> Option<u64> {
    value.map_or(Some(0), Value::as_u64)
}
