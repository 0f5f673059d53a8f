//! Uploads. Bytes are stored as they arrive, so that a slow upload never holds a whole file in
//! memory. A picture is prepared once it is complete.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::{
    super::Services,
    UNSENT_FILE_RETENTION,
    picture::{self, Source},
    sniff::{self, Kind, TextCheck, TypeGuess},
    sound::{self, StoredBytes},
    uploader_slots::{UploaderSlot, UploaderSlots},
};
use crate::{
    domain::{
        Error, Field, FileId, Result,
        access::AuthenticatedToken,
        error::FieldErrors,
        file::{StoredFile, Thumbnail, clean_name},
    },
    store::{
        blobs::{BlobKey, BlobWriter, ByteRange},
        files::Completion,
    },
};

/// The largest picture, bytes: it is prepared in memory.
const MAX_PICTURE_BYTES: u64 = 50_000_000;
/// The most pictures prepared at once; each may take a quarter of a gigabyte.
const MAX_CONCURRENT_PICTURES: usize = 1;
/// The most sound files measured at once, and for how long.
const MAX_CONCURRENT_SOUNDS: usize = 2;
const SOUND_CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// A slower upload is aborted, bytes a second on average; and how long it may be slow.
const MIN_UPLOAD_BYTES_PER_SECOND: u64 = 2_048;
const SLOW_UPLOAD_GRACE: Duration = Duration::from_secs(10);
/// The most bytes of a request beyond its file: the form around it.
pub const MAX_FORM_OVERHEAD_BYTES: u64 = 64 * 1024;

/// The slots of uploads and of preparation.
pub(in crate::service) struct UploadSlots {
    places: UploaderSlots,
    pictures: Arc<Semaphore>,
    sounds: Arc<Semaphore>,
    total_quota: tokio::sync::Mutex<()>,
}

impl Default for UploadSlots {
    fn default() -> Self {
        Self {
            places: UploaderSlots::default(),
            pictures: Arc::new(Semaphore::new(MAX_CONCURRENT_PICTURES)),
            sounds: Arc::new(Semaphore::new(MAX_CONCURRENT_SOUNDS)),
            total_quota: tokio::sync::Mutex::default(),
        }
    }
}

/// A file that is being uploaded. If dropped before it is finished, it is aborted and leaves
/// nothing.
pub struct Upload {
    services: Arc<Services>,
    id: FileId,
    /// The uploader and their authenticated token.
    auth: AuthenticatedToken,
    name: String,
    started: Instant,
    size: u64,
    head: BytesMut,
    text: TextCheck,
    digest: Sha256,
    /// Set once the type of the file is known.
    writing: Option<(BlobWriter, TypeGuess)>,
    /// Ready, or left to the sweep.
    is_settled: bool,
    place: UploaderSlot,
}

impl Services {
    /// Checks that all users' files together stay within `UPLOAD_TOTAL`.
    async fn require_total_quota(&self, size: u64) -> Result<()> {
        let Some(total) = self.settings.files.upload_total else {
            return Ok(());
        };
        if self.store.total_file_usage().await?.saturating_add(size) > total {
            return Err(Error::TotalQuotaExceeded { total });
        }
        Ok(())
    }

    /// Begins an upload. `declared` is the length of the whole request, when it is given.
    ///
    /// # Errors
    /// `FileTooLarge`, `QuotaExceeded`, `RateLimited` when too many are running.
    #[tracing::instrument(name = "files.begin_upload", level = "debug", skip_all)]
    pub async fn begin_upload(
        &self,
        auth: &AuthenticatedToken,
        declared: Option<u64>,
    ) -> Result<Upload> {
        let limit = self.settings.files.max_upload;
        let least = declared
            .unwrap_or(0)
            .saturating_sub(MAX_FORM_OVERHEAD_BYTES);
        if least > limit {
            return Err(Error::FileTooLarge { limit });
        }
        let owner = auth.actor.user;
        let place = self.upload_slots.places.acquire(owner)?;
        let quota = self.settings.files.upload_quota;
        if self
            .store
            .file_usage(owner)
            .await?
            .saturating_add(least.max(1))
            > quota
        {
            return Err(Error::QuotaExceeded { quota });
        }
        self.require_total_quota(least.max(1)).await?;
        let (id, now) = (FileId::generate(), self.clock.now());
        let longest = SLOW_UPLOAD_GRACE
            + Duration::from_secs(limit / MIN_UPLOAD_BYTES_PER_SECOND)
            + Duration::from_hours(1);
        self.store
            .register_upload(id, owner, now, now.plus(longest))
            .await?;
        Ok(Upload {
            services: self.this.upgrade().ok_or(Error::Internal)?,
            id,
            auth: auth.clone(),
            name: String::new(),
            started: Instant::now(),
            size: 0,
            head: BytesMut::new(),
            text: TextCheck::default(),
            digest: Sha256::new(),
            writing: None,
            is_settled: false,
            place,
        })
    }
}

impl Upload {
    /// Sets the name of the file.
    ///
    /// # Errors
    /// `Validation` when nothing is left of the name without folders and control characters.
    pub fn name(&mut self, given: &str) -> Result<()> {
        let bad = || Error::Validation(FieldErrors::one(Field::Upload, "must have a file name"));
        self.name = clean_name(given).ok_or_else(bad)?;
        Ok(())
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// `FileTooLarge`; `FileUnsupported` for pictures of kinds we cannot clean; `Unavailable`;
    /// `UploadTooSlow` when it arrives too slowly.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let limit = self.services.settings.files.max_upload;
        self.size += bytes.len() as u64;
        self.place.record_received(self.size);
        if self.size > limit {
            return Err(Error::FileTooLarge { limit });
        }
        if self.started.elapsed()
            > SLOW_UPLOAD_GRACE + Duration::from_secs(self.size / MIN_UPLOAD_BYTES_PER_SECOND)
        {
            return Err(Error::UploadTooSlow("the file came too slowly"));
        }
        self.text.feed(&bytes);
        self.digest.update(&bytes);
        if let Some((writer, guess)) = &mut self.writing {
            require_size(*guess, self.size)?;
            return writer.write(bytes).await;
        }
        self.head.extend_from_slice(&bytes);
        if self.head.len() < sniff::HEAD_BYTES {
            Ok(())
        } else {
            self.begin_writing().await
        }
    }

    /// Starts writing once enough is known to guess the type.
    async fn begin_writing(&mut self) -> Result<()> {
        let guess = sniff::guess_type(&self.head);
        let part = match guess.kind {
            Kind::ForeignPicture => {
                return Err(Error::FileUnsupported(
                    "pictures are PNG, JPEG, GIF, WebP or HEIC; others keep where they were taken",
                ));
            }
            Kind::Picture(..) => ByteRange::Raw,
            Kind::Sound | Kind::Other => ByteRange::Body,
        };
        require_size(guess, self.size)?;
        let front = self.head.clone().freeze();
        self.head.truncate(sniff::HEAD_BYTES);
        // Stored before it is written to: after any interruption, the writer is ended in order.
        let writer = self.services.store.blobs().writer(BlobKey(self.id, part));
        self.writing.insert((writer, guess)).0.write(front).await
    }

    /// Resolves with the sender's error when another user takes the slot.
    pub fn wait_for_slot_loss(&self) -> impl Future<Output = Error> + Send + use<> {
        let lost = self.place.wait_for_loss();
        async move {
            lost.await;
            Error::UploadTooSlow("the file came too slowly, and others are waiting")
        }
    }

    /// Returns whether nothing was received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Ends the upload: the file is ready when this returns. A caller that does not wait may find
    /// it ready all the same. Then it is swept after a day.
    ///
    /// # Errors
    /// `Validation` for an empty file; `AuthFailed` when the sender's token ended; `FileRejected`
    /// for a damaged picture; `QuotaExceeded`; `Unavailable`.
    #[tracing::instrument(name = "files.finish_upload", level = "debug", skip_all)]
    pub async fn finish(self) -> Result<StoredFile> {
        // A task of its own: a caller that leaves now must not interrupt it.
        let task = tokio::spawn(self.complete().in_current_span());
        task.await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "finishing a file panicked");
            Err(Error::Internal)
        })
    }

    async fn complete(mut self) -> Result<StoredFile> {
        if self.is_empty() {
            return Err(Error::Validation(FieldErrors::one(
                Field::Upload,
                "must not be empty",
            )));
        }
        self.place.mark_complete();
        if self.writing.is_none() {
            self.begin_writing().await?;
        }
        let (writer, guess) = self.writing.take().ok_or(Error::Internal)?;
        if let Err(error) = writer.finish().await {
            // It may still be written: the sweep comes when that is long over.
            self.is_settled = true;
            return Err(error);
        }
        let text = self.text.is_text();
        let mut file = StoredFile {
            id: self.id,
            owner: self.auth.actor.user,
            name: self.name.clone(),
            size: self.size,
            mime: guess
                .mime
                .unwrap_or_else(|| sniff::decide_type(&self.head, text))
                .to_owned(),
            dimensions: None,
            duration: None,
            thumbnail: None,
            digest: hex(&std::mem::take(&mut self.digest).finalize()),
            created_at: self.services.clock.now(),
        };
        match guess.kind {
            Kind::Picture(source, at) => self.prepare(&mut file, source, at).await?,
            Kind::Sound => self.measure_sound(&mut file, guess).await,
            Kind::ForeignPicture | Kind::Other => {}
        }
        let quota = self.services.settings.files.upload_quota;
        // One after the other, so that two do not use the same free space.
        let _turn = self.services.upload_slots.total_quota.lock().await;
        self.services.require_total_quota(file.size).await?;
        // Preparing may have taken long.
        self.services.recheck_token(&self.auth).await?;
        let check_at = file.created_at.plus(UNSENT_FILE_RETENTION);
        match self
            .services
            .store
            .complete_file(&file, quota, check_at)
            .await?
        {
            Completion::Done => {}
            Completion::NoRoom => return Err(Error::QuotaExceeded { quota }),
            Completion::Gone => return Err(Error::Unavailable),
        }
        self.is_settled = true;
        metrics::counter!("wardline_uploads_total").increment(1);
        metrics::counter!("wardline_upload_bytes_total").increment(self.size);
        Ok(file)
    }

    /// Converts the upload into a picture that may be shown. Only here is a whole file in memory,
    /// one at a time.
    async fn prepare(&self, file: &mut StoredFile, source: Source, at: usize) -> Result<()> {
        let services = &self.services;
        let turn = Arc::clone(&services.upload_slots.pictures)
            .acquire_owned()
            .await;
        let turn = turn.map_err(|_| Error::Unavailable)?;
        let blobs = services.store.blobs();
        let raw = BlobKey(self.id, ByteRange::Raw);
        let room = usize::try_from(self.size).map_err(|_| Error::Internal)?;
        let gather = blobs.stream(raw, 0..self.size);
        let gathered =
            gather.try_fold(BytesMut::with_capacity(room), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            });
        let gathered = gathered.await?.freeze().slice(at..);
        // The permit moves into the work, which cannot be aborted.
        let work = tokio::task::spawn_blocking(move || {
            let prepared = picture::prepare(source, gathered);
            let digest = prepared
                .as_ref()
                .map(|picture| hex(&Sha256::digest(&picture.bytes)))
                .unwrap_or_default();
            drop(turn);
            prepared.map(|picture| (picture, digest))
        });
        let (picture, digest) = work
            .await
            .map_err(|_| Error::FileRejected("the picture is damaged"))??;
        file.size = picture.bytes.len() as u64;
        file.digest = digest;
        file.dimensions = Some(picture.dimensions);
        if picture.is_converted {
            "image/jpeg".clone_into(&mut file.mime);
            file.name = jpeg_name(&file.name);
        }
        if let Some((thumbnail, mime)) = picture.thumbnail {
            file.thumbnail = Some(Thumbnail {
                mime: mime.to_owned(),
                size: thumbnail.len() as u64,
            });
            blobs
                .put(BlobKey(self.id, ByteRange::Thumbnail), thumbnail)
                .await?;
        }
        blobs
            .put(BlobKey(self.id, ByteRange::Body), picture.bytes)
            .await?;
        blobs.remove(raw).await
    }

    /// Measures how long it plays; an unknown length is left out.
    async fn measure_sound(&self, file: &mut StoredFile, guess: TypeGuess) {
        let services = &self.services;
        let Some(mime) = guess.mime else { return };
        let Ok(turn) = Arc::clone(&services.upload_slots.sounds)
            .acquire_owned()
            .await
        else {
            return;
        };
        let (blobs, key) = (
            services.store.blobs().clone(),
            BlobKey(self.id, ByteRange::Body),
        );
        let deadline = Instant::now() + SOUND_CHECK_TIMEOUT;
        let (size, runtime) = (self.size, tokio::runtime::Handle::current());
        let open = move || StoredBytes::open(blobs.clone(), key, size, runtime.clone(), deadline);
        let work = tokio::task::spawn_blocking(move || {
            let found_sound = sound::measure_sound(open, mime, deadline);
            drop(turn);
            found_sound
        });
        if let Ok(Some(found_sound)) = work.await {
            file.duration = found_sound.seconds;
            sniff::type_by_content(mime, found_sound.has_pictures).clone_into(&mut file.mime);
        }
    }
}

/// Returns the name of a picture that was converted to JPEG.
fn jpeg_name(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = if stem.is_empty() { name } else { stem };
    clean_name(&format!("{stem}.jpg")).unwrap_or_else(|| "picture.jpg".to_owned())
}

fn require_size(guess: TypeGuess, size: u64) -> Result<()> {
    let is_picture = matches!(guess.kind, Kind::Picture(..));
    if is_picture && size > MAX_PICTURE_BYTES {
        Err(Error::FileTooLarge {
            limit: MAX_PICTURE_BYTES,
        })
    } else {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let (services, id, writing) = (Arc::clone(&self.services), self.id, self.writing.take());
        // Without a runtime the process is ending; then the sweep of the next one finds it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // A blob that may still be written is left to the sweep, which comes when that is
                // long over.
                if let Some((writer, _)) = writing
                    && !writer.discard().await
                {
                    return;
                }
                let given_up = async {
                    match services.store.abandon_file(id).await? {
                        Some(doomed) => services.remove_file(&doomed).await,
                        None => Ok(()),
                    }
                };
                if let Err(error) = given_up.await {
                    tracing::debug!(file = %id, %error, "an upload that was given up is left to the sweep");
                }
            });
        }
    }
}
