//! The documents in `schemas/` match the code: the REST API's is generated, the events' names and
//! payloads are compared with the service's real ones, and the collections' are set on the
//! collections.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use wardline::gateway::chat::realtime::{CLIENT_EVENTS, SERVER_EVENTS};

use crate::support::{TestApp, eventually, text};

#[test]
fn openapi_json_is_what_the_code_writes() {
    let written = include_str!("../../schemas/openapi.json");
    let current = wardline::app::openapi().unwrap();
    assert!(
        written.trim() == current.trim(),
        "stale: run `cargo run -- openapi > schemas/openapi.json`"
    );
}

fn asyncapi() -> Value {
    serde_yaml_ng::from_str(include_str!("../../schemas/asyncapi.yaml"))
        .expect("asyncapi.yaml is YAML")
}

fn names(document: &Value, direction: &str) -> BTreeSet<String> {
    let messages = document["components"]["messages"].as_object().unwrap();
    messages
        .values()
        .filter(|m| m["x-direction"] == direction)
        .map(|m| text(&m["name"]))
        .collect()
}

#[test]
fn asyncapi_yaml_lists_every_event_and_no_other() {
    let document = asyncapi();
    let all = |events: &[&str]| {
        events
            .iter()
            .map(|event| (*event).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&document, "client"), all(&CLIENT_EVENTS));
    assert_eq!(names(&document, "server"), all(&SERVER_EVENTS));
}

/// The payload schema of each server event, with the shared definitions.
fn server_schemas(document: &Value) -> BTreeMap<String, jsonschema::Validator> {
    let messages = document["components"]["messages"].as_object().unwrap();
    let server = messages
        .values()
        .filter(|message| message["x-direction"] == "server");
    server
        .map(|message| {
            let schema =
                json!({ "components": document["components"], "allOf": [message["payload"]] });
            (
                text(&message["name"]),
                jsonschema::validator_for(&schema).expect("a JSON Schema"),
            )
        })
        .collect()
}

#[tokio::test]
async fn every_event_the_service_says_fits_its_schema() {
    let schemas = server_schemas(&asyncapi());
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let session = li.session_with(&chen).await;
    at_li.emit("users:online", json!(null)).await;
    at_li
        .emit("message:send", li.message(&session, "one"))
        .await;
    let message = at_chen.next("message:receive").await["message"].clone();
    for event in ["typing:start", "typing:stop"] {
        at_chen
            .emit(event, json!({ "sessionId": session, "userId": chen.id }))
            .await;
    }
    at_chen
        .emit(
            "message:read",
            json!({ "messageId": message["_id"], "userId": chen.id }),
        )
        .await;
    at_chen.emit("unread:count", json!(chen.id)).await;
    at_chen
        .emit(
            "chat:history",
            json!({ "sessionId": session, "page": 1, "limit": 10 }),
        )
        .await;
    at_chen.emit("chat:sync", json!({ "sessions": {} })).await;
    at_chen.emit("user:status:update", json!("away")).await;
    at_chen.emit("user:status:update", json!("invisible")).await;
    at_li
        .next_where("message:status", |s| s["status"] == "read")
        .await;
    let path = format!("/api/chat/messages/{}", text(&message["_id"]));
    li.call("DELETE", &path, json!({ "userId": li.id }))
        .await
        .expect(200);
    at_chen.next("message:deleted").await;
    let group = crate::groups::group(&li, &[&chen], "Ward").await;
    at_chen
        .emit("message:send", chen.message(&group, "two"))
        .await;
    let second = at_chen.next("message:sent").await["message"]["_id"].clone();
    for (event, body) in [
        (
            "message:edit",
            json!({ "messageId": second, "content": "three", "mentions": "all" }),
        ),
        (
            "message:react",
            json!({ "messageId": second, "emoji": "👍" }),
        ),
        (
            "message:forward",
            json!({ "messageIds": [second], "toSessionIds": [group], "mode": "merged" }),
        ),
        ("session:read", json!({ "sessionId": group, "seq": 9 })),
        ("message:recall", json!({ "messageId": second })),
        ("chat:sync", json!({ "sessions": {} })),
    ] {
        at_chen.emit(event, body).await;
    }
    at_li
        .emit("session:read", json!({ "sessionId": group, "seq": 9 }))
        .await;
    at_chen
        .next_where("message:status", |s| s["readCount"] == 1)
        .await;
    at_li.next("message:recalled").await;
    let member_path = format!("/api/chat/sessions/{group}/participants/{}", chen.id);
    li.call("PATCH", &member_path, json!({ "role": "admin" }))
        .await
        .expect(200);
    li.call("DELETE", &member_path, json!({})).await.expect(200);
    at_chen.next("error").await;
    let heard = eventually(async || {
        let heard: Vec<(String, Value)> = at_li.all().into_iter().chain(at_chen.all()).collect();
        let kinds: BTreeSet<&str> = heard.iter().map(|(name, _)| name.as_str()).collect();
        SERVER_EVENTS
            .iter()
            .all(|event| kinds.contains(event))
            .then_some(heard)
    })
    .await;
    for (name, payload) in heard {
        let errors: Vec<String> = schemas[&name]
            .iter_errors(&payload)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{payload}");
    }
    app.stop().await;
}

#[tokio::test]
async fn collections_refuse_what_their_schema_does_not_know() {
    let app = TestApp::start().await;
    let database = app.database().await;
    for (collection, _) in wardline::store::validators::SCHEMAS {
        let refused = database
            .collection::<Document>(collection)
            .insert_one(doc! { "odd": 1 })
            .await;
        assert!(refused.is_err(), "{collection} has no validator");
    }
    app.stop().await;
}

/// The audit rows of all actions match the schema of the log.
#[tokio::test]
async fn rows_of_the_record_fit_their_schema() {
    let variables = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", crate::support::PASSWORD),
    ];
    let app = TestApp::with(
        crate::support::settings(&variables),
        std::sync::Arc::new(wardline::domain::SystemClock),
    )
    .await;
    let (admin, li, chen) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Chen").await,
    );
    for name in [li.username.as_str(), "nobody of that name"] {
        let wrong = json!({ "username": name, "password": "wrong horse" });
        app.call("POST", "/api/auth/login", wrong)
            .await
            .refused(401);
    }
    let account = format!("/api/chat/users/{}", chen.id);
    let change = json!({ "role": "nurse", "realName": "陈".repeat(50), "department": "", "isActive": false });
    admin.call("PATCH", &account, change).await.expect(200);
    li.get(&format!("/api/chat/sessions/{}", admin.id))
        .await
        .refused(403);
    admin
        .get(&format!("/api/chat/sessions/{}", li.id))
        .await
        .expect(200);
    let group = crate::groups::group(&li, &[&admin], "Ward").await;
    let sent = li.send(&group, "one").await;
    let path = format!("/api/chat/messages/{}", text(&sent["_id"]));
    admin
        .call("DELETE", &path, json!({ "userId": admin.id }))
        .await
        .expect(200);
    admin.get("/api/audit?limit=5").await.expect(200);
    li.call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    let audit = app.database().await.collection::<Document>("audit");
    let expected = [
        "auth.failed",
        "auth.register",
        "auth.logout",
        "user.change",
        "access.refused",
        "sessions.list",
        "message.delete",
        "audit.read",
    ];
    eventually(async || {
        let actions = audit.distinct("action", doc! {}).await.unwrap();
        let known: BTreeSet<&str> = actions
            .iter()
            .filter_map(|action| action.as_str())
            .collect();
        expected
            .iter()
            .all(|action| known.contains(action))
            .then_some(())
    })
    .await;
    let (_, schema) = wardline::store::validators::SCHEMAS
        .into_iter()
        .find(|(name, _)| *name == "audit")
        .unwrap();
    let schema: Document = serde_json::from_str(schema).unwrap();
    let odd = audit
        .find_one(doc! { "$nor": [{ "$jsonSchema": schema }] })
        .await
        .unwrap();
    assert!(odd.is_none(), "{odd:?}");
    for bad in [
        doc! { "text": "what was said" },
        doc! { "outcome": "perhaps" },
        doc! { "count": "many" },
    ] {
        let mut row = audit
            .find_one(doc! { "action": "auth.failed" })
            .await
            .unwrap()
            .unwrap();
        row.insert("_id", mongodb::bson::oid::ObjectId::new());
        row.extend(bad.clone());
        assert!(audit.insert_one(row).await.is_err(), "{bad}");
    }
    app.stop().await;
}

/// The plans of the queries that the contract's calls make: none scans a collection.
#[tokio::test]
async fn no_query_scans_a_collection() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let message = li.send(&session, "one").await;
    let database = app.database().await;
    // GridFS checks once whether it is new.
    let file = li
        .uploaded("one.jpg", crate::support::files::photo(60, 40))
        .await;
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let at_li = li.join().await;
    chen.read(&message).await;
    li.send_file(&session, "image", &file).await;
    let other = li
        .uploaded("two.jpg", crate::support::files::photo(40, 60))
        .await;
    let sent = li.send_file(&session, "image", &other).await;
    for path in ["", "/thumbnail", "/link"] {
        let fetched = chen
            .fetch(&format!("{}{path}", text(&file["fileUrl"])), &[])
            .await;
        assert_eq!(fetched.status, 200);
    }
    let forward = json!({ "messageIds": [sent["_id"]], "toSessionIds": [session] });
    li.call("POST", "/api/chat/messages/forward", forward)
        .await
        .expect(201);
    li.call(
        "POST",
        &format!("/api/chat/messages/{}/recall", text(&sent["_id"])),
        json!({}),
    )
    .await
    .expect(200);
    li.upload("cut.png", b"\x89PNG\r\n\x1a\n".to_vec())
        .await
        .refused(400);
    for path in [
        format!("/api/chat/users?search={}", li.username),
        "/api/chat/users?role=user".to_owned(),
        "/api/chat/users".to_owned(),
        "/api/chat/users/online".to_owned(),
        format!("/api/chat/sessions/{}", li.id),
        format!("/api/chat/messages/{session}"),
        format!("/api/chat/messages/{session}?afterSeq=0"),
        format!("/api/chat/messages/unread/{}", li.id),
        format!("/api/chat/stats/{}", li.id),
        format!("/api/chat/messages/search?userId={}&keyword=one", li.id),
    ] {
        li.get(&path).await.expect(200);
    }
    let mut again = li.message(&session, "two");
    again["clientMsgId"] = json!("twice");
    for _ in 0..2 {
        li.call("POST", "/api/chat/messages", again.clone())
            .await
            .expect(201);
    }
    at_li
        .call(
            "chat:sync",
            json!({ "sessions": { session.as_str(): { "seq": 1, "rev": 0 } } }),
        )
        .await;
    let group = crate::groups::group(&li, &[&chen], "Ward").await;
    let written = li.send(&group, "three").await;
    let path = |tail: &str| format!("/api/chat/messages/{}{tail}", text(&written["_id"]));
    li.call("PUT", &path(""), json!({ "content": "four" }))
        .await
        .expect(200);
    li.call("POST", &path("/reactions"), json!({ "emoji": "👍" }))
        .await
        .expect(200);
    li.get(&path("/receipts")).await.expect(200);
    li.get(&format!("/api/chat/sessions/{group}/info"))
        .await
        .expect(200);
    li.call(
        "PATCH",
        &format!("/api/chat/sessions/{group}"),
        json!({ "topic": "x" }),
    )
    .await
    .expect(200);
    let forward =
        json!({ "messageIds": [written["_id"]], "toSessionIds": [session], "clientMsgId": "f" });
    for _ in 0..2 {
        li.call("POST", "/api/chat/messages/forward", forward.clone())
            .await
            .expect(201);
    }
    li.call(
        "DELETE",
        &format!("/api/chat/messages/{}", text(&message["_id"])),
        json!({ "userId": li.id }),
    )
    .await
    .expect(200);
    drop(at_li);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let ours = doc! { "ns": { "$ne": format!("{}.system.profile", app.database) }, "planSummary": "COLLSCAN" };
    let scans: Vec<Document> = profile
        .find(ours)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    // A change stream reads the oplog from its position on; that is no collection scan.
    let is_stream = |entry: &Document| {
        ["originatingCommand", "command"].iter().any(|part| {
            let pipeline = entry
                .get_document(part)
                .and_then(|command| command.get_array("pipeline"));
            let first = pipeline
                .ok()
                .and_then(|stages| stages.first()?.as_document());
            first.is_some_and(|stage| stage.contains_key("$changeStream"))
        })
    };
    let scanned = scans.iter().find(|entry| !is_stream(entry));
    assert!(scanned.is_none(), "{scanned:?}");
    assert!(
        profile.count_documents(doc! {}).await.unwrap() > 20,
        "the profiler saw the calls"
    );
    app.stop().await;
}
