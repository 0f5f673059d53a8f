//! What the clients know when a round is over: each call with how it ended, each event with the connection
//! that heard it, each page with its range, and a fresh look at the end. Times are the clients' own.

use std::collections::{BTreeMap, BTreeSet};

use super::records::{Absence, Edit, Forward, Miss, Reaction};
pub use super::seen::{Id, Note, Seen, hash};

/// Microseconds since the run began.
pub type Moment = u64;

/// How a call ended, as its caller knows it. A time-out is unknown, never failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<T> {
    Ok(T),
    Failed,
    Unknown,
}

/// One try to send.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub sender: Id,
    pub session: Id,
    pub key: u64,
    pub text: u64,
    /// Connection, and place among what it was asked to send; none over REST.
    pub via: Option<(u32, u64)>,
    pub begun: Moment,
    pub ended: Moment,
    /// The stored message's id and `seq`.
    pub outcome: Ended<(Id, u64)>,
}

/// A page that was read: it shows everything stored with `low <= seq <= high`.
#[derive(Debug, Clone)]
pub struct Page {
    pub reader: Id,
    pub session: Id,
    pub begun: Moment,
    pub ended: Moment,
    pub low: u64,
    pub high: u64,
    pub messages: Vec<Seen>,
}

/// An event that a connection heard.
#[derive(Debug, Clone)]
pub enum What {
    Message {
        session: Id,
        seen: Seen,
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
    /// How many a message in a group has reached, and how many have read it.
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
    /// Who is in a group is different.
    Updated {
        session: Id,
        rev: u64,
    },
    /// One's own seat is gone.
    Removed {
        session: Id,
    },
    /// An answer that came as an event.
    Answer,
    /// By its name.
    Unknown(String),
}

impl What {
    /// The session that it is about.
    pub fn session(&self) -> Option<Id> {
        match self {
            What::Message { session, .. }
            | What::Deleted { session, .. }
            | What::Edited { session, .. }
            | What::Reacted { session, .. }
            | What::Read { session, .. }
            | What::Counted { session, .. }
            | What::Status { session, .. }
            | What::Typing { session, .. }
            | What::Created { session, .. }
            | What::Updated { session, .. }
            | What::Removed { session } => Some(*session),
            What::Unread(_) | What::Presence { .. } | What::Answer | What::Unknown(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub wire: u32,
    pub at: Moment,
    pub what: What,
}

/// A connection's life.
#[derive(Debug, Clone, Default)]
pub struct WireLife {
    pub person: Id,
    /// Its handshake began.
    pub opened: Moment,
    /// It had joined, synced and asked for its counts.
    pub arrived: Option<Moment>,
    /// Up to which `seq` its first complete sync brought each session.
    pub synced: BTreeMap<Id, u64>,
    /// It was told to go (a Socket.IO DISCONNECT) rather than cut off.
    pub told_to_go: bool,
    /// Its client went without a word.
    pub vanished: bool,
    /// It lived and read everything that came until the final look.
    pub is_whole: bool,
}

/// A call that moves a read position.
#[derive(Debug, Clone)]
pub struct Mark {
    pub reader: Id,
    pub session: Id,
    pub seq: u64,
    pub outcome: Ended<()>,
}

/// A call that deletes or recalls.
#[derive(Debug, Clone)]
pub struct Deletion {
    pub session: Id,
    pub seq: u64,
    pub outcome: Ended<()>,
}

/// A read position as a fetch showed it.
#[derive(Debug, Clone)]
pub struct Position {
    pub observer: Id,
    pub session: Id,
    pub reader: Id,
    pub seq: i64,
    pub begun: Moment,
    pub ended: Moment,
}

/// Unread counts as a fetch showed them.
#[derive(Debug, Clone)]
pub struct Counts {
    pub by_session: Vec<(Id, i64)>,
}

/// A logout or deactivation whose success was answered.
#[derive(Debug, Clone)]
pub struct Removal {
    pub person: Id,
    pub wires: Vec<u32>,
    pub answered: Moment,
    pub why: &'static str,
}

/// A try of somebody without a seat or without rights; true when it was refused as it must be.
#[derive(Debug, Clone)]
pub struct Intrusion {
    pub what: String,
    pub refused: bool,
}

/// A fault and when everything was whole again.
#[derive(Debug, Clone)]
pub struct Heal {
    pub fault: String,
    pub healed: Moment,
}

/// What one device knows of a session in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub messages: Vec<Seen>,
    pub positions: BTreeMap<Id, u64>,
}

/// A device after its last sync: old state, events, `chat:sync`.
#[derive(Debug, Clone)]
pub struct DeviceState {
    pub name: String,
    pub person: Id,
    pub sessions: BTreeMap<Id, Known>,
    /// The last word it heard about its counts, if it heard all there were.
    pub pushed: Option<BTreeMap<Id, i64>>,
}

/// A fresh look at a session in the end.
#[derive(Debug, Clone)]
pub struct Final {
    pub reader: Id,
    pub session: Id,
    /// Everything above this is shown.
    pub hidden: u64,
    pub messages: Vec<Seen>,
    /// Message, emoji, person.
    pub reactions: Vec<(Id, u64, Id)>,
    pub positions: BTreeMap<Id, u64>,
    /// As `GET …/unread/:userId` says.
    pub unread: i64,
    /// As the session document says, for each member.
    pub map: BTreeMap<Id, i64>,
}

/// What the round's fault allows.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// All clients are at one node: a connection that lives hears everything.
    pub one_hub: bool,
    /// Nothing that the workload asks may fail: the fault concerns others.
    pub undisturbed: bool,
    /// First success after a fault.
    pub recovery: Moment,
    /// How long after an ending's answer another node may not know of it (docs/architecture/limits.md,
    /// "Changes from elsewhere").
    pub grace: Moment,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct History {
    pub rules: Rules,
    /// Who has, or had, a seat.
    pub seats: BTreeMap<Id, Vec<Id>>,
    /// Groups whose past is open to those who come.
    pub open: BTreeSet<Id>,
    pub absences: Vec<Absence>,
    pub edits: Vec<Edit>,
    pub reactions: Vec<Reaction>,
    pub forwards: Vec<Forward>,
    pub misses: Vec<Miss>,
    pub attempts: Vec<Attempt>,
    pub pages: Vec<Page>,
    pub wires: BTreeMap<u32, WireLife>,
    pub heard: Vec<Heard>,
    pub marks: Vec<Mark>,
    pub deletions: Vec<Deletion>,
    pub positions: Vec<Position>,
    pub counts: Vec<Counts>,
    pub endings: Vec<Removal>,
    pub intrusions: Vec<Intrusion>,
    pub heals: Vec<Heal>,
    /// Answers that the contract does not foresee.
    pub oddities: Vec<String>,
    /// Answers of any kind.
    pub answers: u64,
    /// Refusals by their code.
    pub refusals: BTreeMap<String, u64>,
    pub devices: Vec<DeviceState>,
    pub finals: Vec<Final>,
}

impl History {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            seats: BTreeMap::new(),
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

    /// The final messages of each session, as the first reader saw them from whom least is hidden.
    pub fn stored(&self) -> BTreeMap<Id, &[Seen]> {
        let mut stored: BTreeMap<Id, &[Seen]> = BTreeMap::new();
        let mut finals: Vec<&Final> = self.finals.iter().collect();
        finals.sort_by_key(|last| last.hidden);
        for last in finals {
            stored.entry(last.session).or_insert(&last.messages);
        }
        stored
    }

    pub fn has_seat(&self, person: Id, session: Id) -> bool {
        self.seats.get(&session).is_some_and(|pair| pair.contains(&person))
    }

    /// Sends by sender and key, in the order in which they began.
    pub fn by_key(&self) -> BTreeMap<(Id, u64), Vec<&Attempt>> {
        let mut by_key: BTreeMap<(Id, u64), Vec<&Attempt>> = BTreeMap::new();
        for attempt in &self.attempts {
            by_key.entry((attempt.sender, attempt.key)).or_default().push(attempt);
        }
        for attempts in by_key.values_mut() {
            attempts.sort_by_key(|attempt| attempt.begun);
        }
        by_key
    }
}
