//! The test app: the service as `serve` runs it, on a free port, with registered users.

pub mod document;
pub mod files;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use wardline::{
    app::{App, GATEWAY_SECTIONS, StartError},
    config::Settings,
    domain::Clock,
    gateway::Gateway,
};

pub use crate::kit::{SECRET, clock::MockClock, eventually, mongod, program, socket};
use socket::Socket;

/// The password of all users in the tests.
pub const PASSWORD: &str = "a long enough password";

/// A running service.
pub struct TestApp {
    pub address: String,
    pub database: String,
    pub settings: Settings,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), StartError>>>,
}

/// A user with an account and a token.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub username: String,
    pub token: String,
    address: String,
    client: reqwest::Client,
}

/// An answer: status and body.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// The data of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["success"], json!(status < 400), "{}", self.body);
        self.body["data"].clone()
    }

    /// The code of a refusal that must have this status.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["success"], json!(false), "{}", self.body);
        self.body["code"]
            .as_str()
            .expect("a refusal has a code")
            .to_owned()
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A name that is unique in this run.
pub fn unique(prefix: &str) -> String {
    format!(
        "{prefix}{}-{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    )
}

/// Settings for a test, on the shared mongod and with its own database.
pub fn settings(variables: &[(&str, &str)]) -> Settings {
    let mut values: BTreeMap<String, String> = [("PORT", "0"), ("JWT_SECRET", SECRET)]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    values.insert("MONGODB_URI".to_owned(), mongod::shared_uri());
    values.insert("MONGODB_DB".to_owned(), unique("t"));
    values.insert(
        "DATA_DIR".to_owned(),
        mongod::folder("data").display().to_string(),
    );
    values.extend(
        variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
    );
    let mut settings =
        Settings::from_values(&values, GATEWAY_SECTIONS).expect("test settings are valid");
    settings.timings.presence_window = Duration::from_millis(50);
    // No other wait has this duration.
    settings.timings.typing = Duration::from_millis(410);
    settings
}

impl TestApp {
    /// The service with the defaults.
    pub async fn start() -> Self {
        Self::with(settings(&[]), Arc::new(wardline::domain::SystemClock)).await
    }

    /// The service without rate limits, for tests that make many calls.
    pub async fn unlimited() -> Self {
        Self::with(
            settings(&[("RATE_LIMIT", "off")]),
            Arc::new(wardline::domain::SystemClock),
        )
        .await
    }

    pub async fn with(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self::opened(settings, clock, |app| app).await
    }

    /// The service with one more gateway, without rate limits.
    pub async fn with_gateway(gateway: Box<dyn Gateway>, variables: &[(&str, &str)]) -> Self {
        let clock = Arc::new(wardline::domain::SystemClock);
        Self::opened(settings(variables), clock, |app| app.with_gateway(gateway)).await
    }

    async fn opened(
        settings: Settings,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(App) -> App,
    ) -> Self {
        let app = App::open(settings.clone(), clock)
            .await
            .expect("the app opens");
        let app = change(app);
        let listener = app.listen().expect("a free port");
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(app.serve(listener, async move {
            let _ = stopped.await;
        }));
        Self {
            address,
            database: settings.database.name.clone(),
            settings,
            client: reqwest::Client::new(),
            stop: Some(stop),
            served: Some(served),
        }
    }

    /// Stops the service as Ctrl-C would, and waits for its end.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            served
                .await
                .expect("the service does not panic")
                .expect("the service ends cleanly");
        }
    }

    /// A call without a token.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        call(&self.client, &self.address, method, path, None, Some(body)).await
    }

    /// A new user, registered over the public API.
    pub async fn nurse(&self, name: &str) -> Person {
        let username = unique(&name.to_lowercase());
        let body = json!({ "username": username, "password": PASSWORD, "realName": name });
        let data = self
            .call("POST", "/api/auth/register", body)
            .await
            .expect(201);
        self.person(&data)
    }

    /// The first admin; the settings must name one.
    pub async fn admin(&self) -> Person {
        let (username, password) = self
            .settings
            .auth
            .first_admin
            .clone()
            .expect("an admin in the settings");
        let body = json!({ "username": username, "password": password });
        let data = self.call("POST", "/api/auth/login", body).await.expect(200);
        self.person(&data)
    }

    pub fn person(&self, signed_in: &Value) -> Person {
        Person {
            id: text(&signed_in["user"]["_id"]),
            username: text(&signed_in["user"]["username"]),
            token: text(&signed_in["token"]),
            address: self.address.clone(),
            client: self.client.clone(),
        }
    }

    /// The raw database of this test.
    pub async fn database(&self) -> mongodb::Database {
        let uri = self.settings.database.uri.clone().unwrap();
        mongodb::Client::with_uri_str(uri)
            .await
            .unwrap()
            .database(&self.database)
    }
}

async fn call(
    client: &reqwest::Client,
    address: &str,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> Reply {
    let mut request = client.request(method.parse().unwrap(), format!("http://{address}{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.expect("the service answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.expect("the answer arrives");
    document::check(address, (method, path), status, &headers, &bytes);
    let body =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
    Reply { status, body }
}

impl Person {
    /// A user known by id only, with their own token.
    pub fn acting_as(&self, id: &str) -> Person {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let claims = json!({
            "sub": id, "username": id, "role": "user", "iat": now, "exp": now + 3_600, "jti": unique("jti"),
        });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        Person {
            id: id.to_owned(),
            username: id.to_owned(),
            token,
            ..self.clone()
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        call(
            &self.client,
            &self.address,
            "GET",
            path,
            Some(&self.token),
            None,
        )
        .await
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        call(
            &self.client,
            &self.address,
            method,
            path,
            Some(&self.token),
            Some(body),
        )
        .await
    }

    /// A private conversation with another user.
    pub async fn session_with(&self, other: &Person) -> String {
        let body = json!({ "userId1": self.id, "userId2": other.id });
        let reply = self.call("POST", "/api/chat/sessions/private", body).await;
        assert!(reply.status < 300, "{}", reply.body);
        text(&reply.body["data"]["_id"])
    }

    /// The payload of `message:send` and its REST counterpart.
    pub fn message(&self, session: &str, content: &str) -> Value {
        json!({ "sessionId": session, "senderId": self.id, "content": content, "messageType": "text" })
    }

    /// Sends over REST.
    pub async fn send(&self, session: &str, content: &str) -> Value {
        self.call("POST", "/api/chat/messages", self.message(session, content))
            .await
            .expect(201)
    }

    /// Marks read over REST.
    pub async fn read(&self, message: &Value) -> Value {
        let path = format!("/api/chat/messages/{}/read", text(&message["_id"]));
        self.call("PUT", &path, json!({ "userId": self.id }))
            .await
            .expect(200)
    }

    /// All messages of a conversation, oldest first.
    pub async fn history(&self, session: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let after = all
                .last()
                .map_or(0, |message: &Value| message["seq"].as_u64().unwrap());
            let path = format!("/api/chat/messages/{session}?afterSeq={after}&limit=100");
            let page = self.get(&path).await;
            let more = page.body["pagination"]["hasMore"] == json!(true);
            all.extend(page.expect(200).as_array().unwrap().clone());
            if !more {
                return all;
            }
        }
    }

    /// Unread messages: in total, and by conversation.
    pub async fn unread(&self) -> (u64, Value) {
        let data = self
            .get(&format!("/api/chat/messages/unread/{}", self.id))
            .await
            .expect(200);
        (
            data["unreadCount"].as_u64().unwrap(),
            data["bySession"].clone(),
        )
    }

    /// A connected socket that has not joined.
    pub async fn connect(&self) -> Socket {
        Socket::connect(&self.address, json!({ "token": self.token }))
            .await
            .expect("the socket is accepted")
    }

    /// A connected socket that has joined.
    pub async fn join(&self) -> Socket {
        let socket = self.connect().await;
        let answer = socket
            .call(
                "user:join",
                json!({ "id": self.id, "username": self.username }),
            )
            .await;
        assert_eq!(answer["success"], json!(true), "{answer}");
        socket
    }
}

/// A required text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
