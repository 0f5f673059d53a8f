//! Limits on guessing passwords and on creating accounts, for every gateway.
//!
//! An attempt is counted before it is made, and uncounted when it succeeds. So concurrent attempts
//! pass no limit that would stop them one by one. A password is protected by the narrow limit on a
//! network and a name together. So attempts from another network cannot lock a user out.

use std::{
    hash::Hash,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::domain::{Error, Network, Result, Timestamp, UserId, user::username_key};

/// The most keys that each limit keeps.
const MAX_TRACKED_KEYS: usize = 100_000;
/// How long a key is locked after too many failures.
const LOCKOUT_DURATION: Duration = Duration::from_secs(20);
/// The most attempts under one name of one network that may wait for the outcome of others.
const MAX_WAITING_ATTEMPTS: usize = 64;
/// How long such an attempt waits.
const ATTEMPT_QUEUE_TIMEOUT: Duration = Duration::from_secs(15);
/// The delay of an attempt for each failure under its name beyond the limit, and the longest delay.
const DELAY_PER_FAILURE: Duration = Duration::from_millis(200);
const MAX_DELAY: Duration = Duration::from_secs(5);
/// How long a sign-in from a network counts as recent.
const RECENT_SIGN_IN_TTL: Duration = Duration::from_hours(30 * 24);

/// A burst, then one in each period.
#[derive(Debug, Clone, Copy)]
struct Quota {
    burst: f64,
    period: Duration,
}

impl Quota {
    const fn new(burst: f64, period: Duration) -> Self {
        Self { burst, period }
    }

    /// Returns the quota for a whole /48.
    fn wide(self) -> Self {
        Self {
            burst: self.burst * 4.0,
            period: self.period / 4,
        }
    }
}

/// The quota of failures under one name of one network.
const NAME_AND_NETWORK_FAILURE_QUOTA: Quota = Quota::new(10.0, Duration::from_secs(6));
/// The quota of failures under one name of all networks together; they delay.
const NAME_FAILURE_QUOTA: Quota = Quota::new(100.0, Duration::from_secs(36));
/// The quota of attempts of one network under names that did not sign in there recently (a shift
/// begins).
const UNKNOWN_NAME_QUOTA: Quota = Quota::new(200.0, Duration::from_millis(500));
/// The quota of accounts that one network creates.
const REGISTRATION_QUOTA: Quota = Quota::new(200.0, Duration::from_mins(1));
/// The quota of guests that one network creates.
const GUEST_QUOTA: Quota = Quota::new(10.0, Duration::from_secs(6));
/// The quota of a user's attempts to change their own password.
const PASSWORD_CHANGE_QUOTA: Quota = Quota::new(10.0, Duration::from_mins(6));

/// The used part of a quota, and when it was computed.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: f64,
    at: Timestamp,
}

impl Bucket {
    fn empty(now: Timestamp) -> Self {
        Self { used: 0.0, at: now }
    }

    /// Updates the bucket. A clock that is set back gives nothing and takes nothing.
    fn settle(&mut self, quota: Quota, now: Timestamp) {
        let passed = now.since(self.at).as_secs_f64() / quota.period.as_secs_f64();
        self.used = (self.used - passed).max(0.0);
        self.at = now;
    }

    /// Takes one, or returns the time until one is free.
    fn take(&mut self, quota: Quota, now: Timestamp) -> Result<(), Duration> {
        self.settle(quota, now);
        if self.used + 1.0 <= quota.burst + 1e-6 {
            self.used += 1.0;
            return Ok(());
        }
        Err(quota
            .period
            .mul_f64((self.used + 1.0 - quota.burst).max(0.0)))
    }

    fn give_back(&mut self) {
        self.used = (self.used - 1.0).max(0.0);
    }
}

/// A quota for each key.
struct Buckets<K: Hash + Eq> {
    quota: Quota,
    of: Mutex<LruCache<K, Bucket>>,
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(quota: Quota) -> Self {
        Self {
            quota,
            of: Mutex::new(LruCache::new(
                NonZeroUsize::new(MAX_TRACKED_KEYS).unwrap_or(NonZeroUsize::MIN),
            )),
        }
    }

    fn with<T>(&self, key: K, now: Timestamp, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        work(buckets.get_or_insert_mut(key, || Bucket::empty(now)))
    }

    fn take(&self, key: K, now: Timestamp) -> Result<()> {
        let taken = self.with(key, now, |bucket| bucket.take(self.quota, now));
        taken.map_err(|retry_after| Error::RateLimited { retry_after })
    }

    fn give_back(&self, key: &K) {
        let mut buckets = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.give_back();
        }
    }
}

/// A quota by network, and a higher one by its /48.
struct ByNetwork {
    narrow: Buckets<Network>,
    wide: Buckets<Network>,
}

impl ByNetwork {
    fn new(quota: Quota) -> Self {
        Self {
            narrow: Buckets::new(quota),
            wide: Buckets::new(quota.wide()),
        }
    }

    fn take(&self, network: Network, now: Timestamp) -> Result<()> {
        self.narrow.take(network, now)?;
        if let Some(wide) = network.wide()
            && let Err(error) = self.wide.take(wide, now)
        {
            self.narrow.give_back(&network);
            return Err(error);
        }
        Ok(())
    }

    fn give_back(&self, network: Network) {
        self.narrow.give_back(&network);
        if let Some(wide) = network.wide() {
            self.wide.give_back(&wide);
        }
    }
}

/// The attempts of one network under one name.
struct NameAttempts {
    bucket: Bucket,
    /// Attempts whose outcome is not known yet.
    pending: u32,
    locked_until: Option<Timestamp>,
    /// Notifies the waiting attempts, which hold it, too.
    decided: Arc<Notify>,
}

type NameKey = (Network, String);

/// All limits on signing in.
pub(super) struct Throttle {
    enabled: bool,
    name_attempts: Mutex<LruCache<NameKey, NameAttempts>>,
    wide_name_attempts: Buckets<NameKey>,
    names: Buckets<String>,
    unknown_names: ByNetwork,
    registrations: ByNetwork,
    guests: ByNetwork,
    own_changes: Buckets<UserId>,
    /// The names that recently signed in, with their network.
    recent_sign_ins: Cache<NameKey, ()>,
}

/// An attempt that was counted. It is uncounted unless it failed.
pub(super) struct CountedAttempt<'a> {
    throttle: &'a Throttle,
    key: NameKey,
    /// Whether the name recently signed in from this network.
    pub is_known: bool,
    is_failed: bool,
}

impl Throttle {
    /// Creates the limits; `enabled: false` lets everything pass (`RATE_LIMIT=off`).
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            name_attempts: Mutex::new(LruCache::new(
                NonZeroUsize::new(MAX_TRACKED_KEYS).unwrap_or(NonZeroUsize::MIN),
            )),
            wide_name_attempts: Buckets::new(NAME_AND_NETWORK_FAILURE_QUOTA.wide()),
            names: Buckets::new(NAME_FAILURE_QUOTA),
            unknown_names: ByNetwork::new(UNKNOWN_NAME_QUOTA),
            registrations: ByNetwork::new(REGISTRATION_QUOTA),
            guests: ByNetwork::new(GUEST_QUOTA),
            own_changes: Buckets::new(PASSWORD_CHANGE_QUOTA),
            recent_sign_ins: Cache::builder()
                .max_capacity(2 * MAX_TRACKED_KEYS as u64)
                .time_to_live(RECENT_SIGN_IN_TTL)
                .build(),
        }
    }

    /// Counts an attempt to prove a password. It may wait for undecided attempts of the same
    /// network and name. It may also be delayed because the name is guessed at from many networks.
    ///
    /// # Errors
    /// `RateLimited` after too many failures, for the right password, too.
    pub async fn begin(
        &self,
        network: Network,
        username: &str,
        now: impl Fn() -> Timestamp,
    ) -> Result<CountedAttempt<'_>> {
        let key: NameKey = (network, username_key(username).chars().take(32).collect());
        let is_known = self.recent_sign_ins.contains_key(&key);
        let mut attempt = CountedAttempt {
            throttle: self,
            key,
            is_known,
            is_failed: true,
        };
        if !self.enabled {
            return Ok(attempt);
        }
        if !is_known {
            self.unknown_names.take(network, now())?;
        }
        if let Err(refused) = self.reserve(&attempt.key, &now).await {
            if !is_known {
                self.unknown_names.give_back(network);
            }
            return Err(refused);
        }
        // From here on the attempt is settled when it is dropped.
        attempt.is_failed = false;
        tokio::time::sleep(self.delay(&attempt, now())).await;
        Ok(attempt)
    }

    /// Counts an attempt under its name over all networks: beyond the limit it is delayed, and
    /// never refused.
    fn delay(&self, attempt: &CountedAttempt<'_>, now: Timestamp) -> Duration {
        let longest = MAX_DELAY.as_secs_f64() / DELAY_PER_FAILURE.as_secs_f64();
        let over = self.names.with(attempt.key.1.clone(), now, |bucket| {
            bucket.settle(NAME_FAILURE_QUOTA, now);
            // Failures beyond the longest delay need no count.
            bucket.used = (bucket.used + 1.0).min(NAME_FAILURE_QUOTA.burst + longest);
            bucket.used - NAME_FAILURE_QUOTA.burst
        });
        if over <= 0.0 || attempt.is_known {
            return Duration::ZERO;
        }
        if over <= 1.0 {
            let name = digest(&attempt.key.1);
            tracing::warn!(target: "security", name, "many networks fail to sign in under one name; it is delayed");
        }
        DELAY_PER_FAILURE.mul_f64(over).min(MAX_DELAY)
    }

    /// Takes one of a network's attempts under a name; waits for those that may be uncounted.
    async fn reserve(&self, key: &NameKey, now: &impl Fn() -> Timestamp) -> Result<()> {
        let limited = |retry_after| Err(Error::RateLimited { retry_after });
        let wide = key.0.wide().map(|wide| (wide, key.1.clone()));
        if let Some(wide) = &wide {
            self.wide_name_attempts.take(wide.clone(), now())?;
        }
        let give_wide_back = || {
            if let Some(wide) = &wide {
                self.wide_name_attempts.give_back(wide);
            }
        };
        let deadline = tokio::time::Instant::now() + ATTEMPT_QUEUE_TIMEOUT;
        loop {
            let decided;
            let result = {
                let mut all = self
                    .name_attempts
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let now = now();
                let name_attempts = all.get_or_insert_mut(key.clone(), || NameAttempts {
                    bucket: Bucket::empty(now),
                    pending: 0,
                    locked_until: None,
                    decided: Arc::default(),
                });
                // A clock that was set back must not extend a lockout.
                let barred = name_attempts
                    .locked_until
                    .map(|until| until.since(now))
                    .filter(|left| !left.is_zero());
                if let Some(left) = barred {
                    give_wide_back();
                    return limited(left.min(LOCKOUT_DURATION));
                }
                match name_attempts
                    .bucket
                    .take(NAME_AND_NETWORK_FAILURE_QUOTA, now)
                {
                    Ok(()) => {
                        name_attempts.pending += 1;
                        return Ok(());
                    }
                    Err(_) if name_attempts.pending == 0 => {
                        name_attempts.locked_until = Some(now.plus(LOCKOUT_DURATION));
                        give_wide_back();
                        let (network, name) = (key.0, digest(&key.1));
                        tracing::warn!(target: "security", %network, name, "too many failed sign-ins; barred for a while");
                        return limited(LOCKOUT_DURATION);
                    }
                    Err(_) if Arc::strong_count(&name_attempts.decided) > MAX_WAITING_ATTEMPTS => {
                        give_wide_back();
                        return limited(Duration::from_secs(2));
                    }
                    Err(_) => {
                        decided = Arc::clone(&name_attempts.decided);
                        decided.notified()
                    }
                }
            };
            if tokio::time::timeout_at(deadline, result).await.is_err() {
                give_wide_back();
                return limited(Duration::from_secs(2));
            }
        }
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn register(&self, network: Network, now: Timestamp) -> Result<()> {
        if self.enabled {
            self.registrations.take(network, now)
        } else {
            Ok(())
        }
    }

    /// Counts a new guest.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn count_guest(&self, network: Network, now: Timestamp) -> Result<()> {
        if self.enabled {
            self.guests.take(network, now)
        } else {
            Ok(())
        }
    }

    /// Counts a user's attempt to change their own password.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn count_own_password_change(&self, user: UserId, now: Timestamp) -> Result<()> {
        if self.enabled {
            self.own_changes.take(user, now)
        } else {
            Ok(())
        }
    }
}

impl CountedAttempt<'_> {
    /// Records that the password was wrong.
    pub fn failed(mut self) {
        self.is_failed = true;
        self.settle(false);
    }

    /// Records that the password was right: the name now counts as known in this network.
    pub fn record_success(self) {
        self.throttle.recent_sign_ins.insert(self.key.clone(), ());
    }

    fn settle(&self, gives_back: bool) {
        if !self.throttle.enabled {
            return;
        }
        let mut all = self
            .throttle
            .name_attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(name_attempts) = all.get_mut(&self.key) {
            name_attempts.pending = name_attempts.pending.saturating_sub(1);
            if gives_back {
                name_attempts.bucket.give_back();
            }
            name_attempts.decided.notify_waiters();
        }
    }
}

impl Drop for CountedAttempt<'_> {
    fn drop(&mut self) {
        if self.is_failed || !self.throttle.enabled {
            return;
        }
        self.settle(true);
        let (network, name) = &self.key;
        self.throttle.names.give_back(name);
        if let Some(wide) = network.wide() {
            self.throttle
                .wide_name_attempts
                .give_back(&(wide, name.clone()));
        }
        if !self.is_known {
            self.throttle.unknown_names.give_back(*network);
        }
    }
}

/// Returns a name for a log as a digest: a user may type a password into the name's field.
fn digest(name: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(name.as_bytes())
        .iter()
        .take(6)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[tokio::test]
    async fn attempts_made_together_pass_no_limit_that_stops_them_one_by_one() {
        let throttle = Arc::new(Throttle::new(true));
        let now = || Timestamp(1_000_000);
        let ward = network("203.0.113.7");
        // Successful attempts free their slot for those that wait.
        let mut right = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let throttle = Arc::clone(&throttle);
            right.spawn(async move {
                let attempt = throttle.begin(ward, "nurse.li", now).await?;
                tokio::task::yield_now().await;
                attempt.record_success();
                Ok::<(), Error>(())
            });
        }
        assert!(
            right
                .join_all()
                .await
                .into_iter()
                .all(|passed| passed.is_ok())
        );
        let mut wrong = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let throttle = Arc::clone(&throttle);
            wrong.spawn(async move {
                let attempt = throttle.begin(ward, "Nurse.Li", now).await?;
                tokio::task::yield_now().await;
                attempt.failed();
                Ok::<(), Error>(())
            });
        }
        let passed = wrong.join_all().await.into_iter().flatten().count();
        assert_eq!(passed, 10);
        let Err(Error::RateLimited { retry_after }) = throttle.begin(ward, "nurse.li", now).await
        else {
            panic!("the right one is stopped, too");
        };
        assert_eq!(retry_after, LOCKOUT_DURATION);
        for other in [(ward, "nurse.wu"), (network("203.0.113.8"), "nurse.li")] {
            throttle
                .begin(other.0, other.1, now)
                .await
                .unwrap()
                .failed();
        }
        let later = || Timestamp(1_000_000 + 21_000);
        throttle
            .begin(ward, "nurse.li", later)
            .await
            .unwrap()
            .failed();
    }

    #[tokio::test]
    async fn addresses_of_one_network_count_together() {
        let throttle = Throttle::new(true);
        let now = || Timestamp(1_000_000);
        let guess = async |address: String, name: &str| match throttle
            .begin(network(&address), name, now)
            .await
        {
            Ok(attempt) => {
                attempt.failed();
                true
            }
            Err(_) => false,
        };
        let mut passed = 0;
        for number in 0..40 {
            passed += usize::from(guess(format!("2001:db8:1:2::{number:x}"), "li").await);
        }
        assert_eq!(passed, 10, "a /64");
        for number in 3..100 {
            passed += usize::from(guess(format!("2001:db8:1:{number:x}::1"), "li").await);
        }
        assert_eq!(passed, 40, "a /48");
        for number in 0..300 {
            passed +=
                usize::from(guess("203.0.113.7".to_owned(), &format!("made-up-{number}")).await);
        }
        assert_eq!(passed, 240, "names that are not known there");
    }

    #[tokio::test]
    async fn guesses_from_everywhere_delay_and_never_lock() {
        let throttle = Throttle::new(true);
        let now = || Timestamp(1_000_000);
        let home = network("203.0.113.7");
        throttle
            .begin(home, "li", now)
            .await
            .unwrap()
            .record_success();
        for number in 0..100 {
            throttle
                .begin(network(&format!("198.51.100.{number}")), "li", now)
                .await
                .unwrap()
                .failed();
        }
        let attempt = |is_known| CountedAttempt {
            throttle: &throttle,
            key: (network("192.0.2.1"), "li".to_owned()),
            is_known,
            is_failed: true,
        };
        let delays: Vec<Duration> = (0..40)
            .map(|_| throttle.delay(&attempt(false), now()))
            .collect();
        assert!(
            delays[0] > Duration::ZERO && delays.is_sorted() && delays[39] == MAX_DELAY,
            "{delays:?}"
        );
        assert_eq!(
            throttle.delay(&attempt(true), now()),
            Duration::ZERO,
            "where they signed in lately"
        );
        let later = Timestamp(1_000_000 + 3_600_000);
        assert_eq!(
            throttle.delay(&attempt(false), later),
            Duration::ZERO,
            "a hundred an hour"
        );
    }
}
