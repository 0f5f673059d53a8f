//! The operations of the service. Each takes an [`Actor`], checks access, stores, then publishes.
//!
//! This is the only module that changes data. Gateways translate to these operations and decide
//! nothing. What an operation may do is in `domain::access` and `domain::conversation_state`; how
//! it is stored is in `store`.

mod accounts;
pub mod audit;
pub mod blocking;
mod conversations;
mod creation_limits;
mod deliveries;
mod directory;
mod files;
mod forward;
mod groups;
mod guests;
mod health;
mod import;
pub mod jobs;
mod messages;
mod passwords;
mod presence;
mod publisher;
mod receipt_counts;
mod revisions;
mod rollups;
mod search;
mod seed;
mod sign_in;
mod statistics;
mod sync;
mod synthetic;
mod throttle;
mod token_validity;
mod tokens;
mod typing;
mod unread;
mod user_statistics;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    bus::Bus,
    config::Settings,
    domain::{
        Clock, Result, UserId,
        access::{Action, Actor, Facts, Grant, Permission, Principal, authorize},
        time::Ticks,
    },
    hub::Hub,
    store::{
        Store,
        batch_loader::BatchLoader,
        commit::{self, CommitQueue},
        search::SearchIndex,
    },
};

pub use accounts::{NewAccount, SignedIn};
pub use audit::Recorded;
pub use conversations::ConversationView;
pub use files::{FileLink, LinkProof, OpenFile, Upload, Version};
pub use forward::{Forwarded, Forwarding, MAX_FORWARD_TARGETS, MAX_FORWARDED_MESSAGES, Mode};
pub use groups::{ConversationInfo, NewGroup};
pub use messages::{History, PendingSend, Unreads};
pub use presence::ClientInfo;
pub use revisions::Receipts;
pub use search::{Found, FoundMessage, MAX_KEYWORD_CHARS, MentionFilter, Search};
pub use seed::DEMO_PASSWORD;
pub use statistics::{DepartmentStatistics, Overview, PeopleOrder, Period, PersonStatistics};
pub use store_types::{Excerpt, UserChange, UserFilter};
pub use sync::{ConversationSync, SyncFrom, Synced};
pub use synthetic::Synthetic;
pub use token_validity::TOKEN_RECHECK_INTERVAL;
pub use tokens::{Authentication, CachedProfile, Issued};
pub use user_statistics::Stats;

mod store_types {
    //! The parameters and results of operations that the store defines.
    pub use crate::store::{
        search::Excerpt,
        users::{UserChange, UserFilter},
    };
}

/// The interval at which deactivations on other nodes are read; those of this process are known at
/// once.
const DEACTIVATION_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// All operations, and their shared state.
pub struct Services {
    /// A reference to itself, for the tasks that operations start.
    this: Weak<Services>,
    store: Store,
    hub: Arc<Hub>,
    bus: Arc<dyn Bus>,
    queue: CommitQueue,
    clock: Arc<dyn Clock>,
    settings: Arc<Settings>,
    tokens: tokens::Tokens,
    passwords: passwords::HashingService,
    throttle: throttle::Throttle,
    presence: presence::PresenceRegistry,
    typing: typing::TypingTracker,
    unread: unread::UnreadCounts,
    deliveries: deliveries::DeliveryQueue,
    receipt_counts: receipt_counts::ReceiptCountQueue,
    upload_slots: files::UploadSlots,
    recorder: audit::Recorder,
    creation_limits: creation_limits::CreationLimits,
    rollups: rollups::RollupQueue,
    jobs: Arc<jobs::JobQueue>,
    /// The number of users that are online or away, counted once for all callers that ask at the
    /// same time.
    present_count: BatchLoader<(), u64>,
    search: SearchIndex,
    health: health::Health,
}

/// Returns which issuers are trusted, and the lifetime of tokens.
fn trusted_issuers(settings: &Settings) -> tokens::TrustedIssuers {
    tokens::TrustedIssuers {
        lifetime: settings.auth.jwt_ttl,
        guest_lifetime: settings.auth.guest_ttl,
        audience: settings.auth.jwt_audience.clone(),
        issuers: settings.auth.jwt_issuers.clone(),
    }
}

/// Returns the grant of the operator, and of the service's own work.
///
/// # Errors
/// Never: the operator may do everything.
fn operator_grant<P: Permission>() -> Result<Grant<P>> {
    authorize(Principal::Operator, Facts::None)
}

/// The interval at which the rights of connected users are checked. A direct change of the database
/// publishes nothing.
const RIGHTS_CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// The services and their background tasks.
pub struct Running {
    pub services: Arc<Services>,
    /// They end by themselves once the commit path is stopped and has finished.
    pub tasks: Vec<JoinHandle<()>>,
}

impl Services {
    /// Starts the commit path and the tasks that follow commits or run on a timer.
    ///
    /// `secret` signs tokens. `stop` ends the background work; queued commands are still committed.
    #[must_use]
    pub fn start(
        store: Store,
        hub: Arc<Hub>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        settings: Arc<Settings>,
        secret: &[u8],
        stop: &CancellationToken,
    ) -> Running {
        let writer = commit::start(&store, &clock, stop);
        let (recorder, rows) = audit::Recorder::new(secret);
        let services = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            tokens: tokens::Tokens::new(
                secret,
                trusted_issuers(&settings),
                settings.timings.token_cache_ttl,
            ),
            passwords: passwords::HashingService::new(),
            throttle: throttle::Throttle::new(settings.limits.rate_limit),
            presence: presence::PresenceRegistry::new(hub.node()),
            typing: typing::TypingTracker::default(),
            unread: unread::UnreadCounts::default(),
            deliveries: deliveries::DeliveryQueue::default(),
            receipt_counts: receipt_counts::ReceiptCountQueue::default(),
            upload_slots: files::UploadSlots::default(),
            recorder,
            creation_limits: creation_limits::CreationLimits::new(settings.limits.rate_limit),
            present_count: presence::present_count(Weak::clone(this)),
            rollups: rollups::RollupQueue::new(Arc::clone(&settings.general.calendar)),
            jobs: Arc::default(),
            search: SearchIndex::of(&settings.general.data_dir, &settings.database.name),
            health: health::Health::default(),
            queue: writer.queue,
            store,
            hub,
            bus,
            clock,
            settings,
        });
        let mut tasks = writer.tasks;
        let record = audit::record_entries(
            services.store.clone(),
            Arc::downgrade(&services),
            Arc::clone(&services.clock),
            rows,
            stop.clone(),
        );
        tasks.push(tokio::spawn(record));
        for batches in writer.committed {
            tasks.push(tokio::spawn(publisher::run(Arc::clone(&services), batches)));
        }
        let until = |stop: &CancellationToken| stop.clone().cancelled_owned();
        tasks.push(tokio::spawn(
            Arc::clone(&services).run_deliveries(until(stop)),
        ));
        tasks.push(tokio::spawn(
            Arc::clone(&services).publish_counts(until(stop)),
        ));
        tasks.push(tokio::spawn(
            Arc::clone(&services).publish_presence(until(stop)),
        ));
        tasks.push(tokio::spawn(
            Arc::clone(&services).run_periodic_tasks(until(stop)),
        ));
        tasks.push(tokio::spawn(
            Arc::clone(&services).poll_revocations(until(stop)),
        ));
        tasks.push(tokio::spawn(Arc::clone(&services).run_jobs(until(stop))));
        Running { services, tasks }
    }

    /// Maintains the search index until `stop`, for a serving process. A command-line command must
    /// not open the index, which follows the database by itself.
    pub fn run_search_index(&self, stop: &CancellationToken) -> Option<JoinHandle<()>> {
        match self.search.run(&self.store, stop) {
            Ok(end) => Some(tokio::spawn(async move { drop(end.await) })),
            Err(error) => {
                tracing::error!(%error, "there is no search: its thread cannot be started");
                None
            }
        }
    }

    /// Returns the number of commands that wait to be committed.
    pub fn commit_queue_depth(&self) -> usize {
        self.queue.queued_commands()
    }

    /// Checks that a read of another user's data is allowed, and audits it.
    async fn audit_read(&self, actor: &Actor, subject: UserId, action: &'static str) -> Result<()> {
        actor.require_about(Action::ReadLists, subject)?;
        if actor.user != subject {
            self.record(audit::AuditedAction::by(actor, action).on(subject))
                .await?;
        }
        Ok(())
    }

    /// Runs the work on timers. It closes the sockets of expired tokens, sends this node's
    /// heartbeat, and takes the users of dead nodes offline.
    async fn run_periodic_tasks(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut seconds = Ticks::new(&self.clock, Duration::from_secs(1));
        let mut interval = Ticks::new(&self.clock, Duration::from_mins(1));
        let mut standings = Ticks::new(&self.clock, DEACTIVATION_POLL_INTERVAL);
        let mut heartbeat = Ticks::new(&self.clock, self.settings.timings.heartbeat);
        let rights_interval = RIGHTS_CHECK_INTERVAL.min(self.settings.timings.heartbeat);
        let mut rights = Ticks::new(&self.clock, rights_interval);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = seconds.tick() => self.hub.close_expired(self.clock.now()),
                () = interval.tick() => self.creation_limits.evict_idle(),
                () = standings.tick() => {
                    if let Err(error) = self.store.load_inactive().await {
                        tracing::debug!(%error, "who is not active could not be read");
                    }
                }
                () = heartbeat.tick() => {
                    if let Err(error) = self.send_heartbeat().await {
                        tracing::warn!(%error, "the heartbeat was not stored");
                    }
                }
                () = rights.tick() => {
                    if let Err(error) = self.close_revoked_connections().await {
                        tracing::warn!(%error, "ended tokens could not be looked up");
                    }
                }
            }
        }
    }
}
