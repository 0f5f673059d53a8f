//! A minimal Socket.IO client (Engine.IO 4 over WebSocket). A test can do with it what the official
//! client does not: send too early, not read, vanish.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Heard {
    /// All received events, in order: event and payload.
    events: Mutex<Vec<(String, Value)>>,
    /// The position of `next`, by event.
    cursors: Mutex<HashMap<String, usize>>,
    arrived: Notify,
    closed: AtomicBool,
    acknowledges: AtomicBool,
}

/// A connected socket.
pub struct Socket {
    outgoing: mpsc::Sender<Message>,
    heard: Arc<Heard>,
    pending: Arc<Mutex<HashMap<i64, oneshot::Sender<Value>>>>,
    next_ack: AtomicI64,
}

impl Socket {
    /// Connects and authenticates; a refusal is the `message` of `connect_error`.
    pub async fn connect(address: &str, auth: Value) -> Result<Self, String> {
        Self::connect_with(address, auth, &[]).await
    }

    /// As [`Socket::connect`], with more headers of the handshake.
    pub async fn connect_with(
        address: &str,
        auth: Value,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, String> {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let (stream, _) = tokio_tungstenite::connect_async(request)
            .await
            .map_err(|error| error.to_string())?;
        let (mut sink, mut source) = stream.split();
        let (outgoing, mut to_send) = mpsc::channel::<Message>(10_000);
        tokio::spawn(async move {
            while let Some(message) = to_send.recv().await {
                if sink.send(message).await.is_err() {
                    return;
                }
            }
            let _ = sink.close().await;
        });
        outgoing
            .send(Message::text(format!("40{auth}")))
            .await
            .unwrap();
        let (accepted, answer) = oneshot::channel();
        let heard = Arc::new(Heard::default());
        let pending: Arc<Mutex<HashMap<i64, oneshot::Sender<Value>>>> = Arc::default();
        let (reader_heard, reader_pending, reply) = (
            Arc::clone(&heard),
            Arc::clone(&pending),
            outgoing.downgrade(),
        );
        tokio::spawn(async move {
            let mut accepted = Some(accepted);
            while let Some(Ok(message)) = source.next().await {
                let Message::Text(packet) = message else {
                    continue;
                };
                if packet.as_str() == "2" {
                    if let Some(reply) = reply.upgrade() {
                        let _ = reply.send(Message::text("3")).await;
                    }
                } else if packet.starts_with("40") {
                    accepted.take().map(|accepted| accepted.send(Ok(())));
                } else if let Some(error) = packet.strip_prefix("44") {
                    let error: Value = serde_json::from_str(error).unwrap_or_default();
                    let text = error["message"].as_str().unwrap_or_default().to_owned();
                    accepted.take().map(|accepted| accepted.send(Err(text)));
                } else if packet.starts_with("41") {
                    break;
                } else if let Some(event) = packet.strip_prefix("42") {
                    let acknowledges = reader_heard.acknowledges.load(Ordering::Relaxed);
                    let (id, body) = split_id(event);
                    let Ok(Value::Array(mut parts)) = serde_json::from_str::<Value>(body) else {
                        continue;
                    };
                    let payload = if parts.len() > 1 {
                        parts.remove(1)
                    } else {
                        Value::Null
                    };
                    let name = parts[0].as_str().unwrap_or_default().to_owned();
                    reader_heard.events.lock().unwrap().push((name, payload));
                    reader_heard.arrived.notify_waiters();
                    if let (true, Some(id), Some(reply)) = (acknowledges, id, reply.upgrade()) {
                        let _ = reply.send(Message::text(format!("43{id}[]"))).await;
                    }
                } else if let Some(ack) = packet.strip_prefix("43") {
                    let (id, body) = split_id(ack);
                    let waiting = id.and_then(|id| reader_pending.lock().unwrap().remove(&id));
                    let answer: Value = serde_json::from_str(body).unwrap_or_default();
                    waiting.map(|waiting| waiting.send(answer[0].clone()));
                }
            }
            reader_heard.closed.store(true, Ordering::Release);
            reader_heard.arrived.notify_waiters();
            reader_pending.lock().unwrap().clear();
        });
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(Ok(()))) => Ok(Self {
                outgoing,
                heard,
                pending,
                next_ack: AtomicI64::new(0),
            }),
            Ok(Ok(Err(refusal))) => Err(refusal),
            Ok(Err(_)) => Err("closed".to_owned()),
            Err(_) => Err("no answer to the handshake".to_owned()),
        }
    }

    /// Acknowledges every event that asks for it, from now on.
    pub fn acknowledge(&self) {
        self.heard.acknowledges.store(true, Ordering::Relaxed);
    }

    /// Sends a raw packet.
    pub async fn raw(&self, packet: String) {
        let _ = self.outgoing.send(Message::text(packet)).await;
    }

    /// Sends a binary frame.
    pub async fn binary(&self, bytes: Vec<u8>) {
        let _ = self.outgoing.send(Message::binary(bytes)).await;
    }

    /// The answer to a raw packet with this number.
    pub fn awaited(&self, id: i64) -> oneshot::Receiver<Value> {
        let (tell, told) = oneshot::channel();
        self.pending.lock().unwrap().insert(id, tell);
        told
    }

    /// Emits without a callback.
    pub async fn emit(&self, event: &str, payload: Value) {
        self.raw(format!("42{}", json!([event, payload]))).await;
    }

    /// Emits with a callback and does not wait: the receiver gets the answer.
    pub async fn begin(&self, event: &str, payload: Value) -> oneshot::Receiver<Value> {
        let id = self.next_ack.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.pending.lock().unwrap().insert(id, tell);
        self.raw(format!("42{id}{}", json!([event, payload]))).await;
        told
    }

    /// Emits with a callback and waits for the answer.
    #[track_caller]
    pub fn call(&self, event: &str, payload: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        let event = event.to_owned();
        async move {
            let told = self.begin(&event, payload).await;
            match tokio::time::timeout(PATIENCE, told).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => json!({ "closed": true }),
                Err(late) => panic!("{event} was not answered ({place}): {late}"),
            }
        }
    }

    /// The next unconsumed event of this name that matches.
    #[track_caller]
    pub fn next_where(
        &self,
        event: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        let event = event.to_owned();
        async move {
            let search = async {
                loop {
                    let arrived = self.heard.arrived.notified();
                    tokio::pin!(arrived);
                    arrived.as_mut().enable();
                    let found = {
                        let events = self.heard.events.lock().unwrap();
                        let mut cursors = self.heard.cursors.lock().unwrap();
                        let cursor = cursors.entry(event.clone()).or_default();
                        let place = (*cursor..events.len())
                            .find(|i| events[*i].0 == event && fits(&events[*i].1));
                        place.map(|place| {
                            *cursor = place + 1;
                            events[place].1.clone()
                        })
                    };
                    if let Some(found) = found {
                        return found;
                    }
                    arrived.await;
                }
            };
            match tokio::time::timeout(PATIENCE, search).await {
                Ok(found) => found,
                Err(late) => panic!(
                    "{event} did not come ({place}): {late}; heard {:?}",
                    self.all()
                ),
            }
        }
    }

    /// The next unconsumed event of this name.
    #[track_caller]
    pub fn next(&self, event: &str) -> impl Future<Output = Value> {
        self.next_where(event, |_| true)
    }

    /// All received events of this name.
    pub fn heard(&self, event: &str) -> Vec<Value> {
        let events = self.heard.events.lock().unwrap();
        events
            .iter()
            .filter(|(name, _)| name == event)
            .map(|(_, payload)| payload.clone())
            .collect()
    }

    /// All received events.
    pub fn all(&self) -> Vec<(String, Value)> {
        self.heard.events.lock().unwrap().clone()
    }

    pub fn is_closed(&self) -> bool {
        self.heard.closed.load(Ordering::Acquire)
    }

    /// Waits until the server closes the socket.
    pub async fn closed(&self) {
        super::eventually(async || self.is_closed().then_some(())).await;
    }
}

fn split_id(text: &str) -> (Option<i64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}
