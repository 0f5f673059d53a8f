//! The requests below `/socket.io`, before and after the Socket.IO library.
//!
//! The library accepts any request for an upgrade, reads bodies without counting them in the load,
//! and does not report what was sent. So upgrades are checked and carried out here, over a
//! transport that counts its bytes ([`super::metered_transport`]). Bodies are read here, and the
//! answer to a poll is subtracted from the session's load.
//!
//! A handshake keeps only the few headers that the library and the service need. The library keeps
//! the request for as long as the connection lives, and with it hyper's read buffer (16 KiB a
//! connection).

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socketioxide::service::SocketIoService;
use tower::{Service, ServiceExt};

use super::{
    metered_transport::MeteredTransport,
    packet_filter::filter_body,
    session_registry::{SessionEntry, SessionRegistry},
};
use crate::{
    domain::{Error, network::Network},
    gateway::http::{
        AppState, address::ClientAddress, answer::Refusal, error::Result, extract::read_bounded,
        listener::Peer,
    },
    gateway::transport::upgrade::{RefusedUpgrade, check_upgrade},
};

/// The headers of a handshake that the library, hyper and the service need.
const KEPT_HEADERS: [HeaderName; 5] = [
    header::SEC_WEBSOCKET_KEY,
    header::AUTHORIZATION,
    header::USER_AGENT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
];
/// The path of the library.
const SOCKET_IO_PATH: &str = "/socket.io";
/// How long the body of a polling request may take.
const POLLING_BODY_TIMEOUT: Duration = Duration::from_mins(1);
/// The longest answer of the library that is inspected: a handshake or an error.
const MAX_INSPECTED_BYTES: usize = 4 << 10;
/// How many bytes the library adds when it refuses a namespace.
const NAMESPACE_REFUSAL_BYTES: usize = 64;

/// The service for paths other than `/socket.io`: always 404.
#[derive(Clone, Copy)]
pub struct NotFoundService;

impl Service<Request> for NotFoundService {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        ready(Ok(StatusCode::NOT_FOUND.into_response()))
    }
}

/// The library, with the checks before and after it.
#[derive(Clone)]
pub(super) struct Transport {
    pub service: SocketIoService<NotFoundService>,
    pub registry: Arc<SessionRegistry>,
    pub app: AppState,
    /// The largest body of a poll, bytes.
    pub max_frame_bytes: usize,
}

/// The query parameters that concern the transport.
struct TransportQuery {
    session: Option<String>,
    is_websocket: bool,
}

fn parse_query(uri: &Uri) -> TransportQuery {
    let query = uri.query().unwrap_or_default();
    // The library reads them this way: the first of each, undecoded.
    let first = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    TransportQuery {
        session: first("sid").map(str::to_owned),
        is_websocket: first("transport") == Some("websocket"),
    }
}

/// The middleware: requests below `/socket.io` go to the library, all others to `next`.
pub(super) async fn serve(
    State(transport): State<Transport>,
    request: Request,
    next: Next,
) -> Response {
    let Some(rest) = request.uri().path().strip_prefix(SOCKET_IO_PATH) else {
        return next.run(request).await;
    };
    let mut response = match rest {
        "" | "/" => transport
            .dispatch(request)
            .await
            .unwrap_or_else(|error| Refusal::from(error).into_response()),
        _ if rest.starts_with('/') => Refusal::from(Error::NotFound("address")).into_response(),
        _ => return next.run(request).await,
    };
    // A response to one user must not be cached for another.
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Transport {
    async fn dispatch(&self, request: Request) -> Result<Response> {
        let TransportQuery {
            session,
            is_websocket,
        } = parse_query(request.uri());
        match (request.method(), session, is_websocket) {
            (&Method::GET, session, true) => self.upgrade(request, session).await,
            (&Method::GET, None, false) => self.open(request).await,
            (&Method::GET, Some(session), false) => self.poll(request, &session).await,
            (&Method::POST, Some(session), false) => self.post(request, &session).await,
            _ => Ok(self.call(request).await),
        }
    }

    /// Calls the library; the codes in its errors become JSON numbers.
    async fn call(&self, request: Request) -> Response {
        let Ok(response) = self.service.clone().oneshot(request).await;
        let response = response.map(Body::new);
        if response.status() != StatusCode::BAD_REQUEST
            || response.body().size_hint().exact() == Some(0)
        {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let text = to_bytes(body, MAX_INSPECTED_BYTES)
            .await
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let number = |code: &str| {
            (
                format!("{{\"code\":\"{code}\""),
                format!("{{\"code\":{code}"),
            )
        };
        let found = ["0", "1", "2", "3", "4", "5"]
            .map(number)
            .into_iter()
            .find(|(quoted, _)| text.starts_with(quoted));
        let text = found.map_or_else(
            || text.to_string(),
            |(quoted, plain)| text.replacen(&quoted, &plain, 1),
        );
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(text))
    }

    /// Admits a handshake. Handshakes are limited for each network, and so are its unauthenticated
    /// sessions.
    fn admit_handshake(&self, request: &Request) -> Result<Arc<SessionEntry>> {
        let address = request
            .extensions()
            .get::<ClientAddress>()
            .ok_or(Error::Internal)?;
        let network = Network::of(address.0);
        self.app.limits.check_handshake(network)?;
        let (entry, oldest) = self.registry.register(network)?;
        if let Some(oldest) = oldest.filter(|_| self.app.settings.limits.rate_limit) {
            self.part(&oldest);
        }
        Ok(entry)
    }

    /// Closes the connection of an unauthenticated session.
    pub fn part(&self, entry: &SessionEntry) {
        if !entry.cut()
            && let Some(session) = entry.session()
        {
            self.end(session.to_owned());
        }
    }

    /// Admits no handshake any more. A client that is still authenticating loses its connection and
    /// therefore reconnects. A library that is closing would refuse it for good (`Invalid
    /// namespace`).
    pub fn close(&self) {
        for stranger in self.registry.close() {
            self.part(&stranger);
        }
    }

    /// Ends a polling session as its client would.
    fn end(&self, session: String) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let transport = self.clone();
        runtime.spawn(async move {
            let address = format!("{SOCKET_IO_PATH}/?EIO=4&transport=polling&sid={session}");
            if let Ok(request) = Request::post(address).body(Body::from("1")) {
                transport.call(request).await;
            }
        });
    }

    /// Handles the handshake of a polling session.
    async fn open(&self, mut request: Request) -> Result<Response> {
        let entry = self.admit_handshake(&request)?;
        trim_handshake_request(&mut request);
        request.extensions_mut().insert(Arc::clone(&entry));
        let (parts, body) = self.call(request).await.into_parts();
        let text = to_bytes(body, MAX_INSPECTED_BYTES)
            .await
            .map_err(|_| Error::Internal)?;
        if parts.status == StatusCode::OK {
            let opened: serde_json::Value =
                serde_json::from_slice(text.get(1..).unwrap_or_default())
                    .map_err(|_| Error::Internal)?;
            self.registry
                .name(opened["sid"].as_str().unwrap_or_default(), &entry);
            // The registry may have been closed before the session had an id by which it can be
            // ended.
            if entry.is_rejected() {
                self.part(&entry);
                return Err(Error::Unavailable.into());
            }
        }
        Ok(Response::from_parts(parts, Body::from(text)))
    }

    /// Handles a poll. Its answer moves from the session's load to that of the connection.
    async fn poll(&self, request: Request, session: &str) -> Result<Response> {
        let entry = self.registry.find(session);
        if let (Some(load_account), Some(peer)) = (
            entry.as_ref().and_then(|entry| entry.load.load_account()),
            peer(&request),
        ) {
            peer.set_load_account(load_account);
        }
        let response = self.call(request).await;
        if let Some(entry) = entry.filter(|_| response.status() == StatusCode::OK) {
            entry.load.written(
                usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX),
            );
        }
        Ok(response)
    }

    /// Handles the packets that a polling client sends.
    async fn post(&self, request: Request, session: &str) -> Result<Response> {
        let entry = self.registry.find(session);
        if entry.as_ref().is_some_and(|entry| entry.is_rejected()) {
            return Err(Error::Unavailable.into());
        }
        let peer = peer(&request).ok_or(Error::Internal)?;
        if let Some(load_account) = entry.as_ref().and_then(|entry| entry.load.load_account()) {
            peer.set_load_account(load_account);
        }
        let (parts, body) = request.into_parts();
        let body = read_bounded(
            body,
            self.max_frame_bytes,
            POLLING_BODY_TIMEOUT,
            &peer.load_account(),
        )
        .await?;
        let is_connected = entry.is_some();
        if let Some(entry) = entry {
            // The library refuses each unknown namespace by name. These refusals count in the load
            // like any answer.
            let refusals = body
                .split(|byte| *byte == 0x1e)
                .filter(|packet| packet.starts_with(b"40/"));
            let weight: usize = refusals
                .map(|packet| packet.len() + NAMESPACE_REFUSAL_BYTES)
                .sum();
            if weight > 0 && !entry.load.add(weight) {
                return Err(Error::RateLimited {
                    retry_after: Duration::from_secs(1),
                }
                .into());
            }
        }
        let passes = filter_body(&body);
        // The body held only packets that are filtered out.
        if passes.is_empty() && !body.is_empty() && is_connected {
            return Ok("ok".into_response());
        }
        Ok(self
            .call(Request::from_parts(parts, Body::from(passes)))
            .await)
    }

    /// Handles a WebSocket: a new session, or the upgrade of a polling session.
    async fn upgrade(&self, mut request: Request, session: Option<String>) -> Result<Response> {
        if let Err(refused) = check_upgrade(&request) {
            return Ok(refusal(&refused));
        }
        let peer = peer(&request).ok_or(Error::Internal)?;
        let upgrade = request
            .extensions_mut()
            .remove::<OnUpgrade>()
            .ok_or(Error::Internal)?;
        let entry = match &session {
            Some(session) => match self.registry.find(session) {
                Some(entry) => entry,
                // The session is unknown: the library answers with its error.
                None => return Ok(self.call(to_polling_request(request)).await),
            },
            None => self.admit_handshake(&request)?,
        };
        trim_handshake_request(&mut request);
        request.extensions_mut().insert(Arc::clone(&entry));
        let (parts, _) = request.into_parts();
        // Without the upgrade itself the library only creates the answer.
        let response = self
            .call(Request::from_parts(parts.clone(), Body::empty()))
            .await;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        entry.set_carrier(&peer.aborter);
        let mut transport = self.clone();
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let ending = session.map(|session| AbortOnDrop {
                transport: transport.clone(),
                session,
            });
            // The transport is boxed. The library's future reserves space for several copies of it,
            // for as long as the connection lives.
            let line = Box::new(MeteredTransport::new(
                TokioIo::new(upgraded),
                peer,
                Arc::clone(&entry.load),
                ending,
            ));
            let request = axum::http::Request::from_parts(parts, ());
            // An error would be a request that was refused above.
            let _ = Service::<(_, axum::http::Request<()>)>::call(
                &mut transport.service,
                (line, request),
            )
            .await;
        });
        Ok(response)
    }
}

/// Ends a session whose upgrade broke off, which the library would keep for ever. A session whose
/// upgrade succeeded has ended before this.
pub(super) struct AbortOnDrop {
    transport: Transport,
    session: String,
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.transport.end(std::mem::take(&mut self.session));
    }
}

fn peer(request: &Request) -> Option<Peer> {
    request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|ConnectInfo(peer)| peer.clone())
}

/// Returns the same request as a poll, for which the library reports an unknown session.
fn to_polling_request(mut request: Request) -> Request {
    let polled = request
        .uri()
        .to_string()
        .replacen("transport=websocket", "transport=polling", 1);
    if let Ok(uri) = polled.parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// Creates a refusal in the form of Engine.IO.
fn refusal(refused: &RefusedUpgrade) -> Response {
    let body = serde_json::json!({ "code": 3, "message": "Bad request" });
    (refused.status, refused.headers(), axum::Json(body)).into_response()
}

/// Removes what is not needed from a handshake.
fn trim_handshake_request(request: &mut Request) {
    *request.headers_mut() = needed_headers(request.headers());
    // The URI is copied: the parsed one is a slice of the read buffer.
    if let Ok(uri) = request.uri().to_string().parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    retain_needed_extensions(request.extensions_mut());
}

/// Drops the extensions that earlier layers added for their own handlers.
fn retain_needed_extensions(extensions: &mut Extensions) {
    let mut all = std::mem::take(extensions);
    if let Some(peer) = all.remove::<ConnectInfo<Peer>>() {
        extensions.insert(peer);
    }
    if let Some(address) = all.remove::<ClientAddress>() {
        extensions.insert(address);
    }
}

fn needed_headers(headers: &HeaderMap) -> HeaderMap {
    let mut copy = HeaderMap::new();
    for name in KEPT_HEADERS {
        if let Some(value) = headers.get(&name)
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            copy.insert(name, value);
        }
    }
    // A filled map has capacity for at least six headers. A clone allocates only what it needs.
    copy.clone()
}
