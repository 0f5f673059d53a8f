//! Connection slots: the number of connections in total, and of unauthenticated ones of each
//! network.
//!
//! The total follows from the file descriptors that this process may have. When all slots are
//! taken, an unauthenticated connection is evicted for the next one. The order is: one whose
//! request's head is incomplete, then an idle one, then a socket without a sign-in, the oldest
//! first. So a client that holds slots cannot keep others of its network out, and an authenticated
//! client keeps its slot.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::listener::ConnectionAborter;
use crate::domain::{UserId, network::Network};

/// The most connections of one network without a valid token.
const MAX_UNAUTHENTICATED_PER_NETWORK: usize = 2_000;
/// The most connections on which one user is signed in. Further ones count as unauthenticated. If
/// there are few slots, no user has more than half of them.
const MAX_CONNECTIONS_PER_USER: usize = 4_000;
/// The most connections in all, however many descriptors there are.
const MAX_CONNECTIONS: usize = 60_000;
/// Descriptors reserved for the database, the index, files and the log.
const RESERVED_DESCRIPTORS: usize = 512;
/// How long an unauthenticated request may be handled before its slot can be evicted.
const UNAUTHENTICATED_REQUEST_GRACE: Duration = Duration::from_secs(5);

/// The phase of a connection, as far as its slot is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// A request's head has begun and is incomplete.
    Head = 0,
    /// Nothing has arrived since the last answer.
    Idle = 1,
    /// A WebSocket without a sign-in.
    Upgraded = 2,
    /// A request is being answered.
    Busy = 3,
}

/// The current phase of a connection.
pub struct CurrentPhase(AtomicU8);

impl Default for CurrentPhase {
    fn default() -> Self {
        Self(AtomicU8::new(Phase::Idle as u8))
    }
}

impl CurrentPhase {
    /// Sets the phase.
    pub fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    /// Records that bytes arrived: the beginning of a head, unless a request is in progress.
    pub fn note_activity(&self) {
        if self.0.load(Ordering::Relaxed) == Phase::Idle as u8 {
            self.set(Phase::Head);
        }
    }

    fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            0 => Phase::Head,
            1 => Phase::Idle,
            2 => Phase::Upgraded,
            _ => Phase::Busy,
        }
    }
}

struct UnauthenticatedPeer {
    aborter: ConnectionAborter,
    since: Instant,
}

#[derive(Default)]
struct SlotTable {
    next: u64,
    open: usize,
    networks: HashMap<Network, BTreeMap<u64, UnauthenticatedPeer>>,
    people: HashMap<UserId, usize>,
}

impl SlotTable {
    fn remove(&mut self, network: Network, id: u64) {
        if let Some(unauthenticated) = self.networks.get_mut(&network) {
            unauthenticated.remove(&id);
            if unauthenticated.is_empty() {
                self.networks.remove(&network);
            }
        }
    }

    /// Aborts the connection of this network that is first in the order of eviction.
    fn evict(&mut self, network: Network) -> bool {
        let Some(unauthenticated) = self.networks.get(&network) else {
            return false;
        };
        let rank = |(id, stranger): (&u64, &UnauthenticatedPeer)| {
            (stranger.aborter.current_phase().phase(), *id)
        };
        let Some((phase, id)) = unauthenticated.iter().map(rank).min() else {
            return false;
        };
        let held = unauthenticated
            .get(&id)
            .is_some_and(|stranger| stranger.since.elapsed() >= UNAUTHENTICATED_REQUEST_GRACE);
        if phase == Phase::Busy && !held {
            return false;
        }
        if let Some(stranger) = unauthenticated.get(&id) {
            stranger.aborter.cut();
        }
        self.remove(network, id);
        metrics::counter!("wardline_connections_closed_total", "reason" => "place_needed")
            .increment(1);
        true
    }
}

/// The connection slots of one listener.
pub struct ConnectionSlots {
    table: Mutex<SlotTable>,
    total: usize,
    max_per_network: Option<usize>,
    max_per_user: usize,
    trusted: Vec<IpNet>,
}

/// The slot of one connection, until it is dropped.
pub struct ConnectionSlot {
    places: Arc<ConnectionSlots>,
    id: u64,
    /// The network to which it counts while no user is signed in on it.
    network: Network,
    is_unauthenticated: AtomicBool,
    person: OnceLock<UserId>,
}

impl ConnectionSlots {
    /// Creates as many slots as this process may have. Connections of `trusted` proxies, which
    /// carry many users' requests, count in the total alone. So do all connections when limits are
    /// off.
    #[must_use]
    pub fn new(limited: bool, trusted: &[IpNet]) -> Arc<Self> {
        let total = max_connections_for(raise_descriptor_limit());
        Arc::new(Self {
            table: Mutex::default(),
            total,
            max_per_network: limited.then_some(MAX_UNAUTHENTICATED_PER_NETWORK),
            max_per_user: if limited {
                MAX_CONNECTIONS_PER_USER.min(total.div_ceil(2))
            } else {
                usize::MAX
            },
            trusted: trusted.to_vec(),
        })
    }

    fn table(&self) -> MutexGuard<'_, SlotTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires a slot for a new connection. Returns `None` when all are taken and none can be
    /// evicted.
    #[must_use]
    pub fn acquire(
        self: &Arc<Self>,
        address: IpAddr,
        aborter: &ConnectionAborter,
    ) -> Option<ConnectionSlot> {
        let network = Network::of(address);
        let address = address.to_canonical();
        let counts = !self
            .trusted
            .iter()
            .any(|proxies| proxies.contains(&address));
        let mut table = self.table();
        if table.open >= self.total && !Self::evict_any(&mut table) {
            return None;
        }
        let unauthenticated = table.networks.get(&network).map_or(0, BTreeMap::len);
        if counts
            && self
                .max_per_network
                .is_some_and(|most| unauthenticated >= most)
            && !table.evict(network)
        {
            return None;
        }
        let id = table.next;
        table.next += 1;
        table.open += 1;
        if counts {
            let stranger = UnauthenticatedPeer {
                aborter: aborter.clone(),
                since: Instant::now(),
            };
            table
                .networks
                .entry(network)
                .or_default()
                .insert(id, stranger);
        }
        drop(table);
        let is_unauthenticated = AtomicBool::new(counts);
        Some(ConnectionSlot {
            places: Arc::clone(self),
            id,
            network,
            is_unauthenticated,
            person: OnceLock::new(),
        })
    }

    /// Evicts an unauthenticated connection of the network that has most.
    pub fn evict_unauthenticated(&self) -> bool {
        Self::evict_any(&mut self.table())
    }

    fn evict_any(table: &mut SlotTable) -> bool {
        let fullest = table
            .networks
            .iter()
            .max_by_key(|(_, unauthenticated)| unauthenticated.len());
        let fullest = fullest.map(|(network, _)| *network);
        fullest.is_some_and(|network| table.evict(network))
    }
}

impl ConnectionSlot {
    /// Records a valid token. The slot counts as this user's from now on, unless they have too
    /// many.
    pub fn signed_in(&self, user: UserId) {
        if !self.is_unauthenticated.load(Ordering::Relaxed) {
            return;
        }
        let mut table = self.places.table();
        let theirs = table.people.get(&user).copied().unwrap_or_default();
        if theirs < self.places.max_per_user && self.person.set(user).is_ok() {
            table.people.insert(user, theirs + 1);
            table.remove(self.network, self.id);
            self.is_unauthenticated.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut table = self.places.table();
        table.open -= 1;
        table.remove(self.network, self.id);
        if let Some(user) = self.person.get() {
            let left = table.people.get(user).map_or(0, |theirs| theirs - 1);
            if left == 0 {
                table.people.remove(user);
            } else {
                table.people.insert(*user, left);
            }
        }
    }
}

/// Raises the limit of file descriptors to the allowed maximum, and returns it.
fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .unwrap_or(u64::MAX)
        .min(MAX_CONNECTIONS as u64 + RESERVED_DESCRIPTORS as u64);
    let now = limit.current.unwrap_or(u64::MAX);
    if now >= wanted {
        return usize::try_from(now).unwrap_or(usize::MAX);
    }
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        },
    );
    usize::try_from(if raised.is_ok() { wanted } else { now }).unwrap_or(usize::MAX)
}

/// Returns how many of these descriptors may be connections.
fn max_connections_for(descriptors: usize) -> usize {
    descriptors
        .saturating_sub(RESERVED_DESCRIPTORS.min(descriptors / 2))
        .min(MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(total: usize, max_per_network: usize) -> Arc<ConnectionSlots> {
        let trusted = vec!["192.0.2.1/32".parse().unwrap()];
        let max_per_user = total.div_ceil(2);
        Arc::new(ConnectionSlots {
            table: Mutex::default(),
            total,
            max_per_network: Some(max_per_network),
            max_per_user,
            trusted,
        })
    }

    fn connect(
        places: &Arc<ConnectionSlots>,
        address: &str,
    ) -> Option<(ConnectionAborter, ConnectionSlot)> {
        let aborter = ConnectionAborter::default();
        let place = places.acquire(address.parse().unwrap(), &aborter)?;
        Some((aborter, place))
    }

    #[test]
    fn the_total_follows_from_the_descriptors() {
        assert_eq!(max_connections_for(65_536), MAX_CONNECTIONS);
        assert_eq!(max_connections_for(1_024), 512);
        assert_eq!(max_connections_for(256), 128);
        assert_eq!(max_connections_for(0), 0);
        assert!(raise_descriptor_limit() > 0);
    }

    #[test]
    fn a_full_network_lets_the_next_one_in_for_the_one_that_is_missed_least() {
        let places = places(100, 4);
        let [idle, head, busy, socket] = [0; 4].map(|_| connect(&places, "203.0.113.7").unwrap());
        head.0.current_phase().note_activity();
        busy.0.current_phase().set(Phase::Busy);
        busy.0.current_phase().note_activity();
        socket.0.current_phase().set(Phase::Upgraded);
        let mut others = Vec::new();
        for gone in [&head, &idle] {
            assert!(!gone.0.is_aborted());
            let next = connect(&places, "203.0.113.7").unwrap();
            next.0.current_phase().set(Phase::Busy);
            others.push(next);
            assert!(gone.0.is_aborted());
        }
        assert!(!socket.0.is_aborted());
        others.push(connect(&places, "203.0.113.7").unwrap());
        assert!(socket.0.is_aborted());
        others[2].0.current_phase().set(Phase::Busy);
        assert!(
            connect(&places, "203.0.113.7").is_none(),
            "all are being answered"
        );
        assert!(connect(&places, "203.0.113.8").is_some());
        busy.1.signed_in(UserId::generate());
        assert!(
            connect(&places, "203.0.113.7").is_some(),
            "who signs in gives the stranger's place back"
        );
    }

    #[test]
    fn networks_and_proxies_count_as_they_are() {
        let places = places(100, 1);
        let first = connect(&places, "2001:db8::1").unwrap();
        let second = connect(&places, "2001:db8::2").unwrap();
        assert!(first.0.is_aborted() && !second.0.is_aborted(), "one /64");
        let proxied: Vec<_> = (0..20)
            .map(|_| connect(&places, "192.0.2.1").unwrap())
            .collect();
        let mapped = connect(&places, "::ffff:192.0.2.1").unwrap();
        assert!(proxied.iter().all(|(aborter, _)| !aborter.is_aborted()) && !mapped.0.is_aborted());
    }

    #[test]
    fn a_full_house_takes_nothing_from_those_who_signed_in() {
        let places = places(3, 100);
        let me = UserId::generate();
        let mine: Vec<_> = (0..2)
            .map(|_| connect(&places, "203.0.113.7").unwrap())
            .collect();
        for (_, place) in &mine {
            place.signed_in(me);
        }
        let (stranger, place) = connect(&places, "203.0.113.8").unwrap();
        let next = connect(&places, "203.0.113.9").unwrap();
        assert!(stranger.is_aborted(), "a stranger makes room");
        next.1.signed_in(me);
        drop(place);
        let other = connect(&places, "203.0.113.9").unwrap();
        assert!(
            next.0.is_aborted(),
            "one person has no more than two of three places"
        );
        drop(next);
        other.1.signed_in(UserId::generate());
        assert!(
            connect(&places, "203.0.113.9").is_none(),
            "all three have signed in"
        );
        drop(mine);
        assert!(connect(&places, "203.0.113.9").is_some());
        assert!(has_all_connections(&places));
    }

    fn has_all_connections(places: &ConnectionSlots) -> bool {
        let table = places.table();
        table.open == 1 && table.networks.is_empty()
    }
}
