//! Two nodes on one database: no node's memory is the only copy of anything.

use std::{sync::Arc, time::Duration};

use mongodb::{
    ClientSession,
    bson::{Document, doc, oid::ObjectId},
    options::ClientOptions,
};
use serde_json::json;
use wardline::domain::SystemClock;

use crate::support::{Person, TestApp, eventually, settings};

async fn two_nodes() -> (TestApp, TestApp) {
    let admin = [
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "correct-horse-battery"),
    ];
    let mut first = settings(&[("RATE_LIMIT", "off"), admin[0], admin[1]]);
    first.timings.heartbeat = Duration::from_millis(200);
    first.timings.node_death = Duration::from_millis(800);
    let second = first.clone();
    (
        TestApp::with(first, Arc::new(SystemClock)).await,
        TestApp::with(second, Arc::new(SystemClock)).await,
    )
}

/// The same user, at the other node.
fn at(app: &TestApp, person: &Person) -> Person {
    app.person(&json!({ "user": { "_id": person.id, "username": person.username }, "token": person.token }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_nodes_write_into_one_session_without_a_gap() {
    let (one, other) = two_nodes().await;
    let (li, chen) = (one.nurse("Li").await, one.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (li_here, chen_there) = (li.connect().await, at(&other, &chen).connect().await);
    let mut answers = Vec::new();
    for number in 0..150 {
        answers.push(
            li_here
                .begin("message:send", li.message(&session, &format!("l{number}")))
                .await,
        );
        answers.push(
            chen_there
                .begin(
                    "message:send",
                    chen.message(&session, &format!("c{number}")),
                )
                .await,
        );
        if number % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    for answer in answers {
        let answer = answer.await.unwrap();
        assert_eq!(answer["success"], json!(true), "{answer}");
    }
    let history = li.history(&session).await;
    let seqs: Vec<u64> = history.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=300).collect::<Vec<u64>>());
    for sender in [&li, &chen] {
        let own: Vec<_> = history
            .iter()
            .filter(|m| m["sender"] == json!(sender.id))
            .map(|m| &m["content"])
            .collect();
        let prefix = own[0].as_str().unwrap()[..1].to_owned();
        assert_eq!(
            own,
            (0..150)
                .map(|n| json!(format!("{prefix}{n}")))
                .collect::<Vec<_>>()
                .iter()
                .collect::<Vec<_>>()
        );
    }
    assert_eq!((li.unread().await.0, chen.unread().await.0), (150, 150));
    // One reads everything here, one reads half there.
    at(&other, &li).read(&history[299]).await;
    chen.read(&history[149]).await;
    let left = history[150..]
        .iter()
        .filter(|m| m["sender"] == json!(li.id))
        .count() as u64;
    assert_eq!((li.unread().await.0, chen.unread().await.0), (0, left));
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_client_id_at_both_nodes_is_one_message() {
    let (one, other) = two_nodes().await;
    let (li, chen) = (one.nurse("Li").await, one.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let li_there = at(&other, &li);
    for round in 0..20 {
        let mut message = li.message(&session, "once");
        message["clientMsgId"] = json!(format!("r-{round}"));
        let (first, second) = tokio::join!(
            li.call("POST", "/api/chat/messages", message.clone()),
            li_there.call("POST", "/api/chat/messages", message.clone()),
        );
        assert_eq!(first.expect(201)["_id"], second.expect(201)["_id"]);
    }
    assert_eq!(li.history(&session).await.len(), 20);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn what_one_node_remembers_does_not_hide_what_the_other_changed() {
    let (one, other) = two_nodes().await;
    let (li, chen, wang) = (
        one.nurse("Li").await,
        one.nurse("Chen").await,
        one.nurse("Wang").await,
    );
    let group = json!({ "sessionName": "Ward round", "participants": [chen.id, wang.id] });
    let group = li
        .call("POST", "/api/chat/sessions/group", group)
        .await
        .expect(201)["_id"]
        .clone();
    let members_path = format!(
        "/api/chat/sessions/{}/participants",
        group.as_str().unwrap()
    );
    let li_there = at(&other, &li);
    for round in 0..3 {
        // The other node caches the membership; then a user is removed through this one.
        li_there
            .send(group.as_str().unwrap(), &format!("round {round}"))
            .await;
        li.call("DELETE", &format!("{members_path}/{}", chen.id), json!({}))
            .await
            .expect(200);
        let back = li_there
            .call("POST", &members_path, json!({ "userIds": [chen.id] }))
            .await
            .expect(200);
        let is_in = |info: &serde_json::Value| {
            info["participants"]
                .as_array()
                .unwrap()
                .contains(&json!(chen.id))
        };
        assert!(is_in(&back), "{back}");
        let info = format!("/api/chat/sessions/{}/info", group.as_str().unwrap());
        assert!(
            is_in(&chen.get(&info).await.expect(200)),
            "Chen was added through the other node"
        );
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_node_that_dies_leaves_nobody_online() {
    let (one, other) = two_nodes().await;
    let (li, chen) = (one.nurse("Li").await, one.nurse("Chen").await);
    li.session_with(&chen).await;
    let at_li = li.join().await;
    at(&other, &chen).join().await;
    let database = one.database().await;
    let chen_id: mongodb::bson::oid::ObjectId = chen.id.parse().unwrap();
    // What a killed process leaves: its node, and a user's socket.
    let old = mongodb::bson::DateTime::from_millis(0);
    database
        .collection::<Document>("nodes")
        .insert_one(doc! { "_id": "node-dead", "heartbeatAt": old })
        .await
        .unwrap();
    let socket = doc! {
        "userId": chen_id, "socketId": "gone", "node": "node-dead", "status": "online", "lastSeen": old,
        "userAgent": "", "ipAddress": "", "createdAt": old, "updatedAt": old,
    };
    let sockets = database.collection::<Document>("online_users");
    sockets.insert_one(socket).await.unwrap();
    database
        .collection::<Document>("users")
        .update_one(
            doc! { "_id": chen_id },
            doc! { "$set": { "status": "online" } },
        )
        .await
        .unwrap();
    eventually(async || {
        let left = sockets
            .count_documents(doc! { "node": "node-dead" })
            .await
            .unwrap();
        (left == 0).then_some(())
    })
    .await;
    let gone = async || {
        let online = at_li.call("users:online", json!(null)).await;
        let has_chen = online
            .as_array()
            .unwrap()
            .iter()
            .any(|user| user["_id"] == json!(chen.id));
        (!has_chen).then_some(())
    };
    eventually(gone).await;
    one.stop().await;
    other.stop().await;
}

/// After an outage of MongoDB, the first node to return may declare another live one dead.
#[tokio::test]
async fn a_node_that_was_taken_for_dead_says_again_who_is_here() {
    let (one, other) = two_nodes().await;
    let li = one.nurse("Li").await;
    let _at_li = li.join().await;
    let database = one.database().await;
    let count = async |collection: &str, filter: Document| {
        database
            .collection::<Document>(collection)
            .count_documents(filter)
            .await
            .unwrap()
    };
    let li_id: ObjectId = li.id.parse().unwrap();
    let here = doc! { "userId": li_id, "status": "online" };
    eventually(async || (count("online_users", here.clone()).await == 1).then_some(())).await;

    // What the other node does then.
    let sockets = database.collection::<Document>("online_users");
    let socket = sockets.find_one(here.clone()).await.unwrap().unwrap();
    sockets.delete_many(doc! { "userId": li_id }).await.unwrap();
    let offline = doc! { "$set": { "status": "offline" } };
    database
        .collection::<Document>("users")
        .update_one(doc! { "_id": li_id }, offline)
        .await
        .unwrap();
    let node = socket.get_str("node").unwrap();
    database
        .collection::<Document>("nodes")
        .delete_one(doc! { "_id": node })
        .await
        .unwrap();

    eventually(async || (count("online_users", here.clone()).await == 1).then_some(())).await;
    let online = doc! { "_id": li_id, "status": "online" };
    eventually(async || (count("users", online.clone()).await == 1).then_some(())).await;
    let users = at(&other, &li)
        .get("/api/chat/users/online")
        .await
        .expect(200);
    assert!(
        users
            .as_array()
            .unwrap()
            .iter()
            .any(|user| user["_id"] == json!(li.id)),
        "{users}"
    );
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_revokes_the_other_forgets_within_a_second() {
    let (one, other) = two_nodes().await;
    let (li, chen, admin) = (
        one.nurse("Li").await,
        one.nurse("Chen").await,
        one.admin().await,
    );
    let (li_there, chen_there) = (at(&other, &li), at(&other, &chen));
    let path = format!("/api/chat/users/{}", chen.id);
    // Longer than the token cache lifetime: both are cached there and kept valid by the revocation
    // feed.
    for _ in 0..25 {
        li_there.get("/api/auth/me").await.expect(200);
        chen_there.get("/api/auth/me").await.expect(200);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    li.call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    admin
        .call("PATCH", &path, json!({ "isActive": false }))
        .await
        .expect(200);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(
        li_there.get("/api/auth/me").await.refused(401),
        "AUTH_FAILED"
    );
    assert_eq!(
        chen_there.get("/api/auth/me").await.refused(401),
        "AUTH_FAILED"
    );
    one.stop().await;
    other.stop().await;
}

/// A transaction that locks a conversation's document, as an unfinished commit of another process
/// does.
async fn commit_half_way(
    app: &TestApp,
    session: &str,
    name: &str,
) -> (mongodb::Client, ClientSession) {
    let uri = app.settings.database.uri.clone().unwrap();
    let mut options = ClientOptions::parse(uri).await.unwrap();
    options.app_name = Some(name.to_owned());
    let client = mongodb::Client::with_options(options).unwrap();
    let mut transaction = client.start_session().await.unwrap();
    transaction.start_transaction().await.unwrap();
    let sessions = client
        .database(&app.settings.database.name)
        .collection::<Document>("sessions");
    let id = ObjectId::parse_str(session).unwrap();
    let (filter, change) = (
        doc! { "_id": id },
        doc! { "$set": { "lastCommit": ObjectId::new() } },
    );
    let done = sessions
        .update_one(filter, change)
        .session(&mut transaction)
        .await
        .unwrap();
    assert_eq!(done.modified_count, 1);
    (client, transaction)
}

#[tokio::test]
async fn a_process_that_died_in_a_commit_keeps_nobody_from_writing() {
    let app = TestApp::with(settings(&[("RATE_LIMIT", "off")]), Arc::new(SystemClock)).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (client, transaction) = commit_half_way(&app, &session, "wardline-commits-dead").await;
    // As with a kill -9: the connections are closed, and the transaction stays open.
    std::mem::forget(transaction);
    client.shutdown().immediate(true).await;
    // The tests' mongod ends such a transaction after ten seconds, and a message waits for five.
    li.send(&session, "one").await;
    li.send(&session, "two").await;
    assert_eq!(li.history(&session).await.len(), 2);
}

#[tokio::test]
async fn a_commit_whose_process_lives_is_left_alone() {
    let app = TestApp::with(settings(&[("RATE_LIMIT", "off")]), Arc::new(SystemClock)).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (_client, mut transaction) =
        commit_half_way(&app, &session, "wardline-commits-alive").await;
    let sending = async {
        li.send(&session, "one").await;
    };
    let ending = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        transaction
            .commit_transaction()
            .await
            .expect("nobody has ended it");
    };
    tokio::join!(sending, ending);
    assert_eq!(li.history(&session).await.len(), 1);
}
