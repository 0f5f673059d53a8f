//! Extractors: the caller, the body, the query, an id in the path.

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde_json::{Map, Value};

use super::{Door, answer::Refusal, fields::FromFields};
use crate::{
    domain::{Error, Result, error::FieldErrors},
    service::Checked,
};

/// The largest body of a REST call, bytes: a message of 8,000 characters, each written as two `\u` escapes,
/// is 96 kB.
pub const MAX_BODY: usize = 256 * 1024;

/// Whoever the request's bearer token belongs to.
pub struct Caller(pub Checked);

/// The bearer token of an `Authorization` header (RFC 6750).
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Door> for Caller {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers).ok_or(Error::AuthFailed)?;
        Ok(Self(door.services.check_token(token).await?))
    }
}

/// A JSON object as body.
pub struct Body<T>(pub T);

impl<T: FromFields> FromRequest<Door> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, _: &Door) -> Result<Self, Refusal> {
        let map = read_object(request).await?;
        Ok(Self(T::from_map(map, false)?))
    }
}

async fn read_object(request: Request) -> Result<Map<String, Value>> {
    let headers = request.headers();
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence != "application/json" {
        return Err(Error::UnsupportedMediaType);
    }
    // A body that says it is compressed is not unpacked: no decompression bombs.
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Error::UnsupportedMediaType);
    }
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(Error::MessageTooLarge { limit: MAX_BODY });
    }
    let bytes = to_bytes(request.into_body(), MAX_BODY).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error + 'static>::is::<http_body_util::LengthLimitError>);
        if too_large {
            Error::MessageTooLarge { limit: MAX_BODY }
        } else {
            Error::Malformed("the body ended early".to_owned())
        }
    })?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::Malformed("the body must be a JSON object".to_owned())),
        // The parser's words name a place, never the content.
        Err(error) => Err(Error::Malformed(format!(
            "the body is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ))),
    }
}

/// The query string.
pub struct Query<T>(pub T);

impl<T: FromFields> FromRequestParts<Door> for Query<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        let text = parts.uri.query().unwrap_or_default();
        let mut map = Map::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(64) {
            if map
                .insert(name.to_string(), Value::String(value.into_owned()))
                .is_some()
            {
                return Err(Error::Validation(FieldErrors::one(&name, "is given twice")).into());
            }
        }
        Ok(Self(T::from_map(map, true)?))
    }
}

/// One id in the path.
pub struct PathId<T>(pub T);

impl<T> FromRequestParts<Door> for PathId<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Send,
{
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        let malformed = || Error::Malformed("the path cannot be read".to_owned());
        let Path(segments) = Path::<Vec<(String, String)>>::from_request_parts(parts, door)
            .await
            .map_err(|_| malformed())?;
        let (name, text) = segments.first().ok_or_else(malformed)?;
        let parsed = text
            .parse()
            .map_err(|problem: T::Err| Error::Validation(FieldErrors::one(name, problem.to_string())))?;
        Ok(Self(parsed))
    }
}
