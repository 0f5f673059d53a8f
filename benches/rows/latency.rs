//! How long a message takes.

use std::time::Duration;

use super::{Figures, cast, contestants, fig, floor, with};
use crate::{
    Outcome,
    clock::Clock,
    cluster::House,
    contestant::{Contestant, Kind},
    options::Options,
    people::World,
    report::{Line, Row, Samples, Target},
    stats::{Times, median},
    talk::{Pace, Talk},
};

const TALKERS: usize = 200;
const RATE: f64 = 400.0;
pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let mut samples = Samples::of("latency");
    let mut bare = Vec::new();
    for round in 1..=options.rounds {
        for kind in contestants(options) {
            let result = with(house, *kind, "bench", async |contestant| {
                let mut figures = loaded(contestant, world, options).await?;
                figures.extend(idle(contestant, world, options).await?);
                Ok(figures)
            });
            samples.note(round, *kind, result.await);
        }
        let mut times = floor::bare(house, options.seconds(4.0, 1.0)).await?;
        bare.extend(times.percentile(50.0));
        println!("  latency {round} bare transaction p50 {:.2} ms", bare.last().copied().unwrap_or_default());
    }
    let bare = median(&bare);
    let (p99, peer_p99) = samples.both("loaded delivered p99 ms");
    let mut lines = vec![
        Line::ratio("latency: send→delivered p99 ms at 400/s", p99, peer_p99, Target::AtMost(0.2)),
        samples.ratio("latency: send→delivered p95 ms at 400/s", "loaded delivered p95 ms", Target::None),
        samples.ratio("latency: send→delivered p50 ms at 400/s", "loaded delivered p50 ms", Target::None),
    ];
    for (what, name, target) in [
        (
            "latency: idle send→delivered p50 ms against a bare transaction",
            "idle delivered p50 ms",
            Target::AtMost(2.0),
        ),
        ("latency: idle send→ack p50 ms against a bare transaction", "idle ack p50 ms", Target::AtMost(2.0)),
    ] {
        lines.push(Line::ratio(what, samples.median(name, Kind::Wardline), bare, target));
    }
    for (what, name) in [
        ("latency: idle send→delivered p50 ms against the peer", "idle delivered p50 ms"),
        ("latency: idle send→ack p50 ms against the peer", "idle ack p50 ms"),
    ] {
        lines.push(samples.ratio(what, name, Target::None));
    }
    Ok(Row {
        name: "latency",
        how: format!(
            "Loaded: {RATE} messages/s over {TALKERS} people in an open loop, for 20 s; each is due at a moment fixed \
             beforehand and its time runs from that moment, however late it could be sent, until the other's \
             `message:receive`. Idle: one person sends to another, one message at a time with 20 ms between. The \
             bare transaction (one session update, one message, majority and journal, straight from the driver) is \
             measured in each round."
        ),
        lines,
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

fn percentiles(figures: &mut Figures, name: &str, times: &mut Times) -> Outcome<()> {
    for percent in [50.0, 95.0, 99.0] {
        let time = times.percentile(percent).ok_or("no message arrived")?;
        figures.push(fig(format!("{name} p{percent} ms"), time));
    }
    Ok(())
}

async fn loaded(contestant: &Contestant, world: &World, options: &Options) -> Outcome<Figures> {
    let (mut clock, told) = Clock::new(TALKERS);
    let mut told = told.into_iter();
    let cast = cast(contestant, world, 0..TALKERS, |_| told.next().map_or(Pace::Silent, Pace::Open)).await?;
    clock.start(RATE);
    let mut talked = Talk::begin(cast).run(options.seconds(3.0, 0.5), options.seconds(20.0, 2.0)).await;
    drop(clock);
    if let Some(error) = talked.errors.first() {
        return Err(error.clone().into());
    }
    let mut figures = vec![fig("loaded messages/s", talked.rate)];
    percentiles(&mut figures, "loaded delivered", &mut talked.deliveries)?;
    percentiles(&mut figures, "loaded ack", &mut talked.acks)?;
    Ok(figures)
}

async fn idle(contestant: &Contestant, world: &World, options: &Options) -> Outcome<Figures> {
    let pause = Some(Duration::from_millis(20));
    let pace = |place| if place == 0 { Pace::Closed { window: 1, pause } } else { Pace::Silent };
    let cast = cast(contestant, world, 0..2, pace).await?;
    let mut talked = Talk::begin(cast).run(options.seconds(1.0, 0.3), options.seconds(6.0, 1.0)).await;
    let mut figures = Vec::new();
    percentiles(&mut figures, "idle delivered", &mut talked.deliveries)?;
    percentiles(&mut figures, "idle ack", &mut talked.acks)?;
    Ok(figures)
}
