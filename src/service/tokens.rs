//! Tokens: JWT, HS256, valid on any node that knows the secret, until they expire or are ended.
//!
//! An end on this node counts at once, from memory. What the database says of an account or a token is
//! remembered, and believed as long as this node has heard within `belief` what was revoked elsewhere
//! (`store/revocations.rs`); otherwise the database is asked each time the memory is older than that.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use lru::LruCache;
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

use super::Services;
use crate::{
    domain::{
        Error, Result, Timestamp, TokenId, UserId,
        access::{Actor, Pass},
        event::Closing,
        user::{Role, User},
    },
    hub::CloseReason,
    store::revocations::Revoked,
};

/// The longest token that is looked at, bytes.
const LONGEST: usize = 4_096;

/// The claims as the contract lists them (RFC 7519 names).
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    iat: i64,
    exp: i64,
    #[serde(default)]
    jti: Option<String>,
    /// When it was issued in milliseconds: a password changed within the same second ends it, too.
    #[serde(default)]
    ims: Option<i64>,
}

impl Claims {
    fn issued_at(&self) -> Timestamp {
        Timestamp(self.ims.unwrap_or_else(|| self.iat.saturating_mul(1000).saturating_add(999)))
    }
}

/// A new token.
#[derive(Debug, Clone)]
pub struct Issued {
    pub token: String,
    pub expires_at: Timestamp,
}

/// What the database says of an account, believed for a moment.
#[derive(Debug, Clone, Copy)]
struct Standing {
    role: Role,
    is_active: bool,
    tokens_valid_from: Timestamp,
}

/// Accounts that are remembered.
const ACCOUNTS: usize = 100_000;
/// How long anything is remembered at most, whatever was heard.
const REMEMBERED: Duration = Duration::from_mins(1);
/// How far each look at the revocations goes back behind the newest known: what was written before may
/// become visible after, and what was read before a change may be remembered after it.
const OVERLAP: Duration = Duration::from_secs(15);

/// How often the ended tokens are loaded anew, so that expired ones are forgotten.
const RELOADED: Duration = Duration::from_hours(1);

/// Something the database said, and when it was asked.
type Remembered<T> = (T, Instant);

/// Signs, checks and ends tokens.
pub(super) struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    lifetime: Duration,
    belief: Duration,
    standings: Mutex<LruCache<UserId, Remembered<Option<Standing>>>>,
    /// Every token that was ended and has not expired, once this node has loaded them.
    ended: RwLock<Option<HashSet<TokenId>>>,
    /// When the newest look at the revocations that succeeded began.
    heard: RwLock<Option<Instant>>,
    ended_here: RwLock<HashMap<TokenId, Timestamp>>,
    deactivated_here: RwLock<HashSet<UserId>>,
}

impl Tokens {
    pub fn new(secret: &[u8], lifetime: Duration, belief: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The house's own clock decides, without the library's minute of grace.
        validation.validate_exp = false;
        validation.required_spec_claims = HashSet::from(["exp".to_owned(), "sub".to_owned()]);
        let accounts = NonZeroUsize::new(ACCOUNTS).unwrap_or(NonZeroUsize::MIN);
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            lifetime,
            belief,
            standings: Mutex::new(LruCache::new(accounts)),
            ended: RwLock::default(),
            heard: RwLock::default(),
            ended_here: RwLock::default(),
            deactivated_here: RwLock::default(),
        }
    }

    pub fn issue(&self, user: &User, now: Timestamp) -> Result<Issued> {
        let expires_at = Timestamp(now.plus(self.lifetime).seconds() * 1000);
        let claims = Claims {
            sub: user.id.to_string(),
            username: user.username.clone(),
            role: user.role.as_str().to_owned(),
            iat: now.seconds(),
            exp: expires_at.seconds(),
            jti: Some(TokenId::generate().0.to_string()),
            ims: Some(now.0),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing);
        let token = token.map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Error::Internal
        })?;
        Ok(Issued { token, expires_at })
    }

    /// Signature, time, and what this node itself has ended.
    fn decode(&self, token: &str, now: Timestamp) -> Result<(Claims, UserId, TokenId)> {
        if token.len() > LONGEST {
            return Err(Error::AuthFailed);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation);
        let claims = decoded.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Error::TokenExpired,
            _ => Error::AuthFailed,
        })?;
        let claims = claims.claims;
        if claims.exp <= now.seconds() {
            return Err(Error::TokenExpired);
        }
        let user: UserId = claims.sub.parse().map_err(|_| Error::AuthFailed)?;
        // A token without a `jti` is named by its signature, so that it can be ended too.
        let name = claims.jti.clone().or_else(|| token.rsplit('.').next().map(str::to_owned));
        let id =
            TokenId(name.filter(|name| (1..=128).contains(&name.len())).ok_or(Error::AuthFailed)?.into());
        Ok((claims, user, id))
    }

    /// Signs words that are not a token: an HMAC with the same secret. A token's signed part has letters,
    /// digits, `-`, `_` and dots only, so words with a line break are never one.
    pub fn sign(&self, words: &str) -> Result<String> {
        jsonwebtoken::crypto::sign(words.as_bytes(), &self.signing, Algorithm::HS256).map_err(|error| {
            tracing::error!(%error, "words could not be signed");
            Error::Internal
        })
    }

    /// Whether these words were signed here.
    pub fn is_signed(&self, words: &str, signature: &str) -> bool {
        let checked =
            jsonwebtoken::crypto::verify(signature, words.as_bytes(), &self.checking, Algorithm::HS256);
        checked.unwrap_or(false)
    }

    pub fn is_ended_here(&self, token: &TokenId, user: UserId) -> bool {
        self.ended_here.read().unwrap_or_else(PoisonError::into_inner).contains_key(token)
            || self.deactivated_here.read().unwrap_or_else(PoisonError::into_inner).contains(&user)
    }

    pub fn end_here(&self, token: TokenId, expires_at: Timestamp, now: Timestamp) {
        let mut ended = self.ended_here.write().unwrap_or_else(PoisonError::into_inner);
        if ended.len() % 1_024 == 1_023 {
            ended.retain(|_, expires| *expires > now);
        }
        ended.insert(token, expires_at);
    }

    /// What is remembered of an account.
    fn remembered(&self, user: UserId) -> Option<Remembered<Option<Standing>>> {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        standings.get(&user).copied().filter(|(_, asked)| asked.elapsed() < REMEMBERED)
    }

    fn remember(&self, user: UserId, standing: Remembered<Option<Standing>>) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).put(user, standing);
    }

    /// The account changed.
    fn forget(&self, user: UserId) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).pop(&user);
    }

    /// The user of a profile, unless the account was changed here since, or it is older than what is believed
    /// without news of other nodes.
    pub fn fresh(&self, profile: Profile) -> Option<User> {
        let is_newest = self.remembered(profile.user.id).is_some_and(|(_, asked)| asked == profile.asked);
        (is_newest && profile.asked.elapsed() < self.belief).then_some(profile.user)
    }

    /// Whether what the database said at `asked` still counts.
    fn is_believed(&self, asked: Instant) -> bool {
        asked.elapsed() < self.belief || self.has_news()
    }

    /// Whether this node knows what was revoked until a moment ago.
    fn has_news(&self) -> bool {
        let heard = *self.heard.read().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() < self.belief)
    }

    /// An account changed on this node.
    pub fn account_changed(&self, user: UserId, is_active: bool) {
        let mut deactivated = self.deactivated_here.write().unwrap_or_else(PoisonError::into_inner);
        if is_active {
            deactivated.remove(&user)
        } else {
            deactivated.insert(user)
        };
        self.forget(user);
    }
}

/// Somebody who comes in.
pub struct Entry {
    pub pass: Pass,
    /// Their profile, if the database had to be asked for their account: a `user:join` that follows at once
    /// need not ask again.
    pub profile: Option<Profile>,
}

/// A profile as it was a moment ago.
#[derive(Debug, Clone)]
pub struct Profile {
    user: User,
    asked: Instant,
}

impl Services {
    /// Checks a token.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` for every other fault: bad, ended, or its user gone.
    pub async fn check_token(&self, token: &str) -> Result<Pass> {
        self.enter(token).await.map(|entry| entry.pass)
    }

    /// Checks the token of a connection that is being made.
    ///
    /// # Errors
    /// As [`Services::check_token`].
    pub async fn enter(&self, token: &str) -> Result<Entry> {
        let (claims, user, id) = self.tokens.decode(token, self.clock.now())?;
        if self.tokens.is_ended_here(&id, user) {
            return Err(Error::AuthFailed);
        }
        let ((standing, profile), ended) = tokio::try_join!(self.standing(user), self.is_ended(&id))?;
        let standing = standing.filter(|s| s.is_active && claims.issued_at() >= s.tokens_valid_from);
        match standing {
            Some(standing) if !ended => {
                let pass = Pass {
                    actor: Actor { user, role: standing.role, token: id },
                    issued_at: claims.issued_at(),
                    expires_at: Timestamp(claims.exp.saturating_mul(1000)),
                };
                Ok(Entry { pass, profile })
            }
            _ => Err(Error::AuthFailed),
        }
    }

    /// Whoever a token belongs to that was seen at `seen_at`, if it still holds.
    ///
    /// # Errors
    /// `AuthFailed` when it was ended, or its user is gone.
    pub(super) async fn still_holds(
        &self,
        user: UserId,
        token: TokenId,
        seen_at: Timestamp,
    ) -> Result<Actor> {
        if self.tokens.is_ended_here(&token, user) {
            return Err(Error::AuthFailed);
        }
        let ((standing, _), ended) = tokio::try_join!(self.standing(user), self.is_ended(&token))?;
        match standing.filter(|s| s.is_active && seen_at >= s.tokens_valid_from) {
            Some(standing) if !ended => Ok(Actor { user, role: standing.role, token }),
            _ => Err(Error::AuthFailed),
        }
    }

    /// Whether a token was ended on this node, asked without the database: for a connection that was
    /// being made while its token ended.
    pub fn is_ended_here(&self, actor: &Actor) -> bool {
        self.tokens.is_ended_here(&actor.token, actor.user)
    }

    /// Closes the connections of people and tokens that were ended on another node or by the operator.
    pub(super) async fn close_ended_elsewhere(&self) -> Result<()> {
        let passes = self.hub.passes();
        let people: BTreeSet<UserId> = passes.iter().map(|pass| pass.actor.user).collect();
        let tokens: BTreeSet<&TokenId> = passes.iter().map(|pass| &pass.actor.token).collect();
        let (standings, ended) = tokio::try_join!(
            self.store.standings(people),
            self.store.tokens_ended_among(tokens.into_iter())
        )?;
        for pass in &passes {
            let holds = standings.get(&pass.actor.user).is_some_and(|(is_active, tokens_valid_from)| {
                *is_active && pass.issued_at >= *tokens_valid_from
            });
            if !holds || ended.contains(&pass.actor.token) {
                self.tokens.end_here(pass.actor.token.clone(), pass.expires_at, self.clock.now());
                self.hub.close(&Closing::Token(pass.actor.token.clone()), CloseReason::TokenEnded);
            }
        }
        Ok(())
    }

    /// An account's standing, and its profile if the database was asked for it.
    async fn standing(&self, user: UserId) -> Result<(Option<Standing>, Option<Profile>)> {
        if let Some((known, asked)) = self.tokens.remembered(user)
            && self.tokens.is_believed(asked)
        {
            return Ok((known, None));
        }
        let asked = Instant::now();
        let account = self.store.user(user).await?;
        let standing = account.as_ref().map(|account| Standing {
            role: account.user.role,
            is_active: account.user.is_active,
            tokens_valid_from: account.tokens_valid_from,
        });
        self.tokens.remember(user, (standing, asked));
        Ok((standing, account.map(|account| Profile { user: account.user, asked })))
    }

    async fn is_ended(&self, token: &TokenId) -> Result<bool> {
        if self.tokens.has_news() {
            let ended = self.tokens.ended.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(ended) = &*ended {
                return Ok(ended.contains(token));
            }
        }
        self.store.is_token_ended(token).await
    }

    /// Hears what other nodes and the operator revoke, twice within the time of belief and more.
    pub(super) async fn hear_revocations(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut looks = tokio::time::interval(self.tokens.belief * 2 / 5);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut newest, mut loaded): (Timestamp, Option<Instant>) = (Timestamp(0), None);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = looks.tick() => {}
            }
            let began = Instant::now();
            if loaded.is_none_or(|loaded| loaded.elapsed() > RELOADED) {
                let Ok(all) = self.store.ended_tokens().await else { continue };
                *self.tokens.ended.write().unwrap_or_else(PoisonError::into_inner) = Some(all);
                loaded = Some(began);
            }
            // While it fails nothing is believed for long, and the next look goes back as far.
            let Ok((revoked, latest)) = self.store.revocations_since(newest.minus(OVERLAP)).await else {
                continue;
            };
            newest = latest.map_or(newest, |latest| latest.max(newest));
            let mut tokens = Vec::new();
            for revoked in revoked {
                match revoked {
                    Revoked::User(user) => self.tokens.forget(user),
                    Revoked::Token(token) => tokens.push(token),
                }
            }
            // Announced is not yet ended: the rows say which are.
            let Ok(ended) = self.store.tokens_ended_among(tokens.iter()).await else { continue };
            if let Some(known) = &mut *self.tokens.ended.write().unwrap_or_else(PoisonError::into_inner) {
                known.extend(ended);
            }
            *self.tokens.heard.write().unwrap_or_else(PoisonError::into_inner) = Some(began);
        }
    }
}
