//! Unread counts, session lists and statistics at a million messages.

use super::{Figures, fig, subjects, with};
use crate::{
    Outcome,
    dataset::{Dataset, LITTLE, MILLION},
    http::{self, Request},
    machine::CpuWatch,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    subject::{Kind, Subject},
    users::Population,
};

const CONNECTIONS: usize = 32;

/// The requests about a user: name, and path before and after the user's id.
const READS: [(&str, &str, &str); 3] = [
    ("unread", "/api/chat/messages/unread/", ""),
    ("sessions", "/api/chat/sessions/", "?page=1&limit=20"),
    ("stats", "/api/chat/stats/", ""),
];

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let (little, million) = (
        dataset.little(options).await?,
        dataset.million(options).await?,
    );
    let (mut samples, mut ages) = (Samples::of("reads"), Samples::of("reads, one at a time"));
    for round in 1..=options.rounds {
        for kind in subjects(options) {
            let work = async |subject: &Subject| {
                let mut figures = Figures::new();
                for read in READS {
                    let next = |random| request(million, read, random);
                    let address = subject.address;
                    http::load(address, CONNECTIONS, options.seconds(0.5, 0.2), next).await?;
                    let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
                    let rate =
                        http::load(address, CONNECTIONS, options.seconds(3.0, 0.5), next).await?;
                    figures.push(fig(format!("{}/s", read.0), rate));
                    figures.extend(cpu.shares(read.0));
                }
                Ok(figures)
            };
            samples.record(round, *kind, with(dataset, *kind, MILLION, work).await);
        }
        let mut figures = Figures::new();
        for (population, database, messages) in
            [(little, LITTLE, "20,000"), (million, MILLION, "1,000,000")]
        {
            let work =
                async |subject: &Subject| alone(subject, population, messages, options).await;
            figures.extend(with(dataset, Kind::Wardline, database, work).await?);
        }
        ages.record(round, Kind::Wardline, Ok(figures));
    }
    let mut lines: Vec<Line> = READS
        .iter()
        .map(|(name, ..)| {
            samples.ratio(
                &format!("reads: {name}/s"),
                &format!("{name}/s"),
                Target::AtLeast(5.0),
            )
        })
        .collect();
    for (name, ..) in READS {
        let time = |messages| ages.median(&format!("{name} at {messages}, ms"), Kind::Wardline);
        let what = format!("reads: {name}, ms at 1,000,000 messages (left) against 20,000 (right)");
        lines.push(Line::ratio(
            &what,
            time("1,000,000"),
            time("20,000"),
            Target::None,
        ));
    }
    Ok(CaseReport {
        name: "reads",
        how: format!(
            "Random users ask for their unread counts, their session list (limit 20) and their statistics, {CONNECTIONS} \
             persistent connections at once, 3 s each, in the database of the history case. Then one request at a time, \
             and the same with a fiftieth of the messages among the same number of users and sessions: the median \
             time should not depend on how much history there is."
        ),
        lines,
        raw: format!("{}\n{}", samples.raw(), ages.raw()),
        faults: Vec::new(),
    })
}

fn request<'a>(
    population: &'a Population,
    (_, before, after): (&str, &str, &str),
    random: u64,
) -> Request<'a> {
    let user = &population.users[(random % population.users.len() as u64) as usize];
    (format!("{before}{}{after}", user.id), &user.token)
}

async fn alone(
    subject: &Subject,
    population: &Population,
    messages: &str,
    options: &Options,
) -> Outcome<Figures> {
    let mut figures = Figures::new();
    for read in READS {
        let next = |random| request(population, read, random);
        http::times(subject.address, 200, options.seconds(0.5, 0.2), next).await?;
        let mut times =
            http::times(subject.address, 2_000, options.seconds(2.0, 0.3), next).await?;
        figures.push(fig(
            format!("{} at {messages}, ms", read.0),
            times.percentile(50.0).unwrap_or_default(),
        ));
    }
    Ok(figures)
}
