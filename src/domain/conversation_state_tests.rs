//! The invariants of the conversation state over random commands, checked by plain counting.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    conversation::{GroupProfile, GroupProfileChange, Member, MemberRole},
    message_parts::{MAX_EMOJI_BYTES, is_valid_emoji},
};

#[path = "change_log_tests.rs"]
mod change_log;

const RECALL_WINDOW: Duration = Duration::from_millis(40);

#[derive(Debug, Clone)]
enum Step {
    Send {
        by: usize,
        answering: Option<u64>,
    },
    Read {
        by: usize,
        seq: u64,
    },
    Delete {
        seq: u64,
        recall: bool,
    },
    Edit {
        seq: u64,
        by: usize,
    },
    React {
        seq: u64,
        by: usize,
        emoji: usize,
        on: bool,
    },
    Deliver {
        to: usize,
        seq: u64,
    },
    Add {
        by: usize,
        who: usize,
    },
    Remove {
        by: usize,
        who: usize,
    },
    Role {
        by: usize,
        who: usize,
        role: usize,
    },
    Open {
        by: usize,
        visible: bool,
    },
    /// The writer evicted the conversation and loads it again.
    Reload,
}

fn step(people: usize) -> impl Strategy<Value = Step> {
    let who = 0..people;
    let seq = 0u64..120;
    prop_oneof![
        6 => (who.clone(), prop::option::weighted(0.2, seq.clone()))
            .prop_map(|(by, answering)| Step::Send { by, answering }),
        3 => (who.clone(), seq.clone()).prop_map(|(by, seq)| Step::Read { by, seq }),
        1 => (seq.clone(), any::<bool>()).prop_map(|(seq, recall)| Step::Delete { seq, recall }),
        1 => (seq.clone(), who.clone()).prop_map(|(seq, by)| Step::Edit { seq, by }),
        1 => (seq.clone(), who.clone(), 0usize..3, any::<bool>())
            .prop_map(|(seq, by, emoji, on)| Step::React { seq, by, emoji, on }),
        2 => (who.clone(), seq).prop_map(|(to, seq)| Step::Deliver { to, seq }),
        1 => (who.clone(), who.clone()).prop_map(|(by, who)| Step::Add { by, who }),
        1 => (who.clone(), who.clone()).prop_map(|(by, who)| Step::Remove { by, who }),
        1 => (who.clone(), who.clone(), 0usize..3).prop_map(|(by, who, role)| Step::Role { by, who, role }),
        1 => (who, any::<bool>()).prop_map(|(by, visible)| Step::Open { by, visible }),
        1 => Just(Step::Reload),
    ]
}

/// Stands in for the database: applies the changes that a state lists.
#[derive(Default)]
struct Stored(Vec<Message>);

impl Stored {
    fn at(&self, seq: u64) -> Option<&Message> {
        self.0.get(usize::try_from(seq).unwrap_or(0))
    }

    fn preloaded(&self, lookup: Option<Lookup>) -> Preloaded {
        match lookup {
            None => Preloaded::None,
            Some(Lookup::Message(id)) => {
                Preloaded::Message(self.0.iter().find(|m| m.id == id).cloned().map(Box::new))
            }
            Some(Lookup::Unread {
                reader,
                after,
                up_to,
            }) => {
                let newest: Vec<_> = self
                    .0
                    .iter()
                    .filter(|m| m.seq > after && m.seq <= up_to && counts(m, reader))
                    .map(|m| MessageRef {
                        id: m.id,
                        seq: m.seq,
                        sender: m.sender,
                    })
                    .collect();
                Preloaded::Unread {
                    count: newest.len() as u64,
                    newest,
                }
            }
        }
    }

    fn store(&mut self, state: &ConversationState) {
        self.0
            .extend(state.changes().messages.iter().map(|m| (**m).clone()));
        for revised in state.changes().revised.values() {
            for message in self.0.iter_mut().filter(|m| m.id == revised.id) {
                message.clone_from(revised);
            }
        }
    }
}

fn counts(message: &Message, reader: UserId) -> bool {
    message.sender != reader && !message.is_deleted && message.system_notice.is_none()
}

fn draft(session: ConversationId, sender: UserId) -> Draft {
    Draft {
        content: "hello".into(),
        ..Draft::blank(session, sender)
    }
}

fn system_messages() -> [MessageId; 4] {
    std::array::from_fn(|_| MessageId::generate())
}

fn operation(
    step: &Step,
    session: ConversationId,
    people: &[UserId],
    stored: &Stored,
) -> Option<AnyCommand> {
    let reference = |seq: u64| {
        stored.at(seq).map(|m| MessageRef {
            id: m.id,
            seq: m.seq,
            sender: m.sender,
        })
    };
    let update_group = |by: usize, change| {
        AnyCommand::UpdateGroup(GroupCommand {
            session,
            by: people[by],
            change,
            system_messages: system_messages(),
        })
    };
    Some(match step {
        Step::Send { by, answering } => {
            let reply_to = answering.and_then(|seq| stored.at(seq)).map(|m| m.id);
            let draft = Draft {
                reply_to,
                ..draft(session, people[*by])
            };
            AnyCommand::Send(SendCommand {
                id: MessageId::generate(),
                draft,
                origin: None,
            })
        }
        Step::Read { by, seq } => AnyCommand::Read(ReadCommand {
            session,
            reader: people[*by],
            up_to: reference(*seq)?,
            origin: None,
        }),
        Step::Delete { seq, recall } => {
            let (message, by) = stored.at(*seq).map(|m| (m.id, m.sender))?;
            if *recall {
                AnyCommand::Recall(RecallCommand {
                    session,
                    message,
                    by,
                    window: RECALL_WINDOW,
                })
            } else {
                AnyCommand::Delete(DeleteCommand {
                    session,
                    message,
                    by,
                    moderator: false,
                })
            }
        }
        Step::Edit { seq, by } => AnyCommand::Edit(EditCommand {
            session,
            message: stored.at(*seq)?.id,
            by: people[*by],
            content: format!("edited {seq}"),
            mentions: None,
            window: RECALL_WINDOW,
        }),
        Step::React { seq, by, emoji, on } => AnyCommand::React(ReactCommand {
            session,
            message: stored.at(*seq)?.id,
            by: people[*by],
            emoji: ["👍", "❤️", "好"][*emoji].into(),
            on: *on,
        }),
        Step::Deliver { to, seq } => AnyCommand::Deliver(DeliverCommand {
            session,
            receiver: people[*to],
            messages: vec![reference(*seq)?],
        }),
        Step::Add { by, who } => update_group(*by, GroupChange::Add(vec![people[*who]])),
        Step::Remove { by, who } => update_group(*by, GroupChange::Remove(people[*who])),
        Step::Role { by, who, role } => {
            let role = Some(MemberRole::ALL[*role]);
            update_group(
                *by,
                GroupChange::Member {
                    user: people[*who],
                    role,
                    muted: None,
                    silenced: None,
                },
            )
        }
        Step::Open { by, visible } => {
            let change = GroupProfileChange {
                history_visible: Some(*visible),
                ..GroupProfileChange::default()
            };
            update_group(*by, GroupChange::GroupProfile(change))
        }
        Step::Reload => return None,
    })
}

/// Checks the invariants of a member, given everything that is stored.
fn check_member(user: UserId, member: &Member, stored: &Stored) -> Result<(), TestCaseError> {
    let unread = stored
        .0
        .iter()
        .filter(|m| m.seq > member.read_seq && counts(m, user))
        .count() as u64;
    prop_assert_eq!(member.unread, unread);
    let own = |m: &&Message| {
        m.sender == user && !m.is_deleted && m.system_notice.is_none() && m.seq > member.joined_seq
    };
    prop_assert_eq!(member.sent, stored.0.iter().filter(own).count() as u64);
    prop_assert!(member.hidden_seq <= member.joined_seq && member.joined_seq <= member.read_seq);
    Ok(())
}

fn walk(session: Conversation, people: &[UserId], steps: &[Step]) -> Result<(), TestCaseError> {
    let (id, kind) = (session.id, session.kind);
    let mut state = ConversationState::open(session);
    let mut stored = Stored::default();
    for (time, step) in steps.iter().enumerate() {
        let Some(operation) = operation(step, id, people, &stored) else {
            state = ConversationState::open(state.session.clone());
            continue;
        };
        let before = state.session.clone();
        let preloaded = stored.preloaded(state.lookup(&operation));
        match state.apply(
            &operation,
            preloaded,
            Timestamp(i64::try_from(time).unwrap()),
        ) {
            Err(_) => {
                prop_assert_eq!(&state.session, &before, "a refusal changes nothing");
                prop_assert!(state.changes().is_empty());
            }
            Ok(outcome) => {
                let revised = state.changes().revised.values().next().map(|m| m.rev);
                prop_assert!(state.session.rev <= before.rev + 1);
                prop_assert!(
                    revised.is_none_or(|rev| rev == before.rev + 1 && rev == state.session.rev)
                );
                if let Outcome::Send(SendOutcome::Sent { receivers, .. }) = &outcome {
                    prop_assert!(
                        receivers
                            .iter()
                            .all(|user| state.session.members.contains_key(user))
                    );
                }
                if let Outcome::GroupUpdated(change) = &outcome {
                    prop_assert_eq!(&*change.session, &state.session);
                    prop_assert_eq!(change.is_fresh, state.session.rev == before.rev + 1);
                }
            }
        }
        stored.store(&state);
        state = state.into_committed();
        for (user, member) in &state.session.members {
            check_member(*user, member, &stored)?;
            if let Some(earlier) = before.members.get(user) {
                prop_assert!(
                    member.read_seq >= earlier.read_seq,
                    "a position never goes back"
                );
            }
        }
        let seqs: Vec<_> = stored.0.iter().map(|m| m.seq).collect();
        prop_assert_eq!(seqs, (1..=state.session.seq).collect::<Vec<_>>());
        let live = stored
            .0
            .iter()
            .filter(|m| !m.is_deleted && m.system_notice.is_none())
            .count() as u64;
        prop_assert_eq!(state.session.message_count, live);
        if kind == ConversationKind::Group && !state.session.members.is_empty() {
            prop_assert!(state.session.owner_count() > 0, "a group has an owner");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn unread_is_counting_and_seq_has_no_gap(steps in prop::collection::vec(step(2), 1..200)) {
        let people = [UserId::generate(), UserId::generate()];
        walk(Conversation::private(1, people[0], people[1], Timestamp(0)), &people, &steps)?;
    }

    #[test]
    fn groups_keep_their_invariants_while_members_change(
        steps in prop::collection::vec(step(5), 1..200),
        visible in any::<bool>(),
    ) {
        let people: Vec<UserId> = (0..5).map(|_| UserId::generate()).collect();
        let profile = GroupProfile { history_visible: visible, ..GroupProfile::default() };
        let session = Conversation::group(1, people[0], [people[1], people[2]], profile, Timestamp(0));
        walk(session, &people, &steps)?;
    }

    #[test]
    fn whatever_is_taken_for_an_emoji_is_short(text in ".{0,12}") {
        prop_assert!(!is_valid_emoji(&text) || text.len() <= MAX_EMOJI_BYTES);
    }
}

#[test]
fn roles_are_kept_to() {
    let [anna, ben, cleo, dan]: [UserId; 4] = std::array::from_fn(|_| UserId::generate());
    let session = Conversation::group(
        1,
        anna,
        [ben, cleo, dan],
        GroupProfile::default(),
        Timestamp(0),
    );
    let id = session.id;
    let mut state = ConversationState::open(session);
    let mut ask = |by: UserId, change: GroupChange| {
        let operation = AnyCommand::UpdateGroup(GroupCommand {
            session: id,
            by,
            change,
            system_messages: system_messages(),
        });
        state
            .apply(&operation, Preloaded::None, Timestamp(1))
            .map(|_| state.session.members.len())
    };
    let role = |user, role| GroupChange::Member {
        user,
        role: Some(role),
        muted: None,
        silenced: None,
    };
    let muted = |user| GroupChange::Member {
        user,
        role: None,
        muted: Some(true),
        silenced: None,
    };
    assert!(
        matches!(
            ask(ben, GroupChange::Remove(cleo)),
            Err(Error::Forbidden(_))
        ),
        "a member removes nobody"
    );
    assert!(matches!(
        ask(ben, GroupChange::Add(vec![UserId::generate()])),
        Err(Error::Forbidden(_))
    ));
    assert!(
        matches!(
            ask(anna, GroupChange::Remove(anna)),
            Err(Error::Conflict(_))
        ),
        "the last owner stays"
    );
    assert!(matches!(
        ask(anna, role(anna, MemberRole::Member)),
        Err(Error::Conflict(_))
    ));
    assert!(ask(anna, role(ben, MemberRole::Admin)).is_ok());
    assert!(
        matches!(
            ask(ben, role(cleo, MemberRole::Admin)),
            Err(Error::Forbidden(_))
        ),
        "owners give roles"
    );
    assert!(
        matches!(
            ask(ben, GroupChange::Remove(anna)),
            Err(Error::Forbidden(_))
        ),
        "an admin, an owner"
    );
    assert!(
        matches!(ask(ben, muted(cleo)), Err(Error::Forbidden(_))),
        "everybody mutes for themselves"
    );
    assert!(ask(cleo, muted(cleo)).is_ok());
    assert_eq!(ask(ben, GroupChange::Remove(cleo)).unwrap(), 3);
    assert!(ask(anna, role(ben, MemberRole::Owner)).is_ok());
    assert_eq!(
        ask(anna, GroupChange::Remove(anna)).unwrap(),
        2,
        "another owner remains"
    );
    assert!(matches!(
        ask(anna, GroupChange::Remove(dan)),
        Err(Error::ConversationNotFound)
    ));
    assert_eq!(ask(ben, GroupChange::Remove(dan)).unwrap(), 1);
    assert_eq!(
        ask(ben, GroupChange::Remove(ben)).unwrap(),
        0,
        "the last one may leave"
    );
}

#[test]
fn a_message_bears_twenty_kinds_of_emoji() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut state = ConversationState::open(Conversation::private(1, anna, ben, Timestamp(0)));
    let session = state.session.id;
    let send = AnyCommand::Send(SendCommand {
        id: MessageId::generate(),
        draft: draft(session, anna),
        origin: None,
    });
    let Ok(Outcome::Send(SendOutcome::Sent { message, .. })) =
        state.apply(&send, Preloaded::None, Timestamp(1))
    else {
        panic!("not sent")
    };
    let mut react = |emoji: String| {
        let current = state
            .revised(message.id)
            .map_or((*message).clone(), |m| (**m).clone());
        let operation = AnyCommand::React(ReactCommand {
            session,
            message: message.id,
            by: ben,
            emoji,
            on: true,
        });
        state.apply(
            &operation,
            Preloaded::Message(Some(Box::new(current))),
            Timestamp(2),
        )
    };
    for number in 0..20 {
        assert!(matches!(
            react(number.to_string()),
            Ok(Outcome::Revised(RevisionOutcome {
                change: Some(_),
                ..
            }))
        ));
    }
    assert!(matches!(react("20".into()), Err(Error::Conflict(_))));
    assert!(
        matches!(
            react("7".into()),
            Ok(Outcome::Revised(RevisionOutcome { change: None, .. }))
        ),
        "one of each"
    );
}

#[test]
fn who_has_left_hears_no_receipt() {
    let [anna, ben, cleo]: [UserId; 3] = std::array::from_fn(|_| UserId::generate());
    let mut state = ConversationState::open(Conversation::group(
        1,
        anna,
        [ben, cleo],
        GroupProfile::default(),
        Timestamp(0),
    ));
    let session = state.session.id;
    let send = AnyCommand::Send(SendCommand {
        id: MessageId::generate(),
        draft: draft(session, ben),
        origin: None,
    });
    let Ok(Outcome::Send(SendOutcome::Sent { message, .. })) =
        state.apply(&send, Preloaded::None, Timestamp(1))
    else {
        panic!("not sent")
    };
    let leave = AnyCommand::UpdateGroup(GroupCommand {
        session,
        by: ben,
        change: GroupChange::Remove(ben),
        system_messages: system_messages(),
    });
    state.apply(&leave, Preloaded::None, Timestamp(2)).unwrap();
    let up_to = MessageRef {
        id: message.id,
        seq: 1,
        sender: ben,
    };
    let deliver = AnyCommand::Deliver(DeliverCommand {
        session,
        receiver: cleo,
        messages: vec![up_to],
    });
    let read = AnyCommand::Read(ReadCommand {
        session,
        reader: cleo,
        up_to,
        origin: None,
    });
    let Ok(Outcome::Delivered(DeliveryOutcome { messages, .. })) =
        state.apply(&deliver, Preloaded::None, Timestamp(3))
    else {
        panic!("not delivered")
    };
    assert!(messages.is_empty());
    let Ok(Outcome::Read(outcome)) = state.apply(&read, Preloaded::None, Timestamp(4)) else {
        panic!("not read")
    };
    assert_eq!((outcome.count, outcome.messages.len()), (1, 0));
}

#[test]
fn a_stranger_changes_nothing() {
    let session = Conversation::private(1, UserId::generate(), UserId::generate(), Timestamp(0));
    let before = session.clone();
    let id = session.id;
    let mut state = ConversationState::open(session);
    let stranger = UserId::generate();
    let up_to = MessageRef {
        id: MessageId::generate(),
        seq: 1,
        sender: stranger,
    };
    for operation in [
        AnyCommand::Send(SendCommand {
            id: MessageId::generate(),
            draft: draft(id, stranger),
            origin: None,
        }),
        AnyCommand::Read(ReadCommand {
            session: id,
            reader: stranger,
            up_to,
            origin: None,
        }),
        AnyCommand::Deliver(DeliverCommand {
            session: id,
            receiver: stranger,
            messages: vec![up_to],
        }),
    ] {
        let refusal = state
            .apply(&operation, Preloaded::None, Timestamp(1))
            .unwrap_err();
        assert!(matches!(refusal, Error::ConversationNotFound));
    }
    assert_eq!(state.session, before);
    assert!(state.changes().is_empty());
}

#[test]
fn only_the_sender_or_an_admin_deletes() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut state = ConversationState::open(Conversation::private(1, anna, ben, Timestamp(0)));
    let session = state.session.id;
    let send = AnyCommand::Send(SendCommand {
        id: MessageId::generate(),
        draft: draft(session, anna),
        origin: None,
    });
    let Ok(Outcome::Send(SendOutcome::Sent { message, .. })) =
        state.apply(&send, Preloaded::None, Timestamp(1))
    else {
        panic!("not sent")
    };
    let mut delete = |by: UserId, moderator: bool| {
        let operation = AnyCommand::Delete(DeleteCommand {
            session,
            message: message.id,
            by,
            moderator,
        });
        state.apply(
            &operation,
            Preloaded::Message(Some(Box::new((*message).clone()))),
            Timestamp(2),
        )
    };
    assert!(matches!(delete(ben, false), Err(Error::Forbidden(_))));
    assert!(matches!(
        delete(UserId::generate(), false),
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        delete(UserId::generate(), true),
        Ok(Outcome::Deleted(RemovalOutcome {
            change: Some(_),
            ..
        }))
    ));
}

#[test]
fn times_never_run_backwards() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut state = ConversationState::open(Conversation::private(1, anna, ben, Timestamp(1_000)));
    let session = state.session.id;
    let mut send = |now| {
        let operation = AnyCommand::Send(SendCommand {
            id: MessageId::generate(),
            draft: draft(session, anna),
            origin: None,
        });
        match state.apply(&operation, Preloaded::None, Timestamp(now)) {
            Ok(Outcome::Send(SendOutcome::Sent { message, .. })) => message.created_at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        [send(2_000), send(500), send(3_000)],
        [Timestamp(2_000), Timestamp(2_000), Timestamp(3_000)]
    );
}

#[test]
fn what_reaches_both_ends_of_a_dialogue_is_one_run_each() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut state = ConversationState::open(Conversation::private(1, anna, ben, Timestamp(0)));
    let session = state.session.id;
    let mut written = Vec::new();
    for number in 0..40 {
        let sender = if number % 3 == 0 { ben } else { anna };
        let id = MessageId::generate();
        let send = AnyCommand::Send(SendCommand {
            id,
            draft: draft(session, sender),
            origin: None,
        });
        state.apply(&send, Preloaded::None, Timestamp(1)).unwrap();
        written.push(MessageRef {
            id,
            seq: number + 1,
            sender,
        });
    }
    for (receiver, now) in [(anna, 2), (ben, 3)] {
        state = state.into_committed();
        let to = |m: &&MessageRef| m.sender != receiver;
        let (early, late): (Vec<MessageRef>, Vec<MessageRef>) =
            written.iter().filter(to).partition(|m| m.seq <= 20);
        for messages in [late, early] {
            let deliver = AnyCommand::Deliver(DeliverCommand {
                session,
                receiver,
                messages,
            });
            state
                .apply(&deliver, Preloaded::None, Timestamp(now))
                .unwrap();
        }
        let runs: Vec<_> = state.session.members[&receiver].delivered.pairs().collect();
        assert!(runs.len() <= 2, "{runs:?}");
        assert_eq!(
            state.changes().receipts.len(),
            2,
            "{:?}",
            state.changes().receipts
        );
        for receipt in &state.changes().receipts {
            assert!(
                written
                    .iter()
                    .any(|m| m.seq == receipt.from && m.sender != receiver)
            );
        }
    }
}
