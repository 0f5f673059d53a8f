//! Taking out of a picture what is not the picture: where, when and with what it was taken, thumbnails of
//! what was cropped away, comments, whatever hides behind its end. The pixels stay bit for bit; colour
//! profiles stay; the orientation stays, since without it pictures lie on their side.

use bytes::Bytes;
use image::{ImageFormat, metadata::Orientation};
use img_parts::{
    ImageEXIF,
    jpeg::{Jpeg, JpegSegment, markers},
    png::Png,
    riff::{RiffChunk, RiffContent},
    webp::{self, WebP},
};

/// The picture alone; none when it is damaged.
#[must_use]
pub fn strip(format: ImageFormat, picture: Bytes, orientation: Orientation) -> Option<Bytes> {
    let exif = (orientation != Orientation::NoTransforms).then(|| minimal_exif(orientation));
    match format {
        ImageFormat::Jpeg => strip_jpeg(picture, exif),
        ImageFormat::Png => strip_png(picture, exif),
        ImageFormat::WebP => strip_webp(picture, exif),
        ImageFormat::Gif => strip_gif(&picture).map(Bytes::from),
        _ => None,
    }
}

/// An EXIF block (a TIFF directory) that says the orientation and nothing else.
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
        // How the colours were turned into those of the file.
        markers::APP14 => segment.contents().starts_with(b"Adobe"),
        marker => !is_note(marker),
    };
    jpeg.segments_mut().retain(belongs);
    let scan = jpeg.segments_mut().pop()?;
    // What follows the segment's own bytes: the rest of the file.
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

/// Application data and comments.
fn is_note(marker: u8) -> bool {
    matches!(marker, 0xe0..=0xef | 0xfe)
}

/// The scans of a JPEG up to its end, without notes between them and without what comes after the end
/// (further pictures, films). A missing end is put there.
fn strip_scans(data: &[u8]) -> Option<Vec<u8>> {
    const END: [u8; 2] = [0xff, 0xd9];
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
                kept.extend(END);
                return Some(kept);
            }
            Some(marker) => {
                let length = u16::from_be_bytes(data.get(next + 2..next + 4)?.try_into().ok()?);
                let end = next + 2 + usize::from(length);
                if end > data.len() || length < 2 {
                    return None;
                }
                if is_note(*marker) {
                    kept.extend_from_slice(&data[from..next]);
                    from = end;
                }
                at = end;
            }
        }
    }
    kept.extend_from_slice(&data[from..]);
    kept.extend(END);
    Some(kept)
}

/// The chunks of a PNG that make the picture: its pixels, colours, transparency and animation.
const PNG_CHUNKS: [&[u8; 4]; 16] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs",
    b"bKGD", b"cICP", b"acTL", b"fcTL", b"fdAT",
];

fn strip_png(picture: Bytes, exif: Option<Bytes>) -> Option<Bytes> {
    let mut png = Png::from_bytes(picture).ok()?;
    png.chunks_mut().retain(|chunk| PNG_CHUNKS.contains(&&chunk.kind()));
    png.set_exif(exif);
    Some(png.encoder().bytes())
}

fn strip_webp(picture: Bytes, exif: Option<Bytes>) -> Option<Bytes> {
    /// The bits of VP8X that announce EXIF and XMP.
    const EXIF: u8 = 0b1000;
    const XMP: u8 = 0b0100;
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
    // A file that has an orientation has this chunk.
    let header = file.chunks_mut().iter_mut().find(|chunk| chunk.id() == webp::CHUNK_VP8X);
    if let Some(RiffContent::Data(flags)) = header.map(RiffChunk::content_mut) {
        let mut bytes = flags.to_vec();
        let first = bytes.first_mut()?;
        *first &= !(EXIF | XMP);
        if exif.is_some() {
            *first |= EXIF;
        }
        *flags = bytes.into();
        if let Some(exif) = exif {
            file.chunks_mut().push(RiffChunk::new(webp::CHUNK_EXIF, RiffContent::Data(exif)));
        }
    }
    Some(file.encoder().bytes())
}

/// Walks over a GIF's blocks; of its extensions those stay that show and repeat the frames.
fn strip_gif(data: &[u8]) -> Option<Vec<u8>> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(*data.get(10)?);
    let mut kept = data.get(..at)?.to_vec();
    loop {
        let start = at;
        let keeps = match *data.get(at)? {
            // A frame: its place, its colours, its pixels.
            0x2c => {
                at += 10 + table(*data.get(at + 9)?) + 1;
                true
            }
            0x21 => {
                let label = *data.get(at + 1)?;
                at += 2;
                let loops = matches!(data.get(at + 1..at + 12), Some(b"NETSCAPE2.0" | b"ANIMEXTS1.0"));
                label == 0xf9 || (label == 0xff && loops)
            }
            0x3b => {
                kept.push(0x3b);
                return Some(kept);
            }
            _ => return None,
        };
        // What belongs to it, in sub-blocks up to an empty one.
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
