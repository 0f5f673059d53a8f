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
    // A token that somebody else signed with the secret is none of a customer's.
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
async fn an_admin_makes_somebody_an_agent_and_the_record_names_the_principal() {
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
