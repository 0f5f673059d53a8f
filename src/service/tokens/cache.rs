//! The cache of accounts and tokens on this node. It saves reads of the database.
//!
//! A token that this node ended is refused at once. The database's answers are cached for moments
//! only. They are not cached at all once a change of the account was announced.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use lru::LruCache;

use super::{CachedProfile, claims::CLOCK_SKEW};
use crate::domain::{
    Timestamp, TokenId, UserId,
    access::{AuthenticatedToken, CredentialVersion, Credentials},
    user::User,
};

/// The most accounts that are cached.
const MAX_CACHED_ACCOUNTS: usize = 100_000;
/// How long an account is cached at most, whatever the revocation feed contains. A direct change of
/// the database publishes nothing.
const ACCOUNT_CACHE_TTL: Duration = Duration::from_secs(5);
/// The most tokens of other issuers, dated ahead of this clock, whose first use is recorded.
const MAX_EARLY_TOKENS: usize = 10_000;
/// The rounding error of a time in whole seconds.
const TIMESTAMP_ROUNDING: Duration = Duration::from_secs(2);

/// An answer of the database, and the time of the request.
pub(super) type Cached<T> = (T, Instant);

/// An account as this node last read it.
struct CachedAccount {
    credentials: Option<Cached<Option<Credentials>>>,
    /// What was requested before this time may be outdated.
    evicted_at: Option<Instant>,
}

/// The token cache of a node.
pub(super) struct TokenCache {
    cache_ttl: Duration,
    accounts: Mutex<LruCache<UserId, CachedAccount>>,
    /// Every token that was ended and has not expired, once this node has loaded them.
    ended: RwLock<Option<HashSet<TokenId>>>,
    /// The start of the newest successful poll of the revocations.
    last_polled_at: RwLock<Option<Instant>>,
    ended_here: RwLock<HashMap<TokenId, Timestamp>>,
    /// Accounts that were changed on this node, with the newest change of each.
    changed_here: RwLock<HashMap<UserId, Credentials>>,
    /// The time of the first use of tokens that are dated ahead of this clock.
    early: Mutex<LruCache<TokenId, Timestamp>>,
}

impl TokenCache {
    pub fn new(cache_ttl: Duration) -> Self {
        let room = |places| NonZeroUsize::new(places).unwrap_or(NonZeroUsize::MIN);
        Self {
            cache_ttl,
            accounts: Mutex::new(LruCache::new(room(MAX_CACHED_ACCOUNTS))),
            ended: RwLock::default(),
            last_polled_at: RwLock::default(),
            ended_here: RwLock::default(),
            changed_here: RwLock::default(),
            early: Mutex::new(LruCache::new(room(MAX_EARLY_TOKENS))),
        }
    }

    /// Returns the time of issue of a token, as far as it can be trusted. A fast clock must not
    /// carry a token over a change of the account. So a token that is dated ahead counts from its
    /// first use. If its first use comes right after a change, it may be older than the change and
    /// does not count at all.
    pub fn trusted_issue_time(
        &self,
        auth: &AuthenticatedToken,
        credentials: Option<&Credentials>,
        now: Timestamp,
    ) -> CredentialVersion {
        let CredentialVersion::At(at) = auth.issued else {
            return auth.issued;
        };
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = early.get(&auth.actor.token) {
            return CredentialVersion::At(at.min(*first));
        }
        if at <= now {
            return auth.issued;
        }
        let changed_at = credentials.map_or(Timestamp(0), |credentials| credentials.changed_at);
        let is_doubtful = changed_at > Timestamp(0)
            && at.since(now) > TIMESTAMP_ROUNDING
            && at.minus(CLOCK_SKEW) <= changed_at;
        let first = if is_doubtful {
            Timestamp(0)
        } else {
            now.max(Timestamp(changed_at.0 + 1))
        };
        early.put(auth.actor.token.clone(), first);
        CredentialVersion::At(first)
    }

    /// Returns whether this node itself has ended a token or made a change that ends it.
    pub fn is_ended_here(&self, auth: &AuthenticatedToken) -> bool {
        self.ended_here
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&auth.actor.token)
            || self
                .changed_here
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&auth.actor.user)
                .is_some_and(|known| match auth.issued {
                    CredentialVersion::Version(version) => version < known.version,
                    CredentialVersion::At(at) => at <= known.changed_at,
                })
    }

    pub fn mark_ended_here(&self, token: TokenId, expires_at: Timestamp, now: Timestamp) {
        let mut ended = self
            .ended_here
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if ended.len() % 1_024 == 1_023 {
            ended.retain(|_, expires| *expires > now);
        }
        ended.insert(token, expires_at);
    }

    /// Returns the cached state of an account, if it is still valid.
    #[expect(
        clippy::option_option,
        reason = "what is remembered may be that there is no such account"
    )]
    pub fn credentials(&self, user: UserId) -> Option<Option<Credentials>> {
        let (known, asked) = self.cached_account(user)?;
        (asked.elapsed() < self.cache_ttl || self.is_feed_current()).then_some(known)
    }

    fn cached_account(&self, user: UserId) -> Option<Cached<Option<Credentials>>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accounts.get(&user)?.credentials?;
        (known.1.elapsed() < ACCOUNT_CACHE_TTL).then_some(known)
    }

    /// Caches the database's answer, unless the account was changed since the request.
    pub fn insert_account(&self, user: UserId, said: Cached<Option<Credentials>>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let evicted_at = accounts.get(&user).and_then(|known| known.evicted_at);
        if evicted_at.is_none_or(|evicted_at| said.1 > evicted_at) {
            accounts.put(
                user,
                CachedAccount {
                    credentials: Some(said),
                    evicted_at,
                },
            );
        }
    }

    /// Evicts an account that changed or is about to change.
    pub fn evict_account(&self, user: UserId) {
        let known = CachedAccount {
            credentials: None,
            evicted_at: Some(Instant::now()),
        };
        self.accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(user, known);
    }

    /// Records that an account was changed on this node.
    pub fn record_change(&self, user: UserId, credentials: Credentials) {
        let mut changed = self
            .changed_here
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let newest = changed.entry(user).or_insert(credentials);
        if newest.version <= credentials.version {
            *newest = credentials;
        }
        drop(changed);
        self.evict_account(user);
    }

    /// Returns the user of a profile. Returns nothing if the account was changed here since, or if
    /// the profile is older than the cache lifetime.
    pub fn fresh(&self, profile: CachedProfile) -> Option<User> {
        let is_newest = self
            .cached_account(profile.user.id)
            .is_some_and(|(_, asked)| asked == profile.asked);
        (is_newest && profile.asked.elapsed() < self.cache_ttl).then_some(profile.user)
    }

    /// Returns whether the revocations were polled within the cache lifetime.
    fn is_feed_current(&self) -> bool {
        let last_polled_at = *self
            .last_polled_at
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        last_polled_at.is_some_and(|last_polled_at| last_polled_at.elapsed() < self.cache_ttl)
    }

    /// Records that this node knows everything that was revoked before `began`.
    pub fn record_poll(&self, began: Instant) {
        *self
            .last_polled_at
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(began);
    }

    /// Sets all ended tokens, as the database has them.
    pub fn set_ended_tokens(&self, all: HashSet<TokenId>) {
        *self.ended.write().unwrap_or_else(PoisonError::into_inner) = Some(all);
    }

    /// Adds more ended tokens.
    pub fn add_ended_tokens(&self, more: HashSet<TokenId>) {
        if let Some(known) = &mut *self.ended.write().unwrap_or_else(PoisonError::into_inner) {
            known.extend(more);
        }
    }

    /// Returns whether a token was ended anywhere; `None` when the database must be asked.
    pub fn is_ended(&self, token: &TokenId) -> Option<bool> {
        if !self.is_feed_current() {
            return None;
        }
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.as_ref().map(|ended| ended.contains(token))
    }
}
