//! The checks of groups. A former member receives, reads and writes nothing. A returned member does
//! not see what was sent meanwhile. A group has system messages of its removals and returns, and it
//! counts its receipts.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    checker::CheckResult,
    checker::live::UNDER_WAY,
    history::changes::Absence,
    history::{Event, History, Id, Moment, Outcome, ReceivedEvent, SystemMessage},
};

/// How long after its answer an event with the same content may come.
const ANSWERED: Moment = 2_000_000;

/// From the answer to a removal until the return, no event of the group reaches the removed member.
/// In a group with hidden history, they never see what was sent before their return.
pub fn removal(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    for absence in history
        .absences
        .iter()
        .filter(|absence| absence.certain().is_some())
    {
        found.looked_at += 1;
        asked_while_away(history, absence, &mut found);
        if !history.open.contains(&absence.session) {
            hidden_after(history, absence, &mut found);
        }
    }
    heard_while_away(history, &mut found);
    if history.rules.one_hub {
        heard_between(history, &mut found);
    }
    found
}

/// Pages and writes.
fn asked_while_away(history: &History, absence: &Absence, found: &mut CheckResult) {
    let Absence {
        person, session, ..
    } = *absence;
    let mut look = |what: &str, begun: Moment, ended: Moment| {
        found.look(!absence.holds(begun, ended), || {
            format!(
                "{person} was out of {session} ({:?}) and was granted {what} at {begun}",
                absence.certain()
            )
        });
    };
    for page in history
        .pages
        .iter()
        .filter(|page| (page.reader, page.session) == (person, session))
    {
        look("a page", page.begun, page.ended);
    }
    for one in history
        .attempts
        .iter()
        .filter(|one| (one.sender, one.session) == (person, session))
    {
        if let Outcome::Ok(_) = one.outcome {
            look(&format!("a send, {one:?},"), one.begun, one.ended);
        }
    }
    for one in history
        .edits
        .iter()
        .filter(|one| (one.by, one.session) == (person, session))
    {
        if let Outcome::Ok(_) = one.outcome {
            look("an edit", one.begun, one.ended);
        }
    }
    for one in history
        .reactions
        .iter()
        .filter(|one| (one.by, one.session) == (person, session))
    {
        if one.outcome == Outcome::Ok(()) {
            look("a reaction", one.begun, one.ended);
        }
    }
    let forwards = history
        .forwards
        .iter()
        .filter(|one| one.by == person && one.targets.contains(&session));
    for one in forwards {
        if matches!(one.outcome, Outcome::Ok(_)) {
            look("a forward", one.begun, one.ended);
        }
    }
}

/// A member who returned to a group with hidden history sees nothing from before.
fn hidden_after(history: &History, absence: &Absence, found: &mut CheckResult) {
    let (Some(returning), Some(returned)) = (absence.return_begun, absence.returned) else {
        return;
    };
    let Absence {
        person, session, ..
    } = *absence;
    let hidden = history.acknowledged_before(session, returning);
    for page in history
        .pages
        .iter()
        .filter(|page| (page.reader, page.session) == (person, session))
    {
        let shown = page
            .messages
            .iter()
            .map(|seen| seen.seq)
            .min()
            .filter(|_| page.begun > returned);
        found.look(shown.is_none_or(|seq| seq > hidden), || {
            format!("{person} came back to {session} at {hidden} and a page showed {shown:?}")
        });
    }
    for last in history
        .finals
        .iter()
        .filter(|last| (last.reader, last.session) == (person, session))
    {
        found.look(last.hidden >= hidden, || {
            format!(
                "{person} came back to {session} at {hidden}, hidden is {}",
                last.hidden
            )
        });
    }
}

/// Messages and edits during their absence are published to them neither then nor later; events
/// under way at the removal arrive soon.
fn heard_while_away(history: &History, found: &mut CheckResult) {
    let sent: BTreeMap<(Id, u64), (Moment, Moment)> = history
        .by_key()
        .into_iter()
        .filter_map(|(key, attempts)| {
            let ok = attempts
                .iter()
                .find(|attempt| matches!(attempt.outcome, Outcome::Ok(_)))?;
            Some((key, (attempts[0].begun, ok.ended)))
        })
        .collect();
    let edited = history
        .edits
        .iter()
        .filter(|edit| matches!(edit.outcome, Outcome::Ok(_)));
    let edited: BTreeMap<(Id, u64), (Moment, Moment)> = edited
        .map(|edit| ((edit.message, edit.text), (edit.begun, edit.ended)))
        .collect();
    for ReceivedEvent { wire, at, what } in &history.heard {
        let (Some(life), Some(session)) = (history.wires.get(wire), what.session()) else {
            continue;
        };
        let cause = match what {
            Event::Message { seen, .. } if seen.part == 0 => sent.get(&(seen.sender, seen.key)),
            Event::Edited { id, text, .. } => edited.get(&(*id, *text)),
            _ => None,
        };
        for absence in history.absences_of(life.person, session) {
            let Some((from, to)) = absence.certain() else {
                continue;
            };
            let is_late = *at > from + history.rules.grace + UNDER_WAY && *at < to;
            let is_new = history.rules.one_hub && life.opened > from && *at < to;
            let is_hidden = cause.is_some_and(|(begun, ended)| absence.holds(*begun, *ended));
            found.look(!(is_late || is_new || is_hidden), || {
                format!(
                    "{} was out of {session} from {from} to {to}; connection {wire} heard {what:?} at {at}",
                    life.person
                )
            });
        }
    }
}

/// On one connection, no event of a group comes between the events of the removal and of the
/// return; nor do pushed counts name the group.
fn heard_between(history: &History, found: &mut CheckResult) {
    let mut gone = BTreeSet::new();
    for ReceivedEvent { wire, at, what } in &history.heard {
        let arrived = history.wires.get(wire).and_then(|life| life.arrived);
        if let Event::Unread(counts) = what {
            // The counts requested on arrival may have been fetched before.
            if arrived.is_some_and(|arrived| *at > arrived + ANSWERED) {
                let is_named = counts
                    .iter()
                    .any(|(session, _)| gone.contains(&(*wire, *session)));
                found.look(!is_named, || {
                    format!("connection {wire} heard {what:?} after session:removed")
                });
            }
        }
        let Some(session) = what.session() else {
            continue;
        };
        match what {
            Event::Removed { .. } => drop(gone.insert((*wire, session))),
            Event::Created { .. } => drop(gone.remove(&(*wire, session))),
            _ => found.look(!gone.contains(&(*wire, session)), || {
                format!("connection {wire} heard {what:?} after session:removed")
            }),
        }
    }
}

/// A group has a system message of each removal and each return, in turn, and of nothing else.
pub fn notes(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    for (session, messages) in history.stored() {
        let mut last: BTreeMap<Id, bool> = BTreeMap::new();
        let mut removals: BTreeMap<Id, usize> = BTreeMap::new();
        for seen in messages
            .iter()
            .filter(|seen| seen.note != SystemMessage::None)
        {
            let (person, is_in) = match seen.note {
                SystemMessage::Joined(person) => (person, true),
                SystemMessage::Removed(person) => (person, false),
                SystemMessage::None | SystemMessage::Other => (Id::default(), true),
            };
            let before = last.insert(person, is_in).unwrap_or(true);
            let holds = history.wanders(person, session) && before != is_in && !seen.deleted;
            found.look(holds, || {
                format!("{session}/{} says {:?}", seen.seq, seen.note)
            });
            *removals.entry(person).or_default() += usize::from(!is_in);
        }
        for person in history.members.get(&session).into_iter().flatten() {
            if !history.wanders(*person, session) {
                continue;
            }
            let absences = history.absences_of(*person, session);
            let (sure, tries) = absences.fold((0, 0), |(sure, tries), absence| {
                (sure + usize::from(absence.is_sure), tries + absence.tries)
            });
            let written = removals.get(person).copied().unwrap_or_default();
            found.look((sure..=tries).contains(&written), || {
                format!(
                    "{session}: {person} was removed {sure} to {tries} times, written are {written}"
                )
            });
            let is_in = last.get(person).copied().unwrap_or(true);
            found.look(is_in == history.is_member_at_end(*person, session), || {
                format!("{session}: that {person} is a member is not {is_in}")
            });
        }
    }
    found
}

/// Counts of receipts never decrease, and at the end equal the read positions.
pub fn counted(history: &History, found: &mut CheckResult) {
    let mut known: BTreeMap<(u32, Id), (u64, u64)> = BTreeMap::new();
    for ReceivedEvent { wire, what, .. } in &history.heard {
        let Event::Counted {
            session,
            message,
            delivered,
            read,
        } = what
        else {
            continue;
        };
        let before = known
            .insert((*wire, *message), (*delivered, *read))
            .unwrap_or_default();
        let others = history
            .members
            .get(session)
            .map_or(0, |people| people.len() as u64 - 1);
        let holds = before.0 <= *delivered
            && before.1 <= *read
            && read <= delivered
            && *delivered <= others;
        found.look(holds, || {
            format!("connection {wire} heard {what:?} after {before:?}")
        });
    }
    for last in history.finals.iter().filter(|last| last.hidden == 0) {
        let people = history
            .members
            .get(&last.session)
            .map_or(&[][..], Vec::as_slice);
        let wanders: Vec<bool> = people
            .iter()
            .map(|one| history.wanders(*one, last.session))
            .collect();
        for seen in last.messages.iter().filter(|seen| seen.is_said()) {
            let (mut least, mut most) = (0, 0);
            for (person, wanders) in people
                .iter()
                .zip(&wanders)
                .filter(|(one, _)| **one != seen.sender)
            {
                let position = last.positions.get(person).copied().unwrap_or_default();
                least += u64::from(position >= seen.seq && !wanders);
                most += u64::from(position >= seen.seq || *wanders);
            }
            found.look((least..=most).contains(&seen.readers), || {
                format!(
                    "{}: {} have read {seen:?}, by the positions {least} to {most}",
                    last.session, seen.readers
                )
            });
        }
    }
}

/// A message reported as missing is deleted at the end, or the caller is a wanderer there.
pub fn misses(history: &History, found: &mut CheckResult) {
    let stored = history.by_id();
    for miss in &history.misses {
        let is_gone = |id: &Id| stored.get(id).is_none_or(|(_, seen)| seen.deleted);
        let holds = miss.messages.iter().any(is_gone)
            || miss
                .sessions
                .iter()
                .any(|session| history.wanders(miss.person, *session));
        found.look(holds, || {
            format!(
                "{} was told that {:?} is not there",
                miss.person, miss.messages
            )
        });
    }
}
