//! Connections: authentication, no loss of early events, order under a flood, and slow consumers.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, eventually, socket::Socket, text};

#[tokio::test]
async fn a_bad_token_is_told_by_its_code() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    for auth in [
        json!({}),
        json!({ "token": "nonsense" }),
        json!({ "token": { "$ne": null } }),
        json!(null),
        json!([1]),
    ] {
        let refused = Socket::connect(&app.address, auth.clone()).await.err();
        assert_eq!(refused.as_deref(), Some("AUTH_FAILED"), "{auth}");
    }
    let bearer = format!("Bearer {}", li.token);
    Socket::connect_with(&app.address, json!({}), &[("authorization", &bearer)])
        .await
        .expect("a header will do");
    let foreign = [("origin", "https://evil.example")];
    let refused = Socket::connect_with(&app.address, json!({ "token": li.token }), &foreign)
        .await
        .err();
    assert!(
        refused.is_some_and(|error| error.contains("403")),
        "a foreign page opens no socket"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_right_after_connect_is_answered_a_thousand_times_of_a_thousand() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    let mut answered = 0;
    for _ in 0..50 {
        let round = (0..20).map(|_| async {
            let socket = li.connect().await;
            let answer = socket.call("unread:count", json!(li.id)).await;
            assert_eq!(answer["success"], json!(true), "{answer}");
        });
        answered += futures_util::future::join_all(round).await.len();
    }
    assert_eq!(answered, 1_000);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_pipelined_sends_are_stored_in_order() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let mut answers = Vec::new();
    for number in 1..=2_000 {
        let mut message = li.message(&session, &format!("note {number}"));
        message["clientMsgId"] = json!(format!("n-{number}"));
        answers.push(at_li.begin("message:send", message).await);
    }
    for (number, answer) in (1_u64..).zip(answers) {
        let answer = answer.await.unwrap();
        assert_eq!(answer["data"]["seq"], json!(number), "{answer}");
    }
    let history = li.history(&session).await;
    let contents: Vec<String> = history.iter().map(|m| text(&m["content"])).collect();
    assert_eq!(
        contents,
        (1..=2_000).map(|n| format!("note {n}")).collect::<Vec<_>>()
    );
    let heard = eventually(async || {
        let heard = at_chen.heard("message:receive");
        (heard.len() == 2_000).then_some(heard)
    })
    .await;
    let seqs: Vec<&Value> = heard.iter().map(|h| &h["message"]["seq"]).collect();
    assert_eq!(
        seqs,
        (1..=2_000)
            .map(|n| json!(n))
            .collect::<Vec<_>>()
            .iter()
            .collect::<Vec<_>>()
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_refused_clearly_and_the_socket_lives_on() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let at_li = li.join().await;
    let mut answers = Vec::new();
    for _ in 0..4_000 {
        answers.push(at_li.begin("user:status:update", json!("online")).await);
    }
    let mut refused = 0;
    for answer in answers {
        let answer = answer.await.unwrap();
        if answer["success"] == json!(false) {
            assert_eq!(answer["code"], "RATE_LIMITED");
            assert!(answer["details"]["retryAfter"].is_u64());
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused} refused");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        at_li.call("unread:count", json!(li.id)).await["success"],
        json!(true)
    );
    app.stop().await;
}

/// A client that never reads: its outbox fills until its connection is closed, and others are
/// unaffected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_reads_is_cut_and_hurts_nobody() {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::Message;
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (at_li, at_chen) = (li.join().await, chen.join().await);
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", app.address);
    let (mut deaf, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    deaf.send(Message::text(format!(
        "40{}",
        json!({ "token": chen.token })
    )))
    .await
    .unwrap();
    let closed = "wardline_connections_closed_total{reason=\"lagging\"}";
    let count = async || {
        let metrics = text(&app.call("GET", "/metrics", json!({})).await.body);
        metrics
            .lines()
            .find_map(|l| l.strip_prefix(closed)?.trim().parse::<u64>().ok())
            .unwrap_or(0)
    };
    let before = count().await;
    // 8,000 messages of 6 kB fill the socket's buffers and then the outbox.
    let long = "长".repeat(2_000);
    for _ in 0..40 {
        let mut answers = Vec::new();
        for _ in 0..200 {
            answers.push(
                at_li
                    .begin("message:send", li.message(&session, &long))
                    .await,
            );
        }
        for answer in answers {
            assert_eq!(answer.await.unwrap()["success"], json!(true));
        }
        if count().await > before {
            break;
        }
    }
    assert!(count().await > before, "the deaf connection was cut");
    let stored = li.history(&session).await.len();
    eventually(async || (at_chen.heard("message:receive").len() == stored).then_some(())).await;
    assert!(!at_chen.is_closed());
    drop(deaf);
    app.stop().await;
}

#[tokio::test]
async fn a_signed_out_socket_is_closed_and_hears_nothing_more() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_chen = chen.join().await;
    // The same user on another device, with another token.
    let login = json!({ "username": chen.username, "password": PASSWORD });
    let other = app.person(&app.call("POST", "/api/auth/login", login).await.expect(200));
    let elsewhere = other.join().await;
    chen.call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    li.send(&session, "after the sign-out").await;
    elsewhere.next("message:receive").await;
    at_chen.closed().await;
    assert!(at_chen.heard("message:receive").is_empty());
    assert_eq!(chen.get("/api/auth/me").await.refused(401), "AUTH_FAILED");
    let refused = Socket::connect(&app.address, json!({ "token": chen.token }))
        .await
        .err();
    assert_eq!(refused.as_deref(), Some("AUTH_FAILED"));
    assert_eq!(
        other.get("/api/auth/me").await.expect(200)["username"],
        json!(chen.username)
    );
    app.stop().await;
}

#[tokio::test]
async fn a_stopping_service_tells_its_sockets() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let at_li = li.join().await;
    app.stop().await;
    at_li.closed().await;
}

/// A client that is authenticating when the service stops loses the connection, after which the
/// official client reconnects. A refusal of the namespace would be final.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_service_refuses_nobody_for_good() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    let mut arriving = Vec::new();
    for nth in 0..100 {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", app.address);
        let (line, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let (mut outgoing, mut incoming) = line.split();
        let sign_in = Message::text(format!("40{}", json!({ "token": li.token })));
        // Each at another moment of the stop.
        let saying = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(4 * nth)).await;
            let _ = outgoing.send(sign_in).await;
            outgoing
        });
        arriving.push(tokio::spawn(async move {
            let mut heard = Vec::new();
            while let Some(Ok(message)) = incoming.next().await {
                heard.extend(message.into_text().map(|text| text.to_string()));
            }
            saying.abort();
            heard
        }));
    }
    for nth in 0..50 {
        let polling = format!("http://{}/socket.io/?EIO=4&transport=polling", app.address);
        let (client, sign_in) = (
            reqwest::Client::new(),
            format!("40{}", json!({ "token": li.token })),
        );
        let opened = client
            .get(&polling)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let opened: Value = serde_json::from_str(&opened[1..]).unwrap();
        let session = format!("{polling}&sid={}", text(&opened["sid"]));
        arriving.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(8 * nth)).await;
            let mut heard = Vec::new();
            if client.post(&session).body(sign_in).send().await.is_ok() {
                while let Ok(poll) = client.get(&session).send().await
                    && poll.status() == 200
                {
                    let said = poll.text().await.unwrap_or_default();
                    heard.extend(said.split('\u{1e}').map(str::to_owned));
                }
            }
            heard
        }));
    }
    app.stop().await;
    for heard in futures_util::future::join_all(arriving).await {
        let heard = heard.unwrap();
        assert!(
            heard.iter().all(|text| !text.starts_with("44")),
            "{heard:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_a_sign_out_is_not_done() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_li = li.connect().await;
    for number in 0..2_000 {
        at_li
            .emit("message:send", li.message(&session, &number.to_string()))
            .await;
    }
    li.call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    let stored = chen.history(&session).await.len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let late = chen.history(&session).await.len() - stored;
    // Those already queued for commit are stored; a socket can have 256 of them.
    assert!(
        late <= 256,
        "{late} were taken after the sign-out was answered"
    );
    app.stop().await;
}

/// However many connect at once, a user has at most 2,000 sockets; one that closes makes room for
/// another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_so_many_sockets_and_no_more() {
    const MOST: usize = 2_000;
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let come = async |count: usize| {
        let tries = futures_util::stream::iter(0..count)
            .map(|_| Socket::connect(&app.address, json!({ "token": li.token })))
            .buffer_unordered(100);
        tries.collect::<Vec<Result<Socket, String>>>().await
    };
    let (open, refused): (Vec<_>, Vec<_>) =
        come(MOST + 150).await.into_iter().partition(Result::is_ok);
    let mut open: Vec<Socket> = open.into_iter().flatten().collect();
    let refused: std::collections::BTreeSet<String> =
        refused.into_iter().filter_map(Result::err).collect();
    assert_eq!(
        refused,
        ["RATE_LIMITED".to_owned()].into(),
        "{} got in",
        open.len()
    );
    assert_eq!(open.len(), MOST);
    chen.connect().await;
    open.truncate(MOST - 20);
    let begun = Instant::now();
    while open.len() < MOST {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "places are not given back"
        );
        open.extend(come(5.min(MOST - open.len())).await.into_iter().flatten());
    }
    assert!(come(5).await.iter().all(Result::is_err));
    drop(open);
    app.stop().await;
}
