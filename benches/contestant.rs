//! Wardline or the peer as a running process.

use std::{
    fmt,
    fs::OpenOptions,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time::{sleep, timeout},
};

use crate::{Outcome, cluster::House, machine};

/// How long a contestant may take until it listens.
const START_WITHIN: Duration = Duration::from_mins(1);
/// How long it may take to end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Wardline,
    Peer,
}

impl Kind {
    /// This contestant's form of a database of Wardline's.
    pub fn database(self, name: &str) -> String {
        match self {
            Self::Wardline => name.to_owned(),
            Self::Peer => format!("{name}_peer"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wardline => "wardline",
            Self::Peer => "peer",
        })
    }
}

/// A contestant that serves.
pub struct Contestant {
    pub kind: Kind,
    pub address: SocketAddr,
    pub pid: u32,
    child: Child,
}

impl Contestant {
    pub async fn start(house: &House, kind: Kind, database: &str) -> Outcome<Self> {
        Self::start_with(house, kind, database, &house.data()).await
    }

    /// As [`Contestant::start`], with a data folder of one's own; the peer has none.
    pub async fn start_with(house: &House, kind: Kind, database: &str, data: &Path) -> Outcome<Self> {
        let mut command = match kind {
            Kind::Wardline => {
                let mut command = house.wardline(database);
                command.arg("serve").env("DATA_DIR", data);
                command
            }
            Kind::Peer => {
                let mut command = house.peer("server.js");
                command.env("MONGODB_DB", kind.database(database));
                command
            }
        };
        let log_path = house.folder.join(format!("{kind}.log"));
        let log = OpenOptions::new().create(true).append(true).open(&log_path)?;
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let pid = child.id().unwrap_or_default();
        let Some(stdout) = child.stdout.take() else { return Err("a child without output".into()) };
        let mut lines = BufReader::new(stdout).lines();
        let listening = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = address_in(&line) {
                    return Some(address);
                }
            }
            None
        };
        let Ok(Some(address)) = timeout(START_WITHIN, listening).await else {
            let words = std::fs::read_to_string(&log_path).unwrap_or_default();
            return Err(format!("{kind} did not start: {}", last_words(&words)).into());
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { kind, address, pid, child })
    }

    fn signal(&self, signal: Signal) {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return };
        if let Err(error) = kill_process(pid, signal) {
            eprintln!("bench: {} cannot be signalled: {error}", self.kind);
        }
    }

    /// Resident memory in KiB; the peer collects its garbage first.
    pub async fn memory(&self) -> Outcome<f64> {
        if self.kind == Kind::Peer {
            self.signal(Signal::USR2);
            sleep(Duration::from_secs(2)).await;
        }
        machine::resident(self.pid).ok_or_else(|| format!("{} is gone", self.kind).into())
    }

    /// Ends it, politely at first.
    pub async fn stop(mut self) -> Outcome<()> {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        if timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            eprintln!("bench: {} did not stop within {:?} and is killed", self.kind, asked.elapsed());
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// The end of what a program said.
pub fn last_words(words: &str) -> String {
    const LINES: usize = 10;
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

/// The address in `… listens on http://127.0.0.1:1234   …`.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_once("http://")?.1.split_whitespace().next()?.parse().ok()
}
