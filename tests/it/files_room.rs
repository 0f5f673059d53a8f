//! Quotas: bytes, concurrent uploads, duration; and a slow client delays nobody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all, stream};
use mongodb::bson::{Document, doc, oid::ObjectId};
use reqwest::{Body, multipart::Form};
use serde_json::{Value, json};
use tokio::sync::watch;
use wardline::domain::SystemClock;

use crate::support::{
    MockClock, Person, TestApp, eventually,
    files::{form, noise, photo},
    settings, text,
};

/// A file that is uploaded up to its middle and waits there.
fn waiting(mut go: watch::Receiver<bool>) -> Form {
    let first = stream::iter([Ok::<_, std::io::Error>(noise(20_000))]);
    let rest = stream::once(async move {
        let _ = go.wait_for(|go| *go).await;
        Ok(noise(20_000))
    });
    form("slow.bin", Body::wrap_stream(first.chain(rest)))
}

async fn count(app: &TestApp, collection: &str, filter: Document) -> u64 {
    app.database()
        .await
        .collection::<Document>(collection)
        .count_documents(filter)
        .await
        .unwrap()
}

/// The recorded usage of a user, which must be the sum of their files.
async fn used(app: &TestApp, person: &Person) -> i64 {
    let database = app.database().await;
    let owner = ObjectId::parse_str(&person.id).unwrap();
    let usage = database
        .collection::<Document>("file_usage")
        .find_one(doc! { "_id": owner })
        .await
        .unwrap();
    let used = usage.map_or(0, |row| row.get_i64("used").unwrap());
    let files = database.collection::<Document>("files");
    let rows: Vec<Document> = files
        .find(doc! { "owner": owner, "state": "ready" })
        .await
        .unwrap()
        .map(Result::unwrap)
        .collect()
        .await;
    let sum: i64 = rows.iter().map(|row| row.get_i64("size").unwrap()).sum();
    assert_eq!(used, sum);
    used
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_holds_however_many_come_at_once() {
    let settings = settings(&[
        ("UPLOAD_QUOTA", "1MB"),
        ("MAX_UPLOAD", "1MB"),
        ("RATE_LIMIT", "off"),
    ]);
    let app = TestApp::with(settings, Arc::new(SystemClock)).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let answers = join_all((0..12).map(|_| async {
        loop {
            let reply = li.upload("x.bin", noise(300_000)).await;
            if reply.status != 429 {
                return reply;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }))
    .await;
    let taken = answers.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(taken, 3, "three times 300 kB go into 1 MB");
    for refused in answers.into_iter().filter(|reply| reply.status != 201) {
        assert_eq!(refused.refused(413), "FILE_REJECTED");
    }
    assert_eq!(used(&app, &li).await, 900_000);
    li.upload("x.bin", noise(100_000)).await.expect(201);
    assert_eq!(
        li.upload("x.bin", noise(1_000)).await.refused(413),
        "FILE_REJECTED",
        "to the last byte"
    );
    chen.upload("x.bin", noise(1_000_000)).await.expect(201);
    eventually(async || {
        (count(&app, "files", doc! { "state": { "$ne": "ready" } }).await == 0).then_some(())
    })
    .await;
    assert_eq!(count(&app, "files", doc! {}).await, 5);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_lines_keep_nobody_waiting_and_have_a_bound() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (go, gone) = watch::channel(false);
    let mut slow = Vec::new();
    for _ in 0..4 {
        let (li, form) = (li.clone(), waiting(gone.clone()));
        slow.push(tokio::spawn(async move { li.post_form(form).await }));
    }
    let uploading = || count(&app, "files", doc! { "state": "uploading" });
    eventually(async || (uploading().await == 4).then_some(())).await;
    assert_eq!(
        li.upload("x.txt", b"text".to_vec()).await.refused(429),
        "RATE_LIMITED",
        "four are enough"
    );

    // Others upload and send unaffected.
    let at_li = li.join().await;
    let started = Instant::now();
    let picture = chen.uploaded("x.jpg", photo(640, 480)).await;
    chen.send_file(&session, "image", &picture).await;
    for number in 0..50 {
        let sent = Instant::now();
        let answer = at_li
            .call("message:send", li.message(&session, &number.to_string()))
            .await;
        assert_eq!(answer["success"], json!(true));
        assert!(sent.elapsed() < Duration::from_secs(2));
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(slow.iter().all(|upload| !upload.is_finished()));

    // A few users take at most half of the slots; a user without one gets one.
    let mut crowd = Vec::new();
    for _ in 0..7 {
        let person = app.nurse("Wu").await;
        for _ in 0..4 {
            let (person, form) = (person.clone(), waiting(gone.clone()));
            crowd.push(tokio::spawn(async move { person.post_form(form).await }));
        }
    }
    eventually(async || (uploading().await == 16 + 4).then_some(())).await;
    chen.upload("x.txt", b"text".to_vec()).await.expect(201);
    go.send(true).unwrap();
    let mut taken = 0;
    for upload in slow.into_iter().chain(crowd) {
        match upload.await.unwrap() {
            reply if reply.status == 201 => taken += 1,
            reply => assert_eq!(reply.refused(429), "RATE_LIMITED"),
        }
    }
    assert_eq!(taken, 16 + 4);

    // When all slots are taken, the next user gets that of the slowest.
    let (_never, silent) = watch::channel(false);
    let mut full = Vec::new();
    for _ in 0..32 {
        let (person, form) = (app.nurse("Wu").await, waiting(silent.clone()));
        full.push(tokio::spawn(async move { person.post_form(form).await }));
    }
    eventually(async || (uploading().await == 32).then_some(())).await;
    eventually(async || (chen.upload("x.txt", b"text".to_vec()).await.status == 201).then_some(()))
        .await;
    let (lost, _, others) = futures_util::future::select_all(full).await;
    assert_eq!(
        lost.unwrap().refused(400),
        "VALIDATION_FAILED",
        "and is told that it was too slow"
    );
    for upload in others {
        upload.abort();
    }
    app.stop().await;
}

async fn with_clock(clock: &Arc<MockClock>) -> TestApp {
    let mut settings = settings(&[("RATE_LIMIT", "off"), ("JWT_TTL", "1000h")]);
    settings.timings.file_sweep = SWEEP;
    TestApp::with(settings, clock.clone()).await
}

/// The period of the sweep. No other wait has this duration.
const SWEEP: Duration = Duration::from_millis(20);

#[tokio::test]
async fn what_nobody_needs_is_cleared_away() {
    let clock = MockClock::manual();
    let app = with_clock(&clock).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let unsent = li.uploaded("1.bin", noise(300_000)).await;
    let kept = li.uploaded("2.jpg", photo(60, 40)).await;
    let gone = li.uploaded("3.jpg", photo(40, 60)).await;
    let twice = li.uploaded("4.jpg", photo(50, 60)).await;
    li.send_file(&session, "image", &kept).await;
    let message = li.send_file(&session, "image", &gone).await;
    let first = li.send_file(&session, "image", &twice).await;
    li.send_file(&session, "image", &twice).await;
    // An upload whose process died: its row, and a part of its bytes.
    let database = app.database().await;
    let (id, long_ago) = (ObjectId::new(), mongodb::bson::DateTime::from_millis(1));
    let owner = ObjectId::parse_str(&li.id).unwrap();
    let row = doc! { "_id": id, "owner": owner, "state": "uploading", "createdAt": long_ago, "checkAt": long_ago };
    let data = mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: vec![1],
    };
    let chunk = doc! { "files_id": format!("{}/body", id.to_hex()), "n": 0, "data": data };
    database
        .collection::<Document>("blobs.chunks")
        .insert_one(chunk)
        .await
        .unwrap();
    database
        .collection::<Document>("files")
        .insert_one(row)
        .await
        .unwrap();
    clock.finish_round(SWEEP).await;
    assert_eq!(count(&app, "files", doc! { "state": "uploading" }).await, 0);

    clock.advance(Duration::from_secs(24 * 3_600 - 1));
    clock.finish_round(SWEEP).await;
    assert_eq!(li.sees(&unsent).await, 200, "a day is not over");
    clock.advance(Duration::from_secs(1));
    clock.finish_round(SWEEP).await;
    assert_eq!(li.sees(&unsent).await, 404, "a day is over");
    for file in [&kept, &gone, &twice] {
        assert_eq!(
            (li.sees(file).await, chen.sees(file).await),
            (200, 200),
            "it was sent"
        );
    }
    let due = doc! { "checkAt": { "$exists": true } };
    assert_eq!(count(&app, "files", due).await, 0);

    // A message is recalled, another one deleted: the file is removed when no message names it any
    // more.
    let path = |message: &Value| format!("/api/chat/messages/{}", text(&message["_id"]));
    li.call("DELETE", &path(&message), json!({ "userId": li.id }))
        .await
        .expect(200);
    li.call("DELETE", &path(&first), json!({ "userId": li.id }))
        .await
        .expect(200);
    assert_eq!((chen.sees(&gone).await, li.sees(&gone).await), (404, 200));
    clock.advance(Duration::from_mins(10));
    clock.finish_round(SWEEP).await;
    assert_eq!(li.sees(&gone).await, 404);
    assert_eq!(
        (chen.sees(&kept).await, chen.sees(&twice).await),
        (200, 200)
    );
    eventually(async || {
        // Two pictures with their small versions are left, and only these count in the usage.
        let blobs = count(&app, "blobs.files", doc! {}).await;
        (blobs == 4 && count(&app, "blobs.chunks", doc! {}).await == 4).then_some(())
    })
    .await;
    assert_eq!(count(&app, "files", doc! {}).await, 2);
    assert!(used(&app, &li).await < 10_000);
    app.stop().await;
}

#[tokio::test]
async fn the_same_message_again_is_the_same_message_though_its_file_has_gone() {
    let clock = MockClock::manual();
    let app = with_clock(&clock).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let file = li.uploaded("1.jpg", photo(60, 40)).await;
    let mut letter = li.file_message(&session, "image", &file);
    letter["clientMsgId"] = json!("once");
    let sent = li
        .call("POST", "/api/chat/messages", letter.clone())
        .await
        .expect(201);
    let path = format!("/api/chat/messages/{}/recall", text(&sent["_id"]));
    li.call("POST", &path, json!({})).await.expect(200);
    clock.advance(Duration::from_mins(10));
    clock.finish_round(SWEEP).await;
    assert_eq!(li.sees(&file).await, 404);
    let again = li
        .call("POST", "/api/chat/messages", letter.clone())
        .await
        .expect(201);
    assert_eq!(
        (&again["_id"], &again["isDeleted"]),
        (&sent["_id"], &json!(true))
    );
    letter["clientMsgId"] = json!("another");
    assert_eq!(
        li.call("POST", "/api/chat/messages", letter)
            .await
            .refused(404),
        "NOT_FOUND"
    );
    app.stop().await;
}

/// Files expire at the very moment in which they are sent: every committed message keeps its file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sweep_takes_a_file_from_a_message() {
    let clock = MockClock::starting_now();
    let mut settings = settings(&[("RATE_LIMIT", "off"), ("JWT_TTL", "1000h")]);
    settings.timings.file_sweep = Duration::from_millis(2);
    let app = TestApp::with(settings, clock.clone()).await;
    let _running = clock.keep_running();
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (sent, gone) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..6_u64 {
        let mut files = Vec::new();
        for _ in 0..12 {
            files.push(li.uploaded("x.txt", b"text".to_vec()).await);
        }
        clock.advance(Duration::from_secs(24 * 3_600 - 20));
        let sends = files.iter().enumerate().map(|(number, file)| {
            let (li, session) = (&li, &session);
            async move {
                // The sweep proceeds from the other end.
                tokio::time::sleep(Duration::from_millis(30 * (12 - number as u64) + round)).await;
                li.call(
                    "POST",
                    "/api/chat/messages",
                    li.file_message(session, "file", file),
                )
                .await
                .status
            }
        });
        let ages = async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            clock.advance(Duration::from_secs(20));
        };
        let (statuses, ()) = tokio::join!(join_all(sends), ages);
        // Every file is checked once more.
        clock.advance(Duration::from_secs(700));
        let due = doc! { "checkAt": { "$exists": true } };
        eventually(async || (count(&app, "files", due.clone()).await == 0).then_some(())).await;
        for (file, status) in files.iter().zip(statuses) {
            let seen = (li.sees(file).await, chen.sees(file).await);
            match status {
                201 => assert_eq!((seen, sent.fetch_add(1, Ordering::Relaxed)).0, (200, 200)),
                404 => assert_eq!((seen, gone.fetch_add(1, Ordering::Relaxed)).0, (404, 404)),
                other => panic!("{other}"),
            }
        }
    }
    println!("{sent:?} were sent, {gone:?} were gone before");
    assert_eq!(
        sent.load(Ordering::Relaxed) + gone.load(Ordering::Relaxed),
        72
    );
    assert!(
        sent.load(Ordering::Relaxed) > 0 && gone.load(Ordering::Relaxed) > 0,
        "they met"
    );
    app.stop().await;
}
