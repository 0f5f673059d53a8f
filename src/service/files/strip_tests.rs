//! Pictures with a location planted in every possible part: it must be removed, and the picture
//! must not change.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, RgbaImage};

use super::*;
use crate::service::files::picture;

const SECRET: &[u8] = b"GPS 31.2304N 121.4737E";

fn pixels() -> DynamicImage {
    DynamicImage::from(RgbaImage::from_fn(40, 20, |x, y| {
        image::Rgba([
            u8::try_from(x * 6).unwrap(),
            u8::try_from(y * 12).unwrap(),
            90,
            255,
        ])
    }))
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = if format == ImageFormat::Jpeg {
        DynamicImage::from(pixels().to_rgb8())
    } else {
        pixels()
    };
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An EXIF block with an orientation, and with the secret behind it.
fn exif(orientation: Orientation) -> Vec<u8> {
    [&minimal_exif(orientation)[..], SECRET].concat()
}

fn segment(marker: u8, prefix: &[u8], contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(2 + prefix.len() + contents.len())
        .unwrap()
        .to_be_bytes();
    [&[0xff, marker][..], &length, prefix, contents].concat()
}

fn png_chunk(kind: [u8; 4], contents: Vec<u8>) -> Vec<u8> {
    img_parts::png::PngChunk::new(kind, contents.into())
        .encoder()
        .bytes()
        .to_vec()
}

fn riff_chunk(kind: [u8; 4], contents: Vec<u8>) -> RiffChunk {
    RiffChunk::new(kind, RiffContent::Data(contents.into()))
}

/// Returns a picture with its location in every way that its format has.
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
            let front = 13
                + if plain[10] & 0x80 == 0 {
                    0
                } else {
                    3 << ((plain[10] & 7) + 1)
                };
            [&plain[..front], &notes, &plain[front..], SECRET].concat()
        }
        other => panic!("no plan for {other:?}"),
    }
}

fn decoded(format: ImageFormat, bytes: &[u8]) -> DynamicImage {
    ImageReader::with_format(Cursor::new(bytes), format)
        .decode()
        .unwrap()
}

fn prepare(format: ImageFormat, raw: Bytes) -> crate::domain::Result<picture::Picture> {
    picture::prepare(picture::Source::Kept(format), raw)
}

fn thumbnail(picture: &picture::Picture) -> DynamicImage {
    image::load_from_memory(&picture.thumbnail.as_ref().expect("a small version").0).unwrap()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn no_picture_tells_where_it_was_taken() {
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let telling = telling(format, Orientation::NoTransforms);
        assert!(holds(&telling, SECRET));
        let picture = prepare(format, telling.clone().into()).unwrap();
        for bytes in [&picture.bytes, &picture.thumbnail.as_ref().unwrap().0] {
            for word in [SECRET, b"Exif", b"MPF", b"Photoshop", b"xap", b"XMP"] {
                assert!(
                    !holds(bytes, word),
                    "{format:?}: {}",
                    String::from_utf8_lossy(word)
                );
            }
        }
        let (before, after) = (decoded(format, &telling), decoded(format, &picture.bytes));
        assert_eq!(
            before.to_rgba8(),
            after.to_rgba8(),
            "{format:?}: not a pixel changed"
        );
        assert_eq!(
            (picture.dimensions.width, picture.dimensions.height),
            (40, 20)
        );
    }
    assert!(holds(
        &strip_gif(&telling(ImageFormat::Gif, Orientation::NoTransforms)).unwrap(),
        b"NETSCAPE2.0"
    ));
}

#[test]
fn what_lay_on_its_side_still_stands_upright() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let telling = telling(format, Orientation::Rotate90);
        let picture = prepare(format, telling.into()).unwrap();
        assert!(!holds(&picture.bytes, SECRET), "{format:?}");
        assert_eq!(
            (picture.dimensions.width, picture.dimensions.height),
            (20, 40),
            "{format:?}"
        );
        let mut reader = ImageReader::with_format(Cursor::new(&picture.bytes), format)
            .into_decoder()
            .unwrap();
        let kept = image::ImageDecoder::orientation(&mut reader).unwrap();
        assert_eq!(
            kept,
            Orientation::Rotate90,
            "{format:?}: for those who show it"
        );
        let thumbnail = thumbnail(&picture);
        assert_eq!(
            (thumbnail.width(), thumbnail.height()),
            (20, 40),
            "{format:?}"
        );
    }
    // No browser turns a PNG whose orientation follows its pixels: size and small version agree.
    let plain = encoded(ImageFormat::Png);
    let late = [
        &plain[..plain.len() - 12],
        &png_chunk(*b"eXIf", exif(Orientation::Rotate90)),
        &plain[plain.len() - 12..],
    ];
    let picture = prepare(ImageFormat::Png, late.concat().into()).unwrap();
    assert!(!holds(&picture.bytes, SECRET));
    assert_eq!(
        (picture.dimensions.width, picture.dimensions.height),
        (40, 20)
    );
    assert_eq!(
        (thumbnail(&picture).width(), thumbnail(&picture).height()),
        (40, 20)
    );
    let first = prepare(
        ImageFormat::Png,
        telling(ImageFormat::Png, Orientation::Rotate90).into(),
    )
    .unwrap();
    let chunks: Vec<_> = png_chunks(&first.bytes).map(|(kind, ..)| kind).collect();
    assert_eq!(
        chunks[..2],
        [*b"IHDR", *b"eXIf"],
        "where browsers look for it"
    );
}

/// No browser turns a WebP, whatever its orientation: its pixels are turned.
#[test]
fn a_webp_that_lies_on_its_side_is_set_upright() {
    let told = [b"Exif\0\0", &exif(Orientation::Rotate90)[..]].concat();
    let mut as_in_a_jpeg = WebP::from_bytes(encoded(ImageFormat::WebP).into()).unwrap();
    as_in_a_jpeg.set_exif(Some(told.into()));
    let opaque = [
        telling(ImageFormat::WebP, Orientation::Rotate90).into(),
        as_in_a_jpeg.encoder().bytes(),
    ];
    for lying in opaque {
        let picture = prepare(ImageFormat::WebP, lying).unwrap();
        assert!(
            picture.is_converted
                && !holds(&picture.bytes, SECRET)
                && !holds(&picture.bytes, b"Exif")
        );
        let upright = decoded(ImageFormat::Jpeg, &picture.bytes).to_rgb8();
        assert_eq!(
            (picture.dimensions.width, picture.dimensions.height),
            (20, 40)
        );
        assert_eq!(
            (
                upright.dimensions(),
                thumbnail(&picture).to_rgb8().dimensions()
            ),
            ((20, 40), (20, 40))
        );
        // The bottom left corner becomes the top left.
        let (corner, before) = (
            upright.get_pixel(0, 0).0,
            pixels().to_rgb8().get_pixel(0, 19).0,
        );
        assert!(
            corner.iter().zip(before).all(|(a, b)| a.abs_diff(b) < 16),
            "{corner:?} for {before:?}"
        );
    }
    let glass = DynamicImage::from(RgbaImage::from_pixel(40, 20, image::Rgba([9, 8, 7, 100])));
    let mut bytes = Cursor::new(Vec::new());
    glass.write_to(&mut bytes, ImageFormat::WebP).unwrap();
    let mut lying = WebP::from_bytes(bytes.into_inner().into()).unwrap();
    lying.set_exif(Some(exif(Orientation::Rotate270).into()));
    let picture = prepare(ImageFormat::WebP, lying.encoder().bytes()).unwrap();
    assert!(!picture.is_converted && !holds(&picture.bytes, SECRET));
    let upright = decoded(ImageFormat::WebP, &picture.bytes).to_rgba8();
    assert_eq!(
        (upright.dimensions(), upright.get_pixel(3, 3).0),
        ((20, 40), [9, 8, 7, 100])
    );
}

#[test]
fn what_browsers_show_is_taken_in() {
    let mut endless = encoded(ImageFormat::Png);
    endless.truncate(endless.len() - 12);
    let picture = prepare(ImageFormat::Png, endless.into()).unwrap();
    assert!(picture.thumbnail.is_some() && picture.bytes.ends_with(b"IEND\xae\x42\x60\x82"));

    // A GIF of a screen of 4 × 4 with a frame of 8 × 8, and one without any colours.
    let screen = |flags: u8| [&b"GIF89a\x04\0\x04\0"[..], &[flags, 0, 0]].concat();
    let frame = |side: u8| {
        [
            &[0x2c, 0, 0, 0, 0, side, 0, side, 0, 0, 2][..],
            &[2, 0x4c, 0x01, 0, 0x3b],
        ]
        .concat()
    };
    let colours = [0; 6];
    for (what, bytes) in [
        (
            "beyond",
            [screen(0x80), colours.to_vec(), frame(8)].concat(),
        ),
        ("pale", [screen(0), frame(4)].concat()),
    ] {
        let picture = prepare(ImageFormat::Gif, bytes.into())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            (picture.dimensions.width, picture.dimensions.height),
            (4, 4)
        );
    }
    let huge = [
        &[0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 2][..],
        &[2, 0x4c, 0x01, 0, 0x3b],
    ]
    .concat();
    assert!(
        prepare(ImageFormat::Gif, [screen(0), huge].concat().into()).is_err(),
        "a bomb in a frame"
    );
}

/// Returns a baseline JPEG of one grey, of any size, built by hand: an encoder would take much time
/// and memory.
fn grey_jpeg(width: u16, height: u16) -> Vec<u8> {
    let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    // One code of one bit each: no difference from the previous block; nothing else in the block.
    let table = |class: u8| segment(0xc4, &[class, 1], &[&[0; 15][..], &[0]].concat());
    [
        b"\xff\xd8".to_vec(),
        segment(0xdb, &[0], &[1; 64]),
        segment(0xc0, &[8], &[&sides[..], &[1, 1, 0x11, 0]].concat()),
        table(0),
        table(0x10),
        segment(0xda, &[1, 1, 0], &[0, 63, 0]),
        vec![0; (blocks * 2).div_ceil(8)],
        b"\xff\xd9".to_vec(),
    ]
    .concat()
}

#[test]
fn pictures_of_todays_telephones_are_taken_in() {
    for (width, height) in [(8_192, 6_144), (12_000, 9_000), (16_000, 3_800)] {
        let picture = prepare(ImageFormat::Jpeg, grey_jpeg(width, height).into()).unwrap();
        let (wide, high) = (u32::from(width), u32::from(height));
        assert_eq!(
            (picture.dimensions.width, picture.dimensions.height),
            (wide, high)
        );
        let thumbnail = thumbnail(&picture);
        assert_eq!(
            (thumbnail.width(), thumbnail.height()),
            (320, 320 * high / wide)
        );
    }
    // Larger than any telephone's: kept, without a small version. A file with too few bytes for its
    // size is refused.
    let picture = prepare(ImageFormat::Jpeg, grey_jpeg(20_000, 12_000).into()).unwrap();
    assert!(picture.thumbnail.is_none() && picture.dimensions.width == 20_000);
    let mut bomb = grey_jpeg(80, 80);
    let sides = bomb
        .windows(2)
        .position(|pair| pair == b"\xff\xc0")
        .unwrap()
        + 5;
    bomb[sides..sides + 4].copy_from_slice(&[0xff, 0, 0xff, 0]);
    assert!(prepare(ImageFormat::Jpeg, bomb.into()).is_err());
    // Other kinds are decoded whole.
    let head = [
        &8_100_u32.to_be_bytes()[..],
        &8_000_u32.to_be_bytes(),
        &[1, 0, 0, 0, 0],
    ]
    .concat();
    let wide = [
        PNG_SIGNATURE,
        &png_chunk(*b"IHDR", head),
        &png_chunk(*b"IEND", Vec::new()),
    ]
    .concat();
    let refused = prepare(ImageFormat::Png, wide.into());
    assert!(matches!(
        refused,
        Err(crate::domain::Error::PictureTooLarge { limit: 64_000_000 })
    ));
}

#[test]
fn a_colour_profile_is_no_place_for_a_bomb() {
    use std::io::Write;
    let profile = |size: usize| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![0; size]).unwrap();
        png_chunk(*b"iCCP", [b"p\0\0", &packed.finish().unwrap()[..]].concat())
    };
    let plain = encoded(ImageFormat::Png);
    let with = |chunk: &[u8]| Bytes::from([&plain[..33], chunk, &plain[33..]].concat());
    assert!(prepare(ImageFormat::Png, with(&profile(3_000))).is_ok());
    assert!(prepare(ImageFormat::Png, with(&profile(64 << 20))).is_err());
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
    assert_eq!(
        strip_scans(&[7, 8]).unwrap(),
        [7, 8, 0xff, 0xd9],
        "a missing end is put there"
    );
    assert!(
        strip_scans(&[7, 0xff, 0xfe, 0xff, 0xff]).is_none(),
        "a note longer than the file"
    );
}

#[test]
fn what_is_no_picture_is_refused_and_nothing_panics() {
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let telling = telling(format, Orientation::Rotate180);
        for end in 0..telling.len().min(400) {
            let _ = prepare(format, Bytes::copy_from_slice(&telling[..end]));
            let mut bent = telling.clone();
            bent[end] ^= 0xff;
            let _ = prepare(format, bent.into());
        }
        assert!(prepare(format, Bytes::from_static(b"not a picture at all")).is_err());
        assert!(prepare(format, Bytes::copy_from_slice(&telling[..40])).is_err());
    }
}

#[test]
fn a_picture_that_unfolds_to_too_much_is_refused_unread() {
    // The head of a PNG of 100,000 × 100,000, without data.
    let head = [&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0][..], &[8, 6, 0, 0, 0]].concat();
    let bomb = [
        &b"\x89PNG\r\n\x1a\n"[..],
        &png_chunk(*b"IHDR", head),
        &png_chunk(*b"IEND", Vec::new()),
    ]
    .concat();
    let refused = prepare(ImageFormat::Png, bomb.into());
    assert!(matches!(
        refused,
        Err(crate::domain::Error::PictureTooLarge { .. })
    ));
}
