//! A client's packets on their way to the library, which ends a connection for an event whose name it cannot read
//! and for attachments that do not come as they were announced. Here such an event gets a name that nobody answers to,
//! so that it is refused like any other; and what is binary stays out, since no event of ours takes it.

use std::borrow::Cow;

use super::frames::{Frames, Head};

/// Within so many bytes a packet has said what it is.
const FRONT: usize = 1_024;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// What becomes of a packet.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Undecided,
    Passes,
    /// It passes with these bytes in place of its first so many.
    Begins(usize, Vec<u8>),
    /// These bytes pass in its place, if there are any.
    Becomes(Vec<u8>),
}

/// What becomes of a packet that begins like this.
fn fate(front: &[u8], is_whole: bool) -> Fate {
    let is_open = !is_whole && front.len() < FRONT;
    let front = &front[..front.len().min(FRONT)];
    let kind = match front {
        [b'4', kind @ (b'2' | b'3' | b'5' | b'6'), ..] => *kind,
        [] | [b'4'] if is_open => return Fate::Undecided,
        _ => return Fate::Passes,
    };
    let (is_binary, is_event) = (kind >= b'5', matches!(kind, b'2' | b'5'));
    let past_digits = |from: usize| from + front[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = 2;
    if is_binary && front.get(past_digits(at)) == Some(&b'-') {
        at = past_digits(at) + 1;
    }
    // What stays behind what is told of attachments.
    let stays = at;
    if front.get(at) == Some(&b'/') {
        match front[at..].iter().position(|byte| *byte == b',') {
            Some(1) => at += 2,
            None if is_open => return Fate::Undecided,
            // A namespace that is not there.
            _ if is_binary => return Fate::Becomes(Vec::new()),
            _ => return Fate::Passes,
        }
    }
    let number = at..past_digits(at);
    at = number.end;
    if at == front.len() && is_open {
        return Fate::Undecided;
    }
    if !is_event {
        let is_answer = !number.is_empty() && matches!(front.get(at), Some(b'[' | b'{'));
        return match (is_answer, is_binary) {
            (false, _) => Fate::Becomes(Vec::new()),
            (true, false) => Fate::Passes,
            (true, true) => Fate::Begins(stays, b"43".to_vec()),
        };
    }
    match name(&front[at..]) {
        Name::Unfinished if is_open => Fate::Undecided,
        Name::Plain if is_binary => Fate::Begins(stays, b"42".to_vec()),
        Name::Plain => Fate::Passes,
        Name::Escaped(end, name) => {
            let begins = [b"42", &front[stays..at], b"[\"", name.as_bytes(), b"\""].concat();
            Fate::Begins(at + end, begins)
        }
        Name::Unfinished | Name::Bad => Fate::Becomes([b"42", &front[number], b"[\"\"]"].concat()),
    }
}

/// The name that an event's list begins with.
enum Name {
    Unfinished,
    /// None, or none that an event of ours could have.
    Bad,
    Plain,
    /// Written with escapes, which the library does not read: where it ends, and what it is.
    Escaped(usize, String),
}

fn name(list: &[u8]) -> Name {
    let past_blanks = |from: usize| {
        from + list[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
    };
    let mut at = 0;
    for sign in [b'[', b'"'] {
        at = past_blanks(at);
        match list.get(at) {
            None => return Name::Unfinished,
            Some(byte) if *byte == sign => at += 1,
            Some(_) => return Name::Bad,
        }
    }
    let (start, mut is_escaped) = (at - 1, false);
    loop {
        match list.get(at) {
            None => return Name::Unfinished,
            Some(b'"') => break,
            Some(b'\\') => {
                is_escaped = true;
                at += 2;
            }
            Some(..=0x1f) => return Name::Bad,
            Some(_) => at += 1,
        }
    }
    let end = at + 1;
    match list.get(past_blanks(end)) {
        None => Name::Unfinished,
        Some(b',' | b']') if !is_escaped => Name::Plain,
        Some(b',' | b']') => match serde_json::from_slice::<String>(&list[start..end]) {
            Ok(name) if !name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) => {
                Name::Escaped(end, name)
            }
            _ => Name::Bad,
        },
        Some(_) => Name::Bad,
    }
}

/// What passes of the packets in the body of a polling request.
pub(super) fn pass_body(body: &[u8]) -> Vec<u8> {
    const SEPARATOR: u8 = 0x1e;
    let mut passes = Vec::with_capacity(body.len());
    // Binary comes as base64 behind a `b`.
    for packet in body.split(|byte| *byte == SEPARATOR).filter(|packet| !packet.starts_with(b"b")) {
        let (begins, rest) = match fate(packet, true) {
            Fate::Becomes(other) if other.is_empty() => continue,
            Fate::Becomes(other) => (other, &[][..]),
            Fate::Begins(cut, begins) => (begins, &packet[cut..]),
            Fate::Passes | Fate::Undecided => (Vec::new(), packet),
        };
        if !passes.is_empty() {
            passes.push(SEPARATOR);
        }
        passes.extend(begins);
        passes.extend_from_slice(rest);
    }
    passes
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Course {
    #[default]
    Passes,
    /// A text whose front has not said what it is.
    Held,
    Dropped,
}

/// What passes of a WebSocket's bytes.
#[derive(Default)]
pub(super) struct Sieve {
    frames: Frames,
    frame: Head,
    /// The frame's bytes that came.
    came: usize,
    course: Course,
    /// Of what is held, unmasked.
    front: Vec<u8>,
}

impl Sieve {
    /// What passes of what came; mostly all of it, as it is.
    pub fn pass<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.frames.is_between() && self.front.is_empty() && self.pass_whole(bytes) {
            return Cow::Borrowed(bytes);
        }
        Cow::Owned(self.pass_pieces(bytes))
    }

    /// Whether these are whole frames that pass as they are. If they are not, nothing has happened.
    fn pass_whole(&mut self, mut bytes: &[u8]) -> bool {
        let mut course = self.course;
        while !bytes.is_empty() {
            let mut frames = Frames::default();
            let Some(head) = frames.read_head(&mut bytes) else { return false };
            let Some((payload, rest)) =
                usize::try_from(head.length).ok().and_then(|length| bytes.split_at_checked(length))
            else {
                return false;
            };
            match head {
                Head { is_control: true, .. } => {}
                Head { kind: TEXT, is_final: true, key: Some(key), .. } => {
                    let mut front = [0; FRONT];
                    let plain =
                        payload.iter().zip(0..).map(|(byte, place): (&u8, usize)| byte ^ key[place % 4]);
                    front.iter_mut().zip(plain).for_each(|(place, byte)| *place = byte);
                    if fate(&front[..payload.len().min(FRONT)], true) != Fate::Passes {
                        return false;
                    }
                    course = Course::Passes;
                }
                _ => return false,
            }
            bytes = rest;
        }
        self.course = course;
        true
    }

    fn pass_pieces(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut passes = Vec::with_capacity(bytes.len() + 16);
        while !bytes.is_empty() {
            if self.frames.left == 0 {
                let Some(head) = self.frames.read_head(&mut bytes) else { break };
                (self.frame, self.frames.left, self.came) = (head, head.length, 0);
                self.course = match head.kind {
                    TEXT if head.key.is_some() => Course::Held,
                    BINARY => Course::Dropped,
                    0 | 8.. => self.course,
                    _ => Course::Passes,
                };
                if head.is_control || self.course == Course::Passes {
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
        match self.course {
            _ if self.frame.is_control => passes.extend_from_slice(piece),
            Course::Passes => passes.extend_from_slice(piece),
            Course::Dropped => {}
            Course::Held => {
                let key = self.frame.key.unwrap_or_default();
                let plain = (self.came..).zip(piece).map(|(place, byte)| byte ^ key[place % 4]);
                self.front.extend(plain);
                self.came += piece.len();
                self.decide(passes);
            }
        }
    }

    fn decide(&mut self, passes: &mut Vec<u8>) {
        let is_whole = self.frame.is_final && self.frames.left == 0;
        match fate(&self.front, is_whole) {
            Fate::Undecided => return,
            Fate::Passes => {
                let front = std::mem::take(&mut self.front);
                self.write(&front, passes);
            }
            Fate::Begins(cut, begins) => {
                let front = [&begins, &self.front[cut..]].concat();
                self.write(&front, passes);
            }
            Fate::Becomes(other) => {
                if !other.is_empty() {
                    write_frame(true, other.len() as u64, [0; 4], &other, passes);
                }
                self.course = Course::Dropped;
            }
        }
        self.front = Vec::new();
    }

    /// Writes the held front as a frame into which the rest of the last one goes, still masked with that one's key.
    fn write(&mut self, front: &[u8], passes: &mut Vec<u8>) {
        let key = self.frame.key.unwrap_or_default();
        let turn = (self.came + 3 * front.len()) % 4;
        let turned = std::array::from_fn(|place| key[(place + turn) % 4]);
        write_frame(self.frame.is_final, front.len() as u64 + self.frames.left, turned, front, passes);
        self.course = Course::Passes;
    }
}

/// A frame of text of so many bytes, of which these are the first.
fn write_frame(is_final: bool, length: u64, key: [u8; 4], front: &[u8], passes: &mut Vec<u8>) {
    // A masked frame, and how its length is told where seven bits do not hold it (RFC 6455, 5.2).
    const MASKED: u8 = 0x80;
    const IN_TWO_BYTES: u8 = MASKED | 0x7e;
    const IN_EIGHT_BYTES: u8 = MASKED | 0x7f;
    passes.push(if is_final { 0x80 | TEXT } else { TEXT });
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => passes.push(MASKED | length),
        (_, Ok(length)) => {
            passes.push(IN_TWO_BYTES);
            passes.extend(length.to_be_bytes());
        }
        _ => {
            passes.push(IN_EIGHT_BYTES);
            passes.extend(length.to_be_bytes());
        }
    }
    passes.extend(key);
    passes.extend(front.iter().zip(0..).map(|(byte, place): (&u8, usize)| byte ^ key[place % 4]));
}

#[cfg(test)]
#[path = "sieve_tests.rs"]
mod tests;
