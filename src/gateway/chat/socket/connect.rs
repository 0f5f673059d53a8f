//! Connecting: a socket is authenticated before it is accepted, its events are taken in from before its
//! client is told so, and it is in the hub before anything can be said to it.

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
    inbox::{Inbox, Intake},
    lobby::Ticket,
    outlet::SocketOutlet,
    transport::Transport,
};
use crate::{
    domain::{
        Error, Result,
        access::{Actor, Pass},
        audit::Origin,
        error::Language,
        event::Closing,
        ids::ConnectionId,
    },
    gateway::http::{
        Door,
        address::ClientAddress,
        answer::language_of,
        extract::bearer,
        scales::{CONNECTION_OUT, Heavy, Load, Owner, Purse, Turn},
        trail,
    },
    hub::{CloseReason, Hub, Seat},
    service::{Entry, Profile, Visit},
};

/// After so long a connection that was cut takes nothing any more.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// How long a handshake may wait for the check of its token.
const CHECK_LIMIT: Duration = Duration::from_secs(4);

/// The most live sockets of one user: far more than anybody has devices and tabs.
const MAX_SOCKETS: usize = 2_000;

/// How often it is looked whether a client has read what waits, and for how long: who takes nothing is cut
/// before.
const DRAINING: Duration = Duration::from_millis(25);
const DRAIN_LIMIT: Duration = Duration::from_mins(1);

/// One socket, for as long as it lives.
pub(super) struct Guest {
    pub door: Door,
    pub actor: Actor,
    pub language: Language,
    /// Where its events come from, for the record.
    pub origin: Origin,
    /// Its client acknowledges `message:receive` itself.
    pub acknowledges: bool,
    pub inbox: Inbox,
    /// What its user has waiting, over all connections.
    pub purse: Arc<Purse>,
    ticket: Arc<Ticket>,
    pub pass: Pass,
    hub: Arc<Hub>,
    /// What its entry read of its user, until it joins.
    profile: Mutex<Option<Box<Profile>>>,
    place: Mutex<Place>,
    connection: OnceLock<ConnectionId>,
    /// Its place among its user's sockets, until it leaves.
    seat: Mutex<Option<Seat>>,
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

    /// What waits for its client to read it.
    pub fn load(&self) -> &Load {
        &self.ticket.load
    }

    /// Its turn to do something heavy: once its client has read what waits already, so that whoever asks for
    /// much at once gets it as they read it.
    pub async fn turn(&self, heavy: Heavy, weight: usize) -> Result<Turn> {
        let drained = async {
            while self.load().waiting() > CONNECTION_OUT / 2 && !self.is_gone() {
                tokio::time::sleep(DRAINING).await;
            }
        };
        let late = |_| Error::RateLimited { retry_after: CHECK_LIMIT };
        tokio::time::timeout(DRAIN_LIMIT, drained).await.map_err(late)?;
        self.door.turn(self.actor.user, heavy, weight).await
    }

    fn is_gone(&self) -> bool {
        matches!(*self.place.lock().unwrap_or_else(PoisonError::into_inner), Place::Gone)
    }

    /// From now on it hears what concerns its user.
    fn arrive(self: &Arc<Self>, socket: SocketRef) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*place, Place::Arriving) {
            return;
        }
        let outlet = SocketOutlet {
            ticket: Arc::clone(&self.ticket),
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
        if self.door.services.is_ended_here(&self.pass) {
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
        drop(place);
        *self.seat.lock().unwrap_or_else(PoisonError::into_inner) = None;
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

/// The door of the namespace `/`.
#[derive(Clone)]
pub(super) struct Entrance {
    pub transport: Transport,
    pub hub: Arc<Hub>,
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
        let check = tokio::time::timeout(CHECK_LIMIT, self.transport.door.services.enter(&token));
        let Entry { pass, profile } = check.await.map_err(|_| Error::Unavailable)??;
        // Taken before anything else is done: many may be coming in at this moment.
        let seat = self.hub.seat(pass.actor.user, MAX_SOCKETS);
        let seat = seat.ok_or(Error::RateLimited { retry_after: CHECK_LIMIT })?;
        let ticket = socket.req_parts().extensions.get::<Arc<Ticket>>().ok_or(Error::Internal)?;
        let purse = self.transport.door.scales.purse(Owner::Person(pass.actor.user));
        ticket.signed_in(pass.actor.user);
        let guest = Arc::new(Guest {
            door: self.transport.door.clone(),
            actor: pass.actor.clone(),
            language: language_of(headers.get(axum::http::header::ACCEPT_LANGUAGE)),
            origin: trail::origin_of(&socket.req_parts().extensions, headers),
            acknowledges: auth.get("acks") == Some(&Json::Bool(true)),
            inbox: Inbox::default(),
            purse: Arc::clone(&purse),
            ticket: Arc::clone(ticket),
            pass,
            hub: Arc::clone(&self.hub),
            profile: Mutex::new(profile.map(Box::new)),
            place: Mutex::new(Place::Arriving),
            connection: OnceLock::new(),
            seat: Mutex::new(Some(seat)),
            arrived: Notify::new(),
        });
        let (weak, session) = (Arc::downgrade(&guest), Arc::downgrade(ticket));
        ticket.load.belongs_to(purse, move || match (weak.upgrade(), session.upgrade()) {
            (Some(guest), _) => guest.lag(),
            // It signed in anew on the same session.
            (None, Some(ticket)) => {
                ticket.cut();
            }
            (None, None) => {}
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
            guest.arrive(SocketRef::from(socket));
        }
    }

    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket<LocalAdapter>>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn std::fmt::Display + Send>>> + Send + 'a>> {
        Box::pin(async move {
            let Err(error) = self.admit(Arc::clone(&socket), auth.as_ref()).await else { return Ok(()) };
            metrics::counter!("wardline_refusals_total", "reason" => "handshake").increment(1);
            // After a `connect_error` the official client does not come again by itself; after a broken connection it does.
            if matches!(error, Error::Unavailable)
                && let Some(ticket) = socket.req_parts().extensions.get::<Arc<Ticket>>()
            {
                self.transport.part(ticket);
                tokio::time::sleep(CUT_WITHIN).await;
            }
            // The client sees this as the `message` of `connect_error`.
            let code: Box<dyn std::fmt::Display + Send> = Box::new(error.code().as_str());
            Err(code)
        })
    }
}
