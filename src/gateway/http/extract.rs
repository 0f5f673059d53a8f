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
    Door,
    answer::Refusal,
    fields::FromFields,
    listener::Peer,
    scales::{Heavy, Purse, Turn},
};
use crate::{
    domain::{Error, Result, access::Pass, error::FieldErrors},
    service::{BELIEF, audit},
};

/// The largest body of a REST call, bytes: a message of 8,000 characters, each written as two `\u` escapes,
/// is 96 kB.
pub const MAX_BODY: usize = 256 * 1024;

/// How much of a body that is too large is taken off the line, bytes.
const MAX_DROPPED: usize = 16 << 20;
/// How long a body may take.
const BODY_LIMIT: Duration = Duration::from_secs(15);

/// Whoever the request's bearer token belongs to.
pub struct Caller(pub Pass);

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
        // Whoever counted the call has asked already.
        let pass = if let Some(pass) = parts.extensions.get::<Pass>() {
            pass.clone()
        } else {
            door.services.check_token(bearer(&parts.headers).ok_or(Error::AuthFailed)?).await?
        };
        audit::acts(&pass.actor);
        if let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<Peer>>() {
            peer.is(pass.actor.user);
        }
        Ok(Self(pass))
    }
}

/// The caller of something heavy, which counts as `WEIGHT` events, with their turn to do it.
pub struct HeavyCaller<const WEIGHT: usize>(pub Pass, pub Turn);

impl<const WEIGHT: usize> FromRequestParts<Door> for HeavyCaller<WEIGHT> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        let Caller(pass) = Caller::from_request_parts(parts, door).await?;
        let turn = door.turn(pass.actor.user, Heavy::Read, WEIGHT).await?;
        Ok(Self(pass, turn))
    }
}

/// A JSON object as body.
pub struct Body<T>(pub T);

impl<T: FromFields> FromRequest<Door> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, door: &Door) -> Result<Self, Refusal> {
        let (pass, begun) = (request.extensions().get::<Pass>().cloned(), Instant::now());
        let map = read_object(request).await?;
        // What came slowly may have outlived the right to say it.
        if let Some(pass) = pass.filter(|_| begun.elapsed() > BELIEF) {
            door.services.must_still_hold(&pass).await?;
        }
        Ok(Self(T::from_map(map, false)?))
    }
}

async fn read_object(request: Request) -> Result<Map<String, Value>> {
    let headers = request.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" {
        return Err(Error::UnsupportedMediaType);
    }
    // A body that says it is compressed is not unpacked: no decompression bombs.
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Error::UnsupportedMediaType);
    }
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.purse());
    let purse = peer.ok_or(Error::Internal)?;
    let bytes = read_bounded(request.into_body(), MAX_BODY, BODY_LIMIT, &purse).await?;
    // Some programs begin UTF-8 with a mark (RFC 8259, 8.1, lets a reader skip it).
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match serde_json::from_slice(json) {
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

/// Reads a body, up to `most` bytes and for `limit` at most; while it comes it weighs. Of a larger one the rest
/// is taken off the line, within bounds: closing while it still comes would break the connection before the
/// client has read why.
///
/// # Errors
/// `MessageTooLarge`; `Malformed` when it breaks off or comes too slowly; `RateLimited` when too much comes in.
pub async fn read_bounded(
    body: axum::body::Body,
    most: usize,
    limit: Duration,
    purse: &Arc<Purse>,
) -> Result<Vec<u8>> {
    let (mut bytes, mut dropped) = (Vec::new(), 0);
    let mut held = purse.take_in(0)?;
    let mut stream = body.into_data_stream();
    let read = async {
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Error::Malformed("the body ended early".to_owned()))?;
            if dropped == 0 && bytes.len() + chunk.len() <= most {
                held.grow(chunk.len())?;
                bytes.extend_from_slice(&chunk);
            } else {
                dropped += chunk.len();
            }
            if dropped > MAX_DROPPED {
                break;
            }
        }
        Ok(())
    };
    let in_time = tokio::time::timeout(limit, read).await;
    match in_time {
        Ok(read) if dropped == 0 => read.map(|()| bytes),
        Err(_) if dropped == 0 => Err(Error::Malformed("the body came too slowly".to_owned())),
        _ => Err(Error::MessageTooLarge { limit: most }),
    }
}

/// The query string.
pub struct Query<T>(pub T);

impl<T: FromFields> FromRequestParts<Door> for Query<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        Ok(Self::of(parts.uri.query())?)
    }
}

impl<T: FromFields> Query<T> {
    /// Reads a query.
    ///
    /// # Errors
    /// Naming every bad field.
    pub fn of(query: Option<&str>) -> Result<Self> {
        let text = query.unwrap_or_default();
        let mut map = Map::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(64) {
            if map.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
                return Err(Error::Validation(FieldErrors::one(&name, "is given twice")));
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
        let segments = segments(parts, door).await?;
        let mut errors = FieldErrors::default();
        let parsed = segment(&segments, 0, &mut errors);
        parsed.map(Self).ok_or_else(|| Error::Validation(errors).into())
    }
}

/// Two ids, or other words, in the path.
pub struct PathPair<A, B>(pub A, pub B);

impl<A, B> FromRequestParts<Door> for PathPair<A, B>
where
    A: std::str::FromStr<Err: std::fmt::Display> + Send,
    B: std::str::FromStr<Err: std::fmt::Display> + Send,
{
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        let segments = segments(parts, door).await?;
        let mut errors = FieldErrors::default();
        let pair = (segment(&segments, 0, &mut errors), segment(&segments, 1, &mut errors));
        match pair {
            (Some(first), Some(second)) => Ok(Self(first, second)),
            _ => Err(Error::Validation(errors).into()),
        }
    }
}

async fn segments(parts: &mut Parts, door: &Door) -> Result<Vec<(String, String)>> {
    let segments = Path::<Vec<(String, String)>>::from_request_parts(parts, door).await;
    segments
        .map(|Path(segments)| segments)
        .map_err(|_| Error::Malformed("the path cannot be read".to_owned()))
}

fn segment<T>(segments: &[(String, String)], place: usize, errors: &mut FieldErrors) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let (name, text) = segments.get(place)?;
    text.parse().map_err(|problem: T::Err| errors.add(name, problem.to_string())).ok()
}
