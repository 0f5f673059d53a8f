//! Which settings a start accepts and refuses, with which messages, and with which exit status: by
//! the real binary.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use mongodb::{
    Client,
    bson::{Bson, Document, doc},
};
use tokio::process::{Child, Command};

use crate::support::{
    eventually, mongod,
    program::{Program, run},
    unique,
};

/// Arguments, variables, the exit status, and a word of the output.
type Ask<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str);

/// A separate mongod of this test, started as an operator might.
struct Raw {
    child: Child,
    port: u16,
}

impl Raw {
    fn start(folder: &Path, more: &[&str]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self::start_on(folder, port, more)
    }

    fn start_on(folder: &Path, port: u16, more: &[&str]) -> Self {
        let options = mongod::options(folder);
        let binary = options.binary.unwrap_or_else(|| {
            let folders = options
                .search_path
                .iter()
                .flat_map(std::env::split_paths)
                .map(|f| f.join("mongod"));
            let mut all = folders.chain([PathBuf::from(".mongod/mongod")]);
            all.find(|path| path.is_file()).unwrap()
        });
        let mut command = Command::new(binary);
        command.arg("--dbpath").arg(folder).args([
            "--bind_ip=127.0.0.1",
            "--nounixsocket",
            "--quiet",
        ]);
        command
            .arg(format!("--port={port}"))
            .arg("--wiredTigerCacheSizeGB=0.25")
            .args(more);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, port }
    }

    async fn ask(&self, command: Document) -> mongodb::error::Result<Document> {
        let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port);
        Client::with_uri_str(uri)
            .await?
            .database("admin")
            .run_command(command)
            .await
    }

    async fn end(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it is ready.
    async fn ready(&self) {
        eventually(async || self.ask(doc! { "ping": 1 }).await.ok()).await;
    }
}

fn with_path(uri: &str, path: &str, options: &str) -> String {
    let (before, after) = uri.split_once("/?").unwrap();
    format!("{before}/{path}?{after}{options}")
}

#[tokio::test]
async fn a_start_that_cannot_work_says_in_one_sentence_why() {
    let folder = mongod::folder("startup");
    let data = folder.join("data").display().to_string();
    let alone = Raw::start(&folder.join("alone"), &[]);
    let fresh = Raw::start(&folder.join("fresh"), &["--replSet=rs9"]);
    alone.ready().await;
    fresh.ready().await;
    let shared = mongod::shared_uri();
    let name = unique("t");
    let admin = Client::with_uri_str(&shared)
        .await
        .unwrap()
        .database("admin");
    let reader = unique("reader");
    let user = doc! { "createUser": &reader, "pwd": "pw-of-reader", "roles": [{ "role": "read", "db": &name }] };
    admin.run_command(user).await.unwrap();
    let (_, at) = shared.rsplit_once('@').unwrap();
    let password = shared.split([':', '@']).nth(2).unwrap().to_owned();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_at = silent.local_addr().unwrap();
    let of = |port: u16, options: &str| format!("mongodb://127.0.0.1:{port}/{options}");
    let wrong: Vec<(String, Vec<&str>)> = vec![
        (
            of(alone.port, ""),
            vec!["MONGODB_URI must be a replica set", "--replSet"],
        ),
        (
            of(alone.port, "?replicaSet=rs0"),
            vec!["MONGODB_URI must be a replica set"],
        ),
        (
            of(alone.port, "?directConnection=true"),
            vec!["MONGODB_URI must be a replica set"],
        ),
        (of(fresh.port, ""), vec!["rs.initiate()"]),
        (of(fresh.port, "?replicaSet=rs9"), vec!["rs.initiate()"]),
        (
            shared.replace("replicaSet=rs0", "replicaSet=other"),
            vec!["replicaSet=other", "rs0"],
        ),
        (format!("mongodb://{closed}/"), vec!["connection refused"]),
        (
            "mongodb://no-such-host.invalid/".to_owned(),
            vec!["no-such-host.invalid", "not known"],
        ),
        (format!("mongodb://{silent_at}/"), vec!["does not answer"]),
        (format!("{shared}&tls=true"), vec!["TLS"]),
        (
            shared.replace(&password, "a-wrong-password"),
            vec!["refused the user or password", "user wardline"],
        ),
        (
            format!("mongodb://nobody:pw-of-nobody@{at}"),
            vec!["refused the user or password", "nobody"],
        ),
        (
            format!("mongodb://{reader}:pw-of-reader@{at}"),
            vec![&reader, "may not write", &name, "insert"],
        ),
        (
            shared
                .split_once('@')
                .map(|(_, at)| format!("mongodb://{at}"))
                .unwrap(),
            vec!["may not"],
        ),
        (format!("{shared}&loadBalanced=true"), vec!["MONGODB_URI"]),
        (format!("{shared}&noSuchOption=1"), vec!["nosuchoption"]),
    ];
    for command in ["check", "serve", "seed"] {
        // All texts are tested with `check`; some of them also on the other paths that start.
        let step = if command == "check" { 1 } else { 5 };
        for (uri, words) in wrong.iter().step_by(step) {
            let variables = [
                ("MONGODB_URI", uri.as_str()),
                ("MONGODB_DB", &name),
                ("DATA_DIR", &data),
                ("PORT", "0"),
                ("LOG", "error"),
            ];
            let (status, printed, complaint) = run(&[command], &variables).await;
            assert_eq!(status, 1, "{command} {uri}: {complaint}");
            assert!(printed.is_empty(), "{printed}");
            let lines: Vec<&str> = complaint
                .lines()
                .filter(|line| line.starts_with("wardline:"))
                .collect();
            assert_eq!(lines.len(), 1, "{complaint}");
            for word in words {
                assert_eq!(
                    complaint.matches(word).count(),
                    1,
                    "{word}, once, {uri}: {complaint}"
                );
            }
            for secret in [
                "pw-of",
                "a-wrong-password",
                &password,
                "internal error",
                "command 20",
            ] {
                assert!(!complaint.contains(secret), "{secret}: {complaint}");
            }
        }
    }
    drop((alone, fresh, silent));
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn a_place_for_files_that_is_not_there_is_named_once() {
    let (shared, name) = (mongod::shared_uri(), unique("t"));
    let variables = [
        ("MONGODB_URI", shared.as_str()),
        ("MONGODB_DB", &name),
        ("FILE_STORE", "file:///nowhere"),
    ];
    let (status, _, complaint) = run(&["check"], &variables).await;
    assert_eq!(status, 1, "{complaint}");
    for word in [
        "FILE_STORE cannot be used",
        "the folder /nowhere cannot be used",
    ] {
        assert_eq!(
            complaint.matches(word).count(),
            1,
            "{word}, once: {complaint}"
        );
    }
}

#[tokio::test]
async fn whatever_the_address_says_a_start_can_commit_or_names_it() {
    let (uri, data) = (
        mongod::shared_uri(),
        mongod::folder("startup-options").display().to_string(),
    );
    let name = unique("t");
    let odd = "&readPreference=secondary&readConcernLevel=local&w=0&journal=false\
               &retryWrites=false&retryReads=false&appName=x&maxPoolSize=1&minPoolSize=1&maxConnecting=1\
               &serverSelectionTimeoutMS=1&connectTimeoutMS=1&heartbeatFrequencyMS=3600000&wtimeoutMS=1";
    let named = with_path(&uri, &name, odd);
    let of = async |uri: &str, more: &[(&str, &str)], arguments: &[&str]| {
        let variables = [
            &[("MONGODB_URI", uri), ("DATA_DIR", &data), ("LOG", "warn")],
            more,
        ]
        .concat();
        run(arguments, &variables).await
    };
    let check = async |uri: &str, more: &[(&str, &str)]| of(uri, more, &["check"]).await;
    let (status, printed, complaint) = check(&named, &[]).await;
    assert_eq!(
        (status, printed.as_str()),
        (0, "configuration and database are well\n"),
        "{complaint}"
    );
    let direct = format!("{}&directConnection=true", with_path(&uri, &name, ""));
    assert_eq!(check(&direct, &[]).await.0, 0);
    // The path named the database.
    let databases = Client::with_uri_str(&uri)
        .await
        .unwrap()
        .list_database_names()
        .await
        .unwrap();
    assert!(databases.contains(&name), "{databases:?}");
    let (status, _, complaint) = check(&named, &[("MONGODB_DB", "another")]).await;
    assert!(
        status == 1 && complaint.contains("another") && complaint.contains(&name),
        "{complaint}"
    );
    assert_eq!(
        check(&with_path(&uri, "admin", ""), &[("MONGODB_DB", &name)])
            .await
            .0,
        0
    );

    // Data in the previously used database is not abandoned silently.
    let client = Client::with_uri_str(&uri).await.unwrap();
    let old = client.database("wardline").collection::<Document>("meta");
    old.insert_one(doc! { "_id": "format", "version": 2_i64 })
        .await
        .unwrap();
    let empty = with_path(&uri, &unique("t"), "");
    let (status, _, complaint) = check(&empty, &[]).await;
    old.delete_one(doc! { "_id": "format" }).await.unwrap();
    assert!(
        status == 1 && complaint.contains("MONGODB_DB=wardline"),
        "{complaint}"
    );

    // A newer format is refused, in any numeric type; a value that is no number is refused, too.
    let meta = client.database(&name).collection::<Document>("meta");
    let formats: [(Bson, i32); 8] = [
        (Bson::Int32(99), 1),
        (Bson::Int64(99), 1),
        (Bson::Double(99.0), 1),
        (Bson::Decimal128("99".parse().unwrap()), 1),
        (Bson::String("99".to_owned()), 1),
        (Bson::Double(1.5), 1),
        (Bson::Double(2.0), 0),
        (Bson::Int32(2), 0),
    ];
    for (version, wanted) in formats {
        let words = format!("{version:?}");
        let set = doc! { "$set": { "version": version } };
        meta.update_one(doc! { "_id": "format" }, set)
            .upsert(true)
            .await
            .unwrap();
        let (status, _, complaint) = check(&named, &[]).await;
        assert_eq!(status, wanted, "{words}: {complaint}");
    }

    // A missing folder for files is not created.
    let store = PathBuf::from(&data).join("not-mounted");
    let place = format!("file://{}", store.display());
    let (status, _, complaint) = check(&named, &[("FILE_STORE", &place)]).await;
    assert!(
        status == 1 && complaint.contains("FILE_STORE") && !store.exists(),
        "{complaint}"
    );
    std::fs::write(&store, b"a file").unwrap();
    let (status, _, complaint) = check(&named, &[("FILE_STORE", &place)]).await;
    assert!(
        status == 1 && complaint.contains("FILE_STORE"),
        "{complaint}"
    );
    let keys = [
        ("FILE_STORE", "s3://ward"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "a secret key"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let (status, _, complaint) = check(&named, &keys).await;
    assert!(
        status == 1 && complaint.contains("FILE_STORE") && !complaint.contains("a secret key"),
        "{complaint}"
    );
    assert!(
        !complaint.to_lowercase().contains("database"),
        "it is the files: {complaint}"
    );

    // The exit status of every command shows whether it succeeded.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let production = [("WARDLINE_ENV", "production")];
    let commands: [Ask; 14] = [
        (&["token"], &[], 2, "USERNAMES"),
        (&["token", "nobody"], &[], 1, "nobody"),
        (&["token", "--synthetic", "3"], &[], 1, "synthetic"),
        (
            &["seed", "--users", "2", "--sessions", "1", "--messages", "4"],
            &[],
            0,
            "made 2 people",
        ),
        (
            &["seed", "--users", "3", "--sessions", "1"],
            &[],
            0,
            "made 1 people",
        ),
        (&["token", "--synthetic", "3"], &[], 0, "staff00003"),
        (&["token", "--synthetic", "4"], &[], 1, "synthetic"),
        (&["user", "role", "staff00001", "king"], &[], 2, "king"),
        (&["user", "role", "nobody", "nurse"], &[], 1, "wardline:"),
        (&["seed"], &production, 1, "not in production"),
        (
            &["seed", "--users", "1"],
            &production,
            1,
            "not in production",
        ),
        (&["serve", "--demo"], &production, 1, "not in production"),
        (&["serve"], &[("PORT", &port)], 1, &port),
        (&["health"], &[("PORT", "1")], 1, ""),
    ];
    for (arguments, more, wanted, word) in commands {
        let more = [&[("PORT", "0")], more].concat();
        let (status, printed, complaint) = of(&named, &more, arguments).await;
        assert_eq!(status, wanted, "{arguments:?}: {printed} {complaint}");
        assert!(
            (printed + &complaint).contains(word),
            "{arguments:?}: {complaint}"
        );
    }
    for arguments in [&["migrate"][..], &["recount"], &["openapi"], &["reindex"]] {
        assert_eq!(of(&named, &[], arguments).await.0, 0, "{arguments:?}");
    }
    let deactivate = doc! { "$set": { "isActive": false } };
    let users = client.database(&name).collection::<Document>("users");
    users
        .update_one(doc! { "username": "staff00002" }, deactivate)
        .await
        .unwrap();
    for arguments in [&["token", "staff00002"][..], &["token", "--synthetic", "3"]] {
        assert_eq!(of(&named, &[], arguments).await.0, 1, "{arguments:?}");
    }
    client.database(&name).drop().await.unwrap();
}

#[tokio::test]
async fn a_database_that_can_commit_no_more_is_no_health() {
    let folder = mongod::folder("startup-turned");
    let (base, log) = (folder.join("db"), folder.join("log"));
    let set = Raw::start(&base, &["--replSet=rs7"]);
    set.ready().await;
    let port = set.port;
    let members = [doc! { "_id": 0, "host": format!("127.0.0.1:{port}") }];
    set.ask(doc! { "replSetInitiate": { "_id": "rs7", "members": members } })
        .await
        .unwrap();
    eventually(async || {
        let hello = set.ask(doc! { "hello": 1 }).await.unwrap();
        hello.get_bool("isWritablePrimary").unwrap().then_some(())
    })
    .await;
    let (uri, data) = (
        format!("mongodb://127.0.0.1:{port}/"),
        folder.join("data").display().to_string(),
    );
    let service = Program::serve(&log, &[("MONGODB_URI", &uri), ("DATA_DIR", &data)]).await;
    let health = async || {
        reqwest::get(format!("http://{}/health", service.address))
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(health().await, 200);
    set.end().await;
    // The same data on the same port, as a single mongod.
    let alone = Raw::start_on(&base, port, &[]);
    alone.ready().await;
    eventually(async || (health().await == 503).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(health().await, 503);
    let said = eventually(async || {
        let said = std::fs::read_to_string(&log).unwrap();
        said.contains("must be a replica set").then_some(said)
    })
    .await;
    assert!(!said.contains('\u{1b}'), "no colours in a file");
    assert_eq!(said.matches("must be a replica set").count(), 1, "once");
    service.stop().await;
    drop(alone);
    let _ = std::fs::remove_dir_all(folder);
}
