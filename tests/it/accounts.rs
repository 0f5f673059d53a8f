//! Accounts: registration, roles, tokens and their revocation.

use std::time::Duration;

use serde_json::json;
use wardline::app::App;

use crate::support::{
    MockClock, PASSWORD, SECRET, TestApp, settings, socket::Socket, text, unique,
};

#[tokio::test]
async fn registration_keeps_to_its_rules_and_gives_no_role() {
    let app = TestApp::start().await;
    let name = unique("Nurse.Li");
    let body = json!({
        "username": name, "password": PASSWORD, "realName": "李娜", "role": "admin", "isActive": false,
        "_id": "0123456789abcdef01234567", "email": "li@ward.example",
    });
    let data = app
        .call("POST", "/api/auth/register", body.clone())
        .await
        .expect(201);
    assert_eq!(
        (&data["user"]["role"], &data["user"]["isActive"]),
        (&json!("user"), &json!(true))
    );
    assert_ne!(data["user"]["_id"], body["_id"]);
    assert!(!data.to_string().contains("argon2"), "no hash in an answer");
    let again = json!({ "username": name.to_uppercase(), "password": PASSWORD, "realName": "x" });
    assert_eq!(
        app.call("POST", "/api/auth/register", again)
            .await
            .refused(409),
        "CONFLICT"
    );

    let bad = json!({ "username": "a b", "password": "short", "realName": "", "email": "nowhere", "avatar": "javascript:alert(1)" });
    let reply = app.call("POST", "/api/auth/register", bad).await;
    let details = reply.body["details"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(
        details,
        ["avatar", "email", "password", "realName", "username"]
    );
    assert_eq!(reply.refused(400), "VALIDATION_FAILED");
    app.stop().await;
}

#[tokio::test]
async fn closed_registration_is_closed() {
    let app = TestApp::with(
        settings(&[("REGISTRATION", "closed")]),
        MockClock::starting_now(),
    )
    .await;
    let body = json!({ "username": unique("li"), "password": PASSWORD, "realName": "Li" });
    assert_eq!(
        app.call("POST", "/api/auth/register", body)
            .await
            .refused(403),
        "FORBIDDEN"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_admin_makes_changes_and_ends_accounts() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), MockClock::starting_now()).await;
    let (admin, li) = (app.admin().await, app.nurse("Li").await);
    let new = json!({
        "username": unique("dr.wang"), "password": PASSWORD, "realName": "王思远", "role": "doctor",
        "department": "ICU", "title": "主任医师",
    });
    let doctor = admin
        .call("POST", "/api/chat/users", new.clone())
        .await
        .expect(201);
    assert_eq!(
        (&doctor["role"], &doctor["department"]),
        (&json!("doctor"), &json!("ICU"))
    );
    assert_eq!(
        li.call("POST", "/api/chat/users", new).await.refused(403),
        "FORBIDDEN"
    );

    let path = format!("/api/chat/users/{}", li.id);
    let changed = admin
        .call(
            "PATCH",
            &path,
            json!({ "role": "nurse", "title": "Charge nurse" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed["role"], &changed["title"]),
        (&json!("nurse"), &json!("Charge nurse"))
    );
    assert_eq!(
        li.call("PATCH", &path, json!({ "role": "admin" }))
            .await
            .refused(403),
        "FORBIDDEN"
    );
    let bad = admin
        .call(
            "PATCH",
            &path,
            json!({ "role": { "$ne": 1 }, "isActive": "no" }),
        )
        .await;
    assert_eq!(bad.body["details"].as_object().unwrap().len(), 2);

    let at_li = li.join().await;
    admin
        .call("PATCH", &path, json!({ "isActive": false }))
        .await
        .expect(200);
    at_li.closed().await;
    assert_eq!(li.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    let login = json!({ "username": li.username, "password": PASSWORD });
    assert_eq!(
        app.call("POST", "/api/auth/login", login)
            .await
            .refused(401),
        "AUTH_FAILED"
    );
    let own = format!("/api/chat/users/{}", admin.id);
    assert_eq!(
        admin
            .call("PATCH", &own, json!({ "isActive": false }))
            .await
            .refused(409),
        "CONFLICT"
    );

    // An admin may read others' lists and statistics, audited, but acts for no other user.
    let wu = app.nurse("Wu").await;
    admin
        .get(&format!("/api/chat/sessions/{}", wu.id))
        .await
        .expect(200);
    admin
        .get(&format!("/api/chat/stats/{}", wu.id))
        .await
        .expect(200);
    let records = app
        .database()
        .await
        .collection::<mongodb::bson::Document>("audit");
    let looks = records
        .count_documents(mongodb::bson::doc! { "action": { "$in": ["sessions.list", "stats"] } });
    assert_eq!(looks.await.unwrap(), 2);
    assert_eq!(
        admin
            .get(&format!("/api/chat/messages/unread/{}", wu.id))
            .await
            .refused(403),
        "FORBIDDEN"
    );
    app.stop().await;
}

/// The handshake reads the account and a join right after it need not, but a change in between is
/// published.
#[tokio::test]
async fn what_changed_between_handshake_and_join_is_told() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), MockClock::starting_now()).await;
    let (admin, li) = (app.admin().await, app.nurse("Li").await);
    let at_li = li.connect().await;
    let change = json!({ "title": "Charge nurse" });
    admin
        .call("PATCH", &format!("/api/chat/users/{}", li.id), change)
        .await
        .expect(200);
    let answer = at_li
        .call("user:join", json!({ "id": li.id, "username": li.username }))
        .await;
    assert_eq!(answer["data"]["title"], json!("Charge nurse"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn an_admin_resets_a_password_and_the_old_tokens_end() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let clock = MockClock::starting_now();
    let app = TestApp::with(settings(&variables), clock.clone()).await;
    let (admin, li, wu) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
    );
    let (at_li, at_wu) = (li.join().await, wu.join().await);
    clock.advance(Duration::from_secs(1));
    let path = format!("/api/chat/users/{}", li.id);
    let short = admin
        .call("PATCH", &path, json!({ "password": "short" }))
        .await;
    assert_eq!(short.refused(400), "VALIDATION_FAILED");
    li.get("/api/auth/me").await.expect(200);
    assert_eq!(
        wu.call("PATCH", &path, json!({ "password": "chosen by another" }))
            .await
            .refused(403),
        "FORBIDDEN"
    );

    let new = "a new password for Li";
    let answer = admin
        .call("PATCH", &path, json!({ "password": new }))
        .await
        .expect(200);
    assert!(!answer.to_string().contains(new) && !answer.to_string().contains("argon2"));
    at_li.closed().await;
    assert_eq!(li.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    let login = |password: &str| json!({ "username": li.username, "password": password });
    assert_eq!(
        app.call("POST", "/api/auth/login", login(PASSWORD))
            .await
            .refused(401),
        "AUTH_FAILED"
    );
    let again = app.person(
        &app.call("POST", "/api/auth/login", login(new))
            .await
            .expect(200),
    );
    again.get("/api/auth/me").await.expect(200);
    assert!(!at_wu.is_closed(), "nobody else is touched");

    let records = app
        .database()
        .await
        .collection::<mongodb::bson::Document>("audit");
    let subject = mongodb::bson::oid::ObjectId::parse_str(&li.id).unwrap();
    let resets = records
        .count_documents(mongodb::bson::doc! { "action": "user.password", "subject": subject });
    assert_eq!(resets.await.unwrap(), 1, "one that was refused is none");
    app.stop().await;
}

#[tokio::test]
async fn deactivated_accounts_are_for_admins_to_see() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), MockClock::starting_now()).await;
    let (admin, li, wu) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
    );
    admin
        .call(
            "PATCH",
            &format!("/api/chat/users/{}", wu.id),
            json!({ "isActive": false }),
        )
        .await
        .expect(200);
    let names = async |query: &str| {
        let users = admin
            .get(&format!("/api/chat/users?{query}"))
            .await
            .expect(200);
        let names = users
            .as_array()
            .unwrap()
            .iter()
            .map(|user| text(&user["username"]));
        names.collect::<Vec<_>>()
    };
    let everybody = ["chief".to_owned(), li.username.clone(), wu.username.clone()];
    assert_eq!(names("").await, everybody[..2]);
    assert_eq!(names("active=true").await, everybody[..2]);
    assert_eq!(names("active=false").await, everybody[2..]);
    assert_eq!(names("active=all").await, everybody);
    assert_eq!(
        names(&format!("active=all&search={}", wu.username)).await,
        everybody[2..]
    );
    assert_eq!(names("active=all&role=admin").await, everybody[..1]);
    for query in ["active=false", "active=all"] {
        assert_eq!(
            li.get(&format!("/api/chat/users?{query}"))
                .await
                .refused(403),
            "FORBIDDEN"
        );
    }
    assert_eq!(
        admin.get("/api/chat/users?active=some").await.refused(400),
        "VALIDATION_FAILED"
    );
    let back = json!({ "isActive": true });
    admin
        .call("PATCH", &format!("/api/chat/users/{}", wu.id), back)
        .await
        .expect(200);
    assert_eq!(names("active=false").await, Vec::<String>::new());
    let login = json!({ "username": wu.username, "password": PASSWORD });
    app.call("POST", "/api/auth/login", login).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn an_end_from_elsewhere_reaches_the_sockets() {
    let (settings, clock) = (settings(&[]), MockClock::manual());
    let app = TestApp::with(settings.clone(), clock.clone()).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    // The operator, in another process.
    let beside = App::open(settings, std::sync::Arc::new(wardline::domain::SystemClock))
        .await
        .unwrap();
    beside
        .services
        .set_account(&li.username, Some("another long password".to_owned()), None)
        .await
        .unwrap();
    assert!(!at_li.is_closed());
    // Revocations are polled, and rights checked, every few seconds.
    clock.advance(Duration::from_secs(3));
    at_li.closed().await;
    let refused = Socket::connect(&app.address, json!({ "token": li.token }))
        .await
        .err();
    assert_eq!(
        refused.as_deref(),
        Some("AUTH_FAILED"),
        "even a token of the same second"
    );
    assert!(!at_chen.is_closed());
    beside.close().await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn a_new_role_sends_the_sockets_back_for_it() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), MockClock::starting_now()).await;
    let (admin, li) = (app.admin().await, app.nurse("Li").await);
    let at_li = li.join().await;
    admin
        .call(
            "PATCH",
            &format!("/api/chat/users/{}", li.id),
            json!({ "role": "doctor" }),
        )
        .await
        .expect(200);
    at_li.closed().await;
    let again = li
        .connect()
        .await
        .call("user:join", json!({ "id": li.id }))
        .await;
    assert_eq!(again["data"]["role"], "doctor", "the token still holds");
    app.stop().await;
}

#[tokio::test]
async fn a_token_lives_twelve_hours_and_its_socket_no_longer() {
    let clock = MockClock::starting_now();
    let app = TestApp::with(settings(&[]), clock.clone()).await;
    let li = app.nurse("Li").await;
    let at_li = li.join().await;
    clock.advance(Duration::from_hours(12) - Duration::from_mins(1));
    li.get("/api/auth/me").await.expect(200);
    clock.advance(Duration::from_mins(2));
    assert_eq!(li.get("/api/auth/me").await.refused(401), "TOKEN_EXPIRED");
    at_li.closed().await;
    let refused = Socket::connect(&app.address, json!({ "token": li.token }))
        .await
        .err();
    assert_eq!(refused.as_deref(), Some("TOKEN_EXPIRED"));
    app.stop().await;
}

#[tokio::test]
async fn a_holder_of_the_secret_issues_tokens() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let sign = |secret: &str, algorithm, claims: serde_json::Value| {
        encode(
            &Header::new(algorithm),
            &claims,
            &EncodingKey::from_secret(secret.as_bytes()),
        )
        .unwrap()
    };
    let claims = json!({ "sub": li.id, "role": "admin", "iat": now, "exp": now + 60, "jti": "from-elsewhere" });
    let mut other = li.clone();
    other.token = sign(SECRET, Algorithm::HS256, claims.clone());
    assert_eq!(
        text(&other.get("/api/auth/me").await.expect(200)["role"]),
        "user",
        "the role is the account's"
    );
    assert_eq!(
        other
            .call("POST", "/api/chat/users", json!({}))
            .await
            .status,
        400,
        "the body is read before the verb"
    );
    for token in [
        sign(
            "another secret of thirty-two bytes!",
            Algorithm::HS256,
            claims.clone(),
        ),
        sign(SECRET, Algorithm::HS512, claims.clone()),
        sign(
            SECRET,
            Algorithm::HS256,
            json!({ "sub": "nobody", "exp": now + 60 }),
        ),
        sign(
            SECRET,
            Algorithm::HS256,
            json!({ "sub": "0123456789abcdef01234567", "exp": now + 60 }),
        ),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "x".repeat(10_000),
    ] {
        other.token = token;
        assert_eq!(other.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    }
    app.stop().await;
}

#[tokio::test]
async fn guessing_a_password_is_slowed_whatever_the_headers_say() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let client = reqwest::Client::new();
    // A user with the right password may sign in without limit.
    let login = json!({ "username": li.username, "password": PASSWORD });
    for _ in 0..15 {
        app.call("POST", "/api/auth/login", login.clone())
            .await
            .expect(200);
    }
    let mut statuses = Vec::new();
    for guess in 0..16 {
        let request = client
            .post(format!("http://{}/api/auth/login", app.address))
            .header("x-forwarded-for", format!("203.0.113.{guess}"))
            .json(&json!({ "username": li.username, "password": format!("guess number {guess}") }));
        let response = request.send().await.unwrap();
        let retry_after = response.headers().get("retry-after").cloned();
        let status = response.status().as_u16();
        assert_eq!(status == 429, retry_after.is_some());
        statuses.push(status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(
        app.call("POST", "/api/auth/login", login)
            .await
            .refused(429),
        "RATE_LIMITED"
    );
    app.stop().await;
}
