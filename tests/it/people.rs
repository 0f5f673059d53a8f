//! What clients learn about the service, and what readers learn of users.

use std::sync::Arc;

use serde_json::{Value, json};
use wardline::domain::SystemClock;

use crate::support::{PASSWORD, Person, TestApp, settings, text};

#[tokio::test]
async fn clients_receive_the_settings_of_the_organisation() {
    let app = TestApp::start().await;
    let open = app
        .call("GET", "/api/auth/settings", json!({}))
        .await
        .expect(200);
    let wanted = json!({
        "registration": "open", "notifyContentMax": "text", "autoLogoff": 1_800, "languages": ["en", "zh-CN"],
    });
    assert_eq!(open, wanted);
    let li = app.nurse("Li").await;
    let login = json!({ "username": li.username, "password": PASSWORD });
    let signed_in = app.call("POST", "/api/auth/login", login).await.expect(200);
    assert_eq!(signed_in["settings"], wanted);
    let me = li.get("/api/auth/me").await.expect(200);
    let key = signed_in["storageKey"].as_str().unwrap();
    assert!(
        key.len() >= 40 && me["storageKey"] == key,
        "the same at each sign-in"
    );
    let other = app.nurse("Wu").await.get("/api/auth/me").await.expect(200);
    assert!(other["storageKey"] != key, "and of nobody else");
    assert_eq!(
        (&me["settings"], &me["_id"]),
        (&wanted, &json!(li.id)),
        "beside the caller's own fields"
    );
    let wrong = json!({ "username": "a", "email": "x", "realName": 7 });
    let refused = app.call("POST", "/api/auth/register", wrong).await.body;
    assert!(
        refused["details"]
            .as_object()
            .unwrap()
            .values()
            .all(serde_json::Value::is_string),
        "{refused}"
    );
    let codes = json!({ "username": "LENGTH", "email": "EMAIL", "password": "REQUIRED", "realName": "TYPE" });
    assert_eq!(refused["fieldCodes"], codes, "{refused}");
    let short = json!({ "username": "a", "email": "x", "realName": " ", "password": "1" });
    let codes = json!({ "username": "LENGTH", "email": "EMAIL", "realName": "EMPTY", "password": "LENGTH" });
    assert_eq!(
        app.call("POST", "/api/auth/register", short).await.body["fieldCodes"],
        codes
    );
    app.stop().await;
    let app = TestApp::with(
        settings(&[
            ("WARDLINE_ENV", "production"),
            ("REGISTRATION", "closed"),
            ("AUTO_LOGOFF", "off"),
        ]),
        Arc::new(SystemClock),
    )
    .await;
    let open = app
        .call("GET", "/api/auth/settings", json!({}))
        .await
        .expect(200);
    assert_eq!(open["registration"], "closed");
    assert_eq!(
        (&open["notifyContentMax"], &open["autoLogoff"]),
        (&json!("sender"), &json!(null))
    );
    app.stop().await;
}

/// The row of a conversation in a user's list.
async fn row(person: &Person, session: &str) -> Value {
    let list = person
        .get(&format!("/api/chat/sessions/{}", person.id))
        .await
        .expect(200);
    list.as_array()
        .unwrap()
        .iter()
        .find(|row| row["_id"] == session)
        .expect("it is in the list")
        .clone()
}

#[tokio::test]
async fn lists_and_answers_say_what_they_show() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    assert_eq!(row(&li, &session).await["lastMessageSummary"], json!(null));
    let asked = li.send(&session, "give 5 mg").await;
    let summary = |kind: &str, is_deleted: bool| json!({ "sender": li.id, "kind": kind, "system": null, "subjects": [], "isDeleted": is_deleted });
    assert_eq!(
        row(&chen, &session).await["lastMessageSummary"],
        summary("text", false)
    );
    let mut reply = chen.message(&session, "done");
    reply["replyTo"] = asked["_id"].clone();
    let reply = chen
        .call("POST", "/api/chat/messages", reply)
        .await
        .expect(201);
    assert_eq!(reply["replyToChange"], json!(null));
    let path = format!("/api/chat/messages/{}", text(&asked["_id"]));
    let edited = li
        .call("PUT", &path, json!({ "content": "give 50 mg" }))
        .await
        .expect(200);
    let shown = &li.history(&session).await[1];
    assert_eq!(
        shown["replyToChange"],
        json!({ "kind": "edited", "at": edited["editedAt"] })
    );
    // A reply to the current text carries no notice of an earlier change.
    let mut second = chen.message(&session, "done again");
    second["replyTo"] = asked["_id"].clone();
    chen.call("POST", "/api/chat/messages", second)
        .await
        .expect(201);
    let shown = chen.history(&session).await;
    assert_eq!(
        (
            &shown[1]["replyToChange"]["kind"],
            &shown[2]["replyToChange"]
        ),
        (&json!("edited"), &json!(null))
    );
    li.call("POST", &format!("{path}/recall"), json!({}))
        .await
        .expect(200);
    let at_chen = chen.join().await;
    let synced = at_chen
        .call(
            "chat:sync",
            json!({ "sessions": { session.as_str(): { "seq": 1, "rev": 9 } } }),
        )
        .await;
    let messages = synced["data"]["sessions"][&session]["messages"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(messages.len(), 2);
    assert!(
        messages
            .iter()
            .all(|message| message["replyToChange"]["kind"] == "recalled"),
        "{messages:?}"
    );

    let group = crate::groups::group(&li, &[&chen], "Ward").await;
    let forward =
        json!({ "messageIds": [shown[1]["_id"]], "toSessionIds": [group], "mode": "merged" });
    li.call("POST", "/api/chat/messages/forward", forward)
        .await
        .expect(201);
    assert_eq!(
        row(&chen, &group).await["lastMessageSummary"],
        summary("merged", false)
    );
    let last = li.history(&group).await.pop().unwrap();
    li.call(
        "DELETE",
        &format!("/api/chat/messages/{}", text(&last["_id"])),
        json!({ "userId": li.id }),
    )
    .await
    .expect(200);
    assert_eq!(
        row(&chen, &group).await["lastMessageSummary"],
        summary("text", true)
    );
    let wu = app.nurse("Wu").await;
    li.call(
        "POST",
        &format!("/api/chat/sessions/{group}/participants"),
        json!({ "userIds": [wu.id] }),
    )
    .await
    .expect(200);
    let joined = row(&wu, &group).await["lastMessageSummary"].clone();
    assert_eq!(
        (&joined["kind"], &joined["system"], &joined["subjects"]),
        (&json!("system"), &json!("joined"), &json!([wu.id]))
    );
    app.stop().await;
}

#[tokio::test]
async fn an_answer_answers_what_its_author_saw() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let asked = li.send(&session, "give 5 mg").await;
    let path = format!("/api/chat/messages/{}", text(&asked["_id"]));
    let edited = li
        .call("PUT", &path, json!({ "content": "give 50 mg" }))
        .await
        .expect(200);
    let at_li = li.join().await;
    let answer = async |content: &str, as_of: &Value| {
        let mut answer = chen.message(&session, content);
        answer["replyTo"] = asked["_id"].clone();
        answer["replyToAsOf"] = as_of.clone();
        chen.call("POST", "/api/chat/messages", answer).await
    };
    // Written offline while it was 5 mg, and sent when it was 50.
    answer("will do", &asked["createdAt"]).await.expect(201);
    let heard = at_li.next("message:receive").await;
    assert_eq!(heard["message"]["replyToAsOf"], asked["createdAt"]);
    answer("50, I see", &edited["editedAt"]).await.expect(201);
    // A reply cannot refer to a later text, whatever the device's clock is.
    answer("ahead", &json!("2999-01-01T00:00:00.000Z"))
        .await
        .expect(201);
    let again = li
        .call("PUT", &path, json!({ "content": "give 55 mg" }))
        .await
        .expect(200);
    let change = |edited: &Value| json!({ "kind": "edited", "at": edited["editedAt"] });
    let changes: Vec<Value> = li
        .history(&session)
        .await
        .iter()
        .map(|m| m["replyToChange"].clone())
        .collect();
    assert_eq!(
        changes,
        [Value::Null, change(&again), change(&again), change(&again)]
    );
    assert_eq!(
        answer("bad", &json!("yesterday")).await.refused(400),
        "INVALID_MESSAGE"
    );
    // Recalled and sent again, so that only the first two are distinguished.
    let other = li.send(&session, "by mouth").await;
    let path = format!("/api/chat/messages/{}", text(&other["_id"]));
    let edited = li
        .call("PUT", &path, json!({ "content": "by vein" }))
        .await
        .expect(200);
    for as_of in [&other["createdAt"], &edited["editedAt"], &Value::Null] {
        let mut answer = chen.message(&session, "ok");
        answer["replyTo"] = other["_id"].clone();
        answer["replyToAsOf"] = as_of.clone();
        chen.call("POST", "/api/chat/messages", answer)
            .await
            .expect(201);
    }
    let shown = li.history(&session).await.split_off(5);
    let changes: Vec<&Value> = shown.iter().map(|m| &m["replyToChange"]).collect();
    assert_eq!(changes, [&change(&edited), &Value::Null, &Value::Null]);
    app.stop().await;
}

fn contacts(user: &Value) -> (String, String) {
    (text(&user["phone"]), text(&user["email"]))
}

#[tokio::test]
async fn each_reader_sees_of_people_what_is_theirs_to_see() {
    let variables = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("WARDLINE_ENV", "production"),
        ("REGISTRATION", "open"),
    ];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let admin = app.admin().await;
    let own = async |name: &str, role: &str| {
        let person = app.nurse(name).await;
        let change = json!({ "role": role, "phone": "8123", "email": "a@ward.example" });
        admin
            .call("PATCH", &format!("/api/chat/users/{}", person.id), change)
            .await
            .expect(200);
        let login = json!({ "username": person.username, "password": PASSWORD });
        app.person(&app.call("POST", "/api/auth/login", login).await.expect(200))
    };
    let (doctor, nurse, clerk) = (
        own("Chen", "doctor").await,
        own("Li", "nurse").await,
        own("Wu", "user").await,
    );
    let stranger = app.nurse("Stranger").await;
    let session = clerk.session_with(&doctor).await;
    let (at_doctor, _at_nurse) = (doctor.join().await, nurse.join().await);
    let shown = ("8123".to_owned(), "a@ward.example".to_owned());
    let hidden = (String::new(), String::new());
    let seen = async |reader: &Person, of: &Person| {
        let list = reader.get("/api/chat/users?limit=1000").await.expect(200);
        list.as_array()
            .unwrap()
            .iter()
            .find(|user| user["_id"] == json!(of.id))
            .unwrap()
            .clone()
    };
    for (reader, wanted) in [
        (&nurse, &shown),
        (&doctor, &shown),
        (&admin, &shown),
        (&clerk, &hidden),
        (&stranger, &hidden),
    ] {
        let of = if reader.id == doctor.id {
            &nurse
        } else {
            &doctor
        };
        assert_eq!(
            &contacts(&seen(reader, of).await),
            wanted,
            "{}",
            reader.username
        );
    }
    assert_eq!(
        contacts(&seen(&clerk, &clerk).await),
        shown,
        "the user's own"
    );
    // The same in every list and event.
    let info = clerk
        .get(&format!("/api/chat/sessions/{session}/info"))
        .await
        .expect(200);
    let listed = row(&clerk, &session).await;
    let online = clerk.get("/api/chat/users/online").await.expect(200);
    let at_clerk = clerk.join().await;
    let told = at_clerk.call("users:online", json!(null)).await;
    let opened = clerk
        .call(
            "POST",
            "/api/chat/sessions/private",
            json!({ "userId1": clerk.id, "userId2": nurse.id }),
        )
        .await
        .expect(201);
    for list in [
        &info["participantProfiles"],
        &listed["participantProfiles"],
        &online,
        &told,
        &opened["participantProfiles"],
    ] {
        let others = list
            .as_array()
            .unwrap()
            .iter()
            .filter(|user| user["_id"] != json!(clerk.id));
        let others: Vec<&Value> = others.collect();
        assert!(
            !others.is_empty() && others.iter().all(|user| contacts(user) == hidden),
            "{list}"
        );
    }
    // Users show their own; no other user does it for them.
    let path = format!("/api/chat/users/{}", doctor.id);
    admin
        .call("PATCH", &path, json!({ "contactsShared": true }))
        .await
        .refused(403);
    doctor
        .call(
            "PATCH",
            &path,
            json!({ "contactsShared": true, "role": "admin" }),
        )
        .await
        .refused(403);
    assert_eq!(
        doctor
            .call("PATCH", &path, json!({ "contactsShared": true }))
            .await
            .expect(200)["contactsShared"],
        true
    );
    assert_eq!(contacts(&seen(&stranger, &doctor).await), shown);

    // A self-registered user is marked until an admin has changed the account, and receives the
    // presence of users with a shared conversation only.
    assert_eq!(seen(&admin, &stranger).await["selfRegistered"], true);
    assert_eq!(seen(&admin, &doctor).await["selfRegistered"], false);
    let unknown = seen(&stranger, &doctor).await;
    assert_eq!(
        (&unknown["status"], &unknown["lastSeen"]),
        (&json!("offline"), &json!(null))
    );
    let at_stranger = stranger.join().await;
    let told = at_stranger.call("users:online", json!(null)).await;
    assert!(
        told.as_array()
            .unwrap()
            .iter()
            .all(|user| user["_id"] == json!(stranger.id)),
        "{told}"
    );
    stranger.session_with(&doctor).await;
    assert_eq!(seen(&stranger, &doctor).await["status"], "online");
    assert_eq!(seen(&stranger, &nurse).await["status"], "offline");
    drop(at_doctor);
    let left = at_stranger
        .next_where("user:status", |status| status["status"] == "offline")
        .await;
    assert_eq!(left["userId"], json!(doctor.id));
    let path = format!("/api/chat/users/{}", stranger.id);
    admin
        .call("PATCH", &path, json!({ "title": "Clerk" }))
        .await
        .expect(200);
    assert_eq!(seen(&stranger, &nurse).await["status"], "online");
    app.stop().await;
}

#[tokio::test]
async fn an_admin_who_is_no_member_reads_no_messages() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let (admin, li, wu) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Wu").await,
    );
    let session = li.session_with(&wu).await;
    li.send(&session, "Bed 4, HIV positive").await;
    let group = crate::groups::group(&li, &[&wu], "Ward").await;
    li.call(
        "PATCH",
        &format!("/api/chat/sessions/{group}"),
        json!({ "topic": "Bed 4, HIV" }),
    )
    .await
    .expect(200);
    let with_admin = li.session_with(&admin).await;
    li.send(&with_admin, "HIV, to you").await;
    let list = admin
        .get(&format!("/api/chat/sessions/{}", li.id))
        .await
        .expect(200);
    let rows: Vec<&Value> = list.as_array().unwrap().iter().collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(
            row.to_string().contains("HIV"),
            row["_id"] == json!(with_admin),
            "{row}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_for_nobody_who_can_read_it_is_not_sent_in_silence() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let admin = app.admin().await;
    let (li, wu, chen, zhao) = (
        app.nurse("Li").await,
        app.nurse("Wu").await,
        app.nurse("Chen").await,
        app.nurse("Zhao").await,
    );
    let session = li.session_with(&wu).await;
    let mut repeated = li.message(&session, "before");
    repeated["clientMsgId"] = json!("one");
    let before = li
        .call("POST", "/api/chat/messages", repeated.clone())
        .await
        .expect(201);
    let group = crate::groups::group(&li, &[&wu, &chen], "Ward").await;
    let pair = crate::groups::group(&li, &[&wu], "Two").await;
    let at_li = li.join().await;
    admin
        .call(
            "PATCH",
            &format!("/api/chat/users/{}", wu.id),
            json!({ "isActive": false }),
        )
        .await
        .expect(200);

    let refused = li
        .call("POST", "/api/chat/messages", li.message(&session, "after"))
        .await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (409, &json!("CONFLICT"))
    );
    let details = json!({ "reason": "recipientInactive", "userIds": [wu.id] });
    assert_eq!(refused.body["details"], details);
    assert!(
        text(&refused.body["message"]).contains("Wu no longer uses Wardline"),
        "{}",
        refused.body
    );
    assert_eq!(
        at_li
            .call("message:send", li.message(&session, "after"))
            .await["details"],
        details
    );
    assert_eq!(
        li.call("POST", "/api/chat/messages", repeated)
            .await
            .expect(201)["_id"],
        before["_id"],
        "a repeat"
    );
    let forward = json!({ "messageIds": [before["_id"]], "toSessionIds": [group, session] });
    assert_eq!(
        li.call("POST", "/api/chat/messages/forward", forward)
            .await
            .body["details"],
        details
    );
    assert_eq!(li.history(&session).await.len(), 1, "nothing was stored");
    assert!(
        li.history(&group)
            .await
            .iter()
            .all(|message| message["system"].is_string()),
        "all or nothing"
    );
    let path = format!("/api/chat/messages/{}", text(&before["_id"]));
    li.call("PUT", &path, json!({ "content": "edited" }))
        .await
        .expect(200);
    li.call("POST", &format!("{path}/recall"), json!({}))
        .await
        .expect(200);

    // The group receives it; a user who cannot be mentioned does not.
    let mut called = li.message(&group, "@Wu @Chen");
    called["mentions"] = json!([wu.id, chen.id]);
    let warned = json!([{ "code": "MENTION_INACTIVE", "userIds": [wu.id] }]);
    let sent = li.call("POST", "/api/chat/messages", called.clone()).await;
    assert_eq!(
        (&sent.body["warnings"], &sent.body["data"]["mentions"]),
        (&warned, &json!([chen.id]))
    );
    assert_eq!(at_li.call("message:send", called).await["warnings"], warned);
    let path = format!("/api/chat/messages/{}", text(&sent.body["data"]["_id"]));
    let edit = json!({ "content": "@Wu", "mentions": [wu.id] });
    assert_eq!(li.call("PUT", &path, edit).await.body["warnings"], warned);
    let alone = li
        .call("POST", "/api/chat/messages", li.message(&pair, "anybody?"))
        .await;
    assert_eq!(
        (alone.status, &alone.body["warnings"]),
        (201, &json!([{ "code": "NO_ACTIVE_RECIPIENT" }]))
    );
    assert!(
        li.call("POST", "/api/chat/messages", li.message(&group, "hello"))
            .await
            .body["warnings"]
            .is_null()
    );

    // Opening conversations and groups.
    let open = async |who: &Person| {
        who.call(
            "POST",
            "/api/chat/sessions/private",
            json!({ "userId1": who.id, "userId2": wu.id }),
        )
        .await
    };
    let mine = open(&li).await.expect(200);
    let profiles = mine["participantProfiles"].as_array().unwrap();
    assert!(
        profiles
            .iter()
            .any(|user| user["_id"] == json!(wu.id) && user["isActive"] == false)
    );
    assert_eq!(
        open(&chen).await.body["details"],
        details,
        "they share a group"
    );
    open(&zhao).await.refused(404);
    let make = async |who: &Person| {
        let body = json!({ "sessionName": "New", "participants": [admin.id, wu.id] });
        who.call("POST", "/api/chat/sessions/group", body).await
    };
    let bad = make(&li).await;
    assert!(
        bad.status == 400 && text(&bad.body["details"]["participants"]).contains(&wu.id),
        "{}",
        bad.body
    );
    make(&zhao).await.refused(404);
    let theirs = crate::groups::group(&chen, &[&li], "Other").await;
    let add = chen
        .call(
            "POST",
            &format!("/api/chat/sessions/{theirs}/participants"),
            json!({ "userIds": [wu.id] }),
        )
        .await;
    assert!(
        text(&add.body["details"]["userIds"]).contains(&wu.id),
        "{}",
        add.body
    );

    // The unread messages of inactive users count in no backlog.
    let overview = admin.get("/api/chat/stats").await.expect(200);
    let people = admin.get("/api/chat/stats/users").await.expect(200);
    let of = |id: &str| {
        people
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row.to_string().contains(id))
            .unwrap()["unread"]
            .clone()
    };
    assert_eq!(of(&wu.id), 0);
    assert_eq!(overview["unread"]["people"], 1, "Chen alone: {overview}");
    app.stop().await;
}

#[tokio::test]
async fn a_person_does_not_bury_another() {
    let app = TestApp::start().await;
    let (at, victim) = (app.nurse("At").await, app.nurse("Victim").await);
    let body = json!({ "sessionName": "g", "participants": [victim.id] });
    let (mut made, mut refused) = (0, None);
    for _ in 0..70 {
        let reply = at
            .call("POST", "/api/chat/sessions/group", body.clone())
            .await;
        if reply.status == 201 {
            made += 1;
        } else {
            refused = Some(reply);
        }
    }
    let refused = refused.expect("there is a limit");
    assert!((60..70).contains(&made), "{made}");
    assert!(
        refused.body["details"]["retryAfter"].as_u64().unwrap() <= 10,
        "{}",
        refused.body
    );
    assert_eq!(refused.refused(429), "RATE_LIMITED");
    app.stop().await;

    let app = TestApp::unlimited().await;
    let (at, victim) = (app.nurse("At").await, app.nurse("Victim").await);
    let first = crate::groups::group(&at, &[&victim], "one").await;
    let sessions = app
        .database()
        .await
        .collection::<mongodb::bson::Document>("sessions");
    let id = mongodb::bson::oid::ObjectId::parse_str(&first).unwrap();
    let one = sessions
        .find_one(mongodb::bson::doc! { "_id": id })
        .await
        .unwrap()
        .unwrap();
    let copies = (1..2_000_i64).map(|number| {
        let mut copy = one.clone();
        copy.insert("_id", mongodb::bson::oid::ObjectId::new());
        // Each conversation's own, far from those that the service gives.
        copy.insert("number", 1_000_000 + number);
        copy
    });
    sessions
        .insert_many(copies.collect::<Vec<_>>())
        .await
        .unwrap();
    let body = json!({ "sessionName": "g", "participants": [victim.id] });
    let full = at
        .call("POST", "/api/chat/sessions/group", body.clone())
        .await;
    assert_eq!(
        full.body["details"],
        json!({ "reason": "groupsFull", "userIds": [victim.id] }),
        "{}",
        full.body
    );
    assert_eq!(full.refused(409), "CONFLICT");
    let own = json!({ "sessionName": "g", "participants": [at.id] });
    victim
        .call("POST", "/api/chat/sessions/group", own)
        .await
        .expect(201);

    // A sync comes in pages, and a client that asks again from its position receives everything.
    let at_victim = victim.join().await;
    let (mut known, mut pages) = (serde_json::Map::new(), 0);
    loop {
        let answer = at_victim
            .call("chat:sync", json!({ "sessions": known }))
            .await;
        let shares = answer["data"]["sessions"].as_object().unwrap();
        assert!(shares.len() <= 400, "{}", shares.len());
        for (id, share) in shares {
            known.insert(id.clone(), share["next"].clone());
        }
        pages += 1;
        if answer["data"]["hasMore"] == false {
            break;
        }
    }
    assert!(
        known.len() == 2_001 && pages > 5,
        "{} in {pages}",
        known.len()
    );
    app.stop().await;
}
