//! Places for connections: how many there may be in all, and how many of one network whose callers have not
//! shown a valid token.
//!
//! The total follows from the file descriptors that this process may have. When places are all taken, a
//! stranger's connection makes room for the next one: first one whose request's head never ends, then one
//! that says nothing, then a socket that never signs in, the oldest first. So whoever holds places cannot keep
//! others of the same network out, and whoever has signed in keeps theirs.

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

use super::listener::Switch;
use crate::domain::{UserId, network::Network};

/// Connections of one network without a valid token.
const STRANGERS: usize = 2_000;
/// Connections on which one person has signed in; further ones count as a stranger's, and of few places in all
/// nobody has more than half.
const OF_PERSON: usize = 4_000;
/// The most connections in all, however many descriptors there are.
const MAX_CONNECTIONS: usize = 60_000;
/// Descriptors that stay for the database, the index, files and the log.
const RESERVED: usize = 512;
/// A stranger's request may be worked on for so long before its place counts as held.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a connection is doing, as far as its place is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// A request's head has begun and not ended.
    Head = 0,
    /// Nothing has come since the last answer.
    Idle = 1,
    /// A WebSocket on which nobody has signed in.
    Upgraded = 2,
    /// A request is being answered.
    Busy = 3,
}

/// A phase that changes.
pub struct Doing(AtomicU8);

impl Default for Doing {
    fn default() -> Self {
        Self(AtomicU8::new(Phase::Idle as u8))
    }
}

impl Doing {
    /// Says what the connection does from now on.
    pub fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    /// Something came: the beginning of a head, unless a request is under way.
    pub fn heard(&self) {
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

struct Stranger {
    switch: Switch,
    since: Instant,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: usize,
    networks: HashMap<Network, BTreeMap<u64, Stranger>>,
    people: HashMap<UserId, usize>,
}

impl Table {
    fn remove(&mut self, network: Network, id: u64) {
        if let Some(strangers) = self.networks.get_mut(&network) {
            strangers.remove(&id);
            if strangers.is_empty() {
                self.networks.remove(&network);
            }
        }
    }

    /// Cuts the connection of this network that is missed least.
    fn evict(&mut self, network: Network) -> bool {
        let Some(strangers) = self.networks.get(&network) else { return false };
        let rank = |(id, stranger): (&u64, &Stranger)| (stranger.switch.doing().phase(), *id);
        let Some((phase, id)) = strangers.iter().map(rank).min() else { return false };
        let held = strangers.get(&id).is_some_and(|stranger| stranger.since.elapsed() >= PATIENCE);
        if phase == Phase::Busy && !held {
            return false;
        }
        if let Some(stranger) = strangers.get(&id) {
            stranger.switch.cut();
        }
        self.remove(network, id);
        metrics::counter!("wardline_connections_closed_total", "reason" => "place_needed").increment(1);
        true
    }
}

/// The places of one listener.
pub struct Places {
    table: Mutex<Table>,
    total: usize,
    of_network: Option<usize>,
    of_person: usize,
    trusted: Vec<IpNet>,
}

/// One connection's place, for as long as it lives.
pub struct Place {
    places: Arc<Places>,
    id: u64,
    /// Where it counts, while nobody has signed in on it.
    network: Network,
    is_stranger: AtomicBool,
    person: OnceLock<UserId>,
}

impl Places {
    /// Returns as many places as this process may have. Connections of `trusted` proxies, which carry many
    /// people's requests, count in the total alone; so do all, when limits are off.
    #[must_use]
    pub fn new(limited: bool, trusted: &[IpNet]) -> Arc<Self> {
        let total = room_for(descriptors());
        Arc::new(Self {
            table: Mutex::default(),
            total,
            of_network: limited.then_some(STRANGERS),
            of_person: if limited { OF_PERSON.min(total.div_ceil(2)) } else { usize::MAX },
            trusted: trusted.to_vec(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new connection its place; none when all are taken by those who may keep theirs.
    #[must_use]
    pub fn enter(self: &Arc<Self>, address: IpAddr, switch: &Switch) -> Option<Place> {
        let network = Network::of(address);
        let address = address.to_canonical();
        let counts = !self.trusted.iter().any(|proxies| proxies.contains(&address));
        let mut table = self.table();
        if table.open >= self.total && !Self::evict_any(&mut table) {
            return None;
        }
        let strangers = table.networks.get(&network).map_or(0, BTreeMap::len);
        if counts && self.of_network.is_some_and(|most| strangers >= most) && !table.evict(network) {
            return None;
        }
        let id = table.next;
        table.next += 1;
        table.open += 1;
        if counts {
            let stranger = Stranger { switch: switch.clone(), since: Instant::now() };
            table.networks.entry(network).or_default().insert(id, stranger);
        }
        drop(table);
        let is_stranger = AtomicBool::new(counts);
        Some(Place { places: Arc::clone(self), id, network, is_stranger, person: OnceLock::new() })
    }

    /// Makes room by cutting a stranger's connection, of the network that has most.
    pub fn make_room(&self) -> bool {
        Self::evict_any(&mut self.table())
    }

    fn evict_any(table: &mut Table) -> bool {
        let fullest = table.networks.iter().max_by_key(|(_, strangers)| strangers.len());
        let fullest = fullest.map(|(network, _)| *network);
        fullest.is_some_and(|network| table.evict(network))
    }
}

impl Place {
    /// A valid token was shown: the place does not count as a stranger's any more, but as this person's, unless
    /// they have too many.
    pub fn signed_in(&self, user: UserId) {
        if !self.is_stranger.load(Ordering::Relaxed) {
            return;
        }
        let mut table = self.places.table();
        let theirs = table.people.get(&user).copied().unwrap_or_default();
        if theirs < self.places.of_person && self.person.set(user).is_ok() {
            table.people.insert(user, theirs + 1);
            table.remove(self.network, self.id);
            self.is_stranger.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
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

/// How many file descriptors this process may have, after asking for as many as it is allowed.
fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(MAX_CONNECTIONS as u64 + RESERVED as u64);
    let now = limit.current.unwrap_or(u64::MAX);
    if now >= wanted {
        return usize::try_from(now).unwrap_or(usize::MAX);
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    usize::try_from(if raised.is_ok() { wanted } else { now }).unwrap_or(usize::MAX)
}

/// How many of so many descriptors may be connections.
fn room_for(descriptors: usize) -> usize {
    descriptors.saturating_sub(RESERVED.min(descriptors / 2)).min(MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(total: usize, of_network: usize) -> Arc<Places> {
        let trusted = vec!["192.0.2.1/32".parse().unwrap()];
        let of_person = total.div_ceil(2);
        Arc::new(Places { table: Mutex::default(), total, of_network: Some(of_network), of_person, trusted })
    }

    fn connect(places: &Arc<Places>, address: &str) -> Option<(Switch, Place)> {
        let switch = Switch::default();
        let place = places.enter(address.parse().unwrap(), &switch)?;
        Some((switch, place))
    }

    #[test]
    fn the_total_follows_from_the_descriptors() {
        assert_eq!(room_for(65_536), MAX_CONNECTIONS);
        assert_eq!(room_for(1_024), 512);
        assert_eq!(room_for(256), 128);
        assert_eq!(room_for(0), 0);
        assert!(descriptors() > 0);
    }

    #[test]
    fn a_full_network_lets_the_next_one_in_for_the_one_that_is_missed_least() {
        let places = places(100, 4);
        let [idle, head, busy, socket] = [0; 4].map(|_| connect(&places, "203.0.113.7").unwrap());
        head.0.doing().heard();
        busy.0.doing().set(Phase::Busy);
        busy.0.doing().heard();
        socket.0.doing().set(Phase::Upgraded);
        let mut others = Vec::new();
        for gone in [&head, &idle] {
            assert!(!gone.0.is_cut());
            let next = connect(&places, "203.0.113.7").unwrap();
            next.0.doing().set(Phase::Busy);
            others.push(next);
            assert!(gone.0.is_cut());
        }
        assert!(!socket.0.is_cut());
        others.push(connect(&places, "203.0.113.7").unwrap());
        assert!(socket.0.is_cut());
        others[2].0.doing().set(Phase::Busy);
        assert!(connect(&places, "203.0.113.7").is_none(), "all are being answered");
        assert!(connect(&places, "203.0.113.8").is_some());
        busy.1.signed_in(UserId::generate());
        assert!(connect(&places, "203.0.113.7").is_some(), "who signs in gives the stranger's place back");
    }

    #[test]
    fn networks_and_proxies_count_as_they_are() {
        let places = places(100, 1);
        let first = connect(&places, "2001:db8::1").unwrap();
        let second = connect(&places, "2001:db8::2").unwrap();
        assert!(first.0.is_cut() && !second.0.is_cut(), "one /64");
        let proxied: Vec<_> = (0..20).map(|_| connect(&places, "192.0.2.1").unwrap()).collect();
        let mapped = connect(&places, "::ffff:192.0.2.1").unwrap();
        assert!(proxied.iter().all(|(switch, _)| !switch.is_cut()) && !mapped.0.is_cut());
    }

    #[test]
    fn a_full_house_takes_nothing_from_those_who_signed_in() {
        let places = places(3, 100);
        let me = UserId::generate();
        let mine: Vec<_> = (0..2).map(|_| connect(&places, "203.0.113.7").unwrap()).collect();
        for (_, place) in &mine {
            place.signed_in(me);
        }
        let (stranger, place) = connect(&places, "203.0.113.8").unwrap();
        let next = connect(&places, "203.0.113.9").unwrap();
        assert!(stranger.is_cut(), "a stranger makes room");
        next.1.signed_in(me);
        drop(place);
        let other = connect(&places, "203.0.113.9").unwrap();
        assert!(next.0.is_cut(), "one person has no more than two of three places");
        drop(next);
        other.1.signed_in(UserId::generate());
        assert!(connect(&places, "203.0.113.9").is_none(), "all three have signed in");
        drop(mine);
        assert!(connect(&places, "203.0.113.9").is_some());
        assert!(mine_are_whole(&places));
    }

    fn mine_are_whole(places: &Places) -> bool {
        let table = places.table();
        table.open == 1 && table.networks.is_empty()
    }
}
