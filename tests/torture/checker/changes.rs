//! The checks of changes to stored messages, and of forwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    checker::CheckResult,
    history::changes::{Edit, Forward, Reaction},
    history::observation::hash_of_merged,
    history::{Event, History, Id, Moment, ObservedMessage, Outcome, ReceivedEvent},
};

/// The texts that edited messages may have: message and text of each edit that was not refused.
pub fn words(history: &History) -> BTreeSet<(Id, u64)> {
    let edits = history
        .edits
        .iter()
        .filter(|edit| edit.outcome != Outcome::Failed);
    edits.map(|edit| (edit.message, edit.text)).collect()
}

/// After an acknowledged edit, the message has its text or a later one, or is a tombstone. A
/// refused edit was never seen. A tombstone has no text.
pub fn edits(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored = history.by_id();
    for (id, (session, seen)) in stored.iter().filter(|(_, (_, seen))| seen.deleted) {
        found.look((seen.text, seen.reactions) == (0, 0), || {
            format!("{session}: the tombstone {id} speaks")
        });
    }
    let mut by_message: BTreeMap<Id, Vec<&Edit>> = BTreeMap::new();
    for edit in &history.edits {
        by_message.entry(edit.message).or_default().push(edit);
    }
    for (id, edits) in by_message {
        let revs = edits.iter().filter_map(|edit| match edit.outcome {
            Outcome::Ok(rev) => Some(rev),
            Outcome::Failed | Outcome::Unknown => None,
        });
        let newest = revs.max();
        let may_stand = |edit: &Edit| match edit.outcome {
            Outcome::Ok(rev) => Some(rev) == newest,
            Outcome::Unknown => true,
            Outcome::Failed => false,
        };
        let holds = match stored.get(&id) {
            None => newest.is_none(),
            Some((_, seen)) if seen.deleted => seen.rev > newest.unwrap_or_default(),
            Some((_, seen)) => {
                let by_edit = edits
                    .iter()
                    .any(|edit| may_stand(edit) && edit.text == seen.text);
                let is_original =
                    newest.is_none() && edits.iter().all(|edit| edit.text != seen.text);
                (by_edit || is_original) && seen.rev >= newest.unwrap_or_default()
            }
        };
        found.look(holds, || {
            format!("{id} is {:?} after {edits:?}", stored.get(&id))
        });
    }
    let written = words(history);
    let refused = history
        .edits
        .iter()
        .filter(|edit| edit.outcome == Outcome::Failed);
    let refused: BTreeSet<(Id, u64)> = refused.map(|edit| (edit.message, edit.text)).collect();
    for ReceivedEvent { wire, what, .. } in &history.heard {
        if let Event::Edited { id, text, .. } = what {
            found.look(written.contains(&(*id, *text)), || {
                format!("connection {wire} heard {what:?}")
            });
        }
    }
    for page in &history.pages {
        for seen in page.messages.iter().filter(|seen| seen.rev > 0) {
            found.look(!refused.contains(&(seen.id, seen.text)), || {
                format!("{} saw a refused edit: {seen:?}", page.reader)
            });
        }
    }
    found
}

/// Whether a user's emoji may be present, and whether it may be absent, after these attempts.
fn may_be(tries: &[&Reaction]) -> (bool, bool) {
    let is_ok = |one: &Reaction| one.outcome == Outcome::Ok(());
    // An unanswered attempt may have been executed at any time since.
    let ended = |one: &Reaction| if is_ok(one) { one.ended } else { Moment::MAX };
    let is_last = |one: &Reaction| {
        !tries
            .iter()
            .any(|other| is_ok(other) && other.begun > ended(one))
    };
    let done = tries.iter().filter(|one| one.outcome != Outcome::Failed);
    let mut last = done
        .filter(|one| is_last(one))
        .map(|one| one.on)
        .collect::<BTreeSet<bool>>();
    if !tries.iter().any(|one| is_ok(one)) {
        last.insert(false);
    }
    (last.contains(&true), last.contains(&false))
}

/// Reactions equal the acknowledged ones, one of each for a user; an unanswered one may be present
/// or absent.
pub fn reactions(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored = history.by_id();
    let mut tries: BTreeMap<(Id, u64, Id), Vec<&Reaction>> = BTreeMap::new();
    for one in &history.reactions {
        tries
            .entry((one.message, one.emoji, one.by))
            .or_default()
            .push(one);
    }
    let mut on = BTreeSet::new();
    for last in &history.finals {
        let unique: BTreeSet<_> = last.reactions.iter().copied().collect();
        found.look(unique.len() == last.reactions.len(), || {
            format!(
                "{}: a user has the same reaction on a message twice",
                last.session
            )
        });
        for one in unique {
            found.look(tries.contains_key(&one), || {
                format!("nobody put {one:?} there")
            });
            on.insert(one);
        }
    }
    for (one, tries) in &tries {
        let Some((_, seen)) = stored.get(&one.0) else {
            continue;
        };
        if seen.deleted {
            continue;
        }
        let (may_be_on, may_be_off) = may_be(tries);
        let is_on = on.contains(one);
        found.look(if is_on { may_be_on } else { may_be_off }, || {
            format!(
                "{one:?} is {} after {tries:?}",
                if is_on { "on" } else { "off" }
            )
        });
    }
    found
}

/// One message of a forward: its part, its conversation, and the message.
type Part = (u16, Id, ObservedMessage);

/// All messages of a forward are stored, in order, in each target and once, or none is; and each
/// has the text of its source.
pub fn forwards(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let mut written: BTreeMap<(Id, u64), Vec<Part>> = BTreeMap::new();
    for (session, messages) in history.stored() {
        for seen in messages.iter().filter(|seen| seen.part > 0) {
            written
                .entry((seen.sender, seen.key))
                .or_default()
                .push((seen.part, session, *seen));
        }
    }
    for parts in written.values_mut() {
        parts.sort_by_key(|(part, _, seen)| (*part, seen.seq));
    }
    let mut tries: BTreeMap<(Id, u64), Vec<&Forward>> = BTreeMap::new();
    for forward in &history.forwards {
        tries
            .entry((forward.by, forward.key))
            .or_default()
            .push(forward);
    }
    for key in written.keys() {
        found.look(tries.contains_key(key), || {
            format!("nobody forwarded {key:?}")
        });
    }
    let said = said(history);
    for (key, tries) in tries {
        let parts = written.get(&key).map_or(&[][..], Vec::as_slice);
        one_forward(&tries, parts, &said, &mut found);
    }
    found
}

/// The texts of each message at any time.
fn said(history: &History) -> BTreeSet<(Id, u64)> {
    let mut said = words(history);
    let by_key = history.by_key();
    for (id, (_, seen)) in history.by_id() {
        let attempts = by_key.get(&(seen.sender, seen.key)).into_iter().flatten();
        said.extend(attempts.map(|attempt| (id, attempt.text)));
    }
    said
}

fn one_forward(
    tries: &[&Forward],
    parts: &[(u16, Id, ObservedMessage)],
    said: &BTreeSet<(Id, u64)>,
    found: &mut CheckResult,
) {
    let first = tries[0];
    let places: Vec<(Id, u64)> = parts
        .iter()
        .map(|(_, _, seen)| (seen.id, seen.seq))
        .collect();
    for one in tries {
        if let Outcome::Ok(answered) = &one.outcome {
            found.look(*answered == places, || {
                format!(
                    "forward {:x} was answered with {answered:?}, there are {places:?}",
                    one.key
                )
            });
        }
    }
    let may_be_there = tries.iter().any(|one| one.outcome != Outcome::Failed);
    let must_be_there = tries
        .iter()
        .any(|one| matches!(one.outcome, Outcome::Ok(_)));
    if parts.is_empty() {
        found.look(!must_be_there, || {
            format!("forward {:x} was acknowledged and is nowhere", first.key)
        });
        return;
    }
    found.look(may_be_there, || {
        format!(
            "forward {:x} was refused and is there: {parts:?}",
            first.key
        )
    });
    let wanted: Vec<(u16, Id)> = (0_u16..)
        .zip(&first.targets)
        .flat_map(|(place, target)| {
            (0_u16..)
                .take(first.each())
                .map(move |n| (place * 100 + n + 1, *target))
        })
        .collect();
    let there: Vec<(u16, Id)> = parts
        .iter()
        .map(|(part, session, _)| (*part, *session))
        .collect();
    found.look(there == wanted, || {
        format!(
            "forward {:x} is {there:?}, all of it is {wanted:?}",
            first.key
        )
    });
    for pair in parts.windows(2).filter(|pair| pair[0].1 == pair[1].1) {
        found.look(pair[0].2.seq < pair[1].2.seq, || {
            format!("forward {:x} is out of order", first.key)
        });
    }
    for (part, _, seen) in parts.iter().filter(|(_, _, seen)| !seen.deleted) {
        let number = usize::from((part - 1) % 100);
        let says = if first.merged {
            seen.text == hash_of_merged(first.sources.iter().copied())
        } else {
            first
                .sources
                .get(number)
                .is_some_and(|source| said.contains(&(*source, seen.text)))
        };
        found.look(says, || {
            format!("forward {:x}, part {part} says {seen:?}", first.key)
        });
    }
}
