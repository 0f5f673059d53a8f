//! The checks of changes, forwards and groups, tested as in `tests.rs`.

use crate::{
    checker::fixture::*,
    checker::fixture_group::*,
    checker::tests::{finders, found_by},
    history::changes::{Forward, Miss},
    history::{Event, History, Id, ObservedMessage, Outcome, Page, SystemMessage},
};

/// Changes a group's message in the final state of all readers.
fn change_finals(
    history: &mut History,
    session: Id,
    seq: u64,
    change: impl Fn(&mut ObservedMessage),
) {
    for last in history
        .finals
        .iter_mut()
        .filter(|last| last.session == session)
    {
        last.messages
            .iter_mut()
            .filter(|seen| seen.seq == seq)
            .for_each(&change);
    }
}

/// Removes a conversation's newest messages, as if they had never been stored.
fn cut_finals(history: &mut History, session: Id, from: u64) {
    for last in history
        .finals
        .iter_mut()
        .filter(|last| last.session == session)
    {
        last.messages.retain(|seen| seen.seq < from);
    }
}

#[test]
fn lost_edits_are_found() {
    // The message has its original text again.
    found_by("edits", |history| {
        change_finals(history, GROUP, EDITED, |seen| seen.text = said(EDITED).text);
    });
    // A refused edit is stored.
    found_by("edits", |history| {
        change_finals(history, GROUP, EDITED, |seen| seen.text = 9_007);
    });
    // Of two acknowledged edits, the earlier one is stored.
    found_by("edits", |history| {
        let later = crate::history::changes::Edit {
            text: 9_009,
            outcome: Outcome::Ok(5),
            ..history.edits[0].clone()
        };
        history.edits.push(later);
    });
    // A text that no user wrote.
    found_by("no phantom", |history| {
        change_finals(history, GROUP, EDITED, |seen| seen.text = 1);
    });
    // Refused, but published to a user.
    found_by("edits", |history| {
        let (session, id, seq) = (GROUP, said(EDITED).id, EDITED);
        let what = Event::Edited {
            session,
            id,
            seq,
            rev: 5,
            text: 9_007,
        };
        history.heard.push(heard(AT_CHEN, 72_000, what));
    });
    // A tombstone that still has a text.
    found_by("edits", |history| {
        change_finals(history, GROUP, EDITED, |seen| seen.deleted = true);
    });
    // An unanswered one may be stored.
    let mut history = clean();
    change_finals(&mut history, GROUP, EDITED, |seen| seen.text = 9_008);
    assert!(!finders(&history).contains(&"edits"));
}

#[test]
fn recalls_that_are_undone_are_found() {
    found_by("set-full", |history| {
        let recall = crate::history::Deletion {
            session: GROUP,
            seq: EDITED,
            outcome: Outcome::Ok(()),
        };
        history.deletions.push(recall);
    });
}

#[test]
fn lost_reactions_are_found() {
    found_by("reactions", |history| {
        history
            .finals
            .iter_mut()
            .for_each(|last| last.reactions.clear());
    });
    // It was removed at the end, but is present.
    found_by("reactions", |history| {
        (history.reactions[1].begun, history.reactions[1].ended) = (75_000, 75_100);
    });
    // Refused, but present.
    found_by("reactions", |history| {
        history.reactions[0].outcome = Outcome::Failed;
    });
    // Another user's, which no client saw being added; and the same one twice.
    found_by("reactions", |history| {
        history.finals[2].reactions[0].2 = WANG;
    });
    found_by("reactions", |history| {
        let one = history.finals[2].reactions[0];
        history.finals[2].reactions.push(one);
    });
    // An unanswered one may be present or absent.
    let mut history = clean();
    history.reactions[0].outcome = Outcome::Unknown;
    assert!(!finders(&history).contains(&"reactions"));
    history
        .finals
        .iter_mut()
        .for_each(|last| last.reactions.clear());
    assert!(!finders(&history).contains(&"reactions"));
}

#[test]
fn half_forwards_and_doubled_ones_are_found() {
    // One target has nothing; one target has half; both have nothing.
    found_by("forwards", |history| cut_finals(history, ANNEX, 1));
    found_by("forwards", |history| cut_finals(history, ANNEX, 2));
    found_by("forwards", |history| {
        cut_finals(history, ANNEX, 1);
        cut_finals(history, GROUP, 7);
    });
    // Half of it is stored, though it was not answered.
    found_by("forwards", |history| {
        history
            .forwards
            .iter_mut()
            .for_each(|forward| forward.outcome = Outcome::Unknown);
        cut_finals(history, GROUP, 8);
    });
    // Once more under the same key.
    let double = |history: &mut History| {
        for last in history
            .finals
            .iter_mut()
            .filter(|last| last.session == ANNEX)
        {
            let first = last.messages[0];
            last.messages.push(ObservedMessage {
                id: Id(4_000),
                seq: 3,
                ..first
            });
        }
    };
    found_by("forwards", double);
    found_by("exactly once", double);
    // The repeat got another answer.
    found_by("forwards", |history| {
        if let Outcome::Ok(places) = &mut history.forwards[1].outcome {
            places.swap(0, 1);
        }
    });
    // In the other order; with another text; refused; never requested.
    found_by("forwards", |history| {
        change_finals(history, ANNEX, 1, |seen| seen.part = 102);
        change_finals(history, ANNEX, 2, |seen| seen.part = 101);
    });
    found_by("forwards", |history| {
        change_finals(history, ANNEX, 1, |seen| seen.text = 1);
    });
    found_by("forwards", |history| {
        history
            .forwards
            .iter_mut()
            .for_each(|forward| forward.outcome = Outcome::Failed);
    });
    found_by("forwards", |history| {
        history.forwards.retain(|forward| forward.key != FORWARD);
    });
    // It was not answered and nothing is stored: no fault.
    let mut history = clean();
    let unknown = Forward {
        key: 999,
        outcome: Outcome::Unknown,
        ..history.forwards[0].clone()
    };
    history.forwards.push(unknown);
    assert_eq!(finders(&history), Vec::<&str>::new());
}

#[test]
fn a_removed_member_who_still_takes_part_is_found() {
    // Received, though it was sent during their absence: then, and later.
    let said_meanwhile = Event::Message {
        session: GROUP,
        seen: said(HIDDEN),
    };
    for at in [64_400, 90_000] {
        found_by("removal", |history| {
            history
                .heard
                .push(heard(AT_WANG, at, said_meanwhile.clone()));
        });
    }
    // Any event between the events of the removal and of the return.
    let typing = Event::Typing {
        session: GROUP,
        typist: LI,
    };
    for (at, what) in [
        (63_450, typing),
        (3_000_000, Event::Unread(vec![(GROUP, 1)])),
    ] {
        found_by("removal", |history| {
            history.wires.get_mut(&AT_WANG).unwrap().arrived = Some(1_000);
            let is_it = |what: &Event| matches!(what, Event::Removed { .. });
            let place = history
                .heard
                .iter()
                .position(|one| is_it(&one.what))
                .unwrap();
            history
                .heard
                .insert(place + 1, heard(AT_WANG, at, what.clone()));
        });
    }
    // On a connection opened after the removal.
    found_by("removal", |history| {
        history.wires.get_mut(&AT_WANG).unwrap().opened = 63_600;
        let read = Event::Read {
            session: GROUP,
            reader: LI,
            seq: 2,
        };
        history.heard.push(heard(AT_WANG, 64_000, read));
    });
    // A page, a send, an edit, a reaction.
    found_by("removal", |history| {
        let (reader, session, messages) = (WANG, GROUP, Vec::new());
        let (begun, ended, low, high) = (64_000, 64_100, 1, 0);
        history.pages.push(Page {
            reader,
            session,
            begun,
            ended,
            low,
            high,
            messages,
        });
    });
    found_by("removal", |history| {
        let theirs = history
            .attempts
            .iter_mut()
            .find(|one| one.sender == WANG)
            .unwrap();
        (theirs.begun, theirs.ended) = (64_000, 64_100);
    });
    found_by("removal", |history| {
        let edit = &mut history.edits[0];
        (edit.by, edit.begun, edit.ended) = (WANG, 64_000, 64_100);
    });
    found_by("removal", |history| {
        let on = &mut history.reactions[0];
        (on.by, on.begun, on.ended) = (WANG, 64_000, 64_100);
    });
    found_by("removal", |history| {
        for forward in &mut history.forwards {
            (forward.by, forward.begun, forward.ended) = (WANG, 64_000, 64_100);
        }
    });
    // An unanswered removal proves nothing.
    let mut history = clean();
    history.absences[0].answered = None;
    history
        .heard
        .push(heard(AT_WANG, 64_400, Event::Unread(vec![(GROUP, 0)])));
    assert_eq!(finders(&history), Vec::<&str>::new());
}

#[test]
fn a_readded_member_who_sees_messages_of_the_absence_is_found() {
    let shows = |history: &mut History| {
        let page = history
            .pages
            .iter_mut()
            .rfind(|page| page.reader == WANG)
            .unwrap();
        page.messages.insert(0, settled(HIDDEN));
    };
    found_by("removal", shows);
    found_by("removal", |history| {
        history
            .finals
            .iter_mut()
            .filter(|last| last.reader == WANG)
            .for_each(|last| last.hidden = 2);
    });
    // In a group with shown history, they may.
    let mut history = clean();
    history.open.insert(GROUP);
    shows(&mut history);
    assert_eq!(finders(&history), Vec::<&str>::new());
    // A user who is no member at the end knows nothing of it.
    found_by("convergence", |history| history.absences[0].returned = None);
}

#[test]
fn a_group_that_writes_down_something_else_is_found() {
    found_by("system messages", |history| {
        change_finals(history, GROUP, 5, |seen| {
            seen.note = SystemMessage::Removed(WANG);
        });
    });
    found_by("system messages", |history| {
        change_finals(history, GROUP, 3, |seen| seen.note = SystemMessage::Other);
    });
    // An acknowledged removal without a system message; a system message of a removal never
    // requested.
    found_by("system messages", |history| {
        history.absences[0].person = CHEN;
    });
    found_by("system messages", |history| {
        (history.absences[0].tries, history.absences[0].is_sure) = (0, false);
    });
    // System messages are unread for nobody.
    found_by("unread", |history| {
        for last in history
            .finals
            .iter_mut()
            .filter(|last| last.session == GROUP)
        {
            *last.map.get_mut(&CHEN).unwrap() += 1;
        }
    });
}

#[test]
fn wrong_counts_of_receipts_are_found() {
    let counted = |delivered, read| Event::Counted {
        session: GROUP,
        message: said(1).id,
        delivered,
        read,
    };
    for (delivered, read) in [(1, 1), (2, 1), (3, 2), (2, 3)] {
        found_by("receipts", |history| {
            history
                .heard
                .push(heard(AT_LI, 74_000, counted(delivered, read)));
        });
    }
    found_by("receipts", |history| {
        change_finals(history, GROUP, EDITED, |seen| seen.readers = 0);
    });
    found_by("receipts", |history| {
        change_finals(history, WARD, 1, |seen| seen.readers = 0);
    });
}

#[test]
fn changes_that_are_told_wrongly_or_in_another_order_are_found() {
    let (session, id, seq) = (GROUP, said(EDITED).id, EDITED);
    // Published again; published with another state than stored; published for another message.
    for (seq, rev, reactions) in [(seq, 3, 5), (seq, 5, 5), (1, 4, 5)] {
        found_by("live in stored", |history| {
            let what = Event::Reacted {
                session,
                id,
                seq,
                rev,
                reactions,
            };
            history.heard.push(heard(AT_CHEN, 72_000, what));
        });
    }
    found_by("live in stored", |history| {
        let last = history
            .heard
            .iter_mut()
            .rfind(|one| matches!(one.what, Event::Reacted { .. }))
            .unwrap();
        last.what = Event::Reacted {
            session,
            id,
            seq,
            rev: 4,
            reactions: 6,
        };
    });
    // A device that missed an edit or a reaction.
    for change in [
        |seen: &mut ObservedMessage| seen.text = 8_006,
        |seen: &mut ObservedMessage| seen.reactions = 0,
    ] {
        found_by("convergence", |history| {
            let known = history.devices[1].sessions.get_mut(&GROUP).unwrap();
            known
                .messages
                .iter_mut()
                .filter(|seen| seen.seq == EDITED)
                .for_each(change);
        });
    }
    // The removed user received no event of it.
    found_by("no unnoticed gap", |history| {
        history
            .heard
            .retain(|one| !matches!(one.what, Event::Removed { .. }));
    });
    // The returned user misses the first message after the return.
    found_by("no unnoticed gap", |history| {
        history.heard.retain(|one| {
            let is_it =
                matches!(&one.what, Event::Message { session: GROUP, seen } if seen.seq == 5);
            !(one.wire == AT_WANG && is_it)
        });
    });
}

#[test]
fn being_told_that_what_is_there_is_not_is_found() {
    let miss = |person, number| Miss {
        person,
        sessions: vec![WARD],
        messages: vec![message(number).id],
    };
    found_by("answers", |history| history.misses.push(miss(LI, 1)));
    let mut history = clean();
    history.misses.push(miss(LI, DELETED));
    history.misses.push(Miss {
        sessions: vec![GROUP],
        ..miss(WANG, 1)
    });
    assert_eq!(finders(&history), Vec::<&str>::new());
}
