//! One Socket.IO connection over a TCP stream. It can do what tests/it's client cannot: hand each
//! event on in order as it comes, stop reading, vanish, and reset the connection.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{mpsc, oneshot, watch},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why a connection failed.
#[derive(Debug)]
pub enum Refused {
    /// No listener, or no answer.
    Unreachable,
    /// The `message` of `connect_error`.
    Code(String),
}

/// The options of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Announces that it acknowledges each message, and does.
    pub acknowledges: bool,
    /// The size of the receive buffer in bytes; the kernel's default when `None`.
    pub receive_buffer: Option<u32>,
}

/// Receives each event as it comes; the last has no name, and shows whether the server sent a
/// DISCONNECT.
pub type Listener = Box<dyn Fn(&str, &Value) + Send + Sync>;
type Pending = Arc<Mutex<HashMap<i64, oneshot::Sender<Value>>>>;

#[derive(Default)]
struct Shared {
    is_closed: AtomicBool,
    was_told_to_go: AtomicBool,
    breaks_off: AtomicBool,
}

pub struct Wire {
    pub number: u32,
    outgoing: mpsc::Sender<Message>,
    pending: Pending,
    next_ack: AtomicI64,
    next_place: AtomicU64,
    shared: Arc<Shared>,
    frozen: watch::Sender<bool>,
}

impl Wire {
    /// Connects and authenticates.
    pub async fn open(
        number: u32,
        address: &str,
        token: &str,
        manner: Manner,
        listener: Listener,
    ) -> Result<Self, Refused> {
        let opened = tokio::time::timeout(HANDSHAKE, Self::connect(address, manner)).await;
        let Ok(Some(stream)) = opened else {
            return Err(Refused::Unreachable);
        };
        let (outgoing, to_send) = mpsc::channel(10_000);
        let (frozen, freezing) = watch::channel(false);
        let (pending, shared) = (Pending::default(), Arc::<Shared>::default());
        let auth = json!({ "token": token, "acks": manner.acknowledges });
        let _ = outgoing.send(Message::text(format!("40{auth}"))).await;
        let (accept, accepted) = oneshot::channel();
        let traffic = Traffic {
            stream,
            to_send,
            reply: outgoing.downgrade(),
            freezing,
            pending: Arc::clone(&pending),
            shared: Arc::clone(&shared),
            acknowledges: manner.acknowledges,
            listener,
            accept: Some(accept),
        };
        tokio::spawn(traffic.run());
        match tokio::time::timeout(HANDSHAKE, accepted).await {
            Ok(Ok(Ok(()))) => Ok(Self {
                number,
                outgoing,
                pending,
                next_ack: AtomicI64::new(0),
                next_place: AtomicU64::new(0),
                shared,
                frozen,
            }),
            Ok(Ok(Err(code))) => Err(Refused::Code(code)),
            Ok(Err(_)) | Err(_) => Err(Refused::Unreachable),
        }
    }

    async fn connect(address: &str, manner: Manner) -> Option<WebSocketStream<TcpStream>> {
        let socket = TcpSocket::new_v4().ok()?;
        if let Some(bytes) = manner.receive_buffer {
            socket.set_recv_buffer_size(bytes).ok()?;
        }
        let stream = socket
            .connect(address.parse::<SocketAddr>().ok()?)
            .await
            .ok()?;
        stream.set_nodelay(true).ok()?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        Some(client_async(url, stream).await.ok()?.0)
    }

    /// Emits with a callback; an error of the receiver means that the connection closed before the
    /// answer.
    pub async fn begin(&self, event: &str, payload: &Value) -> oneshot::Receiver<Value> {
        let id = self.next_ack.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        {
            let mut pending = self.pending.lock().unwrap();
            if self.is_closed() {
                return told;
            }
            pending.insert(id, tell);
        }
        let _ = self
            .outgoing
            .send(Message::text(format!("42{id}{}", json!([event, payload]))))
            .await;
        told
    }

    /// The place of one more pipelined send.
    pub fn next_place(&self) -> u64 {
        self.next_place.fetch_add(1, Ordering::Relaxed)
    }

    pub fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::Acquire)
    }

    pub fn is_frozen(&self) -> bool {
        *self.frozen.borrow()
    }

    /// From now on nothing is read and nothing written, while the TCP connection stays open.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Ends with a reset instead of a DISCONNECT.
    pub fn break_off(self) {
        self.shared.breaks_off.store(true, Ordering::Release);
    }
}

/// The connection's own task.
struct Traffic {
    stream: WebSocketStream<TcpStream>,
    to_send: mpsc::Receiver<Message>,
    reply: mpsc::WeakSender<Message>,
    freezing: watch::Receiver<bool>,
    pending: Pending,
    shared: Arc<Shared>,
    acknowledges: bool,
    listener: Listener,
    accept: Option<oneshot::Sender<Result<(), String>>>,
}

impl Traffic {
    async fn run(mut self) {
        loop {
            if *self.freezing.borrow_and_update() {
                if self.freezing.changed().await.is_err() {
                    break;
                }
                continue;
            }
            tokio::select! {
                changed = self.freezing.changed() => if changed.is_err() { break },
                message = self.to_send.recv() => {
                    let Some(message) = message else { break };
                    if self.stream.send(message).await.is_err() {
                        break;
                    }
                }
                message = self.stream.next() => {
                    let Some(Ok(message)) = message else { break };
                    if let Message::Text(packet) = message
                        && !self.take(packet.as_str()).await
                    {
                        break;
                    }
                }
            }
        }
        {
            let mut pending = self.pending.lock().unwrap();
            self.shared.is_closed.store(true, Ordering::Release);
            pending.clear();
        }
        (self.listener)(
            "",
            &json!(self.shared.was_told_to_go.load(Ordering::Acquire)),
        );
        if self.shared.breaks_off.load(Ordering::Acquire) {
            let _ = self.stream.get_ref().set_zero_linger();
        } else {
            let _ = tokio::time::timeout(Duration::from_secs(1), self.stream.close(None)).await;
        }
    }

    /// Handles a packet; returns false when it was the last.
    async fn take(&mut self, packet: &str) -> bool {
        if packet == "2" {
            self.answer("3".to_owned()).await;
        } else if packet.starts_with("40") {
            self.accept.take().map(|accept| accept.send(Ok(())));
        } else if let Some(error) = packet.strip_prefix("44") {
            let error: Value = serde_json::from_str(error).unwrap_or_default();
            let code = error["message"].as_str().unwrap_or_default().to_owned();
            self.accept.take().map(|accept| accept.send(Err(code)));
        } else if packet.starts_with("41") {
            self.shared.was_told_to_go.store(true, Ordering::Release);
            return false;
        } else if let Some(event) = packet.strip_prefix("42") {
            let (id, body) = split_id(event);
            let parts: Value = serde_json::from_str(body).unwrap_or_default();
            (self.listener)(parts[0].as_str().unwrap_or("?"), &parts[1]);
            if let (true, Some(id)) = (self.acknowledges, id) {
                self.answer(format!("43{id}[]")).await;
            }
        } else if let Some(ack) = packet.strip_prefix("43") {
            let (id, body) = split_id(ack);
            let waiting = id.and_then(|id| self.pending.lock().unwrap().remove(&id));
            let mut answer: Value = serde_json::from_str(body).unwrap_or_default();
            waiting.map(|waiting| waiting.send(answer[0].take()));
        }
        true
    }

    async fn answer(&mut self, packet: String) {
        // Directly to the stream: the queue may be full of this task's own packets.
        if self.reply.upgrade().is_some() {
            let _ = self.stream.send(Message::text(packet)).await;
        }
    }
}

fn split_id(text: &str) -> (Option<i64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}
