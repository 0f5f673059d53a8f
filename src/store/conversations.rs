//! The collection `sessions`: the conversations with their members, and the counters that the
//! commit path keeps exact.

mod by_cursor;
mod row;
mod update;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use mongodb::{
    Database,
    bson::{Bson, Document, doc, oid::ObjectId},
};
use serde::Deserialize;

use super::{
    Store, any_of, batch_loader::BatchLoader, collect, failure, run, run_updates, stored_number,
    write,
};
use row::ConversationRow;
pub(super) use update::{ConversationUpdate, update_in};

use crate::domain::{
    ConversationId, Error, Result, Timestamp, UserId,
    access::{Grant, OpenConversation},
    conversation::{Conversation, pair_key},
    paging::Page,
};

pub(super) const COLLECTION: &str = "sessions";

/// The maximum number of lookups that one database command answers.
const LOOKUP_BATCH_SIZE: usize = 16;
/// The conversations of one command that gives numbers.
const NUMBERING_BATCH_SIZE: i64 = 1_000;

/// A user's sums over all their conversations, for statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct UserTotals {
    pub sessions: u64,
    pub messages: u64,
    pub sent: u64,
    pub unread: u64,
}

/// The unread count of a user in one conversation, as of a version of that conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadAt {
    pub session: ConversationId,
    pub version: u64,
    pub count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnreadRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    version: u64,
    /// Contains the requested users only.
    #[serde(deserialize_with = "stored_number::by_name")]
    unread_count: HashMap<String, u64>,
}

/// Loads conversations by id, for several callers at once.
pub(super) fn new_loader(
    database: Database,
) -> BatchLoader<ConversationId, Option<Arc<Conversation>>> {
    BatchLoader::new(LOOKUP_BATCH_SIZE, move |wanted: Vec<ConversationId>| {
        let sessions = database.collection::<ConversationRow>(COLLECTION);
        async move {
            let ids: BTreeSet<ConversationId> = wanted.iter().copied().collect();
            let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
            let filter = doc! { "_id": { "$in": ids } };
            let rows = run(async move { collect(sessions.find(filter).await?).await }).await?;
            let found: HashMap<ConversationId, Arc<Conversation>> = rows
                .into_iter()
                .map(|row| {
                    Conversation::try_from(row).map(|session| (session.id, Arc::new(session)))
                })
                .collect::<Result<_>>()?;
            Ok(wanted.iter().map(|id| found.get(id).cloned()).collect())
        }
    })
}

/// Loads unread counts above zero, for several users at once.
pub(super) fn new_unread_loader(database: Database) -> BatchLoader<UserId, Vec<UnreadAt>> {
    BatchLoader::new(LOOKUP_BATCH_SIZE, move |wanted: Vec<UserId>| {
        let sessions = database.collection::<UnreadRow>(COLLECTION);
        async move {
            let people: BTreeSet<UserId> = wanted.iter().copied().collect();
            let mut projection = doc! { "version": 1 };
            projection.extend(
                people
                    .iter()
                    .map(|user| (format!("unreadCount.{user}"), Bson::from(1))),
            );
            let filter = any_of(people.iter().map(|user| {
                doc! { "participants": user, format!("unreadCount.{user}"): { "$gt": 0 } }
            }));
            let rows = run(async move {
                collect(
                    sessions
                        .find(filter)
                        .projection(projection)
                        .batch_size(1_000)
                        .await?,
                )
                .await
            })
            .await?;
            let mut found: HashMap<String, Vec<UnreadAt>> = HashMap::new();
            for row in rows {
                for (user, count) in row.unread_count.into_iter().filter(|(_, count)| *count > 0) {
                    let unread = UnreadAt {
                        session: row.id,
                        version: row.version,
                        count,
                    };
                    found.entry(user).or_default().push(unread);
                }
            }
            Ok(wanted
                .iter()
                .map(|user| found.get(&user.to_string()).cloned().unwrap_or_default())
                .collect())
        }
    })
}

#[derive(Deserialize)]
struct MembershipRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    hidden: u64,
}

#[derive(Deserialize)]
struct IdRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
}

#[derive(Deserialize)]
struct ParticipantsRow {
    #[serde(with = "crate::store::bson_form")]
    participants: Vec<UserId>,
}

impl Store {
    /// Returns the private conversation of two users. It is created (`true`) if it does not exist.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn open_private_conversation(
        &self,
        _: &Grant<OpenConversation>,
        first: UserId,
        second: UserId,
        now: Timestamp,
    ) -> Result<(Conversation, bool)> {
        let key = doc! { "pairKey": pair_key(first, second) };
        if let Some(existing) = self.find_conversation(key.clone()).await? {
            return Ok((existing, false));
        }
        let number = self.next_conversation_number().await?;
        let session = Conversation::private(number, first, second, now);
        let row = ConversationRow::from(&session);
        let sessions = self.collection::<ConversationRow>(COLLECTION);
        let inserted = write(async move {
            match sessions.insert_one(row).await {
                Ok(_) => Ok(true),
                // Two requests came at the same moment: the unique index accepts one.
                Err(error) if failure::is_duplicate_key(&error) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await?;
        if inserted {
            return Ok((session, true));
        }
        let existing = self
            .find_conversation(key)
            .await?
            .ok_or(Error::Unavailable)?;
        Ok((existing, false))
    }

    /// Returns whether two users have a private conversation.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn has_private_conversation(&self, first: UserId, second: UserId) -> Result<bool> {
        Ok(self
            .find_conversation(doc! { "pairKey": pair_key(first, second) })
            .await?
            .is_some())
    }

    /// Stores a new group.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn insert_group(
        &self,
        _: &Grant<OpenConversation>,
        session: &Conversation,
    ) -> Result<()> {
        let (sessions, row) = (
            self.collection::<ConversationRow>(COLLECTION),
            ConversationRow::from(session),
        );
        write(async move { sessions.insert_one(row).await.map(drop) }).await
    }

    /// Returns the `seq` up to which the history of each conversation is hidden from `user`.
    /// Conversations without their membership are omitted.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn memberships_of(
        &self,
        ids: &[ConversationId],
        user: UserId,
    ) -> Result<BTreeMap<ConversationId, u64>> {
        let ids: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
        let filter = doc! { "_id": { "$in": ids }, "participants": user };
        let projection = doc! { "hidden": format!("$members.{user}.hiddenSeq") };
        let sessions = self.collection::<Document>(COLLECTION);
        let rows: Vec<MembershipRow> = run(async move {
            let cursor =
                sessions.aggregate([doc! { "$match": filter }, doc! { "$project": projection }]);
            collect(cursor.with_type::<MembershipRow>().await?).await
        })
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.hidden)).collect())
    }

    /// Returns all conversations of a user, each with the `seq` up to which its history is hidden
    /// from them, for a search.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn all_memberships_of(&self, user: UserId) -> Result<HashMap<ConversationId, u64>> {
        let hidden = format!("members.{user}.hiddenSeq");
        let pipeline = [
            doc! { "$match": { "participants": user } },
            doc! { "$project": { "hidden": format!("${hidden}") } },
        ];
        let sessions = self.collection::<Document>(COLLECTION);
        let rows: Vec<MembershipRow> = run(async move {
            collect(
                sessions
                    .aggregate(pipeline)
                    .batch_size(10_000)
                    .with_type::<MembershipRow>()
                    .await?,
            )
            .await
        })
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.hidden)).collect())
    }

    /// Returns those of `users` whom others have added to `most` groups or more.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn users_in_too_many_groups(
        &self,
        users: &BTreeSet<UserId>,
        most: u64,
    ) -> Result<Vec<UserId>> {
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
        let sessions = self.collection::<Document>(COLLECTION);
        let rows: Vec<ParticipantsRow> = run(async move {
            collect(
                sessions
                    .aggregate(pipeline)
                    .with_type::<ParticipantsRow>()
                    .await?,
            )
            .await
        })
        .await?;
        let mut full = Vec::new();
        for user in rows.into_iter().flat_map(|row| row.participants) {
            // Groups that a user created do not count.
            let role = format!("members.{user}.role");
            let put_in =
                doc! { "participants": user, "sessionType": "group", role: { "$ne": "owner" } };
            let sessions = self.collection::<Document>(COLLECTION);
            let count = run(async move { sessions.count_documents(put_in).await }).await?;
            if i64::try_from(count).unwrap_or(i64::MAX) >= most {
                full.push(user);
            }
        }
        Ok(full)
    }

    /// Returns a conversation, only if `user` is a member of it.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn conversation_for_member(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<Conversation>> {
        // By `_id` alone, which mongod answers without planning.
        let session = self.lookups.sessions.get(id).await?;
        Ok(session
            .filter(|session| session.members.contains_key(&user))
            .map(Arc::unwrap_or_clone))
    }

    async fn find_conversation(&self, filter: Document) -> Result<Option<Conversation>> {
        let sessions = self.collection::<ConversationRow>(COLLECTION);
        let row = run(async move { sessions.find_one(filter).await }).await?;
        row.map(Conversation::try_from).transpose()
    }

    /// Returns these conversations as they are stored.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn conversations_by_id(&self, ids: &[ConversationId]) -> Result<Vec<Conversation>> {
        let ids: Vec<Bson> = ids.iter().copied().map(Bson::from).collect();
        self.find_conversations(doc! { "_id": { "$in": ids } }, doc! {}, None)
            .await
    }

    /// Returns the commit id of these attempts that any of the conversations still names, if there
    /// is one.
    pub(super) async fn find_stored_commit(
        &self,
        sessions: &[ConversationId],
        commits: &[ObjectId],
    ) -> Result<Option<ObjectId>> {
        let ids: Vec<Bson> = sessions.iter().copied().map(Bson::from).collect();
        let filter = doc! { "_id": { "$in": ids }, "lastCommit": { "$in": commits } };
        let rows = self.collection::<ConversationRow>(COLLECTION);
        let row = run(async move { rows.find_one(filter).await }).await?;
        Ok(row.and_then(|row| row.last_commit))
    }

    /// Returns a page of a user's conversations, newest activity first, and their total number.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn conversations_of(
        &self,
        user: UserId,
        page: Page,
    ) -> Result<(Vec<Conversation>, u64)> {
        let sort = doc! { "lastMessageTime": -1, "_id": -1 };
        let rows = self
            .find_conversations(doc! { "participants": user }, sort, Some(page))
            .await?;
        // A page that is not full is the last one.
        let here = rows.len() as u64;
        if here < page.limit && (here > 0 || page.skip() == 0) {
            return Ok((rows, page.skip() + here));
        }
        Ok((rows, self.count_conversations_of(user).await?))
    }

    /// Returns the number of a user's conversations.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn count_conversations_of(&self, user: UserId) -> Result<u64> {
        let sessions = self.collection::<ConversationRow>(COLLECTION);
        run(async move {
            sessions
                .count_documents(doc! { "participants": user })
                .await
        })
        .await
    }

    /// Returns all conversations of a user, newest activity first, for `chat:sync`.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn all_conversations_of(&self, user: UserId) -> Result<Vec<Conversation>> {
        self.find_conversations(
            doc! { "participants": user },
            doc! { "lastMessageTime": -1, "_id": -1 },
            None,
        )
        .await
    }

    async fn find_conversations(
        &self,
        query: Document,
        sort: Document,
        page: Option<Page>,
    ) -> Result<Vec<Conversation>> {
        let sessions = self.collection::<ConversationRow>(COLLECTION);
        let rows = run(async move {
            let mut find = sessions.find(query).sort(sort);
            if let Some(page) = page {
                find = find
                    .skip(page.skip())
                    .limit(i64::try_from(page.limit).unwrap_or(i64::MAX));
            }
            collect(find.await?).await
        })
        .await?;
        rows.into_iter().map(Conversation::try_from).collect()
    }

    /// Returns a user's unread counts above zero.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn unread_of(&self, user: UserId) -> Result<Vec<UnreadAt>> {
        self.lookups.unread.get(user).await
    }

    /// Returns a user's sums over all their conversations. The cost depends on the number of
    /// conversations, not on the number of messages.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn totals_of(&self, user: UserId) -> Result<UserTotals> {
        let group = doc! {
            "_id": null,
            "sessions": { "$sum": 1_i64 },
            "messages": { "$sum": "$messageCount" },
            "sent": { "$sum": format!("$members.{user}.sent") },
            "unread": { "$sum": format!("$unreadCount.{user}") },
        };
        let sessions = self.collection::<Document>(COLLECTION);
        let rows: Vec<UserTotals> = run(async move {
            let pipeline = [
                doc! { "$match": { "participants": user } },
                doc! { "$group": group },
            ];
            collect(
                sessions
                    .aggregate(pipeline)
                    .with_type::<UserTotals>()
                    .await?,
            )
            .await
        })
        .await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Returns the members of every conversation that one of `users` belongs to.
    ///
    /// # Errors
    /// As [`Store::open_private_conversation`].
    pub async fn fellow_members_of(&self, users: &[UserId]) -> Result<Vec<Vec<UserId>>> {
        let ids: Vec<Bson> = users.iter().copied().map(Bson::from).collect();
        let sessions = self.collection::<ParticipantsRow>(COLLECTION);
        let rows = run(async move {
            let find = sessions.find(doc! { "participants": { "$in": ids } });
            collect(
                find.projection(doc! { "_id": 0, "participants": 1 })
                    .await?,
            )
            .await
        })
        .await?;
        Ok(rows.into_iter().map(|row| row.participants).collect())
    }

    /// Gives every conversation without one its number, in the order of their ids, and makes its
    /// messages its stored events: nothing else was logged, so a message's number is its `seq`.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub(super) async fn number_conversations(&self) -> Result<()> {
        let mut after = ConversationId::NIL;
        loop {
            let sessions = self.collection::<IdRow>(COLLECTION);
            let unnumbered = doc! { "_id": { "$gt": after }, "number": { "$exists": false } };
            let rows = run(async move {
                let find = sessions.find(unnumbered);
                let find = find.sort(doc! { "_id": 1 }).limit(NUMBERING_BATCH_SIZE);
                collect(find.projection(doc! { "_id": 1 }).await?).await
            })
            .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.id;
            let numbers = self.take_conversation_numbers(rows.len() as u64).await?;
            let statement = |(row, number): (IdRow, u64)| {
                let set = doc! { "number": stored_number::as_i64(number), "eventSeq": "$seq" };
                doc! {
                    "q": { "_id": row.id, "number": { "$exists": false } },
                    "u": [{ "$set": set }],
                }
            };
            let updates = rows.into_iter().zip(numbers).map(statement).collect();
            run_updates(&self.database, COLLECTION, updates).await?;
        }
    }

    /// Stores many new conversations at once (synthetic data).
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn insert_conversations(
        &self,
        _: &Grant<OpenConversation>,
        new: &[Conversation],
    ) -> Result<()> {
        let sessions = self.collection::<ConversationRow>(COLLECTION);
        let rows: Vec<ConversationRow> = new.iter().map(ConversationRow::from).collect();
        run(async move { sessions.insert_many(rows).ordered(false).await.map(drop) }).await
    }
}
