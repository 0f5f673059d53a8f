//! The change log on a real MongoDB: numbers without gaps, what is current, look-ups by number, and
//! sessions from before the log.

use std::collections::BTreeSet;

use futures_util::{TryStreamExt, future::join_all};
use mongodb::{
    Collection, Database,
    bson::{Document, doc, oid::ObjectId},
};
use serde_json::{Value, json};
use wardline::{
    domain::{
        ConversationId,
        change_log::{ChangeKind, EventPlace},
    },
    store::{Store, address::Address},
};

use crate::{
    groups::group,
    support::{PASSWORD, Person, TestApp, text},
};

async fn store_of(app: &TestApp) -> Store {
    let uri = app.settings.database.uri.clone().unwrap();
    Store::connect(Address::parse(&uri).await.unwrap(), &app.database).unwrap()
}

fn path(message: &Value, tail: &str) -> String {
    format!("/api/chat/messages/{}{tail}", text(&message["_id"]))
}

async fn edit(person: &Person, message: &Value, content: &str) {
    person
        .call("PUT", &path(message, ""), json!({ "content": content }))
        .await
        .expect(200);
}

async fn react(person: &Person, message: &Value, emoji: &str) {
    person
        .call(
            "POST",
            &path(message, "/reactions"),
            json!({ "emoji": emoji }),
        )
        .await
        .expect(200);
}

async fn unreact(person: &Person, message: &Value, emoji: &str) {
    let tail = format!("/reactions/{emoji}");
    person
        .call("DELETE", &path(message, &tail), json!({}))
        .await
        .expect(200);
}

async fn all(rows: &Collection<Document>, filter: Document, key: &str) -> Vec<Document> {
    let found = rows.find(filter).sort(doc! { key: 1 }).await.unwrap();
    found.try_collect().await.unwrap()
}

/// The conversation's document, and the event numbers of its messages and changes.
async fn numbers(database: &Database, session: &str) -> (Document, Vec<i64>, Vec<i64>) {
    let id = ObjectId::parse_str(session).unwrap();
    let sessions = database.collection::<Document>("sessions");
    let stored = sessions
        .find_one(doc! { "_id": id })
        .await
        .unwrap()
        .unwrap();
    let of = |rows: Vec<Document>| -> Vec<i64> {
        rows.iter()
            .map(|row| row.get_i64("eventSeq").unwrap())
            .collect()
    };
    let (messages, changes) = (
        database.collection("messages"),
        database.collection("changes"),
    );
    (
        stored,
        of(all(&messages, doc! { "sessionId": id }, "seq").await),
        of(all(&changes, doc! { "conversation": id }, "eventSeq").await),
    )
}

#[tokio::test]
async fn every_effective_change_takes_the_next_number() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = group(&li, &[&chen], "Ward 3").await;
    let topic = json!({ "topic": "beds" });
    li.call("PATCH", &format!("/api/chat/sessions/{session}"), topic)
        .await
        .expect(200);
    let first = li.send(&session, "kalium 3.1").await;
    let second = chen.send(&session, "seen").await;
    edit(&li, &first, "kalium 4.1").await;
    edit(&li, &first, "kalium 4.1").await;
    react(&chen, &first, "❤️").await;
    react(&chen, &first, "❤").await;
    unreact(&chen, &first, "%E2%9D%A4").await;
    unreact(&chen, &first, "%E2%9D%A4").await;
    react(&chen, &first, "❤").await;
    react(&li, &first, "❤").await;
    edit(&li, &first, "kalium 4.7").await;
    chen.read(&first).await;
    react(&li, &second, "👍").await;
    edit(&chen, &second, "seen by me").await;
    chen.call("POST", &path(&second, "/recall"), json!({}))
        .await
        .expect(200);
    chen.call("POST", &path(&second, "/recall"), json!({}))
        .await
        .expect(200);
    let third = li.send(&session, "thanks").await;

    let database = app.database().await;
    let (stored, messages, changes) = numbers(&database, &session).await;
    // 1 the system message of the topic, 2 and 3 messages, 13 the last message.
    assert_eq!(messages, [1, 2, 3, 13]);
    assert_eq!(changes, [4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(
        [stored.get_i64("seq"), stored.get_i64("eventSeq")].map(Result::unwrap),
        [4, 13]
    );

    let store = store_of(&app).await;
    let conversation: ConversationId = session.parse().unwrap();
    let current = store.changes_after(conversation, 0, 100).await.unwrap();
    let shown: Vec<(u64, &ChangeKind)> = current
        .iter()
        .map(|change| (change.event_seq, &change.kind))
        .collect();
    let heart = ChangeKind::Reacted {
        emoji: "❤".into(),
        on: true,
    };
    assert_eq!(
        shown,
        [
            (7, &heart),
            (8, &heart),
            (9, &ChangeKind::Edited),
            (12, &ChangeKind::Recalled)
        ]
    );
    let page = store.changes_after(conversation, 7, 2).await.unwrap();
    assert_eq!(page, current[1..3], "a page goes on above its number");
    let mut newest = store.changes_before(conversation, 12, 2).await.unwrap();
    newest.reverse();
    assert_eq!(newest, current[1..3], "and backwards below it");

    for number in 1..=13 {
        let place = store.event_at(conversation, number).await.unwrap();
        match place.unwrap() {
            EventPlace::Message { seq } => {
                let place = messages.iter().position(|own| *own == number.cast_signed());
                assert_eq!(place.map(|place| place as u64 + 1), Some(seq));
            }
            EventPlace::Change(change) => assert_eq!(change.event_seq, number),
        }
    }
    assert_eq!(store.event_at(conversation, 0).await.unwrap(), None);

    // No wording is in the log, neither an earlier one nor the present one.
    let log = database.collection::<Document>("changes");
    for row in all(&log, doc! {}, "eventSeq").await {
        let written = row.to_string();
        assert!(
            !written.contains("kalium") && !written.contains("seen"),
            "{written}"
        );
    }
    assert_eq!(third["seq"], json!(4), "the wire counts messages as before");
    assert!(third.get("eventSeq").is_none());
    app.stop().await;
}

#[tokio::test]
async fn numbers_run_without_a_gap_however_commands_meet() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let (session, other) = (
        li.session_with(&chen).await,
        group(&li, &[&chen], "B").await,
    );
    let message = li.send(&session, "one").await;
    let works = (0..40).map(|number: usize| {
        let (li, chen, message, session, other) = (&li, &chen, &message, &session, &other);
        async move {
            match number % 5 {
                0 => edit(li, message, &format!("one {number}")).await,
                1 => react(chen, message, "👍").await,
                2 => unreact(chen, message, "%F0%9F%91%8D").await,
                3 => drop(chen.send(session, "two").await),
                _ => drop(li.send(other, "elsewhere").await),
            }
        }
    });
    join_all(works).await;
    let database = app.database().await;
    let mut own_numbers = BTreeSet::new();
    for session in [&session, &other] {
        let (stored, messages, changes) = numbers(&database, session).await;
        let mut both = [messages, changes].concat();
        both.sort_unstable();
        let last = stored.get_i64("eventSeq").unwrap();
        assert_eq!(both, (1..=last).collect::<Vec<_>>());
        own_numbers.insert(stored.get_i64("number").unwrap());
    }
    assert_eq!(own_numbers.len(), 2, "each session has its own number");

    let log = database.collection::<Document>("changes");
    let edits = doc! { "kind": "edited", "isCurrent": true };
    assert_eq!(log.count_documents(edits).await.unwrap(), 1);
    let reactions = doc! { "kind": "reacted", "isCurrent": true };
    assert!(log.count_documents(reactions).await.unwrap() <= 1);
    app.stop().await;
}

#[tokio::test]
async fn look_ups_in_the_log_use_its_indexes() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let message = li.send(&session, "one").await;
    for number in 0..30 {
        edit(&li, &message, &format!("edit {number}")).await;
    }
    react(&chen, &message, "👍").await;
    let (database, store) = (app.database().await, store_of(&app).await);
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let conversation: ConversationId = session.parse().unwrap();
    assert_eq!(
        store.changes_after(conversation, 0, 9).await.unwrap().len(),
        2
    );
    assert_eq!(
        store
            .changes_before(conversation, 99, 9)
            .await
            .unwrap()
            .len(),
        2
    );
    store.event_at(conversation, 17).await.unwrap();
    edit(&li, &message, "the last").await;
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let ours =
        doc! { "ns": format!("{}.changes", app.database), "op": { "$in": ["query", "update"] } };
    let entries = all(&profile, ours, "ts").await;
    assert_eq!(entries.len(), 4);
    for entry in entries {
        assert!(
            entry.get_i32("docsExamined").unwrap() <= 2,
            "superseded changes are not read: {entry}"
        );
        assert!(
            !entry.get_bool("hasSortStage").unwrap_or_default(),
            "{entry}"
        );
    }
    app.stop().await;
}

/// Makes the database one of format 6, which had no log.
async fn forget_the_log(database: &Database) {
    for (collection, fields) in [
        ("sessions", doc! { "number": "", "eventSeq": "" }),
        ("messages", doc! { "eventSeq": "" }),
    ] {
        let statement = doc! { "q": {}, "u": { "$unset": fields }, "multi": true };
        let command = doc! {
            "update": collection, "updates": [statement], "bypassDocumentValidation": true,
        };
        database.run_command(command).await.unwrap();
    }
    for collection in ["changes", "counters"] {
        let rows = database.collection::<Document>(collection);
        rows.drop().await.unwrap();
    }
    let older = doc! { "$set": { "version": 6_i64 } };
    let meta = database.collection::<Document>("meta");
    meta.update_one(doc! { "_id": "format" }, older)
        .await
        .unwrap();
}

#[tokio::test]
async fn sessions_older_than_the_log_are_numbered_and_go_on() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let empty = group(&li, &[&chen], "Nobody wrote").await;
    let message = li.send(&session, "one").await;
    chen.send(&session, "two").await;
    edit(&li, &message, "one, edited").await;
    let database = app.database().await;
    let settings = app.settings.clone();
    app.stop().await;
    forget_the_log(&database).await;

    let app = TestApp::with(settings, std::sync::Arc::new(wardline::domain::SystemClock)).await;
    let who = json!({ "username": li.username, "password": PASSWORD });
    let li = app.person(&app.call("POST", "/api/auth/login", who).await.expect(200));
    let sessions = database.collection::<Document>("sessions");
    let stored = all(&sessions, doc! {}, "_id").await;
    let numbered: Vec<(i64, i64)> = stored
        .iter()
        .map(|row| {
            (
                row.get_i64("number").unwrap(),
                row.get_i64("eventSeq").unwrap(),
            )
        })
        .collect();
    assert_eq!(numbered, [(1, 2), (2, 0)], "in the order of their ids");
    edit(&li, &message, "one, edited again").await;
    li.send(&session, "three").await;
    li.send(&empty, "the first").await;
    let newer = group(&li, &[&chen], "Newer").await;

    let messages = database.collection::<Document>("messages");
    let of_session = doc! { "sessionId": ObjectId::parse_str(&session).unwrap() };
    let written: Vec<Option<i64>> = all(&messages, of_session, "seq")
        .await
        .iter()
        .map(|row| row.get_i64("eventSeq").ok())
        .collect();
    assert_eq!(written, [None, None, Some(4)], "an older one's is its seq");
    let (_, first, _) = numbers(&database, &empty).await;
    assert_eq!(first, [1]);
    let (newer, ..) = numbers(&database, &newer).await;
    assert!(newer.get_i64("number").unwrap() > 2);

    let store = store_of(&app).await;
    let conversation: ConversationId = session.parse().unwrap();
    for (number, wanted) in [(1, Some(1)), (2, Some(2)), (3, None), (4, Some(3))] {
        match store.event_at(conversation, number).await.unwrap().unwrap() {
            EventPlace::Message { seq } => assert_eq!(Some(seq), wanted),
            EventPlace::Change(change) => {
                assert_eq!((change.kind, wanted), (ChangeKind::Edited, None));
            }
        }
    }
    app.stop().await;
}
