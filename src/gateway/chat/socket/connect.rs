//! Connecting. A socket is authenticated before it is accepted. Its inbox exists before its client
//! learns of the acceptance. It joins the hub before any event can be sent to it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use serde_json::Value as Json;
use socketioxide::{
    adapter::LocalAdapter,
    extract::{SocketRef, TryData},
    handler::{ConnectHandler, FromConnectParts, Value},
    socket::Socket,
};
use tokio::sync::Notify;

use super::{
    inbox::{EventIntake, Inbox},
    outbox::SocketOutbox,
    session_registry::SessionEntry,
    transport::Transport,
};
use crate::{
    domain::{
        Error, Result,
        access::{Actor, AuthenticatedToken},
        audit::Origin,
        event::Closing,
        ids::ConnectionId,
    },
    gateway::http::{
        AppState,
        address::ClientAddress,
        answer::language_of,
        audit_context,
        extract::bearer,
        load_meter::{
            Heavy, HeavyPermit, Load, LoadAccount, LoadOwner, MAX_CONNECTION_OUTGOING_BYTES,
        },
    },
    gateway::i18n::Language,
    hub::{CloseReason, Hub, QuotaGuard},
    service::{Authentication, CachedProfile, ClientInfo},
};

/// An aborted connection sends nothing more after this time.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// How long a handshake may wait for the check of its token.
const TOKEN_CHECK_TIMEOUT: Duration = Duration::from_secs(4);

/// The most live sockets of one user: far more than a user has devices and tabs.
const MAX_CONNECTIONS_PER_USER: usize = 2_000;

/// How often a connection's unread bytes are checked, and for how long. A client that reads nothing
/// is disconnected earlier.
const DRAIN_POLL_INTERVAL: Duration = Duration::from_millis(25);
const DRAIN_TIMEOUT: Duration = Duration::from_mins(1);

/// One socket, until it is closed.
pub(super) struct Connection {
    pub app: AppState,
    pub actor: Actor,
    pub language: Language,
    /// Where its events come from, for the audit log.
    pub origin: Origin,
    /// Whether its client acknowledges `message:receive` itself.
    pub acknowledges: bool,
    pub inbox: Inbox,
    /// The load of its user, over all connections.
    pub load_account: Arc<LoadAccount>,
    entry: Arc<SessionEntry>,
    pub auth: AuthenticatedToken,
    hub: Arc<Hub>,
    /// The profile that authentication loaded, until the connection joins the hub.
    profile: Mutex<Option<Box<CachedProfile>>>,
    place: Mutex<ConnectionPhase>,
    id: Arc<OnceLock<ConnectionId>>,
    /// Its share of its user's connection quota, until it leaves.
    quota_guard: Mutex<Option<QuotaGuard>>,
    arrived: Notify,
}

/// The phase of a socket. A socket may leave before it has joined the hub.
enum ConnectionPhase {
    Arriving,
    In,
    Gone,
}

impl Connection {
    /// Returns its id in the hub; `None` before it has joined.
    pub fn id(&self) -> Option<ConnectionId> {
        self.id.get().copied()
    }

    /// Takes the profile that authentication loaded; returns it only once.
    pub fn profile(&self) -> Option<CachedProfile> {
        self.profile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map(|profile| *profile)
    }

    /// Waits until it has joined the hub. Its client may learn of the acceptance, and send an
    /// event, shortly before.
    pub async fn wait_until_joined(&self) {
        let arrived = self.arrived.notified();
        tokio::pin!(arrived);
        arrived.as_mut().enable();
        if self.id().is_none() {
            let _ = tokio::time::timeout(TOKEN_CHECK_TIMEOUT, arrived).await;
        }
    }

    /// Returns what presence records about the client.
    pub fn client_info(socket: &Socket<LocalAdapter>) -> ClientInfo {
        let parts = socket.req_parts();
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        ClientInfo {
            socket_id: socket.id.to_string(),
            user_agent: text(axum::http::header::USER_AGENT).to_owned(),
            ip_address: parts
                .extensions
                .get::<ClientAddress>()
                .map_or(String::new(), |address| address.0.to_string()),
        }
    }

    /// Returns its load: the bytes its client has not read yet.
    pub fn load(&self) -> &Load {
        &self.entry.load
    }

    /// Waits for a permit for heavy work, once the client has read most of its earlier answers. So
    /// a client that requests much at once gets it only as fast as it reads.
    pub async fn turn(&self, heavy: Heavy, weight: usize) -> Result<HeavyPermit> {
        let drained = async {
            while self.load().waiting() > MAX_CONNECTION_OUTGOING_BYTES / 2 && !self.is_closed() {
                tokio::time::sleep(DRAIN_POLL_INTERVAL).await;
            }
        };
        let late = |_| Error::RateLimited {
            retry_after: TOKEN_CHECK_TIMEOUT,
        };
        tokio::time::timeout(DRAIN_TIMEOUT, drained)
            .await
            .map_err(late)?;
        self.app.turn(self.actor.user, heavy, weight).await
    }

    fn is_closed(&self) -> bool {
        matches!(
            *self.place.lock().unwrap_or_else(PoisonError::into_inner),
            ConnectionPhase::Gone
        )
    }

    /// Registers the connection in the hub, from where it receives its user's events.
    fn join_hub(self: &Arc<Self>, socket: SocketRef) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*place, ConnectionPhase::Arriving) {
            return;
        }
        let outbox = SocketOutbox {
            entry: Arc::clone(&self.entry),
            services: Arc::clone(&self.app.services),
            user: self.actor.user,
            acknowledges: self.acknowledges,
            connection_id: Arc::clone(&self.id),
            socket,
        };
        let connection_id = self.hub.register(self.auth.clone(), Box::new(outbox));
        let _ = self.id.set(connection_id.id);
        *place = ConnectionPhase::In;
        drop(place);
        self.arrived.notify_waiters();
        // Its token may have ended before it was registered. A token that ends from now on is found
        // in the hub.
        if self.app.services.is_ended_here(&self.auth) {
            self.hub.close(
                &Closing::Token(self.actor.token.clone()),
                CloseReason::TokenEnded,
            );
        }
    }

    fn leave(&self) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let (ConnectionPhase::In, Some(connection_id)) = (
            std::mem::replace(&mut *place, ConnectionPhase::Gone),
            self.id(),
        ) {
            self.app.services.left(&self.actor, connection_id);
        }
        drop(place);
        *self
            .quota_guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Disconnects the client because it cannot keep up with its outbox.
    pub fn disconnect_slow_consumer(&self) {
        if let Some(connection_id) = self.id() {
            self.hub.disconnect(connection_id);
        }
    }

    /// Subscribes the connection to the presence of all users.
    pub fn watch_presence(&self) {
        if let Some(connection_id) = self.id() {
            self.hub.watch_presence(connection_id);
        }
    }
}

/// The connect handler of the namespace `/`.
#[derive(Clone)]
pub(super) struct ConnectAuthenticator {
    pub transport: Transport,
    pub hub: Arc<Hub>,
}

impl ConnectAuthenticator {
    /// Authenticates the socket and installs its inbox.
    async fn authenticate(
        &self,
        socket: Arc<Socket<LocalAdapter>>,
        payload: Option<&Value>,
    ) -> Result<()> {
        let headers = &socket.req_parts().headers;
        let payload = match TryData::<Json>::from_connect_parts(&socket, &payload.cloned()) {
            Ok(TryData(Ok(payload))) => payload,
            Ok(TryData(Err(_))) | Err(_) => Json::Null,
        };
        let token = match payload.get("token") {
            Some(Json::String(token)) => token.clone(),
            None | Some(Json::Null) => bearer(headers).ok_or(Error::AuthFailed)?.to_owned(),
            // A token that is an object (for instance a database operator) is a bad token.
            Some(_) => return Err(Error::AuthFailed),
        };
        let check = tokio::time::timeout(
            TOKEN_CHECK_TIMEOUT,
            self.transport.app.services.authenticate(&token),
        );
        let Authentication { auth, profile } = check.await.map_err(|_| Error::Unavailable)??;
        // The quota is taken before anything else: several handshakes may run at the same time.
        let quota_guard = self.hub.reserve(auth.actor.user, MAX_CONNECTIONS_PER_USER);
        let quota_guard = quota_guard.ok_or(Error::RateLimited {
            retry_after: TOKEN_CHECK_TIMEOUT,
        })?;
        let entry = socket
            .req_parts()
            .extensions
            .get::<Arc<SessionEntry>>()
            .ok_or(Error::Internal)?;
        let load_account = self
            .transport
            .app
            .load_meter
            .load_account(LoadOwner::Person(auth.actor.user));
        entry.signed_in(auth.actor.user);
        let connection = Arc::new(Connection {
            app: self.transport.app.clone(),
            actor: auth.actor.clone(),
            language: language_of(headers.get(axum::http::header::ACCEPT_LANGUAGE)),
            origin: audit_context::origin_of(&socket.req_parts().extensions, headers),
            acknowledges: payload.get("acks") == Some(&Json::Bool(true)),
            inbox: Inbox::default(),
            load_account: Arc::clone(&load_account),
            entry: Arc::clone(entry),
            auth,
            hub: Arc::clone(&self.hub),
            profile: Mutex::new(profile.map(Box::new)),
            place: Mutex::new(ConnectionPhase::Arriving),
            id: Arc::default(),
            quota_guard: Mutex::new(Some(quota_guard)),
            arrived: Notify::new(),
        });
        let (weak, session) = (Arc::downgrade(&connection), Arc::downgrade(entry));
        entry.load.set_owner(load_account, move || {
            match (weak.upgrade(), session.upgrade()) {
                (Some(connection), _) => connection.disconnect_slow_consumer(),
                // The client signed in again on the same session.
                (None, Some(entry)) => {
                    entry.cut();
                }
                (None, None) => {}
            }
        });
        socket.extensions.insert(Arc::clone(&connection));
        socket.on_fallback(EventIntake(Arc::clone(&connection)));
        socket.on_disconnect(async move || connection.leave());
        Ok(())
    }
}

impl ConnectHandler<LocalAdapter, ()> for ConnectAuthenticator {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, _: Option<Value>) {
        if let Some(connection) = socket.extensions.get::<Arc<Connection>>() {
            connection.join_hub(SocketRef::from(socket));
        }
    }

    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket<LocalAdapter>>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn std::fmt::Display + Send>>> + Send + 'a>>
    {
        Box::pin(async move {
            let Err(error) = self.authenticate(Arc::clone(&socket), auth.as_ref()).await else {
                return Ok(());
            };
            metrics::counter!("wardline_refusals_total", "reason" => "handshake").increment(1);
            // The official client does not reconnect by itself after a `connect_error`. It does
            // after a broken connection.
            if matches!(error, Error::Unavailable)
                && let Some(entry) = socket.req_parts().extensions.get::<Arc<SessionEntry>>()
            {
                self.transport.part(entry);
                tokio::time::sleep(CLOSE_GRACE).await;
            }
            // The client sees this as the `message` of `connect_error`.
            let code: Box<dyn std::fmt::Display + Send> = Box::new(error.code().as_str());
            Err(code)
        })
    }
}
