//! The rows of the table, and what they have in common.

pub mod floor;
pub mod growth;
pub mod history;
pub mod house;
pub mod joins;
pub mod latency;
pub mod memory;
pub mod reads;
pub mod search;
pub mod storm;
pub mod throughput;
pub mod uploads;

use std::{ops::Range, time::Duration};

use tokio::time::sleep;

use crate::{
    Outcome,
    client::Socket,
    cluster::House,
    contestant::{Contestant, Kind},
    options::{Key, Options},
    people::{World, gather},
    report::Row,
    talk::{Cast, Pace},
};

/// Between one contestant's end and the other's start: MongoDB finishes what it has.
const PAUSE: Duration = Duration::from_secs(1);

/// What one contestant did in one round.
pub type Figures = Vec<(String, f64)>;

pub async fn run(key: Key, house: &House, options: &Options) -> Outcome<Row> {
    match key {
        Key::Floor => floor::run(house, options).await,
        Key::Latency => latency::run(house, options).await,
        Key::Throughput => throughput::run(house, options).await,
        Key::Memory => memory::run(house, options).await,
        Key::Joins => joins::run(house, options).await,
        Key::History => history::run(house, options).await,
        Key::Reads => reads::run(house, options).await,
        Key::Storm => storm::run(house, options).await,
        Key::Growth => growth::run(house, options).await,
        Key::House => house::run(house, options).await,
        Key::Search => search::run(house, options).await,
        Key::Uploads => uploads::run(house, options).await,
        Key::Torture => Ok(torture()),
    }
}

/// What a bench cannot say: whether anything is lost when things break.
fn torture() -> Row {
    Row {
        name: "torture",
        how: "`make torture` checks what is promised while processes are killed, the network breaks and disks fill \
              up; it writes [TORTURE.md](TORTURE.md)."
            .to_owned(),
        ..Row::default()
    }
}

/// Who takes part.
pub fn contestants(options: &Options) -> &'static [Kind] {
    if options.no_peer { &[Kind::Wardline] } else { &[Kind::Wardline, Kind::Peer] }
}

/// Starts a contestant on a database, does `work` with it, lets it finish what it still has to do, and stops it
/// whatever came of it.
pub async fn with<T>(
    house: &House,
    kind: Kind,
    database: &str,
    work: impl AsyncFnOnce(&Contestant) -> Outcome<T>,
) -> Outcome<T> {
    let contestant = Contestant::start(house, kind, database).await?;
    let result = work(&contestant).await;
    let settled = match kind {
        Kind::Wardline if result.is_ok() => house.settle(&contestant, database).await,
        Kind::Wardline | Kind::Peer => Ok(()),
    };
    contestant.stop().await?;
    settled?;
    sleep(PAUSE).await;
    result
}

/// Lets `count` people come in, each to talk with their neighbour, at their `pace`.
pub async fn cast(
    contestant: &Contestant,
    world: &World,
    people: Range<usize>,
    pace: impl FnMut(usize) -> Pace,
) -> Outcome<Vec<Cast>> {
    let from = people.start;
    seat(world, from, gather(contestant.address, &world.people[people], 50).await?, pace)
}

/// The connections of the people from `from` on as a cast.
pub fn seat(
    world: &World,
    from: usize,
    sockets: Vec<Socket>,
    mut pace: impl FnMut(usize) -> Pace,
) -> Outcome<Vec<Cast>> {
    let take_seat = |(place, socket): (usize, Socket)| {
        let session = world.conversation_for_member(from + place)?.to_owned();
        Ok(Cast { socket, session, user: world.people[from + place].id.clone(), pace: pace(place) })
    };
    sockets.into_iter().enumerate().map(take_seat).collect()
}

/// A named figure.
pub fn fig(name: impl Into<String>, value: f64) -> (String, f64) {
    (name.into(), value)
}
