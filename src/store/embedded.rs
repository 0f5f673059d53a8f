//! The managed mongod: without `MONGODB_URI`, the service runs its own database.
//!
//! It is a one-node replica set (transactions and change streams need one) on loopback, with its
//! data below the data directory. Only users who can read the service's files have access
//! (`access`). It is for development, and for a machine with no other database; elsewhere
//! `MONGODB_URI` names a real one. The lifetimes of mongod and the service are bound in both
//! directions. A mongod that dies is started again on the same port. The mongod of a service that
//! was killed with -9 is ended by a small watchdog: an unused database should neither run for ever
//! nor hinder the next start.

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
/// Below the kernel's range for outgoing connections, so the previous port is likely free.
const PORT_RANGE: Range<u16> = 27_100..28_100;
/// The storage engine's cache; mongod's own choice, half of the memory, would starve the service.
const DEFAULT_CACHE_GB: f64 = 1.0;
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// The time from a process's last instruction to its end; longer means that no process collects its
/// exit status.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
const RESTART_DELAY_RANGE: Range<Duration> = Duration::from_millis(500)..Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const MAX_START_ATTEMPTS: u32 = 4;
/// mongod's exit code when another mongod still holds the data directory.
const FOLDER_TAKEN_EXIT_CODE: i32 = 100;

/// The options of [`EmbeddedMongod::start`]; `config.rs` sets them.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// `WARDLINE_MONGOD`: only this binary is used.
    pub binary: Option<PathBuf>,
    /// `PATH`, searched next; then `.mongod/mongod` below the current directory.
    pub search_path: Option<OsString>,
    /// The service's data directory; the database is in `mongodb` below it.
    pub data_dir: PathBuf,
    /// Size of the storage engine's cache in GB: 1 unless given, at least 0.25.
    pub cache_gb: Option<f64>,
}

/// Why there is no managed mongod.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No binary was found.
    #[error(
        "no mongod found: set WARDLINE_MONGOD to one, put one on PATH, run scripts/get-mongod, \
         or set MONGODB_URI to a replica set of your own"
    )]
    NotFound,
    /// The configured binary does not exist.
    #[error("WARDLINE_MONGOD names {0}, which is not an executable file")]
    NotExecutable(PathBuf),
    /// Another live process of this service uses the directory.
    #[error("{0} is in use by another wardline; stop that one or choose another DATA_DIR")]
    InUse(PathBuf),
    /// Every port of the range is in use.
    #[error("no free port on 127.0.0.1 from {} to {}", PORT_RANGE.start, PORT_RANGE.end - 1)]
    NoFreePort,
    /// The password of a running mongod is missing.
    #[error("{0} has no password for its mongod; stop the service there and start it again")]
    NoPassword(PathBuf),
    /// The operating system refused: what, on which path, why.
    #[error("cannot {0} {1}")]
    Io(&'static str, PathBuf, #[source] io::Error),
    /// mongod exited while starting; the path is that of its log.
    #[error("mongod ended while starting ({0}); its log {1} says why")]
    Exited(ExitStatus, PathBuf),
    /// mongod runs but never became primary; the path is that of its log, the error the last one.
    #[error("mongod did not become primary in time; its log is {0}")]
    NoPrimary(PathBuf, #[source] Option<mongodb::error::Error>),
    /// The task that supervises mongod is gone, which is a defect of ours.
    #[error("the supervisor of mongod failed")]
    Supervisor(#[source] JoinError),
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    move |source| EmbeddedError::Io(action, path.to_owned(), source)
}

/// A mongod that this process started: a one-node replica set on loopback, data below the data
/// directory.
///
/// If it is dropped without [`stop`](Self::stop), it is stopped in the background, or killed with
/// the runtime.
#[derive(Debug)]
pub struct EmbeddedMongod {
    uri: String,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

impl EmbeddedMongod {
    /// Starts mongod and returns once it is primary; the first start creates the replica set.
    ///
    /// # Errors
    ///
    /// See [`EmbeddedError`]; none of them leaves a process behind.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let mut home = DatabaseFolder::open(find_binary(&options)?, &options)?;
        home.end_orphan().await;
        let mut attempt = 1;
        let mongod = loop {
            home.choose_port()?;
            let mut mongod = MongodProcess::spawn(&home)?;
            let Err(error) = mongod.become_primary(&home).await else {
                break mongod;
            };
            mongod.stop().await;
            // Another process took the port after the check (mongod then aborts), or the last
            // mongod has not quite ended.
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
        let Some(uri) = access::connection_uri(&options.data_dir, port, REPLICA_SET) else {
            mongod.stop().await;
            return Err(EmbeddedError::NoPassword(options.data_dir));
        };
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            uri,
            stop,
            supervisor: tokio::spawn(supervise(mongod, home, stopped)),
        })
    }

    /// Returns the connection string of the mongod that a live service manages on this data
    /// directory, if any, for other commands.
    #[must_use]
    pub fn running_uri(data_dir: &Path) -> Option<String> {
        let dbpath = data_dir.join("mongodb");
        let lock = File::open(dbpath.join(LOCK_FILE)).ok()?;
        let in_use = matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
        let port: u16 = fs::read_to_string(dbpath.join(PORT_FILE))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        if in_use {
            access::connection_uri(data_dir, port, REPLICA_SET)
        } else {
            None
        }
    }

    /// Returns the connection string; it stays the same when mongod is restarted.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Stops mongod cleanly: `SIGTERM`, a grace period of 30 s, then `SIGKILL` with a warning.
    ///
    /// # Errors
    /// [`EmbeddedError::Supervisor`] when the task that supervises mongod had failed.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        let _ = self.stop.send(());
        self.supervisor.await.map_err(EmbeddedError::Supervisor)
    }
}

/// Restarts mongod whenever it ends by itself, until `stop` is sent or its sender is dropped.
async fn supervise(
    mut mongod: MongodProcess,
    home: DatabaseFolder,
    mut stop: oneshot::Receiver<()>,
) {
    let mut delay = RESTART_DELAY_RANGE.start;
    loop {
        let started = Instant::now();
        tokio::select! {
            _ = &mut stop => return mongod.stop().await,
            status = mongod.wait_for_exit() => error!(?status, log = %home.log.display(), "mongod ended by itself"),
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
        info!(
            port = home.port,
            pid = mongod.pid,
            "mongod was started again"
        );
    }
}

fn find_binary(options: &EmbeddedOptions) -> Result<PathBuf, EmbeddedError> {
    let executable = |path: &Path| {
        let is_program =
            |meta: fs::Metadata| meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        path.canonicalize()
            .ok()
            .filter(|path| fs::metadata(path).is_ok_and(is_program))
    };
    if let Some(binary) = &options.binary {
        return executable(binary).ok_or_else(|| EmbeddedError::NotExecutable(binary.clone()));
    }
    let folders = options.search_path.iter().flat_map(std::env::split_paths);
    let mut candidates = folders
        .map(|folder| folder.join("mongod"))
        .chain([".mongod/mongod".into()]);
    candidates
        .find_map(|path| executable(&path))
        .ok_or(EmbeddedError::NotFound)
}

/// The database's directory and what a mongod on it needs. The directory is reserved for this
/// process while `_lock` is open. The kernel closes it however the process ends.
#[derive(Debug)]
struct DatabaseFolder {
    binary: PathBuf,
    dbpath: PathBuf,
    log: PathBuf,
    /// The only environment variable of child processes.
    search_path: OsString,
    access: AccessControl,
    cache_gb: f64,
    port: u16,
    _lock: File,
}

impl DatabaseFolder {
    fn open(binary: PathBuf, options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let dbpath = options.data_dir.join("mongodb");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dbpath)
            .map_err(io_error("create", &dbpath))?;
        let dbpath = dbpath.canonicalize().map_err(io_error("find", &dbpath))?;
        fs::set_permissions(&dbpath, Permissions::from_mode(0o700))
            .map_err(io_error("protect", &dbpath))?;
        let lock = append_to(&dbpath.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EmbeddedError::InUse(dbpath)),
            Err(TryLockError::Error(source)) => return Err(io_error("lock", &dbpath)(source)),
        }
        Ok(Self {
            binary,
            log: dbpath.join("mongod.log"),
            search_path: options
                .search_path
                .clone()
                .unwrap_or_else(|| "/usr/bin:/bin".into()),
            access: AccessControl::open(&options.data_dir, &dbpath)?,
            cache_gb: options.cache_gb.unwrap_or(DEFAULT_CACHE_GB),
            dbpath,
            port: 0,
            _lock: lock,
        })
    }

    /// Chooses the previous port if it is free, because the replica set's configuration names it.
    fn choose_port(&mut self) -> Result<(), EmbeddedError> {
        let memo = self.dbpath.join(PORT_FILE);
        let kept = fs::read_to_string(&memo)
            .ok()
            .and_then(|port| port.trim().parse().ok());
        // Each directory starts at a different port. While one mongod is down, the next one to
        // start, of this process or another, does not take its port.
        let mut hasher = DefaultHasher::new();
        self.dbpath.hash(&mut hasher);
        let offset = hasher.finish() % PORT_RANGE.len() as u64;
        let others = PORT_RANGE
            .cycle()
            .skip(usize::try_from(offset).unwrap_or_default())
            .take(PORT_RANGE.len());
        self.port = kept
            .into_iter()
            .chain(others)
            .find(|port| is_free(*port))
            .ok_or(EmbeddedError::NoFreePort)?;
        fs::write(&memo, self.port.to_string()).map_err(io_error("write", &memo))
    }

    /// Returns the arguments that identify a mongod of ours on this directory.
    fn identifying_arguments(&self) -> [&OsStr; 4] {
        [
            "--dbpath".as_ref(),
            self.dbpath.as_ref(),
            "--logpath".as_ref(),
            self.log.as_ref(),
        ]
    }

    /// Returns the pid of our mongod that still runs on this directory; every mongod stores its pid
    /// in this lock file.
    fn find_leftover_pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.dbpath.join("mongod.lock")).ok()?;
        let pid = pid.trim().parse().ok()?;
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let identifying_arguments = self.identifying_arguments().join(OsStr::new("\0"));
        command_line
            .windows(identifying_arguments.len())
            .any(|window| window == identifying_arguments.as_bytes())
            .then_some(pid)
    }

    /// Ends a mongod left by a killed service. It is not reused: the watchdog may already have
    /// ended it, and transactions that the killed service left open would delay the new one.
    async fn end_orphan(&self) {
        let Some(pid) = self.find_leftover_pid() else {
            return;
        };
        warn!(pid, "ending a mongod that an earlier wardline left behind");
        process::send_signal(pid, process::Signal::TERM);
        let signalled = Instant::now();
        while self.find_leftover_pid().is_some() {
            if signalled.elapsed() > STOP_TIMEOUT {
                warn!(pid, "it did not end in time and is killed");
                process::send_signal(pid, process::Signal::KILL);
            }
            sleep(POLL_INTERVAL).await;
        }
        // A process loses its command line shortly before its port.
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
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(io_error("open", path))
}
