//! A burst of reconnections: thousands of users reconnect at once.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::{Figures, connect_participants, fig, subjects, with};
use crate::{
    Outcome,
    clock::Clock,
    dataset::Dataset,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    scenario::{Faults, Pace, Scenario},
    stats::Times,
    subject::{Kind, Subject},
    users::{IdleConnections, Population, Positions, User, connect, connect_all, sync},
};

const SENDERS: usize = 100;
const RATE: f64 = 200.0;
/// The longest time that a user may need to reconnect.
const RECONNECT_LIMIT: Duration = Duration::from_mins(1);
/// The reconnection delays of the official client: the first, the longest, and the share of jitter.
const FIRST_DELAY: f64 = 1.0;
const MAX_DELAY: f64 = 5.0;
const JITTER: f64 = 0.5;
/// The timeout of one attempt of the official client.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let reconnecting = options.count(3_000, 300);
    let mut samples = Samples::of("storm");
    let mut faults = Vec::new();
    for round in 1..=options.rounds.min(2) {
        for kind in subjects(options) {
            let known = Arc::new(dataset.positions(&kind.database("bench")).await?);
            let mut found = Faults::default();
            let work = async |c: &Subject| {
                measure(c, population, reconnecting, &known, options, &mut found).await
            };
            let result = with(dataset, *kind, "bench", work).await;
            samples.record(round, *kind, result);
            if *kind == Kind::Wardline && found.total() > 0 {
                faults.push(format!("round {round}: {found:?}"));
            }
        }
    }
    let (last, peer_last) = samples.both("last back, s");
    let (ack, peer_ack) = samples.both("others' ack p95 ms");
    let what = format!("storm: s until the last of {reconnecting} is back and synced");
    Ok(CaseReport {
        name: "storm",
        how: format!(
            "{reconnecting} joined connections are reset at once. Each comes back as the official client does: first \
             after a random 0.5 to 1.5 s, then with growing pauses (5 s at most); connects, joins and asks \
             `chat:sync` with the positions it knew. Meanwhile {SENDERS} others send {RATE} messages/s in all, in an \
             open loop. Time from the reset until the last answer to `chat:sync`, at most {} s; and the others' time \
             from when a message was due until its acknowledgement.",
            RECONNECT_LIMIT.as_secs()
        ),
        lines: vec![
            Line::new(&what, last, Target::AtMost(10.0), " s").with(last, peer_last),
            Line::new(
                "storm: the others' send→ack p95 meanwhile, ms",
                ack,
                Target::Below(1_000.0),
                " ms",
            )
            .with(ack, peer_ack),
        ],
        raw: samples.raw(),
        faults,
    })
}

async fn measure(
    subject: &Subject,
    population: &Population,
    reconnecting: usize,
    known: &Arc<Positions>,
    options: &Options,
    faults: &mut Faults,
) -> Outcome<Figures> {
    let mut idle = IdleConnections::default();
    idle.add(connect_all(subject.address, &population.users[..reconnecting], 100).await?);
    let (mut clock, due_times) = Clock::new(SENDERS);
    let mut due_times = due_times.into_iter();
    let pace = |_| due_times.next().map_or(Pace::Silent, Pace::Open);
    let participants = connect_participants(
        subject,
        population,
        reconnecting..reconnecting + SENDERS,
        pace,
    )
    .await?;
    clock.start(RATE);
    let mut scenario = Scenario::begin(participants);
    sleep(options.seconds(3.0, 1.0)).await;

    let sockets = idle.take().await?;
    scenario.measure();
    let start = Instant::now();
    drop(sockets); // resets each of them
    let (address, connected) = (
        subject.address,
        Arc::new(Mutex::new(IdleConnections::default())),
    );
    let reconnects: Vec<_> = population.users[..reconnecting]
        .iter()
        .map(|user| {
            tokio::spawn(reconnect(
                address,
                user.clone(),
                Arc::clone(known),
                start,
                Arc::clone(&connected),
            ))
        })
        .collect();
    let (mut times, mut again) = (Times::default(), 0);
    for reconnect in reconnects {
        if let Some((took, attempts)) = reconnect.await? {
            times.push(took.as_micros() as u32);
            again += attempts - 1;
        }
    }
    let mut totals = scenario.finish().await;
    drop(clock);
    faults.add(totals.faults);
    if times.len() < reconnecting {
        return Err(format!(
            "only {} of {reconnecting} were back within {} s",
            times.len(),
            RECONNECT_LIMIT.as_secs()
        )
        .into());
    }
    if let Some(error) = totals.errors.first() {
        return Err(error.clone().into());
    }
    let ack =
        |times: &mut Times, percent| times.percentile(percent).ok_or("the others sent nothing");
    Ok(vec![
        fig(
            "last back, s",
            times.percentile(100.0).unwrap_or_default() / 1_000.0,
        ),
        fig(
            "median back, s",
            times.percentile(50.0).unwrap_or_default() / 1_000.0,
        ),
        fig("repeated attempts", f64::from(again)),
        fig("others' ack p50 ms", ack(&mut totals.acks, 50.0)?),
        fig("others' ack p95 ms", ack(&mut totals.acks, 95.0)?),
        fig(
            "others' delivered p95 ms",
            ack(&mut totals.deliveries, 95.0)?,
        ),
    ])
}

/// Reconnects a user and adds the connection to `connected`; returns the time and the attempts.
async fn reconnect(
    address: SocketAddr,
    user: User,
    known: Arc<Positions>,
    start: Instant,
    connected: Arc<Mutex<IdleConnections>>,
) -> Option<(Duration, u32)> {
    for attempt in 0_u32.. {
        let delay = FIRST_DELAY * f64::from(2_u32.saturating_pow(attempt));
        let jitter = rand::random_range(1.0 - JITTER..1.0 + JITTER);
        sleep(Duration::from_secs_f64((delay * jitter).min(MAX_DELAY))).await;
        let left = RECONNECT_LIMIT.checked_sub(start.elapsed())?;
        let attempt_run = async {
            let mut socket = connect(address, &user).await?;
            sync(&mut socket, &user, &known).await?;
            Outcome::Ok(socket)
        };
        if let Ok(Ok(socket)) = timeout(left.min(ATTEMPT_TIMEOUT), attempt_run).await {
            let took = start.elapsed();
            connected
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(vec![socket]);
            return Some((took, attempt + 1));
        }
    }
    None
}
