//! Tests of the checks: a clean history has no finding; each planted fault is found by its check.

use std::collections::BTreeMap;

use crate::{
    checker::fixture::*,
    checker::{self, CHECKERS},
    history::{Event, FinalRead, History, Id, ObservedMessage, Outcome, ReceivedEvent},
};

/// The names of the checks with findings.
pub fn finders(history: &History) -> Vec<&'static str> {
    let found = checker::all(history).into_iter();
    found
        .filter(|(_, found)| !found.violations.is_empty())
        .map(|(name, _)| name)
        .collect()
}

/// Asserts that this check finds a fault planted into the clean history.
#[track_caller]
pub fn found_by(check: &str, plant: impl Fn(&mut History)) {
    let mut history = clean();
    plant(&mut history);
    let finders = finders(&history);
    assert!(
        finders.contains(&check),
        "{check} did not find it, but {finders:?}"
    );
}

/// The final states of the private conversation.
fn cluster(history: &mut History) -> impl Iterator<Item = &mut FinalRead> {
    history
        .finals
        .iter_mut()
        .filter(|last| last.session == WARD)
}

fn drop_from_finals(history: &mut History, number: u64) {
    for last in cluster(history) {
        last.messages.retain(|seen| seen.seq != number);
    }
}

fn event(history: &mut History, wire: u32, number: u64) -> &mut ReceivedEvent {
    let is_it = |what: &Event| matches!(what, Event::Message { seen, .. } if seen.seq == number);
    history
        .heard
        .iter_mut()
        .find(|heard| heard.wire == wire && is_it(&heard.what))
        .unwrap()
}

fn forget_event(history: &mut History, wire: u32, number: u64) {
    let at = event(history, wire, number).at;
    history
        .heard
        .retain(|heard| heard.wire != wire || heard.at != at);
}

#[test]
fn a_clean_history_gives_nothing_and_every_check_looks_at_it() {
    for (name, found) in checker::all(&clean()) {
        assert_eq!(found.violations, Vec::<String>::new(), "{name}");
        assert!(found.looked_at > 0, "{name} looked at nothing");
    }
    assert_eq!(CHECKERS.len(), 20);
}

#[test]
fn what_is_lost_is_found() {
    found_by("set-full", |history| drop_from_finals(history, 7));
    // Its last one, so that the other counts still hold.
    found_by("set-full", |history| drop_from_finals(history, COUNT));
    // ObservedMessage by one user, acknowledged to none.
    found_by("set-full", |history| {
        history.attempts[usize::try_from(COUNT).unwrap() - 1].outcome = Outcome::Unknown;
        drop_from_finals(history, COUNT);
    });
    // A deletion that was answered and undone.
    found_by("set-full", |history| {
        cluster(history).for_each(|last| last.messages[2].deleted = false);
    });
    // Stored at another place than acknowledged.
    found_by("set-full", |history| {
        history.attempts[1].outcome = Outcome::Ok((message(2).id, 3));
    });
}

#[test]
fn what_was_refused_or_never_sent_is_found() {
    found_by("no phantom", |history| {
        history.attempts[5].outcome = Outcome::Failed;
    });
    found_by("no phantom", |history| {
        let ghost = ObservedMessage {
            id: Id(4_000),
            seq: COUNT + 1,
            key: 77,
            sender: LI,
            ..ObservedMessage::default()
        };
        cluster(history).for_each(|last| last.messages.push(ghost));
    });
    // The text is not the one that was sent.
    found_by("no phantom", |history| {
        cluster(history).for_each(|last| last.messages[6].text = 1);
    });
}

#[test]
fn doubles_are_found() {
    found_by("exactly once", |history| {
        let double = ObservedMessage {
            id: Id(4_000),
            seq: COUNT + 1,
            ..message(5)
        };
        cluster(history).for_each(|last| last.messages.push(double));
    });
    // The repeat got another answer: another id, or another place.
    found_by("exactly once", |history| {
        history.attempts[4].outcome = Outcome::Ok((Id(4_000), 5));
    });
    found_by("exactly once", |history| {
        history.attempts[4].outcome = Outcome::Ok((message(5).id, 6));
    });
}

#[test]
fn swaps_gaps_and_repeats_of_seq_are_found() {
    // Two readers, two orders.
    found_by("total order", |history| {
        let messages = &mut history.finals[1].messages;
        (messages[4].id, messages[5].id) = (messages[5].id, messages[4].id);
    });
    found_by("total order", |history| {
        cluster(history).for_each(|last| last.messages.last_mut().unwrap().seq += 1);
    });
    found_by("total order", |history| {
        cluster(history).for_each(|last| last.messages[6].seq = 6);
    });
    // A page once had another order than the final one.
    found_by("total order", |history| {
        history.pages[0].messages[1].id = message(3).id;
    });
    found_by("total order", |history| {
        history.pages[0].messages.swap(0, 1);
    });
}

#[test]
fn overtaking_on_one_connection_is_found() {
    // Li's 7 and 9 were sent in the reverse of their stored order.
    found_by("FIFO", |history| {
        history.attempts[6].via = Some((AT_LI, 9));
        history.attempts[8].via = Some((AT_LI, 7));
    });
    // An unacknowledged send without a repeat has its place, too.
    found_by("FIFO", |history| {
        history.attempts[6].outcome = Outcome::Unknown;
        history.attempts[6].via = Some((AT_LI, 10));
    });
    // A repeat gets its place when it is stored: no fault.
    let mut history = clean();
    history.attempts[4].via = Some((AT_LI, 0));
    assert_eq!(finders(&history), Vec::<&str>::new());
}

#[test]
fn reads_that_miss_or_forget_are_found() {
    // Li's own 3 was acknowledged at 3,500.
    found_by("read your writes", |history| {
        history.pages[0].messages.retain(|seen| seen.seq != 3);
    });
    // Chen's 2 is not Li's own, but Li has seen it.
    found_by("monotonic reads", |history| {
        history.pages[2].messages.retain(|seen| seen.seq != 2);
    });
    found_by("monotonic reads", |history| {
        history.pages[0].messages[0].deleted = true;
    });
    found_by("monotonic reads", |history| {
        history.pages[0].messages[0].status = 2;
        history.pages[2].messages[0].status = 1;
    });
}

#[test]
fn pushes_that_are_not_stored_or_not_in_order_are_found() {
    found_by("live in stored", |history| {
        if let Event::Message { seen, .. } = &mut event(history, AT_CHEN, 7).what {
            seen.id = Id(4_000);
        }
    });
    found_by("live in stored", |history| {
        if let Event::Message { seen, .. } = &mut event(history, AT_CHEN, 7).what {
            seen.text = 1;
        }
    });
    // Twice.
    found_by("live in stored", |history| {
        let again = event(history, AT_CHEN, 7).clone();
        history.heard.push(again);
    });
    // Swapped.
    found_by("live in stored", |history| {
        let (seven, eight) = (
            event(history, AT_CHEN, 7).what.clone(),
            event(history, AT_CHEN, 8).what.clone(),
        );
        event(history, AT_CHEN, 7).what = eight;
        let swapped = history.heard.iter_mut().rev();
        let mut swapped = swapped.filter(|heard| heard.wire == AT_CHEN && heard.at == 8_400);
        swapped.next().unwrap().what = seven;
    });
    found_by("live in stored", |history| {
        let (id, seq) = (message(4).id, 4);
        history.heard.push(heard(
            AT_LI,
            23_000,
            Event::Deleted {
                session: WARD,
                id,
                seq,
                rev: 2,
            },
        ));
    });
}

#[test]
fn missed_pushes_are_found() {
    // The last one: no later event would show a gap.
    found_by("no unnoticed gap", |history| {
        forget_event(history, AT_CHEN, COUNT);
    });
    // In the middle: on one node, a live connection receives everything.
    found_by("no unnoticed gap", |history| {
        forget_event(history, AT_CHEN, 6);
    });
    // The first after the sync.
    found_by("no unnoticed gap", |history| {
        forget_event(history, AT_CHEN, 1);
    });
    // On two nodes a missed event is allowed, but not numbers that hide it.
    let mut history = clean();
    history.rules.one_hub = false;
    forget_event(&mut history, AT_CHEN, 6);
    assert_eq!(finders(&history), Vec::<&str>::new());
    found_by("no unnoticed gap", |history| {
        history.rules.one_hub = false;
        forget_event(history, AT_CHEN, 6);
        if let Event::Message { seen, .. } = &mut event(history, AT_CHEN, 5).what {
            seen.seq = 6;
        }
        if let Event::Message { seen, .. } = &mut event(history, AT_CHEN, 4).what {
            seen.seq = 2;
        }
    });
}

#[test]
fn wrong_counts_are_found() {
    found_by("unread", |history| {
        *history.finals[0].map.get_mut(&CHEN).unwrap() += 1;
    });
    found_by("unread", |history| history.finals[1].unread -= 1);
    found_by("unread", |history| history.counts[0].by_session[0].1 = -1);
    found_by("unread", |history| {
        history
            .heard
            .push(heard(AT_LI, 23_000, Event::Unread(vec![(WARD, -2)])));
    });
    // A deletion that was not subtracted.
    found_by("unread", |history| {
        cluster(history).for_each(|last| last.messages[9].deleted = true);
    });
}

#[test]
fn receipts_that_go_back_are_found() {
    found_by("receipts", |history| {
        let what = Event::Read {
            session: WARD,
            reader: CHEN,
            seq: 2,
        };
        history.heard.push(heard(AT_LI, 23_000, what));
    });
    found_by("receipts", |history| {
        let message = message(1).id;
        let what = Event::Status {
            session: WARD,
            message,
            receiver: CHEN,
            is_read: false,
        };
        history.heard.push(heard(AT_LI, 23_000, what));
    });
    found_by("receipts", |history| {
        history.positions.push(look(LI, CHEN, 3, 40_000));
    });
    // A read that was answered and is lost.
    found_by("receipts", |history| {
        cluster(history).for_each(|last| *last.positions.get_mut(&CHEN).unwrap() -= 1);
    });
}

#[test]
fn devices_that_do_not_converge_are_found() {
    found_by("convergence", |history| {
        history.devices[1]
            .sessions
            .get_mut(&WARD)
            .unwrap()
            .messages
            .pop();
    });
    found_by("convergence", |history| {
        let deleted = &mut history.devices[1].sessions.get_mut(&WARD).unwrap().messages[2];
        *deleted = message(DELETED);
    });
    found_by("convergence", |history| {
        history.devices[0]
            .sessions
            .get_mut(&WARD)
            .unwrap()
            .positions
            .insert(CHEN, 2);
    });
    found_by("convergence", |history| {
        history.devices[0].pushed = Some(BTreeMap::from([(WARD, 11)]));
    });
    found_by("convergence", |history| history.devices[0].sessions.clear());
}

#[test]
fn an_event_sent_to_the_wrong_user_is_found() {
    found_by("access", |history| {
        let what = Event::Message {
            session: WARD,
            seen: message(5),
        };
        history.heard.push(heard(AT_OUTSIDER, 5_400, what));
    });
    found_by("access", |history| {
        history.heard.push(heard(
            AT_OUTSIDER,
            5_400,
            Event::Typing {
                session: WARD,
                typist: LI,
            },
        ));
    });
    found_by("access", |history| {
        history
            .heard
            .push(heard(AT_OUTSIDER, 5_400, Event::Presence { user: LI }));
    });
    found_by("access", |history| {
        history
            .heard
            .push(heard(AT_OUTSIDER, 5_400, Event::Unread(vec![(WARD, 1)])));
    });
    // The sign-out was answered at 3,500; message 4 was sent at 4,000.
    found_by("access", |history| {
        let what = Event::Message {
            session: WARD,
            seen: message(4),
        };
        history.heard.push(heard(SIGNED_OUT, 4_400, what));
    });
    found_by("access", |history| {
        let what = Event::Typing {
            session: WARD,
            typist: LI,
        };
        history
            .heard
            .push(heard(SIGNED_OUT, 3_500 + 6_000_000, what));
    });
    found_by("access", |history| history.intrusions[0].refused = false);
}

#[test]
fn a_late_recovery_is_found() {
    found_by("recovery", |history| history.rules.recovery = 100);
    found_by("recovery", |history| {
        history
            .attempts
            .iter_mut()
            .for_each(|attempt| attempt.outcome = Outcome::Unknown);
    });
}

#[test]
fn answers_that_the_contract_does_not_know_are_found() {
    found_by("answers", |history| {
        history.oddities.push("500 without an outcome".to_owned());
    });
    found_by("answers", |history| {
        history.heard.push(heard(
            AT_LI,
            23_000,
            Event::Unknown("message:lost".to_owned()),
        ));
    });
    // Li's 5 got no answer, which the fault did not cause.
    found_by("answers", |history| history.rules.undisturbed = true);
}
