//! `/api/chat/audit`, `/api/audit`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::statistics::{WantsCsv, csv_response};
use crate::{
    domain::{
        ConversationId, UserId,
        audit::AuditFilter,
        error::{Code, FieldErrors},
        paging::Cursor,
    },
    gateway::{
        chat::json::AuditJson,
        http::{
            AppState,
            answer::Refusal,
            error::RequestError,
            extract::{Caller, Query},
            fields::{Fields, FromFields},
        },
    },
};

/// The most rows of one answer.
const MAX_ROWS: u64 = 200;
const DEFAULT_ROWS: u64 = 50;
/// The longest name of an action.
const MAX_ACTION_BYTES: usize = 64;

/// The query of the audit log. Days are those of the hospital's time zone.
pub struct AuditQuery {
    actor: Option<UserId>,
    subject: Option<UserId>,
    action: Option<String>,
    session: Option<ConversationId>,
    from: Option<String>,
    to: Option<String>,
    before: Option<Cursor>,
    limit: u64,
}

impl FromFields for AuditQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let text =
            |fields: &mut Fields, name: &str| fields.text(name).filter(|text| !text.is_empty());
        let action = text(fields, "action");
        if action
            .as_ref()
            .is_some_and(|action| action.len() > MAX_ACTION_BYTES)
        {
            fields.problem("action", "is too long");
        }
        let limit = fields.natural("limit").unwrap_or(DEFAULT_ROWS);
        if !(1..=MAX_ROWS).contains(&limit) {
            fields.problem("limit", format!("must be 1 to {MAX_ROWS}"));
        }
        Some(Self {
            actor: fields.parsed("actor"),
            subject: fields.parsed("subject"),
            action,
            session: fields.parsed("session"),
            from: text(fields, "from"),
            to: text(fields, "to"),
            before: fields.parsed("before"),
            limit,
        })
    }
}

impl AuditQuery {
    fn filter(&self, app: &AppState) -> Result<AuditFilter, RequestError> {
        let mut errors = FieldErrors::<String>::default();
        let mut moment = |name: &str, text: &Option<String>, is_end: bool| {
            let text = text.as_ref()?;
            let moment = app.settings.general.calendar.moment(text, is_end);
            if moment.is_none() {
                let problem =
                    "must be a time such as 2024-05-01T08:00:00Z, or a day such as 2024-05-01";
                errors.add(name, problem);
            }
            moment
        };
        let (from, to) = (
            moment("from", &self.from, false),
            moment("to", &self.to, true),
        );
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            errors.add("from", "must not be later than to");
        }
        errors.into_result(|fields| RequestError::Invalid {
            code: Code::ValidationFailed,
            fields,
        })?;
        let (actor, subject, session) = (self.actor, self.subject, self.session);
        Ok(AuditFilter {
            actor,
            subject,
            action: self.action.clone(),
            session,
            from,
            to,
        })
    }
}

/// Where a run of the audit log is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditPagination)]
pub(super) struct AuditPaginationJson {
    limit: u64,
    has_more: bool,
    /// `before` of the next page; null at the end.
    next_before: Option<String>,
}

#[derive(Serialize)]
struct AuditAnswer {
    success: bool,
    data: Vec<AuditJson>,
    pagination: AuditPaginationJson,
}

/// Read the audit log (admins)
///
/// Newest first. Reading the audit log is itself audited. `pagination` is `{limit, hasMore,
/// nextBefore}`: rows that are added meanwhile shift none. `Accept: text/csv` for a spreadsheet,
/// with times in the hospital's time zone.
#[utoipa::path(get, path = "/api/chat/audit", tag = "audit",
    params(("actor" = Option<String>, Query, description = "who acted"), ("subject" = Option<String>, Query, description = "whom it concerned"),
        ("action" = Option<String>, Query, description = "such as `auth.failed`"), ("session" = Option<String>, Query, description = "in this session"),
        ("from" = Option<String>, Query, description = "at this time or later: RFC 3339, or a day (`TIME_ZONE`)"),
        ("to" = Option<String>, Query, description = "at this time or earlier: RFC 3339, or a day (`TIME_ZONE`)"),
        ("before" = Option<String>, Query, description = "`nextBefore` of an answer"), ("limit" = Option<u64>, Query, description = "1 to 200; 50")),
    responses((status = 200, content((Vec<AuditJson> = "application/json"), (String = "text/csv")))))]
pub async fn read(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Query(query): Query<AuditQuery>,
    wants: WantsCsv,
) -> Result<Response, Refusal> {
    let filter = query.filter(&app)?;
    let recorded = app
        .services
        .recorded(&caller.actor, &filter, query.before.as_ref(), query.limit)
        .await?;
    let next = recorded.next;
    let rows = AuditJson::rows(recorded, &app.settings.general.calendar);
    if wants.0 {
        return csv_response(&app.settings.general.calendar, &rows, "audit");
    }
    let next_before = next.map(|next| next.to_string());
    let pagination = AuditPaginationJson {
        limit: query.limit,
        has_more: next.is_some(),
        next_before,
    };
    Ok(Json(AuditAnswer {
        success: true,
        data: rows,
        pagination,
    })
    .into_response())
}

/// Read the audit log (admins; short address)
///
/// As `GET /api/chat/audit`.
#[utoipa::path(get, path = "/api/audit", tag = "audit",
    params(("actor" = Option<String>, Query), ("subject" = Option<String>, Query), ("action" = Option<String>, Query),
        ("session" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("before" = Option<String>, Query), ("limit" = Option<u64>, Query, description = "1 to 200; 50")),
    responses((status = 200, content((Vec<AuditJson> = "application/json"), (String = "text/csv")))))]
pub async fn read_short(
    state: State<AppState>,
    caller: Caller,
    query: Query<AuditQuery>,
    wants: WantsCsv,
) -> Result<Response, Refusal> {
    read(state, caller, query, wants).await
}
