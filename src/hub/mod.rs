//! The hub: the live connections of every gateway, and which events go to which.
//!
//! The hub knows no protocol. A gateway registers an [`Outbox`] for each connection. The hub sends
//! an event to the outboxes of the connections it concerns, in the order of publishing. A
//! connection that cannot keep up is closed, so that its client reconnects and syncs: an event is
//! never skipped silently.
//!
//! This is the in-process bus. With a second node, [`Hub::publish`] would also send events to other
//! nodes and receive theirs.

mod quota;

use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use quota::ConnectionQuota;
pub use quota::QuotaGuard;

use crate::domain::{
    Timestamp, UserId,
    access::AuthenticatedToken,
    event::{Audience, Closing, Event},
    ids::ConnectionId,
};

/// Why the service closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The connection cannot keep up; its client should reconnect and sync.
    Lagging,
    /// Its token ended: signed out, deactivated or expired.
    TokenEnded,
    /// Its user's rights changed; its client should reconnect with the new ones.
    RightsChanged,
}

/// The result of sending an event to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendResult {
    /// The event is queued.
    Queued,
    /// The outgoing buffer is full.
    Full,
    /// The connection is closed already.
    Gone,
}

/// The outgoing side of one connection, which a gateway implements.
pub trait Outbox: Send + Sync {
    /// Sends an event in the connection's protocol. Must not wait.
    fn send(&self, encoded_event: &EncodedEvent<'_>) -> SendResult;
    /// Closes the connection.
    fn close(&self, reason: CloseReason);
}

/// The encodings of an event. Events with the same payload may share them.
#[derive(Default)]
pub struct EncodingCache(RefCell<Vec<Rc<dyn Any>>>);

/// An event for several connections, with its encodings. Each wire form is encoded once, for any
/// number of connections.
pub struct EncodedEvent<'a> {
    pub event: &'a Event,
    encodings: &'a EncodingCache,
}

impl EncodedEvent<'_> {
    /// Returns the wire form `T` of the event, which `encode` creates the first time.
    pub fn encoded<T: 'static>(&self, encode: impl FnOnce(&Event) -> T) -> Rc<T> {
        let encodings = &self.encodings.0;
        let known = encodings
            .borrow()
            .iter()
            .find_map(|form| Rc::clone(form).downcast::<T>().ok());
        known.unwrap_or_else(|| {
            let form = Rc::new(encode(self.event));
            encodings.borrow_mut().push(Rc::clone(&form) as Rc<dyn Any>);
            form
        })
    }
}

/// One live connection.
pub struct Connection {
    pub id: ConnectionId,
    /// The token that authenticated it. The connection ends with the token.
    pub auth: AuthenticatedToken,
    /// Whether the connection was closed: it receives no further event.
    closing: AtomicBool,
    outbox: Box<dyn Outbox>,
}

impl Connection {
    fn send(&self, encoded_event: &EncodedEvent<'_>) {
        if self.closing.load(Ordering::Acquire) {
            return;
        }
        match self.outbox.send(encoded_event) {
            SendResult::Queued | SendResult::Gone => {}
            SendResult::Full => self.close(CloseReason::Lagging),
        }
    }

    fn close(&self, reason: CloseReason) {
        if !self.closing.swap(true, Ordering::AcqRel) {
            let reason_name = match reason {
                CloseReason::Lagging => "lagging",
                CloseReason::TokenEnded => "token_ended",
                CloseReason::RightsChanged => "rights_changed",
            };
            metrics::counter!("wardline_connections_closed_total", "reason" => reason_name)
                .increment(1);
            self.outbox.close(reason);
        }
    }
}

#[derive(Default)]
struct ConnectionIndex {
    people: HashMap<UserId, Vec<Arc<Connection>>>,
    expiries: BTreeSet<(Timestamp, ConnectionId)>,
    all: BTreeMap<ConnectionId, Arc<Connection>>,
    /// The connections that receive the presence of all users.
    presence_subscribers: BTreeMap<ConnectionId, Arc<Connection>>,
}

/// The live connections of all users on this node.
#[derive(Default)]
pub struct Hub {
    index: RwLock<ConnectionIndex>,
    next: AtomicU64,
    quota: Arc<ConnectionQuota>,
}

impl Hub {
    /// Registers a new connection, which receives its user's events from then on.
    pub fn register(&self, auth: AuthenticatedToken, outbox: Box<dyn Outbox>) -> Arc<Connection> {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let (user, expires_at) = (auth.actor.user, auth.expires_at);
        let connection = Arc::new(Connection {
            id,
            auth,
            closing: AtomicBool::new(false),
            outbox,
        });
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index
            .people
            .entry(user)
            .or_default()
            .push(Arc::clone(&connection));
        index.expiries.insert((expires_at, id));
        index.all.insert(id, Arc::clone(&connection));
        metrics::gauge!("wardline_connections").increment(1.0);
        connection
    }

    /// Removes a connection. Removing it twice has no effect.
    pub fn unregister(&self, id: ConnectionId) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = index.all.remove(&id) else {
            return;
        };
        index.presence_subscribers.remove(&id);
        index.expiries.remove(&(connection.auth.expires_at, id));
        if let Some(theirs) = index.people.get_mut(&connection.auth.actor.user) {
            theirs.retain(|other| other.id != id);
            if theirs.is_empty() {
                index.people.remove(&connection.auth.actor.user);
            }
        }
        metrics::gauge!("wardline_connections").decrement(1.0);
    }

    /// Subscribes the connection to the presence of all users.
    pub fn watch_presence(&self, id: ConnectionId) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = index.all.get(&id).cloned() {
            index.presence_subscribers.insert(id, connection);
        }
    }

    /// Closes a connection that cannot keep up; it receives no further event.
    pub fn disconnect(&self, id: ConnectionId) {
        let connection = self
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .all
            .get(&id)
            .cloned();
        if let Some(connection) = connection {
            connection.close(CloseReason::Lagging);
        }
    }

    /// Sends an event to all connections of its audience.
    pub fn publish(&self, audience: &Audience, event: &Event) {
        self.publish_with_cache(audience, event, &EncodingCache::default());
    }

    /// Publishes one of several events with the same payload, as [`Hub::publish`] does. `encodings`
    /// keeps the encodings of one event for the next.
    pub fn publish_with_cache(
        &self,
        audience: &Audience,
        event: &Event,
        encodings: &EncodingCache,
    ) {
        let targets = self.targets(audience);
        let encoded_event = EncodedEvent { event, encodings };
        for connection in targets {
            connection.send(&encoded_event);
        }
    }

    fn targets(&self, audience: &Audience) -> Vec<Arc<Connection>> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let of = |users: &[UserId]| -> Vec<Arc<Connection>> {
            users
                .iter()
                .filter_map(|user| index.people.get(user))
                .flatten()
                .cloned()
                .collect()
        };
        match audience {
            Audience::Users(users) => of(users),
            Audience::UsersExcept(users, except) => of(users)
                .into_iter()
                .filter(|connection| connection.id != *except)
                .collect(),
            Audience::UsersAndWatchers(users) => {
                let mut targets = of(users);
                let concerned: BTreeSet<UserId> = users.iter().copied().collect();
                let presence_subscribers = index.presence_subscribers.values();
                targets.extend(
                    presence_subscribers
                        .filter(|c| !concerned.contains(&c.auth.actor.user))
                        .cloned(),
                );
                targets
            }
        }
    }

    /// Whether this user has a connection on this node.
    pub fn is_connected(&self, user: UserId) -> bool {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .people
            .contains_key(&user)
    }

    /// Whether this connection is (still) registered.
    pub fn has(&self, id: ConnectionId) -> bool {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .all
            .contains_key(&id)
    }

    /// Reserves a connection for this user before it is made; `None` if they already have `most`.
    pub fn reserve(&self, user: UserId, most: usize) -> Option<QuotaGuard> {
        self.quota.acquire(user, most)
    }

    /// Returns the number of connections.
    pub fn count(&self) -> usize {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .all
            .len()
    }

    /// Returns the authenticated tokens of all connections.
    pub fn tokens_in_use(&self) -> Vec<AuthenticatedToken> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index
            .all
            .values()
            .map(|connection| connection.auth.clone())
            .collect()
    }

    /// Closes connections, for `reason`.
    pub fn close(&self, which: &Closing, reason: CloseReason) {
        self.close_where(reason, |connection| match which {
            Closing::Token(token) => connection.auth.actor.token == *token,
            Closing::User(user) => connection.auth.actor.user == *user,
        });
    }

    /// Closes connections whose token has expired.
    pub fn close_expired(&self, now: Timestamp) {
        let due = self
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .expiries
            .first()
            .is_some_and(|(t, _)| *t <= now);
        if due {
            self.close_where(CloseReason::TokenEnded, |connection| {
                connection.auth.expires_at <= now
            });
        }
    }

    fn close_where(&self, reason: CloseReason, applies: impl Fn(&Connection) -> bool) {
        let targets: Vec<Arc<Connection>> = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            index
                .all
                .values()
                .filter(|connection| applies(connection))
                .cloned()
                .collect()
        };
        for connection in targets {
            // The connection is removed from the hub first: later events must not reach it.
            self.unregister(connection.id);
            connection.close(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::domain::{
        TokenId,
        access::{Actor, CredentialVersion},
        event::Unread,
        user::Role,
    };

    #[derive(Default)]
    struct Received {
        events: Mutex<Vec<u64>>,
        closed: Mutex<Vec<CloseReason>>,
    }

    struct Subscriber {
        received: Arc<Received>,
        capacity: usize,
    }

    impl Outbox for Subscriber {
        fn send(&self, encoded_event: &EncodedEvent<'_>) -> SendResult {
            let total = *encoded_event.encoded(|event| match event {
                Event::UnreadChanged(unread) => unread.total,
                _ => 0,
            });
            let mut events = self.received.events.lock().unwrap();
            if events.len() >= self.capacity {
                return SendResult::Full;
            }
            events.push(total);
            SendResult::Queued
        }
        fn close(&self, reason: CloseReason) {
            self.received.closed.lock().unwrap().push(reason);
        }
    }

    fn join(hub: &Hub, user: UserId, capacity: usize) -> (Arc<Connection>, Arc<Received>) {
        let received = Arc::new(Received::default());
        let actor = Actor {
            user,
            role: Role::Nurse,
            token: TokenId::generate(),
        };
        let outbox = Box::new(Subscriber {
            received: Arc::clone(&received),
            capacity,
        });
        let auth = AuthenticatedToken {
            actor,
            issued: CredentialVersion::Version(0),
            expires_at: Timestamp(1_000),
        };
        (hub.register(auth, outbox), received)
    }

    fn tell(hub: &Hub, audience: &Audience, total: u64) {
        hub.publish(
            audience,
            &Event::UnreadChanged(Unread {
                total,
                by_session: BTreeMap::new(),
            }),
        );
    }

    #[test]
    fn everybody_hears_once_and_in_order() {
        let (hub, anna, ben) = (Hub::default(), UserId::generate(), UserId::generate());
        let (first, at_first) = join(&hub, anna, 9);
        let (_second, at_second) = join(&hub, anna, 9);
        let (watcher, at_watcher) = join(&hub, ben, 9);
        tell(&hub, &Audience::Users(vec![anna]), 1);
        tell(&hub, &Audience::UsersExcept(vec![anna], first.id), 2);
        hub.watch_presence(watcher.id);
        tell(&hub, &Audience::UsersAndWatchers(vec![anna, ben]), 3);
        assert_eq!(*at_first.events.lock().unwrap(), [1, 3]);
        assert_eq!(*at_second.events.lock().unwrap(), [1, 2, 3]);
        assert_eq!(*at_watcher.events.lock().unwrap(), [3]);
    }

    #[test]
    fn one_that_lags_is_closed_and_hears_nothing_more() {
        let (hub, anna) = (Hub::default(), UserId::generate());
        let (_slow, at_slow) = join(&hub, anna, 1);
        let (_quick, at_quick) = join(&hub, anna, 9);
        for total in 1..=3 {
            tell(&hub, &Audience::Users(vec![anna]), total);
        }
        assert_eq!(*at_slow.events.lock().unwrap(), [1]);
        assert_eq!(*at_slow.closed.lock().unwrap(), [CloseReason::Lagging]);
        assert_eq!(*at_quick.events.lock().unwrap(), [1, 2, 3]);
    }

    #[test]
    fn an_ended_token_closes_its_connections_only() {
        let (hub, anna) = (Hub::default(), UserId::generate());
        let (phone, at_phone) = join(&hub, anna, 9);
        let (_desk, at_desk) = join(&hub, anna, 9);
        hub.close(
            &Closing::Token(phone.auth.actor.token.clone()),
            CloseReason::TokenEnded,
        );
        tell(&hub, &Audience::Users(vec![anna]), 1);
        assert!(at_phone.events.lock().unwrap().is_empty());
        assert_eq!(*at_desk.events.lock().unwrap(), [1]);
        hub.close_expired(Timestamp(999));
        assert_eq!(hub.count(), 1);
        hub.close_expired(Timestamp(1_000));
        assert_eq!(hub.count(), 0);
        assert_eq!(*at_desk.closed.lock().unwrap(), [CloseReason::TokenEnded]);
    }
}
