//! Groups: members talk, join and leave, and a former member receives nothing more.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Person, TestApp, eventually,
    files::{png, wav},
    socket::Socket,
    text,
};

/// A group of these users; the first is its owner.
pub async fn group(owner: &Person, others: &[&Person], name: &str) -> String {
    let ids: Vec<&String> = others.iter().map(|person| &person.id).collect();
    let body = json!({ "sessionName": name, "participants": ids });
    text(
        &owner
            .call("POST", "/api/chat/sessions/group", body)
            .await
            .expect(201)["_id"],
    )
}

fn participants(session: &str) -> String {
    format!("/api/chat/sessions/{session}/participants")
}

fn id(message: &Value) -> String {
    text(&message["_id"])
}

/// Every member's count equals the count over their history.
async fn counts_hold(session: &str, people: &[&Person]) {
    for person in people {
        let info = person
            .get(&format!("/api/chat/sessions/{session}/info"))
            .await
            .expect(200);
        let member = info["members"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["userId"] == json!(person.id))
            .unwrap();
        let position = member["readSeq"].as_u64().unwrap();
        let counted = person.history(session).await.into_iter().filter(|m| {
            m["sender"] != json!(person.id)
                && m["seq"].as_u64().unwrap() > position
                && m["isDeleted"] == json!(false)
                && m["system"].is_null()
        });
        let counted = counted.count() as u64;
        assert_eq!(
            info["unreadCount"][&person.id],
            json!(counted),
            "{}",
            person.username
        );
        let (_, by_session) = person.unread().await;
        assert_eq!(
            by_session[session].as_u64().unwrap_or(0),
            counted,
            "{}",
            person.username
        );
    }
}

#[tokio::test]
async fn a_group_says_who_made_it_for_good() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let private = li.session_with(&chen).await;
    let (at_chen, at_wu) = (chen.join().await, wu.join().await);
    let ward = group(&li, &[&chen], "Ward").await;
    let created = at_chen.next("session:created").await;
    assert_eq!(created["session"]["createdBy"], json!(li.id));
    // Its owner may transfer it and leave.
    chen.send(&ward, "Who is on tonight?").await;
    let member_path = |person: &Person| format!("{}/{}", participants(&ward), person.id);
    li.call("PATCH", &member_path(&chen), json!({ "role": "owner" }))
        .await
        .expect(200);
    li.call("DELETE", &member_path(&li), json!({}))
        .await
        .expect(200);
    chen.call("POST", &participants(&ward), json!({ "userIds": [wu.id] }))
        .await
        .expect(200);
    assert_eq!(
        at_wu.next("session:created").await["session"]["createdBy"],
        json!(li.id)
    );
    let listed = chen
        .get(&format!("/api/chat/sessions/{}", chen.id))
        .await
        .expect(200);
    let listed = |id: &str| {
        listed
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["_id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(listed(&ward)["createdBy"], json!(li.id));
    assert!(
        listed(&private).get("createdBy").is_none(),
        "nobody makes a private session"
    );
    let synced = at_wu.call("chat:sync", json!({ "sessions": {} })).await;
    assert_eq!(
        synced["data"]["sessions"][&ward]["session"]["createdBy"],
        json!(li.id)
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_talks() {
    let app = TestApp::unlimited().await;
    let mut staff = Vec::new();
    for name in ["Li", "Chen", "Wu", "Zhao", "Sun", "Qian"] {
        staff.push(app.nurse(name).await);
    }
    let [li, chen, wu, zhao, sun, qian] = &staff[..] else {
        unreachable!()
    };
    let late = app.nurse("Late").await;
    let ward = group(li, &[chen, wu, zhao, sun, qian], "三病区").await;
    let private = li.session_with(&late).await;
    let (at_li, at_chen, at_wu, at_zhao) = (
        li.join().await,
        chen.join().await,
        wu.join().await,
        zhao.join().await,
    );
    let at_late = late.join().await;
    let six = [li, chen, wu, zhao, sun, qian];

    // A message, a reply that mentions its author, an edit, a reaction.
    let first = at_li
        .call("message:send", li.message(&ward, "12床血钾 2.9"))
        .await["data"]
        .clone();
    assert_eq!(
        (&first["seq"], &first["receiver"]),
        (&json!(1), &Value::Null)
    );
    let mut answer = chen.message(&ward, "补钾 10ml/h");
    answer["replyTo"] = first["_id"].clone();
    answer["mentions"] = json!([li.id]);
    let answer = at_chen.call("message:send", answer).await["data"].clone();
    assert_eq!(
        (&answer["replyTo"], &answer["replyToSeq"]),
        (&first["_id"], &json!(1))
    );
    let heard = at_wu
        .next_where("message:receive", |e| e["message"]["_id"] == answer["_id"])
        .await;
    assert_eq!(heard["message"]["mentions"], json!([li.id]));
    counts_hold(&ward, &six).await;

    let edit = json!({ "messageId": answer["_id"], "content": "补钾 15ml/h" });
    let edited = at_chen.call("message:edit", edit).await["data"].clone();
    assert!(edited["editedAt"].is_string(), "{edited}");
    let updated = at_wu.next("message:updated").await;
    assert_eq!(
        (&updated["content"], &updated["rev"]),
        (&json!("补钾 15ml/h"), &edited["rev"])
    );
    let react = json!({ "messageId": first["_id"], "emoji": "👍" });
    assert_eq!(
        at_wu.call("message:react", react).await["success"],
        json!(true)
    );
    let reacted = at_li.next("message:reaction").await;
    assert_eq!(
        reacted["reactions"],
        json!([{ "emoji": "👍", "users": [wu.id] }])
    );

    // Every member's positions.
    let read = at_wu
        .call("session:read", json!({ "sessionId": ward, "seq": 2 }))
        .await;
    assert_eq!(read["data"], json!({ "readCount": 2, "unreadCount": 0 }));
    let heard = at_li
        .next_where("message:read", |r| r["userId"] == json!(wu.id))
        .await;
    assert_eq!(
        (&heard["seq"], &heard["messageId"]),
        (&json!(2), &answer["_id"])
    );
    let counted = at_li
        .next_where("message:status", |s| s["readCount"].as_u64() >= Some(1))
        .await;
    assert_eq!(
        (&counted["messageId"], &counted["sessionId"]),
        (&first["_id"], &json!(ward))
    );
    counts_hold(&ward, &six).await;

    // A recall; a forward to a private conversation.
    let slip = zhao.send(&ward, "wrong ward").await;
    let recalled = at_zhao
        .call("message:recall", json!({ "messageId": slip["_id"] }))
        .await;
    assert!(recalled["data"]["recalledAt"].is_string(), "{recalled}");
    assert_eq!(
        at_li.next("message:recalled").await["messageId"],
        slip["_id"]
    );
    let forward = json!({ "messageIds": [first["_id"], answer["_id"]], "toSessionIds": [private], "mode": "each" });
    let forwarded = at_li.call("message:forward", forward).await;
    assert_eq!(
        forwarded["data"]["messages"].as_array().unwrap().len(),
        2,
        "{forwarded}"
    );
    let heard = at_late.next("message:receive").await["message"].clone();
    assert_eq!(
        (&heard["content"], &heard["forwardedFrom"]["sender"]),
        (&first["content"], &json!(li.id))
    );
    assert_eq!(
        at_late.next("message:receive").await["message"]["content"],
        "补钾 15ml/h",
        "as edited"
    );
    counts_hold(&ward, &six).await;

    // A picture, a voice note; the picture is forwarded to the private conversation.
    let picture = li.uploaded("wound.png", png(64, 48)).await;
    let voice = wu.uploaded("handover.wav", wav()).await;
    let shown = li.send_file(&ward, "image", &picture).await;
    let heard = at_zhao
        .next_where("message:receive", |e| e["message"]["_id"] == shown["_id"])
        .await;
    assert_eq!(heard["message"]["fileUrl"], picture["fileUrl"]);
    wu.send_file(&ward, "voice", &voice).await;
    let picture = text(&picture["fileUrl"]);
    for (person, status) in [(zhao, 200), (qian, 200), (&late, 404)] {
        assert_eq!(
            person.fetch(&picture, &[]).await.status,
            status,
            "{}",
            person.username
        );
    }
    let forward =
        json!({ "messageIds": [shown["_id"]], "toSessionIds": [private], "mode": "each" });
    assert_eq!(
        at_li.call("message:forward", forward).await["success"],
        json!(true)
    );
    assert_eq!(
        late.fetch(&picture, &[]).await.status,
        200,
        "it came to them"
    );
    counts_hold(&ward, &six).await;

    // One member is removed, one is added: the new one sees later messages only.
    li.call(
        "DELETE",
        &format!("{}/{}", participants(&ward), zhao.id),
        json!({}),
    )
    .await
    .expect(200);
    assert_eq!(at_zhao.next("session:removed").await["reason"], "removed");
    assert_eq!(zhao.fetch(&picture, &[]).await.status, 404);
    li.call(
        "POST",
        &participants(&ward),
        json!({ "userIds": [late.id] }),
    )
    .await
    .expect(200);
    assert_eq!(
        at_late.next("session:created").await["session"]["_id"],
        json!(ward)
    );
    let joined = at_wu
        .next_where("session:updated", |u| u["joined"] != json!([]))
        .await;
    assert_eq!(joined["joined"][0]["userId"], json!(late.id));
    chen.send(&ward, "Bed 12 is stable").await;
    let theirs = late.history(&ward).await;
    assert_eq!(
        theirs.iter().map(|m| &m["system"]).collect::<Vec<_>>(),
        [&json!("joined"), &Value::Null]
    );
    let rest = [li, chen, wu, sun, qian, &late];
    counts_hold(&ward, &rest).await;
    assert_eq!(
        late.unread().await.1[&ward],
        json!(1),
        "the note about their coming is not unread"
    );
    // With the history shown, they see the past, too; it stays read.
    li.call(
        "PATCH",
        &format!("/api/chat/sessions/{ward}"),
        json!({ "historyVisible": true, "topic": "床位" }),
    )
    .await
    .expect(200);
    assert_eq!(
        late.history(&ward).await.len(),
        li.history(&ward).await.len()
    );
    counts_hold(&ward, &rest).await;
    app.stop().await;
}

/// Tries everything in a conversation: each call must be refused as if the conversation did not
/// exist.
async fn is_shut_out(person: &Person, at: &Socket, session: &str, message: &Value) {
    let message = id(message);
    for path in [
        format!("/api/chat/messages/{session}"),
        format!("/api/chat/sessions/{session}/info"),
        format!("/api/chat/messages/{message}/receipts"),
    ] {
        assert_eq!(person.get(&path).await.status, 404, "{path}");
    }
    let own = |body: Value| body;
    for (method, path, body) in [
        (
            "POST",
            "/api/chat/messages".to_owned(),
            person.message(session, "let me in"),
        ),
        (
            "PATCH",
            format!("/api/chat/sessions/{session}"),
            json!({ "sessionName": "mine" }),
        ),
        (
            "POST",
            participants(session),
            json!({ "userIds": [person.id] }),
        ),
        (
            "DELETE",
            format!("{}/{}", participants(session), person.id),
            json!({}),
        ),
        (
            "PATCH",
            format!("{}/{}", participants(session), person.id),
            json!({ "role": "owner" }),
        ),
        (
            "POST",
            format!("/api/chat/sessions/{session}/read"),
            json!({ "seq": 1 }),
        ),
        (
            "PUT",
            format!("/api/chat/messages/{message}"),
            json!({ "content": "mine" }),
        ),
        (
            "PUT",
            format!("/api/chat/messages/{message}/read"),
            json!({ "userId": person.id }),
        ),
        (
            "POST",
            format!("/api/chat/messages/{message}/recall"),
            own(json!({})),
        ),
        (
            "DELETE",
            format!("/api/chat/messages/{message}"),
            json!({ "userId": person.id }),
        ),
        (
            "POST",
            format!("/api/chat/messages/{message}/reactions"),
            json!({ "emoji": "👍" }),
        ),
        (
            "DELETE",
            format!("/api/chat/messages/{message}/reactions/%F0%9F%91%8D"),
            json!({}),
        ),
    ] {
        assert_eq!(
            person.call(method, &path, body).await.status,
            404,
            "{method} {path}"
        );
    }
    for (event, body) in [
        (
            "message:edit",
            json!({ "messageId": message, "content": "mine" }),
        ),
        ("message:recall", json!({ "messageId": message })),
        ("message:delete", json!({ "messageId": message })),
        (
            "message:react",
            json!({ "messageId": message, "emoji": "👍" }),
        ),
        (
            "message:forward",
            json!({ "messageIds": [message], "toSessionIds": [session], "mode": "each" }),
        ),
        ("session:read", json!({ "sessionId": session, "seq": 1 })),
        (
            "chat:history",
            json!({ "sessionId": session, "page": 1, "limit": 10 }),
        ),
        (
            "typing:start",
            json!({ "sessionId": session, "userId": person.id }),
        ),
    ] {
        let answer = at.call(event, body).await;
        let code = text(&answer["code"]);
        assert!(
            ["NOT_FOUND", "CONVERSATION_NOT_FOUND"].contains(&code.as_str()),
            "{event}: {answer}"
        );
    }
    let synced = at
        .call("chat:sync", json!({ "sessions": { session: 0 } }))
        .await;
    assert!(synced["data"]["sessions"][session].is_null());
    assert_eq!(synced["data"]["removed"], json!([session]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_hears_and_does_nothing_more() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu, stranger) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
        app.nurse("Stranger").await,
    );
    let session = group(&li, &[&chen, &wu], "Night shift").await;
    let (at_wu, at_wus_phone) = (wu.join().await, wu.join().await);
    let at_chen = chen.join().await;
    let kept = wu.send(&session, "before").await;
    // Many calls are under way when Wu is removed: typing, messages, reads.
    for _ in 0..20 {
        at_chen
            .emit(
                "typing:start",
                json!({ "sessionId": session, "userId": chen.id }),
            )
            .await;
        at_chen
            .emit("message:send", chen.message(&session, "busy"))
            .await;
        at_chen
            .emit(
                "message:read",
                json!({ "messageId": kept["_id"], "userId": chen.id }),
            )
            .await;
    }
    let path = format!("{}/{}", participants(&session), wu.id);
    li.call("DELETE", &path, json!({})).await.expect(200);
    for at in [&at_wu, &at_wus_phone] {
        let told = at.next("session:removed").await;
        assert_eq!(
            (&told["sessionId"], &told["by"]),
            (&json!(session), &json!(li.id))
        );
    }
    // Wu receives none of what happens now.
    for number in 0..20 {
        at_chen
            .emit(
                "typing:start",
                json!({ "sessionId": session, "userId": chen.id }),
            )
            .await;
        at_chen
            .call(
                "message:send",
                chen.message(&session, &format!("after {number}")),
            )
            .await;
    }
    li.read(li.history(&session).await.last().unwrap()).await;
    li.call(
        "PATCH",
        &format!("/api/chat/sessions/{session}"),
        json!({ "sessionName": "Day" }),
    )
    .await
    .expect(200);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for at in [&at_wu, &at_wus_phone] {
        let heard = at.all();
        let last = heard
            .iter()
            .position(|(event, _)| event == "session:removed")
            .unwrap();
        let after = &heard[last + 1..];
        assert!(
            after
                .iter()
                .all(|(_, payload)| !payload.to_string().contains(&session)),
            "{after:?}"
        );
    }
    is_shut_out(&wu, &at_wu, &session, &kept).await;
    let at_stranger = stranger.join().await;
    is_shut_out(&stranger, &at_stranger, &session, &kept).await;
    assert_eq!(wu.unread().await.0, 0);
    counts_are_even(&li, &session).await;
    app.stop().await;
}

async fn counts_are_even(person: &Person, session: &str) {
    let info = person
        .get(&format!("/api/chat/sessions/{session}/info"))
        .await
        .expect(200);
    assert_eq!(
        info["members"].as_array().unwrap().len(),
        info["unreadCount"].as_object().unwrap().len()
    );
    assert_eq!(
        info["members"].as_array().unwrap().len(),
        info["participants"].as_array().unwrap().len()
    );
}

#[tokio::test]
async fn bad_groups_are_refused_with_every_bad_field() {
    let app = TestApp::unlimited().await;
    let (li, chen, wu) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    );
    let make = async |body: Value| li.call("POST", "/api/chat/sessions/group", body).await;
    let bad = json!({ "sessionName": "", "participants": [], "topic": "x".repeat(501), "avatar": "javascript:1" });
    let refused = make(bad).await;
    let details = refused.body["details"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(details, ["avatar", "participants", "sessionName", "topic"]);
    assert_eq!(refused.refused(400), "VALIDATION_FAILED");
    for participants in [
        json!([li.id]),
        json!([{ "$ne": null }]),
        json!("all"),
        json!([1]),
        json!({ "$in": [] }),
    ] {
        let body = json!({ "sessionName": "x", "participants": participants });
        assert_eq!(make(body).await.refused(400), "VALIDATION_FAILED");
    }
    let unknown = json!({ "sessionName": "x", "participants": ["64b7f0c2a1b2c3d4e5f60718"] });
    assert_eq!(make(unknown).await.refused(404), "NOT_FOUND");
    let many: Vec<String> = (0..500).map(|n| format!("{n:024x}")).collect();
    let body = json!({ "sessionName": "x", "participants": many });
    assert_eq!(make(body).await.refused(400), "VALIDATION_FAILED");

    let session = group(&li, &[&chen], "Two").await;
    let private = li.session_with(&chen).await;
    for (person, method, path, body, status) in [
        (
            &chen,
            "PATCH",
            format!("/api/chat/sessions/{session}"),
            json!({ "sessionName": "mine" }),
            403,
        ),
        (
            &li,
            "PATCH",
            format!("/api/chat/sessions/{private}"),
            json!({ "sessionName": "ours" }),
            403,
        ),
        (
            &li,
            "PATCH",
            format!("/api/chat/sessions/{session}"),
            json!({ "sessionName": "x".repeat(101) }),
            400,
        ),
        (
            &chen,
            "POST",
            participants(&session),
            json!({ "userIds": [wu.id] }),
            403,
        ),
        (
            &li,
            "POST",
            participants(&private),
            json!({ "userIds": [wu.id] }),
            403,
        ),
        (
            &li,
            "POST",
            participants(&session),
            json!({ "userIds": [] }),
            400,
        ),
        (
            &li,
            "DELETE",
            format!("{}/{}", participants(&session), li.id),
            json!({}),
            409,
        ),
        (
            &li,
            "DELETE",
            format!("{}/{}", participants(&session), wu.id),
            json!({}),
            404,
        ),
        (
            &li,
            "DELETE",
            format!("{}/{}", participants(&private), chen.id),
            json!({}),
            403,
        ),
        (
            &li,
            "PATCH",
            format!("{}/{}", participants(&session), li.id),
            json!({ "role": "member" }),
            409,
        ),
        (
            &chen,
            "PATCH",
            format!("{}/{}", participants(&session), chen.id),
            json!({ "role": "owner" }),
            403,
        ),
        (
            &li,
            "PATCH",
            format!("{}/{}", participants(&session), chen.id),
            json!({ "role": "king" }),
            400,
        ),
        (
            &li,
            "PATCH",
            format!("{}/{}", participants(&session), chen.id),
            json!({}),
            400,
        ),
        (
            &li,
            "PATCH",
            format!("{}/x", participants(&session)),
            json!({ "role": "admin" }),
            400,
        ),
    ] {
        assert_eq!(
            person.call(method, &path, body.clone()).await.status,
            status,
            "{method} {path} {body}"
        );
    }
    let mut message = li.message(&session, "hello");
    message["mentions"] = json!([wu.id]);
    message["replyTo"] = json!(chen.id);
    assert_eq!(
        li.call("POST", "/api/chat/messages", message)
            .await
            .refused(400),
        "INVALID_MESSAGE"
    );
    // The last owner leaves last; then the group has no members.
    chen.call(
        "DELETE",
        &format!("{}/{}", participants(&session), chen.id),
        json!({}),
    )
    .await
    .expect(200);
    li.call(
        "DELETE",
        &format!("{}/{}", participants(&session), li.id),
        json!({}),
    )
    .await
    .expect(200);
    assert_eq!(
        li.get(&format!("/api/chat/messages/{session}"))
            .await
            .refused(404),
        "CONVERSATION_NOT_FOUND"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_a_group_of_five_hundred() {
    let app = TestApp::unlimited().await;
    let database = app.database().await;
    let li = app.nurse("Li").await;
    // 499 more, inserted into the database: hashing their passwords would take minutes.
    let users = database.collection::<mongodb::bson::Document>("users");
    let template = users
        .find_one(mongodb::bson::doc! { "username": &li.username })
        .await
        .unwrap()
        .unwrap();
    let others: Vec<mongodb::bson::Document> = (0..499)
        .map(|number| {
            let name = format!("{}-{number}", li.username);
            let mut user = template.clone();
            user.insert("_id", mongodb::bson::oid::ObjectId::new());
            user.insert("username", &name);
            user.insert("usernameKey", &name);
            user.insert("searchKeys", vec![name.clone()]);
            user
        })
        .collect();
    users.insert_many(&others).await.unwrap();
    let ids: Vec<String> = others
        .iter()
        .map(|user| user.get_object_id("_id").unwrap().to_hex())
        .collect();
    let body = json!({ "sessionName": "Everybody", "participants": ids });
    let session = text(
        &li.call("POST", "/api/chat/sessions/group", body)
            .await
            .expect(201)["_id"],
    );
    let at_li = li.join().await;
    let mut times = Vec::new();
    for number in 0..40 {
        let begun = std::time::Instant::now();
        at_li
            .call(
                "message:send",
                li.message(&session, &format!("note {number}")),
            )
            .await;
        times.push(begun.elapsed());
    }
    times.sort();
    println!(
        "a send in a group of 500: median {:?}, worst {:?}",
        times[20], times[39]
    );
    let message = li.history(&session).await[0].clone();
    // Twenty of them read, over REST, with tokens of their own.
    let mut readers = Vec::new();
    for reader in &ids[..20] {
        readers.push(li.acting_as(reader));
    }
    for reader in &readers {
        reader.read(&message).await;
    }
    let path = format!("/api/chat/messages/{}/receipts", id(&message));
    let begun = std::time::Instant::now();
    let receipts = li.get(&path).await.expect(200);
    println!("receipts of 500: {:?}", begun.elapsed());
    let list = receipts["receipts"].as_array().unwrap();
    assert_eq!((list.len(), &receipts["readCount"]), (499, &json!(20)));
    assert_eq!(
        list.iter()
            .filter(|receipt| receipt["readAt"].is_string())
            .count(),
        20
    );
    assert!(
        list.iter()
            .all(|r| r["readAt"].is_null() || r["deliveredAt"].is_string()),
        "read is delivered"
    );
    // The sender received counts, a few times, not twenty events.
    eventually(async || {
        at_li
            .heard("message:status")
            .last()
            .filter(|s| s["readCount"] == json!(20))
            .map(|_| ())
    })
    .await;
    assert!(at_li.heard("message:status").len() < 20);
    assert_eq!(readers[0].unread().await.1[&session], json!(39));
    assert_eq!(
        readers[0].get(&path).await.expect(200)["readCount"],
        json!(20),
        "every member may look"
    );
    app.stop().await;
}
