//! Format 6: files are named by their ids, where an older program stored the addresses that the
//! chat gateway gives them.

use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::super::{Store, collect, conversations, messages, run, users};
use crate::domain::{Error, MessageId, Result};

/// What a stored address began with; the file's id followed.
const ADDRESS_PREFIX: &str = "/api/chat/files/";
/// How many messages are looked through together.
const MESSAGE_PAGE_SIZE: i64 = 5_000;

#[derive(Deserialize)]
struct MessageIdRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: MessageId,
}

/// Returns the expression for the id, as 24 digits, in the address that `field` holds.
fn digits_of(field: &str) -> Document {
    let start = doc! { "$strLenBytes": ADDRESS_PREFIX };
    doc! { "$toLower": { "$substrBytes": [field, start, 24] } }
}

/// Returns the expression for the file that the address in `field` names; no value where there is
/// no address.
fn file_of(field: &str) -> Document {
    doc! { "$cond": [
        { "$eq": [{ "$type": field }, "string"] },
        { "$toObjectId": digits_of(field) },
        "$$REMOVE",
    ] }
}

/// Returns the filter for texts that are addresses of stored files.
fn addresses() -> Document {
    doc! { "$regex": format!("^{ADDRESS_PREFIX}[0-9a-fA-F]{{24}}$") }
}

impl Store {
    /// Replaces the addresses of files in messages, quotes and profiles by ids.
    ///
    /// # Errors
    /// `Conflict` when a message names a file by another address; else when MongoDB does not
    /// answer.
    pub(super) async fn replace_file_addresses(&self) -> Result<()> {
        // The former validators know no `fileId`.
        self.ensure_validators().await?;
        self.replace_message_addresses().await?;
        for collection in [users::COLLECTION, conversations::COLLECTION] {
            let profiles = self.collection::<Document>(collection);
            let avatar = doc! { "$concat": ["file:", digits_of("$avatar")] };
            run(async move {
                let update = vec![doc! { "$set": { "avatar": avatar } }];
                profiles
                    .update_many(doc! { "avatar": addresses() }, update)
                    .await
                    .map(drop)
            })
            .await?;
        }
        Ok(())
    }

    /// Goes through all messages by their ids: no index knows an address.
    async fn replace_message_addresses(&self) -> Result<()> {
        let mut after = MessageId::NIL;
        loop {
            let messages = self.collection::<MessageIdRow>(messages::COLLECTION);
            let page = run(async move {
                let find = messages
                    .find(doc! { "_id": { "$gt": after } })
                    .sort(doc! { "_id": 1 });
                let find = find.limit(MESSAGE_PAGE_SIZE).projection(doc! { "_id": 1 });
                collect(find.await?).await
            })
            .await?;
            let Some(last) = page.last().map(|row| row.id) else {
                return Ok(());
            };
            let range = doc! { "$gt": after, "$lte": last };
            self.require_known_addresses(&range).await?;
            let messages = self.collection::<Document>(messages::COLLECTION);
            let with_address = doc! { "_id": range, "$or": [
                { "fileUrl": { "$exists": true } },
                { "merged.fileUrl": { "$exists": true } },
            ] };
            run(async move {
                messages
                    .update_many(with_address, message_update())
                    .await
                    .map(drop)
            })
            .await?;
            after = last;
        }
    }

    /// No program ever stored another address. One that is there nevertheless is not thrown away.
    async fn require_known_addresses(&self, range: &Document) -> Result<()> {
        let other = doc! { "$exists": true, "$not": addresses() };
        let filter = doc! { "_id": range, "$or": [
            { "fileUrl": other.clone() },
            { "merged": { "$elemMatch": { "fileUrl": other } } },
        ] };
        let messages = self.collection::<MessageIdRow>(messages::COLLECTION);
        let found = run(async move {
            let find = messages.find_one(filter).projection(doc! { "_id": 1 });
            find.await
        })
        .await?;
        let Some(MessageIdRow { id }) = found else {
            return Ok(());
        };
        tracing::error!(message = %id, "a message names a file by an address that is none of this service");
        Err(Error::Conflict(
            "a stored message names a file by a foreign address",
        ))
    }
}

/// Returns the update that replaces the addresses in a message and its quotes.
fn message_update() -> Vec<Document> {
    let quote = doc! { "$mergeObjects": ["$$quote", { "fileId": file_of("$$quote.fileUrl") }] };
    let set = doc! {
        "fileId": file_of("$fileUrl"),
        "merged": { "$cond": [
            { "$isArray": "$merged" },
            { "$map": { "input": "$merged", "as": "quote", "in": quote } },
            "$$REMOVE",
        ] },
    };
    vec![
        doc! { "$set": set },
        doc! { "$unset": ["fileUrl", "merged.fileUrl"] },
    ]
}
