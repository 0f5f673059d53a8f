//! The cases of the bench, and what they have in common.

pub mod baseline;
pub mod burst;
pub mod growth;
pub mod history;
pub mod joins;
pub mod latency;
pub mod memory;
pub mod overview;
pub mod reads;
pub mod search;
pub mod throughput;
pub mod uploads;

use std::{ops::Range, time::Duration};

use tokio::time::sleep;

use crate::{
    Outcome,
    client::Socket,
    dataset::Dataset,
    options::{Case, Options},
    report::CaseReport,
    scenario::{Pace, Participant},
    subject::{Kind, Subject},
    users::{Population, connect_all},
};

/// The pause between two subjects, in which MongoDB finishes its pending work.
const PAUSE_BETWEEN_SUBJECTS: Duration = Duration::from_secs(1);

/// The figures of one subject in one round.
pub type Figures = Vec<(String, f64)>;

pub async fn run(case: Case, dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    match case {
        Case::Baseline => baseline::run(dataset, options).await,
        Case::Latency => latency::run(dataset, options).await,
        Case::Throughput => throughput::run(dataset, options).await,
        Case::Memory => memory::run(dataset, options).await,
        Case::Joins => joins::run(dataset, options).await,
        Case::History => history::run(dataset, options).await,
        Case::Reads => reads::run(dataset, options).await,
        Case::Burst => burst::run(dataset, options).await,
        Case::Growth => growth::run(dataset, options).await,
        Case::Overview => overview::run(dataset, options).await,
        Case::Search => search::run(dataset, options).await,
        Case::Uploads => uploads::run(dataset, options).await,
        Case::Torture => Ok(torture()),
    }
}

/// Refers to the torture test, which checks that nothing is lost when things break.
fn torture() -> CaseReport {
    CaseReport {
        name: "torture",
        how: "`make torture` checks the guarantees while processes are killed, the network breaks and disks fill \
              up; it writes [TORTURE.md](TORTURE.md)."
            .to_owned(),
        ..CaseReport::default()
    }
}

/// Returns the subjects that take part.
pub fn subjects(options: &Options) -> &'static [Kind] {
    if options.no_peer {
        &[Kind::Wardline]
    } else {
        &[Kind::Wardline, Kind::Peer]
    }
}

/// Starts a subject on a database, does `work` with it, waits for its search index, and stops it,
/// also when the work failed.
pub async fn with<T>(
    dataset: &Dataset,
    kind: Kind,
    database: &str,
    work: impl AsyncFnOnce(&Subject) -> Outcome<T>,
) -> Outcome<T> {
    let subject = Subject::start(dataset, kind, database).await?;
    let result = work(&subject).await;
    let indexed = match kind {
        Kind::Wardline if result.is_ok() => dataset.wait_for_index(&subject, database).await,
        Kind::Wardline | Kind::Peer => Ok(()),
    };
    subject.stop().await?;
    indexed?;
    sleep(PAUSE_BETWEEN_SUBJECTS).await;
    result
}

/// Connects `users` as participants; each sends to their neighbour, at their `pace`.
pub async fn connect_participants(
    subject: &Subject,
    population: &Population,
    users: Range<usize>,
    pace: impl FnMut(usize) -> Pace,
) -> Outcome<Vec<Participant>> {
    let from = users.start;
    as_participants(
        population,
        from,
        connect_all(subject.address, &population.users[users], 50).await?,
        pace,
    )
}

/// Makes participants of the connections of the users from `from` on.
pub fn as_participants(
    population: &Population,
    from: usize,
    sockets: Vec<Socket>,
    mut pace: impl FnMut(usize) -> Pace,
) -> Outcome<Vec<Participant>> {
    let participant = |(index, socket): (usize, Socket)| {
        let session = population.session_with_neighbour(from + index)?.to_owned();
        Ok(Participant {
            socket,
            session,
            user: population.users[from + index].id.clone(),
            pace: pace(index),
        })
    };
    sockets.into_iter().enumerate().map(participant).collect()
}

/// Returns a named figure.
pub fn fig(name: impl Into<String>, value: f64) -> (String, f64) {
    (name.into(), value)
}
