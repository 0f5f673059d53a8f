//! Accounts: their data, and what admins and the operator do with them.

use super::{
    Issued, Services, UserChange, audit::AuditedAction, operator_grant, passwords::HashPriority,
};
use crate::{
    domain::{
        Error, Field, Result, Timestamp, UserId,
        access::{Action, Actor, ChangeAccount, ChangeProfile, CreateAccount, Facts, Grant},
        audit::FieldChange,
        avatar::{Avatar, MAX_AVATAR_CHARS},
        error::FieldErrors,
        event::Closing,
        password,
        presence::Status,
        text::{is_picture_address, is_visible, visible_text},
        user::{AccountKind, Role, User, department_of, is_valid_username, trim_username},
    },
    hub::CloseReason,
    store::users::{FailedSignIns, UserAccount},
};

/// The most characters of an e-mail address (RFC 5321).
const MAX_EMAIL_CHARS: usize = 254;
/// The most characters of a telephone number.
const MAX_PHONE_CHARS: usize = 32;
/// The most characters of any other text of a profile.
const MAX_PROFILE_TEXT_CHARS: usize = 64;

/// The data of a new account. The caller decides the role: registration gives `User`.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub username: String,
    pub password: String,
    pub real_name: String,
    pub role: Role,
    pub account: AccountKind,
    pub email: String,
    pub phone: String,
    pub avatar: Avatar,
    pub department: String,
    pub title: String,
}

/// A user with a new token.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    pub issued: Issued,
    /// Failed sign-ins under this name that the user was not yet informed of.
    pub failed: Option<FailedSignIns>,
}

impl NewAccount {
    /// Returns every invalid field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if !is_valid_username(&self.username) {
            errors.add(
                Field::Username,
                "must have 3 to 32 letters, digits, '.', '_' or '-', and one letter or digit",
            );
        }
        if let Some(problem) =
            password::find_problem(&self.password, &self.username, &self.real_name)
        {
            errors.add(Field::Password, problem);
        }
        if !is_visible(&self.real_name) {
            errors.add(
                Field::RealName,
                ("EMPTY", "must have a character that can be seen"),
            );
        }
        check_profile(
            &mut errors,
            [
                (Field::RealName, Some(&self.real_name)),
                (Field::Email, Some(&self.email)),
                (Field::Phone, Some(&self.phone)),
                (Field::Department, Some(&self.department)),
                (Field::Title, Some(&self.title)),
            ],
        );
        check_avatar(&mut errors, &self.avatar);
        errors
    }

    pub(super) fn into_account(self, password_hash: String, now: Timestamp) -> UserAccount {
        UserAccount {
            user: User {
                id: UserId::generate(),
                username: self.username,
                real_name: visible_text_of(&self.real_name),
                email: self.email,
                phone: visible_text_of(&self.phone),
                avatar: self.avatar,
                role: self.role,
                account: self.account,
                department: department_of(&self.department),
                title: visible_text_of(&self.title),
                status: Status::Offline,
                last_seen: None,
                is_active: true,
                self_registered: false,
                contacts_shared: false,
                must_change_password: false,
                created_at: now,
                updated_at: now,
            },
            password_hash,
            tokens_valid_from: Timestamp(0),
            credential_version: 0,
            failed_sign_ins: None,
        }
    }
}

/// Returns a text of a profile as it is stored.
fn visible_text_of(text: &str) -> String {
    visible_text(text).unwrap_or_default()
}

/// Checks the texts of a profile: their length, and the form of an e-mail address.
fn check_profile<const N: usize>(errors: &mut FieldErrors, fields: [(Field, Option<&String>); N]) {
    use validator::ValidateEmail;
    for (field, value) in fields {
        let Some(value) = value else { continue };
        let longest = match field {
            Field::Email => MAX_EMAIL_CHARS,
            Field::Phone => MAX_PHONE_CHARS,
            _ => MAX_PROFILE_TEXT_CHARS,
        };
        check_line(errors, field, value, longest);
        if field == Field::Email && !value.is_empty() && !value.validate_email() {
            errors.add(field, "must be an e-mail address");
        }
    }
}

/// Checks the address of an avatar that is no file of this service. It is shown as an image: never
/// a script.
fn check_avatar(errors: &mut FieldErrors, avatar: &Avatar) {
    let address = avatar.address();
    check_line(errors, Field::Avatar, address, MAX_AVATAR_CHARS);
    if !is_picture_address(address) {
        errors.add(Field::Avatar, "must be a path or an https address");
    }
}

/// Checks that a text is one line of at most `longest` characters.
fn check_line(errors: &mut FieldErrors, field: Field, text: &str, longest: usize) {
    if text.chars().any(char::is_control) {
        errors.add(
            field,
            ("INVALID", "must be one line without control characters"),
        );
    } else if text.chars().count() > longest {
        errors.add(field, format!("must have at most {longest} characters"));
    }
}

impl Services {
    /// Returns the caller's user.
    ///
    /// # Errors
    /// `AuthFailed` when the account is gone.
    #[tracing::instrument(name = "accounts.get_own", level = "debug", skip_all)]
    pub async fn me(&self, actor: &Actor) -> Result<User> {
        let account = self
            .store
            .user(actor.user)
            .await?
            .ok_or(Error::AuthFailed)?;
        let mut users = [account.user];
        self.overlay_presence(&mut users);
        let [user] = users;
        Ok(user)
    }

    /// Creates an account with any role; for admins.
    ///
    /// # Errors
    /// `Forbidden` for others; as [`Services::register`].
    #[tracing::instrument(name = "accounts.create", level = "debug", skip_all)]
    pub async fn create_user(&self, actor: &Actor, new: NewAccount) -> Result<User> {
        let grant = actor.authorize(Facts::None)?;
        self.hold_avatar(Some(actor), &new.avatar).await?;
        let user = self
            .create_account(&grant, HashPriority::internal(), new, false)
            .await?
            .user;
        let role = FieldChange {
            field: "role".to_owned(),
            from: None,
            to: Some(user.role.as_str().to_owned()),
        };
        self.record_done(
            AuditedAction::by(actor, "user.create")
                .on(user.id)
                .changes(vec![role]),
        );
        Ok(user)
    }

    /// Changes an account; for admins. Deactivation and a new password end the account's tokens and
    /// close its sockets.
    ///
    /// # Errors
    /// `Forbidden` for others, `NotFound`, `Validation`; `Conflict` for admins who would lock
    /// themselves out.
    #[tracing::instrument(name = "accounts.change", level = "debug", skip_all, fields(account.id = %id))]
    pub async fn change_user(
        &self,
        actor: &Actor,
        id: UserId,
        mut change: UserChange,
        password: Option<String>,
    ) -> Result<User> {
        let grant = authorize_change(actor, id, &change, password.is_some())?;
        let mut errors = FieldErrors::default();
        check_profile(
            &mut errors,
            [
                (Field::RealName, change.real_name.as_ref()),
                (Field::Email, change.email.as_ref()),
                (Field::Phone, change.phone.as_ref()),
                (Field::Department, change.department.as_ref()),
                (Field::Title, change.title.as_ref()),
            ],
        );
        if let Some(avatar) = &change.avatar {
            check_avatar(&mut errors, avatar);
        }
        if change
            .real_name
            .as_ref()
            .is_some_and(|name| !is_visible(name))
        {
            errors.add(
                Field::RealName,
                ("EMPTY", "must have a character that can be seen"),
            );
        }
        let current = self.store.user(id).await?.ok_or(Error::NotFound("user"))?;
        if let Some(password) = &password {
            let real_name = change.real_name.as_ref().unwrap_or(&current.user.real_name);
            if let Some(problem) =
                password::find_problem(password, &current.user.username, real_name)
            {
                errors.add(Field::Password, problem);
            }
        }
        if change.is_agent == Some(true) && !current.user.account.is_staff() {
            errors.add(Field::Agent, "must be a member of staff");
        }
        errors.into_result(Error::Validation)?;
        if let Some(avatar) = &change.avatar {
            self.hold_avatar(Some(actor), avatar).await?;
        }
        for text in [&mut change.real_name, &mut change.phone, &mut change.title]
            .into_iter()
            .flatten()
        {
            *text = visible_text_of(text);
        }
        change.department = change.department.as_deref().map(department_of);
        let locks_out =
            change.is_active == Some(false) || change.role.is_some_and(|role| role != Role::Admin);
        if id == actor.user && locks_out {
            return Err(Error::Conflict("an admin cannot lock themselves out"));
        }
        // An account that an admin has changed no longer counts as self-registered.
        if id != actor.user && current.user.self_registered {
            change.self_registered = Some(false);
        }
        let now = self.clock.now();
        if let Some(password) = password {
            change.password_hash = Some(
                self.passwords
                    .hash(HashPriority::internal(), &password)
                    .await?,
            );
            change.must_change_password = Some(id != actor.user);
        }
        let changed = describe_changes(&current.user, &change);
        // An ineffective change is not audited.
        if changed.is_empty() {
            return Ok(current.user);
        }
        self.record(
            AuditedAction::by(actor, "user.change")
                .on(id)
                .changes(changed),
        )
        .await?;
        if change.password_hash.is_some() {
            self.record(AuditedAction::by(actor, "user.password").on(id))
                .await?;
        }
        let account = self
            .store
            .update_user(&grant, id, &change, now)
            .await?
            .ok_or(Error::NotFound("user"))?;
        if account.user.avatar != current.user.avatar {
            self.release_avatar(&current.user.avatar).await?;
        }
        self.tokens.record_account_change(&account);
        if account.credential_version != current.credential_version {
            let reason = if account.user.is_active {
                CloseReason::TokenEnded
            } else {
                CloseReason::Deactivated
            };
            self.hub.close(&Closing::User(id), reason);
        } else if (account.user.role, account.user.account)
            != (current.user.role, current.user.account)
        {
            self.hub
                .close(&Closing::User(id), CloseReason::RightsChanged);
        }
        Ok(account.user)
    }

    pub(super) async fn create_account(
        &self,
        grant: &Grant<CreateAccount>,
        place: HashPriority,
        mut new: NewAccount,
        self_registered: bool,
    ) -> Result<UserAccount> {
        new.username = trim_username(&new.username).to_owned();
        new.problems().into_result(Error::Validation)?;
        let hash = self.passwords.hash(place, &new.password).await?;
        let mut account = new.into_account(hash, self.clock.now());
        account.user.self_registered = self_registered;
        self.store.insert_user(grant, &account).await?;
        Ok(account)
    }

    /// Returns the key that encrypts the caller's storage on a device.
    ///
    /// # Errors
    /// `Internal` when signing fails.
    pub fn storage_key(&self, actor: &Actor) -> Result<String> {
        self.tokens.storage_key(actor.user)
    }

    /// Creates the first admin when there is none (settings `ADMIN_USERNAME`, `ADMIN_PASSWORD`).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn ensure_first_admin(&self) -> Result<()> {
        let Some((username, password)) = self.settings.auth.first_admin.clone() else {
            return Ok(());
        };
        if self.store.has_admin().await? {
            return Ok(());
        }
        let made = self
            .add_account(username.clone(), password, Role::Admin)
            .await;
        match made {
            Ok(_) => tracing::info!(username, "made the first admin"),
            // Another node was faster.
            Err(Error::Conflict(_)) if self.store.has_admin().await? => {}
            // Another user registered this name: the account must not become an admin.
            Err(Error::Conflict(_)) => tracing::warn!(
                username,
                "there is no active admin, and ADMIN_USERNAME names the account of another user: choose another \
                 name, or, if it is yours, run `wardline user passwd {username}` and `wardline user role {username} admin`"
            ),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Creates an account; for the operator (command line).
    ///
    /// # Errors
    /// As [`Services::register`].
    #[tracing::instrument(name = "accounts.add", level = "debug", skip_all)]
    pub async fn add_account(
        &self,
        username: String,
        password: String,
        role: Role,
    ) -> Result<User> {
        let real_name = username.clone();
        let blank = String::new;
        let new = NewAccount {
            username,
            password,
            real_name,
            role,
            account: AccountKind::STAFF,
            email: blank(),
            phone: blank(),
            avatar: Avatar::None,
            department: blank(),
            title: blank(),
        };
        let user = self
            .create_account(&operator_grant()?, HashPriority::internal(), new, false)
            .await?
            .user;
        let role = FieldChange {
            field: "role".to_owned(),
            from: None,
            to: Some(user.role.as_str().to_owned()),
        };
        self.record_done(
            AuditedAction::named("user.create")
                .on(user.id)
                .changes(vec![role]),
        );
        Ok(user)
    }

    /// Sets a password or a role; for the operator (command line). A new password ends all tokens.
    ///
    /// # Errors
    /// `NotFound`, `Validation`.
    #[tracing::instrument(name = "accounts.set", level = "debug", skip_all)]
    pub async fn set_account(
        &self,
        username: &str,
        password: Option<String>,
        role: Option<Role>,
    ) -> Result<User> {
        let account = self
            .store
            .user_by_username(username)
            .await?
            .ok_or(Error::NotFound("user"))?;
        let mut change = UserChange {
            role,
            self_registered: Some(false),
            ..UserChange::default()
        };
        if let Some(password) = password {
            let User {
                username,
                real_name,
                ..
            } = &account.user;
            if let Some(problem) = password::find_problem(&password, username, real_name) {
                return Err(Error::Validation(FieldErrors::one(
                    Field::Password,
                    problem,
                )));
            }
            change.password_hash = Some(
                self.passwords
                    .hash(HashPriority::internal(), &password)
                    .await?,
            );
            change.must_change_password = Some(true);
        }
        let grant = operator_grant::<ChangeAccount>()?;
        let id = account.user.id;
        let changed = describe_changes(&account.user, &change);
        if changed.is_empty() {
            return Ok(account.user);
        }
        self.record(AuditedAction::named("user.change").on(id).changes(changed))
            .await?;
        if change.password_hash.is_some() {
            self.record(AuditedAction::named("user.password").on(id))
                .await?;
        }
        let changed = self
            .store
            .update_user(&grant, id, &change, self.clock.now())
            .await?;
        let account = changed.ok_or(Error::NotFound("user"))?;
        self.tokens.record_account_change(&account);
        Ok(account.user)
    }

    /// Returns a token for an existing account, without its password (command line, tests, load
    /// tools).
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when the account is deactivated.
    #[tracing::instrument(name = "auth.issue_token", level = "debug", skip_all)]
    pub async fn issue_token_for(&self, username: &str) -> Result<SignedIn> {
        let account = self
            .store
            .user_by_username(username)
            .await?
            .ok_or(Error::NotFound("user"))?;
        if !account.user.is_active {
            return Err(Error::Forbidden(
                "this account is deactivated: its token would not hold",
            ));
        }
        if account.user.account == AccountKind::Customer {
            return Err(Error::Forbidden("customers sign in at the service desk"));
        }
        let signed_in = self.signed_in(account)?;
        self.enqueue_action(
            AuditedAction::named("token.issue")
                .on(signed_in.user.id)
                .object(&signed_in.issued.id.0),
        )?;
        Ok(signed_in)
    }
}

/// Checks that the caller may make a change. Admins change everything except a user's own choices.
/// Others change only their own picture, and whether their contact data are shown.
fn authorize_change(
    actor: &Actor,
    id: UserId,
    change: &UserChange,
    password: bool,
) -> Result<Grant<ChangeProfile>> {
    let about = Facts::Subject(id);
    let own = UserChange {
        avatar: change.avatar.clone(),
        contacts_shared: change.contacts_shared,
        ..UserChange::default()
    };
    if change.contacts_shared.is_some() {
        actor.require_about(Action::ChangeCredentials, id)?;
    }
    if id != actor.user || *change != own || password {
        actor.require_about(Action::ChangeAccount, id)?;
    }
    actor.authorize::<ChangeProfile>(about)
}

/// Returns the changes of an account for the audit log: old and new values. A new password is
/// recorded without its value.
fn describe_changes(user: &User, change: &UserChange) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    if let Some(role) = change.role.filter(|role| *role != user.role) {
        changes.push(FieldChange::of("role", user.role.as_str(), role.as_str()));
    }
    if let Some(active) = change.is_active.filter(|active| *active != user.is_active) {
        changes.push(FieldChange::of("isActive", &user.is_active, &active));
    }
    for (field, from, to) in [
        ("isAgent", user.account.is_agent(), change.is_agent),
        (
            "selfRegistered",
            user.self_registered,
            change.self_registered,
        ),
        (
            "contactsShared",
            user.contacts_shared,
            change.contacts_shared,
        ),
    ] {
        if let Some(to) = to.filter(|to| *to != from) {
            changes.push(FieldChange::of(field, &from, &to));
        }
    }
    for (field, from, to) in [
        ("realName", &user.real_name, &change.real_name),
        ("email", &user.email, &change.email),
        ("phone", &user.phone, &change.phone),
        ("department", &user.department, &change.department),
        ("title", &user.title, &change.title),
    ] {
        if let Some(to) = to.as_ref().filter(|to| *to != from) {
            changes.push(FieldChange::of(field, from, to));
        }
    }
    if let Some(to) = change.avatar.as_ref().filter(|to| **to != user.avatar) {
        changes.push(FieldChange::of("avatar", &user.avatar, to));
    }
    if change.password_hash.is_some() {
        changes.push(FieldChange::hidden("password"));
    }
    changes
}
