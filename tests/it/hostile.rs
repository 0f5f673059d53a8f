//! Hostile input: it gets a clear answer and changes nothing.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, text};

/// Two users with a conversation and one message, and one who is not a member.
async fn ward(app: &TestApp) -> (Person, Person, Person, String, Value) {
    let (li, chen, eve) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Eve").await,
    );
    let session = li.session_with(&chen).await;
    let message = li.send(&session, "one").await;
    (li, chen, eve, session, message)
}

#[tokio::test]
async fn operators_and_wrong_shapes_are_bad_fields() {
    let app = TestApp::unlimited().await;
    let (li, chen, _, session, message) = ward(&app).await;
    let at_li = li.join().await;
    let hostile = [
        json!({ "$ne": null }),
        json!({ "$regex": ".*" }),
        json!([session]),
        json!(["x"]),
        json!(7),
        json!(true),
    ];
    for value in &hostile {
        for field in ["username", "password"] {
            let mut login = json!({ "username": li.username, "password": "x" });
            login[field] = value.clone();
            assert_eq!(
                app.call("POST", "/api/auth/login", login)
                    .await
                    .refused(400),
                "VALIDATION_FAILED"
            );
        }
        for field in [
            "sessionId",
            "senderId",
            "receiverId",
            "content",
            "messageType",
            "clientMsgId",
            "fileUrl",
        ] {
            let mut body = li.message(&session, "two");
            body[field] = value.clone();
            let answer = at_li.call("message:send", body.clone()).await;
            assert_eq!(answer["code"], "INVALID_MESSAGE", "{field} {value}");
            assert!(answer["details"][field].is_string(), "{answer}");
            assert_eq!(
                li.call("POST", "/api/chat/messages", body)
                    .await
                    .refused(400),
                "INVALID_MESSAGE"
            );
        }
        let path = format!("/api/chat/messages/{}/read", text(&message["_id"]));
        assert_eq!(
            chen.call("PUT", &path, json!({ "userId": value }))
                .await
                .refused(400),
            "VALIDATION_FAILED"
        );
        for event in [
            "user:join",
            "message:read",
            "chat:history",
            "typing:start",
            "typing:stop",
            "unread:count",
        ] {
            let payload =
                json!({ "id": value, "userId": value, "sessionId": value, "messageId": value });
            assert_eq!(
                at_li.call(event, payload).await["code"],
                "VALIDATION_FAILED",
                "{event} {value}"
            );
        }
    }
    for query in [
        "page=0",
        "page=-1",
        "page=x",
        "limit=0",
        "limit=101",
        "limit[$gt]=1&limit=x",
        "page=1&page=2",
    ] {
        let reply = li
            .get(&format!("/api/chat/messages/{session}?{query}"))
            .await;
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{query}");
    }
    for path in [
        "/api/chat/messages/$ne",
        "/api/chat/sessions/x",
        "/api/chat/stats/[object]",
        "/api/chat/messages/%00",
    ] {
        assert_eq!(
            li.get(path).await.refused(400),
            "VALIDATION_FAILED",
            "{path}"
        );
    }
    assert_eq!(li.history(&session).await.len(), 1);
    assert_eq!(chen.unread().await.0, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_ones_own_is_absent_or_forbidden() {
    let app = TestApp::unlimited().await;
    let (li, chen, eve, session, message) = ward(&app).await;
    let (at_eve, at_chen) = (eve.join().await, chen.join().await);
    let absent = "0123456789abcdef01234567";
    let id = text(&message["_id"]);
    for session in [session.as_str(), absent] {
        assert_eq!(
            eve.get(&format!("/api/chat/messages/{session}"))
                .await
                .refused(404),
            "CONVERSATION_NOT_FOUND"
        );
        let body = eve.message(session, "let me in");
        assert_eq!(
            eve.call("POST", "/api/chat/messages", body.clone())
                .await
                .refused(404),
            "CONVERSATION_NOT_FOUND"
        );
        assert_eq!(
            at_eve.call("message:send", body).await["code"],
            "CONVERSATION_NOT_FOUND"
        );
        let typing = json!({ "sessionId": session, "userId": eve.id });
        assert_eq!(
            at_eve.call("typing:start", typing).await["code"],
            "CONVERSATION_NOT_FOUND"
        );
        let history = json!({ "sessionId": session });
        assert_eq!(
            at_eve.call("chat:history", history).await["code"],
            "CONVERSATION_NOT_FOUND"
        );
        let synced = at_eve
            .call("chat:sync", json!({ "sessions": { session: 0 } }))
            .await;
        assert_eq!(synced["data"]["sessions"], json!({}));
        assert_eq!(synced["data"]["removed"], json!([session]));
    }
    for id in [id.as_str(), absent] {
        let own = json!({ "userId": eve.id });
        assert_eq!(
            eve.call("PUT", &format!("/api/chat/messages/{id}/read"), own.clone())
                .await
                .refused(404),
            "NOT_FOUND"
        );
        assert_eq!(
            eve.call("DELETE", &format!("/api/chat/messages/{id}"), own)
                .await
                .refused(404),
            "NOT_FOUND"
        );
        let read = json!({ "messageId": id, "userId": eve.id });
        assert_eq!(at_eve.call("message:read", read).await["code"], "NOT_FOUND");
    }
    // In another user's name: forbidden everywhere.
    let named = json!({ "userId": chen.id });
    assert_eq!(
        eve.call(
            "PUT",
            &format!("/api/chat/messages/{id}/read"),
            named.clone()
        )
        .await
        .refused(403),
        "FORBIDDEN"
    );
    assert_eq!(
        li.call("DELETE", &format!("/api/chat/messages/{id}"), named)
            .await
            .refused(403),
        "FORBIDDEN"
    );
    assert_eq!(
        li.call(
            "POST",
            "/api/chat/messages",
            chen.message(&session, "not me")
        )
        .await
        .refused(403),
        "FORBIDDEN"
    );
    for (event, payload) in [
        ("user:join", json!({ "id": chen.id })),
        ("message:send", chen.message(&session, "not me")),
        (
            "message:read",
            json!({ "messageId": id, "userId": chen.id }),
        ),
        ("unread:count", json!(chen.id)),
        (
            "typing:start",
            json!({ "sessionId": session, "userId": chen.id }),
        ),
    ] {
        assert_eq!(
            at_eve.call(event, payload).await["code"],
            "FORBIDDEN",
            "{event}"
        );
    }
    for path in ["sessions", "stats", "messages/unread"] {
        assert_eq!(
            eve.get(&format!("/api/chat/{path}/{}", chen.id))
                .await
                .refused(403),
            "FORBIDDEN"
        );
    }
    // Without a callback, a failure is an event.
    at_eve
        .emit("message:send", eve.message(&session, "quietly"))
        .await;
    let error = at_eve.next("error").await;
    assert_eq!(
        (&error["event"], &error["code"]),
        (&json!("message:send"), &json!("CONVERSATION_NOT_FOUND"))
    );
    assert_eq!(li.history(&session).await.len(), 1);
    assert_eq!(chen.unread().await.0, 1);
    assert!(
        at_chen.heard("message:receive").is_empty() && at_chen.heard("typing:start").is_empty()
    );
    app.stop().await;
}

#[tokio::test]
async fn what_the_server_owns_is_not_taken_from_clients() {
    let app = TestApp::start().await;
    let (li, chen, eve, session, _) = ward(&app).await;
    let mut body = li.message(&session, "two");
    for (field, value) in [
        ("seq", json!(99)),
        ("rev", json!(7)),
        ("_id", json!("0123456789abcdef01234567")),
        ("sender", json!(chen.id)),
        ("status", json!("read")),
        ("createdAt", json!("2001-01-01T00:00:00.000Z")),
        ("isDeleted", json!(true)),
        ("readBy", json!([{ "user": chen.id }])),
    ] {
        body[field] = value;
    }
    let stored = li
        .call("POST", "/api/chat/messages", body.clone())
        .await
        .expect(201);
    assert_eq!(
        (&stored["seq"], &stored["sender"], &stored["status"]),
        (&json!(2), &json!(li.id), &json!("sent"))
    );
    for field in ["_id", "createdAt", "isDeleted", "readBy"] {
        assert_ne!(stored[field], body[field], "{field}");
    }
    body["receiverId"] = json!(eve.id);
    assert_eq!(
        li.call("POST", "/api/chat/messages", body)
            .await
            .refused(400),
        "INVALID_MESSAGE"
    );
    app.stop().await;
}

#[tokio::test]
async fn sizes_and_forms_have_bounds() {
    let app = TestApp::unlimited().await;
    let (li, chen, _, session, _) = ward(&app).await;
    let at_li = li.join().await;
    let chinese = "好".repeat(8_000);
    assert_eq!(
        at_li
            .call("message:send", li.message(&session, &chinese))
            .await["success"],
        json!(true)
    );
    for size in [8_001, 100_000] {
        let answer = at_li
            .call("message:send", li.message(&session, &"好".repeat(size)))
            .await;
        assert_eq!(answer["code"], "MESSAGE_TOO_LARGE", "{size}");
    }
    let huge = li.message(&session, &"x".repeat(5_000_000));
    assert_eq!(
        li.call("POST", "/api/chat/messages", huge.clone())
            .await
            .refused(413),
        "MESSAGE_TOO_LARGE"
    );
    // A frame above the protocol's limit closes its own connection only.
    let other = li.connect().await;
    other.emit("message:send", huge).await;
    other.closed().await;
    assert_eq!(
        at_li.call("unread:count", json!(li.id)).await["success"],
        json!(true)
    );

    let client = reqwest::Client::new();
    let url = format!("http://{}/api/chat/messages", app.address);
    let post = |kind: &'static str, body: &'static str| {
        client
            .post(&url)
            .bearer_auth(&li.token)
            .header("content-type", kind)
            .body(body)
            .send()
    };
    assert_eq!(post("text/plain", "{}").await.unwrap().status(), 415);
    assert_eq!(
        post("application/json", "{oops").await.unwrap().status(),
        400
    );
    assert_eq!(
        post("application/json", "[1,2]").await.unwrap().status(),
        400
    );
    let packed = client
        .post(&url)
        .bearer_auth(&li.token)
        .header("content-encoding", "gzip");
    let packed = packed
        .header("content-type", "application/json")
        .body(vec![31_u8, 139, 8, 0])
        .send()
        .await
        .unwrap();
    assert_eq!(packed.status(), 415, "nothing is unpacked");
    assert_eq!(
        li.call("PUT", "/api/chat/messages", json!({}))
            .await
            .refused(405),
        "VALIDATION_FAILED"
    );
    assert_eq!(li.get("/api/nowhere").await.refused(404), "NOT_FOUND");
    for file in [
        "https://evil.example/x.png",
        "/api/chat/files/../../etc/passwd",
        "javascript:alert(1)",
    ] {
        let mut image = li.message(&session, "");
        image["messageType"] = json!("image");
        image["fileUrl"] = json!(file);
        image["fileName"] = json!("x.png");
        assert_eq!(
            at_li.call("message:send", image).await["code"],
            "INVALID_MESSAGE",
            "{file}"
        );
    }
    for raw in [
        "42[\"no:such\",{}]",
        "42[\"message:send\"]",
        "42[\"message:send\",1,2,3]",
        "42[\"users:online\",{},[]]",
    ] {
        at_li.raw(raw.to_owned()).await;
    }
    assert_eq!(at_li.next("error").await["event"], "no:such");
    assert_eq!(at_li.next("error").await["event"], "message:send");
    at_li.next("users:online").await;
    assert_eq!(chen.history(&session).await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_search_of_the_directory_takes_letters_only() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    let found = async |query: &str| {
        let users = li
            .get(&format!("/api/chat/users?search={query}"))
            .await
            .expect(200);
        users.as_array().unwrap().len()
    };
    assert_eq!(found(&li.username).await, 1);
    assert_eq!(
        found(&li.username[2..]).await,
        1,
        "a part of the name will do"
    );
    assert_eq!(found(".*").await, 0);
    assert_eq!(found("%28a%2B%29%2B%24").await, 0);
    assert_eq!(
        li.get("/api/chat/users?search=%00").await.refused(400),
        "VALIDATION_FAILED"
    );
    app.stop().await;
}

/// An event without a name, or with such attachments, is refused like any event, and the connection
/// stays open.
#[tokio::test]
async fn an_event_without_a_name_ends_nothing() {
    let app = TestApp::unlimited().await;
    let (li, _, _, session, _) = ward(&app).await;
    let at_li = li.join().await;
    let refused = async |packet: &str| {
        at_li.raw(packet.to_owned()).await;
        let error = at_li.next("error").await;
        assert_eq!(
            (&error["code"], &error["success"]),
            (&json!("VALIDATION_FAILED"), &json!(false)),
            "{packet}"
        );
    };
    for packet in [
        "42[5,{}]",
        "42[null]",
        "42[true]",
        "42[[\"message:send\"]]",
        "42[{}]",
        "42[]",
        "42{}",
        "42",
        "42\"message:send\"",
        "42[\"message:send",
        "42[\"message:send\" {}]",
        "42[\"no\\u003asuch\"]",
        "451-[5,{\"_placeholder\":true,\"num\":0}]",
        "4510001-[\"no:such\",{\"_placeholder\":true,\"num\":77}]",
        "45-[\"no:such\"]",
        "45[\"no:such\"]",
    ] {
        refused(packet).await;
    }
    // Attachments that were announced but missing or late, or were not announced.
    let message = li.message(&session, "with a picture beside it");
    at_li
        .raw(format!(
            "453-{}",
            json!(["message:send", message, { "_placeholder": true, "num": 0 }])
        ))
        .await;
    assert_eq!(at_li.next("message:sent").await["message"]["seq"], json!(2));
    for bytes in [vec![], vec![0; 10], vec![0xff; 100_000]] {
        at_li.binary(bytes).await;
    }
    for packet in [
        "43[]",
        "43",
        "461-7[{\"_placeholder\":true,\"num\":0}]",
        "46[]",
        "451-/ward,[5]",
    ] {
        at_li.raw(packet.to_owned()).await;
    }
    // Half an emoji, as in a text cut in its middle.
    at_li
        .raw("42[\"message:send\",{\"content\":\"\\ud83d\"}]".to_owned())
        .await;
    assert_eq!(at_li.next("error").await["event"], "message:send");
    // With a callback, the refusal is its answer; a name may be written with escapes.
    let told = at_li.begin("message:send", json!(null)).await;
    assert_eq!(told.await.unwrap()["code"], "INVALID_MESSAGE");
    let (refusal, answer) = (at_li.awaited(1_000), at_li.awaited(1_001));
    at_li.raw("421000[5,{}]".to_owned()).await;
    at_li.raw("421001[\"unread\\u003acount\"]".to_owned()).await;
    assert_eq!(refusal.await.unwrap()["code"], "VALIDATION_FAILED");
    assert_eq!(answer.await.unwrap()["data"]["unreadCount"], json!(0));
    assert!(!at_li.is_closed());
    app.stop().await;
}

/// The same for a client that polls.
#[tokio::test]
async fn an_event_without_a_name_ends_no_polled_session() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    let client = reqwest::Client::new();
    let address = format!("http://{}/socket.io/?EIO=4&transport=polling", app.address);
    let opened = client
        .get(&address)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let sid = opened
        .split("\"sid\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let address = format!("{address}&sid={sid}");
    let post = async |body: String| {
        let reply = client.post(&address).body(body).send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    };
    let ok = (200, "ok".to_owned());
    assert_eq!(
        post(format!("40{}", json!({ "token": li.token }))).await,
        ok
    );
    let mut heard = String::new();
    while !heard.contains("40{") {
        heard += &client
            .get(&address)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
    }
    for body in [
        "42[5,{}]\u{1e}427[null]\u{1e}42{}\u{1e}42[]",
        "452-[5]\u{1e}bAAEC",
        "bAAEC",
        "b!",
        "428[\"unread\\u003acount\"]",
    ] {
        assert_eq!(post(body.to_owned()).await, ok, "{body}");
    }
    while !heard.contains("438[") {
        heard += &client
            .get(&address)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
    }
    assert_eq!(
        (
            heard.matches("42[\"error\"").count(),
            heard.matches("437[").count()
        ),
        (4, 1),
        "{heard}"
    );
    app.stop().await;
}
