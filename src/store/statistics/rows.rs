//! The rollups' documents, and the updates that add to them.

use std::collections::BTreeMap;

use mongodb::bson::{Bson, Document, doc};
use serde::{Deserialize, de::IgnoredAny};

use super::super::stored_number;
use crate::domain::{
    ConversationId, Error, Result, Timestamp, UserId,
    conversation::ConversationKind,
    message::MessageType,
    statistics::{
        ConversationSnapshot, CountedMessage, MessageTally, PersonDay, Responses, RollupDelta,
        RollupPosition, UnansweredMessage,
    },
};

/// A stored histogram: buckets by number, as text.
pub(super) type Buckets = BTreeMap<String, u64>;

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a stored histogram.
pub(super) fn responses(buckets: Buckets) -> Result<Responses> {
    let bucket = |(bucket, count): (String, u64)| {
        let bucket = bucket.parse::<u16>().map_err(|_| {
            tracing::error!("a stored histogram cannot be understood");
            Error::Internal
        })?;
        Ok((bucket, count))
    };
    buckets
        .into_iter()
        .map(bucket)
        .collect::<Result<Vec<_>>>()
        .map(Responses::of)
}

#[derive(Deserialize)]
pub(super) struct PositionRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    pub id: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    version: u64,
    waiting: Option<UnansweredRow>,
    #[serde(deserialize_with = "stored_number::by_name")]
    unread: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct UnansweredRow {
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    #[serde(with = "crate::store::bson_form")]
    since: Timestamp,
}

fn people(counts: BTreeMap<String, u64>) -> Result<BTreeMap<UserId, u64>> {
    let person = |(user, count): (String, u64)| {
        let user = user.parse::<UserId>().map_err(|_| {
            tracing::error!("a stored map of counts names nobody");
            Error::Internal
        })?;
        Ok((user, count))
    };
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(person)
        .collect()
}

impl PositionRow {
    pub fn into_position(self) -> Result<RollupPosition> {
        Ok(RollupPosition {
            seq: self.seq,
            version: self.version,
            waiting: self.waiting.map(|row| UnansweredMessage {
                sender: row.sender,
                since: row.since,
            }),
            unread: people(self.unread)?,
        })
    }
}

/// The fields of a conversation that counting needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SnapshotRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    pub id: ConversationId,
    session_type: String,
    #[serde(deserialize_with = "stored_number::natural")]
    pub seq: u64,
    #[serde(deserialize_with = "stored_number::natural")]
    version: u64,
    #[serde(deserialize_with = "stored_number::by_name")]
    unread_count: BTreeMap<String, u64>,
}

impl SnapshotRow {
    pub fn into_snapshot(self) -> Result<ConversationSnapshot> {
        let kind = match self.session_type.as_str() {
            "private" => ConversationKind::Private,
            "group" => ConversationKind::Group,
            _ => {
                tracing::error!(session = %self.id, "a stored session is of unknown type");
                return Err(Error::Internal);
            }
        };
        Ok(ConversationSnapshot {
            kind,
            version: self.version,
            unread: people(self.unread_count)?,
        })
    }
}

/// The fields of a message that counting needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CountedRow {
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
    #[serde(with = "crate::store::bson_form")]
    sender: UserId,
    message_type: String,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    system: Option<IgnoredAny>,
}

impl TryFrom<CountedRow> for CountedMessage {
    type Error = Error;
    fn try_from(row: CountedRow) -> Result<Self> {
        let kind = row.message_type.parse::<MessageType>().map_err(|_| {
            tracing::error!(seq = row.seq, "a stored message is of unknown type");
            Error::Internal
        })?;
        Ok(Self {
            seq: row.seq,
            sender: row.sender,
            kind,
            at: row.created_at,
            is_system: row.system.is_some(),
        })
    }
}

/// The hours of a day in which a user wrote.
#[derive(Deserialize)]
pub(super) struct HoursRow {
    #[serde(rename = "_id")]
    pub key: PersonKey,
    pub hours: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PersonKey {
    #[serde(with = "crate::store::bson_form")]
    pub day: Timestamp,
    #[serde(with = "crate::store::bson_form")]
    pub user: UserId,
}

pub(super) fn person_key(day: Timestamp, user: UserId) -> Document {
    doc! { "day": day, "user": user }
}

pub(super) fn period_key(unit: &str, start: Timestamp) -> Document {
    doc! { "unit": unit, "start": start }
}

/// A stored period.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PeriodRow {
    #[serde(rename = "_id")]
    pub key: PeriodKey,
    #[serde(default)]
    messages: u64,
    #[serde(default)]
    by_type: BTreeMap<String, u64>,
    #[serde(default)]
    people: u64,
    #[serde(default)]
    responses: Buckets,
    #[serde(default)]
    pub private: u64,
    #[serde(default)]
    pub groups: u64,
}

#[derive(Deserialize)]
pub(super) struct PeriodKey {
    #[serde(with = "crate::store::bson_form")]
    pub start: Timestamp,
}

impl PeriodRow {
    pub fn into_tally(self) -> Result<MessageTally> {
        let mut by_kind = [0; 4];
        for (count, kind) in by_kind.iter_mut().zip(MessageType::ALL) {
            *count = self.by_type.get(kind.as_str()).copied().unwrap_or(0);
        }
        Ok(MessageTally {
            messages: self.messages,
            by_kind,
            people: self.people,
            responses: responses(self.responses)?,
        })
    }
}

fn add_responses(add: &mut Document, responses: &Responses) {
    for (bucket, count) in responses.buckets() {
        add.insert(format!("responses.{bucket}"), as_i64(count));
    }
}

fn increments(tally: &MessageTally) -> Document {
    let mut add = doc! { "messages": as_i64(tally.messages) };
    for (count, kind) in tally.by_kind.iter().zip(MessageType::ALL) {
        if *count > 0 {
            add.insert(format!("byType.{}", kind.as_str()), as_i64(*count));
        }
    }
    if tally.people > 0 {
        add.insert("people", as_i64(tally.people));
    }
    add_responses(&mut add, &tally.responses);
    add
}

fn upsert(key: impl Into<Bson>, update: Document) -> Document {
    doc! { "q": { "_id": key }, "u": update, "upsert": true }
}

/// Returns the statements that add a rollup delta, by collection.
pub(super) fn statements(delta: &RollupDelta) -> [(&'static str, Vec<Document>); 4] {
    let mut periods = Vec::new();
    for (unit, tallies) in [("hour", &delta.hours), ("day", &delta.days)] {
        for (start, tally) in tallies {
            periods.push(upsert(
                period_key(unit, *start),
                doc! { "$inc": increments(tally) },
            ));
        }
    }
    let mut total = increments(&delta.total);
    total.insert("private", as_i64(delta.new_private));
    total.insert("groups", as_i64(delta.new_groups));
    periods.push(upsert(
        period_key("all", Timestamp(0)),
        doc! { "$inc": total },
    ));
    let people = delta
        .people
        .iter()
        .map(|((day, user), person)| upsert(person_key(*day, *user), person_update(person)));
    let unread = delta.unread.iter().filter(|(_, change)| **change != 0);
    let unread = unread.map(|(user, change)| upsert(*user, doc! { "$inc": { "unread": change } }));
    let positions = delta
        .rollup_positions
        .iter()
        .map(|(session, standing)| upsert(*session, doc! { "$set": position_document(standing) }));
    [
        (super::PERIODS_COLLECTION, periods),
        (super::USERS_COLLECTION, people.collect()),
        (super::UNREAD_COLLECTION, unread.collect()),
        (super::POSITIONS_COLLECTION, positions.collect()),
    ]
}

fn person_update(person: &PersonDay) -> Document {
    let mut add = doc! { "sent": as_i64(person.sent) };
    add_responses(&mut add, &person.responses);
    let mut update = doc! {
        "$inc": add,
        "$bit": { "hours": { "or": i64::from(person.hours) } },
    };
    if let Some(last) = person.last {
        update.insert("$max", doc! { "last": last });
    }
    update
}

fn position_document(standing: &RollupPosition) -> Document {
    let waiting = standing
        .waiting
        .map(|waiting| doc! { "sender": waiting.sender, "since": waiting.since });
    let unread = standing
        .unread
        .iter()
        .map(|(user, count)| (user.to_string(), Bson::from(as_i64(*count))));
    doc! {
        "seq": as_i64(standing.seq),
        "version": as_i64(standing.version),
        "waiting": waiting,
        "unread": unread.collect::<Document>(),
    }
}
