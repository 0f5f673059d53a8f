//! Kinds of accounts: staff, guests, customers, and what each may do.

use std::sync::Arc;

use serde_json::{Value, json};
use wardline::domain::SystemClock;

use crate::support::{PASSWORD, TestApp, settings, text, unique};

async fn hospital() -> TestApp {
    let admin = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", "the chief's own password"),
        ("RATE_LIMIT", "off"),
    ];
    TestApp::with(settings(&admin), Arc::new(SystemClock)).await
}

#[tokio::test]
async fn who_registers_needs_no_real_name() {
    let app = hospital().await;
    let username = unique("li");
    let body = json!({ "username": username, "password": PASSWORD });
    let data = app
        .call("POST", "/api/auth/register", body)
        .await
        .expect(201);
    let user = &data["user"];
    assert_eq!(user["realName"], json!(username));
    assert_eq!(
        (&user["kind"], &user["isAgent"]),
        (&json!("staff"), &json!(false))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_customer_is_reached_at_the_service_desk_only() {
    let app = hospital().await;
    let (chief, li) = (app.admin().await, app.nurse("Li").await);
    let username = unique("wang");
    let customer = json!({
        "username": username, "password": PASSWORD, "realName": "Wang Wu", "role": "user", "kind": "customer",
    });
    li.call("POST", "/api/chat/users", customer.clone())
        .await
        .refused(403);
    let wang = chief
        .call("POST", "/api/chat/users", customer.clone())
        .await
        .expect(201);
    assert_eq!(wang["kind"], json!("customer"));
    let mut bad = customer.clone();
    (bad["role"], bad["username"]) = (json!("nurse"), json!(unique("wang")));
    assert_eq!(
        chief
            .call("POST", "/api/chat/users", bad.clone())
            .await
            .refused(400),
        "VALIDATION_FAILED"
    );
    (bad["role"], bad["kind"]) = (json!("user"), json!("guest"));
    assert_eq!(
        chief
            .call("POST", "/api/chat/users", bad)
            .await
            .refused(400),
        "VALIDATION_FAILED"
    );

    let login = |password: &str| json!({ "username": username, "password": password });
    let login_as = async |password| app.call("POST", "/api/auth/login", login(password)).await;
    assert_eq!(login_as(PASSWORD).await.refused(403), "FORBIDDEN");
    assert_eq!(
        login_as("a wrong password").await.refused(401),
        "AUTH_FAILED"
    );
    // A token that another holder of the secret signed is none of a customer's.
    let with_token = li.acting_as(&text(&wang["_id"]));
    assert_eq!(
        with_token.get("/api/auth/me").await.refused(401),
        "AUTH_FAILED"
    );

    for path in [
        "/api/chat/users".to_owned(),
        format!("/api/chat/users?search={username}"),
    ] {
        let listed = chief.get(&path).await.expect(200);
        assert!(!listed.to_string().contains(&username), "{path}");
    }
    let private = json!({ "userId1": li.id, "userId2": wang["_id"] });
    li.call("POST", "/api/chat/sessions/private", private)
        .await
        .refused(404);
    let group = json!({ "sessionName": "Ward", "participants": [wang["_id"]] });
    li.call("POST", "/api/chat/sessions/group", group)
        .await
        .refused(404);
    let path = format!("/api/chat/users/{}", text(&wang["_id"]));
    let agent = chief.call("PATCH", &path, json!({ "isAgent": true })).await;
    assert_eq!(
        agent.body["details"]["isAgent"],
        json!("must be a member of staff")
    );
    app.stop().await;
}

#[tokio::test]
async fn an_admin_makes_a_user_an_agent_and_the_record_names_the_principal() {
    let app = hospital().await;
    let (chief, li) = (app.admin().await, app.nurse("Li").await);
    let path = format!("/api/chat/users/{}", li.id);
    li.call("PATCH", &path, json!({ "isAgent": true }))
        .await
        .refused(403);
    let changed = chief
        .call("PATCH", &path, json!({ "isAgent": true }))
        .await
        .expect(200);
    assert_eq!(changed["isAgent"], json!(true));
    assert_eq!(
        li.get("/api/auth/me").await.expect(200)["isAgent"],
        json!(true)
    );
    let rows = chief
        .get(&format!(
            "/api/chat/audit?subject={}&action=user.change",
            li.id
        ))
        .await
        .expect(200);
    let row = &rows.as_array().unwrap()[0];
    assert_eq!(
        (&row["principal"], &row["gateway"]),
        (&json!("user"), &json!("chat"))
    );
    let first: &Value = &row["changes"][0];
    assert_eq!(
        (&first["field"], &first["to"]),
        (&json!("isAgent"), &json!("true"))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_guest_reaches_only_what_it_was_added_to() {
    let app = hospital().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let others = li.session_with(&chen).await;
    let message = li.send(&others, "not for guests").await;
    let body = json!({ "nickname": "Visitor" });
    let data = app.call("POST", "/api/auth/guest", body).await.expect(201);
    let user = data["user"].clone();
    assert_eq!(
        (&user["kind"], &user["isGuest"]),
        (&json!("guest"), &json!(true))
    );
    assert_eq!((&user["userId"], &user["id"]), (&user["_id"], &user["_id"]));
    assert_eq!(
        (&user["realName"], &user["avatarUrl"]),
        (&json!("Visitor"), &json!(""))
    );
    let name = text(&user["username"]);
    assert!(name.starts_with("guest-") && name.len() == 14, "{name}");
    // A name of which nothing can be seen is none.
    for nothing in [
        json!({}),
        json!({ "nickname": "" }),
        json!({ "guestName": "\u{200b}\n" }),
    ] {
        let unnamed = app
            .call("POST", "/api/auth/guest", nothing)
            .await
            .expect(201);
        assert_eq!(unnamed["user"]["realName"], unnamed["user"]["username"]);
    }
    assert_eq!(data["accessToken"], data["token"]);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let left = data["expiresIn"].as_u64().unwrap() - now;
    assert!((86_300..=86_400).contains(&left), "{left}");

    let guest = app.person(&data);
    guest.get("/api/auth/me").await.expect(200);
    let private = json!({ "userId1": guest.id, "userId2": li.id });
    let group = json!({ "sessionName": "Ours", "participants": [li.id] });
    for (method, path, body) in [
        ("GET", "/api/chat/users".to_owned(), json!(null)),
        ("GET", "/api/chat/users?search=li".to_owned(), json!(null)),
        ("POST", "/api/chat/sessions/private".to_owned(), private),
        ("POST", "/api/chat/sessions/group".to_owned(), group),
        (
            "PATCH",
            format!("/api/chat/users/{}", guest.id),
            json!({ "avatar": "" }),
        ),
        ("GET", format!("/api/chat/sessions/{}", li.id), json!(null)),
        ("GET", "/api/chat/stats".to_owned(), json!(null)),
    ] {
        let reply = guest.call(method, &path, body).await;
        assert_eq!(reply.refused(403), "FORBIDDEN", "{method} {path}");
    }
    let id = text(&message["_id"]);
    for (method, path, body) in [
        ("GET", format!("/api/chat/messages/{others}"), json!(null)),
        (
            "GET",
            format!("/api/chat/sessions/{others}/info"),
            json!(null),
        ),
        (
            "PUT",
            format!("/api/chat/messages/{id}/read"),
            json!({ "userId": guest.id }),
        ),
        (
            "GET",
            format!("/api/chat/messages/{id}/receipts"),
            json!(null),
        ),
        (
            "POST",
            "/api/chat/messages".to_owned(),
            guest.message(&others, "hello"),
        ),
    ] {
        guest.call(method, &path, body).await.refused(404);
    }
    let (at_li, at_guest) = (li.join().await, guest.join().await);
    assert_eq!(
        at_guest
            .call("users:online", json!(null))
            .await
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let online = at_li.call("users:online", json!(null)).await;
    assert!(
        !online.to_string().contains(&guest.id),
        "no directory lists a guest"
    );
    let listed = li.get("/api/chat/users").await.expect(200);
    assert!(!listed.to_string().contains(&guest.id));

    // Added to a group, it takes part in it, and adds nobody.
    let ward = crate::groups::group(&li, &[&guest], "Ward").await;
    guest.send(&ward, "good morning").await;
    assert_eq!(
        at_li
            .next_where("message:receive", |m| m["message"]["sender"]
                == json!(guest.id))
            .await["message"]["content"],
        "good morning"
    );
    let add = json!({ "userIds": [chen.id] });
    let path = format!("/api/chat/sessions/{ward}/participants");
    assert_eq!(
        guest.call("POST", &path, add).await.refused(403),
        "FORBIDDEN"
    );
    let info = guest
        .get(&format!("/api/chat/sessions/{ward}/info"))
        .await
        .expect(200);
    assert_eq!(info["participantProfiles"].as_array().unwrap().len(), 2);
    let current = json!({ "current": PASSWORD, "next": "another long password" });
    guest
        .call("PUT", "/api/auth/password", current)
        .await
        .refused(403);
    let login = json!({ "username": name, "password": "$argon2id$none" });
    app.call("POST", "/api/auth/login", login)
        .await
        .refused(401);
    guest
        .call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    guest.get("/api/auth/me").await.refused(401);
    app.stop().await;
}

#[tokio::test]
async fn guests_are_let_in_by_the_setting_and_ten_a_minute() {
    let app = TestApp::with(settings(&[("GUESTS", "off")]), Arc::new(SystemClock)).await;
    app.call("POST", "/api/auth/guest", json!({}))
        .await
        .refused(403);
    app.stop().await;
    let app = TestApp::start().await;
    let long = json!({ "guestName": "x".repeat(33) });
    app.call("POST", "/api/auth/guest", long).await.refused(400);
    let client = reqwest::Client::new();
    let url = format!("http://{}/api/auth/guest", app.address);
    let bodiless = client.post(&url).send().await.unwrap();
    assert_eq!(bodiless.status(), 201);
    for _ in 1..10 {
        app.call("POST", "/api/auth/guest", json!({}))
            .await
            .expect(201);
    }
    let late = app.call("POST", "/api/auth/guest", json!({})).await;
    assert_eq!(late.refused(429), "RATE_LIMITED");
    let named = json!({ "username": "guest-mine", "password": PASSWORD });
    app.call("POST", "/api/auth/register", named)
        .await
        .refused(400);
    app.stop().await;
}
