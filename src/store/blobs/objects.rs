//! Blobs as objects: files of a folder, or of a bucket with the S3 API.

use std::{
    fs, ops::Range, os::unix::fs::PermissionsExt, path::Path as Folder, sync::Arc, time::Duration,
};

use bytes::Bytes;
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart,
    aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
};
use tokio::sync::mpsc;

use super::BlobChunk;
use crate::domain::{Error, Result};

/// The number of bytes of one read.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;
/// The size of a part of a multipart object; S3 accepts no smaller ones.
const UPLOAD_PART_BYTES: usize = 5 << 20;
/// The time limit of a read or a removal.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The objects, all below a prefix.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Objects {
    pub(super) fn folder(folder: &Folder) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("the folder {} cannot be used: {error}", folder.display())
        };
        // Creating the folder would hide a mistyped path or an unmounted disk, and the files would
        // go to the wrong disk.
        if !fs::metadata(folder)
            .map_err(|error| failed(&error))?
            .is_dir()
        {
            return Err(failed(&"it is no folder"));
        }
        restrict_to_owner(folder).map_err(|error| failed(&error))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(&error))?;
        let store = store.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::default(),
        })
    }

    /// Writes, reads and removes a small object.
    pub(super) async fn test_operations(&self) -> Result<(), String> {
        const PROBE_TEXT: &str = "may this be stored?";
        let path = self.path(&format!("trial-{:032x}", rand::random::<u128>()));
        let trial = async {
            self.store
                .put(&path, PutPayload::from_static(PROBE_TEXT.as_bytes()))
                .await?;
            let read = self
                .store
                .get_range(&path, 0..PROBE_TEXT.len() as u64)
                .await?;
            self.store.delete(&path).await?;
            Ok::<bool, ObjectError>(read == PROBE_TEXT.as_bytes())
        };
        match tokio::time::timeout(REQUEST_TIMEOUT, trial).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("what was stored is not what is read".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        }
    }

    pub(super) fn bucket(
        bucket: &str,
        prefix: &str,
        options: &[(String, String)],
    ) -> Result<Self, String> {
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
        for (name, value) in options {
            let name = name
                .parse()
                .map_err(|_| format!("{name} is no option of S3"))?;
            builder = builder.with_config(name, value);
        }
        let store = builder
            .build()
            .map_err(|error| format!("S3 cannot be used: {error}"))?;
        let prefix =
            Path::parse(prefix).map_err(|error| format!("the prefix is no path: {error}"))?;
        Ok(Self {
            store: Arc::new(store),
            prefix,
        })
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), Path::join)
    }

    /// Writes an object: a small one at once, a larger one in parts, two at a time.
    pub(super) async fn write(&self, name: &str, mut fed: mpsc::Receiver<BlobChunk>) -> Result<()> {
        let path = self.path(name);
        let (mut gathered, mut size) = (Vec::new(), 0);
        let mut parts: Option<WriteMultipart> = None;
        loop {
            match fed.recv().await {
                Some(BlobChunk::Bytes(bytes)) => {
                    if let Some(parts) = &mut parts {
                        parts
                            .wait_for_capacity(2)
                            .await
                            .map_err(|error| read_error(&error))?;
                        parts.put(bytes);
                        continue;
                    }
                    size += bytes.len();
                    gathered.push(bytes);
                    if size >= UPLOAD_PART_BYTES {
                        let upload = self
                            .store
                            .put_multipart(&path)
                            .await
                            .map_err(|error| read_error(&error))?;
                        let mut begun =
                            WriteMultipart::new_with_chunk_size(upload, UPLOAD_PART_BYTES);
                        gathered.drain(..).for_each(|bytes| begun.put(bytes));
                        parts = Some(begun);
                    }
                }
                Some(BlobChunk::End) => {
                    let ended = match parts {
                        Some(parts) => parts.finish().await,
                        None => {
                            self.store
                                .put(&path, gathered.into_iter().collect::<PutPayload>())
                                .await
                        }
                    };
                    return ended.map(drop).map_err(|error| read_error(&error));
                }
                None => {
                    if let Some(parts) = parts {
                        let _ = parts.abort().await;
                    }
                    return Ok(());
                }
            }
        }
    }

    pub(super) async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes> {
        let path = self.path(name);
        match tokio::time::timeout(REQUEST_TIMEOUT, self.store.get_range(&path, range)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(ObjectError::NotFound { .. })) => Ok(Bytes::new()),
            Ok(Err(error)) => Err(read_error(&error)),
            Err(_) => Err(Error::Unavailable),
        }
    }

    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match tokio::time::timeout(REQUEST_TIMEOUT, self.store.delete(&path)).await {
            Ok(Ok(()) | Err(ObjectError::NotFound { .. })) => Ok(()),
            Ok(Err(error)) => Err(read_error(&error)),
            Err(_) => Err(Error::Unavailable),
        }
    }
}

/// Removes the access of other users to a folder.
fn restrict_to_owner(folder: &Folder) -> std::io::Result<()> {
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn read_error(error: &ObjectError) -> Error {
    // The name of an object is an id and contains no personal data.
    tracing::warn!(%error, "the store of files failed");
    Error::Unavailable
}
