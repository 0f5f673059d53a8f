//! The search index over its life: restarts, damage, an older format, two services, a separate
//! database.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use serde_json::{Value, json};
use wardline::{config::Settings, domain::SystemClock};

use crate::support::{Person, TestApp, eventually, settings, text};

fn quiet() -> Settings {
    settings(&[("RATE_LIMIT", "off")])
}

async fn start(settings: &Settings) -> TestApp {
    TestApp::with(settings.clone(), Arc::new(SystemClock)).await
}

fn folder(settings: &Settings) -> PathBuf {
    settings
        .general
        .data_dir
        .join("search")
        .join(&settings.database.name)
}

fn files(settings: &Settings) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(settings).join("index")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The same user at another address.
fn at(app: &TestApp, person: &Person) -> Person {
    let user = json!({ "_id": person.id, "username": person.username });
    app.person(&json!({ "user": user, "token": person.token }))
}

/// The metadata of the index.
fn meta(settings: &Settings) -> Value {
    let meta: Value =
        serde_json::from_slice(&fs::read(folder(settings).join("index/meta.json")).unwrap())
            .unwrap();
    serde_json::from_str(meta["payload"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_over_restarts() {
    let settings = quiet();
    let app = start(&settings).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let kept = li.send(&session, "warfarin one").await;
    let removed = li.send(&session, "warfarin two").await;
    li.settle(&session).await;
    app.stop().await;

    // A service without the indexer writes while no index is fed, as another node would.
    let mut elsewhere = settings.clone();
    elsewhere.general.data_dir = settings.general.data_dir.join("elsewhere");
    let other = start(&elsewhere).await;
    let away = at(&other, &li);
    away.send(&session, "warfarin three").await;
    let path = |message: &Value| format!("/api/chat/messages/{}", text(&message["_id"]));
    away.call("DELETE", &path(&removed), json!({ "userId": li.id }))
        .await
        .expect(200);
    away.call("PUT", &path(&kept), json!({ "content": "warfarin once" }))
        .await
        .expect(200);
    let everything = away.finds(&[("keyword", "warfarin")]).await;
    assert_eq!(
        everything,
        ["warfarin three", "warfarin once"],
        "its own index was built from the database"
    );
    other.stop().await;

    let before = meta(&settings)["token"].clone();
    for _ in 0..2 {
        let app = start(&settings).await;
        let back = at(&app, &li);
        eventually(async || {
            let found = back.finds(&[("keyword", "warfarin")]).await;
            (found == ["warfarin three", "warfarin once"]).then_some(())
        })
        .await;
        let total =
            back.search(&[("keyword", "warfarin")]).await.body["pagination"]["total"].clone();
        assert_eq!(total, json!(2));
        app.stop().await;
    }
    assert_ne!(meta(&settings)["token"], before, "the position was stored");
}

/// Serves, damages the index by `spoil` while stopped, serves again: everything is found again.
async fn survives(spoil: impl FnOnce(&Settings)) {
    let (before, after) = comes_back(spoil).await;
    assert_ne!(before, after, "it was built anew");
}

/// Damages an index while stopped; all is found afterwards, once. Returns when it was built before
/// and after.
async fn comes_back(spoil: impl FnOnce(&Settings)) -> (Value, Value) {
    let settings = quiet();
    let app = start(&settings).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    for number in 0..30 {
        li.send(&session, &format!("第{number}次 digoxin")).await;
    }
    li.settle(&session).await;
    app.stop().await;
    let built = meta(&settings)["builtAt"].clone();
    assert!(built.is_string());
    spoil(&settings);
    let app = start(&settings).await;
    let back = at(&app, &li);
    // Written while it is built.
    back.send(&session, "last digoxin").await;
    eventually(async || {
        let reply = back
            .search(&[("keyword", "digoxin"), ("limit", "100")])
            .await;
        let total = reply.body["pagination"]["total"].as_u64().unwrap();
        assert!(total <= 31, "nothing is there twice");
        (reply.expect(200).as_array().unwrap().len() == 31).then_some(())
    })
    .await;
    assert_eq!(back.finds(&[("keyword", "第7次")]).await.len(), 1);
    assert!(meta(&settings)["building"].is_null());
    let rebuilt = meta(&settings)["builtAt"].clone();
    app.stop().await;
    (built, rebuilt)
}

#[tokio::test]
async fn a_missing_index_is_built() {
    survives(|settings| fs::remove_dir_all(folder(settings)).unwrap()).await;
}

#[tokio::test]
async fn an_index_with_damaged_files_is_built_anew() {
    survives(|settings| {
        for file in files(settings)
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "idx" || e == "term"))
        {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            fs::write(file, bytes).unwrap();
        }
    })
    .await;
}

/// Damages every file of these kinds.
fn spoil(settings: &Settings, kinds: &[&str], how: impl Fn(&Path)) {
    let is_meant = |file: &&PathBuf| {
        file.extension()
            .is_some_and(|kind| kinds.iter().any(|suffix| kind == *suffix))
    };
    files(settings)
        .iter()
        .filter(is_meant)
        .for_each(|file| how(file));
}

#[tokio::test]
async fn an_index_with_missing_files_is_built_anew() {
    for kinds in [&["pos", "fast"], &["store", "term"]] {
        survives(|settings| spoil(settings, kinds, |file| fs::remove_file(file).unwrap())).await;
    }
}

#[tokio::test]
async fn an_index_with_cut_files_is_built_anew() {
    for length in [0, 5, 30] {
        survives(|settings| {
            spoil(
                settings,
                &["pos", "fast", "store", "term", "idx", "fieldnorm"],
                |file| {
                    fs::File::options()
                        .write(true)
                        .open(file)
                        .unwrap()
                        .set_len(length)
                        .unwrap();
                },
            );
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_understood_keeps_no_other_from_being_found() {
    let settings = quiet();
    let app = start(&settings).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let messages = app.database().await.collection::<Document>("messages");
    let foreign = async |id: Bson| {
        let row = doc! { "_id": id, "content": 5, "sessionId": ObjectId::new() };
        messages
            .insert_one(row)
            .bypass_document_validation(true)
            .await
            .unwrap();
    };
    foreign(ObjectId::new().into()).await;
    foreign("of another kind".into()).await;
    li.send(&session, "heparin").await;
    foreign(ObjectId::new().into()).await;
    li.settle(&session).await;
    assert_eq!(li.finds(&[("keyword", "heparin")]).await, ["heparin"]);
    app.stop().await;
    fs::remove_dir_all(folder(&settings)).unwrap();
    let app = start(&settings).await;
    let back = at(&app, &li);
    eventually(async || (back.finds(&[("keyword", "heparin")]).await == ["heparin"]).then_some(()))
        .await;
    app.stop().await;
}

#[tokio::test]
async fn an_index_without_a_readable_list_is_built_anew() {
    survives(|settings| fs::write(folder(settings).join("index/meta.json"), b"{").unwrap()).await;
}

fn rewrite(settings: &Settings, change: impl Fn(&mut Value)) {
    let path = folder(settings).join("index/meta.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut position: Value = serde_json::from_str(meta["payload"].as_str().unwrap()).unwrap();
    change(&mut position);
    meta["payload"] = json!(position.to_string());
    fs::write(&path, meta.to_string()).unwrap();
}

#[tokio::test]
async fn an_index_of_an_older_format_is_built_anew() {
    survives(|settings| rewrite(settings, |position| position["format"] = json!(0))).await;
}

#[tokio::test]
async fn an_index_whose_position_is_of_no_use_is_built_anew() {
    // Where MongoDB's log is complete, it sends all changes once more instead.
    comes_back(|settings| {
        rewrite(settings, |position| {
            // The year 2001, as a position of MongoDB's log encodes it.
            let token = text(&position["token"]["_data"]);
            position["token"]["_data"] = json!(format!("823A4FC880{}", &token[10..]));
        });
    })
    .await;
    survives(|settings| {
        rewrite(settings, |position| {
            position["token"]["_data"] = json!("nonsense");
        });
    })
    .await;
}

#[tokio::test]
async fn an_index_of_another_database_is_not_believed() {
    survives(|settings| rewrite(settings, |position| position["collection"] = json!("00"))).await;
}

#[tokio::test]
async fn a_build_that_was_broken_off_goes_on() {
    survives(|settings| {
        rewrite(settings, |position| {
            position["building"] = json!({ "below": null });
        });
        // Only the position is left of it, as after the first moment of a build.
        let path = folder(settings).join("index/meta.json");
        let mut meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        meta["segments"] = json!([]);
        fs::write(&path, meta.to_string()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_index_that_vanishes_under_the_service_is_built_anew() {
    let settings = quiet();
    let app = start(&settings).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    li.send(&session, "amiodarone one").await;
    li.settle(&session).await;
    fs::remove_dir_all(folder(&settings).join("index")).unwrap();
    li.send(&session, "amiodarone two").await;
    eventually(async || {
        let found = li.finds(&[("keyword", "amiodarone")]).await;
        (found == ["amiodarone two", "amiodarone one"]).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_collection_that_is_dropped_is_forgotten() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    li.send(&session, "lidocaine").await;
    li.settle(&session).await;
    let messages = app
        .database()
        .await
        .collection::<mongodb::bson::Document>("messages");
    messages.drop().await.unwrap();
    // As a restart would, so that there is a stream to follow.
    app.database()
        .await
        .create_collection("messages")
        .await
        .unwrap();
    eventually(async || {
        li.finds(&[("keyword", "lidocaine")])
            .await
            .is_empty()
            .then_some(())
    })
    .await;
    let metrics = eventually(async || {
        let metrics = text(&app.call("GET", "/metrics", json!({})).await.body);
        metrics
            .contains("wardline_search_documents")
            .then_some(metrics)
    })
    .await;
    assert!(
        metrics.contains("wardline_search_seconds")
            && metrics.contains("wardline_search_lag_seconds")
    );
    assert!(!metrics.contains("lidocaine"));
    app.stop().await;
}

#[tokio::test]
async fn of_two_services_on_one_folder_one_writes_and_both_find() {
    let settings = quiet();
    let first = start(&settings).await;
    let (li, chen) = (first.nurse("Li").await, first.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    li.send(&session, "morphine one").await;
    li.settle(&session).await;
    let second = start(&settings).await;
    let there = at(&second, &li);
    eventually(async || (there.finds(&[("keyword", "morphine")]).await.len() == 1).then_some(()))
        .await;
    there.send(&session, "morphine two").await;
    eventually(async || (there.finds(&[("keyword", "morphine")]).await.len() == 2).then_some(()))
        .await;
    eventually(async || (li.finds(&[("keyword", "morphine")]).await.len() == 2).then_some(()))
        .await;
    first.stop().await;
    // The other one takes over.
    there.send(&session, "morphine three").await;
    eventually(async || (there.finds(&[("keyword", "morphine")]).await.len() == 3).then_some(()))
        .await;
    second.stop().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_stops_nothing_else() {
    let mut settings = quiet();
    settings.general.data_dir = settings
        .general
        .data_dir
        .join(crate::support::unique("no-folder"));
    fs::create_dir_all(&settings.general.data_dir).unwrap();
    fs::write(settings.general.data_dir.join("search"), b"a file").unwrap();
    let app = start(&settings).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    li.send(&session, "still sent").await;
    let reply = tokio::time::timeout(Duration::from_secs(5), li.search(&[("keyword", "sent")]))
        .await
        .unwrap();
    assert_eq!(reply.body["indexing"], json!(true), "{}", reply.body);
    assert!(reply.expect(200).as_array().unwrap().is_empty());
    app.stop().await;
    assert!(settings.general.data_dir.join("search").is_file());
}
