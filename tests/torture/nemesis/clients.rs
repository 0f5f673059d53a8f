//! The two faults that consist of clients alone: the slow consumer, and the storm.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    client::{Device, back_off},
    client_connection::{ClientConnection, ConnectionOptions, Refused},
    context::TestContext,
    nemesis::{Fault, Nemesis},
};

const LAGGING: &str = "wardline_connections_closed_total{reason=\"lagging\"}";
/// The messages for the slow consumer: more than the service buffers for a connection.
const FLOOD: usize = 8_000;
const BATCH: usize = 250;
const LONG_ONES: usize = 500;

/// A user gets a third device that does not read, and receives messages until it is disconnected.
pub async fn never_reads(nemesis: &mut Nemesis<'_>, rng: &mut StdRng) {
    let (context, reader, writer) = (
        nemesis.context,
        &nemesis.workload.people[1],
        &nemesis.workload.people[0],
    );
    let (Some(to_read), Some(to_write)) = (
        context.login(0, &reader.name).await,
        context.login(0, &writer.name).await,
    ) else {
        context.odd("nobody could sign in".to_owned());
        return;
    };
    let small = ConnectionOptions {
        acknowledges: false,
        receive_buffer: Some(4_096),
    };
    let mut deaf = Device::new(
        format!("{}/deaf", reader.name),
        reader,
        context,
        to_read,
        small,
    );
    let mut flood = Device::new(
        format!("{}/flood", writer.name),
        writer,
        context,
        to_write,
        ConnectionOptions::default(),
    );
    let cut_before = nemesis.nodes[0].metric(LAGGING).await.unwrap_or_default();
    if !(deaf.connect(rng).await && flood.connect(rng).await) {
        context.odd("the deaf device could not connect".to_owned());
        return;
    }
    if let Some(wire) = &deaf.wire {
        wire.freeze();
    }
    let shared = nemesis.context.record(|history| {
        let common = |pair: &Vec<_>| {
            pair.len() == 2 && pair.contains(&reader.id) && pair.contains(&writer.id)
        };
        history
            .members
            .iter()
            .find(|(_, pair)| common(pair))
            .map(|(session, _)| *session)
    });
    let Some(session) = shared else { return };
    let (begun, mut sent, mut is_cut) = (Instant::now(), 0, false);
    while sent < FLOOD && !is_cut {
        // Long ones fill the kernel's buffers; then their number counts.
        let length = if sent < LONG_ONES { 5_000 } else { 20 };
        let drafts = (0..BATCH)
            .map(|_| flood.draft_for(session, length))
            .collect();
        flood.send_all(drafts).await;
        sent += BATCH;
        is_cut = nemesis.nodes[0]
            .metric(LAGGING)
            .await
            .is_some_and(|cut| cut > cut_before);
    }
    nemesis.notes.push(format!(
        "cut after {sent} messages in {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    if !is_cut {
        context.odd(format!(
            "a reader that never reads was not cut after {sent} messages"
        ));
    }
    if let Some(wire) = &deaf.wire {
        wire.thaw();
    }
    nemesis
        .workload
        .guests
        .lock()
        .unwrap()
        .extend([deaf, flood]);
}

/// The number of users in the storm.
const CROWD: usize = 3_000;
/// The number of connections opened at the same time at first.
const AT_ONCE: usize = 100;
const ALL_BACK_WITHIN: Duration = Duration::from_secs(90);

/// Thousands are connected; the service is killed and restarted. All reconnect as the official
/// client does, each with a `chat:sync`, while the others continue.
pub async fn storm(nemesis: &mut Nemesis<'_>, rng: &mut StdRng) {
    let crowd = CROWD.to_string();
    let node = &nemesis.nodes[0];
    node.run(&[
        "seed",
        "--users",
        &crowd,
        "--sessions",
        &crowd,
        "--messages",
        "30000",
    ])
    .await;
    let tokens: Value =
        serde_json::from_str(&node.run(&["token", "--synthetic", &crowd]).await).unwrap();
    let gate = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let counts = Arc::new(Counts::default());
    let mut visitors = Vec::new();
    for one in tokens.as_array().into_iter().flatten() {
        let visitor = StormClient {
            context: Arc::clone(nemesis.context),
            token: one["token"].as_str().unwrap_or_default().to_owned(),
            rng: StdRng::seed_from_u64(rng.random()),
            counts: Arc::clone(&counts),
        };
        visitors.push(tokio::spawn(visitor.stay(Arc::clone(&gate))));
    }
    let arrived = wait_until(|| counts.here.load(Ordering::Relaxed) == visitors.len()).await;
    let here = counts.here.load(Ordering::Relaxed);
    if arrived.is_none() {
        nemesis
            .context
            .odd(format!("only {here} of {} could connect", visitors.len()));
    }
    nemesis.nodes[0].kill().await;
    let gone = wait_until(|| counts.here.load(Ordering::Relaxed) == 0).await;
    nemesis.nodes[0].start_again();
    nemesis.healed(Fault::Storm);
    let begun = Instant::now();
    nemesis.nodes[0].ready().await;
    nemesis.notes.push(format!(
        "well again after {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let back = wait_until(|| counts.here.load(Ordering::Relaxed) == visitors.len()).await;
    match back {
        Some(()) if gone.is_some() => {
            nemesis.notes.push(format!(
                "{here} back after {:.1} s",
                begun.elapsed().as_secs_f64()
            ));
        }
        _ => nemesis.context.odd(format!(
            "only {} of {here} came back within {} s",
            counts.here.load(Ordering::Relaxed),
            ALL_BACK_WITHIN.as_secs()
        )),
    }
    nemesis.notes.push(format!(
        "{} handshakes failed",
        counts.failed.load(Ordering::Relaxed)
    ));
    for visitor in visitors {
        visitor.abort();
    }
}

async fn wait_until(holds: impl Fn() -> bool) -> Option<()> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > ALL_BACK_WITHIN {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Some(())
}

#[derive(Default)]
struct Counts {
    here: AtomicUsize,
    failed: AtomicUsize,
}

/// A client of the storm.
struct StormClient {
    context: Arc<TestContext>,
    token: String,
    rng: StdRng,
    counts: Arc<Counts>,
}

impl StormClient {
    async fn stay(mut self, gate: Arc<tokio::sync::Semaphore>) {
        let mut failures = 0;
        let mut place = gate.acquire_owned().await.ok();
        loop {
            if let Some(wire) = self.arrive().await {
                failures = 0;
                self.counts.here.fetch_add(1, Ordering::Relaxed);
                place.take();
                while !wire.is_closed() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                self.counts.here.fetch_sub(1, Ordering::Relaxed);
            } else {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(back_off(failures, &mut self.rng)).await;
            failures += 1;
        }
    }

    async fn arrive(&self) -> Option<ClientConnection> {
        let address = &self.context.nodes[0];
        let listener = Box::new(|_: &str, _: &Value| {});
        match ClientConnection::open(
            0,
            address,
            &self.token,
            ConnectionOptions::default(),
            listener,
        )
        .await
        {
            Ok(wire) => {
                let told = wire.begin("chat:sync", &json!({})).await;
                let answer = tokio::time::timeout(self.context.patience, told)
                    .await
                    .ok()?
                    .ok()?;
                (answer["success"] == json!(true)).then_some(wire)
            }
            Err(Refused::Code(code)) if code != "INTERNAL" => {
                self.context
                    .odd(format!("one of the storm was refused: {code}"));
                None
            }
            Err(Refused::Code(_) | Refused::Unreachable(_)) => None,
        }
    }
}
