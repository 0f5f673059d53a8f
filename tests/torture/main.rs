//! Torture tests: the guarantees of the service, checked over what clients observed while faults
//! hit the real binary and real mongods under load. The short run is one of the tests; `make
//! torture` is the long one.
//!
//! The terms are Jepsen's. A *workload* has users with devices; a *generator* chooses the
//! operations of each; the *nemesis* injects faults; all that clients asked and observed is the
//! *history*; a device follows events in its *model*; *checkers* read the history.
//!
//! The variables `TORTURE=long`, `TORTURE_SEED=n`, `TORTURE_ROUNDS=n` and
//! `TORTURE_FAULTS=name,name` select what runs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../kit/mod.rs"]
mod kit;

mod checker;
mod client;
mod client_connection;
mod context;
mod database;
mod generator;
mod history;
mod model;
mod nemesis;
mod report;
mod round;
mod service;
mod workload;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use kit::process;
use nemesis::Fault;
use report::Report;
use round::{Cluster, Options};

/// The short run's seed; the long run takes a new one each time.
const SEED: u64 = 20_261_121;
/// The limit that docs/TORTURE.md reports. The short run shares its machine with other builds.
const RECOVERY: Duration = Duration::from_secs(15);
const RECOVERY_SHORT: Duration = Duration::from_secs(45);
/// This process has both ends of 3,000 connections, and other files besides.
const OPEN_FILES: u64 = 16_384;
/// The maximum of printed violations; all are counted.
const SHOWN: usize = 40;

#[expect(clippy::disallowed_methods, reason = "how the run is chosen")]
fn chosen(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if now.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum: now.maximum,
            },
        );
    }
}

/// The faults in their order, with the number of rounds each.
fn plan(is_long: bool) -> Vec<(Fault, usize)> {
    let names = chosen("TORTURE_FAULTS");
    let wanted = |fault: &Fault| {
        names
            .as_ref()
            .map_or(is_long || Fault::SHORT.contains(fault), |names| {
                names.split(',').any(|name| name.trim() == fault.name())
            })
    };
    let rounds = chosen("TORTURE_ROUNDS").and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(if is_long { 2 } else { 1 });
    Fault::ALL
        .into_iter()
        .filter(wanted)
        .map(|fault| (fault, rounds))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_promised_holds_whatever_fails() {
    let is_long = chosen("TORTURE").as_deref() == Some("long");
    let given = chosen("TORTURE_SEED").map(|seed| seed.parse().expect("TORTURE_SEED is a number"));
    let seed = given.unwrap_or_else(|| if is_long { rand::random() } else { SEED });
    let recovery = if is_long { RECOVERY } else { RECOVERY_SHORT };
    let patience = Duration::from_secs(if is_long { 12 } else { 25 });
    let options = Options {
        is_long,
        seed,
        recovery,
        patience,
    };
    println!("TORTURE_SEED={seed}");
    allow_many_files();
    let (base, begun) = (process::base_folder().await, Instant::now());
    let mut report = Report {
        options,
        rounds: Vec::new(),
        seconds: 0,
    };
    let mut cluster: Option<Cluster> = None;
    for (fault, rounds) in plan(is_long) {
        if cluster
            .as_ref()
            .is_some_and(|cluster| cluster.kind != fault.kind())
        {
            close(cluster.take(), &base).await;
        }
        if cluster.is_none() {
            match Cluster::open(base.join(format!("{fault}")), fault.kind()).await {
                Ok(opened) => cluster = Some(opened),
                Err(why) => {
                    println!("{fault}: not tried: {why}");
                    report.rounds.push(round::Round::not_tried(fault, why));
                    continue;
                }
            }
        }
        for number in 1..=rounds {
            let Some(cluster) = &mut cluster else {
                continue;
            };
            let round = round::run(cluster, fault, number, options).await;
            println!(
                "{:>5} s  {}",
                begun.elapsed().as_secs(),
                report::line(&round)
            );
            for (check, evidence) in round.violations().take(SHOWN) {
                println!("    {check}: {evidence}");
            }
            if round.violations().next().is_some() {
                keep_logs(cluster, fault, number);
            }
            report.rounds.push(round);
        }
    }
    close(cluster.take(), &base).await;
    process::remove(&base).await;
    report.seconds = begun.elapsed().as_secs();
    if is_long && chosen("TORTURE_FAULTS").is_none() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TORTURE.md");
        std::fs::write(page, report.page().await).unwrap();
        let idle = report.idle_checks();
        assert!(idle.is_empty(), "checks that looked at nothing: {idle:?}");
    }
    for (name, (looked_at, violations)) in report.looked_at() {
        println!("{name:<18} looked at {looked_at:>8}, {violations} violations");
    }
    let violations = report.violations();
    assert!(
        violations.is_empty(),
        "{} violations; the first: {}",
        violations.len(),
        violations[0]
    );
}

async fn close(cluster: Option<Cluster>, base: &Path) {
    if let Some(cluster) = cluster {
        cluster.close().await;
    }
    if let Ok(entries) = std::fs::read_dir(base) {
        for entry in entries.flatten() {
            process::remove(&entry.path()).await;
        }
    }
}

/// Keeps the service's log of a round with violations after the run.
fn keep_logs(cluster: &Cluster, fault: Fault, number: usize) {
    for entry in std::fs::read_dir(cluster.logs())
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "log")
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kept =
                std::env::temp_dir().join(format!("wardline-torture-{fault}-{number}-{name}"));
            if std::fs::copy(entry.path(), &kept).is_ok() {
                println!("    log: {}", kept.display());
            }
        }
    }
}
