//! Where the bytes of files lie: one small seam, with MongoDB's `GridFS`, a folder or an S3 bucket behind it.
//!
//! A file's bytes are *blobs* under the file's id. They are written once, from the front, and read in
//! pieces of bounded size by position, so nobody holds a whole file, and a reader who stops to read holds
//! nothing open. What a blob is, who may read it and when it goes is in the collection `files`.

mod grid;
mod objects;

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use mongodb::Database;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::domain::{Error, FileId, Result, file::BlobLocation};
use grid::Grid;
pub(super) use grid::{CHUNKS_COLLECTION, FILES_COLLECTION};
use objects::Objects;

/// Pieces that wait to be written while the one before is.
const MAX_QUEUED_CHUNKS: usize = 2;
/// How long a piece may take to be written.
const CHUNK_WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Which bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// What is served.
    Body,
    /// What was sent, until it is made fit to be served.
    Raw,
    Thumbnail,
}

/// The address of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobKey(pub FileId, pub ByteRange);

impl BlobKey {
    /// All blobs that a file may have.
    fn all(id: FileId) -> [BlobKey; 3] {
        [ByteRange::Body, ByteRange::Raw, ByteRange::Thumbnail].map(|part| BlobKey(id, part))
    }

    fn name(self) -> String {
        let part = match self.1 {
            ByteRange::Body => "body",
            ByteRange::Raw => "raw",
            ByteRange::Thumbnail => "thumbnail",
        };
        format!("{}/{part}", self.0)
    }
}

/// A store of blobs.
#[derive(Debug, Clone)]
pub enum Blobs {
    Grid(Grid),
    Objects(Objects),
}

/// Why a store of blobs cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadBlobLocation(String);

/// What comes to the task that writes a blob.
enum BlobChunk {
    Bytes(Bytes),
    End,
}

/// A blob that is being written. Dropped before its end, it leaves nothing behind once its task has ended.
pub struct BlobWriter {
    sender: mpsc::Sender<BlobChunk>,
    task: JoinHandle<Result<()>>,
}

impl Blobs {
    /// Opens a place.
    ///
    /// # Errors
    /// When the folder is not there or open to others, or the bucket's settings are not valid.
    pub fn open(place: &BlobLocation, database: &Database) -> Result<Self, BadBlobLocation> {
        match place {
            BlobLocation::GridFs => Ok(Self::in_database(database)),
            BlobLocation::Folder(folder) => {
                Objects::folder(folder).map(Self::Objects).map_err(BadBlobLocation)
            }
            BlobLocation::S3 { bucket, prefix, options } => {
                Objects::bucket(bucket, prefix, options).map(Self::Objects).map_err(BadBlobLocation)
            }
        }
    }

    /// Tries the place: writes, reads and removes a small blob.
    ///
    /// # Errors
    /// When the place does not do it, with its words.
    pub async fn rehearse(&self) -> Result<(), BadBlobLocation> {
        match self {
            Self::Objects(objects) => objects.rehearse().await.map_err(BadBlobLocation),
            Self::Grid(_) => {
                let key = BlobKey(FileId::generate(), ByteRange::Raw);
                let trial = async {
                    self.put(key, Bytes::from_static(b"?")).await?;
                    self.read(key, 0..1).await?;
                    self.remove(key).await
                };
                trial.await.map_err(|error| BadBlobLocation(format!("GridFS in MongoDB fails: {error}")))
            }
        }
    }

    /// The blobs of this database.
    #[must_use]
    pub fn in_database(database: &Database) -> Self {
        Self::Grid(Grid::new(database.clone()))
    }

    /// Begins a blob.
    #[must_use]
    pub fn writer(&self, key: BlobKey) -> BlobWriter {
        let (sender, fed) = mpsc::channel(MAX_QUEUED_CHUNKS);
        // In a task of its own, because the driver does not bear being dropped half-way.
        let task = match self.clone() {
            Self::Grid(grid) => tokio::spawn(async move { grid.write(&key.name(), fed).await }),
            Self::Objects(objects) => tokio::spawn(async move { objects.write(&key.name(), fed).await }),
        };
        BlobWriter { sender, task }
    }

    /// Writes a small blob whole.
    ///
    /// # Errors
    /// As [`BlobWriter::write`].
    pub async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<()> {
        let mut writer = self.writer(key);
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// How many bytes one read brings at most.
    fn piece(&self) -> u64 {
        match self {
            Self::Grid(_) => grid::CHUNK_BYTES,
            Self::Objects(_) => objects::CHUNK_BYTES,
        }
    }

    /// The bytes from `range.start` on: up to `range.end`, or fewer, but at least one of a range that is
    /// not empty.
    ///
    /// # Errors
    /// `Internal` when the blob is not there or is shorter; when the place does not answer.
    pub async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let piece = self.piece();
        let end = range.end.min((range.start / piece + 1) * piece);
        let bytes = match self {
            Self::Grid(grid) => grid.read(key.name(), range.start..end).await?,
            Self::Objects(objects) => objects.read(&key.name(), range.start..end).await?,
        };
        if bytes.is_empty() {
            tracing::error!(file = %key.0, part = ?key.1, "a part of a stored file is not there");
            return Err(Error::Internal);
        }
        Ok(bytes)
    }

    /// The bytes of `range`, piece by piece.
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

    /// Removes everything of a file; what is not there is as good as removed.
    ///
    /// # Errors
    /// When the place does not answer.
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
        let names: Vec<String> = keys.iter().map(|key| key.name()).collect();
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
    /// Writes on. Waits while the place is busy.
    ///
    /// # Errors
    /// `Unavailable` when the place does not take it in time.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let fed = tokio::time::timeout(CHUNK_WRITE_TIMEOUT, self.sender.send(BlobChunk::Bytes(bytes))).await;
        // The task has ended: why, it said in the log.
        if matches!(fed, Ok(Ok(()))) { Ok(()) } else { Err(Error::Unavailable) }
    }

    /// Ends the blob. Only when this answers it is there.
    ///
    /// # Errors
    /// As [`BlobWriter::write`].
    pub async fn finish(self) -> Result<()> {
        let ended = tokio::time::timeout(CHUNK_WRITE_TIMEOUT, async {
            // When the task has ended already, it says why.
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

    /// Breaks off. Answers whether it is sure that nothing more is written.
    pub async fn discard(self) -> bool {
        let Self { sender, task } = self;
        drop(sender);
        tokio::time::timeout(CHUNK_WRITE_TIMEOUT, task).await.is_ok()
    }
}
