//! Search as users do: in Chinese and English, with filters, in the messages they may read.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Person, TestApp, eventually, files::wav, settings, text};

impl Person {
    /// A search with these fields besides the caller's own id.
    pub async fn search(&self, fields: &[(&str, &str)]) -> crate::support::Reply {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("userId", &self.id).extend_pairs(fields);
        self.get(&format!("/api/chat/messages/search?{}", query.finish()))
            .await
    }

    /// The contents of a search's matches, newest first, once the index is up to date.
    pub async fn finds(&self, fields: &[(&str, &str)]) -> Vec<String> {
        let found = eventually(async || {
            let reply = self.search(fields).await;
            (reply.body["indexing"].is_null() || reply.status != 200).then_some(reply)
        })
        .await;
        found
            .expect(200)
            .as_array()
            .unwrap()
            .iter()
            .map(|message| text(&message["content"]))
            .collect()
    }

    /// Waits until a message is found, or not found any more: for at most a second.
    #[track_caller]
    pub fn within_a_second(&self, keyword: &str, is_found: bool) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let start = Instant::now();
            loop {
                let reply = self.search(&[("keyword", keyword)]).await.expect(200);
                if reply.as_array().unwrap().is_empty() != is_found {
                    return reply;
                }
                assert!(
                    start.elapsed() < Duration::from_secs(1),
                    "{keyword} at {place}"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Waits until the index contains everything that was sent before.
    pub async fn settle(&self, session: &str) {
        let word = crate::support::unique("settled").replace('-', "x");
        let sent = self.send(session, &word).await;
        eventually(async || {
            let hits = self.search(&[("keyword", &word)]).await.expect(200);
            (hits[0]["_id"] == sent["_id"]).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_said_is_found_in_chinese_and_english() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    for content in [
        "患者血压一直很正常",
        "Two patients were checked at night",
        "李明天出院，请准备 10ml 生理盐水",
        "ＢＰ １２０／８０，Café 旁边的病房",
        "the chart of bed 12 was checked, potassium is low",
        "x-ray ready 👍 <b>please</b> look & sign",
    ] {
        li.send(&session, content).await;
    }
    li.settle(&session).await;
    for (keyword, expected) in [
        ("血压", 0),
        ("血压正常", 0),
        ("正常 患者", 0),
        ("压", 0),
        ("血压一直", 0),
        ("PATIENT checking", 1),
        ("nights", 1),
        ("李明", 2),
        ("明天出院", 2),
        ("10 ml", 2),
        ("１０ML", 2),
        ("生理盐水 10ml", 2),
        ("bp 120/80", 3),
        ("cafe", 3),
        ("病房 BP", 3),
        ("\"chart of bed 12\"", 4),
        ("low potassium", 4),
        ("X-Ray", 5),
        ("👍", 5),
        ("“血压一直很正常”", 0),
    ] {
        let found = chen.finds(&[("keyword", keyword)]).await;
        assert_eq!(found.len(), 1, "{keyword}: {found:?}");
        let history = chen.history(&session).await;
        assert_eq!(json!(found[0]), history[expected]["content"], "{keyword}");
    }
    for nothing in [
        "血压 potassium",
        "\"bed chart\"",
        "\"正常血压\"",
        "压血",
        "patientia",
        "the AND chart",
        "!?",
    ] {
        assert!(
            chen.finds(&[("keyword", nothing)]).await.is_empty(),
            "{nothing}"
        );
    }
    let both = chen.finds(&[("keyword", "checked")]).await;
    assert!(
        both.len() == 2 && both[0].starts_with("the chart"),
        "newest first: {both:?}"
    );

    let hit = chen.search(&[("keyword", "sign please")]).await;
    assert_eq!(
        hit.body["pagination"],
        json!({"page": 1, "limit": 50, "total": 1, "current": 1, "totalCount": 1, "pages": 1, "hasMore": false})
    );
    let hit = hit.expect(200)[0].clone();
    let marked =
        "x-ray ready 👍 &lt;b&gt;<mark>please</mark>&lt;/b&gt; look &amp; <mark>sign</mark>";
    assert_eq!(hit["highlights"], json!([marked]));
    let mut stored = chen.history(&session).await[5].clone();
    stored["highlights"] = hit["highlights"].clone();
    assert_eq!(hit, stored, "a hit is the message as history shows it");
    app.stop().await;
}

#[tokio::test]
async fn a_message_is_found_within_a_second_and_gone_within_another() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    li.settle(&session).await;
    let message = li.send(&session, "first aspirin").await;
    let path =
        |message: &Value, tail: &str| format!("/api/chat/messages/{}{tail}", text(&message["_id"]));
    chen.within_a_second("aspirin", true).await;
    li.call(
        "PUT",
        &path(&message, ""),
        json!({ "content": "first ibuprofen" }),
    )
    .await
    .expect(200);
    chen.within_a_second("ibuprofen", true).await;
    chen.within_a_second("aspirin", false).await;
    chen.call(
        "POST",
        &path(&message, "/reactions"),
        json!({ "emoji": "👍" }),
    )
    .await
    .expect(200);
    li.settle(&session).await;
    let found = chen.within_a_second("ibuprofen", true).await;
    assert_eq!(
        found.as_array().unwrap().len(),
        1,
        "a reaction makes no second one"
    );
    assert_eq!(found[0]["reactions"][0]["emoji"], json!("👍"));
    li.call("POST", &path(&message, "/recall"), json!({}))
        .await
        .expect(200);
    chen.within_a_second("ibuprofen", false).await;
    let second = li.send(&session, "second aspirin").await;
    chen.within_a_second("aspirin", true).await;
    li.call("DELETE", &path(&second, ""), json!({ "userId": li.id }))
        .await
        .expect(200);
    chen.within_a_second("aspirin", false).await;
    app.stop().await;
}

#[tokio::test]
async fn filters_narrow_it_down_and_pages_follow_one_another() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let (with_chen, with_wu) = (li.session_with(&chen).await, li.session_with(&wu).await);
    for number in 0..25 {
        let sender = if number % 2 == 0 { &li } else { &chen };
        sender.send(&with_chen, &format!("dose {number}")).await;
    }
    let middle = wu.send(&with_wu, "dose for Wu").await;
    let voice = wu.uploaded("evening dose 晚间.wav", wav()).await;
    wu.send_file(&with_wu, "voice", &voice).await;
    li.settle(&with_chen).await;
    assert_eq!(li.finds(&[("keyword", "dose")]).await.len(), 27);
    assert_eq!(
        li.finds(&[("keyword", "dose"), ("sessionId", &with_wu)])
            .await
            .len(),
        2
    );
    assert_eq!(
        li.finds(&[("keyword", "dose"), ("sender", &chen.id)])
            .await
            .len(),
        12
    );
    assert_eq!(
        li.finds(&[("keyword", "晚间"), ("messageType", "voice")])
            .await,
        [""]
    );
    assert!(
        li.finds(&[("keyword", "晚间"), ("messageType", "image")])
            .await
            .is_empty()
    );
    let at = text(&middle["createdAt"]);
    let (late, early) = (
        [("keyword", "dose"), ("from", &*at)],
        [("keyword", "dose"), ("to", &*at)],
    );
    let (late, early) = (li.finds(&late).await, li.finds(&early).await);
    assert!(late.contains(&"dose for Wu".to_owned()) && early.contains(&"dose for Wu".to_owned()));
    assert!(late.len() < 27 && early.len() >= 26, "{late:?} {early:?}");
    assert_eq!(
        li.finds(&[
            ("keyword", "dose"),
            ("from", "2001-01-01"),
            ("to", "2001-01-02")
        ])
        .await
        .len(),
        0
    );

    let mut pages = Vec::new();
    for page in ["1", "2", "3"] {
        let reply = li
            .search(&[("keyword", "dose"), ("limit", "10"), ("page", page)])
            .await;
        assert_eq!(
            (
                &reply.body["pagination"]["total"],
                &reply.body["pagination"]["pages"]
            ),
            (&json!(27), &json!(3))
        );
        assert_eq!(reply.body["pagination"]["hasMore"], json!(page != "3"));
        pages.extend(reply.expect(200).as_array().unwrap().clone());
    }
    let mut ids: Vec<String> = pages.iter().map(|message| text(&message["_id"])).collect();
    let times: Vec<String> = pages
        .iter()
        .map(|message| text(&message["createdAt"]))
        .collect();
    assert!(
        times.is_sorted_by(|one, next| one >= next),
        "newest first: {times:?}"
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 27, "no message is on two pages");
    app.stop().await;
}

#[tokio::test]
async fn forwarded_messages_are_found_by_what_they_carry() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let (from, to) = (li.session_with(&chen).await, li.session_with(&wu).await);
    let (first, second) = (
        chen.send(&from, "肌酐偏高").await,
        chen.send(&from, "creatinine again").await,
    );
    let body = json!({ "messageIds": [first["_id"], second["_id"]], "toSessionIds": [to], "mode": "merged" });
    li.call("POST", "/api/chat/messages/forward", body)
        .await
        .expect(201);
    let found = wu.within_a_second("肌酐 creatinine", true).await;
    assert_eq!(found[0]["sessionId"], json!(to));
    assert_eq!(
        found[0]["highlights"],
        json!(["<mark>肌酐</mark>偏高", "<mark>creatinine</mark> again"])
    );
    app.stop().await;
}

#[tokio::test]
async fn everybody_finds_what_is_theirs_to_see_and_nothing_else() {
    let mut settings = settings(&[("RATE_LIMIT", "off")]);
    settings.auth.first_admin =
        Some(("head.nurse".to_owned(), crate::support::PASSWORD.to_owned()));
    let app = TestApp::with(settings, Arc::new(wardline::domain::SystemClock)).await;
    let (li, chen, wu, admin) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
        app.admin().await,
    );
    let body = json!({ "sessionName": "Ward 3", "participants": [chen.id] });
    let group = text(
        &li.call("POST", "/api/chat/sessions/group", body)
            .await
            .expect(201)["_id"],
    );
    li.send(&group, "heparin before").await;
    let private = li.session_with(&chen).await;
    li.send(&private, "heparin in private").await;
    li.call(
        "POST",
        &format!("/api/chat/sessions/{group}/participants"),
        json!({ "userIds": [wu.id] }),
    )
    .await
    .expect(200);
    li.send(&group, "heparin after").await;
    li.settle(&private).await;
    let heparin = [("keyword", "heparin")];
    assert_eq!(
        chen.finds(&heparin).await,
        ["heparin after", "heparin in private", "heparin before"]
    );
    assert_eq!(
        wu.finds(&heparin).await,
        ["heparin after"],
        "a latecomer finds what was said since"
    );
    assert_eq!(
        wu.search(&heparin).await.body["pagination"]["total"],
        json!(1),
        "not even the number"
    );
    assert!(admin.finds(&heparin).await.is_empty());
    assert!(
        chen.finds(&[("keyword", "Ward")]).await.is_empty(),
        "notes of the group are not searched"
    );

    let foreign = [("keyword", "heparin"), ("sessionId", &*private)];
    assert_eq!(
        wu.search(&foreign).await.refused(404),
        "CONVERSATION_NOT_FOUND"
    );
    for person in [&wu, &admin] {
        let path = format!(
            "/api/chat/messages/search?userId={}&keyword=heparin",
            chen.id
        );
        assert_eq!(person.get(&path).await.refused(403), "FORBIDDEN");
    }
    assert_eq!(
        chen.get("/api/chat/messages/search?keyword=heparin")
            .await
            .expect(200)[0]["seq"],
        json!(3)
    );

    li.call(
        "PATCH",
        &format!("/api/chat/sessions/{group}"),
        json!({ "historyVisible": true }),
    )
    .await
    .expect(200);
    assert_eq!(
        wu.finds(&heparin).await,
        ["heparin after", "heparin before"],
        "the past was opened"
    );
    li.call(
        "DELETE",
        &format!("/api/chat/sessions/{group}/participants/{}", wu.id),
        json!({}),
    )
    .await
    .expect(200);
    assert!(
        wu.finds(&heparin).await.is_empty(),
        "from the answer to the removal on"
    );
    assert_eq!(
        wu.search(&[("keyword", "heparin"), ("sessionId", &*group)])
            .await
            .refused(404),
        "CONVERSATION_NOT_FOUND"
    );
    assert_eq!(chen.finds(&heparin).await.len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn keywords_of_any_form_are_answered() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    li.send(&session, &"的".repeat(8_000)).await;
    li.send(&session, &"a ".repeat(4_000)).await;
    li.settle(&session).await;
    let repeated = |text: &str, count: usize| text.repeat(count);
    for keyword in [
        "\"".to_owned(),
        "\"的".to_owned(),
        "AND OR NOT".to_owned(),
        "content:* {$ne: null}".to_owned(),
        "((((".to_owned(),
        "+-~^*?[a TO z]".to_owned(),
        "\u{0}\u{200b}\u{feff}".to_owned(),
        "<script>".to_owned(),
        repeated("的", 200),
        format!("\"{}\"", repeated("的", 198)),
        repeated("a ", 100),
        format!("\"{}\"", repeated("a ", 99)),
        repeated("\"a\"", 66),
        repeated("👩🏽‍⚕️", 20),
        repeated("%", 200),
    ] {
        let start = Instant::now();
        li.search(&[("keyword", &keyword)]).await.expect(200);
        assert!(start.elapsed() < Duration::from_secs(2), "{keyword}");
    }
    for (fields, bad) in [
        (vec![("keyword", "")], "keyword"),
        (vec![("keyword", "  ")], "keyword"),
        (vec![("limit", "5")], "keyword"),
        (vec![("keyword", &*repeated("好", 201))], "keyword"),
        (vec![("keyword", "a"), ("page", "0")], "page"),
        (
            vec![("keyword", "a"), ("page", "101"), ("limit", "100")],
            "page",
        ),
        (
            vec![("keyword", "a"), ("page", "9223372036854775807")],
            "page",
        ),
        (vec![("keyword", "a"), ("limit", "101")], "limit"),
        (vec![("keyword", "a"), ("sessionId", "x")], "sessionId"),
        (vec![("keyword", "a"), ("sender", "{}")], "sender"),
        (
            vec![("keyword", "a"), ("messageType", "system")],
            "messageType",
        ),
        (vec![("keyword", "a"), ("from", "yesterday")], "from"),
        (
            vec![
                ("keyword", "a"),
                ("from", "2024-02-02"),
                ("to", "2024-02-01"),
            ],
            "from",
        ),
    ] {
        let reply = li.search(&fields).await;
        assert!(
            reply.body["details"][bad].is_string(),
            "{fields:?}: {}",
            reply.body
        );
        assert_eq!(reply.refused(400), "VALIDATION_FAILED");
    }
    let missing = app
        .call("GET", "/api/chat/messages/search?keyword=a", json!({}))
        .await;
    assert_eq!(missing.refused(401), "AUTH_FAILED");
    app.stop().await;
}

/// Whether a reader would call a message found, for words of this small vocabulary.
fn is_found(content: &str, keyword: &str) -> bool {
    let forms = [
        ("checked", "check"),
        ("checks", "check"),
        ("beds", "bed"),
        ("doses", "dose"),
    ];
    let plain = |text: &str| {
        let words = text.to_lowercase();
        let words = words.split_whitespace().map(|word| {
            forms
                .iter()
                .find(|(form, _)| *form == word)
                .map_or(word, |(_, stem)| *stem)
                .to_owned()
        });
        words.collect::<Vec<_>>()
    };
    let content = plain(content);
    plain(keyword).iter().all(|word| {
        if word.is_ascii() {
            content.contains(word)
        } else {
            content.iter().any(|part| part.contains(word.as_str()))
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_what_reading_everything_finds() {
    use rand::{Rng, SeedableRng, seq::IndexedRandom};
    let seed = 20_240_501;
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let words = [
        "bed",
        "Beds",
        "dose",
        "doses",
        "checked",
        "CHECK",
        "12",
        "血压",
        "患者",
        "正常",
        "高血压",
        "糖尿病患者",
        "病房",
        "李明天",
        "出院",
        "压",
    ];
    let app = TestApp::unlimited().await;
    let mut people = Vec::new();
    for name in ["Li", "Chen", "Wu"] {
        people.push(app.nurse(name).await);
    }
    let sessions = [
        (people[0].session_with(&people[1]).await, [0, 1]),
        (people[1].session_with(&people[2]).await, [1, 2]),
        (people[2].session_with(&people[0]).await, [2, 0]),
    ];
    let say = |random: &mut rand::rngs::StdRng| {
        let count = random.random_range(1..6);
        (0..count)
            .map(|_| *words.choose(random).unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    // (session, sender, message)
    let mut sent: Vec<(usize, usize, Value)> = Vec::new();
    for _ in 0..220 {
        let session = random.random_range(0..sessions.len());
        let sender = sessions[session].1[random.random_range(0..2)];
        let content = say(&mut random);
        let message = people[sender].send(&sessions[session].0, &content).await;
        sent.push((session, sender, message));
        let change = random.random_range(0..10);
        let target = random.random_range(0..sent.len());
        let (_, sender, message) = &mut sent[target];
        let (sender, path) = (
            &people[*sender],
            format!("/api/chat/messages/{}", text(&message["_id"])),
        );
        if message["isDeleted"] == json!(true) || change > 1 {
            continue;
        }
        if change == 0 {
            sender
                .call("DELETE", &path, json!({ "userId": sender.id }))
                .await
                .expect(200);
            message["isDeleted"] = json!(true);
        } else {
            let content = say(&mut random);
            sender
                .call("PUT", &path, json!({ "content": content }))
                .await
                .expect(200);
            message["content"] = json!(content);
        }
    }
    for (session, [one, _]) in &sessions {
        people[*one].settle(session).await;
    }
    for _ in 0..120 {
        let count = random.random_range(1..4);
        let keyword = (0..count)
            .map(|_| *words.choose(&mut random).unwrap())
            .collect::<Vec<_>>()
            .join(" ");
        let asker = random.random_range(0..people.len());
        let mut expected: Vec<String> = sent
            .iter()
            .filter(|(session, _, message)| {
                sessions[*session].1.contains(&asker)
                    && message["isDeleted"] == json!(false)
                    && is_found(message["content"].as_str().unwrap(), &keyword)
            })
            .map(|(.., message)| text(&message["_id"]))
            .collect();
        let reply = people[asker]
            .search(&[("keyword", &keyword), ("limit", "100")])
            .await;
        let total = reply.body["pagination"]["total"].as_u64().unwrap();
        let mut found: Vec<String> = reply
            .expect(200)
            .as_array()
            .unwrap()
            .iter()
            .map(|message| text(&message["_id"]))
            .collect();
        assert_eq!(total, expected.len() as u64, "{keyword} (seed {seed})");
        found.sort_unstable();
        expected.sort_unstable();
        expected.truncate(found.len().max(expected.len().min(100)));
        if total <= 100 {
            assert_eq!(found, expected, "{keyword} (seed {seed})");
        }
    }
    app.stop().await;
}
