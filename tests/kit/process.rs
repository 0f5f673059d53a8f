//! Child processes, ports and folders, for both database and service.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tokio::process::{Child, ChildStdout, Command};

/// Below the kernel's range for outgoing connections, so that a port is still free after a restart,
/// and beside those of the managed mongod.
const PORTS: std::ops::Range<u16> = 21_000..27_000;

/// A port without a listener.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = PORTS.end - PORTS.start;
    let offset = u16::try_from(std::process::id() % u32::from(span)).unwrap();
    for _ in 0..span {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + (offset + step) % span;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// The folder of this process's runs; remains of earlier processes are removed, mounts included.
pub async fn base_folder() -> PathBuf {
    let base = std::env::temp_dir().join("wardline-torture");
    if let Ok(entries) = std::fs::read_dir(&base) {
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !Path::new(&format!("/proc/{name}")).exists() {
                remove(&entry.path()).await;
            }
        }
    }
    let own = base.join(std::process::id().to_string());
    std::fs::create_dir_all(&own).unwrap();
    own
}

/// Removes a folder with the tmpfs that may be mounted below it.
pub async fn remove(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    for line in mounts.lines() {
        let target = line.split(' ').nth(1).unwrap_or_default();
        if Path::new(target).starts_with(folder) {
            run("umount", &[target]).await;
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

/// A log that a child's next run continues.
pub fn append_to(path: &Path) -> std::fs::File {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

/// Runs a small tool; returns whether it succeeded.
pub async fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// A child process that ends with this one.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).kill_on_drop(true);
        Self {
            child: command.spawn().unwrap(),
        }
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).unwrap()))
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// Its id; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Takes its standard output, which must be piped.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Its memory, MiB.
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
            .map(|kib| kib >> 10)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Sends SIGKILL, and waits for its end.
    pub async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    /// Sends SIGTERM; returns whether it ended in time.
    pub async fn terminate(&mut self, limit: Duration) -> bool {
        self.signal(Signal::TERM);
        let ended = tokio::time::timeout(limit, self.child.wait()).await;
        if ended.is_err() {
            self.kill().await;
        }
        ended.is_ok()
    }
}
