//! Changes of messages: edits with their earlier versions, recalls in time, reactions, replies.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::{Value, json};

use crate::support::{MockClock, TestApp, settings, text};

fn path(message: &serde_json::Value, tail: &str) -> String {
    format!("/api/chat/messages/{}{tail}", text(&message["_id"]))
}

#[tokio::test]
async fn an_edit_keeps_what_was_said_before_for_admins() {
    let mut settings = settings(&[("RATE_LIMIT", "off")]);
    settings.auth.first_admin =
        Some(("head.nurse".to_owned(), crate::support::PASSWORD.to_owned()));
    let app = TestApp::with(settings, Arc::new(wardline::domain::SystemClock)).await;
    let (li, chen, admin) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.admin().await,
    );
    let session = li.session_with(&chen).await;
    let message = li.send(&session, "10 ml").await;
    for content in ["15 ml", "15 ml", "20 ml"] {
        let edited = li
            .call("PUT", &path(&message, ""), json!({ "content": content }))
            .await
            .expect(200);
        assert_eq!(
            (&edited["content"], edited["editedAt"].is_string()),
            (&json!(content), true)
        );
    }
    let history = chen.history(&session).await;
    assert_eq!(
        (&history[0]["content"], &history[0]["rev"]),
        (&json!("20 ml"), &json!(2)),
        "the same is no edit"
    );
    let listed = chen
        .get(&format!("/api/chat/sessions/{}", chen.id))
        .await
        .expect(200);
    assert_eq!(
        (&listed[0]["lastMessagePreview"], &listed[0]["unread"]),
        (&json!("20 ml"), &json!(1))
    );

    assert_eq!(
        chen.get(&path(&message, "/edits")).await.refused(403),
        "FORBIDDEN"
    );
    let edits = admin.get(&path(&message, "/edits")).await.expect(200);
    let contents: Vec<String> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|e| text(&e["content"]))
        .collect();
    assert_eq!(contents, ["10 ml", "15 ml"]);
    let audit = app
        .database()
        .await
        .collection::<mongodb::bson::Document>("audit");
    let looked = audit
        .find_one(mongodb::bson::doc! { "action": "message.edits" })
        .await
        .unwrap();
    assert!(looked.is_some(), "the read is audited");

    assert_eq!(
        chen.call("PUT", &path(&message, ""), json!({ "content": "mine" }))
            .await
            .refused(403),
        "FORBIDDEN"
    );
    for (content, code, status) in [
        (json!(""), "INVALID_MESSAGE", 400),
        (json!({ "$ne": null }), "INVALID_MESSAGE", 400),
        (json!("好".repeat(8_001)), "MESSAGE_TOO_LARGE", 413),
    ] {
        assert_eq!(
            li.call("PUT", &path(&message, ""), json!({ "content": content }))
                .await
                .refused(status),
            code
        );
    }
    li.call("DELETE", &path(&message, ""), json!({ "userId": li.id }))
        .await
        .expect(200);
    // A deleted message leaves no earlier text, not for admins and not in the database.
    assert_eq!(
        admin.get(&path(&message, "/edits")).await.expect(200),
        json!([])
    );
    let edits = app
        .database()
        .await
        .collection::<mongodb::bson::Document>("edits");
    assert_eq!(
        edits.count_documents(mongodb::bson::doc! {}).await.unwrap(),
        0
    );
    assert_eq!(
        li.call("PUT", &path(&message, ""), json!({ "content": "back" }))
            .await
            .refused(404),
        "NOT_FOUND"
    );
    app.stop().await;
}

#[tokio::test]
async fn windows_close() {
    let clock = MockClock::starting_now();
    let settings = settings(&[
        ("RATE_LIMIT", "off"),
        ("RECALL_WINDOW", "2m"),
        ("EDIT_WINDOW", "10m"),
    ]);
    let app = TestApp::with(settings, clock.clone()).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (first, second) = (
        li.send(&session, "one").await,
        li.send(&session, "two").await,
    );
    let edit = json!({ "content": "edited" });
    clock.advance(Duration::from_secs(119));
    let recalled = li
        .call("POST", &path(&first, "/recall"), json!({}))
        .await
        .expect(200);
    assert!(recalled["recalledAt"].is_string());
    assert_eq!(chen.unread().await.0, 1, "what was recalled is not unread");
    clock.advance(Duration::from_secs(2));
    assert_eq!(
        li.call("POST", &path(&second, "/recall"), json!({}))
            .await
            .refused(409),
        "WINDOW_CLOSED"
    );
    li.call("POST", &path(&first, "/recall"), json!({}))
        .await
        .expect(200);
    li.call("PUT", &path(&second, ""), edit.clone())
        .await
        .expect(200);
    clock.advance(Duration::from_mins(8));
    let late = json!({ "content": "too late" });
    assert_eq!(
        li.call("PUT", &path(&second, ""), late).await.refused(409),
        "WINDOW_CLOSED"
    );
    li.call("PUT", &path(&second, ""), edit).await.expect(200);
    assert_eq!(
        chen.call("POST", &path(&second, "/recall"), json!({}))
            .await
            .refused(403),
        "FORBIDDEN"
    );
    let history = chen.history(&session).await;
    assert_eq!(
        (&history[0]["content"], history[0]["recalledAt"].is_string()),
        (&json!(""), true)
    );
    app.stop().await;
}

#[tokio::test]
async fn reactions_are_one_of_each_for_a_person() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let message = li.send(&session, "done").await;
    let put = path(&message, "/reactions");
    for _ in 0..2 {
        chen.call("POST", &put, json!({ "emoji": "👍" }))
            .await
            .expect(200);
    }
    let answer = li
        .call("POST", &put, json!({ "emoji": "👍" }))
        .await
        .expect(200);
    assert_eq!(
        answer["reactions"],
        json!([{ "emoji": "👍", "users": [chen.id, li.id] }])
    );
    chen.call("DELETE", &format!("{put}/%F0%9F%91%8D"), json!({}))
        .await
        .expect(200);
    let answer = at_li
        .call(
            "message:react",
            json!({ "messageId": message["_id"], "emoji": "👍", "remove": true }),
        )
        .await;
    assert_eq!(answer["data"]["reactions"], json!([]));
    at_chen
        .next_where("message:reaction", |r| r["reactions"] == json!([]))
        .await;
    assert_eq!(
        at_chen.heard("message:reaction").len(),
        4,
        "what changes nothing is told to nobody"
    );
    for emoji in [
        "",
        "a b",
        "abc",
        "5",
        "中",
        "+1",
        "\u{200d}",
        "👍👍",
        "🇨",
        "❤\u{fe0e}",
    ]
    .map(|text| json!(text))
    {
        let refused = chen.call("POST", &put, json!({ "emoji": emoji })).await;
        assert_eq!(refused.refused(400), "VALIDATION_FAILED", "{emoji}");
    }
    for emoji in [json!({ "$ne": 1 }), json!(["👍"]), json!("👍".repeat(99))] {
        assert_eq!(
            chen.call("POST", &put, json!({ "emoji": emoji }))
                .await
                .refused(400),
            "VALIDATION_FAILED"
        );
    }
    // Two encodings of one emoji are one, as it was sent first.
    for (who, emoji) in [(&chen, "❤️"), (&li, "❤"), (&li, "❤️")] {
        let answer = who
            .call("POST", &put, json!({ "emoji": emoji }))
            .await
            .expect(200);
        assert_eq!(answer["emoji"], json!("❤️"));
    }
    let group = at_li
        .next_where("message:reaction", |r| {
            r["userId"] == json!(li.id) && r["emoji"] == json!("❤️")
        })
        .await;
    assert_eq!(
        group["reactions"],
        json!([{ "emoji": "❤️", "users": [chen.id, li.id] }])
    );
    let plain = path(&message, &format!("/reactions/{}", "%E2%9D%A4"));
    for who in [&chen, &li] {
        who.call("DELETE", &plain, json!({})).await.expect(200);
    }
    // An emoji accepted by an older version is shown, and can be removed.
    let stored = doc! { "_id": ObjectId::parse_str(text(&message["_id"])).unwrap() };
    let old = doc! { "emoji": "好", "users": [ObjectId::parse_str(&li.id).unwrap()] };
    let messages = app.database().await.collection::<Document>("messages");
    messages
        .update_one(stored, doc! { "$push": { "reactions": old } })
        .await
        .unwrap();
    let shown = li.history(&session).await[0]["reactions"].clone();
    assert_eq!(shown, json!([{ "emoji": "好", "users": [li.id] }]));
    let old = json!({ "messageId": message["_id"], "emoji": "好", "remove": true });
    assert_eq!(
        at_li.call("message:react", old).await["data"]["reactions"],
        json!([])
    );
    let mut statuses = Vec::new();
    for emoji in '🌀'..='🌔' {
        statuses.push(
            chen.call("POST", &put, json!({ "emoji": emoji }))
                .await
                .status,
        );
    }
    assert_eq!((statuses[19], statuses[20]), (200, 409), "twenty kinds");
    app.stop().await;
}

#[tokio::test]
async fn an_answer_belongs_to_its_session() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let (session, other) = (li.session_with(&chen).await, li.session_with(&wu).await);
    let (here, there) = (
        li.send(&session, "here").await,
        li.send(&other, "there").await,
    );
    let answer = |answered: &serde_json::Value| {
        let mut message = li.message(&session, "answer");
        message["replyTo"] = answered["_id"].clone();
        message
    };
    let stored = li
        .call("POST", "/api/chat/messages", answer(&here))
        .await
        .expect(201);
    assert_eq!(
        (&stored["replyTo"], &stored["replyToSeq"]),
        (&here["_id"], &json!(1))
    );
    let refused = li.call("POST", "/api/chat/messages", answer(&there)).await;
    assert_eq!(refused.refused(400), "INVALID_MESSAGE");
    // Also beyond the messages that the service caches of a conversation.
    for number in 0..70 {
        li.send(&session, &number.to_string()).await;
    }
    li.call("POST", "/api/chat/messages", answer(&here))
        .await
        .expect(201);
    li.call("DELETE", &path(&here, ""), json!({ "userId": li.id }))
        .await
        .expect(200);
    assert_eq!(
        li.call("POST", "/api/chat/messages", answer(&here))
            .await
            .refused(400),
        "INVALID_MESSAGE"
    );
    app.stop().await;
}

/// Every document that contains a word.
async fn where_it_stands(database: &mongodb::Database, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        let all = database
            .collection::<Document>(&name)
            .find(doc! {})
            .await
            .unwrap();
        let rows: Vec<Document> = all.try_collect().await.unwrap();
        found.extend(
            rows.iter()
                .filter(|row| row.to_string().contains(word))
                .map(|row| format!("{name}: {row}")),
        );
    }
    found
}

/// A recalled text, in all its versions, is stored nowhere any more: in no collection of the
/// database, and not in the index. A forwarded copy of it is another user's message.
#[tokio::test]
async fn what_is_recalled_or_deleted_leaves_no_wording() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let (session, other) = (
        li.session_with(&chen).await,
        crate::groups::group(&chen, &[&li], "Ward").await,
    );
    for ending in ["recall", "delete"] {
        let words = ["zebra", "okapi", "quagga"].map(|word| format!("{word}{ending}"));
        let message = li.send(&session, &words[0]).await;
        for word in &words[1..] {
            li.call("PUT", &path(&message, ""), json!({ "content": word }))
                .await
                .expect(200);
        }
        let mut answer = chen.message(&session, "noted");
        answer["replyTo"] = message["_id"].clone();
        chen.call("POST", "/api/chat/messages", answer)
            .await
            .expect(201);
        let forward =
            json!({ "messageIds": [message["_id"]], "toSessionIds": [other], "mode": "merged" });
        chen.call("POST", "/api/chat/messages/forward", forward)
            .await
            .expect(201);
        li.settle(&session).await;
        assert_eq!(chen.finds(&[("keyword", &words[2])]).await.len(), 2);
        assert!(
            chen.finds(&[("keyword", &words[0])]).await.is_empty(),
            "an earlier wording is not found"
        );
        match ending {
            "recall" => li
                .call("POST", &path(&message, "/recall"), json!({}))
                .await
                .expect(200),
            _ => li
                .call("DELETE", &path(&message, ""), json!({ "userId": li.id }))
                .await
                .expect(200),
        };
        li.settle(&session).await;
        assert_eq!(
            chen.finds(&[("keyword", &words[2])]).await.len(),
            1,
            "what was forwarded"
        );
        let database = app.database().await;
        for word in &words[..2] {
            assert_eq!(
                where_it_stands(&database, word).await,
                Vec::<String>::new(),
                "{word}"
            );
        }
        let left = where_it_stands(&database, &words[2]).await;
        assert!(
            left.iter().all(|row| row.contains(&other)),
            "only where it was forwarded to: {left:?}"
        );
    }
    app.stop().await;
}

/// An older program left the earlier versions of deleted messages: they are removed when this one
/// starts first.
#[tokio::test]
async fn wordings_that_an_older_program_left_are_removed() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (kept, gone) = (
        li.send(&session, "kept").await,
        li.send(&session, "gone").await,
    );
    li.call(
        "PUT",
        &path(&kept, ""),
        json!({ "content": "kept, edited" }),
    )
    .await
    .expect(200);
    li.call("DELETE", &path(&gone, ""), json!({ "userId": li.id }))
        .await
        .expect(200);
    let (settings, database) = (app.settings.clone(), app.database().await);
    app.stop().await;
    let id = |text_of: &Value| ObjectId::parse_str(text(text_of)).unwrap();
    let now = mongodb::bson::DateTime::now();
    // More than one batch, on both sides of what stays.
    let of = |message: ObjectId| {
        doc! {
            "messageId": message, "sessionId": id(&kept["sessionId"]), "content": "earlier",
            "writtenAt": now, "replacedAt": now,
        }
    };
    let strange = (0..700).map(|_| ObjectId::from_bytes(rand::random()));
    let rows: Vec<Document> = (0..1_500)
        .map(|_| of(id(&gone["_id"])))
        .chain(strange.map(of))
        .collect();
    let edits = database.collection::<Document>("edits");
    edits.insert_many(rows).await.unwrap();
    let older = doc! { "$set": { "version": 3_i64 } };
    database
        .collection::<Document>("meta")
        .update_one(doc! { "_id": "format" }, older)
        .await
        .unwrap();
    let app = TestApp::with(settings, std::sync::Arc::new(wardline::domain::SystemClock)).await;
    let left: Vec<Document> = edits
        .find(doc! {})
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        left[0].get_object_id("messageId").unwrap(),
        id(&kept["_id"])
    );
    app.stop().await;
}
