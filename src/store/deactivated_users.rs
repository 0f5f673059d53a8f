//! The deactivated users, cached as a whole: every commit of a message needs the set, and it is
//! small.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

use mongodb::bson::doc;
use serde::Deserialize;

use super::{Store, collect, run, users};
use crate::domain::{Result, UserId};

/// The deactivated users, as this process last read or changed them.
#[derive(Debug, Default)]
pub(super) struct DeactivatedUsers(RwLock<(u64, Arc<HashSet<UserId>>)>);

#[derive(Deserialize)]
struct IdRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: UserId,
}

impl DeactivatedUsers {
    fn snapshot(&self) -> (u64, Arc<HashSet<UserId>>) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (known.0, Arc::clone(&known.1))
    }

    /// Sets whether a user is active.
    pub fn set(&self, user: UserId, is_active: bool) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.0 += 1;
        let people = Arc::make_mut(&mut known.1);
        if is_active {
            people.remove(&user)
        } else {
            people.insert(user)
        };
    }

    /// Caches what was read at generation `read_at`, unless a newer change exists.
    fn load(&self, read_at: u64, people: HashSet<UserId>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.0 == read_at {
            known.1 = Arc::new(people);
        }
    }
}

impl Store {
    /// Returns all deactivated users. A change by another process is visible after the next
    /// [`Store::load_inactive`].
    #[must_use]
    pub fn inactive(&self) -> Arc<HashSet<UserId>> {
        self.inactive.snapshot().1
    }

    /// Reloads the deactivated users.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn load_inactive(&self) -> Result<()> {
        let (read_at, _) = self.inactive.snapshot();
        let users = self.collection::<IdRow>(users::COLLECTION);
        let rows = run(async move {
            let find = users
                .find(doc! { "isActive": false })
                .projection(doc! { "_id": 1 });
            collect(find.batch_size(10_000).await?).await
        })
        .await?;
        self.inactive
            .load(read_at, rows.into_iter().map(|row| row.id).collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_does_not_undo_it() {
        let (inactive, gone) = (DeactivatedUsers::default(), UserId::generate());
        let (read_at, _) = inactive.snapshot();
        inactive.set(gone, false);
        inactive.load(read_at, HashSet::new());
        assert!(inactive.snapshot().1.contains(&gone));
        inactive.load(inactive.snapshot().0, HashSet::new());
        assert!(!inactive.snapshot().1.contains(&gone));
    }
}
