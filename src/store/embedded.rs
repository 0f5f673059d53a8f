//! The managed mongod: without `MONGODB_URI` the service brings its own database.
//!
//! It is a one-node replica set (transactions and change streams need one) on loopback, with its data below
//! the data folder, and only who can read the service's files gets in (`access`). It is for development, and
//! for a machine that has nothing else; elsewhere `MONGODB_URI` names a real one. Its life is bound to ours in both directions: a mongod that dies
//! is started again on the same port, and the mongod of a service that was killed with -9 is ended by a small
//! watchdog, since a database nobody uses should neither run for ever nor hinder the next start.

mod access;
mod process;
mod replica_set;

use std::{
    collections::hash_map::DefaultHasher,
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    hash::{Hash, Hasher},
    io,
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::{JoinError, JoinHandle},
    time::{Instant, sleep},
};
use tracing::{error, info, warn};

use self::{access::AccessControl, process::MongodProcess};

const REPLICA_SET: &str = "rs0";
const LOCK_FILE: &str = "wardline.lock";
const PORT_FILE: &str = "wardline.port";
/// Below the range the kernel takes for outgoing connections, so the port of last time is likely free.
const PORT_RANGE: Range<u16> = 27_100..28_100;
/// The storage engine's cache; mongod's own choice, half of the memory, would starve the service.
const DEFAULT_CACHE_GB: f64 = 1.0;
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// From a process's last instruction to its end; longer means that nobody collects its exit status.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
const RESTART_DELAY_RANGE: Range<Duration> = Duration::from_millis(500)..Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const MAX_START_ATTEMPTS: u32 = 4;
/// mongod's exit code when another one still holds the data folder.
const FOLDER_TAKEN_EXIT_CODE: i32 = 100;

/// What [`EmbeddedMongod::start`] needs to know; `config.rs` fills it in.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// `WARDLINE_MONGOD`: this binary and no other.
    pub binary: Option<PathBuf>,
    /// `PATH`, searched next; after it comes `.mongod/mongod` below the current directory.
    pub search_path: Option<OsString>,
    /// The service's data folder; the database lives in `mongodb` below it.
    pub data_dir: PathBuf,
    /// Size of the storage engine's cache in GB: 1 unless given, at least 0.25.
    pub cache_gb: Option<f64>,
}

/// Why there is no managed mongod.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No binary anywhere.
    #[error(
        "no mongod found: set WARDLINE_MONGOD to one, put one on PATH, run scripts/get-mongod, \
         or set MONGODB_URI to a replica set of your own"
    )]
    NotFound,
    /// The binary asked for is not there.
    #[error("WARDLINE_MONGOD names {0}, which is not an executable file")]
    NotExecutable(PathBuf),
    /// Another live process of this service has the folder.
    #[error("{0} is in use by another wardline; stop that one or choose another DATA_DIR")]
    InUse(PathBuf),
    /// Every port we may take is taken.
    #[error("no free port on 127.0.0.1 from {} to {}", PORT_RANGE.start, PORT_RANGE.end - 1)]
    NoFreePort,
    /// The password of a running mongod is not there.
    #[error("{0} has no password for its mongod; stop the service there and start it again")]
    NoPassword(PathBuf),
    /// The operating system refused: what, on which path, why.
    #[error("cannot {0} {1}")]
    Io(&'static str, PathBuf, #[source] io::Error),
    /// mongod gave up while starting; the path is that of its log.
    #[error("mongod ended while starting ({0}); its log {1} says why")]
    Exited(ExitStatus, PathBuf),
    /// mongod runs but never became primary; the path is that of its log, the error the last one met.
    #[error("mongod did not become primary in time; its log is {0}")]
    NoPrimary(PathBuf, #[source] Option<mongodb::error::Error>),
    /// The task that looks after mongod is gone, which is a defect of ours.
    #[error("the supervisor of mongod failed")]
    Supervisor(#[source] JoinError),
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    move |source| EmbeddedError::Io(action, path.to_owned(), source)
}

/// A mongod this process started: a one-node replica set on loopback, data below the data folder.
///
/// Dropped without [`stop`](Self::stop), it is stopped in the background, or killed with the runtime.
#[derive(Debug)]
pub struct EmbeddedMongod {
    uri: String,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

impl EmbeddedMongod {
    /// Starts mongod and returns once it is primary; the first start makes the replica set.
    ///
    /// # Errors
    ///
    /// See [`EmbeddedError`]; none of them leaves a process behind.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let mut home = DatabaseFolder::open(find_binary(&options)?, &options)?;
        home.end_stray().await;
        let mut attempt = 1;
        let mongod = loop {
            home.choose_port()?;
            let mut mongod = MongodProcess::spawn(&home)?;
            let Err(error) = mongod.become_primary(&home).await else {
                break mongod;
            };
            mongod.stop().await;
            // The port went to someone else since we looked (mongod then aborts), or the last mongod is not
            // quite gone.
            let taken = matches!(&error, EmbeddedError::Exited(status, _)
                if status.code() == Some(FOLDER_TAKEN_EXIT_CODE) || !is_free(home.port));
            if !taken || attempt == MAX_START_ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
            sleep(RESTART_DELAY_RANGE.start).await;
        };
        let port = home.port;
        info!(port, pid = mongod.pid, binary = %home.binary.display(), "the managed mongod is primary");
        let Some(uri) = access::uri_of(&options.data_dir, port, REPLICA_SET) else {
            mongod.stop().await;
            return Err(EmbeddedError::NoPassword(options.data_dir));
        };
        let (stop, stopped) = oneshot::channel();
        Ok(Self { uri, stop, supervisor: tokio::spawn(supervise(mongod, home, stopped)) })
    }

    /// The connection string of the mongod that a live service manages on this data folder, if any: for
    /// commands beside it.
    #[must_use]
    pub fn running_uri(data_dir: &Path) -> Option<String> {
        let dbpath = data_dir.join("mongodb");
        let lock = File::open(dbpath.join(LOCK_FILE)).ok()?;
        let in_use = matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
        let port: u16 = fs::read_to_string(dbpath.join(PORT_FILE)).ok()?.trim().parse().ok()?;
        if in_use { access::uri_of(data_dir, port, REPLICA_SET) } else { None }
    }

    /// The connection string; it stays the same when mongod has to be started again.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Stops mongod cleanly: `SIGTERM`, 30 s of patience, then `SIGKILL` with a warning.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Supervisor`] when the task that looks after mongod had failed.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        let _ = self.stop.send(());
        self.supervisor.await.map_err(EmbeddedError::Supervisor)
    }
}

/// Starts mongod again whenever it ends by itself, until `stop` is sent or its sender is gone.
async fn supervise(mut mongod: MongodProcess, home: DatabaseFolder, mut stop: oneshot::Receiver<()>) {
    let mut delay = RESTART_DELAY_RANGE.start;
    loop {
        let started = Instant::now();
        tokio::select! {
            _ = &mut stop => return mongod.stop().await,
            status = mongod.ended() => error!(?status, log = %home.log.display(), "mongod ended by itself"),
        }
        mongod.dismiss_watchdog().await;
        if started.elapsed() > RESTART_DELAY_RANGE.end {
            delay = RESTART_DELAY_RANGE.start;
        }
        mongod = loop {
            tokio::select! {
                _ = &mut stop => return,
                () = sleep(delay) => delay = (delay * 2).min(RESTART_DELAY_RANGE.end),
            }
            match MongodProcess::spawn(&home) {
                Ok(again) => break again,
                Err(error) => error!(%error, "mongod could not be started again"),
            }
        };
        info!(port = home.port, pid = mongod.pid, "mongod was started again");
    }
}

fn find_binary(options: &EmbeddedOptions) -> Result<PathBuf, EmbeddedError> {
    let executable = |path: &Path| {
        let is_program = |meta: fs::Metadata| meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        path.canonicalize().ok().filter(|path| fs::metadata(path).is_ok_and(is_program))
    };
    if let Some(binary) = &options.binary {
        return executable(binary).ok_or_else(|| EmbeddedError::NotExecutable(binary.clone()));
    }
    let folders = options.search_path.iter().flat_map(std::env::split_paths);
    let mut candidates = folders.map(|folder| folder.join("mongod")).chain([".mongod/mongod".into()]);
    candidates.find_map(|path| executable(&path)).ok_or(EmbeddedError::NotFound)
}

/// The database's folder and what a mongod on it needs. The folder is ours alone while `_lock` is open, and
/// the kernel closes that however we end.
#[derive(Debug)]
struct DatabaseFolder {
    binary: PathBuf,
    dbpath: PathBuf,
    log: PathBuf,
    /// What children are given of the environment.
    search_path: OsString,
    access: AccessControl,
    cache_gb: f64,
    port: u16,
    _lock: File,
}

impl DatabaseFolder {
    fn open(binary: PathBuf, options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let dbpath = options.data_dir.join("mongodb");
        DirBuilder::new().recursive(true).mode(0o700).create(&dbpath).map_err(io_error("create", &dbpath))?;
        let dbpath = dbpath.canonicalize().map_err(io_error("find", &dbpath))?;
        fs::set_permissions(&dbpath, Permissions::from_mode(0o700)).map_err(io_error("protect", &dbpath))?;
        let lock = append_to(&dbpath.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EmbeddedError::InUse(dbpath)),
            Err(TryLockError::Error(source)) => return Err(io_error("lock", &dbpath)(source)),
        }
        Ok(Self {
            binary,
            log: dbpath.join("mongod.log"),
            search_path: options.search_path.clone().unwrap_or_else(|| "/usr/bin:/bin".into()),
            access: AccessControl::open(&options.data_dir, &dbpath)?,
            cache_gb: options.cache_gb.unwrap_or(DEFAULT_CACHE_GB),
            dbpath,
            port: 0,
            _lock: lock,
        })
    }

    /// Takes the port of last time if it is free, because the replica set's configuration names it.
    fn choose_port(&mut self) -> Result<(), EmbeddedError> {
        let memo = self.dbpath.join(PORT_FILE);
        let kept = fs::read_to_string(&memo).ok().and_then(|port| port.trim().parse().ok());
        // Each folder begins at a place of its own: while one mongod is down, the next to start, of this process or
        // another, does not take its port.
        let mut hasher = DefaultHasher::new();
        self.dbpath.hash(&mut hasher);
        let offset = hasher.finish() % PORT_RANGE.len() as u64;
        let others =
            PORT_RANGE.cycle().skip(usize::try_from(offset).unwrap_or_default()).take(PORT_RANGE.len());
        self.port =
            kept.into_iter().chain(others).find(|port| is_free(*port)).ok_or(EmbeddedError::NoFreePort)?;
        fs::write(&memo, self.port.to_string()).map_err(io_error("write", &memo))
    }

    /// The arguments by which a mongod of ours on this folder is told from any other process.
    fn signature(&self) -> [&OsStr; 4] {
        ["--dbpath".as_ref(), self.dbpath.as_ref(), "--logpath".as_ref(), self.log.as_ref()]
    }

    /// The mongod of ours that still runs on this folder; every mongod keeps its pid in this lock file.
    fn stray(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.dbpath.join("mongod.lock")).ok()?;
        let pid = pid.trim().parse().ok()?;
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let signature = self.signature().join(OsStr::new("\0"));
        command_line.windows(signature.len()).any(|window| window == signature.as_bytes()).then_some(pid)
    }

    /// Ends a mongod left by a service that was killed. It is not taken over: the watchdog may have told it
    /// to end already, and transactions which that service left open in it would hold the new one up.
    async fn end_stray(&self) {
        let Some(pid) = self.stray() else { return };
        warn!(pid, "ending a mongod that an earlier wardline left behind");
        process::signal(pid, process::Signal::TERM);
        let signalled = Instant::now();
        while self.stray().is_some() {
            if signalled.elapsed() > STOP_TIMEOUT {
                warn!(pid, "it did not end in time and is killed");
                process::signal(pid, process::Signal::KILL);
            }
            sleep(POLL_INTERVAL).await;
        }
        // A process loses its command line a little before its port.
        let ended = Instant::now();
        while Path::new(&format!("/proc/{pid}")).exists() && ended.elapsed() < EXIT_TIMEOUT {
            sleep(POLL_INTERVAL).await;
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn append_to(path: &Path) -> Result<File, EmbeddedError> {
    OpenOptions::new().create(true).append(true).open(path).map_err(io_error("open", path))
}
