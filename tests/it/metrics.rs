//! The meaning of each metric, tested on a separate process: its name describes it.

#![expect(clippy::float_cmp, reason = "counts are whole")]

use std::{collections::BTreeMap, time::Duration};

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{eventually, mongod, program::Program, socket::Socket, text, unique};

struct Service {
    client: Client,
    base: String,
}

impl Service {
    async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(token)
            .json(&body);
        let response = request.send().await.unwrap();
        (
            response.status().as_u16(),
            response.json().await.unwrap_or_default(),
        )
    }

    async fn metrics(&self) -> BTreeMap<String, f64> {
        let page = self
            .client
            .get(format!("{}/metrics", self.base))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        page.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(line)
            .collect()
    }

    /// Waits until a metric has this value.
    #[track_caller]
    fn says(&self, name: &str, wanted: f64) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let mut last = None;
            for _ in 0..200 {
                last = self.metrics().await.get(name).copied();
                if last.unwrap_or(0.0) == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("{name} is {last:?}, not {wanted} ({place})");
        }
    }
}

#[tokio::test]
async fn every_metric_counts_what_its_name_says() {
    let folder = mongod::folder("metrics");
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
        ("REGISTRATION", "open"),
    ];
    let program = Program::serve(&folder.join("log"), &variables).await;
    let service = Service {
        client: Client::new(),
        base: format!("http://{}", program.address),
    };
    let mut people = Vec::new();
    for who in ["li", "chen"] {
        let body = json!({ "username": unique(who), "password": crate::support::PASSWORD, "realName": who });
        let (status, made) = service.post("/api/auth/register", "", body).await;
        assert_eq!(status, 201, "{made}");
        people.push((
            text(&made["data"]["user"]["_id"]),
            text(&made["data"]["token"]),
        ));
    }
    let ((li, token), (chen, _)) = (people[0].clone(), people[1].clone());
    let pair = json!({ "userId1": li, "userId2": chen });
    let (_, session) = service
        .post("/api/chat/sessions/private", &token, pair)
        .await;
    let session = text(&session["data"]["_id"]);
    let letter = |key: &str| json!({ "sessionId": session, "senderId": li, "content": "digoxin", "clientMsgId": key });

    // Committed commands; a client's repeat commits nothing and is no setback.
    let before = service.metrics().await;
    let of =
        |metrics: &BTreeMap<String, f64>, name: &str| metrics.get(name).copied().unwrap_or(0.0);
    assert_eq!(
        service
            .post("/api/chat/messages", &token, letter("k1"))
            .await
            .0,
        201
    );
    assert_eq!(
        service
            .post("/api/chat/messages", &token, letter("k2"))
            .await
            .0,
        201
    );
    for _ in 0..5 {
        let repeat = async |key| {
            service
                .post("/api/chat/messages", &token, letter(key))
                .await
                .0
                / 100
        };
        assert_eq!(
            tokio::join!(repeat("k1"), repeat("k2"), repeat("k1")),
            (2, 2, 2)
        );
    }
    let after = service.metrics().await;
    let grown = |name: &str| of(&after, name) - of(&before, name);
    assert_eq!(grown("wardline_commits_total"), 2.0);
    assert_eq!(
        of(&after, "wardline_commit_setbacks_total"),
        0.0,
        "repeats of a client are no setbacks"
    );
    assert_eq!(
        grown("wardline_delivery_seconds_count"),
        2.0,
        "each committed operation was told once"
    );
    assert!(
        grown("wardline_batch_size_sum") >= 17.0 && grown("wardline_batch_size_count") <= 17.0,
        "operations in batches"
    );
    assert_eq!(
        grown("wardline_batch_size_count"),
        grown("wardline_commit_seconds_count"),
        "a time for each batch"
    );
    assert_eq!(
        grown(r#"wardline_http_requests_total{status="2xx"}"#),
        18.0,
        "17 sends and the look before"
    );
    assert_eq!(grown("wardline_http_seconds_count"), 18.0);
    for depth in [
        "wardline_commit_queue_depth",
        "wardline_outbox_depth",
        "wardline_inbox_depth",
    ] {
        service.says(depth, 0.0).await;
    }

    // Refusals by their code, requests by their class.
    assert_eq!(
        service
            .post("/api/chat/messages", &token, json!({}))
            .await
            .0,
        400
    );
    assert_eq!(
        service
            .post("/api/chat/messages", "nonsense", json!({}))
            .await
            .0,
        401
    );
    service
        .says(r#"wardline_refusals_total{reason="INVALID_MESSAGE"}"#, 1.0)
        .await;
    service
        .says(r#"wardline_refusals_total{reason="AUTH_FAILED"}"#, 1.0)
        .await;
    service
        .says(r#"wardline_http_requests_total{status="4xx"}"#, 2.0)
        .await;
    service
        .says(r#"wardline_http_requests_total{status="5xx"}"#, 0.0)
        .await;

    // Sockets that are open, and those that the service closed.
    let socket = Socket::connect(&program.address, json!({ "token": token }))
        .await
        .unwrap();
    service.says("wardline_connections", 1.0).await;
    assert!(
        Socket::connect(&program.address, json!({ "token": "nonsense" }))
            .await
            .is_err()
    );
    service
        .says(r#"wardline_refusals_total{reason="handshake"}"#, 1.0)
        .await;
    service.post("/api/auth/logout", &token, json!({})).await;
    service.says("wardline_connections", 0.0).await;
    service
        .says(
            r#"wardline_connections_closed_total{reason="token_ended"}"#,
            1.0,
        )
        .await;
    drop(socket);

    // Accepted files with their bytes, indexed messages, searches, and the lag of the index.
    let token = &people[1].1;
    let form = reqwest::multipart::Form::new().part(
        "file",
        reqwest::multipart::Part::bytes(vec![b'x'; 1_234]).file_name("a.txt"),
    );
    let upload = service
        .client
        .post(format!("{}/api/chat/files", service.base))
        .bearer_auth(token)
        .multipart(form);
    assert_eq!(upload.send().await.unwrap().status(), 201);
    service.says("wardline_uploads_total", 1.0).await;
    service.says("wardline_upload_bytes_total", 1_234.0).await;
    service.says("wardline_files_cleared_total", 0.0).await;
    service.says("wardline_search_documents", 2.0).await;
    let searched = of(&service.metrics().await, "wardline_search_seconds_count");
    let path = format!("/api/chat/messages/search?userId={chen}&keyword=digoxin");
    let search = service
        .client
        .get(format!("{}{path}", service.base))
        .bearer_auth(token);
    assert_eq!(search.send().await.unwrap().status(), 200);
    assert_eq!(
        of(&service.metrics().await, "wardline_search_seconds_count"),
        searched + 1.0
    );
    let lag = eventually(async || {
        service
            .metrics()
            .await
            .get("wardline_search_lag_seconds")
            .copied()
    })
    .await;
    assert!((0.0..30.0).contains(&lag), "{lag}");
    assert!(
        of(
            &service.metrics().await,
            "wardline_search_commit_seconds_count"
        ) >= 1.0
    );
    program.stop().await;
    mongodb::Client::with_uri_str(uri)
        .await
        .unwrap()
        .database(&name)
        .drop()
        .await
        .unwrap();
    let _ = std::fs::remove_dir_all(folder);
}
