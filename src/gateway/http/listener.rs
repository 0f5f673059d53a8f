//! The listener. It bounds connections in number, bytes and time, sends small answers without
//! delay, and can abort each connection.
//!
//! A slow consumer on a WebSocket has to be aborted. Its outgoing buffer is full, so no packet
//! would arrive, and its client reconnects only after a break of the transport.

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
    connection_slots::{ConnectionSlot, ConnectionSlots, CurrentPhase, Phase},
    load_meter::{Load, LoadAccount, LoadMeter, LoadOwner},
};
use crate::domain::{UserId, network::Network};

/// How long a connection may take to send a request's head; also how long it may idle between two
/// requests.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes and lines of a request's head.
const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEAD_LINES: usize = 64;
/// How long a client may read nothing of what is written to it.
const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers below this size are not counted in the load: the kernel buffers as much.
const MAX_UNMETERED_BYTES: usize = 4 << 10;
/// Connections that the kernel may have established and the service not yet accepted (the kernel
/// limits this to `net.core.somaxconn`). One beyond it is accepted a second later, when its client
/// retries. With the standard library's 128 this happened to one in sixty of 4,000 clients that
/// connected at 4,000 a second, and to most of a burst.
const MAX_UNACCEPTED_CONNECTIONS: u32 = 4_096;
/// What the kernel buffers of the writes to one connection, bytes; it takes twice as much for its
/// own needs.
const SEND_BUFFER_BYTES: u32 = 256 << 10;
/// The delay after a failed accept.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);
/// A repeated warning is logged once in this interval.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);
/// The response to a connection for which there is no slot.
const OVERLOADED_RESPONSE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Listens at an address. Must be called on a runtime.
///
/// # Errors
/// When the address is taken or does not belong to this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // Without it a restart would have to wait until the old connections have timed out.
    socket.set_reuseaddr(true)?;
    // Each connection inherits it from here. Otherwise the kernel would buffer megabytes for a
    // client that does not read.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(MAX_UNACCEPTED_CONNECTIONS)
}

/// The limits of a listener's connections.
#[derive(Clone)]
pub struct ListenerLimits {
    pub places: Arc<ConnectionSlots>,
    pub load_meter: LoadMeter,
}

/// Serves `routes` until `stop`, then lets the requests in flight finish.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    bounds: ListenerLimits,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let mut gate = ConnectionLimiter {
        listener,
        places: bounds.places,
        spare: spare(),
        last_warning_at: None,
    };
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_TIMEOUT)
        .max_header_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEAD_LINES)
        .max_buf_size(MAX_HEAD_BYTES);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = gate.accept() => accepted,
        };
        let Some((tcp, address, place, aborter)) = accepted else {
            continue;
        };
        // Without it each small answer waits for the peer's delayed acknowledgement, 40 ms.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
        let peer = Peer {
            address,
            aborter: aborter.clone(),
            load_meter: bounds.load_meter.clone(),
        };
        let routes = routes.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            answer(routes.clone(), peer.clone(), request)
        });
        // The stream holds the slot, so that an upgraded connection keeps it.
        let stream = Stream {
            tcp,
            aborter,
            stalled: None,
            _place: place,
        };
        let connection = protocol
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades();
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

/// Answers one request. A large answer counts in the load until it is written.
async fn answer(
    routes: Router,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    let aborter = peer.aborter.clone();
    aborter.0.current_phase.set(Phase::Busy);
    aborter.read_by(None);
    request.extensions_mut().insert(ConnectInfo(peer.clone()));
    let answered = routes.oneshot(request.map(Body::new)).await;
    if let Ok(response) = &answered {
        let bytes = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => aborter.0.current_phase.set(Phase::Upgraded),
            _ if bytes > MAX_UNMETERED_BYTES => peer.add_load(bytes),
            // The end of a streamed answer is not known here.
            _ if response.body().size_hint().exact().is_none() => {}
            _ => aborter.0.current_phase.set(Phase::Idle),
        }
    }
    answered
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Accepts connections within their limits.
struct ConnectionLimiter {
    listener: TcpListener,
    places: Arc<ConnectionSlots>,
    /// A spare descriptor. It is closed when none is left, so that a new connection can be refused.
    spare: Option<File>,
    /// The time of the last warning.
    last_warning_at: Option<Instant>,
}

impl ConnectionLimiter {
    async fn accept(
        &mut self,
    ) -> Option<(
        TcpStream,
        SocketAddr,
        Arc<ConnectionSlot>,
        ConnectionAborter,
    )> {
        let (tcp, address) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.recover_from_accept_error(&error).await;
                return None;
            }
        };
        let aborter = ConnectionAborter::default();
        if let Some(place) = self.places.acquire(address.ip(), &aborter).map(Arc::new) {
            let _ = aborter.0.place.set(Arc::downgrade(&place));
            return Some((tcp, address, place, aborter));
        }
        metrics::counter!("wardline_refusals_total", "reason" => "no_place").increment(1);
        self.warn_rarely("all places for connections are taken");
        // Best effort: the connection is new, and its buffer is empty.
        let _ = tcp.try_write(OVERLOADED_RESPONSE);
        None
    }

    /// Recovers from an accept that failed. Without free descriptors, an unauthenticated connection
    /// is evicted; else the new one is refused with the spare descriptor. No client waits for an
    /// answer that never comes.
    async fn recover_from_accept_error(&mut self, error: &io::Error) {
        let is_out = matches!(
            rustix::io::Errno::from_io_error(error),
            Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
        );
        self.warn_rarely(if is_out {
            "there are no file descriptors left for connections"
        } else {
            "a connection could not be accepted"
        });
        if is_out && !self.places.evict_unauthenticated() && self.spare.take().is_some() {
            let turned_away =
                tokio::time::timeout(ACCEPT_RETRY_DELAY, self.listener.accept()).await;
            if let Ok(Ok((tcp, _))) = turned_away {
                let _ = tcp.try_write(OVERLOADED_RESPONSE);
            }
        }
        tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
        if self.spare.is_none() {
            self.spare = spare();
        }
    }

    fn warn_rarely(&mut self, what: &str) {
        if self
            .last_warning_at
            .is_none_or(|last_warning_at| last_warning_at.elapsed() >= WARNING_INTERVAL)
        {
            tracing::warn!("{what}; this is said once a minute at most");
            self.last_warning_at = Some(Instant::now());
        }
    }
}

#[derive(Default)]
struct StallState {
    cut: AtomicBool,
    reader: AtomicWaker,
    current_phase: CurrentPhase,
    place: OnceLock<Weak<ConnectionSlot>>,
    /// The owner of the request in progress, and the unwritten answers.
    reading: Mutex<ReadState>,
    has_unread: AtomicBool,
}

#[derive(Default)]
struct ReadState {
    by: Option<Arc<LoadAccount>>,
    /// There are several when a client sends requests without reading.
    unread: VecDeque<Arc<Load>>,
}

/// The aborter of one connection.
#[derive(Clone, Default)]
pub struct ConnectionAborter(Arc<StallState>);

impl ConnectionAborter {
    /// Aborts the connection; both ends see a broken one. A second call has no effect.
    pub fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.0.reader.wake();
    }

    /// Returns whether the connection was aborted.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }

    /// Returns the phase of the connection.
    #[must_use]
    pub fn current_phase(&self) -> &CurrentPhase {
        &self.0.current_phase
    }

    /// Records that a user has signed in on this connection: it counts as authenticated.
    pub fn signed_in(&self, user: UserId) {
        if let Some(place) = self.0.place.get().and_then(Weak::upgrade) {
            place.signed_in(user);
        }
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, ReadState> {
        self.0
            .reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read_by(&self, load_account: Option<Arc<LoadAccount>>) {
        self.reading().by = load_account;
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
        self.0.current_phase.set(Phase::Idle);
    }
}

/// An accepted connection.
struct Stream {
    tcp: TcpStream,
    aborter: ConnectionAborter,
    /// Runs while the client reads nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: Arc<ConnectionSlot>,
}

/// The client of a connection; in every request's extensions as `ConnectInfo<Peer>`.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub aborter: ConnectionAborter,
    load_meter: LoadMeter,
}

impl Peer {
    /// Sets the user who makes the request in progress. The user's token must be valid.
    pub fn is(&self, user: UserId) -> Arc<LoadAccount> {
        let load_account = self.load_meter.load_account(LoadOwner::Person(user));
        self.set_load_account(&load_account);
        load_account
    }

    /// Sets the load account of the request in progress.
    pub fn set_load_account(&self, load_account: &Arc<LoadAccount>) {
        if let Some(user) = load_account.person() {
            self.aborter.signed_in(user);
        }
        self.aborter.read_by(Some(Arc::clone(load_account)));
    }

    /// Returns the load account of the request: that of a user, or of a network.
    #[must_use]
    pub fn load_account(&self) -> Arc<LoadAccount> {
        let known = self.aborter.reading().by.clone();
        known.unwrap_or_else(|| {
            self.load_meter
                .load_account(LoadOwner::Network(Network::of(self.address.ip())))
        })
    }

    /// Adds an answer of `bytes` to the load before it is written.
    fn add_load(&self, bytes: usize) {
        let (load, load_account, aborter) = (
            Load::new(),
            self.load_account(),
            Arc::downgrade(&self.aborter.0),
        );
        load.set_owner(load_account, move || {
            if let Some(state) = aborter.upgrade() {
                ConnectionAborter(state).cut();
            }
        });
        // A single answer always fits.
        let _ = load.add(bytes);
        self.aborter.reading().unread.push_back(load);
        self.aborter.0.has_unread.store(true, Ordering::Relaxed);
    }
}

impl Stream {
    fn refuse_if_cut(&self) -> io::Result<()> {
        if self.aborter.is_aborted() {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }

    /// Records the result of a write. A client that reads nothing for too long is disconnected.
    fn note_write(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                self.stalled = None;
                self.aborter.written(bytes);
                wrote
            }
            Poll::Ready(Err(_)) => wrote,
            Poll::Pending => {
                let stalled = self
                    .stalled
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_STALL_TIMEOUT)));
                if stalled.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                metrics::counter!("wardline_connections_closed_total", "reason" => "lagging")
                    .increment(1);
                self.aborter.cut();
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
        self.aborter.0.reader.register(cx.waker());
        self.refuse_if_cut()?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.aborter.0.current_phase.note_activity();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.refuse_if_cut()?;
        let wrote = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.note_write(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_if_cut()?;
        let wrote = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.note_write(cx, wrote)
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

    /// Nothing accepts here: a connection beyond the backlog would wait for ever.
    #[tokio::test]
    async fn a_storm_waits_in_the_kernel() {
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
        let storm = allowed.trim().parse().unwrap_or(500).min(500);
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        for place in 0..storm {
            let connecting =
                tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(address)).await;
            waiting.push(
                connecting
                    .unwrap_or_else(|_| panic!("no place for connection {place}"))
                    .unwrap(),
            );
        }
        assert_eq!(waiting.len(), storm);
    }
}
