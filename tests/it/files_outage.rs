//! The database is killed during uploads: every acknowledged file is complete, users' usage is the
//! sum of their files, and remains are swept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::join_all};
use mongodb::bson::{Document, doc};
use serde_json::Value;
use wardline::store::embedded::EmbeddedMongod;

use crate::{
    outage::signal_mongod,
    support::{MockClock, Person, TestApp, eventually, files::noise, mongod, settings, text},
};

/// A file that differs from all others.
fn letter(size: usize, number: u64) -> Vec<u8> {
    let mut bytes = noise(size);
    bytes[4..12].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Uploads until stopped; returns what was acknowledged.
async fn keep_uploading(
    person: Person,
    first: u64,
    stop: Arc<AtomicBool>,
) -> Vec<(Value, Vec<u8>)> {
    let mut done = Vec::new();
    let mut number = first;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let bytes = letter(600_000, number);
        let answer = tokio::time::timeout(
            Duration::from_mins(1),
            person.upload("x.bin", bytes.clone()),
        )
        .await;
        let answer = answer.expect("nobody waits for ever");
        match answer.status {
            201 => done.push((answer.expect(201), bytes)),
            // Refused, or the outcome is unknown.
            503 => tokio::time::sleep(Duration::from_millis(100)).await,
            other => panic!("{other}: {}", answer.body),
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_come_in_while_mongod_is_killed() {
    let folder = mongod::folder("files-killed");
    let database = EmbeddedMongod::start(mongod::options(&folder))
        .await
        .unwrap();
    let variables = [
        ("RATE_LIMIT", "off"),
        ("JWT_TTL", "1000h"),
        ("MONGODB_URI", database.uri()),
    ];
    let clock = MockClock::starting_now();
    let mut settings = settings(&variables);
    settings.timings.file_sweep = Duration::from_millis(100);
    let app = TestApp::with(settings, clock.clone()).await;
    let _running = clock.keep_running();
    let people = [
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    ];
    let stop = Arc::new(AtomicBool::new(false));
    let uploads: Vec<_> = people
        .iter()
        .zip(1..)
        .map(|(person, row)| {
            tokio::spawn(keep_uploading(
                person.clone(),
                row * 1_000,
                Arc::clone(&stop),
            ))
        })
        .collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        signal_mongod(&folder, rustix::process::Signal::KILL);
    }
    eventually(async || {
        (app.call("GET", "/api/health", Value::Null).await.status == 200).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    let uploads: Vec<Vec<(Value, Vec<u8>)>> = join_all(uploads)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let mut count = 0;
    for (person, acknowledged) in people.iter().zip(&uploads) {
        for (file, bytes) in acknowledged {
            let fetched = person.fetch(&text(&file["fileUrl"]), &[]).await;
            assert!(fetched.status == 200 && fetched.bytes == *bytes, "{file}");
            count += 1;
        }
    }
    println!("{count} files were acknowledged");
    assert!(count > 3);

    // The usage equals the files, including those whose answer was lost.
    let raw = app.database().await;
    let rows = async |name: &str, filter: Document| {
        let found = raw.collection::<Document>(name).find(filter).await.unwrap();
        found.map(Result::unwrap).collect::<Vec<Document>>().await
    };
    let used: i64 = rows("file_usage", doc! {})
        .await
        .iter()
        .map(|row| row.get_i64("used").unwrap())
        .sum();
    let ready = rows("files", doc! { "state": "ready" }).await;
    assert_eq!(
        used,
        ready
            .iter()
            .map(|row| row.get_i64("size").unwrap())
            .sum::<i64>()
    );
    assert!(ready.len() >= count);
    clock.advance(Duration::from_hours(24 + 6));
    eventually(async || rows("files", doc! {}).await.is_empty().then_some(())).await;
    for name in ["blobs.files", "blobs.chunks"] {
        let left = rows(name, doc! {}).await.len();
        assert_eq!(left, 0, "{name}");
    }
    assert!(
        rows("file_usage", doc! { "used": { "$ne": 0 } })
            .await
            .is_empty()
    );
    app.stop().await;
    database.stop().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
