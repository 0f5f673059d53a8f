//! What every request passes through: its id, the believed address, a trace line, security headers, CORS,
//! time and body bounds.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Version, header, uri::Authority},
    middleware::{self, Next},
    response::Response,
};
use ipnet::IpNet;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};

use super::{
    Door,
    address::{self, Way},
    answer::{Refusal, render},
    leftover::take_off_the_line,
    listener::Peer,
    origin::Origins,
    trail,
};
use crate::domain::Error;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request may take so long; beyond the commit path's own patience.
const REQUEST_LIMIT: Duration = Duration::from_secs(40);

#[derive(Clone, Copy)]
struct FreshId;

impl MakeRequestId for FreshId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("{:032x}", rand::random::<u128>());
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// A caller's own request id is kept if it is one: short, and of harmless characters.
fn drop_odd_request_id(mut request: Request) -> Request {
    let odd = request.headers().get(&REQUEST_ID).is_some_and(|id| {
        id.len() > 64
            || !id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    });
    if odd {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

async fn believe_address(State(trusted): State<Arc<[IpNet]>>, mut request: Request, next: Next) -> Response {
    let mut request = {
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<Peer>>() {
            let address = address::client_address(peer.address, request.headers(), &trusted);
            let way = address::way(peer.address, request.headers(), &trusted);
            request.extensions_mut().insert(address);
            request.extensions_mut().insert(way);
        }
        drop_odd_request_id(request)
    };
    request.headers_mut().remove(header::COOKIE);
    next.run(request).await
}

/// Headers that browsers heed. The service's pages bring everything with them; the API's documentation page
/// needs inline styles.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), geolocation=()")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; \
             object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        ),
    ),
];

/// Who came over TLS once does not come without it again, for a year.
static STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

async fn secure(request: Request, next: Next) -> Response {
    // What belongs to a person stays out of caches that belong to others.
    let path = request.uri().path();
    let is_api = path.starts_with("/api/") || path.starts_with("/socket.io");
    let is_secure = request.extensions().get::<Way>().is_some_and(|way| way.is_secure);
    let mut response = next.run(request).await;
    for (name, value) in &SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    if is_api {
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    if is_secure {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT.clone());
    }
    response
}

async fn count(request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let response = next.run(request).await;
    let class = match response.status().as_u16() {
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("wardline_http_requests_total", "status" => class).increment(1);
    metrics::histogram!("wardline_http_seconds").record(started.elapsed().as_secs_f64());
    response
}

fn cors(origins: Origins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(origins.predicate()))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        // Original clients of the protocol ask with credentials, though there are no cookies here.
        .allow_credentials(true)
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("x-session-id"),
            HeaderName::from_static("x-requested-with"),
            HeaderName::from_static("idempotency-key"),
            header::ACCEPT_LANGUAGE,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            REQUEST_ID.clone(),
        ])
        .expose_headers([
            REQUEST_ID.clone(),
            header::RETRY_AFTER,
            header::ETAG,
            header::ACCEPT_RANGES,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
        ])
        .max_age(Duration::from_mins(10))
}

/// Whether a request says which host it asks, once and readably (RFC 9112, 3.2).
fn names_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            host.is_empty()
                || host.to_str().is_ok_and(|host| !host.contains('@') && host.parse::<Authority>().is_ok())
        }
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Refuses what names no host or several, and sockets of pages that are not allowed, before it reaches anything.
async fn admit(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    use axum::response::IntoResponse;
    if !names_host(&request) {
        return Refusal(Error::Malformed("the request must name one host".to_owned())).into_response();
    }
    let opens_socket = request.uri().path().starts_with("/socket.io");
    if opens_socket && !origins.admit(request.headers(), request.extensions()) {
        return Refusal(Error::Forbidden("this origin is not allowed")).into_response();
    }
    next.run(request).await
}

/// Whether a request brings a form. How long that takes is up to the line; what reads it
/// ([`super::form`]) has bounds of its own.
fn brings_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
}

async fn in_time(request: Request, next: Next) -> Response {
    use axum::response::IntoResponse;
    if brings_form(&request) {
        return next.run(request).await;
    }
    let answered = tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::GATEWAY_TIMEOUT.into_response())
}

/// Puts the bounds of a REST call around `routes`: time and panics. The body's is its extractor's.
pub fn bound(routes: Router) -> Router {
    routes.layer(ServiceBuilder::new().layer(middleware::from_fn(in_time)).layer(CatchPanicLayer::new()))
}

/// Puts around everything what every request passes through.
pub fn wrap(door: &Door, everything: Router) -> Router {
    let origins = Origins::new(&door.settings);
    let trusted: Arc<[IpNet]> = door.settings.trusted_proxies.clone().into();
    let span = |request: &Request| {
        let id = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        // The path alone: a query may hold a keyword, and that is message text.
        tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
    };
    everything.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(trusted, believe_address))
            .layer(SetRequestIdLayer::new(REQUEST_ID.clone(), FreshId))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID.clone()))
            .layer(middleware::from_fn_with_state(door.clone(), trail::follow))
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(span)
                    .on_request(())
                    .on_response(|response: &Response, took: Duration, _: &tracing::Span| {
                        tracing::debug!(
                            status = response.status().as_u16(),
                            took_ms = took.as_millis(),
                            "answered"
                        );
                    })
                    .on_failure(()),
            )
            .layer(middleware::from_fn(count))
            .layer(middleware::from_fn(secure))
            .layer(cors(origins.clone()))
            .layer(middleware::from_fn(render))
            .layer(middleware::from_fn(take_off_the_line))
            .layer(middleware::from_fn_with_state(origins, admit)),
    )
}
