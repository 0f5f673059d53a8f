//! Over random commands: an old state and the log give the present state, whatever batches the
//! commands came in, and the numbers of the events run without a gap.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Step, Stored, operation, step};
use crate::domain::{
    MessageId, Timestamp, UserId,
    change_log::{ChangeKind, EventPlace, LoggedChange, place_of},
    conversation::{Conversation, GroupProfile},
    conversation_state::{ConversationState, Lookup, Preloaded},
    message::Message,
};

/// Stands in for the database: the messages and the log, as the commit path stores them.
#[derive(Default)]
struct Database {
    messages: Stored,
    log: Vec<LoggedChange>,
}

impl Database {
    fn commit(&mut self, state: ConversationState) -> ConversationState {
        self.messages.store(&state);
        for change in state.changes().log.changes() {
            for earlier in &mut self.log {
                if change.supersedes(earlier) {
                    earlier.is_current = false;
                }
            }
            self.log.push(change.clone());
        }
        state.into_committed()
    }
}

/// What a reader of the log knows of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    content: String,
    is_deleted: bool,
    is_recalled: bool,
    reactions: BTreeMap<String, Vec<UserId>>,
}

impl Known {
    fn of(message: &Message) -> Self {
        let sorted = |users: &Vec<UserId>| {
            let mut users = users.clone();
            users.sort_unstable();
            users
        };
        Self {
            content: message.content.clone(),
            is_deleted: message.is_deleted,
            is_recalled: message.recalled_at.is_some(),
            reactions: message
                .reactions
                .iter()
                .map(|reaction| (reaction.emoji.clone(), sorted(&reaction.users)))
                .collect(),
        }
    }
}

type Copy = BTreeMap<MessageId, Known>;

fn copy_of(messages: &[Message]) -> Copy {
    messages
        .iter()
        .map(|message| (message.id, Known::of(message)))
        .collect()
}

/// Brings an old copy up to date from the current changes and the new messages above `event_seq`.
/// Like a client, it sees messages as they are now.
fn catch_up(mut copy: Copy, event_seq: u64, database: &Database) -> Copy {
    let messages = &database.messages.0;
    let present = |id: MessageId| messages.iter().find(|message| message.id == id);
    for message in messages
        .iter()
        .filter(|message| message.event_seq > event_seq)
    {
        copy.insert(message.id, Known::of(message));
    }
    let changes = database.log.iter();
    for change in changes.filter(|change| change.is_current && change.event_seq > event_seq) {
        let (Some(known), Some(message)) = (copy.get_mut(&change.message), present(change.message))
        else {
            continue;
        };
        match &change.kind {
            ChangeKind::Edited => known.content.clone_from(&message.content),
            ChangeKind::Recalled | ChangeKind::Deleted => {
                *known = Known {
                    content: String::new(),
                    is_deleted: true,
                    is_recalled: change.kind == ChangeKind::Recalled,
                    reactions: BTreeMap::new(),
                };
            }
            ChangeKind::Reacted { emoji, on } => {
                let users = known.reactions.entry(emoji.clone()).or_default();
                users.retain(|user| *user != change.by);
                if *on {
                    users.push(change.by);
                    users.sort_unstable();
                }
                known.reactions.retain(|_, users| !users.is_empty());
            }
        }
    }
    copy
}

fn check_numbers(database: &Database, last: u64) -> Result<(), TestCaseError> {
    let messages = &database.messages.0;
    let mut numbers: Vec<u64> = messages.iter().map(|message| message.event_seq).collect();
    numbers.extend(database.log.iter().map(|change| change.event_seq));
    numbers.sort_unstable();
    prop_assert_eq!(&numbers, &(1..=last).collect::<Vec<_>>());
    for number in numbers {
        let below = database.log.iter().rev();
        let below = below.clone().find(|change| change.event_seq <= number);
        match place_of(number, below.cloned()) {
            Some(EventPlace::Message { seq }) => {
                let message = messages.iter().find(|message| message.seq == seq);
                prop_assert_eq!(message.map(|message| message.event_seq), Some(number));
            }
            Some(EventPlace::Change(change)) => prop_assert_eq!(change.event_seq, number),
            None => prop_assert!(false, "{} is nothing", number),
        }
    }
    Ok(())
}

/// The rule of the log, written anew: of a message the newest edit and its removal, of a message,
/// a person and an emoji the newest state; nothing of a removed message but its removal.
fn check_folding(log: &[LoggedChange]) -> Result<(), TestCaseError> {
    for (place, change) in log.iter().enumerate() {
        let mut later = log.iter().skip(place + 1);
        let passed_over = later.any(|other| {
            other.message == change.message
                && match (&change.kind, &other.kind) {
                    (_, ChangeKind::Recalled | ChangeKind::Deleted) => true,
                    (ChangeKind::Edited, kind) => *kind == ChangeKind::Edited,
                    (ChangeKind::Reacted { emoji, .. }, ChangeKind::Reacted { emoji: now, .. }) => {
                        emoji == now && other.by == change.by
                    }
                    _ => false,
                }
        });
        prop_assert_eq!(change.is_current, !passed_over, "{:?}", change);
    }
    Ok(())
}

fn walk(session: Conversation, people: &[UserId], steps: &[Step]) -> Result<(), TestCaseError> {
    let id = session.id;
    let mut state = ConversationState::open(session);
    let mut database = Database::default();
    let mut copies: Vec<(u64, Copy)> = vec![(0, Copy::new())];
    for (time, step) in steps.iter().enumerate() {
        // A batch ends.
        let Some(operation) = operation(step, id, people, &database.messages) else {
            state = database.commit(state);
            copies.push((state.session.event_seq, copy_of(&database.messages.0)));
            continue;
        };
        if matches!(state.lookup(&operation), Some(Lookup::Unread { .. })) {
            state = database.commit(state);
        }
        let lookup = state.lookup(&operation);
        let changed = match lookup {
            Some(Lookup::Message(id)) => state.revised(id),
            Some(Lookup::Unread { .. }) | None => None,
        };
        let preloaded = match changed {
            Some(message) => Preloaded::Message(Some(Box::new((**message).clone()))),
            None => database.messages.preloaded(lookup),
        };
        let before = state.session.event_seq;
        let now = Timestamp(i64::try_from(time).unwrap());
        if state.apply(&operation, preloaded, now).is_err() {
            prop_assert_eq!(state.session.event_seq, before, "a refusal takes no number");
        }
    }
    let state = database.commit(state);
    check_numbers(&database, state.session.event_seq)?;
    check_folding(&database.log)?;
    let present = copy_of(&database.messages.0);
    for (event_seq, copy) in copies {
        prop_assert_eq!(&catch_up(copy, event_seq, &database), &present);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn an_old_copy_and_the_log_give_the_present(steps in prop::collection::vec(step(4), 1..250)) {
        let people: Vec<UserId> = (0..4).map(|_| UserId::generate()).collect();
        let profile = GroupProfile { history_visible: true, ..GroupProfile::default() };
        let members = [people[1], people[2], people[3]];
        let session = Conversation::group(1, people[0], members, profile, Timestamp(0));
        walk(session, &people, &steps)?;
    }
}

#[test]
fn an_event_before_the_first_change_is_a_message() {
    assert_eq!(place_of(0, None), None);
    assert_eq!(place_of(7, None), Some(EventPlace::Message { seq: 7 }));
}
