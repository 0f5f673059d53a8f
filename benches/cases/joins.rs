//! The rate at which users connect and join.

use std::time::Instant;

use super::{fig, subjects, with};
use crate::{
    Outcome,
    dataset::Dataset,
    machine::CpuWatch,
    options::Options,
    report::{CaseReport, Samples, Target},
    users::connect_all,
};

const CONCURRENT_JOINS: usize = 200;
const RATE: &str = "joins/s";

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let users = &population.users[..options.count(4_000, 400)];
    let mut samples = Samples::of("joins");
    for round in 1..=options.rounds {
        for kind in subjects(options) {
            let result = with(dataset, *kind, "bench", async |subject| {
                let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
                let start = Instant::now();
                let sockets = connect_all(subject.address, users, CONCURRENT_JOINS).await?;
                let mut figures = vec![fig(
                    RATE,
                    sockets.len() as f64 / start.elapsed().as_secs_f64(),
                )];
                figures.extend(cpu.shares("joining"));
                Ok(figures)
            });
            samples.record(round, *kind, result.await);
        }
    }
    Ok(CaseReport {
        name: "joins",
        how: format!(
            "A fresh process; {} different users, {CONCURRENT_JOINS} at once: TCP connection, WebSocket handshake, Socket.IO \
             CONNECT with a token, `user:join`, until `user:joined` has come. All stay connected until the last \
             is in.",
            users.len()
        ),
        lines: vec![samples.ratio(
            "joins: people connected and joined/s",
            RATE,
            Target::AtLeast(10.0),
        )],
        raw: samples.raw(),
        faults: Vec::new(),
    })
}
