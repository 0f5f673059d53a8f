//! REST over a persistent HTTP/1.1 connection.

use std::{
    io::{self, Error},
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep_until, timeout},
};

use crate::{Outcome, stats::Times};

/// The longest that one response may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes that an upload sends at a time.
const UPLOAD_CHUNK_BYTES: usize = 65_536;

/// One connection.
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.set_zero_linger()?;
        Ok(Self {
            stream,
            address,
            buffer: Vec::with_capacity(65_536),
        })
    }

    /// Sends a GET request and reads the whole response, which must be a success.
    pub async fn get(&mut self, path: &str, token: &str) -> Outcome<&[u8]> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\
             User-Agent: wardline-bench\r\n\r\n",
            self.address
        );
        let answered = timeout(RESPONSE_TIMEOUT, self.exchange(request.as_bytes())).await;
        let head = answered.map_err(|_| format!("no answer to GET {path} within 30 s"))??;
        if !self.buffer.starts_with(b"HTTP/1.1 200") {
            let words = String::from_utf8_lossy(&self.buffer[..self.buffer.len().min(head + 200)])
                .into_owned();
            return Err(format!("GET {path}: {words}").into());
        }
        Ok(&self.buffer[head..])
    }

    /// Uploads a file, at `speed` bytes a second if given. The service must accept it.
    pub async fn upload(&mut self, token: &str, file: &[u8], speed: Option<f64>) -> Outcome<()> {
        const BEFORE: &str = "--bench\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bench.bin\"\r\n\
                              Content-Type: application/octet-stream\r\n\r\n";
        const AFTER: &str = "\r\n--bench--\r\n";
        let head = format!(
            "POST /api/chat/files HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: multipart/form-data; boundary=bench\r\nContent-Length: {}\r\n\
             User-Agent: wardline-bench\r\n\r\n{BEFORE}",
            self.address,
            BEFORE.len() + file.len() + AFTER.len()
        );
        self.stream.write_all(head.as_bytes()).await?;
        let (start, mut sent) = (Instant::now(), 0);
        for piece in file.chunks(UPLOAD_CHUNK_BYTES) {
            self.stream.write_all(piece).await?;
            sent += piece.len();
            if let Some(speed) = speed {
                sleep_until((start + Duration::from_secs_f64(sent as f64 / speed)).into()).await;
            }
        }
        let answered = timeout(RESPONSE_TIMEOUT, self.exchange(AFTER.as_bytes())).await;
        answered.map_err(|_| "no answer to an upload within 30 s")??;
        if !self.buffer.starts_with(b"HTTP/1.1 201") {
            return Err(format!("an upload: {}", String::from_utf8_lossy(&self.buffer)).into());
        }
        Ok(())
    }

    /// Sends a request and reads the response; returns the length of its head.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<usize> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut whole = None;
        loop {
            if whole.is_none() {
                whole = length(&self.buffer)?;
            }
            if let Some((head, body)) = whole
                && self.buffer.len() >= head + body
            {
                return Ok(head);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Returns the lengths of the head and of the body, once the head is complete.
fn length(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let field = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let body = field.and_then(|text| text.trim().parse().ok());
    body.map(|body| Some((end + 4, body)))
        .ok_or_else(|| Error::other("an answer without a length"))
}

/// A request: its path and its token.
pub type Request<'a> = (String, &'a str);

/// Sends the requests that `next` makes of a random number over `connections` connections at once.
/// Returns the responses per second.
pub async fn load<'a>(
    address: SocketAddr,
    connections: usize,
    duration: Duration,
    next: impl Fn(u64) -> Request<'a> + Sync,
) -> Outcome<f64> {
    let start = Instant::now();
    let all = (0..connections).map(|_| async {
        let mut connection = Connection::open(address).await?;
        let mut count = 0_u64;
        while start.elapsed() < duration {
            let (path, token) = next(rand::random());
            connection.get(&path, token).await?;
            count += 1;
        }
        Outcome::Ok(count)
    });
    let mut count = 0;
    for connection in join_all(all).await {
        count += connection?;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Sends one request after the other on one connection, until `most` are answered or `limit` has
/// passed, but at least three.
pub async fn times<'a>(
    address: SocketAddr,
    most: usize,
    limit: Duration,
    next: impl Fn(u64) -> Request<'a>,
) -> Outcome<Times> {
    let mut connection = Connection::open(address).await?;
    let mut times = Times::default();
    let start = Instant::now();
    while times.len() < most && (times.len() < 3 || start.elapsed() < limit) {
        let (path, token) = next(rand::random());
        let begun = Instant::now();
        connection.get(&path, token).await?;
        times.push(begun.elapsed().as_micros() as u32);
    }
    Ok(times)
}
