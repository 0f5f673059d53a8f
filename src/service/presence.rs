//! Presence: who is here. A person is as present as their best connection; several changes within a
//! moment are written and told as one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use bson::oid::ObjectId;
use tokio::sync::Notify;

use super::{Services, tokens::Profile};
use crate::domain::{
    Error, Result, Timestamp, UserId,
    access::Actor,
    event::{Audience, Event},
    ids::ConnectionId,
    presence::{OnlineSocket, Presence, Status, aggregate},
    user::User,
};
use crate::store::gathered::Gathered;

/// How long after a round that MongoDB did not take the next one comes.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What a gateway knows of a connection that joins.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The protocol's own name of the connection.
    pub socket_id: String,
    pub user_agent: String,
    pub ip_address: String,
}

/// One connection of a person.
struct Place {
    connection: ConnectionId,
    socket: OnlineSocket,
    /// It was handed to the database once.
    is_written: bool,
}

struct Person {
    /// Mostly one or two.
    places: Vec<Place>,
    status: Status,
    last_seen: Timestamp,
}

impl Person {
    /// This connection of theirs, made the first time.
    fn socket(&mut self, id: ConnectionId, make: impl FnOnce() -> OnlineSocket) -> &mut OnlineSocket {
        let index = self.places.iter().position(|place| place.connection == id).unwrap_or_else(|| {
            if self.places.is_empty() {
                self.places.reserve_exact(1);
            }
            self.places.push(Place { connection: id, socket: make(), is_written: false });
            self.places.len() - 1
        });
        &mut self.places[index].socket
    }
}

impl Visit {
    fn online(self, user: UserId, status: Status, now: Timestamp) -> OnlineSocket {
        OnlineSocket {
            id: ObjectId::new(),
            user,
            socket_id: self.socket_id,
            status,
            user_agent: self.user_agent.chars().take(256).collect(),
            ip_address: self.ip_address,
            connected_at: now,
        }
    }
}

#[derive(Default)]
struct State {
    people: HashMap<UserId, Person>,
    next: Round,
}

/// What changed since the last round: at most what connections there are, since nobody comes in without MongoDB.
#[derive(Default)]
struct Round {
    /// Whose status changed, and what it is now.
    statuses: BTreeMap<UserId, Presence>,
    /// Connections that came or changed.
    touched: BTreeSet<(UserId, ConnectionId)>,
    /// Connections that went and that the database may know of.
    gone: Vec<ObjectId>,
}

/// The connections of a round, as they are now: those the database has not heard of, and those it has.
#[derive(Default)]
struct Sockets {
    came: Vec<OnlineSocket>,
    altered: Vec<OnlineSocket>,
}

/// This node's connections and their people.
pub(super) struct Board {
    /// This process, as `online_users` and `nodes` call it.
    node: String,
    state: Mutex<State>,
    arrived: Notify,
}

impl Board {
    pub fn new() -> Self {
        let node = format!("node-{:016x}", rand::random::<u64>());
        Self { node, state: Mutex::default(), arrived: Notify::new() }
    }

    /// What this node knows of a person; `None` when they have no connection here.
    pub fn of(&self, user: UserId) -> Option<Presence> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let person = state.people.get(&user)?;
        Some(Presence { user, status: person.status, last_seen: person.last_seen })
    }

    /// Everybody who is online or away here.
    pub fn present(&self) -> Vec<Presence> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let people = state.people.iter().filter(|(_, person)| person.status != Status::Offline);
        people.map(|(user, p)| Presence { user: *user, status: p.status, last_seen: p.last_seen }).collect()
    }

    /// How many are online or away: here, or elsewhere as the database says.
    fn count_with(&self, stored: &[UserId]) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let here = state.people.values().filter(|person| person.status != Status::Offline).count();
        let elsewhere = stored.iter().filter(|user| !state.people.contains_key(user)).count();
        (here + elsewhere) as u64
    }

    /// Changes a person's connections and notes what follows.
    fn change(
        &self,
        user: UserId,
        now: Timestamp,
        change: impl FnOnce(&mut Person, &mut Round) -> Option<ConnectionId>,
    ) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let person = state.people.entry(user).or_insert_with(|| Person {
            places: Vec::new(),
            status: Status::Offline,
            last_seen: now,
        });
        if let Some(connection) = change(person, &mut state.next) {
            state.next.touched.insert((user, connection));
        }
        let status = aggregate(person.places.iter().map(|place| place.socket.status));
        person.last_seen = now;
        if mem::replace(&mut person.status, status) != status {
            state.next.statuses.insert(user, Presence { user, status, last_seen: now });
        }
        drop(guard);
        self.arrived.notify_one();
    }

    /// What there is to write and tell. Who has no connection any more is forgotten.
    fn take(&self) -> (Round, Sockets) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (round, mut sockets) = (mem::take(&mut state.next), Sockets::default());
        for (user, id) in &round.touched {
            let Some(person) = state.people.get_mut(user) else { continue };
            if let Some(place) = person.places.iter_mut().find(|place| place.connection == *id) {
                let is_known = mem::replace(&mut place.is_written, true);
                let list = if is_known { &mut sockets.altered } else { &mut sockets.came };
                list.push(place.socket.clone());
            }
        }
        state.people.retain(|_, person| !person.places.is_empty());
        (round, sockets)
    }

    /// Everybody here is to be written and told again: another node took this one for dead.
    fn renew(&self) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        for (user, person) in &state.people {
            let presence = Presence { user: *user, status: person.status, last_seen: person.last_seen };
            state.next.statuses.insert(*user, presence);
            state.next.touched.extend(person.places.iter().map(|place| (*user, place.connection)));
        }
        drop(guard);
        self.arrived.notify_one();
    }

    /// The database did not take this round: it is part of the next. What changed meanwhile is newer.
    fn put_back(&self, round: Round) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (user, presence) in round.statuses {
            state.next.statuses.entry(user).or_insert(presence);
        }
        state.next.touched.extend(round.touched);
        state.next.gone.extend(round.gone);
        self.arrived.notify_one();
    }
}

/// Counts who is present, together for all who ask at the same time.
pub(super) fn headcount(services: Weak<Services>) -> Gathered<(), u64> {
    Gathered::new(64, move |asked: Vec<()>| {
        let services = Weak::clone(&services);
        async move {
            let services = services.upgrade().ok_or(Error::Unavailable)?;
            let stored = services.store.ids_present().await?;
            Ok(vec![services.presence.count_with(&stored); asked.len()])
        }
    })
}

impl Services {
    /// A connection of the caller says that it is there. Saying it again changes nothing. `profile` is what its
    /// entry already read of them.
    ///
    /// # Errors
    /// `Forbidden` for another's name; `AuthFailed` when the account is gone.
    pub async fn join(
        &self,
        actor: &Actor,
        named: UserId,
        connection: ConnectionId,
        visit: Visit,
        profile: Option<Profile>,
    ) -> Result<User> {
        actor.must_be(named)?;
        let now = self.clock.now();
        self.presence.change(actor.user, now, |person, _| {
            // What waited in the inbox may come after the connection went: it brings nobody back. Asked
            // under the board's lock, which `left` takes after it has unregistered the connection.
            if !self.hub.has(connection) {
                return None;
            }
            person.socket(connection, || visit.online(actor.user, Status::Online, now));
            Some(connection)
        });
        let Some(user) = profile.and_then(|profile| self.tokens.fresh(profile)) else {
            return self.me(actor).await;
        };
        let mut users = [user];
        self.overlay_presence(&mut users);
        let [user] = users;
        Ok(user)
    }

    /// A connection of the caller says how present it is. One that never joined joins by it.
    pub fn set_status(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        status: Status,
        visit: Visit,
    ) -> Presence {
        let now = self.clock.now();
        self.presence.change(actor.user, now, |person, _| {
            if !self.hub.has(connection) {
                return None;
            }
            person.socket(connection, || visit.online(actor.user, status, now)).status = status;
            Some(connection)
        });
        self.presence.of(actor.user).unwrap_or(Presence { user: actor.user, status, last_seen: now })
    }

    /// A connection went.
    pub fn left(&self, actor: &Actor, connection: ConnectionId) {
        self.hub.unregister(connection);
        self.stop_typing_of(connection);
        if self.presence.of(actor.user).is_some() {
            self.presence.change(actor.user, self.clock.now(), |person, round| {
                let left = person.places.extract_if(.., |place| place.connection == connection);
                let known = left.filter(|place| place.is_written);
                round.gone.extend(known.map(|place| place.socket.id));
                None
            });
        }
        if !self.hub.is_here(actor.user) {
            self.unread.forget(actor.user);
        }
    }

    /// Writes and tells what changed, in rounds.
    pub(super) async fn announce_presence(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.presence.arrived.notified() => {}
            }
            tokio::time::sleep(self.settings.timings.presence_window).await;
            if !self.announce_round().await {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Writes and tells what changed; whether that could be done.
    async fn announce_round(&self) -> bool {
        let (round, sockets) = self.presence.take();
        let Sockets { came, altered } = &sockets;
        let (node, now) = (&self.presence.node, self.clock.now());
        let mut outcome = self.store.write_sockets(node, came, altered, &round.gone, now).await;
        if !outcome.as_ref().is_err_and(is_passing) {
            if let Err(error) = outcome {
                tracing::error!(%error, "connections were not stored");
            }
            outcome = self.tell_statuses(node, round.statuses.values().copied().collect()).await;
        }
        match outcome {
            Ok(()) => true,
            Err(error) if is_passing(&error) => {
                tracing::warn!(%error, "presence was not stored; it is tried again");
                self.presence.put_back(round);
                false
            }
            // Trying again would only refuse the next round with this one.
            Err(error) => {
                tracing::error!(%error, "statuses were not stored");
                true
            }
        }
    }

    /// Stores and announces statuses. Who left `node` but is connected to another one stays.
    async fn tell_statuses(&self, node: &str, mut changed: Vec<Presence>) -> Result<()> {
        let left: Vec<UserId> =
            changed.iter().filter(|p| p.status == Status::Offline).map(|p| p.user).collect();
        if !left.is_empty() {
            let elsewhere = self.store.present_elsewhere(node, &left).await?;
            changed.retain(|presence| !elsewhere.contains(&presence.user));
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.store.write_statuses(&changed).await?;
        let users: Vec<UserId> = changed.iter().map(|presence| presence.user).collect();
        let circles = self.store.circles_of(&users).await?;
        let mut peers: HashMap<UserId, Vec<UserId>> =
            users.into_iter().map(|user| (user, Vec::new())).collect();
        for circle in &circles {
            for user in circle {
                if let Some(peers) = peers.get_mut(user) {
                    peers.extend(circle);
                }
            }
        }
        for presence in changed {
            let mut concerned = peers.remove(&presence.user).unwrap_or_default();
            concerned.sort_unstable();
            concerned.dedup();
            self.hub.publish(&Audience::UsersAndWatchers(concerned), &Event::UserStatus(presence));
        }
        Ok(())
    }

    /// Says that this node lives, and clears up after nodes that no longer do.
    pub(super) async fn heartbeat(&self) -> Result<()> {
        let now = self.clock.now();
        if self.store.heartbeat(&self.presence.node, now).await? {
            self.presence.renew();
        }
        for node in self.store.silent_nodes(now.minus(self.settings.timings.node_death)).await? {
            tracing::info!(node, "clearing up after a node that fell silent");
            self.clear_node(&node).await?;
        }
        Ok(())
    }

    /// Each step may be repeated, and what breaks off is begun anew: the node is forgotten last.
    async fn clear_node(&self, node: &str) -> Result<()> {
        let now = self.clock.now();
        let left = self.store.users_of_node(node).await?;
        let left = left.into_iter().filter(|user| self.presence.of(*user).is_none());
        let left = left.map(|user| Presence { user, status: Status::Offline, last_seen: now });
        self.tell_statuses(node, left.collect()).await?;
        self.store.remove_sockets_of_node(node).await?;
        self.store.forget_node(node).await
    }

    /// This node stops: nobody is online through it any more.
    ///
    /// # Errors
    /// When MongoDB does not answer; then another node clears up, or this one at its next start.
    pub async fn leave(&self) -> Result<()> {
        mem::take(&mut *self.presence.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.clear_node(&self.presence.node).await
    }
}

/// MongoDB was not there: the same may go well later.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Unavailable | Error::OutcomeUnknown)
}
