//! The other half of the clean history: a group with a member who is removed and re-added, with an
//! edit and a reaction, and a forward of two messages into it and into a second conversation.

use std::collections::BTreeMap;

use crate::{
    checker::fixture::{AT_CHEN, AT_LI, CHEN, LI, heard, message},
    history::changes::{Absence, Edit, Forward, Reaction},
    history::{
        ConnectionLife, DeviceState, Event, FinalRead, History, Id, Known, ObservedMessage,
        Outcome, Page, SendAttempt, SystemMessage,
    },
};

/// The member who is removed and re-added.
pub const WANG: Id = Id(4);
pub const AT_WANG: u32 = 5;
pub const GROUP: Id = Id(101);
pub const ANNEX: Id = Id(102);
pub const THUMB: u64 = 77;
pub const FORWARD: u64 = 300;
/// Seqs of the group: sent during Wang's absence, and sent after the return.
pub const HIDDEN: u64 = 4;
pub const EDITED: u64 = 6;
/// The newest message of the group.
pub const NEWEST: u64 = 8;

fn id_of(session: Id, seq: u64) -> Id {
    Id(session.0 * 1_000 + u128::from(seq))
}

/// Message `seq` of the group as it was written: 1, 4 and 6 are texts, 3 and 5 system messages, 7
/// and 8 forwarded.
pub fn said(seq: u64) -> ObservedMessage {
    let id = id_of(GROUP, seq);
    let own = ObservedMessage {
        id,
        seq,
        key: 200 + seq,
        text: 8_000 + seq,
        ..ObservedMessage::default()
    };
    match seq {
        1 | 6 => ObservedMessage { sender: LI, ..own },
        2 => ObservedMessage {
            sender: WANG,
            ..own
        },
        3 => ObservedMessage {
            id,
            seq,
            sender: LI,
            note: SystemMessage::Removed(WANG),
            ..ObservedMessage::default()
        },
        5 => ObservedMessage {
            id,
            seq,
            sender: LI,
            note: SystemMessage::Joined(WANG),
            ..ObservedMessage::default()
        },
        7 | 8 => forwarded(GROUP, seq, 0, seq - 6),
        _ => ObservedMessage {
            sender: CHEN,
            ..own
        },
    }
}

fn forwarded(session: Id, seq: u64, place: u16, source: u64) -> ObservedMessage {
    let part = place * 100 + u16::try_from(source).unwrap();
    let (id, text) = (id_of(session, seq), message(source).text);
    ObservedMessage {
        id,
        seq,
        sender: CHEN,
        key: FORWARD,
        part,
        text,
        ..ObservedMessage::default()
    }
}

/// Its final state; rev 1 and 2 were the removal and the return.
pub fn settled(seq: u64) -> ObservedMessage {
    let readers = match said(seq) {
        ObservedMessage {
            note: SystemMessage::None,
            ..
        } => 2,
        _ => 0,
    };
    let seen = ObservedMessage {
        status: 2,
        readers,
        ..said(seq)
    };
    if seq == EDITED {
        ObservedMessage {
            text: 9_006,
            rev: 4,
            reactions: 5,
            ..seen
        }
    } else {
        seen
    }
}

fn annex(seq: u64) -> ObservedMessage {
    ObservedMessage {
        status: 2,
        readers: 1,
        ..forwarded(ANNEX, seq, 1, seq)
    }
}

/// The events of the group for each member: everything except what is hidden from Wang.
fn live(history: &mut History) {
    for wire in [AT_LI, AT_CHEN, AT_WANG] {
        let is_hidden = |seq: u64| wire == AT_WANG && (seq == 3 || seq == HIDDEN);
        for seq in 1..=NEWEST {
            let at = 60_000 + seq * 1_000;
            if wire == AT_WANG && seq == 3 {
                history
                    .heard
                    .push(heard(wire, at + 300, Event::Removed { session: GROUP }));
            }
            if wire == AT_WANG && seq == 5 {
                history.heard.push(heard(
                    wire,
                    at + 300,
                    Event::Created {
                        session: GROUP,
                        seq,
                    },
                ));
            }
            if !is_hidden(seq) {
                let what = Event::Message {
                    session: GROUP,
                    seen: said(seq),
                };
                history.heard.push(heard(wire, at + 400, what));
            }
            if (seq == 3 || seq == 5) && wire != AT_WANG {
                let rev = if seq == 3 { 1 } else { 2 };
                history.heard.push(heard(
                    wire,
                    at + 450,
                    Event::Updated {
                        session: GROUP,
                        rev,
                    },
                ));
            }
        }
        let (session, id, seq) = (GROUP, said(EDITED).id, EDITED);
        let edited = Event::Edited {
            session,
            id,
            seq,
            rev: 3,
            text: 9_006,
        };
        let reacted = Event::Reacted {
            session,
            id,
            seq,
            rev: 4,
            reactions: 5,
        };
        history
            .heard
            .extend([heard(wire, 70_000, edited), heard(wire, 71_000, reacted)]);
    }
    for wire in [AT_LI, AT_CHEN] {
        for seq in [1, 2] {
            let seen = ObservedMessage {
                status: 0,
                readers: 0,
                ..annex(seq)
            };
            history.heard.push(heard(
                wire,
                67_400,
                Event::Message {
                    session: ANNEX,
                    seen,
                },
            ));
        }
    }
    let counted = |delivered, read| Event::Counted {
        session: GROUP,
        message: said(1).id,
        delivered,
        read,
    };
    history.heard.extend([
        heard(AT_LI, 72_000, counted(2, 1)),
        heard(AT_LI, 73_000, counted(2, 2)),
    ]);
}

/// Adds the group.
pub fn add_group(history: &mut History) {
    history.members.insert(GROUP, vec![LI, CHEN, WANG]);
    history.members.insert(ANNEX, vec![LI, CHEN]);
    history.wires.insert(
        AT_WANG,
        ConnectionLife {
            person: WANG,
            is_whole: true,
            ..ConnectionLife::default()
        },
    );
    for seq in [1, 2, HIDDEN, EDITED] {
        let (begun, seen) = (60_000 + seq * 1_000, said(seq));
        history.attempts.push(SendAttempt {
            sender: seen.sender,
            session: GROUP,
            key: seen.key,
            text: seen.text,
            via: None,
            begun,
            ended: begun + 500,
            outcome: Outcome::Ok((seen.id, seq)),
        });
    }
    history.absences.push(Absence {
        answered: Some(63_500),
        return_begun: Some(65_000),
        returned: Some(65_500),
        tries: 1,
        is_sure: true,
        ..Absence::new(WANG, GROUP, 63_000)
    });
    live(history);
    let (message, session) = (said(EDITED).id, GROUP);
    let edit = Edit {
        by: LI,
        session,
        message,
        text: 9_006,
        begun: 69_000,
        ended: 70_000,
        outcome: Outcome::Ok(3),
    };
    // A refused edit, and an unanswered one that was overtaken.
    let refused = Edit {
        text: 9_007,
        outcome: Outcome::Failed,
        ..edit.clone()
    };
    let unknown = Edit {
        text: 9_008,
        outcome: Outcome::Unknown,
        ..edit.clone()
    };
    history.edits.extend([edit, refused, unknown]);
    let (begun, ended, outcome) = (70_500, 71_000, Outcome::Ok(()));
    let on = Reaction {
        by: CHEN,
        session,
        message,
        emoji: THUMB,
        on: true,
        begun,
        ended,
        outcome,
    };
    let off = Reaction {
        on: false,
        begun: 70_100,
        ended: 70_200,
        ..on.clone()
    };
    history.reactions.extend([on, off]);
    let mut written: Vec<(Id, u64)> = [7, 8].map(|seq| (said(seq).id, seq)).to_vec();
    written.extend([1, 2].map(|seq| (annex(seq).id, seq)));
    let forward = Forward {
        by: CHEN,
        key: FORWARD,
        sources: vec![message_of_ward(1), message_of_ward(2)],
        targets: vec![GROUP, ANNEX],
        merged: false,
        begun: 67_000,
        ended: 67_500,
        outcome: Outcome::Unknown,
    };
    let again = Forward {
        begun: 74_000,
        ended: 74_500,
        outcome: Outcome::Ok(written),
        ..forward.clone()
    };
    let refused = Forward {
        key: FORWARD + 1,
        outcome: Outcome::Failed,
        ..forward.clone()
    };
    history.forwards.extend([forward, again, refused]);
    let hidden_page = |begun: u64, low: u64, messages: Vec<ObservedMessage>| Page {
        reader: WANG,
        session: GROUP,
        begun,
        ended: begun + 100,
        low,
        high: u64::MAX,
        messages,
    };
    history
        .pages
        .push(hidden_page(62_800, 1, vec![said(1), said(2)]));
    history
        .pages
        .push(hidden_page(80_000, 1, (5..=NEWEST).map(settled).collect()));
    look_at_the_end(history);
}

fn message_of_ward(number: u64) -> Id {
    message(number).id
}

fn look_at_the_end(history: &mut History) {
    for (reader, session) in [
        (LI, GROUP),
        (CHEN, GROUP),
        (WANG, GROUP),
        (LI, ANNEX),
        (CHEN, ANNEX),
    ] {
        let hidden = if reader == WANG { HIDDEN } else { 0 };
        let messages: Vec<ObservedMessage> = if session == GROUP {
            (hidden + 1..=NEWEST).map(settled).collect()
        } else {
            [1, 2].map(annex).to_vec()
        };
        let newest = messages.len() as u64 + hidden;
        let members = history.members[&session].clone();
        let positions: BTreeMap<Id, u64> = members.iter().map(|member| (*member, newest)).collect();
        let known = Known {
            messages: messages.clone(),
            positions: positions.clone(),
        };
        match history
            .devices
            .iter_mut()
            .find(|device| device.person == reader)
        {
            Some(device) => drop(device.sessions.insert(session, known)),
            None => history.devices.push(DeviceState {
                name: format!("{reader}"),
                person: reader,
                sessions: BTreeMap::from([(session, known)]),
                pushed: None,
            }),
        }
        let reactions = if session == GROUP {
            vec![(said(EDITED).id, THUMB, CHEN)]
        } else {
            Vec::new()
        };
        let map = members.iter().map(|member| (*member, 0)).collect();
        history.finals.push(FinalRead {
            reader,
            session,
            hidden,
            messages,
            reactions,
            positions,
            unread: 0,
            map,
        });
    }
}
