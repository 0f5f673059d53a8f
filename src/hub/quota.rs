//! The quota of connections of a user. A place is taken before the connection is made, so that
//! simultaneous connections are counted one after the other. It is returned when the connection
//! ends, in whatever phase.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::UserId;

/// The number of places taken by each user.
#[derive(Debug, Default)]
pub struct ConnectionQuota(Mutex<HashMap<(&'static str, UserId), usize>>);

/// One place of a user, for one connection, until it is dropped.
#[derive(Debug)]
pub struct QuotaGuard {
    quota: Arc<ConnectionQuota>,
    key: (&'static str, UserId),
}

impl ConnectionQuota {
    fn lock_counts(&self) -> MutexGuard<'_, HashMap<(&'static str, UserId), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for one more connection of `user` in a dialect; `None` if they already have
    /// `most`.
    #[must_use]
    pub fn acquire(
        self: &Arc<Self>,
        dialect: &'static str,
        user: UserId,
        most: usize,
    ) -> Option<QuotaGuard> {
        let key = (dialect, user);
        let mut taken = self.lock_counts();
        let count = taken.get(&key).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        taken.insert(key, count + 1);
        Some(QuotaGuard {
            quota: Arc::clone(self),
            key,
        })
    }
}

impl Drop for QuotaGuard {
    fn drop(&mut self) {
        let mut taken = self.quota.lock_counts();
        match taken.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn of_many_that_come_at_once_no_more_than_the_most_get_in() {
        const THREADS: usize = 16;
        let (quota, user) = (Arc::new(ConnectionQuota::default()), UserId::generate());
        for _ in 0..50 {
            let (start, all_tried) = (Barrier::new(THREADS), Barrier::new(THREADS));
            let got: usize = std::thread::scope(|scope| {
                let tries: Vec<_> = (0..THREADS)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            let got: Vec<QuotaGuard> = (0..20)
                                .filter_map(|_| quota.acquire("test", user, 100))
                                .collect();
                            all_tried.wait();
                            got.len()
                        })
                    })
                    .collect();
                tries.into_iter().map(|tried| tried.join().unwrap()).sum()
            });
            assert_eq!(got, 100);
            assert!(quota.lock_counts().is_empty(), "each place was given back");
        }
        let acquire = |dialect, user| quota.acquire(dialect, user, 1);
        let (mine, other) = (acquire("a", user), acquire("a", UserId::generate()));
        let elsewhere = acquire("b", user);
        assert!(mine.is_some() && other.is_some() && elsewhere.is_some());
        assert!(acquire("a", user).is_none());
        drop(mine);
        assert!(acquire("a", user).is_some());
    }
}
