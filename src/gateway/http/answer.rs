//! Answers: the one place where a success or a failure becomes an HTTP response.
//!
//! A handler returns an [`Error`] unchanged. The response's extensions carry it to
//! [`render_failures`], which knows the request's language. Failures of the framework's own layers
//! get the same form there.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::RequestError;
use crate::domain::{Error, UserId, error::Code, paging::Pagination, receipts::Warning};
use crate::gateway::i18n::Language;

/// A success: `{"success": true, "data": …, "pagination"?: …}`.
pub struct Answer<T> {
    status: StatusCode,
    data: T,
    pagination: Option<Pagination>,
    warnings: Vec<Warning>,
}

impl<T> Answer<T> {
    /// Creates an answer with 200.
    pub fn ok(data: T) -> Self {
        Self {
            status: StatusCode::OK,
            data,
            pagination: None,
            warnings: Vec::new(),
        }
    }

    /// Creates an answer with 201.
    pub fn created(data: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            data,
            pagination: None,
            warnings: Vec::new(),
        }
    }

    /// Creates an answer with 200 and its position in the list.
    pub fn page(data: T, pagination: Pagination) -> Self {
        Self {
            status: StatusCode::OK,
            data,
            pagination: Some(pagination),
            warnings: Vec::new(),
        }
    }

    /// Adds warnings: the action succeeded, and the caller should know these facts.
    #[must_use]
    pub fn warning(self, warnings: Vec<Warning>) -> Self {
        Self { warnings, ..self }
    }
}

/// The wire form of a success, over every transport.
#[derive(Serialize)]
pub struct Success<T> {
    pub success: bool,
    pub data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination: Option<PaginationJson>,
    /// Facts that the caller should know although the action succeeded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningJson>,
}

/// Something that the caller should know although it was done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Warning)]
pub struct WarningJson {
    /// `MENTION_INACTIVE`: these people are not active any more and were not mentioned. `NO_ACTIVE_RECIPIENT`:
    /// no other member of the group is active.
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    user_ids: Vec<UserId>,
}

impl From<Warning> for WarningJson {
    fn from(warning: Warning) -> Self {
        match warning {
            Warning::MentionInactive(users) => Self {
                code: "MENTION_INACTIVE",
                user_ids: users,
            },
            Warning::NoActiveRecipient => Self {
                code: "NO_ACTIVE_RECIPIENT",
                user_ids: Vec::new(),
            },
        }
    }
}

impl<T> Success<T> {
    /// Creates a success without pagination.
    pub fn of(data: T) -> Self {
        Self {
            success: true,
            data,
            pagination: None,
            warnings: Vec::new(),
        }
    }

    /// Creates a success with a page of a list.
    pub fn page(data: T, pagination: Pagination) -> Self {
        Self {
            success: true,
            data,
            pagination: Some(pagination.into()),
            warnings: Vec::new(),
        }
    }

    /// Adds warnings: the action succeeded, and the caller should know these facts.
    #[must_use]
    pub fn warning(self, warnings: Vec<Warning>) -> Self {
        Self {
            warnings: warnings.into_iter().map(WarningJson::from).collect(),
            ..self
        }
    }
}

/// The wire form of a list's place.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Pagination)]
pub struct PaginationJson {
    pub page: u64,
    pub limit: u64,
    /// How many entries the list has.
    pub total: u64,
    /// The same as `page`.
    pub current: u64,
    /// The same as `total`.
    pub total_count: u64,
    pub pages: u64,
    pub has_more: bool,
    /// `cursor` of the next page, if the request had one; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl From<Pagination> for PaginationJson {
    fn from(p: Pagination) -> Self {
        Self {
            page: p.page,
            limit: p.limit,
            total: p.total,
            current: p.page,
            total_count: p.total,
            pages: p.pages,
            has_more: p.has_more,
            next_cursor: p.next,
        }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let body = Success {
            success: true,
            data: self.data,
            pagination: self.pagination.map(PaginationJson::from),
            warnings: self.warnings.into_iter().map(WarningJson::from).collect(),
        };
        (self.status, Json(body)).into_response()
    }
}

/// The result of a handler.
pub type Outcome<T> = Result<Answer<T>, Refusal>;

/// A failure for [`render_failures`].
pub struct Refusal(pub RequestError);

impl<E: Into<RequestError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Clone)]
struct RefusalBody(RequestError);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(RefusalBody(self.0));
        response
    }
}

/// Returns the HTTP status of a failed request.
#[must_use]
pub fn status_of(error: &RequestError) -> StatusCode {
    match error {
        RequestError::Service(error) => status(error),
        RequestError::Malformed(_) | RequestError::Invalid { .. } => StatusCode::BAD_REQUEST,
        RequestError::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RequestError::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        RequestError::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
    }
}

/// Returns the HTTP status of a service's error.
#[must_use]
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::AuthFailed | Error::TokenExpired => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) | Error::ConversationNotFound => StatusCode::NOT_FOUND,
        Error::InvalidMessage(_)
        | Error::Validation(_)
        | Error::FileRejected(_)
        | Error::UploadTooSlow(_)
        | Error::PictureTooLarge { .. } => StatusCode::BAD_REQUEST,
        Error::FileUnsupported(_) | Error::HeicUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::MessageTooLarge { .. }
        | Error::FileTooLarge { .. }
        | Error::QuotaExceeded { .. }
        | Error::TotalQuotaExceeded { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Conflict(_)
        | Error::RecipientInactive { .. }
        | Error::GroupsFull { .. }
        | Error::WindowClosed(_) => StatusCode::CONFLICT,
        Error::Unavailable | Error::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns the failure's wire form, over every transport: `{"success": false, "message", "error",
/// "code", "details"?, "fieldCodes"?}`.
#[must_use]
pub fn failure(error: &RequestError, language: Language) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("success".to_owned(), json!(false));
    body.insert("message".to_owned(), json!(error.message(language)));
    body.insert("error".to_owned(), json!(error.detail()));
    body.insert("code".to_owned(), json!(error.code().as_str()));
    let service = error.service();
    let details = service.and_then(|error| match error {
        Error::OutcomeUnknown => Some(json!({ "outcome": "unknown" })),
        Error::Unavailable => Some(json!({ "outcome": "refused" })),
        Error::GroupsFull { users, .. } => {
            Some(json!({ "reason": "groupsFull", "userIds": users }))
        }
        Error::RecipientInactive { users, .. } => {
            Some(json!({ "reason": "recipientInactive", "userIds": users }))
        }
        Error::PictureTooLarge { limit } => Some(json!({ "limit": limit, "unit": "pixels" })),
        Error::RateLimited { .. } => Some(json!({ "retryAfter": error.retry_after() })),
        _ => None,
    });
    if let Some(details) = details {
        body.insert("details".to_owned(), details);
    }
    // `fieldCodes` is a separate member: `details` maps each field to its text and contains nothing
    // else.
    if let Some(fields) = error.fields() {
        let texts = fields
            .iter()
            .map(|(field, problem)| (field.clone(), json!(problem.text)));
        body.insert("details".to_owned(), texts.collect());
        let codes = fields
            .iter()
            .map(|(field, problem)| (field.clone(), json!(problem.code)));
        body.insert("fieldCodes".to_owned(), codes.collect());
    }
    body
}

/// Returns the supported language that `Accept-Language` prefers (RFC 9110, 12.5.4); English when
/// it names none.
#[must_use]
pub fn language_of(header: Option<&HeaderValue>) -> Language {
    let Some(text) = header.and_then(|value| value.to_str().ok()) else {
        return Language::English;
    };
    let mut best = (0.0, Language::English);
    for entry in text.split(',').take(16) {
        let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let quality = super::accept_header::weight(parameters);
        // Some programs write a locale with an underscore.
        let tag = tag.trim().to_ascii_lowercase();
        let language = match tag.split(['-', '_']).next() {
            Some("zh") => Language::Chinese,
            Some("en") => Language::English,
            _ => continue,
        };
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

/// Renders every failure, of the service and of the framework, in one form.
pub async fn render_failures(request: Request, next: Next) -> Response {
    let language = language_of(request.headers().get(header::ACCEPT_LANGUAGE));
    let mut response = next.run(request).await;
    let carried = response
        .extensions_mut()
        .remove::<RefusalBody>()
        .map(|carried| carried.0);
    let is_ours = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    let error = match (carried, response.status()) {
        (Some(error), _) => error,
        (None, status) if is_ours || !(status.is_client_error() || status.is_server_error()) => {
            return response;
        }
        (None, StatusCode::NOT_FOUND) => Error::NotFound("address").into(),
        (None, StatusCode::METHOD_NOT_ALLOWED) => RequestError::MethodNotAllowed,
        (None, StatusCode::PAYLOAD_TOO_LARGE) => Error::MessageTooLarge {
            limit: super::extract::MAX_BODY_BYTES,
        }
        .into(),
        (None, StatusCode::TOO_MANY_REQUESTS) => Error::RateLimited {
            retry_after: std::time::Duration::from_secs(1),
        }
        .into(),
        (None, StatusCode::UNSUPPORTED_MEDIA_TYPE) => RequestError::UnsupportedMediaType,
        (None, StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT) => {
            Error::OutcomeUnknown.into()
        }
        (None, status) if status.is_client_error() => {
            RequestError::malformed("the request could not be read")
        }
        (None, _) => Error::Internal.into(),
    };
    let mut rendered = (status_of(&error), Json(failure(&error, language))).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    let retry_after = match error.service() {
        Some(limited @ Error::RateLimited { .. }) => limited.retry_after(),
        Some(Error::Unavailable | Error::OutcomeUnknown) => Some(2),
        _ => None,
    };
    if let Some(seconds) = retry_after {
        rendered
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let RequestError::RangeNotSatisfiable { size } = error
        && let Ok(value) = HeaderValue::try_from(format!("bytes */{size}"))
    {
        rendered.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    if error.code() == Code::AuthFailed || error.code() == Code::TokenExpired {
        rendered
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    metrics::counter!("wardline_refusals_total", "reason" => error.code().as_str()).increment(1);
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_of_ours_is_taken() {
        let of = |text: &str| language_of(HeaderValue::from_str(text).ok().as_ref());
        assert_eq!(of("zh-CN"), Language::Chinese);
        assert_eq!(of("en;q=0.3, zh;q=0.9"), Language::Chinese);
        assert_eq!(of("fr, en-GB, zh;q=0.5"), Language::English);
        assert_eq!(of("fr"), Language::English);
        assert_eq!(of("zh_CN"), Language::Chinese);
        assert_eq!(of("en_US;Q=0.2,ZH_Hans_CN"), Language::Chinese);
        assert_eq!(of("zh_CN;q=0, en"), Language::English);
        assert_eq!(language_of(None), Language::English);
    }
}
