//! `WebSocket`s: one address for several dialects.
//!
//! Everything that can be refused is refused before the upgrade, as an HTTP answer: a bad
//! credential, a foreign page (see `gateway/http/layers.rs`), too many handshakes. The dialect is
//! decided at the upgrade and never changes.

mod connection;
mod sink;

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::upgrade::check_upgrade;
use crate::{
    domain::{Error, network::Network},
    gateway::{
        http::{
            AppState,
            address::ClientAddress,
            answer::{Refusal, language_of},
            audit_context,
            error::RequestError,
            extract::bearer,
            listener::Peer,
            load_meter::{Load, LoadOwner},
        },
        realtime::{Arrival, Connection, ConnectionOptions, Dialect, authenticate},
    },
    hub::Hub,
    service::{Authentication, ClientInfo},
};
use connection::Carrier;
pub use connection::KeepAlive;

/// The longest query of a handshake, bytes: a token and a few options.
const MAX_QUERY_BYTES: usize = 8 << 10;

/// The parameters of a handshake's query; of several with one name, the first.
pub type HandshakeQuery = BTreeMap<String, String>;

/// A dialect that a `WebSocket` carries.
pub trait WebSocketDialect: Dialect {
    /// The name by which a client asks for it in `Sec-WebSocket-Protocol`.
    const SUBPROTOCOL: &'static str;

    /// Whether the query asks for it.
    fn is_asked_by(&self, query: &HandshakeQuery) -> bool;

    /// Reads what the client chose.
    ///
    /// # Errors
    /// When an option has a value that does not exist.
    fn options(&self, query: &HandshakeQuery) -> Result<ConnectionOptions, RequestError>;
}

/// A dialect without its types.
trait Protocol: Send + Sync {
    fn subprotocol(&self) -> &'static str;
    fn is_asked_by(&self, query: &HandshakeQuery) -> bool;
    /// Creates the connection, and returns what carries it once the upgrade has come.
    fn admit(self: Arc<Self>, handshake: Handshake) -> Result<Admitted, RequestError>;
}

/// Runs an upgraded connection until it ends.
type Admitted = Box<dyn FnOnce(OnUpgrade) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// An authenticated handshake.
struct Handshake {
    app: AppState,
    hub: Arc<Hub>,
    peer: Peer,
    headers: HeaderMap,
    extensions: axum::http::Extensions,
    query: HandshakeQuery,
    authentication: Authentication,
    keep_alive: KeepAlive,
    closing: CancellationToken,
}

struct DialectProtocol<D>(Arc<D>);

impl<D: WebSocketDialect> Protocol for DialectProtocol<D> {
    fn subprotocol(&self) -> &'static str {
        D::SUBPROTOCOL
    }

    fn is_asked_by(&self, query: &HandshakeQuery) -> bool {
        self.0.is_asked_by(query)
    }

    fn admit(self: Arc<Self>, handshake: Handshake) -> Result<Admitted, RequestError> {
        let dialect = Arc::clone(&self.0);
        let Authentication { auth, profile } = handshake.authentication;
        let user = auth.actor.user;
        let load = Load::new();
        let load_meter = &handshake.app.load_meter;
        let load_account = load_meter.load_account(LoadOwner::Person(user));
        let (headers, extensions) = (&handshake.headers, &handshake.extensions);
        let arrival = Arrival {
            options: dialect.options(&handshake.query)?,
            hub: handshake.hub,
            auth,
            profile,
            language: language_of(headers.get(header::ACCEPT_LANGUAGE)),
            origin: audit_context::origin_of(extensions, headers),
            load: Arc::clone(&load),
            load_account: Arc::clone(&load_account),
            app: handshake.app,
        };
        let client = client_info(headers, extensions);
        let connection = Connection::new(arrival, D::NAME, dialect.policy())?;
        let weak = Arc::downgrade(&connection);
        load.set_owner(load_account, move || {
            if let Some(connection) = weak.upgrade() {
                connection.disconnect_slow_consumer();
            }
        });
        handshake.peer.aborter.signed_in(user);
        let carrier = Carrier {
            dialect,
            connection,
            client,
            keep_alive: handshake.keep_alive,
            closing: handshake.closing,
            aborter: handshake.peer.aborter,
        };
        Ok(Box::new(move |upgrade| {
            Box::pin(async move {
                match upgrade.await {
                    Ok(upgraded) => carrier.run(TokioIo::new(upgraded)).await,
                    Err(_) => carrier.give_up(),
                }
            })
        }))
    }
}

fn client_info(headers: &HeaderMap, extensions: &axum::http::Extensions) -> ClientInfo {
    let agent = headers.get(header::USER_AGENT);
    let address = extensions.get::<ClientAddress>();
    ClientInfo {
        socket_id: format!("{:016x}", rand::random::<u64>()),
        user_agent: agent
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        ip_address: address.map_or(String::new(), |address| address.0.to_string()),
    }
}

/// The address `/ws` and its dialects.
#[derive(Clone)]
pub struct WebSocketServer {
    app: AppState,
    hub: Arc<Hub>,
    protocols: Arc<[Arc<dyn Protocol>]>,
    keep_alive: KeepAlive,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl WebSocketServer {
    /// Creates a server without dialects whose connections join `hub`.
    #[must_use]
    pub fn new(app: &AppState, hub: &Arc<Hub>, keep_alive: KeepAlive) -> Self {
        Self {
            app: app.clone(),
            hub: Arc::clone(hub),
            protocols: Arc::new([]),
            keep_alive,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Adds a dialect. An undecided connection speaks the first.
    #[must_use]
    pub fn with<D: WebSocketDialect>(self, dialect: Arc<D>) -> Self {
        let added: Arc<dyn Protocol> = Arc::new(DialectProtocol(dialect));
        let protocols = self.protocols.iter().cloned().chain([added]).collect();
        Self { protocols, ..self }
    }

    /// Returns the route of `/ws`; none without dialects.
    pub fn routes(&self) -> Router {
        if self.protocols.is_empty() {
            return Router::new();
        }
        Router::new()
            .route("/ws", get(upgrade))
            .with_state(self.clone())
    }

    /// Closes every connection, and returns when their close frames are written or were given up.
    pub async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Returns the dialect that a handshake asks for, and the subprotocol to answer.
    fn decide(
        &self,
        headers: &HeaderMap,
        query: &HandshakeQuery,
    ) -> Result<(Arc<dyn Protocol>, Option<&'static str>), RequestError> {
        let by_query = |protocol: &&Arc<dyn Protocol>| protocol.is_asked_by(query);
        let offered: Vec<&str> = headers
            .get_all(header::SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let by_offer = offered.iter().find_map(|name| {
            let mut protocols = self.protocols.iter();
            protocols.find(|protocol| protocol.subprotocol() == *name)
        });
        if let Some(protocol) = self.protocols.iter().find(by_query) {
            let name = protocol.subprotocol();
            let is_offered = offered.contains(&name);
            return Ok((Arc::clone(protocol), is_offered.then_some(name)));
        }
        if let Some(protocol) = by_offer {
            return Ok((Arc::clone(protocol), Some(protocol.subprotocol())));
        }
        if query.contains_key("protocol") {
            return Err(RequestError::invalid(
                "protocol",
                "there is no such protocol",
            ));
        }
        let first = self.protocols.first().ok_or(Error::NotFound("address"))?;
        Ok((Arc::clone(first), None))
    }

    async fn accept(&self, mut request: Request) -> Result<Response, RequestError> {
        if let Err(refused) = check_upgrade(&request) {
            let body = Refusal(RequestError::malformed("this address takes WebSockets"));
            let mut response = body.into_response();
            *response.status_mut() = refused.status;
            response.headers_mut().extend(refused.headers());
            return Ok(response);
        }
        if self.closing.is_cancelled() {
            return Err(Error::Unavailable.into());
        }
        let peer = request.extensions().get::<ConnectInfo<Peer>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.clone());
        let address = request.extensions().get::<ClientAddress>().copied();
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let (Some(peer), Some(address), Some(upgrade)) = (peer, address, upgrade) else {
            return Err(Error::Unavailable.into());
        };
        self.app.limits.check_handshake(Network::of(address.0))?;
        let query = parse_query(request.uri().query().unwrap_or_default())?;
        let (parts, _) = request.into_parts();
        let token = query.get("token").map(String::as_str);
        let token = token.or_else(|| credential(&parts.headers));
        let token = token.ok_or(Error::AuthFailed)?;
        let authentication = authenticate(&self.app, token).await?;
        let (protocol, subprotocol) = self.decide(&parts.headers, &query)?;
        let key = parts.headers.get(header::SEC_WEBSOCKET_KEY);
        let accepted = derive_accept_key(key.map_or(&[][..], |key| key.as_bytes()));
        let admitted = protocol.admit(Handshake {
            app: self.app.clone(),
            hub: Arc::clone(&self.hub),
            peer,
            headers: parts.headers,
            extensions: parts.extensions,
            query,
            authentication,
            keep_alive: self.keep_alive,
            closing: self.closing.clone(),
        })?;
        self.tasks.spawn(admitted(upgrade));
        let mut response = (StatusCode::SWITCHING_PROTOCOLS, Body::empty()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accepted) = HeaderValue::try_from(accepted) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
        }
        if let Some(name) = subprotocol {
            let name = HeaderValue::from_static(name);
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        }
        Ok(response)
    }
}

async fn upgrade(State(server): State<WebSocketServer>, request: Request) -> Response {
    let accepted = server.accept(request).await;
    accepted.unwrap_or_else(|error| Refusal(error).into_response())
}

/// Returns the credential of an `Authorization` header: `Bearer x`, or the bare token.
fn credential(headers: &HeaderMap) -> Option<&str> {
    let bare = || headers.get(header::AUTHORIZATION)?.to_str().ok();
    bearer(headers).or_else(|| bare().filter(|text| !text.contains(' ')))
}

fn parse_query(text: &str) -> Result<HandshakeQuery, RequestError> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(RequestError::malformed("the query is too long"));
    }
    let mut query = HandshakeQuery::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        query.entry(name.into_owned()).or_insert(value.into_owned());
    }
    Ok(query)
}
