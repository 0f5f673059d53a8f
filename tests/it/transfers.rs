//! A transfer stops when its right ends, in both directions and for every cause.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use mongodb::bson::{Document, doc, oid::ObjectId};
use reqwest::Body;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    groups::group,
    support::{
        MockClock, PASSWORD, Person, TestApp, eventually,
        files::{form, noise},
        settings, text,
    },
};

/// More than the buffers in between hold.
const SIZE: usize = 16_000_000;
const LEAST: usize = 700_000;
/// The time limit for its end.
const SECONDS: Duration = Duration::from_secs(8);

/// An answer that is read slowly, until it breaks or `hurry` is cancelled.
struct Reader {
    hurry: CancellationToken,
    /// Whether it was complete.
    reading: JoinHandle<bool>,
}

impl Reader {
    /// Requests with a token, or without, and reads the header.
    async fn begin(app: &TestApp, path: &str, token: Option<&str>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(app.address.parse().unwrap()).await.unwrap();
        let token = token
            .map(|token| format!("authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{token}\r\n");
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let (head, got) = loop {
            let mut some = [0; 1_024];
            let count = stream.read(&mut some).await.unwrap();
            assert!(count > 0, "no answer");
            bytes.extend_from_slice(&some[..count]);
            let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") else {
                continue;
            };
            break (
                String::from_utf8_lossy(&bytes[..end]).to_lowercase(),
                bytes.len() - end - 4,
            );
        };
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head
            .split("content-length: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .trim();
        let (length, hurry) = (length.parse().unwrap(), CancellationToken::new());
        assert!(length > LEAST, "{length} bytes are on their way at once");
        let reading = tokio::spawn(read(stream, length, got, hurry.clone()));
        Self { hurry, reading }
    }

    /// Reads the rest; returns whether it is complete.
    async fn gets_all(self) -> bool {
        self.hurry.cancel();
        self.reading.await.unwrap()
    }
}

async fn read(
    mut stream: TcpStream,
    length: usize,
    mut got: usize,
    hurry: CancellationToken,
) -> bool {
    let mut some = vec![0; 64 << 10];
    while got < length {
        // 20 kB a second: a client that reads nothing is disconnected anyway.
        let most = if hurry.is_cancelled() {
            some.len()
        } else {
            let _ = tokio::time::timeout(Duration::from_millis(100), hurry.cancelled()).await;
            2_048
        };
        match stream.read(&mut some[..most]).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => got += count,
        }
    }
    true
}

/// The number of a user's files, including unfinished uploads.
async fn files_of(raw: &mongodb::Database, owner: ObjectId) -> u64 {
    raw.collection::<Document>("files")
        .count_documents(doc! { "owner": owner })
        .await
        .unwrap()
}

/// A user whose right ends, with their open transfers.
struct Begun {
    person: Person,
    readers: Vec<(&'static str, Reader)>,
    /// 401, or the connection broke.
    upload: JoinHandle<Option<u16>>,
}

async fn begin(app: &TestApp, person: Person, paths: &[(&'static str, String)]) -> Begun {
    let mut readers = Vec::new();
    for (what, path) in paths {
        let token = (*what != "link").then_some(person.token.as_str());
        let path = match *what {
            "link" => text(&person.get(&format!("{path}/link")).await.expect(200)["url"]),
            _ => path.clone(),
        };
        readers.push((*what, Reader::begin(app, &path, token).await));
    }
    // Fast enough for the service's limit, and endless.
    let pieces = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(vec![7_u8; 20_000]), ()))
    });
    let request = reqwest::Client::new().post(format!("http://{}/api/chat/files", app.address));
    let request = request.bearer_auth(&person.token);
    let request = request.multipart(form("x.bin", Body::wrap_stream(pieces.boxed())));
    let upload = tokio::spawn(async {
        request
            .send()
            .await
            .ok()
            .map(|answer| answer.status().as_u16())
    });
    let raw = app.database().await;
    let owner = ObjectId::parse_str(&person.id).unwrap();
    eventually(async || (files_of(&raw, owner).await > 0).then_some(())).await;
    Begun {
        person,
        readers,
        upload,
    }
}

impl Begun {
    /// All transfers break, and nothing remains of the upload.
    async fn stops(self, app: &TestApp, why: &str) {
        let upload = tokio::time::timeout(SECONDS, self.upload).await;
        let status = upload
            .unwrap_or_else(|_| panic!("{why}: the upload goes on"))
            .unwrap();
        assert!(
            status.is_none_or(|status| status == 401),
            "{why}: {status:?}"
        );
        for (what, reader) in self.readers {
            assert!(
                !reader.gets_all().await,
                "{why}: {what} was handed out to the end"
            );
        }
        let raw = app.database().await;
        let owner = ObjectId::parse_str(&self.person.id).unwrap();
        eventually(async || (files_of(&raw, owner).await == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn what_was_begun_stops_when_a_token_ends() {
    let variables = [
        ("RATE_LIMIT", "off"),
        ("JWT_TTL", "10h"),
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "a long enough one"),
    ];
    let clock = MockClock::starting_now();
    let app = TestApp::with(settings(&variables), clock.clone()).await;
    let (boss, li) = (app.admin().await, app.nurse("Li").await);
    let names = [
        "Logout",
        "Everywhere",
        "Password",
        "Reset",
        "Gone",
        "Removed",
    ];
    let people = join_all(names.map(|name| app.nurse(name))).await;
    let ward = group(&li, &people.iter().collect::<Vec<_>>(), "Ward").await;
    let file = li.uploaded("film.bin", noise(SIZE)).await;
    li.send_file(&ward, "file", &file).await;
    for number in 0..100 {
        li.send(&ward, &format!("{number} {}", "𠮷".repeat(7_900)))
            .await;
    }
    li.settle(&ward).await;
    let history = format!("/api/chat/messages/{ward}?page=1&limit=100");
    let found = format!("/api/chat/messages/search?userId=ME&sessionId={ward}&limit=100");
    let paths = |person: &Person| {
        [
            ("file", text(&file["fileUrl"])),
            ("link", text(&file["fileUrl"])),
            ("history", history.clone()),
            ("search", found.replace("ME", &person.id)),
        ]
    };
    let mut begun = Vec::new();
    for person in people {
        let paths = paths(&person);
        begun.push(begin(&app, person, &paths).await);
    }
    let mut of_li = begin(&app, li.clone(), &paths(&li)).await;

    let [logout, everywhere, password, reset, gone] =
        [0, 1, 2, 3, 4].map(|at| begun[at].person.clone());
    logout
        .call("POST", "/api/auth/logout", json!({}))
        .await
        .expect(200);
    boss.call(
        "DELETE",
        &format!("/api/chat/users/{}/sessions", everywhere.id),
        json!({}),
    )
    .await
    .expect(200);
    let change = json!({ "current": PASSWORD, "next": "quite another password" });
    password
        .call("PUT", "/api/auth/password", change)
        .await
        .expect(200);
    let account = |person: &Person| format!("/api/chat/users/{}", person.id);
    boss.call(
        "PATCH",
        &account(&reset),
        json!({ "password": "quite another password" }),
    )
    .await
    .expect(200);
    boss.call("PATCH", &account(&gone), json!({ "isActive": false }))
        .await
        .expect(200);
    // Without a published revocation: an operator at the database's console.
    let removed = ObjectId::parse_str(&begun[5].person.id).unwrap();
    let raw = app.database().await;
    let set = doc! { "$set": { "isActive": false } };
    raw.collection::<Document>("users")
        .update_one(doc! { "_id": removed }, set)
        .await
        .unwrap();
    tokio::time::sleep(SECONDS).await;
    for (begun, why) in begun.into_iter().zip(names) {
        begun.stops(&app, why).await;
    }
    assert!(!of_li.upload.is_finished(), "others are not concerned");
    for (what, reader) in of_li.readers.drain(..) {
        assert!(reader.gets_all().await, "a slow reader gets all of {what}");
    }

    // Time ends it, too; a signed address of five minutes does not.
    of_li.readers.push((
        "file",
        Reader::begin(&app, &paths(&li)[0].1, Some(&li.token)).await,
    ));
    let link = text(
        &li.get(&format!("{}/link", paths(&li)[0].1))
            .await
            .expect(200)["url"],
    );
    let followed = Reader::begin(&app, &link, None).await;
    clock.advance(Duration::from_mins(6));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(
        followed.gets_all().await,
        "what an address began goes on when it is over"
    );
    assert!(!of_li.upload.is_finished());
    clock.advance(Duration::from_hours(10));
    tokio::time::sleep(SECONDS).await;
    let upload = tokio::time::timeout(SECONDS, of_li.upload)
        .await
        .expect("the upload breaks")
        .unwrap();
    assert!(upload.is_none_or(|status| status == 401), "{upload:?}");
    for (what, reader) in of_li.readers {
        assert!(!reader.gets_all().await, "{what}");
    }
    app.stop().await;
}

/// A long list that an admin reads slowly ends when they lose the role.
#[tokio::test]
async fn a_list_is_an_admins_as_long_as_they_are_one() {
    let variables = [
        ("RATE_LIMIT", "off"),
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "a long enough one"),
    ];
    let app = TestApp::with(
        settings(&variables),
        Arc::new(wardline::domain::SystemClock),
    )
    .await;
    let (boss, chief) = (app.admin().await, app.nurse("Chief").await);
    let role = |role: &str| json!({ "role": role });
    let account = format!("/api/chat/users/{}", chief.id);
    boss.call("PATCH", &account, role("admin"))
        .await
        .expect(200);
    let raw = app.database().await;
    let users = raw.collection::<Document>("users");
    let pattern = users
        .find_one(doc! { "username": &chief.username })
        .await
        .unwrap()
        .unwrap();
    let more = (0..1_000).map(|number| {
        let mut user = pattern.clone();
        let name = format!("{}{number}", "y".repeat(20));
        user.insert("_id", ObjectId::new());
        user.insert("realName", "𠮷".repeat(64));
        user.insert("department", "𠮷".repeat(64));
        for field in ["username", "usernameKey"] {
            if user.contains_key(field) {
                user.insert(field, &name);
            }
        }
        user
    });
    users.insert_many(more).await.unwrap();
    let path = "/api/chat/stats/users?limit=1000";
    let of_chief = Reader::begin(&app, path, Some(&chief.token)).await;
    let of_boss = Reader::begin(&app, path, Some(&boss.token)).await;
    boss.call("PATCH", &account, role("doctor"))
        .await
        .expect(200);
    tokio::time::sleep(SECONDS).await;
    assert!(of_boss.gets_all().await && !of_chief.gets_all().await);
    app.stop().await;
}
