//! Rate limits: REST by address, sign-in stricter, socket events by user.
//!
//! A hospital often stands behind one address, so the limit by address is wide; what protects passwords is
//! the narrow one on an address and a name together, which no forged header and no other person's address
//! can use to lock somebody out.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, http::Response, response::IntoResponse};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
};
use moka::sync::Cache;
use tower_governor::{
    GovernorError, GovernorLayer, governor::GovernorConfigBuilder, key_extractor::KeyExtractor,
};

use super::{address::ClientAddress, answer::Refusal};
use crate::domain::{Error, Result, UserId, user::username_key};

const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// REST calls of one address: so many at once, then so many a second.
const REST: (u32, u64) = (600, 120);
/// Sign-ins and registrations of one address: so many at once (a shift begins), then two a second.
const SIGN_IN: u32 = 200;
/// Failed sign-ins of one address under one name: so many at once, then one in six seconds.
const FAILURES: u32 = 10;
/// Who has failed too often waits so long.
const PENALTY: Duration = Duration::from_secs(20);
/// Socket events of one user: so many at once (an outbox of 2,000 messages after a night offline is
/// fair), then so many a second.
const EVENTS: (u32, u32) = (2_500, 100);

/// The limits that handlers and sockets ask by themselves.
pub struct Limits {
    enabled: bool,
    failures: DefaultKeyedRateLimiter<(IpAddr, String)>,
    barred: Cache<(IpAddr, String), ()>,
    events: DefaultKeyedRateLimiter<UserId>,
    clock: DefaultClock,
}

impl Limits {
    /// `enabled: false` lets everything pass (`RATE_LIMIT=off`).
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        let slow = Quota::with_period(Duration::from_secs(6)).unwrap_or(Quota::per_minute(nonzero(10)));
        Self {
            enabled,
            failures: RateLimiter::keyed(slow.allow_burst(nonzero(FAILURES))),
            barred: Cache::builder().max_capacity(100_000).time_to_live(PENALTY).build(),
            events: RateLimiter::keyed(Quota::per_second(nonzero(EVENTS.1)).allow_burst(nonzero(EVENTS.0))),
            clock: DefaultClock::default(),
        }
    }

    /// Whether this address may try to sign in under a name.
    ///
    /// # Errors
    /// `RateLimited` after too many failures, for the right password, too.
    pub fn may_sign_in(&self, address: ClientAddress, username: &str) -> Result<()> {
        let barred = self.enabled && self.barred.contains_key(&sign_in_key(address, username));
        if barred { Err(Error::RateLimited { retry_after: PENALTY }) } else { Ok(()) }
    }

    /// One more failure to sign in under a name. Successes count nothing.
    ///
    /// # Errors
    /// `RateLimited` when it was one too many.
    pub fn sign_in_failed(&self, address: ClientAddress, username: &str) -> Result<()> {
        let key = sign_in_key(address, username);
        self.check(&self.failures, &key).map_err(|_| {
            self.barred.insert(key, ());
            Error::RateLimited { retry_after: PENALTY }
        })
    }

    /// One more event of a user's sockets.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn event(&self, user: UserId) -> Result<()> {
        self.check(&self.events, &user)
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
        self.failures.retain_recent();
        self.failures.shrink_to_fit();
        self.events.retain_recent();
        self.events.shrink_to_fit();
    }
}

fn sign_in_key(address: ClientAddress, username: &str) -> (IpAddr, String) {
    (address.0, username_key(username).chars().take(32).collect())
}

/// The believed address as the key.
#[derive(Debug, Clone, Copy)]
pub struct ByAddress;

impl KeyExtractor for ByAddress {
    type Key = IpAddr;
    fn extract<T>(&self, request: &axum::http::Request<T>) -> Result<IpAddr, GovernorError> {
        request
            .extensions()
            .get::<ClientAddress>()
            .map(|address| address.0)
            .ok_or(GovernorError::UnableToExtractKey)
    }
}

/// Something to be done once a minute.
pub type Chore = Arc<dyn Fn() + Send + Sync>;

/// A limit by address, and what forgets quiet addresses.
pub struct AddressLimit {
    pub layer: GovernorLayer<ByAddress, NoOpMiddleware, Body>,
    pub forget_quiet: Chore,
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn refuse(error: GovernorError) -> Response<Body> {
    let refusal = match error {
        GovernorError::TooManyRequests { wait_time, .. } => {
            Error::RateLimited { retry_after: Duration::from_secs(wait_time.max(1)) }
        }
        GovernorError::UnableToExtractKey | GovernorError::Other { .. } => Error::Internal,
    };
    Refusal(refusal).into_response()
}

fn by_address(burst: u32, period: Duration) -> Option<AddressLimit> {
    let config = GovernorConfigBuilder::default()
        .key_extractor(ByAddress)
        .burst_size(burst)
        .period(period)
        .finish()?;
    let limiter = config.limiter().clone();
    Some(AddressLimit {
        layer: GovernorLayer::new(config).error_handler(refuse),
        forget_quiet: Arc::new(move || limiter.retain_recent()),
    })
}

/// The limit of REST calls.
#[must_use]
pub fn rest() -> Option<AddressLimit> {
    by_address(REST.0, Duration::from_secs(1) / u32::try_from(REST.1).unwrap_or(1))
}

/// The limit of sign-ins and registrations.
#[must_use]
pub fn sign_in() -> Option<AddressLimit> {
    by_address(SIGN_IN, Duration::from_millis(500))
}

/// Reads the believed address of a request.
///
/// # Errors
/// `Internal` when the layer that finds it out is missing.
pub fn address_of(request: &Request) -> Result<ClientAddress> {
    request.extensions().get::<ClientAddress>().copied().ok_or(Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_passwords_under_one_name_is_stopped() {
        let limits = Limits::new(true);
        let address = ClientAddress([203, 0, 113, 7].into());
        let told = (0..100).filter(|_| limits.sign_in_failed(address, "Nurse.Li").is_ok()).count();
        assert_eq!(told, FAILURES as usize);
        assert!(limits.may_sign_in(address, "nurse.li").is_err(), "the same name in another case");
        assert!(limits.may_sign_in(address, "nurse.wu").is_ok());
        let elsewhere = ClientAddress([203, 0, 113, 8].into());
        assert!(
            limits.may_sign_in(elsewhere, "nurse.li").is_ok(),
            "nobody is locked out by another's failures"
        );
        let off = Limits::new(false);
        assert!((0..100).all(|_| off.sign_in_failed(address, "nurse.li").is_ok()));
    }
}
