//! The invariants of the ledger over random operations, against plain counting.

use proptest::prelude::*;

use super::*;
use crate::domain::message::MessageType;

#[derive(Debug, Clone)]
enum Step {
    Send {
        by: usize,
    },
    Read {
        by: usize,
        seq: u64,
    },
    Delete {
        seq: u64,
    },
    Deliver {
        to: usize,
        seq: u64,
    },
    /// The writer forgot the session and loads it again.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0usize..2).prop_map(|by| Step::Send { by }),
        3 => (0usize..2, 0u64..120).prop_map(|(by, seq)| Step::Read { by, seq }),
        1 => (0u64..120).prop_map(|seq| Step::Delete { seq }),
        2 => (0usize..2, 0u64..120).prop_map(|(to, seq)| Step::Deliver { to, seq }),
        1 => Just(Step::Reload),
    ]
}

/// Stands in for the database: applies what an account says has changed.
#[derive(Default)]
struct Stored(Vec<Message>);

impl Stored {
    fn facts(&self, lookup: Option<Lookup>) -> Facts {
        match lookup {
            None => Facts::None,
            Some(Lookup::Message(id)) => Facts::Message(self.0.iter().find(|m| m.id == id).cloned()),
            Some(Lookup::Unread { reader, after, up_to }) => {
                let newest: Vec<_> = self
                    .0
                    .iter()
                    .filter(|m| m.seq > after && m.seq <= up_to && m.sender != reader && !m.is_deleted)
                    .map(|m| MessageRef { id: m.id, seq: m.seq, sender: m.sender })
                    .collect();
                Facts::Unread { count: newest.len() as u64, newest }
            }
        }
    }

    fn store(&mut self, account: &Account) {
        self.0.extend(account.changes().messages.iter().map(|m| (**m).clone()));
        for tombstone in &account.changes().tombstones {
            for message in self.0.iter_mut().filter(|m| m.id == tombstone.message) {
                message.is_deleted = true;
            }
        }
    }
}

fn draft(session: SessionId, sender: UserId) -> Draft {
    Draft {
        session,
        sender,
        receiver: None,
        content: "hello".into(),
        kind: MessageType::Text,
        file: None,
        client_msg_id: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn unread_is_counting_and_seq_has_no_gap(steps in prop::collection::vec(step(), 1..200)) {
        let people = [UserId::generate(), UserId::generate()];
        let session = Session::private(people[0], people[1], Timestamp(0));
        let id = session.id;
        let mut account = Account::open(session);
        let mut stored = Stored::default();
        for (time, step) in steps.into_iter().enumerate() {
            let before: Vec<_> = account.session.members.values().map(|m| m.read_seq).collect();
            let at_seq = |stored: &Stored, seq: u64| stored.0.get(usize::try_from(seq).unwrap_or(0)).cloned();
            let operation = match step {
                Step::Send { by } => Some(Operation::Send { id: MessageId::generate(), draft: draft(id, people[by]) }),
                Step::Read { by, seq } => at_seq(&stored, seq).map(|m| Operation::Read {
                    session: id,
                    reader: people[by],
                    up_to: MessageRef { id: m.id, seq: m.seq, sender: m.sender },
                    origin: None,
                }),
                Step::Delete { seq } => at_seq(&stored, seq).map(|m| Operation::Delete {
                    session: id, message: m.id, by: m.sender, moderator: false,
                }),
                Step::Deliver { to, seq } => at_seq(&stored, seq).map(|m| Operation::Deliver {
                    session: id,
                    receiver: people[to],
                    messages: vec![MessageRef { id: m.id, seq: m.seq, sender: m.sender }],
                }),
                Step::Reload => { account = Account::open(account.session.clone()); None }
            };
            if let Some(operation) = operation {
                let facts = stored.facts(account.lookup(&operation));
                account.apply(&operation, facts, Timestamp(i64::try_from(time).unwrap())).unwrap();
                stored.store(&account);
                account = account.settled();
            }
            for (index, (user, member)) in account.session.members.iter().enumerate() {
                let counted = stored.0.iter()
                    .filter(|m| m.sender != *user && m.seq > member.read_seq && !m.is_deleted).count() as u64;
                prop_assert_eq!(member.unread, counted);
                let own = stored.0.iter().filter(|m| m.sender == *user && !m.is_deleted).count() as u64;
                prop_assert_eq!(member.sent, own);
                prop_assert!(member.read_seq >= before[index]);
            }
            let seqs: Vec<_> = stored.0.iter().map(|m| m.seq).collect();
            prop_assert_eq!(seqs, (1..=account.session.seq).collect::<Vec<_>>());
            let live = stored.0.iter().filter(|m| !m.is_deleted).count() as u64;
            prop_assert_eq!(account.session.message_count, live);
        }
    }
}

#[test]
fn a_stranger_changes_nothing() {
    let session = Session::private(UserId::generate(), UserId::generate(), Timestamp(0));
    let before = session.clone();
    let id = session.id;
    let mut account = Account::open(session);
    let stranger = UserId::generate();
    let up_to = MessageRef { id: MessageId::generate(), seq: 1, sender: stranger };
    for operation in [
        Operation::Send { id: MessageId::generate(), draft: draft(id, stranger) },
        Operation::Read { session: id, reader: stranger, up_to, origin: None },
        Operation::Deliver { session: id, receiver: stranger, messages: vec![up_to] },
    ] {
        let refusal = account.apply(&operation, Facts::None, Timestamp(1)).unwrap_err();
        assert!(matches!(refusal, Error::ConversationNotFound));
    }
    assert_eq!(account.session, before);
    assert!(account.changes().is_empty());
}

#[test]
fn only_the_sender_or_an_admin_deletes() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut account = Account::open(Session::private(anna, ben, Timestamp(0)));
    let session = account.session.id;
    let send = Operation::Send { id: MessageId::generate(), draft: draft(session, anna) };
    let Ok(Outcome::Sent { message, .. }) = account.apply(&send, Facts::None, Timestamp(1)) else {
        panic!("not sent")
    };
    let mut delete = |by: UserId, moderator: bool| {
        let operation = Operation::Delete { session, message: message.id, by, moderator };
        account.apply(&operation, Facts::Message(Some((*message).clone())), Timestamp(2))
    };
    assert!(matches!(delete(ben, false), Err(Error::Forbidden(_))));
    assert!(matches!(delete(UserId::generate(), false), Err(Error::NotFound(_))));
    assert!(matches!(delete(UserId::generate(), true), Ok(Outcome::Deleted { fresh: true, .. })));
}

#[test]
fn times_never_run_backwards() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut account = Account::open(Session::private(anna, ben, Timestamp(1_000)));
    let session = account.session.id;
    let mut send = |now| {
        let operation = Operation::Send { id: MessageId::generate(), draft: draft(session, anna) };
        match account.apply(&operation, Facts::None, Timestamp(now)) {
            Ok(Outcome::Sent { message, .. }) => message.created_at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([send(2_000), send(500), send(3_000)], [Timestamp(2_000), Timestamp(2_000), Timestamp(3_000)]);
}

#[test]
fn what_reaches_both_ends_of_a_dialogue_is_one_run_each() {
    let (anna, ben) = (UserId::generate(), UserId::generate());
    let mut account = Account::open(Session::private(anna, ben, Timestamp(0)));
    let session = account.session.id;
    let mut written = Vec::new();
    for number in 0..40 {
        let sender = if number % 3 == 0 { ben } else { anna };
        let id = MessageId::generate();
        let send = Operation::Send { id, draft: draft(session, sender) };
        account.apply(&send, Facts::None, Timestamp(1)).unwrap();
        written.push(MessageRef { id, seq: number + 1, sender });
    }
    for (receiver, now) in [(anna, 2), (ben, 3)] {
        account = account.settled();
        let to = |m: &&MessageRef| m.sender != receiver;
        let (early, late): (Vec<MessageRef>, Vec<MessageRef>) =
            written.iter().filter(to).partition(|m| m.seq <= 20);
        for messages in [late, early] {
            let deliver = Operation::Deliver { session, receiver, messages };
            account.apply(&deliver, Facts::None, Timestamp(now)).unwrap();
        }
        let runs: Vec<_> = account.session.members[&receiver].delivered.pairs().collect();
        assert!(runs.len() <= 2, "{runs:?}");
        assert_eq!(account.changes().receipts.len(), 2, "{:?}", account.changes().receipts);
        for receipt in &account.changes().receipts {
            assert!(written.iter().any(|m| m.seq == receipt.from && m.sender != receiver));
        }
    }
}
