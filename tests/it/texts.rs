//! Texts that others see: visible names, texts that are not blank, links that lead where they
//! appear to.

use serde_json::json;

use crate::support::{MockClock, PASSWORD, TestApp, settings, text, unique};

/// Texts without a visible character.
const NOTHING: [&str; 9] = [
    "\u{200b}\u{200b}",
    "\u{2800}",
    "\u{3164}",
    "\u{feff}",
    "\u{115f}\u{ffa0}",
    "\u{202e}",
    " \u{3000}\u{ad}",
    "\u{200d}\u{fe0f}",
    "\u{e0041}",
];

#[tokio::test]
async fn what_others_see_can_be_seen_and_is_what_it_seems() {
    let variables = [
        ("ADMIN_USERNAME", "chief"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("RATE_LIMIT", "off"),
    ];
    let app = TestApp::with(settings(&variables), MockClock::starting_now()).await;
    let (admin, li, chen) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Chen").await,
    );
    let at_li = format!("/api/chat/users/{}", li.id);
    let group = json!({ "sessionName": "\u{202e} 夜班 ICU \u{200b}", "participants": [chen.id], "topic": "\u{200b}床 3\u{2066} " });
    let group = li
        .call("POST", "/api/chat/sessions/group", group)
        .await
        .expect(201);
    assert_eq!(
        (&group["sessionName"], &group["topic"]),
        (&json!("夜班 ICU"), &json!("床 3"))
    );
    let at_group = format!("/api/chat/sessions/{}", text(&group["_id"]));
    for nothing in NOTHING {
        let body = json!({ "username": unique("li"), "password": PASSWORD, "realName": nothing });
        let reply = app.call("POST", "/api/auth/register", body).await;
        assert!(
            reply.body["details"]["realName"].is_string(),
            "{nothing:?}: {}",
            reply.body
        );
        assert_eq!(reply.refused(400), "VALIDATION_FAILED");
        let changed = admin
            .call("PATCH", &at_li, json!({ "realName": nothing }))
            .await;
        assert_eq!(changed.refused(400), "VALIDATION_FAILED", "{nothing:?}");
        let body = json!({ "sessionName": nothing, "participants": [chen.id] });
        let reply = li.call("POST", "/api/chat/sessions/group", body).await;
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{nothing:?}");
        let reply = li
            .call("PATCH", &at_group, json!({ "sessionName": nothing }))
            .await;
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{nothing:?}");
    }
    let texts = json!({
        "realName": "  李\u{200b}娜\u{202e} ", "title": "\u{2067}护士长", "department": " ＩＣＵ\u{feff} ", "phone": " 021-\u{200b}555 ",
    });
    let changed = admin.call("PATCH", &at_li, texts).await.expect(200);
    let seen = ["realName", "title", "department", "phone"].map(|field| text(&changed[field]));
    assert_eq!(seen, ["李娜", "护士长", "ICU", "021-555"]);
    let changed = admin
        .call(
            "PATCH",
            &at_li,
            json!({ "realName": "李娜 👩🏽\u{200d}⚕\u{fe0f}", "title": "\u{200b}" }),
        )
        .await;
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["realName"], &changed["title"]),
        (&json!("李娜 👩🏽\u{200d}⚕\u{fe0f}"), &json!(""))
    );
    li.call(
        "PATCH",
        &at_group,
        json!({ "sessionName": " Ward\u{200f} 3 " }),
    )
    .await
    .expect(200);
    assert_eq!(
        chen.get(&format!("{at_group}/info")).await.expect(200)["sessionName"],
        json!("Ward 3")
    );

    // A link is accepted only if a browser would read it the same way.
    let bad = [
        "//evil.example/a.png",
        "/\\evil.example/a.png",
        "https:evil.example",
        "https://ward@evil.example/a",
        "/\u{200b}/a",
        "a.png",
    ];
    for address in bad {
        let reply = admin
            .call("PATCH", &at_li, json!({ "avatar": address }))
            .await;
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{address:?}");
        let reply = li
            .call("PATCH", &at_group, json!({ "avatar": address }))
            .await;
        assert_eq!(reply.refused(400), "VALIDATION_FAILED", "{address:?}");
    }
    let picture = json!({ "avatar": "https://pictures.example/ward.png" });
    admin
        .call("PATCH", &at_li, picture.clone())
        .await
        .expect(200);
    li.call("PATCH", &at_group, picture).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_message_says_something() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_li = li.join().await;
    let kept = li.send(&session, "\u{200f}kept\u{200b} as it is ").await;
    assert_eq!(kept["content"], json!("\u{200f}kept\u{200b} as it is "));
    let path = format!("/api/chat/messages/{}", text(&kept["_id"]));
    for nothing in NOTHING {
        let sent = li
            .call("POST", "/api/chat/messages", li.message(&session, nothing))
            .await;
        assert_eq!(sent.refused(400), "INVALID_MESSAGE", "{nothing:?}");
        let answer = at_li
            .call("message:send", li.message(&session, nothing))
            .await;
        assert_eq!(
            answer["code"],
            json!("INVALID_MESSAGE"),
            "{nothing:?}: {answer}"
        );
        let edited = li.call("PUT", &path, json!({ "content": nothing })).await;
        assert_eq!(edited.refused(400), "INVALID_MESSAGE", "{nothing:?}");
    }
    assert_eq!(
        chen.unread().await.0,
        1,
        "what shows nothing counts for nothing"
    );
    app.stop().await;
}
