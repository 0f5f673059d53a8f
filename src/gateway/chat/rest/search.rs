//! `/api/chat/messages/search`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::input::page;
use crate::{
    domain::{Timestamp, paging::Page},
    gateway::{
        chat::json::{FoundMessageJson, found},
        http::{
            Door,
            answer::{Refusal, Success},
            extract::{Caller, Query},
            fields::{Fields, FromFields},
        },
    },
    service::Search,
};

/// The query of a search.
pub struct SearchFor(Search);

/// A time: RFC 3339, or a day (`2024-05-01`), which is its first moment, or its last one for `to`.
fn time(fields: &mut Fields, name: &str, is_end: bool) -> Option<Timestamp> {
    let text = fields.text(name).filter(|text| !text.is_empty())?;
    // In a query a plus sign is a space.
    let moment = text.replace(' ', "+").parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    let day = || {
        let day = text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        let whole_day = if is_end { 24 * 60 * 60 * 1_000 - 1 } else { 0 };
        Some(day.timestamp().as_millisecond() + whole_day)
    };
    let time = moment.ok().or_else(day);
    if time.is_none() {
        fields.problem(name, "must be a time such as 2024-05-01T08:00:00Z, or a day such as 2024-05-01");
    }
    time.map(Timestamp)
}

impl FromFields for SearchFor {
    fn read(fields: &mut Fields) -> Option<Self> {
        let user = fields.parsed("userId");
        let keyword = fields.required_text("keyword").unwrap_or_default();
        let session = fields.parsed("sessionId");
        let sender = fields.parsed("sender");
        let kind = fields.parsed("messageType");
        let (from, to) = (time(fields, "from", false), time(fields, "to", true));
        // What stands in for a bad page is never used: its problem refuses the whole.
        let page = page(fields, 50, 100).unwrap_or(Page { page: 1, limit: 50 });
        let search = Search { user, keyword, session, sender, kind, from, to, page };
        fields.problems(&search.problems());
        Some(Self(search))
    }
}

/// What was found, and whether the index is behind.
#[derive(Serialize)]
struct FoundJson<'a> {
    #[serde(flatten)]
    success: Success<Vec<FoundMessageJson<'a>>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    indexing: bool,
}

/// Search in one's own sessions
///
/// Newest first. Several words mean all of them, in any order; quotes mean a phrase; there are no operators.
/// Chinese is segmented, English folded in case and stemmed; file names are searched, too. Each message comes
/// with `highlights`: pieces of its text as HTML, in which everything is escaped but the `<mark>` around what
/// was found. While the index is being built, or catches up after a start, the answer has `indexing: true`
/// beside `data`, and there may be more than it says. Only the newest 10,000 can be paged through.
#[utoipa::path(get, path = "/api/chat/messages/search", tag = "messages",
    params(("userId" = Option<String>, Query, description = "the caller"),
        ("keyword" = String, Query, description = "1 to 200 characters"),
        ("sessionId" = Option<String>, Query, description = "only in this session"),
        ("sender" = Option<String>, Query, description = "only what this person wrote"),
        ("messageType" = Option<String>, Query, description = "`text`, `image`, `file` or `voice`"),
        ("from" = Option<String>, Query, description = "written at this time or later: RFC 3339, or a day (UTC)"),
        ("to" = Option<String>, Query, description = "written at this time or earlier: RFC 3339, or a day (UTC)"),
        ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100")),
    responses((status = 200, body = Vec<FoundMessageJson>)))]
pub async fn search(
    State(door): State<Door>,
    Caller(caller): Caller,
    Query(SearchFor(search)): Query<SearchFor>,
) -> Result<Response, Refusal> {
    let answer = door.services.find_messages(&caller.actor, search).await?;
    let success = Success::page(found(&answer.hits), answer.pagination);
    Ok(Json(FoundJson { success, indexing: answer.is_behind }).into_response())
}
