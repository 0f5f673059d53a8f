//! The web client: what `npm run build` left in `web/dist` when this binary was compiled, served at `/`.
//!
//! The client has addresses of its own (`/chat/…`, `/admin/…`): a browser that opens one gets `index.html`,
//! and the client finds its way from there. Everything else that is not there stays a 404 in the API's form.
//! A binary that was compiled without the client shows a page that says so, and how to get it.

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
use crate::domain::{Error, error::Language};
use files::{Asset, Client};

/// What belongs to others: a wrong address there is no page.
const RESERVED: [&str; 6] = ["api", "socket.io", "docs", "metrics", "health", "assets"];

/// Deeper addresses are nobody's.
const MAX_DEPTH: usize = 16;

/// What makes the client installable, with names in the browser's language.
const MANIFEST: &str = "manifest.webmanifest";
const MANIFEST_IN_CHINESE: &str = "manifest.zh.webmanifest";

/// Whether the client was there when this binary was compiled.
#[must_use]
pub fn is_built() -> bool {
    Asset::find::<Client>(files::INDEX).is_some()
}

/// The client's files, and its index for its own addresses. To be merged last: it takes what is left.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(index)).fallback(anything_else)
}

async fn index(headers: HeaderMap) -> Response {
    page(&headers, 0)
}

async fn anything_else(request: Request) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    if !matches!(*method, Method::GET | Method::HEAD) {
        return no_such_address();
    }
    let path = uri.path().trim_start_matches('/');
    if path == MANIFEST {
        let name = if language_of(headers.get(header::ACCEPT_LANGUAGE)) == Language::Chinese {
            MANIFEST_IN_CHINESE
        } else {
            MANIFEST
        };
        return Asset::find::<Client>(name)
            .map_or_else(no_such_address, |asset| answer::in_language(&asset, headers));
    }
    if let Some(asset) = Asset::find::<Client>(path) {
        return answer::of(&asset, headers);
    }
    if !is_client_address(uri, headers) {
        return no_such_address();
    }
    page(headers, uri.path().trim_start_matches('/').matches('/').count().min(MAX_DEPTH))
}

/// The page for an address so many folders deep.
fn page(headers: &HeaderMap, depth: usize) -> Response {
    match Asset::find::<Client>(files::INDEX) {
        Some(index) if depth > 0 => answer::below(&index, depth),
        Some(index) => answer::of(&index, headers),
        None => answer::not_built(depth),
    }
}

fn no_such_address() -> Response {
    Refusal(Error::NotFound("address")).into_response()
}

/// Whether a browser opens an address that only the client can know: it asks for a page, by name, and the
/// address is nobody else's.
fn is_client_address(uri: &Uri, headers: &HeaderMap) -> bool {
    let first = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let asks_for_a_page = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html")));
    asks_for_a_page && !RESERVED.contains(&first)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_browser_that_opens_a_page_gets_the_client() {
        let opens = |path: &'static str, accept: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            is_client_address(&Uri::from_static(path), &headers)
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert!(opens("/chat/0123456789abcdef01234567", browser) && opens("/apiary", "text/html;q=0.5"));
        for path in
            ["/api/nowhere", "/api", "/socket.io/", "/docs/x", "/metrics/", "/health/x", "/assets/old.js"]
        {
            assert!(!opens(path, browser), "{path}");
        }
        for accept in ["*/*", "application/json", "", "text/htmlx"] {
            assert!(!opens("/chat", accept), "{accept}");
        }
    }
}
