//! Stripping of pictures: removes the place, time and device, thumbnails of cropped parts,
//! comments, and anything after the end. The pixels stay bit for bit. Colour profiles stay. The
//! orientation stays, since without it pictures lie on their side.

use std::io::Read;

use bytes::Bytes;
use image::{ImageFormat, metadata::Orientation};
use img_parts::{
    ImageEXIF,
    jpeg::{Jpeg, JpegSegment, markers},
    png::PngChunk,
    riff::{RiffChunk, RiffContent},
    webp::{self, WebP},
};

use super::picture::MAX_PIXELS;

/// Returns the picture alone; `None` when it is damaged.
#[must_use]
pub fn strip(format: ImageFormat, picture: Bytes, orientation: Orientation) -> Option<Bytes> {
    let exif = (orientation != Orientation::NoTransforms).then(|| minimal_exif(orientation));
    match format {
        ImageFormat::Jpeg => strip_jpeg(picture, exif),
        ImageFormat::Png => strip_png(&picture, exif.as_ref()),
        ImageFormat::WebP => strip_webp(picture),
        ImageFormat::Gif => strip_gif(&picture).map(Bytes::from),
        _ => None,
    }
}

/// Returns an EXIF block (a TIFF directory) with the orientation only.
fn minimal_exif(orientation: Orientation) -> Bytes {
    // Little endian; one entry: tag 0x0112, one SHORT; no further directory.
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    block.into()
}

fn strip_jpeg(picture: Bytes, exif: Option<Bytes>) -> Option<Bytes> {
    let mut jpeg = Jpeg::from_bytes(picture).ok()?;
    let belongs = |segment: &JpegSegment| match segment.marker() {
        markers::APP0 => segment.contents().starts_with(b"JFIF\0"),
        markers::APP2 => segment.contents().starts_with(b"ICC_PROFILE\0"),
        // The conversion of the colours to those of the file.
        markers::APP14 => segment.contents().starts_with(b"Adobe"),
        marker => !is_system(marker),
    };
    jpeg.segments_mut().retain(belongs);
    let scan = jpeg.segments_mut().pop()?;
    // The bytes after the segment's own: the rest of the file.
    let scans = scan.clone().encoder().bytes().slice(scan.len()..);
    let scans = strip_scans(&scans)?;
    jpeg.segments_mut().push(JpegSegment::new_with_entropy(
        scan.marker(),
        scan.contents().clone(),
        scans.into(),
    ));
    jpeg.set_exif(exif);
    Some(jpeg.encoder().bytes())
}

/// Returns whether a marker is application data or a comment.
fn is_system(marker: u8) -> bool {
    matches!(marker, 0xe0..=0xef | 0xfe)
}

/// Returns the scans of a JPEG up to its end. Metadata between them and everything after the end
/// (further pictures, films) are removed. A missing end is added.
fn strip_scans(data: &[u8]) -> Option<Vec<u8>> {
    const JPEG_END_MARKER: [u8; 2] = [0xff, 0xd9];
    let mut kept = Vec::with_capacity(data.len());
    let (mut from, mut at) = (0, 0);
    while let Some(offset) = data.get(at..)?.iter().position(|byte| *byte == 0xff) {
        let next = at + offset;
        match data.get(next + 1) {
            None => break,
            // A stuffed byte, a restart, or filling before a marker.
            Some(0 | 0xd0..=0xd7) => at = next + 2,
            Some(0xff) => at = next + 1,
            Some(0xd9) => {
                kept.extend_from_slice(&data[from..next]);
                kept.extend(JPEG_END_MARKER);
                return Some(kept);
            }
            Some(marker) => {
                let length = u16::from_be_bytes(data.get(next + 2..next + 4)?.try_into().ok()?);
                let end = next + 2 + usize::from(length);
                if end > data.len() || length < 2 {
                    return None;
                }
                if is_system(*marker) {
                    kept.extend_from_slice(&data[from..next]);
                    from = end;
                }
                at = end;
            }
        }
    }
    kept.extend_from_slice(&data[from..]);
    kept.extend(JPEG_END_MARKER);
    Some(kept)
}

/// The chunks of a PNG that form the picture: its pixels, colours, transparency and animation.
const KEPT_PNG_CHUNKS: [&[u8; 4]; 16] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT",
    b"pHYs", b"bKGD", b"cICP", b"acTL", b"fcTL", b"fdAT",
];

/// The first bytes of every PNG.
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The most bytes of a PNG's decompressed colour profile: the largest of real devices have a few
/// million.
const MAX_COLOUR_PROFILE_BYTES: u64 = 8 << 20;

/// Returns the chunks of a PNG: kind, contents, and the whole with length and checksum. A truncated
/// chunk ends them.
fn png_chunks(picture: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8], &[u8])> {
    let mut rest = picture.strip_prefix(PNG_SIGNATURE).unwrap_or_default();
    std::iter::from_fn(move || {
        let size = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let kind = rest.get(4..8)?.try_into().ok()?;
        let end = size.checked_add(12)?;
        let whole = rest.get(..end)?;
        rest = &rest[end..];
        Some((kind, &whole[8..8 + size], whole))
    })
}

/// Returns the orientation of a PNG; browsers look for it only before the pixels.
#[must_use]
pub fn png_orientation(picture: &[u8]) -> Orientation {
    let mut before_pixels = png_chunks(picture).take_while(|(kind, ..)| kind != b"IDAT");
    let exif = before_pixels.find(|(kind, ..)| kind == b"eXIf");
    exif.and_then(|(_, exif, _)| Orientation::from_exif_chunk(exif))
        .unwrap_or(Orientation::NoTransforms)
}

/// Returns the orientation of a WebP; that of an animated one is ignored.
#[must_use]
pub fn webp_orientation(picture: &Bytes) -> Orientation {
    let Ok(file) = WebP::from_bytes(picture.clone()) else {
        return Orientation::NoTransforms;
    };
    if file.has_chunk(webp::CHUNK_ANMF) {
        return Orientation::NoTransforms;
    }
    // Some programs write it as in a JPEG.
    let exif = file.exif().map(|exif| {
        exif.strip_prefix(b"Exif\0\0")
            .map_or_else(|| exif.clone(), |e| exif.slice_ref(e))
    });
    exif.and_then(|exif| Orientation::from_exif_chunk(&exif))
        .unwrap_or(Orientation::NoTransforms)
}

/// Returns the size in a PNG's head, which decoders trust.
#[must_use]
pub fn png_size(picture: &[u8]) -> Option<(u32, u32)> {
    let (_, head, _) = png_chunks(picture)
        .next()
        .filter(|(kind, ..)| kind == b"IHDR")?;
    let side = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    Some((side(0)?, side(4)?))
}

/// Returns whether a colour profile is real: one that decompresses to more than any is a bomb.
fn is_real_profile(chunk: &[u8]) -> bool {
    // The profile's name, a terminator, and the compression method.
    let Some(name) = chunk.iter().position(|byte| *byte == 0) else {
        return false;
    };
    let packed = chunk.get(name + 2..).unwrap_or_default();
    let mut unfolding = flate2::read::ZlibDecoder::new(packed).take(MAX_COLOUR_PROFILE_BYTES + 1);
    // A program that shows the picture ignores a broken profile.
    let _ = std::io::copy(&mut unfolding, &mut std::io::sink());
    unfolding.limit() > 0
}

fn strip_png(picture: &[u8], exif: Option<&Bytes>) -> Option<Bytes> {
    let mut kept = PNG_SIGNATURE.to_vec();
    for (kind, contents, whole) in png_chunks(picture) {
        if kind == *b"IEND" {
            break;
        }
        if kind == *b"iCCP" && !is_real_profile(contents) {
            return None;
        }
        if KEPT_PNG_CHUNKS.contains(&&kind) {
            kept.extend_from_slice(whole);
        }
        if kind == *b"IHDR"
            && let Some(exif) = exif
        {
            kept.extend_from_slice(&PngChunk::new(*b"eXIf", exif.clone()).encoder().bytes());
        }
    }
    // Some programs omit the end, and browsers accept that.
    kept.extend_from_slice(&PngChunk::new(*b"IEND", Bytes::new()).encoder().bytes());
    Some(kept.into())
}

fn strip_webp(picture: Bytes) -> Option<Bytes> {
    /// The bits of VP8X for EXIF and XMP.
    const EXIF_FLAG: u8 = 0b1000;
    const XMP_FLAG: u8 = 0b0100;
    let mut file = WebP::from_bytes(picture).ok()?;
    let belongs = |chunk: &RiffChunk| {
        matches!(
            chunk.id(),
            webp::CHUNK_VP8
                | webp::CHUNK_VP8L
                | webp::CHUNK_VP8X
                | webp::CHUNK_ALPH
                | webp::CHUNK_ANIM
                | webp::CHUNK_ANMF
                | webp::CHUNK_ICCP
        )
    };
    file.chunks_mut().retain(belongs);
    let header = file
        .chunks_mut()
        .iter_mut()
        .find(|chunk| chunk.id() == webp::CHUNK_VP8X);
    if let Some(RiffContent::Data(flags)) = header.map(RiffChunk::content_mut) {
        let mut bytes = flags.to_vec();
        *bytes.first_mut()? &= !(EXIF_FLAG | XMP_FLAG);
        *flags = bytes.into();
    }
    Some(file.encoder().bytes())
}

/// Returns the size of a GIF's screen, or of its first frame where it has none.
#[must_use]
pub fn gif_size(data: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| {
        Some(u32::from(u16::from_le_bytes(
            data.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let screen = (side(6)?, side(8)?);
    if screen.0 > 0 && screen.1 > 0 {
        return Some(screen);
    }
    let table = if data.get(10)? & 0x80 == 0 {
        0
    } else {
        3 << ((data.get(10)? & 7) + 1)
    };
    let mut at = 13 + table;
    while *data.get(at)? == 0x21 {
        at += 2;
        while *data.get(at)? != 0 {
            at += 1 + usize::from(*data.get(at)?);
        }
        at += 1;
    }
    (*data.get(at)? == 0x2c).then_some(())?;
    Some((side(at + 5)?, side(at + 7)?)).filter(|(width, height)| *width > 0 && *height > 0)
}

/// Strips a GIF block by block; of its extensions, those that show and repeat the frames stay.
fn strip_gif(data: &[u8]) -> Option<Vec<u8>> {
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3 << ((flags & 7) + 1)
        }
    };
    let mut at = 13 + table(*data.get(10)?);
    let mut kept = data.get(..at)?.to_vec();
    loop {
        let start = at;
        let keeps = match *data.get(at)? {
            // A frame: its position, its colours, its pixels.
            0x2c => {
                let place = |from: usize| {
                    let side = data.get(at + from..at + from + 2)?;
                    Some(u64::from(u16::from_le_bytes(side.try_into().ok()?)))
                };
                if (place(1)? + place(5)?) * (place(3)? + place(7)?) > MAX_PIXELS {
                    return None;
                }
                at += 10 + table(*data.get(at + 9)?) + 1;
                true
            }
            0x21 => {
                let label = *data.get(at + 1)?;
                at += 2;
                let loops = matches!(
                    data.get(at + 1..at + 12),
                    Some(b"NETSCAPE2.0" | b"ANIMEXTS1.0")
                );
                label == 0xf9 || (label == 0xff && loops)
            }
            0x3b => {
                kept.push(0x3b);
                return Some(kept);
            }
            _ => return None,
        };
        // The frame's data, in sub-blocks up to an empty one.
        loop {
            let size = usize::from(*data.get(at)?);
            at += 1 + size;
            if size == 0 {
                break;
            }
        }
        if keeps {
            kept.extend_from_slice(data.get(start..at)?);
        }
    }
}

#[cfg(test)]
#[path = "strip_tests.rs"]
mod tests;
