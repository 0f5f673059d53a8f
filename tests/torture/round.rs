//! A round: users work, a fault strikes and heals, users continue; then everything is fetched
//! afresh.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::{
    checker::outcomes,
    checker::{self, CheckResult},
    client::Device,
    client_connection::ConnectionOptions,
    context::TestContext,
    database::{Database, Kind},
    generator,
    generator::membership::MembershipGenerator,
    history::observation::reactions_in,
    history::{
        DeviceState, Event, FinalRead, History, Id, ObservedMessage, Outcome, Page, ReceivedEvent,
        hash,
    },
    model::{SyncedConversation, counts_in},
    nemesis::{Fault, Nemesis},
    service::Node,
    workload::{Workload, intrude},
};

/// The length and strictness of a round.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub is_long: bool,
    pub seed: u64,
    /// The limit for the first success after a fault.
    pub recovery: Duration,
    /// A client's time limit for one answer.
    pub patience: Duration,
}

/// A database with the service's nodes on it. Rounds of the same kind share one.
pub struct Cluster {
    pub kind: Kind,
    pub database: Database,
    pub nodes: Vec<Node>,
    folder: PathBuf,
}

impl Cluster {
    pub async fn open(folder: PathBuf, kind: Kind) -> Result<Self, String> {
        let database = Database::start(folder.join("database"), kind).await?;
        let node = Node::start(&folder.join("service"), 0, &database.uri()).await;
        Ok(Self {
            kind,
            database,
            nodes: vec![node],
            folder,
        })
    }

    /// Starts or stops nodes until this many are running.
    async fn staff(&mut self, nodes: usize) {
        while self.nodes.len() > nodes {
            if let Some(mut node) = self.nodes.pop() {
                node.terminate().await;
            }
        }
        while self.nodes.len() < nodes {
            let folder = self.folder.join("service");
            self.nodes
                .push(Node::start(&folder, self.nodes.len(), &self.database.uri()).await);
        }
    }

    pub fn logs(&self) -> PathBuf {
        self.folder.join("service")
    }

    pub async fn close(mut self) {
        for node in &mut self.nodes {
            node.terminate().await;
        }
        self.database.stop().await;
    }
}

/// The outcome of a round.
pub struct Round {
    pub fault: Fault,
    pub number: usize,
    /// Why it was not possible.
    pub not_tried: Option<String>,
    /// Sends: acknowledged, failed, unknown.
    pub sends: [usize; 3],
    /// Milliseconds of an acknowledged send: median and 99th percentile.
    pub latency: [u64; 2],
    pub injected: usize,
    /// Milliseconds from each healing to the first acknowledged send; `None` when there was none.
    pub first_success: Vec<Option<u64>>,
    /// The same for the conversation that waited longest.
    pub last_session: Vec<Option<u64>>,
    pub found: Vec<(&'static str, CheckResult)>,
    pub notes: Vec<String>,
}

impl Round {
    /// A round whose fault this machine does not permit.
    pub fn not_tried(fault: Fault, why: String) -> Self {
        let history = History::new(fault.rules(Duration::ZERO));
        summary(&history, fault, 0, 0, Some(why), Vec::new())
    }

    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.found
            .iter()
            .flat_map(|(name, found)| found.violations.iter().map(move |v| (*name, v)))
    }
}

pub async fn run(cluster: &mut Cluster, fault: Fault, number: usize, options: Options) -> Round {
    let mut rng = StdRng::seed_from_u64(hash(&format!("{}/{fault}/{number}", options.seed)));
    cluster.staff(fault.nodes()).await;
    let addresses = cluster
        .nodes
        .iter()
        .map(|node| node.address.clone())
        .collect();
    let history = History::new(fault.rules(options.recovery));
    let context = TestContext::new(history, addresses, options.patience);
    let (workload, devices, churns) =
        Workload::assemble(&context, &format!("{}-{number}-", fault.name())).await;
    let mut at_work = Vec::new();
    for device in devices {
        let rng = StdRng::seed_from_u64(rng.random());
        let is_outsider = workload
            .outsiders
            .iter()
            .any(|outsider| outsider.id == device.person.id);
        at_work.push(if is_outsider {
            tokio::spawn(intrude(device, rng))
        } else {
            tokio::spawn(generator::work(device, rng))
        });
    }
    let churns: Vec<_> = churns
        .into_iter()
        .map(|churn| tokio::spawn(churn.work(StdRng::seed_from_u64(rng.random()))))
        .collect();
    // The short run takes a third of the time that the long one takes to reach full load.
    let share = if options.is_long { 3 } else { 1 };
    tokio::time::sleep(Duration::from_millis(rng.random_range(700..1_000) * share)).await;
    let times = if options.is_long { fault.times() } else { 1 };
    let mut nemesis = Nemesis {
        database: &mut cluster.database,
        nodes: &mut cluster.nodes,
        context: &context,
        workload: &workload,
        is_long: options.is_long,
        notes: Vec::new(),
    };
    let (mut not_tried, mut injected) = (None, 0);
    for _ in 0..times {
        match nemesis.strike(fault, &mut rng).await {
            Ok(()) => injected += 1,
            Err(why) => not_tried = Some(why),
        }
        await_success(&context, options.recovery).await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(400..1_000) * share)).await;
        if injected == 1 {
            workload.deactivate(&context).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(share)).await;
    context.running.store(false, Ordering::Relaxed);
    let mut devices = Vec::new();
    for work in at_work {
        devices.push(work.await.expect("a client does not panic"));
    }
    for churn in churns {
        churn.await.expect("a generator does not panic");
    }
    devices.append(&mut workload.guests.lock().unwrap());
    let mut notes = nemesis.notes;
    for node in &mut cluster.nodes {
        if node.has_died() {
            context.odd("the service ended by itself".to_owned());
            node.ready().await;
        }
    }
    workload.reactivate(&context).await;
    let look = Look {
        context: &context,
        nodes: &cluster.nodes,
        workload: &workload,
    };
    look.at_everything(devices, &mut rng).await;
    let history = context.record(|history| history.clone());
    let ended = |number: &u32| {
        history
            .endings
            .iter()
            .any(|ending| ending.wires.contains(number))
    };
    let told = history
        .wires
        .iter()
        .filter(|(number, wire)| wire.told_to_go && !ended(number))
        .count();
    if told > 0 {
        notes.push(format!(
            "{told} connections were told to go, though nobody had signed out"
        ));
    }
    notes.push(history.changes());
    notes.extend(
        history
            .refusals
            .iter()
            .map(|(code, count)| format!("{count} {code}")),
    );
    summary(&history, fault, number, injected, not_tried, notes)
}

fn summary(
    history: &History,
    fault: Fault,
    number: usize,
    injected: usize,
    not_tried: Option<String>,
    notes: Vec<String>,
) -> Round {
    let count = |wanted: fn(&Outcome<(Id, u64)>) -> bool| {
        history
            .attempts
            .iter()
            .filter(|attempt| wanted(&attempt.outcome))
            .count()
    };
    let mut latencies: Vec<u64> = history
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, Outcome::Ok(_)))
        .map(|attempt| (attempt.ended - attempt.begun) / 1_000)
        .collect();
    latencies.sort_unstable();
    let part = |share: usize| {
        latencies
            .get(latencies.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    let firsts: Vec<_> = history
        .heals
        .iter()
        .map(|heal| outcomes::first_successes(history, heal.healed))
        .collect();
    Round {
        fault,
        number,
        not_tried,
        sends: [
            count(|outcome| matches!(outcome, Outcome::Ok(_))),
            count(|outcome| matches!(outcome, Outcome::Failed)),
            count(|outcome| matches!(outcome, Outcome::Unknown)),
        ],
        latency: [part(50), part(99)],
        injected,
        first_success: firsts
            .iter()
            .map(|of| of.values().min().map(|first| first / 1_000))
            .collect(),
        last_session: firsts
            .iter()
            .map(|of| of.values().max().map(|first| first / 1_000))
            .collect(),
        found: checker::all(history),
        notes,
    }
}

/// Waits for the first success after the newest healing, or until the limit.
async fn await_success(context: &TestContext, limit: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        let is_back = context.record(|history| {
            let healed = history.heals.last().map_or(0, |heal| heal.healed);
            outcomes::first_success(history, healed).is_some()
        });
        if is_back {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The final fetch.
struct Look<'a> {
    context: &'a Arc<TestContext>,
    nodes: &'a [Node],
    workload: &'a Workload,
}

impl Look<'_> {
    async fn at_everything(&self, mut devices: Vec<Device>, rng: &mut StdRng) {
        let mut seeds: Vec<StdRng> = devices
            .iter()
            .map(|_| StdRng::seed_from_u64(rng.random()))
            .collect();
        let home = devices
            .iter_mut()
            .zip(&mut seeds)
            .map(|(device, rng)| device.come_home(rng));
        let home = futures_util::future::join_all(home).await;
        for (device, is_home) in devices.iter().zip(home) {
            if !is_home {
                self.context
                    .odd(format!("{} could not come back", device.name));
            }
        }
        self.until_idle().await;
        let last_words = devices
            .iter()
            .zip(&mut seeds)
            .map(|(device, rng)| device.last_words(rng));
        futures_util::future::join_all(last_words).await;
        self.until_quiet().await;
        self.context.record(|history| {
            for device in devices.iter().filter(|device| device.is_whole()) {
                let number = device.wire.as_ref().map_or(0, |wire| wire.number);
                history.wires.entry(number).or_default().is_whole = true;
            }
        });
        let one_hub = self.context.record(|history| history.rules.one_hub);
        for device in &mut devices {
            let pushed =
                (one_hub && device.is_whole()).then(|| device.state.lock().unwrap().unread.clone());
            if device.sync().await.is_none() && device.come_home(rng).await {
                self.context
                    .odd(format!("{} could not sync in the end", device.name));
            }
            let (name, person) = (device.name.clone(), device.person.id);
            let sessions = device.state.lock().unwrap().known();
            self.context.record(|history| {
                history.devices.push(DeviceState {
                    name,
                    person,
                    sessions,
                    pushed,
                });
            });
        }
        for person in &self.workload.people {
            if let Err(what) = self.afresh(person, rng).await {
                self.context.odd(format!(
                    "{} could not be looked at afresh: {what}",
                    person.name
                ));
            }
        }
    }

    /// Waits until no command waits in the service.
    async fn until_idle(&self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(40) {
            let mut waiting = 0.0;
            for node in self.nodes {
                for metric in [
                    "wardline_commit_queue_depth",
                    "wardline_inbox_depth",
                    "wardline_outbox_depth",
                ] {
                    waiting += node.metric(metric).await.unwrap_or(1.0);
                }
            }
            if waiting < 0.5 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.context
            .odd("the service's queues do not run empty".to_owned());
    }

    /// Waits until no event was received for a while.
    async fn until_quiet(&self) {
        let (begun, mut before) = (Instant::now(), usize::MAX);
        while begun.elapsed() < Duration::from_secs(20) {
            // Typing events stop by themselves six seconds later, and do not concern messages.
            let counts = |heard: &&ReceivedEvent| {
                !matches!(heard.what, Event::Typing { .. } | Event::Presence { .. })
            };
            let heard = self
                .context
                .record(|history| history.heard.iter().filter(counts).count());
            if heard == before {
                return;
            }
            before = heard;
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
    }

    /// Fetches one user's conversations as a new client would.
    async fn afresh(
        &self,
        person: &Arc<crate::context::Person>,
        rng: &mut StdRng,
    ) -> Result<(), String> {
        let context = self.context;
        let token = context.login(0, &person.name).await.ok_or("no sign-in")?;
        let mut fresh = Device::new(
            format!("{}/fresh", person.name),
            person,
            context,
            token.clone(),
            ConnectionOptions::default(),
        );
        let get = async |path: String| {
            let answer = context.call(0, "GET", &path, Some(&token), None).await;
            answer.data().cloned().ok_or(format!("{path}: {answer:?}"))
        };
        if !fresh.connect(rng).await {
            return Err("no connection".to_owned());
        }
        let unread = get(format!("/api/chat/messages/unread/{}", person.id)).await?;
        let sessions = get(format!("/api/chat/sessions/{}?limit=100", person.id)).await?;
        // The fresh device's state after its first sync must be the same, too: it is one more
        // device.
        let known = fresh.state.lock().unwrap().known();
        let state = DeviceState {
            name: fresh.name.clone(),
            person: person.id,
            sessions: known,
            pushed: None,
        };
        context.record(|history| history.devices.push(state));
        // From its present state: positions alone.
        let from = fresh.state.lock().unwrap().from();
        let ask = fresh.ask("chat:sync", &from).await;
        let synced = ask.data().ok_or("no sync")?.clone();
        let gone = person.wanders_in.lock().unwrap().clone();
        for session in gone
            .into_iter()
            .filter(|session| !person.sessions().contains(session))
        {
            MembershipGenerator::look_from_outside(context, session, &token).await;
        }
        for session in person.sessions() {
            let (messages, reactions) = self.history(&token, person.id, session).await?;
            let share = SyncedConversation::of(&synced["sessions"][session.to_string()]);
            let mut documents = sessions.as_array().into_iter().flatten();
            let document = documents
                .find(|one| Id::of(&one["_id"]) == session)
                .ok_or("not listed")?;
            let map = counts_in(&document["unreadCount"]);
            let last = FinalRead {
                reader: person.id,
                session,
                hidden: share.hidden,
                messages,
                reactions,
                positions: share
                    .positions
                    .into_iter()
                    .map(|(member, seq)| (member, u64::try_from(seq).unwrap_or_default()))
                    .collect(),
                unread: unread["bySession"][session.to_string()]
                    .as_i64()
                    .unwrap_or(0),
                map: map.into_iter().collect(),
            };
            context.record(|history| history.finals.push(last));
        }
        Ok(())
    }

    /// All messages, and their reactions.
    async fn history(
        &self,
        token: &str,
        reader: Id,
        session: Id,
    ) -> Result<(Vec<ObservedMessage>, Vec<(Id, u64, Id)>), String> {
        let (mut all, mut reactions): (Vec<ObservedMessage>, Vec<_>) = (Vec::new(), Vec::new());
        loop {
            let after = all.last().map_or(0, |seen| seen.seq);
            let path = format!("/api/chat/messages/{session}?afterSeq={after}&limit=100");
            let begun = self.context.now();
            let answer = self.context.call(0, "GET", &path, Some(token), None).await;
            let crate::context::Answer::Ok(envelope) = answer else {
                return Err(format!("{answer:?}"));
            };
            let messages: Vec<ObservedMessage> = envelope["data"]
                .as_array()
                .into_iter()
                .flatten()
                .map(ObservedMessage::of)
                .collect();
            all.extend(&messages);
            for message in envelope["data"].as_array().into_iter().flatten() {
                let on = reactions_in(&message["reactions"]);
                reactions.extend(
                    on.into_iter()
                        .map(|(emoji, who)| (Id::of(&message["_id"]), emoji, who)),
                );
            }
            let more = envelope["pagination"]["hasMore"] == json!(true);
            let (low, ended) = (after + 1, self.context.now());
            let high = if more {
                all.last().map_or(0, |seen| seen.seq)
            } else {
                u64::MAX
            };
            let page = Page {
                reader,
                session,
                begun,
                ended,
                low,
                high,
                messages,
            };
            self.context.record(|history| history.pages.push(page));
            if !more {
                return Ok((all, reactions));
            }
        }
    }
}
