//! A file as an HTTP answer: its content coding, how long it may be cached, what the page may do.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::files::{Asset, ContentCoding};

/// The origins from which the client's page may load and to which it may send: this service alone.
/// Neither scripts nor style sheets are inline. Pictures and sounds fetched with a token are shown
/// from memory (`blob:`).
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// The page that is shown without a client contains its one style sheet.
const CONTENT_POLICY_WITHOUT_CLIENT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Voice notes need the microphone; nothing else is needed.
const PERMISSIONS_POLICY_VALUE: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(), microphone=(self)");

const PERMISSIONS_POLICY_HEADER: HeaderName = HeaderName::from_static("permissions-policy");

/// The content of a hashed name never changes. All else is revalidated, at the cost of a 304.
const CACHE_FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const CACHE_WITH_REVALIDATION: HeaderValue = HeaderValue::from_static("no-cache");

/// Returns the answer to a GET of `asset` (also to HEAD: the server omits the body).
pub fn of(asset: &Asset, request: &HeaderMap) -> Response {
    let (coding, bytes) = asset.form(|coding| accepts(request, coding));
    let tag = asset.tag(coding);
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::try_from(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(
        header::CACHE_CONTROL,
        if asset.is_hashed() {
            CACHE_FOREVER
        } else {
            CACHE_WITH_REVALIDATION
        },
    );
    if asset.varies() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if asset.is_page() {
        headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
        headers.insert(PERMISSIONS_POLICY_HEADER, PERMISSIONS_POLICY_VALUE);
    }
    if is_known(request, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if let Ok(kind) = HeaderValue::try_from(asset.media_type()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if coding != ContentCoding::Identity {
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(coding.name()),
        );
    }
    (headers, Body::from(bytes)).into_response()
}

/// Returns the page for an address `depth` folders deep, whose resources are that many folders
/// above. The relative path is the same below any prefix of a proxy.
pub fn page_at_depth(page: &Asset, depth: usize) -> Response {
    let (_, bytes) = page.form(|_| false);
    let text =
        String::from_utf8_lossy(&bytes).replace("=\"./", &format!("=\"{}", "../".repeat(depth)));
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, CACHE_WITH_REVALIDATION);
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    headers.insert(PERMISSIONS_POLICY_HEADER, PERMISSIONS_POLICY_VALUE);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    (headers, text).into_response()
}

/// Returns the answer with a file that exists for each language: caches must distinguish them.
pub fn localized(asset: &Asset, request: &HeaderMap) -> Response {
    let mut response = of(asset, request);
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// Returns the page at `/` when the client was not compiled in; its link is `depth` folders above.
pub fn not_built(depth: usize) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        CONTENT_POLICY_WITHOUT_CLIENT,
    );
    let page = include_str!("not_built.html")
        .replace("\"docs/\"", &format!("\"{}docs/\"", "../".repeat(depth)));
    (headers, page).into_response()
}

/// Whether `Accept-Encoding` allows a coding (RFC 9110, 12.5.3). Without the header nothing is
/// compressed.
fn accepts(request: &HeaderMap, coding: ContentCoding) -> bool {
    let mut any = None;
    for entry in entries(request, &header::ACCEPT_ENCODING) {
        let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let quality = parameters
            .trim()
            .strip_prefix("q=")
            .map_or(Ok(1.0), |q| q.trim().parse::<f32>());
        let allowed = quality.is_ok_and(|quality| quality > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case(coding.name()) => return allowed,
            "*" => any = Some(allowed),
            _ => {}
        }
    }
    any.unwrap_or(coding == ContentCoding::Identity)
}

/// Whether `If-None-Match` names this tag, weakly or not (RFC 9110, 13.1.2).
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    entries(request, &header::IF_NONE_MATCH)
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Returns the entries of a list header, over all its lines; at most as many as a usual browser
/// sends.
fn entries<'a>(request: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = request
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).take(32)
}

#[cfg(test)]
mod tests {
    use rust_embed::RustEmbed;

    use super::*;

    /// A client as the web build writes it, small enough to read.
    #[derive(RustEmbed)]
    #[folder = "tests/it/web-client/"]
    struct Small;

    fn get(path: &str, lines: &[(HeaderName, &'static str)]) -> Response {
        let lines = lines
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        of(&Asset::find::<Small>(path).unwrap(), &lines.collect())
    }

    async fn body(response: Response) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap()
            .to_vec()
    }

    #[tokio::test]
    async fn the_best_form_the_browser_takes_is_sent() {
        for (accept, coding, content) in [
            (
                "gzip, deflate, br, zstd",
                Some("br"),
                "packed with brotli\n",
            ),
            ("gzip;q=1.0, br;q=0", Some("gzip"), "packed with gzip\n"),
            ("*", Some("br"), "packed with brotli\n"),
            ("*;q=0, gzip", Some("gzip"), "packed with gzip\n"),
            ("deflate", None, "plain\n"),
            ("br;q=nonsense", None, "plain\n"),
        ] {
            let response = get(
                "assets/app-1a2b3c4d.js",
                &[(header::ACCEPT_ENCODING, accept)],
            );
            let headers = response.headers().clone();
            assert_eq!(
                headers
                    .get(header::CONTENT_ENCODING)
                    .map(|c| c.to_str().unwrap()),
                coding,
                "{accept}"
            );
            assert_eq!(headers[header::VARY], "accept-encoding");
            assert_eq!(
                headers[header::CONTENT_TYPE],
                "text/javascript; charset=utf-8"
            );
            assert_eq!(
                headers[header::CACHE_CONTROL],
                "public, max-age=31536000, immutable"
            );
            assert_eq!(body(response).await, content.as_bytes(), "{accept}");
        }
        assert_eq!(body(get("assets/app-1a2b3c4d.js", &[])).await, b"plain\n");
        assert!(
            Asset::find::<Small>("assets/app-1a2b3c4d.js.br").is_none(),
            "a twin is no file of its own"
        );
    }

    #[tokio::test]
    async fn what_the_browser_has_is_not_sent_again() {
        let page = get("index.html", &[]);
        let tag: &'static str = page.headers()[header::ETAG]
            .to_str()
            .unwrap()
            .to_owned()
            .leak();
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        assert!(
            page.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("script-src 'self';")
        );
        for known in [
            tag,
            &*format!("W/{tag}").leak(),
            &*format!("\"other\", {tag}").leak(),
            "*",
        ] {
            let again = get("index.html", &[(header::IF_NONE_MATCH, known)]);
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert!(again.headers().contains_key(header::ETAG) && body(again).await.is_empty());
        }
        let other = get("index.html", &[(header::IF_NONE_MATCH, "\"another\"")]);
        assert_eq!(other.status(), StatusCode::OK);
        let forms = ["br", "gzip", "identity"].map(|coding| {
            let response = get(
                "assets/app-1a2b3c4d.js",
                &[(header::ACCEPT_ENCODING, coding)],
            );
            response.headers()[header::ETAG].clone()
        });
        assert!(
            forms[0] != forms[1] && forms[1] != forms[2],
            "each form has a tag of its own"
        );
    }
}
