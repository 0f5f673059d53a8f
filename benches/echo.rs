//! The bare WebSocket echo: the limit of sockets and this load tool, without a service.

use std::{
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, future::join_all};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

use crate::{Outcome, client::Socket, stats::Times};

/// About as long as a packet that sends a message.
const PACKET: [u8; 300] = [b'x'; 300];

/// Serves until the process is killed.
pub async fn serve() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                return;
            };
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The echo server as a separate process.
pub struct Echo {
    address: SocketAddr,
    _child: Child,
}

impl Echo {
    pub async fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("--echo-server")
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("a child without output")?;
        let line = BufReader::new(stdout)
            .lines()
            .next_line()
            .await?
            .ok_or("the echo did not start")?;
        Ok(Self {
            address: line.trim().parse()?,
            _child: child,
        })
    }

    /// Loads the server over `connections` with `window` packets in flight each. Returns the echoes
    /// per second.
    pub async fn load(
        &self,
        connections: usize,
        window: usize,
        duration: Duration,
    ) -> Outcome<f64> {
        let mut sockets = Vec::new();
        for _ in 0..connections {
            sockets.push(Socket::open(self.address, "/").await?);
        }
        let start = Instant::now();
        let end = start + duration;
        let loads = sockets
            .into_iter()
            .map(|socket| tokio::spawn(echo(socket, window, end)));
        let mut count = 0;
        for load in join_all(loads).await {
            count += load??;
        }
        Ok(count as f64 / start.elapsed().as_secs_f64())
    }

    /// Returns the times of single packets, one after the other on one connection.
    pub async fn idle(&self, times: usize) -> Outcome<Times> {
        let mut socket = Socket::open(self.address, "/").await?;
        let mut found = Times::default();
        for _ in 0..times {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let start = Instant::now();
            socket.output.bytes(&PACKET);
            socket.flush().await?;
            socket.fill().await?;
            found.push(start.elapsed().as_micros() as u32);
            while socket.input.next()?.is_some() {}
        }
        Ok(found)
    }
}

async fn echo(mut socket: Socket, window: usize, end: Instant) -> std::io::Result<u64> {
    let (mut count, mut wanted) = (0, window);
    while Instant::now() < end {
        for _ in 0..wanted {
            socket.output.bytes(&PACKET);
        }
        wanted = 0;
        socket.flush().await?;
        socket.fill().await?;
        while socket.input.next()?.is_some() {
            count += 1;
            wanted += 1;
        }
    }
    Ok(count)
}
