//! Adds to the rollups: one transaction for some conversations, which reads their positions, counts
//! what follows, and moves the positions. A transaction that fails, or whose answer is lost, is
//! simply retried: the positions show what is still to be counted.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
};

use super::{
    super::{Store, conversations, failure, messages, run},
    META_COLLECTION, POSITIONS_COLLECTION, USERS_COLLECTION, ready_filter,
    rows::{CountedRow, HoursRow, PositionRow, SnapshotRow, person_key, statements},
};
use crate::domain::{
    ConversationId, Error, Result, Timestamp, UserId,
    statistics::{Calendar, CountedMessage, RollupDelta},
};

/// The maximum number of messages that one transaction reads back.
const MAX_TRANSACTION_MESSAGES: usize = 10_000;
/// The maximum number of immediate retries after a conflict.
const MAX_TRANSACTION_TRIES: usize = 5;

/// The outcome of counting some conversations.
#[derive(Debug, PartialEq, Eq)]
pub enum Rolled {
    /// They are counted; those in `behind` have more to count.
    CountedMessage { behind: Vec<ConversationId> },
    /// The rollups are being cleared, by this process or another: nothing was counted.
    NotReady,
}

type CommittedRanges = BTreeMap<ConversationId, Vec<CountedMessage>>;

enum RollupStop {
    NotReady,
    Corrupt(Error),
    Database(mongodb::error::Error),
}

impl From<mongodb::error::Error> for RollupStop {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for RollupStop {
    fn from(error: Error) -> Self {
        Self::Corrupt(error)
    }
}

/// Returns whether another process counted at the same moment.
fn was_counted_elsewhere(error: &mongodb::error::Error) -> bool {
    error.contains_label("TransientTransactionError") && !failure::is_unavailable(error)
        || failure::is_duplicate_key(error)
}

impl Store {
    /// Counts what is new in these conversations. `runs` holds the messages that are known to be
    /// new, in order. Where they do not follow what is counted, the messages are read.
    ///
    /// # Errors
    /// When MongoDB does not answer. Then nothing, or everything, was counted, and a retry is safe.
    pub async fn roll_up(&self, calendar: &Arc<Calendar>, runs: CommittedRanges) -> Result<Rolled> {
        let (store, calendar, runs) = (self.clone(), Arc::clone(calendar), Arc::new(runs));
        for _ in 0..MAX_TRANSACTION_TRIES {
            let (store, calendar, runs) = (store.clone(), Arc::clone(&calendar), Arc::clone(&runs));
            let outcome = run(async move { store.try_roll_up(&calendar, &runs).await }).await?;
            match outcome {
                Ok(behind) => return Ok(Rolled::CountedMessage { behind }),
                Err(RollupStop::NotReady) => return Ok(Rolled::NotReady),
                Err(RollupStop::Corrupt(error)) => return Err(error),
                Err(RollupStop::Database(error)) => {
                    tracing::debug!(
                        cause = failure::describe(&error),
                        "counting met another transaction"
                    );
                }
            }
        }
        Err(Error::Unavailable)
    }

    /// Tries once. The outer failure ends the call; an inner one may be retried.
    async fn try_roll_up(
        &self,
        calendar: &Calendar,
        runs: &CommittedRanges,
    ) -> mongodb::error::Result<std::result::Result<Vec<ConversationId>, RollupStop>> {
        let mut transaction = self.client.start_session().await?;
        transaction.start_transaction().await?;
        let counted = self
            .count_in_transaction(&mut transaction, calendar, runs)
            .await;
        let behind = match counted {
            Ok(behind) => behind,
            Err(stop) => {
                // A failed abort is harmless: the server ends the transaction by itself.
                drop(transaction.abort_transaction().await);
                return match stop {
                    RollupStop::Database(error) if !was_counted_elsewhere(&error) => Err(error),
                    stop => Ok(Err(stop)),
                };
            }
        };
        transaction.commit_transaction().await?;
        Ok(Ok(behind))
    }

    async fn count_in_transaction(
        &self,
        transaction: &mut ClientSession,
        calendar: &Calendar,
        runs: &CommittedRanges,
    ) -> std::result::Result<Vec<ConversationId>, RollupStop> {
        // This write serialises the counting of all processes: the first writer proceeds.
        let meta = self.collection::<Document>(META_COLLECTION);
        let turn = doc! { "$inc": { "rounds": 1_i64 } };
        let found = meta
            .update_one(ready_filter(calendar), turn)
            .session(&mut *transaction)
            .await?;
        if found.matched_count == 0 {
            return Err(RollupStop::NotReady);
        }
        let ids: Vec<Bson> = runs.keys().copied().map(Bson::from).collect();
        let among = doc! { "_id": { "$in": ids } };
        let positions = self.collection::<PositionRow>(POSITIONS_COLLECTION);
        let mut cursor = positions
            .find(among.clone())
            .session(&mut *transaction)
            .await?;
        let rows: Vec<PositionRow> = cursor.stream(&mut *transaction).try_collect().await?;
        let mut rollup_positions = BTreeMap::new();
        for row in rows {
            rollup_positions.insert(row.id, row.into_position()?);
        }
        let seen = self.collection::<SnapshotRow>(conversations::COLLECTION);
        let fields = doc! { "sessionType": 1, "seq": 1, "version": 1, "unreadCount": 1 };
        let mut cursor = seen
            .find(among)
            .projection(fields)
            .session(&mut *transaction)
            .await?;
        let rows: Vec<SnapshotRow> = cursor.stream(&mut *transaction).try_collect().await?;
        let (mut delta, mut behind, mut room) =
            (RollupDelta::default(), Vec::new(), MAX_TRANSACTION_MESSAGES);
        for row in rows {
            let (id, newest, standing) = (row.id, row.seq, rollup_positions.remove(&row.id));
            let after = standing.as_ref().map_or(0, |standing| standing.seq);
            let mut new: Vec<CountedMessage> =
                runs.get(&id).into_iter().flatten().copied().collect();
            new.retain(|message| message.seq > after);
            let follows = new
                .first()
                .map_or(newest <= after, |first| first.seq == after + 1)
                && new.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq);
            if !follows {
                if room == 0 {
                    behind.push(id);
                    continue;
                }
                new = self.messages_to_count(transaction, id, after, room).await?;
                room -= new.len();
                if new.last().is_some_and(|last| last.seq < newest) {
                    behind.push(id);
                }
            }
            delta.count(calendar, id, standing, &row.into_snapshot()?, &new);
        }
        let before = self.hours_before(transaction, &delta).await?;
        delta.count_people(calendar, &before);
        for (collection, statements) in statements(&delta) {
            if statements.is_empty() {
                continue;
            }
            let command = doc! { "update": collection, "updates": statements, "ordered": true };
            let reply = self
                .database
                .run_command(command)
                .session(&mut *transaction)
                .await?;
            failure::check_reply(&reply)?;
        }
        Ok(behind)
    }

    async fn messages_to_count(
        &self,
        transaction: &mut ClientSession,
        session: ConversationId,
        after: u64,
        limit: usize,
    ) -> std::result::Result<Vec<CountedMessage>, RollupStop> {
        let filter = doc! { "sessionId": session, "seq": { "$gt": i64::try_from(after).unwrap_or(i64::MAX) } };
        let fields =
            doc! { "_id": 0, "seq": 1, "sender": 1, "messageType": 1, "createdAt": 1, "system": 1 };
        let rows = self.collection::<CountedRow>(messages::COLLECTION);
        let find = rows
            .find(filter)
            .sort(doc! { "sessionId": 1, "seq": 1 })
            .projection(fields);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut cursor = find
            .limit(limit)
            .batch_size(5_000)
            .session(&mut *transaction)
            .await?;
        let rows: Vec<CountedRow> = cursor.stream(&mut *transaction).try_collect().await?;
        Ok(rows
            .into_iter()
            .map(CountedMessage::try_from)
            .collect::<Result<_>>()?)
    }

    async fn hours_before(
        &self,
        transaction: &mut ClientSession,
        delta: &RollupDelta,
    ) -> std::result::Result<BTreeMap<(Timestamp, UserId), u32>, RollupStop> {
        let keys: Vec<Bson> = delta
            .people
            .keys()
            .map(|(day, user)| Bson::Document(person_key(*day, *user)))
            .collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.collection::<HoursRow>(USERS_COLLECTION);
        let find = rows
            .find(doc! { "_id": { "$in": keys } })
            .projection(doc! { "hours": 1 });
        let mut cursor = find.batch_size(5_000).session(&mut *transaction).await?;
        let rows: Vec<HoursRow> = cursor.stream(&mut *transaction).try_collect().await?;
        Ok(rows
            .into_iter()
            .map(|row| ((row.key.day, row.key.user), row.hours))
            .collect())
    }
}
