//! The audit log: who did what to whom, when and from where. It holds the data
//! that account for an action, and never message text or a password.

use std::net::IpAddr;

use super::{AuditEntryId, ConversationId, Timestamp, UserId};

/// The origin of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request: Option<String>,
    /// `chat`, `command` for the command line, `service` for the service's own actions.
    pub gateway: &'static str,
}

impl Origin {
    /// The origin of the service's own actions.
    pub const SERVICE: Self = Self {
        address: None,
        request: None,
        gateway: "service",
    };
    /// The origin of the operator's actions on the command line.
    pub const COMMAND_LINE: Self = Self {
        address: None,
        request: None,
        gateway: "command",
    };
}

/// The outcome of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditOutcome {
    #[default]
    Done,
    /// It was tried and failed: a sign-in.
    Failed,
    /// It was not allowed.
    Refused,
}

impl AuditOutcome {
    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AuditOutcome::Done => "done",
            AuditOutcome::Failed => "failed",
            AuditOutcome::Refused => "refused",
        }
    }
}

/// A changed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: String,
    /// Absent where the value is secret.
    pub from: Option<String>,
    pub to: Option<String>,
}

impl FieldChange {
    /// Returns a change whose values may be shown.
    #[must_use]
    pub fn of(field: &str, from: &(impl ToString + ?Sized), to: &(impl ToString + ?Sized)) -> Self {
        Self {
            field: field.to_owned(),
            from: Some(from.to_string()),
            to: Some(to.to_string()),
        }
    }

    /// Returns a change whose values are secret.
    #[must_use]
    pub fn hidden(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            from: None,
            to: None,
        }
    }
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    pub at: Timestamp,
    /// `None` on the command line, and before a sign-in.
    pub actor: Option<UserId>,
    /// In which capacity they acted: `user`, `agent`, `guest` …; empty where it is not known.
    pub principal: String,
    pub action: String,
    /// The user concerned.
    pub subject: Option<UserId>,
    /// The other object concerned: a message, a file, a call, a name's hash.
    pub object: Option<String>,
    pub session: Option<ConversationId>,
    pub changes: Vec<FieldChange>,
    pub address: Option<String>,
    pub request: Option<String>,
    pub token: Option<String>,
    pub gateway: String,
    pub verdict: String,
    /// How many actions of the same kind it stands for.
    pub count: u64,
}

/// A filter of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    pub actor: Option<UserId>,
    pub subject: Option<UserId>,
    pub action: Option<String>,
    pub session: Option<ConversationId>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}
