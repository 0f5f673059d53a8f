//! The machine, and the resources that processes use.

use std::{fs, path::Path, process::Command, time::Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files of this process and its children to the maximum.
pub fn raise_file_limit() -> std::io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )?;
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    if allowed < 8_192 {
        eprintln!("bench: only {allowed} open files are allowed; cases with many users will fail");
    }
    Ok(())
}

/// Returns the first line that a program prints.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()?
            .trim()
            .to_owned(),
    )
}

fn version(program: &str) -> String {
    first_line(program, &["--version"]).unwrap_or_else(|| "unknown".to_owned())
}

fn value_of(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Returns the machine, the kernel and the versions as pairs of name and value.
pub fn describe(mongod: &Path) -> Vec<(&'static str, String)> {
    let model = value_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = value_of("/proc/meminfo", "MemTotal")
        .and_then(|text| kib(&text))
        .unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")
        .unwrap_or_default()
        .trim()
        .to_owned();
    let root = env!("CARGO_MANIFEST_DIR");
    let commit = first_line("git", &["-C", root, "rev-parse", "--short=12", "HEAD"]);
    let mut commit = commit.unwrap_or_else(|| "unknown".to_owned());
    if first_line(
        "git",
        &["-C", root, "status", "--porcelain", "src", "Cargo.toml"],
    )
    .is_some()
    {
        commit.push_str(", with changes");
    }
    vec![
        ("CPU", format!("{model}, {cores} cores")),
        ("Memory", format!("{:.1} GiB", memory / 1_048_576.0)),
        ("Kernel", kernel),
        ("mongod", version(&mongod.display().to_string())),
        ("node", version("node")),
        ("rustc", version("rustc")),
        ("Commit", commit),
    ]
}

fn kib(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Returns the resident memory of a process in KiB.
pub fn resident(pid: u32) -> Option<f64> {
    kib(&value_of(&format!("/proc/{pid}/status"), "VmRSS")?)
}

/// Returns the seconds of CPU that a process has used, user and system.
fn cpu_seconds(pid: u32) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0; // USER_HZ, 100 on every common Linux
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // The state is a letter, so it is skipped: fields[n] is field n + 4 of proc(5). utime is 14 and
    // stime 15.
    fields
        .get(10)
        .zip(fields.get(11))
        .map_or(0.0, |(user, system)| (user + system) / TICKS_PER_SECOND)
}

/// The CPU that the service, mongod and this tool use from a moment on.
pub struct CpuWatch {
    since: Instant,
    processes: [(&'static str, u32, f64); 3],
}

impl CpuWatch {
    pub fn start(service: u32, mongod: u32) -> Self {
        let processes = [
            ("service", service),
            ("mongod", mongod),
            ("tool", std::process::id()),
        ];
        let processes = processes.map(|(name, pid)| (name, pid, cpu_seconds(pid)));
        Self {
            since: Instant::now(),
            processes,
        }
    }

    /// Returns the share of each since then, in percent of one core. `what` names the load.
    pub fn shares(&self, what: &str) -> Vec<(String, f64)> {
        let elapsed = self.since.elapsed().as_secs_f64();
        let share = |(name, pid, before): &(&str, u32, f64)| {
            (
                format!("{what}: CPU {name} %"),
                (cpu_seconds(*pid) - before) / elapsed * 100.0,
            )
        };
        self.processes.iter().map(share).collect()
    }
}
