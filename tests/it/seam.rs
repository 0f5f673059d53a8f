//! The seam of the gateways: a throw-away gateway with text frames over `/ws`, added by one line,
//! gets order, limits, origin check, slow consumers, ended tokens and removal from the common layer.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};
use wardline::{
    domain::{
        ConversationId, Result,
        access::Actor,
        event::{Event, MessageEvent},
        message::Draft,
        receipts::MessageView,
    },
    gateway::{
        Gateway,
        http::error::RequestError,
        realtime::{
            Connection, ConnectionOptions, ConnectionPolicy, Dialect, EncodedFrame, Frame, Input,
            Responder, Surplus,
        },
        transport::{
            RealtimeServers,
            websocket::{HandshakeQuery, WebSocketDialect},
        },
    },
    hub::{CloseReason, EncodedEvent},
};

use crate::{
    groups::group,
    support::{Person, TestApp, eventually, socket::Socket},
};

/// `SAY conversation text` sends; `HEAR seq text` is heard.
struct Plain;

struct Say(ConversationId, String);

impl Gateway for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn serve(&self, servers: &mut RealtimeServers) {
        servers.serve_websocket(Plain);
    }
}

fn line(to: &Responder, text: String) {
    to.send(Frame::Text(text.into()));
}

impl Dialect for Plain {
    const NAME: &'static str = "plain";
    type Command = Say;
    type Ticket = ();

    fn policy(&self) -> ConnectionPolicy {
        ConnectionPolicy {
            max_connections: 2,
            surplus: Surplus::OldestCloses(CloseReason::Surplus),
            max_frame_bytes: 64 << 10,
            is_present_on_arrival: true,
            closes_on_flood: true,
        }
    }

    fn ticket(&self, _: &Input) {}

    fn decode(&self, input: &Input) -> ((), Result<Say, RequestError>) {
        let Input::Text(text) = input else {
            return ((), Err(RequestError::malformed("not a text")));
        };
        let mut words = text.splitn(3, ' ');
        let command = match (words.next(), words.next(), words.next()) {
            (Some("SAY"), Some(session), Some(text)) => {
                session.parse().ok().map(|id| Say(id, text.to_owned()))
            }
            _ => None,
        };
        ((), command.ok_or(RequestError::malformed("not a command")))
    }

    fn into_send(Say(session, text): Say, from: &Actor) -> Result<Draft, Say> {
        let blank = Draft::blank(session, from.user);
        Ok(Draft {
            content: text,
            ..blank
        })
    }

    fn answer_send(&self, to: &Responder, (): (), sent: Result<MessageView>) {
        match sent {
            Ok(view) => line(to, format!("OK {}", view.message.seq)),
            Err(error) => self.refuse(to, (), error.into()),
        }
    }

    async fn handle(&self, _: &Responder, (): (), Say(..): Say) {}

    fn refuse(&self, to: &Responder, (): (), error: RequestError) {
        line(to, format!("NO {}", error.code().as_str()));
    }

    fn encode(&self, event: &EncodedEvent<'_>, _: &Connection) -> Option<EncodedFrame> {
        let Event::Message(MessageEvent::Created(message)) = event.event() else {
            return None;
        };
        let text = event.encoded((Self::NAME, ""), |_| {
            bytes::Bytes::from(format!("HEAR {} {}", message.seq, message.content))
        });
        Some(EncodedFrame::Text((*text).clone()))
    }

    fn greet(&self, to: &Responder) {
        line(to, "HELLO".to_owned());
    }
}

impl WebSocketDialect for Plain {
    const SUBPROTOCOL: &'static str = "plain";

    fn is_asked_by(&self, query: &HandshakeQuery) -> bool {
        query.get("protocol").is_some_and(|asked| asked == "plain")
    }

    fn options(&self, _: &HandshakeQuery) -> Result<ConnectionOptions, RequestError> {
        Ok(ConnectionOptions {
            acknowledges: false,
            style: "",
        })
    }
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(app: &TestApp, token: &str, origin: Option<&str>) -> Result<Client, u16> {
    let address = format!("ws://{}/ws?protocol=plain&token={token}", app.address);
    let mut request = address.into_client_request().unwrap();
    if let Some(origin) = origin {
        let headers = request.headers_mut();
        headers.insert("origin", origin.parse().unwrap());
    }
    let stream = TcpStream::connect(&app.address).await.unwrap();
    let connected = client_async(request, MaybeTlsStream::Plain(stream)).await;
    match connected {
        Ok((client, _)) => Ok(client),
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn joined(app: &TestApp, person: &Person) -> Client {
    let mut client = connect(app, &person.token, None).await.unwrap();
    assert_eq!(heard(&mut client).await, "HELLO");
    client
}

/// The next text, or `CLOSE code`.
async fn heard(client: &mut Client) -> String {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), client.next());
        match next.await.expect("a frame in time") {
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(Message::Close(Some(frame)))) => {
                return format!("CLOSE {}", u16::from(frame.code));
            }
            Some(Ok(Message::Close(None))) | None => return "CLOSE".to_owned(),
            Some(Ok(_)) => {}
            Some(Err(_)) => return "CUT".to_owned(),
        }
    }
}

async fn say(client: &mut Client, text: String) {
    client.send(Message::text(text)).await.unwrap();
}

#[tokio::test]
async fn one_event_is_told_in_the_words_of_each_gateway() {
    let app = TestApp::with_gateway(Box::new(Plain), &[]).await;
    let (anna, ben) = (app.nurse("Anna").await, app.nurse("Ben").await);
    let session = anna.session_with(&ben).await;
    let (mut plain, chat) = (joined(&app, &anna).await, ben.connect().await);
    let heard_by_chat = chat.next("message:receive");
    say(&mut plain, format!("SAY {session} 120/80")).await;
    let message = &heard_by_chat.await["message"];
    assert_eq!(message["content"], json!("120/80"));
    assert_eq!(message["sender"], json!(anna.id));
    assert_eq!(heard(&mut plain).await, "HEAR 1 120/80");
    assert_eq!(heard(&mut plain).await, "OK 1");
    // The other way; and a hundred at once are answered in order.
    ben.send(&session, "thank you").await;
    assert_eq!(heard(&mut plain).await, "HEAR 2 thank you");
    for number in 0..100 {
        say(&mut plain, format!("SAY {session} {number}")).await;
    }
    let mut answers: Vec<u64> = Vec::new();
    while answers.len() < 100 {
        let text = heard(&mut plain).await;
        answers.extend(
            text.strip_prefix("OK ")
                .map(|seq| seq.parse::<u64>().unwrap()),
        );
    }
    assert_eq!(answers, (3..103).collect::<Vec<u64>>());
    // What was delivered over this gateway is delivered.
    let is_delivered = |status: &Value| status["status"] == json!("delivered");
    eventually(|| async {
        chat.heard("message:status")
            .iter()
            .any(is_delivered)
            .then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_let_in_is_refused_before_the_upgrade() {
    let app = TestApp::with_gateway(Box::new(Plain), &[]).await;
    let anna = app.nurse("Anna").await;
    let refused = |origin: &'static str| connect(&app, &anna.token, Some(origin));
    assert_eq!(refused("https://foreign.example").await.err(), Some(403));
    assert_eq!(refused("null").await.err(), Some(403));
    assert_eq!(connect(&app, "not-a-token", None).await.err(), Some(401));
    let own = format!("http://{}", app.address);
    assert!(connect(&app, &anna.token, Some(&own)).await.is_ok());
    app.stop().await;
}

#[tokio::test]
async fn a_connection_ends_with_its_token_and_the_oldest_of_too_many() {
    let app = TestApp::with_gateway(Box::new(Plain), &[]).await;
    let anna = app.nurse("Anna").await;
    let mut first = joined(&app, &anna).await;
    let mut second = joined(&app, &anna).await;
    let mut third = joined(&app, &anna).await;
    assert_eq!(heard(&mut first).await, "CLOSE 4008");
    let chat = anna.connect().await;
    anna.call("POST", "/api/auth/logout", json!({})).await;
    assert_eq!(heard(&mut second).await, "CLOSE 4401");
    assert_eq!(heard(&mut third).await, "CLOSE 4401");
    chat.closed().await;
    app.stop().await;
}

#[tokio::test]
async fn a_removed_member_hears_nothing_more() {
    let app = TestApp::with_gateway(Box::new(Plain), &[]).await;
    let (anna, ben) = (app.nurse("Anna").await, app.nurse("Ben").await);
    let carla = app.nurse("Carla").await;
    let session = group(&anna, &[&ben, &carla], "Ward 3").await;
    let other = anna.session_with(&ben).await;
    let mut plain = joined(&app, &ben).await;
    anna.send(&session, "before").await;
    let path = format!("/api/chat/sessions/{session}/participants/{}", ben.id);
    anna.call("DELETE", &path, json!({})).await.expect(200);
    anna.send(&session, "after").await;
    anna.send(&other, "to you").await;
    let mut texts = Vec::new();
    while texts
        .last()
        .is_none_or(|text: &String| !text.ends_with("to you"))
    {
        texts.push(heard(&mut plain).await);
    }
    assert!(
        texts.iter().any(|text| text.ends_with("before")),
        "{texts:?}"
    );
    assert!(
        !texts.iter().any(|text| text.ends_with("after")),
        "{texts:?}"
    );
    say(&mut plain, format!("SAY {session} still here?")).await;
    assert_eq!(heard(&mut plain).await, "NO CONVERSATION_NOT_FOUND");
    app.stop().await;
}

#[tokio::test]
async fn a_flood_is_refused_and_nonsense_ends_it() {
    let app = TestApp::with_gateway(Box::new(Plain), &[]).await;
    let (anna, ben) = (app.nurse("Anna").await, app.nurse("Ben").await);
    let session = anna.session_with(&ben).await;
    let mut plain = joined(&app, &anna).await;
    for number in 0..3_000 {
        say(&mut plain, format!("SAY {session} {number}")).await;
    }
    let (mut stored, mut limited) = (0_usize, 0_usize);
    while stored + limited < 3_000 {
        let text = heard(&mut plain).await;
        stored += usize::from(text.starts_with("OK "));
        limited += usize::from(text == "NO RATE_LIMITED");
        assert!(!text.starts_with('C'), "{text}");
    }
    assert!(limited > 0 && stored >= 2_000, "{stored} {limited}");
    assert_eq!(ben.history(&session).await.len(), stored);
    let mut nonsense = joined(&app, &ben).await;
    for _ in 0..100 {
        say(&mut nonsense, "what".to_owned()).await;
    }
    let mut last = String::new();
    while !last.starts_with('C') {
        last = heard(&mut nonsense).await;
    }
    assert_eq!(last, format!("CLOSE {}", u16::from(CloseCode::Policy)));
    app.stop().await;
}

#[tokio::test]
async fn a_slow_reader_is_cut_and_loses_nothing() {
    let app = TestApp::with_gateway(Box::new(Plain), &[("RATE_LIMIT", "off")]).await;
    let (anna, ben) = (app.nurse("Anna").await, app.nurse("Ben").await);
    let session = anna.session_with(&ben).await;
    let mut slow = joined(&app, &ben).await;
    let mut writer = joined(&app, &anna).await;
    let text = "x".repeat(8_000);
    let mut sent = 0;
    for _ in 0..40 {
        for _ in 0..100 {
            say(&mut writer, format!("SAY {session} {text}")).await;
        }
        let mut answered = 0;
        while answered < 100 {
            answered += u32::from(heard(&mut writer).await.starts_with("OK "));
        }
        sent += 100;
    }
    let mut last = 0;
    loop {
        let text = heard(&mut slow).await;
        let Some(rest) = text.strip_prefix("HEAR ") else {
            assert!(
                text == "CLOSE 1013" || text == "CUT" || text == "CLOSE",
                "{text}"
            );
            break;
        };
        let seq: u64 = rest.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(
            seq,
            last + 1,
            "no event is skipped on a connection that lives"
        );
        last = seq;
    }
    assert!(last < sent, "it was cut before it had everything");
    assert_eq!(ben.unread().await.0, sent);
    let _socket: Socket = ben.connect().await;
    app.stop().await;
}
