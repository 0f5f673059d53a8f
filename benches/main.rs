//! The load tool: `make bench`, or `cargo bench --bench bench -- --help`.
//!
//! It speaks the contract as clients do (WebSocket, Socket.IO's packets, REST over kept connections), loads
//! Wardline, the peer and the raw limits in one go, and writes `docs/BENCHMARKS.md`.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "figures for people, far below these bounds"
)]

mod client;
mod clock;
mod cluster;
mod contestant;
mod echo;
mod http;
mod machine;
mod options;
mod people;
mod report;
mod rows;
mod stats;
mod talk;
mod wire;

use std::{error::Error, ffi::OsString, path::PathBuf, process::ExitCode, time::Instant};

use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use cluster::House;
use options::{Key, Options};
use report::Row;

/// What a step of the bench comes to.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where a mongod is looked for.
pub struct Search {
    pub mongod: Option<PathBuf>,
    pub path: Option<OsString>,
}

#[expect(clippy::disallowed_methods, reason = "the load tool's own search for a mongod")]
fn search() -> Search {
    Search { mongod: std::env::var_os("WARDLINE_MONGOD").map(PathBuf::from), path: std::env::var_os("PATH") }
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        if options.echo_server {
            return echo::serve().await.map(|()| true);
        }
        let house = House::open(search(), options.wardline.clone()).await?;
        // Whatever becomes of the rows, dropping them ends their children, and mongod ends last.
        let result = tokio::select! {
            result = rows(&house, options) => result,
            () = interrupted() => Err("interrupted".into()),
        };
        house.close().await?;
        result
    })
}

async fn interrupted() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Runs the rows; whether the service did nothing wrong.
async fn rows(house: &House, options: &Options) -> Outcome<bool> {
    let machine = machine::describe(house.mongod_binary());
    for (name, value) in &machine {
        println!("{name:<8} {value}");
    }
    let mut rows: Vec<Row> = Vec::new();
    for key in Key::value_variants().iter().filter(|key| options.wants(**key)) {
        println!("\n{key:?}");
        let start = Instant::now();
        match rows::run(*key, house, options).await {
            Ok(row) => {
                report::print(&row);
                println!("  ({:.0} s)", start.elapsed().as_secs_f64());
                rows.push(row);
            }
            Err(error) => {
                println!("  {key:?} could not be measured: {error}");
                let how = format!("Could not be measured: {error}");
                rows.push(Row { name: "a row that failed", how, ..Row::default() });
            }
        }
    }
    let standard = (!options.quick && options.only.is_empty()).then(report::standard_place);
    if let Some(place) = options.out.clone().or(standard) {
        let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
        let command = format!("cargo bench --bench bench -- {}", arguments.join(" "));
        let command = command.trim_end_matches([' ', '-']);
        report::write(&place, &machine, command, options.rounds, &rows)?;
        println!("\nwritten to {}", place.display());
    }
    Ok(rows.iter().all(|row| row.faults.is_empty() && row.name != "a row that failed"))
}
