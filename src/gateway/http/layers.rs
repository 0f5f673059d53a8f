//! The layers of every request: its id, the client address, a trace line, security headers, CORS,
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
    AppState,
    address::{self, RequestOrigin},
    answer::{Refusal, render_failures},
    audit_context,
    drainable_body::drain_refused_body,
    error::RequestError,
    listener::Peer,
    origin::Origins,
};
use crate::domain::Error;

static REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest time of a request; it exceeds the deadline of the commit path.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

#[derive(Clone, Copy)]
struct FreshId;

impl MakeRequestId for FreshId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("{:032x}", rand::random::<u128>());
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// Drops a caller's own request id unless it is short and of harmless characters.
fn drop_invalid_request_id(mut request: Request) -> Request {
    let odd = request.headers().get(&REQUEST_ID_HEADER).is_some_and(|id| {
        id.len() > 64
            || !id
                .as_bytes()
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    });
    if odd {
        request.headers_mut().remove(&REQUEST_ID_HEADER);
    }
    request
}

async fn resolve_client_address(
    State(trusted): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut request = {
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<Peer>>() {
            let address = address::client_address(peer.address, request.headers(), &trusted);
            let request_origin = address::request_origin(peer.address, request.headers(), &trusted);
            request.extensions_mut().insert(address);
            request.extensions_mut().insert(request_origin);
        }
        drop_invalid_request_id(request)
    };
    request.headers_mut().remove(header::COOKIE);
    next.run(request).await
}

/// Headers that browsers obey. The service's pages need no external resources; the API's
/// documentation page needs inline styles.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=()"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; \
             object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        ),
    ),
];

/// A browser that once used TLS uses nothing else for a year.
static STRICT_TRANSPORT_VALUE: HeaderValue = HeaderValue::from_static("max-age=31536000");

async fn add_security_headers(request: Request, next: Next) -> Response {
    // A user's data stays out of shared caches.
    let path = request.uri().path();
    let is_api = path.starts_with("/api/") || path.starts_with("/socket.io");
    let is_secure = request
        .extensions()
        .get::<RequestOrigin>()
        .is_some_and(|request_origin| request_origin.is_secure);
    let mut response = next.run(request).await;
    for (name, value) in &SECURITY_HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert_with(|| value.clone());
    }
    if is_api {
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    if is_secure {
        response.headers_mut().insert(
            header::STRICT_TRANSPORT_SECURITY,
            STRICT_TRANSPORT_VALUE.clone(),
        );
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
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        // Original clients of the protocol send requests with credentials, though there are no
        // cookies here.
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
            REQUEST_ID_HEADER.clone(),
        ])
        .expose_headers([
            REQUEST_ID_HEADER.clone(),
            header::RETRY_AFTER,
            header::ETAG,
            header::ACCEPT_RANGES,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
        ])
        .max_age(Duration::from_mins(10))
}

/// Whether a request names exactly one readable host (RFC 9112, 3.2).
fn has_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            host.is_empty()
                || host
                    .to_str()
                    .is_ok_and(|host| !host.contains('@') && host.parse::<Authority>().is_ok())
        }
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Refuses a request with no host or several, and a socket of a page that is not allowed. This runs
/// before all other layers.
async fn check_host_and_origin(
    State(origins): State<Origins>,
    request: Request,
    next: Next,
) -> Response {
    use axum::response::IntoResponse;
    if !has_one_host(&request) {
        return Refusal(RequestError::malformed("the request must name one host")).into_response();
    }
    // Whatever the path: no upgrade can be forgotten. Socket.IO also polls.
    let opens_socket = request.headers().contains_key(header::UPGRADE)
        || request.uri().path().starts_with("/socket.io");
    if opens_socket && !origins.allows_upgrade(request.headers(), request.extensions()) {
        return Refusal::from(Error::Forbidden("this origin is not allowed")).into_response();
    }
    next.run(request).await
}

/// Whether a request carries a form. Its time depends on the client's connection; its reader
/// ([`super::form`]) has its own bounds.
fn is_form_upload(request: &Request) -> bool {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/form-data")
    })
}

async fn limit_request_time(request: Request, next: Next) -> Response {
    use axum::response::IntoResponse;
    if is_form_upload(&request) {
        return next.run(request).await;
    }
    let answered = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::GATEWAY_TIMEOUT.into_response())
}

/// Adds the bounds of a REST call to `routes`: time and panics. The extractor bounds the body.
pub fn bound(routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn(limit_request_time))
            .layer(CatchPanicLayer::new()),
    )
}

/// Adds the layers of every request.
pub fn wrap(app: &AppState, everything: Router) -> Router {
    let origins = Origins::new(&app.settings);
    let trusted: Arc<[IpNet]> = app.settings.listen.trusted_proxies.clone().into();
    let span = |request: &Request| {
        let id = request
            .headers()
            .get(&REQUEST_ID_HEADER)
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        // Only the path is logged: a query may hold a search keyword, which is message text.
        tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
    };
    everything.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(
                trusted,
                resolve_client_address,
            ))
            .layer(SetRequestIdLayer::new(REQUEST_ID_HEADER.clone(), FreshId))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID_HEADER.clone()))
            .layer(middleware::from_fn_with_state(
                app.clone(),
                audit_context::audit_request,
            ))
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
            .layer(middleware::from_fn(add_security_headers))
            .layer(cors(origins.clone()))
            .layer(middleware::from_fn(render_failures))
            .layer(middleware::from_fn(drain_refused_body))
            .layer(middleware::from_fn_with_state(
                origins,
                check_host_and_origin,
            )),
    )
}
