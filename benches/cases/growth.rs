//! The cost of more users.

use super::{Figures, as_participants, connect_participants, fig, subjects, with};
use crate::{
    Outcome,
    dataset::Dataset,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    scenario::{Faults, Pace, Scenario},
    subject::{Kind, Subject},
    users::{IdleConnections, Population, connect_all},
};

const SIZES: [usize; 4] = [50, 200, 1_000, 5_000];
/// The sizes for the peer, for information.
const PEER_SIZES: [usize; 2] = [50, 1_000];
const SENDERS: usize = 50;

fn all(size: usize) -> String {
    format!("{size} talking")
}

fn some(size: usize) -> String {
    format!("{SENDERS} of {size} talking")
}

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let mut samples = Samples::of("growth");
    let mut faults = Vec::new();
    for round in 1..=options.rounds.min(2) {
        for kind in subjects(options) {
            let sizes: &[usize] = if *kind == Kind::Wardline {
                &SIZES
            } else {
                &PEER_SIZES
            };
            let mut found = Faults::default();
            let mut figures = Figures::new();
            let mut problem = None;
            for size in sizes {
                let work =
                    async |c: &Subject| measure(c, population, *size, options, &mut found).await;
                match with(dataset, *kind, "bench", work).await {
                    Ok(more) => figures.extend(more),
                    Err(error) => problem = Some(format!("{size} users: {error}")),
                }
            }
            samples.record(round, *kind, Ok(figures));
            if let Some(problem) = problem {
                samples.record(round, *kind, Err(problem.into()));
            }
            if *kind == Kind::Wardline && found.total() > 0 {
                faults.push(format!("round {round}: {found:?}"));
            }
        }
    }
    let rate = |name: String| samples.median(&name, Kind::Wardline);
    let mut lines = vec![
        Line::ratio(
            "growth: messages/s, all of 5,000 talking (left) against all of 50 (right)",
            rate(all(5_000)),
            rate(all(50)),
            Target::AtLeast(0.8),
        ),
        Line::ratio(
            "growth: messages/s of 50 talking among 5,000 (left), among 50 (right)",
            rate(some(5_000)),
            rate(some(50)),
            Target::AtLeast(0.8),
        ),
    ];
    for size in PEER_SIZES {
        lines.push(samples.ratio(
            &format!("growth: messages/s, all of {size} talking"),
            &all(size),
            Target::None,
        ));
    }
    Ok(CaseReport {
        name: "growth",
        how: format!(
            "A fresh process for each number of users, all connected and joined. First {SENDERS} of them send, in \
             pairs, with 8 messages in flight each (so the load is the same for every number) while the \
             others are idle; then all of them send, with 1 in flight each (so the load grows with them). Messages \
             acknowledged and delivered per second, 1.5 s of warming up, 5 s measured. The peer for information."
        ),
        lines,
        raw: samples.raw(),
        faults,
    })
}

async fn measure(
    subject: &Subject,
    population: &Population,
    size: usize,
    options: &Options,
    faults: &mut Faults,
) -> Outcome<Figures> {
    let (warm, measured) = (options.seconds(1.5, 0.3), options.seconds(5.0, 1.0));
    let mut idle = IdleConnections::default();
    idle.add(connect_all(subject.address, &population.users[SENDERS..size], 100).await?);
    let closed = |window| {
        move |_| Pace::Closed {
            window,
            pause: None,
        }
    };
    let participants = connect_participants(subject, population, 0..SENDERS, closed(8)).await?;
    tokio::time::sleep(options.seconds(1.0, 0.3)).await;
    let some_totals = Scenario::begin(participants).run(warm, measured).await;
    if let Some(error) = some_totals.errors.first() {
        return Err(error.clone().into());
    }
    let mut sockets = some_totals.sockets;
    sockets.extend(idle.take().await?);
    let participants = as_participants(population, 0, sockets, closed(1))?;
    let all_totals = Scenario::begin(participants).run(warm, measured).await;
    faults.add(some_totals.faults);
    faults.add(all_totals.faults);
    if let Some(error) = all_totals.errors.first() {
        return Err(error.clone().into());
    }
    Ok(vec![
        fig(some(size), some_totals.rate),
        fig(all(size), all_totals.rate),
    ])
}
