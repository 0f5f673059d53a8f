//! The audit log: who did what to whom, when and from where. It holds what is needed to answer for an act, and
//! never what was said or a password.

use std::net::IpAddr;

use bson::oid::ObjectId;

use super::{ConversationId, Timestamp, UserId};

/// Where an act came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request: Option<String>,
    /// `chat`, `command` for the command line, `service` for what the service does by itself.
    pub gateway: &'static str,
}

impl Origin {
    /// What the service does by itself.
    pub const SERVICE: Self = Self { address: None, request: None, gateway: "service" };
    /// What the operator does on the command line.
    pub const COMMAND_LINE: Self = Self { address: None, request: None, gateway: "command" };
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditOutcome {
    #[default]
    Done,
    /// It was tried and is not right: a sign-in.
    Failed,
    /// It was not allowed.
    Refused,
}

impl AuditOutcome {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AuditOutcome::Done => "done",
            AuditOutcome::Failed => "failed",
            AuditOutcome::Refused => "refused",
        }
    }
}

/// One thing that became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: String,
    /// Absent where the value is nobody's to see.
    pub from: Option<String>,
    pub to: Option<String>,
}

impl FieldChange {
    /// A change whose values may be seen.
    #[must_use]
    pub fn of(field: &str, from: &(impl ToString + ?Sized), to: &(impl ToString + ?Sized)) -> Self {
        Self { field: field.to_owned(), from: Some(from.to_string()), to: Some(to.to_string()) }
    }

    /// A change whose values are nobody's to see.
    #[must_use]
    pub fn hidden(field: &str) -> Self {
        Self { field: field.to_owned(), from: None, to: None }
    }
}

/// One row of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: ObjectId,
    pub at: Timestamp,
    /// Nobody on the command line, and before somebody has signed in.
    pub actor: Option<UserId>,
    pub action: String,
    /// Whom it concerns.
    pub subject: Option<UserId>,
    /// What it concerns besides: a message, a file, a call, a name's hash.
    pub object: Option<String>,
    pub session: Option<ConversationId>,
    pub changes: Vec<FieldChange>,
    pub address: Option<String>,
    pub request: Option<String>,
    pub token: Option<String>,
    pub gateway: String,
    pub verdict: String,
    /// How many acts of the same kind it stands for.
    pub count: u64,
}

/// Which rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    pub actor: Option<UserId>,
    pub subject: Option<UserId>,
    pub action: Option<String>,
    pub session: Option<ConversationId>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}
