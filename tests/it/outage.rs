//! The database goes away under load and comes back: refusals are clear, nothing acknowledged is lost, what
//! was refused is not there, service resumes by itself.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use wardline::{domain::SystemClock, store::embedded::EmbeddedMongod};

use crate::support::{Person, TestApp, mongod, settings, text};

/// How one send ended, as its sender knows it.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Acknowledged(String),
    Refused,
    Unknown,
}

async fn keep_sending(
    person: Person,
    session: String,
    stop: Arc<AtomicBool>,
) -> Vec<(String, Ended, Instant)> {
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
                Ended::Acknowledged(text(&answer["data"]["_id"]))
            }
            Ok(Ok(answer)) => {
                assert!(["INTERNAL", "RATE_LIMITED"].contains(&answer["code"].as_str().unwrap()), "{answer}");
                if answer["details"]["outcome"] == "unknown" { Ended::Unknown } else { Ended::Refused }
            }
            Ok(Err(_)) | Err(_) => Ended::Unknown,
        };
        history.push((id, ended, Instant::now()));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    history
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_seconds_without_mongod() {
    let folder = mongod::folder("outage");
    let database = EmbeddedMongod::start(mongod::options(&folder)).await.unwrap();
    let uri = database.uri().to_owned();
    let app =
        TestApp::with(settings(&[("RATE_LIMIT", "off"), ("MONGODB_URI", &uri)]), Arc::new(SystemClock)).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut senders = Vec::new();
    for person in [&li, &chen, &li, &chen] {
        let mut person = person.clone();
        person.username = crate::support::unique("sender");
        senders.push(tokio::spawn(keep_sending(person, session.clone(), Arc::clone(&stop))));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    database.stop().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let health = app.call("GET", "/api/health", json!({})).await;
    assert_eq!((health.status, &health.body["status"]), (503, &json!("degraded")));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let database = EmbeddedMongod::start(mongod::options(&folder)).await.unwrap();
    assert_eq!(database.uri(), uri, "it comes back where it was");
    let back = Instant::now();
    tokio::time::sleep(Duration::from_secs(8)).await;
    stop.store(true, Ordering::Relaxed);
    let mut known: BTreeMap<String, Ended> = BTreeMap::new();
    let mut resumed = None;
    for sender in senders {
        for (id, ended, at) in sender.await.unwrap() {
            if matches!(ended, Ended::Acknowledged(_)) && at > back {
                resumed = Some(resumed.map_or(at, |earlier: Instant| earlier.min(at)));
            }
            known.insert(id, ended);
        }
    }
    let resumed = resumed.expect("service resumes by itself") - back;
    assert!(resumed < Duration::from_secs(15), "resumed after {resumed:?}");
    let refused = known.values().filter(|ended| **ended == Ended::Refused).count();
    assert!(refused > 0, "during the outage senders were told");

    let history = li.history(&session).await;
    let seqs: Vec<u64> = history.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=history.len() as u64).collect::<Vec<_>>());
    let stored: BTreeMap<String, String> =
        history.iter().map(|m| (text(&m["clientMsgId"]), text(&m["_id"]))).collect();
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
    let from_li = history.iter().filter(|m| m["sender"] == json!(li.id)).count() as u64;
    assert_eq!(chen.unread().await.0, from_li, "counts are exact");
    app.stop().await;
    database.stop().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
