//! What admins see of the whole house, with much history and with little.

use super::{Figures, fig, with};
use crate::{
    Outcome,
    cluster::{House, LITTLE, MILLION},
    contestant::{Contestant, Kind},
    http,
    options::Options,
    people::Person,
    report::{Line, Row, Samples, Target},
};

/// What is asked.
const LOOKS: [(&str, &str); 4] = [
    ("overview", "/api/chat/stats"),
    ("trend of 30 days", "/api/chat/stats/trends?days=30"),
    ("departments", "/api/chat/stats/departments?days=30"),
    ("busiest 50", "/api/chat/stats/users?days=30"),
];

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    house.little(options).await?;
    house.million(options).await?;
    let worlds = [(LITTLE, "20,000"), (MILLION, "1,000,000")];
    let mut samples = Samples::of("house");
    for round in 1..=options.rounds {
        let mut figures = Figures::new();
        for (database, messages) in worlds {
            let admin = house.admin(database).await?;
            let work = async |contestant: &Contestant| alone(contestant, &admin, messages, options).await;
            figures.extend(with(house, Kind::Wardline, database, work).await?);
        }
        samples.note(round, Kind::Wardline, Ok(figures));
    }
    let line = |(name, _): (&str, &str)| {
        let time = |messages| samples.median(&format!("{name} at {messages}, ms"), Kind::Wardline);
        let what = format!("house: {name}, ms at 1,000,000 messages (left) against 20,000 (right)");
        Line::ratio(&what, time("1,000,000"), time("20,000"), Target::AtMost(1.5))
    };
    Ok(Row {
        name: "house",
        how: "What an admin's dashboard asks, one request at a time: the median of each, in the database of the history \
              row and in one with a fiftieth of the messages among the same people and sessions."
            .to_owned(),
        lines: LOOKS.into_iter().map(line).collect(),
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

async fn alone(
    contestant: &Contestant,
    admin: &Person,
    messages: &str,
    options: &Options,
) -> Outcome<Figures> {
    let mut figures = Figures::new();
    for (name, path) in LOOKS {
        let next = |_| (path.to_owned(), admin.token.as_str());
        http::times(contestant.address, 5, options.seconds(0.5, 0.2), next).await?;
        let mut times = http::times(contestant.address, 200, options.seconds(2.0, 0.3), next).await?;
        let median = times.percentile(50.0).unwrap_or_default();
        figures.push(fig(format!("{name} at {messages}, ms"), median));
    }
    Ok(figures)
}
