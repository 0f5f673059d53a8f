//! The checks of what connections received while they lived: events, their order, their gaps, their
//! receivers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    checker::CheckResult,
    checker::groups,
    history::{Event, History, Id, Moment, ObservedMessage, Outcome, ReceivedEvent},
};

/// How long an event that was under way at an ending may take to arrive.
pub const UNDER_WAY: Moment = 5_000_000;

/// A pushed message is stored as it was pushed, or was until it was changed; a connection receives
/// nothing twice and nothing out of order.
pub fn live_in_stored(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored = history.stored();
    let at = |session: Id, seq: u64| {
        let index = usize::try_from(seq).unwrap_or_default().wrapping_sub(1);
        stored
            .get(&session)
            .and_then(|messages| messages.get(index))
            .copied()
    };
    let (mut last, mut revs) = (
        BTreeMap::<(u32, Id), u64>::new(),
        BTreeMap::<(u32, Id), u64>::new(),
    );
    let mut rises = |wire: u32, session: Id, rev: u64| {
        let before = revs.insert((wire, session), rev).unwrap_or_default();
        (before < rev, before)
    };
    for ReceivedEvent { wire, what, .. } in &history.heard {
        match what {
            Event::Message { session, seen } => {
                let place = at(*session, seen.seq);
                let same = place.is_some_and(|place: ObservedMessage| {
                    place.id == seen.id
                        && place.sender == seen.sender
                        && (place.key, place.part, place.note) == (seen.key, seen.part, seen.note)
                        && (place.rev > seen.rev || place.text == seen.text)
                });
                found.look(same, || {
                    format!("{session}: {seen:?} was pushed, stored is {place:?}")
                });
                let before = last.insert((*wire, *session), seen.seq).unwrap_or_default();
                found.look(before < seen.seq, || {
                    format!(
                        "connection {wire} heard {session}/{} after {before}",
                        seen.seq
                    )
                });
            }
            Event::Deleted {
                session,
                id,
                seq,
                rev,
            } => {
                let place = at(*session, *seq);
                let same = place
                    .is_some_and(|place| place.deleted && place.id == *id && place.rev == *rev);
                found.look(same, || {
                    format!("{session}/{seq}: {id} was told deleted, stored is {place:?}")
                });
                let (holds, before) = rises(*wire, *session, *rev);
                found.look(holds, || {
                    format!("connection {wire} heard {what:?} after {before}")
                });
            }
            Event::Edited {
                session,
                id,
                seq,
                rev,
                ..
            }
            | Event::Reacted {
                session,
                id,
                seq,
                rev,
                ..
            } => {
                let place = at(*session, *seq);
                let same = place.is_some_and(|place| {
                    let says = match what {
                        Event::Edited { text, .. } => place.text == *text,
                        Event::Reacted { reactions, .. } => place.reactions == *reactions,
                        _ => false,
                    };
                    place.id == *id && (place.rev > *rev || (place.rev == *rev && says))
                });
                found.look(same, || {
                    format!("{session}/{seq}: {what:?} was told, stored is {place:?}")
                });
                let (holds, before) = rises(*wire, *session, *rev);
                found.look(holds, || {
                    format!("connection {wire} heard {what:?} after {before}")
                });
            }
            Event::Updated { session, rev } => {
                let (holds, before) = rises(*wire, *session, *rev);
                found.look(holds, || {
                    format!("connection {wire} heard {what:?} after {before}")
                });
            }
            _ => {}
        }
    }
    found
}

/// On one node, a live connection receives everything. On any number of nodes, a missed event
/// leaves a gap in `seq` that the client can notice, because events are numbered as they are
/// stored.
pub fn no_unnoticed_gap(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let stored = history.stored();
    let mut heard: BTreeMap<(u32, Id), Vec<Tenure>> = BTreeMap::new();
    for ReceivedEvent { wire, what, .. } in &history.heard {
        let Some(session) = what.session() else {
            continue;
        };
        let tenures = heard
            .entry((*wire, session))
            .or_insert_with(|| vec![Tenure::default()]);
        let last = tenures.len() - 1;
        match what {
            Event::Message { seen, .. } => tenures[last].seqs.push(seen.seq),
            Event::Created { seq, .. } => {
                let was_told = !history.rules.one_hub
                    || tenures[last].seqs.is_empty()
                    || tenures[last].is_over;
                found.look(was_told, || {
                    format!("connection {wire} did not receive the end of its membership: {what:?}")
                });
                tenures.push(Tenure {
                    since: Some(*seq),
                    ..Tenure::default()
                });
            }
            Event::Removed { .. } => tenures[last].is_over = true,
            _ => {}
        }
    }
    for (number, wire) in &history.wires {
        for session in history
            .members
            .keys()
            .filter(|session| history.was_ever_member(wire.person, **session))
        {
            let none = [Tenure::default()];
            let tenures = heard
                .get(&(*number, *session))
                .map_or(&none[..], Vec::as_slice);
            let newest = stored
                .get(session)
                .and_then(|messages| messages.last())
                .map_or(0, |m| m.seq);
            if !history.rules.one_hub {
                // Missed messages between two events: the numbers show how many.
                let seqs: Vec<u64> = tenures
                    .iter()
                    .flat_map(|tenure| tenure.seqs.iter().copied())
                    .collect();
                for pair in seqs.windows(2) {
                    let between = stored.get(session).map_or(0, |messages| {
                        messages
                            .iter()
                            .filter(|m| pair[0] < m.seq && m.seq < pair[1])
                            .count() as u64
                    });
                    found.look(pair[1].saturating_sub(pair[0]) == between + 1, || {
                        format!(
                            "connection {number} missed {between} in {session} between {pair:?}"
                        )
                    });
                }
                continue;
            }
            for tenure in tenures {
                // A new member of a group first receives the event of joining, then everything from
                // it on.
                let synced = match tenure.since {
                    Some(since) => Some(since.saturating_sub(1)),
                    None => wire.synced.get(session).copied(),
                };
                let seqs = tenure.seqs.as_slice();
                let start = synced
                    .into_iter()
                    .chain(seqs.first().map(|first| first - 1))
                    .min();
                let Some(mut known) = start else { continue };
                if let (Some(synced), Some(first)) = (synced, seqs.first()) {
                    found.look(*first <= synced + 1, || {
                        format!("connection {number} knew {session} up to {synced} and first heard {first}")
                    });
                }
                for seq in seqs {
                    found.look(
                        *seq <= known + 1 || synced.is_some_and(|synced| *seq <= synced + 1),
                        || format!("connection {number} heard {session}/{seq} after {known}"),
                    );
                    known = known.max(*seq);
                }
                let is_last = std::ptr::eq(tenure, &raw const tenures[tenures.len() - 1]);
                if wire.is_whole && is_last && history.is_member_at_end(wire.person, *session) {
                    let known = known.max(synced.unwrap_or_default());
                    found.look(known == newest && !tenure.is_over, || {
                        format!(
                            "connection {number} lives, knows {session} up to {known} and there are {newest}"
                        )
                    });
                }
            }
        }
    }
    found
}

/// Event a connection received of a conversation while its user was a member.
#[derive(Debug, Default)]
struct Tenure {
    /// The user joined the group while connected, and this was its newest message.
    since: Option<u64>,
    seqs: Vec<u64>,
    is_over: bool,
}

/// Receipts and positions never decrease, wherever they appear.
pub fn receipts(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let (mut positions, mut read) = (BTreeMap::new(), BTreeSet::new());
    for ReceivedEvent { wire, what, .. } in &history.heard {
        match what {
            Event::Read {
                session,
                reader,
                seq,
            } => {
                let before = positions
                    .insert((*wire, *session, *reader), *seq)
                    .unwrap_or_default();
                found.look(before < *seq, || {
                    format!(
                        "connection {wire} heard {reader} read {session} to {seq} after {before}"
                    )
                });
            }
            Event::Status {
                message,
                receiver,
                is_read,
                ..
            } => {
                let key = (*wire, *message, *receiver);
                found.look(*is_read || !read.contains(&key), || {
                    format!("connection {wire} heard {message} delivered to {receiver} after it was read")
                });
                if *is_read {
                    read.insert(key);
                }
            }
            _ => {}
        }
    }
    let mut looks: Vec<_> = history.positions.iter().collect();
    looks.sort_by_key(|look| look.begun);
    let mut ended = looks.clone();
    ended.sort_by_key(|look| look.ended);
    let (mut next, mut known) = (0, BTreeMap::new());
    for look in looks {
        while let Some(earlier) = ended.get(next).filter(|earlier| earlier.ended < look.begun) {
            let best = known
                .entry((earlier.observer, earlier.session, earlier.reader))
                .or_insert(0);
            *best = (*best).max(earlier.seq);
            next += 1;
        }
        let before = known
            .get(&(look.observer, look.session, look.reader))
            .copied()
            .unwrap_or_default();
        found.look(look.seq >= before, || {
            format!(
                "{} saw {} at {} in {} after {before}",
                look.observer, look.reader, look.seq, look.session
            )
        });
    }
    for last in &history.finals {
        let marks = history.marks.iter().filter(|mark| {
            mark.session == last.session && history.is_member_at_end(mark.reader, mark.session)
        });
        for mark in marks.filter(|mark| matches!(mark.outcome, Outcome::Ok(()))) {
            let position = last
                .positions
                .get(&mark.reader)
                .copied()
                .unwrap_or_default();
            found.look(position >= mark.seq, || {
                format!(
                    "{} read {} to {}, in the end is at {position}",
                    mark.reader, mark.session, mark.seq
                )
            });
        }
    }
    groups::counted(history, &mut found);
    found
}

/// A user receives no event of a conversation without a membership, and none after their ending was
/// answered.
pub fn access(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    let begun: BTreeMap<(Id, u64), Moment> = history
        .by_key()
        .into_iter()
        .map(|(key, attempts)| (key, attempts[0].begun))
        .collect();
    let mut ended: BTreeMap<u32, (Moment, &str)> = BTreeMap::new();
    for ending in &history.endings {
        for wire in &ending.wires {
            ended.entry(*wire).or_insert((ending.answered, ending.why));
        }
    }
    for ReceivedEvent { wire, at, what } in &history.heard {
        let Some(life) = history.wires.get(wire) else {
            continue;
        };
        let person = life.person;
        let session = what.session();
        let counted = if let Event::Unread(counts) = what {
            counts.as_slice()
        } else {
            &[]
        };
        for session in session.into_iter().chain(counts_of(counted)) {
            found.look(history.was_ever_member(person, session), || {
                format!("{person} is no member of {session} and received {what:?}")
            });
        }
        if let Event::Typing { session, typist } = what {
            let is_other = *typist != person && history.was_ever_member(*typist, *session);
            found.look(is_other, || {
                format!("{person} heard {typist} type in {session}")
            });
        }
        if let Event::Presence { user } = what {
            let shares = *user == person
                || history
                    .members
                    .values()
                    .any(|pair| pair.contains(user) && pair.contains(&person));
            found.look(shares, || {
                format!("{person} shares no session with {user} and heard of them")
            });
        }
        if let Some((answered, why)) = ended.get(wire) {
            let deadline = answered + history.rules.grace;
            let cause = match what {
                Event::Message { seen, .. } => begun.get(&(seen.sender, seen.key)).copied(),
                _ => None,
            };
            let late = cause.is_some_and(|cause| cause > deadline) || *at > deadline + UNDER_WAY;
            found.look(!late, || {
                format!(
                    "{person}'s {why} was answered at {answered}; connection {wire} heard {what:?} at {at}"
                )
            });
        }
    }
    // An ending without later events counts as examined, too.
    found.looked_at += ended.len() as u64;
    for intrusion in &history.intrusions {
        found.look(intrusion.refused, || intrusion.what.clone());
    }
    found
}

fn counts_of(counts: &[(Id, i64)]) -> impl Iterator<Item = Id> + '_ {
    counts.iter().map(|(session, _)| *session)
}
