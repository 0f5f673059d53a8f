//! The requests below `/socket.io`, before and after the Socket.IO library.
//!
//! The library takes any request for an upgrade, reads bodies without weighing them, and tells nobody what
//! becomes of what it was given to send. So upgrades are checked and carried out here, over a transport that
//! weighs ([`super::frames`]); bodies are read here; and what a poll takes away is taken off the session's load.
//!
//! Of a handshake only the few headers that it and we need remain, because the library keeps the request for as
//! long as the connection lives, and with it hyper's read buffer (16 KiB a connection).

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
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socketioxide::service::SocketIoService;
use tower::{Service, ServiceExt};

use super::{
    MAX_FRAME,
    frames::Metered,
    lobby::{Lobby, Ticket},
    sieve::pass_body,
};
use crate::{
    domain::{Error, Result, network::Network},
    gateway::http::{Door, address::ClientAddress, answer::Refusal, extract::read_bounded, listener::Peer},
};

/// What the library, hyper and we need of a handshake.
const KEPT: [HeaderName; 5] = [
    header::SEC_WEBSOCKET_KEY,
    header::AUTHORIZATION,
    header::USER_AGENT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
];
/// Where the library listens.
const PATH: &str = "/socket.io";
/// How long the body of a polling request may take.
const BODY_LIMIT: Duration = Duration::from_mins(1);
/// The longest answer of the library that is looked at: a handshake or an error.
const SHORT: usize = 4 << 10;
/// What the library adds when it refuses a namespace.
const REFUSED_NAMESPACE: usize = 64;

/// What the library serves besides `/socket.io`: nothing.
#[derive(Clone, Copy)]
pub struct Nothing;

impl Service<Request> for Nothing {
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

/// The library behind its door.
#[derive(Clone)]
pub(super) struct Transport {
    pub service: SocketIoService<Nothing>,
    pub lobby: Arc<Lobby>,
    pub door: Door,
}

/// What a request asks of the transport.
struct Asked {
    session: Option<String>,
    is_websocket: bool,
}

fn asked(uri: &Uri) -> Asked {
    let query = uri.query().unwrap_or_default();
    // As the library reads them: the first of each, as it stands.
    let first = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Asked { session: first("sid").map(str::to_owned), is_websocket: first("transport") == Some("websocket") }
}

/// The middleware: what is below `/socket.io` goes to the library, all else to `next`.
pub(super) async fn serve(State(transport): State<Transport>, request: Request, next: Next) -> Response {
    let Some(rest) = request.uri().path().strip_prefix(PATH) else { return next.run(request).await };
    let mut response = match rest {
        "" | "/" => transport.dispatch(request).await.unwrap_or_else(|error| Refusal(error).into_response()),
        _ if rest.starts_with('/') => Refusal(Error::NotFound("address")).into_response(),
        _ => return next.run(request).await,
    };
    // What is said to one person is no other's.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Transport {
    async fn dispatch(&self, request: Request) -> Result<Response> {
        let Asked { session, is_websocket } = asked(request.uri());
        match (request.method(), session, is_websocket) {
            (&Method::GET, session, true) => self.upgrade(request, session).await,
            (&Method::GET, None, false) => self.open(request).await,
            (&Method::GET, Some(session), false) => self.poll(request, &session).await,
            (&Method::POST, Some(session), false) => self.post(request, &session).await,
            _ => Ok(self.call(request).await),
        }
    }

    /// Asks the library; its errors have their numbers as numbers.
    async fn call(&self, request: Request) -> Response {
        let Ok(response) = self.service.clone().oneshot(request).await;
        let response = response.map(Body::new);
        if response.status() != StatusCode::BAD_REQUEST || response.body().size_hint().exact() == Some(0) {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let text = to_bytes(body, SHORT).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let number = |code: &str| (format!("{{\"code\":\"{code}\""), format!("{{\"code\":{code}"));
        let found = ["0", "1", "2", "3", "4", "5"]
            .map(number)
            .into_iter()
            .find(|(quoted, _)| text.starts_with(quoted));
        let text =
            found.map_or_else(|| text.to_string(), |(quoted, plain)| text.replacen(&quoted, &plain, 1));
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(text))
    }

    /// Lets a handshake in: so many of a network, of which only so many wait for a sign-in.
    fn admit(&self, request: &Request) -> Result<Arc<Ticket>> {
        let address = request.extensions().get::<ClientAddress>().ok_or(Error::Internal)?;
        let network = Network::of(address.0);
        self.door.limits.handshake(network)?;
        let (ticket, oldest) = self.lobby.enter(network)?;
        if let Some(oldest) = oldest.filter(|_| self.door.settings.rate_limit) {
            self.part(&oldest);
        }
        Ok(ticket)
    }

    /// Closes the connection of a session for which nobody has signed in.
    pub fn part(&self, ticket: &Ticket) {
        if !ticket.cut()
            && let Some(session) = ticket.session()
        {
            self.end(session.to_owned());
        }
    }

    /// Lets nobody in any more. Whoever is still signing in loses the connection, and so comes again: to a
    /// library that is closing they would be refused for good (`Invalid namespace`).
    pub fn close(&self) {
        for stranger in self.lobby.close() {
            self.part(&stranger);
        }
    }

    /// Ends a session that is polled, as its client would.
    fn end(&self, session: String) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let transport = self.clone();
        runtime.spawn(async move {
            let address = format!("{PATH}/?EIO=4&transport=polling&sid={session}");
            if let Ok(request) = Request::post(address).body(Body::from("1")) {
                transport.call(request).await;
            }
        });
    }

    /// The handshake of a session that is polled.
    async fn open(&self, mut request: Request) -> Result<Response> {
        let ticket = self.admit(&request)?;
        slim(&mut request);
        request.extensions_mut().insert(Arc::clone(&ticket));
        let (parts, body) = self.call(request).await.into_parts();
        let text = to_bytes(body, SHORT).await.map_err(|_| Error::Internal)?;
        if parts.status == StatusCode::OK {
            let opened: serde_json::Value =
                serde_json::from_slice(text.get(1..).unwrap_or_default()).map_err(|_| Error::Internal)?;
            self.lobby.name(opened["sid"].as_str().unwrap_or_default(), &ticket);
            // The lobby may have been closed before the session had a name to end it by.
            if ticket.is_turned_away() {
                self.part(&ticket);
                return Err(Error::Unavailable);
            }
        }
        Ok(Response::from_parts(parts, Body::from(text)))
    }

    /// A poll: what it takes away waits no more for the session, but for the connection.
    async fn poll(&self, request: Request, session: &str) -> Result<Response> {
        let ticket = self.lobby.find(session);
        if let (Some(purse), Some(peer)) =
            (ticket.as_ref().and_then(|ticket| ticket.load.purse()), peer(&request))
        {
            peer.is_of(purse);
        }
        let response = self.call(request).await;
        if let Some(ticket) = ticket.filter(|_| response.status() == StatusCode::OK) {
            ticket.load.written(usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX));
        }
        Ok(response)
    }

    /// What a polled client sends.
    async fn post(&self, request: Request, session: &str) -> Result<Response> {
        let ticket = self.lobby.find(session);
        if ticket.as_ref().is_some_and(|ticket| ticket.is_turned_away()) {
            return Err(Error::Unavailable);
        }
        let peer = peer(&request).ok_or(Error::Internal)?;
        if let Some(purse) = ticket.as_ref().and_then(|ticket| ticket.load.purse()) {
            peer.is_of(purse);
        }
        let (parts, body) = request.into_parts();
        let body = read_bounded(body, MAX_FRAME, BODY_LIMIT, &peer.purse()).await?;
        let is_here = ticket.is_some();
        if let Some(ticket) = ticket {
            // Each strange namespace is refused by its name, which waits like everything else.
            let refusals = body.split(|byte| *byte == 0x1e).filter(|packet| packet.starts_with(b"40/"));
            let weight: usize = refusals.map(|packet| packet.len() + REFUSED_NAMESPACE).sum();
            if weight > 0 && !ticket.load.add(weight) {
                return Err(Error::RateLimited { retry_after: Duration::from_secs(1) });
            }
        }
        let passes = pass_body(&body);
        // Nothing but what stays out.
        if passes.is_empty() && !body.is_empty() && is_here {
            return Ok("ok".into_response());
        }
        Ok(self.call(Request::from_parts(parts, Body::from(passes))).await)
    }

    /// A WebSocket: a session of its own, or the upgrade of one that was polled.
    async fn upgrade(&self, mut request: Request, session: Option<String>) -> Result<Response> {
        if let Some(refused) = refuse_upgrade(&request) {
            return Ok(refused);
        }
        let peer = peer(&request).ok_or(Error::Internal)?;
        let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(Error::Internal)?;
        let ticket = match &session {
            Some(session) => match self.lobby.find(session) {
                Some(ticket) => ticket,
                // Unknown: the library says so.
                None => return Ok(self.call(as_polled(request)).await),
            },
            None => self.admit(&request)?,
        };
        slim(&mut request);
        request.extensions_mut().insert(Arc::clone(&ticket));
        let (parts, _) = request.into_parts();
        // Without the upgrade itself the library only makes the answer.
        let response = self.call(Request::from_parts(parts.clone(), Body::empty())).await;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        ticket.carried_by(&peer.switch);
        let mut transport = self.clone();
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let ending = session.map(|session| Ending { transport: transport.clone(), session });
            // Boxed: the library's future has room for several of it, for as long as the connection lives.
            let line = Box::new(Metered::new(TokioIo::new(upgraded), peer, Arc::clone(&ticket.load), ending));
            let request = axum::http::Request::from_parts(parts, ());
            // An error would be a request that was refused above.
            let _ =
                Service::<(_, axum::http::Request<()>)>::call(&mut transport.service, (line, request)).await;
        });
        Ok(response)
    }
}

/// Ends a session whose upgrade broke off: the library would leave it for ever. One that was upgraded has
/// ended by then.
pub(super) struct Ending {
    transport: Transport,
    session: String,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.transport.end(std::mem::take(&mut self.session));
    }
}

fn peer(request: &Request) -> Option<Peer> {
    request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.clone())
}

/// The same request as a poll, for which the library knows an unknown session from others.
fn as_polled(mut request: Request) -> Request {
    let polled = request.uri().to_string().replacen("transport=websocket", "transport=polling", 1);
    if let Ok(uri) = polled.parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// Why this is no request for a WebSocket (RFC 6455, 4.2.1), if it is none.
fn refuse_upgrade(request: &Request) -> Option<Response> {
    let lists = |name: HeaderName, wanted: &str| {
        let lines = request.headers().get_all(name).into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    let upgrades = lists(header::UPGRADE, "websocket") && lists(header::CONNECTION, "upgrade");
    if !upgrades || request.version() != Version::HTTP_11 {
        let said = [(header::UPGRADE, HeaderValue::from_static("websocket"))];
        return Some(refusal(StatusCode::UPGRADE_REQUIRED, said));
    }
    if request.headers().get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let said = [(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))];
        return Some(refusal(StatusCode::UPGRADE_REQUIRED, said));
    }
    let mut keys = request.headers().get_all(header::SEC_WEBSOCKET_KEY).into_iter();
    let is_good = keys.next().is_some_and(|key| is_key(key.as_bytes())) && keys.next().is_none();
    (!is_good).then(|| refusal(StatusCode::BAD_REQUEST, []))
}

/// Whether it is the base64 of 16 bytes.
fn is_key(key: &[u8]) -> bool {
    let (text, padding) = key.split_at(key.len().min(22));
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len() == 22 && padding == b"==" && text.iter().all(is_base64)
}

/// A refusal in Engine.IO's words.
fn refusal<const N: usize>(status: StatusCode, headers: [(HeaderName, HeaderValue); N]) -> Response {
    let body = serde_json::json!({ "code": 3, "message": "Bad request" });
    (status, headers, axum::Json(body)).into_response()
}

/// Leaves of a handshake what is needed.
fn slim(request: &mut Request) {
    *request.headers_mut() = kept(request.headers());
    // A copy of its own: the parsed one is a slice of the read buffer.
    if let Ok(uri) = request.uri().to_string().parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    keep_extensions(request.extensions_mut());
}

/// Drops what the layers in front left for handlers of their own.
fn keep_extensions(extensions: &mut Extensions) {
    let mut all = std::mem::take(extensions);
    if let Some(peer) = all.remove::<ConnectInfo<Peer>>() {
        extensions.insert(peer);
    }
    if let Some(address) = all.remove::<ClientAddress>() {
        extensions.insert(address);
    }
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut copy = HeaderMap::new();
    for name in KEPT {
        if let Some(value) = headers.get(&name)
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            copy.insert(name, value);
        }
    }
    // A map that was filled has room for six at least; a copy of it for those that are there.
    copy.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for key in [
            &b"x"[..],
            b"",
            b"==",
            b"dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZQ===",
            b"dGhl IHNhbXBsZSBub25jZ==",
        ] {
            assert!(!is_key(key), "{}", String::from_utf8_lossy(key));
        }
    }
}
