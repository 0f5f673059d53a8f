//! The seam between protocols and transports.

use std::{future::Future, rc::Rc, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::Connection;
use crate::{
    domain::{Result, access::Actor, message::Draft, receipts::MessageView},
    gateway::http::error::RequestError,
    hub::{CloseReason, EncodedEvent, SendResult},
    service::ClientInfo,
};

/// What a client sent.
#[derive(Debug)]
pub enum Input {
    /// A Socket.IO event, `["name", arguments…]`, and the number of the acknowledgement it waits
    /// for.
    Event { text: String, ack: Option<i64> },
    /// A text frame of a WebSocket.
    Text(String),
    /// A binary frame of a WebSocket, or a binary Socket.IO event.
    Binary(Bytes),
}

impl Input {
    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Input::Event { text, .. } | Input::Text(text) => text.len(),
            Input::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the client sent nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is sent to a client.
#[derive(Debug)]
pub enum Frame<'a> {
    /// A Socket.IO event.
    Event {
        name: &'a str,
        payload: &'a RawValue,
    },
    /// The acknowledgement of a Socket.IO event.
    Ack { id: i64, payload: &'a RawValue },
    /// A text frame; UTF-8.
    Text(Bytes),
    /// A binary frame.
    Binary(Bytes),
}

/// A JSON text, encoded once for all connections. `None` if the encoding failed, which is a defect
/// of the service and logged.
pub type JsonPayload = Rc<Option<Box<RawValue>>>;

/// An event in the form of a dialect.
#[derive(Debug, Clone)]
pub enum EncodedFrame {
    Event {
        name: &'static str,
        payload: JsonPayload,
    },
    Text(Bytes),
    Binary(Bytes),
}

impl EncodedFrame {
    /// Returns the frame to send; `None` if the encoding failed.
    #[must_use]
    pub fn frame(&self) -> Option<Frame<'_>> {
        match self {
            EncodedFrame::Event { name, payload } => Some(Frame::Event {
                name,
                payload: payload.as_deref()?,
            }),
            EncodedFrame::Text(text) => Some(Frame::Text(text.clone())),
            EncodedFrame::Binary(bytes) => Some(Frame::Binary(bytes.clone())),
        }
    }
}

/// The outgoing side of one connection, which a transport implements. Nothing here waits.
pub trait FrameSink: Send + Sync + 'static {
    /// Queues a frame. `Full` when the client reads too slowly.
    fn send(&self, frame: Frame<'_>) -> SendResult;
    /// Queues a frame, and calls `acknowledged` when the client has confirmed it. A transport
    /// without confirmations calls it when the frame is queued.
    fn send_with_ack(
        &self,
        frame: Frame<'_>,
        acknowledged: Box<dyn FnOnce() + Send>,
    ) -> SendResult {
        let result = self.send(frame);
        if result == SendResult::Queued {
            acknowledged();
        }
        result
    }
    /// Closes the connection.
    fn close(&self, reason: CloseReason);
    /// Whether the client can still receive something.
    fn is_open(&self) -> bool;
    /// Returns what presence records about the client.
    fn client_info(&self) -> ClientInfo;
}

/// What a client chose when it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// Whether it confirms each message itself. Else a message counts as delivered when it is
    /// queued.
    pub acknowledges: bool,
    /// The style of its dialect in which it wants its events; `""` for the usual one.
    pub style: &'static str,
}

/// What happens when a user has too many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surplus {
    /// The new one is refused.
    Refused,
    /// The oldest one is closed, for this reason.
    OldestCloses(CloseReason),
}

/// The limits of a dialect's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionPolicy {
    /// The most live connections of one user.
    pub max_connections: usize,
    pub surplus: Surplus,
    /// The largest frame of a client, bytes.
    pub max_frame_bytes: usize,
    /// Whether a user is present from the connection on. Else a command makes them present.
    pub is_present_on_arrival: bool,
    /// Whether many undecodable frames close the connection.
    pub closes_on_flood: bool,
}

/// A realtime protocol.
pub trait Dialect: Send + Sync + Sized + 'static {
    /// The name in metrics, in the audit log, and in the cache of encodings.
    const NAME: &'static str;
    /// A decoded input.
    type Command: Send;
    /// What the answer to one input needs of it, also when it could not be decoded.
    type Ticket: Send;

    /// Returns the limits of its connections.
    fn policy(&self) -> ConnectionPolicy;

    /// Returns what a refusal needs, without decoding more than that.
    fn ticket(&self, input: &Input) -> Self::Ticket;

    /// Decodes an input.
    fn decode(&self, input: &Input) -> (Self::Ticket, Result<Self::Command, RequestError>);

    /// Returns the message that a command of this user sends, or the command. Sends are pipelined: each is
    /// queued for commit before the one before it is answered.
    ///
    /// # Errors
    /// The command, when it sends nothing.
    fn into_send(command: Self::Command, from: &Actor) -> Result<Draft, Self::Command>;

    /// Whether the answer has no reader once the client is gone, and the command no other effect.
    fn is_read_only(_ticket: &Self::Ticket) -> bool {
        false
    }

    /// Answers a send.
    fn answer_send(&self, to: &Responder, ticket: Self::Ticket, sent: Result<MessageView>);

    /// Executes any other command and answers it.
    fn handle(
        &self,
        to: &Responder,
        ticket: Self::Ticket,
        command: Self::Command,
    ) -> impl Future<Output = ()> + Send;

    /// Answers an input that was refused.
    fn refuse(&self, to: &Responder, ticket: Self::Ticket, error: RequestError);

    /// Encodes an event for a connection; `None` if its client is not told of it.
    fn encode(&self, event: &EncodedEvent<'_>, to: &Connection) -> Option<EncodedFrame>;

    /// Sends what a client hears first. It is called before any event.
    fn greet(&self, _to: &Responder) {}
}

/// The recipient of the answer to one input.
#[derive(Clone)]
pub struct Responder {
    pub connection: Arc<Connection>,
    pub sink: Arc<dyn FrameSink>,
}

impl Responder {
    /// Sends an answer. A client that cannot keep up is disconnected, so that it reconnects and
    /// asks again: it would wait for this answer for ever.
    pub fn send(&self, frame: Frame<'_>) {
        if self.sink.send(frame) == SendResult::Full {
            self.connection.disconnect_slow_consumer();
        }
    }
}
