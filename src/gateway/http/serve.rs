//! Serving stored bytes: conditions and ranges (RFC 9110, 13 and 14), and the headers that keep a
//! browser from running the content.

use std::{fmt::Write as _, ops::Range};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::Stream;

use super::error::RequestError;
use crate::domain::{
    Error, Result,
    file::{is_inline, served_type},
};

/// The content to serve.
pub struct Content<'a> {
    /// The entity tag, without quotes; it differs for different bytes.
    pub tag: &'a str,
    pub mime: &'a str,
    pub name: &'a str,
    /// The length in bytes.
    pub size: u64,
}

/// The requested part of the content.
#[derive(Debug, PartialEq, Eq)]
enum RequestedPart {
    /// The client has it already.
    Nothing,
    All,
    Part(Range<u64>),
    /// A part beyond the end.
    Beyond,
}

/// Whether a list of entity tags contains this one; `*` matches all. For `If-None-Match` weak tags
/// count, too.
fn names(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|entry| entry == "*" || entry.trim_start_matches("W/").trim_matches('"') == tag)
}

/// Parses a single range of bytes. An invalid range, or several, is ignored.
fn range(text: &str, size: u64) -> Option<RequestedPart> {
    let (unit, rest) = text.split_once('=')?;
    let (first, last) = rest.split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || rest.contains(',') {
        return None;
    }
    let (first, last) = (first.trim(), last.trim());
    // Digits only: Rust parses `+5` as a number, HTTP does not. A number that overflows is beyond
    // the file.
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let part = match (first.is_empty(), last.is_empty()) {
        (true, true) => return None,
        (true, false) => size.saturating_sub(number(last)?)..size,
        (false, true) => number(first)?..size,
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if part.start < part.end {
        RequestedPart::Part(part)
    } else {
        RequestedPart::Beyond
    })
}

fn requested_part(headers: &HeaderMap, content: &Content) -> RequestedPart {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|list| names(list, content.tag)) {
        return RequestedPart::Nothing;
    }
    // A part is useless if the content has, or may have, changed. A weak tag or a date is not proof
    // enough.
    let same = text(header::IF_RANGE).is_none_or(|tag| tag == format!("\"{}\"", content.tag));
    text(header::RANGE)
        .filter(|_| same)
        .and_then(|text| range(text, content.size))
        .unwrap_or(RequestedPart::All)
}

/// Returns `Content-Disposition` (RFC 6266): a name for old clients and the true one.
fn disposition(content: &Content) -> String {
    let kind = if is_inline(content.mime) {
        "inline"
    } else {
        "attachment"
    };
    let plain: String = content
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut text = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in content.name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Serves the requested part of `content`; `bytes` creates the stream of a part.
///
/// # Errors
/// `RangeNotSatisfiable`; `Internal` when a header could not be written.
pub fn serve<S>(
    headers: &HeaderMap,
    content: &Content,
    bytes: impl FnOnce(Range<u64>) -> S,
) -> Result<Response, RequestError>
where
    S: Stream<Item = Result<Bytes>> + Send + 'static,
{
    let (status, part) = match requested_part(headers, content) {
        RequestedPart::Nothing => (StatusCode::NOT_MODIFIED, 0..0),
        RequestedPart::All => (StatusCode::OK, 0..content.size),
        RequestedPart::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        RequestedPart::Beyond => {
            return Err(RequestError::RangeNotSatisfiable { size: content.size });
        }
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::ETAG, format!("\"{}\"", content.tag))
        // Each use checks the right again, and no copy stays on the disk of a shared computer.
        .header(header::CACHE_CONTROL, "private, no-store")
        .header(header::VARY, "authorization")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'",
        );
    if status != StatusCode::NOT_MODIFIED {
        response = response
            .header(header::CONTENT_TYPE, served_type(content.mime))
            .header(header::CONTENT_DISPOSITION, disposition(content))
            .header(
                header::CONTENT_LENGTH,
                HeaderValue::from(part.end - part.start),
            );
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let place = format!("bytes {}-{}/{}", part.start, part.end - 1, content.size);
        response = response.header(header::CONTENT_RANGE, place);
    }
    let body = if part.is_empty() {
        Body::empty()
    } else {
        Body::from_stream(bytes(part))
    };
    response.body(body).map_err(|error| {
        tracing::error!(%error, "a header could not be written");
        Error::Internal.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: Content<'static> = Content {
        tag: "abc",
        mime: "image/png",
        name: "x.png",
        size: 100,
    };

    fn asked(pairs: &[(HeaderName, &'static str)]) -> RequestedPart {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        requested_part(&headers, &PHOTO)
    }

    #[test]
    fn a_single_range_is_understood_and_no_other() {
        for (text, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-", 0..100),
            ("bytes=10-19", 10..20),
            ("bytes=90-1000", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("Bytes = 99-", 99..100),
            ("bytes=5-99999999999999999999999", 5..100),
        ] {
            assert_eq!(
                asked(&[(header::RANGE, text)]),
                RequestedPart::Part(part),
                "{text}"
            );
        }
        for text in [
            "bytes=100-",
            "bytes=-0",
            "bytes=100-200",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(
                asked(&[(header::RANGE, text)]),
                RequestedPart::Beyond,
                "{text}"
            );
        }
        for text in [
            "bytes=5-4",
            "bytes=0-1,5-6",
            "lines=1-2",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-5",
            "5-6",
        ] {
            assert_eq!(
                asked(&[(header::RANGE, text)]),
                RequestedPart::All,
                "{text}"
            );
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for list in ["\"abc\"", "\"x\", \"abc\"", "W/\"abc\"", "*"] {
            assert_eq!(
                asked(&[(header::IF_NONE_MATCH, list), (header::RANGE, "bytes=0-1")]),
                RequestedPart::Nothing
            );
        }
        assert_eq!(
            asked(&[(header::IF_NONE_MATCH, "\"abcd\"")]),
            RequestedPart::All
        );
        let part = (header::RANGE, "bytes=0-1");
        assert_eq!(
            asked(&[part.clone(), (header::IF_RANGE, "\"abc\"")]),
            RequestedPart::Part(0..2)
        );
        for other in ["\"x\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(
                asked(&[part.clone(), (header::IF_RANGE, other)]),
                RequestedPart::All,
                "{other}"
            );
        }
    }

    #[test]
    fn a_name_of_any_script_breaks_no_header() {
        let content = Content {
            name: "胸片 \"1\";\r\n.html",
            mime: "text/html",
            ..PHOTO
        };
        let text = disposition(&content);
        assert!(HeaderValue::try_from(&text).is_ok(), "{text}");
        assert!(
            text.starts_with("attachment; filename=\"__ _1____.html\"; filename*=UTF-8''%E8%83%B8"),
            "{text}"
        );
        assert!(disposition(&PHOTO).starts_with("inline"));
    }
}
