//! Files: upload, download, and removal of what nobody needs.
//!
//! A file may be fetched by its uploader, and by every user who may read a message that names it.
//! The messages are checked each time, so that a removal, a recall or a deletion takes effect at
//! once.

mod containers;
mod links;
mod picture;
mod sniff;
mod sound;
mod sound_frames;
mod strip;
mod sweep;
mod upload;
mod uploader_slots;

use std::{
    ops::Range,
    sync::Weak,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, stream};

pub use links::{FileLink, LinkProof};
pub(in crate::service) use sweep::{FILE_SWEEP_JOB, sweep_handler};
pub use upload::Upload;

use super::{Services, TOKEN_RECHECK_INTERVAL, audit::AuditedAction};
use crate::{
    domain::{
        ConversationId, Error, Field, FileId, Result, UserId, access::Actor, avatar::Avatar,
        error::FieldErrors, file::StoredFile, message::Draft,
    },
    store::blobs::{BlobKey, ByteRange},
};
pub(super) use upload::UploadSlots;

/// How long a file is kept that no message names.
const UNSENT_FILE_RETENTION: Duration = Duration::from_hours(24);
/// How long the sweep skips a file that is about to be sent, or whose message is about to be
/// removed: much longer than a commit can take.
const FILE_HOLD_DURATION: Duration = Duration::from_mins(10);

/// The version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Whole,
    Thumbnail,
}

/// A file that the caller may read.
#[derive(Debug, Clone)]
pub struct OpenFile {
    pub file: StoredFile,
    pub version: Version,
    pub mime: String,
    /// Bytes.
    pub size: u64,
}

impl Services {
    /// Opens a file, or a small version of it, for a user who may read it.
    ///
    /// # Errors
    /// `NotFound` when the caller cannot see it, or it has no small version.
    #[tracing::instrument(name = "files.open", level = "debug", skip_all, fields(file.id = %id))]
    pub async fn open_file(&self, actor: &Actor, id: FileId, version: Version) -> Result<OpenFile> {
        let readable = self.readable_file(actor.user, id).await?;
        let file = match readable {
            // All users may see an avatar's thumbnail; its picture, only those who could before.
            None if version == Version::Thumbnail && self.store.is_avatar(id).await? => {
                self.store.file(id).await?
            }
            readable => readable,
        };
        let file = file.ok_or(Error::NotFound("file"))?;
        let (mime, size) = match (version, &file.thumbnail) {
            (Version::Whole, _) => (file.mime.clone(), file.size),
            (Version::Thumbnail, Some(thumbnail)) => (thumbnail.mime.clone(), thumbnail.size),
            (Version::Thumbnail, None) => return Err(Error::NotFound("file")),
        };
        self.record_fetch(actor, &file, version);
        Ok(OpenFile {
            file,
            version,
            mime,
            size,
        })
    }

    /// Audits a fetch. Successive fetches of parts of one file by one user are one fetch.
    fn record_fetch(&self, actor: &Actor, file: &StoredFile, version: Version) {
        if !self
            .recorder
            .is_first_fetch(actor.user, file.id, version == Version::Thumbnail)
        {
            return;
        }
        let action = match version {
            Version::Whole => "file.fetch",
            Version::Thumbnail => "file.thumbnail",
        };
        self.record_done(
            AuditedAction::by(actor, action)
                .on(file.owner)
                .object(&file.id),
        );
    }

    /// Streams the bytes of an open file. When the user loses the right to it, the stream ends
    /// within a second.
    pub fn read_file(
        &self,
        actor: &Actor,
        open: &OpenFile,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        let part = match open.version {
            Version::Whole => ByteRange::Body,
            Version::Thumbnail => ByteRange::Thumbnail,
        };
        let (services, user, id) = (Weak::clone(&self.this), actor.user, open.file.id);
        stream::try_unfold((range, Instant::now()), move |(rest, mut asked)| {
            let services = Weak::clone(&services);
            async move {
                if rest.is_empty() {
                    return Ok(None);
                }
                let services = services.upgrade().ok_or(Error::Unavailable)?;
                if asked.elapsed() > TOKEN_RECHECK_INTERVAL {
                    services
                        .readable_file(user, id)
                        .await?
                        .ok_or(Error::NotFound("file"))?;
                    asked = Instant::now();
                }
                let bytes = services
                    .store
                    .blobs()
                    .read(BlobKey(id, part), rest.clone())
                    .await?;
                let next = rest.start + bytes.len() as u64;
                Ok(Some((bytes, (next..rest.end, asked))))
            }
        })
    }

    /// Returns a file that `user` may read.
    async fn readable_file(&self, user: UserId, id: FileId) -> Result<Option<StoredFile>> {
        let Some(file) = self.store.file(id).await? else {
            return Ok(None);
        };
        let may = file.owner == user || self.was_sent_to(user, id).await?;
        Ok(may.then_some(file))
    }

    /// Returns whether a message that `user` may read names a file.
    async fn was_sent_to(&self, user: UserId, id: FileId) -> Result<bool> {
        let places = self.store.file_uses(id).await?;
        if places.is_empty() {
            return Ok(false);
        }
        let sessions: Vec<ConversationId> = places.iter().map(|(session, _)| *session).collect();
        let memberships = self.store.memberships_of(&sessions, user).await?;
        Ok(places.iter().any(|(session, newest)| {
            memberships
                .get(session)
                .is_some_and(|hidden| hidden < newest)
        }))
    }

    /// Checks that a message's file exists and may be sent by the sender. The file is kept until
    /// the message is committed. The message's data about the file are corrected.
    pub(super) async fn attach_file(&self, actor: &Actor, draft: &mut Draft) -> Result<()> {
        let Some(named) = &mut draft.file else {
            return Ok(());
        };
        let id = named.id;
        let file = self.readable_file(actor.user, id).await?;
        let until = self.clock.now().plus(FILE_HOLD_DURATION);
        if let Some(file) = file
            && self.store.hold_files(&[id], until).await?
        {
            return named.fill_from(draft.kind, &file);
        }
        // A repeated message is the same message, even when its file was removed since.
        let is_repeat = match draft.idempotency_key() {
            Some(key) => self.store.message_by_client_id(key).await?.is_some(),
            None => false,
        };
        if is_repeat {
            Ok(())
        } else {
            Err(Error::NotFound("file"))
        }
    }

    /// Keeps files that are about to be forwarded. Their messages were just read.
    pub(super) async fn hold_forwarded_files(&self, drafts: &[Draft]) -> Result<()> {
        let mut ids: Vec<FileId> = drafts.iter().flat_map(Draft::file_ids).collect();
        ids.sort_unstable();
        ids.dedup();
        let are_there = self
            .store
            .hold_files(&ids, self.clock.now().plus(FILE_HOLD_DURATION))
            .await?;
        if are_there {
            Ok(())
        } else {
            Err(Error::NotFound("message"))
        }
    }

    /// Checks that a profile's picture is a file of this service that `actor` may read, and keeps
    /// it. Other addresses are only stored.
    ///
    /// # Errors
    /// `Validation` naming `avatar` otherwise.
    pub(super) async fn hold_avatar(&self, actor: Option<&Actor>, avatar: &Avatar) -> Result<()> {
        let Some(id) = avatar.file() else {
            return Ok(());
        };
        let readable = match actor {
            Some(actor) => self.readable_file(actor.user, id).await?,
            None => None,
        };
        let is_shown = readable.is_some_and(|file| file.thumbnail.is_some());
        if is_shown
            && self
                .store
                .hold_files(&[id], self.clock.now().plus(FILE_HOLD_DURATION))
                .await?
        {
            return Ok(());
        }
        Err(Error::Validation(FieldErrors::one(
            Field::Avatar,
            "must be a picture that you may see",
        )))
    }

    /// Schedules a check of a picture that a profile showed.
    pub(super) async fn release_avatar(&self, avatar: &Avatar) -> Result<()> {
        match avatar.file() {
            Some(id) => self.release_files(&[id]).await,
            None => Ok(()),
        }
    }

    /// Schedules a check of the files of a message after the message is removed.
    pub(super) async fn release_files(&self, ids: &[FileId]) -> Result<()> {
        self.store
            .schedule_file_check(ids, self.clock.now().plus(FILE_HOLD_DURATION))
            .await
    }
}
