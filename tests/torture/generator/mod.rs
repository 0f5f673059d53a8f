//! The operations of a device, chosen by weight. Each takes one number of the device's own
//! sequence, so that the choices of a run depend on its seed only, however fast the answers come.

mod changes;
pub mod membership;

use std::{sync::atomic::Ordering, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    client::Device,
    context::{Answer, Draft},
    history::{Counts, Deletion, Id, ObservedMessage, Outcome, Page, SendAttempt, hash},
    model::counts_in,
    workload::VANISH_FROZEN,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Burst,
    SendByRest,
    Repeat,
    Read,
    ReadConversationTo,
    Delete,
    Recall,
    Edit,
    React,
    Forward,
    History,
    Unread,
    Sync,
    Typing,
    Reconnect,
    SignOut,
}

/// The operations and their weights.
const WEIGHTS: [(Operation, u32); 16] = [
    (Operation::Burst, 30),
    (Operation::SendByRest, 12),
    (Operation::Repeat, 10),
    (Operation::Read, 14),
    (Operation::ReadConversationTo, 6),
    (Operation::Delete, 3),
    (Operation::Recall, 3),
    (Operation::Edit, 8),
    (Operation::React, 10),
    (Operation::Forward, 5),
    (Operation::History, 12),
    (Operation::Unread, 4),
    (Operation::Sync, 3),
    (Operation::Typing, 5),
    (Operation::Reconnect, 2),
    (Operation::SignOut, 1),
];

/// The share of a user's operations that happens in their groups, if they have any: each has many
/// receivers.
const IN_GROUPS: f64 = 0.25;

/// The pause between two operations, ms.
const PAUSE: std::ops::Range<u64> = 10..90;

fn choose(rng: &mut StdRng) -> Operation {
    let mut roll = rng.random_range(0..WEIGHTS.iter().map(|(_, weight)| weight).sum());
    for (operation, weight) in WEIGHTS {
        match roll.checked_sub(weight) {
            Some(rest) => roll = rest,
            None => return operation,
        }
    }
    Operation::Burst
}

/// Works until the workload stops.
pub async fn work(mut device: Device, mut rng: StdRng) -> Device {
    while device.context.is_running() {
        let mut step = StdRng::seed_from_u64(rng.random());
        if device.is_deactivated() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        if !device.is_connected() {
            device.connect(&mut step).await;
            continue;
        }
        match device.order.swap(0, Ordering::Relaxed) {
            0 => {}
            order => {
                device
                    .vanish_sending(&mut step, order == VANISH_FROZEN)
                    .await;
                continue;
            }
        }
        let has_gap = device.state.lock().unwrap().has_gap;
        if has_gap {
            device.sync().await;
        }
        match choose(&mut step) {
            Operation::Burst => device.burst(&mut step).await,
            Operation::SendByRest => {
                if let Some(draft) = device.draft(&mut step) {
                    device.send_by_rest(draft).await;
                }
            }
            Operation::Repeat => device.repeat(&mut step).await,
            Operation::Read => device.read(&mut step).await,
            Operation::ReadConversationTo => device.read_to(&mut step).await,
            Operation::Delete => device.delete(&mut step).await,
            Operation::Recall => device.recall(&mut step).await,
            Operation::Edit => device.edit(&mut step).await,
            Operation::React => device.react(&mut step).await,
            Operation::Forward => device.forward(&mut step).await,
            Operation::History => device.history(&mut step).await,
            Operation::Unread => device.unread().await,
            Operation::Sync => drop(device.sync().await),
            Operation::Typing => device.typing(&mut step).await,
            Operation::Reconnect => device.reconnect(&mut step),
            Operation::SignOut => device.sign_out().await,
        }
        tokio::time::sleep(Duration::from_millis(step.random_range(PAUSE))).await;
    }
    device
}

impl Device {
    pub fn any_session(&self, rng: &mut StdRng) -> Option<Id> {
        let groups = self.person.groups.lock().unwrap().clone();
        let is_group = rng.random_bool(IN_GROUPS) && !groups.is_empty();
        let mut sessions = if is_group {
            groups.clone()
        } else {
            self.person.sessions()
        };
        sessions.retain(|session| is_group || !groups.contains(session));
        (!sessions.is_empty()).then(|| sessions[rng.random_range(0..sessions.len())])
    }

    pub fn draft(&self, rng: &mut StdRng) -> Option<Draft> {
        let session = self.any_session(rng)?;
        let length = if rng.random_bool(0.05) {
            3_000
        } else {
            rng.random_range(0..200)
        };
        Some(self.draft_for(session, length))
    }

    pub fn draft_for(&self, session: Id, length: usize) -> Draft {
        let key = self.person.next_key();
        Draft {
            session,
            key,
            content: format!("{key:x} {}", "字".repeat(length)),
        }
    }

    fn wire_form(&self, draft: &Draft) -> Value {
        json!({
            "sessionId": draft.session.to_string(), "senderId": self.person.id.to_string(),
            "content": draft.content, "messageType": "text", "clientMsgId": format!("{:x}", draft.key),
        })
    }

    /// Records an attempt and keeps its draft for repeating.
    fn record(&self, draft: Draft, via: Option<(u32, u64)>, begun: u64, answer: &Answer) {
        let outcome = match answer {
            Answer::Ok(envelope) => {
                let seen = ObservedMessage::of(&envelope["data"]);
                Outcome::Ok((seen.id, seen.seq))
            }
            Answer::Failed | Answer::Missing => Outcome::Failed,
            Answer::Unknown => Outcome::Unknown,
        };
        let attempt = SendAttempt {
            sender: self.person.id,
            session: draft.session,
            key: draft.key,
            text: hash(&draft.content),
            via,
            begun,
            ended: self.context.now(),
            outcome,
        };
        self.context
            .record(|history| history.attempts.push(attempt));
        if matches!(outcome, Outcome::Ok(_)) {
            self.person
                .lost
                .lock()
                .unwrap()
                .retain(|lost| lost.key != draft.key);
            self.person.remember(draft);
        } else {
            let mut lost = self.person.lost.lock().unwrap();
            if !lost.iter().any(|lost| lost.key == draft.key) {
                lost.push(draft);
            }
        }
    }

    /// Pipelines drafts over the socket and waits for all answers.
    pub async fn send_all(&self, drafts: Vec<Draft>) {
        let Some(wire) = &self.wire else { return };
        let mut told = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let (begun, via) = (self.context.now(), Some((wire.number, wire.next_place())));
            told.push((
                wire.begin("message:send", &self.wire_form(&draft)).await,
                draft,
                via,
                begun,
            ));
        }
        for (told, draft, via, begun) in told {
            let may_miss = self.person.wanders(draft.session);
            let answer = self.settle("message:send", told, may_miss).await;
            self.record(draft, via, begun, &answer);
        }
    }

    async fn burst(&self, rng: &mut StdRng) {
        let count = rng.random_range(1..=12);
        let drafts = (0..count).filter_map(|_| self.draft(rng)).collect();
        self.send_all(drafts).await;
    }

    /// Sends a burst, waits for no answer and vanishes.
    async fn vanish_sending(&mut self, rng: &mut StdRng, stands: bool) {
        let Some(wire) = &self.wire else { return };
        for draft in (0..20).filter_map(|_| self.draft(rng)).collect::<Vec<_>>() {
            let (begun, via) = (self.context.now(), Some((wire.number, wire.next_place())));
            drop(wire.begin("message:send", &self.wire_form(&draft)).await);
            self.record(draft, via, begun, &Answer::Unknown);
        }
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..20_000))).await;
        self.vanish(stands);
    }

    pub async fn send_by_rest(&self, draft: Draft) {
        let begun = self.context.now();
        let (form, may_miss) = (self.wire_form(&draft), self.person.wanders(draft.session));
        let answer = self
            .rest_for("POST", "/api/chat/messages", Some(form), may_miss)
            .await;
        self.record(draft, None, begun, &answer);
    }

    /// Repeats a lost send, or even an acknowledged one.
    async fn repeat(&self, rng: &mut StdRng) {
        let (place, prefers_lost, by_socket) = (
            rng.random::<u32>() as usize,
            rng.random_bool(0.8),
            rng.random_bool(0.5),
        );
        let draft = {
            let lost = self.person.lost.lock().unwrap();
            let acknowledged = self.person.acknowledged.lock().unwrap();
            if prefers_lost && !lost.is_empty() {
                lost.get(place % lost.len()).cloned()
            } else {
                acknowledged.get(place % acknowledged.len().max(1)).cloned()
            }
        };
        match draft {
            Some(draft) if by_socket => self.send_all(vec![draft]).await,
            Some(draft) => self.send_by_rest(draft).await,
            None => {}
        }
    }

    /// One of the messages that this device knows, preferably a new one.
    pub fn known_message(
        &self,
        rng: &mut StdRng,
        fits: impl Fn(&ObservedMessage) -> bool,
    ) -> Option<(Id, ObservedMessage)> {
        let (session, back) = (self.any_session(rng)?, rng.random_range(0..20));
        let state = self.state.lock().unwrap();
        let messages = &state.sessions.get(&session)?.messages;
        let seen = messages
            .values()
            .rev()
            .filter(|seen| fits(seen))
            .take(back + 1)
            .last()?;
        Some((session, *seen))
    }

    async fn read(&self, rng: &mut StdRng) {
        let by_socket = rng.random_bool(0.6);
        let Some((session, seen)) = self.known_message(rng, |_| true) else {
            return;
        };
        let (me, may_miss) = (self.person.id.to_string(), self.person.wanders(session));
        let answer = if by_socket {
            let ask = json!({ "messageId": seen.id.to_string(), "userId": me });
            self.ask_for("message:read", &ask, may_miss).await
        } else {
            let path = format!("/api/chat/messages/{}/read", seen.id);
            self.rest_for("PUT", &path, Some(json!({ "userId": me })), may_miss)
                .await
        };
        self.note_mark(session, seen.seq, answer.ended());
    }

    async fn delete(&self, rng: &mut StdRng) {
        let me = self.person.id;
        let own = self.known_message(rng, |seen| seen.sender == me && seen.is_said());
        let Some((session, seen)) = own else { return };
        let path = format!("/api/chat/messages/{}", seen.id);
        let (ask, may_miss) = (
            json!({ "userId": me.to_string() }),
            self.person.wanders(session),
        );
        let answer = self.rest_for("DELETE", &path, Some(ask), may_miss).await;
        let deletion = Deletion {
            session,
            seq: seen.seq,
            outcome: answer.ended(),
        };
        self.context
            .record(|history| history.deletions.push(deletion));
    }

    /// A page of some kind, over REST or the socket.
    async fn history(&self, rng: &mut StdRng) {
        let (kind, limit, by_socket) = (
            rng.random_range(0..3),
            rng.random_range(5..=60),
            rng.random_bool(0.4),
        );
        let Some((session, seen)) = self.known_message(rng, |_| true) else {
            return;
        };
        let (name, number) = [
            ("page", 1),
            ("beforeSeq", seen.seq),
            ("afterSeq", seen.seq / 2),
        ][kind];
        let (begun, may_miss) = (self.context.now(), self.person.wanders(session));
        let answer = if by_socket {
            let ask = json!({ "sessionId": session.to_string(), "limit": limit, name: number });
            self.ask_for("chat:history", &ask, may_miss).await
        } else {
            let path = format!("/api/chat/messages/{session}?limit={limit}&{name}={number}");
            self.rest_for("GET", &path, None, may_miss).await
        };
        let Answer::Ok(envelope) = answer else { return };
        let messages: Vec<ObservedMessage> = envelope["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(ObservedMessage::of)
            .collect();
        let more = envelope["pagination"]["hasMore"] == json!(true);
        let (first, last) = (
            messages.first().map_or(1, |m| m.seq),
            messages.last().map_or(0, |m| m.seq),
        );
        let (low, high) = match name {
            "page" => (if more { first } else { 1 }, u64::MAX),
            "beforeSeq" => (if more { first } else { 1 }, number.saturating_sub(1)),
            _ => (number + 1, if more { last } else { u64::MAX }),
        };
        let (reader, ended) = (self.person.id, self.context.now());
        let page = Page {
            reader,
            session,
            begun,
            ended,
            low,
            high,
            messages,
        };
        self.context.record(|history| history.pages.push(page));
    }

    async fn unread(&self) {
        let answer = self
            .rest(
                "GET",
                &format!("/api/chat/messages/unread/{}", self.person.id),
                None,
            )
            .await;
        if let Some(data) = answer.data() {
            let by_session = counts_in(&data["bySession"]);
            self.context
                .record(|history| history.counts.push(Counts { by_session }));
        }
    }

    async fn typing(&self, rng: &mut StdRng) {
        let Some(session) = self.any_session(rng) else {
            return;
        };
        let ask = json!({ "sessionId": session.to_string(), "userId": self.person.id.to_string() });
        self.ask_for("typing:start", &ask, self.person.wanders(session))
            .await;
    }

    /// Drops the connection, with a DISCONNECT or a reset; the next step opens a new one.
    fn reconnect(&mut self, rng: &mut StdRng) {
        let breaks_off = rng.random_bool(0.5);
        if let Some(wire) = self.wire.take()
            && breaks_off
        {
            wire.break_off();
        }
        self.node += usize::from(rng.random_bool(0.5));
    }

    /// Sends a last message in each conversation, after which every earlier send on this node is
    /// settled; and repeats half of the lost sends, and some forwards.
    pub async fn last_words(&self, rng: &mut StdRng) {
        let lost = self.person.lost.lock().unwrap().clone();
        let again: Vec<Draft> = lost.into_iter().filter(|_| rng.random_bool(0.5)).collect();
        self.send_all(again).await;
        let forwards = self.person.forwards.lock().unwrap().clone();
        for forward in forwards {
            if rng.random_bool(0.3) {
                self.send_forward(forward, true).await;
            }
        }
        for session in self.person.sessions() {
            self.send_all(vec![self.draft_for(session, 1)]).await;
        }
    }
}
