//! The length of recordings that the library for the common containers cannot measure, read by
//! hand. These are films in HEVC, `QuickTime` without `ftyp`, telephone speech (AMR) alone or in
//! 3GP, and Windows Media. Others are WAV with old codecs, AC-3, and Apple's recorder (CAF) with
//! any codec. Only heads and lengths are read; an unexpected value ends the search.

use std::io::{Read, Seek, SeekFrom};

use super::{sound::SoundInfo, sound_frames::ac3_frame};

/// The most boxes, chunks or objects that are read.
const MAX_CONTAINER_PARTS: usize = 4_096;
/// The most frames of telephone speech: twelve hours, 20 ms each.
const MAX_SPEECH_FRAMES: u64 = 2_200_000;

/// Returns what can be measured by hand of a file of this type.
pub(super) fn measure_container(mut file: impl Read + Seek, mime: &str) -> Option<SoundInfo> {
    match mime {
        "audio/mp4" | "video/mp4" | "video/quicktime" | "video/3gpp" | "video/3gpp2"
        | "video/x-m4v" => measure_movie(&mut file),
        "audio/wav" => measure_wav(&mut file),
        "audio/flac" => measure_flac(&mut file),
        "audio/x-caf" => measure_caf(&mut file),
        "audio/ac3" | "audio/eac3" => Some(measure_ac3(&mut file)),
        "audio/amr" => measure_amr(&mut file, &[12, 13, 15, 17, 19, 20, 26, 31, 5]),
        "audio/amr-wb" => measure_amr(&mut file, &[17, 23, 32, 36, 40, 46, 50, 58, 60, 5]),
        "video/x-ms-wmv" => measure_asf(&mut file),
        _ => None,
    }
}

fn bytes_at<const N: usize>(file: &mut (impl Read + Seek), place: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(place)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lengths of recordings are far below 2^52 ticks"
)]
fn seconds(ticks: u64, a_second: u64) -> Option<f64> {
    (ticks > 0 && a_second > 0).then(|| ticks as f64 / a_second as f64)
}

/// A box of the ISO base media format (ISO/IEC 14496-12, 4.2).
struct IsoBox {
    kind: [u8; 4],
    /// The offsets of the beginning and the end of its contents.
    from: u64,
    to: u64,
}

/// Returns the boxes between two offsets.
fn read_boxes(file: &mut (impl Read + Seek), from: u64, to: u64) -> Vec<IsoBox> {
    let mut found = Vec::new();
    let mut at = from;
    while at + 8 <= to && found.len() < MAX_CONTAINER_PARTS {
        let Some(head) = bytes_at::<8>(file, at) else {
            break;
        };
        let kind = [head[4], head[5], head[6], head[7]];
        let (size, head_size) = match big_endian(&head[..4]) {
            0 => (to - at, 8),
            1 => match bytes_at::<8>(file, at + 8) {
                Some(size) => (big_endian(&size), 16),
                None => break,
            },
            size => (size, 8),
        };
        let Some(end) = at.checked_add(size).filter(|_| size >= head_size) else {
            break;
        };
        found.push(IsoBox {
            kind,
            from: at + head_size,
            to: end.min(to),
        });
        at = end;
    }
    found
}

/// Returns the length in a `mvhd` or `mdhd`: its ticks divided by the ticks of a second.
fn header_duration(file: &mut (impl Read + Seek), header: &IsoBox) -> Option<f64> {
    let head = bytes_at::<32>(file, header.from)?;
    let (scale, ticks, unknown) = match head[0] {
        1 => (
            big_endian(&head[20..24]),
            big_endian(&head[24..32]),
            u64::MAX,
        ),
        _ => (
            big_endian(&head[12..16]),
            big_endian(&head[16..20]),
            u64::from(u32::MAX),
        ),
    };
    seconds(ticks, scale).filter(|_| ticks != unknown)
}

fn measure_movie(file: &mut (impl Read + Seek)) -> Option<SoundInfo> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let top = read_boxes(file, 0, end);
    let movie = top.iter().find(|part| &part.kind == b"moov")?;
    let parts = read_boxes(file, movie.from, movie.to);
    let (mut longest, mut has_pictures, mut has_sound) = (None, false, false);
    for part in &parts {
        match &part.kind {
            b"mvhd" => longest = header_duration(file, part).or(longest),
            b"trak" => {
                let track = read_boxes(file, part.from, part.to);
                let Some(media) = track.iter().find(|part| &part.kind == b"mdia") else {
                    continue;
                };
                let media = read_boxes(file, media.from, media.to);
                let handler = media.iter().find(|part| &part.kind == b"hdlr");
                match handler
                    .and_then(|handler| bytes_at::<4>(file, handler.from + 8))
                    .as_ref()
                {
                    Some(b"vide") => has_pictures = true,
                    Some(b"soun") => has_sound = true,
                    _ => continue,
                }
                if longest.is_none() {
                    let header = media.iter().find(|part| &part.kind == b"mdhd");
                    longest = header.and_then(|header| header_duration(file, header));
                }
            }
            _ => {}
        }
    }
    (has_pictures || has_sound).then_some(SoundInfo {
        seconds: longest,
        has_pictures,
    })
}

/// WAV: the declared number of samples of compressed sound, or the bytes of sound by the bytes of a
/// second, whatever the codec.
fn measure_wav(file: &mut (impl Read + Seek)) -> Option<SoundInfo> {
    const UNCOMPRESSED_FORMATS: [u64; 3] = [1, 3, 0xfffe];
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let (mut at, mut rate, mut told) = (12, 0, None);
    let mut packed = None;
    for _ in 0..MAX_CONTAINER_PARTS {
        let head = bytes_at::<8>(file, at)?;
        let size = little_endian(&head[4..]);
        match &head[..4] {
            b"fmt " => {
                let format = bytes_at::<12>(file, at + 8)?;
                rate = little_endian(&format[8..]);
                packed = Some(little_endian(&format[4..8]))
                    .filter(|_| !UNCOMPRESSED_FORMATS.contains(&little_endian(&format[..2])));
            }
            b"fact" => {
                told = seconds(
                    little_endian(&bytes_at::<4>(file, at + 8)?),
                    packed.unwrap_or(0),
                );
            }
            b"data" => {
                let by_bytes = seconds(size.min(end.saturating_sub(at + 8)), rate);
                return Some(SoundInfo {
                    seconds: told.or(by_bytes),
                    has_pictures: false,
                });
            }
            _ => {}
        }
        at = at.checked_add(8 + size + size % 2)?;
    }
    None
}

/// FLAC (RFC 9639, 8.2): the front declares the number of samples and their rate.
fn measure_flac(file: &mut (impl Read + Seek)) -> Option<SoundInfo> {
    let head = bytes_at::<26>(file, 0).filter(|head| head.starts_with(b"fLaC"))?;
    let packed = big_endian(&head[18..26]);
    let (rate, samples) = (packed >> 44, packed & 0xf_ffff_ffff);
    Some(SoundInfo {
        seconds: seconds(samples, rate),
        has_pictures: false,
    })
}

/// AMR (RFC 4867, 5): frames of 20 ms, each with a byte for its kind; `sizes` are the bytes of each
/// kind.
fn measure_amr(file: &mut (impl Read + Seek), sizes: &[u8]) -> Option<SoundInfo> {
    let start = if sizes[0] == 17 { 9 } else { 6 };
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut file = std::io::BufReader::new(file);
    let mut frames = 0;
    while frames < MAX_SPEECH_FRAMES {
        let mut head = [0];
        if file.read_exact(&mut head).is_err() {
            break;
        }
        let size = sizes
            .get(usize::from(head[0] >> 3 & 15))
            .copied()
            .unwrap_or(0);
        let mut speech = [0; 64];
        if file.read_exact(&mut speech[..usize::from(size)]).is_err() {
            break;
        }
        frames += 1;
    }
    Some(SoundInfo {
        seconds: seconds(frames, 50),
        has_pictures: false,
    })
}

/// CAF ("Apple Core Audio Format specification 1.0"): the frames that its table of packets counts,
/// or else those computed from its bytes of sound.
fn measure_caf(file: &mut (impl Read + Seek)) -> Option<SoundInfo> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let (mut at, mut description, mut counted, mut sound) = (8, None, 0, 0);
    for _ in 0..MAX_CONTAINER_PARTS {
        let Some(head) = bytes_at::<12>(file, at) else {
            break;
        };
        let (size, begin) = (big_endian(&head[4..]), at + 12);
        match &head[..4] {
            b"desc" => description = bytes_at::<24>(file, begin),
            b"pakt" => {
                counted = bytes_at::<16>(file, begin).map_or(0, |table| big_endian(&table[8..]));
            }
            // A count of edits precedes the sound, whose end may not be known.
            b"data" => sound = size.min(end.saturating_sub(begin)).saturating_sub(4),
            _ => {}
        }
        let Some(next) = begin.checked_add(size) else {
            break;
        };
        at = next;
    }
    let description = description?;
    let (packet, frames) = (
        big_endian(&description[16..20]),
        big_endian(&description[20..]),
    );
    let counted = if counted > 0 {
        counted
    } else {
        sound.checked_div(packet).unwrap_or(0).checked_mul(frames)?
    };
    let rate = f64::from_be_bytes(description[..8].try_into().ok()?);
    let rate = if (1.0..1e7).contains(&rate) {
        rate
    } else {
        return None;
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "lengths of recordings are far below 2^52 frames"
    )]
    let seconds = (counted > 0).then(|| counted as f64 / rate);
    Some(SoundInfo {
        seconds,
        has_pictures: false,
    })
}

/// AC-3 without a container, frame by frame.
fn measure_ac3(file: &mut (impl Read + Seek)) -> SoundInfo {
    let (mut at, mut length) = (0, 0.0);
    for _ in 0..MAX_SPEECH_FRAMES {
        let Some(frame) = bytes_at::<6>(file, at)
            .as_ref()
            .and_then(|head| ac3_frame(head))
        else {
            break;
        };
        length += seconds(frame.samples, frame.rate).unwrap_or(0.0);
        at += frame.size as u64;
    }
    SoundInfo {
        seconds: Some(length),
        has_pictures: false,
    }
}

/// ASF, the container of Windows Media ("Advanced Systems Format specification", 3): the play time
/// in the file's properties, less the time for filling buffers.
fn measure_asf(file: &mut (impl Read + Seek)) -> Option<SoundInfo> {
    const FILE_PROPERTIES_GUID: [u8; 16] =
        *b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65";
    const STREAM_PROPERTIES_GUID: [u8; 16] =
        *b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65";
    const VIDEO_MEDIA_GUID: [u8; 16] =
        *b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    let end = little_endian(&bytes_at::<8>(file, 16)?);
    let (mut at, mut length, mut has_pictures) = (30_u64, None, false);
    for _ in 0..MAX_CONTAINER_PARTS {
        if at + 24 > end {
            break;
        }
        let head = bytes_at::<24>(file, at)?;
        if head[..16] == FILE_PROPERTIES_GUID {
            let ticks = little_endian(&bytes_at::<8>(file, at + 64)?);
            let preroll = little_endian(&bytes_at::<8>(file, at + 80)?).saturating_mul(10_000);
            length = seconds(ticks.saturating_sub(preroll), 10_000_000);
        } else if head[..16] == STREAM_PROPERTIES_GUID {
            has_pictures |= bytes_at::<16>(file, at + 24)? == VIDEO_MEDIA_GUID;
        }
        at = at.checked_add(little_endian(&head[16..]).max(24))?;
    }
    Some(SoundInfo {
        seconds: length,
        has_pictures,
    })
}
