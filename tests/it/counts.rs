//! Counts include active users only: a deactivated user is in none of them, and is again after
//! reactivation.

use std::sync::Arc;

use serde_json::{Value, json};
use wardline::domain::SystemClock;

use crate::{
    groups::group,
    support::{TestApp, eventually, settings, text},
};

fn row<'a>(rows: &'a Value, person: &str) -> &'a Value {
    rows.as_array()
        .unwrap()
        .iter()
        .find(|row| row["userId"] == json!(person))
        .unwrap()
}

#[tokio::test]
async fn who_was_deactivated_is_in_no_count() {
    let variables = [
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "a long enough one"),
    ];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let (boss, li, wu, chen) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
        app.nurse("Chen").await,
    );
    let ward = group(&li, &[&wu, &chen], "Ward").await;
    let (at_wu, _at_li) = (wu.join().await, li.join().await);
    let from_wu = wu.send(&ward, "one").await;
    let from_li = li.send(&ward, "two").await;
    for (reader, message) in [(&li, &from_wu), (&chen, &from_li)] {
        reader.read(message).await;
    }
    let receipts = async || {
        let path = format!("/api/chat/messages/{}/receipts", text(&from_li["_id"]));
        let people = li.get(&path).await.expect(200)["receipts"].clone();
        let read = people
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["readAt"].is_string())
            .count();
        (read, people.as_array().unwrap().len())
    };
    let online = async || {
        let online = li.get("/api/chat/users/online").await.expect(200);
        let is_there = online
            .as_array()
            .unwrap()
            .iter()
            .any(|user| user["_id"] == json!(wu.id));
        let count = li
            .get(&format!("/api/chat/stats/{}", li.id))
            .await
            .expect(200)["onlineUsers"]
            .clone();
        (
            is_there,
            online.as_array().unwrap().len() as u64,
            count.as_u64().unwrap(),
        )
    };
    let house = async || boss.get("/api/chat/stats").await.expect(200);
    let department = async || boss.get("/api/chat/stats/departments").await.expect(200)[0].clone();

    eventually(async || (online().await == (true, 2, 2)).then_some(())).await;
    assert_eq!(receipts().await, (1, 2));
    let (before, of_wu) = (house().await, wu.unread().await.0);
    assert!(
        of_wu > 0 && before["unread"]["total"].as_u64() >= Some(of_wu),
        "{before}"
    );
    let there = department().await;
    assert_eq!(
        (&there["people"], &there["activePeople"]),
        (&json!(4), &json!(2)),
        "{there}"
    );

    let account = format!("/api/chat/users/{}", wu.id);
    boss.call("PATCH", &account, json!({ "isActive": false }))
        .await
        .expect(200);
    eventually(async || at_wu.is_closed().then_some(())).await;
    assert_eq!(receipts().await, (1, 1), "read by all who can");
    assert_eq!(online().await, (false, 1, 1));
    let after = house().await;
    let less = |name: &str, by: u64| {
        assert_eq!(
            after["unread"][name].as_u64(),
            before["unread"][name].as_u64().map(|was| was - by),
            "{name}"
        );
    };
    less("total", of_wu);
    less("people", 1);
    assert_eq!(
        (&after["users"]["online"], &after["users"]["active"]),
        (&json!(1), &json!(3)),
        "{after}"
    );
    assert_eq!(
        after["messages"], before["messages"],
        "what was written stays"
    );
    let gone = department().await;
    assert_eq!(
        (&gone["people"], &gone["activePeople"]),
        (&json!(3), &json!(1)),
        "{gone}"
    );
    assert_eq!(
        (&gone["messages"], &gone["unread"]),
        (&there["messages"], &after["unread"]["total"])
    );
    let people = boss.get("/api/chat/stats/users").await.expect(200);
    let theirs = row(&people, &wu.id);
    assert_eq!(
        (&theirs["isActive"], &theirs["unread"], &theirs["sent"]),
        (&json!(false), &json!(0), &json!(1))
    );

    boss.call("PATCH", &account, json!({ "isActive": true }))
        .await
        .expect(200);
    assert_eq!(receipts().await, (1, 2));
    assert_eq!(house().await["unread"], before["unread"]);
    app.stop().await;
}
