//! Pictures with a place planted wherever one can stand: it must be gone, and the picture must not have changed.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, RgbaImage};

use super::*;
use crate::service::files::picture;

const SECRET: &[u8] = b"GPS 31.2304N 121.4737E";

fn pixels() -> DynamicImage {
    DynamicImage::from(RgbaImage::from_fn(40, 20, |x, y| {
        image::Rgba([u8::try_from(x * 6).unwrap(), u8::try_from(y * 12).unwrap(), 90, 255])
    }))
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = if format == ImageFormat::Jpeg { DynamicImage::from(pixels().to_rgb8()) } else { pixels() };
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An EXIF block with an orientation, and with the secret behind it.
fn exif(orientation: Orientation) -> Vec<u8> {
    [&minimal_exif(orientation)[..], SECRET].concat()
}

fn segment(marker: u8, prefix: &[u8], contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(2 + prefix.len() + contents.len()).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, prefix, contents].concat()
}

fn png_chunk(kind: [u8; 4], contents: Vec<u8>) -> Vec<u8> {
    img_parts::png::PngChunk::new(kind, contents.into()).encoder().bytes().to_vec()
}

fn riff_chunk(kind: [u8; 4], contents: Vec<u8>) -> RiffChunk {
    RiffChunk::new(kind, RiffContent::Data(contents.into()))
}

/// A picture that tells where it was taken in every way its format has.
fn telling(format: ImageFormat, orientation: Orientation) -> Vec<u8> {
    let plain = encoded(format);
    match format {
        ImageFormat::Jpeg => {
            let notes = [
                segment(0xe1, b"Exif\0\0", &exif(orientation)),
                segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0", SECRET),
                segment(0xe2, b"MPF\0", SECRET),
                segment(0xed, b"Photoshop 3.0\0", SECRET),
                segment(0xfe, b"", SECRET),
            ]
            .concat();
            [&plain[..2], &notes, &plain[2..], SECRET].concat()
        }
        ImageFormat::Png => {
            let notes = [
                png_chunk(*b"eXIf", exif(orientation)),
                png_chunk(*b"tEXt", [b"Comment\0", SECRET].concat()),
                png_chunk(*b"iTXt", [b"XML:com.adobe.xmp\0\0\0\0\0", SECRET].concat()),
                png_chunk(*b"prVt", SECRET.to_vec()),
            ]
            .concat();
            // After the signature and the header.
            [&plain[..33], &notes, &plain[33..], SECRET].concat()
        }
        ImageFormat::WebP => {
            let mut file = WebP::from_bytes(plain.into()).unwrap();
            file.set_exif(Some(exif(orientation).into()));
            let chunks = file.chunks_mut();
            chunks.push(riff_chunk(*b"XMP ", SECRET.to_vec()));
            chunks.push(riff_chunk(*b"prvt", SECRET.to_vec()));
            [&file.encoder().bytes()[..], SECRET].concat()
        }
        ImageFormat::Gif => {
            let size = u8::try_from(SECRET.len()).unwrap();
            let block = [&[size][..], SECRET, &[0]].concat();
            let notes = [
                [&[0x21, 0xfe][..], &block].concat(),
                [&[0x21, 0xff, 11][..], b"XMP DataXMP", &block].concat(),
                [&[0x21, 0xff, 11][..], b"NETSCAPE2.0", &[3, 1, 0, 0, 0]].concat(),
            ]
            .concat();
            let front = 13 + if plain[10] & 0x80 == 0 { 0 } else { 3 << ((plain[10] & 7) + 1) };
            [&plain[..front], &notes, &plain[front..], SECRET].concat()
        }
        other => panic!("no plan for {other:?}"),
    }
}

fn decoded(format: ImageFormat, bytes: &[u8]) -> DynamicImage {
    ImageReader::with_format(Cursor::new(bytes), format).decode().unwrap()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn no_picture_tells_where_it_was_taken() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let telling = telling(format, Orientation::NoTransforms);
        assert!(holds(&telling, SECRET));
        let picture = picture::prepare(format, telling.clone().into()).unwrap();
        for bytes in [&picture.bytes, &picture.small] {
            for word in [SECRET, b"Exif", b"MPF", b"Photoshop", b"xap", b"XMP"] {
                assert!(!holds(bytes, word), "{format:?}: {}", String::from_utf8_lossy(word));
            }
        }
        let (before, after) = (decoded(format, &telling), decoded(format, &picture.bytes));
        assert_eq!(before.to_rgba8(), after.to_rgba8(), "{format:?}: not a pixel changed");
        assert_eq!((picture.dimensions.width, picture.dimensions.height), (40, 20));
    }
    assert!(holds(
        &strip_gif(&telling(ImageFormat::Gif, Orientation::NoTransforms)).unwrap(),
        b"NETSCAPE2.0"
    ));
}

#[test]
fn what_lay_on_its_side_still_stands_upright() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let telling = telling(format, Orientation::Rotate90);
        let picture = picture::prepare(format, telling.into()).unwrap();
        assert!(!holds(&picture.bytes, SECRET), "{format:?}");
        assert_eq!((picture.dimensions.width, picture.dimensions.height), (20, 40), "{format:?}");
        let mut reader =
            ImageReader::with_format(Cursor::new(&picture.bytes), format).into_decoder().unwrap();
        let kept = image::ImageDecoder::orientation(&mut reader).unwrap();
        assert_eq!(kept, Orientation::Rotate90, "{format:?}: for those who show it");
        let small = image::load_from_memory(&picture.small).unwrap();
        assert_eq!((small.width(), small.height()), (20, 40), "{format:?}");
    }
}

#[test]
fn notes_between_the_scans_of_a_jpeg_go_too() {
    let table = segment(0xc4, b"", b"table");
    let scans = [
        &[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4][..],
        &segment(0xfe, b"", SECRET),
        &table,
        &segment(0xda, b"", b"head"),
        &[5, 6, 0xff, 0xff, 0xd9],
        SECRET,
    ]
    .concat();
    let kept = strip_scans(&scans).unwrap();
    assert!(!holds(&kept, SECRET) && holds(&kept, &table) && holds(&kept, b"head"));
    assert!(kept.starts_with(&[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4]) && kept.ends_with(&[0xff, 0xd9]));
    assert_eq!(strip_scans(&[7, 8]).unwrap(), [7, 8, 0xff, 0xd9], "a missing end is put there");
    assert!(strip_scans(&[7, 0xff, 0xfe, 0xff, 0xff]).is_none(), "a note longer than the file");
}

#[test]
fn what_is_no_picture_is_refused_and_nothing_panics() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let telling = telling(format, Orientation::Rotate180);
        for end in 0..telling.len().min(400) {
            let _ = picture::prepare(format, Bytes::copy_from_slice(&telling[..end]));
            let mut bent = telling.clone();
            bent[end] ^= 0xff;
            let _ = picture::prepare(format, bent.into());
        }
        assert!(picture::prepare(format, Bytes::from_static(b"not a picture at all")).is_err());
        assert!(picture::prepare(format, Bytes::copy_from_slice(&telling[..40])).is_err());
    }
}

#[test]
fn a_picture_that_unfolds_to_too_much_is_refused_unread() {
    // A PNG's head that says 100,000 × 100,000, and nothing behind it.
    let head = [&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0][..], &[8, 6, 0, 0, 0]].concat();
    let bomb =
        [&b"\x89PNG\r\n\x1a\n"[..], &png_chunk(*b"IHDR", head), &png_chunk(*b"IEND", Vec::new())].concat();
    let refused = picture::prepare(ImageFormat::Png, bomb.into());
    assert!(matches!(refused, Err(crate::domain::Error::FileRejected(_))));
}
