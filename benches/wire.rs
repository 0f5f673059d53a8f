//! Socket.IO packets as bytes. Nothing is parsed beyond what is needed, since the load tool shares
//! its machine with the subjects.

use memchr::memmem;

/// A packet from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The heartbeat of Engine.IO, to be answered with a `3`.
    Ping,
    /// The namespace is open.
    Connected,
    /// The namespace refused the connection.
    Refused(&'a [u8]),
    /// An event with all its arguments.
    Event {
        name: &'a [u8],
        body: &'a [u8],
    },
    /// The acknowledgement of call `id`.
    Answer {
        id: u64,
        body: &'a [u8],
    },
    Other,
}

pub fn read(packet: &[u8]) -> Packet<'_> {
    match packet {
        b"2" => Packet::Ping,
        [b'4', b'0', ..] => Packet::Connected,
        [b'4', b'4', rest @ ..] => Packet::Refused(rest),
        [b'4', b'2', rest @ ..] => {
            let body = &rest[digits(rest)..];
            let name = body.strip_prefix(b"[\"").unwrap_or_default();
            let end = memchr::memchr(b'"', name).unwrap_or(0);
            Packet::Event {
                name: &name[..end],
                body,
            }
        }
        [b'4', b'3', rest @ ..] => {
            let length = digits(rest);
            Packet::Answer {
                id: number(&rest[..length]),
                body: &rest[length..],
            }
        }
        _ => Packet::Other,
    }
}

/// Returns whether an acknowledgement reports success.
pub fn is_success(body: &[u8]) -> bool {
    body.starts_with(b"[{\"success\":true")
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// Returns the first whole number under `key`, which is written as `"key":`.
pub fn field(body: &[u8], key: &[u8]) -> Option<u64> {
    let rest = &body[memmem::find(body, key)? + key.len()..];
    let length = digits(rest);
    (length > 0).then(|| number(&rest[..length]))
}

/// Identifies a message of the load: its run, its sender, and its number among the sender's
/// messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub run: u32,
    pub sender: u32,
    pub number: u32,
}

const MARK: &[u8] = b"\"clientMsgId\":\"";

impl Mark {
    pub fn write(self, out: &mut Vec<u8>) {
        use std::io::Write;
        let _ = write!(out, "{:08}-{:05}-{:08}", self.run, self.sender, self.number);
    }

    /// Returns the mark of the first message in `body`.
    pub fn find(body: &[u8]) -> Option<Self> {
        let at = memmem::find(body, MARK)? + MARK.len();
        let text = body.get(at..at + 23)?;
        let part = |from: usize, to: usize| u32::try_from(number(&text[from..to])).ok();
        let is_ours = text[8] == b'-' && text[14] == b'-' && digits(&text[15..]) == 8;
        if !is_ours || digits(text) != 8 || digits(&text[9..]) != 5 {
            return None;
        }
        Some(Self {
            run: part(0, 8)?,
            sender: part(9, 14)?,
            number: part(15, 23)?,
        })
    }
}

/// A message of one user to one session; all but its mark is encoded in advance.
pub struct MessageTemplate {
    before: Vec<u8>,
    run: u32,
    sender: u32,
}

impl MessageTemplate {
    pub fn new(run: u32, sender: u32, session: &str, user: &str) -> Self {
        let before = format!(
            "[\"message:send\",{{\"sessionId\":\"{session}\",\"senderId\":\"{user}\",\"content\":\"Bed 12: \
             potassium 3.1 mmol/l, please check the infusion before the night shift. 请复查血压\",\
             \"messageType\":\"text\",\"clientMsgId\":\""
        );
        Self {
            before: before.into_bytes(),
            run,
            sender,
        }
    }

    /// Writes the packet that sends message `number` and asks for its acknowledgement under that
    /// number.
    pub fn write(&self, out: &mut Vec<u8>, number: u32) {
        use std::io::Write;
        let _ = write!(out, "42{number}");
        out.extend_from_slice(&self.before);
        Mark {
            run: self.run,
            sender: self.sender,
            number,
        }
        .write(out);
        out.extend_from_slice(b"\"}]");
    }
}

/// See [`super::stats::check`].
pub fn check() {
    assert_eq!(read(b"2"), Packet::Ping);
    assert_eq!(
        read(b"4312[{}]"),
        Packet::Answer {
            id: 12,
            body: b"[{}]"
        }
    );
    let event: &[u8] = b"[\"a:b\",{\"seq\":7}]";
    assert_eq!(
        read(b"427[\"a:b\",{\"seq\":7}]"),
        Packet::Event {
            name: b"a:b",
            body: event
        }
    );
    assert_eq!(field(event, b"\"seq\":"), Some(7));
    let mut packet = Vec::new();
    MessageTemplate::new(42, 3, "s", "p").write(&mut packet, 99);
    assert_eq!(
        Mark::find(&packet),
        Some(Mark {
            run: 42,
            sender: 3,
            number: 99
        })
    );
    assert!(packet.starts_with(b"4299[\"message:send\"") && packet.ends_with(b"-00000099\"}]"));
}
