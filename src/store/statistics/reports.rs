//! The queries on the rollups.

use std::collections::BTreeMap;

use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::{
    super::{Store, collect, run, users},
    PERIODS_COLLECTION, UNREAD_COLLECTION, USERS_COLLECTION,
    rows::{Buckets, PeriodRow, period_key, responses},
};
use crate::domain::{
    Result, Timestamp, UserId,
    statistics::{Granularity, MessageTally, Responses},
};

/// The sums of all time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllTimeTotals {
    pub tally: MessageTally,
    pub private: u64,
    pub groups: u64,
}

/// The sums of a user over some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonSum {
    pub sent: u64,
    pub responses: Responses,
    pub last: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SentRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    user: UserId,
    sent: u64,
    #[serde(default, with = "crate::store::bson_form")]
    last: Option<Timestamp>,
}

#[derive(Deserialize)]
struct BucketRow {
    #[serde(rename = "_id")]
    key: BucketKey,
    count: u64,
}

#[derive(Deserialize)]
struct BucketKey {
    #[serde(with = "crate::store::bson_form")]
    user: UserId,
    bucket: String,
}

#[derive(Deserialize)]
struct UnreadRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    user: UserId,
    unread: u64,
}

impl Store {
    /// Returns the sums of all time.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn statistics_of_all_time(&self) -> Result<AllTimeTotals> {
        let rows = self.collection::<PeriodRow>(PERIODS_COLLECTION);
        let key = doc! { "_id": period_key("all", Timestamp(0)) };
        let Some(row) = run(async move { rows.find_one(key).await }).await? else {
            return Ok(AllTimeTotals::default());
        };
        let (private, groups) = (row.private, row.groups);
        Ok(AllTimeTotals {
            tally: row.into_tally()?,
            private,
            groups,
        })
    }

    /// Returns the sums of the hours or days that began from `from` to `to`; those without messages
    /// are absent.
    ///
    /// # Errors
    /// As [`Store::statistics_of_all_time`].
    pub async fn statistics_of_periods(
        &self,
        granularity: Granularity,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<Timestamp, MessageTally>> {
        let unit = granularity.as_str();
        let filter =
            doc! { "_id": { "$gte": period_key(unit, from), "$lte": period_key(unit, to) } };
        let rows = self.collection::<PeriodRow>(PERIODS_COLLECTION);
        let rows: Vec<PeriodRow> =
            run(async move { collect(rows.find(filter).batch_size(5_000).await?).await }).await?;
        rows.into_iter()
            .map(|row| Ok((row.key.start, row.into_tally()?)))
            .collect()
    }

    /// Returns the activity of all users on the days from `from` on.
    ///
    /// # Errors
    /// As [`Store::statistics_of_all_time`].
    pub async fn statistics_of_people(
        &self,
        from: Timestamp,
    ) -> Result<BTreeMap<UserId, PersonSum>> {
        // Keys are compared by their day first.
        let days = doc! { "$match": { "_id": { "$gte": doc! { "day": from } } } };
        let sent = [
            days.clone(),
            doc! { "$group": {
                "_id": "$_id.user", "sent": { "$sum": "$sent" }, "last": { "$max": "$last" },
            } },
        ];
        let answers = [
            days,
            doc! { "$project": { "responses": { "$objectToArray": "$responses" } } },
            doc! { "$unwind": "$responses" },
            doc! { "$group": {
                "_id": { "user": "$_id.user", "bucket": "$responses.k" },
                "count": { "$sum": "$responses.v" },
            } },
        ];
        let (people, again) = (
            self.collection::<Document>(USERS_COLLECTION),
            self.collection::<Document>(USERS_COLLECTION),
        );
        let sent = run(async move {
            collect::<SentRow>(
                people
                    .aggregate(sent)
                    .batch_size(10_000)
                    .with_type()
                    .await?,
            )
            .await
        });
        let answers = run(async move {
            collect::<BucketRow>(
                again
                    .aggregate(answers)
                    .batch_size(10_000)
                    .with_type()
                    .await?,
            )
            .await
        });
        let (sent, answers) = tokio::try_join!(sent, answers)?;
        let mut buckets: BTreeMap<UserId, Buckets> = BTreeMap::new();
        for row in answers {
            buckets
                .entry(row.key.user)
                .or_default()
                .insert(row.key.bucket, row.count);
        }
        sent.into_iter()
            .map(|row| {
                let responses = responses(buckets.remove(&row.user).unwrap_or_default())?;
                Ok((
                    row.user,
                    PersonSum {
                        sent: row.sent,
                        responses,
                        last: row.last,
                    },
                ))
            })
            .collect()
    }

    /// Returns the unread counts of all users that have any. Deactivated users are excluded.
    ///
    /// # Errors
    /// As [`Store::statistics_of_all_time`].
    pub async fn unread_of_all(&self) -> Result<BTreeMap<UserId, u64>> {
        let rows = self.collection::<UnreadRow>(UNREAD_COLLECTION);
        let some = doc! { "unread": { "$gt": 0 } };
        let rows: Vec<UnreadRow> =
            run(async move { collect(rows.find(some).batch_size(10_000).await?).await }).await?;
        let inactive = self.inactive();
        let active = rows.into_iter().filter(|row| !inactive.contains(&row.user));
        Ok(active.map(|row| (row.user, row.unread)).collect())
    }

    /// Returns the number of accounts, and the number of active ones.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn count_users(&self) -> Result<(u64, u64)> {
        let users = self.collection::<Document>(users::COLLECTION);
        run(async move {
            let active = users.count_documents(doc! { "isActive": true }).await?;
            Ok((
                active + users.count_documents(doc! { "isActive": false }).await?,
                active,
            ))
        })
        .await
    }
}
