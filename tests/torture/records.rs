//! What the clients asked to be changed: words, reactions, several sessions at once, and who is in a group.

use std::collections::BTreeMap;

use super::history::{Ended, History, Id, Moment, Seen};

/// One try to edit; no two write the same words.
#[derive(Debug, Clone)]
pub struct Edit {
    pub by: Id,
    pub session: Id,
    pub message: Id,
    pub text: u64,
    pub begun: Moment,
    pub ended: Moment,
    /// The message's `rev` after it.
    pub outcome: Ended<u64>,
}

/// One try to put an emoji on a message, or to take it off.
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
    pub outcome: Ended<()>,
}

/// One try to forward. Repeats share the key.
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
    /// What was written, by target, then by source.
    pub outcome: Ended<Vec<(Id, u64)>>,
}

impl Forward {
    /// How many messages it writes into each target.
    pub fn each(&self) -> usize {
        if self.merged { 1 } else { self.sources.len() }
    }
}

/// A member of a group who is removed and comes back. Each step is asked for until it is known to be done.
#[derive(Debug, Clone)]
pub struct Absence {
    pub person: Id,
    pub session: Id,
    /// The first try to remove them began.
    pub begun: Moment,
    /// It was answered that they are out.
    pub answered: Option<Moment>,
    /// The first try to add them again began.
    pub return_begun: Option<Moment>,
    pub returned: Option<Moment>,
    /// Tries to remove them that did not fail.
    pub tries: usize,
    /// The first try was acknowledged: nobody else can have done it.
    pub is_sure: bool,
}

impl Absence {
    pub fn new(person: Id, session: Id, begun: Moment) -> Self {
        let (answered, return_begun, returned) = (None, None, None);
        Self { person, session, begun, answered, return_begun, returned, tries: 0, is_sure: false }
    }

    /// From when until when they certainly had no seat.
    pub fn certain(&self) -> Option<(Moment, Moment)> {
        self.answered.map(|answered| (answered, self.return_begun.unwrap_or(Moment::MAX)))
    }

    /// Whether something that began and ended then lies within.
    pub fn holds(&self, begun: Moment, ended: Moment) -> bool {
        self.certain().is_some_and(|(from, to)| from < begun && ended < to)
    }
}

/// Something was refused as not there.
#[derive(Debug, Clone)]
pub struct Miss {
    pub person: Id,
    pub sessions: Vec<Id>,
    pub messages: Vec<Id>,
}

/// How many are acknowledged, and how many unknown.
fn count<'a, T: 'a>(outcomes: impl Iterator<Item = &'a Ended<T>>) -> (usize, usize) {
    outcomes.fold((0, 0), |(ok, unknown), outcome| match outcome {
        Ended::Ok(_) => (ok + 1, unknown),
        Ended::Unknown => (ok, unknown + 1),
        Ended::Failed => (ok, unknown),
    })
}

impl History {
    /// Whether somebody may have been without a seat at any moment between.
    pub fn was_away(&self, person: Id, session: Id, from: Moment, to: Moment) -> bool {
        self.absences_of(person, session)
            .any(|absence| absence.begun <= to && absence.returned.unwrap_or(Moment::MAX) >= from)
    }

    pub fn absences_of(&self, person: Id, session: Id) -> impl Iterator<Item = &Absence> {
        self.absences.iter().filter(move |absence| absence.person == person && absence.session == session)
    }

    /// Whether they come and go there.
    pub fn wanders(&self, person: Id, session: Id) -> bool {
        self.absences_of(person, session).next().is_some()
    }

    /// Whether they have a seat in the end.
    pub fn is_seated(&self, person: Id, session: Id) -> bool {
        self.has_seat(person, session)
            && self.absences_of(person, session).all(|absence| absence.returned.is_some())
    }

    /// What was acknowledged besides sends, and how many calls nobody answered.
    pub fn changes(&self) -> String {
        let kinds = [
            ("edits", count(self.edits.iter().map(|edit| &edit.outcome))),
            ("deletions", count(self.deletions.iter().map(|deletion| &deletion.outcome))),
            ("reactions", count(self.reactions.iter().map(|reaction| &reaction.outcome))),
            ("forwards", count(self.forwards.iter().map(|forward| &forward.outcome))),
        ];
        let kinds = kinds.map(|(name, (ok, unknown))| format!("{ok} {name} and {unknown} unknown"));
        let removals = self.absences.iter().filter(|absence| absence.answered.is_some()).count();
        let unsure = self.absences.iter().filter(|absence| !absence.is_sure).count();
        format!("{}, {removals} removals, {unsure} of them in doubt at first", kinds.join(", "))
    }

    /// All messages in the end, by id.
    pub fn by_id(&self) -> BTreeMap<Id, (Id, Seen)> {
        let stored = self.stored().into_iter();
        stored.flat_map(|(session, all)| all.iter().map(move |seen| (seen.id, (session, *seen)))).collect()
    }

    /// What was acknowledged in a session before this moment, the highest `seq` of it.
    pub fn acknowledged_before(&self, session: Id, moment: Moment) -> u64 {
        let before = self.attempts.iter().filter(|a| a.session == session && a.ended < moment);
        let seqs = before.filter_map(|attempt| match attempt.outcome {
            Ended::Ok((_, seq)) => Some(seq),
            Ended::Failed | Ended::Unknown => None,
        });
        seqs.max().unwrap_or_default()
    }
}
