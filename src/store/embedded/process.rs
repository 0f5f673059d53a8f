//! One run of mongod, and the watchdog that ends it when the service cannot.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

pub(super) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};
use tracing::{debug, error, info, warn};

use super::{
    DatabaseFolder, EmbeddedError, REPLICA_SET, STOP_TIMEOUT, append_to, io_error, replica_set,
};

/// The time limit for a recovery after a crash, which replays at most one checkpoint interval (60
/// s) of journal.
const PRIMARY_TIMEOUT: Duration = Duration::from_mins(1);
/// Ends mongod `$1` on directory `$2` when our end of the pipe closes unexpectedly; a line on the
/// pipe dismisses the watchdog. (`PR_SET_PDEATHSIG` needs unsafe code, and follows the thread that
/// started the child, not the process.)
const WATCHDOG_SCRIPT: &str =
    r#"if ! read -r _ && grep -qF -e "$2" "/proc/$1/cmdline"; then kill -TERM "$1"; fi"#;

#[derive(Debug)]
pub(super) struct MongodProcess {
    child: Child,
    pub(super) pid: u32,
    watchdog: Option<Child>,
}

impl MongodProcess {
    pub(super) fn spawn(home: &DatabaseFolder) -> Result<Self, EmbeddedError> {
        let child = mongod_command(home)?
            .spawn()
            .map_err(io_error("run", &home.binary))?;
        let pid = child.id().unwrap_or_default();
        let mut watchdog = Command::new("sh");
        // A child process must not receive our secrets.
        watchdog.env_clear().env("PATH", &home.search_path);
        watchdog
            .args(["-c", WATCHDOG_SCRIPT, "wardline-watchdog", &pid.to_string()])
            .arg(&home.dbpath);
        watchdog
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let without =
            |error: &io::Error| warn!(%error, "no watchdog: if we are killed, mongod runs on");
        let watchdog = watchdog.spawn().inspect_err(without).ok();
        Ok(Self {
            child,
            pid,
            watchdog,
        })
    }

    pub(super) async fn wait_for_exit(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    pub(super) async fn become_primary(
        &mut self,
        home: &DatabaseFolder,
    ) -> Result<(), EmbeddedError> {
        let mut last_error = None;
        let primary = replica_set::make_primary(&home.access, home.port, self.pid, &mut last_error);
        let ended = tokio::select! {
            primary = timeout(PRIMARY_TIMEOUT, primary) => {
                return match primary {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(EmbeddedError::NoPrimary(home.log.clone(), Some(error))),
                    Err(_) => Err(EmbeddedError::NoPrimary(home.log.clone(), last_error)),
                };
            }
            ended = self.child.wait() => ended,
        };
        let status = ended.map_err(io_error("wait for", &home.binary))?;
        Err(EmbeddedError::Exited(status, home.log.clone()))
    }

    pub(super) async fn stop(mut self) {
        if self.child.id().is_some() {
            send_signal(self.pid, Signal::TERM);
        }
        if let Ok(status) = timeout(STOP_TIMEOUT, self.child.wait()).await {
            info!(pid = self.pid, ?status, "mongod has ended");
        } else {
            warn!(
                pid = self.pid,
                "mongod did not stop within {} s and is killed",
                STOP_TIMEOUT.as_secs()
            );
            if let Err(error) = self.child.kill().await {
                error!(%error, "mongod could not be killed");
            }
        }
        self.dismiss_watchdog().await;
    }

    /// Dismisses the watchdog, which would otherwise take the end of its pipe for our death.
    pub(super) async fn dismiss_watchdog(&mut self) {
        let Some(mut watchdog) = self.watchdog.take() else {
            return;
        };
        if let Some(mut pipe) = watchdog.stdin.take() {
            let _ = pipe.write_all(b"\n").await;
        }
        let _ = watchdog.wait().await;
    }
}

fn mongod_command(home: &DatabaseFolder) -> Result<Command, EmbeddedError> {
    let mut command = Command::new(&home.binary);
    command
        .env_clear()
        .env("PATH", &home.search_path)
        .args(home.identifying_arguments())
        .arg("--logappend")
        .arg("--quiet")
        .arg("--nounixsocket")
        .arg("--bind_ip=127.0.0.1")
        .arg(format!("--port={}", home.port))
        .arg(format!("--replSet={REPLICA_SET}"))
        .arg(format!("--wiredTigerCacheSizeGB={}", home.cache_gb))
        .arg("--oplogSize=2048")
        .arg("--keyFile")
        .arg(&home.access.key_file)
        // No access without the key or the account, not even at the first start.
        .arg("--setParameter=enableLocalhostAuthBypass=false")
        // Compression on loopback gains nothing, and decompressing untrusted data has had
        // vulnerabilities.
        .arg("--networkMessageCompressors=disabled")
        // A slow operation is logged with its document, and a log must not contain message text.
        .arg("--slowOpSampleRate=0")
        .arg("--setParameter=diagnosticDataCollectionEnabled=false")
        // A transaction of a vanished client must not block a conversation for a minute.
        .arg("--setParameter=transactionLifetimeLimitSeconds=10")
        // The history of a conversation's document is never read. Keeping five minutes of it (the
        // default) cost work at every eviction (benches/limits.md).
        .arg("--setParameter=minSnapshotHistoryWindowInSeconds=0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(append_to(&home.log)?) // for errors before mongod opens its log: a missing library
        .process_group(0) // Ctrl-C must reach the service alone, which stops mongod last
        .kill_on_drop(true);
    Ok(command)
}

pub(super) fn send_signal(pid: u32, signal: Signal) {
    let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    if let Err(error) = kill_process(target, signal) {
        debug!(pid, %error, "the process had ended before our signal");
    }
}
