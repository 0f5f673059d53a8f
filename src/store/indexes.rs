//! Every index of the database and the query that needs it. An index that is not listed here does
//! not exist.

use futures_util::TryStreamExt;
use mongodb::{
    IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};

use super::{
    Store, audit, blobs, change_log, conversations, edits, ended_tokens, files, jobs, messages,
    nodes, online_users, receipts, revocations, run, run_within, statistics, users,
};
use crate::domain::Result;

/// One index: its collection, its key, and the query that would scan without it.
pub struct Index {
    pub collection: &'static str,
    pub name: &'static str,
    pub keys: Document,
    pub unique: bool,
    /// It contains only documents that match.
    pub partial: Option<Document>,
    /// MongoDB removes a document when the date in the key has passed.
    pub expires: bool,
    pub why: &'static str,
}

impl Index {
    fn plain(
        collection: &'static str,
        name: &'static str,
        keys: Document,
        why: &'static str,
    ) -> Self {
        Self {
            collection,
            name,
            keys,
            unique: false,
            partial: None,
            expires: false,
            why,
        }
    }

    fn unique(self) -> Self {
        Self {
            unique: true,
            ..self
        }
    }

    fn partial(self, filter: Document) -> Self {
        Self {
            partial: Some(filter),
            ..self
        }
    }

    fn expiring(self) -> Self {
        Self {
            expires: true,
            ..self
        }
    }
}

/// Returns the list.
#[must_use]
pub fn all() -> Vec<Index> {
    [of_users(), of_conversations(), of_the_service()]
        .into_iter()
        .flatten()
        .collect()
}

/// Returns the indexes of users.
fn of_users() -> Vec<Index> {
    let plain = Index::plain;
    vec![
        plain(
            users::COLLECTION,
            "username",
            doc! { "usernameKey": 1 },
            "sign-in by name; one name, one person",
        )
        .unique(),
        plain(
            users::COLLECTION,
            "search",
            doc! { "isActive": 1, "searchKeys": 1 },
            "the directory's search by a part of a name",
        ),
        plain(
            users::COLLECTION,
            "role",
            doc! { "role": 1, "isActive": 1, "usernameKey": 1 },
            "the directory by role",
        ),
        plain(
            users::COLLECTION,
            "directory",
            doc! { "isActive": 1, "usernameKey": 1 },
            "the directory by name",
        ),
        plain(
            users::COLLECTION,
            "avatar",
            doc! { "avatar": 1 },
            "whose profile shows a file",
        )
        .partial(doc! { "avatar": { "$gt": "" } }),
        plain(
            users::COLLECTION,
            "status",
            doc! { "status": 1, "isActive": 1 },
            "who is online or away",
        ),
    ]
}

/// Returns the indexes of conversations and what is in them.
fn of_conversations() -> Vec<Index> {
    let plain = Index::plain;
    vec![
        plain(
            conversations::COLLECTION,
            "pair",
            doc! { "pairKey": 1 },
            "two people have exactly one private session",
        )
        .unique()
        .partial(doc! { "pairKey": { "$exists": true } }),
        plain(
            conversations::COLLECTION,
            "activity",
            doc! { "participants": 1, "lastMessageTime": -1, "_id": -1 },
            "a user's sessions, newest activity first; unread counts; statistics; who shares a session",
        ),
        plain(
            conversations::COLLECTION,
            "number",
            doc! { "number": 1 },
            "a session's number is its own; the session of an event's number",
        )
        .unique()
        .partial(doc! { "number": { "$exists": true } }),
        // Not unique: each transaction that stores a `seq` also changes its conversation, from a
        // version that it has checked, and mongod commits one of two such transactions. A second
        // check here took a sixth of all messages a second: for each key of a unique index, mongod
        // writes, removes, searches and writes again.
        plain(
            messages::COLLECTION,
            "order",
            doc! { "sessionId": 1, "seq": 1 },
            "history by seq",
        ),
        plain(
            messages::COLLECTION,
            "once",
            doc! { "sessionId": 1, "sender": 1, "clientMsgId": 1 },
            "a sender's clientMsgId is one message of a session",
        )
        .unique()
        .partial(doc! { "clientMsgId": { "$exists": true } }),
        plain(
            messages::COLLECTION,
            "changes",
            doc! { "sessionId": 1, "rev": 1 },
            "chat:sync: messages changed after a rev",
        )
        .partial(doc! { "rev": { "$gt": 0 } }),
        plain(
            messages::COLLECTION,
            "files",
            doc! { "fileIds": 1, "sessionId": 1, "seq": 1 },
            "in which sessions a file was sent; whether a message still names it",
        )
        .partial(doc! { "fileIds": { "$exists": true } }),
        plain(
            files::COLLECTION,
            "due",
            doc! { "checkAt": 1 },
            "the files that the sweep is to look at",
        )
        .partial(doc! { "checkAt": { "$exists": true } }),
        // These two have the names that GridFS would give them.
        plain(
            blobs::FILES_COLLECTION,
            "filename_1_uploadDate_1",
            doc! { "filename": 1, "uploadDate": 1 },
            "GridFS wants it",
        ),
        plain(
            blobs::CHUNKS_COLLECTION,
            "files_id_1_n_1",
            doc! { "files_id": 1, "n": 1 },
            "a part of a file's bytes",
        )
        .unique(),
        plain(
            edits::COLLECTION,
            "message",
            doc! { "messageId": 1, "replacedAt": 1, "_id": 1 },
            "the earlier versions of a message",
        ),
        // Not unique, as the order of messages is not.
        plain(
            change_log::COLLECTION,
            "order",
            doc! { "conversation": 1, "eventSeq": 1 },
            "what has a number: the last change at or below it",
        ),
        plain(
            change_log::COLLECTION,
            "current",
            doc! { "conversation": 1, "eventSeq": 1, "isCurrent": 1 },
            "a page of current changes, whatever was superseded between them",
        )
        .partial(doc! { "isCurrent": true }),
        plain(
            change_log::COLLECTION,
            "superseded",
            doc! { "message": 1, "kind": 1, "by": 1 },
            "the current changes of a message, which a new one supersedes",
        )
        .partial(doc! { "isCurrent": true }),
        plain(
            receipts::COLLECTION,
            "bucket",
            doc! { "sessionId": 1, "bucket": 1, "to": 1, "from": 1 },
            "the receipts that touch a page of messages",
        ),
    ]
}

/// Returns the indexes of presence, tokens, nodes, statistics and the audit log.
fn of_the_service() -> Vec<Index> {
    let plain = Index::plain;
    vec![
        plain(
            online_users::COLLECTION,
            "node",
            doc! { "node": 1 },
            "the connections of a node that dies",
        ),
        plain(
            online_users::COLLECTION,
            "user",
            doc! { "userId": 1 },
            "whether a user is present elsewhere",
        ),
        plain(
            ended_tokens::COLLECTION,
            "expiry",
            doc! { "expiresAt": 1 },
            "expired tokens need no record",
        )
        .expiring(),
        plain(
            revocations::COLLECTION,
            "news",
            doc! { "at": 1 },
            "what was revoked since a node last asked",
        ),
        plain(
            revocations::COLLECTION,
            "expiry",
            doc! { "expiresAt": 1 },
            "old news need no record",
        )
        .expiring(),
        plain(
            nodes::COLLECTION,
            "heartbeat",
            doc! { "heartbeatAt": 1 },
            "nodes that fell silent",
        ),
        plain(
            jobs::COLLECTION,
            "name",
            doc! { "kind": 1, "key": 1 },
            "a kind and a key are one job",
        )
        .unique(),
        plain(
            jobs::COLLECTION,
            "due",
            doc! { "runAt": 1, "kind": 1 },
            "the next job",
        )
        .partial(doc! { "state": "waiting" }),
        plain(
            jobs::COLLECTION,
            "failed",
            doc! { "endedAt": -1 },
            "the jobs that were given up",
        )
        .partial(doc! { "state": "failed" }),
        plain(
            jobs::COLLECTION,
            "expiry",
            doc! { "expiresAt": 1 },
            "jobs that are long done",
        )
        .expiring(),
        plain(
            statistics::UNREAD_COLLECTION,
            "backlog",
            doc! { "unread": 1 },
            "who has unread messages",
        )
        .partial(doc! { "unread": { "$gt": 0 } }),
        plain(
            audit::COLLECTION,
            "time",
            doc! { "at": -1, "_id": -1 },
            "the record, newest first",
        ),
        plain(
            audit::COLLECTION,
            "actor",
            doc! { "actor": 1, "at": -1, "_id": -1 },
            "what a user did",
        ),
        plain(
            audit::COLLECTION,
            "about",
            doc! { "subject": 1, "at": -1, "_id": -1 },
            "what was done to a user",
        ),
        plain(
            audit::COLLECTION,
            "action",
            doc! { "action": 1, "at": -1, "_id": -1 },
            "acts of one kind",
        ),
        plain(
            audit::COLLECTION,
            "session",
            doc! { "session": 1, "at": -1, "_id": -1 },
            "what was done in a session",
        )
        .partial(doc! { "session": { "$exists": true } }),
    ]
}

impl Store {
    /// Removes an index by its name, if it exists and is unique.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub(super) async fn drop_unique_index(
        &self,
        collection: &str,
        name: &'static str,
    ) -> Result<()> {
        let collection = self.collection::<Document>(collection);
        run(async move {
            let indexes: Vec<IndexModel> = collection.list_indexes().await?.try_collect().await?;
            let is_it = |options: &IndexOptions| {
                options.name.as_deref() == Some(name) && options.unique == Some(true)
            };
            if indexes
                .iter()
                .filter_map(|index| index.options.as_ref())
                .any(is_it)
            {
                collection.drop_index(name).await?;
            }
            Ok(())
        })
        .await
    }

    /// Creates every missing index of the list.
    ///
    /// # Errors
    /// When MongoDB does not answer or refuses one.
    pub async fn ensure_indexes(&self) -> Result<()> {
        for index in all() {
            let options = IndexOptions::builder()
                .name(index.name.to_owned())
                .unique(index.unique)
                .partial_filter_expression(index.partial)
                .expire_after(index.expires.then_some(std::time::Duration::ZERO))
                .build();
            let model = IndexModel::builder()
                .keys(index.keys)
                .options(options)
                .build();
            let collection = self.collection::<Document>(index.collection);
            // On an old and large database, building an index may take long.
            let limit = std::time::Duration::from_hours(1);
            run_within(limit, async move {
                collection.create_index(model).await.map(drop)
            })
            .await?;
        }
        Ok(())
    }
}
