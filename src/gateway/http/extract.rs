//! Extractors: the caller, the body, the query, an id in the path.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::{
    AppState,
    answer::Refusal,
    error::{RequestError, Result},
    fields::FromFields,
    listener::Peer,
    load_meter::{Heavy, HeavyPermit, LoadAccount},
};
use crate::{
    domain::{
        Error,
        access::AuthenticatedToken,
        error::{Code, FieldErrors},
    },
    service::{TOKEN_RECHECK_INTERVAL, audit},
};

/// The largest body of a REST call, bytes: a message of 8,000 characters, each written as two `\u`
/// escapes, is 96 kB.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// How much of a body that is too large is drained, bytes.
const MAX_DRAINED_BYTES: usize = 16 << 20;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The user of the request's bearer token.
pub struct Caller(pub AuthenticatedToken);

/// Returns the bearer token of an `Authorization` header (RFC 6750).
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        // The layer that counted the call has already authenticated it.
        let auth = if let Some(auth) = parts.extensions.get::<AuthenticatedToken>() {
            auth.clone()
        } else {
            app.services
                .check_token(bearer(&parts.headers).ok_or(Error::AuthFailed)?)
                .await?
        };
        audit::record_actor(&auth.actor);
        if let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<Peer>>() {
            peer.is(auth.actor.user);
        }
        Ok(Self(auth))
    }
}

/// The caller of a heavy call, which counts as `WEIGHT` events, with the permit for it.
pub struct HeavyCaller<const WEIGHT: usize>(pub AuthenticatedToken, pub HeavyPermit);

impl<const WEIGHT: usize> FromRequestParts<AppState> for HeavyCaller<WEIGHT> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        let Caller(auth) = Caller::from_request_parts(parts, app).await?;
        let turn = app.turn(auth.actor.user, Heavy::Read, WEIGHT).await?;
        Ok(Self(auth, turn))
    }
}

/// A JSON object as body.
pub struct Body<T>(pub T);

impl<T: FromFields> FromRequest<AppState> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, app: &AppState) -> Result<Self, Refusal> {
        let map = object(read_json(request, app).await?)?;
        Ok(Self(T::from_map(map, false)?))
    }
}

/// A JSON object as body, `null`, or none.
pub struct OptionalBody<T>(pub T);

impl<T: FromFields + Default> FromRequest<AppState> for OptionalBody<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, app: &AppState) -> Result<Self, Refusal> {
        let headers = request.headers();
        let is_empty = !headers.contains_key(header::TRANSFER_ENCODING)
            && headers
                .get(header::CONTENT_LENGTH)
                .is_none_or(|length| length == "0");
        if is_empty {
            return Ok(Self(T::default()));
        }
        match read_json(request, app).await? {
            Value::Null => Ok(Self(T::default())),
            value => Ok(Self(T::from_map(object(value)?, false)?)),
        }
    }
}

fn object(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(RequestError::malformed("the body must be a JSON object")),
    }
}

/// Reads a JSON body. A token that ended while the body arrived slowly is refused.
async fn read_json(request: Request, app: &AppState) -> Result<Value> {
    let (auth, begun) = (
        request.extensions().get::<AuthenticatedToken>().cloned(),
        Instant::now(),
    );
    let value = parse_body(request).await?;
    if let Some(auth) = auth.filter(|_| begun.elapsed() > TOKEN_RECHECK_INTERVAL) {
        app.services.recheck_token(&auth).await?;
    }
    Ok(value)
}

async fn parse_body(request: Request) -> Result<Value> {
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
        return Err(RequestError::UnsupportedMediaType);
    }
    // A compressed body is refused: no decompression bombs.
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(RequestError::UnsupportedMediaType);
    }
    let peer = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|ConnectInfo(peer)| peer.load_account());
    let load_account = peer.ok_or(Error::Internal)?;
    let bytes = read_bounded(
        request.into_body(),
        MAX_BODY_BYTES,
        BODY_TIMEOUT,
        &load_account,
    )
    .await?;
    // Some programs begin UTF-8 with a byte order mark, which a reader may skip (RFC 8259, 8.1).
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // The parser's message names a position, never the content.
    serde_json::from_slice(json).map_err(|error| {
        RequestError::Malformed(format!(
            "the body is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// Reads a body, up to `most` bytes and for `limit` at most. It counts in the load while it
/// arrives. The rest of a larger body is drained, within bounds: closing the connection while it
/// arrives would break it before the client has read the reason.
///
/// # Errors
/// `MessageTooLarge`; `Malformed` when it breaks off or arrives too slowly; `RateLimited` when the
/// load is too high.
pub async fn read_bounded(
    body: axum::body::Body,
    most: usize,
    limit: Duration,
    load_account: &Arc<LoadAccount>,
) -> Result<Vec<u8>> {
    let (mut bytes, mut dropped) = (Vec::new(), 0);
    let mut held = load_account.hold_incoming(0)?;
    let mut stream = body.into_data_stream();
    let read = async {
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| RequestError::malformed("the body ended early"))?;
            if dropped == 0 && bytes.len() + chunk.len() <= most {
                held.grow(chunk.len())?;
                bytes.extend_from_slice(&chunk);
            } else {
                dropped += chunk.len();
            }
            if dropped > MAX_DRAINED_BYTES {
                break;
            }
        }
        Ok(())
    };
    let in_time = tokio::time::timeout(limit, read).await;
    match in_time {
        Ok(read) if dropped == 0 => read.map(|()| bytes),
        Err(_) if dropped == 0 => Err(RequestError::malformed("the body came too slowly")),
        _ => Err(Error::MessageTooLarge { limit: most }.into()),
    }
}

/// The query string.
pub struct Query<T>(pub T);

impl<T: FromFields> FromRequestParts<AppState> for Query<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        Ok(Self::of(parts.uri.query())?)
    }
}

impl<T: FromFields> Query<T> {
    /// Reads a query.
    ///
    /// # Errors
    /// A validation error that names every bad field.
    pub fn of(query: Option<&str>) -> Result<Self> {
        let text = query.unwrap_or_default();
        let mut map = Map::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(64) {
            if map
                .insert(name.to_string(), Value::String(value.into_owned()))
                .is_some()
            {
                return Err(RequestError::invalid(&name, "is given twice"));
            }
        }
        Ok(Self(T::from_map(map, true)?))
    }
}

/// One id in the path.
pub struct PathId<T>(pub T);

impl<T> FromRequestParts<AppState> for PathId<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Send,
{
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        let segments = segments(parts, app).await?;
        let mut errors = FieldErrors::default();
        let parsed = segment(&segments, 0, &mut errors);
        parsed.map(Self).ok_or_else(|| {
            RequestError::Invalid {
                code: Code::ValidationFailed,
                fields: errors,
            }
            .into()
        })
    }
}

/// Two ids, or other texts, in the path.
pub struct PathPair<A, B>(pub A, pub B);

impl<A, B> FromRequestParts<AppState> for PathPair<A, B>
where
    A: std::str::FromStr<Err: std::fmt::Display> + Send,
    B: std::str::FromStr<Err: std::fmt::Display> + Send,
{
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        let segments = segments(parts, app).await?;
        let mut errors = FieldErrors::default();
        let pair = (
            segment(&segments, 0, &mut errors),
            segment(&segments, 1, &mut errors),
        );
        match pair {
            (Some(first), Some(second)) => Ok(Self(first, second)),
            _ => Err(RequestError::Invalid {
                code: Code::ValidationFailed,
                fields: errors,
            }
            .into()),
        }
    }
}

async fn segments(parts: &mut Parts, app: &AppState) -> Result<Vec<(String, String)>> {
    let segments = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
    segments
        .map(|Path(segments)| segments)
        .map_err(|_| RequestError::malformed("the path cannot be read"))
}

fn segment<T>(
    segments: &[(String, String)],
    place: usize,
    errors: &mut FieldErrors<String>,
) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let (name, text) = segments.get(place)?;
    text.parse()
        .map_err(|problem: T::Err| errors.add(name.as_str(), problem.to_string()))
        .ok()
}
