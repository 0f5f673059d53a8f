//! Passwords: argon2id, off the async threads, a bounded number at once.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::domain::{Error, Result};

/// Hashes computed at once; each takes a core and 19 MiB (argon2's own defaults, OWASP's minimum).
const AT_ONCE: usize = 2;
/// Callers that may wait for one.
const WAITING: usize = 64;

/// The hashing desk.
pub(super) struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    /// What an unknown name's password is compared with, so that it takes as long as a known one's.
    decoy: Arc<tokio::sync::OnceCell<String>>,
}

impl Passwords {
    pub fn new() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            decoy: Arc::default(),
        }
    }

    /// Hashes a password with a random salt.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.work(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| {
                tracing::error!(%error, "a password could not be hashed");
                Error::Internal
            })
        })
        .await?
    }

    /// Whether `password` is the one that was hashed. Without a hash it takes as long and is not.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.decoy.get_or_try_init(|| self.hash("decoy".to_owned())).await?.clone(),
        };
        let matches = self
            .work(move || match PasswordHash::new(&hash) {
                Ok(parsed) => Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok(),
                Err(error) => {
                    tracing::error!(%error, "a stored password hash cannot be understood");
                    false
                }
            })
            .await?;
        Ok(matches && known)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let too_many = |_| Error::RateLimited { retry_after: Duration::from_secs(2) };
        let _place = Arc::clone(&self.admitted).try_acquire_owned().map_err(too_many)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Unavailable)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "password work panicked");
            Error::Internal
        })
    }
}
