//! Searches as clinicians type them: in messages and in the directory.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use wardline::domain::{Clock, SystemClock, statistics::Calendar};

use crate::support::{MockClock, PASSWORD, Person, TestApp, settings, text, unique};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_what_was_meant_and_nothing_else() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let said = [
        "morphine 0.5mg iv",
        "morphine 2.5 mg iv",
        "morphine 5mg iv, 500 ml",
        "1,500 ml over 4 h, INR 2:7, 0.5单位",
        "3床 患者发热",
        "13床 输液 3 次，请看床边 5单位",
        "amoxicillin and potassium for MRN0000456, call 138-0013-8000",
        "血壓 120/80 陳立偉",
        "Co-trimoxazole for O'Brien, re-check β-blocker 5 µg/kg/min",
        "HBsAg(+) Rh- ≥38 K↑",
        "Sørensen 胸\n痛 peni\u{200b}cillin \u{1112}\u{116a}\u{11ab}자",
        "⭐ ⏰ 🇨🇳",
    ];
    for content in said {
        li.send(&session, content).await;
    }
    li.settle(&session).await;
    for (keyword, expected) in [
        ("5mg", &[2][..]),
        ("\"5mg\"", &[2]),
        ("５ｍｇ", &[2]),
        ("0.5mg", &[0]),
        ("500 ml", &[2]),
        ("1,500 ml", &[3]),
        ("2.7", &[]),
        ("2：7", &[3]),
        ("5单位", &[5]),
        ("3床", &[4]),
        ("13床", &[5]),
        ("amox", &[6]),
        ("potassi", &[6]),
        ("pot", &[6]),
        ("MRN00004", &[6]),
        ("456", &[6]),
        ("13800138000", &[6]),
        ("血压 陈立伟", &[7]),
        ("cotrimoxazole obrien", &[8]),
        ("recheck beta-blocker ug/kg/min", &[8]),
        ("\"HBsAg(+)\"", &[9]),
        ("\"HBsAg(-)\"", &[]),
        ("\"Rh+\"", &[]),
        ("\"Rh-\" \">=38\" \"K↑\"", &[9]),
        ("\"K↓\"", &[]),
        ("sorensen 胸痛 penicillin 환자", &[10]),
        ("⭐", &[11]),
        ("⏰ 🇨🇳", &[11]),
        ("morph", &[2, 1, 0]),
        ("morph ", &[]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|index| said[*index]).collect();
        assert_eq!(
            chen.finds(&[("keyword", keyword)]).await,
            expected,
            "{keyword}"
        );
    }
    let marked = |reply: Value| text(&reply[0]["highlights"][0]);
    for (keyword, expected) in [
        ("amox", "<mark>amoxicillin</mark> and"),
        ("cotrimoxazole", "<mark>Co-trimoxazole</mark> for"),
        ("血压", "<mark>血壓</mark> 120/80"),
        ("13800138000", "call <mark>138-0013-8000</mark>"),
        ("胸痛", "<mark>胸\n痛</mark>"),
    ] {
        let marked = marked(chen.search(&[("keyword", keyword)]).await.expect(200));
        assert!(marked.contains(expected), "{keyword}: {marked}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_alone_list_the_newest_and_mentions_are_one() {
    let clock = MockClock::starting_now();
    let zone = "Asia/Shanghai";
    // To an hour that is already the next day in the hospital's time zone.
    while Calendar::utc().hour(clock.now()) != 17 {
        clock.advance(std::time::Duration::from_hours(1));
    }
    let app = TestApp::with(
        settings(&[("RATE_LIMIT", "off"), ("TIME_ZONE", zone)]),
        clock.clone(),
    )
    .await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let body = json!({ "sessionName": "Ward 3", "participants": [chen.id, wu.id] });
    let group = text(
        &li.call("POST", "/api/chat/sessions/group", body)
            .await
            .expect(201)["_id"],
    );
    let mention = async |content: &str, whom: Value| {
        let mut message = li.message(&group, content);
        message["mentions"] = whom;
        li.call("POST", "/api/chat/messages", message)
            .await
            .expect(201)
    };
    li.send(&group, "to nobody").await;
    let edited = mention("to chen", json!([chen.id])).await;
    mention("to all", json!("all")).await;
    mention("to wu and chen, heparin", json!([wu.id, chen.id])).await;
    li.settle(&group).await;
    assert_eq!(
        chen.finds(&[("mentions", "me")]).await,
        ["to wu and chen, heparin", "to chen"]
    );
    assert_eq!(
        wu.finds(&[("mentions", "me"), ("keyword", "")]).await,
        ["to wu and chen, heparin"]
    );
    assert_eq!(
        wu.finds(&[("mentions", "all"), ("sessionId", &*group)])
            .await,
        ["to all"]
    );
    assert!(li.finds(&[("mentions", "me")]).await.is_empty());
    assert_eq!(
        chen.finds(&[("mentions", "me"), ("keyword", "heparin")])
            .await
            .len(),
        1
    );
    assert!(
        chen.finds(&[("mentions", "me"), ("keyword", "!?")])
            .await
            .is_empty()
    );
    let path = format!("/api/chat/messages/{}", text(&edited["_id"]));
    li.call(
        "PUT",
        &path,
        json!({ "content": "to nobody else", "mentions": [] }),
    )
    .await
    .expect(200);
    li.settle(&group).await;
    assert_eq!(
        chen.finds(&[("mentions", "me")]).await.len(),
        1,
        "an edit takes it away"
    );
    assert_eq!(
        chen.finds(&[("sender", &*li.id), ("limit", "2")])
            .await
            .len(),
        2
    );
    let listed = chen.search(&[("sessionId", &group)]).await;
    assert_eq!(
        listed.body["pagination"]["total"],
        json!(6),
        "{}",
        listed.body
    );
    assert_eq!(listed.expect(200)[0]["highlights"], json!([]));
    for (field, value) in [
        ("mentions", "chen"),
        ("from", "yesterday"),
        ("to", "2026-02-30"),
        ("sender", "x"),
    ] {
        let refused = chen.search(&[(field, value)]).await;
        assert!(
            refused.body["details"][field].is_string(),
            "{field}: {}",
            refused.body
        );
        assert_eq!(refused.refused(400), "VALIDATION_FAILED");
    }

    // A date without a time is in the hospital's time zone.
    let calendar = Calendar::of(zone).unwrap();
    let (here, utc) = (calendar.day(clock.now()), Calendar::utc().day(clock.now()));
    assert_ne!(here, utc);
    assert_eq!(
        chen.finds(&[("from", &here), ("to", &here), ("keyword", "heparin")])
            .await
            .len(),
        1
    );
    assert!(chen.finds(&[("from", &utc), ("to", &utc)]).await.is_empty());
    let refused = chen.search(&[("from", &here), ("to", &utc)]).await;
    assert_eq!(refused.refused(400), "VALIDATION_FAILED");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_found_as_they_are_called() {
    let admin = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("RATE_LIMIT", "off"),
        ("TIME_ZONE", "Asia/Shanghai"),
    ];
    let settings = settings(&admin);
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    let chief = app.admin().await;
    let mut ids = Vec::new();
    for (username, real_name, department, title) in [
        ("nurse.li", "李 娜", "急诊科", "护士长"),
        ("p.novak", "Novák Pavel", " ICU ", "Consultant"),
        ("chen", "陳立偉", "ＩＣＵ", "主治医师"),
        ("shan", "單曾", "icu;=1+1", ""),
    ] {
        let new = json!({ "username": unique(username), "password": PASSWORD, "realName": real_name, "role": "nurse",
            "department": department, "title": title });
        ids.push(text(
            &chief.call("POST", "/api/chat/users", new).await.expect(201)["_id"],
        ));
    }
    let search = [
        ("nurse li", 0),
        ("li nurse", 0),
        ("NURSE.LI", 0),
        ("李娜", 0),
        ("李 娜", 0),
        ("lina", 0),
        ("ln", 0),
        ("ji zhen", 0),
        ("jzk", 0),
        ("急診", 0),
        ("护士长", 0),
        ("Novak ", 1),
        ("pavel nova\u{301}k", 1),
        ("consultant", 1),
        ("陈立伟", 2),
        ("ｃｌｗ", 2),
        ("chenliwei", 2),
        ("主治", 2),
        ("shanzeng", 3),
        ("单曾", 3),
    ];
    let found = async |asker: &Person, search: &str, session: Option<&str>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("search", search);
        query.extend_pairs(session.map(|session| ("sessionId", session)));
        let people = asker
            .get(&format!("/api/chat/users?{}", query.finish()))
            .await
            .expect(200);
        people
            .as_array()
            .unwrap()
            .iter()
            .map(|person| text(&person["_id"]))
            .collect::<Vec<String>>()
    };
    for (typed, expected) in search {
        assert_eq!(
            found(&chief, typed, None).await,
            [ids[expected].clone()],
            "{typed}"
        );
    }
    for nobody in ["李娜 pavel", "!?", "."] {
        assert!(found(&chief, nobody, None).await.is_empty(), "{nobody}");
    }
    assert!(
        found(&chief, "icu", None).await.len() >= 3,
        "departments are searched, however they are written"
    );
    let body = json!({ "sessionName": "Ward 3", "participants": [ids[1], ids[2]] });
    let group = text(
        &chief
            .call("POST", "/api/chat/sessions/group", body)
            .await
            .expect(201)["_id"],
    );
    assert_eq!(
        found(&chief, "icu", Some(&group)).await.len(),
        2,
        "only who is in it"
    );
    let li = app.nurse("Li").await;
    assert_eq!(
        li.get(&format!("/api/chat/users?sessionId={group}"))
            .await
            .refused(404),
        "CONVERSATION_NOT_FOUND"
    );
    let path = format!("/api/chat/users/{}", ids[0]);
    chief
        .call(
            "PATCH",
            &path,
            json!({ "title": "Charge nurse", "department": "内科" }),
        )
        .await
        .expect(200);
    assert_eq!(found(&chief, "charge neike", None).await, [ids[0].clone()]);
    assert!(found(&chief, "护士长", None).await.is_empty());

    // Spellings of a department are one, and no cell becomes a formula.
    let departments = chief.get("/api/chat/stats/departments").await.expect(200);
    let icu: Vec<&Value> = departments
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| text(&row["department"]).to_lowercase() == "icu")
        .collect();
    assert_eq!(
        (icu.len(), &icu[0]["department"], &icu[0]["people"]),
        (1, &json!("ICU"), &json!(2))
    );
    let fetch = async |path: &str| {
        let request =
            reqwest::Client::new().get(format!("http://{}/api/chat/stats{path}", app.address));
        request
            .bearer_auth(&chief.token)
            .header("accept", "text/csv")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert!(fetch("/departments").await.contains("icu;'=1+1"));
    let today = Calendar::of("Asia/Shanghai")
        .unwrap()
        .day(SystemClock.now());
    assert!(
        fetch("/trends?days=1")
            .await
            .contains(&format!("\n{today},"))
    );
    assert!(
        fetch("/trends?days=1&granularity=hour")
            .await
            .contains(&format!("\n{today} 00:00:00,"))
    );

    // A database of an earlier format is migrated.
    let database = app.database().await;
    let nothing = doc! { "$set": { "searchKeys": ["nurse"] } };
    database
        .collection::<Document>("users")
        .update_many(doc! {}, nothing)
        .await
        .unwrap();
    let older = doc! { "$set": { "version": 2_i64 } };
    database
        .collection::<Document>("meta")
        .update_one(doc! { "_id": "format" }, older)
        .await
        .unwrap();
    app.stop().await;
    let app = TestApp::with(settings, Arc::new(SystemClock)).await;
    assert_eq!(
        found(&app.admin().await, "chenliwei", None).await,
        [ids[2].clone()]
    );
    app.stop().await;
}
