//! A WebSocket's bytes, as they pass: what of the waiting packets is written, and how much of a message has
//! come of which the rest has not.
//!
//! The library takes packets out of its queue long before they are written and tells nobody, so what is
//! written is read off the line: the heads of the frames, and the first two bytes, say which bytes are a packet that was
//! weighed. Pulses and answers of the library itself were not.

use std::{
    borrow::Cow,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{sieve::Sieve, transport::Ending};
use crate::gateway::http::{
    listener::Peer,
    scales::{Held, Load},
};

/// What a client may send while it takes nothing of what is written to it, bytes. The protocols below ours
/// answer by themselves (a pong for a ping, a refusal for a strange namespace).
const MAX_UNANSWERED: usize = 1 << 20;
/// Messages up to this size are not weighed before they are complete.
const SMALL: u64 = 16 << 10;
const TEXT: u8 = 1;

/// A frame's head, and what it says.
#[derive(Default)]
pub(super) struct Frames {
    head: [u8; 16],
    have: usize,
    /// Bytes of the payload that have not passed yet.
    pub left: u64,
    counts: bool,
}

/// A head that is complete.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub is_final: bool,
    pub is_control: bool,
    pub kind: u8,
    pub length: u64,
    /// What the payload is masked with.
    pub key: Option<[u8; 4]>,
}

impl Frames {
    /// How many bytes the head has, as far as it is known.
    fn needs(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let extended = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + extended + if self.head[1] & 0x80 == 0 { 0 } else { 4 }
    }

    fn length(&self) -> u64 {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
        match self.head[1] & 0x7f {
            126 => number(&self.head[2..4]),
            127 => number(&self.head[2..10]),
            small => u64::from(small),
        }
    }

    /// Whether the next byte begins a frame.
    pub fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// The bytes of the head.
    pub fn head(&self) -> &[u8] {
        &self.head[..self.needs()]
    }

    /// Reads on in a head; says what it is once it is complete.
    pub fn read_head(&mut self, bytes: &mut &[u8]) -> Option<Head> {
        while self.have < self.needs() {
            let (first, rest) = bytes.split_first()?;
            self.head[self.have] = *first;
            self.have += 1;
            *bytes = rest;
        }
        let kind = self.head[0] & 0x0f;
        let key = self.head().last_chunk().copied().filter(|_| self.head[1] & 0x80 != 0);
        let is_final = self.head[0] & 0x80 != 0;
        Some(Head { is_final, is_control: kind >= 8, kind, length: self.length(), key })
    }

    /// Passes over the payload; says how many bytes of it passed.
    pub fn skip(&mut self, bytes: &mut &[u8]) -> usize {
        let step = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= step as u64;
        *bytes = &bytes[step..];
        if self.left == 0 {
            self.have = 0;
        }
        step
    }

    /// How much of these bytes is of events and their acknowledgements (packets `42…` and `43…`). What goes
    /// out is not masked, and each packet is one frame.
    fn weigh_out(&mut self, mut bytes: &[u8]) -> usize {
        let mut weight = 0;
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(head) = self.read_head(&mut bytes) else { break };
                let is_text = self.head[0] & 0x0f == TEXT && head.length >= 2;
                // The first two bytes of a text are read as if they belonged to the head.
                let place = self.needs();
                while is_text && self.have < place + 2 {
                    let Some((first, rest)) = bytes.split_first() else { return weight };
                    self.head[self.have] = *first;
                    self.have += 1;
                    bytes = rest;
                }
                self.counts = is_text && matches!(&self.head[place..place + 2], b"42" | b"43");
                self.left = head.length - if is_text { 2 } else { 0 };
                weight += if self.counts { 2 } else { 0 };
                if self.left == 0 {
                    self.have = 0;
                    continue;
                }
            }
            let passed = self.skip(&mut bytes);
            weight += if self.counts { passed } else { 0 };
        }
        weight
    }
}

/// A WebSocket's transport with its weights.
pub(super) struct Metered<T> {
    inner: T,
    peer: Peer,
    load: Arc<Load>,
    outgoing: Frames,
    incoming: Frames,
    sieve: Sieve,
    /// What came through the sieve and was not asked for yet.
    sifted: Vec<u8>,
    /// What is held for a message that is not complete.
    partial: Option<Held>,
    /// The client takes nothing just now.
    is_blocked: bool,
    unanswered: usize,
    reader: Option<Waker>,
    /// What is done when the line is gone.
    _ending: Option<Ending>,
}

impl<T> Metered<T> {
    pub fn new(inner: T, peer: Peer, load: Arc<Load>, ending: Option<Ending>) -> Self {
        Self {
            inner,
            peer,
            load,
            outgoing: Frames::default(),
            incoming: Frames::default(),
            sieve: Sieve::default(),
            sifted: Vec::new(),
            partial: None,
            is_blocked: false,
            unanswered: 0,
            reader: None,
            _ending: ending,
        }
    }

    /// Weighs what came of messages that are not complete.
    fn take_in(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.incoming.left == 0 {
                let Some(head) = self.incoming.read_head(&mut bytes) else { break };
                self.incoming.left = head.length;
                let is_last = head.is_final && !head.is_control;
                if !head.is_control && (head.length > SMALL || !head.is_final || self.partial.is_some()) {
                    self.hold(head.length)?;
                }
                self.incoming.counts = is_last;
            }
            self.incoming.skip(&mut bytes);
            if self.incoming.left == 0 {
                self.incoming.have = 0;
                if self.incoming.counts {
                    self.partial = None;
                }
            }
        }
        Ok(())
    }

    fn hold(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let held = if let Some(held) = &mut self.partial {
            held.grow(bytes)
        } else {
            let purse = self.load.purse().map_or_else(|| self.peer.purse(), Arc::clone);
            purse.take_in(bytes).map(|held| self.partial = Some(held))
        };
        held.map_err(|_| {
            metrics::counter!("wardline_refusals_total", "reason" => "partial_messages").increment(1);
            io::ErrorKind::OutOfMemory.into()
        })
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_blocked && self.unanswered >= MAX_UNANSWERED {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        while self.sifted.is_empty() {
            let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
            let came = &buffer.filled()[before..];
            if came.is_empty() {
                return read;
            }
            if self.is_blocked {
                self.unanswered += came.len();
            }
            self.take_in(came)?;
            match self.sieve.pass(came) {
                Cow::Borrowed(_) => return read,
                Cow::Owned(sifted) => self.sifted = sifted,
            }
            buffer.set_filled(before);
        }
        let mut rest = std::mem::take(&mut self.sifted);
        let left = rest.split_off(rest.len().min(buffer.remaining()));
        buffer.put_slice(&rest);
        self.sifted = left;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(cx, bytes);
        match &wrote {
            Poll::Ready(Ok(count)) => {
                let weight = self.outgoing.weigh_out(&bytes[..*count]);
                if weight > 0 {
                    self.load.written(weight);
                }
                self.is_blocked = *count < bytes.len();
                self.unanswered = if self.is_blocked { self.unanswered.saturating_sub(*count) } else { 0 };
                if let Some(reader) = self.reader.take() {
                    reader.wake();
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.is_blocked = true,
        }
        wrote
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8], is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut frame = vec![first];
        match u16::try_from(payload.len()) {
            Ok(length @ 0..=125) => frame.push(mask | u8::try_from(length).unwrap()),
            Ok(length) => {
                frame.push(mask | 0x7e);
                frame.extend(length.to_be_bytes());
            }
            Err(_) => {
                frame.push(mask | 0x7f);
                frame.extend((payload.len() as u64).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4].iter().filter(|_| is_masked));
        frame.extend(payload);
        frame
    }

    #[test]
    fn events_weigh_however_the_line_cuts_them_and_pulses_do_not() {
        let long = [b"42".to_vec(), vec![b'x'; 70_000]].concat();
        let middle = [b"43".to_vec(), vec![b'x'; 300]].concat();
        let packets: [(u8, &[u8]); 8] = [
            (0x81, b"2"),
            (0x81, b"42[\"a\",1]"),
            (0x8a, b"42 a pong that looks like one"),
            (0x81, &long),
            (0x81, b"44/x,{}"),
            (0x81, &middle),
            (0x89, b""),
            (0x81, b"42"),
        ];
        let line: Vec<u8> =
            packets.iter().flat_map(|(first, payload)| frame(*first, payload, false)).collect();
        let weight = 9 + long.len() + middle.len() + 2;
        for step in [1, 2, 3, 7, 1_000, line.len()] {
            let mut frames = Frames::default();
            let passed: usize = line.chunks(step).map(|piece| frames.weigh_out(piece)).sum();
            assert_eq!(passed, weight, "in pieces of {step}");
        }
    }
}
