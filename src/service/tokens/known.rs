//! What this node remembers of accounts and tokens, so that the database need not be asked each time.
//!
//! An end on this node counts at once. What the database says is remembered for moments only, and not at all
//! once somebody has said that it is about to change.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use lru::LruCache;

use super::{Profile, claims::CLOCK_SKEW};
use crate::domain::{
    Timestamp, TokenId, UserId,
    access::{Credentials, Issue, Pass},
    user::User,
};

/// Accounts that are remembered.
const MAX_ACCOUNTS: usize = 100_000;
/// How long an account is remembered at most, whatever was heard: who changes the database itself tells
/// nobody.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Tokens of other issuers, dated ahead of this clock, whose first use is remembered.
const MAX_EARLY_TOKENS: usize = 10_000;
/// What whole seconds make of a moment.
const ROUNDING: Duration = Duration::from_secs(2);

/// Something the database said, and when it was asked.
pub(super) type Remembered<T> = (T, Instant);

/// An account as this node last saw it.
struct Known {
    credentials: Option<Remembered<Option<Credentials>>>,
    /// What was asked before this may be old.
    forgotten: Option<Instant>,
}

/// What a node remembers.
pub(super) struct Memory {
    belief: Duration,
    accounts: Mutex<LruCache<UserId, Known>>,
    /// Every token that was ended and has not expired, once this node has loaded them.
    ended: RwLock<Option<HashSet<TokenId>>>,
    /// When the newest look at the revocations that succeeded began.
    heard: RwLock<Option<Instant>>,
    ended_here: RwLock<HashMap<TokenId, Timestamp>>,
    /// Accounts that were changed on this node: the newest change of each.
    changed_here: RwLock<HashMap<UserId, Credentials>>,
    /// When tokens were first seen that are dated ahead of this clock.
    early: Mutex<LruCache<TokenId, Timestamp>>,
}

impl Memory {
    pub fn new(belief: Duration) -> Self {
        let room = |places| NonZeroUsize::new(places).unwrap_or(NonZeroUsize::MIN);
        Self {
            belief,
            accounts: Mutex::new(LruCache::new(room(MAX_ACCOUNTS))),
            ended: RwLock::default(),
            heard: RwLock::default(),
            ended_here: RwLock::default(),
            changed_here: RwLock::default(),
            early: Mutex::new(LruCache::new(room(MAX_EARLY_TOKENS))),
        }
    }

    /// Returns when a token was issued, as far as it can be believed. A clock that is ahead must not
    /// carry a token over a change of the account, so one that is dated ahead counts from its first use;
    /// one that comes first right after a change, and may be from before, does not count at all.
    pub fn dated(&self, pass: &Pass, credentials: Option<&Credentials>, now: Timestamp) -> Issue {
        let Issue::At(at) = pass.issued else { return pass.issued };
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = early.get(&pass.actor.token) {
            return Issue::At(at.min(*first));
        }
        if at <= now {
            return pass.issued;
        }
        let changed_at = credentials.map_or(Timestamp(0), |credentials| credentials.changed_at);
        let is_doubtful =
            changed_at > Timestamp(0) && at.since(now) > ROUNDING && at.minus(CLOCK_SKEW) <= changed_at;
        let first = if is_doubtful { Timestamp(0) } else { now.max(Timestamp(changed_at.0 + 1)) };
        early.put(pass.actor.token.clone(), first);
        Issue::At(first)
    }

    /// Returns whether this node itself has ended a token, or made a change that ends it.
    pub fn is_ended_here(&self, pass: &Pass) -> bool {
        self.ended_here.read().unwrap_or_else(PoisonError::into_inner).contains_key(&pass.actor.token)
            || self
                .changed_here
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&pass.actor.user)
                .is_some_and(|known| match pass.issued {
                    Issue::Version(version) => version < known.version,
                    Issue::At(at) => at <= known.changed_at,
                })
    }

    pub fn end_here(&self, token: TokenId, expires_at: Timestamp, now: Timestamp) {
        let mut ended = self.ended_here.write().unwrap_or_else(PoisonError::into_inner);
        if ended.len() % 1_024 == 1_023 {
            ended.retain(|_, expires| *expires > now);
        }
        ended.insert(token, expires_at);
    }

    /// Returns what is remembered of an account, if it still counts.
    #[expect(clippy::option_option, reason = "what is remembered may be that there is no such account")]
    pub fn credentials(&self, user: UserId) -> Option<Option<Credentials>> {
        let (known, asked) = self.remembered(user)?;
        (asked.elapsed() < self.belief || self.has_news()).then_some(known)
    }

    fn remembered(&self, user: UserId) -> Option<Remembered<Option<Credentials>>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accounts.get(&user)?.credentials?;
        (known.1.elapsed() < REMEMBERED).then_some(known)
    }

    /// Remembers what the database said, unless the account was changed since it was asked.
    pub fn remember(&self, user: UserId, said: Remembered<Option<Credentials>>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = accounts.get(&user).and_then(|known| known.forgotten);
        if forgotten.is_none_or(|forgotten| said.1 > forgotten) {
            accounts.put(user, Known { credentials: Some(said), forgotten });
        }
    }

    /// The account changed, or is about to.
    pub fn forget(&self, user: UserId) {
        let known = Known { credentials: None, forgotten: Some(Instant::now()) };
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).put(user, known);
    }

    /// An account was changed on this node.
    pub fn changed(&self, user: UserId, credentials: Credentials) {
        let mut changed = self.changed_here.write().unwrap_or_else(PoisonError::into_inner);
        let newest = changed.entry(user).or_insert(credentials);
        if newest.version <= credentials.version {
            *newest = credentials;
        }
        drop(changed);
        self.forget(user);
    }

    /// Returns the user of a profile, unless the account was changed here since, or it is older than what is
    /// believed without news of other nodes.
    pub fn fresh(&self, profile: Profile) -> Option<User> {
        let is_newest = self.remembered(profile.user.id).is_some_and(|(_, asked)| asked == profile.asked);
        (is_newest && profile.asked.elapsed() < self.belief).then_some(profile.user)
    }

    /// Returns whether this node knows what was revoked until a moment ago.
    fn has_news(&self) -> bool {
        let heard = *self.heard.read().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() < self.belief)
    }

    /// This node has heard everything that was revoked before `began`.
    pub fn heard(&self, began: Instant) {
        *self.heard.write().unwrap_or_else(PoisonError::into_inner) = Some(began);
    }

    /// All ended tokens, as the database has them.
    pub fn load_ended(&self, all: HashSet<TokenId>) {
        *self.ended.write().unwrap_or_else(PoisonError::into_inner) = Some(all);
    }

    /// More ended tokens.
    pub fn add_ended(&self, more: HashSet<TokenId>) {
        if let Some(known) = &mut *self.ended.write().unwrap_or_else(PoisonError::into_inner) {
            known.extend(more);
        }
    }

    /// Returns whether a token was ended anywhere; `None` when the database must be asked.
    pub fn is_ended(&self, token: &TokenId) -> Option<bool> {
        if !self.has_news() {
            return None;
        }
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.as_ref().map(|ended| ended.contains(token))
    }
}
