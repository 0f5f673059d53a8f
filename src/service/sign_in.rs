//! Signing in and out, for every gateway, and changes of a user's own credentials.
//!
//! Every attempt to prove a password passes the throttle before the hash is computed. A token is
//! issued only for the version of the credentials that was proved.

use super::{
    Issued, NewAccount, Services, SignedIn, UserChange, audit::AuditedAction, operator_grant,
    passwords::HashPriority,
};
use crate::{
    domain::{
        Error, Field, Network, Result, Timestamp, UserId,
        access::{
            Actor, AuthenticatedToken, ChangeCredentials, ChangesAccount, EndSessions, Facts, Grant,
        },
        error::FieldErrors,
        event::Closing,
        password,
        user::{AccountKind, Role, is_reserved_username, trim_username},
    },
    hub::CloseReason,
    store::users::UserAccount,
};

impl Services {
    /// Registers a user with the role `User`, and signs the user in.
    ///
    /// # Errors
    /// `Forbidden` when registration is closed, `Validation`, `Conflict` for a taken name,
    /// `RateLimited`.
    #[tracing::instrument(name = "auth.register", level = "debug", skip_all)]
    pub async fn register(&self, from: Network, new: NewAccount) -> Result<SignedIn> {
        if !self.settings.auth.registration_open {
            return Err(Error::Forbidden("registration is closed"));
        }
        let username = trim_username(&new.username).to_owned();
        let new = NewAccount {
            role: Role::User,
            username,
            ..new
        };
        new.problems().into_result(Error::Validation)?;
        let admin = self
            .settings
            .auth
            .first_admin
            .as_ref()
            .map(|(name, _)| name.as_str());
        if is_reserved_username(&new.username, admin) {
            let problem = ("RESERVED", "is reserved; choose another");
            return Err(Error::Validation(FieldErrors::one(
                Field::Username,
                problem,
            )));
        }
        self.throttle.register(from, self.clock.now())?;
        self.hold_avatar(None, &new.avatar).await?;
        let place = HashPriority {
            network: from,
            is_known: false,
        };
        let signed_in = self.signed_in(
            self.create_account(&operator_grant()?, place, new, true)
                .await?,
        )?;
        let user = signed_in.user.id;
        self.enqueue_action(
            AuditedAction::named("auth.register")
                .of(user, Some(&signed_in.issued.id.0))
                .on(user),
        )?;
        Ok(signed_in)
    }

    /// Signs a user in. A wrong name and a wrong password give the same answer in about the same
    /// time.
    ///
    /// # Errors
    /// `AuthFailed`; `Forbidden` for a customer; `RateLimited` after too many failures, or when too many sign in at once.
    #[tracing::instrument(name = "auth.sign_in", level = "debug", skip_all)]
    pub async fn login(&self, from: Network, username: &str, password: String) -> Result<SignedIn> {
        let attempt = self
            .throttle
            .begin(from, username, || self.clock.now())
            .await?;
        let account = self.store.user_by_username(username).await?;
        let known = account.as_ref().map(|account| account.user.id);
        // A guest has no password.
        let account = account
            .filter(|account| account.user.is_active && account.user.account != AccountKind::Guest);
        let hash = account
            .as_ref()
            .map(|account| account.password_hash.clone());
        let place = HashPriority {
            network: from,
            is_known: attempt.is_known,
        };
        let right = self.passwords.verify(place, password, hash).await?;
        let Some(account) = account.filter(|_| right) else {
            attempt.failed();
            self.fail_sign_in(username, known).await?;
            return Err(Error::AuthFailed);
        };
        // Computing the hash took a while: the account may have been changed meanwhile.
        let account = self
            .store
            .sign_in(&account)
            .await?
            .ok_or(Error::AuthFailed)?;
        attempt.record_success();
        if account.user.account == AccountKind::Customer {
            return Err(Error::Forbidden("customers sign in at the service desk"));
        }
        let signed_in = self.signed_in(account)?;
        let user = signed_in.user.id;
        self.enqueue_action(
            AuditedAction::named("auth.login")
                .of(user, Some(&signed_in.issued.id.0))
                .on(user),
        )?;
        Ok(signed_in)
    }

    /// Records a failed sign-in under this name.
    async fn fail_sign_in(&self, username: &str, known: Option<UserId>) -> Result<()> {
        self.record_failed_sign_in(username, known)?;
        self.store
            .record_sign_in_failure(username, self.clock.now())
            .await
    }

    /// Ends the caller's token and closes its sockets.
    ///
    /// # Errors
    /// When the end cannot be stored; then the token is still valid.
    #[tracing::instrument(name = "auth.sign_out", level = "debug", skip_all)]
    pub async fn logout(&self, actor: &Actor, expires_at: Timestamp) -> Result<()> {
        let grant = actor.authorize::<ChangeCredentials>(Facts::None)?;
        let now = self.clock.now();
        self.store
            .end_token(&grant, &actor.token, actor.user, expires_at.since(now))
            .await?;
        self.tokens
            .mark_ended_here(actor.token.clone(), expires_at, now);
        self.hub.close(
            &Closing::Token(actor.token.clone()),
            CloseReason::TokenEnded,
        );
        self.record_done(AuditedAction::by(actor, "auth.logout").on(actor.user));
        Ok(())
    }

    /// Changes the caller's own password. All tokens of the user end; the answer holds a new one.
    ///
    /// # Errors
    /// `Validation` for a bad new password and for a wrong current one; the latter counts as a
    /// failed sign-in. `RateLimited`.
    #[tracing::instrument(name = "auth.change_password", level = "debug", skip_all)]
    pub async fn change_own_password(
        &self,
        from: Network,
        actor: &Actor,
        current: String,
        next: String,
    ) -> Result<Issued> {
        let now = self.clock.now();
        let account = self
            .store
            .user(actor.user)
            .await?
            .filter(|account| account.user.is_active);
        let account = account.ok_or(Error::AuthFailed)?;
        if account.user.account == AccountKind::Guest {
            return Err(Error::Forbidden("guests have no password"));
        }
        let bad = |field, problem| Error::Validation(FieldErrors::one(field, problem));
        if let Some(problem) =
            password::find_problem(&next, &account.user.username, &account.user.real_name)
        {
            return Err(bad(Field::NewPassword, problem));
        }
        if current == next {
            return Err(bad(
                Field::NewPassword,
                ("PASSWORD_SAME", "must not be the current password").into(),
            ));
        }
        self.throttle.count_own_password_change(actor.user, now)?;
        let username = &account.user.username;
        let attempt = self
            .throttle
            .begin(from, username, || self.clock.now())
            .await?;
        let place = HashPriority {
            network: from,
            is_known: true,
        };
        if !self
            .passwords
            .verify(place, current, Some(account.password_hash.clone()))
            .await?
        {
            attempt.failed();
            self.fail_sign_in(username, Some(actor.user)).await?;
            return Err(bad(
                Field::CurrentPassword,
                ("WRONG", "is not the current password").into(),
            ));
        }
        let change = UserChange {
            password_hash: Some(self.passwords.hash(place, &next).await?),
            must_change_password: Some(false),
            // A password set by another request meanwhile has ended the caller's token.
            expected_version: Some(account.credential_version),
            ..UserChange::default()
        };
        self.record(AuditedAction::by(actor, "auth.password").on(actor.user))
            .await?;
        let account = self
            .end_tokens(
                &actor.authorize::<ChangeCredentials>(Facts::None)?,
                actor.user,
                &change,
            )
            .await?
            .ok_or(Error::AuthFailed)?;
        attempt.record_success();
        self.tokens.issue(&account, self.clock.now())
    }

    /// Ends every token of the caller. With `keep` the caller gets a new one.
    ///
    /// # Errors
    /// `AuthFailed` when the caller's own token has ended meanwhile.
    #[tracing::instrument(name = "auth.end_own_sessions", level = "debug", skip_all)]
    pub async fn end_own_sessions(
        &self,
        auth: &AuthenticatedToken,
        keep: bool,
    ) -> Result<Option<Issued>> {
        let user = auth.actor.user;
        let account = self
            .store
            .user(user)
            .await?
            .filter(|account| account.credentials().is_token_valid(auth.issued));
        let version = account.ok_or(Error::AuthFailed)?.credential_version;
        self.record(AuditedAction::by(&auth.actor, "auth.sessions").on(user))
            .await?;
        let change = UserChange {
            end_tokens: true,
            expected_version: Some(version),
            ..UserChange::default()
        };
        let account = self
            .end_tokens(
                &auth.actor.authorize::<ChangeCredentials>(Facts::None)?,
                user,
                &change,
            )
            .await?
            .ok_or(Error::AuthFailed)?;
        keep.then(|| self.tokens.issue(&account, self.clock.now()))
            .transpose()
    }

    /// Ends every token of a user; for admins.
    ///
    /// # Errors
    /// `Forbidden` for others, `NotFound`.
    #[tracing::instrument(name = "auth.end_sessions", level = "debug", skip_all, fields(account.id = %id))]
    pub async fn end_sessions_of(&self, actor: &Actor, id: UserId) -> Result<()> {
        let grant = actor.authorize::<EndSessions>(Facts::Subject(id))?;
        self.store.user(id).await?.ok_or(Error::NotFound("user"))?;
        self.record(AuditedAction::by(actor, "user.sessions").on(id))
            .await?;
        let change = UserChange {
            end_tokens: true,
            ..UserChange::default()
        };
        self.end_tokens(&grant, id, &change)
            .await?
            .map(drop)
            .ok_or(Error::NotFound("user"))
    }

    /// Makes a change that ends all tokens of an account, and closes their connections.
    async fn end_tokens<P: ChangesAccount>(
        &self,
        grant: &Grant<P>,
        id: UserId,
        change: &UserChange,
    ) -> Result<Option<UserAccount>> {
        let now = self.clock.now();
        let account = self.store.update_user(grant, id, change, now).await?;
        if let Some(account) = &account {
            self.tokens.record_account_change(account);
            self.hub.close(&Closing::User(id), CloseReason::TokenEnded);
        }
        Ok(account)
    }
}
