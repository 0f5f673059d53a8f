//! The real binary as a child process, for what only a whole process shows: starts, exit statuses,
//! logs, metrics.

use std::{
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use tokio::process::Command;

use super::{
    SECRET,
    process::{Running, Signal, free_port},
};

/// The binary with these variables and no others.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own search for a mongod"
)]
pub fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardline"));
    command
        .args(arguments)
        .env_clear()
        .kill_on_drop(true)
        .stdin(Stdio::null());
    for inherited in ["PATH", "WARDLINE_MONGOD"] {
        if let Some(value) = std::env::var_os(inherited) {
            command.env(inherited, value);
        }
    }
    command
        .env("JWT_SECRET", SECRET)
        .envs(variables.iter().copied());
    command
}

/// Runs a command to its end: exit status, stdout, stderr.
pub async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let output: Output = command(arguments, variables).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A service on its own port, logging into a file.
pub struct Program {
    pub address: String,
    process: Running,
}

impl Program {
    pub async fn serve(log: &Path, variables: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut command = command(&["serve"], variables);
        command.env("PORT", port.to_string()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(log).unwrap());
        let mut program = Self {
            address: format!("127.0.0.1:{port}"),
            process: Running::start(command),
        };
        let begun = Instant::now();
        while reqwest::get(format!("http://{}/health", program.address))
            .await
            .is_err()
        {
            assert!(
                !program.process.has_ended(),
                "{}",
                std::fs::read_to_string(log).unwrap()
            );
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "it does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        program
    }

    pub fn pid(&self) -> u32 {
        self.process.pid().unwrap()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn stop(mut self) {
        self.process.signal(Signal::TERM);
        assert!(self.process.ended().await.success());
    }
}
