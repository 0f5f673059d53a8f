//! The load tool: `make bench`, or `cargo bench --bench bench -- --help`.
//!
//! It uses the service as clients do (WebSocket, Socket.IO packets, REST over persistent
//! connections). It loads Wardline, the peer and the raw limits in one run, and writes
//! `docs/BENCHMARKS.md`.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "figures for people, far below these bounds"
)]

#[path = "../tests/kit/mod.rs"]
mod kit;

mod cases;
mod client;
mod clock;
mod dataset;
mod echo;
mod http;
mod machine;
mod options;
mod report;
mod scenario;
mod stats;
mod subject;
mod users;
mod wire;

use std::{error::Error, ffi::OsString, path::PathBuf, process::ExitCode, time::Instant};

use clap::{Parser, ValueEnum, builder::PossibleValue};
use tokio::signal::unix::{SignalKind, signal};

use dataset::Dataset;
use options::{Case, Options};
use report::CaseReport;

/// The result of a step of the bench.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where to search for a mongod.
pub struct MongodSearch {
    pub mongod: Option<PathBuf>,
    pub path: Option<OsString>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the load tool's own search for a mongod"
)]
fn mongod_search() -> MongodSearch {
    MongodSearch {
        mongod: std::env::var_os("WARDLINE_MONGOD").map(PathBuf::from),
        path: std::env::var_os("PATH"),
    }
}

fn main() -> ExitCode {
    stats::check();
    wire::check();
    client::check();
    let options = Options::parse();
    match start(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(options: &Options) -> Outcome<bool> {
    machine::raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if options.echo_server {
            return echo::serve().await.map(|()| true);
        }
        let dataset = Dataset::open(mongod_search(), options.wardline.clone()).await?;
        // Dropping the cases ends their child processes in any case; mongod ends last.
        let result = tokio::select! {
            result = run_cases(&dataset, options) => result,
            () = interrupted() => Err("interrupted".into()),
        };
        dataset.close().await?;
        result
    })
}

async fn interrupted() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

const FAILED_CASE: &str = "a case that failed";

/// Runs the cases; returns whether there was no fault of the service.
async fn run_cases(dataset: &Dataset, options: &Options) -> Outcome<bool> {
    let machine = machine::describe(dataset.mongod_binary());
    for (name, value) in &machine {
        println!("{name:<8} {value}");
    }
    let mut reports: Vec<CaseReport> = Vec::new();
    for case in Case::value_variants()
        .iter()
        .filter(|case| options.wants(**case))
    {
        let value = case.to_possible_value();
        let name = value.as_ref().map_or("", PossibleValue::get_name);
        println!("\n{name}");
        let start = Instant::now();
        match cases::run(*case, dataset, options).await {
            Ok(report) => {
                report::print(&report);
                println!("  ({:.0} s)", start.elapsed().as_secs_f64());
                reports.push(report);
            }
            Err(error) => {
                println!("  {name} could not be measured: {error}");
                let how = format!("Could not be measured: {error}");
                reports.push(CaseReport {
                    name: FAILED_CASE,
                    how,
                    ..CaseReport::default()
                });
            }
        }
    }
    let default = (!options.quick && options.only.is_empty()).then(report::default_path);
    if let Some(path) = options.out.clone().or(default) {
        let arguments: Vec<String> = std::env::args()
            .skip(1)
            .filter(|word| word != "--bench")
            .collect();
        let command = format!("cargo bench --bench bench -- {}", arguments.join(" "));
        let command = command.trim_end_matches([' ', '-']);
        report::write(&path, &machine, command, options.rounds, &reports)?;
        println!("\nwritten to {}", path.display());
    }
    Ok(reports
        .iter()
        .all(|report| report.faults.is_empty() && report.name != FAILED_CASE))
}
