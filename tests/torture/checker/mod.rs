//! The checkers, each a pure function from a history to its result. Those of what was stored and
//! answered are here.

mod changes;
mod changes_tests;
pub mod fixture;
pub mod fixture_group;
mod groups;
mod live;
pub mod outcomes;
pub mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Event, History, Id, Moment, ObservedMessage, Outcome, Page, SystemMessage};

/// The number of items that a check examined, and the violations it found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CheckResult {
    pub looked_at: u64,
    pub violations: Vec<String>,
}

impl CheckResult {
    /// Examines one more item.
    pub fn look(&mut self, holds: bool, evidence: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !holds {
            self.violations.push(evidence());
        }
    }
}

/// A check: its name, as in docs/TORTURE.md, and its function.
pub type Check = (&'static str, fn(&History) -> CheckResult);

pub const CHECKERS: [Check; 20] = [
    ("set-full", set_full),
    ("no phantom", no_phantom),
    ("exactly once", exactly_once),
    ("total order", total_order),
    ("FIFO", fifo),
    ("read your writes", read_your_writes),
    ("monotonic reads", monotonic_reads),
    ("live in stored", live::live_in_stored),
    ("no unnoticed gap", live::no_unnoticed_gap),
    ("unread", unread),
    ("receipts", live::receipts),
    ("convergence", convergence),
    ("edits", changes::edits),
    ("reactions", changes::reactions),
    ("forwards", changes::forwards),
    ("removal", groups::removal),
    ("system messages", groups::notes),
    ("access", live::access),
    ("recovery", outcomes::recovery),
    ("answers", outcomes::answers),
];

/// Runs all checks over one history.
pub fn all(history: &History) -> Vec<(&'static str, CheckResult)> {
    CHECKERS
        .iter()
        .map(|(name, check)| (*name, check(history)))
        .collect()
}

/// A message that was acknowledged or seen is stored, at its place.
fn set_full(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored: BTreeMap<Id, (Id, u64)> = history
        .finals
        .iter()
        .flat_map(|last| {
            last.messages
                .iter()
                .map(|seen| (seen.id, (last.session, seen.seq)))
        })
        .collect();
    let mut look = |how: &str, session: Id, id: Id, seq: u64| {
        let place = stored.get(&id);
        found.look(place == Some(&(session, seq)), || {
            format!("{id} was {how} as {session}/{seq} and in the end is at {place:?}")
        });
    };
    for attempt in &history.attempts {
        if let Outcome::Ok((id, seq)) = attempt.outcome {
            look("acknowledged", attempt.session, id, seq);
        }
    }
    for page in &history.pages {
        for seen in &page.messages {
            look("seen", page.session, seen.id, seen.seq);
        }
    }
    let deleted: BTreeSet<(Id, u64)> = history
        .finals
        .iter()
        .flat_map(|last| {
            last.messages
                .iter()
                .filter(|seen| seen.deleted)
                .map(|seen| (last.session, seen.seq))
        })
        .collect();
    for deletion in history
        .deletions
        .iter()
        .filter(|deletion| matches!(deletion.outcome, Outcome::Ok(())))
    {
        found.look(deleted.contains(&(deletion.session, deletion.seq)), || {
            format!(
                "{}/{} was deleted and is not",
                deletion.session, deletion.seq
            )
        });
    }
    found
}

/// A message that was refused, or never sent, is not stored; a stored message is as it was sent.
fn no_phantom(history: &History) -> CheckResult {
    let (mut found, by_key) = (CheckResult::default(), history.by_key());
    let edited = changes::words(history);
    for (session, messages) in history.stored() {
        // Forwards and system messages have their own checks.
        for seen in messages
            .iter()
            .filter(|seen| seen.part == 0 && seen.note == SystemMessage::None)
        {
            let attempts = by_key
                .get(&(seen.sender, seen.key))
                .map_or(&[][..], Vec::as_slice);
            let sent = attempts.iter().any(|attempt| {
                attempt.session == session
                    && (seen.deleted
                        || attempt.text == seen.text
                        || edited.contains(&(seen.id, seen.text)))
                    && attempt.outcome != Outcome::Failed
            });
            found.look(sent, || {
                let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
                format!(
                    "{session}/{} is {} of key {:x}: {outcomes:?}",
                    seen.seq, seen.id, seen.key
                )
            });
        }
    }
    found
}

/// A `clientMsgId` is one message, and every answer named that message.
fn exactly_once(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let mut stored: BTreeMap<(Id, u64, u16), Vec<(Id, u64)>> = BTreeMap::new();
    for messages in history.stored().values() {
        for seen in messages
            .iter()
            .filter(|seen| seen.note == SystemMessage::None)
        {
            stored
                .entry((seen.sender, seen.key, seen.part))
                .or_default()
                .push((seen.id, seen.seq));
        }
    }
    for (key, places) in &stored {
        found.look(places.len() == 1, || {
            format!("key {:x} of {} is stored as {places:?}", key.1, key.0)
        });
    }
    for (key, attempts) in history.by_key() {
        let answers: BTreeSet<(Id, u64)> = attempts
            .iter()
            .filter_map(|attempt| match attempt.outcome {
                Outcome::Ok(place) => Some(place),
                Outcome::Failed | Outcome::Unknown => None,
            })
            .collect();
        if attempts.len() > 1 && !answers.is_empty() {
            found.look(answers.len() == 1, || {
                format!("key {:x} of {} was answered with {answers:?}", key.1, key.0)
            });
        }
    }
    found
}

/// Every reader sees the same messages at the same `seq`, at any time; `seq` runs 1, 2, 3 …
fn total_order(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    for last in &history.finals {
        for (place, seen) in (last.hidden + 1..).zip(&last.messages) {
            found.look(seen.seq == place, || {
                format!(
                    "{} sees seq {} at place {place} of {}",
                    last.reader, seen.seq, last.session
                )
            });
        }
    }
    let stored = history.stored();
    let at = |session: Id, seq: u64| {
        let index = usize::try_from(seq).unwrap_or_default().wrapping_sub(1);
        stored
            .get(&session)
            .and_then(|messages| messages.get(index))
    };
    let mut agree = |reader: Id, session: Id, messages: &[ObservedMessage]| {
        for seen in messages {
            let here = at(session, seen.seq).map(|seen| seen.id);
            found.look(here == Some(seen.id), || {
                format!(
                    "{session}/{}: {reader} saw {}, in the end it is {here:?}",
                    seen.seq, seen.id
                )
            });
        }
    };
    for last in &history.finals {
        agree(last.reader, last.session, &last.messages);
    }
    for page in &history.pages {
        agree(page.reader, page.session, &page.messages);
        let rising = page
            .messages
            .windows(2)
            .all(|pair| pair[0].seq < pair[1].seq);
        if !rising {
            agree(page.reader, page.session, &[ObservedMessage::default()]);
        }
    }
    found
}

/// Consecutive sends of one connection are stored in that order. Only sends whose place is their
/// first attempt's are compared: those that were never repeated, or repeated after they had been
/// answered.
fn fifo(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored: BTreeMap<(Id, u64), u64> = history
        .stored()
        .values()
        .flat_map(|messages| {
            messages
                .iter()
                .map(|seen| ((seen.sender, seen.key), seen.seq))
        })
        .collect();
    let mut lines: BTreeMap<(u32, Id), Vec<(u64, u64)>> = BTreeMap::new();
    for (key, attempts) in history.by_key() {
        let (first, Some(seq)) = (attempts[0], stored.get(&key)) else {
            continue;
        };
        let is_first = match attempts.get(1) {
            None => true,
            Some(second) => matches!(first.outcome, Outcome::Ok(_)) && first.ended <= second.begun,
        };
        if let (true, Some((wire, place))) = (is_first, first.via) {
            lines
                .entry((wire, first.session))
                .or_default()
                .push((place, *seq));
        }
    }
    for ((wire, session), mut line) in lines {
        line.sort_unstable();
        for pair in line.windows(2) {
            found.look(pair[0].1 < pair[1].1, || {
                format!(
                    "connection {wire} in {session}: send {} has seq {}, send {} has seq {}",
                    pair[0].0, pair[0].1, pair[1].0, pair[1].1
                )
            });
        }
    }
    found
}

/// A page requested after the reader's own send was acknowledged contains it, if it is in its
/// range.
fn read_your_writes(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let (mut sent, by_key) = (
        BTreeMap::<(Id, Id), Vec<(Moment, Moment, u64)>>::new(),
        history.by_key(),
    );
    for attempt in &history.attempts {
        if let Outcome::Ok((_, seq)) = attempt.outcome {
            // A repeat may be answered with what was stored before its author left and returned.
            let begun = by_key[&(attempt.sender, attempt.key)][0].begun;
            sent.entry((attempt.sender, attempt.session))
                .or_default()
                .push((begun, attempt.ended, seq));
        }
    }
    for page in &history.pages {
        let shown: BTreeSet<u64> = page.messages.iter().map(|seen| seen.seq).collect();
        for (begun, ended, seq) in sent.get(&(page.reader, page.session)).into_iter().flatten() {
            let is_in = *ended < page.begun && (page.low..=page.high).contains(seq);
            if is_in && !history.was_away(page.reader, page.session, *begun, page.ended) {
                found.look(shown.contains(seq), || {
                    format!(
                        "{} had {}/{seq} acknowledged at {ended}, a page asked for at {} lacks it",
                        page.reader, page.session, page.begun
                    )
                });
            }
        }
    }
    found
}

/// A page contains what an earlier page contained, in no older state: deleted stays deleted, read
/// stays read.
fn monotonic_reads(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let mut by_reader: BTreeMap<(Id, Id), Vec<&Page>> = BTreeMap::new();
    for page in &history.pages {
        by_reader
            .entry((page.reader, page.session))
            .or_default()
            .push(page);
    }
    for ((reader, session), mut pages) in by_reader {
        pages.sort_by_key(|page| page.begun);
        // Pages that had ended, by their end, and their messages by `seq`.
        let mut ended: Vec<&Page> = pages.clone();
        ended.sort_by_key(|page| page.ended);
        let (mut next, mut known) = (0, BTreeMap::<u64, (Moment, ObservedMessage)>::new());
        for page in pages {
            while let Some(earlier) = ended.get(next).filter(|earlier| earlier.ended < page.begun) {
                for seen in &earlier.messages {
                    let (at, best) = known.entry(seen.seq).or_insert((earlier.begun, *seen));
                    *at = earlier.begun.max(*at);
                    best.status = best.status.max(seen.status);
                    best.rev = best.rev.max(seen.rev);
                    best.deleted |= seen.deleted;
                }
                next += 1;
            }
            let shown: BTreeMap<u64, &ObservedMessage> =
                page.messages.iter().map(|seen| (seen.seq, seen)).collect();
            // A page of changes has no range.
            let range = page.low..=page.high.max(page.low);
            for (seq, (at, before)) in known.range(range).filter(|_| page.low <= page.high) {
                // A reader removed meanwhile no longer sees what was there before.
                if history.was_away(reader, session, *at, page.ended) {
                    continue;
                }
                let now = shown.get(seq);
                let holds = now.is_some_and(|now| {
                    now.rev >= before.rev
                        && now.deleted >= before.deleted
                        && now.status >= before.status
                });
                found.look(holds, || {
                    format!("{reader} saw {session}/{seq} as {before:?}; a page asked later, at {}, shows {now:?}", page.begun)
                });
            }
        }
    }
    found
}

/// Counts equal the counted messages, in both places that return them, and were never below zero.
fn unread(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored = history.stored();
    for last in &history.finals {
        let members = history.members.get(&last.session).into_iter().flatten();
        for member in members.filter(|member| history.is_member_at_end(**member, last.session)) {
            let position = last.positions.get(member).copied().unwrap_or_default();
            let counted = stored[&last.session]
                .iter()
                .filter(|seen| seen.sender != *member && seen.seq > position && seen.is_said())
                .count();
            let counted = i64::try_from(counted).unwrap_or(i64::MAX);
            let said = last.map.get(member).copied();
            found.look(said == Some(counted), || {
                format!(
                    "{}: the map says {said:?} for {member}, counting {counted}",
                    last.session
                )
            });
            if *member == last.reader {
                found.look(last.unread == counted, || {
                    format!(
                        "{}: {member} is told {} unread, counting {counted}",
                        last.session, last.unread
                    )
                });
            }
        }
    }
    let pushed = history.heard.iter().filter_map(|heard| match &heard.what {
        Event::Unread(counts) => Some(counts),
        _ => None,
    });
    for (session, count) in history
        .counts
        .iter()
        .map(|counts| &counts.by_session)
        .chain(pushed)
        .flatten()
    {
        found.look(*count >= 0, || format!("a count of {count} in {session}"));
    }
    found
}

/// A device's old state, its events and `chat:sync` together equal a fresh fetch.
fn convergence(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    for absence in history
        .absences
        .iter()
        .filter(|absence| absence.returned.is_none())
    {
        for device in history
            .devices
            .iter()
            .filter(|device| device.person == absence.person)
        {
            found.look(!device.sessions.contains_key(&absence.session), || {
                format!(
                    "{} is no member of {} and still knows it",
                    device.name, absence.session
                )
            });
        }
    }
    for last in &history.finals {
        let fresh: Vec<_> = last.messages.iter().map(ObservedMessage::lasting).collect();
        for device in history
            .devices
            .iter()
            .filter(|device| device.person == last.reader)
        {
            let known = device
                .sessions
                .get(&last.session)
                .cloned()
                .unwrap_or_default();
            let state: Vec<_> = known
                .messages
                .iter()
                .map(ObservedMessage::lasting)
                .collect();
            found.look(state == fresh, || {
                let differs = (0..state.len().max(fresh.len())).find(|i| state.get(*i) != fresh.get(*i));
                let at = differs.unwrap_or_default();
                format!(
                    "{} knows {} messages of {}, there are {}; first difference: {:?}, there is {:?}",
                    device.name,
                    state.len(),
                    last.session,
                    fresh.len(),
                    state.get(at),
                    fresh.get(at)
                )
            });
            for (member, position) in &last.positions {
                let here = known.positions.get(member).copied().unwrap_or_default();
                found.look(here == *position, || {
                    format!(
                        "{} knows {member} at {here} in {}, they are at {position}",
                        device.name, last.session
                    )
                });
            }
            if let Some(pushed) = &device.pushed {
                let here = pushed.get(&last.session).copied().unwrap_or_default();
                found.look(here == last.unread, || {
                    format!(
                        "{} last heard of {here} unread in {}, there are {}",
                        device.name, last.session, last.unread
                    )
                });
            }
        }
    }
    found
}
