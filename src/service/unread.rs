//! Pushed unread counts. The counts of each connected user are updated from the commits, and
//! published to the user's connections when they change. A burst of changes is published as one
//! event; the last change is always published.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::Services;
use crate::domain::{
    ConversationId, UserId,
    event::{Audience, Envelope, Event, Unread},
};

/// The pause after a push.
const PUSH_INTERVAL: Duration = Duration::from_millis(100);
/// The wait before the counts of a user are read again after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(1);

#[derive(Default)]
struct UserCounts {
    /// Version and count: the later version wins, whichever way it came.
    counts: HashMap<ConversationId, (u64, u64)>,
    loaded: bool,
    changed: bool,
    is_publishing: bool,
}

impl UserCounts {
    fn record_count(&mut self, session: ConversationId, version: u64, count: u64) {
        let known = self.counts.entry(session).or_insert((version, count));
        if known.0 <= version {
            *known = (version, count);
        }
    }
}

/// The counts of the users connected to this node.
#[derive(Default)]
pub(super) struct UnreadCounts(Mutex<HashMap<UserId, UserCounts>>);

impl UnreadCounts {
    fn with<T>(&self, user: UserId, work: impl FnOnce(&mut UserCounts) -> T) -> T {
        work(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(user)
                .or_default(),
        )
    }

    /// Evicts the counts of a user who disconnected.
    pub fn evict(&self, user: UserId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&user);
    }
}

impl Services {
    /// Records that a commit changed one of a user's counts.
    pub(super) fn record_unread_change(
        self: &Services,
        user: UserId,
        session: ConversationId,
        version: u64,
        count: u64,
    ) {
        let begin = self.unread.with(user, |person| {
            person.record_count(session, version, count);
            person.changed = true;
            !std::mem::replace(&mut person.is_publishing, true)
        });
        if begin && let Some(services) = self.this.upgrade() {
            tokio::spawn(services.publish_unread(user));
        }
    }

    async fn publish_unread(self: Arc<Self>, user: UserId) {
        while self.hub.is_connected(user) {
            if !self.unread.with(user, |person| person.loaded) {
                if let Ok(stored) = self.store.unread_of(user).await {
                    self.unread.with(user, |person| {
                        person.loaded = true;
                        for unread in stored {
                            person.record_count(unread.session, unread.version, unread.count);
                        }
                    });
                } else {
                    self.clock.sleep(RETRY_DELAY).await;
                    continue;
                }
            }
            let pushed = self.unread.with(user, |person| {
                person.is_publishing = std::mem::take(&mut person.changed);
                if person.is_publishing {
                    let counts = person
                        .counts
                        .iter()
                        .map(|(session, (_, count))| (*session, *count));
                    // Published under the lock: a count of a conversation that is left meanwhile
                    // does not come late.
                    let counts = Event::Unread(counts.collect::<Unread>());
                    self.publish(Envelope::personal(Audience::Users(vec![user]), counts));
                }
                person.is_publishing
            });
            if !pushed {
                return;
            }
            self.clock.sleep(PUSH_INTERVAL).await;
        }
        self.unread.evict(user);
    }
}
