//! Health: whether the service can work. MongoDB is checked once a second for all callers.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Services;

/// How long an answer counts.
const HEALTH_CACHE_TTL: Duration = Duration::from_secs(1);
/// How long MongoDB may take.
const DATABASE_CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The last answer. A caller that asks during a check waits for the same answer.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<(Instant, bool)>>);

impl Services {
    /// Returns whether a MongoDB that can commit answers within two seconds.
    pub async fn is_healthy(&self) -> bool {
        let mut last = self.health.0.lock().await;
        if let Some((asked, is_well)) = *last
            && asked.elapsed() < HEALTH_CACHE_TTL
        {
            return is_well;
        }
        let is_well = self.store.can_answer(DATABASE_CHECK_TIMEOUT).await;
        let was_well = last.is_none_or(|(_, was_well)| was_well);
        *last = Some((Instant::now(), is_well));
        drop(last);
        if was_well && !is_well {
            let store = self.store.clone();
            // No caller waits for the diagnosis, which takes a moment.
            tokio::spawn(async move {
                let why = store.describe_unavailability().await;
                tracing::error!(why, "MongoDB cannot be used");
            });
        } else if !was_well && is_well {
            tracing::info!("MongoDB can be used again");
        }
        is_well
    }

    /// Refuses development helpers in production: their accounts have a public password.
    pub(super) fn require_development(&self) -> crate::domain::Result<()> {
        if self.settings.general.environment == crate::config::Environment::Production {
            return Err(crate::domain::Error::Forbidden(
                "the demonstration and synthetic people have a published password: not in production",
            ));
        }
        Ok(())
    }
}
