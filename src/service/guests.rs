//! Guests: people without a password. A member of staff adds them to conversations.

use rand::Rng;

use super::{NewAccount, Services, SignedIn, audit::AuditedAction, operator_grant};
use crate::domain::{
    Error, Network, Result,
    avatar::Avatar,
    user::{AccountKind, GUEST_NAME_PREFIX, Role},
};

/// Stands in a guest's account where others have the hash of their password. No password has it.
const NO_PASSWORD: &str = "$argon2id$none";
/// The letters and digits of a guest's name, without those that look alike.
const NAME_ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// How many of them a name has.
const NAME_SUFFIX_CHARS: usize = 8;
/// How often another name is drawn when one is taken.
const MAX_NAME_DRAWS: usize = 4;

fn draw_name() -> String {
    let mut random = rand::rng();
    let suffix = (0..NAME_SUFFIX_CHARS)
        .filter_map(|_| NAME_ALPHABET.get(random.random_range(0..NAME_ALPHABET.len())))
        .map(|letter| char::from(*letter));
    GUEST_NAME_PREFIX.chars().chain(suffix).collect()
}

impl Services {
    /// Creates a guest, and signs it in. Without a nickname it is called as its username.
    ///
    /// # Errors
    /// `Forbidden` when guests are not let in; `RateLimited`.
    pub async fn create_guest(&self, from: Network, nickname: Option<String>) -> Result<SignedIn> {
        if !self.settings.auth.guests {
            return Err(Error::Forbidden("guests are not let in"));
        }
        self.throttle.count_guest(from, self.clock.now())?;
        let mut draws = 0;
        let account = loop {
            draws += 1;
            let username = draw_name();
            let new = NewAccount {
                real_name: nickname.clone().unwrap_or_else(|| username.clone()),
                username,
                password: String::new(),
                role: Role::User,
                account: AccountKind::Guest,
                email: String::new(),
                phone: String::new(),
                avatar: Avatar::default(),
                department: String::new(),
                title: String::new(),
            };
            let mut account = new.into_account(NO_PASSWORD.to_owned(), self.clock.now());
            account.user.self_registered = true;
            match self.store.insert_user(&operator_grant()?, &account).await {
                Ok(()) => break account,
                Err(Error::Conflict(_)) if draws < MAX_NAME_DRAWS => {}
                Err(error) => return Err(error),
            }
        };
        let signed_in = self.signed_in(account)?;
        let user = signed_in.user.id;
        self.enqueue_action(
            AuditedAction::named("auth.guest")
                .of(user, Some(&signed_in.issued.id.0))
                .on(user),
        )?;
        Ok(signed_in)
    }
}
