//! Access to a file: its uploader, and every user who may read a message that names it, as long as
//! they may.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use wardline::domain::SystemClock;

use crate::{
    groups::group,
    support::{
        MockClock, PASSWORD, Person, TestApp,
        files::{noise, photo},
        settings, text,
    },
};

async fn recall(person: &Person, message: &Value) {
    let path = format!("/api/chat/messages/{}/recall", text(&message["_id"]));
    person.call("POST", &path, json!({})).await.expect(200);
}

async fn forward(person: &Person, messages: &[&Value], to: &str, mode: &str) -> Value {
    let ids: Vec<&Value> = messages.iter().map(|message| &message["_id"]).collect();
    let body = json!({ "messageIds": ids, "toSessionIds": [to], "mode": mode });
    person
        .call("POST", "/api/chat/messages/forward", body)
        .await
        .expect(201)["messages"][0]
        .clone()
}

#[tokio::test]
async fn only_those_who_may_read_a_message_may_have_its_file() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu, eve) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
        app.nurse("Eve").await,
    );
    let file = li.uploaded("x.jpg", photo(60, 40)).await;
    assert_eq!(
        (li.sees(&file).await, chen.sees(&file).await),
        (200, 404),
        "not sent yet"
    );
    let ward = group(&li, &[&chen], "Ward").await;
    let sent = li.send_file(&ward, "image", &file).await;
    assert_eq!((chen.sees(&file).await, eve.sees(&file).await), (200, 404));
    for path in ["thumbnail", "link"] {
        let path = format!("{}/{path}", text(&file["fileUrl"]));
        assert_eq!(
            (
                chen.fetch(&path, &[]).await.status,
                eve.fetch(&path, &[]).await.status
            ),
            (200, 404)
        );
    }
    assert_eq!(
        eve.fetch("/api/chat/files/0123456789abcdef01234567", &[])
            .await
            .status,
        404,
        "looks the same"
    );

    // A later member has no access to what was sent before, until it is sent again.
    let people = format!("/api/chat/sessions/{ward}/participants");
    li.call("POST", &people, json!({ "userIds": [wu.id, eve.id] }))
        .await
        .expect(200);
    assert_eq!(wu.sees(&file).await, 404);
    let again = chen.send_file(&ward, "image", &file).await;
    assert_eq!((wu.sees(&file).await, eve.sees(&file).await), (200, 200));

    // A removed member loses access.
    li.call("DELETE", &format!("{people}/{}", eve.id), json!({}))
        .await
        .expect(200);
    assert_eq!((wu.sees(&file).await, eve.sees(&file).await), (200, 404));

    // A recalled file is inaccessible to everybody except its uploader.
    recall(&chen, &again).await;
    assert_eq!((wu.sees(&file).await, chen.sees(&file).await), (404, 200));
    li.call(
        "DELETE",
        &format!("/api/chat/messages/{}", text(&sent["_id"])),
        json!({ "userId": li.id }),
    )
    .await
    .expect(200);
    assert_eq!((chen.sees(&file).await, li.sees(&file).await), (404, 200));
    app.stop().await;
}

#[tokio::test]
async fn what_was_forwarded_stays_with_those_who_have_it() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let (first, second) = (li.session_with(&chen).await, chen.session_with(&wu).await);
    let (one, two) = (
        li.uploaded("1.jpg", photo(60, 40)).await,
        li.uploaded("2.jpg", photo(40, 60)).await,
    );
    let sent_one = li.send_file(&first, "image", &one).await;
    let sent_two = li.send_file(&first, "image", &two).await;
    let forwarded = forward(&chen, &[&sent_one], &second, "each").await;
    assert_eq!((wu.sees(&one).await, wu.sees(&two).await), (200, 404));
    recall(&li, &sent_one).await;
    assert_eq!(
        (wu.sees(&one).await, chen.sees(&one).await),
        (200, 200),
        "by the message of their own"
    );
    // Chen forwards it again although the first message is deleted, and Wu replies with it.
    forward(&chen, &[&forwarded], &first, "each").await;
    wu.send_file(&second, "image", &one).await;

    // Files inside a message that forwards several.
    let merged = forward(&chen, &[&sent_two, &forwarded], &second, "merged").await;
    assert_eq!(wu.sees(&two).await, 200);
    recall(&chen, &merged).await;
    assert_eq!(wu.sees(&two).await, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_message_names_a_file_that_is_its_senders_to_send() {
    let app = TestApp::unlimited().await;
    let (li, chen, eve) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Eve").await,
    );
    let session = li.session_with(&chen).await;
    let theirs = eve.session_with(&chen).await;
    let file = li.uploaded("x.jpg", photo(60, 40)).await;
    let absent = json!({ "fileUrl": "/api/chat/files/0123456789abcdef01234567", "fileName": "x" });
    let at_eve = eve.join().await;
    for stolen in [&file, &absent] {
        let message = eve.file_message(&theirs, "image", stolen);
        assert_eq!(
            eve.call("POST", "/api/chat/messages", message.clone())
                .await
                .refused(404),
            "NOT_FOUND"
        );
        assert_eq!(
            at_eve.call("message:send", message).await["code"],
            "NOT_FOUND"
        );
    }
    assert!(chen.history(&theirs).await.is_empty());
    assert_eq!(eve.sees(&file).await, 404, "nor has trying helped");

    // Texts and files of one socket stay in order.
    let at_li = li.join().await;
    let mut answers = Vec::new();
    for number in 0..30 {
        let message = if number % 3 == 0 {
            li.file_message(&session, "image", &file)
        } else {
            li.message(&session, &number.to_string())
        };
        answers.push(at_li.begin("message:send", message).await);
    }
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.await.unwrap()["data"]["seq"], json!(number + 1));
    }
    app.stop().await;
}

#[tokio::test]
async fn a_signed_address_holds_for_five_minutes_and_no_longer_than_its_owners_rights() {
    let variables = [
        ("RATE_LIMIT", "off"),
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "a long enough one"),
    ];
    let clock = MockClock::starting_now();
    let app = TestApp::with(settings(&variables), clock.clone()).await;
    let (li, chen, wu, zhao) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
        app.nurse("Zhao").await,
    );
    let ward = group(&li, &[&chen, &wu, &zhao], "Ward").await;
    let file = li.uploaded("x.jpg", photo(60, 40)).await;
    li.send_file(&ward, "image", &file).await;
    let path = format!("{}/link", text(&file["fileUrl"]));
    let link = chen.get(&path).await.expect(200);
    let shown = chen.follow(&link["url"]).await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (200, "image/jpeg")
    );
    assert_eq!(chen.follow(&link["thumbnailUrl"]).await.status, 200);

    // A changed link is invalid, and a link is valid for its own file only.
    let url = text(&link["url"]);
    let other = li.uploaded("y.jpg", photo(50, 40)).await;
    li.send_file(&ward, "image", &other).await;
    let (query, mut bent) = (
        url.split_once('?').unwrap().1,
        vec![url.replace(&chen.id, &li.id)],
    );
    bent.push(format!("{}?{query}", text(&other["fileUrl"])));
    bent.push(url.replace("expires=1", "expires=2"));
    bent.push(url.replace("signature=", "signature=A"));
    bent.push(url.split_once("&signature").unwrap().0.to_owned());
    for bent in bent {
        assert_eq!(chen.follow(&json!(bent)).await.status, 401, "{bent}");
    }
    let odd = format!(
        "{}?signature=x&user[$ne]=1&token=&expires=now",
        text(&file["fileUrl"])
    );
    assert_eq!(chen.follow(&json!(odd)).await.status, 400);
    let claimed = url
        .split("token=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let as_token = format!(
        "wardline file address.{claimed}.{}",
        url.split("signature=").nth(1).unwrap()
    );
    assert_eq!(
        chen.fetch_as("GET", "/api/auth/me", Some(&as_token), &[])
            .await
            .status,
        401
    );

    // A user who is removed, signed out or deactivated follows it in vain.
    let (of_wu, of_zhao) = (
        wu.get(&path).await.expect(200),
        zhao.get(&path).await.expect(200),
    );
    assert_eq!(
        (
            wu.follow(&of_wu["url"]).await.status,
            zhao.follow(&of_zhao["url"]).await.status
        ),
        (200, 200)
    );
    let member_path = format!("/api/chat/sessions/{ward}/participants/{}", wu.id);
    li.call("DELETE", &member_path, json!({})).await.expect(200);
    assert_eq!(wu.follow(&of_wu["url"]).await.status, 404);
    let boss = app.admin().await;
    let account = format!("/api/chat/users/{}", zhao.id);
    boss.call("PATCH", &account, json!({ "isActive": false }))
        .await
        .expect(200);
    assert_eq!(zhao.follow(&of_zhao["url"]).await.status, 401);
    let of_li = li.get(&path).await.expect(200);
    li.call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    assert_eq!(li.follow(&of_li["url"]).await.status, 401);

    clock.advance(Duration::from_secs(299));
    assert_eq!(chen.follow(&link["url"]).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let late = chen.follow(&link["url"]).await;
    assert_eq!(late.status, 401);
    assert!(String::from_utf8_lossy(&late.bytes).contains("TOKEN_EXPIRED"));
    app.stop().await;
}

#[tokio::test]
async fn who_is_removed_while_fetching_gets_no_further() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let ward = group(&li, &[&chen, &wu], "Ward").await;
    // More than the buffers in between hold.
    let size = 24_000_000;
    let file = li.uploaded("film.bin", noise(size)).await;
    li.send_file(&ward, "file", &file).await;
    let fetch = async |person: &Person| {
        let request =
            reqwest::Client::new().get(format!("http://{}{}", app.address, text(&file["fileUrl"])));
        request.bearer_auth(&person.token).send().await.unwrap()
    };
    let rest_of = async |mut response: reqwest::Response| {
        let mut got = 0;
        while let Ok(Some(bytes)) = response.chunk().await {
            got += bytes.len();
        }
        got
    };
    let (mut of_chen, mut of_wu) = (fetch(&chen).await, fetch(&wu).await);
    assert_eq!(
        (of_chen.status().as_u16(), of_wu.status().as_u16()),
        (200, 200)
    );
    let begun = [
        of_chen.chunk().await.unwrap().unwrap().len(),
        of_wu.chunk().await.unwrap().unwrap().len(),
    ];
    let member_path = format!("/api/chat/sessions/{ward}/participants/{}", wu.id);
    li.call("DELETE", &member_path, json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(
        begun[0] + rest_of(of_chen).await,
        size,
        "a slow reader gets all of it"
    );
    assert!(
        begun[1] + rest_of(of_wu).await < size,
        "who was removed does not"
    );
    app.stop().await;
}

/// The avatar of a profile is visible to every colleague in its small version. Its original is not,
/// and no profile makes another user's picture public.
#[tokio::test]
async fn a_profiles_picture_is_seen_small_by_every_colleague() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let (admin, li, wu) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
    );
    let face = admin.uploaded("li.jpg", photo(640, 480)).await;
    let secret = wu.uploaded("wound.jpg", photo(640, 480)).await;
    let small = format!("{}/thumbnail", text(&face["fileUrl"]));
    assert_eq!(wu.fetch(&small, &[]).await.status, 404);
    let profile = format!("/api/chat/users/{}", li.id);
    admin
        .call("PATCH", &profile, json!({ "avatar": face["fileUrl"] }))
        .await
        .expect(200);
    assert_eq!(wu.fetch(&small, &[]).await.status, 200);
    assert_eq!(wu.sees(&face).await, 404, "small only");
    for not_mine in [
        &secret["fileUrl"],
        &json!("/api/chat/files/64b7f0c2a1b2c3d4e5f60718"),
    ] {
        let refused = admin
            .call("PATCH", &profile, json!({ "avatar": not_mine }))
            .await;
        assert!(refused.body["details"]["avatar"].is_string());
        assert_eq!(refused.refused(400), "VALIDATION_FAILED");
    }
    admin
        .call("PATCH", &profile, json!({ "avatar": "" }))
        .await
        .expect(200);
    assert_eq!(
        wu.fetch(&small, &[]).await.status,
        404,
        "and no longer than that"
    );
    app.stop().await;
}
