//! The directory of an index: its writer lock, and how its files are written.
//!
//! Everything in it can be rebuilt from the database, so no file is synced to the disk. With
//! several commits a second and nearly ten files in each, syncing would delay mongod's journal. A
//! killed process loses nothing by this. After a loss of power, the files' checksums, verified at
//! every start, show whether the index is whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
    error::{DeleteError, LockError, OpenReadError, OpenWriteError},
};

/// The lock on an index's directory; it is released when the process ends.
#[derive(Debug)]
pub(super) struct WriterLock(#[expect(dead_code, reason = "holds the lock")] File);

impl WriterLock {
    /// Takes the lock; `None` while another process, or another index of this one, holds it.
    pub fn of(folder: &Path) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        for closed in [Some(folder), folder.parent()].into_iter().flatten() {
            if fs::metadata(closed)?.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(closed, fs::Permissions::from_mode(0o700))?;
            }
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Returns the directory of the index files.
pub(super) fn index_directory(folder: &Path) -> PathBuf {
    folder.join("index")
}

/// Returns the file by which an operator requests a rebuild of the index.
fn renewal_request_file(folder: &Path) -> PathBuf {
    folder.join("renew")
}

pub(super) fn is_renewal_requested(folder: &Path) -> bool {
    renewal_request_file(folder).exists()
}

/// Requests a rebuild of the index, by the process that writes it now or next.
pub(super) fn request_renewal(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(renewal_request_file(folder), b"")
}

/// Removes the index.
pub(super) fn remove_index(folder: &Path) -> io::Result<()> {
    match fs::remove_file(renewal_request_file(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::remove_dir_all(index_directory(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(index_directory(folder)),
    }
}

/// The index's files, mapped into memory, and written without a sync to the disk.
#[derive(Debug, Clone)]
pub(super) struct NoFsyncDirectory {
    mapped: MmapDirectory,
    root: PathBuf,
}

impl NoFsyncDirectory {
    pub fn open(folder: &Path) -> Result<Self, tantivy::TantivyError> {
        let root = index_directory(folder);
        fs::create_dir_all(&root)?;
        Ok(Self {
            mapped: MmapDirectory::open(&root)?,
            root,
        })
    }
}

struct NoFsyncFile(File);

impl Write for NoFsyncFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for NoFsyncFile {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}

impl Directory for NoFsyncDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.mapped.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.mapped.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.mapped.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.root.join(path))
        {
            Ok(file) => Ok(BufWriter::new(Box::new(NoFsyncFile(file)))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenWriteError::FileAlreadyExists(path.to_owned()))
            }
            Err(error) => Err(OpenWriteError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.mapped.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        // The index has one writer, so the draft's name is free.
        let (draft, place) = (
            self.root.join(path).with_extension("draft"),
            self.root.join(path),
        );
        fs::write(&draft, data)?;
        fs::rename(draft, place)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.mapped.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.mapped.watch(callback)
    }
}
