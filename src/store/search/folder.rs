//! The folder of an index: who may write into it, and how its files are written.
//!
//! Everything in it can be made anew from the database, so nothing is forced to the disk: with several
//! commits a second and nearly ten files in each, that would keep mongod's journal waiting. A process that is
//! killed loses nothing by it. After a loss of power the files' checksums, which every start looks at, say
//! whether the index is whole.

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

/// The right to write into an index's folder; it ends with the process.
#[derive(Debug)]
pub(super) struct Tenure(#[expect(dead_code, reason = "holds the lock")] File);

impl Tenure {
    /// None while another process, or another index of this one, has it.
    pub fn of(folder: &Path) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        for closed in [Some(folder), folder.parent()].into_iter().flatten() {
            if fs::metadata(closed)?.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(closed, fs::Permissions::from_mode(0o700))?;
            }
        }
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Where the files of the index are, below its folder.
pub(super) fn files(folder: &Path) -> PathBuf {
    folder.join("index")
}

/// The file by which an operator asks whoever keeps the index to make it anew.
fn request(folder: &Path) -> PathBuf {
    folder.join("renew")
}

pub(super) fn is_renewal_asked(folder: &Path) -> bool {
    request(folder).exists()
}

/// Asks for an index that is made anew, by whoever keeps it now or next.
pub(super) fn ask_renewal(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(request(folder), b"")
}

/// Removes the index.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_file(request(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::remove_dir_all(files(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(files(folder)),
    }
}

/// The index's files, mapped into memory, and written without being forced to the disk.
#[derive(Debug, Clone)]
pub(super) struct Unforced {
    mapped: MmapDirectory,
    root: PathBuf,
}

impl Unforced {
    pub fn open(folder: &Path) -> Result<Self, tantivy::TantivyError> {
        let root = files(folder);
        fs::create_dir_all(&root)?;
        Ok(Self { mapped: MmapDirectory::open(&root)?, root })
    }
}

struct UnforcedFile(File);

impl Write for UnforcedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for UnforcedFile {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}

impl Directory for Unforced {
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
        match OpenOptions::new().write(true).create_new(true).open(self.root.join(path)) {
            Ok(file) => Ok(BufWriter::new(Box::new(UnforcedFile(file)))),
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
        // Only the one writer of the index writes, so the draft's name is free.
        let (draft, place) = (self.root.join(path).with_extension("draft"), self.root.join(path));
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
