//! The managed mongod: its access control, upgrades, and data that is older than the index.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use mongodb::{
    Client,
    bson::{Document, doc},
};
use wardline::{config::Settings, domain::SystemClock};

use crate::support::{Person, TestApp, eventually, mongod, program::run, settings, text};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Settings for a service with its own mongod.
fn own(folder: &Path, files: &Path) -> Settings {
    let place = format!("file://{}", files.display());
    let mut settings = settings(&[
        ("RATE_LIMIT", "off"),
        ("FILE_STORE", &place),
        ("MONGODB_DB", "ward"),
    ]);
    let options = mongod::options(folder);
    settings.database.uri = None;
    (settings.database.mongod, settings.database.search_path) =
        (options.binary, options.search_path);
    folder.clone_into(&mut settings.general.data_dir);
    settings
}

/// A folder as an older program left it: a mongod without access control, on some port, with one
/// message.
async fn older(folder: &Path) {
    let base = folder.join("mongodb");
    fs::create_dir_all(&base).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let options = mongod::options(folder);
    let binary = options.binary.unwrap_or_else(|| {
        let folders = options
            .search_path
            .iter()
            .flat_map(std::env::split_paths)
            .map(|f| f.join("mongod"));
        folders
            .chain([PathBuf::from(".mongod/mongod")])
            .find(|path| path.is_file())
            .unwrap()
    });
    let mut command = tokio::process::Command::new(binary);
    command.arg("--dbpath").arg(&base).args([
        "--bind_ip=127.0.0.1",
        "--nounixsocket",
        "--quiet",
        "--replSet=rs0",
    ]);
    command
        .arg(format!("--port={port}"))
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let uri = format!("mongodb://127.0.0.1:{port}/?directConnection=true");
    let client = Client::with_uri_str(uri).await.unwrap();
    let members = [doc! { "_id": 0, "host": format!("127.0.0.1:{port}") }];
    let initiate = doc! { "replSetInitiate": { "_id": "rs0", "members": members } };
    eventually(async || {
        client
            .database("admin")
            .run_command(initiate.clone())
            .await
            .ok()
    })
    .await;
    let kept = client.database("kept").collection::<Document>("kept");
    eventually(async || kept.insert_one(doc! { "_id": 1 }).await.ok()).await;
    let _ = client
        .database("admin")
        .run_command(doc! { "shutdown": 1, "force": true })
        .await;
    child.wait().await.unwrap();
    // The service takes another port than the configured one, as when that one is in use.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

fn again(app: &TestApp, person: &Person) -> Person {
    let user = serde_json::json!({ "_id": person.id, "username": person.username });
    app.person(&serde_json::json!({ "user": user, "token": person.token }))
}

async fn found(person: &Person, keyword: &str) -> usize {
    let path = format!(
        "/api/chat/messages/search?userId={}&keyword={keyword}",
        person.id
    );
    person
        .get(&path)
        .await
        .expect(200)
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_service_gets_in_and_older_data_makes_the_index_anew() {
    let folder = mongod::folder("managed");
    let _ = fs::remove_dir_all(&folder);
    let files = folder.join("files");
    fs::create_dir_all(&files).unwrap();
    fs::set_permissions(&files, fs::Permissions::from_mode(0o755)).unwrap();
    older(&folder).await;
    let settings = own(&folder, &files);
    let start = async || TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    let app = start().await;

    // No other user can read the files.
    for path in [
        &folder,
        &files,
        &folder.join("mongodb"),
        &folder.join("search"),
    ] {
        eventually(async || path.exists().then_some(())).await;
        eventually(async || (mode(path) == 0o700).then_some(())).await;
    }
    let password = fs::read_to_string(folder.join("mongodb.password")).unwrap();
    for secret in ["mongodb.password", "mongodb/wardline.key"] {
        assert_eq!(mode(&folder.join(secret)), 0o600, "{secret}");
    }
    let port = fs::read_to_string(folder.join("mongodb/wardline.port")).unwrap();
    let stranger =
        Client::with_uri_str(format!("mongodb://127.0.0.1:{port}/?directConnection=true"))
            .await
            .unwrap();
    let rows = stranger.database("ward").collection::<Document>("users");
    assert!(rows.find_one(doc! {}).await.is_err(), "reading");
    assert!(rows.insert_one(doc! { "a": 1 }).await.is_err(), "writing");
    let make = doc! { "createUser": "x", "pwd": "x", "roles": ["root"] };
    assert!(
        stranger.database("admin").run_command(make).await.is_err(),
        "making an account"
    );
    let hello = stranger
        .database("admin")
        .run_command(doc! { "hello": 1, "compression": ["zlib", "snappy"] })
        .await;
    assert!(
        hello
            .unwrap()
            .get_array("compression")
            .map_or(true, Vec::is_empty),
        "nothing is packed"
    );
    let pid = fs::read_to_string(folder.join("mongodb/mongod.lock")).unwrap();
    let of_process = |name: &str| fs::read(format!("/proc/{}/{name}", pid.trim())).unwrap();
    let (environment, arguments) = (of_process("environ"), of_process("cmdline"));
    let names: Vec<&[u8]> = environment
        .split(|b| *b == 0)
        .filter(|line| !line.is_empty())
        .collect();
    assert!(
        names.iter().all(|line| line.starts_with(b"PATH=")),
        "the environment of mongod"
    );
    assert!(!String::from_utf8_lossy(&arguments).contains(&password));

    // Another command beside it, and data from before access control.
    let data = folder.display().to_string();
    let place = format!("file://{}", files.display());
    let beside = [
        ("DATA_DIR", data.as_str()),
        ("MONGODB_DB", "ward"),
        ("FILE_STORE", &place),
        ("LOG", "warn"),
    ];
    let (status, printed, complaint) = run(&["seed", "--users", "2"], &beside).await;
    assert!(
        status == 0 && printed.contains("made 2 people"),
        "{complaint}"
    );
    let uri = format!(
        "mongodb://wardline:{}@127.0.0.1:{port}/?authSource=admin&directConnection=true",
        password.trim()
    );
    let kept = Client::with_uri_str(uri)
        .await
        .unwrap()
        .database("kept")
        .collection::<Document>("kept");
    assert_eq!(kept.count_documents(doc! {}).await.unwrap(), 1);

    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let edited = li.send(&session, "digoxin before").await;
    eventually(async || (found(&li, "digoxin").await == 1).then_some(())).await;
    li.upload("a.txt", b"text".to_vec()).await.expect(201);
    app.stop().await;

    // A snapshot is restored: first one without a message, then one without an edit.
    let (base, snapshot) = (folder.join("mongodb"), folder.join("snapshot"));
    copy(&base, &snapshot);
    let app = start().await;
    let back = again(&app, &li);
    back.send(&session, "digoxin after").await;
    eventually(async || (found(&back, "digoxin").await == 2).then_some(())).await;
    app.stop().await;
    let restore = || {
        fs::remove_dir_all(&base).unwrap();
        copy(&snapshot, &base);
    };
    restore();
    let app = start().await;
    let back = again(&app, &li);
    assert_eq!(back.history(&session).await.len(), 1);
    eventually(async || (found(&back, "digoxin").await == 1).then_some(())).await;
    assert_eq!(found(&back, "after").await, 0);
    let path = format!("/api/chat/messages/{}", text(&edited["_id"]));
    back.call(
        "PUT",
        &path,
        serde_json::json!({ "content": "warfarin now" }),
    )
    .await
    .expect(200);
    eventually(async || (found(&back, "warfarin").await == 1).then_some(())).await;
    app.stop().await;
    restore();
    // The password is lost with its disk: a start creates another.
    fs::remove_file(folder.join("mongodb.password")).unwrap();
    let app = start().await;
    let back = again(&app, &li);
    eventually(async || {
        (found(&back, "digoxin").await == 1 && found(&back, "warfarin").await == 0).then_some(())
    })
    .await;

    // An operator requests a rebuild while the service runs.
    let index = folder.join("search/ward/index/meta.json");
    let built = || {
        fs::read_to_string(&index).ok().and_then(|meta| {
            let meta: serde_json::Value = serde_json::from_str(&meta).ok()?;
            let payload: serde_json::Value =
                serde_json::from_str(meta["payload"].as_str()?).ok()?;
            payload["builtAt"].as_str().map(str::to_owned)
        })
    };
    let before = eventually(async || built()).await;
    assert_eq!(run(&["reindex"], &beside).await.0, 0);
    eventually(async || (built().is_some_and(|now| now != before)).then_some(())).await;
    eventually(async || (found(&back, "digoxin").await == 1).then_some(())).await;
    app.stop().await;
    fs::remove_dir_all(folder).unwrap();
}
