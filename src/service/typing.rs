//! Typing: sent to the other members, never stored; each sign stops by itself.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Services, creation_limits::CreatedThing};
use crate::domain::{
    ConversationId, Error, Result, UserId,
    access::{Action, Actor},
    conversation_state::require_voice,
    event::{Envelope, Event, Scope, Typing},
    ids::ConnectionId,
};

/// The most conversations in which one user may type at once.
const MAX_TYPING_CONVERSATIONS: usize = 16;

struct TypingSign {
    scope: Scope,
    others: Vec<UserId>,
    connection: ConnectionId,
    /// The number of the start: the timer of an earlier start does not stop a later one.
    generation: u64,
}

#[derive(Default)]
struct TypingSigns {
    active: HashMap<(ConversationId, UserId), TypingSign>,
    generation: u64,
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
        actor.require_about(Action::Converse, user)?;
        if active {
            self.creation_limits
                .count_created(user, CreatedThing::Typing, 1)?;
        }
        let conversation = self.require_membership(session, user).await?;
        if let Some(member) = conversation.members.get(&user).filter(|_| active) {
            require_voice(member)?;
        }
        let scope = Scope::of(&conversation);
        let others = conversation.others(user);
        let mut signs = self.typing.lock_signs();
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
                        scope,
                        others: others.clone(),
                        connection,
                        generation,
                    },
                );
                generation
            };
            if let Some(services) = self.this.upgrade() {
                let end = self.clock.sleep(self.settings.timings.typing);
                tokio::spawn(async move {
                    end.await;
                    services.stop_typing_where(|key, sign| {
                        *key == (session, user) && sign.generation == generation
                    });
                });
            }
        } else {
            signs.active.remove(&(session, user));
        }
        drop(signs);
        let typing = Typing {
            session,
            user,
            active,
        };
        // A member who is removed meanwhile receives nothing: the hub knows of the removal.
        self.publish(
            Envelope::of(scope, others, Event::Typing(typing)).from_origin(Some(connection)),
        );
        Ok(())
    }

    /// Ends the typing of a user who is about to be removed from a conversation.
    pub(super) fn end_typing_of_member(&self, session: ConversationId, user: UserId) {
        self.stop_typing_where(|key, _| *key == (session, user));
    }

    /// Ends the typing of a closed connection.
    pub(super) fn stop_typing_of(&self, connection: ConnectionId) {
        self.stop_typing_where(|_, sign| sign.connection == connection);
    }

    fn stop_typing_where(&self, applies: impl Fn(&(ConversationId, UserId), &TypingSign) -> bool) {
        let stopped: Vec<_> = self
            .typing
            .lock_signs()
            .active
            .extract_if(|key, sign| applies(key, sign))
            .collect();
        for ((session, user), sign) in stopped {
            let typing = Typing {
                session,
                user,
                active: false,
            };
            self.publish(Envelope::of(sign.scope, sign.others, Event::Typing(typing)));
        }
    }
}
