//! The latency of a message.

use std::time::Duration;

use super::{Figures, baseline, connect_participants, fig, subjects, with};
use crate::{
    Outcome,
    clock::Clock,
    dataset::Dataset,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    scenario::{Pace, Scenario},
    stats::{Times, median},
    subject::{Kind, Subject},
    users::Population,
};

const SENDERS: usize = 200;
const RATE: f64 = 400.0;

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let mut samples = Samples::of("latency");
    let mut bare = Vec::new();
    for round in 1..=options.rounds {
        for kind in subjects(options) {
            let result = with(dataset, *kind, "bench", async |subject| {
                let mut figures = loaded(subject, population, options).await?;
                figures.extend(idle(subject, population, options).await?);
                Ok(figures)
            });
            samples.record(round, *kind, result.await);
        }
        let mut times = baseline::bare(dataset, options.seconds(4.0, 1.0)).await?;
        bare.extend(times.percentile(50.0));
        println!(
            "  latency {round} bare transaction p50 {:.2} ms",
            bare.last().copied().unwrap_or_default()
        );
    }
    let bare = median(&bare);
    let (p99, peer_p99) = samples.both("loaded delivered p99 ms");
    let mut lines = vec![
        Line::ratio(
            "latency: send→delivered p99 ms at 400/s",
            p99,
            peer_p99,
            Target::AtMost(0.2),
        ),
        samples.ratio(
            "latency: send→delivered p95 ms at 400/s",
            "loaded delivered p95 ms",
            Target::None,
        ),
        samples.ratio(
            "latency: send→delivered p50 ms at 400/s",
            "loaded delivered p50 ms",
            Target::None,
        ),
    ];
    for (what, name, target) in [
        (
            "latency: idle send→delivered p50 ms against a bare transaction",
            "idle delivered p50 ms",
            Target::AtMost(2.0),
        ),
        (
            "latency: idle send→ack p50 ms against a bare transaction",
            "idle ack p50 ms",
            Target::AtMost(2.0),
        ),
    ] {
        lines.push(Line::ratio(
            what,
            samples.median(name, Kind::Wardline),
            bare,
            target,
        ));
    }
    for (what, name) in [
        (
            "latency: idle send→delivered p50 ms against the peer",
            "idle delivered p50 ms",
        ),
        (
            "latency: idle send→ack p50 ms against the peer",
            "idle ack p50 ms",
        ),
    ] {
        lines.push(samples.ratio(what, name, Target::None));
    }
    Ok(CaseReport {
        name: "latency",
        how: format!(
            "Loaded: {RATE} messages/s over {SENDERS} users in an open loop, for 20 s; each is due at a moment fixed \
             beforehand and its time runs from that moment, however late it could be sent, until the other's \
             `message:receive`. Idle: one user sends to another, one message at a time with 20 ms between. The \
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

async fn loaded(subject: &Subject, population: &Population, options: &Options) -> Outcome<Figures> {
    let (mut clock, due_times) = Clock::new(SENDERS);
    let mut due_times = due_times.into_iter();
    let participants = connect_participants(subject, population, 0..SENDERS, |_| {
        due_times.next().map_or(Pace::Silent, Pace::Open)
    })
    .await?;
    clock.start(RATE);
    let mut totals = Scenario::begin(participants)
        .run(options.seconds(3.0, 0.5), options.seconds(20.0, 2.0))
        .await;
    drop(clock);
    if let Some(error) = totals.errors.first() {
        return Err(error.clone().into());
    }
    let mut figures = vec![fig("loaded messages/s", totals.rate)];
    percentiles(&mut figures, "loaded delivered", &mut totals.deliveries)?;
    percentiles(&mut figures, "loaded ack", &mut totals.acks)?;
    Ok(figures)
}

async fn idle(subject: &Subject, population: &Population, options: &Options) -> Outcome<Figures> {
    let pause = Some(Duration::from_millis(20));
    let pace = |index| {
        if index == 0 {
            Pace::Closed { window: 1, pause }
        } else {
            Pace::Silent
        }
    };
    let participants = connect_participants(subject, population, 0..2, pace).await?;
    let mut totals = Scenario::begin(participants)
        .run(options.seconds(1.0, 0.3), options.seconds(6.0, 1.0))
        .await;
    let mut figures = Vec::new();
    percentiles(&mut figures, "idle delivered", &mut totals.deliveries)?;
    percentiles(&mut figures, "idle ack", &mut totals.acks)?;
    Ok(figures)
}
