//! The audit log: every audited action leaves a row, and admins read it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    MockClock, PASSWORD, Person, TestApp, eventually, files::photo, settings, text,
};

async fn rows(admin: &Person, query: &str) -> Vec<Value> {
    admin
        .get(&format!("/api/audit?limit=200&{query}"))
        .await
        .expect(200)
        .as_array()
        .unwrap()
        .clone()
}

/// The rows of an action, once there are this many.
async fn recorded(admin: &Person, action: &str, count: usize) -> Vec<Value> {
    eventually(async || {
        let found = rows(admin, &format!("action={action}")).await;
        (found.len() >= count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn acts_are_audited_with_actor_and_subject() {
    let variables = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("TIME_ZONE", "Asia/Shanghai"),
    ];
    let clock = MockClock::starting_now();
    let app = TestApp::with(settings(&variables), clock.clone()).await;
    let (admin, li, wu) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
    );
    let group = crate::groups::group(&li, &[&wu], "Ward").await;
    let path = |tail: &str| format!("/api/chat/users/{}{tail}", wu.id);

    // Signing in and out.
    let wrong = json!({ "username": li.username, "password": "Wrong-horse-7" });
    app.call("POST", "/api/auth/login", wrong)
        .await
        .refused(401);
    let nobody = json!({ "username": "Hunter2-secret", "password": "Wrong-horse-7" });
    app.call("POST", "/api/auth/login", nobody)
        .await
        .refused(401);
    let again = json!({ "username": li.username, "password": PASSWORD });
    let second = app.person(&app.call("POST", "/api/auth/login", again).await.expect(200));
    second
        .call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    // Accounts, audited reads, files, messages, groups.
    let change = json!({ "role": "nurse", "phone": "8123", "password": "Correct-horse-battery-9" });
    admin.call("PATCH", &path(""), change).await.expect(200);
    // A request that changes nothing leaves no row.
    for nothing in [
        json!({ "phone": "8123" }),
        json!({ "username": "chief" }),
        json!({}),
    ] {
        admin.call("PATCH", &path(""), nothing).await.expect(200);
    }
    admin.get("/api/chat/users?active=false").await.expect(200);
    admin
        .get(&format!("/api/chat/sessions/{}", li.id))
        .await
        .expect(200);
    li.get(&format!("/api/chat/sessions/{}", admin.id))
        .await
        .refused(403);
    let file = li.uploaded("one.jpg", photo(60, 40)).await;
    for _ in 0..2 {
        assert_eq!(li.fetch(&text(&file["fileUrl"]), &[]).await.status, 200);
    }
    let sent = li.send(&group, "a word about bed 4").await;
    let message = format!("/api/chat/messages/{}", text(&sent["_id"]));
    li.call("DELETE", &message, json!({ "userId": li.id }))
        .await
        .expect(200);
    let open = json!({ "historyVisible": true });
    li.call("PATCH", &format!("/api/chat/sessions/{group}"), open)
        .await
        .expect(200);

    names_everybody(&admin, &li, &wu).await;
    let deleted = &recorded(&admin, "message.delete", 1).await[0];
    assert_eq!(
        (&deleted["object"], &deleted["session"]),
        (&sent["_id"], &json!(group))
    );
    assert_eq!(
        recorded(&admin, "file.fetch", 1).await.len(),
        1,
        "the parts of a file are one fetch"
    );
    let acts = recorded(&admin, "user.change", 1).await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    let changed = &acts[0]["changes"];
    for wanted in [
        json!({ "field": "role", "from": "user", "to": "nurse" }),
        json!({ "field": "phone", "from": "", "to": "8123" }),
        json!({ "field": "selfRegistered", "from": "true", "to": "false" }),
        json!({ "field": "password", "from": null, "to": null }),
    ] {
        assert!(
            changed.as_array().unwrap().contains(&wanted),
            "{wanted} in {changed}"
        );
    }
    let refused = &recorded(&admin, "access.refused", 1).await[0];
    assert_eq!(
        (&refused["actor"], &refused["outcome"]),
        (&json!(li.id), &json!("refused"))
    );
    assert_eq!(
        refused["object"],
        json!(format!("GET /api/chat/sessions/{}", admin.id))
    );
    assert_eq!(recorded(&admin, "users.inactive", 1).await.len(), 1);
    let past = &recorded(&admin, "group.history", 1).await[0];
    assert_eq!(
        past["changes"],
        json!([{ "field": "historyVisible", "from": "false", "to": "true" }])
    );
    assert_eq!(rows(&admin, &format!("session={group}")).await.len(), 2);

    // The log contains no message text, no typed password and no typed name.
    let all = Value::from(rows(&admin, "").await).to_string();
    for secret in ["bed 4", "horse", "Hunter2", "hunter2", "argon2", PASSWORD] {
        assert!(!all.contains(secret), "{secret}");
    }

    reads_it(&app, &admin, &li).await;
    app.stop().await;
}

/// Principal, subject and origin of an action.
async fn names_everybody(admin: &Person, li: &Person, wu: &Person) {
    let failed = recorded(admin, "auth.failed", 2).await;
    assert!(
        failed
            .iter()
            .all(|row| row["outcome"] == "failed" && row["actor"].is_null()),
        "{failed:?}"
    );
    assert!(
        failed
            .iter()
            .any(|row| row["subject"] == json!(li.id) && row["object"].is_null())
    );
    assert!(failed.iter().any(|row| {
        row["object"]
            .as_str()
            .is_some_and(|name| name.starts_with("name:"))
    }));
    for (action, actor, subject) in [
        ("auth.register", &li.id, &li.id),
        ("auth.login", &li.id, &li.id),
        ("auth.logout", &li.id, &li.id),
        ("user.change", &admin.id, &wu.id),
        ("user.password", &admin.id, &wu.id),
        ("sessions.list", &admin.id, &li.id),
        ("file.fetch", &li.id, &li.id),
        ("message.delete", &li.id, &li.id),
    ] {
        let found = recorded(admin, action, 1).await;
        let row = found
            .iter()
            .find(|row| row["actor"] == json!(actor))
            .expect(action);
        assert_eq!(row["subject"], json!(subject), "{row}");
        assert_eq!(
            (&row["gateway"], &row["outcome"], &row["address"]),
            (&json!("chat"), &json!("done"), &json!("127.0.0.1"))
        );
        assert!(
            row["requestId"].is_string() && row["tokenId"].is_string(),
            "{row}"
        );
    }
}

/// Reading: for admins, audited, by filters, by cursor, as a table.
async fn reads_it(app: &TestApp, admin: &Person, li: &Person) {
    assert_eq!(li.get("/api/chat/audit").await.refused(403), "FORBIDDEN");
    assert!(!recorded(admin, "audit.read", 2).await.is_empty());
    let (mut before, mut seen) = (String::new(), Vec::new());
    loop {
        let page = admin
            .get(&format!(
                "/api/chat/audit?subject={}&limit=3&before={before}",
                li.id
            ))
            .await;
        seen.extend(
            page.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| text(&row["_id"])),
        );
        let pagination = page.body["pagination"].clone();
        assert_eq!(
            pagination["hasMore"].as_bool().unwrap(),
            pagination["nextBefore"].is_string()
        );
        let Some(next) = pagination["nextBefore"].as_str() else {
            break;
        };
        next.clone_into(&mut before);
    }
    let once: BTreeSet<&String> = seen.iter().collect();
    assert!(once.len() == seen.len() && seen.len() > 5, "{seen:?}");
    let own = rows(admin, &format!("actor={}", li.id)).await;
    assert!(own.iter().all(|row| row["actorName"] == "Li"), "{own:?}");
    for (query, field) in [
        ("limit=201", "limit"),
        ("from=soon", "from"),
        ("before=x", "before"),
        ("actor=x", "actor"),
    ] {
        let bad = admin.get(&format!("/api/audit?{query}")).await;
        assert!(
            bad.body["details"][field].is_string(),
            "{query}: {}",
            bad.body
        );
        bad.refused(400);
    }
    // A day is in the hospital's time zone: in Shanghai it ends eight hours before UTC's.
    let at: wardline::domain::Timestamp = serde_json::from_value(own[0]["at"].clone()).unwrap();
    let calendar = wardline::domain::statistics::Calendar::of("Asia/Shanghai").unwrap();
    let day = calendar.local(at)[..10].to_owned();
    assert!(
        !rows(admin, &format!("from={day}&to={day}&actor={}", li.id))
            .await
            .is_empty()
    );
    assert!(
        rows(admin, &format!("to=2001-01-01&actor={}", li.id))
            .await
            .is_empty()
    );
    let table = reqwest::Client::new()
        .get(format!("http://{}/api/audit?actor={}", app.address, li.id))
        .bearer_auth(&admin.token)
        .header("Accept", "text/csv")
        .send()
        .await
        .unwrap();
    assert_eq!(table.headers()["content-type"], "text/csv; charset=utf-8");
    let table = table.text().await.unwrap();
    assert!(
        table.contains("+08:00") && table.contains("message.delete"),
        "{table}"
    );
}
