//! Tokens: JWT, HS256. A token is valid on any node that knows the secret, until it expires or is
//! ended.
//!
//! A token is bound to its account's credential version. This counter is raised in the same write
//! as the password or the account status. So no clock decides whether a token was issued before a
//! change.
//!
//! A token that this node ended is refused at once, from memory. What the database answered about
//! an account or a token is cached. The cache counts while the revocations of other nodes were
//! polled within the cache lifetime (`store/revocations.rs`). Otherwise an entry that is older than
//! this lifetime is read from the database again.

mod cache;
mod claims;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) use claims::TrustedIssuers;

use super::{Services, SignedIn};
use crate::{
    domain::{
        Error, Result, Timestamp, TokenId, UserId,
        access::{Actor, AuthenticatedToken, CredentialVersion, Credentials},
        event::Closing,
        time::Ticks,
        user::{AccountKind, User},
    },
    hub::CloseReason,
    store::{revocations::Revoked, users::UserAccount},
};
use cache::TokenCache;
use claims::Signer;

/// A new token.
#[derive(Debug, Clone)]
pub struct Issued {
    pub id: TokenId,
    pub token: String,
    pub expires_at: Timestamp,
    /// The key that encrypts the user's storage on a device. It is always the same for one user.
    /// Nobody learns it without the user's sign-in, and it grants no access to this service.
    pub storage_key: String,
}

/// How far each poll of the revocations overlaps the newest known one. An earlier write may become
/// visible later, and an old read may be cached after a change.
const REVOCATION_OVERLAP: Duration = Duration::from_secs(15);

/// The interval at which the ended tokens are loaded again, so that expired ones are evicted.
const ENDED_TOKENS_RELOAD_INTERVAL: Duration = Duration::from_hours(1);

/// Signs, checks and ends tokens.
pub(super) struct Tokens {
    signer: Signer,
    known: TokenCache,
    cache_ttl: Duration,
}

impl Tokens {
    pub fn new(secret: &[u8], trust: TrustedIssuers, cache_ttl: Duration) -> Self {
        Self {
            signer: Signer::new(secret, trust),
            known: TokenCache::new(cache_ttl),
            cache_ttl,
        }
    }

    /// Returns a new token for the version of the credentials that its holder proved to know.
    pub fn issue(&self, account: &UserAccount, now: Timestamp) -> Result<Issued> {
        self.signer
            .issue(&account.user, account.credential_version, now)
    }

    /// Returns the key that encrypts a user's storage on a device.
    pub fn storage_key(&self, user: UserId) -> Result<String> {
        self.signer.storage_key(user)
    }

    pub fn sign(&self, text: &str) -> Result<String> {
        self.signer.sign(text)
    }

    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        self.signer.is_signed(text, signature)
    }

    pub fn mark_ended_here(&self, token: TokenId, expires_at: Timestamp, now: Timestamp) {
        self.known.mark_ended_here(token, expires_at, now);
    }

    /// Returns the user of a profile, unless the profile may be outdated.
    pub fn fresh(&self, profile: CachedProfile) -> Option<User> {
        self.known.fresh(profile)
    }

    /// Records that an account changed on this node.
    pub fn record_account_change(&self, account: &UserAccount) {
        self.known
            .record_change(account.user.id, account.credentials());
    }
}

/// The result of an authentication.
pub struct Authentication {
    pub auth: AuthenticatedToken,
    /// The user's profile, if the account was read from the database. A `user:join` that follows at
    /// once then needs no second read.
    pub profile: Option<CachedProfile>,
}

/// A profile as it was read a moment ago.
#[derive(Debug, Clone)]
pub struct CachedProfile {
    user: User,
    asked: Instant,
}

impl Services {
    /// Checks a token.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` for every other fault: the token is bad or ended, or its user
    /// is gone.
    pub async fn check_token(&self, token: &str) -> Result<AuthenticatedToken> {
        self.authenticate(token).await.map(|entry| entry.auth)
    }

    /// Checks the token of a connection that is being opened.
    ///
    /// # Errors
    /// As [`Services::check_token`].
    #[tracing::instrument(name = "auth.authenticate", level = "debug", skip_all)]
    pub async fn authenticate(&self, token: &str) -> Result<Authentication> {
        let auth = self.tokens.signer.decode_token(token, self.clock.now())?;
        self.is_still_valid(auth).await
    }

    /// Checks that a decoded token is still valid, and fills in its user's role.
    ///
    /// # Errors
    /// `AuthFailed` when the token was ended or its user is gone.
    pub(super) async fn is_still_valid(
        &self,
        mut auth: AuthenticatedToken,
    ) -> Result<Authentication> {
        if self.tokens.known.is_ended_here(&auth) {
            return Err(Error::AuthFailed);
        }
        let token = &auth.actor.token;
        let ((mut credentials, mut profile), ended) =
            tokio::try_join!(self.credentials(auth.actor.user), self.is_ended(token))?;
        // A token with a version unknown to this node was issued after the cached state.
        let is_newer = |known: &Credentials| matches!(auth.issued, CredentialVersion::Version(version) if version > known.version);
        if profile.is_none() && credentials.as_ref().is_none_or(is_newer) {
            self.tokens.known.evict_account(auth.actor.user);
            (credentials, profile) = self.credentials(auth.actor.user).await?;
        }
        let issued =
            self.tokens
                .known
                .trusted_issue_time(&auth, credentials.as_ref(), self.clock.now());
        // A customer gets in at the service desk, by a session of its own. A token that says it is a
        // guest's may have lived longer than others.
        let says_guest = auth.actor.account == AccountKind::Guest;
        let credentials = credentials.filter(|known| match known.account {
            AccountKind::Guest => true,
            AccountKind::Staff { .. } => !says_guest,
            AccountKind::Customer => false,
        });
        match credentials.filter(|credentials| credentials.is_token_valid(issued)) {
            Some(credentials) if !ended => {
                auth.issued = issued;
                (auth.actor.role, auth.actor.account) = (credentials.role, credentials.account);
                Ok(Authentication { auth, profile })
            }
            _ => Err(Error::AuthFailed),
        }
    }

    /// Returns whether a token was ended on this node, without asking the database. This covers a
    /// connection that was being opened while its token ended.
    pub fn is_ended_here(&self, auth: &AuthenticatedToken) -> bool {
        self.tokens.known.is_ended_here(auth)
    }

    /// Returns the user with a new token. The caller must just have read the account together with
    /// the proof of the user's identity.
    pub(super) fn signed_in(&self, account: UserAccount) -> Result<SignedIn> {
        let issued = self.tokens.issue(&account, self.clock.now())?;
        Ok(SignedIn {
            user: account.user,
            issued,
            failed: account.failed_sign_ins,
        })
    }

    /// Closes the connections of users and tokens whose rights have changed: on another node, by
    /// the operator, or in the database itself.
    pub(super) async fn close_revoked_connections(&self) -> Result<()> {
        self.recheck_connections(self.hub.tokens_in_use()).await
    }

    /// Closes those of these connections whose token is no longer valid.
    async fn recheck_connections(&self, tokens_in_use: Vec<AuthenticatedToken>) -> Result<()> {
        let people: BTreeSet<UserId> = tokens_in_use.iter().map(|auth| auth.actor.user).collect();
        let tokens: BTreeSet<&TokenId> =
            tokens_in_use.iter().map(|auth| &auth.actor.token).collect();
        let (credentials, ended) = tokio::try_join!(
            self.store.credentials(people),
            self.store.tokens_ended_among(tokens.into_iter())
        )?;
        for auth in &tokens_in_use {
            let token = &auth.actor.token;
            let theirs = credentials
                .get(&auth.actor.user)
                .filter(|theirs| theirs.is_token_valid(auth.issued));
            match theirs {
                Some(theirs) if !ended.contains(token) => {
                    if (theirs.role, theirs.account) != (auth.actor.role, auth.actor.account) {
                        self.tokens.known.evict_account(auth.actor.user);
                        self.hub
                            .close(&Closing::Token(token.clone()), CloseReason::RightsChanged);
                    }
                }
                _ => {
                    self.tokens.known.evict_account(auth.actor.user);
                    self.tokens
                        .mark_ended_here(token.clone(), auth.expires_at, self.clock.now());
                    self.hub
                        .close(&Closing::Token(token.clone()), CloseReason::TokenEnded);
                }
            }
        }
        Ok(())
    }

    /// Returns what decides which of an account's tokens are valid, and the profile if the database
    /// was read.
    async fn credentials(
        &self,
        user: UserId,
    ) -> Result<(Option<Credentials>, Option<CachedProfile>)> {
        if let Some(known) = self.tokens.known.credentials(user) {
            return Ok((known, None));
        }
        let asked = Instant::now();
        let account = self.store.user(user).await?;
        let credentials = account.as_ref().map(UserAccount::credentials);
        self.tokens.known.insert_account(user, (credentials, asked));
        Ok((
            credentials,
            account.map(|account| CachedProfile {
                user: account.user,
                asked,
            }),
        ))
    }

    async fn is_ended(&self, token: &TokenId) -> Result<bool> {
        match self.tokens.known.is_ended(token) {
            Some(ended) => Ok(ended),
            None => self.store.is_token_ended(token).await,
        }
    }

    /// Polls the revocations by other nodes and the operator, and closes the connections concerned.
    /// The interval is less than half the cache lifetime.
    pub(super) async fn poll_revocations(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let known = &self.tokens.known;
        let mut looks = Ticks::new(&self.clock, self.tokens.cache_ttl * 2 / 5);
        let (mut newest, mut loaded): (Timestamp, Option<Instant>) = (Timestamp(0), None);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = looks.tick() => {}
            }
            let began = Instant::now();
            if loaded.is_none_or(|loaded| loaded.elapsed() > ENDED_TOKENS_RELOAD_INTERVAL) {
                let Ok(all) = self.store.ended_tokens().await else {
                    continue;
                };
                known.set_ended_tokens(all);
                loaded = Some(began);
            }
            // While this fails, nothing stays cached for long. The next poll starts at the same
            // point.
            let Ok((revoked, latest)) = self
                .store
                .revocations_since(newest.minus(REVOCATION_OVERLAP))
                .await
            else {
                continue;
            };
            newest = latest.map_or(newest, |latest| latest.max(newest));
            let (mut tokens, mut people) = (BTreeSet::new(), BTreeSet::new());
            for revoked in revoked {
                match revoked {
                    Revoked::User(user) => {
                        known.evict_account(user);
                        people.insert(user);
                    }
                    Revoked::Token(token) => {
                        tokens.insert(token);
                    }
                }
            }
            // A published revocation is not yet an end: the rows tell which tokens are ended.
            let Ok(ended) = self.store.tokens_ended_among(tokens.iter()).await else {
                continue;
            };
            known.add_ended_tokens(ended);
            known.record_poll(began);
            let mut concerned = self.hub.tokens_in_use();
            concerned.retain(
                |AuthenticatedToken {
                     actor: Actor { user, token, .. },
                     ..
                 }| { people.contains(user) || tokens.contains(token) },
            );
            if let Err(error) = self.recheck_connections(concerned).await {
                tracing::warn!(%error, "changed rights could not be looked up");
            }
        }
    }
}
