//! Storage for the bytes of files: a small interface, with MongoDB's `GridFS`, a folder or an S3
//! bucket behind it.
//!
//! A file's bytes are *blobs* under the file's id. They are written once, in order, and read by
//! position in chunks of bounded size. No code holds a whole file in memory, and a reader that
//! pauses holds no resource open. The collection `files` stores what a blob is, who may read it and
//! when it is removed.

mod grid;
mod objects;

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use mongodb::Database;
use tokio::{sync::mpsc, task::JoinHandle};
use tracing::Instrument;

use crate::domain::{Error, FileId, Result, file::BlobLocation};
use grid::Grid;
pub(super) use grid::{CHUNKS_COLLECTION, FILES_COLLECTION};
use objects::Objects;

/// The maximum number of chunks that wait while another is written.
const MAX_QUEUED_CHUNKS: usize = 2;
/// The time limit for writing one chunk.
const CHUNK_WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// A variant of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// The served content.
    Body,
    /// The uploaded content, until it has been made safe to serve.
    Raw,
    Thumbnail,
}

/// The key of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobKey(pub FileId, pub ByteRange);

impl BlobKey {
    /// Returns the keys of all blobs that a file may have.
    fn all(id: FileId) -> [BlobKey; 3] {
        [ByteRange::Body, ByteRange::Raw, ByteRange::Thumbnail].map(|part| BlobKey(id, part))
    }

    fn blob_name(self) -> String {
        let part = match self.1 {
            ByteRange::Body => "body",
            ByteRange::Raw => "raw",
            ByteRange::Thumbnail => "thumbnail",
        };
        format!("{}/{part}", self.0)
    }
}

/// A blob store.
#[derive(Debug, Clone)]
pub enum Blobs {
    Grid(Grid),
    Objects(Objects),
}

/// Why a blob store cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadBlobLocation(String);

/// A message to the task that writes a blob.
enum BlobChunk {
    Bytes(Bytes),
    End,
}

/// A blob that is being written. If it is dropped before its end, nothing remains once its task has
/// ended.
pub struct BlobWriter {
    sender: mpsc::Sender<BlobChunk>,
    task: JoinHandle<Result<()>>,
}

impl Blobs {
    /// Opens a blob store.
    ///
    /// # Errors
    /// When the folder does not exist or is accessible to others, or the bucket's settings are
    /// invalid.
    pub fn open(place: &BlobLocation, database: &Database) -> Result<Self, BadBlobLocation> {
        match place {
            BlobLocation::GridFs => Ok(Self::in_database(database)),
            BlobLocation::Folder(folder) => Objects::folder(folder)
                .map(Self::Objects)
                .map_err(BadBlobLocation),
            BlobLocation::S3 {
                bucket,
                prefix,
                options,
            } => Objects::bucket(bucket, prefix, options)
                .map(Self::Objects)
                .map_err(BadBlobLocation),
        }
    }

    /// Tests the blob store: writes, reads and removes a small blob.
    ///
    /// # Errors
    /// When the store fails, with its message.
    pub async fn test_operations(&self) -> Result<(), BadBlobLocation> {
        match self {
            Self::Objects(objects) => objects.test_operations().await.map_err(BadBlobLocation),
            Self::Grid(_) => {
                let key = BlobKey(FileId::generate(), ByteRange::Raw);
                let trial = async {
                    self.put(key, Bytes::from_static(b"?")).await?;
                    self.read(key, 0..1).await?;
                    self.remove(key).await
                };
                trial
                    .await
                    .map_err(|error| BadBlobLocation(format!("GridFS in MongoDB fails: {error}")))
            }
        }
    }

    /// Returns the blob store in this database.
    #[must_use]
    pub fn in_database(database: &Database) -> Self {
        Self::Grid(Grid::new(database.clone()))
    }

    /// Starts writing a blob.
    #[must_use]
    pub fn writer(&self, key: BlobKey) -> BlobWriter {
        let (sender, fed) = mpsc::channel(MAX_QUEUED_CHUNKS);
        // In a task of its own, because the driver's futures must not be dropped half-way.
        let task = match self.clone() {
            Self::Grid(grid) => tokio::spawn(
                async move { grid.write(&key.blob_name(), fed).await }.in_current_span(),
            ),
            Self::Objects(objects) => {
                tokio::spawn(async move { objects.write(&key.blob_name(), fed).await })
            }
        };
        BlobWriter { sender, task }
    }

    /// Writes a small blob in one call.
    ///
    /// # Errors
    /// As [`BlobWriter::write`].
    pub async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<()> {
        let mut writer = self.writer(key);
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// Returns the maximum number of bytes of one read.
    fn chunk_size(&self) -> u64 {
        match self {
            Self::Grid(_) => grid::CHUNK_BYTES,
            Self::Objects(_) => objects::CHUNK_BYTES,
        }
    }

    /// Returns the bytes from `range.start` on: up to `range.end`, or fewer, but at least one of a
    /// range that is not empty.
    ///
    /// # Errors
    /// `Internal` when the blob does not exist or is shorter; another error when the store does not
    /// answer.
    pub async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let chunk_size = self.chunk_size();
        let end = range.end.min((range.start / chunk_size + 1) * chunk_size);
        let bytes = match self {
            Self::Grid(grid) => grid.read(key.blob_name(), range.start..end).await?,
            Self::Objects(objects) => objects.read(&key.blob_name(), range.start..end).await?,
        };
        if bytes.is_empty() {
            tracing::error!(file = %key.0, part = ?key.1, "a part of a stored file is not there");
            return Err(Error::Internal);
        }
        Ok(bytes)
    }

    /// Streams the bytes of `range`, chunk by chunk.
    pub fn stream(
        &self,
        key: BlobKey,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        let blobs = self.clone();
        stream::try_unfold(range, move |rest| {
            let blobs = blobs.clone();
            async move {
                if rest.is_empty() {
                    return Ok(None);
                }
                let bytes = blobs.read(key, rest.clone()).await?;
                let next = rest.start + bytes.len() as u64;
                Ok(Some((bytes, next..rest.end)))
            }
        })
    }

    /// Removes all blobs of a file; a missing blob counts as removed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_all(&self, id: FileId) -> Result<()> {
        self.remove_keys(&BlobKey::all(id)).await
    }

    /// Removes a blob.
    ///
    /// # Errors
    /// As [`Blobs::remove_all`].
    pub async fn remove(&self, key: BlobKey) -> Result<()> {
        self.remove_keys(&[key]).await
    }

    async fn remove_keys(&self, keys: &[BlobKey]) -> Result<()> {
        let names: Vec<String> = keys.iter().map(|key| key.blob_name()).collect();
        match self {
            Self::Grid(grid) => grid.remove(names).await,
            Self::Objects(objects) => {
                for name in names {
                    objects.remove(&name).await?;
                }
                Ok(())
            }
        }
    }
}

impl BlobWriter {
    /// Appends bytes. Waits while the store is busy.
    ///
    /// # Errors
    /// `Unavailable` when the store does not accept them in time.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let fed = tokio::time::timeout(
            CHUNK_WRITE_TIMEOUT,
            self.sender.send(BlobChunk::Bytes(bytes)),
        )
        .await;
        // The task has ended and has logged the reason.
        if matches!(fed, Ok(Ok(()))) {
            Ok(())
        } else {
            Err(Error::Unavailable)
        }
    }

    /// Finishes the blob. It exists only once this has returned successfully.
    ///
    /// # Errors
    /// As [`BlobWriter::write`].
    pub async fn finish(self) -> Result<()> {
        let ended = tokio::time::timeout(CHUNK_WRITE_TIMEOUT, async {
            // If the task has already ended, it returns the reason.
            let _ = self.sender.send(BlobChunk::End).await;
            self.task.await
        });
        match ended.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                tracing::error!(%panic, "writing a file panicked");
                Err(Error::Internal)
            }
            Err(_) => Err(Error::Unavailable),
        }
    }

    /// Aborts the blob. Returns whether it is certain that nothing more is written.
    pub async fn discard(self) -> bool {
        let Self { sender, task } = self;
        drop(sender);
        tokio::time::timeout(CHUNK_WRITE_TIMEOUT, task)
            .await
            .is_ok()
    }
}
