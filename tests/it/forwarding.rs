//! Forwarding: to several conversations at once, all or none, however often it is repeated.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{TestApp, text};

fn ids(messages: &[&Value]) -> Vec<String> {
    messages
        .iter()
        .map(|message| text(&message["_id"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_or_nothing_and_a_repeat_is_harmless() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let source = li.session_with(&chen).await;
    let theirs = chen.session_with(&wu).await;
    let mut targets = vec![li.session_with(&wu).await];
    for number in 0..10 {
        targets.push(crate::groups::group(&li, &[&chen, &wu], &format!("Ward {number}")).await);
    }
    let (one, two) = (
        li.send(&source, "one").await,
        chen.send(&source, "two").await,
    );
    let secret = chen.send(&theirs, "not for Li").await;
    let forward = |messages: &[&Value], to: &[String], mode: &str, id: Value| {
        let body = json!({ "messageIds": ids(messages), "toSessionIds": to, "mode": mode, "clientMsgId": id });
        let li = li.clone();
        async move { li.call("POST", "/api/chat/messages/forward", body).await }
    };
    // A message or a conversation without access stops the whole request.
    assert_eq!(
        forward(&[&one, &secret], &targets, "each", Value::Null)
            .await
            .refused(404),
        "NOT_FOUND"
    );
    let mut shut = targets.clone();
    shut.push(theirs.clone());
    assert_eq!(
        forward(&[&one], &shut, "each", Value::Null)
            .await
            .refused(404),
        "CONVERSATION_NOT_FOUND"
    );
    for target in &targets {
        assert!(
            li.history(target).await.is_empty(),
            "nothing of it is stored"
        );
    }
    assert!(chen.history(&theirs).await.len() == 1);

    let at_wu = wu.join().await;
    // Five times the same request at once, and once more.
    let same =
        join_all((0..5).map(|_| forward(&[&one, &two], &targets, "each", json!("fw-1")))).await;
    let again = forward(&[&one, &two], &targets, "each", json!("fw-1")).await;
    let answers: Vec<Vec<String>> = same
        .into_iter()
        .chain([again])
        .map(|reply| {
            let messages = reply.expect(201)["messages"].as_array().unwrap().clone();
            messages
                .iter()
                .map(|message| text(&message["_id"]))
                .collect()
        })
        .collect();
    assert_eq!(answers[0].len(), 22);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "every repeat answers the first"
    );
    for target in &targets {
        let history = wu.history(target).await;
        let contents: Vec<String> = history.iter().map(|m| text(&m["content"])).collect();
        assert_eq!(contents, ["one", "two"]);
        assert_eq!(history[1]["forwardedFrom"]["sender"], json!(chen.id));
        assert!(
            history[1]["forwardedFrom"].get("sessionId").is_none(),
            "where it was said stays there"
        );
        assert_eq!(wu.unread().await.1[target], json!(2));
    }
    for _ in 0..22 {
        at_wu.next("message:receive").await;
    }
    assert_eq!(at_wu.heard("message:receive").len(), 22, "told once");

    // Merged: one message that contains both, and is forwarded unchanged.
    let merged = forward(&[&two, &one], &targets[..1], "merged", Value::Null)
        .await
        .expect(201);
    let merged = merged["messages"][0].clone();
    let said: Vec<&Value> = merged["merged"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["content"])
        .collect();
    assert_eq!(said, [&json!("two"), &json!("one")]);
    let carried = forward(&[&merged], &targets[1..2], "each", Value::Null)
        .await
        .expect(201);
    assert_eq!(carried["messages"][0]["merged"], merged["merged"]);
    assert_eq!(
        forward(&[&merged], &targets, "merged", Value::Null)
            .await
            .refused(400),
        "VALIDATION_FAILED"
    );
    let path = format!("/api/chat/messages/{}", text(&merged["_id"]));
    let edit = li.call("PUT", &path, json!({ "content": "x" })).await;
    assert_eq!(edit.refused(403), "FORBIDDEN");
    app.stop().await;
}

#[tokio::test]
async fn a_copy_says_when_its_words_had_been_edited() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (order, plain) = (
        li.send(&session, "give 5 mg").await,
        li.send(&session, "by mouth").await,
    );
    let path = format!("/api/chat/messages/{}", text(&order["_id"]));
    let edited = li
        .call("PUT", &path, json!({ "content": "give 50 mg" }))
        .await
        .expect(200);
    let forward = async |messages: &[&Value], mode: &str| {
        let body = json!({ "messageIds": ids(messages), "toSessionIds": [session], "mode": mode });
        chen.call("POST", "/api/chat/messages/forward", body)
            .await
            .expect(201)["messages"][0]
            .clone()
    };
    let copy = forward(&[&order], "each").await;
    let from = |edited: &Value| json!({ "messageId": order["_id"], "sender": li.id, "createdAt": order["createdAt"], "editedAt": edited["editedAt"] });
    assert_eq!(
        (&copy["content"], &copy["forwardedFrom"]),
        (&json!("give 50 mg"), &from(&edited))
    );
    // The copy stays, whatever happens to the message. The next copy has the message's text at that
    // time; a copy of the copy does not.
    let later = li
        .call("PUT", &path, json!({ "content": "give 55 mg" }))
        .await
        .expect(200);
    assert_eq!(
        forward(&[&order], "each").await["forwardedFrom"],
        from(&later)
    );
    let copied = forward(&[&copy], "each").await;
    assert_eq!(
        (&copied["content"], &copied["forwardedFrom"]),
        (&json!("give 50 mg"), &from(&edited))
    );
    assert!(
        forward(&[&plain], "each").await["forwardedFrom"]
            .get("editedAt")
            .is_none()
    );
    let record = forward(&[&order, &plain], "merged").await["merged"].clone();
    assert_eq!(record[0]["editedAt"], later["editedAt"]);
    assert!(record[1].get("editedAt").is_none(), "{record}");
    // Read back from the database.
    let stored = li.history(&session).await;
    assert_eq!(
        (&stored[2]["forwardedFrom"], &stored[6]["merged"]),
        (&from(&edited), &record)
    );
    app.stop().await;
}

#[tokio::test]
async fn bad_requests_name_every_bad_field() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    let many: Vec<String> = (0..101).map(|n| format!("{n:024x}")).collect();
    for (body, fields) in [
        (json!({}), vec!["messageIds", "toSessionIds"]),
        (
            json!({ "messageIds": many, "toSessionIds": many, "mode": "x" }),
            vec!["messageIds", "mode", "toSessionIds"],
        ),
        (
            json!({ "messageIds": [{ "$ne": null }], "toSessionIds": { "$in": [] }, "clientMsgId": "" }),
            vec!["clientMsgId", "messageIds", "toSessionIds"],
        ),
    ] {
        let reply = li.call("POST", "/api/chat/messages/forward", body).await;
        let details = reply.body["details"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>();
        assert_eq!(details, fields);
        assert_eq!(reply.refused(400), "VALIDATION_FAILED");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_holds_while_sends_and_forwards_cross() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let mut sessions = vec![li.session_with(&chen).await];
    for number in 0..7 {
        sessions.push(crate::groups::group(&li, &[&chen], &format!("Ward {number}")).await);
    }
    let seed = li.send(&sessions[0], "seed").await;
    let (at_li, at_chen) = (li.connect().await, chen.connect().await);
    let mut sends = Vec::new();
    for round in 0..30 {
        for session in &sessions {
            sends.push(
                at_li
                    .begin("message:send", li.message(session, &round.to_string()))
                    .await,
            );
        }
    }
    let body = json!({ "messageIds": [seed["_id"]], "toSessionIds": sessions, "mode": "each" });
    let forwards = join_all((0..6).map(|turn| {
        let mut body = body.clone();
        body["toSessionIds"]
            .as_array_mut()
            .unwrap()
            .rotate_left(turn);
        let person = if turn % 2 == 0 { &li } else { &chen };
        person.call("POST", "/api/chat/messages/forward", body)
    }));
    let (forwards, sends) = tokio::join!(forwards, join_all(sends));
    assert!(
        forwards.iter().all(|reply| reply.status == 201),
        "{forwards:?}"
    );
    assert!(
        sends
            .iter()
            .all(|answer| answer.as_ref().unwrap()["success"] == json!(true))
    );
    for session in &sessions {
        let history = chen.history(session).await;
        let expected = if *session == sessions[0] { 37 } else { 36 };
        assert_eq!(history.len(), expected);
        assert!(
            history
                .iter()
                .enumerate()
                .all(|(index, m)| m["seq"] == json!(index + 1))
        );
        crate::support::eventually(async || {
            let heard: Vec<u64> = at_chen
                .all()
                .into_iter()
                .filter(|(event, _)| event == "message:receive" || event == "message:sent")
                .filter(|(_, h)| h["message"]["sessionId"] == json!(session))
                .map(|(_, h)| h["message"]["seq"].as_u64().unwrap())
                .collect();
            assert!(heard.is_sorted(), "{heard:?}");
            let first = if *session == sessions[0] { 2 } else { 1 };
            (heard == (first..=expected as u64).collect::<Vec<_>>()).then_some(())
        })
        .await;
    }
    app.stop().await;
}

/// A forwarded copy contains another user's words, under their name: only the user's own messages
/// can be edited.
#[tokio::test]
async fn no_user_edits_the_forwarded_message_of_another() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (own, theirs) = (
        li.send(&session, "5 mg").await,
        chen.send(&session, "2 mg").await,
    );
    let forward =
        json!({ "messageIds": ids(&[&own, &theirs]), "toSessionIds": [session], "mode": "each" });
    li.call("POST", "/api/chat/messages/forward", forward)
        .await
        .expect(201);
    let copies = li.history(&session).await.split_off(2);
    let edit = async |copy: &Value| {
        let path = format!("/api/chat/messages/{}", text(&copy["_id"]));
        li.call("PUT", &path, json!({ "content": "50 mg" })).await
    };
    edit(&copies[0]).await.expect(200);
    assert_eq!(edit(&copies[1]).await.refused(403), "FORBIDDEN");
    assert_eq!(chen.history(&session).await[3]["content"], "2 mg");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_is_not_answered_with_what_they_wrote_before() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let own = li.session_with(&chen).await;
    let ward = crate::groups::group(&li, &[&chen], "Ward").await;
    let said = chen.send(&own, "said").await;
    let forward = json!({
        "messageIds": ids(&[&said]), "toSessionIds": [ward, own], "clientMsgId": "fw-1",
    });
    chen.call("POST", "/api/chat/messages/forward", forward.clone())
        .await
        .expect(201);
    let mut once = chen.message(&ward, "once");
    once["clientMsgId"] = json!("once");
    chen.call("POST", "/api/chat/messages", once.clone())
        .await
        .expect(201);
    let mut twice = li.message(&ward, "twice");
    twice["clientMsgId"] = json!("twice");
    li.call("POST", "/api/chat/messages", twice.clone())
        .await
        .expect(201);
    let member_path = format!("/api/chat/sessions/{ward}/participants/{}", chen.id);
    li.call("DELETE", &member_path, json!({})).await.expect(200);
    let again = chen
        .call("POST", "/api/chat/messages/forward", forward)
        .await;
    assert_eq!(again.refused(404), "CONVERSATION_NOT_FOUND");
    // Among others' repeats, which are separated from new messages in one batch.
    for _ in 0..10 {
        let others = join_all((0..4).map(|_| li.call("POST", "/api/chat/messages", twice.clone())));
        let theirs =
            join_all((0..4).map(|_| chen.call("POST", "/api/chat/messages", once.clone())));
        let (others, theirs) = tokio::join!(others, theirs);
        for reply in others {
            reply.expect(201);
        }
        for reply in theirs {
            assert_eq!(reply.refused(404), "CONVERSATION_NOT_FOUND");
        }
    }
}
