//! What lasts longer than a moment — a file on its way in or out, an answer that is taken slowly — ends with the
//! right by which it was begun, within seconds and whatever ended it: a sign-out, a new password, a
//! deactivation, the token's time, here or on another node.

use std::time::{Duration, Instant};

use super::Services;
use crate::domain::{Error, Result, access::Pass, user::Role};

/// How long it is believed that somebody who was let in may go on.
pub const BELIEF: Duration = Duration::from_secs(1);
/// How long it is believed while nobody can say.
const DOUBT: Duration = Duration::from_secs(10);

impl Services {
    /// Sees to it that somebody who was let in may go on.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` when their token was ended otherwise; `Forbidden` when they ran the house and
    /// do so no more.
    pub async fn must_still_hold(&self, pass: &Pass) -> Result<()> {
        if pass.expires_at <= self.clock.now() {
            return Err(Error::TokenExpired);
        }
        let now = self.still_holds(pass.clone()).await?.pass;
        if pass.actor.role == Role::Admin { now.actor.must_be_admin() } else { Ok(()) }
    }

    /// Resolves, with the reason, once somebody who was let in may not go on.
    pub async fn ended(&self, pass: &Pass) -> Error {
        let mut confirmed = Instant::now();
        loop {
            tokio::time::sleep(BELIEF).await;
            match self.must_still_hold(pass).await {
                Ok(()) => confirmed = Instant::now(),
                Err(error @ (Error::AuthFailed | Error::TokenExpired | Error::Forbidden(_))) => return error,
                Err(error) if confirmed.elapsed() > DOUBT => return error,
                Err(_) => {}
            }
        }
    }
}
