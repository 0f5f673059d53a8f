//! The REST API's document describes the service's answers. Every test's answers are checked
//! against it (`support::document`); here each documented success occurs at least once.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Person, TestApp, document::unseen, files::photo, settings, text};

async fn signs_in(app: &TestApp, person: &Person, password: &str) -> Person {
    let login = json!({ "username": person.username, "password": password });
    app.person(&app.call("POST", "/api/auth/login", login).await.expect(200))
}

/// All calls for files; returns a message with one.
async fn files(li: &Person, session: &str) -> Value {
    let file = li.uploaded("one.jpg", photo(60, 40)).await;
    let url = text(&file["fileUrl"]);
    for path in [url.clone(), format!("{url}/thumbnail")] {
        assert_eq!(li.fetch(&path, &[]).await.status, 200);
        assert_eq!(li.fetch(&path, &[("range", "bytes=0-3")]).await.status, 206);
    }
    li.get(&format!("{url}/link")).await.expect(200);
    li.send_file(session, "image", &file).await
}

async fn messages(li: &Person, chen: &Person, admin: &Person, session: &str) {
    let sent = files(li, session).await;
    let text_of = li.send(session, "bed four is free").await;
    let (file, first) = (text(&sent["_id"]), text(&text_of["_id"]));
    let path = |tail: &str| format!("/api/chat/messages/{first}{tail}");
    for query in ["", "?beforeSeq=9", "?afterSeq=0"] {
        chen.get(&format!("/api/chat/messages/{session}{query}"))
            .await
            .expect(200);
    }
    chen.get(&format!("/api/chat/messages/unread/{}", chen.id))
        .await
        .expect(200);
    chen.call("PUT", &path("/read"), json!({ "userId": chen.id }))
        .await
        .expect(200);
    chen.call("POST", &path("/reactions"), json!({ "emoji": "👍" }))
        .await
        .expect(200);
    chen.call("DELETE", &path("/reactions/%F0%9F%91%8D"), json!({}))
        .await
        .expect(200);
    li.get(&path("/receipts")).await.expect(200);
    li.call(
        "PUT",
        &path(""),
        json!({ "content": "bed five is free", "mentions": "all" }),
    )
    .await
    .expect(200);
    admin.get(&path("/edits")).await.expect(200);
    let answer = json!({
        "sessionId": session, "senderId": chen.id, "content": "thank you", "replyTo": first,
        "mentions": [li.id], "clientMsgId": "a-1",
    });
    let answer = chen
        .call("POST", "/api/chat/messages", answer)
        .await
        .expect(201);
    for mode in ["each", "merged"] {
        let ids = json!([file, answer["_id"]]);
        let forward = json!({ "messageIds": ids, "toSessionIds": [session], "mode": mode });
        li.call("POST", "/api/chat/messages/forward", forward)
            .await
            .expect(201);
    }
    li.get("/api/chat/messages/search?keyword=bed&messageType=text")
        .await
        .expect(200);
    li.call("POST", &path("/recall"), json!({}))
        .await
        .expect(200);
    let of_file = format!("/api/chat/messages/{file}");
    li.call("DELETE", &of_file, json!({ "userId": li.id }))
        .await
        .expect(200);
    chen.get(&format!("/api/chat/messages/{session}"))
        .await
        .expect(200);
}

async fn sessions(li: &Person, chen: &Person, wu: &Person, group: &str) {
    let path = |tail: &str| format!("/api/chat/sessions/{group}{tail}");
    li.call(
        "PATCH",
        &path(""),
        json!({ "topic": "Night", "historyVisible": true }),
    )
    .await
    .expect(200);
    li.call(
        "POST",
        &path("/participants"),
        json!({ "userIds": [wu.id] }),
    )
    .await
    .expect(200);
    let member_path = path(&format!("/participants/{}", wu.id));
    li.call("PATCH", &member_path, json!({ "role": "admin" }))
        .await
        .expect(200);
    chen.call("POST", &path("/read"), json!({ "seq": 1 }))
        .await
        .expect(200);
    li.get(&path("/info")).await.expect(200);
    li.call("DELETE", &member_path, json!({})).await.expect(200);
    li.get(&format!("/api/chat/sessions/{}", li.id))
        .await
        .expect(200);
}

async fn house(admin: &Person, li: &Person) {
    let new =
        json!({ "username": "sun.yue", "password": PASSWORD, "realName": "Sun", "role": "doctor" });
    let made = admin.call("POST", "/api/chat/users", new).await.expect(201);
    let path = format!("/api/chat/users/{}", text(&made["_id"]));
    admin
        .call("PATCH", &path, json!({ "title": "Dr", "isActive": false }))
        .await
        .expect(200);
    admin
        .call("DELETE", &format!("{path}/sessions"), json!({}))
        .await
        .expect(200);
    let own = format!("/api/chat/stats/{}", li.id);
    for path in [
        "/api/chat/users?active=all",
        "/api/chat/users/online",
        "/api/audit",
        "/api/chat/audit?limit=2",
        "/api/chat/stats",
        "/api/chat/stats/trends?days=2&granularity=hour",
        "/api/chat/stats/departments",
        "/api/chat/stats/users?sort=unread",
        "/api/health",
        "/api/auth/settings",
        "/api/auth/me",
        &own,
    ] {
        let answer = admin.fetch(path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        let table = admin.fetch(path, &[("accept", "text/csv")]).await;
        assert_eq!(table.status, 200, "{path}");
    }
}

#[tokio::test]
async fn each_documented_success_is_what_the_service_answers() {
    let variables = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("RATE_LIMIT", "off"),
    ];
    let app = TestApp::with(
        settings(&variables),
        std::sync::Arc::new(wardline::domain::SystemClock),
    )
    .await;
    let guest = json!({ "nickname": "Visitor" });
    app.call("POST", "/api/auth/guest", guest).await.expect(201);
    let (admin, li) = (app.admin().await, app.nurse("Li").await);
    let (chen, wu) = (app.nurse("Chen").await, app.nurse("Wu").await);
    let session = li.session_with(&chen).await;
    assert_eq!(li.session_with(&chen).await, session);
    let group = crate::groups::group(&li, &[&chen, &wu], "Ward").await;
    let member_path = format!("/api/chat/sessions/{group}/participants/{}", wu.id);
    wu.call("PATCH", &member_path, json!({ "muted": true }))
        .await
        .expect(200);
    li.call("DELETE", &member_path, json!({})).await.expect(200);
    messages(&li, &chen, &admin, &group).await;
    sessions(&li, &chen, &wu, &group).await;
    house(&admin, &li).await;

    // The calls that end tokens come last.
    let next = "another battery of horses";
    let change = json!({ "current": PASSWORD, "next": next });
    li.call("PUT", "/api/auth/password", change)
        .await
        .expect(200);
    let li = signs_in(&app, &li, next).await;
    li.call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    for query in ["?keep=current", ""] {
        let chen = signs_in(&app, &chen, PASSWORD).await;
        chen.call("DELETE", &format!("/api/auth/sessions{query}"), json!({}))
            .await
            .expect(200);
    }
    assert_eq!(unseen(&app.address), Vec::<String>::new());
    app.stop().await;
}
