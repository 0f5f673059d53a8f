//! Rate limits: calls and socket events by user; calls without a valid token by network.
//!
//! A hospital often stands behind one address, so calls count for their user and not for the
//! address: one user cannot use up what all need. The throttle that protects passwords is in the
//! service, for all gateways (`service/throttle.rs`).

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

/// Calls of one user, and calls of one network without a valid token: the burst, then the rate a
/// second.
const CALL_BURST_AND_RATE: (u32, u32) = (600, 120);
/// The factor by which the limits of the /48 around an IPv6 network are higher.
const WIDE_NETWORK_FACTOR: u32 = 4;
/// Socket events of one user: the burst (a device may send an outbox of 2,000 messages after a
/// night offline), then the rate a second.
const EVENT_BURST_AND_RATE: (u32, u32) = (2_500, 100);

/// Socket handshakes of one network: the burst (all users of a hospital behind one address
/// reconnect after an outage), then the rate a second.
const HANDSHAKE_BURST_AND_RATE: (u32, u32) = (2_000, 400);
/// The delay for a caller that requests more at once than the burst allows.
const OVERSIZED_RETRY_AFTER: Duration = Duration::from_secs(20);

fn limiter<K: std::hash::Hash + Eq + Clone>(
    (burst, each_second): (u32, u32),
) -> DefaultKeyedRateLimiter<K> {
    RateLimiter::keyed(Quota::per_second(nonzero(each_second)).allow_burst(nonzero(burst)))
}

/// The limits that handlers and sockets check themselves.
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
    /// Creates the limits; `enabled: false` switches them off (`RATE_LIMIT=off`).
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            people: limiter(CALL_BURST_AND_RATE),
            networks: limiter(CALL_BURST_AND_RATE),
            wide_networks: limiter((
                CALL_BURST_AND_RATE.0 * WIDE_NETWORK_FACTOR,
                CALL_BURST_AND_RATE.1 * WIDE_NETWORK_FACTOR,
            )),
            events: limiter(EVENT_BURST_AND_RATE),
            handshakes: limiter(HANDSHAKE_BURST_AND_RATE),
            wide_handshakes: limiter((
                HANDSHAKE_BURST_AND_RATE.0 * WIDE_NETWORK_FACTOR,
                HANDSHAKE_BURST_AND_RATE.1 * WIDE_NETWORK_FACTOR,
            )),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a call of an authenticated user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn call(&self, user: UserId) -> Result<()> {
        self.check(&self.people, &user)
    }

    /// Counts a call without a valid token.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_unauthenticated_call(&self, network: Network) -> Result<()> {
        self.check(&self.networks, &network)?;
        network
            .wide()
            .map_or(Ok(()), |wide| self.check(&self.wide_networks, &wide))
    }

    /// Counts an event of a user's sockets, or a heavy call, which counts as several events, at
    /// most as the whole burst.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn spend_events(&self, user: UserId, weight: usize) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        if weight <= 1 {
            return self.check(&self.events, &user);
        }
        let weight = u32::try_from(weight)
            .unwrap_or(EVENT_BURST_AND_RATE.0)
            .clamp(1, EVENT_BURST_AND_RATE.0);
        let refused = |wait| Error::RateLimited { retry_after: wait };
        match self.events.check_key_n(&user, nonzero(weight)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(refused(until.wait_time_from(self.clock.now()))),
            Err(_) => Err(refused(OVERSIZED_RETRY_AFTER)),
        }
    }

    /// Counts a socket handshake of a network.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn check_handshake(&self, network: Network) -> Result<()> {
        self.check(&self.handshakes, &network)?;
        network
            .wide()
            .map_or(Ok(()), |wide| self.check(&self.wide_handshakes, &wide))
    }

    fn check<K: Clone + std::hash::Hash + Eq>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        limiter.check_key(key).map_err(|until| Error::RateLimited {
            retry_after: until.wait_time_from(self.clock.now()),
        })
    }

    /// Evicts idle users and networks; called once a minute.
    pub fn evict_idle(&self) {
        for limiter in [&self.people, &self.events] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        for limiter in [
            &self.networks,
            &self.wide_networks,
            &self.handshakes,
            &self.wide_handshakes,
        ] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// A task that runs once a minute.
pub type MaintenanceTask = Arc<dyn Fn() + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_networks_do_not_use_up_each_others_calls() {
        let limits = Limits::new(true);
        let network = |text: &str| Network::of(text.parse().unwrap());
        let spend_events = |text: &str| {
            (0..5_000)
                .filter(|_| limits.check_unauthenticated_call(network(text)).is_ok())
                .count()
        };
        assert!((600..800).contains(&spend_events("203.0.113.7")));
        assert!((600..800).contains(&spend_events("2001:db8:1:1::1")));
        assert!(spend_events("2001:db8:1:1::2") < 100, "the same /64");
        let (li, wu) = (UserId::generate(), UserId::generate());
        assert!((0..5_000).any(|_| limits.call(li).is_err()));
        assert!(limits.call(wu).is_ok() && limits.spend_events(li, 1).is_ok());
        let wide: usize = (2..12)
            .map(|number| spend_events(&format!("2001:db8:1:{number:x}::1")))
            .sum();
        assert!(wide < 4_000, "a /48 has four times as much: {wide}");
        let off = Limits::new(false);
        assert!((0..5_000).all(|_| {
            off.check_unauthenticated_call(network("203.0.113.7"))
                .is_ok()
        }));
    }
}
