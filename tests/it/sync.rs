//! `chat:sync`: a client that was disconnected reaches the state of those that stayed.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{TestApp, text};

#[tokio::test]
async fn the_way_back_brings_what_is_new_what_changed_and_how_far_others_are() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let session = li.session_with(&chen).await;
    let first = li.send(&session, "one").await;
    li.send(&session, "two").await;
    // Chen, at seq 2, disconnects; meanwhile: a new message, a deletion of an old one, Li reads, Wu
    // is added.
    li.send(&session, "three").await;
    let path = format!("/api/chat/messages/{}", text(&first["_id"]));
    li.call("DELETE", &path, json!({ "userId": li.id }))
        .await
        .expect(200);
    let answer = chen.send(&session, "four, over REST").await;
    li.read(&answer).await;
    let new_session = wu.session_with(&chen).await;
    wu.send(&new_session, "hello").await;

    let at_chen = chen.connect().await;
    let synced = at_chen
        .call(
            "chat:sync",
            json!({ "sessions": { session.as_str(): { "seq": 2, "rev": 0 } } }),
        )
        .await;
    let data = &synced["data"];
    let one = &data["sessions"][&session];
    let contents: Vec<String> = one["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| text(&m["content"]))
        .collect();
    assert_eq!(contents, ["three", "four, over REST"]);
    assert_eq!(
        (&one["seq"], &one["rev"], &one["hasMore"]),
        (&json!(4), &json!(1), &json!(false))
    );
    assert_eq!(one["changed"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&one["changed"][0]["_id"], &one["changed"][0]["isDeleted"]),
        (&first["_id"], &json!(true))
    );
    assert_eq!(one["positions"][&li.id]["readSeq"], json!(4));
    assert_eq!(
        data["sessions"][&new_session]["messages"][0]["content"],
        "hello"
    );
    assert_eq!(
        (&data["hasMore"], &data["removed"]),
        (&json!(false), &json!([]))
    );

    // From there nothing is missing.
    let again = json!({ "sessions": { session.as_str(): { "seq": 4, "rev": 1 }, new_session.as_str(): 1 } });
    let synced = at_chen.call("chat:sync", again).await;
    for session in [&session, &new_session] {
        let one = &synced["data"]["sessions"][session];
        assert_eq!(
            (&one["messages"], &one["changed"]),
            (&json!([]), &json!([]))
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_absence_is_made_up_in_steps() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_li = li.connect().await;
    let mut answers = Vec::new();
    for number in 0..1_203 {
        answers.push(
            at_li
                .begin("message:send", li.message(&session, &number.to_string()))
                .await,
        );
    }
    for answer in answers {
        answer.await.unwrap();
    }
    let at_chen = chen.connect().await;
    let (mut seqs, mut from, mut steps) = (Vec::new(), json!({ "seq": 3, "rev": 0 }), 0);
    loop {
        let synced = at_chen
            .call(
                "chat:sync",
                json!({ "sessions": { session.as_str(): from } }),
            )
            .await;
        let one = &synced["data"]["sessions"][&session];
        let messages = one["messages"].as_array().unwrap();
        assert!(messages.len() <= 500);
        seqs.extend(messages.iter().map(|m| m["seq"].as_u64().unwrap()));
        // The numbers beside the messages show the same position as `next`.
        assert_eq!(one["next"], json!({ "seq": one["seq"], "rev": one["rev"] }));
        from = json!({ "seq": one["seq"], "rev": one["rev"] });
        steps += 1;
        if synced["data"]["hasMore"] == json!(false) {
            break;
        }
    }
    assert_eq!(seqs, (4..=1_203).collect::<Vec<u64>>());
    assert_eq!(steps, 3);
    // More changes than fit into one answer.
    let mut edits = Vec::new();
    for message in &li.history(&session).await[..620] {
        edits.push(
            at_li
                .begin(
                    "message:edit",
                    json!({ "messageId": message["_id"], "content": "edited" }),
                )
                .await,
        );
    }
    for edit in edits {
        assert_eq!(edit.await.unwrap()["success"], json!(true));
    }
    let mut changed = BTreeSet::new();
    let mut answers = 0;
    loop {
        let synced = at_chen
            .call(
                "chat:sync",
                json!({ "sessions": { session.as_str(): from } }),
            )
            .await;
        let one = &synced["data"]["sessions"][&session];
        changed.extend(
            one["changed"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["seq"].as_u64().unwrap()),
        );
        from = json!({ "seq": one["seq"], "rev": one["rev"] });
        answers += 1;
        if synced["data"]["hasMore"] == json!(false) {
            break;
        }
    }
    assert_eq!((changed, answers), ((1..=620).collect(), 2));
    app.stop().await;
}
