//! Listening: connections with bounds in number and time, no delay on small answers, and a switch by which
//! each can be cut.
//!
//! Cutting is what a lagging WebSocket needs: its outgoing buffer is full, so no word of ours would
//! arrive, and its client comes back by itself only after a break of the transport.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use futures_util::task::AtomicWaker;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// How long a connection may take to send a request's head; also how long it may idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// Connections at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 60_000;
/// Connections that the kernel may have made and we not yet accepted (it takes `net.core.somaxconn` at most).
/// One beyond it comes a second later, when its client tries again: with the standard library's 128 that was
/// each sixtieth of 4,000 people who came in at 4,000 a second, and most of a storm.
const BACKLOG: u32 = 4_096;
/// After a failed accept (no file descriptors left, say).
const BREATH: Duration = Duration::from_millis(200);

/// Listens at an address. To be called on a runtime.
///
/// # Errors
/// When it is taken or not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Or a restart would have to wait until the old connections have timed out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `routes` until `stop`, then lets the requests under way finish.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Ok((tcp, address, place)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        // Without it each small answer waits for the peer's delayed acknowledgement, 40 ms.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
        let switch = Switch::default();
        let peer = Peer { address, switch: switch.clone() };
        let routes = routes.clone();
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer.clone()));
            routes.clone().oneshot(request.map(Body::new))
        });
        // The place goes with the stream, so that an upgraded connection keeps it.
        let stream = Stream { tcp, switch, _place: place };
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
    drop(listener);
    connections.close();
    connections.wait().await;
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (tcp, address) = listener.accept().await.inspect_err(|error| {
        tracing::warn!(%error, "a connection could not be accepted");
    })?;
    Ok((tcp, address, place))
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    reader: AtomicWaker,
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

    fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }
}

/// An accepted connection.
struct Stream {
    tcp: TcpStream,
    switch: Switch,
    _place: tokio::sync::OwnedSemaphorePermit,
}

/// Who is on the other end; in every request's extensions as `ConnectInfo<Peer>`.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub switch: Switch,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.switch.0.reader.register(cx.waker());
        if self.switch.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.switch.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.switch.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
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
