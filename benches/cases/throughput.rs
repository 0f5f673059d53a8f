//! Messages committed, acknowledged and delivered per second.

use super::{Figures, baseline, connect_participants, fig, subjects, with};
use crate::{
    Outcome,
    dataset::Dataset,
    machine::CpuWatch,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    scenario::{Faults, Pace, Scenario},
    subject::{Kind, Subject},
    users::Population,
};

const SENDERS: usize = 200;
const WINDOWS: [usize; 2] = [1, 8];

fn rate_of(window: usize) -> String {
    format!("{window} in flight, messages/s")
}

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let best = baseline::best(dataset, options).await?;
    let mut samples = Samples::of("throughput");
    let mut baselines = Vec::new();
    let mut report = CaseReport {
        name: "throughput",
        how: format!(
            "{SENDERS} users in {} private sessions, all connected over WebSocket and joined, each with 1 and then \
             with 8 messages in flight: the next is sent when an acknowledgement comes. 2 s of warming up, 8 s \
             measured. A message counts when both the sender's acknowledgement and the other's `message:receive` \
             are there. The headline of each subject is the better of its two figures. In each round the floor's best \
             batch is measured too. CPU is in percent of one core. Every message is checked: \
             acknowledged but missing, doubled, out of order.",
            SENDERS / 2
        ),
        ..CaseReport::default()
    };
    for round in 1..=options.rounds {
        for kind in subjects(options) {
            let mut faults = Faults::default();
            let result = with(dataset, *kind, "bench", async |c| {
                measure(dataset, options, population, c, &mut faults).await
            })
            .await;
            let result = result.map(|mut figures| {
                figures.push(fig("missing", faults.missing as f64));
                figures.push(fig("doubled", faults.doubled as f64));
                figures.push(fig(
                    "out of order",
                    (faults.disordered + faults.contradicted) as f64,
                ));
                figures
            });
            samples.record(round, *kind, result);
            if faults.total() > 0 && *kind == Kind::Wardline {
                report.faults.push(format!("round {round}: {faults:?}"));
            }
        }
        let baseline =
            baseline::measure_rate(dataset, best.writers, best.batch, options.seconds(3.0, 1.0))
                .await?;
        println!(
            "  throughput {round} floor     {} messages/s",
            crate::stats::figure(baseline)
        );
        baselines.push(baseline);
    }
    let headline = |kind| {
        let rates = WINDOWS
            .iter()
            .filter_map(|window| samples.median(&rate_of(*window), kind));
        rates.reduce(f64::max)
    };
    let (wardline, peer) = (headline(Kind::Wardline), headline(Kind::Peer));
    let baseline = crate::stats::median(&baselines);
    report.lines.push(Line::ratio(
        "throughput: messages/s against the peer",
        wardline,
        peer,
        Target::AtLeast(25.0),
    ));
    report.lines.push(Line::ratio(
        &format!(
            "throughput: messages/s against the floor ({} writers × {})",
            best.writers, best.batch
        ),
        wardline,
        baseline,
        Target::AtLeast(0.4),
    ));
    for window in WINDOWS {
        let what = format!("throughput: messages/s, {window} in flight each");
        report
            .lines
            .push(samples.ratio(&what, &rate_of(window), Target::None));
    }
    for what in ["missing", "doubled", "out of order"] {
        let count = |kind| {
            let counts = samples.values_of(what, kind);
            (!counts.is_empty()).then(|| counts.iter().sum::<f64>())
        };
        let wardline = count(Kind::Wardline);
        let line = Line::new(
            &format!("throughput: {what}, all rounds"),
            wardline,
            Target::AtMost(0.0),
            "",
        );
        report.lines.push(line.with(wardline, count(Kind::Peer)));
    }
    report.raw = samples.raw();
    report
        .raw
        .push_str("\nThe floor's best in each round, messages/s: ");
    report.raw.push_str(
        &baselines
            .iter()
            .map(|rate| crate::stats::figure(*rate))
            .collect::<Vec<_>>()
            .join(", "),
    );
    report.raw.push('\n');
    Ok(report)
}

async fn measure(
    dataset: &Dataset,
    options: &Options,
    population: &Population,
    subject: &Subject,
    faults: &mut Faults,
) -> Outcome<Figures> {
    let mut figures = Vec::new();
    for window in WINDOWS {
        let pace = |_| Pace::Closed {
            window,
            pause: None,
        };
        let mut scenario =
            Scenario::begin(connect_participants(subject, population, 0..SENDERS, pace).await?);
        tokio::time::sleep(options.seconds(2.0, 0.5)).await;
        scenario.measure();
        let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
        tokio::time::sleep(options.seconds(8.0, 1.0)).await;
        let shares = cpu.shares(&window.to_string());
        let mut totals = scenario.finish().await;
        faults.add(totals.faults);
        if let Some(error) = totals.errors.first() {
            return Err(format!("{window} in flight: {error}").into());
        }
        if totals.unanswered > 0 {
            return Err(format!("{window} in flight: {} unanswered", totals.unanswered).into());
        }
        figures.push(fig(rate_of(window), totals.rate));
        figures.push(fig(
            format!("{window}: ack p50 ms"),
            totals.acks.percentile(50.0).unwrap_or_default(),
        ));
        figures.push(fig(
            format!("{window}: ack p99 ms"),
            totals.acks.percentile(99.0).unwrap_or_default(),
        ));
        figures.extend(shares);
    }
    Ok(figures)
}
