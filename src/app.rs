//! The only place that wires the parts: settings, store, hub, services, gateways; and the shutdown.

mod system_clock;
pub mod wiring;

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, LocalBus},
    config::{Environment, SectionEntry, Settings},
    domain::{Clock, audit::AuditFilter, time::Ticks},
    gateway::{
        Gateway,
        chat::json::{AuditJson, Row},
        http::{
            AppState,
            connection_slots::ConnectionSlots,
            document, layers,
            limits::{Limits, MaintenanceTask},
            listener::{self, ListenerLimits},
            load_meter::LoadMeter,
            operations,
        },
        transport::{RealtimeServers, websocket::KeepAlive},
        web,
    },
    hub::Hub,
    service::{Running, Services},
    store::{
        Store,
        address::{Address, BadAddress},
        embedded::{EmbeddedError, EmbeddedMongod, EmbeddedOptions},
        readiness::NotReady,
        search::SearchIndex,
    },
    telemetry,
};

/// When a silent WebSocket is asked for a Pong, and when it is cut.
const KEEP_ALIVE: KeepAlive = KeepAlive {
    ping_after: Duration::from_secs(15),
    cut_after: Duration::from_mins(1),
};

/// The sections of settings that gateways add.
pub const GATEWAY_SECTIONS: &[SectionEntry] = &[];

/// The page size of a read of the audit log, and the most lines that are printed.
const AUDIT_PAGE_ROWS: u64 = 1_000;
const MAX_AUDIT_LINES: usize = 100_000;

/// How long the parts have to finish at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
const COMMIT_DRAIN_TIMEOUT: Duration = Duration::from_secs(12);

/// Why the service did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] crate::config::BadSettings),
    #[error("the managed mongod did not start")]
    Mongod(#[from] EmbeddedError),
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("MONGODB_URI contradicts itself")]
    Options(#[from] mongodb::error::Error),
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error("FILE_STORE cannot be used")]
    Files(#[from] crate::store::blobs::BadBlobLocation),
    #[error(transparent)]
    Database(#[from] crate::domain::Error),
    #[error("cannot {0} {1}")]
    Io(&'static str, String, #[source] io::Error),
    #[error("{0}")]
    Telemetry(String),
    #[error("the API's description cannot be written: {0}")]
    Document(String),
}

/// The service with its database, before it listens: sufficient for every command.
pub struct App {
    pub settings: Arc<Settings>,
    pub services: Arc<Services>,
    hub: Arc<Hub>,
    store: Store,
    clock: Arc<dyn Clock>,
    mongod: Option<EmbeddedMongod>,
    gateways: Vec<Box<dyn Gateway>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Opens a connection to the database; also returns the mongod if the service manages it.
async fn open_store(settings: &Settings) -> Result<(Store, Option<EmbeddedMongod>), StartError> {
    if let Some(uri) = &settings.database.uri {
        return Ok((connect(settings, uri).await?, None));
    }
    let options = EmbeddedOptions {
        binary: settings.database.mongod.clone(),
        search_path: settings.database.search_path.clone(),
        data_dir: settings.general.data_dir.clone(),
        cache_gb: None,
    };
    let mongod = EmbeddedMongod::start(options).await?;
    match connect(settings, mongod.uri()).await {
        Ok(store) => Ok((store, Some(mongod))),
        Err(error) => {
            mongod.stop().await?;
            Err(error)
        }
    }
}

/// Connects to a database that meets the requirements, with the location of its files.
async fn connect(settings: &Settings, uri: &str) -> Result<Store, StartError> {
    let store = Store::connect(Address::parse(uri).await?, &settings.database.name)?;
    let store = store.with_blob_location(&settings.files.store)?;
    store
        .check_readiness(settings.database.is_named_by_uri)
        .await?;
    Ok(store)
}

impl App {
    /// Opens the database, migrates it to this program's format, and starts the services.
    ///
    /// # Errors
    /// When the database cannot be reached or is newer than this program.
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        restrict_to_owner(&settings.general.data_dir)?;
        telemetry::recorder().map_err(StartError::Telemetry)?;
        let (store, mongod) = open_store(&settings).await?;
        match Self::start(Arc::clone(&settings), clock, store).await {
            Ok(app) => Ok(Self { mongod, ..app }),
            Err(error) => {
                if let Some(mongod) = mongod {
                    mongod.stop().await?;
                }
                Err(error)
            }
        }
    }

    /// Opens the app as [`App::open`] does, but through the managed mongod of a service that
    /// already runs on this data folder. Commands beside that service use it.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open_beside(
        mut settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        if settings.database.uri.is_none()
            && let Some(uri) = EmbeddedMongod::running_uri(&settings.general.data_dir)
        {
            settings.database.uri = Some(uri);
        }
        Self::open(settings, clock).await
    }

    /// Requests a new search index from the service that runs on this data folder, or from the next
    /// one.
    ///
    /// # Errors
    /// When the index's folder cannot be written.
    pub fn reindex(settings: &Settings) -> Result<(), StartError> {
        restrict_to_owner(&settings.general.data_dir)?;
        SearchIndex::renew(&settings.general.data_dir, &settings.database.name).map_err(|error| {
            StartError::Io(
                "write into",
                settings.general.data_dir.display().to_string(),
                error,
            )
        })
    }

    async fn start(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        store: Store,
    ) -> Result<Self, StartError> {
        store.migrate().await?;
        store.test_operations().await?;
        store.blobs().test_operations().await?;
        store.load_inactive().await?;
        let secret = signing_secret(&settings)?;
        let (hub, stop) = (Arc::<Hub>::default(), CancellationToken::new());
        let here = Arc::clone(&hub);
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new(Box::new(move |batch| {
            for envelope in batch {
                here.publish(envelope);
            }
        })));
        let Running { services, tasks } = Services::start(
            store.clone(),
            Arc::clone(&hub),
            bus,
            Arc::clone(&clock),
            Arc::clone(&settings),
            secret.as_bytes(),
            &stop,
        );
        let app = Self {
            settings,
            services,
            hub,
            store,
            clock,
            mongod: None,
            gateways: wiring::gateways(),
            stop,
            tasks,
        };
        app.services.ensure_first_admin().await?;
        Ok(app)
    }

    /// Adds a gateway to those of [`wiring::gateways`].
    #[must_use]
    pub fn with_gateway(mut self, gateway: Box<dyn Gateway>) -> Self {
        self.gateways.push(gateway);
        self
    }

    /// Listens at the address of the settings.
    ///
    /// # Errors
    /// As [`App::bind`].
    pub fn listen(&self) -> Result<TcpListener, StartError> {
        Self::bind(&self.settings)
    }

    /// Binds the address of the settings before anything else is done: a second service on it
    /// changes nothing. Clients that connect meanwhile wait.
    ///
    /// # Errors
    /// When the address is taken or does not belong to this machine.
    pub fn bind(settings: &Settings) -> Result<TcpListener, StartError> {
        let address = SocketAddr::new(settings.listen.host, settings.listen.port);
        listener::listen(address)
            .map_err(|error| StartError::Io("listen on", address.to_string(), error))
    }

    /// Serves until `shutdown`, then stops in order: refuse new requests, close the sockets, finish
    /// the commits, clear the presence of this node, stop mongod.
    ///
    /// # Errors
    /// When the listener breaks, or mongod does not stop.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StartError> {
        let recorder = telemetry::recorder().map_err(StartError::Telemetry)?;
        self.warn_about_settings();
        self.tasks
            .extend(self.services.run_search_index(&self.stop));
        let limits = Arc::new(Limits::new(self.settings.limits.rate_limit));
        let load_meter = LoadMeter::default();
        let places = ConnectionSlots::new(
            self.settings.limits.rate_limit,
            &self.settings.listen.trusted_proxies,
        );
        let bounds = ListenerLimits {
            places,
            load_meter: load_meter.clone(),
        };
        let app = AppState {
            services: Arc::clone(&self.services),
            settings: Arc::clone(&self.settings),
            limits: Arc::clone(&limits),
            load_meter: load_meter.clone(),
        };
        let mut beside = operations::plain(recorder);
        if self.settings.listen.docs_open {
            beside = beside.merge(operations::docs(
                complete_document().map_err(|error| StartError::Document(error.to_string()))?,
            ));
        }
        let forget: Vec<MaintenanceTask> = vec![Arc::new(move || limits.evict_idle())];
        let api = wiring::api(&self.gateways, Some(&app), beside)
            .split_for_parts()
            .0;
        let routes: Router = Router::new()
            .merge(api)
            .merge(web::routes())
            .with_state(app.clone());
        if self.settings.auth.registration_open
            && self.settings.general.environment == Environment::Production
        {
            tracing::warn!(
                "REGISTRATION=open: in production everybody who reaches this service may make an account"
            );
        }
        if !web::is_built() {
            tracing::warn!("the web client was not built into this binary: / says how to get it");
        }
        let mut sockets = RealtimeServers::new(&app, &self.hub, KEEP_ALIVE);
        for gateway in &self.gateways {
            gateway.serve(&mut sockets);
        }
        let everything = layers::wrap(&app, sockets.wrap_routes(layers::bound(routes)));
        let sweep = tokio::spawn(run_maintenance(Arc::clone(&self.clock), forget));
        let rollups = Arc::clone(&self.services).run_rollups(self.stop.clone().cancelled_owned());
        let mut app = self;
        app.tasks.push(tokio::spawn(rollups));
        let closing = app.stop.child_token();
        let mut server = tokio::spawn(listener::serve(
            listener,
            everything,
            bounds,
            closing.clone(),
        ));
        tokio::select! {
            () = shutdown => {}
            ended = &mut server => {
                tracing::error!(?ended, "the listener ended by itself");
            }
        }
        tracing::info!("stopping");
        closing.cancel();
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, sockets.close()).await;
        if !server.is_finished()
            && tokio::time::timeout(SHUTDOWN_GRACE, &mut server)
                .await
                .is_err()
        {
            server.abort();
        }
        sweep.abort();
        app.close().await
    }

    /// Logs what an operator should know at each start.
    fn warn_about_settings(&self) {
        let is_production = self.settings.general.environment == Environment::Production;
        match (&self.mongod, is_production) {
            (Some(_), true) => tracing::warn!(
                "production on a mongod of the service's own: no other machine holds a copy of the data"
            ),
            (Some(_), false) => {
                tracing::info!(
                    "the managed mongod is for development; MONGODB_URI names a real one"
                );
            }
            (None, _) => {}
        }
        if is_production && !self.settings.limits.rate_limit {
            tracing::warn!("RATE_LIMIT=off in production: nothing bounds guessing and flooding");
        }
        if !self.settings.listen.host.is_loopback()
            && self.settings.listen.trusted_proxies.is_empty()
        {
            tracing::warn!(
                "pages that come over plain http have neither voice nor notifications: \
                 a reverse proxy with TLS, named in TRUSTED_PROXIES, gives them"
            );
        }
    }

    /// Finishes what is queued, clears the presence of this node, and stops mongod if the service
    /// manages it.
    ///
    /// # Errors
    /// When mongod does not stop.
    pub async fn close(self) -> Result<(), StartError> {
        self.stop.cancel();
        let finished = tokio::time::timeout(
            COMMIT_DRAIN_TIMEOUT,
            futures_util::future::join_all(self.tasks),
        )
        .await;
        if finished.is_err() {
            tracing::warn!("the last commits did not finish in time");
        }
        if let Err(error) = self.services.leave().await {
            tracing::warn!(%error, "presence was not cleared");
        }
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, self.store.close()).await;
        if let Some(mongod) = self.mongod {
            mongod.stop().await?;
        }
        Ok(())
    }

    /// Removes the whole database, then closes: for tests, which have one each.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn drop_database_and_close(self) -> Result<(), StartError> {
        self.store.drop_database().await?;
        self.close().await
    }

    /// Returns the audit log back to `since`, newest first, one line for each row: for the
    /// operator.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn record(
        &self,
        since: Duration,
        as_json: bool,
    ) -> crate::domain::Result<Vec<String>> {
        let from = Some(self.clock.now().minus(since));
        let filter = AuditFilter {
            from,
            ..AuditFilter::default()
        };
        let (mut lines, mut before) = (Vec::new(), None);
        while lines.len() < MAX_AUDIT_LINES {
            let recorded = self
                .services
                .recorded_for_operator(&filter, before.as_ref(), AUDIT_PAGE_ROWS)
                .await?;
            before = recorded.next;
            for row in AuditJson::rows(recorded, &self.settings.general.calendar) {
                let json = || serde_json::to_string(&row).unwrap_or_default();
                lines.push(if as_json {
                    json()
                } else {
                    row.cells(&self.settings.general.calendar).join("\t")
                });
            }
            if before.is_none() {
                break;
            }
        }
        Ok(lines)
    }

    /// Returns the database, for tests that inspect it.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Returns the API's description, as stored in `schemas/openapi.json`.
///
/// # Errors
/// When it cannot be written as JSON, which is a defect of the service.
pub fn openapi() -> Result<String, serde_json::Error> {
    complete_document()?.to_pretty_json()
}

fn complete_document() -> Result<utoipa::openapi::OpenApi, serde_json::Error> {
    let api = wiring::api(&wiring::gateways(), None, Router::new());
    document::complete(api.into_openapi())
}

async fn run_maintenance(clock: Arc<dyn Clock>, maintenance: Vec<MaintenanceTask>) {
    let mut interval = Ticks::new(&clock, Duration::from_mins(1));
    loop {
        interval.tick().await;
        for chore in &maintenance {
            chore();
        }
    }
}

/// The bits of a mode for group and others.
const OTHERS_MODE_BITS: u32 = 6;

/// Creates a folder if needed, and restricts it to its owner.
fn restrict_to_owner(folder: &Path) -> Result<(), StartError> {
    let failed = |what| move |error| StartError::Io(what, folder.display().to_string(), error);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed("make the folder"))?;
    let mode = fs::metadata(folder)
        .map_err(failed("look at the folder"))?
        .permissions()
        .mode();
    if mode.trailing_zeros() >= OTHERS_MODE_BITS {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        .map_err(failed("close to others the folder"))
}

/// Returns the secret of the settings, or one that is created once and kept in the data folder.
fn signing_secret(settings: &Settings) -> Result<String, StartError> {
    if let Some(secret) = &settings.auth.jwt_secret {
        return Ok(secret.clone());
    }
    let path = settings.general.data_dir.join("jwt.secret");
    match fs::read_to_string(&path) {
        Ok(secret) if secret.trim().len() >= 32 => Ok(secret.trim().to_owned()),
        Ok(_) | Err(_) => create_secret(&path)
            .map_err(|error| StartError::Io("write", path.display().to_string(), error)),
    }
}

fn create_secret(path: &Path) -> io::Result<String> {
    let secret = format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    );
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // The secret is written to a draft and renamed: a crash leaves no incomplete secret.
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    fs::rename(&draft, path)?;
    Ok(secret)
}
