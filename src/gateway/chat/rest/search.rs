//! `/api/chat/messages/search`

use std::str::FromStr;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::pagination::page_or_cursor;
use crate::{
    domain::{cursors::PageRequest, paging::Page, statistics::TimeOrDay},
    gateway::{
        chat::json::{FoundMessageJson, found},
        http::{
            AppState,
            answer::{Refusal, Success},
            extract::{HeavyCaller, Query},
            fields::{Fields, FromFields},
        },
    },
    service::{MentionFilter, Search},
};

/// The query of a search.
pub struct SearchQuery(Search);

/// Reads a filter; an empty one is ignored.
fn filter<T: FromStr<Err: std::fmt::Display>>(fields: &mut Fields, name: &str) -> Option<T> {
    let text = fields.text(name).filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(problem) => {
            fields.problem(name, problem.to_string());
            None
        }
    }
}

impl FromFields for SearchQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let user = fields.parsed("userId");
        let keyword = fields.text("keyword");
        let session = fields.parsed("sessionId");
        let sender = fields.parsed("sender");
        let kind = fields.parsed("messageType");
        let mention_filter: Option<MentionFilter> = filter(fields, "mentions");
        let (from, to): (Option<TimeOrDay>, Option<TimeOrDay>) =
            (filter(fields, "from"), filter(fields, "to"));
        // The substitute for a bad page is never used: its problem refuses the whole query.
        let bad = || PageRequest {
            page: Page { page: 1, limit: 50 },
            cursor: None,
            wants_next: false,
        };
        let page = page_or_cursor(fields, 50, 100).unwrap_or_else(bad);
        let search = Search {
            user,
            keyword,
            mention_filter,
            session,
            sender,
            kind,
            from,
            to,
            page,
        };
        // An unreadable filter is reported, not the missing keyword, which a filter makes optional.
        let has_bad_filter = [
            "sessionId",
            "sender",
            "messageType",
            "mentions",
            "from",
            "to",
        ]
        .iter()
        .any(|name| fields.is_bad(name));
        if !has_bad_filter || search.keyword.is_some() {
            fields.problems(&search.problems());
        }
        Some(Self(search))
    }
}

/// The found messages, and whether the index is behind.
#[derive(Serialize)]
struct FoundJson<'a> {
    #[serde(flatten)]
    success: Success<Vec<FoundMessageJson<'a>>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    indexing: bool,
}

/// Search messages
///
/// Newest first. Several words mean all of them, in any order; quotes mean a phrase, in which signs
/// that touch a word count (`"Rh-"`, `"≥38"`); there are no operators. Chinese is segmented,
/// traditional and simplified are one; English is folded in case and stemmed; the word typed last
/// may be a beginning of three letters. A number is found whole: `5 mg` is not in `0.5 mg`. File
/// names are searched, too. Without a keyword, the newest that match the filters. Each message
/// comes with `highlights`: pieces of its text as HTML, in which everything is escaped but the
/// `<mark>` around the matches. While the index is being built, or catches up after a start, the
/// answer has `indexing: true` beside `data`, and may be incomplete. Only the newest 10,000 can be
/// paged through by `page`; with `cursor` (`pagination.nextCursor`) all, and messages sent
/// meanwhile shift nothing.
#[utoipa::path(get, path = "/api/chat/messages/search", tag = "messages",
    params(("userId" = Option<String>, Query, description = "the caller"),
        ("keyword" = Option<String>, Query, description = "1 to 200 characters; optional beside a filter"),
        ("mentions" = Option<String>, Query, description = "`me`: only what names the caller; `all`: only what calls everybody"),
        ("sessionId" = Option<String>, Query, description = "only in this session"),
        ("sender" = Option<String>, Query, description = "only what this person wrote"),
        ("messageType" = Option<String>, Query, description = "`text`, `image`, `file` or `voice`"),
        ("from" = Option<String>, Query, description = "written at this time or later: RFC 3339, or a day of the hospital's (`TIME_ZONE`)"),
        ("to" = Option<String>, Query, description = "written at this time or earlier: RFC 3339, or a day of the hospital's (`TIME_ZONE`)"),
        ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("cursor" = Option<String>, Query, description = "`start`, then `nextCursor` of the answer, instead of `page`")),
    responses((status = 200, body = Vec<FoundMessageJson>)))]
pub async fn search(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    Query(SearchQuery(search)): Query<SearchQuery>,
) -> Result<Response, Refusal> {
    let answer = app.services.find_messages(&caller.actor, search).await?;
    let success = Success::page(found(&answer.hits), answer.pagination);
    Ok(Json(FoundJson {
        success,
        indexing: answer.is_behind,
    })
    .into_response())
}
