//! Groups whose managers silence members and delete their messages; reading everything at once.

use serde_json::{Value, json};

use crate::{
    groups::group,
    support::{Person, TestApp, text},
};

fn member_of(group: &str, person: &Person) -> String {
    format!("/api/chat/sessions/{group}/participants/{}", person.id)
}

async fn silence(by: &Person, group: &str, whom: &Person, silenced: bool) -> crate::support::Reply {
    let body = json!({ "silenced": silenced });
    by.call("PATCH", &member_of(group, whom), body).await
}

fn id(message: &Value) -> String {
    text(&message["_id"])
}

#[tokio::test]
async fn a_silenced_member_reads_and_does_not_write() {
    let app = TestApp::start().await;
    let (li, chen, zhao) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Zhao").await,
    );
    let ward = group(&li, &[&chen, &zhao], "Ward").await;
    let elsewhere = li.session_with(&zhao).await;
    let own = zhao.send(&ward, "mine").await;
    let theirs = li.send(&ward, "theirs").await;
    let (at_li, at_zhao) = (li.join().await, zhao.join().await);

    let info = silence(&li, &ward, &zhao, true).await.expect(200);
    let entry = |info: &Value| {
        let members = info["members"].as_array().unwrap().clone();
        let of_zhao = |member: &&Value| member["userId"] == json!(zhao.id);
        members.iter().find(of_zhao).unwrap()["silenced"].clone()
    };
    assert_eq!(entry(&info), json!(true));
    let notice = at_zhao.next("message:receive").await["message"].clone();
    assert_eq!(
        (&notice["system"], &notice["subjects"]),
        (&json!("silenced"), &json!([zhao.id]))
    );

    let forward = json!({ "messageIds": [theirs["_id"]], "toSessionIds": [ward], "mode": "each" });
    for (method, path, body) in [
        (
            "POST",
            "/api/chat/messages".to_owned(),
            zhao.message(&ward, "no"),
        ),
        (
            "PUT",
            format!("/api/chat/messages/{}", id(&own)),
            json!({ "content": "no" }),
        ),
        (
            "POST",
            format!("/api/chat/messages/{}/reactions", id(&theirs)),
            json!({ "emoji": "👍" }),
        ),
        ("POST", "/api/chat/messages/forward".to_owned(), forward),
    ] {
        let reply = zhao.call(method, &path, body).await;
        assert_eq!(
            reply.body["error"], "you are silenced in this group",
            "{method} {path}"
        );
        assert_eq!(reply.refused(403), "FORBIDDEN");
    }
    let typing = json!({ "sessionId": ward, "userId": zhao.id });
    for (event, payload) in [
        ("message:send", zhao.message(&ward, "no")),
        ("typing:start", typing),
    ] {
        assert_eq!(
            at_zhao.call(event, payload).await["code"],
            "FORBIDDEN",
            "{event}"
        );
    }
    assert!(at_li.heard("typing:start").is_empty());

    // Reading, receipts and recalling go on; other conversations too.
    assert_eq!(zhao.history(&ward).await.len(), 3);
    assert_eq!(zhao.read(&theirs).await["readCount"], json!(1));
    let path = format!("/api/chat/messages/{}/recall", id(&own));
    zhao.call("POST", &path, json!({})).await.expect(200);
    zhao.send(&elsewhere, "here I may").await;

    silence(&li, &ward, &zhao, false).await.expect(200);
    let back = at_zhao
        .next_where("message:receive", |m| {
            m["message"]["system"] == "unsilenced"
        })
        .await;
    assert_eq!(back["message"]["sender"], json!(li.id));
    zhao.send(&ward, "again").await;
    app.stop().await;
}

#[tokio::test]
async fn who_silences_whom_depends_on_their_rank() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for name in ["Li", "Chen", "Zhao", "Wang", "Sun"] {
        people.push(app.nurse(name).await);
    }
    let [owner, admin, second, plain, other] = [0, 1, 2, 3, 4].map(|i| &people[i]);
    let ward = group(owner, &[admin, second, plain, other], "Ward").await;
    for manager in [admin, second] {
        let role = json!({ "role": "admin" });
        owner
            .call("PATCH", &member_of(&ward, manager), role)
            .await
            .expect(200);
    }
    for (by, whom) in [
        (plain, other),
        (plain, plain),
        (admin, owner),
        (admin, second),
        (owner, owner),
    ] {
        assert_eq!(
            silence(by, &ward, whom, true).await.refused(403),
            "FORBIDDEN"
        );
    }
    silence(admin, &ward, plain, true).await.expect(200);
    silence(owner, &ward, admin, true).await.expect(200);
    let write = |person: &Person| person.message(&ward, "no");
    admin
        .call("POST", "/api/chat/messages", write(admin))
        .await
        .refused(403);
    // An owner cannot be silenced, so becoming one ends it.
    owner
        .call(
            "PATCH",
            &member_of(&ward, admin),
            json!({ "role": "owner" }),
        )
        .await
        .expect(200);
    admin.send(&ward, "an owner").await;
    let private = owner.session_with(plain).await;
    silence(owner, &private, plain, true).await.refused(403);
    app.stop().await;
}

#[tokio::test]
async fn a_groups_managers_delete_what_others_wrote() {
    let app = TestApp::start().await;
    let (li, chen, zhao) = (
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Zhao").await,
    );
    let ward = group(&li, &[&chen, &zhao], "Ward").await;
    let message = zhao.send(&ward, "to be removed").await;
    let delete = async |by: &Person, message: &Value| {
        let path = format!("/api/chat/messages/{}", id(message));
        by.call("DELETE", &path, json!({ "userId": by.id })).await
    };
    delete(&chen, &message).await.refused(403);
    let at_zhao = zhao.join().await;
    assert_eq!(chen.unread().await.0, 1);
    delete(&li, &message).await.expect(200);
    let told = at_zhao.next("message:deleted").await;
    assert_eq!(
        (&told["messageId"], &told["userId"]),
        (&message["_id"], &json!(li.id))
    );
    assert_eq!(chen.unread().await.0, 0);
    let tombstone = &chen.history(&ward).await[0];
    assert_eq!(
        (&tombstone["isDeleted"], &tombstone["deletedBy"]),
        (&json!(true), &json!(li.id))
    );

    let private = li.session_with(&zhao).await;
    let kept = zhao.send(&private, "between two").await;
    delete(&li, &kept).await.refused(403);
    app.stop().await;
}

#[tokio::test]
async fn reading_without_a_seq_reads_everything() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    for text in ["one", "two", "three"] {
        li.send(&session, text).await;
    }
    let path = format!("/api/chat/sessions/{session}/read");
    let read = chen.call("POST", &path, json!({})).await.expect(200);
    assert_eq!(read, json!({ "readCount": 3, "unreadCount": 0 }));
    li.send(&session, "four").await;
    let read = chen
        .call("POST", &path, json!({ "seq": 3 }))
        .await
        .expect(200);
    assert_eq!(read, json!({ "readCount": 0, "unreadCount": 1 }));
    app.stop().await;
}
