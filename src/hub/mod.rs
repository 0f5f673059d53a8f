//! The hub: the live connections of every gateway, and which events go to which.
//!
//! The hub knows no protocol. A gateway registers an [`Outbox`] for each connection. The hub sends
//! an event to the outboxes of the connections it concerns, in the order of publishing. A
//! connection that cannot keep up is closed, so that its client reconnects and syncs: an event is
//! never skipped silently.
//!
//! The hub receives the events of all nodes from the bus.

mod quota;
mod removals;

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
use removals::Removals;

use crate::domain::{
    Timestamp, UserId,
    access::AuthenticatedToken,
    event::{Audience, Closing, Envelope, Event},
    ids::{ConnectionId, NodeId},
};

/// Why the service closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The connection cannot keep up; its client should reconnect and sync.
    Lagging,
    /// Its token ended: signed out, expired, or a new password.
    TokenEnded,
    /// Its user's account was deactivated.
    Deactivated,
    /// Its user's rights changed; its client should reconnect with the new ones.
    RightsChanged,
    /// Its user has a newer connection, and the protocol allows one.
    Replaced,
    /// Its user has too many connections, of which it is the oldest.
    Surplus,
    /// Its client sends many frames that cannot be decoded.
    Flooding,
}

impl CloseReason {
    fn name(self) -> &'static str {
        match self {
            CloseReason::Lagging => "lagging",
            CloseReason::TokenEnded => "token_ended",
            CloseReason::Deactivated => "deactivated",
            CloseReason::RightsChanged => "rights_changed",
            CloseReason::Replaced => "replaced",
            CloseReason::Surplus => "surplus",
            CloseReason::Flooding => "flooding",
        }
    }
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

/// The wire form of an event: the dialect, and the style of the dialect, that encode it.
pub type WireForm = (&'static str, &'static str);

/// An event for several connections, with its encodings. Each wire form is encoded once, for any
/// number of connections.
pub struct EncodedEvent<'a> {
    pub envelope: &'a Envelope,
    encodings: RefCell<Vec<(WireForm, Rc<dyn Any>)>>,
}

impl<'a> EncodedEvent<'a> {
    /// Returns an event that is not encoded yet.
    #[must_use]
    pub fn new(envelope: &'a Envelope) -> Self {
        Self {
            envelope,
            encodings: RefCell::default(),
        }
    }

    /// Returns the event.
    #[must_use]
    pub fn event(&self) -> &'a Event {
        &self.envelope.event
    }

    /// Returns the wire form of the event, which `encode` creates the first time. A form always has
    /// the same type.
    pub fn encoded<T: 'static>(&self, form: WireForm, encode: impl FnOnce(&Event) -> T) -> Rc<T> {
        let known = self
            .encodings
            .borrow()
            .iter()
            .filter(|(of, _)| *of == form)
            .find_map(|(_, encoding)| Rc::clone(encoding).downcast::<T>().ok());
        known.unwrap_or_else(|| {
            let encoding = Rc::new(encode(&self.envelope.event));
            let stored = (form, Rc::clone(&encoding) as Rc<dyn Any>);
            self.encodings.borrow_mut().push(stored);
            encoding
        })
    }
}

/// One live connection.
pub struct Connection {
    pub id: ConnectionId,
    /// The dialect that it speaks.
    dialect: &'static str,
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
            metrics::counter!("wardline_connections_closed_total", "reason" => reason.name())
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
pub struct Hub {
    node: NodeId,
    index: RwLock<ConnectionIndex>,
    next: AtomicU64,
    quota: Arc<ConnectionQuota>,
    removals: Removals,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            node: NodeId::generate(),
            index: RwLock::default(),
            next: AtomicU64::default(),
            quota: Arc::default(),
            removals: Removals::default(),
        }
    }
}

impl Hub {
    /// Returns the node whose connections these are.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Registers a new connection, which receives its user's events from then on.
    pub fn register(
        &self,
        dialect: &'static str,
        auth: AuthenticatedToken,
        outbox: Box<dyn Outbox>,
    ) -> ConnectionId {
        let id = ConnectionId {
            node: self.node,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        };
        let (user, expires_at) = (auth.actor.user, auth.expires_at);
        let connection = Arc::new(Connection {
            id,
            dialect,
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
        index.all.insert(id, connection);
        metrics::gauge!("wardline_connections").increment(1.0);
        id
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

    /// Closes one connection; it receives no further event.
    pub fn disconnect(&self, id: ConnectionId, reason: CloseReason) {
        let connection = self
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .all
            .get(&id)
            .cloned();
        if let Some(connection) = connection {
            connection.close(reason);
        }
    }

    /// Sends an event to all connections of its audience.
    pub fn publish(&self, envelope: &Envelope) {
        self.removals
            .record(envelope, |user| self.is_connected(user));
        let encoded_event = EncodedEvent::new(envelope);
        let admission = self.removals.admission();
        for connection in self.targets(&envelope.audience) {
            if admission.allows(connection.auth.actor.user, envelope) {
                connection.send(&encoded_event);
            }
        }
    }

    fn targets(&self, audience: &Audience) -> Vec<Arc<Connection>> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let mut targets: Vec<Arc<Connection>> = audience
            .users()
            .iter()
            .filter_map(|user| index.people.get(user))
            .flatten()
            .cloned()
            .collect();
        if let Audience::UsersAndWatchers(users) = audience {
            let concerned: BTreeSet<UserId> = users.iter().copied().collect();
            let watchers = index.presence_subscribers.values();
            targets.extend(
                watchers
                    .filter(|c| !concerned.contains(&c.auth.actor.user))
                    .cloned(),
            );
        }
        targets
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

    /// Reserves a connection for this user before it is made; `None` if they already have `most`
    /// of this dialect.
    pub fn reserve(&self, dialect: &'static str, user: UserId, most: usize) -> Option<QuotaGuard> {
        self.quota.acquire(dialect, user, most)
    }

    /// Closes the oldest connections of a user beyond the newest `most` of this dialect.
    pub fn close_surplus(
        &self,
        dialect: &'static str,
        user: UserId,
        most: usize,
        reason: CloseReason,
    ) {
        let surplus: Vec<Arc<Connection>> = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let theirs = index.people.get(&user).into_iter().flatten();
            let of_dialect: Vec<_> = theirs.filter(|c| c.dialect == dialect).collect();
            let count = of_dialect.len().saturating_sub(most);
            of_dialect.into_iter().take(count).cloned().collect()
        };
        for connection in surplus {
            self.unregister(connection.id);
            connection.close(reason);
        }
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
        conversation::Conversation,
        event::{ConversationEvent, GroupEvent, Scope, Typing, Unread},
        user::{AccountKind, Role},
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
            let total = *encoded_event.encoded(("test", ""), |event| match event {
                Event::Unread(unread) => unread.total,
                Event::Typing(typing) => u64::from(typing.active),
                Event::Message(_)
                | Event::Receipt(_)
                | Event::Conversation(_)
                | Event::Presence(_) => 0,
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

    fn join(hub: &Hub, user: UserId, capacity: usize) -> (ConnectionId, Arc<Received>) {
        let received = Arc::new(Received::default());
        let actor = Actor {
            user,
            role: Role::Nurse,
            account: AccountKind::STAFF,
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
        (hub.register("test", auth, outbox), received)
    }

    fn tell(hub: &Hub, audience: &Audience, total: u64) {
        let unread = Unread {
            total,
            by_session: BTreeMap::new(),
        };
        hub.publish(&Envelope::personal(audience.clone(), Event::Unread(unread)));
    }

    fn removal(group: &Conversation, user: UserId, version: u64) -> Envelope {
        let change = GroupEvent::nothing(group, user, Timestamp(0));
        let event = ConversationEvent::MemberRemoved {
            user,
            change: Arc::new(change),
        };
        Envelope::of(
            scope(group, version),
            vec![user],
            Event::Conversation(event),
        )
    }

    fn scope(group: &Conversation, version: u64) -> Scope {
        Scope {
            conversation: group.id,
            version,
        }
    }

    fn typing(group: &Conversation, typer: UserId, to: UserId, version: u64) -> Envelope {
        let typing = Typing {
            session: group.id,
            user: typer,
            active: true,
        };
        Envelope::of(scope(group, version), vec![to], Event::Typing(typing))
    }

    #[test]
    fn after_a_removal_nothing_of_the_conversation_is_sent_until_the_user_is_back() {
        let (hub, anna, ben) = (Hub::default(), UserId::generate(), UserId::generate());
        let group = Conversation::private(1, anna, ben, Timestamp(0));
        let other = Conversation::private(1, anna, ben, Timestamp(0));
        let (_, at_anna) = join(&hub, anna, 9);
        let (_, at_ben) = join(&hub, ben, 9);
        hub.publish(&typing(&group, ben, anna, 3));
        hub.publish(&removal(&group, anna, 4));
        // Prepared before the removal by another task, published after it.
        hub.publish(&typing(&group, ben, anna, 3));
        hub.publish(&typing(&group, anna, ben, 3));
        hub.publish(&typing(&other, ben, anna, 3));
        assert_eq!(*at_anna.events.lock().unwrap(), [1, 0, 1]);
        assert!(at_ben.events.lock().unwrap().is_empty());
        let back = ConversationEvent::Created(Arc::new(group.clone()));
        hub.publish(&Envelope::of(
            scope(&group, 5),
            vec![anna],
            Event::Conversation(back),
        ));
        hub.publish(&typing(&group, ben, anna, 5));
        assert_eq!(*at_anna.events.lock().unwrap(), [1, 0, 1, 0, 1]);
    }

    #[test]
    fn everybody_hears_once_and_in_order() {
        let (hub, anna, ben) = (Hub::default(), UserId::generate(), UserId::generate());
        let (_first, at_first) = join(&hub, anna, 9);
        let (_second, at_second) = join(&hub, anna, 9);
        let (watcher, at_watcher) = join(&hub, ben, 9);
        tell(&hub, &Audience::Users(vec![anna]), 1);
        tell(&hub, &Audience::Users(vec![ben]), 2);
        hub.watch_presence(watcher);
        tell(&hub, &Audience::UsersAndWatchers(vec![anna, ben]), 3);
        assert_eq!(*at_first.events.lock().unwrap(), [1, 3]);
        assert_eq!(*at_second.events.lock().unwrap(), [1, 3]);
        assert_eq!(*at_watcher.events.lock().unwrap(), [2, 3]);
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
    fn the_oldest_of_too_many_connections_of_a_dialect_closes() {
        let (hub, anna) = (Hub::default(), UserId::generate());
        let joined: Vec<_> = (0..3).map(|_| join(&hub, anna, 9)).collect();
        hub.close_surplus("other", anna, 1, CloseReason::Replaced);
        assert_eq!(hub.count(), 3);
        hub.close_surplus("test", anna, 1, CloseReason::Replaced);
        let closed = joined.iter().map(|(_, at)| at.closed.lock().unwrap().len());
        assert_eq!(closed.collect::<Vec<_>>(), [1, 1, 0]);
        assert!(hub.has(joined[2].0));
    }

    #[test]
    fn an_ended_token_closes_its_connections_only() {
        let (hub, anna) = (Hub::default(), UserId::generate());
        let (phone, at_phone) = join(&hub, anna, 9);
        let token = |id: ConnectionId| {
            let index = hub.index.read().unwrap();
            index.all[&id].auth.actor.token.clone()
        };
        let (_desk, at_desk) = join(&hub, anna, 9);
        hub.close(&Closing::Token(token(phone)), CloseReason::TokenEnded);
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
