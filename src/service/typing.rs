//! Typing: sent to the other members, never stored; each sign stops by itself.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Services, creation_limits::CreatedThing};
use crate::domain::{
    ConversationId, Error, Result, UserId,
    access::Actor,
    event::{Audience, Event},
    ids::ConnectionId,
};

/// The most conversations in which one user may type at once.
const MAX_TYPING_CONVERSATIONS: usize = 16;

struct TypingSign {
    others: Vec<UserId>,
    connection: ConnectionId,
    /// The number of the start: the timer of an earlier start does not stop a later one.
    generation: u64,
}

#[derive(Default)]
struct TypingSigns {
    active: HashMap<(ConversationId, UserId), TypingSign>,
    generation: u64,
    /// The number of memberships that ended. It shows whether one ended after the receivers were
    /// read.
    ended_memberships: u64,
}

/// The users who type, by conversation.
#[derive(Default)]
pub(super) struct TypingTracker(Mutex<TypingSigns>);

impl TypingTracker {
    fn lock_signs(&self) -> MutexGuard<'_, TypingSigns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services {
    /// Records that the caller types in a conversation, or stops typing.
    ///
    /// # Errors
    /// `Forbidden` for another user's name, `ConversationNotFound` without a membership,
    /// `RateLimited` for too many conversations at once.
    #[tracing::instrument(name = "typing.publish", level = "debug", skip_all, fields(conversation.id = %session))]
    pub async fn typing(
        &self,
        actor: &Actor,
        user: UserId,
        session: ConversationId,
        active: bool,
        connection: ConnectionId,
    ) -> Result<()> {
        actor.require_self(user)?;
        if active {
            self.creation_limits
                .count_created(user, CreatedThing::Typing, 1)?;
        }
        let (mut signs, others) = loop {
            let ended_memberships = self.typing.lock_signs().ended_memberships;
            let others = self.require_membership(session, user).await?.others(user);
            let signs = self.typing.lock_signs();
            // A membership may have ended meanwhile; that user must not receive the event.
            if signs.ended_memberships == ended_memberships {
                break (signs, others);
            }
        };
        if active {
            let generation = {
                let known = signs.active.contains_key(&(session, user));
                if !known
                    && signs.active.keys().filter(|(_, who)| *who == user).count()
                        >= MAX_TYPING_CONVERSATIONS
                {
                    return Err(Error::RateLimited {
                        retry_after: self.settings.timings.typing,
                    });
                }
                signs.generation += 1;
                let generation = signs.generation;
                signs.active.insert(
                    (session, user),
                    TypingSign {
                        others: others.clone(),
                        connection,
                        generation,
                    },
                );
                generation
            };
            if let Some(services) = self.this.upgrade() {
                tokio::spawn(async move {
                    tokio::time::sleep(services.settings.timings.typing).await;
                    services.stop_typing_where(|key, sign| {
                        *key == (session, user) && sign.generation == generation
                    });
                });
            }
        } else {
            signs.active.remove(&(session, user));
        }
        // Published under the lock: after `end_typing_of_member` a former member receives nothing.
        self.hub.publish(
            &Audience::Users(others),
            &Event::Typing {
                session,
                user,
                active,
            },
        );
        Ok(())
    }

    /// Ends the typing of a former member in a conversation; they receive no more typing events of
    /// it.
    pub(super) fn end_typing_of_member(&self, session: ConversationId, user: UserId) {
        let mut signs = self.typing.lock_signs();
        signs.ended_memberships += 1;
        for (_, sign) in signs
            .active
            .iter_mut()
            .filter(|((typed_in, _), _)| *typed_in == session)
        {
            sign.others.retain(|other| *other != user);
        }
        if let Some(sign) = signs.active.remove(&(session, user)) {
            let event = Event::Typing {
                session,
                user,
                active: false,
            };
            self.hub.publish(&Audience::Users(sign.others), &event);
        }
    }

    /// Ends the typing of a closed connection.
    pub(super) fn stop_typing_of(&self, connection: ConnectionId) {
        self.stop_typing_where(|_, sign| sign.connection == connection);
    }

    fn stop_typing_where(&self, applies: impl Fn(&(ConversationId, UserId), &TypingSign) -> bool) {
        let mut signs = self.typing.lock_signs();
        let stopped: Vec<_> = signs
            .active
            .extract_if(|key, sign| applies(key, sign))
            .collect();
        for ((session, user), sign) in stopped {
            self.hub.publish(
                &Audience::Users(sign.others),
                &Event::Typing {
                    session,
                    user,
                    active: false,
                },
            );
        }
    }
}
