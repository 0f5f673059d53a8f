//! The audit log.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::statistics::Row;
use crate::{
    domain::{
        ConversationId, Timestamp, UserId,
        audit::{AuditEntry, FieldChange},
        avatar::Avatar,
        statistics::Calendar,
    },
    gateway::chat::file_address,
    service::Recorded,
};

/// A changed field; without values where nobody may see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditChange)]
pub struct AuditChangeJson {
    field: String,
    from: Option<String>,
    to: Option<String>,
}

impl From<FieldChange> for AuditChangeJson {
    fn from(change: FieldChange) -> Self {
        let is_avatar = change.field == "avatar";
        let shown = |value: Option<String>| {
            if is_avatar {
                value.map(|text| file_address::of_avatar(&Avatar::from_text(text)))
            } else {
                value
            }
        };
        Self {
            field: change.field,
            from: shown(change.from),
            to: shown(change.to),
        }
    }
}

/// One entry of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditRow)]
pub struct AuditJson {
    #[serde(rename = "_id")]
    id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// As it is read where the hospital stands.
    #[serde(skip)]
    local: String,
    /// Who acted; null on the command line and before a user has signed in.
    #[schema(value_type = Option<String>)]
    actor: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_name: Option<String>,
    /// In which capacity they acted: `user`, `agent`, `guest`, `customer`, `apiClient`, `backend` or `operator`; absent
    /// before a user has signed in, and in old entries.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(value_type = Option<String>)]
    principal: String,
    /// `auth.login`, `auth.failed`, `auth.logout`, `auth.register`, `auth.guest`, `auth.password`, `user.create`, `user.change`,
    /// `user.password`, `users.inactive`, `sessions.list`, `stats`, `stats.people`, `message.delete`,
    /// `message.recall`, `message.edits`, `group.history`, `file.fetch`, `file.thumbnail`, `access.refused`,
    /// `audit.read`, `token.issue`, `command.seed` and other commands.
    action: String,
    /// Whom it concerns.
    #[schema(value_type = Option<String>)]
    subject: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_name: Option<String>,
    /// What it concerns besides: a message, a file, a call, the hash of a name that nobody here has.
    object: Option<String>,
    #[schema(value_type = Option<String>)]
    session: Option<ConversationId>,
    changes: Vec<AuditChangeJson>,
    address: Option<String>,
    request_id: Option<String>,
    token_id: Option<String>,
    /// `chat`, `command` for the command line, `service` for what the service does by itself.
    gateway: String,
    /// `done`, `failed` or `refused`.
    outcome: String,
    /// How many acts of this kind the row stands for.
    count: u64,
}

impl AuditJson {
    /// Converts audited actions to rows, with times of the calendar.
    pub fn rows(recorded: Recorded, calendar: &Calendar) -> Vec<Self> {
        let Recorded { entries, names, .. } = recorded;
        entries
            .into_iter()
            .map(|entry| Self::of(entry, &names, calendar))
            .collect()
    }

    fn of(entry: AuditEntry, names: &BTreeMap<UserId, String>, calendar: &Calendar) -> Self {
        let name = |user: Option<UserId>| user.and_then(|user| names.get(&user).cloned());
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            local: calendar.local(entry.at),
            actor: entry.actor,
            actor_name: name(entry.actor),
            principal: entry.principal,
            action: entry.action,
            subject: entry.subject,
            subject_name: name(entry.subject),
            object: entry.object,
            session: entry.session,
            changes: entry
                .changes
                .into_iter()
                .map(AuditChangeJson::from)
                .collect(),
            address: entry.address,
            request_id: entry.request,
            token_id: entry.token,
            gateway: entry.gateway,
            outcome: entry.verdict,
            count: entry.count,
        }
    }
}

fn text_or_empty(value: Option<&impl ToString>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}

impl Row for AuditJson {
    const COLUMNS: &'static [&'static str] = &[
        "at",
        "actor",
        "actorName",
        "action",
        "subject",
        "subjectName",
        "object",
        "session",
        "changes",
        "address",
        "requestId",
        "tokenId",
        "gateway",
        "outcome",
        "count",
        "_id",
        "principal",
    ];

    fn cells(&self, _: &Calendar) -> Vec<String> {
        let change = |change: &AuditChangeJson| match (&change.from, &change.to) {
            (None, None) => change.field.clone(),
            (from, to) => {
                format!(
                    "{}: {} → {}",
                    change.field,
                    text_or_empty(from.as_ref()),
                    text_or_empty(to.as_ref())
                )
            }
        };
        let changes: Vec<String> = self.changes.iter().map(change).collect();
        vec![
            self.local.clone(),
            text_or_empty(self.actor.as_ref()),
            text_or_empty(self.actor_name.as_ref()),
            self.action.clone(),
            text_or_empty(self.subject.as_ref()),
            text_or_empty(self.subject_name.as_ref()),
            text_or_empty(self.object.as_ref()),
            text_or_empty(self.session.as_ref()),
            changes.join("; "),
            text_or_empty(self.address.as_ref()),
            text_or_empty(self.request_id.as_ref()),
            text_or_empty(self.token_id.as_ref()),
            self.gateway.clone(),
            self.outcome.clone(),
            self.count.to_string(),
            self.id.clone(),
            self.principal.clone(),
        ]
    }
}
