//! The memory of an idle user.

use std::time::Duration;

use tokio::time::sleep;

use super::{Figures, fig, subjects, with};
use crate::{
    Outcome,
    dataset::Dataset,
    options::Options,
    report::{CaseReport, Samples, Target},
    subject::Subject,
    users::{IdleConnections, Population, connect_all},
};

const FIRST: usize = 500;
const EACH: &str = "KiB for each";

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let more = options.count(4_000, 500);
    let mut samples = Samples::of("memory");
    for round in 1..=options.rounds {
        for kind in subjects(options) {
            let result = with(dataset, *kind, "bench", async |subject| {
                measure(subject, population, more).await
            });
            samples.record(round, *kind, result.await);
        }
    }
    Ok(CaseReport {
        name: "memory",
        how: format!(
            "A fresh process; {FIRST} users connect and join to warm it up, then {more} more, who stay idle. 3 s \
             later: growth of the resident memory (VmRSS), divided by {more}. The peer's garbage is collected \
             before both readings."
        ),
        lines: vec![samples.ratio(
            "memory: KiB for each idle person",
            EACH,
            Target::AtMost(0.9),
        )],
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

async fn measure(subject: &Subject, population: &Population, more: usize) -> Outcome<Figures> {
    let mut idle = IdleConnections::default();
    idle.add(connect_all(subject.address, &population.users[..FIRST], 100).await?);
    sleep(Duration::from_secs(3)).await;
    let before = subject.memory().await?;
    idle.add(connect_all(subject.address, &population.users[FIRST..FIRST + more], 100).await?);
    sleep(Duration::from_secs(3)).await;
    let after = subject.memory().await?;
    idle.take().await?; // fails if one was lost
    Ok(vec![
        fig("before, MiB", before / 1_024.0),
        fig("after, MiB", after / 1_024.0),
        fig(EACH, (after - before) / more as f64),
    ])
}
