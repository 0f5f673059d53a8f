//! The database fails under load and returns: refusals are clear, nothing acknowledged is lost,
//! nothing refused is stored, and service resumes by itself.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle};
use wardline::{domain::SystemClock, store::embedded::EmbeddedMongod};

use crate::support::{Person, TestApp, eventually, mongod, settings, socket::Socket, text};

/// How long a test waits for the first success after the fault: long enough for a machine that is
/// busy with the other tests. The test passes as soon as service is back.
const RECOVERY: Duration = Duration::from_secs(45);

/// The outcome of one send, as its sender knows it.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Acknowledged(String),
    Refused,
    Unknown,
}

type History = Vec<(String, Ended)>;

async fn keep_sending(
    person: Person,
    session: String,
    stop: Arc<AtomicBool>,
    acks: watch::Sender<Instant>,
) -> History {
    let socket = person.connect().await;
    let mut history = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let id = format!("{}-{number}", person.username);
        let mut message = person.message(&session, &id);
        message["clientMsgId"] = json!(id);
        let answer = socket.begin("message:send", message).await;
        let ended = match tokio::time::timeout(Duration::from_secs(40), answer).await {
            Ok(Ok(answer)) if answer["success"] == json!(true) => {
                acks.send_replace(Instant::now());
                Ended::Acknowledged(text(&answer["data"]["_id"]))
            }
            Ok(Ok(answer)) => {
                assert!(
                    ["INTERNAL", "RATE_LIMITED"].contains(&answer["code"].as_str().unwrap()),
                    "{answer}"
                );
                if answer["details"]["outcome"] == "unknown" {
                    Ended::Unknown
                } else {
                    Ended::Refused
                }
            }
            Ok(Err(_)) | Err(_) => Ended::Unknown,
        };
        history.push((id, ended));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    history
}

/// A service with its own mongod, and four senders in one conversation.
struct Storm {
    app: TestApp,
    folder: PathBuf,
    people: [Person; 2],
    session: String,
    stop: Arc<AtomicBool>,
    /// The time of the newest acknowledgement.
    acks: watch::Receiver<Instant>,
    senders: Vec<JoinHandle<History>>,
}

impl Storm {
    async fn begin(name: &str) -> (Self, EmbeddedMongod) {
        let folder = mongod::folder(name);
        let database = EmbeddedMongod::start(mongod::options(&folder))
            .await
            .unwrap();
        let variables = [("RATE_LIMIT", "off"), ("MONGODB_URI", database.uri())];
        let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
        let people = [app.nurse("Li").await, app.nurse("Chen").await];
        let session = people[0].session_with(&people[1]).await;
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, acks) = watch::channel(Instant::now());
        let mut senders = Vec::new();
        for index in [0, 1, 0, 1] {
            let mut person = people[index].clone();
            person.username = crate::support::unique("sender");
            senders.push(tokio::spawn(keep_sending(
                person,
                session.clone(),
                Arc::clone(&stop),
                tell.clone(),
            )));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        (
            Self {
                app,
                folder,
                people,
                session,
                stop,
                acks,
                senders,
            },
            database,
        )
    }

    /// The fault ended at `back`: some seconds later everything must add up. Returns how many were
    /// refused.
    async fn end(self, back: Instant, database: EmbeddedMongod) -> usize {
        let mut acks = self.acks.clone();
        let resumed = tokio::time::timeout(RECOVERY, acks.wait_for(|newest| *newest > back));
        let resumed = *resumed.await.expect("service resumes by itself").unwrap() - back;
        println!("resumed after {resumed:?}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.stop.store(true, Ordering::Relaxed);
        let mut known: BTreeMap<String, Ended> = BTreeMap::new();
        for sender in self.senders {
            known.extend(sender.await.unwrap());
        }
        let [li, chen] = &self.people;
        let history = li.history(&self.session).await;
        let seqs: Vec<u64> = history.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=history.len() as u64).collect::<Vec<_>>());
        let stored: BTreeMap<String, String> = history
            .iter()
            .map(|m| (text(&m["clientMsgId"]), text(&m["_id"])))
            .collect();
        assert_eq!(stored.len(), history.len(), "nothing is there twice");
        for (id, ended) in &known {
            match ended {
                Ended::Acknowledged(message) => {
                    assert_eq!(stored.get(id), Some(message), "{id} was acknowledged");
                }
                Ended::Refused => assert!(!stored.contains_key(id), "{id} was refused"),
                Ended::Unknown => {}
            }
        }
        let from_li = history
            .iter()
            .filter(|m| m["sender"] == json!(li.id))
            .count() as u64;
        assert_eq!(chen.unread().await.0, from_li, "counts are exact");
        self.app.stop().await;
        database.stop().await.unwrap();
        std::fs::remove_dir_all(self.folder).unwrap();
        known
            .values()
            .filter(|ended| **ended == Ended::Refused)
            .count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_seconds_without_mongod() {
    let (storm, database) = Storm::begin("outage").await;
    let uri = database.uri().to_owned();
    database.stop().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let health = storm.app.call("GET", "/api/health", json!({})).await;
    assert_eq!(
        (health.status, &health.body["status"]),
        (503, &json!("degraded"))
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    let database = EmbeddedMongod::start(mongod::options(&storm.folder))
        .await
        .unwrap();
    assert_eq!(database.uri(), uri, "it comes back where it was");
    let refused = storm.end(Instant::now(), database).await;
    assert!(refused > 0, "during the outage senders were told");
}

pub fn signal_mongod(folder: &Path, signal: rustix::process::Signal) {
    let pid = std::fs::read_to_string(folder.join("mongodb/mongod.lock")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// A hanging mongod leaves commits with unknown outcome; the lane finds it out afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongod_hangs_and_comes_round() {
    let (storm, database) = Storm::begin("hang").await;
    signal_mongod(&storm.folder, rustix::process::Signal::STOP);
    tokio::time::sleep(Duration::from_secs(14)).await;
    signal_mongod(&storm.folder, rustix::process::Signal::CONT);
    storm.end(Instant::now(), database).await;
}

/// Killed, and started again by the service itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongod_is_killed_again_and_again() {
    let (storm, database) = Storm::begin("killed").await;
    for _ in 0..3 {
        signal_mongod(&storm.folder, rustix::process::Signal::KILL);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    storm.end(Instant::now(), database).await;
}

/// A user who disconnected during an outage of MongoDB does not stay online, neither in the
/// database, which other nodes read, nor for colleagues.
#[tokio::test]
async fn who_leaves_without_mongod_is_offline_when_it_is_back() {
    let folder = mongod::folder("leaving");
    let database = EmbeddedMongod::start(mongod::options(&folder))
        .await
        .unwrap();
    let variables = [("RATE_LIMIT", "off"), ("MONGODB_URI", database.uri())];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    li.session_with(&chen).await;
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let stored = async |collection: &str, filter: Document| {
        app.database()
            .await
            .collection::<Document>(collection)
            .count_documents(filter)
            .await
            .unwrap()
    };
    eventually(async || (stored("online_users", doc! {}).await == 2).then_some(())).await;

    database.stop().await.unwrap();
    at_li.emit("user:status:update", json!("away")).await;
    drop(at_chen);
    // Longer than the server selection timeout, so that a round of changes fails.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let database = EmbeddedMongod::start(mongod::options(&folder))
        .await
        .unwrap();

    let chen_offline =
        |s: &serde_json::Value| s["userId"] == json!(chen.id) && s["status"] == "offline";
    eventually(async || {
        at_li
            .heard("user:status")
            .iter()
            .any(chen_offline)
            .then_some(())
    })
    .await;
    let (li_id, chen_id): (ObjectId, ObjectId) = (li.id.parse().unwrap(), chen.id.parse().unwrap());
    assert_eq!(stored("online_users", doc! { "userId": chen_id }).await, 0);
    assert_eq!(
        stored("online_users", doc! { "userId": li_id, "status": "away" }).await,
        1
    );
    assert_eq!(
        stored("users", doc! { "_id": chen_id, "status": "offline" }).await,
        1
    );
    assert_eq!(
        stored("users", doc! { "_id": li_id, "status": "away" }).await,
        1
    );
    app.stop().await;
    database.stop().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

/// A client that connects while its account cannot be read loses the connection, after which the
/// official client reconnects: a `connect_error` would be final. This holds for both transports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_without_mongod_is_not_refused_for_good() {
    let folder = mongod::folder("connecting");
    let database = EmbeddedMongod::start(mongod::options(&folder))
        .await
        .unwrap();
    let variables = [("RATE_LIMIT", "off"), ("MONGODB_URI", database.uri())];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let li = app.nurse("Li").await;
    // A node without a cached state of them.
    let other = TestApp::with(app.settings.clone(), Arc::new(SystemClock)).await;
    database.stop().await.unwrap();
    let (sign_in, client) = (json!({ "token": li.token }), reqwest::Client::new());
    let polling = format!(
        "http://{}/socket.io/?EIO=4&transport=polling",
        other.address
    );
    let opened = client
        .get(&polling)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let opened: serde_json::Value = serde_json::from_str(&opened[1..]).unwrap();
    let session = format!("{polling}&sid={}", opened["sid"].as_str().unwrap());
    client
        .post(&session)
        .body(format!("40{sign_in}"))
        .send()
        .await
        .unwrap();
    let polled = async {
        loop {
            let poll = client.get(&session).send().await.unwrap();
            let (status, said) = (poll.status(), poll.text().await.unwrap());
            assert!(
                !said.split('\u{1e}').any(|packet| packet.starts_with("44")),
                "{said}"
            );
            if status == 400 || said.split('\u{1e}').any(|packet| packet == "1") {
                break;
            }
        }
    };
    let polled = tokio::time::timeout(RECOVERY, polled);
    let (refused, polled) = tokio::join!(Socket::connect(&other.address, sign_in.clone()), polled);
    polled.expect("the polled session ends");
    assert_eq!(refused.err().as_deref(), Some("closed"));

    let database = EmbeddedMongod::start(mongod::options(&folder))
        .await
        .unwrap();
    eventually(async || Socket::connect(&other.address, sign_in.clone()).await.ok()).await;
    other.stop().await;
    app.stop().await;
    database.stop().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
