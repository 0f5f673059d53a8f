//! A private conversation: what the source's front end does, from sign-in to read receipts.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{MockClock, TestApp, eventually, settings, text};

#[tokio::test]
async fn typing_stops_by_itself() {
    let (settings, clock) = (settings(&[]), MockClock::manual());
    let limit = settings.timings.typing;
    let app = TestApp::with(settings, clock.clone()).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let typing = json!({ "sessionId": session, "userId": li.id });
    at_li.emit("typing:start", typing.clone()).await;
    at_chen.next("typing:start").await;
    clock.advance(limit / 2);
    // Li types on: the time starts again.
    at_li.emit("typing:start", typing).await;
    at_chen.next("typing:start").await;
    clock.advance(limit / 2);
    at_li.call("users:online", json!(null)).await;
    assert!(at_chen.heard("typing:stop").is_empty());
    clock.let_pass(limit).await;
    let stopped = at_chen.next("typing:stop").await;
    assert_eq!(
        (&stopped["sessionId"], &stopped["userId"]),
        (&json!(session), &json!(li.id))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_whole_conversation() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_li = li.join().await;
    at_li.call("users:online", json!(null)).await;

    // Chen connects; Li, who shares a conversation, receives the event, and both see each other.
    let at_chen = chen.join().await;
    let status = at_li
        .next_where("user:status", |s| s["userId"] == json!(chen.id))
        .await;
    assert_eq!(status["status"], "online");
    let online = at_chen.call("users:online", json!(null)).await;
    let names: Vec<_> = online
        .as_array()
        .unwrap()
        .iter()
        .map(|user| text(&user["username"]))
        .collect();
    assert!(
        names.contains(&li.username) && names.contains(&chen.username),
        "{names:?}"
    );

    // Typing is published.
    at_li
        .emit(
            "typing:start",
            json!({ "sessionId": session, "userId": li.id, "receiverId": chen.id }),
        )
        .await;
    assert_eq!(at_chen.next("typing:start").await["userId"], json!(li.id));
    assert!(
        at_li.heard("typing:start").is_empty(),
        "a user does not receive their own typing"
    );
    at_li
        .emit(
            "typing:stop",
            json!({ "sessionId": session, "userId": li.id }),
        )
        .await;
    assert_eq!(
        at_chen.next("typing:stop").await["sessionId"],
        json!(session)
    );

    // A message: sent, received, delivered, counted, read, counted down.
    at_li
        .emit("message:send", li.message(&session, "12床血钾 2.9"))
        .await;
    let sent = at_li.next("message:sent").await["message"].clone();
    let received = at_chen.next("message:receive").await["message"].clone();
    assert_eq!(sent, received);
    assert_eq!(
        (&received["content"], &received["seq"]),
        (&json!("12床血钾 2.9"), &json!(1))
    );
    assert_eq!(received["receiver"], json!(chen.id));
    let delivered = at_li.next("message:status").await;
    assert_eq!(
        (&delivered["status"], &delivered["messageId"]),
        (&json!("delivered"), &received["_id"])
    );
    let counted = at_chen.next("unread:count").await;
    assert_eq!(
        counted["data"],
        json!({ "unreadCount": 1, "bySession": { session.as_str(): 1 } })
    );

    let answer = at_chen
        .call(
            "message:read",
            json!({ "messageId": received["_id"], "userId": chen.id }),
        )
        .await;
    assert_eq!(answer["data"], json!({ "readCount": 1, "unreadCount": 0 }));
    let read = at_li
        .next_where("message:status", |s| s["status"] == "read")
        .await;
    assert_eq!(read["userId"], json!(chen.id));
    assert_eq!(at_li.next("message:read").await["seq"], json!(1));
    at_chen
        .next_where("unread:count", |c| c["data"]["unreadCount"] == 0)
        .await;
    assert!(
        at_chen.heard("message:read").is_empty(),
        "the reading socket knows already"
    );

    // The other way, over REST.
    chen.send(&session, "补钾 10ml/h, recheck at 14:00").await;
    assert_eq!(
        at_li.next("message:receive").await["message"]["seq"],
        json!(2)
    );
    assert_eq!(li.unread().await.0, 1);

    // The history contains it all, with its receipts.
    let delivered = async || {
        let history = li.history(&session).await;
        (history[1]["status"] == "delivered").then_some(history)
    };
    let history = eventually(delivered).await;
    assert_eq!(history[0]["status"], "read");
    assert_eq!(history[0]["readBy"][0]["user"], json!(chen.id));
    let listed = li
        .get(&format!("/api/chat/sessions/{}", li.id))
        .await
        .expect(200);
    assert_eq!(listed[0]["unread"], json!(1));
    assert_eq!(
        listed[0]["lastMessagePreview"],
        "补钾 10ml/h, recheck at 14:00"
    );
    assert_eq!(
        listed[0]["unreadCount"],
        json!({ li.id.as_str(): 1, chen.id.as_str(): 0 })
    );

    let counters = li
        .get(&format!("/api/chat/stats/{}", li.id))
        .await
        .expect(200);
    let expected = json!({
        "totalSessions": 1, "totalMessages": 2, "sentMessages": 1, "receivedMessages": 1,
        "unreadMessages": 1, "onlineUsers": 2,
    });
    assert_eq!(counters, expected);

    drop(at_chen);
    let gone = at_li
        .next_where("user:status", |s| {
            s["userId"] == json!(chen.id) && s["status"] == "offline"
        })
        .await;
    assert!(gone["lastSeen"].is_string());
    app.stop().await;
}

#[tokio::test]
async fn a_session_of_two_exists_once_even_when_both_ask_at_once() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let asked = (0..8).map(|i| {
        let (li, chen) = (li.clone(), chen.clone());
        let (me, other) = if i % 2 == 0 { (li, chen) } else { (chen, li) };
        async move { me.session_with(&other).await }
    });
    let ids: std::collections::BTreeSet<String> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .collect();
    assert_eq!(ids.len(), 1);
    let body = json!({ "userId1": li.id, "userId2": li.id });
    assert_eq!(
        li.call("POST", "/api/chat/sessions/private", body)
            .await
            .refused(400),
        "VALIDATION_FAILED"
    );
    let third = app.nurse("Wu").await;
    let body = json!({ "userId1": li.id, "userId2": chen.id });
    assert_eq!(
        third
            .call("POST", "/api/chat/sessions/private", body)
            .await
            .refused(403),
        "FORBIDDEN"
    );
    let body = json!({ "userId1": li.id, "userId2": "0123456789abcdef01234567" });
    assert_eq!(
        li.call("POST", "/api/chat/sessions/private", body)
            .await
            .refused(404),
        "NOT_FOUND"
    );
    app.stop().await;
}

#[tokio::test]
async fn history_pages_from_the_newest_and_walks_by_seq() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    for number in 1..=7 {
        li.send(&session, &format!("note {number}")).await;
    }
    let seqs = async |query: &str| {
        let reply = chen
            .get(&format!("/api/chat/messages/{session}?{query}"))
            .await;
        let pagination = reply.body["pagination"].clone();
        let messages = reply.expect(200);
        let seqs: Vec<u64> = messages
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["seq"].as_u64().unwrap())
            .collect();
        (seqs, pagination)
    };
    let (first, pagination) = seqs("page=1&limit=3").await;
    assert_eq!(first, [5, 6, 7]);
    assert_eq!(
        pagination,
        json!({ "page": 1, "limit": 3, "total": 7, "current": 1, "totalCount": 7, "pages": 3, "hasMore": true })
    );
    assert_eq!(seqs("page=3&limit=3").await.0, [1]);
    assert_eq!(seqs("page=4&limit=3").await.0, [0_u64; 0]);
    assert_eq!(seqs("beforeSeq=4&limit=2").await.0, [2, 3]);
    assert_eq!(seqs("afterSeq=4&limit=2").await.0, [5, 6]);
    assert_eq!(seqs("page=100000&limit=100").await.0, [0_u64; 0]);
    // A page with two conflicting positions is refused.
    let at_chen = chen.join().await;
    for (query, asked, names) in [
        (
            "page=1&beforeSeq=4",
            json!({ "page": 1, "beforeSeq": 4 }),
            &["beforeSeq", "page"][..],
        ),
        (
            "afterSeq=0&page=2",
            json!({ "page": 2, "afterSeq": 0 }),
            &["afterSeq", "page"],
        ),
        (
            "beforeSeq=4&afterSeq=1",
            json!({ "beforeSeq": 4, "afterSeq": 1 }),
            &["afterSeq", "beforeSeq"],
        ),
    ] {
        let reply = chen
            .get(&format!("/api/chat/messages/{session}?{query}"))
            .await;
        let mut event = asked.clone();
        event["sessionId"] = json!(session);
        let answer = at_chen.call("chat:history", event).await;
        for refusal in [&reply.body, &answer] {
            assert_eq!(
                refusal["fieldCodes"],
                json!(
                    names
                        .iter()
                        .map(|name| (name, "TOGETHER"))
                        .collect::<BTreeMap<_, _>>()
                )
            );
        }
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_message_leaves_a_tombstone_and_exact_counts() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_chen = chen.join().await;
    let first = li.send(&session, "wrong ward").await;
    li.send(&session, "right ward").await;
    let last = li.send(&session, "never mind").await;
    assert_eq!(chen.unread().await.0, 3);
    let path =
        |message: &serde_json::Value| format!("/api/chat/messages/{}", text(&message["_id"]));

    let refused = chen
        .call("DELETE", &path(&first), json!({ "userId": chen.id }))
        .await;
    assert_eq!(refused.refused(403), "FORBIDDEN");
    for message in [&first, &last, &first] {
        li.call("DELETE", &path(message), json!({ "userId": li.id }))
            .await
            .expect(200);
    }
    assert_eq!(chen.unread().await.0, 1);
    let told = at_chen.next("message:deleted").await;
    assert_eq!(
        (&told["messageId"], &told["seq"], &told["rev"]),
        (&first["_id"], &json!(1), &json!(1))
    );
    let history = chen.history(&session).await;
    assert_eq!(history.len(), 3, "a tombstone keeps its seq");
    assert_eq!(
        (&history[0]["isDeleted"], &history[0]["content"]),
        (&json!(true), &json!(""))
    );
    let listed = chen
        .get(&format!("/api/chat/sessions/{}", chen.id))
        .await
        .expect(200);
    assert_eq!(listed[0]["lastMessagePreview"], "");
    let stats = chen
        .get(&format!("/api/chat/stats/{}", chen.id))
        .await
        .expect(200);
    assert_eq!(
        (&stats["totalMessages"], &stats["unreadMessages"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        at_chen.heard("message:deleted").len(),
        2,
        "deleting again is told to nobody"
    );
    app.stop().await;
}

#[tokio::test]
async fn delivered_waits_for_the_device_that_acknowledges() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_li = li.join().await;
    let auth = json!({ "token": chen.token, "acks": true });
    let at_chen = crate::support::socket::Socket::connect(&app.address, auth)
        .await
        .unwrap();
    li.send(&session, "still grey").await;
    at_chen.next("message:receive").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(
        at_li.heard("message:status").is_empty(),
        "nothing was acknowledged"
    );
    assert_eq!(li.history(&session).await[0]["status"], "sent");
    at_chen.acknowledge();
    let second = li.send(&session, "now ticked").await;
    let status = at_li.next("message:status").await;
    assert_eq!(
        (&status["messageId"], &status["status"]),
        (&second["_id"], &json!("delivered"))
    );
    assert_eq!(
        li.history(&session).await[0]["status"],
        "sent",
        "only what was acknowledged is delivered"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_poisoned_message_fails_alone() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    // The database is made to refuse one content that the service accepts.
    let refuse = mongodb::bson::doc! { "collMod": "messages", "validator": { "content": { "$ne": "poison" } } };
    app.database().await.run_command(refuse).await.unwrap();
    let at_li = li.connect().await;
    let mut answers = Vec::new();
    for number in 1..=100 {
        let content = if number % 40 == 0 {
            "poison".to_owned()
        } else {
            number.to_string()
        };
        answers.push((
            number,
            at_li
                .begin("message:send", li.message(&session, &content))
                .await,
        ));
    }
    for (number, answer) in answers {
        let answer = answer.await.unwrap();
        let poisoned = number % 40 == 0;
        assert_eq!(answer["success"], json!(!poisoned), "{answer}");
        assert_eq!(answer["code"] == "INTERNAL", poisoned);
    }
    let history = li.history(&session).await;
    let seqs: Vec<u64> = history.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=98).collect::<Vec<u64>>());
    let numbers: Vec<u64> = history
        .iter()
        .map(|m| text(&m["content"]).parse().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "its batch mates keep their order");
    assert_eq!(chen.unread().await.0, 98);
    app.stop().await;
}

/// A `clientMsgId` is unique within its conversation: in another one it is another message, over
/// every protocol.
#[tokio::test]
async fn a_client_msg_id_is_one_message_of_its_session() {
    let app = TestApp::start().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let sessions = [
        li.session_with(&chen).await,
        li.session_with(&wu).await,
        crate::groups::group(&li, &[&chen, &wu], "Ward").await,
    ];
    let at_li = li.join().await;
    let letter = |session: &str| {
        let mut letter = li.message(session, &format!("to {session}"));
        letter["clientMsgId"] = json!("K");
        letter
    };
    // All at once, each twice, over both protocols.
    let mut answers = Vec::new();
    for session in &sessions {
        for _ in 0..2 {
            answers.push((session, at_li.begin("message:send", letter(session)).await));
        }
    }
    for (session, answer) in answers {
        let answer = answer.await.unwrap();
        assert_eq!(
            answer["data"]["content"],
            json!(format!("to {session}")),
            "{answer}"
        );
    }
    for session in &sessions {
        let again = li
            .call("POST", "/api/chat/messages", letter(session))
            .await
            .expect(201);
        assert_eq!(again["content"], json!(format!("to {session}")));
        let history = li.history(session).await;
        assert_eq!(history.len(), 1, "{history:?}");
        assert_eq!(history[0]["_id"], again["_id"]);
    }
    // The same for forwards: one request for one set of conversations.
    let ids = json!([li.history(&sessions[2]).await[0]["_id"]]);
    let forward = async |to: &[&String]| {
        let body = json!({ "messageIds": ids, "toSessionIds": to, "clientMsgId": "F" });
        li.call("POST", "/api/chat/messages/forward", body).await
    };
    for _ in 0..2 {
        forward(&[&sessions[0]]).await.expect(201);
        forward(&[&sessions[1]]).await.expect(201);
    }
    assert_eq!(
        forward(&[&sessions[0], &sessions[2]]).await.refused(409),
        "CONFLICT"
    );
    let counts = [
        li.history(&sessions[0]).await.len(),
        li.history(&sessions[1]).await.len(),
    ];
    assert_eq!((counts, li.history(&sessions[2]).await.len()), ([2, 2], 1));
    app.stop().await;
}
