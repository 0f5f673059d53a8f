//! What an idle person costs.

use std::time::Duration;

use tokio::time::sleep;

use super::{Figures, contestants, fig, with};
use crate::{
    Outcome,
    cluster::House,
    contestant::Contestant,
    options::Options,
    people::{Idle, World, gather},
    report::{Row, Samples, Target},
};

const FIRST: usize = 500;
const EACH: &str = "KiB for each";

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let more = options.count(4_000, 500);
    let mut samples = Samples::of("memory");
    for round in 1..=options.rounds {
        for kind in contestants(options) {
            let result =
                with(house, *kind, "bench", async |contestant| measure(contestant, world, more).await);
            samples.note(round, *kind, result.await);
        }
    }
    Ok(Row {
        name: "memory",
        how: format!(
            "A fresh process; {FIRST} people connect and join to warm it up, then {more} more, who stay idle. 3 s \
             later: growth of the resident memory (VmRSS), divided by {more}. The peer's garbage is collected \
             before both readings."
        ),
        lines: vec![samples.ratio("memory: KiB for each idle person", EACH, Target::AtMost(0.9))],
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

async fn measure(contestant: &Contestant, world: &World, more: usize) -> Outcome<Figures> {
    let mut idle = Idle::default();
    idle.add(gather(contestant.address, &world.people[..FIRST], 100).await?);
    sleep(Duration::from_secs(3)).await;
    let before = contestant.memory().await?;
    idle.add(gather(contestant.address, &world.people[FIRST..FIRST + more], 100).await?);
    sleep(Duration::from_secs(3)).await;
    let after = contestant.memory().await?;
    idle.take().await?; // none may have been lost
    Ok(vec![
        fig("before, MiB", before / 1_024.0),
        fig("after, MiB", after / 1_024.0),
        fig(EACH, (after - before) / more as f64),
    ])
}
