//! `/api/chat/stats` and the addresses below it, for admins: as JSON, or as a table with `Accept:
//! text/csv`.

use axum::{
    extract::{FromRequestParts, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::pagination::page_or_cursor;
use crate::{
    domain::{
        Error,
        cursors::{NameCursor, PageRequest},
        paging::Pagination,
        statistics::{Calendar, Granularity},
    },
    gateway::{
        chat::json::{DepartmentJson, OverviewJson, PeriodJson, PersonStatisticsJson, Row},
        http::{
            AppState,
            accept_header::prefers_csv,
            answer::{Answer, Refusal},
            csv_cells::neutralize_formula,
            extract::{HeavyCaller, Query},
            fields::{Fields, FromFields},
        },
    },
    service::PeopleOrder,
};

/// The most days that statistics cover.
const MAX_DAYS: u64 = 366;
const DEFAULT_DAYS: u64 = 7;

fn days(fields: &mut Fields) -> u64 {
    let days = fields.natural("days").unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        fields.problem("days", "must be 1 to 366");
    }
    days
}

/// `?days`
pub struct DaysQuery(u64);

impl FromFields for DaysQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(days(fields)))
    }
}

/// `?days&granularity`
pub struct TrendQuery {
    days: u64,
    granularity: Granularity,
}

impl FromFields for TrendQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let granularity = fields.parsed("granularity").unwrap_or(Granularity::Day);
        Some(Self {
            days: days(fields),
            granularity,
        })
    }
}

/// `?days&sort&page&limit`
pub struct PeopleQuery {
    days: u64,
    order: PeopleOrder,
    page: PageRequest<NameCursor>,
}

impl FromFields for PeopleQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let order = fields.parsed("sort").unwrap_or_default();
        let page: PageRequest<NameCursor> = page_or_cursor(fields, 50, 1_000)?;
        if page.wants_next && order != PeopleOrder::Name {
            fields.problem("cursor", "needs sort=name: no other order stays as it is");
        }
        Some(Self {
            days: days(fields),
            order,
            page,
        })
    }
}

/// Whether the caller requested a table.
pub struct WantsCsv(pub(super) bool);

impl FromRequestParts<AppState> for WantsCsv {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        Ok(Self(prefers_csv(&parts.headers)))
    }
}

/// Creates a response of RFC 4180, in UTF-8 with the byte order mark that spreadsheets need.
pub(super) fn csv_response<R: Row>(
    calendar: &Calendar,
    rows: &[R],
    name: &str,
) -> Result<Response, Refusal> {
    let broken = |_| Error::Internal;
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(R::COLUMNS).map_err(broken)?;
    for row in rows {
        writer
            .write_record(
                row.cells(calendar)
                    .iter()
                    .map(|cell| neutralize_formula(cell)),
            )
            .map_err(broken)?;
    }
    let mut body = "\u{feff}".as_bytes().to_vec();
    body.extend(writer.into_inner().map_err(|_| Error::Internal)?);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"wardline-{name}.csv\""),
        ),
    ];
    Ok((headers, body).into_response())
}

/// Returns a list in the requested form.
fn list<R: Row + Serialize>(
    (wants, calendar): (&WantsCsv, &Calendar),
    rows: Vec<R>,
    pagination: Option<Pagination>,
    name: &str,
) -> Result<Response, Refusal> {
    match (wants.0, pagination) {
        (true, _) => csv_response(calendar, &rows, name),
        (false, Some(pagination)) => Ok(Answer::page(rows, pagination).into_response()),
        (false, None) => Ok(Answer::ok(rows).into_response()),
    }
}

/// Get overall statistics (admins)
///
/// `Accept: text/csv` for a spreadsheet.
#[utoipa::path(get, path = "/api/chat/stats", tag = "statistics", responses((status = 200, content((OverviewJson = "application/json"), (String = "text/csv")))))]
pub async fn overview(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    wants: WantsCsv,
) -> Result<Response, Refusal> {
    let overview = OverviewJson::from(app.services.overview(&caller.actor).await?);
    if wants.0 {
        csv_response(app.services.calendar(), &[overview], "overview")
    } else {
        Ok(Answer::ok(overview).into_response())
    }
}

/// List statistics by hour or day (admins)
///
/// Every hour or day is there, in the hospital's time zone (`TIME_ZONE`), oldest first. `Accept: text/csv`
/// for a spreadsheet.
#[utoipa::path(get, path = "/api/chat/stats/trends", tag = "statistics",
    params(("days" = Option<u64>, Query, description = "1 to 366, by the hour to 31; with today; 7"),
        ("granularity" = Option<String>, Query, description = "`hour` or `day`; `day`")),
    responses((status = 200, content((Vec<PeriodJson> = "application/json"), (String = "text/csv")))))]
pub async fn trends(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    Query(trend): Query<TrendQuery>,
    wants: WantsCsv,
) -> Result<Response, Refusal> {
    let periods = app
        .services
        .trends(&caller.actor, trend.days, trend.granularity)
        .await?;
    list(
        (&wants, app.services.calendar()),
        periods
            .into_iter()
            .map(|period| PeriodJson::of(period, trend.granularity))
            .collect(),
        None,
        "trends",
    )
}

/// List statistics by department (admins)
///
/// The one that wrote most first. `Accept: text/csv` for a spreadsheet.
#[utoipa::path(get, path = "/api/chat/stats/departments", tag = "statistics",
    params(("days" = Option<u64>, Query, description = "1 to 366, with today; 7")),
    responses((status = 200, content((Vec<DepartmentJson> = "application/json"), (String = "text/csv")))))]
pub async fn departments(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    Query(DaysQuery(days)): Query<DaysQuery>,
    wants: WantsCsv,
) -> Result<Response, Refusal> {
    let departments = app.services.departments(&caller.actor, days).await?;
    list(
        (&wants, app.services.calendar()),
        departments.into_iter().map(DepartmentJson::from).collect(),
        None,
        "departments",
    )
}

/// List statistics by user (admins; audited)
///
/// `Accept: text/csv` for a spreadsheet. To read all users over several pages, use `sort=name` and
/// `cursor`: other orders change with the messages sent meanwhile.
#[utoipa::path(get, path = "/api/chat/stats/users", tag = "statistics",
    params(("days" = Option<u64>, Query, description = "1 to 366, with today; 7"),
        ("sort" = Option<String>, Query, description = "`messages`, `unread` or `response`, the most first; `name`"),
        ("cursor" = Option<String>, Query, description = "`start`, then `nextCursor` of the answer, instead of `page`; with `sort=name`"),
        ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 1000; 50")),
    responses((status = 200, content((Vec<PersonStatisticsJson> = "application/json"), (String = "text/csv")))))]
pub async fn people(
    State(app): State<AppState>,
    HeavyCaller(caller, _turn): HeavyCaller<5>,
    Query(query): Query<PeopleQuery>,
    wants: WantsCsv,
) -> Result<Response, Refusal> {
    let (people, pagination) = app
        .services
        .people_statistics(&caller.actor, query.days, query.order, &query.page)
        .await?;
    list(
        (&wants, app.services.calendar()),
        people.into_iter().map(PersonStatisticsJson::from).collect(),
        Some(pagination),
        "people",
    )
}
