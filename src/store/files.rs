//! The collection `files`: the state and data of each file, from its first byte on.
//!
//! A row is `uploading`, then `ready`, then `doomed`; its bytes are in [`super::blobs`]. `checkAt`
//! is the time of the sweep's next check; it is absent while a message is known to name the file. A
//! sender of a file postpones it *before* the commit, so that no sweep removes the file meanwhile.

mod quota;

use mongodb::bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use super::{Store, collect, failure, messages, run, stored_number, users, write};
use crate::domain::{
    ConversationId, Error, FileId, Result, Timestamp, UserId,
    avatar::Avatar,
    file::{Dimensions, StoredFile, Thumbnail},
};
pub use quota::Completion;
pub(super) use quota::USAGE_COLLECTION;

pub(super) const COLLECTION: &str = "files";

/// The maximum number of conversations in which a file counts as sent.
const MAX_COUNTED_USES: i64 = 10_000;

/// The state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    Uploading,
    Ready,
    /// No user may read it any more; its bytes are about to be removed.
    Doomed,
}

impl FileState {
    fn as_str(self) -> &'static str {
        match self {
            FileState::Uploading => "uploading",
            FileState::Ready => "ready",
            FileState::Doomed => "doomed",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: FileId,
    #[serde(with = "crate::store::bson_form")]
    owner: UserId,
    state: FileState,
    #[serde(with = "crate::store::bson_form")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[serde(with = "crate::store::bson_form")]
    check_at: Option<Timestamp>,
    // The other fields are known once it is ready.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "stored_number::perhaps"
    )]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    thumbnail: Option<ThumbnailRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sha256: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ThumbnailRow {
    mime: String,
    #[serde(deserialize_with = "stored_number::natural")]
    size: u64,
}

#[derive(Deserialize)]
struct UseRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    session: ConversationId,
    #[serde(deserialize_with = "stored_number::natural")]
    seq: u64,
}

/// A file that the sweep is to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueFile {
    pub id: FileId,
    pub owner: UserId,
    pub state: FileState,
    /// The bytes it takes of its owner's quota.
    pub size: Option<u64>,
    pub check_at: Timestamp,
}

fn bson_ids(ids: &[FileId]) -> Vec<Bson> {
    ids.iter().copied().map(Bson::from).collect()
}

impl From<&StoredFile> for FileRow {
    fn from(file: &StoredFile) -> Self {
        Self {
            id: file.id,
            owner: file.owner,
            state: FileState::Ready,
            created_at: file.created_at,
            check_at: None,
            name: Some(file.name.clone()),
            size: Some(file.size),
            mime: Some(file.mime.clone()),
            width: file.dimensions.map(|dimensions| dimensions.width),
            height: file.dimensions.map(|dimensions| dimensions.height),
            duration: file.duration,
            thumbnail: file.thumbnail.clone().map(|t| ThumbnailRow {
                mime: t.mime,
                size: t.size,
            }),
            sha256: Some(file.digest.clone()),
        }
    }
}

impl TryFrom<FileRow> for StoredFile {
    type Error = Error;
    fn try_from(row: FileRow) -> Result<Self> {
        let id = row.id;
        let missing = |what: &str| {
            tracing::error!(file = %id, what, "a stored file cannot be understood");
            Error::Internal
        };
        Ok(Self {
            id,
            owner: row.owner,
            name: row.name.ok_or_else(|| missing("name"))?,
            size: row.size.ok_or_else(|| missing("size"))?,
            mime: row.mime.ok_or_else(|| missing("mime"))?,
            dimensions: row
                .width
                .zip(row.height)
                .map(|(width, height)| Dimensions { width, height }),
            duration: row.duration,
            thumbnail: row.thumbnail.map(|t| Thumbnail {
                mime: t.mime,
                size: t.size,
            }),
            digest: row.sha256.ok_or_else(|| missing("sha256"))?,
            created_at: row.created_at,
        })
    }
}

impl Store {
    /// Stores that an upload has begun. If it does not complete, the sweep checks it at `check_at`.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn register_upload(
        &self,
        id: FileId,
        owner: UserId,
        now: Timestamp,
        check_at: Timestamp,
    ) -> Result<()> {
        let (files, usage) = (
            self.collection::<Document>(COLLECTION),
            self.collection::<Document>(USAGE_COLLECTION),
        );
        let state = FileState::Uploading.as_str();
        let row = doc! { "_id": id, "owner": owner, "state": state, "createdAt": now, "checkAt": check_at };
        write(async move {
            let nothing = doc! { "$setOnInsert": { "used": 0_i64 } };
            match usage
                .update_one(doc! { "_id": owner }, nothing)
                .upsert(true)
                .await
            {
                // Two concurrent requests inserted the same row.
                Err(error) if !failure::is_duplicate_key(&error) => return Err(error),
                _ => {}
            }
            files.insert_one(row).await.map(drop)
        })
        .await
    }

    /// Returns a file that is ready.
    ///
    /// # Errors
    /// When MongoDB does not answer or the row cannot be understood.
    pub async fn file(&self, id: FileId) -> Result<Option<StoredFile>> {
        let files = self.collection::<FileRow>(COLLECTION);
        let row = run(async move { files.find_one(doc! { "_id": id }).await }).await?;
        row.filter(|row| row.state == FileState::Ready)
            .map(StoredFile::try_from)
            .transpose()
    }

    /// Keeps the sweep off these files until `until`. Returns whether all of them are ready.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn hold_files(&self, ids: &[FileId], until: Timestamp) -> Result<bool> {
        if ids.is_empty() {
            return Ok(true);
        }
        let wanted = ids.len() as u64;
        let filter = doc! { "_id": { "$in": bson_ids(ids) }, "state": FileState::Ready.as_str() };
        let files = self.collection::<Document>(COLLECTION);
        let hold = doc! { "$max": { "checkAt": until } };
        // A lost answer is harmless: the caller has stored nothing else yet.
        let done = run(async move { files.update_many(filter, hold).await }).await?;
        Ok(done.matched_count == wanted)
    }

    /// Schedules these files for the sweep at `at`: a message that names them is about to be
    /// deleted.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn schedule_file_check(&self, ids: &[FileId], at: Timestamp) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let filter = doc! { "_id": { "$in": bson_ids(ids) }, "state": FileState::Ready.as_str() };
        let files = self.collection::<Document>(COLLECTION);
        let check = doc! { "$set": { "checkAt": at } };
        run(async move { files.update_many(filter, check).await.map(drop) }).await
    }

    /// Returns the conversations in which a file was sent, each with the newest message that names
    /// it.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn file_uses(&self, id: FileId) -> Result<Vec<(ConversationId, u64)>> {
        let sent = self.collection::<Document>(messages::COLLECTION);
        let rows: Vec<UseRow> = run(async move {
            let pipeline = [
                doc! { "$match": { "fileIds": id } },
                doc! { "$group": { "_id": "$sessionId", "seq": { "$max": "$seq" } } },
                doc! { "$limit": MAX_COUNTED_USES },
            ];
            collect(sent.aggregate(pipeline).with_type::<UseRow>().await?).await
        })
        .await?;
        Ok(rows.into_iter().map(|row| (row.session, row.seq)).collect())
    }

    /// Returns whether a message that is not deleted names a file.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn is_file_used(&self, id: FileId) -> Result<bool> {
        let sent = self.collection::<Document>(messages::COLLECTION);
        let found = run(async move {
            sent.find_one(doc! { "fileIds": id })
                .projection(doc! { "_id": 1 })
                .await
        });
        Ok(found.await?.is_some() || self.is_avatar(id).await?)
    }

    /// Returns whether a user's profile shows a file.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn is_avatar(&self, id: FileId) -> Result<bool> {
        let people = self.collection::<Document>(users::COLLECTION);
        let named = doc! { "avatar": Avatar::File(id).to_string() };
        let found = run(async move { people.find_one(named).projection(doc! { "_id": 1 }).await });
        Ok(found.await?.is_some())
    }

    /// Returns the files that are due, the earliest first.
    ///
    /// # Errors
    /// When MongoDB does not answer or a row cannot be understood.
    pub async fn find_due_files(&self, now: Timestamp, limit: i64) -> Result<Vec<DueFile>> {
        let files = self.collection::<FileRow>(COLLECTION);
        let rows = run(async move {
            let due = files.find(doc! { "checkAt": { "$lte": now } });
            collect(due.sort(doc! { "checkAt": 1 }).limit(limit).await?).await
        })
        .await?;
        let due = |row: FileRow| DueFile {
            id: row.id,
            owner: row.owner,
            state: row.state,
            size: row.size,
            check_at: row.check_at.unwrap_or(now),
        };
        Ok(rows.into_iter().map(due).collect())
    }

    /// Excludes a file from the sweep, unless its check was postponed since it was read.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn mark_file_settled(&self, seen: &DueFile) -> Result<()> {
        let ready = doc! { "state": FileState::Ready.as_str() };
        self.update_due_file(seen, doc! { "$set": ready, "$unset": { "checkAt": "" } })
            .await
            .map(drop)
    }

    /// Makes a file inaccessible to everybody, unless its check was postponed since it was read.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn mark_file_for_removal(&self, seen: &DueFile) -> Result<bool> {
        self.update_due_file(
            seen,
            doc! { "$set": { "state": FileState::Doomed.as_str() } },
        )
        .await
    }

    async fn update_due_file(&self, seen: &DueFile, update: Document) -> Result<bool> {
        let files = self.collection::<Document>(COLLECTION);
        let filter =
            doc! { "_id": seen.id, "state": seen.state.as_str(), "checkAt": seen.check_at };
        let turned = write(async move { files.update_one(filter, update).await }).await?;
        Ok(turned.matched_count > 0)
    }

    /// Aborts an upload. Returns the file as the sweep would find it; `None` when it is ready or no
    /// longer exists.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn abandon_file(&self, id: FileId) -> Result<Option<DueFile>> {
        let files = self.collection::<FileRow>(COLLECTION);
        let filter = doc! { "_id": id, "state": FileState::Uploading.as_str() };
        let update = doc! { "$set": { "state": FileState::Doomed.as_str() } };
        let row = write(async move { files.find_one_and_update(filter, update).await }).await?;
        Ok(row.and_then(|row| {
            let (state, check_at) = (FileState::Doomed, row.check_at?);
            Some(DueFile {
                id,
                owner: row.owner,
                state,
                size: None,
                check_at,
            })
        }))
    }
}
