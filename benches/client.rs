//! A WebSocket client with small buffers and no copies. It reads the frames of RFC 6455 that a
//! Socket.IO server sends. It writes text frames with a zero mask, which costs neither side
//! anything.

use std::{
    io::{self, Error, ErrorKind},
    net::SocketAddr,
};

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The initial size of a buffer.
const INITIAL_BUFFER_BYTES: usize = 4_096;
/// The longest packet that is written.
const MAX_PACKET_BYTES: usize = 65_535;

/// One connection. Dropping it resets it: no close frame is sent, and no local port lingers.
pub struct Socket {
    pub stream: TcpStream,
    pub input: Input,
    pub output: Output,
}

impl Socket {
    /// Connects and upgrades; `path` includes the query.
    pub async fn open(address: SocketAddr, path: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.set_zero_linger()?;
        let mut socket = Self {
            stream,
            input: Input::default(),
            output: Output::default(),
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: d2FyZGxpbmUtYmVuY2gtMQ==\r\nSec-WebSocket-Version: 13\r\n\
             User-Agent: wardline-bench\r\n\r\n"
        );
        socket.stream.write_all(request.as_bytes()).await?;
        loop {
            socket.fill().await?;
            if let Some(end) = memmem::find(socket.input.unread(), b"\r\n\r\n") {
                if !socket.input.unread().starts_with(b"HTTP/1.1 101") {
                    let line = socket
                        .input
                        .unread()
                        .split(|byte| *byte == b'\r')
                        .next()
                        .unwrap_or_default();
                    return Err(Error::other(String::from_utf8_lossy(line).into_owned()));
                }
                socket.input.start += end + 4;
                return Ok(socket);
            }
        }
    }

    /// Reads the next bytes; cancel-safe.
    pub async fn fill(&mut self) -> io::Result<()> {
        self.input.fill(&mut self.stream).await
    }

    /// Writes the contents of `output`.
    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.output.0.is_empty() {
            self.stream.write_all(&self.output.0).await?;
            self.output.0.clear();
        }
        Ok(())
    }
}

/// The buffer of received bytes.
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            buffer: vec![0; INITIAL_BUFFER_BYTES],
            start: 0,
            end: 0,
        }
    }
}

impl Input {
    fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub async fn fill(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.end * 2 > self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let read = stream.read(&mut self.buffer[self.end..]).await?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.end += read;
        Ok(())
    }

    /// Returns the next whole packet.
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let Some((opcode, head, length)) = header(self.unread())? else {
                return Ok(None);
            };
            if self.end - self.start < head + length {
                return Ok(None);
            }
            let from = self.start + head;
            self.start = from + length;
            match opcode {
                0x81 => return Ok(Some(&self.buffer[from..from + length])),
                0x88 => {
                    return Err(Error::new(
                        ErrorKind::ConnectionAborted,
                        "closed by the server",
                    ));
                }
                0x89 | 0x8A => {}
                _ => return Err(Error::other("a frame that we do not know")),
            }
        }
    }
}

/// Returns the first byte, the length of the header and the length of the payload.
fn header(bytes: &[u8]) -> io::Result<Option<(u8, usize, usize)>> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (head, length) = match second {
        126 => (4, rest.get(..2).map(number)),
        127 => (10, rest.get(..8).map(number)),
        short if *short < 126 => (2, Some(usize::from(*short))),
        _ => return Err(Error::other("a masked frame from the server")),
    };
    Ok(length.map(|length| (*first, head, length)))
}

/// The buffer of bytes to write.
#[derive(Default)]
pub struct Output(Vec<u8>);

impl Output {
    /// Appends one text packet.
    pub fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 8]);
        write(&mut self.0);
        let length = self.0.len() - start - 8;
        assert!(length <= MAX_PACKET_BYTES, "a packet of {length} bytes");
        if length < 126 {
            self.0.copy_within(start + 8.., start + 6);
            self.0.truncate(start + 6 + length);
            self.0[start + 1] = 0x80 | length as u8;
        } else {
            self.0[start + 1] = 0x80 | 0x7E;
            self.0[start + 2..start + 4].copy_from_slice(&(length as u16).to_be_bytes());
        }
        self.0[start] = 0x81;
    }

    pub fn bytes(&mut self, text: &[u8]) {
        self.text(|out| out.extend_from_slice(text));
    }
}

/// See [`super::stats::check`].
pub fn check() {
    let mut output = Output::default();
    output.bytes(b"3");
    assert_eq!(output.0, [0x81, 0x81, 0, 0, 0, 0, b'3']);
    output.0.clear();
    output.bytes(&[b'x'; 300]);
    assert_eq!(
        (output.0.len(), &output.0[..8]),
        (308, &[0x81, 0xFE, 1, 44, 0, 0, 0, 0][..])
    );
    let mut input = Input {
        buffer: vec![0x81, 1, b'2', 0x8A, 0, 0x81, 3, b'4', b'3'],
        start: 0,
        end: 9,
    };
    assert!(matches!(input.next(), Ok(Some(b"2"))));
    assert!(matches!(input.next(), Ok(None)));
    assert!(matches!(
        header(&[0x81, 126, 1, 44]),
        Ok(Some((0x81, 4, 300)))
    ));
}
