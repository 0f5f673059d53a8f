//! Uploads of files: their speed, their memory, and their effect on the latency of messages.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use rand::RngCore;
use tokio::{
    select,
    time::{interval, sleep},
};

use super::{Figures, connect_participants, fig, with};
use crate::{
    Outcome,
    clock::Clock,
    dataset::Dataset,
    http::Connection,
    machine::{self, CpuWatch},
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    scenario::{Pace, Scenario},
    subject::{Kind, Subject},
    users::Population,
};

/// The largest size of an upload.
const FILE_BYTES: usize = 25_000_000;
const MB: f64 = 1_000_000.0;
const FAST_UPLOADS: usize = 4;
const SLOW_UPLOADS: usize = 8;
/// The speed of a slow upload: its file takes 20 s.
const SLOW_BYTES_PER_SECOND: f64 = 1.25 * MB;
const SENDERS: usize = 200;
const RATE: f64 = 400.0;

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let population = dataset.live(!options.no_peer).await?;
    let mut file = vec![0; options.count(FILE_BYTES, FILE_BYTES / 25)];
    rand::rng().fill_bytes(&mut file);
    let mut samples = Samples::of("uploads");
    for round in 1..=options.rounds {
        let work = async |subject: &Subject| {
            // The fast uploads leave mongod a gigabyte to write, so they come last.
            let mut figures = measure_with_uploads(subject, population, &[], options).await?;
            figures.extend(measure_with_uploads(subject, population, &file, options).await?);
            figures.extend(measure_fast(dataset, subject, population, &file, options).await?);
            Ok(figures)
        };
        samples.record(
            round,
            Kind::Wardline,
            with(dataset, Kind::Wardline, "bench", work).await,
        );
    }
    let of = |figure: &str| samples.median(figure, Kind::Wardline);
    let waits = |percent: &str, target| {
        let [with, without] =
            ["with", "without"].map(|word| of(&format!("{word} uploads p{percent} ms")));
        let what = format!(
            "uploads: send→delivered p{percent} ms at 400/s with {SLOW_UPLOADS} slow uploads (left) against without (right)"
        );
        Line::ratio(&what, with, without, target)
    };
    Ok(CaseReport {
        name: "uploads",
        how: format!(
            "Fast, at the end: {FAST_UPLOADS} users each upload files of 25 MB (random bytes, multipart, into GridFS), one after the \
             other, for some 10 s; the service's memory is read every 50 ms. Slow: {SLOW_UPLOADS} users upload 25 MB each at \
             1.25 MB/s, while {SENDERS} others send {RATE} messages/s in an open loop as in *latency*; and the same \
             without the uploads just before."
        ),
        lines: vec![
            Line::new("uploads: four at once", of(SPEED), Target::None, " MB/s"),
            Line::new(
                "uploads: memory they take, at most",
                of(MEMORY),
                Target::AtMost(25.0),
                " MiB",
            ),
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

async fn upload(subject: &Subject, token: &str, file: &[u8], speed: Option<f64>) -> Outcome<()> {
    Connection::open(subject.address)
        .await?
        .upload(token, file, speed)
        .await
}

async fn measure_fast(
    dataset: &Dataset,
    subject: &Subject,
    population: &Population,
    file: &[u8],
    options: &Options,
) -> Outcome<Figures> {
    // Memory that the first upload allocates for good does not count.
    upload(subject, &population.users[0].token, file, None).await?;
    let before = subject.memory().await?;
    let (start, limit) = (Instant::now(), options.seconds(10.0, 0.5));
    let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
    let uploads = population.users[..FAST_UPLOADS].iter().map(|user| async {
        let mut count = 0;
        while start.elapsed() < limit {
            upload(subject, &user.token, file, None).await?;
            count += 1;
        }
        Outcome::Ok(count)
    });
    let mut most = before;
    let watch = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            most = machine::resident(subject.pid).map_or(most, |now| most.max(now));
        }
    };
    let counts: Vec<usize> = select! {
        counts = try_join_all(uploads) => counts?,
        () = watch => return Err("the watch ended".into()),
    };
    let bytes = (counts.iter().sum::<usize>() * file.len()) as f64;
    let mut figures = vec![
        fig(SPEED, bytes / MB / start.elapsed().as_secs_f64()),
        fig(MEMORY, (most - before) / 1_024.0),
    ];
    figures.extend(cpu.shares("fast"));
    Ok(figures)
}

/// Measures messages while other users upload `file` slowly; with an empty file there are no
/// uploads.
async fn measure_with_uploads(
    subject: &Subject,
    population: &Population,
    file: &[u8],
    options: &Options,
) -> Outcome<Figures> {
    let (mut clock, due_times) = Clock::new(SENDERS);
    let mut due_times = due_times.into_iter();
    let participants = connect_participants(subject, population, 0..SENDERS, |_| {
        due_times.next().map_or(Pace::Silent, Pace::Open)
    })
    .await?;
    clock.start(RATE);
    let mut scenario = Scenario::begin(participants);
    let uploaders = &population.users[SENDERS..SENDERS + SLOW_UPLOADS];
    let uploads = uploaders.iter().filter(|_| !file.is_empty());
    let uploads =
        uploads.map(|user| upload(subject, &user.token, file, Some(SLOW_BYTES_PER_SECOND)));
    let load = async {
        sleep(options.seconds(2.0, 0.3)).await;
        scenario.measure();
        sleep(options.seconds(16.0, 1.0)).await;
        drop(clock);
        scenario.finish().await
    };
    let (mut totals, uploaded) = tokio::join!(load, join_all(uploads));
    uploaded.into_iter().collect::<Outcome<()>>()?;
    if let Some(error) = totals.errors.first() {
        return Err(error.clone().into());
    }
    let when = if file.is_empty() { "without" } else { "with" };
    let mut figures = Figures::new();
    for percent in [50.0, 95.0, 99.0] {
        let time = totals
            .deliveries
            .percentile(percent)
            .ok_or("no message arrived")?;
        figures.push(fig(format!("{when} uploads p{percent} ms"), time));
    }
    Ok(figures)
}
