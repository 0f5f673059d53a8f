//! Messages committed, acknowledged and delivered per second.

use super::{Figures, cast, contestants, fig, floor, with};
use crate::{
    Outcome,
    cluster::House,
    contestant::{Contestant, Kind},
    machine::CpuWatch,
    options::Options,
    people::World,
    report::{Line, Row, Samples, Target},
    talk::{Faults, Pace, Talk},
};

const TALKERS: usize = 200;
const WINDOWS: [usize; 2] = [1, 8];

fn rate_of(window: usize) -> String {
    format!("{window} in flight, messages/s")
}

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let best = floor::best(house, options).await?;
    let mut samples = Samples::of("throughput");
    let mut floors = Vec::new();
    let mut row = Row {
        name: "throughput",
        how: format!(
            "{TALKERS} people in {} private sessions, all connected over WebSocket and joined, each with 1 and then \
             with 8 messages on their way: the next is sent when an acknowledgement comes. 2 s of warming up, 8 s \
             measured. A message counts when both the sender's acknowledgement and the other's `message:receive` \
             are there. Each contestant's headline is the better of its own two. In each round the floor's best \
             batch is measured too. CPU is in percent of one core. Every message is checked: \
             acknowledged but missing, doubled, out of order.",
            TALKERS / 2
        ),
        ..Row::default()
    };
    for round in 1..=options.rounds {
        for kind in contestants(options) {
            let mut faults = Faults::default();
            let result =
                with(house, *kind, "bench", async |c| measure(house, options, world, c, &mut faults).await)
                    .await;
            let result = result.map(|mut figures| {
                figures.push(fig("missing", faults.missing as f64));
                figures.push(fig("doubled", faults.doubled as f64));
                figures.push(fig("out of order", (faults.disordered + faults.contradicted) as f64));
                figures
            });
            samples.note(round, *kind, result);
            if faults.total() > 0 && *kind == Kind::Wardline {
                row.faults.push(format!("round {round}: {faults:?}"));
            }
        }
        let floor = floor::once(house, best.writers, best.batch, options.seconds(3.0, 1.0)).await?;
        println!("  throughput {round} floor     {} messages/s", crate::stats::figure(floor));
        floors.push(floor);
    }
    let headline = |kind| {
        let rates = WINDOWS.iter().filter_map(|window| samples.median(&rate_of(*window), kind));
        rates.reduce(f64::max)
    };
    let (wardline, peer) = (headline(Kind::Wardline), headline(Kind::Peer));
    let floor = crate::stats::median(&floors);
    row.lines.push(Line::ratio(
        "throughput: messages/s against the peer",
        wardline,
        peer,
        Target::AtLeast(25.0),
    ));
    row.lines.push(Line::ratio(
        &format!("throughput: messages/s against the floor ({} writers × {})", best.writers, best.batch),
        wardline,
        floor,
        Target::AtLeast(0.4),
    ));
    for window in WINDOWS {
        let what = format!("throughput: messages/s, {window} in flight each");
        row.lines.push(samples.ratio(&what, &rate_of(window), Target::None));
    }
    for what in ["missing", "doubled", "out of order"] {
        let count = |kind| {
            let counts = samples.values_of(what, kind);
            (!counts.is_empty()).then(|| counts.iter().sum::<f64>())
        };
        let wardline = count(Kind::Wardline);
        let line = Line::new(&format!("throughput: {what}, all rounds"), wardline, Target::AtMost(0.0), "");
        row.lines.push(line.with(wardline, count(Kind::Peer)));
    }
    row.raw = samples.raw();
    row.raw.push_str("\nThe floor's best in each round, messages/s: ");
    row.raw.push_str(&floors.iter().map(|rate| crate::stats::figure(*rate)).collect::<Vec<_>>().join(", "));
    row.raw.push('\n');
    Ok(row)
}

async fn measure(
    house: &House,
    options: &Options,
    world: &World,
    contestant: &Contestant,
    faults: &mut Faults,
) -> Outcome<Figures> {
    let mut figures = Vec::new();
    for window in WINDOWS {
        let pace = |_| Pace::Closed { window, pause: None };
        let mut talk = Talk::begin(cast(contestant, world, 0..TALKERS, pace).await?);
        tokio::time::sleep(options.seconds(2.0, 0.5)).await;
        talk.measure();
        let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
        tokio::time::sleep(options.seconds(8.0, 1.0)).await;
        let shares = cpu.shares(&window.to_string());
        let mut talked = talk.finish().await;
        faults.add(talked.faults);
        if let Some(error) = talked.errors.first() {
            return Err(format!("{window} in flight: {error}").into());
        }
        if talked.unanswered > 0 {
            return Err(format!("{window} in flight: {} unanswered", talked.unanswered).into());
        }
        figures.push(fig(rate_of(window), talked.rate));
        figures.push(fig(format!("{window}: ack p50 ms"), talked.acks.percentile(50.0).unwrap_or_default()));
        figures.push(fig(format!("{window}: ack p99 ms"), talked.acks.percentile(99.0).unwrap_or_default()));
        figures.extend(shares);
    }
    Ok(figures)
}
