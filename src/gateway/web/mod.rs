//! The web client: the output of `npm run build` in `web/dist` when this binary was compiled,
//! served at `/`.
//!
//! The client has its own addresses (`/chat/…`, `/admin/…`). A browser that opens one gets
//! `index.html`, and the client shows the right page. Any other unknown address stays a 404 in the
//! API's form. A binary without the client shows a page that explains this, and how to get it.

mod answer;
mod files;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Method, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::http::answer::{Refusal, language_of};
use crate::{domain::Error, gateway::i18n::Language};
use files::{Asset, Client};

/// Path segments of other parts: an unknown address below them is not a page.
const RESERVED_FIRST_SEGMENTS: [&str; 12] = [
    "api",
    "auth",
    "assets",
    "docs",
    "files",
    "gochat-web",
    "health",
    "metrics",
    "rpc",
    "socket.io",
    "stats",
    "ws",
];

/// The deepest address of the client.
const MAX_PATH_DEPTH: usize = 16;

/// The web app manifests, which make the client installable, with names in the browser's language.
const MANIFEST_FILE: &str = "manifest.webmanifest";
const CHINESE_MANIFEST_FILE: &str = "manifest.zh.webmanifest";

/// Whether the client existed when this binary was compiled.
#[must_use]
pub fn is_built() -> bool {
    Asset::find::<Client>(files::INDEX_FILE).is_some()
}

/// Returns the routes of the client's files, and its index for its own addresses. Must be merged
/// last: its fallback takes all other addresses.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(index))
        .fallback(serve_other_path)
}

async fn index(headers: HeaderMap) -> Response {
    page(&headers, 0)
}

async fn serve_other_path(request: Request) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    if !matches!(*method, Method::GET | Method::HEAD) {
        return not_found();
    }
    let path = uri.path().trim_start_matches('/');
    if path == MANIFEST_FILE {
        let name = if language_of(headers.get(header::ACCEPT_LANGUAGE)) == Language::Chinese {
            CHINESE_MANIFEST_FILE
        } else {
            MANIFEST_FILE
        };
        return Asset::find::<Client>(name)
            .map_or_else(not_found, |asset| answer::localized(&asset, headers));
    }
    if let Some(asset) = Asset::find::<Client>(path) {
        return answer::of(&asset, headers);
    }
    if !is_client_address(uri, headers) {
        return not_found();
    }
    page(
        headers,
        uri.path()
            .trim_start_matches('/')
            .matches('/')
            .count()
            .min(MAX_PATH_DEPTH),
    )
}

/// Returns the page for an address `depth` folders deep.
fn page(headers: &HeaderMap, depth: usize) -> Response {
    match Asset::find::<Client>(files::INDEX_FILE) {
        Some(index) if depth > 0 => answer::page_at_depth(&index, depth),
        Some(index) => answer::of(&index, headers),
        None => answer::not_built(depth),
    }
}

fn not_found() -> Response {
    Refusal::from(Error::NotFound("address")).into_response()
}

/// Whether a browser opens an address of the client: it explicitly accepts a page, and the address
/// belongs to no other part.
fn is_client_address(uri: &Uri, headers: &HeaderMap) -> bool {
    let first = uri
        .path()
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let asks_for_a_page = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
        });
    asks_for_a_page && !RESERVED_FIRST_SEGMENTS.contains(&first)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_browser_that_opens_a_page_gets_the_client() {
        let opens = |path: &'static str, accept: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            is_client_address(&Uri::from_static(path), &headers)
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert!(
            opens("/chat/0123456789abcdef01234567", browser) && opens("/apiary", "text/html;q=0.5")
        );
        for path in [
            "/api/nowhere",
            "/api",
            "/socket.io/",
            "/docs/x",
            "/metrics/",
            "/health/x",
            "/assets/old.js",
        ] {
            assert!(!opens(path, browser), "{path}");
        }
        for accept in ["*/*", "application/json", "", "text/htmlx"] {
            assert!(!opens("/chat", accept), "{accept}");
        }
    }
}
