//! Resources are limited by their weight: bytes in outboxes, unauthenticated connections, heavy
//! calls.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Person, TestApp, eventually, text};

/// The number of requests of the client that reads nothing, over its socket.
const QUESTIONS: usize = 40;

/// The outbox bytes in the service's metrics.
async fn waiting(app: &TestApp) -> f64 {
    let metrics = text(&app.call("GET", "/metrics", json!({})).await.body);
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("wardline_waiting_bytes "));
    line.and_then(|number| number.trim().parse().ok())
        .unwrap_or(0.0)
}

/// A conversation with this many messages of maximum length.
async fn long_session(app: &TestApp, messages: usize) -> (Person, String) {
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_li = li.join().await;
    let long = "\u{1F4A9}".repeat(8_000);
    let mut answers = Vec::new();
    for _ in 0..messages {
        answers.push(
            at_li
                .begin("message:send", li.message(&session, &long))
                .await,
        );
    }
    for answer in answers {
        assert_eq!(answer.await.unwrap()["success"], json!(true));
    }
    (li, session)
}

async fn raw(app: &TestApp, request: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(app.address.parse().unwrap()).await.unwrap();
    line.write_all(request).await.unwrap();
    line
}

/// Everything received on a connection until it is quiet or ends.
async fn answer(line: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(Ok(count @ 1..)) =
        tokio::time::timeout(Duration::from_millis(800), line.read(&mut piece)).await
    {
        bytes.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A client requests much and reads nothing, over the socket and over REST. Its outbox is bounded,
/// and other clients are unaffected. Once it reads, it receives each answer once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_holds_a_bounded_weight() {
    let app = TestApp::start().await;
    let (li, session) = long_session(&app, 40).await;
    let bystander = app.nurse("Wu").await;
    let line = raw(&app, b"").await;
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", app.address);
    let (mut deaf, _) = tokio_tungstenite::client_async(url, line).await.unwrap();
    deaf.send(Message::text(format!("40{}", json!({ "token": li.token }))))
        .await
        .unwrap();
    for number in 0..QUESTIONS {
        let event = json!(["chat:history", { "sessionId": session, "limit": 100 }]);
        deaf.send(Message::text(format!("42{number}{event}")))
            .await
            .unwrap();
    }
    let mut rest = Vec::new();
    for _ in 0..60 {
        let head = format!(
            "GET /api/chat/messages/{session}?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            li.token
        );
        rest.push(raw(&app, head.as_bytes()).await);
    }
    // Of each answer over REST, only the status is read.
    let statuses = tokio::spawn(async move {
        let mut refused = 0;
        for line in &mut rest {
            let mut head = [0; 12];
            let read = line.read_exact(&mut head).await;
            refused += usize::from(read.is_ok() && head.ends_with(b"429"));
        }
        (rest, refused)
    });
    eventually(async || (waiting(&app).await > f64::from(2 << 20)).then_some(())).await;
    let begun = Instant::now();
    let mut most: f64 = 0.0;
    while begun.elapsed() < Duration::from_secs(2) {
        most = most.max(waiting(&app).await);
        bystander.get("/api/auth/me").await.expect(200);
    }
    assert!(
        most < f64::from(40 << 20),
        "{most} bytes waited for one person"
    );
    let (mut acknowledged, mut told) = (Vec::new(), 0);
    while let Ok(Some(Ok(message))) =
        tokio::time::timeout(Duration::from_secs(30), deaf.next()).await
    {
        let packet = message.into_text().unwrap();
        told += usize::from(packet.starts_with("42[\"chat:history\""));
        if let Some(answer) = packet.strip_prefix("43") {
            acknowledged.push(
                answer
                    .split('[')
                    .next()
                    .unwrap()
                    .split('{')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
        if acknowledged.len() == QUESTIONS {
            break;
        }
    }
    let all: Vec<String> = (0..QUESTIONS).map(|number| number.to_string()).collect();
    // A full outbox closes the connection, and its client reconnects; until then nothing is
    // missing.
    assert_eq!(
        acknowledged,
        all[..acknowledged.len()],
        "who reads gets answers once and in order"
    );
    assert_eq!(told, 0, "an answer with a callback is no event, too");
    let (rest, refused) = statuses.await.unwrap();
    assert!(refused > 10, "{refused} of 60 calls were refused");
    drop(rest);
    drop(deaf);
    eventually(async || (waiting(&app).await < 1.0).then_some(())).await;
    app.stop().await;
}

/// Pages and syncs are bounded by bytes, and a client that continues receives everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_bounded_by_bytes_and_a_walk_misses_nothing() {
    let app = TestApp::start().await;
    let (li, session) = long_session(&app, 100).await;
    let all: Vec<u64> = (1..=100).collect();
    let seqs = |messages: &[Value]| {
        messages
            .iter()
            .map(|m| m["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let page = li
        .get(&format!("/api/chat/messages/{session}?limit=100"))
        .await;
    assert_eq!(page.body["pagination"]["hasMore"], json!(false));
    assert_eq!(
        seqs(page.expect(200).as_array().unwrap()),
        all,
        "a page by number is whole, whatever it weighs"
    );
    let newest = li
        .get(&format!(
            "/api/chat/messages/{session}?beforeSeq=101&limit=100"
        ))
        .await;
    let mut walked = newest.expect(200).as_array().unwrap().clone();
    assert!(walked.len() < 100);
    loop {
        let first = walked[0]["seq"].as_u64().unwrap();
        let before = li
            .get(&format!(
                "/api/chat/messages/{session}?beforeSeq={first}&limit=100"
            ))
            .await;
        assert!(before.body.to_string().len() < 1_200_000);
        let more = before.body["pagination"]["hasMore"] == json!(true);
        walked.splice(0..0, before.expect(200).as_array().unwrap().clone());
        if !more {
            break;
        }
    }
    assert_eq!(seqs(&walked), all);
    assert_eq!(seqs(&li.history(&session).await), all);
    let at_li = li.join().await;
    let mut synced = Vec::new();
    let mut from = json!({});
    loop {
        let answer = at_li.call("chat:sync", json!({ "sessions": from })).await;
        assert!(answer.to_string().len() < 2_200_000);
        let one = &answer["data"]["sessions"][&session];
        synced.extend(one["messages"].as_array().unwrap().clone());
        from = json!({ &session: one["next"] });
        if answer["data"]["hasMore"] != json!(true) {
            break;
        }
    }
    assert_eq!(seqs(&synced), all);
    let ask = json!({ "sessionId": session, "limit": 1 });
    assert_eq!(
        at_li.call("chat:history", ask.clone()).await["data"][0]["seq"],
        json!(100)
    );
    assert!(
        at_li.heard("chat:history").is_empty(),
        "answered by the callback"
    );
    at_li.emit("chat:history", ask).await;
    assert_eq!(
        at_li.next("chat:history").await["data"][0]["seq"],
        json!(100)
    );
    app.stop().await;
}

/// Records of forwarded messages are heavier than any text. Pages by number contain every message,
/// and name the records that they omit.
#[tokio::test]
async fn a_page_by_number_holds_every_message_however_heavy_its_records() {
    let app = TestApp::start().await;
    let (li, session) = long_session(&app, 4).await;
    let ids: Vec<Value> = li
        .history(&session)
        .await
        .iter()
        .map(|message| message["_id"].clone())
        .collect();
    let forward = json!({ "messageIds": ids, "toSessionIds": [session], "mode": "merged" });
    for _ in 0..20 {
        li.call("POST", "/api/chat/messages/forward", forward.clone())
            .await
            .expect(201);
    }
    let at_li = li.join().await;
    let over_rest = li
        .get(&format!("/api/chat/messages/{session}?page=1&limit=50"))
        .await;
    let told = at_li
        .call(
            "chat:history",
            json!({ "sessionId": session, "page": 1, "limit": 50 }),
        )
        .await;
    for page in [&over_rest.body, &told] {
        assert_eq!(
            page["pagination"],
            json!({ "page": 1, "limit": 50, "total": 24, "current": 1, "totalCount": 24, "pages": 1, "hasMore": false })
        );
        assert!(page.to_string().len() < 3 << 20);
        let messages = page["data"].as_array().unwrap();
        assert_eq!(messages.len(), 24);
        let omitted = |message: &Value| message["mergedOmitted"] == json!(true);
        let whole = |message: &Value| {
            message["merged"]
                .as_array()
                .is_some_and(|merged| merged.len() == 4)
        };
        assert!(
            messages[4..]
                .iter()
                .all(|message| omitted(message) != whole(message))
        );
        assert!(
            whole(&messages[23]) && omitted(&messages[4]),
            "the newest come whole"
        );
    }
    let oldest = li
        .get(&format!("/api/chat/messages/{session}?beforeSeq=6&limit=1"))
        .await;
    assert_eq!(oldest.expect(200)[0]["merged"].as_array().unwrap().len(), 4);
    app.stop().await;
}

/// A user's heavy calls count by their weight, and a refusal costs nothing.
#[tokio::test]
async fn a_forward_counts_as_all_that_it_writes() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let message = li.send(&session, "one").await;
    let absent = |count: usize| (0..count).map(|n| format!("{n:024x}")).collect::<Vec<_>>();
    let forward = json!({ "messageIds": absent(100), "toSessionIds": absent(20), "mode": "each" });
    assert_eq!(
        li.call("POST", "/api/chat/messages/forward", forward.clone())
            .await
            .refused(404),
        "NOT_FOUND"
    );
    let again = li
        .call("POST", "/api/chat/messages/forward", forward.clone())
        .await;
    assert!(
        again.body["details"]["retryAfter"].as_u64().unwrap() >= 10,
        "{}",
        again.body
    );
    assert_eq!(again.refused(429), "RATE_LIMITED");
    let at_li = li.join().await;
    assert_eq!(
        at_li.call("message:forward", forward).await["code"],
        "RATE_LIMITED"
    );
    // Light calls still succeed, and so do those of another user.
    let light =
        json!({ "messageIds": [message["_id"]], "toSessionIds": [session], "mode": "each" });
    li.call("POST", "/api/chat/messages/forward", light.clone())
        .await
        .expect(201);
    chen.call("POST", "/api/chat/messages/forward", light)
        .await
        .expect(201);
    let elsewhere =
        json!({ "messageIds": [message["_id"]], "toSessionIds": absent(1), "mode": "each" });
    let refused = chen
        .call("POST", "/api/chat/messages/forward", elsewhere)
        .await;
    assert_eq!(refused.refused(404), "CONVERSATION_NOT_FOUND");
    app.stop().await;
}

/// Every member receives each change of a group, so changes count as the events they cause.
#[tokio::test]
async fn changes_of_a_group_count_among_ones_events() {
    let app = TestApp::start().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let group = json!({ "sessionName": "Ward 3", "participants": [chen.id, wu.id] });
    let group = text(
        &li.call("POST", "/api/chat/sessions/group", group)
            .await
            .expect(201)["_id"],
    );
    let people = format!("/api/chat/sessions/{group}/participants");
    li.call(
        "PATCH",
        &format!("{people}/{}", chen.id),
        json!({ "role": "admin" }),
    )
    .await
    .expect(200);
    // This uses 2,000 of the 2,500 events that Li may send at once.
    let absent = |count: usize| (0..count).map(|n| format!("{n:024x}")).collect::<Vec<_>>();
    let forward = json!({ "messageIds": absent(100), "toSessionIds": absent(20), "mode": "each" });
    assert_eq!(
        li.call("POST", "/api/chat/messages/forward", forward)
            .await
            .refused(404),
        "NOT_FOUND"
    );
    // The same user over and over.
    let (mut changes, mut refusal) = (0, None);
    while refusal.is_none() && changes < 400 {
        let reply = if changes % 2 == 0 {
            li.call("DELETE", &format!("{people}/{}", wu.id), json!({}))
                .await
        } else {
            li.call("POST", &people, json!({ "userIds": [wu.id] }))
                .await
        };
        changes += 1;
        refusal = (reply.status != 200).then_some(reply);
    }
    let refusal = refusal.expect("it has an end");
    assert!(
        refusal.body["details"]["retryAfter"].is_u64(),
        "{}",
        refusal.body
    );
    assert_eq!(refusal.refused(429), "RATE_LIMITED");
    assert!(changes > 40, "{changes} changes: a refusal came too early");
    // Other users are unaffected.
    chen.call(
        "PATCH",
        &format!("/api/chat/sessions/{group}"),
        json!({ "topic": "nights" }),
    )
    .await
    .expect(200);
    chen.send(&group, "one").await;
    app.stop().await;
}

/// Invalid WebSocket requests, headers that are too long, and the form of the protocol's errors.
#[tokio::test]
async fn odd_requests_of_the_transport_are_refused_clearly() {
    let app = TestApp::start().await;
    let upgrade = |lines: &str| {
        format!("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n{lines}\r\n")
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let asked = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
    let whole = format!("{key}{asked}Sec-WebSocket-Version: 13\r\n");
    for (lines, status) in [
        (whole.clone(), 101),
        (key.to_owned(), 426),
        (
            format!("{key}Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"),
            426,
        ),
        (
            format!("{key}Sec-WebSocket-Version: 13\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"),
            426,
        ),
        (format!("{key}{asked}Sec-WebSocket-Version: 99\r\n"), 426),
        (format!("{key}{asked}"), 426),
        (
            format!("{asked}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"),
            400,
        ),
        (format!("{whole}{key}"), 400),
        (format!("{asked}Sec-WebSocket-Version: 13\r\n"), 400),
    ] {
        let heard = answer(&mut raw(&app, upgrade(&lines).as_bytes()).await).await;
        assert!(
            heard.starts_with(&format!("HTTP/1.1 {status} ")),
            "{lines}{heard}"
        );
    }
    let long = format!("X: {}\r\n", "a".repeat(70_000));
    let many = "X: 1\r\n".repeat(70);
    for lines in [long, many] {
        let request = format!("GET /api/health HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        let heard = answer(&mut raw(&app, request.as_bytes()).await).await;
        assert!(heard.starts_with("HTTP/1.1 431 "), "{heard}");
    }
    let get = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        answer(&mut raw(&app, request.as_bytes()).await).await
    };
    for (query, body) in [
        (
            "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAHs",
            "{\"code\":1,",
        ),
        ("EIO=4&transport=polling&sid=nonsense", "{\"code\":1,"),
        ("EIO=4&transport=carrier-pigeon", "{\"code\":0,"),
        ("EIO=3&transport=polling", "{\"code\":5,"),
    ] {
        let heard = get(&format!("/socket.io/?{query}")).await;
        assert!(
            heard.starts_with("HTTP/1.1 400 ") && heard.contains(body),
            "{query}: {heard}"
        );
    }
    assert!(
        get("/socket.io/socket.io.js")
            .await
            .starts_with("HTTP/1.1 404 ")
    );
    let opened = get("/socket.io/?EIO=4&transport=polling").await;
    assert!(opened.contains("cache-control: no-store"), "{opened}");
    let session = opened
        .split("\"sid\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let body = format!("4{}", "x".repeat(1_000_000));
    let post = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={session} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let heard = answer(&mut raw(&app, post.as_bytes()).await).await;
    assert!(
        heard.starts_with("HTTP/1.1 413 ") && heard.contains("1000000"),
        "{heard}"
    );
    // A refusal before the body was read leaves the connection usable.
    let body = "x".repeat(900_000);
    let post = format!(
        "POST /api/chat/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut line = raw(&app, post.as_bytes()).await;
    assert!(answer(&mut line).await.starts_with("HTTP/1.1 401 "));
    line.write_all(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut line).await.starts_with("HTTP/1.1 200 "));
    app.stop().await;
}

/// Unauthenticated clients of one network hold 2,000 connections and as many sessions; the next
/// client is accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_token_make_room_for_the_next() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let at_li = li.join().await;
    let mut held = Vec::new();
    for number in 0..2_100 {
        held.push(
            raw(
                &app,
                if number == 1_000 {
                    b"GET / HTTP/1.1\r\nX: "
                } else {
                    b""
                },
            )
            .await,
        );
    }
    let begun = Instant::now();
    li.get("/api/auth/me").await.expect(200);
    let chen = app.nurse("Chen").await;
    assert!(chen.join().await.call("unread:count", json!(chen.id)).await["success"] == json!(true));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "the next client is served"
    );
    let is_open = |line: &TcpStream| {
        let mut byte = [0; 1];
        matches!(line.try_read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    let open: Vec<bool> = eventually(async || {
        let open: Vec<bool> = held.iter().map(is_open).collect();
        (open.iter().filter(|open| **open).count() <= 2_000).then_some(open)
    })
    .await;
    assert!(
        !open[0] && !open[1_000] && open[2_099],
        "the oldest go, and heads that never end"
    );
    assert!(!at_li.is_closed(), "who has signed in stays");
    drop(held);
    let mut first = None;
    let mut refused = 0;
    let client = reqwest::Client::new();
    let address = format!("http://{}/socket.io/?EIO=4&transport=polling", app.address);
    for _ in 0..2_500 {
        let response = client.get(&address).send().await.unwrap();
        refused += usize::from(response.status() == 429);
        let body = response.text().await.unwrap();
        first = first.or_else(|| {
            Some(
                body.split("\"sid\":\"")
                    .nth(1)?
                    .split('"')
                    .next()?
                    .to_owned(),
            )
        });
    }
    let poll = client
        .get(format!("{address}&sid={}", first.unwrap()))
        .send()
        .await
        .unwrap();
    assert!(
        refused > 0 || poll.status() == 400,
        "{refused} refused; the first session: {}",
        poll.status()
    );
    app.stop().await;
}

/// A process with few file descriptors: each client is served or refused at once, and this is
/// logged once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_file_descriptors_nobody_waits() {
    let settings = crate::support::settings(&[]);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let log = settings.general.data_dir.join("log");
    std::fs::create_dir_all(&settings.general.data_dir).unwrap();
    let mut service = tokio::process::Command::new("sh")
        .args([
            "-c",
            "ulimit -n 150; exec \"$0\" serve",
            env!("CARGO_BIN_EXE_wardline"),
        ])
        .env("PORT", port.to_string())
        .env("MONGODB_URI", settings.database.uri.clone().unwrap())
        .env("MONGODB_DB", &settings.database.name)
        .env("DATA_DIR", &settings.general.data_dir)
        .env("LOG", "warn")
        .stdout(std::fs::File::create(&log).unwrap())
        .stderr(std::fs::File::create(settings.general.data_dir.join("errors")).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let address = format!("http://127.0.0.1:{port}/api/health");
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    eventually(async || client.get(&address).send().await.ok().map(drop)).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    for _ in 0..10 {
        let begun = Instant::now();
        let answered = client.get(&address).send().await;
        assert!(answered.is_err() || answered.unwrap().status().is_success());
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
    drop(held);
    let served = eventually(async || client.get(&address).send().await.ok()).await;
    assert_eq!(served.status(), 200);
    service.kill().await.unwrap();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(
        said.lines()
            .filter(|line| line.contains("once a minute"))
            .count()
            <= 1,
        "{said}"
    );
}
