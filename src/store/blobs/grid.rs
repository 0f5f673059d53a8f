//! Blobs in MongoDB's `GridFS`, bucket `blobs`.

use std::ops::Range;

use bytes::Bytes;
use futures_util::AsyncWriteExt;
use mongodb::{
    Database,
    bson::{Document, doc, spec::BinarySubtype},
    gridfs::GridFsBucket,
    options::GridFsBucketOptions,
};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    super::{failure, run},
    BlobChunk,
};
use crate::domain::{Error, Result};

pub(in crate::store) const FILES_COLLECTION: &str = "blobs.files";
pub(in crate::store) const CHUNKS_COLLECTION: &str = "blobs.chunks";
/// The size of a chunk in bytes.
pub(super) const CHUNK_BYTES: u64 = 255 * 1024;

/// The bucket.
#[derive(Debug, Clone)]
pub struct Grid {
    database: Database,
    bucket: GridFsBucket,
}

#[derive(Deserialize)]
struct ChunkRow {
    data: mongodb::bson::Binary,
}

impl Grid {
    pub(super) fn new(database: Database) -> Self {
        let options = GridFsBucketOptions::builder()
            .bucket_name("blobs".to_owned())
            .chunk_size_bytes(u32::try_from(CHUNK_BYTES).unwrap_or(u32::MAX))
            .build();
        let bucket = database.gridfs_bucket(options);
        Self { database, bucket }
    }

    pub(super) async fn write(&self, name: &str, mut fed: mpsc::Receiver<BlobChunk>) -> Result<()> {
        let opened = self.bucket.open_upload_stream(name).id(name.into()).await;
        let mut stream = opened.map_err(|error| failure::to_domain(&error))?;
        loop {
            // One chunk at a time: several at once are a quarter faster and take twice the memory.
            let done = match fed.recv().await {
                Some(BlobChunk::Bytes(bytes)) => stream.write_all(&bytes).await,
                Some(BlobChunk::End) => {
                    return stream.close().await.map_err(|error| read_error(&error));
                }
                None => {
                    // Aborted: nothing of it remains.
                    let _ = stream.abort().await;
                    return Ok(());
                }
            };
            done.map_err(|error| read_error(&error))?;
        }
    }

    pub(super) async fn read(&self, name: String, range: Range<u64>) -> Result<Bytes> {
        let number = range.start / CHUNK_BYTES;
        let chunks = self.database.collection::<ChunkRow>(CHUNKS_COLLECTION);
        let filter = doc! { "files_id": name, "n": i64::try_from(number).unwrap_or(i64::MAX) };
        let found = run(async move {
            chunks
                .find_one(filter)
                .projection(doc! { "_id": 0, "data": 1 })
                .await
        });
        let Some(ChunkRow { data }) = found.await? else {
            return Ok(Bytes::new());
        };
        if data.subtype != BinarySubtype::Generic {
            return Ok(Bytes::new());
        }
        let bytes = Bytes::from(data.bytes);
        let within =
            |position: u64| usize::try_from(position - number * CHUNK_BYTES).unwrap_or(usize::MAX);
        let (start, end) = (within(range.start), within(range.end).min(bytes.len()));
        Ok(if start < end {
            bytes.slice(start..end)
        } else {
            Bytes::new()
        })
    }

    pub(super) async fn remove(&self, names: Vec<String>) -> Result<()> {
        let files = self.database.collection::<Document>(FILES_COLLECTION);
        let chunks = self.database.collection::<Document>(CHUNKS_COLLECTION);
        run(async move {
            files.delete_many(doc! { "_id": { "$in": &names } }).await?;
            chunks
                .delete_many(doc! { "files_id": { "$in": &names } })
                .await
                .map(drop)
        })
        .await
    }
}

fn read_error(error: &std::io::Error) -> Error {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<mongodb::error::Error>());
    tracing::warn!(
        cause = cause.map(failure::describe),
        "a file could not be written"
    );
    Error::Unavailable
}
