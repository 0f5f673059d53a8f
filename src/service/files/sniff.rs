//! What a file is, by its content: never by its name, nor by what its sender says.

use image::ImageFormat;

/// How many bytes from the front tell what it is.
pub const HEAD: usize = 8 * 1024;

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture that is cleaned and shown.
    Picture(ImageFormat),
    /// A picture of a kind whose particulars (where it was taken …) we cannot remove.
    ForeignPicture,
    /// Something that may sound: its length is looked for.
    Sound,
    Other,
}

/// What the front of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    pub kind: Kind,
    /// None when only the whole tells: text, or bytes.
    pub mime: Option<&'static str>,
}

/// What a file that begins like this is.
#[must_use]
pub fn guess(head: &[u8]) -> Guess {
    let Some(known) = infer::get(head) else {
        return Guess { kind: Kind::Other, mime: None };
    };
    let mime = match known.mime_type() {
        "audio/m4a" | "audio/x-m4a" => "audio/mp4",
        "audio/x-wav" => "audio/wav",
        "audio/opus" => "audio/ogg",
        "text/html" | "text/xml" if has_svg(head) => "image/svg+xml",
        "text/plain" => return Guess { kind: Kind::Other, mime: None },
        other => other,
    };
    let kind = match mime {
        "image/png" => Kind::Picture(ImageFormat::Png),
        "image/jpeg" => Kind::Picture(ImageFormat::Jpeg),
        "image/gif" => Kind::Picture(ImageFormat::Gif),
        "image/webp" => Kind::Picture(ImageFormat::WebP),
        // These hold nothing but the picture, or are served as bytes anyway.
        "image/bmp" | "image/vnd.microsoft.icon" | "image/vnd.dwg" | "image/vnd.djvu" | "image/svg+xml" => {
            Kind::Other
        }
        foreign if foreign.starts_with("image/") => Kind::ForeignPicture,
        "audio/mpeg" | "audio/mp4" | "audio/ogg" | "audio/wav" | "video/webm" | "video/mp4" | "video/ogg"
        | "video/x-m4v" | "video/quicktime" | "video/x-matroska" => Kind::Sound,
        _ => Kind::Other,
    };
    Guess { kind, mime: Some(mime) }
}

/// What a file is that [`guess`] could not tell: by its front, and whether all of it is text.
#[must_use]
pub fn settle(head: &[u8], is_text: bool) -> &'static str {
    match (is_text, has_svg(head)) {
        (true, true) => "image/svg+xml",
        (true, false) if has_markup(head) => "text/html",
        (true, false) => "text/plain",
        (false, _) => crate::domain::file::OPAQUE,
    }
}

/// The type of something that has no pictures in it although its container may.
#[must_use]
pub fn heard_only(mime: &'static str) -> &'static str {
    match mime {
        "video/webm" => "audio/webm",
        "video/mp4" | "video/x-m4v" => "audio/mp4",
        "video/ogg" => "audio/ogg",
        other => other,
    }
}

fn has(head: &[u8], words: &[&[u8]]) -> bool {
    let lower = head.to_ascii_lowercase();
    words.iter().any(|word| lower.windows(word.len()).any(|part| part == *word))
}

fn has_svg(head: &[u8]) -> bool {
    has(head, &[b"<svg"])
}

fn has_markup(head: &[u8]) -> bool {
    has(head, &[b"<script", b"<html", b"<!doctype html", b"<iframe", b"<body"])
}

/// Whether bytes that come piece by piece are text: UTF-8 without control characters that no text has.
#[derive(Debug, Clone)]
pub struct TextCheck {
    is_text: bool,
    /// The beginning of a character whose end has not come.
    rest: Vec<u8>,
}

impl Default for TextCheck {
    fn default() -> Self {
        Self { is_text: true, rest: Vec::new() }
    }
}

impl TextCheck {
    /// The next bytes.
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
        if bytes.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31)) {
            self.is_text = false;
            return;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => self.rest = Vec::new(),
            Err(error) if error.error_len().is_none() => self.rest = bytes[error.valid_up_to()..].to_vec(),
            Err(_) => self.is_text = false,
        }
    }

    /// Whether all of it was text.
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
        guess(bytes).mime.unwrap_or_else(|| settle(bytes, check.is_text()))
    }

    #[test]
    fn the_content_tells_not_the_name() {
        assert_eq!(mime(b"\x89PNG\r\n\x1a\n"), "image/png");
        assert_eq!(mime("Patient fährt, 患者".as_bytes()), "text/plain");
        assert_eq!(mime(b"\xff\xfe\x00\x01 what is this"), "application/octet-stream");
        assert_eq!(mime(b"<!DOCTYPE html><p>"), "text/html");
        assert_eq!(mime(b"hello <script>alert(1)</script>"), "text/html");
        assert_eq!(mime(b"<svg onload='alert(1)'>"), "image/svg+xml");
        assert_eq!(mime(b"<?xml version='1.0'?><!-- x --><SVG>"), "image/svg+xml");
        assert_eq!(mime(b"%PDF-1.7 ..."), "application/pdf");
        assert_eq!(guess(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").kind, Kind::ForeignPicture);
        assert_eq!(guess(b"RIFF\0\0\0\0WAVEfmt ").kind, Kind::Sound);
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
