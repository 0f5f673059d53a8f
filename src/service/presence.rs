//! Presence: which users are connected. A user has the status of their most present connection.
//! Several changes within a moment are stored and published as one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Services, tokens::CachedProfile};
use crate::domain::{
    Error, OnlineSocketId, Result, Timestamp, UserId,
    access::{Action, Actor},
    event::{Audience, Envelope, Event},
    ids::{ConnectionId, NodeId},
    presence::{OnlineSocket, Presence, Status, aggregate},
    user::User,
};
use crate::store::batch_loader::BatchLoader;

/// The delay of the next round after MongoDB failed to store one.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What a gateway knows about a connection that joins.
#[derive(Debug, Clone)]
pub struct ClientInfo {
    /// The name of the connection in the gateway's protocol.
    pub socket_id: String,
    pub user_agent: String,
    pub ip_address: String,
}

/// One connection of a user.
struct PresenceConnection {
    connection: ConnectionId,
    socket: OnlineSocket,
    /// Whether it was sent to the database once.
    is_written: bool,
}

struct OnlineUser {
    /// Mostly one or two.
    connections: Vec<PresenceConnection>,
    status: Status,
    last_seen: Timestamp,
}

impl OnlineUser {
    /// Returns this connection of the user; creates it the first time.
    fn socket(
        &mut self,
        id: ConnectionId,
        make: impl FnOnce() -> OnlineSocket,
    ) -> &mut OnlineSocket {
        let index = self
            .connections
            .iter()
            .position(|place| place.connection == id)
            .unwrap_or_else(|| {
                if self.connections.is_empty() {
                    self.connections.reserve_exact(1);
                }
                self.connections.push(PresenceConnection {
                    connection: id,
                    socket: make(),
                    is_written: false,
                });
                self.connections.len() - 1
            });
        &mut self.connections[index].socket
    }
}

impl ClientInfo {
    fn online(self, user: UserId, status: Status, now: Timestamp) -> OnlineSocket {
        OnlineSocket {
            id: OnlineSocketId::generate(),
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
struct RegistryState {
    people: HashMap<UserId, OnlineUser>,
    next: FlushRound,
}

/// The changes since the last round. They are bounded by the number of connections, since
/// authentication needs MongoDB.
#[derive(Default)]
struct FlushRound {
    /// The users whose status changed, with the new status.
    statuses: BTreeMap<UserId, Presence>,
    /// Connections that were added or changed.
    changed_connections: BTreeSet<(UserId, ConnectionId)>,
    /// Connections that closed and that the database may have stored.
    removed_documents: Vec<OnlineSocketId>,
}

/// The connections of a round, in their present state: those new to the database, and the others.
#[derive(Default)]
struct RoundSockets {
    inserted: Vec<OnlineSocket>,
    updated: Vec<OnlineSocket>,
}

/// The connections of this node and their users.
pub(super) struct PresenceRegistry {
    /// The name of this process in `online_users` and `nodes`.
    node: String,
    state: Mutex<RegistryState>,
    arrived: Notify,
}

impl PresenceRegistry {
    pub fn new(node: NodeId) -> Self {
        Self {
            node: node.to_string(),
            state: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    /// Returns what this node knows about a user; `None` when the user has no connection here.
    pub fn of(&self, user: UserId) -> Option<Presence> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let person = state.people.get(&user)?;
        Some(Presence {
            user,
            status: person.status,
            last_seen: person.last_seen,
        })
    }

    /// Returns all users that are online or away on this node.
    pub fn present(&self) -> Vec<Presence> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let people = state
            .people
            .iter()
            .filter(|(_, person)| person.status != Status::Offline);
        people
            .map(|(user, p)| Presence {
                user: *user,
                status: p.status,
                last_seen: p.last_seen,
            })
            .collect()
    }

    /// Counts the users that are online or away, on this node or, according to the database, on
    /// another.
    fn count_with(&self, stored: &[UserId]) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let here = state
            .people
            .values()
            .filter(|person| person.status != Status::Offline)
            .count();
        let elsewhere = stored
            .iter()
            .filter(|user| !state.people.contains_key(user))
            .count();
        (here + elsewhere) as u64
    }

    /// Changes a user's connections and records the resulting changes.
    fn change(
        &self,
        user: UserId,
        now: Timestamp,
        change: impl FnOnce(&mut OnlineUser, &mut FlushRound) -> Option<ConnectionId>,
    ) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let person = state.people.entry(user).or_insert_with(|| OnlineUser {
            connections: Vec::new(),
            status: Status::Offline,
            last_seen: now,
        });
        if let Some(connection) = change(person, &mut state.next) {
            state.next.changed_connections.insert((user, connection));
        }
        let status = aggregate(person.connections.iter().map(|place| place.socket.status));
        person.last_seen = now;
        if mem::replace(&mut person.status, status) != status {
            state.next.statuses.insert(
                user,
                Presence {
                    user,
                    status,
                    last_seen: now,
                },
            );
        }
        drop(guard);
        self.arrived.notify_one();
    }

    /// Takes what is to be stored and published. Users without a connection are removed.
    fn take_changes(&self) -> (FlushRound, RoundSockets) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (round, mut sockets) = (mem::take(&mut state.next), RoundSockets::default());
        for (user, id) in &round.changed_connections {
            let Some(person) = state.people.get_mut(user) else {
                continue;
            };
            if let Some(place) = person
                .connections
                .iter_mut()
                .find(|place| place.connection == *id)
            {
                let is_known = mem::replace(&mut place.is_written, true);
                let list = if is_known {
                    &mut sockets.updated
                } else {
                    &mut sockets.inserted
                };
                list.push(place.socket.clone());
            }
        }
        state
            .people
            .retain(|_, person| !person.connections.is_empty());
        (round, sockets)
    }

    /// Marks all users of this node to be stored and published again: another node took this one
    /// for dead.
    fn mark_all_changed(&self) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        for (user, person) in &state.people {
            let presence = Presence {
                user: *user,
                status: person.status,
                last_seen: person.last_seen,
            };
            state.next.statuses.insert(*user, presence);
            state.next.changed_connections.extend(
                person
                    .connections
                    .iter()
                    .map(|place| (*user, place.connection)),
            );
        }
        drop(guard);
        self.arrived.notify_one();
    }

    /// Puts a round that was not stored into the next one. Changes made meanwhile are newer and
    /// win.
    fn requeue(&self, round: FlushRound) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (user, presence) in round.statuses {
            state.next.statuses.entry(user).or_insert(presence);
        }
        state
            .next
            .changed_connections
            .extend(round.changed_connections);
        state.next.removed_documents.extend(round.removed_documents);
        self.arrived.notify_one();
    }
}

/// Counts the present users, once for all callers that ask at the same time.
pub(super) fn present_count(services: Weak<Services>) -> BatchLoader<(), u64> {
    BatchLoader::new(64, move |asked: Vec<()>| {
        let services = Weak::clone(&services);
        async move {
            let services = services.upgrade().ok_or(Error::Unavailable)?;
            let stored = services.store.find_present_user_ids().await?;
            Ok(vec![services.presence.count_with(&stored); asked.len()])
        }
    })
}

impl Services {
    /// Records that a connection of the caller is present. Repeating this changes nothing.
    /// `profile` is what the authentication already read about the user.
    ///
    /// # Errors
    /// `Forbidden` for another user's name; `AuthFailed` when the account is gone.
    #[tracing::instrument(name = "presence.join", level = "debug", skip_all, fields(connection.id = connection.number))]
    pub async fn join(
        &self,
        actor: &Actor,
        named: UserId,
        connection: ConnectionId,
        visit: ClientInfo,
        profile: Option<CachedProfile>,
    ) -> Result<User> {
        actor.require_about(Action::Converse, named)?;
        let now = self.clock.now();
        self.presence.change(actor.user, now, |person, _| {
            // A queued inbox event may arrive after the connection closed; it must not restore
            // presence. The check is made under the registry's lock. `left` takes that lock after
            // it has unregistered the connection.
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

    /// Sets the status of a connection of the caller. A connection that never joined joins by it.
    pub fn set_status(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        status: Status,
        visit: ClientInfo,
    ) -> Presence {
        let now = self.clock.now();
        self.presence.change(actor.user, now, |person, _| {
            if !self.hub.has(connection) {
                return None;
            }
            person
                .socket(connection, || visit.online(actor.user, status, now))
                .status = status;
            Some(connection)
        });
        self.presence.of(actor.user).unwrap_or(Presence {
            user: actor.user,
            status,
            last_seen: now,
        })
    }

    /// Records that a connection closed.
    pub fn left(&self, actor: &Actor, connection: ConnectionId) {
        self.hub.unregister(connection);
        self.stop_typing_of(connection);
        if self.presence.of(actor.user).is_some() {
            self.presence
                .change(actor.user, self.clock.now(), |person, round| {
                    let left = person
                        .connections
                        .extract_if(.., |place| place.connection == connection);
                    let known = left.filter(|place| place.is_written);
                    round
                        .removed_documents
                        .extend(known.map(|place| place.socket.id));
                    None
                });
        }
        if !self.hub.is_connected(actor.user) {
            self.unread.evict(actor.user);
        }
    }

    /// Stores and publishes the changes, in rounds.
    pub(super) async fn publish_presence(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.presence.arrived.notified() => {}
            }
            let window = self.settings.timings.presence_window;
            tokio::select! {
                () = &mut stop => return,
                () = self.clock.sleep(window) => {}
            }
            if !self.publish_round().await {
                tokio::select! {
                    () = &mut stop => return,
                    () = self.clock.sleep(RETRY_DELAY) => {}
                }
            }
        }
    }

    /// Stores and publishes the changes; returns whether that succeeded.
    async fn publish_round(&self) -> bool {
        let (round, sockets) = self.presence.take_changes();
        let RoundSockets { inserted, updated } = &sockets;
        let (node, now) = (&self.presence.node, self.clock.now());
        let mut outcome = self
            .store
            .write_sockets(node, inserted, updated, &round.removed_documents, now)
            .await;
        if !outcome.as_ref().is_err_and(is_temporary) {
            if let Err(error) = outcome {
                tracing::error!(%error, "connections were not stored");
            }
            outcome = self
                .publish_statuses(node, round.statuses.values().copied().collect())
                .await;
        }
        match outcome {
            Ok(()) => true,
            Err(error) if is_temporary(&error) => {
                tracing::warn!(%error, "presence was not stored; it is tried again");
                self.presence.requeue(round);
                false
            }
            // A retry would only make the next round fail with this one.
            Err(error) => {
                tracing::error!(%error, "statuses were not stored");
                true
            }
        }
    }

    /// Stores and publishes statuses. Users that left `node` but are connected to another node are
    /// skipped.
    async fn publish_statuses(&self, node: &str, mut changed: Vec<Presence>) -> Result<()> {
        let left: Vec<UserId> = changed
            .iter()
            .filter(|p| p.status == Status::Offline)
            .map(|p| p.user)
            .collect();
        if !left.is_empty() {
            let elsewhere = self.store.users_present_elsewhere(node, &left).await?;
            changed.retain(|presence| !elsewhere.contains(&presence.user));
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.store.write_statuses(&changed).await?;
        let users: Vec<UserId> = changed.iter().map(|presence| presence.user).collect();
        let circles = self.store.fellow_members_of(&users).await?;
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
            self.publish(Envelope::personal(
                Audience::UsersAndWatchers(concerned),
                Event::Presence(presence),
            ));
        }
        Ok(())
    }

    /// Records that this node is alive, and cleans up after dead nodes.
    pub(super) async fn send_heartbeat(&self) -> Result<()> {
        let now = self.clock.now();
        if self
            .store
            .record_heartbeat(&self.presence.node, now)
            .await?
        {
            self.presence.mark_all_changed();
        }
        for node in self
            .store
            .silent_nodes(now.minus(self.settings.timings.node_death))
            .await?
        {
            tracing::info!(node, "clearing up after a node that fell silent");
            self.clear_node(&node).await?;
        }
        Ok(())
    }

    /// Each step may be repeated, and an interrupted cleanup starts again: the node is removed
    /// last.
    async fn clear_node(&self, node: &str) -> Result<()> {
        let now = self.clock.now();
        let left = self.store.users_of_node(node).await?;
        let left = left
            .into_iter()
            .filter(|user| self.presence.of(*user).is_none());
        let left = left.map(|user| Presence {
            user,
            status: Status::Offline,
            last_seen: now,
        });
        self.publish_statuses(node, left.collect()).await?;
        self.store.remove_sockets_of_node(node).await?;
        self.store.remove_node(node).await
    }

    /// Takes this node's users offline when the node stops.
    ///
    /// # Errors
    /// When MongoDB does not answer. Then another node cleans up, or this one at its next start.
    pub async fn leave(&self) -> Result<()> {
        mem::take(
            &mut *self
                .presence
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.clear_node(&self.presence.node).await
    }
}

/// Returns whether MongoDB was unavailable, so that a retry may succeed.
fn is_temporary(error: &Error) -> bool {
    matches!(error, Error::Unavailable | Error::OutcomeUnknown)
}
