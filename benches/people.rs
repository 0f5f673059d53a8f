//! People: who they are, with whom they talk, and how they come in.

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

/// How long one person's way in may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where Socket.IO is.
const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

#[derive(Debug, Clone, Deserialize)]
pub struct Person {
    pub id: String,
    pub username: String,
    pub token: String,
    #[serde(skip)]
    pub seats: Vec<Seat>,
}

/// A session as one of its two people knows it.
#[derive(Debug, Clone)]
pub struct Seat {
    pub session: String,
    pub other: usize,
    /// Its newest message when the world was made.
    pub seq: i64,
}

/// All people of a database, by their usernames' order.
pub struct World {
    pub people: Vec<Person>,
    places: HashMap<String, usize>,
}

impl World {
    pub fn new(people: Vec<Person>) -> Self {
        let places = people.iter().enumerate().map(|(place, person)| (person.id.clone(), place)).collect();
        Self { people, places }
    }

    /// Notes a session of two people.
    pub fn seat(&mut self, session: &str, pair: &[String], seq: i64) {
        let places: Vec<usize> = pair.iter().filter_map(|id| self.places.get(id).copied()).collect();
        let [first, second] = places[..] else { return };
        for (own, other) in [(first, second), (second, first)] {
            self.people[own].seats.push(Seat { session: session.to_owned(), other, seq });
        }
    }

    /// The session that person `2 n` and person `2 n + 1` share.
    pub fn conversation_for_member(&self, person: usize) -> Outcome<&str> {
        let seat = self.people[person].seats.iter().find(|seat| seat.other == person ^ 1);
        Ok(seat.map(|seat| seat.session.as_str()).ok_or("two neighbours without a session")?)
    }
}

/// Connects a person and lets them join.
pub async fn arrive(address: SocketAddr, person: &Person) -> Outcome<Socket> {
    timeout(PATIENCE, come_in(address, person)).await.map_err(|_| "no way in within 30 s")?
}

async fn come_in(address: SocketAddr, person: &Person) -> Outcome<Socket> {
    let mut socket = Socket::open(address, PATH).await?;
    socket.output.bytes(format!("40{{\"token\":\"{}\"}}", person.token).as_bytes());
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
                        person.id, person.username
                    )
                    .as_bytes(),
                ),
                Packet::Event { name: b"user:joined", .. } => return Ok(socket),
                Packet::Refused(words) => {
                    return Err(format!("refused: {}", String::from_utf8_lossy(words)).into());
                }
                Packet::Event { name: b"error", body } => {
                    return Err(format!("an error: {}", String::from_utf8_lossy(body)).into());
                }
                _ => {}
            }
        }
        socket.flush().await?;
    }
}

/// Lets many come in, so many at once; in the order of `people`.
pub async fn gather(address: SocketAddr, people: &[Person], at_once: usize) -> Outcome<Vec<Socket>> {
    let next = AtomicUsize::new(0);
    let doors = (0..at_once.min(people.len())).map(|_| async {
        let mut sockets = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(person) = people.get(place) else { return Ok(sockets) };
            let socket = arrive(address, person).await;
            sockets
                .push((place, socket.map_err(|error| format!("person {place} did not come in: {error}"))?));
        }
    });
    let mut sockets = Vec::with_capacity(people.len());
    for door in join_all(doors).await {
        let door: Result<Vec<(usize, Socket)>, String> = door;
        sockets.extend(door?);
    }
    sockets.sort_by_key(|(place, _)| *place);
    Ok(sockets.into_iter().map(|(_, socket)| socket).collect())
}

/// People who are there and say nothing; dropped, they are gone.
#[derive(Default)]
pub struct Idle {
    stop: CancellationToken,
    people: Vec<JoinHandle<Option<Socket>>>,
}

impl Idle {
    pub fn add(&mut self, sockets: Vec<Socket>) {
        for mut socket in sockets {
            let stop = self.stop.clone();
            self.people.push(tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => Some(socket),
                    _ = stay(&mut socket) => None,
                }
            }));
        }
    }

    /// Their connections, in the order in which they came.
    pub async fn take(mut self) -> Outcome<Vec<Socket>> {
        self.stop.cancel();
        let people = std::mem::take(&mut self.people);
        let mut sockets = Vec::with_capacity(people.len());
        for person in people {
            sockets.push(person.await?.ok_or("an idle connection was lost")?);
        }
        Ok(sockets)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        for person in &self.people {
            person.abort();
        }
    }
}

/// Answers heartbeats until the connection ends.
async fn stay(socket: &mut Socket) -> std::io::Result<()> {
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

/// How far every session is: `seq` and `rev`.
pub type Positions = HashMap<String, (u64, u64)>;

/// Asks `chat:sync` from the positions that a person knew, and waits for the answer.
pub async fn sync(socket: &mut Socket, person: &Person, known: &Positions) -> Outcome<()> {
    let mut named = String::new();
    for seat in &person.seats {
        let (seq, rev) = known.get(&seat.session).copied().unwrap_or_default();
        let comma = if named.is_empty() { "" } else { "," };
        let _ = write!(named, "{comma}\"{}\":{{\"seq\":{seq},\"rev\":{rev}}}", seat.session);
    }
    socket.output.bytes(format!("420[\"chat:sync\",{{\"sessions\":{{{named}}}}}]").as_bytes());
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
