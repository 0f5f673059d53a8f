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

use super::{
    client::{Device, back_off},
    faults::{Fault, Scene},
    wire::{Manner, Refused, Wire},
    world::World,
};

const LAGGING: &str = "wardline_connections_closed_total{reason=\"lagging\"}";
/// The messages for the slow consumer: more than the service buffers for a connection.
const FLOOD: usize = 8_000;
const BATCH: usize = 250;
const LONG_ONES: usize = 500;

/// A user gets a third device that does not read, and receives messages until it is disconnected.
pub async fn never_reads(scene: &mut Scene<'_>, rng: &mut StdRng) {
    let (world, reader, writer) = (scene.world, &scene.cast.people[1], &scene.cast.people[0]);
    let (Some(to_read), Some(to_write)) = (
        world.login(0, &reader.name).await,
        world.login(0, &writer.name).await,
    ) else {
        world.odd("nobody could sign in".to_owned());
        return;
    };
    let small = Manner {
        acknowledges: false,
        receive_buffer: Some(4_096),
    };
    let mut deaf = Device::new(
        format!("{}/deaf", reader.name),
        reader,
        world,
        to_read,
        small,
    );
    let mut flood = Device::new(
        format!("{}/flood", writer.name),
        writer,
        world,
        to_write,
        Manner::default(),
    );
    let cut_before = scene.nodes[0].metric(LAGGING).await.unwrap_or_default();
    if !(deaf.connect(rng).await && flood.connect(rng).await) {
        world.odd("the deaf device could not connect".to_owned());
        return;
    }
    if let Some(wire) = &deaf.wire {
        wire.freeze();
    }
    let shared = scene.world.record(|history| {
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
        is_cut = scene.nodes[0]
            .metric(LAGGING)
            .await
            .is_some_and(|cut| cut > cut_before);
    }
    scene.notes.push(format!(
        "cut after {sent} messages in {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    if !is_cut {
        world.odd(format!(
            "a reader that never reads was not cut after {sent} messages"
        ));
    }
    if let Some(wire) = &deaf.wire {
        wire.thaw();
    }
    scene.cast.guests.lock().unwrap().extend([deaf, flood]);
}

/// The number of users in the storm.
const CROWD: usize = 3_000;
/// The number of connections opened at the same time at first.
const AT_ONCE: usize = 100;
const ALL_BACK_WITHIN: Duration = Duration::from_secs(90);

/// Thousands are connected; the service is killed and restarted. All reconnect as the official
/// client does, each with a `chat:sync`, while the others continue.
pub async fn storm(scene: &mut Scene<'_>, rng: &mut StdRng) {
    let crowd = CROWD.to_string();
    let node = &scene.nodes[0];
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
        let visitor = Visitor {
            world: Arc::clone(scene.world),
            token: one["token"].as_str().unwrap_or_default().to_owned(),
            rng: StdRng::seed_from_u64(rng.random()),
            counts: Arc::clone(&counts),
        };
        visitors.push(tokio::spawn(visitor.stay(Arc::clone(&gate))));
    }
    let arrived = wait_until(|| counts.here.load(Ordering::Relaxed) == visitors.len()).await;
    let here = counts.here.load(Ordering::Relaxed);
    if arrived.is_none() {
        scene
            .world
            .odd(format!("only {here} of {} could connect", visitors.len()));
    }
    scene.nodes[0].kill().await;
    let gone = wait_until(|| counts.here.load(Ordering::Relaxed) == 0).await;
    scene.nodes[0].start_again();
    scene.healed(Fault::Storm);
    let begun = Instant::now();
    scene.nodes[0].ready().await;
    scene.notes.push(format!(
        "well again after {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let back = wait_until(|| counts.here.load(Ordering::Relaxed) == visitors.len()).await;
    match back {
        Some(()) if gone.is_some() => {
            scene.notes.push(format!(
                "{here} back after {:.1} s",
                begun.elapsed().as_secs_f64()
            ));
        }
        _ => scene.world.odd(format!(
            "only {} of {here} came back within {} s",
            counts.here.load(Ordering::Relaxed),
            ALL_BACK_WITHIN.as_secs()
        )),
    }
    scene.notes.push(format!(
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
struct Visitor {
    world: Arc<World>,
    token: String,
    rng: StdRng,
    counts: Arc<Counts>,
}

impl Visitor {
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

    async fn arrive(&self) -> Option<Wire> {
        let address = &self.world.nodes[0];
        let listener = Box::new(|_: &str, _: &Value| {});
        match Wire::open(0, address, &self.token, Manner::default(), listener).await {
            Ok(wire) => {
                let told = wire.begin("chat:sync", &json!({})).await;
                let answer = tokio::time::timeout(self.world.patience, told)
                    .await
                    .ok()?
                    .ok()?;
                (answer["success"] == json!(true)).then_some(wire)
            }
            Err(Refused::Code(code)) if code != "INTERNAL" => {
                self.world
                    .odd(format!("one of the storm was refused: {code}"));
                None
            }
            Err(Refused::Code(_) | Refused::Unreachable(_)) => None,
        }
    }
}
