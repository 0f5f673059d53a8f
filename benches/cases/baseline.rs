//! The raw limits of this machine: MongoDB without a service, WebSocket without a database.

use std::{
    collections::HashMap,
    fmt::Write,
    time::{Duration, Instant},
};

use futures_util::{TryStreamExt, future::join_all};
use mongodb::{
    Client, ClientSession, Collection, Database,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    options::{Acknowledgment, ClientOptions, WriteConcern},
};
use serde::{Deserialize, Serialize};

use crate::{
    Outcome,
    dataset::Dataset,
    echo::Echo,
    options::{Case, Options},
    report::{CaseReport, Line, Target},
    stats::{Times, figure},
};

const WRITERS: [usize; 4] = [1, 2, 3, 4];
const BATCHES: [usize; 6] = [1, 25, 50, 100, 200, 400];
const SESSIONS: usize = 100;
const DATABASE: &str = "floor";

/// The number of writers and the size of batch with the highest rate.
#[derive(Debug, Clone)]
pub struct Best {
    pub writers: usize,
    pub batch: usize,
    pub rate: f64,
    /// All measurements: writers, batch, messages/s.
    all: Vec<(usize, usize, f64)>,
}

/// The state of a session that a writer keeps.
struct SessionState {
    id: ObjectId,
    pair: [ObjectId; 2],
    seq: i64,
    version: i64,
    unread: i64,
    last: ObjectId,
}

/// A message with the fields that Wardline stores.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageRow {
    #[serde(rename = "_id")]
    id: ObjectId,
    session_id: ObjectId,
    sender: ObjectId,
    receiver: ObjectId,
    content: &'static str,
    message_type: &'static str,
    client_msg_id: String,
    seq: i64,
    rev: i64,
    is_deleted: bool,
    created_at: DateTime,
    updated_at: DateTime,
}

const CONTENT: &str =
    "Bed 12: potassium 3.1 mmol/l, please check the infusion before the night shift. 请复查血压";

/// A writer that commits batches, one after the other.
struct Writer {
    database: Database,
    messages: Collection<MessageRow>,
    session: ClientSession,
    states: Vec<SessionState>,
    next: usize,
}

/// How a transaction checks that its sessions have the expected versions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// The versions are read first, and the updates filter by `_id`: cheapest for many.
    First,
    /// The filters of the updates contain the versions: one round trip less, cheapest for one.
    InFilter,
}

impl Writer {
    /// Commits one transaction: the updates of the sessions, conditional on their versions, then
    /// the messages.
    async fn commit(&mut self, batch: usize, check: Check) -> Outcome<()> {
        let now = DateTime::now();
        let mut rows = Vec::with_capacity(batch);
        let touched = batch.min(self.states.len());
        let indexes: Vec<usize> = (0..touched)
            .map(|n| (self.next + n) % self.states.len())
            .collect();
        for number in 0..batch {
            rows.push(self.states[indexes[number % touched]].write(now));
        }
        self.next = (self.next + touched) % self.states.len();
        let commit = ObjectId::new();
        self.session.start_transaction().await?;
        if check == Check::First {
            let ids: Vec<ObjectId> = indexes.iter().map(|index| self.states[*index].id).collect();
            let rows = self.database.collection::<VersionRow>("sessions");
            let find = rows
                .find(doc! { "_id": { "$in": ids } })
                .projection(doc! { "version": 1 });
            let mut found = find.batch_size(1_000).session(&mut self.session).await?;
            let mut versions = HashMap::with_capacity(touched);
            while let Some(row) = found.next(&mut self.session).await.transpose()? {
                versions.insert(row.id, row.version);
            }
            let is_unchanged = |index: &usize| {
                let state = &self.states[*index];
                versions.get(&state.id) == Some(&state.version)
            };
            if !indexes.iter().all(is_unchanged) {
                return Err("a session did not have the expected version".into());
            }
        }
        let statements: Vec<Document> = indexes
            .iter()
            .map(|index| self.states[*index].statement(commit, now, check))
            .collect();
        let command = doc! {
            "update": "sessions", "updates": statements, "ordered": true, "bypassDocumentValidation": true,
        };
        let reply = self
            .database
            .run_command(command)
            .session(&mut self.session)
            .await?;
        if reply
            .get_i32("n")
            .ok()
            .and_then(|n| usize::try_from(n).ok())
            != Some(touched)
        {
            return Err(format!("a session did not have the expected version: {reply}").into());
        }
        let insert = self
            .messages
            .insert_many(rows)
            .bypass_document_validation(true);
        insert.session(&mut self.session).await?;
        self.session.commit_transaction().await?;
        Ok(())
    }
}

#[derive(Deserialize)]
struct VersionRow {
    #[serde(rename = "_id")]
    id: ObjectId,
    version: i64,
}

impl SessionState {
    /// Makes the next message; the two members take turns.
    fn write(&mut self, now: DateTime) -> MessageRow {
        self.seq += 1;
        self.unread += 1;
        self.last = ObjectId::new();
        let from = self.sender_index();
        MessageRow {
            id: self.last,
            session_id: self.id,
            sender: self.pair[from],
            receiver: self.pair[1 - from],
            content: CONTENT,
            message_type: "text",
            client_msg_id: format!("{:08}-{from:05}-{:08}", 1, self.seq),
            seq: self.seq,
            rev: 0,
            is_deleted: false,
            created_at: now,
            updated_at: now,
        }
    }

    fn sender_index(&self) -> usize {
        usize::from(self.seq % 2 == 0)
    }

    /// Returns the update that Wardline makes when a message was sent.
    fn statement(&mut self, commit: ObjectId, now: DateTime, check: Check) -> Document {
        let mut filter = doc! { "_id": self.id };
        if check == Check::InFilter {
            filter.insert("version", self.version);
        }
        self.version += 1;
        let [sender, receiver] = [
            self.pair[self.sender_index()],
            self.pair[1 - self.sender_index()],
        ];
        let mut set = doc! {
            "version": self.version, "lastCommit": commit, "updatedAt": now, "seq": self.seq, "rev": 0_i64,
            "messageCount": self.seq, "lastMessageTime": now, "lastMessage": self.last,
            "lastMessageInfo": {
                "seq": self.seq, "sender": sender, "messageType": "text", "preview": CONTENT, "isDeleted": false,
            },
        };
        set.insert(format!("unreadCount.{receiver}"), self.unread);
        set.insert(format!("members.{sender}.sent"), self.seq / 2);
        doc! { "q": filter, "u": { "$set": set } }
    }
}

async fn client(dataset: &Dataset) -> Outcome<Client> {
    let mut options = ClientOptions::parse(dataset.uri()).await?;
    options.write_concern = Some(
        WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true)
            .build(),
    );
    options.max_pool_size = Some(64);
    Ok(Client::with_options(options)?)
}

/// Makes a new database with Wardline's validators, indexes and sessions.
async fn prepare(dataset: &Dataset) -> Outcome<()> {
    dataset.drop(DATABASE).await?;
    dataset
        .seed(DATABASE, &[[2 * SESSIONS, 2 * SESSIONS, 2 * SESSIONS]])
        .await
}

async fn writers(dataset: &Dataset, count: usize) -> Outcome<Vec<Writer>> {
    let client = client(dataset).await?;
    let database = client.database(DATABASE);
    if database.list_collection_names().await?.is_empty() {
        prepare(dataset).await?;
    }
    let sessions = database.collection::<Document>("sessions");
    let find = sessions.find(doc! {}).sort(doc! { "_id": 1 });
    let rows: Vec<Document> = find.limit(SESSIONS as i64).await?.try_collect().await?;
    let mut writers = Vec::new();
    for share in rows.chunks(rows.len().div_ceil(count)) {
        let mut states = Vec::new();
        for row in share {
            let pair: Vec<ObjectId> = row
                .get_array("participants")?
                .iter()
                .filter_map(Bson::as_object_id)
                .collect();
            let [first, second] = pair[..] else {
                return Err("a session without two members".into());
            };
            let (id, seq) = (row.get_object_id("_id")?, row.get_i64("seq")?);
            let version = row.get_i64("version")?;
            states.push(SessionState {
                id,
                pair: [first, second],
                seq,
                version,
                unread: 0,
                last: id,
            });
        }
        let session = client.start_session().await?;
        let messages = database.collection("messages");
        writers.push(Writer {
            database: database.clone(),
            messages,
            session,
            states,
            next: 0,
        });
    }
    Ok(writers)
}

/// Runs `count` writers with batches of one size; returns the messages per second.
pub async fn measure_rate(
    dataset: &Dataset,
    count: usize,
    batch: usize,
    duration: Duration,
) -> Outcome<f64> {
    let writers = writers(dataset, count).await?;
    let start = Instant::now();
    let tasks = writers.into_iter().map(|mut writer| {
        tokio::spawn(async move {
            let mut stored = 0;
            while start.elapsed() < duration {
                writer.commit(batch, Check::First).await?;
                stored += batch;
            }
            Outcome::Ok(stored)
        })
    });
    let mut stored = 0;
    for task in join_all(tasks).await {
        stored += task??;
    }
    Ok(stored as f64 / start.elapsed().as_secs_f64())
}

/// Returns the times of bare transactions, one after the other.
pub async fn bare(dataset: &Dataset, duration: Duration) -> Outcome<Times> {
    let mut writers = writers(dataset, 1).await?;
    let writer = writers.first_mut().ok_or("no sessions for the baseline")?;
    let mut times = Times::default();
    let start = Instant::now();
    while start.elapsed() < duration {
        let begun = Instant::now();
        writer.commit(1, Check::InFilter).await?;
        times.push(begun.elapsed().as_micros() as u32);
    }
    Ok(times)
}

/// Returns the best number of writers and size of batch; measured once in a run.
pub async fn best<'a>(dataset: &'a Dataset, options: &Options) -> Outcome<&'a Best> {
    dataset
        .baseline
        .get_or_try_init(async || {
            // The baseline's own case measures all of them; the others measure the likely ones.
            let is_asked = |writers, batch| {
                options.wants(Case::Baseline) || (writers % 2 == 0 && batch >= 100_usize)
            };
            prepare(dataset).await?;
            let mut best = Best {
                writers: 0,
                batch: 0,
                rate: 0.0,
                all: Vec::new(),
            };
            for writers in WRITERS {
                for batch in BATCHES {
                    if !is_asked(writers, batch) {
                        continue;
                    }
                    let rate =
                        measure_rate(dataset, writers, batch, options.seconds(1.5, 0.3)).await?;
                    println!(
                        "  floor {writers} writers × {batch}: {} messages/s",
                        figure(rate)
                    );
                    best.all.push((writers, batch, rate));
                    if rate > best.rate {
                        (best.writers, best.batch, best.rate) = (writers, batch, rate);
                    }
                }
            }
            prepare(dataset).await?;
            Ok(best)
        })
        .await
}

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let best = best(dataset, options).await?;
    let mut times = bare(dataset, options.seconds(5.0, 1.0)).await?;
    let echo = Echo::start().await?;
    let mut idle = echo.idle(options.count(400, 50)).await?;
    let mut rates = Vec::new();
    for window in [1, 8] {
        rates.push(echo.load(200, window, options.seconds(4.0, 1.0)).await?);
    }
    let info = |what: &str, value, unit| Line::new(what, value, Target::None, unit);
    let what = format!(
        "floor: MongoDB alone, messages/s ({} writers × {})",
        best.writers, best.batch
    );
    let lines = vec![
        info(&what, Some(best.rate), ""),
        info(
            "floor: one bare transaction p50",
            times.percentile(50.0),
            " ms",
        ),
        info(
            "floor: one bare transaction p99",
            times.percentile(99.0),
            " ms",
        ),
        info(
            "floor: WebSocket echo, 200 × 1 in flight, messages/s",
            rates.first().copied(),
            "",
        ),
        info(
            "floor: WebSocket echo, 200 × 8 in flight, messages/s",
            rates.last().copied(),
            "",
        ),
        info(
            "floor: WebSocket echo idle p50",
            idle.percentile(50.0),
            " ms",
        ),
    ];
    let mut raw = format!(
        "Messages/s, in bold the best:\n\n| writers | {} |\n",
        BATCHES.map(|b| format!("× {b}")).join(" | ")
    );
    raw.push_str(&"|--:".repeat(BATCHES.len() + 1));
    raw.push_str("|\n");
    for writers in WRITERS {
        let _ = write!(raw, "| {writers} |");
        for (_, batch, rate) in best.all.iter().filter(|(count, ..)| *count == writers) {
            let is_best = (writers, *batch) == (best.writers, best.batch);
            let star = if is_best { "**" } else { "" };
            let _ = write!(raw, " {star}{}{star} |", figure(*rate));
        }
        raw.push('\n');
    }
    Ok(CaseReport {
        name: "floor",
        how: format!(
            "MongoDB driven straight from the driver with transactions of the service's shape: an update of each \
             touched session, which must still have the expected version, and the messages, majority and \
             journal, on Wardline's indexes, {SESSIONS} sessions; 1.5 s for each number of writers and size of batch. One bare \
             transaction stores one message, one at a time, with the version in the update's filter. The echo is a tokio-tungstenite server in \
             a process of its own, loaded by the same client, with packets of 300 bytes."
        ),
        lines,
        raw,
        faults: Vec::new(),
    })
}
