//! Pictures: how large they are, what remains of them, and a small version of each. All of it computes;
//! it belongs off the async threads.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    metadata::Orientation,
};

use super::strip::strip;
use crate::domain::{Error, Result, file::Dimensions};

/// The most pixels a picture may have: what a phone takes, not what a bomb unfolds to.
pub const MAX_PIXELS: u64 = 50_000_000;
/// The most bytes of memory that unpacking may take: as many pixels, four bytes each, and room.
const MAX_MEMORY: u64 = 256 << 20;
/// The longer side of a small version, pixels.
const SMALL: u32 = 320;
const QUALITY: u8 = 80;
/// A larger colour profile is not put into a small version.
const MAX_PROFILE: usize = 16 << 10;

/// A picture that may be shown.
pub struct Picture {
    /// The file without particulars.
    pub bytes: Bytes,
    /// As it is to be shown, turned upright.
    pub dimensions: Dimensions,
    pub small: Bytes,
    pub small_mime: &'static str,
}

fn damaged<E>(_: E) -> Error {
    Error::FileRejected("the picture is damaged")
}

/// Makes a picture fit to be shown.
///
/// # Errors
/// `FileRejected` when it is damaged, or has more than [`MAX_PIXELS`].
pub fn prepare(format: ImageFormat, raw: Bytes) -> Result<Picture> {
    let (orientation, size) = {
        let mut decoder = decoder(format, &raw)?;
        (decoder.orientation().map_err(damaged)?, decoder.dimensions())
    };
    let bytes = strip(format, raw, orientation).ok_or_else(|| damaged(()))?;
    // What is shown is what was checked: the stripped file.
    let mut decoder = decoder(format, &bytes)?;
    if decoder.dimensions() != size {
        return Err(damaged(()));
    }
    let profile = decoder.icc_profile().ok().flatten();
    // A profile for inks does not fit the small version's red, green and blue.
    let profile = profile.filter(|p| p.len() <= MAX_PROFILE && p.get(16..20) == Some(b"RGB "));
    let pixels = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let mut small = if size.0.max(size.1) > SMALL { pixels.thumbnail(SMALL, SMALL) } else { pixels };
    small.apply_orientation(orientation);
    let (small, small_mime) = encode(&small, profile)?;
    let (width, height) = if turns(orientation) { (size.1, size.0) } else { size };
    Ok(Picture { bytes, dimensions: Dimensions { width, height }, small, small_mime })
}

fn decoder(format: ImageFormat, bytes: &Bytes) -> Result<impl ImageDecoder> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes.clone()), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::FileRejected("the picture has more than 50 million pixels"));
    }
    Ok(decoder)
}

fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// As JPEG, or, where something shines through, as PNG.
fn encode(small: &DynamicImage, profile: Option<Vec<u8>>) -> Result<(Bytes, &'static str)> {
    let failed = |error: image::ImageError| {
        tracing::error!(%error, "a small picture could not be written");
        Error::Internal
    };
    let mut bytes = Vec::new();
    let shines = small.color().has_alpha() && small.to_rgba8().pixels().any(|pixel| pixel.0[3] < 255);
    if shines {
        let mut encoder = PngEncoder::new(&mut bytes);
        if let Some(profile) = profile {
            let _ = encoder.set_icc_profile(profile);
        }
        DynamicImage::from(small.to_rgba8()).write_with_encoder(encoder).map_err(failed)?;
        return Ok((bytes.into(), "image/png"));
    }
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    if let Some(profile) = profile {
        let _ = encoder.set_icc_profile(profile);
    }
    DynamicImage::from(small.to_rgb8()).write_with_encoder(encoder).map_err(failed)?;
    Ok((bytes.into(), "image/jpeg"))
}
