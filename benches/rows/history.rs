//! Pages of history at a million messages.

use super::{Figures, contestants, fig, with};
use crate::{
    Outcome,
    cluster::{House, MILLION},
    contestant::{Contestant, Kind},
    http,
    machine::CpuWatch,
    options::Options,
    people::{Seat, World},
    report::{Line, Row, Samples, Target},
    stats::Times,
};

const AT_ONCE: usize = 32;
const LIMIT: i64 = 50;
const FAR: i64 = 10_000;

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.million(options).await?;
    let big = world.people.iter().flat_map(|person| &person.seats).map(|seat| seat.seq).max().unwrap_or(0);
    let far = FAR.min(big / LIMIT);
    let mut samples = Samples::of("history");
    for round in 1..=options.rounds {
        for kind in contestants(options) {
            let work = async |contestant: &Contestant| measure(house, contestant, world, options, far).await;
            samples.note(round, *kind, with(house, *kind, MILLION, work).await);
        }
    }
    let mut lines = vec![
        samples.ratio("history: pages/s, random sessions", "random sessions, pages/s", Target::AtLeast(5.0)),
        samples.ratio(
            "history: pages/s, random pages of the big session",
            "big session, pages/s",
            Target::None,
        ),
    ];
    let near_and_far = |kind| (samples.median("page 1 ms", kind), samples.median("far page ms", kind));
    for (kind, target) in [(Kind::Wardline, Target::AtMost(1.2)), (Kind::Peer, Target::None)] {
        let (near, far_time) = near_and_far(kind);
        let what = format!("history: {kind}, ms of page {far} (left) against page 1 (right)");
        lines.push(Line::ratio(&what, far_time, near, target));
    }
    Ok(Row {
        name: "history",
        how: format!(
            "`GET /api/chat/messages/:sessionId?page&limit={LIMIT}` over {AT_ONCE} kept connections at once. The database \
             has {} messages: one session of {big}, the others share the rest. \"Random sessions\": each session is \
             as likely as any other, and a random page of it. \"Big session\": any of its pages. Then page {far} and \
             page 1 of the big session in turn, one request at a time: the median time of each.",
            total(world)
        ),
        lines,
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

fn total(world: &World) -> i64 {
    world.people.iter().flat_map(|person| &person.seats).map(|seat| seat.seq).sum::<i64>() / 2
}

fn page(seat: &Seat, page: i64) -> String {
    format!("/api/chat/messages/{}?page={page}&limit={LIMIT}", seat.session)
}

async fn measure(
    house: &House,
    contestant: &Contestant,
    world: &World,
    options: &Options,
    far: i64,
) -> Outcome<Figures> {
    // Everybody's seats: each session is there twice, so each is as likely as any other.
    let seats: Vec<(&Seat, &str)> = world
        .people
        .iter()
        .flat_map(|person| person.seats.iter().map(|seat| (seat, person.token.as_str())))
        .collect();
    let big = *seats.iter().max_by_key(|(seat, _)| seat.seq).ok_or("nobody talks")?;
    let any = |random: u64| {
        let (seat, token) = seats[(random % seats.len() as u64) as usize];
        (page(seat, page_of(seat, random)), token)
    };
    let of_big = |random: u64| (page(big.0, page_of(big.0, random)), big.1);
    let address = contestant.address;
    http::load(address, AT_ONCE, options.seconds(2.0, 0.3), any).await?;
    let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
    let random = http::load(address, AT_ONCE, options.seconds(5.0, 1.0), any).await?;
    let shares = cpu.shares("random sessions");
    let in_big = http::load(address, AT_ONCE, options.seconds(4.0, 1.0), of_big).await?;
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
fn page_of(seat: &Seat, random: u64) -> i64 {
    let pages = (seat.seq.max(1) as u64).div_ceil(LIMIT as u64);
    (random.rotate_left(32) % pages) as i64 + 1
}
