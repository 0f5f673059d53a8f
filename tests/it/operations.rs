//! Operations: health, metrics, headers, the documentation, migrations, seeds.

use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::{
    Collection, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};
use serde_json::json;
use wardline::{
    app::{App, StartError},
    domain::SystemClock,
    service::Synthetic,
};

use crate::support::{TestApp, mongod, program::Program, settings, text, unique};

#[tokio::test]
async fn health_is_exactly_as_the_source_shows_it() {
    let app = TestApp::start().await;
    let client = reqwest::Client::new();
    for (language, words) in [
        ("zh-CN", "聊天服务器运行正常"),
        ("en", "The chat server is running normally"),
    ] {
        for path in ["/api/health", "/health"] {
            let request = client
                .get(format!("http://{}{path}", app.address))
                .header("accept-language", language);
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            let id = response.headers()["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned();
            assert_eq!(id.len(), 32);
            let body: serde_json::Value = response.json().await.unwrap();
            let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["message", "status", "timestamp"]);
            assert_eq!(
                (&body["status"], &body["message"]),
                (&json!("ok"), &json!(words))
            );
        }
    }
    let kept = client
        .get(format!("http://{}/health", app.address))
        .header("x-request-id", "from-the-ward-7");
    assert_eq!(
        kept.send().await.unwrap().headers()["x-request-id"],
        "from-the-ward-7"
    );
    let docs = client
        .get(format!("http://{}/docs/", app.address))
        .send()
        .await
        .unwrap();
    assert!(docs.status().is_success() && docs.text().await.unwrap().contains("swagger"));
    let li = app.nurse("Li").await;
    let (chen, at_li) = (app.nurse("Chen").await, li.join().await);
    li.send(&li.session_with(&chen).await, "counted").await;
    let metrics = text(&app.call("GET", "/metrics", json!({})).await.body);
    for name in [
        "wardline_connections",
        "wardline_commits_total",
        "wardline_batch_size",
        "wardline_commit_seconds",
        "wardline_inbox_depth",
        "wardline_outbox_depth",
        "wardline_delivery_seconds",
    ] {
        assert!(metrics.contains(name), "{name} is missing");
    }
    assert!(!metrics.contains("counted"));
    drop(at_li);
    app.stop().await;
}

#[tokio::test]
async fn cors_names_allowed_origins_only() {
    let app = TestApp::with(
        settings(&[("CORS_ORIGINS", "https://ward.example")]),
        Arc::new(SystemClock),
    )
    .await;
    let client = reqwest::Client::new();
    for (origin, allowed) in [
        ("https://ward.example", true),
        ("https://evil.example", false),
    ] {
        let request = client
            .request(
                reqwest::Method::OPTIONS,
                format!("http://{}/api/chat/messages", app.address),
            )
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let response = request.send().await.unwrap();
        let named = response
            .headers()
            .get("access-control-allow-origin")
            .is_some_and(|value| value == origin);
        assert_eq!(named, allowed, "{origin}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_newer_database_is_refused_and_an_old_one_taken_along() {
    let settings = settings(&[]);
    let app = App::open(settings.clone(), Arc::new(SystemClock))
        .await
        .unwrap();
    let client = mongodb::Client::with_uri_str(settings.database.uri.clone().unwrap())
        .await
        .unwrap();
    let meta = client
        .database(&settings.database.name)
        .collection::<Document>("meta");
    app.close().await.unwrap();
    // Interrupted before its number was written: the step runs again.
    meta.delete_many(doc! {}).await.unwrap();
    let app = App::open(settings.clone(), Arc::new(SystemClock))
        .await
        .unwrap();
    let format = app.store().format().await.unwrap();
    assert_eq!(format, wardline::store::migrations::newest_format());
    app.close().await.unwrap();
    meta.update_one(
        doc! { "_id": "format" },
        doc! { "$set": { "version": format + 1 } },
    )
    .await
    .unwrap();
    let refused = App::open(settings, Arc::new(SystemClock)).await.err();
    assert!(
        matches!(refused, Some(StartError::Database(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn unique_indexes_of_the_first_format_are_replaced() {
    let settings = settings(&[]);
    App::open(settings.clone(), Arc::new(SystemClock))
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let client = mongodb::Client::with_uri_str(settings.database.uri.clone().unwrap())
        .await
        .unwrap();
    let database = client.database(&settings.database.name);
    let unique = |name: &str, keys: Document| {
        let options = IndexOptions::builder()
            .name(name.to_owned())
            .unique(true)
            .build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    let messages = database.collection::<Document>("messages");
    let sockets: Collection<Document> = database.collection("online_users");
    messages.drop_index("order").await.unwrap();
    messages
        .create_index(unique("order", doc! { "sessionId": 1, "seq": 1 }))
        .await
        .unwrap();
    sockets
        .create_index(unique("socket", doc! { "node": 1, "socketId": 1 }))
        .await
        .unwrap();
    let first = doc! { "$set": { "version": 1_i64 } };
    database
        .collection::<Document>("meta")
        .update_one(doc! { "_id": "format" }, first)
        .await
        .unwrap();

    let app = App::open(settings, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(
        app.store().format().await.unwrap(),
        wardline::store::migrations::newest_format()
    );
    let mut indexes = messages.list_indexes().await.unwrap();
    let mut order = None;
    while let Some(index) = indexes.try_next().await.unwrap() {
        let options = index.options.unwrap();
        if options.name.as_deref() == Some("order") {
            order = Some(options.unique.unwrap_or_default());
        }
    }
    assert_eq!(order, Some(false), "it is there, and not unique");
    let names = sockets.list_index_names().await.unwrap();
    assert!(
        names.contains(&"node".to_owned()) && !names.contains(&"socket".to_owned()),
        "{names:?}"
    );
    app.drop_database_and_close().await.unwrap();
}

#[tokio::test]
async fn the_demonstration_hospital_loads_once() {
    let app = App::open(settings(&[]), Arc::new(SystemClock))
        .await
        .unwrap();
    let (people, made) = app.services.seed_demonstration().await.unwrap();
    assert!(people.len() >= 20 && people.len() == made);
    let messages = async || {
        let client = mongodb::Client::with_uri_str(app.settings.database.uri.clone().unwrap())
            .await
            .unwrap();
        client
            .database(&app.settings.database.name)
            .collection::<Document>("messages")
            .count_documents(doc! {})
            .await
            .unwrap()
    };
    let count = messages().await;
    assert!(count > 200, "{count}");
    assert_eq!(
        app.services.seed_demonstration().await.unwrap().1,
        0,
        "nobody is made twice"
    );
    assert_eq!(messages().await, count);
    app.drop_database_and_close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synthetic_history_obeys_the_same_rules() {
    let app = TestApp::unlimited().await;
    let beside = App::open(app.settings.clone(), Arc::new(SystemClock))
        .await
        .unwrap();
    beside
        .services
        .seed_synthetic(Synthetic {
            users: 10,
            sessions: 12,
            messages: 1_000,
        })
        .await
        .unwrap();
    beside
        .services
        .seed_synthetic(Synthetic {
            users: 10,
            sessions: 12,
            messages: 1_000,
        })
        .await
        .unwrap();
    let signed_in = beside.services.synthetic_tokens(10).await.unwrap();
    beside.close().await.unwrap();
    let mut total = 0;
    for one in &signed_in {
        let user = json!({ "_id": one.user.id, "username": one.user.username });
        let person = app.person(&json!({ "user": user, "token": one.issued.token }));
        let sessions = person
            .get(&format!("/api/chat/sessions/{}", person.id))
            .await
            .expect(200);
        for session in sessions.as_array().unwrap() {
            let history = person.history(&text(&session["_id"])).await;
            total += history.len();
            let read = |m: &&serde_json::Value| {
                m["readBy"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|r| r["user"] == json!(person.id))
            };
            let unread = history
                .iter()
                .filter(|m| m["sender"] != json!(person.id))
                .filter(|m| !read(m))
                .count();
            assert_eq!(session["unread"], json!(unread));
        }
    }
    assert_eq!(total, 2_000, "each of 1,000 messages is seen by two");
    app.stop().await;
}

/// Behind a proxy that does not forward the host, the service's own page counts as foreign. The log
/// names each requested host once, with its origin and the remedy.
#[tokio::test]
async fn a_refused_page_is_told_of_once_with_its_remedies() {
    let folder = mongod::folder("origins");
    std::fs::create_dir_all(&folder).unwrap();
    let (uri, name, data) = (
        mongod::shared_uri(),
        unique("t"),
        folder.join("data").display().to_string(),
    );
    let variables = [
        ("MONGODB_URI", uri.as_str()),
        ("MONGODB_DB", &name),
        ("DATA_DIR", &data),
    ];
    let log = folder.join("log");
    let program = Program::serve(&log, &variables).await;
    let address = format!(
        "http://{}/socket.io/?EIO=4&transport=polling",
        program.address
    );
    let origins = ["https://chat.hospital.example", "https://other.example"];
    for origin in origins.into_iter().cycle().take(6) {
        let asked = reqwest::Client::new()
            .get(&address)
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        assert_eq!(asked.status().as_u16(), 403);
    }
    let said = std::fs::read_to_string(&log).unwrap();
    for origin in origins {
        let lines: Vec<&str> = said.lines().filter(|line| line.contains(origin)).collect();
        assert_eq!(lines.len(), 1, "{said}");
        for part in [
            "WARN",
            &program.address,
            "proxy_set_header Host",
            "FRONTEND_URL",
        ] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
    }
    program.stop().await;
}
