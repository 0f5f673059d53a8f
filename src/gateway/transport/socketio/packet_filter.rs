//! Filters a client's packets before the library reads them. The library ends a connection for an
//! event whose name it cannot read, and for attachments that do not arrive as announced. Such an
//! event gets a name without a handler, so that it is refused like any other. Binary data is
//! dropped, since no event of the service takes it.

use std::borrow::Cow;

use super::metered_transport::{FrameHead, FrameParser};

/// The kind of a packet is known within this many bytes.
const MAX_INSPECTED_BYTES: usize = 1_024;
const TEXT_OPCODE: u8 = 1;
const BINARY_OPCODE: u8 = 2;

/// What happens to a packet.
#[derive(Debug, PartialEq, Eq)]
enum PacketVerdict {
    Undecided,
    Passes,
    /// The packet passes, with these bytes in place of its first bytes (the number of them is
    /// given).
    Begins(usize, Vec<u8>),
    /// These bytes pass in place of the packet; nothing passes if they are empty.
    Becomes(Vec<u8>),
}

/// Returns the verdict on a packet that begins with `front`.
fn verdict_on(front: &[u8], is_whole: bool) -> PacketVerdict {
    let is_open = !is_whole && front.len() < MAX_INSPECTED_BYTES;
    let front = &front[..front.len().min(MAX_INSPECTED_BYTES)];
    let kind = match front {
        [b'4', kind @ (b'2' | b'3' | b'5' | b'6'), ..] => *kind,
        [] | [b'4'] if is_open => return PacketVerdict::Undecided,
        _ => return PacketVerdict::Passes,
    };
    let (is_binary, is_event) = (kind >= b'5', matches!(kind, b'2' | b'5'));
    let past_digits = |from: usize| {
        from + front[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut at = 2;
    if is_binary && front.get(past_digits(at)) == Some(&b'-') {
        at = past_digits(at) + 1;
    }
    // The part after the attachment count stays.
    let stays = at;
    if front.get(at) == Some(&b'/') {
        match front[at..].iter().position(|byte| *byte == b',') {
            Some(1) => at += 2,
            None if is_open => return PacketVerdict::Undecided,
            // The namespace does not exist.
            _ if is_binary => return PacketVerdict::Becomes(Vec::new()),
            _ => return PacketVerdict::Passes,
        }
    }
    let number = at..past_digits(at);
    at = number.end;
    if at == front.len() && is_open {
        return PacketVerdict::Undecided;
    }
    if !is_event {
        let is_answer = !number.is_empty() && matches!(front.get(at), Some(b'[' | b'{'));
        return match (is_answer, is_binary) {
            (false, _) => PacketVerdict::Becomes(Vec::new()),
            (true, false) => PacketVerdict::Passes,
            (true, true) => PacketVerdict::Begins(stays, b"43".to_vec()),
        };
    }
    match name(&front[at..]) {
        EventName::Unfinished if is_open => PacketVerdict::Undecided,
        EventName::Plain if is_binary => PacketVerdict::Begins(stays, b"42".to_vec()),
        EventName::Plain => PacketVerdict::Passes,
        EventName::Escaped(end, name) => {
            let begins = [b"42", &front[stays..at], b"[\"", name.as_bytes(), b"\""].concat();
            PacketVerdict::Begins(at + end, begins)
        }
        EventName::Unfinished | EventName::Bad => {
            PacketVerdict::Becomes([b"42", &front[number], b"[\"\"]"].concat())
        }
    }
}

/// The name of an event: the first element of its list.
enum EventName {
    Unfinished,
    /// No name, or one that no event of the service has.
    Bad,
    Plain,
    /// A name with escapes, which the library does not decode: its end in the list, and the decoded
    /// name.
    Escaped(usize, String),
}

fn name(list: &[u8]) -> EventName {
    let past_blanks = |from: usize| {
        from + list[from..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count()
    };
    let mut at = 0;
    for sign in [b'[', b'"'] {
        at = past_blanks(at);
        match list.get(at) {
            None => return EventName::Unfinished,
            Some(byte) if *byte == sign => at += 1,
            Some(_) => return EventName::Bad,
        }
    }
    let (start, mut is_escaped) = (at - 1, false);
    loop {
        match list.get(at) {
            None => return EventName::Unfinished,
            Some(b'"') => break,
            Some(b'\\') => {
                is_escaped = true;
                at += 2;
            }
            Some(..=0x1f) => return EventName::Bad,
            Some(_) => at += 1,
        }
    }
    let end = at + 1;
    match list.get(past_blanks(end)) {
        None => EventName::Unfinished,
        Some(b',' | b']') if !is_escaped => EventName::Plain,
        Some(b',' | b']') => match serde_json::from_slice::<String>(&list[start..end]) {
            Ok(name)
                if !name
                    .chars()
                    .any(|c| c.is_control() || matches!(c, '"' | '\\')) =>
            {
                EventName::Escaped(end, name)
            }
            _ => EventName::Bad,
        },
        Some(_) => EventName::Bad,
    }
}

/// Returns the packets that pass from the body of a polling request.
pub(super) fn filter_body(body: &[u8]) -> Vec<u8> {
    const PACKET_SEPARATOR: u8 = 0x1e;
    let mut passes = Vec::with_capacity(body.len());
    // Binary data comes as base64 after a `b`.
    for packet in body
        .split(|byte| *byte == PACKET_SEPARATOR)
        .filter(|packet| !packet.starts_with(b"b"))
    {
        let (begins, rest) = match verdict_on(packet, true) {
            PacketVerdict::Becomes(other) if other.is_empty() => continue,
            PacketVerdict::Becomes(other) => (other, &[][..]),
            PacketVerdict::Begins(cut, begins) => (begins, &packet[cut..]),
            PacketVerdict::Passes | PacketVerdict::Undecided => (Vec::new(), packet),
        };
        if !passes.is_empty() {
            passes.push(PACKET_SEPARATOR);
        }
        passes.extend(begins);
        passes.extend_from_slice(rest);
    }
    passes
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum FrameState {
    #[default]
    Passes,
    /// The beginning of a text is held until its kind is known.
    Held,
    Dropped,
}

/// The filter of a WebSocket's incoming bytes.
#[derive(Default)]
pub(super) struct PacketFilter {
    frames: FrameParser,
    frame: FrameHead,
    /// How many bytes of the frame have arrived.
    received: usize,
    state: FrameState,
    /// The held beginning, unmasked.
    front: Vec<u8>,
}

impl PacketFilter {
    /// Returns the bytes that pass; in most cases all of them, unchanged.
    pub fn filter_bytes<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.frames.is_between() && self.front.is_empty() && self.passes_unchanged(bytes) {
            return Cow::Borrowed(bytes);
        }
        Cow::Owned(self.filter_pieces(bytes))
    }

    /// Whether these are whole frames that pass unchanged. If not, the state is unchanged.
    fn passes_unchanged(&mut self, mut bytes: &[u8]) -> bool {
        let mut state = self.state;
        while !bytes.is_empty() {
            let mut frames = FrameParser::default();
            let Some(head) = frames.read_head(&mut bytes) else {
                return false;
            };
            let Some((payload, rest)) = usize::try_from(head.length)
                .ok()
                .and_then(|length| bytes.split_at_checked(length))
            else {
                return false;
            };
            match head {
                FrameHead {
                    is_control: true, ..
                } => {}
                FrameHead {
                    kind: TEXT_OPCODE,
                    is_final: true,
                    key: Some(key),
                    ..
                } => {
                    let mut front = [0; MAX_INSPECTED_BYTES];
                    let plain = payload
                        .iter()
                        .zip(0..)
                        .map(|(byte, place): (&u8, usize)| byte ^ key[place % 4]);
                    front
                        .iter_mut()
                        .zip(plain)
                        .for_each(|(place, byte)| *place = byte);
                    if verdict_on(&front[..payload.len().min(MAX_INSPECTED_BYTES)], true)
                        != PacketVerdict::Passes
                    {
                        return false;
                    }
                    state = FrameState::Passes;
                }
                _ => return false,
            }
            bytes = rest;
        }
        self.state = state;
        true
    }

    fn filter_pieces(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut passes = Vec::with_capacity(bytes.len() + 16);
        while !bytes.is_empty() {
            if self.frames.left == 0 {
                let Some(head) = self.frames.read_head(&mut bytes) else {
                    break;
                };
                (self.frame, self.frames.left, self.received) = (head, head.length, 0);
                self.state = match head.kind {
                    TEXT_OPCODE if head.key.is_some() => FrameState::Held,
                    BINARY_OPCODE => FrameState::Dropped,
                    0 | 8.. => self.state,
                    _ => FrameState::Passes,
                };
                if head.is_control || self.state == FrameState::Passes {
                    passes.extend_from_slice(self.frames.head());
                }
            }
            let before = bytes;
            let step = self.frames.skip(&mut bytes);
            self.take(&before[..step], &mut passes);
        }
        passes
    }

    fn take(&mut self, piece: &[u8], passes: &mut Vec<u8>) {
        match self.state {
            _ if self.frame.is_control => passes.extend_from_slice(piece),
            FrameState::Passes => passes.extend_from_slice(piece),
            FrameState::Dropped => {}
            FrameState::Held => {
                let key = self.frame.key.unwrap_or_default();
                let plain = (self.received..)
                    .zip(piece)
                    .map(|(place, byte)| byte ^ key[place % 4]);
                self.front.extend(plain);
                self.received += piece.len();
                self.decide(passes);
            }
        }
    }

    fn decide(&mut self, passes: &mut Vec<u8>) {
        let is_whole = self.frame.is_final && self.frames.left == 0;
        match verdict_on(&self.front, is_whole) {
            PacketVerdict::Undecided => return,
            PacketVerdict::Passes => {
                let front = std::mem::take(&mut self.front);
                self.write(&front, passes);
            }
            PacketVerdict::Begins(cut, begins) => {
                let front = [&begins, &self.front[cut..]].concat();
                self.write(&front, passes);
            }
            PacketVerdict::Becomes(other) => {
                if !other.is_empty() {
                    write_frame(true, other.len() as u64, [0; 4], &other, passes);
                }
                self.state = FrameState::Dropped;
            }
        }
        self.front = Vec::new();
    }

    /// Writes the held beginning as a frame that also takes the rest of the current frame. That
    /// rest stays masked with its own key.
    fn write(&mut self, front: &[u8], passes: &mut Vec<u8>) {
        let key = self.frame.key.unwrap_or_default();
        let turn = (self.received + 3 * front.len()) % 4;
        let turned = std::array::from_fn(|place| key[(place + turn) % 4]);
        write_frame(
            self.frame.is_final,
            front.len() as u64 + self.frames.left,
            turned,
            front,
            passes,
        );
        self.state = FrameState::Passes;
    }
}

/// Writes a text frame of `length` bytes that begins with `front`.
fn write_frame(is_final: bool, length: u64, key: [u8; 4], front: &[u8], passes: &mut Vec<u8>) {
    // The mask bit, and the markers of a length that does not fit into seven bits (RFC 6455, 5.2).
    const MASK_BIT: u8 = 0x80;
    const TWO_BYTE_LENGTH: u8 = MASK_BIT | 0x7e;
    const EIGHT_BYTE_LENGTH: u8 = MASK_BIT | 0x7f;
    passes.push(if is_final {
        0x80 | TEXT_OPCODE
    } else {
        TEXT_OPCODE
    });
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => passes.push(MASK_BIT | length),
        (_, Ok(length)) => {
            passes.push(TWO_BYTE_LENGTH);
            passes.extend(length.to_be_bytes());
        }
        _ => {
            passes.push(EIGHT_BYTE_LENGTH);
            passes.extend(length.to_be_bytes());
        }
    }
    passes.extend(key);
    passes.extend(
        front
            .iter()
            .zip(0..)
            .map(|(byte, place): (&u8, usize)| byte ^ key[place % 4]),
    );
}

#[cfg(test)]
#[path = "packet_filter_tests.rs"]
mod tests;
