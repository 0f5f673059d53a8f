//! Sessions of the transport below Socket.IO: what waits for each, which connection carries it, and how many
//! of one network nobody has signed in for.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    domain::{Error, Result, UserId, network::Network},
    gateway::http::{listener::Switch, scales::Load},
};

/// Sessions of one network for which nobody has signed in.
const STRANGERS: usize = 2_000;

#[derive(Default)]
struct Tables {
    next: u64,
    sessions: HashMap<String, Weak<Ticket>>,
    strangers: HashMap<Network, BTreeMap<u64, Weak<Ticket>>>,
    is_closed: bool,
}

/// All sessions.
#[derive(Default)]
pub(super) struct Lobby(Mutex<Tables>);

/// One session, for as long as the library keeps its handshake.
pub(super) struct Ticket {
    lobby: Weak<Lobby>,
    id: u64,
    network: Network,
    /// What waits for it.
    pub load: Arc<Load>,
    /// Its name; a session that began as a WebSocket is not asked for by name.
    session: OnceLock<String>,
    /// The connection that carries it, once that is a WebSocket.
    carrier: Mutex<Option<Switch>>,
    is_stranger: AtomicBool,
}

impl Lobby {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a new session in; when its network has too many strangers the oldest is to go.
    ///
    /// # Errors
    /// [`Error::Unavailable`] once it is closed.
    pub fn enter(self: &Arc<Self>, network: Network) -> Result<(Arc<Ticket>, Option<Arc<Ticket>>)> {
        let mut tables = self.tables();
        if tables.is_closed {
            return Err(Error::Unavailable);
        }
        let id = tables.next;
        tables.next += 1;
        let ticket = Arc::new(Ticket {
            lobby: Arc::downgrade(self),
            id,
            network,
            load: Load::new(),
            session: OnceLock::new(),
            carrier: Mutex::default(),
            is_stranger: AtomicBool::new(true),
        });
        let strangers = tables.strangers.entry(network).or_default();
        let oldest = if strangers.len() >= STRANGERS { strangers.pop_first() } else { None };
        strangers.insert(id, Arc::downgrade(&ticket));
        drop(tables);
        Ok((ticket, oldest.and_then(|(_, ticket)| ticket.upgrade())))
    }

    /// Lets nobody in any more, and returns the sessions for which nobody has signed in.
    pub fn close(&self) -> Vec<Arc<Ticket>> {
        let mut tables = self.tables();
        tables.is_closed = true;
        tables.strangers.values().flat_map(BTreeMap::values).filter_map(Weak::upgrade).collect()
    }

    /// Remembers a session by its name.
    pub fn name(&self, session: &str, ticket: &Arc<Ticket>) {
        if ticket.session.set(session.to_owned()).is_ok() {
            self.tables().sessions.insert(session.to_owned(), Arc::downgrade(ticket));
        }
    }

    /// Returns a session that began with polling.
    pub fn find(&self, session: &str) -> Option<Arc<Ticket>> {
        self.tables().sessions.get(session).and_then(Weak::upgrade)
    }
}

impl Ticket {
    /// Returns its name, if it is asked for by name.
    pub fn session(&self) -> Option<&str> {
        self.session.get().map(String::as_str)
    }

    fn carrier(&self) -> MutexGuard<'_, Option<Switch>> {
        self.carrier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this connection carries it.
    pub fn carried_by(&self, switch: &Switch) {
        *self.carrier() = Some(switch.clone());
        if let Some(user) = self.load.purse().and_then(|purse| purse.person()) {
            switch.signed_in(user);
        }
        // Whoever closed the lobby may have found no carrier to cut a moment ago.
        if self.is_turned_away() {
            self.cut();
        }
    }

    /// Whether nobody has signed in and the lobby is closed.
    pub fn is_turned_away(&self) -> bool {
        self.is_stranger.load(Ordering::Relaxed)
            && self.lobby.upgrade().is_none_or(|lobby| lobby.tables().is_closed)
    }

    /// Breaks the connection that carries it; `false` when none does, as while it is polled.
    pub fn cut(&self) -> bool {
        let carrier = self.carrier().take();
        carrier.as_ref().map(Switch::cut).is_some()
    }

    /// Somebody has signed in.
    pub fn signed_in(&self, user: UserId) {
        if self.is_stranger.swap(false, Ordering::Relaxed) {
            if let Some(carrier) = &*self.carrier() {
                carrier.signed_in(user);
            }
            self.forget_stranger();
        }
    }

    fn forget_stranger(&self) {
        let Some(lobby) = self.lobby.upgrade() else { return };
        let mut tables = lobby.tables();
        if let Some(strangers) = tables.strangers.get_mut(&self.network) {
            strangers.remove(&self.id);
            if strangers.is_empty() {
                tables.strangers.remove(&self.network);
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.forget_stranger();
        if let (Some(lobby), Some(session)) = (self.lobby.upgrade(), self.session.get()) {
            lobby.tables().sessions.remove(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_stranger_makes_room_and_nobody_else() {
        let lobby = Arc::<Lobby>::default();
        let network = Network::of([203, 0, 113, 7].into());
        let (known, _) = lobby.enter(network).unwrap();
        known.signed_in(UserId::generate());
        let strangers: Vec<_> = (0..STRANGERS).map(|_| lobby.enter(network).unwrap()).collect();
        assert!(strangers.iter().all(|(_, gone)| gone.is_none()));
        let (next, gone) = lobby.enter(network).unwrap();
        assert_eq!(gone.map(|ticket| ticket.id), Some(strangers[0].0.id));
        assert!(lobby.enter(Network::of([203, 0, 113, 8].into())).unwrap().1.is_none());
        lobby.name("a", &known);
        assert!(lobby.find("a").is_some());
        drop((known, strangers, next));
        assert!(lobby.find("a").is_none());
        let tables = lobby.tables();
        assert!(tables.sessions.is_empty() && tables.strangers.is_empty());
    }

    #[test]
    fn a_closed_lobby_names_its_strangers_and_lets_nobody_in() {
        let lobby = Arc::<Lobby>::default();
        let network = Network::of([203, 0, 113, 7].into());
        let (known, stranger) = (lobby.enter(network).unwrap().0, lobby.enter(network).unwrap().0);
        known.signed_in(UserId::generate());
        assert_eq!(lobby.close().iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [stranger.id]);
        assert!(stranger.is_turned_away() && !known.is_turned_away());
        assert!(matches!(lobby.enter(network), Err(Error::Unavailable)));
    }
}
