//! A device's operations on existing messages: edits, recalls, reactions, forwards, read positions.

use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    client::Device,
    context::{Answer, ForwardDraft},
    history::changes::{Edit, Forward, Miss, Reaction},
    history::{Deletion, Id, Mark, ObservedMessage, Outcome, hash},
};

/// Few, so that users choose the same ones.
const EMOJI: [&str; 4] = ["👍", "❤", "✅", "🩺"];

impl Device {
    /// Records when a permanent member gets the answer that something does not exist.
    fn note_miss(&self, answer: &Answer, sessions: Vec<Id>, messages: Vec<Id>) {
        if matches!(answer, Answer::Missing) {
            let person = self.person.id;
            self.context.record(|history| {
                history.misses.push(Miss {
                    person,
                    sessions,
                    messages,
                });
            });
        }
    }

    /// A message that this user wrote.
    fn own_message(&self, rng: &mut StdRng) -> Option<(Id, ObservedMessage)> {
        let me = self.person.id;
        self.known_message(rng, |seen| {
            seen.sender == me && seen.is_said() && seen.part == 0
        })
    }

    pub async fn edit(&self, rng: &mut StdRng) {
        let by_socket = rng.random_bool(0.5);
        let Some((session, seen)) = self.own_message(rng) else {
            return;
        };
        let content = format!("{:x} says it better", self.person.next_key());
        let (begun, message) = (self.context.now(), seen.id);
        let answer = if by_socket {
            let ask = json!({ "messageId": message.to_string(), "content": content });
            self.ask_for("message:edit", &ask, true).await
        } else {
            let path = format!("/api/chat/messages/{message}");
            self.rest_for("PUT", &path, Some(json!({ "content": content })), true)
                .await
        };
        self.note_miss(&answer, vec![session], vec![message]);
        let text = hash(&content);
        let outcome = match &answer {
            Answer::Ok(envelope) => {
                let stored = ObservedMessage::of(&envelope["data"]);
                if stored.text != text || stored.id != message {
                    self.context
                        .odd(format!("an edit of {message} was answered with {stored:?}"));
                }
                Outcome::Ok(stored.rev)
            }
            Answer::Failed | Answer::Missing => Outcome::Failed,
            Answer::Unknown => Outcome::Unknown,
        };
        let (by, ended) = (self.person.id, self.context.now());
        let edit = Edit {
            by,
            session,
            message,
            text,
            begun,
            ended,
            outcome,
        };
        self.context.record(|history| history.edits.push(edit));
    }

    pub async fn recall(&self, rng: &mut StdRng) {
        let by_socket = rng.random_bool(0.5);
        let Some((session, seen)) = self.own_message(rng) else {
            return;
        };
        let answer = if by_socket {
            let ask = json!({ "messageId": seen.id.to_string() });
            self.ask_for("message:recall", &ask, true).await
        } else {
            let path = format!("/api/chat/messages/{}/recall", seen.id);
            self.rest_for("POST", &path, None, true).await
        };
        self.note_miss(&answer, vec![session], vec![seen.id]);
        let deletion = Deletion {
            session,
            seq: seen.seq,
            outcome: answer.ended(),
        };
        self.context
            .record(|history| history.deletions.push(deletion));
    }

    /// Adds an emoji to a message, or removes it.
    pub async fn react(&self, rng: &mut StdRng) {
        let (by_socket, on) = (rng.random_bool(0.6), rng.random_bool(0.7));
        let emoji = EMOJI[rng.random_range(0..EMOJI.len())];
        let Some((session, seen)) = self.known_message(rng, ObservedMessage::is_said) else {
            return;
        };
        let (begun, message) = (self.context.now(), seen.id);
        let answer = if by_socket {
            let ask = json!({ "messageId": message.to_string(), "emoji": emoji, "remove": !on });
            self.ask_for("message:react", &ask, true).await
        } else if on {
            let path = format!("/api/chat/messages/{message}/reactions");
            self.rest_for("POST", &path, Some(json!({ "emoji": emoji })), true)
                .await
        } else {
            let path = format!("/api/chat/messages/{message}/reactions/{emoji}");
            self.rest_for("DELETE", &path, None, true).await
        };
        self.note_miss(&answer, vec![session], vec![message]);
        let (by, ended, outcome) = (self.person.id, self.context.now(), answer.ended());
        let reaction = Reaction {
            by,
            session,
            message,
            emoji: hash(emoji),
            on,
            begun,
            ended,
            outcome,
        };
        self.context
            .record(|history| history.reactions.push(reaction));
    }

    /// Forwards up to three messages into one or two conversations, or repeats a forward.
    pub async fn forward(&self, rng: &mut StdRng) {
        let (repeats, merged) = (rng.random_bool(0.3), rng.random_bool(0.4));
        let (by_socket, place) = (rng.random_bool(0.5), rng.random::<u32>() as usize);
        let known = self.person.forwards.lock().unwrap().clone();
        if repeats && !known.is_empty() {
            self.send_forward(known[place % known.len()].clone(), by_socket)
                .await;
            return;
        }
        let mut sources: Vec<(Id, Id)> = Vec::new();
        for _ in 0..rng.random_range(1..=3) {
            let source = self.known_message(rng, |seen| seen.is_said() && seen.part == 0);
            let new = source.filter(|(_, seen)| !sources.iter().any(|(id, _)| *id == seen.id));
            sources.extend(new.map(|(session, seen)| (seen.id, session)));
        }
        let mut targets: Vec<Id> = Vec::new();
        for _ in 0..2 {
            targets.extend(
                self.any_session(rng)
                    .filter(|session| !targets.contains(session)),
            );
        }
        if !sources.is_empty() && !targets.is_empty() {
            let key = self.person.next_key();
            self.send_forward(
                ForwardDraft {
                    key,
                    sources,
                    targets,
                    merged,
                },
                by_socket,
            )
            .await;
        }
    }

    pub async fn send_forward(&self, draft: ForwardDraft, by_socket: bool) {
        let ask = json!({
            "messageIds": draft.sources.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>(),
            "toSessionIds": draft.targets.iter().map(Id::to_string).collect::<Vec<_>>(),
            "mode": if draft.merged { "merged" } else { "each" },
            "clientMsgId": format!("{:x}", draft.key),
        });
        let begun = self.context.now();
        let answer = if by_socket {
            self.ask_for("message:forward", &ask, true).await
        } else {
            self.rest_for("POST", "/api/chat/messages/forward", Some(ask), true)
                .await
        };
        let (sources, from): (Vec<Id>, Vec<Id>) = draft.sources.iter().copied().unzip();
        let sessions = from
            .into_iter()
            .chain(draft.targets.iter().copied())
            .collect();
        self.note_miss(&answer, sessions, sources.clone());
        let outcome = match &answer {
            Answer::Ok(envelope) => {
                let written = envelope["data"]["messages"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let place =
                    |message: &Value| (Id::of(&message["_id"]), ObservedMessage::of(message).seq);
                Outcome::Ok(written.map(place).collect())
            }
            Answer::Failed | Answer::Missing => Outcome::Failed,
            Answer::Unknown => Outcome::Unknown,
        };
        let forward = Forward {
            by: self.person.id,
            key: draft.key,
            sources,
            targets: draft.targets.clone(),
            merged: draft.merged,
            begun,
            ended: self.context.now(),
            outcome,
        };
        self.context
            .record(|history| history.forwards.push(forward));
        self.person.keep_forward(draft);
    }

    /// Reads up to a `seq`, regardless of the senders of the messages.
    pub async fn read_to(&self, rng: &mut StdRng) {
        let by_socket = rng.random_bool(0.5);
        let Some((session, seen)) = self.known_message(rng, |_| true) else {
            return;
        };
        let may_miss = self.person.wanders(session);
        let answer = if by_socket {
            let ask = json!({ "sessionId": session.to_string(), "seq": seen.seq });
            self.ask_for("session:read", &ask, may_miss).await
        } else {
            let path = format!("/api/chat/sessions/{session}/read");
            self.rest_for("POST", &path, Some(json!({ "seq": seen.seq })), may_miss)
                .await
        };
        self.note_mark(session, seen.seq, answer.ended());
    }

    /// Records a requested read position.
    pub fn note_mark(&self, session: Id, seq: u64, outcome: Outcome<()>) {
        let reader = self.person.id;
        let mut state = self.state.lock().unwrap();
        match state.sessions.get_mut(&session) {
            Some(local) if outcome == Outcome::Ok(()) => local.advance_position(reader, seq),
            // It may be stored all the same, and its own connection gets no event.
            _ => state.has_gap = true,
        }
        drop(state);
        self.context.record(|history| {
            history.marks.push(Mark {
                reader,
                session,
                seq,
                outcome,
            });
        });
    }
}
