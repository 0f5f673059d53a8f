//! Sessions of the transport below Socket.IO: the load of each, the connection that carries it, and
//! the number of unauthenticated sessions of a network.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    domain::{Error, Result, UserId, network::Network},
    gateway::http::{listener::ConnectionAborter, load_meter::Load},
};

/// The most unauthenticated sessions of one network.
const MAX_UNAUTHENTICATED_PER_NETWORK: usize = 2_000;

#[derive(Default)]
struct RegistryTables {
    next: u64,
    sessions: HashMap<String, Weak<SessionEntry>>,
    unauthenticated: HashMap<Network, BTreeMap<u64, Weak<SessionEntry>>>,
    is_closed: bool,
}

/// The registry of all sessions.
#[derive(Default)]
pub(super) struct SessionRegistry(Mutex<RegistryTables>);

/// One session, for as long as the library keeps its handshake.
pub(super) struct SessionEntry {
    registry: Weak<SessionRegistry>,
    id: u64,
    network: Network,
    /// The bytes that wait to be sent to it.
    pub load: Arc<Load>,
    /// Its id; unset for a session that began as a WebSocket, which is never found by id.
    session: OnceLock<String>,
    /// The connection that carries it, once that is a WebSocket.
    carrier: Mutex<Option<ConnectionAborter>>,
    is_unauthenticated: AtomicBool,
}

impl SessionRegistry {
    fn tables(&self) -> MutexGuard<'_, RegistryTables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a new session. If its network has too many unauthenticated sessions, it also
    /// returns the oldest, which is to be closed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] once the registry is closed.
    pub fn register(
        self: &Arc<Self>,
        network: Network,
    ) -> Result<(Arc<SessionEntry>, Option<Arc<SessionEntry>>)> {
        let mut tables = self.tables();
        if tables.is_closed {
            return Err(Error::Unavailable);
        }
        let id = tables.next;
        tables.next += 1;
        let entry = Arc::new(SessionEntry {
            registry: Arc::downgrade(self),
            id,
            network,
            load: Load::new(),
            session: OnceLock::new(),
            carrier: Mutex::default(),
            is_unauthenticated: AtomicBool::new(true),
        });
        let unauthenticated = tables.unauthenticated.entry(network).or_default();
        let oldest = if unauthenticated.len() >= MAX_UNAUTHENTICATED_PER_NETWORK {
            unauthenticated.pop_first()
        } else {
            None
        };
        unauthenticated.insert(id, Arc::downgrade(&entry));
        drop(tables);
        Ok((entry, oldest.and_then(|(_, entry)| entry.upgrade())))
    }

    /// Accepts no session any more, and returns the unauthenticated ones.
    pub fn close(&self) -> Vec<Arc<SessionEntry>> {
        let mut tables = self.tables();
        tables.is_closed = true;
        tables
            .unauthenticated
            .values()
            .flat_map(BTreeMap::values)
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// Records the id of a session.
    pub fn name(&self, session: &str, entry: &Arc<SessionEntry>) {
        if entry.session.set(session.to_owned()).is_ok() {
            self.tables()
                .sessions
                .insert(session.to_owned(), Arc::downgrade(entry));
        }
    }

    /// Returns a session that began with polling.
    pub fn find(&self, session: &str) -> Option<Arc<SessionEntry>> {
        self.tables().sessions.get(session).and_then(Weak::upgrade)
    }
}

impl SessionEntry {
    /// Returns its id, if it began with polling.
    pub fn session(&self) -> Option<&str> {
        self.session.get().map(String::as_str)
    }

    fn carrier(&self) -> MutexGuard<'_, Option<ConnectionAborter>> {
        self.carrier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the connection that carries the session.
    pub fn set_carrier(&self, aborter: &ConnectionAborter) {
        *self.carrier() = Some(aborter.clone());
        if let Some(user) = self
            .load
            .load_account()
            .and_then(|load_account| load_account.person())
        {
            aborter.signed_in(user);
        }
        // The registry may have been closed a moment ago, when there was no carrier to abort.
        if self.is_rejected() {
            self.cut();
        }
    }

    /// Whether the session is unauthenticated and the registry is closed.
    pub fn is_rejected(&self) -> bool {
        self.is_unauthenticated.load(Ordering::Relaxed)
            && self
                .registry
                .upgrade()
                .is_none_or(|registry| registry.tables().is_closed)
    }

    /// Aborts the connection that carries the session. Returns `false` if there is none, as with
    /// polling.
    pub fn cut(&self) -> bool {
        let carrier = self.carrier().take();
        carrier.as_ref().map(ConnectionAborter::cut).is_some()
    }

    /// Records that the session is authenticated.
    pub fn signed_in(&self, user: UserId) {
        if self.is_unauthenticated.swap(false, Ordering::Relaxed) {
            if let Some(carrier) = &*self.carrier() {
                carrier.signed_in(user);
            }
            self.remove_unauthenticated();
        }
    }

    fn remove_unauthenticated(&self) {
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        let mut tables = registry.tables();
        if let Some(unauthenticated) = tables.unauthenticated.get_mut(&self.network) {
            unauthenticated.remove(&self.id);
            if unauthenticated.is_empty() {
                tables.unauthenticated.remove(&self.network);
            }
        }
    }
}

impl Drop for SessionEntry {
    fn drop(&mut self) {
        self.remove_unauthenticated();
        if let (Some(registry), Some(session)) = (self.registry.upgrade(), self.session.get()) {
            registry.tables().sessions.remove(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_stranger_makes_room_and_nobody_else() {
        let registry = Arc::<SessionRegistry>::default();
        let network = Network::of([203, 0, 113, 7].into());
        let (known, _) = registry.register(network).unwrap();
        known.signed_in(UserId::generate());
        let unauthenticated: Vec<_> = (0..MAX_UNAUTHENTICATED_PER_NETWORK)
            .map(|_| registry.register(network).unwrap())
            .collect();
        assert!(unauthenticated.iter().all(|(_, gone)| gone.is_none()));
        let (next, gone) = registry.register(network).unwrap();
        assert_eq!(gone.map(|entry| entry.id), Some(unauthenticated[0].0.id));
        assert!(
            registry
                .register(Network::of([203, 0, 113, 8].into()))
                .unwrap()
                .1
                .is_none()
        );
        registry.name("a", &known);
        assert!(registry.find("a").is_some());
        drop((known, unauthenticated, next));
        assert!(registry.find("a").is_none());
        let tables = registry.tables();
        assert!(tables.sessions.is_empty() && tables.unauthenticated.is_empty());
    }

    #[test]
    fn a_closed_registry_lists_unauthenticated_connections_and_accepts_none() {
        let registry = Arc::<SessionRegistry>::default();
        let network = Network::of([203, 0, 113, 7].into());
        let (known, stranger) = (
            registry.register(network).unwrap().0,
            registry.register(network).unwrap().0,
        );
        known.signed_in(UserId::generate());
        assert_eq!(
            registry
                .close()
                .iter()
                .map(|entry| entry.id)
                .collect::<Vec<_>>(),
            [stranger.id]
        );
        assert!(stranger.is_rejected() && !known.is_rejected());
        assert!(matches!(
            registry.register(network),
            Err(Error::Unavailable)
        ));
    }
}
