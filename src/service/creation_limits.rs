//! Limits on what one user may create for others: groups, private conversations, members, mentions,
//! reactions, typing. Each limit is wide enough for normal work, and too narrow for flooding.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::domain::{Error, Result, UserId};

/// The kinds of things created for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreatedThing {
    Group,
    PrivateSession,
    /// Each new member counts.
    NewMembers,
    /// Each mentioned user counts; a mention of all members counts as a fixed number.
    Mentions,
    Reaction,
    Typing,
}

/// Returns the burst, and the number per minute after it.
const fn burst_and_rate(what: CreatedThing) -> (u32, u32) {
    match what {
        CreatedThing::Group => (60, 6),
        CreatedThing::PrivateSession => (200, 20),
        CreatedThing::NewMembers => (3_000, 300),
        CreatedThing::Mentions => (5_000, 500),
        CreatedThing::Reaction => (600, 120),
        CreatedThing::Typing => (300, 120),
    }
}

const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

fn limiter(what: CreatedThing) -> DefaultKeyedRateLimiter<UserId> {
    let (at_once, a_minute) = burst_and_rate(what);
    RateLimiter::keyed(Quota::per_minute(nonzero(a_minute)).allow_burst(nonzero(at_once)))
}

/// The limits, by user.
pub(super) struct CreationLimits {
    /// `RATE_LIMIT`
    is_on: bool,
    groups: DefaultKeyedRateLimiter<UserId>,
    private_sessions: DefaultKeyedRateLimiter<UserId>,
    members: DefaultKeyedRateLimiter<UserId>,
    mentions: DefaultKeyedRateLimiter<UserId>,
    reactions: DefaultKeyedRateLimiter<UserId>,
    typing: DefaultKeyedRateLimiter<UserId>,
    clock: DefaultClock,
}

impl CreationLimits {
    pub fn new(is_on: bool) -> Self {
        Self {
            is_on,
            groups: limiter(CreatedThing::Group),
            private_sessions: limiter(CreatedThing::PrivateSession),
            members: limiter(CreatedThing::NewMembers),
            mentions: limiter(CreatedThing::Mentions),
            reactions: limiter(CreatedThing::Reaction),
            typing: limiter(CreatedThing::Typing),
            clock: DefaultClock::default(),
        }
    }

    fn of(&self, what: CreatedThing) -> &DefaultKeyedRateLimiter<UserId> {
        match what {
            CreatedThing::Group => &self.groups,
            CreatedThing::PrivateSession => &self.private_sessions,
            CreatedThing::NewMembers => &self.members,
            CreatedThing::Mentions => &self.mentions,
            CreatedThing::Reaction => &self.reactions,
            CreatedThing::Typing => &self.typing,
        }
    }

    /// Counts `count` more things that `user` creates.
    ///
    /// # Errors
    /// `RateLimited` when it is too many.
    pub fn count_created(&self, user: UserId, what: CreatedThing, count: usize) -> Result<()> {
        let Some(count) = u32::try_from(count)
            .ok()
            .and_then(NonZeroU32::new)
            .filter(|_| self.is_on)
        else {
            return Ok(());
        };
        let retry_after = match self.of(what).check_key_n(&user, count) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(until)) => until.wait_time_from(self.clock.now()),
            // More at once than are ever allowed.
            Err(_) => Duration::from_mins(1),
        };
        Err(Error::RateLimited { retry_after })
    }

    /// Evicts idle users.
    pub fn evict_idle(&self) {
        for limiter in [
            &self.groups,
            &self.private_sessions,
            &self.members,
            &self.mentions,
            &self.reactions,
            &self.typing,
        ] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_makes_so_many_for_others_and_no_more() {
        let (creation_limits, person) = (CreationLimits::new(true), UserId::generate());
        let made = (0..200)
            .filter(|_| {
                creation_limits
                    .count_created(person, CreatedThing::Group, 1)
                    .is_ok()
            })
            .count();
        assert_eq!(made, 60);
        let Err(Error::RateLimited { retry_after }) =
            creation_limits.count_created(person, CreatedThing::Group, 1)
        else {
            panic!("made")
        };
        assert!(retry_after <= Duration::from_secs(10), "six a minute");
        assert!(
            creation_limits
                .count_created(UserId::generate(), CreatedThing::Group, 1)
                .is_ok(),
            "another one is another"
        );
        assert!(
            creation_limits
                .count_created(person, CreatedThing::NewMembers, 3_001)
                .is_err()
        );
        assert!(
            creation_limits
                .count_created(person, CreatedThing::NewMembers, 3_000)
                .is_ok()
        );
        assert!(
            CreationLimits::new(false)
                .count_created(person, CreatedThing::NewMembers, 9_000)
                .is_ok()
        );
    }
}
