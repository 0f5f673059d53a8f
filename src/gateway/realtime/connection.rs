//! One live connection of any gateway: who it is, its phase from the handshake to its end, and its
//! share of the limits.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    dialect::{ConnectionOptions, ConnectionPolicy, Dialect, FrameSink, Responder, Surplus},
    inbox::Inbox,
    outbox::DialectOutbox,
};
use crate::{
    domain::{
        Error, Result,
        access::{Actor, AuthenticatedToken},
        audit::Origin,
        event::Closing,
        ids::ConnectionId,
    },
    gateway::{
        http::{
            AppState,
            load_meter::{Heavy, HeavyPermit, Load, LoadAccount, MAX_CONNECTION_OUTGOING_BYTES},
        },
        i18n::Language,
    },
    hub::{CloseReason, Hub, QuotaGuard},
    service::{Authentication, CachedProfile},
};

/// How long a handshake may wait for the check of its token.
const TOKEN_CHECK_TIMEOUT: Duration = Duration::from_secs(4);

/// How often a connection's unread bytes are checked, and for how long. A client that reads nothing
/// is disconnected earlier.
const DRAIN_POLL_INTERVAL: Duration = Duration::from_millis(25);
const DRAIN_TIMEOUT: Duration = Duration::from_mins(1);

/// The undecodable frames within this time that are a flood.
const FLOOD_FRAMES: u32 = 100;
const FLOOD_WINDOW: Duration = Duration::from_secs(10);

/// Checks a token, for a handshake.
///
/// # Errors
/// `AuthFailed`, `TokenExpired`; `Unavailable` when the check takes too long.
pub async fn authenticate(app: &AppState, token: &str) -> Result<Authentication> {
    let check = tokio::time::timeout(TOKEN_CHECK_TIMEOUT, app.services.authenticate(token));
    check.await.map_err(|_| Error::Unavailable)?
}

/// What a transport knows of a new connection.
pub struct Arrival {
    pub app: AppState,
    pub hub: Arc<Hub>,
    pub auth: AuthenticatedToken,
    /// The profile that authentication loaded.
    pub profile: Option<CachedProfile>,
    pub language: Language,
    /// Where its commands come from, for the audit log.
    pub origin: Origin,
    pub options: ConnectionOptions,
    /// The bytes its client has not read yet.
    pub load: Arc<Load>,
    /// The load of its user, over all connections.
    pub load_account: Arc<LoadAccount>,
}

/// One live connection, until it is closed.
pub struct Connection {
    pub app: AppState,
    pub actor: Actor,
    pub auth: AuthenticatedToken,
    pub language: Language,
    pub origin: Origin,
    pub options: ConnectionOptions,
    pub load_account: Arc<LoadAccount>,
    pub(super) inbox: Inbox,
    load: Arc<Load>,
    hub: Arc<Hub>,
    profile: Mutex<Option<Box<CachedProfile>>>,
    phase: Mutex<Phase>,
    id: OnceLock<ConnectionId>,
    /// Its share of its user's connection quota, until it leaves.
    quota_guard: Mutex<Option<QuotaGuard>>,
    arrived: Notify,
    /// The undecodable frames since this time.
    bad_frames: Mutex<(Option<Instant>, u32)>,
}

/// The phase of a connection. It may leave before it has joined the hub.
enum Phase {
    Arriving,
    In,
    Gone,
}

impl Connection {
    /// Creates a connection that has not joined the hub. The quota is taken before anything else:
    /// several handshakes may run at the same time.
    ///
    /// # Errors
    /// `RateLimited` when the user has too many connections and the policy refuses the new one.
    pub fn new(
        arrival: Arrival,
        dialect: &'static str,
        policy: ConnectionPolicy,
    ) -> Result<Arc<Self>> {
        let user = arrival.auth.actor.user;
        let most = match policy.surplus {
            Surplus::Refused => policy.max_connections,
            // The oldest goes when this one joins; a handshake of each may be under way.
            Surplus::OldestCloses(_) => policy.max_connections.saturating_mul(2).max(16),
        };
        let quota_guard = arrival.hub.reserve(dialect, user, most);
        let quota_guard = quota_guard.ok_or(Error::RateLimited {
            retry_after: TOKEN_CHECK_TIMEOUT,
        })?;
        Ok(Arc::new(Self {
            app: arrival.app,
            actor: arrival.auth.actor.clone(),
            auth: arrival.auth,
            language: arrival.language,
            origin: arrival.origin,
            options: arrival.options,
            load_account: arrival.load_account,
            inbox: Inbox::default(),
            load: arrival.load,
            hub: arrival.hub,
            profile: Mutex::new(arrival.profile.map(Box::new)),
            phase: Mutex::new(Phase::Arriving),
            id: OnceLock::new(),
            quota_guard: Mutex::new(Some(quota_guard)),
            arrived: Notify::new(),
            bad_frames: Mutex::new((None, 0)),
        }))
    }

    /// Returns its id in the hub; `None` before it has joined.
    pub fn id(&self) -> Option<ConnectionId> {
        self.id.get().copied()
    }

    /// Takes the profile that authentication loaded; returns it only once.
    pub fn take_profile(&self) -> Option<CachedProfile> {
        self.profile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map(|profile| *profile)
    }

    /// Waits until it has joined the hub. Its client may learn of the acceptance, and send
    /// something, shortly before.
    pub async fn wait_until_joined(&self) {
        let arrived = self.arrived.notified();
        tokio::pin!(arrived);
        arrived.as_mut().enable();
        if self.id().is_none() {
            let _ = tokio::time::timeout(TOKEN_CHECK_TIMEOUT, arrived).await;
        }
    }

    /// Returns its load: the bytes its client has not read yet.
    pub fn load(&self) -> &Arc<Load> {
        &self.load
    }

    /// Waits for a permit for heavy work, once the client has read most of its earlier answers. So
    /// a client that requests much at once gets it only as fast as it reads.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn turn(&self, heavy: Heavy, weight: usize) -> Result<HeavyPermit> {
        let drained = async {
            while self.load.waiting() > MAX_CONNECTION_OUTGOING_BYTES / 2 && !self.is_gone() {
                tokio::time::sleep(DRAIN_POLL_INTERVAL).await;
            }
        };
        let late = |_| Error::RateLimited {
            retry_after: TOKEN_CHECK_TIMEOUT,
        };
        tokio::time::timeout(DRAIN_TIMEOUT, drained)
            .await
            .map_err(late)?;
        self.app.turn(self.actor.user, heavy, weight).await
    }

    fn is_gone(&self) -> bool {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*phase, Phase::Gone)
    }

    /// Registers the connection in the hub, from where it receives its user's events.
    pub fn join_hub<D: Dialect>(self: &Arc<Self>, dialect: &Arc<D>, sink: Arc<dyn FrameSink>) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*phase, Phase::Arriving) {
            return;
        }
        let responder = Responder {
            connection: Arc::clone(self),
            sink,
        };
        dialect.greet(&responder);
        let outbox = DialectOutbox {
            dialect: Arc::clone(dialect),
            responder,
        };
        let id = self
            .hub
            .register(D::NAME, self.auth.clone(), Box::new(outbox));
        let _ = self.id.set(id);
        *phase = Phase::In;
        drop(phase);
        self.arrived.notify_waiters();
        // Its token may have ended before it was registered. A token that ends from now on is found
        // in the hub.
        if self.app.services.is_ended_here(&self.auth) {
            self.hub.close(
                &Closing::Token(self.actor.token.clone()),
                CloseReason::TokenEnded,
            );
        }
        let policy = dialect.policy();
        if let Surplus::OldestCloses(reason) = policy.surplus {
            self.hub
                .close_surplus(D::NAME, self.actor.user, policy.max_connections, reason);
        }
    }

    /// Makes the user present by this connection.
    ///
    /// # Errors
    /// `AuthFailed` when the account is gone.
    pub async fn enter(&self, sink: &dyn FrameSink) -> Result<()> {
        let id = self.id().ok_or(Error::AuthFailed)?;
        let services = &self.app.services;
        let (client, profile) = (sink.client_info(), self.take_profile());
        services
            .join(&self.actor, self.actor.user, id, client, profile)
            .await
            .map(drop)
    }

    /// Ends the connection: it receives nothing more, and its user's presence is reconsidered.
    /// Called twice, it has no effect.
    pub fn leave(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Phase::In, Some(id)) = (std::mem::replace(&mut *phase, Phase::Gone), self.id()) {
            self.app.services.left(&self.actor, id);
        }
        drop(phase);
        *self
            .quota_guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Disconnects the client because it cannot keep up with its outbox.
    pub fn disconnect_slow_consumer(&self) {
        if let Some(id) = self.id() {
            self.hub.disconnect(id, CloseReason::Lagging);
        }
    }

    /// Counts an undecodable frame. Returns whether they are a flood.
    pub(super) fn count_bad_frame(&self) -> bool {
        let mut bad_frames = self
            .bad_frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (since, count) = &mut *bad_frames;
        let now = Instant::now();
        if since.is_none_or(|since| now.duration_since(since) > FLOOD_WINDOW) {
            (*since, *count) = (Some(now), 0);
        }
        *count += 1;
        *count >= FLOOD_FRAMES
    }

    /// Closes the connection because of what its client sends.
    pub(super) fn disconnect_flooding(&self) {
        if let Some(id) = self.id() {
            self.hub.disconnect(id, CloseReason::Flooding);
        }
    }

    /// Subscribes the connection to the presence of all users.
    pub fn watch_presence(&self) {
        if let Some(id) = self.id() {
            self.hub.watch_presence(id);
        }
    }
}
