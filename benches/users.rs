//! The users of a database: their tokens, their sessions and their connections.

use std::{
    collections::HashMap,
    fmt::Write,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use serde::Deserialize;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{Outcome, client::Socket, wire, wire::Packet};

/// How long a user may take to connect and join.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The path of Socket.IO.
const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

#[derive(Debug, Clone, Deserialize)]
pub struct User {
    pub id: String,
    pub username: String,
    pub token: String,
    #[serde(skip)]
    pub memberships: Vec<Membership>,
}

/// The membership of a user in a private session.
#[derive(Debug, Clone)]
pub struct Membership {
    pub session: String,
    pub other: usize,
    /// The `seq` of the newest message when the population was read.
    pub seq: i64,
}

/// All users of a database, ordered by username.
pub struct Population {
    pub users: Vec<User>,
    indexes: HashMap<String, usize>,
}

impl Population {
    pub fn new(users: Vec<User>) -> Self {
        let indexes = users
            .iter()
            .enumerate()
            .map(|(index, user)| (user.id.clone(), index))
            .collect();
        Self { users, indexes }
    }

    /// Adds a session of two users.
    pub fn add_session(&mut self, session: &str, pair: &[String], seq: i64) {
        let indexes: Vec<usize> = pair
            .iter()
            .filter_map(|id| self.indexes.get(id).copied())
            .collect();
        let [first, second] = indexes[..] else { return };
        for (own, other) in [(first, second), (second, first)] {
            self.users[own].memberships.push(Membership {
                session: session.to_owned(),
                other,
                seq,
            });
        }
    }

    /// Returns the session that user `2 n` and user `2 n + 1` share.
    pub fn session_with_neighbour(&self, user: usize) -> Outcome<&str> {
        let membership = self.users[user]
            .memberships
            .iter()
            .find(|membership| membership.other == user ^ 1);
        Ok(membership
            .map(|membership| membership.session.as_str())
            .ok_or("two neighbours without a session")?)
    }
}

/// Connects a user and joins.
pub async fn connect(address: SocketAddr, user: &User) -> Outcome<Socket> {
    timeout(CONNECT_TIMEOUT, connect_and_join(address, user))
        .await
        .map_err(|_| "not joined within 30 s")?
}

async fn connect_and_join(address: SocketAddr, user: &User) -> Outcome<Socket> {
    let mut socket = Socket::open(address, PATH).await?;
    socket
        .output
        .bytes(format!("40{{\"token\":\"{}\"}}", user.token).as_bytes());
    socket.flush().await?;
    loop {
        socket.fill().await?;
        let Socket { input, output, .. } = &mut socket;
        while let Some(packet) = input.next()? {
            match wire::read(packet) {
                Packet::Ping => output.bytes(b"3"),
                Packet::Connected => output.bytes(
                    format!(
                        "42[\"user:join\",{{\"id\":\"{}\",\"username\":\"{}\"}}]",
                        user.id, user.username
                    )
                    .as_bytes(),
                ),
                Packet::Event {
                    name: b"user:joined",
                    ..
                } => return Ok(socket),
                Packet::Refused(words) => {
                    return Err(format!("refused: {}", String::from_utf8_lossy(words)).into());
                }
                Packet::Event {
                    name: b"error",
                    body,
                } => {
                    return Err(format!("an error: {}", String::from_utf8_lossy(body)).into());
                }
                _ => {}
            }
        }
        socket.flush().await?;
    }
}

/// Connects all users, `concurrency` at a time; returns the connections in the order of `users`.
pub async fn connect_all(
    address: SocketAddr,
    users: &[User],
    concurrency: usize,
) -> Outcome<Vec<Socket>> {
    let next = AtomicUsize::new(0);
    let workers = (0..concurrency.min(users.len())).map(|_| async {
        let mut sockets = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(user) = users.get(index) else {
                return Ok(sockets);
            };
            let socket = connect(address, user).await;
            sockets.push((
                index,
                socket.map_err(|error| format!("user {index} did not join: {error}"))?,
            ));
        }
    });
    let mut sockets = Vec::with_capacity(users.len());
    for worker in join_all(workers).await {
        let worker: Result<Vec<(usize, Socket)>, String> = worker;
        sockets.extend(worker?);
    }
    sockets.sort_by_key(|(index, _)| *index);
    Ok(sockets.into_iter().map(|(_, socket)| socket).collect())
}

/// Joined connections that send nothing; dropping this resets them.
#[derive(Default)]
pub struct IdleConnections {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<Option<Socket>>>,
}

impl IdleConnections {
    pub fn add(&mut self, sockets: Vec<Socket>) {
        for mut socket in sockets {
            let stop = self.stop.clone();
            self.tasks.push(tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => Some(socket),
                    _ = answer_heartbeats(&mut socket) => None,
                }
            }));
        }
    }

    /// Returns the connections, in the order in which they were added.
    pub async fn take(mut self) -> Outcome<Vec<Socket>> {
        self.stop.cancel();
        let tasks = std::mem::take(&mut self.tasks);
        let mut sockets = Vec::with_capacity(tasks.len());
        for task in tasks {
            sockets.push(task.await?.ok_or("an idle connection was lost")?);
        }
        Ok(sockets)
    }
}

impl Drop for IdleConnections {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Answers heartbeats until the connection ends.
async fn answer_heartbeats(socket: &mut Socket) -> std::io::Result<()> {
    loop {
        socket.fill().await?;
        let Socket { input, output, .. } = &mut *socket;
        while let Some(packet) = input.next()? {
            if wire::read(packet) == Packet::Ping {
                output.bytes(b"3");
            }
        }
        socket.flush().await?;
    }
}

/// The `seq` and `rev` of every session.
pub type Positions = HashMap<String, (u64, u64)>;

/// Sends `chat:sync` with the positions that a user knew, and waits for the acknowledgement.
pub async fn sync(socket: &mut Socket, user: &User, known: &Positions) -> Outcome<()> {
    let mut named = String::new();
    for membership in &user.memberships {
        let (seq, rev) = known.get(&membership.session).copied().unwrap_or_default();
        let comma = if named.is_empty() { "" } else { "," };
        let _ = write!(
            named,
            "{comma}\"{}\":{{\"seq\":{seq},\"rev\":{rev}}}",
            membership.session
        );
    }
    socket
        .output
        .bytes(format!("420[\"chat:sync\",{{\"sessions\":{{{named}}}}}]").as_bytes());
    loop {
        socket.flush().await?;
        socket.fill().await?;
        let Socket { input, output, .. } = &mut *socket;
        while let Some(packet) = input.next()? {
            match wire::read(packet) {
                Packet::Ping => output.bytes(b"3"),
                Packet::Answer { body, .. } if wire::is_success(body) => return Ok(()),
                Packet::Answer { body, .. } => {
                    return Err(format!("chat:sync: {}", String::from_utf8_lossy(body)).into());
                }
                _ => {}
            }
        }
    }
}
