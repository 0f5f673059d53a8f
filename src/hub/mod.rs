//! Live connections of every gateway: who is here, and to whose connections an event goes.
//!
//! The hub knows no protocol. A gateway hands in an [`Outlet`] for each connection; the hub finds the
//! connections an event concerns and gives it to their outlets, in the order of publishing. One that
//! cannot keep up is closed, so that its client comes back and syncs: an event is never skipped silently.
//!
//! This is the in-process bus. With a second node, [`Hub::publish`] is where an event also leaves for
//! the others, and where theirs come in.

mod seats;

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

pub use seats::Seat;
use seats::Seats;

use crate::domain::{
    Timestamp, UserId,
    access::Pass,
    event::{Audience, Closing, Event},
    ids::ConnectionId,
};

/// Why a connection is closed from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It cannot keep up; its client is to come back and sync.
    Lagging,
    /// Its token ended: signed out, deactivated or expired.
    TokenEnded,
    /// Its user's rights changed; its client is to come back with the new ones.
    RightsChanged,
}

/// What became of an event at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// It is on its way.
    Over,
    /// The outgoing buffer is full.
    Full,
    /// The connection is gone already.
    Gone,
}

/// How a gateway speaks to one connection.
pub trait Outlet: Send + Sync {
    /// Says an event in the connection's protocol. Must not wait.
    fn say(&self, announcement: &Announcement<'_>) -> Handed;
    /// Ends the connection.
    fn close(&self, reason: CloseReason);
}

/// What gateways encoded of an event. Events that say the same may share it.
#[derive(Default)]
pub struct Forms(RefCell<Vec<Rc<dyn Any>>>);

/// An event on its way to several connections, with what gateways encoded of it: each wire form is
/// made once, however many connections hear it.
pub struct Announcement<'a> {
    pub event: &'a Event,
    forms: &'a Forms,
}

impl Announcement<'_> {
    /// The wire form `T` of the event, made by `encode` the first time.
    pub fn encoded<T: 'static>(&self, encode: impl FnOnce(&Event) -> T) -> Rc<T> {
        let forms = &self.forms.0;
        let known = forms.borrow().iter().find_map(|form| Rc::clone(form).downcast::<T>().ok());
        known.unwrap_or_else(|| {
            let form = Rc::new(encode(self.event));
            forms.borrow_mut().push(Rc::clone(&form) as Rc<dyn Any>);
            form
        })
    }
}

/// One live connection.
pub struct Connection {
    pub id: ConnectionId,
    /// By which it came in; it does not outlive it.
    pub pass: Pass,
    /// Set once it was told to close: it hears nothing more.
    closing: AtomicBool,
    outlet: Box<dyn Outlet>,
}

impl Connection {
    fn say(&self, announcement: &Announcement<'_>) {
        if self.closing.load(Ordering::Acquire) {
            return;
        }
        match self.outlet.say(announcement) {
            Handed::Over | Handed::Gone => {}
            Handed::Full => self.close(CloseReason::Lagging),
        }
    }

    fn close(&self, reason: CloseReason) {
        if !self.closing.swap(true, Ordering::AcqRel) {
            let reason_name = match reason {
                CloseReason::Lagging => "lagging",
                CloseReason::TokenEnded => "token_ended",
                CloseReason::RightsChanged => "rights_changed",
            };
            metrics::counter!("wardline_connections_closed_total", "reason" => reason_name).increment(1);
            self.outlet.close(reason);
        }
    }
}

#[derive(Default)]
struct Board {
    people: HashMap<UserId, Vec<Arc<Connection>>>,
    expiries: BTreeSet<(Timestamp, ConnectionId)>,
    all: BTreeMap<ConnectionId, Arc<Connection>>,
    /// Those that hear of everybody's coming and going.
    watchers: BTreeMap<ConnectionId, Arc<Connection>>,
}

/// Everybody's live connections on this node.
#[derive(Default)]
pub struct Hub {
    board: RwLock<Board>,
    next: AtomicU64,
    seats: Arc<Seats>,
}

impl Hub {
    /// Takes a new connection in; from the next event on it hears what concerns its user.
    pub fn register(&self, pass: Pass, outlet: Box<dyn Outlet>) -> Arc<Connection> {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let (user, expires_at) = (pass.actor.user, pass.expires_at);
        let connection = Arc::new(Connection { id, pass, closing: AtomicBool::new(false), outlet });
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        board.people.entry(user).or_default().push(Arc::clone(&connection));
        board.expiries.insert((expires_at, id));
        board.all.insert(id, Arc::clone(&connection));
        metrics::gauge!("wardline_connections").increment(1.0);
        connection
    }

    /// Forgets a connection. Forgetting it twice changes nothing.
    pub fn unregister(&self, id: ConnectionId) {
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = board.all.remove(&id) else {
            return;
        };
        board.watchers.remove(&id);
        board.expiries.remove(&(connection.pass.expires_at, id));
        if let Some(theirs) = board.people.get_mut(&connection.pass.actor.user) {
            theirs.retain(|other| other.id != id);
            if theirs.is_empty() {
                board.people.remove(&connection.pass.actor.user);
            }
        }
        metrics::gauge!("wardline_connections").decrement(1.0);
    }

    /// From now on this connection hears of everybody's coming and going.
    pub fn watch_presence(&self, id: ConnectionId) {
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = board.all.get(&id).cloned() {
            board.watchers.insert(id, connection);
        }
    }

    /// This connection lags: it is closed, and hears nothing more.
    pub fn cut(&self, id: ConnectionId) {
        let connection = self.board.read().unwrap_or_else(PoisonError::into_inner).all.get(&id).cloned();
        if let Some(connection) = connection {
            connection.close(CloseReason::Lagging);
        }
    }

    /// Gives an event to all connections of its audience.
    pub fn publish(&self, audience: &Audience, event: &Event) {
        self.publish_sharing(audience, event, &Forms::default());
    }

    /// As [`Hub::publish`], for one of several events whose payload is the same: what was encoded for
    /// one is in `forms` for the next.
    pub fn publish_sharing(&self, audience: &Audience, event: &Event, forms: &Forms) {
        let targets = self.targets(audience);
        let announcement = Announcement { event, forms };
        for connection in targets {
            connection.say(&announcement);
        }
    }

    fn targets(&self, audience: &Audience) -> Vec<Arc<Connection>> {
        let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
        let of = |users: &[UserId]| -> Vec<Arc<Connection>> {
            users.iter().filter_map(|user| board.people.get(user)).flatten().cloned().collect()
        };
        match audience {
            Audience::Users(users) => of(users),
            Audience::UsersExcept(users, except) => {
                of(users).into_iter().filter(|connection| connection.id != *except).collect()
            }
            Audience::UsersAndWatchers(users) => {
                let mut targets = of(users);
                let concerned: BTreeSet<UserId> = users.iter().copied().collect();
                let watchers = board.watchers.values();
                targets.extend(watchers.filter(|c| !concerned.contains(&c.pass.actor.user)).cloned());
                targets
            }
        }
    }

    /// Whether this person has a connection here.
    pub fn is_here(&self, user: UserId) -> bool {
        self.board.read().unwrap_or_else(PoisonError::into_inner).people.contains_key(&user)
    }

    /// Whether this connection is (still) here.
    pub fn has(&self, id: ConnectionId) -> bool {
        self.board.read().unwrap_or_else(PoisonError::into_inner).all.contains_key(&id)
    }

    /// Takes a place for a connection of this person that is about to be made; none when they have `most`.
    pub fn seat(&self, user: UserId, most: usize) -> Option<Seat> {
        self.seats.take(user, most)
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.board.read().unwrap_or_else(PoisonError::into_inner).all.len()
    }

    /// The passes of all connections.
    pub fn passes(&self) -> Vec<Pass> {
        let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
        board.all.values().map(|connection| connection.pass.clone()).collect()
    }

    /// Closes connections, for `reason`.
    pub fn close(&self, which: &Closing, reason: CloseReason) {
        self.close_where(reason, |connection| match which {
            Closing::Token(token) => connection.pass.actor.token == *token,
            Closing::User(user) => connection.pass.actor.user == *user,
        });
    }

    /// Closes connections whose token has expired.
    pub fn close_expired(&self, now: Timestamp) {
        let due = self
            .board
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .expiries
            .first()
            .is_some_and(|(t, _)| *t <= now);
        if due {
            self.close_where(CloseReason::TokenEnded, |connection| connection.pass.expires_at <= now);
        }
    }

    fn close_where(&self, reason: CloseReason, applies: impl Fn(&Connection) -> bool) {
        let targets: Vec<Arc<Connection>> = {
            let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
            board.all.values().filter(|connection| applies(connection)).cloned().collect()
        };
        for connection in targets {
            // Out of the hub first: what is published from here on must not reach it.
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
        access::{Actor, Issue},
        event::Unread,
        user::Role,
    };

    #[derive(Default)]
    struct Heard {
        events: Mutex<Vec<u64>>,
        closed: Mutex<Vec<CloseReason>>,
    }

    struct Ear {
        heard: Arc<Heard>,
        room: usize,
    }

    impl Outlet for Ear {
        fn say(&self, announcement: &Announcement<'_>) -> Handed {
            let total = *announcement.encoded(|event| match event {
                Event::UnreadChanged(unread) => unread.total,
                _ => 0,
            });
            let mut events = self.heard.events.lock().unwrap();
            if events.len() >= self.room {
                return Handed::Full;
            }
            events.push(total);
            Handed::Over
        }
        fn close(&self, reason: CloseReason) {
            self.heard.closed.lock().unwrap().push(reason);
        }
    }

    fn join(hub: &Hub, user: UserId, room: usize) -> (Arc<Connection>, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        let actor = Actor { user, role: Role::Nurse, token: TokenId::generate() };
        let ear = Box::new(Ear { heard: Arc::clone(&heard), room });
        let pass = Pass { actor, issued: Issue::Version(0), expires_at: Timestamp(1_000) };
        (hub.register(pass, ear), heard)
    }

    fn tell(hub: &Hub, audience: &Audience, total: u64) {
        hub.publish(audience, &Event::UnreadChanged(Unread { total, by_session: BTreeMap::new() }));
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
        hub.close(&Closing::Token(phone.pass.actor.token.clone()), CloseReason::TokenEnded);
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
