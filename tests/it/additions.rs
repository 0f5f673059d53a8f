//! What the chat gateway says beyond its contract's first form: fields and events that were added
//! (`docs/contracts/chat.md`, "Added fields").

use serde_json::json;

use crate::support::{TestApp, text};

#[tokio::test]
async fn added_fields_repeat_what_stands_beside_them() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let (at_li, at_chen) = (li.connect().await, chen.join().await);
    at_li.emit("user:join", json!({ "id": li.id })).await;
    assert_eq!(at_li.next("user:joined").await["user"]["id"], json!(li.id));
    let session = li.session_with(&chen).await;
    at_li
        .emit("message:send", li.message(&session, "one"))
        .await;
    let sent = at_li.next("message:sent").await;
    let received = at_chen.next("message:receive").await;
    assert_eq!(
        (&sent["success"], &received["success"]),
        (&json!(true), &json!(true))
    );
    let typing = json!({ "sessionId": session, "userId": chen.id });
    at_chen.emit("typing:start", typing.clone()).await;
    assert_eq!(at_li.next("typing:start").await["isTyping"], json!(true));
    at_chen.emit("typing:stop", typing).await;
    assert_eq!(at_li.next("typing:stop").await["isTyping"], json!(false));

    let listed = li
        .get(&format!("/api/chat/sessions/{}?page=1&limit=5", li.id))
        .await;
    let pagination = listed.body["pagination"].clone();
    assert_eq!(
        (&pagination["current"], &pagination["totalCount"]),
        (&json!(1), &json!(1))
    );
    for path in ["/api/chat/users", "/api/chat/users/online"] {
        for user in li.get(path).await.expect(200).as_array().unwrap() {
            assert_eq!(user["id"], user["_id"], "{path}");
        }
    }
    let online = li.get("/api/chat/users/online").await.expect(200);
    let entry = &online.as_array().unwrap()[0];
    let keys: Vec<&String> = entry["userId"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["_id", "avatar", "realName", "role", "username"]);
    assert_eq!(entry["userId"]["_id"], entry["_id"]);
    for hidden in ["socketId", "ipAddress", "userAgent"] {
        assert!(!online.to_string().contains(hidden), "{hidden}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_reader_is_told_what_the_reading_did() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let session = li.session_with(&chen).await;
    let first = li.send(&session, "one").await;
    let second = li.send(&session, "two").await;
    let read =
        |message: &serde_json::Value| json!({ "messageId": message["_id"], "userId": chen.id });

    at_chen.emit("message:read", read(&first)).await;
    assert_eq!(
        at_chen.next("message:read:success").await,
        json!({ "success": true, "messageId": first["_id"], "readCount": 1, "unreadCount": 1 })
    );
    assert_eq!(at_li.next("message:read").await["readBy"], json!(chen.id));
    let answer = at_chen.call("message:read", read(&first)).await;
    assert_eq!(answer["data"], json!({ "readCount": 0, "unreadCount": 1 }));
    assert_eq!(
        at_chen.next("message:read:success").await["readCount"],
        json!(0)
    );
    at_chen
        .emit(
            "message:read",
            json!({ "messageId": li.id, "userId": chen.id }),
        )
        .await;
    assert_eq!(at_chen.next("error").await["code"], "NOT_FOUND");
    assert_eq!(at_chen.heard("message:read:success").len(), 2);

    for (read_count, times) in [(1, "first"), (0, "second")] {
        let data = chen.read(&second).await;
        assert_eq!(
            (
                &data["_id"],
                &data["content"],
                &data["status"],
                &data["readBy"][0]["user"]
            ),
            (
                &second["_id"],
                &json!("two"),
                &json!("read"),
                &json!(chen.id)
            ),
            "{times}"
        );
        assert_eq!(
            (&data["readCount"], &data["unreadCount"]),
            (&json!(read_count), &json!(0)),
            "{times}"
        );
    }
    assert_eq!(text(&first["content"]), "one");
    app.stop().await;
}
