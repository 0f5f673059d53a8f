//! `audit`: who looked at what belongs to others, and who changed accounts. Only ever added to.

use mongodb::bson::{Document, doc};

use super::{Store, run};
use crate::domain::{Result, Timestamp, UserId};

pub(super) const NAME: &str = "audit";

impl Store {
    /// Puts one act on record.
    ///
    /// # Errors
    /// When MongoDB does not answer: then the act must not happen.
    pub async fn record(&self, actor: UserId, action: &str, subject: UserId, now: Timestamp) -> Result<()> {
        let audit = self.collection::<Document>(NAME);
        let row = doc! { "actor": actor, "action": action, "subject": subject, "at": now };
        run(async move { audit.insert_one(row).await.map(drop) }).await
    }
}
