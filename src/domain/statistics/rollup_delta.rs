//! Counting: what a range of a conversation's messages adds to the rollups.

use std::collections::BTreeMap;

use super::{Calendar, Granularity, Responses};
use crate::domain::{
    ConversationId, Timestamp, UserId, conversation::ConversationKind, message::MessageType,
};

/// The fields of a message that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedMessage {
    pub seq: u64,
    pub sender: UserId,
    pub kind: MessageType,
    pub at: Timestamp,
    /// Whether it is a system message, which has a position but counts for no user.
    pub is_system: bool,
}

/// The first of a user's messages that no other user has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnansweredMessage {
    pub sender: UserId,
    pub since: Timestamp,
}

/// How far a conversation is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollupPosition {
    /// Its messages are counted up to this `seq`.
    pub seq: u64,
    /// Its unread counts are counted as of this `version`.
    pub version: u64,
    pub waiting: Option<UnansweredMessage>,
    /// The counts above zero.
    pub unread: BTreeMap<UserId, u64>,
}

/// A conversation's present state, for counting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationSnapshot {
    pub kind: ConversationKind,
    pub version: u64,
    pub unread: BTreeMap<UserId, u64>,
}

/// The sums of an hour, a day, or the whole time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageTally {
    pub messages: u64,
    /// In the order of [`MessageType::ALL`].
    pub by_kind: [u64; 4],
    /// The number of users who sent a message; not kept for the whole time.
    pub people: u64,
    pub responses: Responses,
}

impl MessageTally {
    fn record_message(&mut self, message: &CountedMessage) {
        self.messages += 1;
        for (count, kind) in self.by_kind.iter_mut().zip(MessageType::ALL) {
            *count += u64::from(kind == message.kind);
        }
    }
}

/// A user's counts of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonDay {
    pub sent: u64,
    /// The hours of the day in which the user sent messages, a bit for each.
    pub hours: u32,
    /// The response times of the user's answers.
    pub responses: Responses,
    pub last: Option<Timestamp>,
}

/// The amounts to add to the rollups.
#[derive(Debug, Default)]
pub struct RollupDelta {
    pub hours: BTreeMap<Timestamp, MessageTally>,
    pub days: BTreeMap<Timestamp, MessageTally>,
    pub total: MessageTally,
    pub people: BTreeMap<(Timestamp, UserId), PersonDay>,
    /// The changes of users' unread counts.
    pub unread: BTreeMap<UserId, i64>,
    pub new_private: u64,
    pub new_groups: u64,
    pub rollup_positions: BTreeMap<ConversationId, RollupPosition>,
}

impl RollupDelta {
    /// Counts a conversation's messages, which follow the counted position without a gap, and its
    /// unread counts.
    pub fn count(
        &mut self,
        calendar: &Calendar,
        session: ConversationId,
        standing: Option<RollupPosition>,
        seen: &ConversationSnapshot,
        messages: &[CountedMessage],
    ) {
        if standing.is_none() {
            match seen.kind {
                ConversationKind::Private => self.new_private += 1,
                ConversationKind::Group => self.new_groups += 1,
            }
        }
        let mut standing = standing.unwrap_or_default();
        for message in messages {
            standing.seq = message.seq;
            if !message.is_system {
                self.count_message(calendar, &mut standing.waiting, message);
            }
        }
        for (user, count) in &standing.unread {
            *self.unread.entry(*user).or_default() -= signed(*count);
        }
        for (user, count) in &seen.unread {
            *self.unread.entry(*user).or_default() += signed(*count);
        }
        standing.version = seen.version;
        standing.unread.clone_from(&seen.unread);
        self.rollup_positions.insert(session, standing);
    }

    fn count_message(
        &mut self,
        calendar: &Calendar,
        waiting: &mut Option<UnansweredMessage>,
        message: &CountedMessage,
    ) {
        let hour = calendar.start(Granularity::Hour, message.at);
        let day = calendar.start(Granularity::Day, message.at);
        let answered = waiting.filter(|waiting| waiting.sender != message.sender);
        if waiting.is_none() || answered.is_some() {
            *waiting = Some(UnansweredMessage {
                sender: message.sender,
                since: message.at,
            });
        }
        let wait = answered.map(|waiting| message.at.since(waiting.since));
        let (hours, days) = (
            self.hours.entry(hour).or_default(),
            self.days.entry(day).or_default(),
        );
        for tally in [hours, days, &mut self.total] {
            tally.record_message(message);
            if let Some(wait) = wait {
                tally.responses.record(wait);
            }
        }
        let person = self.people.entry((day, message.sender)).or_default();
        person.sent += 1;
        person.hours |= 1 << calendar.hour(message.at).min(31);
        person.last = person.last.max(Some(message.at));
        if let Some(wait) = wait {
            person.responses.record(wait);
        }
    }

    /// Counts the users who are new in their hour and day, given the hours in which they sent
    /// messages before.
    pub fn count_people(
        &mut self,
        calendar: &Calendar,
        before: &BTreeMap<(Timestamp, UserId), u32>,
    ) {
        let starts: Vec<Timestamp> = self.hours.keys().copied().collect();
        for (key, person) in &self.people {
            let (known, day) = (before.get(key).copied(), key.0);
            if known.is_none() {
                self.days.entry(day).or_default().people += 1;
            }
            let new = person.hours & !known.unwrap_or(0);
            // An hour that the clock shows twice, in autumn, is counted in its first.
            let mut told = 0;
            for start in &starts {
                let bit = 1 << calendar.hour(*start).min(31);
                if new & bit & !told != 0 && calendar.start(Granularity::Day, *start) == day {
                    told |= bit;
                    self.hours.entry(*start).or_default().people += 1;
                }
            }
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(seq: u64, sender: UserId, at: i64) -> CountedMessage {
        CountedMessage {
            seq,
            sender,
            kind: MessageType::Text,
            at: Timestamp(at),
            is_system: false,
        }
    }

    fn seen(unread: &[(UserId, u64)]) -> ConversationSnapshot {
        ConversationSnapshot {
            kind: ConversationKind::Group,
            version: 7,
            unread: unread.iter().copied().collect(),
        }
    }

    #[test]
    fn a_question_in_three_lines_waits_once_and_from_its_first() {
        let (li, wang) = (UserId::generate(), UserId::generate());
        let mut delta = RollupDelta::default();
        let asked = [
            message(1, li, 0),
            message(2, li, 4_000),
            message(3, li, 5_000),
            message(4, wang, 60_000),
        ];
        let calendar = Calendar::of("UTC").unwrap();
        delta.count(
            &calendar,
            ConversationId::generate(),
            None,
            &seen(&[]),
            &asked,
        );
        let mut one = Responses::default();
        one.record(Duration::from_mins(1));
        assert_eq!(delta.total.responses, one);
        let day = Timestamp(0);
        assert_eq!(delta.people[&(day, wang)].responses, one);
        assert_eq!(delta.people[&(day, li)].responses, Responses::default());
        assert_eq!((delta.total.messages, delta.new_groups), (4, 1));
    }

    #[test]
    fn counting_in_parts_is_counting_at_once() {
        let people = [UserId::generate(), UserId::generate(), UserId::generate()];
        let calendar = Calendar::of("Asia/Shanghai").unwrap();
        let messages: Vec<CountedMessage> = (0_u64..200)
            .map(|n| {
                message(
                    n + 1,
                    people[usize::try_from(n * n % 7 % 3).unwrap()],
                    signed(n * n * 40_000),
                )
            })
            .collect();
        let session = ConversationId::generate();
        let (mut whole, mut standing) = (RollupDelta::default(), None);
        whole.count(
            &calendar,
            session,
            None,
            &seen(&[(people[0], 3)]),
            &messages,
        );
        whole.count_people(&calendar, &BTreeMap::new());
        let (mut total, mut hours, mut days) =
            (Responses::default(), BTreeMap::new(), BTreeMap::new());
        let (mut before, mut unread) = (BTreeMap::<_, u32>::new(), 0);
        for (number, part) in messages.chunks(13).enumerate() {
            let mut delta = RollupDelta::default();
            let now = seen(&[(people[0], number as u64)]);
            let now = if number == 15 {
                seen(&[(people[0], 3)])
            } else {
                now
            };
            delta.count(&calendar, session, standing.take(), &now, part);
            delta.count_people(&calendar, &before);
            total.add(&delta.total.responses);
            unread += delta.unread.get(&people[0]).copied().unwrap_or(0);
            for (start, tally) in &delta.hours {
                *hours.entry(*start).or_insert(0) += tally.people;
            }
            for (start, tally) in &delta.days {
                *days.entry(*start).or_insert(0) += tally.people;
            }
            for (key, person) in &delta.people {
                *before.entry(*key).or_default() |= person.hours;
            }
            standing = delta.rollup_positions.remove(&session);
        }
        let people_of = |tallies: &BTreeMap<Timestamp, MessageTally>| -> BTreeMap<Timestamp, u64> {
            tallies
                .iter()
                .map(|(start, tally)| (*start, tally.people))
                .collect()
        };
        assert_eq!((total, unread), (whole.total.responses.clone(), 3));
        assert_eq!(
            (hours, days),
            (people_of(&whole.hours), people_of(&whole.days))
        );
        assert_eq!(standing.unwrap(), whole.rollup_positions[&session]);
    }
}
