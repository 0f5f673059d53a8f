//! How fast people come in.

use std::time::Instant;

use super::{contestants, fig, with};
use crate::{
    Outcome,
    cluster::House,
    machine::CpuWatch,
    options::Options,
    people::gather,
    report::{Row, Samples, Target},
};

const AT_ONCE: usize = 200;
const RATE: &str = "joins/s";

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let people = &world.people[..options.count(4_000, 400)];
    let mut samples = Samples::of("joins");
    for round in 1..=options.rounds {
        for kind in contestants(options) {
            let result = with(house, *kind, "bench", async |contestant| {
                let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
                let start = Instant::now();
                let sockets = gather(contestant.address, people, AT_ONCE).await?;
                let mut figures = vec![fig(RATE, sockets.len() as f64 / start.elapsed().as_secs_f64())];
                figures.extend(cpu.shares("joining"));
                Ok(figures)
            });
            samples.note(round, *kind, result.await);
        }
    }
    Ok(Row {
        name: "joins",
        how: format!(
            "A fresh process; {} different people, {AT_ONCE} at once: TCP connection, WebSocket handshake, Socket.IO \
             CONNECT with a token, `user:join`, until `user:joined` has come. All stay connected until the last \
             is in.",
            people.len()
        ),
        lines: vec![samples.ratio("joins: people connected and joined/s", RATE, Target::AtLeast(10.0))],
        raw: samples.raw(),
        faults: Vec::new(),
    })
}
