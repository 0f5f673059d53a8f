//! Files: what is known of one, how it is named and addressed, and how it may be shown.

use super::{FileId, Timestamp, UserId};

/// Where our own files live; a `fileUrl` is this and the file's id.
pub const PREFIX: &str = "/api/chat/files/";
/// The most bytes of a file's name.
pub const MAX_NAME: usize = 255;
/// What is served when the true type is nobody's business, or would be run by a browser.
pub const OPAQUE: &str = "application/octet-stream";

/// Where the bytes of files are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In MongoDB, with everything else.
    GridFs,
    /// In a folder of this machine.
    Folder(std::path::PathBuf),
    /// In a bucket that speaks S3; the options are the `AWS_*` variables by their lower-case names.
    S3 { bucket: String, prefix: String, options: Vec<(String, String)> },
}

/// The size of a picture as it is to be shown, pixels.
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
    /// As its content says, whatever its name says.
    pub mime: String,
    pub dimensions: Option<Dimensions>,
    /// Seconds.
    pub duration: Option<f64>,
    pub thumbnail: Option<Thumbnail>,
    /// SHA-256, hexadecimal.
    pub digest: String,
    pub created_at: Timestamp,
}

/// The address of a file.
#[must_use]
pub fn url(id: FileId) -> String {
    format!("{PREFIX}{id}")
}

/// The file that an address of ours names.
#[must_use]
pub fn id_of(url: &str) -> Option<FileId> {
    url.strip_prefix(PREFIX)?.parse().ok()
}

/// Whether a browser may show it in place: a short list of kinds that carry no script.
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
            | "video/mp4"
            | "video/webm"
    )
}

/// The type under which it is served: its own if that is harmless, else [`OPAQUE`].
#[must_use]
pub fn served_type(mime: &str) -> &str {
    match mime {
        "text/plain" => "text/plain; charset=utf-8",
        "application/pdf" => mime,
        inline if is_inline(inline) => inline,
        _ => OPAQUE,
    }
}

/// What turns the direction of writing around: `gpj.exe` must not read as `exe.jpg`.
fn turns_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name without folders, control characters and tricks, of at most [`MAX_NAME`] bytes; none when nothing
/// is left of it.
#[must_use]
pub fn clean_name(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control() && !turns_around(*c)).collect();
    let name = clean.trim();
    if name.chars().all(|c| c == '.' || c.is_whitespace()) {
        return None;
    }
    if name.len() <= MAX_NAME {
        return Some(name.to_owned());
    }
    // What says the kind stays, the rest is cut.
    let ending = name.rfind('.').map(|dot| &name[dot..]).filter(|ending| ending.len() <= 32).unwrap_or("");
    let room = MAX_NAME - ending.len();
    let end = name.char_indices().map(|(start, _)| start).take_while(|start| *start <= room).last();
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
        ] {
            assert_eq!(clean_name(given).as_deref(), Some(clean), "{given:?}");
        }
        for bad in ["", "..", "/", "a/", "\u{7}", " . "] {
            assert_eq!(clean_name(bad), None, "{bad:?}");
        }
        let long = clean_name(&format!("{}.docx", "病".repeat(200))).unwrap();
        assert!(long.len() <= MAX_NAME && long.ends_with("病.docx"), "{long}");
    }

    #[test]
    fn what_a_browser_would_run_is_served_as_bytes() {
        for active in
            ["text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "text/x-shellscript"]
        {
            assert_eq!(served_type(active), OPAQUE);
            assert!(!is_inline(active));
        }
        assert!(is_inline("image/png") && !is_inline("application/pdf"));
    }

    #[test]
    fn an_address_names_one_file() {
        let id = FileId::generate();
        assert_eq!(id_of(&url(id)), Some(id));
        for bad in ["/api/chat/files/", "/api/chat/files/../users", "https://evil.example/api/chat/files/x"] {
            assert_eq!(id_of(bad), None);
        }
    }
}
