//! Pages of history at a million messages.

use super::{Figures, fig, subjects, with};
use crate::{
    Outcome,
    dataset::{Dataset, MILLION},
    http,
    machine::CpuWatch,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    stats::Times,
    subject::{Kind, Subject},
    users::{Membership, Population},
};

const CONNECTIONS: usize = 32;
const LIMIT: i64 = 50;
const FAR: i64 = 10_000;

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.million(options).await?;
    let big = population
        .users
        .iter()
        .flat_map(|user| &user.memberships)
        .map(|membership| membership.seq)
        .max()
        .unwrap_or(0);
    let far = FAR.min(big / LIMIT);
    let mut samples = Samples::of("history");
    for round in 1..=options.rounds {
        for kind in subjects(options) {
            let work =
                async |subject: &Subject| measure(dataset, subject, population, options, far).await;
            samples.record(round, *kind, with(dataset, *kind, MILLION, work).await);
        }
    }
    let mut lines = vec![
        samples.ratio(
            "history: pages/s, random sessions",
            "random sessions, pages/s",
            Target::AtLeast(5.0),
        ),
        samples.ratio(
            "history: pages/s, random pages of the big session",
            "big session, pages/s",
            Target::None,
        ),
    ];
    let near_and_far = |kind| {
        (
            samples.median("page 1 ms", kind),
            samples.median("far page ms", kind),
        )
    };
    for (kind, target) in [
        (Kind::Wardline, Target::AtMost(1.2)),
        (Kind::Peer, Target::None),
    ] {
        let (near, far_time) = near_and_far(kind);
        let what = format!("history: {kind}, ms of page {far} (left) against page 1 (right)");
        lines.push(Line::ratio(&what, far_time, near, target));
    }
    Ok(CaseReport {
        name: "history",
        how: format!(
            "`GET /api/chat/messages/:sessionId?page&limit={LIMIT}` over {CONNECTIONS} persistent connections at once. The database \
             has {} messages: one session of {big}, the others share the rest. \"Random sessions\": each session is \
             as likely as any other, and a random page of it. \"Big session\": any of its pages. Then page {far} and \
             page 1 of the big session in turn, one request at a time: the median time of each.",
            total(population)
        ),
        lines,
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

fn total(population: &Population) -> i64 {
    population
        .users
        .iter()
        .flat_map(|user| &user.memberships)
        .map(|membership| membership.seq)
        .sum::<i64>()
        / 2
}

fn page(membership: &Membership, page: i64) -> String {
    format!(
        "/api/chat/messages/{}?page={page}&limit={LIMIT}",
        membership.session
    )
}

async fn measure(
    dataset: &Dataset,
    subject: &Subject,
    population: &Population,
    options: &Options,
    far: i64,
) -> Outcome<Figures> {
    // The memberships of all users: each session occurs twice, so all are equally likely.
    let memberships: Vec<(&Membership, &str)> = population
        .users
        .iter()
        .flat_map(|user| {
            user.memberships
                .iter()
                .map(|membership| (membership, user.token.as_str()))
        })
        .collect();
    let big = *memberships
        .iter()
        .max_by_key(|(membership, _)| membership.seq)
        .ok_or("no user has a session")?;
    let any = |random: u64| {
        let (membership, token) = memberships[(random % memberships.len() as u64) as usize];
        (page(membership, page_of(membership, random)), token)
    };
    let of_big = |random: u64| (page(big.0, page_of(big.0, random)), big.1);
    let address = subject.address;
    http::load(address, CONNECTIONS, options.seconds(2.0, 0.3), any).await?;
    let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
    let random = http::load(address, CONNECTIONS, options.seconds(5.0, 1.0), any).await?;
    let shares = cpu.shares("random sessions");
    let in_big = http::load(address, CONNECTIONS, options.seconds(4.0, 1.0), of_big).await?;
    let (mut near, mut distant) = (Times::default(), Times::default());
    for _ in 0..10 {
        let limit = options.seconds(0.3, 0.05);
        near.append(http::times(address, 100, limit, |_| (page(big.0, 1), big.1)).await?);
        distant.append(http::times(address, 100, limit, |_| (page(big.0, far), big.1)).await?);
    }
    let mut figures = vec![
        fig("random sessions, pages/s", random),
        fig("big session, pages/s", in_big),
        fig("page 1 ms", near.percentile(50.0).unwrap_or_default()),
        fig("far page ms", distant.percentile(50.0).unwrap_or_default()),
    ];
    figures.extend(shares);
    Ok(figures)
}

/// A random page of a session.
fn page_of(membership: &Membership, random: u64) -> i64 {
    let pages = (membership.seq.max(1) as u64).div_ceil(LIMIT as u64);
    (random.rotate_left(32) % pages) as i64 + 1
}
