//! Signing in: limits on guessing that cannot be turned against other users, and a user's own
//! credentials.

use std::{sync::Arc, time::Duration};

use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::{Value, json};
use wardline::{app::App, domain::SystemClock};

use crate::support::{MockClock, PASSWORD, TestApp, eventually, settings, unique};

const ADMIN: [(&str, &str); 2] = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];

fn login(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

/// Calls as a trusted proxy forwards them: status, the number in `Retry-After`, body.
struct Proxy {
    client: reqwest::Client,
    address: String,
}

impl Proxy {
    async fn post(&self, from: &str, path: &str, body: &Value) -> (u16, Option<u64>, Value) {
        let request = self.client.post(format!("http://{}{path}", self.address));
        let response = request
            .header("x-forwarded-for", from)
            .json(body)
            .send()
            .await
            .unwrap();
        let retry_after = response
            .headers()
            .get("retry-after")
            .map(|v| v.to_str().unwrap().parse().unwrap());
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            body["details"]["retryAfter"].as_u64(),
            retry_after,
            "{body}"
        );
        assert_eq!(status == 429, retry_after.is_some(), "{body}");
        (status, retry_after, body)
    }

    async fn sign_in(&self, from: &str, username: &str, password: &str) -> u16 {
        self.post(from, "/api/auth/login", &login(username, password))
            .await
            .0
    }
}

async fn behind_a_proxy(variables: &[(&str, &str)]) -> (TestApp, Arc<Proxy>, Arc<MockClock>) {
    let clock = MockClock::starting_now();
    let variables: Vec<(&str, &str)> =
        [&ADMIN[..], &[("TRUSTED_PROXIES", "127.0.0.1")], variables].concat();
    let app = TestApp::with(settings(&variables), clock.clone()).await;
    let proxy = Proxy {
        client: reqwest::Client::new(),
        address: app.address.clone(),
    };
    (app, Arc::new(proxy), clock)
}

#[tokio::test]
async fn guesses_made_together_pass_no_limit() {
    let (app, proxy, clock) = behind_a_proxy(&[]).await;
    let li = app.nurse("Li").await;
    let burst = async |right_at: usize| {
        let mut tries = tokio::task::JoinSet::new();
        for place in 0..40 {
            let (proxy, name) = (Arc::clone(&proxy), li.username.clone());
            tries.spawn(async move {
                let password = if place == right_at {
                    PASSWORD.to_owned()
                } else {
                    format!("guess {place}")
                };
                tokio::time::sleep(Duration::from_millis(3 * place as u64)).await;
                (place, proxy.sign_in("203.0.113.7", &name, &password).await)
            });
        }
        let outcomes = tries.join_all().await;
        let looked_at = outcomes.iter().filter(|(_, status)| *status != 429).count();
        (
            looked_at,
            outcomes
                .iter()
                .any(|(place, status)| *place == right_at && *status == 200),
        )
    };
    assert_eq!(burst(38).await, (10, false));
    clock.advance(Duration::from_secs(21));
    let (looked_at, got_in) = burst(39).await;
    assert!(looked_at <= 4 && !got_in, "{looked_at}");
    // No other user is refused, and the user is notified.
    let (status, _, body) = proxy
        .post(
            "203.0.113.8",
            "/api/auth/login",
            &login(&format!(" {} ", li.username), PASSWORD),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body["data"]["failedSignIns"]["count"].as_u64().unwrap() >= 10,
        "{body}"
    );
    assert!(body["data"]["failedSignIns"]["since"].is_string());
    let (_, _, body) = proxy
        .post(
            "203.0.113.8",
            "/api/auth/login",
            &login(&li.username, PASSWORD),
        )
        .await;
    assert!(body["data"]["failedSignIns"].is_null(), "told once: {body}");
    // A network counts as one client, however many addresses it has.
    let mut statuses = Vec::new();
    for number in 0..14 {
        statuses.push(
            proxy
                .sign_in(&format!("2001:db8:1:2::{number:x}"), &li.username, "wrong")
                .await,
        );
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 4]].concat());
    // Blanks and character width make no other name, and passwords are not truncated.
    let (wide, blank) = (
        li.username.replacen('l', "ｌ", 1),
        format!("\u{3000}{}\t", li.username),
    );
    for name in [wide, blank] {
        assert_eq!(
            proxy.sign_in("203.0.113.9", &name, PASSWORD).await,
            200,
            "{name}"
        );
    }
    assert_eq!(
        proxy
            .sign_in("203.0.113.9", &li.username, &format!("{PASSWORD} "))
            .await,
        401
    );
    app.stop().await;
}

/// A flooding machine behind an address takes no quota from others behind it, signed in or not.
#[tokio::test]
async fn honest_people_behind_a_flooding_address_go_on() {
    let (app, proxy, _) = behind_a_proxy(&[]).await;
    let (li, wu) = (app.nurse("Li").await, app.nurse("Wu").await);
    let ward = "203.0.113.50";
    assert_eq!(proxy.sign_in(ward, &li.username, PASSWORD).await, 200);
    let stop = tokio_util::sync::CancellationToken::new();
    let mut flood = tokio::task::JoinSet::new();
    for worker in 0..24 {
        let (proxy, stop, token) = (Arc::clone(&proxy), stop.clone(), wu.token.clone());
        flood.spawn(async move {
            let mut refused = [false; 3];
            for number in 0.. {
                if stop.is_cancelled() {
                    break;
                }
                let from = if worker % 2 == 0 {
                    ward.to_owned()
                } else {
                    format!("2001:db8:0:1::{number:x}")
                };
                let status = proxy
                    .sign_in(&from, &format!("made.up{worker}-{number}"), "x")
                    .await;
                refused[0] |= status == 429;
                let url = format!("http://{}/api/auth/me", proxy.address);
                for (kind, token) in [(1, "not a token"), (2, &token)] {
                    let request = proxy
                        .client
                        .get(&url)
                        .header("x-forwarded-for", ward)
                        .bearer_auth(token);
                    refused[kind] |= request.send().await.unwrap().status() == 429;
                }
            }
            refused
        });
    }
    let mut seen = 0;
    while seen < 12 {
        assert_eq!(
            proxy.sign_in(ward, &li.username, PASSWORD).await,
            200,
            "sign-in {seen}"
        );
        let me = proxy
            .client
            .get(format!("http://{}/api/auth/me", proxy.address));
        let me = me
            .header("x-forwarded-for", ward)
            .bearer_auth(&li.token)
            .send()
            .await
            .unwrap();
        assert_eq!(me.status(), 200);
        seen += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.cancel();
    flood.join_all().await;
    app.stop().await;
}

#[tokio::test]
async fn a_network_makes_only_so_many_accounts() {
    let (app, proxy, clock) = behind_a_proxy(&[]).await;
    let register = async |from: &str, name: &str| {
        let body = json!({ "username": name, "password": PASSWORD, "realName": "Li Na" });
        proxy.post(from, "/api/auth/register", &body).await
    };
    for name in [
        "all",
        "Everyone",
        "HERE",
        "admin",
        "root",
        "system",
        "Wardline",
        "CHIEF",
        "demo-nurse",
        "...",
        "-.-",
    ] {
        let (status, _, body) = register("203.0.113.7", name).await;
        assert_eq!(
            (status, body["details"]["username"].is_string()),
            (400, true),
            "{name}: {body}"
        );
    }
    for weak in [
        "password",
        "PassWord1",
        "ｐａｓｓｗｏｒｄ",
        "12345678",
        "iloveyou",
        "WardLine",
        "Li Na Li Na",
    ] {
        let body = json!({ "username": unique("li"), "password": weak, "realName": "Li Na Li Na" });
        let (status, _, body) = proxy.post("203.0.113.7", "/api/auth/register", &body).await;
        assert_eq!(
            (status, body["details"]["password"].is_string()),
            (400, true),
            "{weak}: {body}"
        );
    }
    let taken = unique("  taken");
    assert_eq!(
        register("203.0.113.7", &format!("{taken}\u{a0}")).await.0,
        201
    );
    for _ in 0..199 {
        assert_eq!(
            register("203.0.113.7", &taken).await.0,
            409,
            "the name has no blanks"
        );
    }
    let (status, retry_after, _) = register("203.0.113.7", &unique("li")).await;
    assert_eq!(status, 429);
    assert!((55..=60).contains(&retry_after.unwrap()));
    assert_eq!(register("203.0.113.8", &unique("li")).await.0, 201);
    clock.advance(Duration::from_secs(61));
    assert_eq!(register("203.0.113.7", &unique("li")).await.0, 201);
    assert_eq!(register("203.0.113.7", &unique("li")).await.0, 429);
    app.stop().await;
}

#[tokio::test]
async fn people_change_their_password_and_sign_out_everywhere() {
    let (app, proxy, clock) = behind_a_proxy(&[]).await;
    let beside = App::open(app.settings.clone(), clock.clone())
        .await
        .unwrap();
    let (admin, li, wu) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
    );
    let me = li.get("/api/auth/me").await.expect(200);
    assert!(me["mustChangePassword"].is_null());
    let path = format!("/api/chat/users/{}", li.id);
    for weak in ["password", "short", "Wardline", &li.username] {
        let reply = admin
            .call("PATCH", &path, json!({ "password": weak }))
            .await;
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{weak}");
    }
    admin
        .call("PATCH", &path, json!({ "password": "set by an admin" }))
        .await
        .expect(200);
    let seen = wu
        .get(&format!("/api/chat/users?search={}", li.username))
        .await
        .expect(200);
    assert!(
        seen[0]["mustChangePassword"].is_null(),
        "nobody else's business: {seen}"
    );
    let signed_in = app
        .call(
            "POST",
            "/api/auth/login",
            login(&li.username, "set by an admin"),
        )
        .await
        .expect(200);
    assert_eq!(signed_in["user"]["mustChangePassword"], json!(true));
    let li = app.person(&signed_in);
    let (phone, desk) = (li.join().await, li.join().await);
    let at_wu = wu.join().await;
    let change = |current: &str, next: &str| json!({ "current": current, "next": next });
    for (current, next, field) in [
        ("set by an admin", "iloveyou", "next"),
        ("set by an admin", "set by an admin", "next"),
        ("set by nobody", "a password of my own", "current"),
    ] {
        let reply = li
            .call("PUT", "/api/auth/password", change(current, next))
            .await;
        assert!(reply.body["details"][field].is_string(), "{}", reply.body);
        assert_eq!(reply.refused(400), "VALIDATION_FAILED");
    }
    li.get("/api/auth/me").await.expect(200);
    let new = li
        .call(
            "PUT",
            "/api/auth/password",
            change("set by an admin", "a password of my own"),
        )
        .await;
    let mut fresh = li.clone();
    fresh.token = crate::support::text(&new.expect(200)["token"]);
    phone.closed().await;
    desk.closed().await;
    assert_eq!(li.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    assert!(fresh.get("/api/auth/me").await.expect(200)["mustChangePassword"].is_null());
    assert_eq!(
        proxy
            .sign_in("203.0.113.7", &li.username, "set by an admin")
            .await,
        401
    );
    assert_eq!(
        proxy
            .sign_in("203.0.113.7", &li.username, "a password of my own")
            .await,
        200
    );
    // Ten an hour.
    let mut statuses = Vec::new();
    for _ in 0..10 {
        clock.advance(Duration::from_secs(7));
        let reply = fresh
            .call(
                "PUT",
                "/api/auth/password",
                change("set by nobody", "a password of my own 2"),
            )
            .await;
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [[400; 8].as_slice(), &[429; 2]].concat());

    // Sign out everywhere except here.
    let at_fresh = fresh.join().await;
    assert_eq!(
        fresh
            .call("DELETE", "/api/auth/sessions?keep=all", json!({}))
            .await
            .refused(400),
        "VALIDATION_FAILED"
    );
    let kept = fresh
        .call("DELETE", "/api/auth/sessions?keep=current", json!({}))
        .await
        .expect(200);
    at_fresh.closed().await;
    assert_eq!(fresh.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    fresh.token = crate::support::text(&kept["token"]);
    fresh.get("/api/auth/me").await.expect(200);
    let token = fresh.token.clone();
    assert!(beside.services.check_token(&token).await.is_ok());
    let gone = fresh
        .call("DELETE", "/api/auth/sessions", json!({}))
        .await
        .expect(200);
    assert!(gone.is_null(), "{gone}");
    assert_eq!(fresh.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    eventually(async || {
        beside
            .services
            .check_token(&token)
            .await
            .is_err()
            .then_some(())
    })
    .await;
    // Admins for other users.
    let path = format!("/api/chat/users/{}/sessions", wu.id);
    assert_eq!(
        wu.call("DELETE", &path, json!({})).await.refused(403),
        "FORBIDDEN"
    );
    assert!(!at_wu.is_closed());
    admin.call("DELETE", &path, json!({})).await.expect(200);
    at_wu.closed().await;
    assert_eq!(wu.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    assert_eq!(
        proxy.sign_in("203.0.113.7", &wu.username, PASSWORD).await,
        200
    );
    let nobody = "/api/chat/users/0123456789abcdef01234567/sessions";
    assert_eq!(
        admin.call("DELETE", nobody, json!({})).await.refused(404),
        "NOT_FOUND"
    );
    let records = app.database().await.collection::<Document>("audit");
    for (action, subject, count) in [
        ("auth.password", &li.id, 1),
        ("auth.sessions", &li.id, 2),
        ("user.sessions", &wu.id, 1),
    ] {
        let row = doc! { "action": action, "subject": ObjectId::parse_str(subject).unwrap() };
        assert_eq!(
            records.count_documents(row).await.unwrap(),
            count,
            "{action}"
        );
    }
    beside.close().await.unwrap();
    app.stop().await;
}

/// Another user has registered the name that the operator meant for the first admin.
#[tokio::test]
async fn a_taken_admin_name_stops_no_start_and_hands_nothing_over() {
    let system = || Arc::new(SystemClock);
    let mut settings = settings(&[]);
    let app = TestApp::with(settings.clone(), system()).await;
    let early = app.nurse("Early").await;
    settings.auth.first_admin = Some((early.username.clone(), PASSWORD.to_owned()));
    let again = App::open(settings.clone(), system())
        .await
        .expect("the service starts");
    assert_eq!(early.get("/api/chat/stats").await.refused(403), "FORBIDDEN");
    // The remedy in the log.
    again
        .services
        .set_account(&early.username, Some("the operator's own".to_owned()), None)
        .await
        .unwrap();
    let weak = again
        .services
        .set_account(&early.username, Some("12345678".to_owned()), None)
        .await;
    assert!(weak.is_err());
    let role = wardline::domain::user::Role::Admin;
    again
        .services
        .set_account(&early.username, None, Some(role))
        .await
        .unwrap();
    let signed_in = app
        .call(
            "POST",
            "/api/auth/login",
            login(&early.username, "the operator's own"),
        )
        .await;
    app.person(&signed_in.expect(200))
        .get("/api/chat/stats")
        .await
        .expect(200);
    again.close().await.unwrap();
    app.stop().await;
}
