//! Accounts: registration, sign-in and sign-out, and what admins do with them.

use super::{Issued, Services, UserChange};
use crate::{
    domain::{
        Error, Result, Timestamp, UserId,
        access::Actor,
        error::FieldErrors,
        event::Closing,
        presence::Status,
        user::{Role, User, is_valid_password, is_valid_username},
    },
    hub::CloseReason,
    store::users::Account,
};

/// What a new account is made of. The role is the caller's business: registration gives `User`.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub username: String,
    pub password: String,
    pub real_name: String,
    pub role: Role,
    pub email: String,
    pub phone: String,
    pub avatar: String,
    pub department: String,
    pub title: String,
}

/// Somebody with a fresh token.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    pub issued: Issued,
}

impl NewAccount {
    /// Every bad field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if !is_valid_username(&self.username) {
            errors.add("username", "must have 3 to 32 letters, digits, '.', '_' or '-'");
        }
        if !is_valid_password(&self.password, &self.username) {
            errors.add("password", "must have 8 to 128 characters and not be the username");
        }
        if self.real_name.trim().is_empty() {
            errors.add("realName", "must not be empty");
        }
        check_profile(
            &mut errors,
            [
                ("realName", Some(&self.real_name)),
                ("email", Some(&self.email)),
                ("phone", Some(&self.phone)),
                ("avatar", Some(&self.avatar)),
                ("department", Some(&self.department)),
                ("title", Some(&self.title)),
            ],
        );
        errors
    }

    pub(super) fn into_account(self, password_hash: String, now: Timestamp) -> Account {
        Account {
            user: User {
                id: UserId::generate(),
                username: self.username,
                real_name: self.real_name.trim().to_owned(),
                email: self.email,
                phone: self.phone,
                avatar: self.avatar,
                role: self.role,
                department: self.department,
                title: self.title,
                status: Status::Offline,
                last_seen: None,
                is_active: true,
                created_at: now,
                updated_at: now,
            },
            password_hash,
            tokens_valid_from: Timestamp(0),
        }
    }
}

/// Checks the texts of a profile: their length, and that an address looks like one.
fn check_profile<const N: usize>(errors: &mut FieldErrors, fields: [(&str, Option<&String>); N]) {
    use validator::ValidateEmail;
    for (field, value) in fields {
        let Some(value) = value else { continue };
        let longest = match field {
            "email" => 254,
            "phone" => 32,
            "avatar" => 512,
            _ => 64,
        };
        if value.chars().count() > longest || value.chars().any(char::is_control) {
            errors.add(field, format!("must have at most {longest} characters"));
        }
        match field {
            "email" if !value.is_empty() && !value.validate_email() => {
                errors.add(field, "must be an e-mail address");
            }
            // An avatar is shown as an image: never a script.
            "avatar" if !(value.is_empty() || value.starts_with('/') || value.starts_with("https://")) => {
                errors.add(field, "must be a path or an https address");
            }
            _ => {}
        }
    }
}

impl Services {
    /// Registers somebody, with the role `User`, and signs them in.
    ///
    /// # Errors
    /// `Forbidden` when registration is closed, `Validation`, `Conflict` for a taken name.
    pub async fn register(&self, new: NewAccount) -> Result<SignedIn> {
        if !self.settings.registration_open {
            return Err(Error::Forbidden("registration is closed"));
        }
        let user = self.make_account(NewAccount { role: Role::User, ..new }).await?;
        let issued = self.tokens.issue(&user, self.clock.now())?;
        Ok(SignedIn { user, issued })
    }

    /// Signs somebody in. A wrong name and a wrong password answer alike, in alike time.
    ///
    /// # Errors
    /// `AuthFailed`.
    pub async fn login(&self, username: &str, password: String) -> Result<SignedIn> {
        let account = self.store.user_named(username).await?;
        let account = account.filter(|account| account.user.is_active);
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let right = self.passwords.verify(password, hash).await?;
        match account {
            Some(account) if right => {
                let issued = self.tokens.issue(&account.user, self.clock.now())?;
                Ok(SignedIn { user: account.user, issued })
            }
            _ => Err(Error::AuthFailed),
        }
    }

    /// Ends the caller's token and closes its sockets.
    ///
    /// # Errors
    /// When the end cannot be stored; then the token still holds.
    pub async fn logout(&self, actor: &Actor, expires_at: Timestamp) -> Result<()> {
        self.store.end_token(&actor.token, actor.user, expires_at).await?;
        self.tokens.end_here(actor.token.clone(), expires_at, self.clock.now());
        self.hub.close(&Closing::Token(actor.token.clone()), CloseReason::TokenEnded);
        Ok(())
    }

    /// The caller.
    ///
    /// # Errors
    /// `AuthFailed` when the account is gone.
    pub async fn me(&self, actor: &Actor) -> Result<User> {
        let account = self.store.user(actor.user).await?.ok_or(Error::AuthFailed)?;
        let mut users = [account.user];
        self.overlay_presence(&mut users);
        let [user] = users;
        Ok(user)
    }

    /// An admin makes an account, with any role.
    ///
    /// # Errors
    /// `Forbidden` for others; as [`Services::register`].
    pub async fn create_user(&self, actor: &Actor, new: NewAccount) -> Result<User> {
        actor.must_be_admin()?;
        let user = self.make_account(new).await?;
        self.store.record(actor.user, "user.create", user.id, self.clock.now()).await?;
        Ok(user)
    }

    /// An admin changes an account. Deactivating ends its tokens and closes its sockets; so does a new
    /// password.
    ///
    /// # Errors
    /// `Forbidden` for others, `NotFound`, `Validation`; `Conflict` for an admin who would lock
    /// themselves out.
    pub async fn change_user(
        &self,
        actor: &Actor,
        id: UserId,
        mut change: UserChange,
        password: Option<String>,
    ) -> Result<User> {
        actor.must_be_admin()?;
        let mut errors = FieldErrors::default();
        check_profile(
            &mut errors,
            [
                ("realName", change.real_name.as_ref()),
                ("email", change.email.as_ref()),
                ("phone", change.phone.as_ref()),
                ("avatar", change.avatar.as_ref()),
                ("department", change.department.as_ref()),
                ("title", change.title.as_ref()),
            ],
        );
        if change.real_name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            errors.add("realName", "must not be empty");
        }
        let current = self.store.user(id).await?.ok_or(Error::NotFound("user"))?;
        if let Some(password) = &password
            && !is_valid_password(password, &current.user.username)
        {
            errors.add("password", "must have 8 to 128 characters and not be the username");
        }
        errors.into_result(Error::Validation)?;
        let locks_out =
            change.is_active == Some(false) || change.role.is_some_and(|role| role != Role::Admin);
        if id == actor.user && locks_out {
            return Err(Error::Conflict("an admin cannot lock themselves out"));
        }
        let now = self.clock.now();
        if let Some(password) = password {
            change.password_hash = Some(self.passwords.hash(password).await?);
        }
        let ends_tokens = change.is_active == Some(false) || change.password_hash.is_some();
        if ends_tokens {
            change.end_tokens_before = Some(now);
        }
        self.store.record(actor.user, "user.change", id, now).await?;
        if change.password_hash.is_some() {
            self.store.record(actor.user, "user.password", id, now).await?;
        }
        let account = self.store.update_user(id, &change, now).await?.ok_or(Error::NotFound("user"))?;
        self.tokens.account_changed(id, account.user.is_active);
        if ends_tokens {
            self.hub.close(&Closing::User(id), CloseReason::TokenEnded);
        } else if account.user.role != current.user.role {
            self.hub.close(&Closing::User(id), CloseReason::RightsChanged);
        }
        Ok(account.user)
    }

    async fn make_account(&self, new: NewAccount) -> Result<User> {
        new.problems().into_result(Error::Validation)?;
        let hash = self.passwords.hash(new.password.clone()).await?;
        let account = new.into_account(hash, self.clock.now());
        self.store.insert_user(&account).await?;
        Ok(account.user)
    }

    /// Makes the first admin when there is none (settings `ADMIN_USERNAME`, `ADMIN_PASSWORD`).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn ensure_first_admin(&self) -> Result<()> {
        let Some((username, password)) = self.settings.first_admin.clone() else {
            return Ok(());
        };
        if self.store.has_admin().await? {
            return Ok(());
        }
        let made = self.add_account(username.clone(), password, Role::Admin).await;
        match made {
            Ok(_) => tracing::info!(username, "made the first admin"),
            // Another node was quicker.
            Err(Error::Conflict(_)) if self.store.has_admin().await? => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The operator makes an account (command line).
    ///
    /// # Errors
    /// As [`Services::register`].
    pub async fn add_account(&self, username: String, password: String, role: Role) -> Result<User> {
        let real_name = username.clone();
        let blank = String::new;
        let new = NewAccount {
            username,
            password,
            real_name,
            role,
            email: blank(),
            phone: blank(),
            avatar: blank(),
            department: blank(),
            title: blank(),
        };
        self.make_account(new).await
    }

    /// The operator sets a password or a role (command line). A new password ends all tokens.
    ///
    /// # Errors
    /// `NotFound`, `Validation`.
    pub async fn set_account(
        &self,
        username: &str,
        password: Option<String>,
        role: Option<Role>,
    ) -> Result<User> {
        let account = self.store.user_named(username).await?.ok_or(Error::NotFound("user"))?;
        let mut change = UserChange { role, ..UserChange::default() };
        if let Some(password) = password {
            if !is_valid_password(&password, username) {
                let problem = "must have 8 to 128 characters and not be the username";
                return Err(Error::Validation(FieldErrors::one("password", problem)));
            }
            change.password_hash = Some(self.passwords.hash(password).await?);
            change.end_tokens_before = Some(self.clock.now());
        }
        let changed = self.store.update_user(account.user.id, &change, self.clock.now()).await?;
        changed.map(|account| account.user).ok_or(Error::NotFound("user"))
    }

    /// A token for an existing account, without its password (command line, tests, load tools).
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn token_for(&self, username: &str) -> Result<SignedIn> {
        let account = self.store.user_named(username).await?.ok_or(Error::NotFound("user"))?;
        let issued = self.tokens.issue(&account.user, self.clock.now())?;
        Ok(SignedIn { user: account.user, issued })
    }
}
