//! A user's conversations behind a cursor. Their order is that of their activity when the first
//! page was read, whatever is sent meanwhile.
//!
//! A conversation that has been quiet since is placed by its newest activity. Any other is placed
//! by its newest earlier message, or else by its creation: the times of a conversation never run
//! backwards.

use std::collections::HashMap;

use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{
    super::{Store, bson_form::behind, collect, messages, run},
    COLLECTION, ConversationRow,
};
use crate::domain::{
    ConversationId, Result, Timestamp, UserId, conversation::Conversation,
    cursors::ConversationsCursor, paging::Cursor,
};

#[derive(Deserialize)]
struct PlaceRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
    #[serde(with = "crate::store::bson_form")]
    at: Timestamp,
}

impl Store {
    /// Returns the next conversations behind a cursor, and the cursor behind them when there are
    /// more.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn conversations_after_cursor(
        &self,
        user: UserId,
        cursor: &ConversationsCursor,
        limit: u64,
    ) -> Result<(Vec<Conversation>, Option<ConversationsCursor>)> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let one_more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let (quiet, moved) = tokio::try_join!(
            self.quiet_conversations_after(user, cursor, one_more),
            self.moved_conversations_after(user, cursor, one_more)
        )?;
        let mut places: Vec<PlaceRow> = quiet.into_iter().chain(moved).collect();
        places.sort_by_key(|place| std::cmp::Reverse((place.at, place.id)));
        let has_more = places.len() > limit;
        places.truncate(limit);
        let last = places.last().filter(|_| has_more);
        let next = last.map(|PlaceRow { id, at }| ConversationsCursor {
            place: Cursor {
                at: *at,
                id: (*id).into(),
            },
            ..cursor.clone()
        });
        let ids: Vec<ConversationId> = places.iter().map(|place| place.id).collect();
        let sessions = self.conversations_by_id(&ids).await?;
        let mut sessions: HashMap<ConversationId, Conversation> = sessions
            .into_iter()
            .map(|session| (session.id, session))
            .collect();
        let in_order = ids.iter().filter_map(|id| sessions.remove(id));
        // The user may have left a conversation since.
        Ok((
            in_order
                .filter(|session| session.members.contains_key(&user))
                .collect(),
            next,
        ))
    }

    /// Returns the conversations without a message since.
    async fn quiet_conversations_after(
        &self,
        user: UserId,
        cursor: &ConversationsCursor,
        limit: i64,
    ) -> Result<Vec<PlaceRow>> {
        let pipeline = [
            doc! { "$match": {
                "participants": user,
                // One bound, so that the index scan starts at the right key.
                "lastMessageTime": { "$lte": cursor.since.min(cursor.place.at) },
                "$or": behind(&cursor.place, "lastMessageTime", "_id"),
            } },
            doc! { "$sort": { "lastMessageTime": -1, "_id": -1 } },
            doc! { "$limit": limit },
            doc! { "$project": { "at": "$lastMessageTime" } },
        ];
        self.find_places(pipeline.to_vec()).await
    }

    /// Returns the conversations with a message since.
    async fn moved_conversations_after(
        &self,
        user: UserId,
        cursor: &ConversationsCursor,
        limit: i64,
    ) -> Result<Vec<PlaceRow>> {
        let seen: Vec<Bson> = cursor.seen.iter().copied().map(Bson::from).collect();
        // From the newest message back: a busy conversation has many messages to skip.
        let before = [
            doc! { "$match": { "createdAt": { "$lte": cursor.since } } },
            doc! { "$sort": { "seq": -1 } },
            doc! { "$limit": 1 },
            doc! { "$project": { "_id": 0, "createdAt": 1 } },
        ];
        let pipeline = [
            doc! { "$match": {
                "participants": user,
                "lastMessageTime": { "$gt": cursor.since },
                "_id": { "$nin": seen },
            } },
            doc! { "$project": { "createdAt": 1 } },
            doc! { "$lookup": {
                "from": messages::COLLECTION, "localField": "_id", "foreignField": "sessionId",
                "pipeline": before.as_slice(), "as": "before",
            } },
            doc! { "$project": { "at": { "$ifNull": [{ "$first": "$before.createdAt" }, "$createdAt"] } } },
            doc! { "$match": { "$or": behind(&cursor.place, "at", "_id") } },
            doc! { "$sort": { "at": -1, "_id": -1 } },
            doc! { "$limit": limit },
        ];
        self.find_places(pipeline.to_vec()).await
    }

    async fn find_places(&self, pipeline: Vec<Document>) -> Result<Vec<PlaceRow>> {
        let sessions = self.collection::<ConversationRow>(COLLECTION);
        run(async move { collect(sessions.aggregate(pipeline).with_type::<PlaceRow>().await?).await }).await
    }
}
