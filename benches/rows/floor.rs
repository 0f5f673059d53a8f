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
    cluster::House,
    echo::Echo,
    options::{Key, Options},
    report::{Line, Row, Target},
    stats::{Times, figure},
};

const WRITERS: [usize; 4] = [1, 2, 3, 4];
const BATCHES: [usize; 6] = [1, 25, 50, 100, 200, 400];
const SESSIONS: usize = 100;
const DATABASE: &str = "floor";

/// The best of the direct writers.
#[derive(Debug, Clone)]
pub struct Best {
    pub writers: usize,
    pub batch: usize,
    pub rate: f64,
    /// Writers, batch, messages/s.
    all: Vec<(usize, usize, f64)>,
}

/// A session as a writer keeps it.
struct Book {
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

/// One who commits batches, one after the other.
struct Writer {
    database: Database,
    messages: Collection<MessageRow>,
    session: ClientSession,
    books: Vec<Book>,
    next: usize,
}

/// How a transaction makes sure that its sessions stand as believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Their versions are read first, and the updates name them by `_id`: cheapest for many.
    First,
    /// The updates' filters name the versions: one way to MongoDB less, cheapest for one.
    InFilter,
}

impl Writer {
    /// One transaction: the sessions' updates, conditional on their versions, then the messages.
    async fn commit(&mut self, batch: usize, check: Check) -> Outcome<()> {
        let now = DateTime::now();
        let mut rows = Vec::with_capacity(batch);
        let touched = batch.min(self.books.len());
        let places: Vec<usize> = (0..touched).map(|n| (self.next + n) % self.books.len()).collect();
        for number in 0..batch {
            rows.push(self.books[places[number % touched]].write(now));
        }
        self.next = (self.next + touched) % self.books.len();
        let commit = ObjectId::new();
        self.session.start_transaction().await?;
        if check == Check::First {
            let ids: Vec<ObjectId> = places.iter().map(|place| self.books[*place].id).collect();
            let rows = self.database.collection::<VersionRow>("sessions");
            let find = rows.find(doc! { "_id": { "$in": ids } }).projection(doc! { "version": 1 });
            let mut found = find.batch_size(1_000).session(&mut self.session).await?;
            let mut versions = HashMap::with_capacity(touched);
            while let Some(row) = found.next(&mut self.session).await.transpose()? {
                versions.insert(row.id, row.version);
            }
            let stands = |place: &usize| {
                let book = &self.books[*place];
                versions.get(&book.id) == Some(&book.version)
            };
            if !places.iter().all(stands) {
                return Err("the floor's sessions did not stand as believed".into());
            }
        }
        let statements: Vec<Document> =
            places.iter().map(|place| self.books[*place].statement(commit, now, check)).collect();
        let command = doc! {
            "update": "sessions", "updates": statements, "ordered": true, "bypassDocumentValidation": true,
        };
        let reply = self.database.run_command(command).session(&mut self.session).await?;
        if reply.get_i32("n").ok().and_then(|n| usize::try_from(n).ok()) != Some(touched) {
            return Err(format!("the floor's sessions did not stand as believed: {reply}").into());
        }
        let insert = self.messages.insert_many(rows).bypass_document_validation(true);
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

impl Book {
    /// The next message; the two take turns.
    fn write(&mut self, now: DateTime) -> MessageRow {
        self.seq += 1;
        self.unread += 1;
        self.last = ObjectId::new();
        let from = self.speaker();
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

    fn speaker(&self) -> usize {
        usize::from(self.seq % 2 == 0)
    }

    /// The update that Wardline makes when a message was sent.
    fn statement(&mut self, commit: ObjectId, now: DateTime, check: Check) -> Document {
        let mut filter = doc! { "_id": self.id };
        if check == Check::InFilter {
            filter.insert("version", self.version);
        }
        self.version += 1;
        let [sender, receiver] = [self.pair[self.speaker()], self.pair[1 - self.speaker()]];
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

async fn client(house: &House) -> Outcome<Client> {
    let mut options = ClientOptions::parse(house.uri()).await?;
    options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build());
    options.max_pool_size = Some(64);
    Ok(Client::with_options(options)?)
}

/// A new database with Wardline's validators, indexes and sessions.
async fn prepare(house: &House) -> Outcome<()> {
    house.drop(DATABASE).await?;
    house.seed(DATABASE, &[[2 * SESSIONS, 2 * SESSIONS, 2 * SESSIONS]]).await
}

async fn writers(house: &House, count: usize) -> Outcome<Vec<Writer>> {
    let client = client(house).await?;
    let database = client.database(DATABASE);
    if database.list_collection_names().await?.is_empty() {
        prepare(house).await?;
    }
    let sessions = database.collection::<Document>("sessions");
    let find = sessions.find(doc! {}).sort(doc! { "_id": 1 });
    let rows: Vec<Document> = find.limit(SESSIONS as i64).await?.try_collect().await?;
    let mut writers = Vec::new();
    for share in rows.chunks(rows.len().div_ceil(count)) {
        let mut books = Vec::new();
        for row in share {
            let pair: Vec<ObjectId> =
                row.get_array("participants")?.iter().filter_map(Bson::as_object_id).collect();
            let [first, second] = pair[..] else { return Err("a session without two people".into()) };
            let (id, seq) = (row.get_object_id("_id")?, row.get_i64("seq")?);
            let version = row.get_i64("version")?;
            books.push(Book { id, pair: [first, second], seq, version, unread: 0, last: id });
        }
        let session = client.start_session().await?;
        let messages = database.collection("messages");
        writers.push(Writer { database: database.clone(), messages, session, books, next: 0 });
    }
    Ok(writers)
}

/// So many writers with batches of one size, for so long: messages/s.
pub async fn once(house: &House, count: usize, batch: usize, duration: Duration) -> Outcome<f64> {
    let writers = writers(house, count).await?;
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

/// One bare transaction at a time.
pub async fn bare(house: &House, duration: Duration) -> Outcome<Times> {
    let mut writers = writers(house, 1).await?;
    let writer = writers.first_mut().ok_or("no sessions for the floor")?;
    let mut times = Times::default();
    let start = Instant::now();
    while start.elapsed() < duration {
        let begun = Instant::now();
        writer.commit(1, Check::InFilter).await?;
        times.push(begun.elapsed().as_micros() as u32);
    }
    Ok(times)
}

/// The best number of writers and size of batch: found once in a run.
pub async fn best<'a>(house: &'a House, options: &Options) -> Outcome<&'a Best> {
    house
        .floor
        .get_or_try_init(async || {
            // For the floor's own row all of them, else those that come into question.
            let is_asked =
                |writers, batch| options.wants(Key::Floor) || (writers % 2 == 0 && batch >= 100_usize);
            prepare(house).await?;
            let mut best = Best { writers: 0, batch: 0, rate: 0.0, all: Vec::new() };
            for writers in WRITERS {
                for batch in BATCHES {
                    if !is_asked(writers, batch) {
                        continue;
                    }
                    let rate = once(house, writers, batch, options.seconds(1.5, 0.3)).await?;
                    println!("  floor {writers} writers × {batch}: {} messages/s", figure(rate));
                    best.all.push((writers, batch, rate));
                    if rate > best.rate {
                        (best.writers, best.batch, best.rate) = (writers, batch, rate);
                    }
                }
            }
            prepare(house).await?;
            Ok(best)
        })
        .await
}

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let best = best(house, options).await?;
    let mut times = bare(house, options.seconds(5.0, 1.0)).await?;
    let echo = Echo::start().await?;
    let mut idle = echo.idle(options.count(400, 50)).await?;
    let mut rates = Vec::new();
    for window in [1, 8] {
        rates.push(echo.load(200, window, options.seconds(4.0, 1.0)).await?);
    }
    let info = |what: &str, value, unit| Line::new(what, value, Target::None, unit);
    let what = format!("floor: MongoDB alone, messages/s ({} writers × {})", best.writers, best.batch);
    let lines = vec![
        info(&what, Some(best.rate), ""),
        info("floor: one bare transaction p50", times.percentile(50.0), " ms"),
        info("floor: one bare transaction p99", times.percentile(99.0), " ms"),
        info("floor: WebSocket echo, 200 × 1 in flight, messages/s", rates.first().copied(), ""),
        info("floor: WebSocket echo, 200 × 8 in flight, messages/s", rates.last().copied(), ""),
        info("floor: WebSocket echo idle p50", idle.percentile(50.0), " ms"),
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
    Ok(Row {
        name: "floor",
        how: format!(
            "MongoDB driven straight from the driver with transactions of the service's shape: an update of each \
             touched session, which must still have the version that was believed, and the messages, majority and \
             journal, on Wardline's indexes, {SESSIONS} sessions; 1.5 s for each number of writers and size of batch. One bare \
             transaction stores one message, one at a time, with the version in the update's filter. The echo is a tokio-tungstenite server in \
             a process of its own, loaded by the same client, with packets of 300 bytes."
        ),
        lines,
        raw,
        faults: Vec::new(),
    })
}
