//! Serving stored bytes: conditions and ranges (RFC 9110, 13 and 14), and the headers that keep a browser
//! from running what it fetches.

use std::{fmt::Write as _, ops::Range};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::Stream;

use crate::domain::{
    Error, Result,
    file::{is_inline, served_type},
};

/// What is to be served.
pub struct Content<'a> {
    /// Without quotes; another one for other bytes.
    pub tag: &'a str,
    pub mime: &'a str,
    pub name: &'a str,
    /// Bytes.
    pub size: u64,
}

/// What of it the client wants.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// It has it already.
    Nothing,
    All,
    Part(Range<u64>),
    /// A part that is not there.
    Beyond,
}

/// Whether a list of entity tags names this one; `*` names all. For `If-None-Match` weak ones count, too.
fn names(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|entry| entry == "*" || entry.trim_start_matches("W/").trim_matches('"') == tag)
}

/// A single range of bytes; what is none, or several, is as if nothing were said.
fn range(text: &str, size: u64) -> Option<Wanted> {
    let (unit, rest) = text.split_once('=')?;
    let (first, last) = rest.split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || rest.contains(',') {
        return None;
    }
    let (first, last) = (first.trim(), last.trim());
    // Digits only: `+5` is a number to Rust and none here. What is beyond all numbers is beyond the file.
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
    Some(if part.start < part.end { Wanted::Part(part) } else { Wanted::Beyond })
}

fn wanted(headers: &HeaderMap, content: &Content) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|list| names(list, content.tag)) {
        return Wanted::Nothing;
    }
    // A part of what has changed since, or may have, is of no use; a weak tag or a date says too little.
    let same = text(header::IF_RANGE).is_none_or(|tag| tag == format!("\"{}\"", content.tag));
    text(header::RANGE).filter(|_| same).and_then(|text| range(text, content.size)).unwrap_or(Wanted::All)
}

/// `Content-Disposition` (RFC 6266): a name for old clients and the true one.
fn disposition(content: &Content) -> String {
    let kind = if is_inline(content.mime) { "inline" } else { "attachment" };
    let plain: String = content
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_') { c } else { '_' })
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

/// Answers with what the client wants of `content`; `bytes` makes a stream of a part.
///
/// # Errors
/// `RangeNotSatisfiable`; `Internal` when a header could not be written.
pub fn serve<S>(
    headers: &HeaderMap,
    content: &Content,
    bytes: impl FnOnce(Range<u64>) -> S,
) -> Result<Response>
where
    S: Stream<Item = Result<Bytes>> + Send + 'static,
{
    let (status, part) = match wanted(headers, content) {
        Wanted::Nothing => (StatusCode::NOT_MODIFIED, 0..0),
        Wanted::All => (StatusCode::OK, 0..content.size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Beyond => return Err(Error::RangeNotSatisfiable { size: content.size }),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::ETAG, format!("\"{}\"", content.tag))
        // Each use asks again whether it may, and no copy stays on the disk of a shared computer.
        .header(header::CACHE_CONTROL, "private, no-store")
        .header(header::VARY, "authorization")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    if status != StatusCode::NOT_MODIFIED {
        response = response
            .header(header::CONTENT_TYPE, served_type(content.mime))
            .header(header::CONTENT_DISPOSITION, disposition(content))
            .header(header::CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let place = format!("bytes {}-{}/{}", part.start, part.end - 1, content.size);
        response = response.header(header::CONTENT_RANGE, place);
    }
    let body = if part.is_empty() { Body::empty() } else { Body::from_stream(bytes(part)) };
    response.body(body).map_err(|error| {
        tracing::error!(%error, "a header could not be written");
        Error::Internal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: Content<'static> = Content { tag: "abc", mime: "image/png", name: "x.png", size: 100 };

    fn asked(pairs: &[(HeaderName, &'static str)]) -> Wanted {
        let headers: HeaderMap =
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        wanted(&headers, &PHOTO)
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
            assert_eq!(asked(&[(header::RANGE, text)]), Wanted::Part(part), "{text}");
        }
        for text in ["bytes=100-", "bytes=-0", "bytes=100-200", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(&[(header::RANGE, text)]), Wanted::Beyond, "{text}");
        }
        for text in
            ["bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=+1-5", "5-6"]
        {
            assert_eq!(asked(&[(header::RANGE, text)]), Wanted::All, "{text}");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for list in ["\"abc\"", "\"x\", \"abc\"", "W/\"abc\"", "*"] {
            assert_eq!(
                asked(&[(header::IF_NONE_MATCH, list), (header::RANGE, "bytes=0-1")]),
                Wanted::Nothing
            );
        }
        assert_eq!(asked(&[(header::IF_NONE_MATCH, "\"abcd\"")]), Wanted::All);
        let part = (header::RANGE, "bytes=0-1");
        assert_eq!(asked(&[part.clone(), (header::IF_RANGE, "\"abc\"")]), Wanted::Part(0..2));
        for other in ["\"x\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(asked(&[part.clone(), (header::IF_RANGE, other)]), Wanted::All, "{other}");
        }
    }

    #[test]
    fn a_name_of_any_script_breaks_no_header() {
        let content = Content { name: "胸片 \"1\";\r\n.html", mime: "text/html", ..PHOTO };
        let text = disposition(&content);
        assert!(HeaderValue::try_from(&text).is_ok(), "{text}");
        assert!(
            text.starts_with("attachment; filename=\"__ _1____.html\"; filename*=UTF-8''%E8%83%B8"),
            "{text}"
        );
        assert!(disposition(&PHOTO).starts_with("inline"));
    }
}
