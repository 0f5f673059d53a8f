//! The outgoing side of a WebSocket: a bounded queue that the connection's task writes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::{
    Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    gateway::{
        http::load_meter::Load,
        realtime::{Frame, FrameSink},
    },
    hub::{CloseReason, SendResult},
    service::ClientInfo,
};

/// Frames that may wait for a slow reader before it is disconnected.
const MAX_QUEUED_FRAMES: usize = 4_096;

#[derive(Default)]
struct Queue {
    frames: VecDeque<Message>,
    /// How the connection is to be closed after these frames.
    close: Option<CloseFrame>,
    is_closed: bool,
}

/// What waits to be written to one client.
pub(super) struct WebSocketSink {
    queue: Mutex<Queue>,
    pub written: Notify,
    load: Arc<Load>,
    client: ClientInfo,
}

/// The next work of the connection's task.
pub(super) enum Outgoing {
    Frame(Message),
    Close(CloseFrame),
    Nothing,
}

/// Returns the close frame for a reason; the codes are those of `docs/contracts/websocket.md`.
fn close_frame(reason: CloseReason) -> CloseFrame {
    let (code, text) = match reason {
        CloseReason::Lagging => (1013, "reconnect and sync"),
        CloseReason::RightsChanged => (1013, "rights changed: reconnect"),
        CloseReason::TokenEnded => (4401, "sign in again"),
        CloseReason::Deactivated => (4403, "account deactivated"),
        CloseReason::Replaced => (4001, "replaced"),
        CloseReason::Surplus => (4008, "too many connections"),
        CloseReason::Flooding => (1008, "too many bad frames"),
    };
    CloseFrame {
        code: CloseCode::from(code),
        reason: Utf8Bytes::from_static(text),
    }
}

impl WebSocketSink {
    pub fn new(load: Arc<Load>, client: ClientInfo) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            written: Notify::new(),
            load,
            client,
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next frame; after the last one, how to close.
    pub fn next(&self) -> Outgoing {
        let mut queue = self.queue();
        if let Some(frame) = queue.frames.pop_front() {
            if queue.frames.is_empty() {
                // An idle connection keeps no buffer.
                queue.frames = VecDeque::new();
            }
            return Outgoing::Frame(frame);
        }
        queue
            .close
            .take()
            .map_or(Outgoing::Nothing, Outgoing::Close)
    }

    /// Records that so many bytes were written.
    pub fn written(&self, bytes: usize) {
        self.load.written(bytes);
    }

    /// Accepts nothing more.
    pub fn end(&self) {
        let mut queue = self.queue();
        queue.is_closed = true;
        queue.frames = VecDeque::new();
    }

    /// Closes after what is queued.
    pub fn close_with(&self, frame: CloseFrame) {
        let mut queue = self.queue();
        if !std::mem::replace(&mut queue.is_closed, true) {
            queue.close = Some(frame);
        }
        drop(queue);
        self.written.notify_one();
    }

    fn push(&self, frame: Message) -> SendResult {
        let mut queue = self.queue();
        if queue.is_closed {
            return SendResult::Gone;
        }
        if queue.frames.len() >= MAX_QUEUED_FRAMES || !self.load.add(frame.len()) {
            return SendResult::Full;
        }
        queue.frames.push_back(frame);
        drop(queue);
        self.written.notify_one();
        SendResult::Queued
    }
}

impl FrameSink for WebSocketSink {
    fn send(&self, frame: Frame<'_>) -> SendResult {
        match frame {
            Frame::Text(text) => match Utf8Bytes::try_from(text) {
                Ok(text) => self.push(Message::Text(text)),
                Err(error) => {
                    tracing::error!(%error, "a text frame is not UTF-8");
                    SendResult::Gone
                }
            },
            Frame::Binary(bytes) => self.push(Message::Binary(bytes)),
            Frame::Event { .. } | Frame::Ack { .. } => {
                tracing::error!("a dialect of Socket.IO answered a WebSocket");
                SendResult::Gone
            }
        }
    }

    fn close(&self, reason: CloseReason) {
        if reason == CloseReason::Lagging {
            tracing::info!("a WebSocket lagged and is cut");
            // What waits would not arrive in time.
            self.queue().frames = VecDeque::new();
        }
        self.close_with(close_frame(reason));
    }

    fn is_open(&self) -> bool {
        !self.queue().is_closed
    }

    fn client_info(&self) -> ClientInfo {
        self.client.clone()
    }
}
