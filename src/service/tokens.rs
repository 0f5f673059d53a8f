//! Tokens: JWT, HS256, valid on any node that knows the secret, until they expire or are ended.
//!
//! A token is bound to its account's credential version, a counter that is raised in the same write as the
//! password or the standing: no clock decides whether it was issued before a change. An end on this node
//! counts at once, from memory. What the database says of an account or a token is remembered, and believed
//! as long as this node has heard within `belief` what was revoked elsewhere (`store/revocations.rs`);
//! otherwise the database is asked each time the memory is older than that.

mod claims;
mod known;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::MissedTickBehavior;

pub(super) use claims::Trust;

use super::{Services, SignedIn};
use crate::{
    domain::{
        Error, Result, Timestamp, TokenId, UserId,
        access::{Actor, Credentials, Issue, Pass},
        event::Closing,
        user::User,
    },
    hub::CloseReason,
    store::{revocations::Revoked, users::Account},
};
use claims::Signer;
use known::Memory;

/// A new token.
#[derive(Debug, Clone)]
pub struct Issued {
    pub id: TokenId,
    pub token: String,
    pub expires_at: Timestamp,
    /// What the person's storage on a device is encrypted with: always the same for one person, known to
    /// nobody without their sign-in, and nothing that opens anything here.
    pub storage_key: String,
}

/// How far each look at the revocations goes back behind the newest known: what was written before may
/// become visible after, and what was read before a change may be remembered after it.
const OVERLAP: Duration = Duration::from_secs(15);

/// How often the ended tokens are loaded anew, so that expired ones are forgotten.
const RELOADED: Duration = Duration::from_hours(1);

/// Signs, checks and ends tokens.
pub(super) struct Tokens {
    signer: Signer,
    known: Memory,
    belief: Duration,
}

impl Tokens {
    pub fn new(secret: &[u8], trust: Trust, belief: Duration) -> Self {
        Self { signer: Signer::new(secret, trust), known: Memory::new(belief), belief }
    }

    /// Returns a new token for the version of the credentials that its holder proved to know.
    pub fn issue(&self, account: &Account, now: Timestamp) -> Result<Issued> {
        self.signer.issue(&account.user, account.credential_version, now)
    }

    /// Returns what a person's storage on a device is encrypted with.
    pub fn storage_key(&self, user: UserId) -> Result<String> {
        self.signer.storage_key(user)
    }

    pub fn sign(&self, words: &str) -> Result<String> {
        self.signer.sign(words)
    }

    pub fn is_signed(&self, words: &str, signature: &str) -> bool {
        self.signer.is_signed(words, signature)
    }

    pub fn end_here(&self, token: TokenId, expires_at: Timestamp, now: Timestamp) {
        self.known.end_here(token, expires_at, now);
    }

    /// Returns the user of a profile, unless it may be old.
    pub fn fresh(&self, profile: Profile) -> Option<User> {
        self.known.fresh(profile)
    }

    /// An account changed on this node.
    pub fn account_changed(&self, account: &Account) {
        self.known.changed(account.user.id, account.credentials());
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
        let pass = self.tokens.signer.read(token, self.clock.now())?;
        self.still_holds(pass).await
    }

    /// Sees to it that a token which was read holds still, and fills in its holder's role.
    ///
    /// # Errors
    /// `AuthFailed` when it was ended, or its user is gone.
    pub(super) async fn still_holds(&self, mut pass: Pass) -> Result<Entry> {
        if self.tokens.known.is_ended_here(&pass) {
            return Err(Error::AuthFailed);
        }
        let token = &pass.actor.token;
        let ((mut credentials, mut profile), ended) =
            tokio::try_join!(self.credentials(pass.actor.user), self.is_ended(token))?;
        // A token of a version that this node has not heard of was issued after what it remembers.
        let is_newer =
            |known: &Credentials| matches!(pass.issued, Issue::Version(version) if version > known.version);
        if profile.is_none() && credentials.as_ref().is_none_or(is_newer) {
            self.tokens.known.forget(pass.actor.user);
            (credentials, profile) = self.credentials(pass.actor.user).await?;
        }
        let issued = self.tokens.known.dated(&pass, credentials.as_ref(), self.clock.now());
        match credentials.filter(|credentials| credentials.admit(issued)) {
            Some(credentials) if !ended => {
                (pass.issued, pass.actor.role) = (issued, credentials.role);
                Ok(Entry { pass, profile })
            }
            _ => Err(Error::AuthFailed),
        }
    }

    /// Whether a token was ended on this node, asked without the database: for a connection that was
    /// being made while its token ended.
    pub fn is_ended_here(&self, pass: &Pass) -> bool {
        self.tokens.known.is_ended_here(pass)
    }

    /// Somebody with a fresh token. Whoever calls this has just read the account together with what proves
    /// who asks.
    pub(super) fn signed_in(&self, account: Account) -> Result<SignedIn> {
        let issued = self.tokens.issue(&account, self.clock.now())?;
        Ok(SignedIn { user: account.user, issued, failed: account.failed_sign_ins })
    }

    /// Closes the connections of people and tokens whose rights have changed: on another node, by the
    /// operator, or in the database itself.
    pub(super) async fn close_ended_elsewhere(&self) -> Result<()> {
        self.recheck(self.hub.passes()).await
    }

    /// Closes what of these connections does not hold any more.
    async fn recheck(&self, passes: Vec<Pass>) -> Result<()> {
        let people: BTreeSet<UserId> = passes.iter().map(|pass| pass.actor.user).collect();
        let tokens: BTreeSet<&TokenId> = passes.iter().map(|pass| &pass.actor.token).collect();
        let (credentials, ended) = tokio::try_join!(
            self.store.credentials(people),
            self.store.tokens_ended_among(tokens.into_iter())
        )?;
        for pass in &passes {
            let token = &pass.actor.token;
            let theirs = credentials.get(&pass.actor.user).filter(|theirs| theirs.admit(pass.issued));
            match theirs {
                Some(theirs) if !ended.contains(token) => {
                    if theirs.role != pass.actor.role {
                        self.tokens.known.forget(pass.actor.user);
                        self.hub.close(&Closing::Token(token.clone()), CloseReason::RightsChanged);
                    }
                }
                _ => {
                    self.tokens.known.forget(pass.actor.user);
                    self.tokens.end_here(token.clone(), pass.expires_at, self.clock.now());
                    self.hub.close(&Closing::Token(token.clone()), CloseReason::TokenEnded);
                }
            }
        }
        Ok(())
    }

    /// What decides which of an account's tokens hold, and its profile if the database was asked for it.
    async fn credentials(&self, user: UserId) -> Result<(Option<Credentials>, Option<Profile>)> {
        if let Some(known) = self.tokens.known.credentials(user) {
            return Ok((known, None));
        }
        let asked = Instant::now();
        let account = self.store.user(user).await?;
        let credentials = account.as_ref().map(Account::credentials);
        self.tokens.known.remember(user, (credentials, asked));
        Ok((credentials, account.map(|account| Profile { user: account.user, asked })))
    }

    async fn is_ended(&self, token: &TokenId) -> Result<bool> {
        match self.tokens.known.is_ended(token) {
            Some(ended) => Ok(ended),
            None => self.store.is_token_ended(token).await,
        }
    }

    /// Hears what other nodes and the operator revoke, twice within the time of belief and more, and closes
    /// the connections that it concerns.
    pub(super) async fn hear_revocations(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let known = &self.tokens.known;
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
                known.load_ended(all);
                loaded = Some(began);
            }
            // While it fails nothing is believed for long, and the next look goes back as far.
            let Ok((revoked, latest)) = self.store.revocations_since(newest.minus(OVERLAP)).await else {
                continue;
            };
            newest = latest.map_or(newest, |latest| latest.max(newest));
            let (mut tokens, mut people) = (BTreeSet::new(), BTreeSet::new());
            for revoked in revoked {
                match revoked {
                    Revoked::User(user) => {
                        known.forget(user);
                        people.insert(user);
                    }
                    Revoked::Token(token) => {
                        tokens.insert(token);
                    }
                }
            }
            // Announced is not yet ended: the rows say which are.
            let Ok(ended) = self.store.tokens_ended_among(tokens.iter()).await else { continue };
            known.add_ended(ended);
            known.heard(began);
            let mut concerned = self.hub.passes();
            concerned.retain(|Pass { actor: Actor { user, token, .. }, .. }| {
                people.contains(user) || tokens.contains(token)
            });
            if let Err(error) = self.recheck(concerned).await {
                tracing::warn!(%error, "changed rights could not be looked up");
            }
        }
    }
}
