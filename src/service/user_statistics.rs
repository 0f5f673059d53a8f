//! Statistics of one person: sums over their sessions, whatever the number of messages.

use super::Services;
use crate::domain::{Result, UserId, access::Actor};

/// The source's six counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub total_sessions: u64,
    pub total_messages: u64,
    pub sent_messages: u64,
    pub received_messages: u64,
    pub unread_messages: u64,
    pub online_users: u64,
}

impl Services {
    /// Somebody's statistics. An admin may look at others'; that is put on record.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn stats(&self, actor: &Actor, user: UserId) -> Result<Stats> {
        self.look(actor, user, "stats").await?;
        let (totals, online) = tokio::try_join!(self.store.totals_of(user), self.headcount.get(()))?;
        Ok(Stats {
            total_sessions: totals.sessions,
            total_messages: totals.messages,
            sent_messages: totals.sent,
            received_messages: totals.messages.saturating_sub(totals.sent),
            unread_messages: totals.unread,
            online_users: online,
        })
    }
}
