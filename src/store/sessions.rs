//! `sessions`: who talks with whom, and the counters that the commit path keeps exact.

mod row;
mod update;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use mongodb::{
    Database,
    bson::{Bson, Document, doc, oid::ObjectId},
};
use serde::Deserialize;

use super::{Store, any_of, collect, failure, gathered::Gathered, number, run, write};
use row::SessionRow;
pub(super) use update::{SessionUpdate, update_in};

use crate::domain::{
    Error, Result, SessionId, UserId,
    paging::Page,
    session::{Session, pair_key},
};

pub(super) const NAME: &str = "sessions";

/// Look-ups that one command answers.
const GATHERED: usize = 16;

/// A person's sums over all their sessions, for statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Totals {
    pub sessions: u64,
    pub messages: u64,
    pub sent: u64,
    pub unread: u64,
}

/// One session's unread count of a person, as of a version of that session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadAt {
    pub session: SessionId,
    pub version: u64,
    pub count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnreadRow {
    #[serde(rename = "_id")]
    id: SessionId,
    #[serde(deserialize_with = "number::natural")]
    version: u64,
    /// Only the asked people's.
    #[serde(deserialize_with = "number::by_name")]
    unread_count: HashMap<String, u64>,
}

/// Sessions by id, for several callers at once.
pub(super) fn gathered(database: Database) -> Gathered<SessionId, Option<Arc<Session>>> {
    Gathered::new(GATHERED, move |wanted: Vec<SessionId>| {
        let sessions = database.collection::<SessionRow>(NAME);
        async move {
            let ids: BTreeSet<SessionId> = wanted.iter().copied().collect();
            let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
            let filter = doc! { "_id": { "$in": ids } };
            let rows = run(async move { collect(sessions.find(filter).await?).await }).await?;
            let found: HashMap<SessionId, Arc<Session>> = rows
                .into_iter()
                .map(|row| Session::try_from(row).map(|session| (session.id, Arc::new(session))))
                .collect::<Result<_>>()?;
            Ok(wanted.iter().map(|id| found.get(id).cloned()).collect())
        }
    })
}

/// People's unread counts above zero, for several people at once.
pub(super) fn gathered_unread(database: Database) -> Gathered<UserId, Vec<UnreadAt>> {
    Gathered::new(GATHERED, move |wanted: Vec<UserId>| {
        let sessions = database.collection::<UnreadRow>(NAME);
        async move {
            let people: BTreeSet<UserId> = wanted.iter().copied().collect();
            let mut projection = doc! { "version": 1 };
            projection.extend(people.iter().map(|user| (format!("unreadCount.{user}"), Bson::from(1))));
            let filter = any_of(people.iter().map(|user| {
                doc! { "participants": user, format!("unreadCount.{user}"): { "$gt": 0 } }
            }));
            let rows = run(async move {
                collect(sessions.find(filter).projection(projection).batch_size(1_000).await?).await
            })
            .await?;
            let mut found: HashMap<String, Vec<UnreadAt>> = HashMap::new();
            for row in rows {
                for (user, count) in row.unread_count.into_iter().filter(|(_, count)| *count > 0) {
                    let unread = UnreadAt { session: row.id, version: row.version, count };
                    found.entry(user).or_default().push(unread);
                }
            }
            Ok(wanted.iter().map(|user| found.get(&user.to_string()).cloned().unwrap_or_default()).collect())
        }
    })
}

#[derive(Deserialize)]
struct SeatRow {
    #[serde(rename = "_id")]
    id: SessionId,
    #[serde(deserialize_with = "number::natural")]
    hidden: u64,
}

#[derive(Deserialize)]
struct ParticipantsRow {
    participants: Vec<UserId>,
}

impl Store {
    /// Stores a new private session, or answers the one that these two already have (`false`).
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn private_session(&self, session: Session) -> Result<(Session, bool)> {
        let row = SessionRow::from(&session);
        let key = doc! { "pairKey": row.pair_key.clone() };
        if let Some(existing) = self.one_session(key.clone()).await? {
            return Ok((existing, false));
        }
        let sessions = self.collection::<SessionRow>(NAME);
        let inserted = write(async move {
            match sessions.insert_one(row).await {
                Ok(_) => Ok(true),
                // Both asked at the same moment: the unique index lets one through.
                Err(error) if failure::is_duplicate_key(&error) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await?;
        if inserted {
            return Ok((session, true));
        }
        let existing = self.one_session(key).await?.ok_or(Error::Unavailable)?;
        Ok((existing, false))
    }

    /// Whether two people have their private session.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn has_private_session(&self, first: UserId, second: UserId) -> Result<bool> {
        Ok(self.one_session(doc! { "pairKey": pair_key(first, second) }).await?.is_some())
    }

    /// Stores a new group.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn insert_group(&self, session: &Session) -> Result<()> {
        let (sessions, row) = (self.collection::<SessionRow>(NAME), SessionRow::from(session));
        write(async move { sessions.insert_one(row).await.map(drop) }).await
    }

    /// Up to where the past of each of these sessions is hidden from `user`: those without a seat are
    /// not listed.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn seats_of(&self, ids: &[SessionId], user: UserId) -> Result<BTreeMap<SessionId, u64>> {
        let ids: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
        let filter = doc! { "_id": { "$in": ids }, "participants": user };
        let projection = doc! { "hidden": format!("$members.{user}.hiddenSeq") };
        let sessions = self.collection::<Document>(NAME);
        let rows: Vec<SeatRow> = run(async move {
            let cursor = sessions.aggregate([doc! { "$match": filter }, doc! { "$project": projection }]);
            collect(cursor.with_type::<SeatRow>().await?).await
        })
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.hidden)).collect())
    }

    /// All of somebody's sessions, each with up to where its past is hidden from them: for a search.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn all_seats_of(&self, user: UserId) -> Result<HashMap<SessionId, u64>> {
        let hidden = format!("members.{user}.hiddenSeq");
        let pipeline = [
            doc! { "$match": { "participants": user } },
            doc! { "$project": { "hidden": format!("${hidden}") } },
        ];
        let sessions = self.collection::<Document>(NAME);
        let rows: Vec<SeatRow> = run(async move {
            collect(sessions.aggregate(pipeline).batch_size(10_000).with_type::<SeatRow>().await?).await
        })
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.hidden)).collect())
    }

    /// Those of `users` whom others have put into `most` groups or more.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn in_too_many_groups(&self, users: &BTreeSet<UserId>, most: u64) -> Result<Vec<UserId>> {
        let ids: Vec<Bson> = users.iter().copied().map(Bson::from).collect();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let pipeline = [
            doc! { "$match": { "participants": { "$in": &ids }, "sessionType": "group" } },
            doc! { "$project": { "_id": 0, "participants": { "$setIntersection": ["$participants", &ids] } } },
            doc! { "$unwind": "$participants" },
            doc! { "$group": { "_id": "$participants", "count": { "$sum": 1_i64 } } },
            doc! { "$match": { "count": { "$gte": most } } },
            doc! { "$project": { "participants": ["$_id"] } },
        ];
        let sessions = self.collection::<Document>(NAME);
        let rows: Vec<ParticipantsRow> = run(async move {
            collect(sessions.aggregate(pipeline).with_type::<ParticipantsRow>().await?).await
        })
        .await?;
        let mut full = Vec::new();
        for user in rows.into_iter().flat_map(|row| row.participants) {
            // What they made themselves does not count.
            let role = format!("members.{user}.role");
            let put_in = doc! { "participants": user, "sessionType": "group", role: { "$ne": "owner" } };
            let sessions = self.collection::<Document>(NAME);
            let count = run(async move { sessions.count_documents(put_in).await }).await?;
            if i64::try_from(count).unwrap_or(i64::MAX) >= most {
                full.push(user);
            }
        }
        Ok(full)
    }

    /// One session, only if `user` has a seat in it.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn session_of(&self, id: SessionId, user: UserId) -> Result<Option<Session>> {
        // By `_id` alone, which mongod answers without planning.
        let session = self.lookups.sessions.get(id).await?;
        Ok(session.filter(|session| session.members.contains_key(&user)).map(Arc::unwrap_or_clone))
    }

    async fn one_session(&self, filter: Document) -> Result<Option<Session>> {
        let sessions = self.collection::<SessionRow>(NAME);
        let row = run(async move { sessions.find_one(filter).await }).await?;
        row.map(Session::try_from).transpose()
    }

    /// These sessions as they stand.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn sessions_by_id(&self, ids: &[SessionId]) -> Result<Vec<Session>> {
        let ids: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
        self.find_sessions(doc! { "_id": { "$in": ids } }, doc! {}, None).await
    }

    /// Whether any session still bears one of these batches' names; answers which.
    pub(super) async fn commit_found(
        &self,
        sessions: &[SessionId],
        commits: &[ObjectId],
    ) -> Result<Option<ObjectId>> {
        let ids: Vec<Bson> = sessions.iter().copied().map(Bson::from).collect();
        let filter = doc! { "_id": { "$in": ids }, "lastCommit": { "$in": commits } };
        let rows = self.collection::<SessionRow>(NAME);
        let row = run(async move { rows.find_one(filter).await }).await?;
        Ok(row.and_then(|row| row.last_commit))
    }

    /// A page of somebody's sessions, newest activity first, and how many there are.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn sessions_of(&self, user: UserId, page: Page) -> Result<(Vec<Session>, u64)> {
        let sort = doc! { "lastMessageTime": -1, "_id": -1 };
        let rows = self.find_sessions(doc! { "participants": user }, sort, Some(page)).await?;
        // A page that is not full is the last one.
        let here = rows.len() as u64;
        if here < page.limit && (here > 0 || page.skip() == 0) {
            return Ok((rows, page.skip() + here));
        }
        Ok((rows, self.count_sessions_of(user).await?))
    }

    /// How many sessions somebody has.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn count_sessions_of(&self, user: UserId) -> Result<u64> {
        let sessions = self.collection::<SessionRow>(NAME);
        run(async move { sessions.count_documents(doc! { "participants": user }).await }).await
    }

    /// All of somebody's sessions, newest activity first: for `chat:sync`.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn all_sessions_of(&self, user: UserId) -> Result<Vec<Session>> {
        self.find_sessions(doc! { "participants": user }, doc! { "lastMessageTime": -1, "_id": -1 }, None)
            .await
    }

    async fn find_sessions(
        &self,
        query: Document,
        sort: Document,
        page: Option<Page>,
    ) -> Result<Vec<Session>> {
        let sessions = self.collection::<SessionRow>(NAME);
        let rows = run(async move {
            let mut find = sessions.find(query).sort(sort);
            if let Some(page) = page {
                find = find.skip(page.skip()).limit(i64::try_from(page.limit).unwrap_or(i64::MAX));
            }
            collect(find.await?).await
        })
        .await?;
        rows.into_iter().map(Session::try_from).collect()
    }

    /// Somebody's unread counts above zero.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn unread_of(&self, user: UserId) -> Result<Vec<UnreadAt>> {
        self.lookups.unread.get(user).await
    }

    /// Somebody's sums over all their sessions: the cost depends on how many sessions there are, not
    /// on how many messages.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn totals_of(&self, user: UserId) -> Result<Totals> {
        let group = doc! {
            "_id": null,
            "sessions": { "$sum": 1_i64 },
            "messages": { "$sum": "$messageCount" },
            "sent": { "$sum": format!("$members.{user}.sent") },
            "unread": { "$sum": format!("$unreadCount.{user}") },
        };
        let sessions = self.collection::<Document>(NAME);
        let rows: Vec<Totals> = run(async move {
            let pipeline = [doc! { "$match": { "participants": user } }, doc! { "$group": group }];
            collect(sessions.aggregate(pipeline).with_type::<Totals>().await?).await
        })
        .await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// For every session that one of `users` belongs to: all who belong to it.
    ///
    /// # Errors
    /// As [`Store::private_session`].
    pub async fn circles_of(&self, users: &[UserId]) -> Result<Vec<Vec<UserId>>> {
        let ids: Vec<Bson> = users.iter().copied().map(Bson::from).collect();
        let sessions = self.collection::<ParticipantsRow>(NAME);
        let rows = run(async move {
            let find = sessions.find(doc! { "participants": { "$in": ids } });
            collect(find.projection(doc! { "_id": 0, "participants": 1 }).await?).await
        })
        .await?;
        Ok(rows.into_iter().map(|row| row.participants).collect())
    }

    /// Stores many new sessions at once (synthetic data).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn insert_sessions(&self, new: &[Session]) -> Result<()> {
        let sessions = self.collection::<SessionRow>(NAME);
        let rows: Vec<SessionRow> = new.iter().map(SessionRow::from).collect();
        run(async move { sessions.insert_many(rows).ordered(false).await.map(drop) }).await
    }
}
