//! A clean history: two users who talk, an outsider, one fault; `fixture_group.rs` adds a group.
//! `tests.rs` plants faults into it.

use std::collections::BTreeMap;

use crate::{
    checker::fixture_group,
    history::{
        ConnectionLife, Counts, Deletion, DeviceState, Event, FinalRead, Heal, History, Id,
        Intrusion, Known, Mark, ObservedMessage, Outcome, Page, Position, ReceivedEvent, Removal,
        Rules, SendAttempt,
    },
};

pub const LI: Id = Id(1);
pub const CHEN: Id = Id(2);
pub const OUTSIDER: Id = Id(3);
pub const WARD: Id = Id(100);
/// Connections: Li's, Chen's, the outsider's, and one of Chen's that was signed out at 3,500.
pub const AT_LI: u32 = 1;
pub const AT_CHEN: u32 = 2;
pub const AT_OUTSIDER: u32 = 3;
pub const SIGNED_OUT: u32 = 4;
/// Messages: odd ones are Li's, even ones Chen's. Number n begins at 1,000 n and is answered 500
/// later.
pub const COUNT: u64 = 12;
pub const DELETED: u64 = 3;
pub const CHEN_READ: u64 = 8;
pub const LI_READ: u64 = 4;
/// Requested when everything had been answered.
pub const LATE: u64 = 100_000;

pub fn sender(number: u64) -> Id {
    if number % 2 == 1 { LI } else { CHEN }
}

pub fn wire_of(person: Id) -> u32 {
    if person == LI { AT_LI } else { AT_CHEN }
}

pub fn message(number: u64) -> ObservedMessage {
    let id = Id(u128::from(1_000 + number));
    ObservedMessage {
        id,
        seq: number,
        sender: sender(number),
        key: number,
        text: 7_000 + number,
        ..ObservedMessage::default()
    }
}

/// The final state of a message.
pub fn lasting(number: u64) -> ObservedMessage {
    let is_read = number
        <= if sender(number) == LI {
            CHEN_READ
        } else {
            LI_READ
        };
    let seen = ObservedMessage {
        status: 1 + u8::from(is_read),
        readers: u64::from(is_read),
        ..message(number)
    };
    if number == DELETED {
        ObservedMessage {
            deleted: true,
            text: 0,
            rev: 1,
            ..seen
        }
    } else {
        seen
    }
}

pub fn attempt(number: u64) -> SendAttempt {
    let begun = number * 1_000;
    SendAttempt {
        sender: sender(number),
        session: WARD,
        key: number,
        text: 7_000 + number,
        via: Some((wire_of(sender(number)), number)),
        begun,
        ended: begun + 500,
        outcome: Outcome::Ok((message(number).id, number)),
    }
}

pub fn page(reader: Id, begun: u64, upto: u64) -> Page {
    let messages = (1..=upto).map(message).collect();
    Page {
        reader,
        session: WARD,
        begun,
        ended: begun + 100,
        low: 1,
        high: u64::MAX,
        messages,
    }
}

pub fn heard(wire: u32, at: u64, what: Event) -> ReceivedEvent {
    ReceivedEvent { wire, at, what }
}

pub fn life(person: Id) -> ConnectionLife {
    ConnectionLife {
        person,
        synced: BTreeMap::from([(WARD, 0)]),
        is_whole: true,
        ..ConnectionLife::default()
    }
}

pub fn positions() -> BTreeMap<Id, u64> {
    BTreeMap::from([(LI, LI_READ), (CHEN, CHEN_READ)])
}

pub fn look(observer: Id, reader: Id, seq: i64, begun: u64) -> Position {
    Position {
        observer,
        session: WARD,
        reader,
        seq,
        begun,
        ended: begun + 100,
    }
}

/// Two users who talk, an outsider who tries to listen, one kill -9 at 5,100.
pub fn clean() -> History {
    let rules = Rules {
        one_hub: true,
        undisturbed: false,
        recovery: 15_000_000,
        grace: 0,
    };
    let mut history = History::new(rules);
    history.members.insert(WARD, vec![LI, CHEN]);
    history.wires = BTreeMap::from([
        (AT_LI, life(LI)),
        (AT_CHEN, life(CHEN)),
        (AT_OUTSIDER, life(OUTSIDER)),
        (
            SIGNED_OUT,
            ConnectionLife {
                is_whole: false,
                ..life(CHEN)
            },
        ),
    ]);
    for number in 1..=COUNT {
        history.attempts.push(attempt(number));
        for wire in [AT_LI, AT_CHEN] {
            let what = Event::Message {
                session: WARD,
                seen: message(number),
            };
            history.heard.push(heard(wire, number * 1_000 + 400, what));
        }
    }
    // An unanswered send that is stored, with a repeat; and one that was refused and never arrived.
    history.attempts[4].outcome = Outcome::Unknown;
    history.attempts.push(SendAttempt {
        begun: 50_000,
        ended: 50_100,
        via: None,
        ..attempt(5)
    });
    let refused = SendAttempt {
        key: 99,
        outcome: Outcome::Failed,
        ..attempt(9)
    };
    history.attempts.push(refused);
    let told = Event::Message {
        session: WARD,
        seen: message(1),
    };
    history.heard.push(heard(SIGNED_OUT, 1_400, told));
    let why = "logout";
    history.endings.push(Removal {
        person: CHEN,
        wires: vec![SIGNED_OUT],
        answered: 3_500,
        why,
    });
    history.pages = vec![
        page(LI, 4_600, 4),
        page(CHEN, 6_600, 6),
        page(LI, LATE - 1_000, COUNT),
    ];
    history.pages[2].messages = (1..=COUNT).map(lasting).collect();
    for (reader, seqs) in [(CHEN, [2, CHEN_READ]), (LI, [1, LI_READ])] {
        for seq in seqs {
            let at = 20_000 + seq;
            history.heard.push(heard(
                AT_LI,
                at,
                Event::Read {
                    session: WARD,
                    reader,
                    seq,
                },
            ));
            history.marks.push(Mark {
                reader,
                session: WARD,
                seq,
                outcome: Outcome::Ok(()),
            });
        }
        let last = i64::try_from(seqs[1]).unwrap();
        history
            .positions
            .extend([look(LI, reader, 1, 10_000), look(LI, reader, last, 30_000)]);
    }
    for is_read in [false, true] {
        let message = message(1).id;
        let what = Event::Status {
            session: WARD,
            message,
            receiver: CHEN,
            is_read,
        };
        history.heard.push(heard(AT_LI, 20_003, what));
    }
    for wire in [AT_LI, AT_CHEN] {
        let (id, seq) = (message(DELETED).id, DELETED);
        history.heard.push(heard(
            wire,
            21_000,
            Event::Deleted {
                session: WARD,
                id,
                seq,
                rev: 1,
            },
        ));
    }
    history.deletions.push(Deletion {
        session: WARD,
        seq: DELETED,
        outcome: Outcome::Ok(()),
    });
    let unread = |person: Id| {
        let position = positions()[&person];
        let counts =
            |number: &u64| sender(*number) != person && *number > position && *number != DELETED;
        i64::try_from((1..=COUNT).filter(counts).count()).unwrap()
    };
    let map = BTreeMap::from([(LI, unread(LI)), (CHEN, unread(CHEN))]);
    for person in [LI, CHEN] {
        let by_session = vec![(WARD, unread(person))];
        history.heard.push(heard(
            wire_of(person),
            22_000,
            Event::Unread(by_session.clone()),
        ));
        history.counts.push(Counts { by_session });
        let messages: Vec<ObservedMessage> = (1..=COUNT).map(lasting).collect();
        let known = Known {
            messages: messages.clone(),
            positions: positions(),
        };
        history.devices.push(DeviceState {
            name: format!("{person}"),
            person,
            sessions: BTreeMap::from([(WARD, known)]),
            pushed: Some(BTreeMap::from([(WARD, unread(person))])),
        });
        history.finals.push(FinalRead {
            reader: person,
            session: WARD,
            hidden: 0,
            messages,
            reactions: Vec::new(),
            positions: positions(),
            unread: unread(person),
            map: map.clone(),
        });
    }
    history.intrusions.push(Intrusion {
        what: "a look at the ward".to_owned(),
        refused: true,
    });
    history.heals.push(Heal {
        fault: "kill-service".to_owned(),
        healed: 5_200,
    });
    history.answers = 40;
    fixture_group::add_group(&mut history);
    history
}
