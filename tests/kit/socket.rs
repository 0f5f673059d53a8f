//! A client that keeps all events that it receives, for tests that ask for them afterwards.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tokio_tungstenite::tungstenite::Message;

use super::connection::{ConnectOptions, Connection, Refused};

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Heard {
    /// All received events, in order: event and payload.
    events: Mutex<Vec<(String, Value)>>,
    /// The position of `next`, by event.
    cursors: Mutex<HashMap<String, usize>>,
    arrived: Notify,
}

/// A connected socket.
pub struct Socket {
    connection: Connection,
    heard: Arc<Heard>,
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
        let options = ConnectOptions {
            headers,
            acknowledges: false,
            receive_buffer: None,
            patience: PATIENCE,
        };
        let heard = Arc::new(Heard::default());
        let hearing = Arc::clone(&heard);
        let listener = move |event: &str, payload: &Value| {
            // The end of the connection has no name.
            if !event.is_empty() {
                let event = (event.to_owned(), payload.clone());
                hearing.events.lock().unwrap().push(event);
            }
            hearing.arrived.notify_waiters();
        };
        match Connection::open(address, &auth, options, Box::new(listener)).await {
            Ok(connection) => Ok(Self { connection, heard }),
            Err(Refused::Code(text) | Refused::Unreachable(text)) => Err(text),
        }
    }

    /// Acknowledges every event that asks for it, from now on.
    pub fn acknowledge(&self) {
        self.connection.acknowledge();
    }

    /// Sends a raw packet.
    pub async fn raw(&self, packet: String) {
        self.connection.send(Message::text(packet)).await;
    }

    /// Sends a binary frame.
    pub async fn binary(&self, bytes: Vec<u8>) {
        self.connection.send(Message::binary(bytes)).await;
    }

    /// The answer to a raw packet with this number.
    pub fn awaited(&self, id: i64) -> oneshot::Receiver<Value> {
        self.connection.answer_to(id)
    }

    /// Emits without a callback.
    pub async fn emit(&self, event: &str, payload: Value) {
        self.raw(format!("42{}", json!([event, payload]))).await;
    }

    /// Emits with a callback and does not wait: the receiver gets the answer.
    pub async fn begin(&self, event: &str, payload: Value) -> oneshot::Receiver<Value> {
        self.connection.begin(event, &payload).await
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
        self.connection.is_closed()
    }

    /// Waits until the server closes the socket.
    pub async fn closed(&self) {
        super::eventually(async || self.is_closed().then_some(())).await;
    }
}
