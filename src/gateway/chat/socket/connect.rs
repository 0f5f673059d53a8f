//! Connecting: a socket is authenticated before it is accepted, its events are taken in from before its
//! client is told so, and it is in the hub before anything can be said to it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::extract::ConnectInfo;
use serde_json::Value as Json;
use socketioxide::{
    adapter::LocalAdapter,
    extract::{SocketRef, TryData},
    handler::{ConnectHandler, FromConnectParts, Value},
    socket::Socket,
};
use tokio::sync::Notify;

use super::{
    inbox::{Inbox, Intake},
    outlet::SocketOutlet,
    slim::Cords,
};
use crate::{
    domain::{
        Error, Result,
        access::{Actor, Pass},
        error::Language,
        event::Closing,
        ids::ConnectionId,
    },
    gateway::http::{
        Door,
        address::ClientAddress,
        answer::language_of,
        extract::bearer,
        listener::{Peer, Switch},
    },
    hub::{CloseReason, Hub},
    service::{Entry, Profile, Visit},
};

/// How long a handshake may wait for the check of its token.
const CHECK_LIMIT: Duration = Duration::from_secs(4);

/// The most live sockets of one user: far more than anybody has devices and tabs.
const MAX_SOCKETS: usize = 2_000;

/// One socket, for as long as it lives.
pub(super) struct Guest {
    pub door: Door,
    pub actor: Actor,
    pub language: Language,
    /// Its client acknowledges `message:receive` itself.
    pub acknowledges: bool,
    pub inbox: Inbox,
    pass: Pass,
    hub: Arc<Hub>,
    /// What its entry read of its user, until it joins.
    profile: Mutex<Option<Box<Profile>>>,
    place: Mutex<Place>,
    connection: OnceLock<ConnectionId>,
    arrived: Notify,
}

/// Where a socket stands: leaving may overtake arriving.
enum Place {
    Arriving,
    In,
    Gone,
}

impl Guest {
    /// Its name in the hub; none before it has arrived.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.connection.get().copied()
    }

    /// What its entry read of its user; once.
    pub fn profile(&self) -> Option<Profile> {
        self.profile.lock().unwrap_or_else(PoisonError::into_inner).take().map(|profile| *profile)
    }

    /// Waits until it has arrived: its client may have been told so, and answered, a moment before.
    pub async fn arrival(&self) {
        let arrived = self.arrived.notified();
        tokio::pin!(arrived);
        arrived.as_mut().enable();
        if self.connection().is_none() {
            let _ = tokio::time::timeout(CHECK_LIMIT, arrived).await;
        }
    }

    /// What presence wants to know of it.
    pub fn visit(socket: &Socket<LocalAdapter>) -> Visit {
        let parts = socket.req_parts();
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Visit {
            socket_id: socket.id.to_string(),
            user_agent: text(axum::http::header::USER_AGENT).to_owned(),
            ip_address: parts
                .extensions
                .get::<ClientAddress>()
                .map_or(String::new(), |address| address.0.to_string()),
        }
    }

    /// From now on it hears what concerns its user.
    fn arrive(self: &Arc<Self>, socket: SocketRef, cords: &Arc<Cords>) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*place, Place::Arriving) {
            return;
        }
        let switch = socket
            .req_parts()
            .extensions
            .get::<ConnectInfo<Peer>>()
            .map(|ConnectInfo(peer)| peer.switch.clone());
        let outlet = SocketOutlet {
            cord: Arc::new(Cord { session: socket.id.to_string(), cords: Arc::clone(cords), first: switch }),
            services: Arc::clone(&self.door.services),
            user: self.actor.user,
            acknowledges: self.acknowledges,
            socket,
        };
        let connection = self.hub.register(self.pass.clone(), Box::new(outlet));
        let _ = self.connection.set(connection.id);
        *place = Place::In;
        drop(place);
        self.arrived.notify_waiters();
        // Its token may have ended while it was arriving; whoever ends one from now on finds it in the hub.
        if self.door.services.is_ended_here(&self.actor) {
            self.hub.close(&Closing::Token(self.actor.token.clone()), CloseReason::TokenEnded);
        }
    }

    fn leave(&self) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Place::In, Some(connection)) =
            (std::mem::replace(&mut *place, Place::Gone), self.connection())
        {
            self.door.services.left(&self.actor, connection);
        }
    }

    /// It does not take what is said to it any more.
    pub fn lag(&self) {
        if let Some(connection) = self.connection() {
            self.hub.cut(connection);
        }
    }

    /// Hears, too, of everybody's coming and going.
    pub fn watch_presence(&self) {
        if let Some(connection) = self.connection() {
            self.hub.watch_presence(connection);
        }
    }
}

/// How a connection can be cut: by the switch of the connection that carries it now.
pub(super) struct Cord {
    session: String,
    cords: Arc<Cords>,
    first: Option<Switch>,
}

impl Cord {
    /// Breaks the transport.
    pub fn pull(&self) {
        if let Some(switch) = self.cords.take(&self.session) {
            switch.cut();
        }
        if let Some(switch) = &self.first {
            switch.cut();
        }
    }
}

impl Drop for Cord {
    fn drop(&mut self) {
        self.cords.take(&self.session);
    }
}

/// The door of the namespace `/`.
#[derive(Clone)]
pub(super) struct Entrance {
    pub door: Door,
    pub hub: Arc<Hub>,
    pub cords: Arc<Cords>,
}

impl Entrance {
    /// Checks who is there and puts the inbox up.
    async fn admit(&self, socket: Arc<Socket<LocalAdapter>>, auth: Option<&Value>) -> Result<()> {
        let headers = &socket.req_parts().headers;
        let auth = match TryData::<Json>::from_connect_parts(&socket, &auth.cloned()) {
            Ok(TryData(Ok(auth))) => auth,
            Ok(TryData(Err(_))) | Err(_) => Json::Null,
        };
        let token = match auth.get("token") {
            Some(Json::String(token)) => token.clone(),
            None | Some(Json::Null) => bearer(headers).ok_or(Error::AuthFailed)?.to_owned(),
            // An operator where a token belongs is a bad token.
            Some(_) => return Err(Error::AuthFailed),
        };
        let check = tokio::time::timeout(CHECK_LIMIT, self.door.services.enter(&token));
        let Entry { pass, profile } = check.await.map_err(|_| Error::Unavailable)??;
        if self.hub.count_of(pass.actor.user) >= MAX_SOCKETS {
            return Err(Error::RateLimited { retry_after: CHECK_LIMIT });
        }
        let guest = Arc::new(Guest {
            door: self.door.clone(),
            actor: pass.actor.clone(),
            language: language_of(headers.get(axum::http::header::ACCEPT_LANGUAGE)),
            acknowledges: auth.get("acks") == Some(&Json::Bool(true)),
            inbox: Inbox::default(),
            pass,
            hub: Arc::clone(&self.hub),
            profile: Mutex::new(profile.map(Box::new)),
            place: Mutex::new(Place::Arriving),
            connection: OnceLock::new(),
            arrived: Notify::new(),
        });
        socket.extensions.insert(Arc::clone(&guest));
        socket.on_fallback(Intake(Arc::clone(&guest)));
        socket.on_disconnect(async move || guest.leave());
        Ok(())
    }
}

impl ConnectHandler<LocalAdapter, ()> for Entrance {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, _: Option<Value>) {
        if let Some(guest) = socket.extensions.get::<Arc<Guest>>() {
            guest.arrive(SocketRef::from(socket), &self.cords);
        }
    }

    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket<LocalAdapter>>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn std::fmt::Display + Send>>> + Send + 'a>> {
        Box::pin(async move {
            self.admit(socket, auth.as_ref()).await.map_err(|error| {
                metrics::counter!("wardline_refusals_total", "reason" => "handshake").increment(1);
                // The client sees this as the `message` of `connect_error`.
                Box::new(error.code().as_str()) as Box<dyn std::fmt::Display + Send>
            })
        })
    }
}
