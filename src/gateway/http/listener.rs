//! Listening: connections with bounds in number, bytes and time, no delay on small answers, and a switch by
//! which each can be cut.
//!
//! Cutting is what a lagging WebSocket needs: its outgoing buffer is full, so no word of ours would
//! arrive, and its client comes back by itself only after a break of the transport.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::ConnectInfo,
    http::{Request, Response, StatusCode},
};
use futures_util::task::AtomicWaker;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    time::Sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    places::{Doing, Phase, Place, Places},
    scales::{Load, Owner, Purse, Scales},
};
use crate::domain::{UserId, network::Network};

/// How long a connection may take to send a request's head; also how long it may idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// The most bytes and lines of a request's head.
const MAX_HEAD: usize = 64 << 10;
const MAX_LINES: usize = 64;
/// How long a client may take nothing of what is written to it.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// Answers below this size are not weighed: the kernel takes as much.
const LIGHT: usize = 4 << 10;
/// Connections that the kernel may have made and we not yet accepted (it takes `net.core.somaxconn` at most).
/// One beyond it comes a second later, when its client tries again: with the standard library's 128 that was
/// each sixtieth of 4,000 people who came in at 4,000 a second, and most of a storm.
const BACKLOG: u32 = 4_096;
/// What the kernel keeps of what is written to one connection, bytes; it takes twice as much, for its own needs.
const SEND_BUFFER: u32 = 256 << 10;
/// After a failed accept.
const BREATH: Duration = Duration::from_millis(20);
/// What goes wrong over and over is said once in so long.
const SILENCE: Duration = Duration::from_mins(1);
/// What a connection hears for which there is no place.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Listens at an address. To be called on a runtime.
///
/// # Errors
/// When it is taken or not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Or a restart would have to wait until the old connections have timed out.
    socket.set_reuseaddr(true)?;
    // Each connection has it from here: the kernel would keep megabytes for whoever does not read.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What bounds the connections of a listener.
#[derive(Clone)]
pub struct Bounds {
    pub places: Arc<Places>,
    pub scales: Scales,
}

/// Serves `routes` until `stop`, then lets the requests under way finish.
pub async fn serve(listener: TcpListener, routes: Router, bounds: Bounds, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let mut gate = Gate { listener, places: bounds.places, spare: spare(), said: None };
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_LINES)
        .max_buf_size(MAX_HEAD);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = gate.accept() => accepted,
        };
        let Some((tcp, address, place, switch)) = accepted else { continue };
        // Without it each small answer waits for the peer's delayed acknowledgement, 40 ms.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
        let peer = Peer { address, switch: switch.clone(), scales: bounds.scales.clone() };
        let routes = routes.clone();
        let answer =
            service_fn(move |request: Request<Incoming>| answer(routes.clone(), peer.clone(), request));
        // The place goes with the stream, so that an upgraded connection keeps it.
        let stream = Stream { tcp, switch, stalled: None, _place: place };
        let connection = protocol.serve_connection(TokioIo::new(stream), answer).with_upgrades();
        let stop = stop.clone();
        connections.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::trace!(%error, "a connection broke");
            }
        });
    }
    drop(gate);
    connections.close();
    connections.wait().await;
}

/// Answers one request; what is answered weighs until it is written.
async fn answer(
    routes: Router,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    let switch = peer.switch.clone();
    switch.0.doing.set(Phase::Busy);
    switch.read_by(None);
    request.extensions_mut().insert(ConnectInfo(peer.clone()));
    let answered = routes.oneshot(request.map(Body::new)).await;
    if let Ok(response) = &answered {
        let bytes = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => switch.0.doing.set(Phase::Upgraded),
            _ if bytes > LIGHT => peer.weigh(bytes),
            // Of what is made while it is read nobody knows when it ends.
            _ if response.body().size_hint().exact().is_none() => {}
            _ => switch.0.doing.set(Phase::Idle),
        }
    }
    answered
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Where connections come in.
struct Gate {
    listener: TcpListener,
    places: Arc<Places>,
    /// A descriptor that is given up when there is none left, so that whoever knocks can be told.
    spare: Option<File>,
    /// When it was last said that there is no room.
    said: Option<Instant>,
}

impl Gate {
    async fn accept(&mut self) -> Option<(TcpStream, SocketAddr, Arc<Place>, Switch)> {
        let (tcp, address) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.recover(&error).await;
                return None;
            }
        };
        let switch = Switch::default();
        if let Some(place) = self.places.enter(address.ip(), &switch).map(Arc::new) {
            let _ = switch.0.place.set(Arc::downgrade(&place));
            return Some((tcp, address, place, switch));
        }
        metrics::counter!("wardline_refusals_total", "reason" => "no_place").increment(1);
        self.say("all places for connections are taken");
        // Best effort: it is a new connection, whose buffer is empty.
        let _ = tcp.try_write(FULL);
        None
    }

    /// No connection could be accepted. Out of descriptors, a stranger's makes room, or else whoever knocks
    /// is turned away with the spare one: nobody waits for an answer that does not come.
    async fn recover(&mut self, error: &io::Error) {
        let is_out = matches!(
            rustix::io::Errno::from_io_error(error),
            Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
        );
        self.say(if is_out {
            "there are no file descriptors left for connections"
        } else {
            "a connection could not be accepted"
        });
        if is_out && !self.places.make_room() && self.spare.take().is_some() {
            let turned_away = tokio::time::timeout(BREATH, self.listener.accept()).await;
            if let Ok(Ok((tcp, _))) = turned_away {
                let _ = tcp.try_write(FULL);
            }
        }
        tokio::time::sleep(BREATH).await;
        if self.spare.is_none() {
            self.spare = spare();
        }
    }

    fn say(&mut self, what: &str) {
        if self.said.is_none_or(|said| said.elapsed() >= SILENCE) {
            tracing::warn!("{what}; this is said once a minute at most");
            self.said = Some(Instant::now());
        }
    }
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    reader: AtomicWaker,
    doing: Doing,
    place: OnceLock<Weak<Place>>,
    /// Whose request is being answered, and what of an answer is not yet written.
    reading: Mutex<Reading>,
    has_unread: AtomicBool,
}

#[derive(Default)]
struct Reading {
    by: Option<Arc<Purse>>,
    /// Several, when a client asks on without reading.
    unread: VecDeque<Arc<Load>>,
}

/// Cuts one connection.
#[derive(Clone, Default)]
pub struct Switch(Arc<State>);

impl Switch {
    /// Cuts the connection; both ends see it broken. Cutting twice changes nothing.
    pub fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.0.reader.wake();
    }

    /// Returns whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }

    /// Returns what its connection does.
    #[must_use]
    pub fn doing(&self) -> &Doing {
        &self.0.doing
    }

    /// Somebody signed in on this connection: it is no stranger's any more.
    pub fn signed_in(&self, user: UserId) {
        if let Some(place) = self.0.place.get().and_then(Weak::upgrade) {
            place.signed_in(user);
        }
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.0.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_by(&self, purse: Option<Arc<Purse>>) {
        self.reading().by = purse;
    }

    fn written(&self, bytes: usize) {
        if !self.0.has_unread.load(Ordering::Relaxed) {
            return;
        }
        let mut reading = self.reading();
        let mut left = bytes;
        while let Some(load) = reading.unread.front() {
            let off = left.min(load.waiting());
            load.written(off);
            left -= off;
            if load.waiting() > 0 {
                return;
            }
            reading.unread.pop_front();
        }
        self.0.has_unread.store(false, Ordering::Relaxed);
        self.0.doing.set(Phase::Idle);
    }
}

/// An accepted connection.
struct Stream {
    tcp: TcpStream,
    switch: Switch,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: Arc<Place>,
}

/// Who is on the other end; in every request's extensions as `ConnectInfo<Peer>`.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub switch: Switch,
    scales: Scales,
}

impl Peer {
    /// Says who makes the request that is being answered: a valid token was shown.
    pub fn is(&self, user: UserId) -> Arc<Purse> {
        let purse = self.scales.purse(Owner::Person(user));
        self.is_of(&purse);
        purse
    }

    /// Says whose request is being answered.
    pub fn is_of(&self, purse: &Arc<Purse>) {
        if let Some(user) = purse.person() {
            self.switch.signed_in(user);
        }
        self.switch.read_by(Some(Arc::clone(purse)));
    }

    /// Returns what is counted of whoever makes the request: a person, or a network.
    #[must_use]
    pub fn purse(&self) -> Arc<Purse> {
        let known = self.switch.reading().by.clone();
        known.unwrap_or_else(|| self.scales.purse(Owner::Network(Network::of(self.address.ip()))))
    }

    /// So many bytes are about to be written.
    fn weigh(&self, bytes: usize) {
        let (load, purse, switch) = (Load::new(), self.purse(), Arc::downgrade(&self.switch.0));
        load.belongs_to(purse, move || {
            if let Some(state) = switch.upgrade() {
                Switch(state).cut();
            }
        });
        // A single answer always fits.
        let _ = load.add(bytes);
        self.switch.reading().unread.push_back(load);
        self.switch.0.has_unread.store(true, Ordering::Relaxed);
    }
}

impl Stream {
    fn refuse_if_cut(&self) -> io::Result<()> {
        if self.switch.is_cut() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Notes what became of a write: who takes nothing for too long is cut.
    fn note(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                self.stalled = None;
                self.switch.written(bytes);
                wrote
            }
            Poll::Ready(Err(_)) => wrote,
            Poll::Pending => {
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL_LIMIT)));
                if stalled.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                metrics::counter!("wardline_connections_closed_total", "reason" => "lagging").increment(1);
                self.switch.cut();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.switch.0.reader.register(cx.waker());
        self.refuse_if_cut()?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.switch.0.doing.heard();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.refuse_if_cut()?;
        let wrote = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.note(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_if_cut()?;
        let wrote = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.note(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody accepts here: what finds no place would wait for ever.
    #[tokio::test]
    async fn a_storm_waits_in_the_kernel() {
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
        let storm = allowed.trim().parse().unwrap_or(500).min(500);
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        for place in 0..storm {
            let connecting = tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(address)).await;
            waiting.push(connecting.unwrap_or_else(|_| panic!("no place for connection {place}")).unwrap());
        }
        assert_eq!(waiting.len(), storm);
    }
}
