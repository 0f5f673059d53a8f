//! The hostile client: one account on one machine that requests much and reads nothing, holds
//! connections, requests and uploads, and floods the service with handshakes. Its cost is the
//! service's memory, which is measured. It must keep no other user from signing in.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{context::PASSWORD, nemesis::Nemesis};

/// The maximum memory that one account may cost the process, MiB.
const BOUND: u64 = 512;
/// The number of its requests of each kind.
const LONG_MESSAGES: usize = 100;
const SOCKETS: usize = 4;
const QUESTIONS: usize = 300;
const CALLS: usize = 150;
const HEADS: usize = 600;
const HANDSHAKES: usize = 3_000;
const UPLOADS: usize = 8;

/// A separate account with a conversation of long messages.
struct HostileClient {
    address: String,
    token: String,
    session: String,
    client: reqwest::Client,
}

impl HostileClient {
    async fn settle_in(address: &str) -> Option<Self> {
        let client = reqwest::Client::new();
        let (me, token) = register(&client, address).await?;
        let (other, _) = register(&client, address).await?;
        let mut intruder = Self {
            address: address.to_owned(),
            token,
            session: String::new(),
            client: client.clone(),
        };
        let opened = intruder
            .post(
                "sessions/private",
                &json!({ "userId1": me, "userId2": other }),
            )
            .await?;
        opened["data"]["_id"]
            .as_str()?
            .clone_into(&mut intruder.session);
        let long = "\u{1F4A9}".repeat(8_000);
        for _ in 0..LONG_MESSAGES {
            let message = json!({ "sessionId": intruder.session, "senderId": me, "content": long });
            intruder.post("messages", &message).await?;
        }
        Some(intruder)
    }

    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let call = self
            .client
            .post(format!("http://{}/api/chat/{path}", self.address));
        call.bearer_auth(&self.token)
            .json(body)
            .send()
            .await
            .ok()?
            .json()
            .await
            .ok()
    }

    /// A connection that costs the client next to nothing.
    async fn line(&self, words: &[u8]) -> Option<TcpStream> {
        let socket = TcpSocket::new_v4().ok()?;
        socket.set_recv_buffer_size(4_096).ok()?;
        let mut line = socket.connect(self.address.parse().ok()?).await.ok()?;
        let _ = tokio::time::timeout(Duration::from_secs(2), line.write_all(words)).await;
        Some(line)
    }

    /// A socket that requests history, over and over, and reads nothing.
    async fn deaf_socket(&self) -> Option<WebSocketStream<TcpStream>> {
        let line = self.line(b"").await?;
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", self.address);
        let (mut socket, _) = client_async(url, line).await.ok()?;
        socket
            .send(Message::text(format!(
                "40{}",
                json!({ "token": self.token })
            )))
            .await
            .ok()?;
        // The connection is open once the server has sent both open packets.
        for _ in 0..2 {
            socket.next().await?.ok()?;
        }
        let event = json!(["chat:history", { "sessionId": self.session, "limit": 100 }]);
        for number in 0..QUESTIONS {
            socket
                .send(Message::text(format!("42{number}{event}")))
                .await
                .ok()?;
        }
        Some(socket)
    }

    /// Does everything at once; the open connections go to `held`.
    #[expect(clippy::similar_names, reason = "as the glossary has them")]
    async fn press(&self, held: mpsc::Sender<Box<dyn Send>>) {
        for _ in 0..SOCKETS {
            let _ = held.send(Box::new(self.deaf_socket().await)).await;
        }
        let bearer = format!("Host: x\r\nAuthorization: Bearer {}\r\n", self.token);
        let call = format!(
            "GET /api/chat/messages/{}?limit=100 HTTP/1.1\r\n{bearer}\r\n",
            self.session
        );
        for _ in 0..CALLS {
            let _ = held.send(Box::new(self.line(call.as_bytes()).await)).await;
        }
        let upload = format!(
            "POST /api/chat/files HTTP/1.1\r\n{bearer}Content-Length: 20000000\r\nContent-Type: multipart/form-data; \
             boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nxxxx"
        );
        for _ in 0..UPLOADS {
            let _ = held
                .send(Box::new(self.line(upload.as_bytes()).await))
                .await;
        }
        let head = [
            b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec(),
            vec![b'a'; 60_000],
        ]
        .concat();
        for _ in 0..HEADS {
            let _ = held.send(Box::new(self.line(&head).await)).await;
        }
        let handshake = format!("http://{}/socket.io/?EIO=4&transport=polling", self.address);
        for _ in 0..HANDSHAKES {
            let _ = self.client.get(&handshake).send().await;
        }
    }
}

async fn register(client: &reqwest::Client, address: &str) -> Option<(String, String)> {
    let name = format!("hostile{:08x}", rand::random::<u32>());
    let body = json!({ "username": name, "password": PASSWORD, "realName": "Hostile" });
    let call = client
        .post(format!("http://{address}/api/auth/register"))
        .json(&body);
    let data: Value = call.send().await.ok()?.json().await.ok()?;
    Some((
        data["data"]["user"]["_id"].as_str()?.to_owned(),
        data["data"]["token"].as_str()?.to_owned(),
    ))
}

/// Runs the attack for a while, and measures its cost.
#[expect(clippy::similar_names, reason = "as the glossary has them")]
pub async fn attack(nemesis: &mut Nemesis<'_>) {
    let Some(intruder) = HostileClient::settle_in(&nemesis.nodes[0].address).await else {
        nemesis
            .context
            .odd("the hostile client could not settle in".to_owned());
        return;
    };
    let Some(before) = nemesis.nodes[0].memory() else {
        return;
    };
    let (held, mut holding) = mpsc::channel(16);
    let begun = Instant::now();
    let attack = tokio::spawn(async move { intruder.press(held).await });
    let (mut most, mut signed_in, mut kept) = (before, 0, Vec::new());
    let hold = Duration::from_secs(if nemesis.is_long { 40 } else { 8 });
    while begun.elapsed() < hold {
        while let Ok(one) = holding.try_recv() {
            kept.push(one);
        }
        most = most.max(nemesis.nodes[0].memory().unwrap_or_default());
        if begun.elapsed().as_secs() >= signed_in * 2 {
            signed_in += 1;
            let person = &nemesis.workload.people[0];
            if nemesis.context.login(0, &person.name).await.is_none() {
                nemesis
                    .context
                    .odd("the hostile client kept a user from signing in".to_owned());
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    attack.abort();
    let cost = most.saturating_sub(before);
    nemesis.notes.push(format!(
        "peak memory {most} MiB, {cost} MiB more than before ({before} MiB), with {} connections held",
        kept.len()
    ));
    if cost > BOUND {
        nemesis.context.odd(format!(
            "one account made the service take {cost} MiB more; {BOUND} are allowed"
        ));
    }
}
