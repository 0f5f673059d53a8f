//! The repeated check of a token during long operations: an upload, a download, or a slow answer.
//! Such an operation ends within seconds of the right it was started with. The cause does not
//! matter: a sign-out, a new password, a deactivation, or expiry, here or on another node.

use std::time::{Duration, Instant};

use super::Services;
use crate::domain::{Error, Result, access::AuthenticatedToken, user::Role};

/// How long a successful check of a token counts.
pub const TOKEN_RECHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long it counts while the check cannot be made.
const MAX_UNCHECKED_TIME: Duration = Duration::from_secs(10);

impl Services {
    /// Checks that an authenticated token is still valid.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` when the token was ended otherwise; `Forbidden` when the user
    /// was an admin and is no longer one.
    pub async fn recheck_token(&self, auth: &AuthenticatedToken) -> Result<()> {
        if auth.expires_at <= self.clock.now() {
            return Err(Error::TokenExpired);
        }
        let now = self.is_still_valid(auth.clone()).await?.auth;
        if auth.actor.role == Role::Admin && now.actor.role != Role::Admin {
            return Err(Error::Forbidden("this is for admins"));
        }
        Ok(())
    }

    /// Resolves, with the reason, once an authenticated token is no longer valid.
    pub async fn ended(&self, auth: &AuthenticatedToken) -> Error {
        let mut confirmed = Instant::now();
        loop {
            self.clock.sleep(TOKEN_RECHECK_INTERVAL).await;
            match self.recheck_token(auth).await {
                Ok(()) => confirmed = Instant::now(),
                Err(error @ (Error::AuthFailed | Error::TokenExpired | Error::Forbidden(_))) => {
                    return error;
                }
                Err(error) if confirmed.elapsed() > MAX_UNCHECKED_TIME => return error,
                Err(_) => {}
            }
        }
    }
}
