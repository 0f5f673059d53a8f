//! The statistics of the whole organisation for admins, with much history and with little.

use super::{Figures, fig, with};
use crate::{
    Outcome,
    dataset::{Dataset, LITTLE, MILLION},
    http,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    subject::{Kind, Subject},
    users::User,
};

/// The requests, by name and path.
const READS: [(&str, &str); 4] = [
    ("overview", "/api/chat/stats"),
    ("trend of 30 days", "/api/chat/stats/trends?days=30"),
    ("departments", "/api/chat/stats/departments?days=30"),
    ("busiest 50", "/api/chat/stats/users?days=30"),
];

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    dataset.little(options).await?;
    dataset.million(options).await?;
    let populations = [(LITTLE, "20,000"), (MILLION, "1,000,000")];
    let mut samples = Samples::of("house");
    for round in 1..=options.rounds {
        let mut figures = Figures::new();
        for (database, messages) in populations {
            let admin = dataset.admin(database).await?;
            let work = async |subject: &Subject| alone(subject, &admin, messages, options).await;
            figures.extend(with(dataset, Kind::Wardline, database, work).await?);
        }
        samples.record(round, Kind::Wardline, Ok(figures));
    }
    let line = |(name, _): (&str, &str)| {
        let time = |messages| samples.median(&format!("{name} at {messages}, ms"), Kind::Wardline);
        let what = format!("house: {name}, ms at 1,000,000 messages (left) against 20,000 (right)");
        Line::ratio(
            &what,
            time("1,000,000"),
            time("20,000"),
            Target::AtMost(1.5),
        )
    };
    Ok(CaseReport {
        name: "house",
        how: "What an admin's dashboard asks, one request at a time: the median of each, in the database of the history \
              case and in one with a fiftieth of the messages among the same users and sessions."
            .to_owned(),
        lines: READS.into_iter().map(line).collect(),
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

async fn alone(
    subject: &Subject,
    admin: &User,
    messages: &str,
    options: &Options,
) -> Outcome<Figures> {
    let mut figures = Figures::new();
    for (name, path) in READS {
        let next = |_| (path.to_owned(), admin.token.as_str());
        http::times(subject.address, 5, options.seconds(0.5, 0.2), next).await?;
        let mut times = http::times(subject.address, 200, options.seconds(2.0, 0.3), next).await?;
        let median = times.percentile(50.0).unwrap_or_default();
        figures.push(fig(format!("{name} at {messages}, ms"), median));
    }
    Ok(figures)
}
