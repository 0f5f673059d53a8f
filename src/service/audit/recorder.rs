//! The queue of the audit log, its sums over a minute, and the task that writes.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::Services;
use crate::{
    domain::{
        AuditEntryId, Clock, Error, FileId, Result, UserId, audit::AuditEntry, time::Ticks,
        user::username_key,
    },
    store::Store,
};

/// The most rows that may wait to be written.
const MAX_QUEUED_ENTRIES: usize = 10_000;
/// The most rows of one write.
const WRITE_BATCH_SIZE: usize = 500;
/// The pause after a write that failed.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// How often the write is tried once the service stops.
const MAX_SHUTDOWN_TRIES: usize = 6;
/// The time over which failures and refusals are summed up.
const SUMMARY_INTERVAL: Duration = Duration::from_mins(1);
/// The refusals of one caller within it that have a row of their own.
const MAX_SINGLE_REFUSALS: u64 = 10;
/// The most callers, or names, that are counted separately within it.
const MAX_TRACKED_CALLERS: usize = 10_000;
/// The most sums that one warning names.
const MAX_LOGGED_SUMS: usize = 10;

/// The sums of a minute.
#[derive(Default)]
struct FailureSums {
    /// Failed sign-ins, by name (or its hash) and network.
    failures: BTreeMap<(String, String), u64>,
    /// Refusals, by caller and call.
    refusals: BTreeMap<String, (u64, Option<AuditEntry>)>,
}

/// The queue of rows, and the sums.
pub struct Recorder {
    sender: mpsc::Sender<AuditEntry>,
    sums: Mutex<FailureSums>,
    /// Recent fetches by user and file or thumbnail: the parts of a film are one fetch.
    fetched: Cache<(UserId, FileId, bool), ()>,
    /// The key of the hash of names: without it the hash reveals nothing.
    key: [u8; 32],
}

impl Recorder {
    /// Returns the queue, and its receiving end for [`run`].
    pub fn new(secret: &[u8]) -> (Self, mpsc::Receiver<AuditEntry>) {
        Self::with_queue_size(MAX_QUEUED_ENTRIES, secret)
    }

    fn with_queue_size(rows: usize, secret: &[u8]) -> (Self, mpsc::Receiver<AuditEntry>) {
        let (sender, receiver) = mpsc::channel(rows);
        let fetched = Cache::builder()
            .max_capacity(MAX_TRACKED_CALLERS as u64)
            .time_to_live(SUMMARY_INTERVAL)
            .build();
        let key = Sha256::new()
            .chain_update(b"wardline audit names\n")
            .chain_update(secret)
            .finalize();
        (
            Self {
                sender,
                sums: Mutex::default(),
                fetched,
                key: key.into(),
            },
            receiver,
        )
    }

    /// Puts a row into the queue.
    ///
    /// # Errors
    /// `Unavailable` when it is full.
    pub fn enqueue(&self, entry: AuditEntry) -> Result<()> {
        self.sender.try_send(entry).map_err(|_| {
            metrics::counter!("wardline_audit_full_total").increment(1);
            Error::Unavailable
        })
    }

    /// Returns the hash of an unknown name: users type passwords into the wrong field.
    pub fn hash_name(&self, name: &str) -> String {
        let folded = username_key(name);
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(folded.as_bytes())
            .finalize();
        digest
            .iter()
            .take(12)
            .fold("name:".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    fn sums(&self) -> MutexGuard<'_, FailureSums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal of a caller; `true` when it gets a row of its own.
    pub fn count_refusal(&self, entry: &AuditEntry) -> bool {
        let caller = entry.actor.map_or_else(
            || entry.address.clone().unwrap_or_default(),
            |user| user.to_string(),
        );
        let mut sums = self.sums();
        if sums.refusals.len() >= MAX_TRACKED_CALLERS && !sums.refusals.contains_key(&caller) {
            return false;
        }
        let (count, last) = sums.refusals.entry(caller).or_default();
        *count += 1;
        if *count > MAX_SINGLE_REFUSALS {
            *last = Some(entry.clone());
        }
        *count <= MAX_SINGLE_REFUSALS
    }

    /// Returns whether the user has not just fetched this file.
    pub fn is_first_fetch(&self, user: UserId, file: FileId, is_thumbnail: bool) -> bool {
        let key = (user, file, is_thumbnail);
        let is_first = !self.fetched.contains_key(&key);
        if is_first {
            self.fetched.insert(key, ());
        }
        is_first
    }

    /// Counts a failed sign-in.
    pub fn count_failure(&self, name: String, network: String) {
        let mut sums = self.sums();
        if sums.failures.len() < MAX_TRACKED_CALLERS
            || sums.failures.contains_key(&(name.clone(), network.clone()))
        {
            *sums.failures.entry((name, network)).or_default() += 1;
        }
    }

    /// Logs and queues the sums, and resets them.
    pub fn flush_sums(&self) {
        let FailureSums { failures, refusals } = std::mem::take(&mut *self.sums());
        let mut worst: Vec<_> = failures.into_iter().collect();
        worst.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        if !worst.is_empty() {
            let total: u64 = worst.iter().map(|(_, count)| count).sum();
            let named: Vec<String> = worst
                .iter()
                .take(MAX_LOGGED_SUMS)
                .map(|((name, network), count)| format!("{name} from {network}: {count}"))
                .collect();
            tracing::warn!(target: "security", total, worst = named.join("; "), "sign-ins failed within a minute");
        }
        for (count, last) in refusals.into_values() {
            if let Some(entry) = last {
                let entry = AuditEntry {
                    id: AuditEntryId::generate(),
                    count: count - MAX_SINGLE_REFUSALS,
                    ..entry
                };
                log_entry(&entry);
                // An entry that does not fit was counted by the metric.
                let _ = self.enqueue(entry);
            }
        }
    }
}

/// Writes the log line of an action.
pub fn log_entry(entry: &AuditEntry) {
    let text = |id: Option<String>| id.unwrap_or_default();
    let changed: Vec<&str> = entry
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect();
    tracing::info!(
        target: "security",
        action = entry.action,
        outcome = entry.verdict,
        actor = text(entry.actor.map(|user| user.to_string())),
        principal = entry.principal,
        subject = text(entry.subject.map(|user| user.to_string())),
        object = text(entry.object.clone()),
        session = text(entry.session.map(|session| session.to_string())),
        changed = changed.join(","),
        address = text(entry.address.clone()),
        request = text(entry.request.clone()),
        token = text(entry.token.clone()),
        gateway = entry.gateway,
        count = entry.count,
        "audited"
    );
}

/// Writes the queue until `stop`, then the rows left in it.
pub async fn run(
    store: Store,
    recorder: Weak<Services>,
    clock: Arc<dyn Clock>,
    mut receiver: mpsc::Receiver<AuditEntry>,
    stop: CancellationToken,
) {
    let mut interval = Ticks::new(&clock, SUMMARY_INTERVAL);
    let mut rows = Vec::new();
    let sum_up = || {
        if let Some(services) = recorder.upgrade() {
            services.recorder.flush_sums();
        }
    };
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = interval.tick() => sum_up(),
            _ = receiver.recv_many(&mut rows, WRITE_BATCH_SIZE) => {
                while !rows.is_empty() && !write(&store, &mut rows).await && !stop.is_cancelled() {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = clock.sleep(RETRY_DELAY) => {}
                    }
                }
            }
        }
    }
    sum_up();
    receiver.close();
    for _ in 0..MAX_SHUTDOWN_TRIES {
        while rows.is_empty() && receiver.recv_many(&mut rows, WRITE_BATCH_SIZE).await > 0 {
            write(&store, &mut rows).await;
        }
        if rows.is_empty() {
            return;
        }
        clock.sleep(RETRY_DELAY).await;
        write(&store, &mut rows).await;
    }
    tracing::error!(target: "security", rows = rows.len() + receiver.len(), "rows of the record were not stored");
}

async fn write(store: &Store, rows: &mut Vec<AuditEntry>) -> bool {
    match store.record_skipping_invalid(rows).await {
        Ok(()) => {
            rows.clear();
            true
        }
        Err(error) => {
            tracing::warn!(target: "security", %error, rows = rows.len(), "the record could not be written; it is tried again");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn entry(address: &str) -> AuditEntry {
        AuditEntry {
            id: AuditEntryId::generate(),
            at: Timestamp(0),
            actor: None,
            principal: String::new(),
            action: "access.refused".to_owned(),
            subject: None,
            object: None,
            session: None,
            changes: Vec::new(),
            address: Some(address.to_owned()),
            request: None,
            token: None,
            gateway: "chat".to_owned(),
            verdict: "refused".to_owned(),
            count: 1,
        }
    }

    #[test]
    fn a_full_record_refuses_and_a_name_is_not_told() {
        let (recorder, _rows) = Recorder::with_queue_size(2, b"secret");
        assert!(recorder.enqueue(entry("a")).is_ok() && recorder.enqueue(entry("a")).is_ok());
        assert!(matches!(
            recorder.enqueue(entry("a")),
            Err(Error::Unavailable)
        ));
        let hash = recorder.hash_name("Hunter2");
        assert!(hash.starts_with("name:") && !hash.contains("unter"));
        assert_eq!(hash, recorder.hash_name("hunter2"));
        assert_ne!(
            hash,
            Recorder::with_queue_size(1, b"other")
                .0
                .hash_name("hunter2"),
            "another house's hash is another"
        );
    }

    #[test]
    fn many_refusals_are_counted_and_a_few_are_rows() {
        let (recorder, mut rows) = Recorder::with_queue_size(100, b"secret");
        let samples = (0..25)
            .filter(|_| recorder.count_refusal(&entry("a")))
            .count();
        assert_eq!(samples as u64, MAX_SINGLE_REFUSALS);
        assert!(
            recorder.count_refusal(&entry("b")),
            "another caller is another"
        );
        recorder.flush_sums();
        assert_eq!(rows.try_recv().unwrap().count, 15);
        assert!(rows.try_recv().is_err());
        assert!(recorder.count_refusal(&entry("a")), "a new minute");
    }
}
