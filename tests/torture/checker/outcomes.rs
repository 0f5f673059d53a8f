//! The checks of the service's answers: it recovers in time, and refuses only what it may refuse.

use std::collections::BTreeMap;

use crate::{
    checker::CheckResult,
    checker::groups,
    history::{Event, History, Id, Outcome, SendAttempt},
};

/// The first success after each fault comes in time.
pub fn recovery(history: &History) -> CheckResult {
    let mut found = CheckResult::default();
    for heal in &history.heals {
        let first = first_success(history, heal.healed);
        let late = first.is_none_or(|first| first > history.rules.recovery);
        found.look(!late, || {
            format!(
                "{}: the first success came {first:?} µs after it ended",
                heal.fault
            )
        });
    }
    found
}

/// The time from `healed` to the first successful send, µs.
pub fn first_success(history: &History, healed: u64) -> Option<u64> {
    first_successes(history, healed).values().min().copied()
}

/// The same for each conversation in which a send succeeded.
pub fn first_successes(history: &History, healed: u64) -> BTreeMap<Id, u64> {
    let mut firsts: BTreeMap<Id, u64> = BTreeMap::new();
    for attempt in history
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, Outcome::Ok(_)))
    {
        if let Some(after) = attempt.ended.checked_sub(healed) {
            let first = firsts.entry(attempt.session).or_insert(after);
            *first = after.min(*first);
        }
    }
    firsts
}

/// Each refusal is one that the contract allows; where the fault concerns others, nothing fails.
pub fn answers(history: &History) -> CheckResult {
    let mut found = CheckResult {
        looked_at: history.answers,
        violations: history.oddities.clone(),
    };
    for heard in &history.heard {
        if let Event::Unknown(name) = &heard.what {
            found
                .violations
                .push(format!("an event that is not in the contract: {name}"));
        }
    }
    groups::misses(history, &mut found);
    if history.rules.undisturbed {
        // Writing to a deactivated user is refused in a private conversation.
        let is_addressed = |attempt: &SendAttempt, person| {
            history
                .members
                .get(&attempt.session)
                .is_some_and(|members| members.len() == 2 && members.contains(&person))
        };
        let gone = |attempt: &SendAttempt| {
            let wire = attempt.via.and_then(|(wire, _)| history.wires.get(&wire));
            wire.is_some_and(|wire| wire.vanished)
                || history
                    .endings
                    .iter()
                    .filter(|ending| ending.why == "deactivation")
                    .any(|ending| {
                        ending.person == attempt.sender || is_addressed(attempt, ending.person)
                    })
                || history.wanders(attempt.sender, attempt.session)
        };
        for attempt in history.attempts.iter().filter(|attempt| !gone(attempt)) {
            found.look(matches!(attempt.outcome, Outcome::Ok(_)), || {
                format!(
                    "key {:x}: {:?}, though the fault was not its",
                    attempt.key, attempt.outcome
                )
            });
        }
    }
    found
}
