//! A device: one user's client on one connection after the other. It reconnects as the official
//! client does (1 s, doubled up to 5 s, half of it jitter), resumes by `chat:sync`, applies events
//! to its own state, and records everything.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    client_connection::{ClientConnection, ConnectionOptions, Listener, Refused},
    context::{Answer, Person, TestContext},
    history::observation::sum_of_reactions,
    history::{
        ConnectionLife, Counts, Event, Id, ObservedMessage, Outcome, Page, Position, ReceivedEvent,
        hash,
    },
    model::{ClientModel, SyncedConversation, counts_in},
};

/// The official client's `reconnectionDelay`, `reconnectionDelayMax` and `randomizationFactor`.
const DELAY: f64 = 1.0;
const LONGEST_DELAY: f64 = 5.0;
const JITTER: f64 = 0.5;

/// The delay before attempt `failures`, as in the official client.
pub fn back_off(failures: u32, rng: &mut StdRng) -> Duration {
    let delay =
        DELAY * f64::from(1 << failures.min(4)) * rng.random_range(1.0 - JITTER..1.0 + JITTER);
    Duration::from_secs_f64(delay.min(LONGEST_DELAY))
}

pub struct Device {
    pub name: String,
    pub person: Arc<Person>,
    pub context: Arc<TestContext>,
    pub node: usize,
    pub token: String,
    pub manner: ConnectionOptions,
    pub wire: Option<ClientConnection>,
    pub state: Arc<Mutex<ClientModel>>,
    /// Connections opened with the current token.
    pub wires_of_token: Vec<u32>,
    /// Connections that are open but no longer used.
    pub forgotten: Vec<ClientConnection>,
    /// The next order of the round's fault (see `workload`).
    pub order: Arc<AtomicU8>,
    failures: u32,
}

/// Parses an event; its name is empty when the connection ends.
fn understand(name: &str, payload: &Value) -> Event {
    let session = Id::of(&payload["sessionId"]);
    let number = |field: &str| payload[field].as_u64().unwrap_or_default();
    match name {
        "message:sent" | "message:receive" => Event::Message {
            session: Id::of(&payload["message"]["sessionId"]),
            seen: ObservedMessage::of(&payload["message"]),
        },
        "message:deleted" | "message:recalled" => Event::Deleted {
            session,
            id: Id::of(&payload["messageId"]),
            seq: number("seq"),
            rev: number("rev"),
        },
        "message:updated" => Event::Edited {
            session,
            id: Id::of(&payload["messageId"]),
            seq: number("seq"),
            rev: number("rev"),
            text: hash(payload["content"].as_str().unwrap_or_default()),
        },
        "message:reaction" => Event::Reacted {
            session,
            id: Id::of(&payload["messageId"]),
            seq: number("seq"),
            rev: number("rev"),
            reactions: sum_of_reactions(&payload["reactions"]),
        },
        "message:read" => Event::Read {
            session,
            reader: Id::of(&payload["userId"]),
            seq: number("seq"),
        },
        "message:status" if payload["userId"].is_null() => Event::Counted {
            session,
            message: Id::of(&payload["messageId"]),
            delivered: number("deliveredCount"),
            read: number("readCount"),
        },
        "message:status" => Event::Status {
            session,
            message: Id::of(&payload["messageId"]),
            receiver: Id::of(&payload["userId"]),
            is_read: payload["status"] == "read",
        },
        "unread:count" => Event::Unread(counts_in(&payload["data"]["bySession"])),
        "typing:start" | "typing:stop" => Event::Typing {
            session,
            typist: Id::of(&payload["userId"]),
        },
        "user:status" => Event::Presence {
            user: Id::of(&payload["userId"]),
        },
        "session:created" => Event::Created {
            session: Id::of(&payload["session"]["_id"]),
            seq: payload["session"]["seq"].as_u64().unwrap_or_default(),
        },
        "session:updated" => Event::Updated {
            session,
            rev: number("rev"),
        },
        "session:removed" => Event::Removed { session },
        "user:joined" | "users:online" | "chat:history" | "chat:sync" | "message:read:success" => {
            Event::Answer
        }
        other => Event::Unknown(other.to_owned()),
    }
}

impl Device {
    pub fn new(
        name: String,
        person: &Arc<Person>,
        context: &Arc<TestContext>,
        token: String,
        manner: ConnectionOptions,
    ) -> Self {
        Self {
            name,
            person: Arc::clone(person),
            context: Arc::clone(context),
            node: 0,
            token,
            manner,
            wire: None,
            state: Arc::default(),
            wires_of_token: Vec::new(),
            forgotten: Vec::new(),
            order: Arc::default(),
            failures: 0,
        }
    }

    pub fn is_connected(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| !wire.is_closed())
    }

    fn listener(&self, number: u32) -> Listener {
        let (context, state) = (Arc::clone(&self.context), Arc::clone(&self.state));
        Box::new(move |name, payload| {
            let at = context.now();
            if name.is_empty() {
                context.record(|history| {
                    history.wires.entry(number).or_default().told_to_go = payload == &json!(true);
                });
                return;
            }
            let what = understand(name, payload);
            state.lock().unwrap().apply(&what);
            context.record(|history| {
                history.heard.push(ReceivedEvent {
                    wire: number,
                    at,
                    what,
                });
            });
        })
    }

    /// One attempt to connect, join and sync; after a failure, the delay before the next.
    pub async fn connect(&mut self, rng: &mut StdRng) -> bool {
        self.wire = None;
        let number = self.context.next_wire();
        let (person, opened) = (self.person.id, self.context.now());
        let life = ConnectionLife {
            person,
            opened,
            ..ConnectionLife::default()
        };
        self.context
            .record(|history| history.wires.insert(number, life));
        self.wires_of_token.push(number);
        let address = self.context.nodes[self.node % self.context.nodes.len()].clone();
        let opened = ClientConnection::open(
            number,
            &address,
            &self.token,
            self.manner,
            self.listener(number),
        )
        .await;
        match opened {
            Ok(wire) => {
                self.wire = Some(wire);
                if self.arrive(number).await {
                    self.failures = 0;
                    return true;
                }
            }
            Err(Refused::Code(code)) if code == "AUTH_FAILED" => {
                if let Some(token) = self.context.login(self.node, &self.person.name).await {
                    self.token = token;
                    self.wires_of_token.clear();
                }
            }
            Err(Refused::Code(code)) if code != "INTERNAL" => {
                self.context.odd(format!(
                    "the handshake of {} was refused: {code}",
                    self.name
                ));
            }
            Err(Refused::Code(_) | Refused::Unreachable(_)) => self.node += 1,
        }
        let pause = back_off(self.failures, rng);
        self.failures += 1;
        tokio::time::sleep(pause).await;
        false
    }

    async fn arrive(&mut self, number: u32) -> bool {
        let join = json!({ "id": self.person.id.to_string(), "username": self.person.name });
        if !matches!(self.ask("user:join", &join).await, Answer::Ok(_)) {
            return false;
        }
        let Some(synced) = self.sync().await else {
            return false;
        };
        self.context
            .record(|history| history.wires.entry(number).or_default().synced = synced);
        let is_told = self.ask_unread().await;
        let arrived = self.context.now();
        self.context
            .record(|history| history.wires.entry(number).or_default().arrived = Some(arrived));
        is_told
    }

    /// Requests the counts over the socket; the answer comes as an event, too, in its place among
    /// the pushes.
    async fn ask_unread(&mut self) -> bool {
        let answer = self
            .ask("unread:count", &json!(self.person.id.to_string()))
            .await;
        if let Some(data) = answer.data() {
            let by_session = counts_in(&data["bySession"]);
            self.context
                .record(|history| history.counts.push(Counts { by_session }));
        }
        matches!(answer, Answer::Ok(_))
    }

    /// A call over the socket.
    pub async fn ask(&self, event: &str, payload: &Value) -> Answer {
        self.ask_for(event, payload, false).await
    }

    /// A call over the socket for something that may be deleted.
    pub async fn ask_for(&self, event: &str, payload: &Value, may_miss: bool) -> Answer {
        let Some(wire) = &self.wire else {
            return Answer::Unknown;
        };
        let told = wire.begin(event, payload).await;
        self.settle(event, told, may_miss).await
    }

    /// Waits for an answer over the socket.
    pub async fn settle(
        &self,
        event: &str,
        told: oneshot::Receiver<Value>,
        may_miss: bool,
    ) -> Answer {
        match tokio::time::timeout(self.context.patience, told).await {
            Ok(Ok(envelope)) => self.context.judge(event, envelope, may_miss),
            Ok(Err(_)) | Err(_) => Answer::Unknown,
        }
    }

    /// Updates the state; returns the `seq` it reached in each conversation.
    pub async fn sync(&mut self) -> Option<BTreeMap<Id, u64>> {
        let mut synced = BTreeMap::new();
        // A gap noticed while the answers come belongs to the next sync.
        self.state.lock().unwrap().has_gap = false;
        loop {
            let from = self.state.lock().unwrap().from();
            let begun = self.context.now();
            let answer = self.ask("chat:sync", &from).await;
            let Some(data) = answer.data() else {
                self.state.lock().unwrap().has_gap = true;
                return None;
            };
            for (id, one) in data["sessions"].as_object().into_iter().flatten() {
                let (session, share) = (
                    Id::of(&Value::from(id.as_str())),
                    SyncedConversation::of(one),
                );
                synced.insert(session, share.next_seq);
                self.state.lock().unwrap().take(session, &share);
                let low = from["sessions"][id]["seq"]
                    .as_u64()
                    .unwrap_or_default()
                    .max(share.hidden)
                    + 1;
                self.record_share(session, low, begun, share);
            }
            for gone in data["removed"].as_array().into_iter().flatten() {
                synced.remove(&Id::of(gone));
                self.state.lock().unwrap().sessions.remove(&Id::of(gone));
            }
            if data["hasMore"] != json!(true) {
                return Some(synced);
            }
        }
    }

    fn record_share(&self, session: Id, low: u64, begun: u64, share: SyncedConversation) {
        let (reader, ended) = (self.person.id, self.context.now());
        let high = if share.has_more {
            share.next_seq
        } else {
            u64::MAX
        };
        self.context.record(|history| {
            for (member, seq) in share.positions {
                let observer = reader;
                history.positions.push(Position {
                    observer,
                    session,
                    reader: member,
                    seq,
                    begun,
                    ended,
                });
            }
            history.counts.push(Counts {
                by_session: share.counts.iter().map(|c| (session, c.1)).collect(),
            });
            history.pages.push(Page {
                reader,
                session,
                begun,
                ended,
                low,
                high,
                messages: share.messages,
            });
            // Changes may be of any age: they have no range.
            let changed = Page {
                reader,
                session,
                begun,
                ended,
                low: 1,
                high: 0,
                messages: share.changed,
            };
            history.pages.push(changed);
        });
    }

    /// A REST call with this device's token.
    pub async fn rest(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.context
            .call(self.node, method, path, Some(&self.token), body)
            .await
    }

    /// A REST call for something that may be deleted.
    pub async fn rest_for(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        may_miss: bool,
    ) -> Answer {
        match self
            .context
            .raw(self.node, method, path, Some(&self.token), body)
            .await
        {
            Ok((_, envelope)) => {
                self.context
                    .judge(&format!("{method} {path}"), envelope, may_miss)
            }
            Err(answer) => answer,
        }
    }

    /// Vanishes: leaves the connection open, neither read nor written, or resets it.
    pub fn vanish(&mut self, stands: bool) {
        let Some(wire) = self.wire.take() else { return };
        self.context
            .record(|history| history.wires.entry(wire.number).or_default().vanished = true);
        if stands {
            wire.freeze();
            self.forgotten.push(wire);
        } else {
            wire.break_off();
        }
    }

    /// Signs out over REST. After the answer, no event may arrive; then it signs in again.
    pub async fn sign_out(&mut self) {
        let outcome = self.rest("POST", "/api/auth/logout", None).await.ended();
        if outcome == Outcome::Failed {
            return;
        }
        let (person, answered) = (self.person.id, self.context.now());
        let wires = std::mem::take(&mut self.wires_of_token);
        let why = "logout";
        // Without an answer, the end of the token is unknown and proves nothing.
        if outcome == Outcome::Ok(()) {
            self.context.record(|history| {
                history.endings.push(crate::history::Removal {
                    person,
                    wires,
                    answered,
                    why,
                });
            });
        }
        // The old connection keeps receiving: that is what is checked.
        self.forgotten.extend(self.wire.take());
        if let Some(token) = self.context.login(self.node, &self.person.name).await {
            self.token = token;
        }
    }

    /// After the workload: reconnects if necessary, with any number of attempts, and syncs.
    pub async fn come_home(&mut self, rng: &mut StdRng) -> bool {
        for _ in 0..12 {
            if (self.is_connected() || self.connect(rng).await) && self.sync().await.is_some() {
                return true;
            }
        }
        false
    }

    /// Whether it still receives every event.
    pub fn is_whole(&self) -> bool {
        self.wire
            .as_ref()
            .is_some_and(|wire| !wire.is_closed() && !wire.is_frozen())
    }

    pub fn is_deactivated(&self) -> bool {
        self.person.is_deactivated.load(Ordering::Relaxed)
    }
}
