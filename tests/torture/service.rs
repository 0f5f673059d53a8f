//! A node of the service: the real binary as a child process, on a fixed port.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::process::Command;

use crate::kit::{
    process::{self, Running},
    program,
};

pub const ADMIN: &str = "torture.admin";
/// The time limit of a shutdown (docs/architecture/lifecycle.md), and a margin.
const STOP_WITHIN: Duration = Duration::from_secs(40);
const READY_WITHIN: Duration = Duration::from_mins(1);

pub struct Node {
    pub address: String,
    port: u16,
    uri: String,
    folder: PathBuf,
    pub log: PathBuf,
    process: Option<Running>,
}

impl Node {
    pub async fn start(folder: &Path, number: usize, uri: &str) -> Self {
        let port = process::free_port();
        std::fs::create_dir_all(folder).unwrap();
        let mut node = Self {
            address: format!("127.0.0.1:{port}"),
            port,
            uri: uri.to_owned(),
            folder: folder.to_owned(),
            log: folder.join(format!("wardline-{number}.log")),
            process: None,
        };
        node.start_again();
        node.ready().await;
        node
    }

    /// The binary with the environment of this node.
    fn command(&self) -> Command {
        let mut command = program::command(&[], &[]);
        command
            .env("HOST", "127.0.0.1")
            .env("PORT", self.port.to_string());
        command
            .env("MONGODB_URI", &self.uri)
            .env("MONGODB_DB", "torture")
            .env("DATA_DIR", &self.folder);
        command.env("RATE_LIMIT", "off").env("LOG", "info");
        // A round may take longer than the usual recall window.
        command.env("RECALL_WINDOW", "1h");
        command
            .env("ADMIN_USERNAME", ADMIN)
            .env("ADMIN_PASSWORD", crate::context::PASSWORD);
        command.current_dir(&self.folder);
        command
    }

    pub fn start_again(&mut self) {
        let log = process::append_to(&self.log);
        let mut command = self.command();
        command
            .arg("serve")
            .stdout(std::process::Stdio::null())
            .stderr(log);
        self.process = Some(Running::start(command));
    }

    /// Waits until it is healthy; a process that ended meanwhile is restarted.
    pub async fn ready(&mut self) {
        let begun = Instant::now();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(3))
            .build()
            .unwrap();
        loop {
            let health = client
                .get(format!("http://{}/api/health", self.address))
                .send()
                .await;
            if health.is_ok_and(|health| health.status().as_u16() == 200) {
                return;
            }
            if self.process.as_mut().is_none_or(Running::has_ended) {
                self.start_again();
            }
            assert!(
                begun.elapsed() < READY_WITHIN,
                "the service does not start: {}",
                self.log.display()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Sends SIGTERM; returns whether it ended in time.
    pub async fn terminate(&mut self) -> bool {
        match self.process.take() {
            Some(mut process) => process.terminate(STOP_WITHIN).await,
            None => true,
        }
    }

    /// Its memory, MiB.
    pub fn memory(&self) -> Option<u64> {
        self.process.as_ref().and_then(Running::memory)
    }

    /// Whether the process ended unexpectedly.
    pub fn has_died(&mut self) -> bool {
        self.process.as_mut().is_some_and(Running::has_ended)
    }

    /// Runs a command of the binary beside the service and returns its output.
    pub async fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.command();
        let output = command
            .args(arguments)
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A metric's value, by its name with labels; 0 when it is absent.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(3))
            .build()
            .unwrap();
        let text = client
            .get(format!("http://{}/metrics", self.address))
            .send()
            .await
            .ok()?
            .text()
            .await
            .ok()?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        Some(value.unwrap_or(0.0))
    }
}
