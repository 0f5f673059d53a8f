//! A device's state, updated by events and by `chat:sync`, as in a careful client.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::history::{Event, Id, Known, ObservedMessage};

/// A device's state of one conversation.
#[derive(Debug, Clone, Default)]
pub struct ConversationModel {
    pub messages: BTreeMap<u64, ObservedMessage>,
    /// Everything up to here is known.
    pub seq: u64,
    /// Every change up to here is known.
    pub rev: u64,
    ahead: BTreeSet<u64>,
    pub positions: BTreeMap<Id, u64>,
}

/// The state of all conversations.
#[derive(Debug, Clone, Default)]
pub struct ClientModel {
    pub sessions: BTreeMap<Id, ConversationModel>,
    pub unread: BTreeMap<Id, i64>,
    /// An event was missed: sync before continuing.
    pub has_gap: bool,
}

impl ConversationModel {
    /// Of two states of a message, the one with the later change is kept. A whole message takes
    /// precedence over one assembled from events, some of which may have gone to another node.
    fn put(&mut self, seen: ObservedMessage) {
        let known = self.messages.entry(seen.seq).or_insert(seen);
        if seen.rev >= known.rev {
            *known = seen;
        }
        while self.messages.contains_key(&(self.seq + 1)) {
            self.seq += 1;
        }
    }

    fn advance_rev(&mut self, rev: u64) {
        self.rev = self.rev.max(rev);
        self.ahead.retain(|ahead| *ahead > self.rev);
        while self.ahead.remove(&(self.rev + 1)) {
            self.rev += 1;
        }
    }

    pub fn advance_position(&mut self, reader: Id, seq: u64) {
        let position = self.positions.entry(reader).or_default();
        *position = (*position).max(seq);
    }
}

impl ClientModel {
    pub fn local(&mut self, session: Id) -> &mut ConversationModel {
        self.sessions.entry(session).or_default()
    }

    /// Applies an event; records when it shows that others were missed.
    pub fn apply(&mut self, what: &Event) {
        match what {
            Event::Message { session, seen } => {
                let local = self.local(*session);
                let is_gap = seen.seq > local.seq + 1;
                local.put(*seen);
                self.has_gap |= is_gap;
            }
            Event::Deleted {
                session, seq, rev, ..
            } => self.change(*session, *seq, *rev, |seen| {
                *seen = ObservedMessage {
                    text: 0,
                    deleted: true,
                    reactions: 0,
                    ..*seen
                };
            }),
            Event::Edited {
                session,
                seq,
                rev,
                text,
                ..
            } => {
                self.change(*session, *seq, *rev, |seen| seen.text = *text);
            }
            Event::Reacted {
                session,
                seq,
                rev,
                reactions,
                ..
            } => {
                self.change(*session, *seq, *rev, |seen| seen.reactions = *reactions);
            }
            Event::Updated { session, rev } => self.note_rev(*session, *rev),
            // The cached state must be dropped; after a return, the client fetches it anew.
            Event::Removed { session } => drop(self.sessions.remove(session)),
            Event::Created { session, .. } => {
                self.sessions.remove(session);
                self.has_gap = true;
            }
            Event::Read {
                session,
                reader,
                seq,
            } => self.local(*session).advance_position(*reader, *seq),
            Event::Unread(counts) => self.unread = counts.iter().copied().collect(),
            Event::Status { .. }
            | Event::Counted { .. }
            | Event::Typing { .. }
            | Event::Presence { .. }
            | Event::Answer
            | Event::Unknown(_) => {}
        }
    }

    /// Applies a change, if it is newer than the state. A change of an unknown message is not
    /// recorded as applied: an answer under way may still contain that message in its earlier
    /// state.
    fn change(
        &mut self,
        session: Id,
        seq: u64,
        rev: u64,
        change: impl FnOnce(&mut ObservedMessage),
    ) {
        let local = self.local(session);
        let Some(seen) = local.messages.get_mut(&seq) else {
            self.has_gap = true;
            return;
        };
        if seen.rev < rev {
            change(seen);
            seen.rev = rev;
        }
        self.note_rev(session, rev);
    }

    fn note_rev(&mut self, session: Id, rev: u64) {
        let local = self.local(session);
        local.ahead.insert(rev);
        local.advance_rev(0);
        let is_gap = !local.ahead.is_empty();
        self.has_gap |= is_gap;
    }

    /// The request of `chat:sync`.
    pub fn from(&self) -> Value {
        let sessions: Map<String, Value> = self
            .sessions
            .iter()
            .map(|(session, local)| {
                (
                    session.to_string(),
                    json!({ "seq": local.seq, "rev": local.rev }),
                )
            })
            .collect();
        json!({ "sessions": sessions })
    }

    /// Applies one conversation's part of a sync's answer.
    pub fn take(&mut self, session: Id, share: &SyncedConversation) {
        let local = self.local(session);
        local.messages.retain(|seq, _| *seq > share.hidden);
        local.seq = local.seq.max(share.hidden);
        for seen in share.messages.iter().chain(&share.changed) {
            local.put(*seen);
        }
        local.advance_rev(share.next_rev);
        for (reader, seq) in &share.positions {
            local.advance_position(*reader, u64::try_from(*seq).unwrap_or_default());
        }
    }

    pub fn known(&self) -> BTreeMap<Id, Known> {
        let known = |local: &ConversationModel| Known {
            messages: local.messages.values().copied().collect(),
            positions: local.positions.clone(),
        };
        self.sessions
            .iter()
            .map(|(session, local)| (*session, known(local)))
            .collect()
    }
}

/// One conversation of a `chat:sync` answer.
pub struct SyncedConversation {
    pub messages: Vec<ObservedMessage>,
    pub changed: Vec<ObservedMessage>,
    pub positions: Vec<(Id, i64)>,
    pub counts: Vec<(Id, i64)>,
    pub next_seq: u64,
    pub next_rev: u64,
    pub hidden: u64,
    pub has_more: bool,
}

fn seen_in(list: &Value) -> Vec<ObservedMessage> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(ObservedMessage::of)
        .collect()
}

fn numbers_in(map: &Value, number: impl Fn(&Value) -> &Value) -> Vec<(Id, i64)> {
    let entries = map.as_object().into_iter().flatten();
    entries
        .map(|(id, value)| {
            (
                Id::of(&Value::from(id.as_str())),
                number(value).as_i64().unwrap_or(-1),
            )
        })
        .collect()
}

/// Ids and numbers of a map such as `bySession`.
pub fn counts_in(map: &Value) -> Vec<(Id, i64)> {
    numbers_in(map, |value| value)
}

impl SyncedConversation {
    pub fn of(one: &Value) -> Self {
        let mut changed = seen_in(&one["changed"]);
        changed.sort_by_key(|seen| seen.seq);
        Self {
            messages: seen_in(&one["messages"]),
            changed,
            positions: numbers_in(&one["positions"], |member| &member["readSeq"]),
            counts: counts_in(&one["session"]["unreadCount"]),
            next_seq: one["next"]["seq"].as_u64().unwrap_or_default(),
            next_rev: one["next"]["rev"].as_u64().unwrap_or_default(),
            hidden: one["hiddenSeq"].as_u64().unwrap_or_default(),
            has_more: one["hasMore"].as_bool().unwrap_or_default(),
        }
    }
}
