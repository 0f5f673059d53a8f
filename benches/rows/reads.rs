//! Unread counts, session lists and statistics at a million messages.

use super::{Figures, contestants, fig, with};
use crate::{
    Outcome,
    cluster::{House, LITTLE, MILLION},
    contestant::{Contestant, Kind},
    http::{self, Request},
    machine::CpuWatch,
    options::Options,
    people::World,
    report::{Line, Row, Samples, Target},
};

const AT_ONCE: usize = 32;

/// What is asked of a person.
const READS: [(&str, &str, &str); 3] = [
    ("unread", "/api/chat/messages/unread/", ""),
    ("sessions", "/api/chat/sessions/", "?page=1&limit=20"),
    ("stats", "/api/chat/stats/", ""),
];

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let (little, million) = (house.little(options).await?, house.million(options).await?);
    let (mut samples, mut ages) = (Samples::of("reads"), Samples::of("reads, one at a time"));
    for round in 1..=options.rounds {
        for kind in contestants(options) {
            let work = async |contestant: &Contestant| {
                let mut figures = Figures::new();
                for read in READS {
                    let next = |random| request(million, read, random);
                    let address = contestant.address;
                    http::load(address, AT_ONCE, options.seconds(0.5, 0.2), next).await?;
                    let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
                    let rate = http::load(address, AT_ONCE, options.seconds(3.0, 0.5), next).await?;
                    figures.push(fig(format!("{}/s", read.0), rate));
                    figures.extend(cpu.shares(read.0));
                }
                Ok(figures)
            };
            samples.note(round, *kind, with(house, *kind, MILLION, work).await);
        }
        let mut figures = Figures::new();
        for (world, database, messages) in [(little, LITTLE, "20,000"), (million, MILLION, "1,000,000")] {
            let work = async |contestant: &Contestant| alone(contestant, world, messages, options).await;
            figures.extend(with(house, Kind::Wardline, database, work).await?);
        }
        ages.note(round, Kind::Wardline, Ok(figures));
    }
    let mut lines: Vec<Line> = READS
        .iter()
        .map(|(name, ..)| {
            samples.ratio(&format!("reads: {name}/s"), &format!("{name}/s"), Target::AtLeast(5.0))
        })
        .collect();
    for (name, ..) in READS {
        let time = |messages| ages.median(&format!("{name} at {messages}, ms"), Kind::Wardline);
        let what = format!("reads: {name}, ms at 1,000,000 messages (left) against 20,000 (right)");
        lines.push(Line::ratio(&what, time("1,000,000"), time("20,000"), Target::None));
    }
    Ok(Row {
        name: "reads",
        how: format!(
            "Random people ask for their unread counts, their session list (limit 20) and their statistics, {AT_ONCE} \
             kept connections at once, 3 s each, in the database of the history row. Then one request at a time, \
             and the same with a fiftieth of the messages among the same number of people and sessions: the median \
             time should not depend on how much history there is."
        ),
        lines,
        raw: format!("{}\n{}", samples.raw(), ages.raw()),
        faults: Vec::new(),
    })
}

fn request<'a>(world: &'a World, (_, before, after): (&str, &str, &str), random: u64) -> Request<'a> {
    let person = &world.people[(random % world.people.len() as u64) as usize];
    (format!("{before}{}{after}", person.id), &person.token)
}

async fn alone(
    contestant: &Contestant,
    world: &World,
    messages: &str,
    options: &Options,
) -> Outcome<Figures> {
    let mut figures = Figures::new();
    for read in READS {
        let next = |random| request(world, read, random);
        http::times(contestant.address, 200, options.seconds(0.5, 0.2), next).await?;
        let mut times = http::times(contestant.address, 2_000, options.seconds(2.0, 0.3), next).await?;
        figures
            .push(fig(format!("{} at {messages}, ms", read.0), times.percentile(50.0).unwrap_or_default()));
    }
    Ok(figures)
}
