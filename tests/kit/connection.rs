//! One Socket.IO connection (Engine.IO 4 over WebSocket) over a TCP stream. It can do what the
//! official client cannot: send too early, hand each event on in order as it comes, stop reading,
//! vanish, and reset the connection.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{mpsc, oneshot, watch},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// The packets that wait to be written.
const MAX_QUEUED_PACKETS: usize = 10_000;
/// The time limit for saying farewell.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a connection failed.
#[derive(Debug)]
pub enum Refused {
    /// No listener, no answer, or no upgrade; with what was seen.
    Unreachable(String),
    /// The `message` of `connect_error`.
    Code(String),
}

/// The options of a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectOptions<'a> {
    /// More headers of the handshake.
    pub headers: &'a [(&'static str, &'a str)],
    /// Acknowledges each event that asks for it.
    pub acknowledges: bool,
    /// The size of the receive buffer in bytes; the kernel's default when `None`.
    pub receive_buffer: Option<u32>,
    /// The time limit for each of the two steps of the handshake.
    pub patience: Duration,
}

/// Receives each event as it comes; the last has no name, and shows whether the server sent a
/// DISCONNECT.
pub type Listener = Box<dyn Fn(&str, &Value) + Send + Sync>;
type Stream = WebSocketStream<TcpStream>;

#[derive(Default)]
struct Shared {
    /// The calls without an answer, by their numbers.
    pending: Mutex<HashMap<i64, oneshot::Sender<Value>>>,
    acknowledges: AtomicBool,
    is_closed: AtomicBool,
    was_told_to_go: AtomicBool,
    breaks_off: AtomicBool,
}

/// A connection that the service accepted.
pub struct Connection {
    outgoing: mpsc::Sender<Message>,
    next_call: AtomicI64,
    shared: Arc<Shared>,
    frozen: watch::Sender<bool>,
}

impl Connection {
    /// Connects and authenticates.
    pub async fn open(
        address: &str,
        auth: &Value,
        options: ConnectOptions<'_>,
        listener: Listener,
    ) -> Result<Self, Refused> {
        let opened = tokio::time::timeout(options.patience, connect(address, options)).await;
        let stream = match opened {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(Refused::Unreachable(why)),
            Err(_) => return Err(Refused::Unreachable("no answer to the upgrade".to_owned())),
        };
        let (outgoing, to_send) = mpsc::channel(MAX_QUEUED_PACKETS);
        let (reply, replies) = mpsc::channel(MAX_QUEUED_PACKETS);
        let (frozen, freezing) = watch::channel(false);
        let shared = Arc::<Shared>::default();
        shared
            .acknowledges
            .store(options.acknowledges, Ordering::Relaxed);
        let _ = outgoing.send(Message::text(format!("40{auth}"))).await;
        let (accept, accepted) = oneshot::channel();
        let writer = Writer { to_send, replies };
        let reader = Reader {
            reply,
            shared: Arc::clone(&shared),
            listener,
            accept: Some(accept),
        };
        tokio::spawn(run(stream, writer, reader, freezing));
        match tokio::time::timeout(options.patience, accepted).await {
            Ok(Ok(Ok(()))) => Ok(Self {
                outgoing,
                next_call: AtomicI64::new(0),
                shared,
                frozen,
            }),
            Ok(Ok(Err(code))) => Err(Refused::Code(code)),
            Ok(Err(_)) => Err(Refused::Unreachable("closed".to_owned())),
            Err(_) => Err(Refused::Unreachable(
                "no answer to the handshake".to_owned(),
            )),
        }
    }

    /// Sends a frame as it is.
    pub async fn send(&self, frame: Message) {
        let _ = self.outgoing.send(frame).await;
    }

    /// Returns the answer to come to the call with this number; an error of the receiver means that
    /// the connection closed before.
    pub fn answer_to(&self, call: i64) -> oneshot::Receiver<Value> {
        let (tell, told) = oneshot::channel();
        let mut pending = self.shared.pending.lock().unwrap();
        if !self.is_closed() {
            pending.insert(call, tell);
        }
        told
    }

    /// Emits with a callback.
    pub async fn begin(&self, event: &str, payload: &Value) -> oneshot::Receiver<Value> {
        let call = self.next_call.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer_to(call);
        let packet = format!("42{call}{}", json!([event, payload]));
        self.send(Message::text(packet)).await;
        answer
    }

    /// Acknowledges every event that asks for it, from now on.
    pub fn acknowledge(&self) {
        self.shared.acknowledges.store(true, Ordering::Relaxed);
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

async fn connect(address: &str, options: ConnectOptions<'_>) -> Result<Stream, String> {
    let socket = TcpSocket::new_v4().map_err(|error| error.to_string())?;
    if let Some(bytes) = options.receive_buffer {
        socket
            .set_recv_buffer_size(bytes)
            .map_err(|error| error.to_string())?;
    }
    let target: SocketAddr = address.parse().unwrap();
    let connected = socket.connect(target).await;
    let stream = connected.map_err(|error| error.to_string())?;
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    for (name, value) in options.headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(*name, value);
    }
    let upgraded = client_async(request, stream).await;
    upgraded
        .map(|(stream, _)| stream)
        .map_err(|error| error.to_string())
}

/// The connection's own task. It reads and writes at the same time, so that neither side waits for
/// the other.
async fn run(
    stream: Stream,
    mut writer: Writer,
    mut reader: Reader,
    mut freezing: watch::Receiver<bool>,
) {
    let (mut sink, mut source) = stream.split();
    let mut is_held = true;
    loop {
        if *freezing.borrow_and_update() {
            if freezing.changed().await.is_err() {
                break;
            }
            continue;
        }
        tokio::select! {
            changed = freezing.changed(), if is_held => {
                is_held = changed.is_ok();
                if !is_held && reader.shared.breaks_off.load(Ordering::Acquire) {
                    break;
                }
            }
            () = writer.write(&mut sink) => break,
            () = reader.read(&mut source) => break,
        }
    }
    {
        let mut pending = reader.shared.pending.lock().unwrap();
        reader.shared.is_closed.store(true, Ordering::Release);
        pending.clear();
    }
    let was_told_to_go = reader.shared.was_told_to_go.load(Ordering::Acquire);
    (reader.listener)("", &json!(was_told_to_go));
    let Ok(mut stream) = sink.reunite(source) else {
        return;
    };
    if reader.shared.breaks_off.load(Ordering::Acquire) {
        let _ = stream.get_ref().set_zero_linger();
    } else {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, stream.close(None)).await;
    }
}

struct Writer {
    to_send: mpsc::Receiver<Message>,
    replies: mpsc::Receiver<Message>,
}

impl Writer {
    /// Writes until the connection's owner has gone and all is written, or writing fails. Dropping
    /// it at any await loses no packet.
    async fn write(&mut self, sink: &mut SplitSink<Stream, Message>) {
        loop {
            if sink.flush().await.is_err() {
                return;
            }
            if std::future::poll_fn(|context| sink.poll_ready_unpin(context))
                .await
                .is_err()
            {
                return;
            }
            let message = tokio::select! {
                Some(reply) = self.replies.recv() => Some(reply),
                message = self.to_send.recv() => message,
            };
            let Some(message) = message else { return };
            if sink.start_send_unpin(message).is_err() {
                return;
            }
        }
    }
}

struct Reader {
    reply: mpsc::Sender<Message>,
    shared: Arc<Shared>,
    listener: Listener,
    accept: Option<oneshot::Sender<Result<(), String>>>,
}

impl Reader {
    async fn read(&mut self, source: &mut SplitStream<Stream>) {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Text(packet) = message
                && !self.take(packet.as_str())
            {
                return;
            }
        }
    }

    /// Handles a packet; returns false when it was the last.
    fn take(&mut self, packet: &str) -> bool {
        if packet == "2" {
            return self.answer("3".to_owned());
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
            let acknowledges = self.shared.acknowledges.load(Ordering::Relaxed);
            if let (true, Some(id)) = (acknowledges, id) {
                return self.answer(format!("43{id}[]"));
            }
        } else if let Some(ack) = packet.strip_prefix("43") {
            let (id, body) = split_id(ack);
            let waiting = id.and_then(|id| self.shared.pending.lock().unwrap().remove(&id));
            let mut answer: Value = serde_json::from_str(body).unwrap_or_default();
            waiting.map(|waiting| waiting.send(answer[0].take()));
        }
        true
    }

    /// Queues a packet of the connection's own; returns false when too many wait.
    fn answer(&self, packet: String) -> bool {
        self.reply.try_send(Message::text(packet)).is_ok()
    }
}

fn split_id(text: &str) -> (Option<i64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}
