//! Files: how fast they go in, what memory that takes, and whether those who write wait for it.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use rand::RngCore;
use tokio::{
    select,
    time::{interval, sleep},
};

use super::{Figures, cast, fig, with};
use crate::{
    Outcome,
    clock::Clock,
    cluster::House,
    contestant::{Contestant, Kind},
    http::Line as Connection,
    machine::{self, CpuWatch},
    options::Options,
    people::World,
    report::{Line, Row, Samples, Target},
    talk::{Pace, Talk},
};

/// As large as an upload may be.
const SIZE: usize = 25_000_000;
const MB: f64 = 1_000_000.0;
const FAST_LINES: usize = 4;
const SLOW_LINES: usize = 8;
/// Bytes a second of a slow line: its file takes 20 s.
const SLOW: f64 = 1.25 * MB;
const TALKERS: usize = 200;
const RATE: f64 = 400.0;

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let mut file = vec![0; options.count(SIZE, SIZE / 25)];
    rand::rng().fill_bytes(&mut file);
    let mut samples = Samples::of("uploads");
    for round in 1..=options.rounds {
        let work = async |contestant: &Contestant| {
            // What is fast leaves mongod with a gigabyte to put away, and comes last.
            let mut figures = beside(contestant, world, &[], options).await?;
            figures.extend(beside(contestant, world, &file, options).await?);
            figures.extend(fast(house, contestant, world, &file, options).await?);
            Ok(figures)
        };
        samples.note(round, Kind::Wardline, with(house, Kind::Wardline, "bench", work).await);
    }
    let of = |figure: &str| samples.median(figure, Kind::Wardline);
    let waits = |percent: &str, target| {
        let [with, without] = ["with", "without"].map(|word| of(&format!("{word} uploads p{percent} ms")));
        let what = format!(
            "uploads: send→delivered p{percent} ms at 400/s with {SLOW_LINES} slow uploads (left) against without (right)"
        );
        Line::ratio(&what, with, without, target)
    };
    Ok(Row {
        name: "uploads",
        how: format!(
            "Fast, at the end: {FAST_LINES} people each upload files of 25 MB (random bytes, multipart, into GridFS), one after the \
             other, for some 10 s; the service's memory is looked at every 50 ms. Slow: {SLOW_LINES} people upload 25 MB each at \
             1.25 MB/s, while {TALKERS} others write {RATE} messages/s in an open loop as in *latency*; and the same \
             without the uploads just before."
        ),
        lines: vec![
            Line::new("uploads: four at once", of(SPEED), Target::None, " MB/s"),
            Line::new("uploads: memory they take, at most", of(MEMORY), Target::AtMost(25.0), " MiB"),
            waits("50", Target::None),
            waits("95", Target::AtMost(1.5)),
            waits("99", Target::None),
        ],
        raw: samples.raw(),
        faults: Vec::new(),
    })
}

const SPEED: &str = "MB/s";
const MEMORY: &str = "memory at most MiB";

async fn upload(contestant: &Contestant, token: &str, file: &[u8], speed: Option<f64>) -> Outcome<()> {
    Connection::open(contestant.address).await?.upload(token, file, speed).await
}

async fn fast(
    house: &House,
    contestant: &Contestant,
    world: &World,
    file: &[u8],
    options: &Options,
) -> Outcome<Figures> {
    // What the first upload brings for good is no upload's memory.
    upload(contestant, &world.people[0].token, file, None).await?;
    let before = contestant.memory().await?;
    let (start, limit) = (Instant::now(), options.seconds(10.0, 0.5));
    let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
    let lines = world.people[..FAST_LINES].iter().map(|person| async {
        let mut count = 0;
        while start.elapsed() < limit {
            upload(contestant, &person.token, file, None).await?;
            count += 1;
        }
        Outcome::Ok(count)
    });
    let mut most = before;
    let watch = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            most = machine::resident(contestant.pid).map_or(most, |now| most.max(now));
        }
    };
    let counts: Vec<usize> = select! {
        counts = try_join_all(lines) => counts?,
        () = watch => return Err("the watch ended".into()),
    };
    let bytes = (counts.iter().sum::<usize>() * file.len()) as f64;
    let mut figures =
        vec![fig(SPEED, bytes / MB / start.elapsed().as_secs_f64()), fig(MEMORY, (most - before) / 1_024.0)];
    figures.extend(cpu.shares("fast"));
    Ok(figures)
}

/// People write while others upload `file` slowly, or nobody does when it is empty.
async fn beside(contestant: &Contestant, world: &World, file: &[u8], options: &Options) -> Outcome<Figures> {
    let (mut clock, told) = Clock::new(TALKERS);
    let mut told = told.into_iter();
    let cast = cast(contestant, world, 0..TALKERS, |_| told.next().map_or(Pace::Silent, Pace::Open)).await?;
    clock.start(RATE);
    let mut talk = Talk::begin(cast);
    let uploaders = &world.people[TALKERS..TALKERS + SLOW_LINES];
    let uploads = uploaders.iter().filter(|_| !file.is_empty());
    let uploads = uploads.map(|person| upload(contestant, &person.token, file, Some(SLOW)));
    let talking = async {
        sleep(options.seconds(2.0, 0.3)).await;
        talk.measure();
        sleep(options.seconds(16.0, 1.0)).await;
        drop(clock);
        talk.finish().await
    };
    let (mut talked, uploaded) = tokio::join!(talking, join_all(uploads));
    uploaded.into_iter().collect::<Outcome<()>>()?;
    if let Some(error) = talked.errors.first() {
        return Err(error.clone().into());
    }
    let when = if file.is_empty() { "without" } else { "with" };
    let mut figures = Figures::new();
    for percent in [50.0, 95.0, 99.0] {
        let time = talked.deliveries.percentile(percent).ok_or("no message arrived")?;
        figures.push(fig(format!("{when} uploads p{percent} ms"), time));
    }
    Ok(figures)
}
