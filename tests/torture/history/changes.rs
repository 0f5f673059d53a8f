//! The changes that clients requested: texts, reactions, changes of several conversations, and
//! memberships.

use std::collections::BTreeMap;

use crate::history::{History, Id, Moment, ObservedMessage, Outcome};

/// One attempt to edit; no two have the same text.
#[derive(Debug, Clone)]
pub struct Edit {
    pub by: Id,
    pub session: Id,
    pub message: Id,
    pub text: u64,
    pub begun: Moment,
    pub ended: Moment,
    /// The message's `rev` after it.
    pub outcome: Outcome<u64>,
}

/// One attempt to add an emoji to a message, or to remove it.
#[derive(Debug, Clone)]
pub struct Reaction {
    pub by: Id,
    pub session: Id,
    pub message: Id,
    /// A hash of it.
    pub emoji: u64,
    pub on: bool,
    pub begun: Moment,
    pub ended: Moment,
    pub outcome: Outcome<()>,
}

/// One attempt to forward. Repeats share the key.
#[derive(Debug, Clone)]
pub struct Forward {
    pub by: Id,
    pub key: u64,
    pub sources: Vec<Id>,
    pub targets: Vec<Id>,
    /// All in one message.
    pub merged: bool,
    pub begun: Moment,
    pub ended: Moment,
    /// The written messages, by target, then by source.
    pub outcome: Outcome<Vec<(Id, u64)>>,
}

impl Forward {
    /// The number of messages that it writes into each target.
    pub fn each(&self) -> usize {
        if self.merged { 1 } else { self.sources.len() }
    }
}

/// The absence of a member who is removed and returns. Each step is tried until it is known to be
/// done.
#[derive(Debug, Clone)]
pub struct Absence {
    pub person: Id,
    pub session: Id,
    /// The start of the first attempt to remove them.
    pub begun: Moment,
    /// The answer that they are removed.
    pub answered: Option<Moment>,
    /// The start of the first attempt to add them again.
    pub return_begun: Option<Moment>,
    pub returned: Option<Moment>,
    /// The attempts to remove them that did not fail.
    pub tries: usize,
    /// The first attempt was acknowledged: no other call can have done it.
    pub is_sure: bool,
}

impl Absence {
    pub fn new(person: Id, session: Id, begun: Moment) -> Self {
        let (answered, return_begun, returned) = (None, None, None);
        Self {
            person,
            session,
            begun,
            answered,
            return_begun,
            returned,
            tries: 0,
            is_sure: false,
        }
    }

    /// The time in which they certainly had no membership.
    pub fn certain(&self) -> Option<(Moment, Moment)> {
        self.answered
            .map(|answered| (answered, self.return_begun.unwrap_or(Moment::MAX)))
    }

    /// Whether an operation that began and ended then lies within.
    pub fn holds(&self, begun: Moment, ended: Moment) -> bool {
        self.certain()
            .is_some_and(|(from, to)| from < begun && ended < to)
    }
}

/// A refusal because something does not exist.
#[derive(Debug, Clone)]
pub struct Miss {
    pub person: Id,
    pub sessions: Vec<Id>,
    pub messages: Vec<Id>,
}

/// The number of acknowledged outcomes, and of unknown ones.
fn count<'a, T: 'a>(outcomes: impl Iterator<Item = &'a Outcome<T>>) -> (usize, usize) {
    outcomes.fold((0, 0), |(ok, unknown), outcome| match outcome {
        Outcome::Ok(_) => (ok + 1, unknown),
        Outcome::Unknown => (ok, unknown + 1),
        Outcome::Failed => (ok, unknown),
    })
}

impl History {
    /// Whether a user may have been without a membership at any moment in between.
    pub fn was_away(&self, person: Id, session: Id, from: Moment, to: Moment) -> bool {
        self.absences_of(person, session)
            .any(|absence| absence.begun <= to && absence.returned.unwrap_or(Moment::MAX) >= from)
    }

    pub fn absences_of(&self, person: Id, session: Id) -> impl Iterator<Item = &Absence> {
        self.absences
            .iter()
            .filter(move |absence| absence.person == person && absence.session == session)
    }

    /// Whether they are removed and re-added there.
    pub fn wanders(&self, person: Id, session: Id) -> bool {
        self.absences_of(person, session).next().is_some()
    }

    /// Whether they are a member at the end.
    pub fn is_member_at_end(&self, person: Id, session: Id) -> bool {
        self.was_ever_member(person, session)
            && self
                .absences_of(person, session)
                .all(|absence| absence.returned.is_some())
    }

    /// The acknowledged changes besides sends, and the number of unanswered calls.
    pub fn changes(&self) -> String {
        let kinds = [
            ("edits", count(self.edits.iter().map(|edit| &edit.outcome))),
            (
                "deletions",
                count(self.deletions.iter().map(|deletion| &deletion.outcome)),
            ),
            (
                "reactions",
                count(self.reactions.iter().map(|reaction| &reaction.outcome)),
            ),
            (
                "forwards",
                count(self.forwards.iter().map(|forward| &forward.outcome)),
            ),
        ];
        let kinds = kinds.map(|(name, (ok, unknown))| format!("{ok} {name} and {unknown} unknown"));
        let removals = self
            .absences
            .iter()
            .filter(|absence| absence.answered.is_some())
            .count();
        let unsure = self
            .absences
            .iter()
            .filter(|absence| !absence.is_sure)
            .count();
        format!(
            "{}, {removals} removals, {unsure} of them in doubt at first",
            kinds.join(", ")
        )
    }

    /// All final messages, by id.
    pub fn by_id(&self) -> BTreeMap<Id, (Id, ObservedMessage)> {
        let stored = self.stored().into_iter();
        stored
            .flat_map(|(session, all)| all.iter().map(move |seen| (seen.id, (session, *seen))))
            .collect()
    }

    /// The highest `seq` that was acknowledged in a conversation before this moment.
    pub fn acknowledged_before(&self, session: Id, moment: Moment) -> u64 {
        let before = self
            .attempts
            .iter()
            .filter(|a| a.session == session && a.ended < moment);
        let seqs = before.filter_map(|attempt| match attempt.outcome {
            Outcome::Ok((_, seq)) => Some(seq),
            Outcome::Failed | Outcome::Unknown => None,
        });
        seqs.max().unwrap_or_default()
    }
}
