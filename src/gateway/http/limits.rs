//! Rate limits: calls and socket events by person; calls without a token that holds by network.
//!
//! A hospital often stands behind one address, so what people do counts for themselves and not for the
//! address: one machine among them cannot use up what all need. What protects passwords is in the service,
//! for all gateways (`service/throttle.rs`).

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::domain::{Error, Network, Result, UserId};

const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Calls of one person, and calls of one network without a token that holds: so many at once, then so many a
/// second.
const CALLS: (u32, u32) = (600, 120);
/// How many times as much the /48 around an IPv6 network may do.
const WIDE: u32 = 4;
/// Socket events of one user: so many at once (an outbox of 2,000 messages after a night offline is
/// fair), then so many a second.
const EVENTS: (u32, u32) = (2_500, 100);

/// Handshakes of sockets of one network: so many at once (everybody of a hospital behind one address comes
/// back after an outage), then so many a second.
const HANDSHAKES: (u32, u32) = (2_000, 400);
/// Who asks for more at once than there ever is waits so long.
const TOO_MUCH: Duration = Duration::from_secs(20);

fn limiter<K: std::hash::Hash + Eq + Clone>((burst, each_second): (u32, u32)) -> DefaultKeyedRateLimiter<K> {
    RateLimiter::keyed(Quota::per_second(nonzero(each_second)).allow_burst(nonzero(burst)))
}

/// The limits that handlers and sockets ask by themselves.
pub struct Limits {
    enabled: bool,
    people: DefaultKeyedRateLimiter<UserId>,
    networks: DefaultKeyedRateLimiter<Network>,
    wide_networks: DefaultKeyedRateLimiter<Network>,
    events: DefaultKeyedRateLimiter<UserId>,
    handshakes: DefaultKeyedRateLimiter<Network>,
    wide_handshakes: DefaultKeyedRateLimiter<Network>,
    clock: DefaultClock,
}

impl Limits {
    /// `enabled: false` lets everything pass (`RATE_LIMIT=off`).
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            people: limiter(CALLS),
            networks: limiter(CALLS),
            wide_networks: limiter((CALLS.0 * WIDE, CALLS.1 * WIDE)),
            events: limiter(EVENTS),
            handshakes: limiter(HANDSHAKES),
            wide_handshakes: limiter((HANDSHAKES.0 * WIDE, HANDSHAKES.1 * WIDE)),
            clock: DefaultClock::default(),
        }
    }

    /// One more call of somebody who is signed in.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn call(&self, user: UserId) -> Result<()> {
        self.check(&self.people, &user)
    }

    /// One more call without a token that holds.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn open_call(&self, network: Network) -> Result<()> {
        self.check(&self.networks, &network)?;
        network.wide().map_or(Ok(()), |wide| self.check(&self.wide_networks, &wide))
    }

    /// An event of a user's sockets, or a heavy call, which counts as several; it counts as all that there may
    /// be at once at most.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn spend(&self, user: UserId, weight: usize) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        if weight <= 1 {
            return self.check(&self.events, &user);
        }
        let weight = u32::try_from(weight).unwrap_or(EVENTS.0).clamp(1, EVENTS.0);
        let refused = |wait| Error::RateLimited { retry_after: wait };
        match self.events.check_key_n(&user, nonzero(weight)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(refused(until.wait_time_from(self.clock.now()))),
            Err(_) => Err(refused(TOO_MUCH)),
        }
    }

    /// One more handshake of a network's sockets.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn handshake(&self, network: Network) -> Result<()> {
        self.check(&self.handshakes, &network)?;
        network.wide().map_or(Ok(()), |wide| self.check(&self.wide_handshakes, &wide))
    }

    fn check<K: Clone + std::hash::Hash + Eq>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        limiter
            .check_key(key)
            .map_err(|until| Error::RateLimited { retry_after: until.wait_time_from(self.clock.now()) })
    }

    /// Forgets those who have been quiet; called once a minute.
    pub fn forget_quiet(&self) {
        for limiter in [&self.people, &self.events] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        for limiter in [&self.networks, &self.wide_networks, &self.handshakes, &self.wide_handshakes] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// Something to be done once a minute.
pub type Chore = Arc<dyn Fn() + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_networks_do_not_use_up_each_others_calls() {
        let limits = Limits::new(true);
        let network = |text: &str| Network::of(text.parse().unwrap());
        let spend = |text: &str| (0..5_000).filter(|_| limits.open_call(network(text)).is_ok()).count();
        assert!((600..800).contains(&spend("203.0.113.7")));
        assert!((600..800).contains(&spend("2001:db8:1:1::1")));
        assert!(spend("2001:db8:1:1::2") < 100, "the same /64");
        let (li, wu) = (UserId::generate(), UserId::generate());
        assert!((0..5_000).any(|_| limits.call(li).is_err()));
        assert!(limits.call(wu).is_ok() && limits.spend(li, 1).is_ok());
        let wide: usize = (2..12).map(|number| spend(&format!("2001:db8:1:{number:x}::1"))).sum();
        assert!(wide < 4_000, "a /48 has four times as much: {wide}");
        let off = Limits::new(false);
        assert!((0..5_000).all(|_| off.open_call(network("203.0.113.7")).is_ok()));
    }
}
