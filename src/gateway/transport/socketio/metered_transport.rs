//! A WebSocket's bytes in transit: how much of the load is written, and how much of an incomplete
//! message has arrived.
//!
//! The library takes packets out of its queue long before they are written and does not report the
//! write. The written bytes are therefore counted on the connection. The frame heads and the first
//! two payload bytes show which frames are packets that count in the load. Pings and answers of the
//! library itself do not count.

use std::{
    borrow::Cow,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{http::AbortOnDrop, packet_filter::PacketFilter};
use crate::gateway::http::{
    listener::Peer,
    load_meter::{HeldBytes, Load},
};

/// How much a client may send while it reads nothing, bytes. The protocols below ours answer by
/// themselves (a pong to a ping, a refusal to an unknown namespace).
const MAX_UNANSWERED_BYTES: usize = 1 << 20;
/// Messages up to this size are not counted in the load before they are complete.
const MAX_UNMETERED_BYTES: u64 = 16 << 10;
const TEXT_OPCODE: u8 = 1;

/// A parser of frame heads.
#[derive(Default)]
pub(super) struct FrameParser {
    head: [u8; 16],
    have: usize,
    /// The remaining bytes of the payload.
    pub left: u64,
    counts: bool,
}

/// A complete head.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub is_final: bool,
    pub is_control: bool,
    pub kind: u8,
    pub length: u64,
    /// The key that masks the payload.
    pub key: Option<[u8; 4]>,
}

impl FrameParser {
    /// Returns the length of the head in bytes, as far as it is known.
    fn head_length(&self) -> usize {
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
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte))
        };
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

    /// Returns the bytes of the head.
    pub fn head(&self) -> &[u8] {
        &self.head[..self.head_length()]
    }

    /// Reads more of a head; returns the head when it is complete.
    pub fn read_head(&mut self, bytes: &mut &[u8]) -> Option<FrameHead> {
        while self.have < self.head_length() {
            let (first, rest) = bytes.split_first()?;
            self.head[self.have] = *first;
            self.have += 1;
            *bytes = rest;
        }
        let kind = self.head[0] & 0x0f;
        let key = self
            .head()
            .last_chunk()
            .copied()
            .filter(|_| self.head[1] & 0x80 != 0);
        let is_final = self.head[0] & 0x80 != 0;
        Some(FrameHead {
            is_final,
            is_control: kind >= 8,
            kind,
            length: self.length(),
            key,
        })
    }

    /// Skips bytes of the payload; returns how many.
    pub fn skip(&mut self, bytes: &mut &[u8]) -> usize {
        let step = bytes
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= step as u64;
        *bytes = &bytes[step..];
        if self.left == 0 {
            self.have = 0;
        }
        step
    }

    /// Returns how many of these bytes belong to events and their acknowledgements (packets `42…`
    /// and `43…`). Outgoing frames are not masked, and each packet is one frame.
    fn count_event_bytes(&mut self, mut bytes: &[u8]) -> usize {
        let mut weight = 0;
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(head) = self.read_head(&mut bytes) else {
                    break;
                };
                let is_text = self.head[0] & 0x0f == TEXT_OPCODE && head.length >= 2;
                // The first two bytes of a text are read as if they belonged to the head.
                let place = self.head_length();
                while is_text && self.have < place + 2 {
                    let Some((first, rest)) = bytes.split_first() else {
                        return weight;
                    };
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

/// A WebSocket's transport that counts its bytes in the load.
pub(super) struct MeteredTransport<T> {
    inner: T,
    peer: Peer,
    load: Arc<Load>,
    outgoing: FrameParser,
    incoming: FrameParser,
    incoming_filter: PacketFilter,
    /// Filtered bytes that the library has not read yet.
    filtered: Vec<u8>,
    /// The load held for an incomplete message.
    partial: Option<HeldBytes>,
    /// Whether the client reads nothing at present.
    is_blocked: bool,
    unanswered: usize,
    reader: Option<Waker>,
    /// What runs when the connection is dropped.
    _ending: Option<AbortOnDrop>,
}

impl<T> MeteredTransport<T> {
    pub fn new(inner: T, peer: Peer, load: Arc<Load>, ending: Option<AbortOnDrop>) -> Self {
        Self {
            inner,
            peer,
            load,
            outgoing: FrameParser::default(),
            incoming: FrameParser::default(),
            incoming_filter: PacketFilter::default(),
            filtered: Vec::new(),
            partial: None,
            is_blocked: false,
            unanswered: 0,
            reader: None,
            _ending: ending,
        }
    }

    /// Counts the bytes of incomplete messages in the load.
    fn hold_incoming(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.incoming.left == 0 {
                let Some(head) = self.incoming.read_head(&mut bytes) else {
                    break;
                };
                self.incoming.left = head.length;
                let is_last = head.is_final && !head.is_control;
                if !head.is_control
                    && (head.length > MAX_UNMETERED_BYTES
                        || !head.is_final
                        || self.partial.is_some())
                {
                    self.hold_bytes(head.length)?;
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

    fn hold_bytes(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let held = if let Some(held) = &mut self.partial {
            held.grow(bytes)
        } else {
            let load_account = self
                .load
                .load_account()
                .map_or_else(|| self.peer.load_account(), Arc::clone);
            load_account
                .hold_incoming(bytes)
                .map(|held| self.partial = Some(held))
        };
        held.map_err(|_| {
            metrics::counter!("wardline_refusals_total", "reason" => "partial_messages")
                .increment(1);
            io::ErrorKind::OutOfMemory.into()
        })
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for MeteredTransport<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_blocked && self.unanswered >= MAX_UNANSWERED_BYTES {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        while self.filtered.is_empty() {
            let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
            let came = &buffer.filled()[before..];
            if came.is_empty() {
                return read;
            }
            if self.is_blocked {
                self.unanswered += came.len();
            }
            self.hold_incoming(came)?;
            match self.incoming_filter.filter_bytes(came) {
                Cow::Borrowed(_) => return read,
                Cow::Owned(filtered) => self.filtered = filtered,
            }
            buffer.set_filled(before);
        }
        let mut rest = std::mem::take(&mut self.filtered);
        let left = rest.split_off(rest.len().min(buffer.remaining()));
        buffer.put_slice(&rest);
        self.filtered = left;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for MeteredTransport<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(cx, bytes);
        match &wrote {
            Poll::Ready(Ok(count)) => {
                let weight = self.outgoing.count_event_bytes(&bytes[..*count]);
                if weight > 0 {
                    self.load.written(weight);
                }
                self.is_blocked = *count < bytes.len();
                self.unanswered = if self.is_blocked {
                    self.unanswered.saturating_sub(*count)
                } else {
                    0
                };
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
        let line: Vec<u8> = packets
            .iter()
            .flat_map(|(first, payload)| frame(*first, payload, false))
            .collect();
        let weight = 9 + long.len() + middle.len() + 2;
        for step in [1, 2, 3, 7, 1_000, line.len()] {
            let mut frames = FrameParser::default();
            let passed: usize = line
                .chunks(step)
                .map(|piece| frames.count_event_bytes(piece))
                .sum();
            assert_eq!(passed, weight, "in pieces of {step}");
        }
    }
}
