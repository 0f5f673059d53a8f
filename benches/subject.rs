//! The subjects of the bench, Wardline and the peer, as running processes.

use std::{fmt, fs::OpenOptions, net::SocketAddr, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{sleep, timeout},
};

use crate::{
    Outcome,
    dataset::Dataset,
    kit::process::{Running, Signal},
    machine,
};

/// How long a subject may take until it listens.
const START_WITHIN: Duration = Duration::from_mins(1);
/// How long a subject may take to end after SIGTERM.
const STOP_WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Wardline,
    Peer,
}

impl Kind {
    /// Returns the name of this subject's copy of a database of Wardline.
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

/// A running subject.
pub struct Subject {
    pub kind: Kind,
    pub address: SocketAddr,
    pub pid: u32,
    process: Running,
}

impl Subject {
    pub async fn start(dataset: &Dataset, kind: Kind, database: &str) -> Outcome<Self> {
        Self::start_with(dataset, kind, database, &dataset.data()).await
    }

    /// Starts a subject like [`Subject::start`], with the given data folder; the peer has none.
    pub async fn start_with(
        dataset: &Dataset,
        kind: Kind,
        database: &str,
        data: &Path,
    ) -> Outcome<Self> {
        let mut command = match kind {
            Kind::Wardline => {
                let mut command = dataset.wardline_command(database);
                command.arg("serve").env("DATA_DIR", data);
                command
            }
            Kind::Peer => {
                let mut command = dataset.peer_command("server.js");
                command.env("MONGODB_DB", kind.database(database));
                command
            }
        };
        let log_path = dataset.folder.join(format!("{kind}.log"));
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_path)?;
        command.stdout(Stdio::piped()).stderr(log);
        let mut process = Running::start(command);
        let pid = process.pid().unwrap_or_default();
        let Some(stdout) = process.take_stdout() else {
            return Err("a child without output".into());
        };
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
            return Err(format!("{kind} did not start: {}", last_lines(&words)).into());
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            kind,
            address,
            pid,
            process,
        })
    }

    /// Returns the resident memory in KiB; the peer collects its garbage first.
    pub async fn memory(&self) -> Outcome<f64> {
        if self.kind == Kind::Peer {
            self.process.signal(Signal::USR2);
            sleep(Duration::from_secs(2)).await;
        }
        machine::resident(self.pid).ok_or_else(|| format!("{} is gone", self.kind).into())
    }

    /// Stops the process with SIGTERM, and kills it if it does not end in time.
    pub async fn stop(mut self) -> Outcome<()> {
        if !self.process.terminate(STOP_WITHIN).await {
            eprintln!(
                "bench: {} did not stop within {STOP_WITHIN:?} and was killed",
                self.kind
            );
        }
        Ok(())
    }
}

/// Returns the last lines of the output of a program.
pub fn last_lines(words: &str) -> String {
    const LINES: usize = 10;
    let lines: Vec<&str> = words
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

/// Returns the address in `… listens on http://127.0.0.1:1234   …`.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_once("http://")?
        .1
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
