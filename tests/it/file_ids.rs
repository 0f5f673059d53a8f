//! The database names files by ids, also after the migration from addresses; the addresses on the
//! wire stay what they were.

use std::{collections::BTreeMap, sync::Arc};

use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::{Value, json};
use wardline::{app::App, domain::SystemClock, store::migrations::newest_format};

use crate::{
    groups::group,
    support::{PASSWORD, Person, TestApp, files::photo, settings, text},
};

/// What each collection stores of files, in the order of their ids.
async fn stored(database: &mongodb::Database) -> (Vec<Document>, Vec<Option<String>>) {
    let messages = database.collection::<Document>("messages");
    let (mut files, mut avatars) = (Vec::new(), Vec::new());
    let mut rows = messages
        .find(doc! {})
        .sort(doc! { "_id": 1 })
        .await
        .unwrap();
    while rows.advance().await.unwrap() {
        let row = rows.deserialize_current().unwrap();
        files.push(doc! {
            "fileUrl": row.get("fileUrl"), "fileId": row.get("fileId"), "fileIds": row.get("fileIds"),
            "mimeType": row.get("mimeType"), "fileDigest": row.get("fileDigest"), "merged": row.get("merged"),
        });
    }
    for name in ["users", "sessions"] {
        let profiles = database.collection::<Document>(name);
        let mut rows = profiles
            .find(doc! {})
            .sort(doc! { "_id": 1 })
            .await
            .unwrap();
        while rows.advance().await.unwrap() {
            let row = rows.deserialize_current().unwrap();
            avatars.push(row.get_str("avatar").ok().map(str::to_owned));
        }
    }
    (files, avatars)
}

/// Gives the database the form that the program of format 5 wrote.
async fn age(database: &mongodb::Database) {
    let address = |field: &str| doc! { "$concat": ["/api/chat/files/", { "$toString": field }] };
    let prefixed = doc! { "$concat": ["/api/chat/files/", { "$substrBytes": ["$avatar", 5, 24] }] };
    let quote = doc! { "$mergeObjects": ["$$quote", { "fileUrl": {
        "$cond": [{ "$ifNull": ["$$quote.fileId", false] }, address("$$quote.fileId"), "$$REMOVE"],
    } }] };
    for (name, filter, set) in [
        (
            "messages",
            doc! { "fileId": { "$exists": true } },
            doc! { "fileUrl": address("$fileId") },
        ),
        (
            "messages",
            doc! { "merged": { "$exists": true } },
            doc! { "merged": { "$map": { "input": "$merged", "as": "quote", "in": quote } } },
        ),
        (
            "users",
            doc! { "avatar": { "$regex": "^file:" } },
            doc! { "avatar": prefixed.clone() },
        ),
        (
            "sessions",
            doc! { "avatar": { "$regex": "^file:" } },
            doc! { "avatar": prefixed },
        ),
    ] {
        let unchecked = doc! { "collMod": name, "validator": {} };
        database.run_command(unchecked).await.unwrap();
        let mut update = vec![doc! { "$set": set }];
        if name == "messages" {
            update.push(doc! { "$unset": ["fileId", "merged.fileId"] });
        }
        let collection = database.collection::<Document>(name);
        let changed = collection.update_many(filter, update).await.unwrap();
        assert!(changed.modified_count > 0, "{name}");
    }
    set_format(database, 5).await;
}

async fn set_format(database: &mongodb::Database, version: i64) {
    let meta = database.collection::<Document>("meta");
    meta.update_one(
        doc! { "_id": "format" },
        doc! { "$set": { "version": version } },
    )
    .await
    .unwrap();
}

/// The avatar of a conversation, and those of its members by their ids.
async fn avatars_in(reader: &Person, session: &str) -> (Value, BTreeMap<String, Value>) {
    let path = format!("/api/chat/sessions/{session}/info");
    let info = reader.get(&path).await.expect(200);
    let profiles = info["participantProfiles"].as_array().unwrap();
    let of = |profile: &Value| (text(&profile["_id"]), profile["avatar"].clone());
    (info["avatar"].clone(), profiles.iter().map(of).collect())
}

#[tokio::test]
async fn addresses_of_files_become_ids() {
    let variables = [("ADMIN_USERNAME", "chief"), ("ADMIN_PASSWORD", PASSWORD)];
    let settings = settings(&variables);
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    let (admin, li, chen) = (
        app.admin().await,
        app.nurse("Li").await,
        app.nurse("Chen").await,
    );
    let ward = group(&li, &[&chen], "Ward").await;
    let file = li.uploaded("x.jpg", photo(60, 40)).await;
    let (id, address) = (text(&file["fileId"]), text(&file["fileUrl"]));
    assert_eq!(address, format!("/api/chat/files/{id}"));
    let sent = li.send_file(&ward, "image", &file).await;
    assert_eq!(sent["mimeType"], "image/jpeg");
    let plain = li.send(&ward, "words").await;
    let ids = json!([sent["_id"], plain["_id"]]);
    let body = json!({ "messageIds": ids, "toSessionIds": [ward], "mode": "merged" });
    li.call("POST", "/api/chat/messages/forward", body)
        .await
        .expect(201);
    let (profile, session) = (
        format!("/api/chat/users/{}", li.id),
        format!("/api/chat/sessions/{ward}"),
    );
    let picture = json!({ "avatar": address });
    li.call("PATCH", &profile, picture.clone())
        .await
        .expect(200);
    li.call("PATCH", &session, picture).await.expect(200);
    let foreign = json!({ "avatar": "https://pictures.example/chen.png" });
    let other = format!("/api/chat/users/{}", chen.id);
    chen.call("PATCH", &other, foreign).await.expect(200);

    let history = chen.history(&ward).await;
    let database = app.database().await;
    let (files, avatars) = stored(&database).await;
    let object_id: ObjectId = id.parse().unwrap();
    let with_file: Vec<&Document> = files
        .iter()
        .filter(|row| row.get_object_id("fileId").ok() == Some(object_id))
        .collect();
    let [image] = with_file[..] else {
        panic!("{files:?}")
    };
    assert_eq!(image.get_str("mimeType").unwrap(), "image/jpeg");
    assert_eq!(image.get_str("fileDigest").unwrap().len(), 64);
    assert!(!format!("{files:?} {avatars:?}").contains("/api/chat"));
    let own = Some(format!("file:{id}"));
    assert_eq!(avatars.iter().filter(|avatar| **avatar == own).count(), 2);
    app.stop().await;

    age(&database).await;
    assert!(format!("{:?}", stored(&database).await).contains("/api/chat"));
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    assert_eq!(stored(&database).await, (files, avatars));
    let sign_in = |username: &str| json!({ "username": username, "password": PASSWORD });
    let signed_in = app
        .call("POST", "/api/auth/login", sign_in(&chen.username))
        .await;
    let chen = app.person(&signed_in.expect(200));
    assert_eq!(chen.history(&ward).await, history);
    assert_eq!(chen.sees(&file).await, 200, "by the message");
    let (of_ward, of_members) = avatars_in(&chen, &ward).await;
    assert_eq!(of_ward, json!(address));
    assert_eq!(of_members[&li.id], json!(address));
    assert_eq!(
        of_members[&chen.id],
        json!("https://pictures.example/chen.png")
    );
    let signed_in = app
        .call("POST", "/api/auth/login", sign_in(&admin.username))
        .await;
    let admin = app.person(&signed_in.expect(200));
    let log = admin.get("/api/chat/audit?action=user.change").await;
    let log = log.expect(200);
    let of_li = |row: &&Value| row["subject"] == json!(li.id);
    let change = log.as_array().unwrap().iter().find(of_li).unwrap();
    let shown = json!([{ "field": "avatar", "from": "", "to": address }]);
    assert_eq!(change["changes"], shown);
    app.stop().await;
}

#[tokio::test]
async fn a_foreign_address_of_a_file_is_not_thrown_away() {
    let settings = settings(&[]);
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    let (li, wu) = (app.nurse("Li").await, app.nurse("Wu").await);
    let session = li.session_with(&wu).await;
    let sent = li.send(&session, "words").await;
    let database = app.database().await;
    app.stop().await;
    let unchecked = doc! { "collMod": "messages", "validator": {} };
    database.run_command(unchecked).await.unwrap();
    let messages = database.collection::<Document>("messages");
    let id: ObjectId = text(&sent["_id"]).parse().unwrap();
    let foreign = doc! { "$set": { "fileUrl": "https://evil.example/a.png" } };
    messages
        .update_one(doc! { "_id": id }, foreign)
        .await
        .unwrap();
    set_format(&database, 5).await;
    App::open(settings.clone(), Arc::new(SystemClock))
        .await
        .err()
        .expect("the format stays");
    let row = messages.find_one(doc! { "_id": id }).await.unwrap();
    let row = row.expect("the message is there");
    assert_eq!(
        row.get_str("fileUrl").unwrap(),
        "https://evil.example/a.png"
    );
    let repaired = doc! { "$unset": { "fileUrl": "" } };
    let unchecked = doc! { "collMod": "messages", "validator": {} };
    database.run_command(unchecked).await.unwrap();
    messages
        .update_one(doc! { "_id": id }, repaired)
        .await
        .unwrap();
    let app = App::open(settings, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(app.store().format().await.unwrap(), newest_format());
    app.close().await.unwrap();
}
