//! Presence: several sockets for a user, changes published once, and no user online through a dead
//! process.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::support::{MockClock, TestApp, eventually, settings};

#[tokio::test]
async fn a_person_is_online_while_one_socket_lives() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    li.session_with(&chen).await;
    let at_li = li.join().await;
    let (desk, phone) = (chen.join().await, chen.join().await);
    let about_chen = |s: &Value| s["userId"] == json!(chen.id);
    assert_eq!(
        at_li.next_where("user:status", about_chen).await["status"],
        "online"
    );
    let sockets = app.database().await.collection::<Document>("online_users");
    let stored = async |status: &str| {
        let id: mongodb::bson::oid::ObjectId = chen.id.parse().unwrap();
        sockets
            .count_documents(doc! { "userId": id, "status": status })
            .await
            .unwrap()
    };
    eventually(async || (stored("online").await == 2).then_some(())).await;

    desk.emit("user:status:update", json!("away")).await;
    eventually(async || (stored("away").await == 1).then_some(())).await;
    drop(desk);
    eventually(async || (stored("online").await == 1).then_some(())).await;
    assert_eq!(
        at_li
            .heard("user:status")
            .iter()
            .filter(|s| about_chen(s))
            .count(),
        1,
        "still online through the phone"
    );

    phone.emit("user:status:update", json!("away")).await;
    assert_eq!(
        at_li.next_where("user:status", about_chen).await["status"],
        "away"
    );
    drop(phone);
    assert_eq!(
        at_li.next_where("user:status", about_chen).await["status"],
        "offline"
    );
    let users = li
        .get(&format!("/api/chat/users?search={}", chen.username))
        .await
        .expect(200);
    assert_eq!(users[0]["status"], "offline");
    assert!(users[0]["lastSeen"].is_string());
    app.stop().await;
}

#[tokio::test]
async fn several_changes_at_once_are_told_as_one() {
    let mut settings = settings(&[("RATE_LIMIT", "off")]);
    let window = Duration::from_secs(4);
    settings.timings.presence_window = window;
    let clock = MockClock::manual();
    let app = TestApp::with(settings, clock.clone()).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let at_li = li.join().await;
    at_li.call("users:online", json!(null)).await;
    let at_chen = chen.join().await;
    for status in ["away", "online", "away", "online", "away"] {
        at_chen.emit("user:status:update", json!(status)).await;
    }
    // Events of one connection are handled in order: after this answer all of them have been.
    at_chen.call("users:online", json!(null)).await;
    clock.let_pass(window).await;
    let about_chen = |s: &Value| s["userId"] == json!(chen.id);
    assert_eq!(
        at_li.next_where("user:status", about_chen).await["status"],
        "away"
    );
    at_chen.emit("user:status:update", json!("online")).await;
    at_chen.call("users:online", json!(null)).await;
    clock.let_pass(window).await;
    at_li
        .next_where("user:status", |s| about_chen(s) && s["status"] == "online")
        .await;
    let told = at_li
        .heard("user:status")
        .into_iter()
        .filter(about_chen)
        .map(|s| s["status"].clone());
    // Li shares no conversation with Chen and receives it because Li asked who is online.
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["away", "online"],
        "one round, one word"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_stopped_service_leaves_nobody_online() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let _at_li = li.join().await;
    let database = app.database().await;
    eventually(async || {
        let count = database
            .collection::<Document>("online_users")
            .count_documents(doc! {})
            .await
            .unwrap();
        (count == 1).then_some(())
    })
    .await;
    app.stop().await;
    for collection in ["online_users", "nodes"] {
        assert_eq!(
            database
                .collection::<Document>(collection)
                .count_documents(doc! {})
                .await
                .unwrap(),
            0,
            "{collection}"
        );
    }
    let users = database.collection::<Document>("users");
    let online = users.count_documents(doc! { "status": { "$ne": "offline" } });
    assert_eq!(online.await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_and_is_gone_at_once_stays_gone() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    for _ in 0..100 {
        let socket = chen.connect().await;
        for _ in 0..5 {
            // Slow events first, so that the join still waits when the socket closes.
            socket.emit("users:online", json!(null)).await;
        }
        socket.emit("user:join", json!({ "id": chen.id })).await;
        socket.emit("user:status:update", json!("online")).await;
        drop(socket);
    }
    let at_li = li.join().await;
    eventually(async || {
        let online = at_li.call("users:online", json!(null)).await;
        let has_chen = online
            .as_array()
            .unwrap()
            .iter()
            .any(|user| user["_id"] == json!(chen.id));
        (!has_chen).then_some(())
    })
    .await;
    app.stop().await;
}
