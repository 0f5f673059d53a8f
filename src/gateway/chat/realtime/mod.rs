//! The chat dialect: Socket.IO events as `docs/contracts/chat.md` names them.

mod answers;
mod commands;
mod encode;

use serde_json::Value as Json;

use answers::Answers;
use commands::ClientEvent;
pub use commands::{CLIENT_EVENTS, SERVER_EVENTS};

use crate::{
    domain::{Result, access::Actor, message::Draft, receipts::MessageView},
    gateway::{
        http::error::RequestError,
        realtime::{
            Connection, ConnectionOptions, ConnectionPolicy, Dialect, EncodedFrame, Input,
            Responder, Surplus,
        },
        transport::socketio::SocketIoDialect,
    },
    hub::EncodedEvent,
};

/// The most live sockets of one user: far more than a user has devices and tabs.
const MAX_CONNECTIONS_PER_USER: usize = 2_000;
/// The largest frame or polling body a client may send, bytes: Socket.IO's own default.
const MAX_FRAME_BYTES: usize = 1_000_000;

/// The realtime protocol of the chat gateway.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatDialect;

/// What the answer to an event needs: its name, and the number of its acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    event: String,
    ack: Option<i64>,
}

impl Dialect for ChatDialect {
    const NAME: &'static str = "chat";
    type Command = ClientEvent;
    type Ticket = Ticket;

    fn policy(&self) -> ConnectionPolicy {
        ConnectionPolicy {
            max_connections: MAX_CONNECTIONS_PER_USER,
            surplus: Surplus::Refused,
            max_frame_bytes: MAX_FRAME_BYTES,
            is_present_on_arrival: false,
            closes_on_flood: false,
        }
    }

    fn ticket(&self, input: &Input) -> Ticket {
        self.decode(input).0
    }

    fn decode(&self, input: &Input) -> (Ticket, Result<ClientEvent, RequestError>) {
        match input {
            Input::Event { text, ack } => {
                let (event, command) = commands::decode(text);
                (Ticket { event, ack: *ack }, command)
            }
            Input::Text(_) | Input::Binary(_) => {
                let ticket = Ticket {
                    event: String::new(),
                    ack: None,
                };
                let problem = RequestError::malformed("binary frames are not events");
                (ticket, Err(problem))
            }
        }
    }

    fn into_send(command: ClientEvent, _: &Actor) -> Result<Draft, ClientEvent> {
        match command {
            ClientEvent::SendMessage(draft) => Ok(draft),
            other => Err(other),
        }
    }

    fn is_read_only(ticket: &Ticket) -> bool {
        matches!(ticket.event.as_str(), "chat:history" | "chat:sync")
    }

    fn answer_send(&self, to: &Responder, ticket: Ticket, sent: Result<MessageView>) {
        commands::answer_send(&Answers { to, ticket }, sent);
    }

    async fn handle(&self, to: &Responder, ticket: Ticket, command: ClientEvent) {
        commands::handle(&Answers { to, ticket }, command).await;
    }

    fn refuse(&self, to: &Responder, ticket: Ticket, error: RequestError) {
        Answers { to, ticket }.refuse(error);
    }

    fn encode(&self, event: &EncodedEvent<'_>, to: &Connection) -> Option<EncodedFrame> {
        encode::encode(event, to)
    }
}

impl SocketIoDialect for ChatDialect {
    fn options(&self, payload: &Json) -> Result<ConnectionOptions> {
        Ok(ConnectionOptions {
            acknowledges: payload.get("acks") == Some(&Json::Bool(true)),
            style: "",
        })
    }
}
