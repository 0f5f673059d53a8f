//! The conversations from which connected users were removed. A removed user receives nothing of
//! the conversation that was still on its way, whichever task publishes it.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use crate::domain::{
    ConversationId, UserId,
    event::{ConversationEvent, Envelope, Event, Scope},
};

/// The number of users with removals beyond which those without a connection are forgotten.
const SWEEP_THRESHOLD: usize = 1_024;

/// By user and conversation, the version at which the user was removed.
type RemovedAt = HashMap<UserId, HashMap<ConversationId, u64>>;

/// The removals that this node has delivered.
#[derive(Debug, Default)]
pub struct Removals(RwLock<RemovedAt>);

/// Who may receive events, for as long as it is held: a removal waits until it is dropped. So
/// nothing is sent to a user after the removal was published.
pub struct Admission<'a>(RwLockReadGuard<'a, RemovedAt>);

impl Removals {
    /// Returns who may receive events. To be held while they are sent.
    pub fn admission(&self) -> Admission<'_> {
        Admission(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records what an envelope says about memberships, before it is sent. `is_connected` tells
    /// which users have a connection.
    pub fn record(&self, envelope: &Envelope, is_connected: impl Fn(UserId) -> bool) {
        let (Some(scope), Event::Conversation(event)) = (envelope.scope, &envelope.event) else {
            return;
        };
        match event {
            ConversationEvent::MemberRemoved { user, .. } => {
                let mut removed = self.0.write().unwrap_or_else(PoisonError::into_inner);
                if removed.len() >= SWEEP_THRESHOLD && removed.len().is_power_of_two() {
                    removed.retain(|user, _| is_connected(*user));
                }
                removed
                    .entry(*user)
                    .or_default()
                    .insert(scope.conversation, scope.version);
            }
            ConversationEvent::Created(_) => self.readmit(scope, envelope),
            ConversationEvent::Updated(_) => {}
        }
    }

    fn readmit(&self, scope: Scope, envelope: &Envelope) {
        let again = |removed: &RemovedAt, user: &UserId| {
            removed
                .get(user)
                .and_then(|of_user| of_user.get(&scope.conversation))
                .is_some_and(|at| *at < scope.version)
        };
        let users = envelope.audience.users();
        let known = {
            let removed = self.0.read().unwrap_or_else(PoisonError::into_inner);
            users.iter().any(|user| again(&removed, user))
        };
        if !known {
            return;
        }
        let mut removed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for user in users {
            if again(&removed, user)
                && let Some(of_user) = removed.get_mut(user)
            {
                of_user.remove(&scope.conversation);
                if of_user.is_empty() {
                    removed.remove(user);
                }
            }
        }
    }
}

impl Admission<'_> {
    /// Whether a user may receive an envelope.
    pub fn allows(&self, user: UserId, envelope: &Envelope) -> bool {
        let Some(scope) = envelope.scope else {
            return true;
        };
        match &envelope.event {
            Event::Conversation(ConversationEvent::MemberRemoved { .. }) => true,
            Event::Typing(typing) if self.is_removed(typing.user, scope.conversation) => false,
            _ => !self.is_removed(user, scope.conversation),
        }
    }

    fn is_removed(&self, user: UserId, conversation: ConversationId) -> bool {
        !self.0.is_empty()
            && self
                .0
                .get(&user)
                .is_some_and(|of_user| of_user.contains_key(&conversation))
    }
}
