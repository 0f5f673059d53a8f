//! Thousands come back at once.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::{Figures, cast, contestants, fig, with};
use crate::{
    Outcome,
    clock::Clock,
    cluster::House,
    contestant::{Contestant, Kind},
    options::Options,
    people::{Idle, Person, Positions, World, arrive, gather, sync},
    report::{Line, Row, Samples, Target},
    stats::Times,
    talk::{Faults, Pace, Talk},
};

const TALKERS: usize = 100;
const RATE: f64 = 200.0;
/// Later than this nobody is waited for.
const BOUND: Duration = Duration::from_mins(1);
/// The official client's reconnection: the first delay, the longest, and how much chance is in it.
const FIRST_DELAY: f64 = 1.0;
const LONGEST_DELAY: f64 = 5.0;
const JITTER: f64 = 0.5;
/// The official client's patience with one attempt.
const ATTEMPT: Duration = Duration::from_secs(20);

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let world = house.live(!options.no_peer).await?;
    let crowd = options.count(3_000, 300);
    let mut samples = Samples::of("storm");
    let mut faults = Vec::new();
    for round in 1..=options.rounds.min(2) {
        for kind in contestants(options) {
            let known = Arc::new(house.positions(&kind.database("bench")).await?);
            let mut found = Faults::default();
            let work = async |c: &Contestant| measure(c, world, crowd, &known, options, &mut found).await;
            let result = with(house, *kind, "bench", work).await;
            samples.note(round, *kind, result);
            if *kind == Kind::Wardline && found.total() > 0 {
                faults.push(format!("round {round}: {found:?}"));
            }
        }
    }
    let (last, peer_last) = samples.both("last back, s");
    let (ack, peer_ack) = samples.both("others' ack p95 ms");
    let what = format!("storm: s until the last of {crowd} is back and synced");
    Ok(Row {
        name: "storm",
        how: format!(
            "{crowd} joined people's connections are reset at once. Each comes back as the official client does: first \
             after a random 0.5 to 1.5 s, then with growing pauses (5 s at most); connects, joins and asks \
             `chat:sync` with the positions it knew. Meanwhile {TALKERS} others send {RATE} messages/s in all, in an \
             open loop. Time from the reset until the last answer to `chat:sync`, at most {} s; and the others' time \
             from when a message was due until its acknowledgement.",
            BOUND.as_secs()
        ),
        lines: vec![
            Line::new(&what, last, Target::AtMost(10.0), " s").with(last, peer_last),
            Line::new("storm: the others' send→ack p95 meanwhile, ms", ack, Target::Below(1_000.0), " ms")
                .with(ack, peer_ack),
        ],
        raw: samples.raw(),
        faults,
    })
}

async fn measure(
    contestant: &Contestant,
    world: &World,
    crowd: usize,
    known: &Arc<Positions>,
    options: &Options,
    faults: &mut Faults,
) -> Outcome<Figures> {
    let mut idle = Idle::default();
    idle.add(gather(contestant.address, &world.people[..crowd], 100).await?);
    let (mut clock, told) = Clock::new(TALKERS);
    let mut told = told.into_iter();
    let pace = |_| told.next().map_or(Pace::Silent, Pace::Open);
    let cast = cast(contestant, world, crowd..crowd + TALKERS, pace).await?;
    clock.start(RATE);
    let mut talk = Talk::begin(cast);
    sleep(options.seconds(3.0, 1.0)).await;

    let sockets = idle.take().await?;
    talk.measure();
    let start = Instant::now();
    drop(sockets); // each one a reset
    let (address, there) = (contestant.address, Arc::new(Mutex::new(Idle::default())));
    let returns: Vec<_> = world.people[..crowd]
        .iter()
        .map(|person| {
            tokio::spawn(come_back(address, person.clone(), Arc::clone(known), start, Arc::clone(&there)))
        })
        .collect();
    let (mut times, mut again) = (Times::default(), 0);
    for person in returns {
        if let Some((took, attempts)) = person.await? {
            times.push(took.as_micros() as u32);
            again += attempts - 1;
        }
    }
    let mut talked = talk.finish().await;
    drop(clock);
    faults.add(talked.faults);
    if times.len() < crowd {
        return Err(format!("only {} of {crowd} were back within {} s", times.len(), BOUND.as_secs()).into());
    }
    if let Some(error) = talked.errors.first() {
        return Err(error.clone().into());
    }
    let ack = |times: &mut Times, percent| times.percentile(percent).ok_or("the others sent nothing");
    Ok(vec![
        fig("last back, s", times.percentile(100.0).unwrap_or_default() / 1_000.0),
        fig("median back, s", times.percentile(50.0).unwrap_or_default() / 1_000.0),
        fig("repeated attempts", f64::from(again)),
        fig("others' ack p50 ms", ack(&mut talked.acks, 50.0)?),
        fig("others' ack p95 ms", ack(&mut talked.acks, 95.0)?),
        fig("others' delivered p95 ms", ack(&mut talked.deliveries, 95.0)?),
    ])
}

/// One person's way back, after which they are `there`: how long it took, in how many attempts.
async fn come_back(
    address: SocketAddr,
    person: Person,
    known: Arc<Positions>,
    start: Instant,
    there: Arc<Mutex<Idle>>,
) -> Option<(Duration, u32)> {
    for attempt in 0_u32.. {
        let delay = FIRST_DELAY * f64::from(2_u32.saturating_pow(attempt));
        let jitter = rand::random_range(1.0 - JITTER..1.0 + JITTER);
        sleep(Duration::from_secs_f64((delay * jitter).min(LONGEST_DELAY))).await;
        let left = BOUND.checked_sub(start.elapsed())?;
        let way = async {
            let mut socket = arrive(address, &person).await?;
            sync(&mut socket, &person, &known).await?;
            Outcome::Ok(socket)
        };
        if let Ok(Ok(socket)) = timeout(left.min(ATTEMPT), way).await {
            let took = start.elapsed();
            there.lock().unwrap_or_else(PoisonError::into_inner).add(vec![socket]);
            return Some((took, attempt + 1));
        }
    }
    None
}
