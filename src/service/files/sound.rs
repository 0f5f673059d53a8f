//! The length of a sound, read from its container without decoding. Browsers record `WebM` without
//! a length in its head. Where there is none, the packets are read.

use std::{
    io::{self, Read, Seek, SeekFrom},
    time::Instant,
};

use bytes::{Buf, Bytes};
use symphonia::core::{
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};
use tokio::runtime::Handle;

use super::containers;
use crate::store::blobs::{BlobKey, Blobs};

/// The most packets that are read: twelve hours of speech.
const MAX_PACKETS: usize = 2_200_000;
/// A written length that deviates by more than this part was a guess.
const MAX_LENGTH_DEVIATION: f64 = 0.02;
/// A length of more than a week is an error.
const MAX_SOUND_SECONDS: f64 = 604_800.0;

/// The measured data of a sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundInfo {
    /// `None` when it cannot be found.
    pub seconds: Option<f64>,
    pub has_pictures: bool,
}

/// Measures a file, until `deadline` at most; `open` opens it again from its front. Blocks: it
/// belongs off the async threads.
#[must_use]
pub fn measure_sound<F: MediaSource + 'static>(
    open: impl Fn() -> F,
    mime: &str,
    deadline: Instant,
) -> Option<SoundInfo> {
    let (found_sound, measured) = (
        decode_sound(open(), mime, deadline),
        containers::measure_container(open(), mime),
    );
    let both = || [found_sound, measured].into_iter().flatten();
    both().next()?;
    // The library does not see the pictures of codecs that it does not know.
    let has_pictures = both().any(|found_sound| found_sound.has_pictures);
    // The library computes with a sample size for compressed WAV, which has none.
    let mut found: Vec<f64> = both()
        .filter_map(|found_sound| found_sound.seconds)
        .collect();
    if mime == "audio/wav" {
        found.reverse();
    }
    let seconds = found.into_iter().next();
    let seconds = seconds.filter(|s| s.is_finite() && *s > 0.0 && *s < MAX_SOUND_SECONDS);
    Some(SoundInfo {
        seconds: seconds.map(|s| (s * 1000.0).round() / 1000.0),
        has_pictures,
    })
}

fn decode_sound(
    file: impl MediaSource + 'static,
    mime: &str,
    deadline: Instant,
) -> Option<SoundInfo> {
    let mut hint = Hint::new();
    hint.mime_type(mime);
    let source = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let probe = symphonia::default::get_probe();
    let mut format = probe
        .probe(
            &hint,
            source,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .ok()?;
    let has_pictures = format.first_track(TrackType::Video).is_some();
    let seconds = match declared_duration(&*format) {
        // It may be a guess by the first frame's rate: with a varying rate only the frames decide.
        Some(written) if mime == "audio/mpeg" => {
            let walked = scanned_duration(&mut *format, deadline);
            walked
                .filter(|walked| (walked - written).abs() > MAX_LENGTH_DEVIATION * written)
                .or(Some(written))
        }
        written => written.or_else(|| scanned_duration(&mut *format, deadline)),
    };
    Some(SoundInfo {
        seconds,
        has_pictures,
    })
}

/// Returns the length that the container declares.
fn declared_duration(format: &dyn FormatReader) -> Option<f64> {
    let info = format.media_info();
    let length = info.time_base?.calc_duration(info.duration?)?;
    Some(length.as_secs_f64()).filter(|seconds| *seconds > 0.0)
}

/// Returns the end of the last packet.
fn scanned_duration(format: &mut dyn FormatReader, deadline: Instant) -> Option<f64> {
    let bases: Vec<_> = format
        .tracks()
        .iter()
        .filter_map(|track| Some((track.id, track.time_base?)))
        .collect();
    let mut end: f64 = 0.0;
    for _ in 0..MAX_PACKETS {
        // A truncated file has a length up to its end.
        let Ok(Some(packet)) = format.next_packet() else {
            break;
        };
        if Instant::now() > deadline {
            return None;
        }
        let Some((_, base)) = bases.iter().find(|(id, _)| *id == packet.track_id) else {
            continue;
        };
        if let Some(time) = base.calc_time(packet.pts.saturating_add(packet.dur)) {
            end = end.max(time.as_secs_f64());
        }
    }
    Some(end)
}

/// A stored file as a reader with seeking, piece by piece.
pub struct StoredBytes {
    blobs: Blobs,
    key: BlobKey,
    size: u64,
    runtime: Handle,
    /// From then on every read fails.
    deadline: Instant,
    position: u64,
    /// The piece that was read last, with its offset in the file.
    piece: (u64, Bytes),
}

impl StoredBytes {
    /// Opens the file at its front.
    #[must_use]
    pub fn open(blobs: Blobs, key: BlobKey, size: u64, runtime: Handle, deadline: Instant) -> Self {
        Self {
            blobs,
            key,
            size,
            runtime,
            deadline,
            position: 0,
            piece: (0, Bytes::new()),
        }
    }
}

impl Read for StoredBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let (start, piece) = &self.piece;
        let is_connected = (*start..*start + piece.len() as u64).contains(&self.position);
        if !is_connected {
            if Instant::now() > self.deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let read = self.blobs.read(self.key, self.position..self.size);
            let bytes = self.runtime.block_on(read).map_err(io::Error::other)?;
            self.piece = (self.position, bytes);
        }
        let (start, piece) = &self.piece;
        let offset = usize::try_from(self.position - start).map_err(io::Error::other)?;
        let mut rest = piece.slice(offset..);
        let count = rest.len().min(buffer.len());
        rest.copy_to_slice(&mut buffer[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for StoredBytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for StoredBytes {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.size)
    }
}

#[cfg(test)]
#[path = "sound_tests.rs"]
mod tests;
