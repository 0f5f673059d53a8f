//! What more people cost.

use super::{Figures, cast, contestants, fig, seat, with};
use crate::{
    Outcome,
    cluster::House,
    contestant::{Contestant, Kind},
    options::Options,
    people::{Idle, World, gather},
    report::{Line, Row, Samples, Target},
    talk::{Faults, Pace, Talk},
};

const SIZES: [usize; 4] = [50, 200, 1_000, 5_000];
/// The peer's, for information.
const PEER_SIZES: [usize; 2] = [50, 1_000];
const TALKERS: usize = 50;

fn all(size: usize) -> String {
    format!("{size} talking")
}

fn some(size: usize) -> String {
    format!("{TALKERS} of {size} talking")
}

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let mut samples = Samples::of("growth");
    let mut faults = Vec::new();
    for round in 1..=options.rounds.min(2) {
        for kind in contestants(options) {
            let sizes: &[usize] = if *kind == Kind::Wardline { &SIZES } else { &PEER_SIZES };
            let mut found = Faults::default();
            let mut figures = Figures::new();
            let mut trouble = None;
            for size in sizes {
                let work = async |c: &Contestant| measure(c, world, *size, options, &mut found).await;
                match with(house, *kind, "bench", work).await {
                    Ok(more) => figures.extend(more),
                    Err(error) => trouble = Some(format!("{size} people: {error}")),
                }
            }
            samples.note(round, *kind, Ok(figures));
            if let Some(trouble) = trouble {
                samples.note(round, *kind, Err(trouble.into()));
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
    Ok(Row {
        name: "growth",
        how: format!(
            "A fresh process for each number of people, all connected and joined. First {TALKERS} of them talk, in \
             pairs, with 8 messages on their way each (so the load is the same for every number) while the \
             others are idle; then everybody talks, with 1 on its way each (so the load grows with them). Messages \
             acknowledged and delivered per second, 1.5 s of warming up, 5 s measured. The peer for information."
        ),
        lines,
        raw: samples.raw(),
        faults,
    })
}

async fn measure(
    contestant: &Contestant,
    world: &World,
    size: usize,
    options: &Options,
    faults: &mut Faults,
) -> Outcome<Figures> {
    let (warm, measured) = (options.seconds(1.5, 0.3), options.seconds(5.0, 1.0));
    let mut idle = Idle::default();
    idle.add(gather(contestant.address, &world.people[TALKERS..size], 100).await?);
    let closed = |window| move |_| Pace::Closed { window, pause: None };
    let talkers = cast(contestant, world, 0..TALKERS, closed(8)).await?;
    tokio::time::sleep(options.seconds(1.0, 0.3)).await;
    let some_talked = Talk::begin(talkers).run(warm, measured).await;
    if let Some(error) = some_talked.errors.first() {
        return Err(error.clone().into());
    }
    let mut sockets = some_talked.sockets;
    sockets.extend(idle.take().await?);
    let talkers = seat(world, 0, sockets, closed(1))?;
    let all_talked = Talk::begin(talkers).run(warm, measured).await;
    faults.add(some_talked.faults);
    faults.add(all_talked.faults);
    if let Some(error) = all_talked.errors.first() {
        return Err(error.clone().into());
    }
    Ok(vec![fig(some(size), some_talked.rate), fig(all(size), all_talked.rate)])
}
