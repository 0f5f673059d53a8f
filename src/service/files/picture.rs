//! Pictures: their size, their stripped form, and a small version of each. All of it is computation
//! and belongs off the async threads.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader,
    Limits, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
    metadata::Orientation,
};
use jpeg_decoder::{CodingProcess, PixelFormat};

use super::strip::{self, strip};
use crate::domain::{Error, Result, file::Dimensions};

/// The most pixels of a picture that can only be decoded whole.
pub const MAX_PIXELS: u64 = 64_000_000;
/// The most pixels of a JPEG that gets a small version: it can be decoded at an eighth of its size.
const MAX_JPEG_PIXELS: u64 = 200_000_000;
/// The most pixels of a JPEG that is decoded whole, which supports more kinds of colours.
const MAX_WHOLE_JPEG_PIXELS: u64 = 50_000_000;
/// The most pixels of a HEIC picture: its planes and its red, green and blue are in memory together.
const MAX_HEIC_PIXELS: u64 = 50_000_000;
/// No camera stores more pixels in a byte: a JPEG's block of 64 takes at least two bits for each
/// colour.
const MAX_PIXELS_PER_BYTE: u64 = 400;
/// The most pixels of a picture that is turned: the old and the new one are in memory together.
const MAX_ROTATED_PIXELS: u64 = MAX_PIXELS / 2;
/// The most bytes of memory for decoding: that many pixels, four bytes each, and a reserve.
const MAX_DECODER_BYTES: u64 = 256 << 20;
/// The longer side of a small version, pixels.
const THUMBNAIL_SIDE_PIXELS: u32 = 320;
const THUMBNAIL_QUALITY: u8 = 80;
/// The quality of converted pictures, as cameras have it.
const CONVERTED_QUALITY: u8 = 90;
/// A larger colour profile is not copied into a small version.
const MAX_COLOUR_PROFILE_BYTES: usize = 16 << 10;

/// The kind of a picture's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Kept as it is, without its metadata.
    Kept(ImageFormat),
    /// HEIC, as Apple's telephones take it. Only Apple's browsers show it, so it becomes a JPEG.
    Heic,
}

/// A picture that may be shown.
pub struct Picture {
    /// The file without metadata.
    pub bytes: Bytes,
    /// The size as it is shown, upright.
    pub dimensions: Dimensions,
    /// Whether it was converted from another kind.
    pub is_converted: bool,
    /// With its MIME type; `None` if it cannot be made within bounds, or if only browsers accept
    /// the picture.
    pub thumbnail: Option<(Bytes, &'static str)>,
}

fn damaged_error<E>(_: E) -> Error {
    Error::FileRejected("the picture is damaged")
}

/// Prepares a picture to be shown.
///
/// # Errors
/// `FileRejected` when it is damaged; `PictureTooLarge` when it has more pixels than its kind may
/// have; `HeicUnsupported`.
pub fn prepare(source: Source, raw: Bytes) -> Result<Picture> {
    match source {
        Source::Kept(format) => strip_metadata(format, raw),
        Source::Heic => convert(&raw),
    }
}

fn strip_metadata(format: ImageFormat, raw: Bytes) -> Result<Picture> {
    let orientation = match format {
        ImageFormat::Jpeg => decoder(format, &raw)?
            .orientation()
            .map_err(damaged_error)?,
        ImageFormat::Png => strip::png_orientation(&raw),
        ImageFormat::WebP => strip::webp_orientation(&raw),
        // Browsers ignore the orientation of these; so does the small version.
        _ => Orientation::NoTransforms,
    };
    // The stripped file is checked, since it is what is shown.
    let bytes = strip(format, raw, orientation).ok_or_else(|| damaged_error(()))?;
    let (width, height) = match format {
        ImageFormat::Gif => strip::gif_size(&bytes).ok_or_else(|| damaged_error(()))?,
        ImageFormat::Png => strip::png_size(&bytes).ok_or_else(|| damaged_error(()))?,
        _ => decoder(format, &bytes)?.dimensions(),
    };
    let pixels = u64::from(width) * u64::from(height);
    if format == ImageFormat::Jpeg {
        if pixels / MAX_PIXELS_PER_BYTE > bytes.len() as u64 {
            return Err(damaged_error(()));
        }
    } else if pixels > MAX_PIXELS {
        return Err(Error::PictureTooLarge { limit: MAX_PIXELS });
    }
    // Browsers do not turn these either, but telephones rely on it.
    let orientation = match format {
        ImageFormat::WebP
            if orientation != Orientation::NoTransforms && pixels <= MAX_ROTATED_PIXELS =>
        {
            return turn_upright(&bytes, orientation);
        }
        ImageFormat::WebP => Orientation::NoTransforms,
        _ => orientation,
    };
    let thumbnail = match (format, pixels) {
        (ImageFormat::Jpeg, MAX_WHOLE_JPEG_PIXELS..) => scaled_jpeg(&bytes, pixels, orientation)?,
        _ => decode_thumbnail(format, &bytes, orientation)?,
    };
    let (width, height) = if is_rotated(orientation) {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Picture {
        bytes,
        dimensions: Dimensions { width, height },
        is_converted: false,
        thumbnail,
    })
}

fn decoder(format: ImageFormat, bytes: &Bytes) -> Result<impl ImageDecoder> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes.clone()), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    reader.into_decoder().map_err(damaged_error)
}

/// Makes a small version by decoding the whole picture.
fn decode_thumbnail(
    format: ImageFormat,
    bytes: &Bytes,
    orientation: Orientation,
) -> Result<Option<(Bytes, &'static str)>> {
    let mut decoder = decoder(format, bytes)?;
    let profile = decoder.icc_profile().ok().flatten();
    // A profile for inks does not fit the small version's red, green and blue.
    let profile =
        profile.filter(|p| p.len() <= MAX_COLOUR_PROFILE_BYTES && p.get(16..20) == Some(b"RGB "));
    match DynamicImage::from_decoder(decoder) {
        Ok(pixels) => make_thumbnail(pixels, orientation, profile).map(Some),
        // Sixteen bits a colour may exceed the memory limit; browsers have more.
        Err(ImageError::Limits(_)) => Ok(None),
        // Its blocks were checked. Browsers show frames beyond the screen or without colours in
        // their own way.
        Err(_) if format == ImageFormat::Gif => Ok(None),
        Err(error) => Err(damaged_error(error)),
    }
}

/// Makes a small version of a large JPEG, decoded at a half to an eighth of its size. Returns none
/// where even that takes too much memory.
fn scaled_jpeg(
    bytes: &Bytes,
    pixels: u64,
    orientation: Orientation,
) -> Result<Option<(Bytes, &'static str)>> {
    if pixels > MAX_JPEG_PIXELS {
        return Ok(None);
    }
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(bytes.clone()));
    decoder.set_max_decoding_buffer_size(usize::try_from(MAX_DECODER_BYTES).unwrap_or(usize::MAX));
    let side = u16::try_from(THUMBNAIL_SIDE_PIXELS * 2).map_err(damaged_error)?;
    let (width, height) = decoder.scale(side, side).map_err(damaged_error)?;
    let info = decoder.info().ok_or_else(|| damaged_error(()))?;
    // A progressive one keeps two bytes for each colour of each pixel until its last scan.
    if info.coding_process != CodingProcess::DctSequential && pixels * 6 > MAX_DECODER_BYTES {
        return Ok(None);
    }
    let samples = match info.pixel_format {
        PixelFormat::L8 | PixelFormat::RGB24 => decoder.decode().map_err(damaged_error)?,
        PixelFormat::L16 | PixelFormat::CMYK32 => return Ok(None),
    };
    let (width, height) = (u32::from(width), u32::from(height));
    let pixels = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, samples).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, samples).map(DynamicImage::from),
    };
    let profile = decoder
        .icc_profile()
        .filter(|p| p.len() <= MAX_COLOUR_PROFILE_BYTES && p.get(16..20) == Some(b"RGB "));
    make_thumbnail(
        pixels.ok_or_else(|| damaged_error(()))?,
        orientation,
        profile,
    )
    .map(Some)
}

/// Converts a HEIC picture to an upright JPEG without metadata.
fn convert(raw: &Bytes) -> Result<Picture> {
    let options = heic_rs::DecodeOptions {
        max_pixels: Some(MAX_HEIC_PIXELS),
        ..heic_rs::DecodeOptions::default()
    };
    let picture = heic_rs::decode(raw, &options).map_err(|error| match error {
        heic_rs::Error::PixelLimit { .. } => Error::PictureTooLarge {
            limit: MAX_HEIC_PIXELS,
        },
        heic_rs::Error::Unsupported(_) => Error::HeicUnsupported,
        other => damaged_error(other),
    })?;
    let (width, height) = (picture.width, picture.height);
    let pixels =
        RgbImage::from_raw(width, height, picture.data).ok_or_else(|| damaged_error(()))?;
    let profile = heic_profile(raw);
    let bytes = encode_jpeg(&pixels, CONVERTED_QUALITY, profile.clone())?;
    let thumbnail = make_thumbnail(
        pixels.into(),
        Orientation::NoTransforms,
        profile.filter(|p| p.len() <= MAX_COLOUR_PROFILE_BYTES),
    )?;
    Ok(Picture {
        bytes,
        dimensions: Dimensions { width, height },
        is_converted: true,
        thumbnail: Some(thumbnail),
    })
}

/// Turns the pixels of a stripped WebP upright: as JPEG, or, if it is transparent, as WebP.
fn turn_upright(bytes: &Bytes, orientation: Orientation) -> Result<Picture> {
    let mut decoder = decoder(ImageFormat::WebP, bytes)?;
    let profile = decoder
        .icc_profile()
        .ok()
        .flatten()
        .filter(|p| p.get(16..20) == Some(b"RGB "));
    let mut pixels = DynamicImage::from_decoder(decoder).map_err(damaged_error)?;
    pixels.apply_orientation(orientation);
    let dimensions = Dimensions {
        width: pixels.width(),
        height: pixels.height(),
    };
    let is_converted = !has_transparency(&pixels);
    let bytes = if is_converted {
        let opaque = pixels.into_rgb8();
        let bytes = encode_jpeg(&opaque, CONVERTED_QUALITY, profile.clone())?;
        pixels = opaque.into();
        bytes
    } else {
        let mut bytes = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut bytes);
        if let Some(profile) = profile.clone() {
            let _ = encoder.set_icc_profile(profile);
        }
        pixels.write_with_encoder(encoder).map_err(encoding_error)?;
        bytes.into()
    };
    let profile = profile.filter(|p| p.len() <= MAX_COLOUR_PROFILE_BYTES);
    let thumbnail = Some(make_thumbnail(pixels, Orientation::NoTransforms, profile)?);
    Ok(Picture {
        bytes,
        dimensions,
        is_converted,
        thumbnail,
    })
}

fn has_transparency(pixels: &DynamicImage) -> bool {
    pixels.color().has_alpha() && pixels.to_rgba8().pixels().any(|pixel| pixel.0[3] < 255)
}

/// Returns the colour profile of a HEIC picture.
fn heic_profile(raw: &Bytes) -> Option<Vec<u8>> {
    let context = heic_rs::context::Context::open(raw).ok()?;
    let properties = context.props(heic_rs::probe(raw).ok()?.primary_item).ok()?;
    let profile = context.icc(&properties)?;
    (profile.get(16..20) == Some(b"RGB ")).then(|| profile.to_vec())
}

fn is_rotated(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Returns an upright picture of at most [`THUMBNAIL_SIDE_PIXELS`] on each side: as JPEG, or, if it
/// is transparent, as PNG.
fn make_thumbnail(
    pixels: DynamicImage,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
) -> Result<(Bytes, &'static str)> {
    let mut thumbnail = if pixels.width().max(pixels.height()) > THUMBNAIL_SIDE_PIXELS {
        pixels.thumbnail(THUMBNAIL_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS)
    } else {
        pixels
    };
    thumbnail.apply_orientation(orientation);
    if has_transparency(&thumbnail) {
        let mut bytes = Vec::new();
        let mut encoder = PngEncoder::new(&mut bytes);
        if let Some(profile) = profile {
            let _ = encoder.set_icc_profile(profile);
        }
        DynamicImage::from(thumbnail.to_rgba8())
            .write_with_encoder(encoder)
            .map_err(encoding_error)?;
        return Ok((bytes.into(), "image/png"));
    }
    Ok((
        encode_jpeg(&thumbnail.to_rgb8(), THUMBNAIL_QUALITY, profile)?,
        "image/jpeg",
    ))
}

fn encode_jpeg(pixels: &RgbImage, quality: u8, profile: Option<Vec<u8>>) -> Result<Bytes> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    if let Some(profile) = profile {
        let _ = encoder.set_icc_profile(profile);
    }
    pixels.write_with_encoder(encoder).map_err(encoding_error)?;
    Ok(bytes.into())
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn encoding_error(error: ImageError) -> Error {
    tracing::error!(%error, "a picture could not be written");
    Error::Internal
}
