//! The clients' observations of a round: each call with its outcome, each event with its
//! connection, each page with its range, and a fresh fetch at the end. Times are the clients' own.

pub mod changes;
pub mod observation;

use std::collections::{BTreeMap, BTreeSet};

use crate::history::changes::{Absence, Edit, Forward, Miss, Reaction};
pub use crate::history::observation::{Id, ObservedMessage, SystemMessage, hash};

/// Microseconds since the start of the run.
pub type Moment = u64;

/// The outcome of a call, as its caller knows it. A time-out is unknown, never failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<T> {
    Ok(T),
    Failed,
    Unknown,
}

/// One attempt to send.
#[derive(Debug, Clone)]
pub struct SendAttempt {
    pub sender: Id,
    pub session: Id,
    pub key: u64,
    pub text: u64,
    /// The connection, and the place among its sends; `None` over REST.
    pub via: Option<(u32, u64)>,
    pub begun: Moment,
    pub ended: Moment,
    /// The stored message's id and `seq`.
    pub outcome: Outcome<(Id, u64)>,
}

/// A page that was read: it contains everything stored with `low <= seq <= high`.
#[derive(Debug, Clone)]
pub struct Page {
    pub reader: Id,
    pub session: Id,
    pub begun: Moment,
    pub ended: Moment,
    pub low: u64,
    pub high: u64,
    pub messages: Vec<ObservedMessage>,
}

/// An event that a connection received.
#[derive(Debug, Clone)]
pub enum Event {
    Message {
        session: Id,
        seen: ObservedMessage,
    },
    Deleted {
        session: Id,
        id: Id,
        seq: u64,
        rev: u64,
    },
    Edited {
        session: Id,
        id: Id,
        seq: u64,
        rev: u64,
        text: u64,
    },
    Reacted {
        session: Id,
        id: Id,
        seq: u64,
        rev: u64,
        /// The sum over all of them.
        reactions: u64,
    },
    Read {
        session: Id,
        reader: Id,
        seq: u64,
    },
    /// The number of members to whom a group's message was delivered, and of those who have read
    /// it.
    Counted {
        session: Id,
        message: Id,
        delivered: u64,
        read: u64,
    },
    Status {
        session: Id,
        message: Id,
        receiver: Id,
        is_read: bool,
    },
    Unread(Vec<(Id, i64)>),
    Typing {
        session: Id,
        typist: Id,
    },
    Presence {
        user: Id,
    },
    Created {
        session: Id,
        /// Its newest message.
        seq: u64,
    },
    /// The membership of a group changed.
    Updated {
        session: Id,
        rev: u64,
    },
    /// The user's own membership ended.
    Removed {
        session: Id,
    },
    /// An answer that came as an event.
    Answer,
    /// An unknown event, by its name.
    Unknown(String),
}

impl Event {
    /// The conversation of the event.
    pub fn session(&self) -> Option<Id> {
        match self {
            Event::Message { session, .. }
            | Event::Deleted { session, .. }
            | Event::Edited { session, .. }
            | Event::Reacted { session, .. }
            | Event::Read { session, .. }
            | Event::Counted { session, .. }
            | Event::Status { session, .. }
            | Event::Typing { session, .. }
            | Event::Created { session, .. }
            | Event::Updated { session, .. }
            | Event::Removed { session } => Some(*session),
            Event::Unread(_) | Event::Presence { .. } | Event::Answer | Event::Unknown(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct ReceivedEvent {
    pub wire: u32,
    pub at: Moment,
    pub what: Event,
}

/// The lifetime of a connection.
#[derive(Debug, Clone, Default)]
pub struct ConnectionLife {
    pub person: Id,
    /// When its handshake began.
    pub opened: Moment,
    /// When it had joined, synced and requested its counts.
    pub arrived: Option<Moment>,
    /// The `seq` to which its first complete sync brought each conversation.
    pub synced: BTreeMap<Id, u64>,
    /// The server sent a Socket.IO DISCONNECT, rather than closing the connection.
    pub told_to_go: bool,
    /// Its client vanished.
    pub vanished: bool,
    /// It lived and read everything until the final fetch.
    pub is_whole: bool,
}

/// A call that moves a read position.
#[derive(Debug, Clone)]
pub struct Mark {
    pub reader: Id,
    pub session: Id,
    pub seq: u64,
    pub outcome: Outcome<()>,
}

/// A call that deletes or recalls.
#[derive(Debug, Clone)]
pub struct Deletion {
    pub session: Id,
    pub seq: u64,
    pub outcome: Outcome<()>,
}

/// A read position in a fetch.
#[derive(Debug, Clone)]
pub struct Position {
    pub observer: Id,
    pub session: Id,
    pub reader: Id,
    pub seq: i64,
    pub begun: Moment,
    pub ended: Moment,
}

/// Unread counts in a fetch.
#[derive(Debug, Clone)]
pub struct Counts {
    pub by_session: Vec<(Id, i64)>,
}

/// A logout or deactivation that was answered with success.
#[derive(Debug, Clone)]
pub struct Removal {
    pub person: Id,
    pub wires: Vec<u32>,
    pub answered: Moment,
    pub why: &'static str,
}

/// An attempt without a membership or rights; true when it was refused as required.
#[derive(Debug, Clone)]
pub struct Intrusion {
    pub what: String,
    pub refused: bool,
}

/// A fault, and when everything was healthy again.
#[derive(Debug, Clone)]
pub struct Heal {
    pub fault: String,
    pub healed: Moment,
}

/// A device's final state of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub messages: Vec<ObservedMessage>,
    pub positions: BTreeMap<Id, u64>,
}

/// A device after its last sync: old state, events, `chat:sync`.
#[derive(Debug, Clone)]
pub struct DeviceState {
    pub name: String,
    pub person: Id,
    pub sessions: BTreeMap<Id, Known>,
    /// The last counts pushed to it, if it received all events.
    pub pushed: Option<BTreeMap<Id, i64>>,
}

/// A fresh final fetch of a conversation.
#[derive(Debug, Clone)]
pub struct FinalRead {
    pub reader: Id,
    pub session: Id,
    /// Everything above this `seq` is visible.
    pub hidden: u64,
    pub messages: Vec<ObservedMessage>,
    /// Message, emoji, user.
    pub reactions: Vec<(Id, u64, Id)>,
    pub positions: BTreeMap<Id, u64>,
    /// As `GET …/unread/:userId` returns it.
    pub unread: i64,
    /// As in the session document, for each member.
    pub map: BTreeMap<Id, i64>,
}

/// Event the round's fault permits.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// All clients are at one node: a live connection receives everything.
    pub one_hub: bool,
    /// No call of the workload may fail: the fault concerns others.
    pub undisturbed: bool,
    /// The limit for the first success after a fault.
    pub recovery: Moment,
    /// How long after an ending's answer another node may not know of it
    /// (docs/architecture/limits.md, "Changes from elsewhere").
    pub grace: Moment,
}

/// All observations.
#[derive(Debug, Clone)]
pub struct History {
    pub rules: Rules,
    /// Members and former members.
    pub members: BTreeMap<Id, Vec<Id>>,
    /// Groups that show their history to new members.
    pub open: BTreeSet<Id>,
    pub absences: Vec<Absence>,
    pub edits: Vec<Edit>,
    pub reactions: Vec<Reaction>,
    pub forwards: Vec<Forward>,
    pub misses: Vec<Miss>,
    pub attempts: Vec<SendAttempt>,
    pub pages: Vec<Page>,
    pub wires: BTreeMap<u32, ConnectionLife>,
    pub heard: Vec<ReceivedEvent>,
    pub marks: Vec<Mark>,
    pub deletions: Vec<Deletion>,
    pub positions: Vec<Position>,
    pub counts: Vec<Counts>,
    pub endings: Vec<Removal>,
    pub intrusions: Vec<Intrusion>,
    pub heals: Vec<Heal>,
    /// Answers that the contract does not allow.
    pub oddities: Vec<String>,
    /// The number of all answers.
    pub answers: u64,
    /// Refusals by their code.
    pub refusals: BTreeMap<String, u64>,
    pub devices: Vec<DeviceState>,
    pub finals: Vec<FinalRead>,
}

impl History {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            members: BTreeMap::new(),
            open: BTreeSet::new(),
            absences: Vec::new(),
            edits: Vec::new(),
            reactions: Vec::new(),
            forwards: Vec::new(),
            misses: Vec::new(),
            attempts: Vec::new(),
            pages: Vec::new(),
            wires: BTreeMap::new(),
            heard: Vec::new(),
            marks: Vec::new(),
            deletions: Vec::new(),
            positions: Vec::new(),
            counts: Vec::new(),
            endings: Vec::new(),
            intrusions: Vec::new(),
            heals: Vec::new(),
            oddities: Vec::new(),
            answers: 0,
            refusals: BTreeMap::new(),
            devices: Vec::new(),
            finals: Vec::new(),
        }
    }

    /// The final messages of each conversation, as the reader with the least hidden history saw
    /// them.
    pub fn stored(&self) -> BTreeMap<Id, &[ObservedMessage]> {
        let mut stored: BTreeMap<Id, &[ObservedMessage]> = BTreeMap::new();
        let mut finals: Vec<&FinalRead> = self.finals.iter().collect();
        finals.sort_by_key(|last| last.hidden);
        for last in finals {
            stored.entry(last.session).or_insert(&last.messages);
        }
        stored
    }

    pub fn was_ever_member(&self, person: Id, session: Id) -> bool {
        self.members
            .get(&session)
            .is_some_and(|pair| pair.contains(&person))
    }

    /// Sends by sender and key, in the order in which they began.
    pub fn by_key(&self) -> BTreeMap<(Id, u64), Vec<&SendAttempt>> {
        let mut by_key: BTreeMap<(Id, u64), Vec<&SendAttempt>> = BTreeMap::new();
        for attempt in &self.attempts {
            by_key
                .entry((attempt.sender, attempt.key))
                .or_default()
                .push(attempt);
        }
        for attempts in by_key.values_mut() {
            attempts.sort_by_key(|attempt| attempt.begun);
        }
        by_key
    }
}
