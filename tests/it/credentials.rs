//! Tokens and their account: a change of the credentials, or of the rights, ends earlier tokens.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::{Value, json};
use wardline::{
    app::App,
    domain::{SystemClock, user::Role},
};

use crate::support::{
    MockClock, PASSWORD, Person, SECRET, TestApp, eventually, settings, socket::Socket,
};

const ADMIN: [(&str, &str); 2] = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];

fn login(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

/// A sign-in that runs while the account changes yields no valid token.
#[tokio::test]
async fn no_token_outlives_a_change_of_its_credentials() {
    let variables = [ADMIN[0], ADMIN[1], ("RATE_LIMIT", "off")];
    let clock = MockClock::starting_now();
    let app = Arc::new(TestApp::with(settings(&variables), clock.clone()).await);
    let (admin, li) = (app.admin().await, app.nurse("Li").await);
    let path = format!("/api/chat/users/{}", li.id);
    let mut password = PASSWORD.to_owned();
    for (number, change) in [
        json!({ "password": "a new password for Li" }),
        json!({ "isActive": false }),
        json!({ "password": "yet another for Li" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut at_work = tokio::task::JoinSet::new();
        let stop = tokio_util::sync::CancellationToken::new();
        for _ in 0..6 {
            let (app, body, stop) = (
                Arc::clone(&app),
                login(&li.username, &password),
                stop.clone(),
            );
            at_work.spawn(async move {
                let mut got = Vec::new();
                while !stop.is_cancelled() {
                    let reply = app.call("POST", "/api/auth/login", body.clone()).await;
                    if reply.status != 200 {
                        break;
                    }
                    got.push(app.person(&reply.body["data"]));
                }
                got
            });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        admin.call("PATCH", &path, change.clone()).await.expect(200);
        if change["isActive"] == json!(false) {
            admin
                .call("PATCH", &path, json!({ "isActive": true }))
                .await
                .expect(200);
            admin
                .call("PATCH", &path, json!({ "isActive": true, "title": "RN" }))
                .await
                .expect(200);
        }
        stop.cancel();
        let before: Vec<Person> = at_work.join_all().await.into_iter().flatten().collect();
        if let Some(new) = change["password"].as_str() {
            new.clone_into(&mut password);
            assert!(before.len() > 2, "round {number}: nobody signed in");
            for person in &before {
                assert_eq!(
                    person.get("/api/auth/me").await.refused(401),
                    "AUTH_FAILED",
                    "round {number}"
                );
            }
        }
        let signed_in = app
            .call("POST", "/api/auth/login", login(&li.username, &password))
            .await
            .expect(200);
        app.person(&signed_in).get("/api/auth/me").await.expect(200);
    }
    clock.advance(Duration::from_mins(2));
    // Whatever the timestamps are: here the clock was ahead when the token was issued.
    clock.advance(Duration::from_secs(50));
    let signed_in = app
        .call("POST", "/api/auth/login", login(&li.username, &password))
        .await
        .expect(200);
    clock.set_back(Duration::from_secs(50));
    let early = app.person(&signed_in);
    let elsewhere = foreign(&li, &clock_claims(&clock, 40));
    early.get("/api/auth/me").await.expect(200);
    elsewhere.get("/api/auth/me").await.expect(200);
    let unused = foreign(&li, &clock_claims(&clock, 45));
    for change in [json!({ "isActive": false }), json!({ "isActive": true })] {
        admin.call("PATCH", &path, change).await.expect(200);
    }
    clock.advance(Duration::from_millis(10));
    for person in [&early, &elsewhere, &unused] {
        assert_eq!(person.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    }
    clock.advance(Duration::from_secs(55));
    assert_eq!(
        unused.get("/api/auth/me").await.refused(401),
        "AUTH_FAILED",
        "once refused, always refused"
    );
    foreign(&li, &clock_claims(&clock, 0))
        .get("/api/auth/me")
        .await
        .expect(200);
    Arc::into_inner(app).unwrap().stop().await;
}

fn clock_claims(clock: &MockClock, ahead: i64) -> Value {
    use wardline::domain::Clock;
    let now = clock.now().seconds() + ahead;
    json!({ "iat": now, "exp": now + 3_600 })
}

/// The user with a token of another issuer that has the secret.
fn foreign(person: &Person, claims: &Value) -> Person {
    with_header(person, &Header::new(Algorithm::HS256), claims)
}

fn with_header(person: &Person, header: &Header, claims: &Value) -> Person {
    let mut claims = claims.clone();
    claims["sub"] = json!(person.id);
    let token = encode(
        header,
        &claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap();
    let mut other = person.clone();
    other.token = token;
    other
}

#[tokio::test]
#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are far below 2^52"
)]
async fn tokens_of_other_issuers_are_read_as_the_standards_say() {
    let mut settings = settings(&[("JWT_ISSUERS", "https://id.ward.example, other")]);
    settings.timings.token_cache_ttl = Duration::from_millis(100);
    let app = TestApp::with(settings, Arc::new(SystemClock)).await;
    let li = app.nurse("Li").await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let base = json!({ "iss": "other", "iat": now, "exp": now + 600 });
    let claims = |more: Value| {
        let mut claims = base.clone();
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    for good in [
        json!({}),
        json!({ "aud": "wardline" }),
        json!({ "aud": ["billing", "wardline"], "nbf": now + 50, "iss": "https://id.ward.example" }),
        json!({ "iat": (now as f64) - 0.5, "exp": (now as f64) + 100.25 }),
        json!({ "iat": now + 50, "jti": "" }),
        json!({ "exp": now + 12 * 3_600 }),
    ] {
        let reply = foreign(&li, &claims(good.clone()))
            .get("/api/auth/me")
            .await;
        assert_eq!(reply.status, 200, "{good}: {}", reply.body);
    }
    for bad in [
        json!({ "nbf": now + 3_600 }),
        json!({ "iat": now + 3_600, "exp": now + 4_000 }),
        json!({ "aud": "billing" }),
        json!({ "aud": ["billing", "pharmacy"] }),
        json!({ "aud": [] }),
        json!({ "aud": 5 }),
        json!({ "iss": "another" }),
        json!({ "iss": null }),
        json!({ "iat": null }),
        json!({ "iat": "yesterday" }),
        json!({ "exp": null }),
        json!({ "exp": now + 13 * 3_600 }),
        json!({ "exp": 1e300 }),
        json!({ "iat": now - 20 * 3_600, "exp": now + 600 }),
        json!({ "cv": 1 }),
        json!({ "cv": -1 }),
    ] {
        let reply = foreign(&li, &claims(bad.clone())).get("/api/auth/me").await;
        assert_eq!(reply.status, 401, "{bad}: {}", reply.body);
    }
    let header = |change: fn(&mut Header)| {
        let mut header = Header::new(Algorithm::HS256);
        change(&mut header);
        header
    };
    for bad in [
        header(|header| header.crit = Some(vec!["exp".to_owned()])),
        header(|header| header.crit = Some(Vec::new())),
        header(|header| header.typ = Some("dpop+jwt".to_owned())),
    ] {
        let reply = with_header(&li, &bad, &base).get("/api/auth/me").await;
        assert_eq!(reply.refused(401), "AUTH_FAILED", "{bad:?}");
    }
    for good in [
        header(|header| header.typ = None),
        header(|header| header.typ = Some("at+JWT".to_owned())),
        header(|header| header.kid = Some("key 1".to_owned())),
    ] {
        with_header(&li, &good, &base)
            .get("/api/auth/me")
            .await
            .expect(200);
    }
    // A token without an id can be ended, and a part of the token does not identify it.
    let nameless = foreign(&li, &base);
    nameless
        .call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    assert_eq!(
        nameless.get("/api/auth/me").await.refused(401),
        "AUTH_FAILED"
    );
    let ended = app.database().await.collection::<Document>("ended_tokens");
    let row = ended.find_one(doc! {}).await.unwrap().unwrap();
    let name = row.get_str("_id").unwrap();
    assert!(
        nameless.token.split('.').all(|part| !name.contains(part)),
        "{name}"
    );
    li.get("/api/auth/me").await.expect(200);
    app.stop().await;
}

/// A change of a user's rights, by any interface, applies to open connections.
#[tokio::test]
async fn changed_rights_reach_what_is_open() {
    let system = || Arc::new(SystemClock);
    let settings = settings(&ADMIN);
    let app = TestApp::with(settings.clone(), system()).await;
    let beside = App::open(settings, system()).await.unwrap();
    let users = app.database().await.collection::<Document>("users");
    let set = async |person: &Person, fields: Document| {
        let filter = doc! { "_id": ObjectId::parse_str(&person.id).unwrap() };
        users
            .update_one(filter, doc! { "$set": fields })
            .await
            .unwrap();
    };
    let (li, wu, chen, he) = (
        app.nurse("Li").await,
        app.nurse("Wu").await,
        app.nurse("Chen").await,
        app.nurse("He").await,
    );
    let (at_li, at_wu, at_chen, at_he) = (
        li.join().await,
        wu.join().await,
        chen.join().await,
        he.join().await,
    );
    // The command line, or another node.
    beside
        .services
        .set_account(&li.username, None, Some(Role::Doctor))
        .await
        .unwrap();
    at_li.closed().await;
    let again = li
        .connect()
        .await
        .call("user:join", json!({ "id": li.id }))
        .await;
    assert_eq!(again["data"]["role"], "doctor", "the token still holds");
    // The database itself.
    set(&wu, doc! { "role": "admin" }).await;
    set(&chen, doc! { "isActive": false }).await;
    at_wu.closed().await;
    at_chen.closed().await;
    eventually(async || (wu.get("/api/chat/stats").await.status == 200).then_some(())).await;
    set(&wu, doc! { "role": "user" }).await;
    eventually(async || (wu.get("/api/chat/stats").await.status == 403).then_some(())).await;
    eventually(async || (chen.get("/api/auth/me").await.status == 401).then_some(())).await;
    let refused = Socket::connect(&app.address, json!({ "token": chen.token }))
        .await
        .err();
    assert_eq!(refused.as_deref(), Some("AUTH_FAILED"));
    assert!(!at_he.is_closed(), "nobody else is touched");
    beside
        .services
        .set_account(&he.username, Some("another long password".to_owned()), None)
        .await
        .unwrap();
    at_he.closed().await;
    beside.close().await.unwrap();
    app.stop().await;
}
