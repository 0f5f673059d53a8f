//! Statistics of one user: sums over the user's conversations, whatever the number of messages.

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
    /// Returns a user's statistics. An admin may read another user's; that read is audited.
    ///
    /// # Errors
    /// `Forbidden`.
    #[tracing::instrument(name = "statistics.get_user", level = "debug", skip_all, fields(account.id = %user))]
    pub async fn stats(&self, actor: &Actor, user: UserId) -> Result<Stats> {
        self.audit_read(actor, user, "stats").await?;
        let (totals, online) =
            tokio::try_join!(self.store.totals_of(user), self.present_count.get(()))?;
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
