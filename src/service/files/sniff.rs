//! The type of a file by its content: never by its name, nor by the sender's declaration.

use image::ImageFormat;

use super::{
    picture::Source,
    sound_frames::{ac3_frame, adts_frame, mpeg_frame},
};

/// How many bytes from the front decide the type.
pub const HEAD_BYTES: usize = 8 * 1024;
/// The most stray bytes before a picture that are skipped.
const MAX_STRAY_BYTES: usize = 4 * 1024;

/// The treatment of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture that is cleaned, or converted, and shown. It begins at this offset.
    Picture(Source, usize),
    /// A picture of a kind whose metadata (the place …) cannot be removed.
    ForeignPicture,
    /// A possible sound: its length is measured.
    Sound,
    Other,
}

/// The type of a file by its front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeGuess {
    pub kind: Kind,
    /// `None` when only the whole file decides: text, or bytes.
    pub mime: Option<&'static str>,
}

/// Returns the type of a file with this front.
#[must_use]
pub fn guess_type(head: &[u8]) -> TypeGuess {
    let known = recording_type(head).or_else(|| infer::get(head).map(|known| known.mime_type()));
    // The general table decides these by a few letters or by two bytes.
    let known = known.filter(|mime| match *mime {
        "audio/mpeg" | "audio/aac" if !head.starts_with(b"ID3") => recording_type(head).is_some(),
        // No text begins with these six letters: it is a picture, and a broken one is refused.
        "image/gif" => true,
        mime if mime.starts_with("audio/")
            || mime.starts_with("video/")
            || mime.starts_with("image/") =>
        {
            !is_text_so_far(head)
        }
        _ => true,
    });
    let Some(known) = known else {
        return hidden_picture(head).unwrap_or(TypeGuess {
            kind: Kind::Other,
            mime: None,
        });
    };
    let mime = match known {
        "audio/m4a" | "audio/x-m4a" => "audio/mp4",
        "audio/x-wav" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        "audio/x-aiff" => "audio/aiff",
        "audio/ogg" | "audio/opus" if has(head, &[b"\x80theora"]) => "video/ogg",
        "audio/opus" => "audio/ogg",
        "text/html" | "text/xml" if has_svg(head) => "image/svg+xml",
        "text/plain" => {
            return TypeGuess {
                kind: Kind::Other,
                mime: None,
            };
        }
        other => other,
    };
    let kind = match mime {
        "image/png" => Kind::Picture(Source::Kept(ImageFormat::Png), 0),
        "image/jpeg" => Kind::Picture(Source::Kept(ImageFormat::Jpeg), 0),
        "image/gif" => Kind::Picture(Source::Kept(ImageFormat::Gif), 0),
        "image/webp" => Kind::Picture(Source::Kept(ImageFormat::WebP), 0),
        "image/heif" => Kind::Picture(Source::Heic, 0),
        // These hold nothing but the picture, or are served as bytes anyway.
        "image/bmp"
        | "image/vnd.microsoft.icon"
        | "image/vnd.dwg"
        | "image/vnd.djvu"
        | "image/svg+xml" => Kind::Other,
        foreign if foreign.starts_with("image/") => Kind::ForeignPicture,
        "audio/midi" => Kind::Other,
        sound if sound.starts_with("audio/") || sound.starts_with("video/") => Kind::Sound,
        _ => Kind::Other,
    };
    TypeGuess {
        kind,
        mime: Some(mime),
    }
}

/// Returns the type of a file that [`guess_type`] could not tell: by its front, and whether all of it is
/// text.
#[must_use]
pub fn decide_type(head: &[u8], is_text: bool) -> &'static str {
    match (is_text, has_svg(head)) {
        (true, true) => "image/svg+xml",
        (true, false) if has_markup(head) => "text/html",
        (true, false) => "text/plain",
        (false, _) => crate::domain::file::OPAQUE_MEDIA_TYPE,
    }
}

/// Returns a picture behind a few stray bytes, as broken programs write it. Kept as plain bytes it
/// would keep its place of origin. The bytes after each signature are checked, so that other kinds
/// of files do not match.
fn hidden_picture(head: &[u8]) -> Option<TypeGuess> {
    let front = head.get(..MAX_STRAY_BYTES.min(head.len()))?;
    (1..front.len()).find_map(|at| {
        let rest = &head[at..];
        let (source, mime) = match rest {
            [0xff, 0xd8, 0xff, 0xc0..=0xfe, high, low, ..] => {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                let next = rest
                    .get(4 + size..6 + size)
                    .is_none_or(|next| next[0] == 0xff && next[1] >= 0xc0);
                (size >= 2 && next).then_some((Source::Kept(ImageFormat::Jpeg), "image/jpeg"))?
            }
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => {
                (Source::Kept(ImageFormat::Png), "image/png")
            }
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] if head.contains(&0) => {
                (Source::Kept(ImageFormat::Gif), "image/gif")
            }
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => (Source::Kept(ImageFormat::WebP), "image/webp"),
            [0, 0, 0, _, b'f', b't', b'y', b'p', brand @ ..]
                if brand_type(brand.get(..4)?) == "image/heif" =>
            {
                (Source::Heic, "image/heif")
            }
            _ => return None,
        };
        Some(TypeGuess {
            kind: Kind::Picture(source, at),
            mime: Some(mime),
        })
    })
}

/// Returns the type of a recording by its content. A container may be labelled as a film and hold
/// speech alone, or the other way round.
#[must_use]
pub fn type_by_content(mime: &'static str, has_pictures: bool) -> &'static str {
    match (mime, has_pictures) {
        ("video/webm", false) => "audio/webm",
        ("video/mp4" | "video/x-m4v" | "video/quicktime", false) => "audio/mp4",
        ("video/3gpp", false) => "audio/3gpp",
        ("video/3gpp2", false) => "audio/3gpp2",
        ("video/x-matroska", false) => "audio/x-matroska",
        ("video/x-ms-wmv", false) => "audio/x-ms-wma",
        ("audio/mp4", true) => "video/mp4",
        (other, _) => other,
    }
}

/// Returns the type of recordings of telephones and dictation devices. The general table does not
/// know these, or only by their label.
fn recording_type(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"#!AMR-WB\n") {
        return Some("audio/amr-wb");
    }
    if head.starts_with(b"#!AMR\n") {
        return Some("audio/amr");
    }
    if head.starts_with(b"caff\0\x01\0\0") {
        return Some("audio/x-caf");
    }
    if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return ebml_type(head);
    }
    match (head.get(..4), head.get(8..12)) {
        // Longer than four gigabytes, or prepared for that.
        (Some(b"RF64" | b"BW64"), Some(b"WAVE")) => return Some("audio/wav"),
        (Some(b"FORM"), Some(b"AIFC")) => return Some("audio/aiff"),
        _ => {}
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Some(brand_type(head.get(8..12)?));
    }
    // Any stream may begin with a tag.
    let tag = match head {
        [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] if (a | b | c | d) & 0x80 == 0 => {
            let size = [a, b, c, d]
                .iter()
                .fold(0, |size, byte| size << 7 | usize::from(**byte));
            10 + size + if flags & 0x10 == 0 { 0 } else { 10 }
        }
        _ => 0,
    };
    let stream = head.get(tag..)?;
    if stream.starts_with(b"fLaC") {
        return Some("audio/flac");
    }
    [
        ("audio/mpeg", mpeg_frame as fn(&[u8]) -> Option<usize>),
        ("audio/aac", adts_frame),
        ("audio/ac3", |bytes| {
            ac3_frame(bytes)
                .filter(|frame| !frame.is_enhanced)
                .map(|frame| frame.size)
        }),
        ("audio/eac3", |bytes| {
            ac3_frame(bytes)
                .filter(|frame| frame.is_enhanced)
                .map(|frame| frame.size)
        }),
    ]
    .into_iter()
    .find_map(|(mime, frame)| {
        let second = stream.get(frame(stream)?..)?;
        // A single frame may be accidental; a second one right behind it is not.
        frame(second).map(|_| mime)
    })
}

/// Returns the type of an EBML file (RFC 8794), whatever the length of the sizes in its head.
fn ebml_type(head: &[u8]) -> Option<&'static str> {
    const DOC_TYPE_ELEMENT_ID: &[u8] = &[0x42, 0x82];
    let size = |at: usize| {
        let first = *head.get(at)?;
        let length = usize::try_from(first.leading_zeros())
            .ok()
            .filter(|zeros| *zeros < 8)?
            + 1;
        let number = head
            .get(at..at + length)?
            .iter()
            .fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        Some((length, usize::try_from(number & !(1 << (7 * length))).ok()?))
    };
    let mut at = 4 + size(4)?.0;
    loop {
        let id_length = usize::try_from(head.get(at)?.leading_zeros()).ok()? + 1;
        let (length, contents) = size(at + id_length)?;
        let begin = at + id_length + length;
        if head.get(at..at + id_length)? == DOC_TYPE_ELEMENT_ID {
            return match head.get(begin..begin.checked_add(contents)?)? {
                b"webm" => Some("video/webm"),
                b"matroska" => Some("video/x-matroska"),
                _ => None,
            };
        }
        at = begin.checked_add(contents)?;
    }
}

/// Returns the type of a major brand of the ISO base media format; the tracks decide later.
fn brand_type(brand: &[u8]) -> &'static str {
    match brand {
        [b'3', b'g', b'2', _] => "video/3gpp2",
        [b'3', b'g', ..] => "video/3gpp",
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            "image/heif"
        }
        b"avif" | b"avis" => "image/avif",
        b"crx " => "image/x-canon-cr3",
        b"qt  " => "video/quicktime",
        b"M4A " | b"M4B " | b"M4P " => "audio/mp4",
        // All others are films, or sounds, of the same format.
        _ => "video/mp4",
    }
}

/// Returns whether the front is text: then it is no recording and no picture, whatever its first
/// letters.
fn is_text_so_far(head: &[u8]) -> bool {
    let mut check = TextCheck::default();
    check.feed(head);
    check.is_text
}

fn has(head: &[u8], words: &[&[u8]]) -> bool {
    let lower = head.to_ascii_lowercase();
    words
        .iter()
        .any(|word| lower.windows(word.len()).any(|part| part == *word))
}

fn has_svg(head: &[u8]) -> bool {
    has(head, &[b"<svg"])
}

fn has_markup(head: &[u8]) -> bool {
    has(
        head,
        &[
            b"<script",
            b"<html",
            b"<!doctype html",
            b"<iframe",
            b"<body",
        ],
    )
}

/// A check, piece by piece, whether bytes are text: UTF-8 without control characters that no text
/// has.
#[derive(Debug, Clone)]
pub struct TextCheck {
    is_text: bool,
    /// The beginning of a character whose end has not arrived.
    rest: Vec<u8>,
}

impl Default for TextCheck {
    fn default() -> Self {
        Self {
            is_text: true,
            rest: Vec::new(),
        }
    }
}

impl TextCheck {
    /// Checks the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.is_text {
            return;
        }
        let joined;
        let bytes = if self.rest.is_empty() {
            bytes
        } else {
            joined = [&self.rest[..], bytes].concat();
            &joined[..]
        };
        if bytes
            .iter()
            .any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
        {
            self.is_text = false;
            return;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => self.rest = Vec::new(),
            Err(error) if error.error_len().is_none() => {
                self.rest = bytes[error.valid_up_to()..].to_vec();
            }
            Err(_) => self.is_text = false,
        }
    }

    /// Returns whether all of it was text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.is_text && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mime(bytes: &[u8]) -> &'static str {
        let mut check = TextCheck::default();
        check.feed(bytes);
        guess_type(bytes)
            .mime
            .unwrap_or_else(|| decide_type(bytes, check.is_text()))
    }

    #[test]
    fn the_content_tells_not_the_name() {
        assert_eq!(mime(b"\x89PNG\r\n\x1a\n"), "image/png");
        assert_eq!(mime("Patient fährt, 患者".as_bytes()), "text/plain");
        assert_eq!(
            mime(b"\xff\xfe\x00\x01 what is this"),
            "application/octet-stream"
        );
        assert_eq!(mime(b"<!DOCTYPE html><p>"), "text/html");
        assert_eq!(mime(b"hello <script>alert(1)</script>"), "text/html");
        assert_eq!(mime(b"<svg onload='alert(1)'>"), "image/svg+xml");
        assert_eq!(
            mime(b"<?xml version='1.0'?><!-- x --><SVG>"),
            "image/svg+xml"
        );
        assert_eq!(mime(b"%PDF-1.7 ..."), "application/pdf");
        assert_eq!(
            guess_type(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").kind,
            Kind::Picture(Source::Heic, 0)
        );
        assert_eq!(
            guess_type(b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf").kind,
            Kind::ForeignPicture
        );
        let jpeg = b"\0\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0";
        assert_eq!(
            guess_type(jpeg).kind,
            Kind::Picture(Source::Kept(ImageFormat::Jpeg), 1)
        );
        assert_eq!(
            guess_type(b"\x01\x02 GIF89a \xff\xd8\xff is no picture").kind,
            Kind::Other
        );
        assert_eq!(guess_type(b"RIFF\0\0\0\0WAVEfmt ").kind, Kind::Sound);
    }

    #[test]
    fn a_few_letters_make_no_recording_and_no_picture() {
        for note in [
            "ID3 of bed 4",
            "MAC address 3",
            "M4A motorway",
            "BMI 23.4",
            "DSD 12",
            "#!AMR\n",
        ] {
            assert_eq!(mime(note.as_bytes()), "text/plain", "{note}");
        }
        assert_eq!(
            mime(b"GIF89a and nothing more"),
            "image/gif",
            "refused as a broken picture"
        );
        // Two bytes that a stream of MP3 or of AAC may begin with, and no second frame.
        for front in [[0xff, 0xfb], [0xff, 0xf3], [0xff, 0xf1]] {
            let noise = [&front[..], &[0x90, 0x64, 7, 200, 3, 0x80].repeat(200)].concat();
            assert_eq!(mime(&noise), "application/octet-stream", "{front:x?}");
        }
        // A film stays a film even though no pictures were found.
        assert_eq!(type_by_content("video/ogg", false), "video/ogg");
    }

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = "好的, 收到 🙂".as_bytes();
        for cut in 0..text.len() {
            let mut check = TextCheck::default();
            check.feed(&text[..cut]);
            check.feed(&text[cut..]);
            assert!(check.is_text(), "{cut}");
        }
        let mut half = TextCheck::default();
        half.feed(&text[..1]);
        assert!(!half.is_text(), "half a character is none");
    }
}
