//! Files: the data about one, its name, and how it may be shown.

use unicode_normalization::UnicodeNormalization;

use super::{
    FileId, Timestamp, UserId,
    text::{is_invisible, visible_text},
};

/// The most bytes of a file's name.
pub const MAX_NAME_BYTES: usize = 255;
/// The type that is served when the true type is private, or would be run by a browser.
pub const OPAQUE_MEDIA_TYPE: &str = "application/octet-stream";

/// Where the bytes of files are stored.
#[derive(Clone, PartialEq, Eq)]
pub enum BlobLocation {
    /// In MongoDB, with everything else.
    GridFs,
    /// In a folder of this machine.
    Folder(std::path::PathBuf),
    /// In a bucket with the S3 protocol; the options are the `AWS_*` variables by their lower-case
    /// names.
    S3 {
        bucket: String,
        prefix: String,
        options: Vec<(String, String)>,
    },
}

/// The size of a picture as it is shown, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    pub width: u32,
    pub height: u32,
}

/// A small version of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    pub mime: String,
    /// Bytes.
    pub size: u64,
}

/// A file that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFile {
    pub id: FileId,
    pub owner: UserId,
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// The type by its content, whatever its name.
    pub mime: String,
    pub dimensions: Option<Dimensions>,
    /// Seconds.
    pub duration: Option<f64>,
    pub thumbnail: Option<Thumbnail>,
    /// SHA-256, hexadecimal.
    pub digest: String,
    pub created_at: Timestamp,
}

/// Returns whether a browser may show it in place: a short list of kinds that carry no script.
#[must_use]
pub fn is_inline(mime: &str) -> bool {
    matches!(
        mime,
        "image/png"
            | "image/jpeg"
            | "image/gif"
            | "image/webp"
            | "audio/mpeg"
            | "audio/ogg"
            | "audio/webm"
            | "audio/wav"
            | "audio/mp4"
            | "audio/aac"
            | "audio/flac"
            | "video/mp4"
            | "video/webm"
            | "video/quicktime"
    )
}

/// Returns whether it is a picture that pages show: what an `image` message may contain.
#[must_use]
pub fn is_displayable_picture(mime: &str) -> bool {
    mime.starts_with("image/") && is_inline(mime)
}

/// Returns whether it is a sound: what a `voice` message may contain. A MIDI file holds notes, not
/// sounds.
#[must_use]
pub fn is_sound(mime: &str) -> bool {
    mime.starts_with("audio/") && !matches!(mime, "audio/midi" | "audio/x-midi" | "audio/sp-midi")
}

/// Returns the ending that marks the kind of a file, in lower case; empty when there is none.
fn extension(name: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name[dot + 1..].to_lowercase(),
        _ => String::new(),
    }
}

/// Returns whether a message may give a file, stored as `stored`, the name `given`. The name must
/// be clean and have the same ending.
#[must_use]
pub fn is_acceptable_name(given: &str, stored: &str) -> bool {
    clean_name(given).as_deref() == Some(given) && extension(given) == extension(stored)
}

/// Returns the type under which it is served: its own if that is harmless, else
/// [`OPAQUE_MEDIA_TYPE`].
#[must_use]
pub fn served_type(mime: &str) -> &str {
    match mime {
        "text/plain" => "text/plain; charset=utf-8",
        "application/pdf" => mime,
        inline if is_inline(inline) => inline,
        // No browser runs a recording.
        recording if recording.starts_with("audio/") || recording.starts_with("video/") => {
            recording
        }
        _ => OPAQUE_MEDIA_TYPE,
    }
}

/// Returns a name without folders, control characters and tricks, of at most [`MAX_NAME_BYTES`]
/// bytes. Returns `None` when nothing is left of it.
#[must_use]
pub fn clean_name(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let drawn: String = last.nfc().filter(|c| !c.is_control()).collect();
    let clean = visible_text(&drawn)?;
    // Many blanks could push the rest of a name out of sight.
    let words: Vec<&str> = clean
        .split(char::is_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    let is_spread = clean.chars().filter(|c| c.is_whitespace()).count() > words.len() + 8;
    let name = &*if is_spread { words.join(" ") } else { clean };
    if name.chars().all(|c| c == '.' || is_invisible(c)) {
        return None;
    }
    if name.len() <= MAX_NAME_BYTES {
        return Some(name.to_owned());
    }
    // The ending marks the kind and stays; the rest is cut.
    let ending = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|ending| ending.len() <= 32)
        .unwrap_or("");
    let room = MAX_NAME_BYTES - ending.len();
    let end = name
        .char_indices()
        .map(|(start, _)| start)
        .take_while(|start| *start <= room)
        .last();
    Some(format!("{}{ending}", &name[..end.unwrap_or(0)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_name_and_leads_nowhere() {
        for (given, clean) in [
            ("x-ray.png", "x-ray.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Li\\胸片.jpg", "胸片.jpg"),
            ("a\u{0}b\r\n.txt", "ab.txt"),
            ("invoice\u{202e}gpj.exe", "invoicegpj.exe"),
            (" .hidden ", ".hidden"),
            ("setup.exe\u{200b}", "setup.exe"),
            ("x\u{3164}.exe", "x.exe"),
            (
                "report.pdf                                             .exe",
                "report.pdf .exe",
            ),
            ("two  blanks.txt", "two  blanks.txt"),
            ("cafe\u{301}.txt", "caf\u{e9}.txt"),
            ("👩‍⚕️.png", "👩‍⚕️.png"),
        ] {
            assert_eq!(clean_name(given).as_deref(), Some(clean), "{given:?}");
        }
        for bad in ["", "..", "/", "a/", "\u{7}", " . ", "\u{200b}", "\u{3164}."] {
            assert_eq!(clean_name(bad), None, "{bad:?}");
        }
        let long = clean_name(&format!("{}.docx", "病".repeat(200))).unwrap();
        assert!(
            long.len() <= MAX_NAME_BYTES && long.ends_with("病.docx"),
            "{long}"
        );
    }

    #[test]
    fn a_message_may_rename_a_file_but_not_its_kind() {
        for (given, stored) in [
            ("ecg of bed 4.PDF", "scan0001.pdf"),
            ("notes", "README"),
            ("胸片.jpg", "img.JPG"),
        ] {
            assert!(is_acceptable_name(given, stored), "{given} for {stored}");
        }
        for given in [
            "harmless.pdf",
            "\u{202e}gpj.exe",
            "../../etc/setup.exe",
            "a\nb.exe",
            "a\0b.exe",
            "setup",
            "",
            "setup.exe ",
        ] {
            assert!(!is_acceptable_name(given, "setup.exe"), "{given:?}");
        }
    }

    #[test]
    fn what_a_browser_would_run_is_served_as_bytes() {
        for active in [
            "text/html",
            "image/svg+xml",
            "text/xml",
            "application/xhtml+xml",
            "text/x-shellscript",
        ] {
            assert_eq!(served_type(active), OPAQUE_MEDIA_TYPE);
            assert!(!is_inline(active));
        }
        assert!(is_inline("image/png") && !is_inline("application/pdf"));
    }
}
