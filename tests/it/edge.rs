//! The edge of HTTP: hosts, origins, proxies, public endpoints, extreme numbers.

use std::sync::Arc;

use mongodb::bson::{Bson, Document, doc};
use reqwest::Response;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wardline::domain::SystemClock;

use crate::support::{TestApp, settings};

/// The status of a raw request.
async fn raw(app: &TestApp, request: &str) -> u16 {
    let mut stream = TcpStream::connect(&app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()[9..].parse().unwrap()
}

async fn get(app: &TestApp, path: &str, lines: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client.get(format!("http://{}{path}", app.address));
    lines
        .iter()
        .fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
        .send()
        .await
        .unwrap()
}

async fn status(app: &TestApp, path: &str, lines: &[(&str, &str)]) -> u16 {
    get(app, path, lines).await.status().as_u16()
}

#[tokio::test]
async fn a_request_names_one_host() {
    let app = TestApp::start().await;
    for (lines, wanted) in [
        ("GET /api/health HTTP/1.1\r\n\r\n", 400),
        (
            "GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            400,
        ),
        (
            "GET /api/health HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
            400,
        ),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
        (
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n\r\n",
            400,
        ),
        ("GET /api/health HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n", 200),
        (
            "GET /api/health HTTP/1.1\r\nHost: ward.example\r\n\r\n",
            200,
        ),
        ("GET /api/health HTTP/1.0\r\n\r\n", 200),
    ] {
        assert_eq!(raw(&app, lines).await, wanted, "{lines}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_page_finds_its_files_below_any_path() {
    let app = TestApp::unlimited().await;
    for (path, up) in [
        ("/", ""),
        ("/chat", ""),
        ("/chat/0123", "../"),
        ("/a/b/c", "../../"),
        ("/chat/", "../"),
    ] {
        let page = get(&app, path, &[("accept", "text/html")]).await;
        assert_eq!(page.status(), 200, "{path}");
        let page = page.text().await.unwrap();
        // A relative address resolves against the page's own address; nothing else leaves the
        // folder.
        for part in ["=\"./", "=\"docs/"].iter().filter(|_| !up.is_empty()) {
            assert!(!page.contains(part), "{path}: {part}");
        }
        assert!(page.contains("Wardline"));
    }
    app.stop().await;
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_holders_of_the_token() {
    let token = "a token of some length";
    let variables = [
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("METRICS_TOKEN", token),
        ("RATE_LIMIT", "off"),
    ];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    assert_eq!(status(&app, "/metrics", &[]).await, 200);
    for name in [
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "x-forwarded-host",
        "via",
    ] {
        for value in [
            "203.0.113.7",
            "203.0.113.7:4711",
            "[2001:db8::1]",
            "unknown",
            "",
            "127.0.0.1",
            "for=::1",
        ] {
            assert_eq!(
                status(&app, "/metrics", &[(name, value)]).await,
                404,
                "{name}: {value}"
            );
        }
    }
    for host in [
        "evil.example",
        "evil.example:3000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
    ] {
        assert_eq!(
            status(&app, "/metrics", &[("host", host)]).await,
            404,
            "{host}"
        );
    }
    for host in ["localhost:3000", "127.0.0.1", "[::1]:3000"] {
        assert_eq!(
            status(&app, "/metrics", &[("host", host)]).await,
            200,
            "{host}"
        );
    }
    let with = async |token: &str| {
        let given = format!("Bearer {token}");
        status(
            &app,
            "/metrics",
            &[
                ("authorization", &given),
                ("x-forwarded-for", "203.0.113.7"),
            ],
        )
        .await
    };
    assert_eq!(with(token).await, 200);
    for wrong in [
        "",
        "a",
        "a token of some lengtH",
        "a token of some length and more",
    ] {
        assert_eq!(with(wrong).await, 404, "{wrong}");
    }
    app.stop().await;
}

#[tokio::test]
async fn pages_behind_a_proxy_are_live_and_strangers_are_not() {
    let variables = [
        ("WARDLINE_ENV", "production"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("PUBLIC_HOSTS", "ward.local"),
        ("CORS_ORIGINS", "capacitor://localhost"),
    ];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let poll = "/socket.io/?EIO=4&transport=polling";
    let page = ("origin", "https://chat.hospital.example");
    let cases: [(&[(&str, &str)], u16); 10] = [
        (&[page], 403),
        (&[page, ("x-forwarded-for", "203.0.113.7")], 403),
        (
            &[
                page,
                ("x-forwarded-for", "203.0.113.7"),
                ("host", "chat.hospital.example"),
            ],
            200,
        ),
        (&[page, ("x-forwarded-host", "chat.hospital.example")], 200),
        (
            &[
                page,
                (
                    "forwarded",
                    "for=203.0.113.7;host=chat.hospital.example;proto=https",
                ),
            ],
            200,
        ),
        (&[page, ("x-forwarded-host", "other.example")], 403),
        (
            &[
                ("origin", "http://evil.example:3000"),
                ("host", "evil.example:3000"),
            ],
            403,
        ),
        (
            &[
                ("origin", "http://ward.local:3000"),
                ("host", "ward.local:3000"),
            ],
            200,
        ),
        (&[("origin", "capacitor://localhost")], 200),
        (&[("origin", "null")], 403),
    ];
    for (lines, wanted) in cases {
        let answer = get(&app, poll, lines).await;
        assert_eq!(answer.status().as_u16(), wanted, "{lines:?}");
        if wanted == 200 {
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert_eq!(answer.headers()["access-control-allow-origin"], lines[0].1);
            assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
            assert!(
                answer
                    .headers()
                    .get_all("vary")
                    .iter()
                    .any(|v| v.to_str().unwrap().contains("origin"))
            );
        }
    }
    let over_tls = get(&app, "/", &[("x-forwarded-proto", "https")]).await;
    assert_eq!(
        over_tls.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    for lines in [&[][..], &[("x-forwarded-proto", "http")]] {
        assert!(
            !get(&app, "/", lines)
                .await
                .headers()
                .contains_key("strict-transport-security")
        );
    }
    // The service's description is not public in production.
    for path in ["/docs", "/docs/", "/docs/openapi.json"] {
        assert_eq!(status(&app, path, &[]).await, 404, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_description_works_below_any_path_and_open_calls_have_a_limit() {
    let app = TestApp::start().await;
    let redirected = get(&app, "/docs", &[]).await;
    assert_eq!(
        (
            redirected.status().as_u16(),
            &redirected.headers()["location"]
        ),
        (308, &"docs/".parse().unwrap())
    );
    let page = get(&app, "/docs/", &[]).await.text().await.unwrap();
    assert!(page.contains("<title>Wardline API</title>"), "{page}");
    let initializer = get(&app, "/docs/swagger-initializer.js", &[])
        .await
        .text()
        .await
        .unwrap();
    assert!(
        initializer.contains("\"openapi.json\"") && !initializer.contains("/docs/"),
        "{initializer}"
    );
    assert_eq!(status(&app, "/docs/openapi.json", &[]).await, 200);

    let client = reqwest::Client::new();
    let preflight = client
        .request(
            reqwest::Method::OPTIONS,
            format!("http://{}/api/chat/messages", app.address),
        )
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "POST")
        .send()
        .await
        .unwrap();
    let allowed = |name: &str| {
        preflight.headers()[name]
            .to_str()
            .unwrap()
            .to_ascii_lowercase()
    };
    for name in [
        "authorization",
        "content-type",
        "x-session-id",
        "x-requested-with",
        "idempotency-key",
        "x-request-id",
    ] {
        assert!(
            allowed("access-control-allow-headers").contains(name),
            "{name}"
        );
    }
    assert_eq!(allowed("access-control-max-age"), "600");
    assert_eq!(allowed("access-control-allow-credentials"), "true");

    // 600 at once and 120 a second, as for any call; one ping to MongoDB a second serves them all.
    // A machine that is slower sees no refusal.
    let (begun, mut answered) = (std::time::Instant::now(), 0.0);
    for path in ["/health", "/api/health"].iter().cycle().take(1_000) {
        let answer = client
            .get(format!("http://{}{path}", app.address))
            .send()
            .await
            .unwrap()
            .status();
        answered += f64::from(u8::from(answer == 200));
        assert!(answer == 200 || answer == 429, "{answer}");
    }
    assert!(
        answered <= 610.0 + 121.0 * begun.elapsed().as_secs_f64(),
        "{answered} were answered"
    );
    app.stop().await;
}

#[tokio::test]
async fn numbers_at_the_edge_of_their_range_are_answered() {
    let variables = [
        ("RATE_LIMIT", "off"),
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "a long enough one"),
    ];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let (li, chen, admin) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.admin().await,
    );
    let session = li.session_with(&chen).await;
    let message = li.send(&session, "one").await["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = li.upload("a.txt", b"text".to_vec()).await.expect(201)["fileId"]
        .as_str()
        .unwrap()
        .to_owned();
    let paths = [
        "/api/chat/users?page=N&limit=1000".to_owned(),
        "/api/chat/users?limit=N".to_owned(),
        format!("/api/chat/sessions/{}?page=N&limit=100", li.id),
        format!("/api/chat/messages/{session}?page=N"),
        format!("/api/chat/messages/{session}?beforeSeq=N"),
        format!("/api/chat/messages/{session}?afterSeq=N"),
        format!("/api/chat/messages/{session}?limit=N"),
        format!(
            "/api/chat/messages/search?userId={}&keyword=one&page=N",
            li.id
        ),
        format!(
            "/api/chat/messages/search?userId={}&keyword=one&from=N&to=N",
            li.id
        ),
        "/api/chat/stats/users?page=N&limit=1000".to_owned(),
        "/api/chat/stats/users?days=N".to_owned(),
        "/api/chat/stats/trends?days=N".to_owned(),
        "/api/chat/stats/departments?days=N".to_owned(),
        format!(
            "/api/chat/files/{file}?user={}&token=x&expires=N&signature=x",
            li.id
        ),
    ];
    let numbers = [
        "0",
        "-1",
        "1",
        "2147483647",
        "2147483648",
        "2147483649",
        "4294967296",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "1e3",
        "1.5",
        "NaN",
        "",
        "+1",
        "٣",
    ];
    for path in &paths {
        for number in numbers {
            let path = path.replace('N', number);
            let reply = if path.contains("/stats") { &admin } else { &li }
                .get(&path)
                .await;
            assert!(
                [200, 400, 401].contains(&reply.status),
                "{path}: {} {}",
                reply.status,
                reply.body
            );
            if path.starts_with("/api/chat/users?page=") && number.len() > 9 {
                assert_eq!(reply.status, 400, "{path}");
            }
        }
    }
    for number in [
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(-1),
        json!(1.5),
        json!("1"),
    ] {
        for (path, body) in [
            (
                format!("/api/chat/sessions/{session}/read"),
                json!({ "seq": number }),
            ),
            ("/api/chat/messages".to_owned(), {
                let mut body = li.message(&session, "two");
                body["fileSize"] = number.clone();
                body
            }),
        ] {
            let status = li.call("POST", &path, body).await.status;
            assert!(
                [200, 201, 400, 404].contains(&status),
                "{path} {number}: {status}"
            );
        }
    }
    // Byte ranges outside the file.
    let client = reqwest::Client::new();
    for range in [
        "bytes=0-18446744073709551615",
        "bytes=18446744073709551615-",
        "bytes=-18446744073709551616",
    ] {
        let asked = client.get(format!("http://{}/api/chat/files/{file}", app.address));
        let status = asked
            .bearer_auth(&li.token)
            .header("range", range)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16();
        assert!([200, 206, 416].contains(&status), "{range}: {status}");
    }
    // Authentication precedes validation.
    for path in [
        "/api/chat/files/nonsense",
        "/api/chat/files/nonsense/thumbnail",
        "/api/chat/files/nonsense/link",
    ] {
        assert_eq!(status(&app, path, &[]).await, 401, "{path}");
        assert_eq!(li.get(path).await.status, 400, "{path}");
    }
    assert_eq!(
        li.get(&format!("/api/chat/messages/{message}/receipts"))
            .await
            .status,
        200
    );
    // JSON that begins with a byte order mark, and a language tag as programs write it.
    let body = format!("\u{feff}{}", li.message(&session, "marked"));
    let sent = client
        .post(format!("http://{}/api/chat/messages", app.address))
        .bearer_auth(&li.token);
    let sent = sent
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 201);
    let refused = get(&app, "/api/auth/me", &[("accept-language", "zh_CN")])
        .await
        .text()
        .await
        .unwrap();
    assert!(
        refused.contains('请') || refused.contains('登'),
        "{refused}"
    );
    let csv = async |accept: &str| {
        let asked = client
            .get(format!("http://{}/api/chat/stats", app.address))
            .bearer_auth(&admin.token);
        asked
            .header("accept", accept)
            .send()
            .await
            .unwrap()
            .headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert!(csv("TEXT/CSV").await.starts_with("text/csv"));
    assert!(
        csv("application/json, text/csv;q=0.1")
            .await
            .starts_with("application/json")
    );
    app.stop().await;
}

#[tokio::test]
async fn stored_numbers_mean_the_same_in_every_type() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    for text in ["one", "two"] {
        li.send(&session, text).await;
    }
    let database = app.database().await;
    // As an operator with a shell may leave them.
    for (collection, fields) in [
        ("sessions", &["seq", "rev", "version", "messageCount"][..]),
        ("messages", &["seq", "rev"]),
    ] {
        for kind in ["double", "decimal"] {
            let set: Document = fields
                .iter()
                .map(|field| {
                    (
                        (*field).to_owned(),
                        Bson::from(
                            doc! { "$convert": { "input": format!("${field}"), "to": kind } },
                        ),
                    )
                })
                .collect();
            let rows = database.collection::<Document>(collection);
            let change = rows
                .update_many(doc! {}, vec![doc! { "$set": set }])
                .bypass_document_validation(true);
            assert!(change.await.unwrap().matched_count > 0);
            assert_eq!(li.history(&session).await.len(), 2, "{collection} {kind}");
            assert_eq!(chen.unread().await.0, 2, "{collection} {kind}");
        }
    }
    let settings = app.settings.clone();
    app.stop().await;
    // A process with an empty cache continues from them.
    let app = TestApp::with(settings, Arc::new(SystemClock)).await;
    let user = json!({ "_id": li.id, "username": li.username });
    let back = app.person(&json!({ "user": user, "token": li.token }));
    assert_eq!(back.send(&session, "three").await["seq"], json!(3));
    app.stop().await;
}

/// An MP3 whose tag contains nested chapters.
fn nested(depth: u32) -> Vec<u8> {
    let size =
        |number: u32| [21, 14, 7, 0].map(|shift| u8::try_from(number >> shift & 0x7f).unwrap());
    // A frame's header, then a chapter's name and four times.
    let (head, chapter) = (10, 17);
    let mut file = b"ID3\x04\0\0".to_vec();
    file.extend(size(depth * (head + chapter)));
    for level in 0..depth {
        file.extend(b"CHAP");
        file.extend(size(chapter + (depth - 1 - level) * (head + chapter)));
        file.extend([0; 2]);
        file.extend([0; 17]);
    }
    for _ in 0..40 {
        file.extend([0xff, 0xfb, 0x90, 0]);
        file.extend([0; 413]);
    }
    file
}

#[tokio::test]
async fn a_tag_that_is_nested_without_end_ends_nothing() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    li.upload("deep.mp3", nested(60_000)).await.expect(201);
    li.upload("flat.mp3", nested(1)).await.expect(201);
    assert_eq!(status(&app, "/health", &[]).await, 200);
    app.stop().await;
}
