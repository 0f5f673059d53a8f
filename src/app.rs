//! The only place that wires: settings → store, hub, services, gateways, and the way down again.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    config::Settings,
    domain::Clock,
    gateway::{
        chat::{rest, socket::Sockets},
        http::{
            Door, layers,
            limits::{Chore, Limits},
            listener, operations,
        },
        web,
    },
    hub::Hub,
    service::{Running, Services},
    store::{
        Store,
        embedded::{EmbeddedError, EmbeddedMongod, EmbeddedOptions},
    },
    telemetry,
};

/// How long the parts have to finish when the service stops.
const FAREWELL: Duration = Duration::from_secs(5);
const LAST_COMMITS: Duration = Duration::from_secs(12);

/// Why the service did not start, or did not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] crate::config::BadSettings),
    #[error("the managed mongod did not start")]
    Mongod(#[from] EmbeddedError),
    #[error("MONGODB_URI cannot be used")]
    Address(#[from] mongodb::error::Error),
    #[error("FILE_STORE cannot be used: {0}")]
    Files(#[from] crate::store::blobs::BadPlace),
    #[error("{0}")]
    Database(#[from] crate::domain::Error),
    #[error("cannot {0} {1}")]
    Io(&'static str, String, #[source] io::Error),
    #[error("{0}")]
    Telemetry(String),
}

/// The service with its database, before it listens: enough for every command.
pub struct App {
    pub settings: Arc<Settings>,
    pub services: Arc<Services>,
    hub: Arc<Hub>,
    store: Store,
    mongod: Option<EmbeddedMongod>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// A connection to the database, and the mongod if it is ours.
async fn open_store(settings: &Settings) -> Result<(Store, Option<EmbeddedMongod>), StartError> {
    if let Some(uri) = &settings.mongodb_uri {
        let store = Store::connect(uri, &settings.mongodb_db).await?;
        return Ok((store.with_files_in(&settings.file_store)?, None));
    }
    let options = EmbeddedOptions {
        binary: settings.mongod.clone(),
        search_path: settings.search_path.clone(),
        data_dir: settings.data_dir.clone(),
        cache_gb: None,
    };
    let mongod = EmbeddedMongod::start(options).await?;
    let store = Store::connect(mongod.uri(), &settings.mongodb_db).await?;
    match store.with_files_in(&settings.file_store) {
        Ok(store) => Ok((store, Some(mongod))),
        Err(error) => {
            mongod.stop().await?;
            Err(error.into())
        }
    }
}

impl App {
    /// Opens the database, brings it to this program's format, and starts the services.
    ///
    /// # Errors
    /// When the database cannot be reached or is newer than this program.
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
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

    /// As [`App::open`], but through the managed mongod of a service that runs already on this data
    /// folder: for commands beside it.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open_beside(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        if settings.mongodb_uri.is_none()
            && let Some(uri) = EmbeddedMongod::running_uri(&settings.data_dir)
        {
            return Self::open(Settings { mongodb_uri: Some(uri), ..settings }, clock).await;
        }
        Self::open(settings, clock).await
    }

    async fn start(settings: Arc<Settings>, clock: Arc<dyn Clock>, store: Store) -> Result<Self, StartError> {
        store.migrate().await?;
        let secret = signing_secret(&settings)?;
        let (hub, stop) = (Arc::<Hub>::default(), CancellationToken::new());
        let Running { services, tasks } = Services::start(
            store.clone(),
            Arc::clone(&hub),
            clock,
            Arc::clone(&settings),
            secret.as_bytes(),
            &stop,
        );
        let app = Self { settings, services, hub, store, mongod: None, stop, tasks };
        app.services.ensure_first_admin().await?;
        Ok(app)
    }

    /// Listens where the settings say.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn listen(&self) -> Result<TcpListener, StartError> {
        let address = SocketAddr::new(self.settings.host, self.settings.port);
        listener::listen(address).map_err(|error| StartError::Io("listen on", address.to_string(), error))
    }

    /// Serves until `shutdown`, then stops in order: no new requests, sockets told, commits finished,
    /// nobody left online, mongod stopped.
    ///
    /// # Errors
    /// When the listener breaks, or mongod does not stop.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StartError> {
        let recorder = telemetry::recorder().map_err(StartError::Telemetry)?;
        self.tasks.extend(self.services.keep_search(&self.stop));
        let limits = Arc::new(Limits::new(self.settings.rate_limit));
        let door = Door {
            services: Arc::clone(&self.services),
            settings: Arc::clone(&self.settings),
            limits: Arc::clone(&limits),
        };
        let (api, mut forget) = api(self.settings.rate_limit);
        forget.push(Arc::new(move || limits.forget_quiet()));
        let (api, document) = api.split_for_parts();
        let docs = SwaggerUi::new("/docs").url("/docs/openapi.json", document);
        let plain = operations::plain(recorder);
        let routes: Router =
            Router::new().merge(api).merge(plain).merge(docs).merge(web::routes()).with_state(door.clone());
        if !web::is_built() {
            tracing::warn!("the web client was not built into this binary: / says how to get it");
        }
        let sockets = Sockets::new(&door, &self.hub);
        let everything = layers::wrap(&door, sockets.in_front_of(layers::bound(routes)));
        let sweep = tokio::spawn(every_minute(forget));
        let rollups = Arc::clone(&self.services).keep_rollups(self.stop.clone().cancelled_owned());
        let mut app = self;
        app.tasks.push(tokio::spawn(rollups));
        let closing = app.stop.child_token();
        let mut server = tokio::spawn(listener::serve(listener, everything, closing.clone()));
        tokio::select! {
            () = shutdown => {}
            ended = &mut server => {
                tracing::error!(?ended, "the listener ended by itself");
            }
        }
        tracing::info!("stopping");
        closing.cancel();
        let _ = tokio::time::timeout(FAREWELL, sockets.close()).await;
        if !server.is_finished() && tokio::time::timeout(FAREWELL, &mut server).await.is_err() {
            server.abort();
        }
        sweep.abort();
        app.close().await
    }

    /// Finishes what is queued, says that nobody is online here, and stops mongod if it is ours.
    ///
    /// # Errors
    /// When mongod does not stop.
    pub async fn close(self) -> Result<(), StartError> {
        self.stop.cancel();
        let finished = tokio::time::timeout(LAST_COMMITS, futures_util::future::join_all(self.tasks)).await;
        if finished.is_err() {
            tracing::warn!("the last commits did not finish in time");
        }
        if let Err(error) = self.services.leave().await {
            tracing::warn!(%error, "presence was not cleared");
        }
        let _ = tokio::time::timeout(FAREWELL, self.store.close()).await;
        if let Some(mongod) = self.mongod {
            mongod.stop().await?;
        }
        Ok(())
    }

    /// Removes the whole database, then closes: for tests, which have one each.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn discard(self) -> Result<(), StartError> {
        self.store.drop_database().await?;
        self.close().await
    }

    /// The database, for tests that look into it.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Every documented REST call of every gateway.
fn api(rate_limit: bool) -> (OpenApiRouter<Door>, Vec<Chore>) {
    let (calls, forget) = rest::routes(rate_limit);
    (
        OpenApiRouter::with_openapi(rest::Document::openapi()).merge(calls).merge(operations::documented()),
        forget,
    )
}

/// The API's description, as `schemas/openapi.json` keeps it.
///
/// # Errors
/// When it cannot be written as JSON, which would be a defect of ours.
pub fn openapi() -> Result<String, serde_json::Error> {
    api(false).0.into_openapi().to_pretty_json()
}

async fn every_minute(chores: Vec<Chore>) {
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        for chore in &chores {
            chore();
        }
    }
}

/// The secret of the settings, or one made once and kept in the data folder.
fn signing_secret(settings: &Settings) -> Result<String, StartError> {
    if let Some(secret) = &settings.jwt_secret {
        return Ok(secret.clone());
    }
    let path = settings.data_dir.join("jwt.secret");
    match fs::read_to_string(&path) {
        Ok(secret) if secret.trim().len() >= 32 => Ok(secret.trim().to_owned()),
        Ok(_) | Err(_) => {
            make_secret(&path).map_err(|error| StartError::Io("write", path.display().to_string(), error))
        }
    }
}

fn make_secret(path: &Path) -> io::Result<String> {
    let secret = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Written beside and moved: a crash leaves no half secret.
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    fs::rename(&draft, path)?;
    Ok(secret)
}
