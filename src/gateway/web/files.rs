//! The embedded files. The web build may have stored compressed copies (`app.js.br`, `app.js.gz`)
//! beside each.

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// The start page.
pub const INDEX_FILE: &str = "index.html";

/// The web client; empty when it was not built. `build.rs` makes cargo notice a new build.
#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[allow_missing = true]
pub struct Client;

/// A content coding, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentCoding {
    Brotli,
    Gzip,
    Identity,
}

impl ContentCoding {
    /// Returns its name in `Accept-Encoding` and `Content-Encoding` (RFC 9110, 8.4.1).
    pub const fn name(self) -> &'static str {
        match self {
            ContentCoding::Brotli => "br",
            ContentCoding::Gzip => "gzip",
            ContentCoding::Identity => "identity",
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            ContentCoding::Brotli => ".br",
            ContentCoding::Gzip => ".gz",
            ContentCoding::Identity => "",
        }
    }
}

/// One file of the client in all its codings.
pub struct Asset {
    path: String,
    plain: EmbeddedFile,
    packed: Vec<(ContentCoding, EmbeddedFile)>,
}

impl Asset {
    /// Returns the file at `path`, which has no leading slash. Compressed copies are not found by
    /// their own names.
    pub fn find<E: RustEmbed>(path: &str) -> Option<Self> {
        let packings = [ContentCoding::Brotli, ContentCoding::Gzip];
        if packings
            .iter()
            .any(|coding| path.ends_with(coding.suffix()))
        {
            return None;
        }
        let plain = E::get(path)?;
        let twin =
            |coding: ContentCoding| Some((coding, E::get(&format!("{path}{}", coding.suffix()))?));
        let packed = packings.into_iter().filter_map(twin).collect();
        Some(Self {
            path: path.to_owned(),
            plain,
            packed,
        })
    }

    /// Whether there are several codings, so that caches must distinguish them.
    pub fn varies(&self) -> bool {
        !self.packed.is_empty()
    }

    /// Returns the best coding that `accepts` allows; uncompressed when it allows none.
    pub fn form(
        &self,
        accepts: impl Fn(ContentCoding) -> bool,
    ) -> (ContentCoding, Cow<'static, [u8]>) {
        let best = self.packed.iter().find(|(coding, _)| accepts(*coding));
        best.map_or_else(
            || (ContentCoding::Identity, self.plain.data.clone()),
            |(coding, file)| (*coding, file.data.clone()),
        )
    }

    /// Returns the entity tag of a coding. Each coding has its own, since the bytes differ.
    pub fn tag(&self, coding: ContentCoding) -> String {
        let hash = self.plain.metadata.sha256_hash();
        // Twelve bytes of SHA-256 are enough to distinguish builds.
        let hash = hash[..12]
            .iter()
            .fold(0_u128, |hash, byte| hash << 8 | u128::from(*byte));
        format!("\"{hash:024x}-{}\"", coding.name())
    }

    /// Returns its media type, with the character set for texts.
    pub fn media_type(&self) -> String {
        let essence = self.plain.metadata.mimetype();
        if essence.starts_with("text/") {
            format!("{essence}; charset=utf-8")
        } else {
            essence.to_owned()
        }
    }

    /// Whether the name contains a hash of the content, which then never changes.
    pub fn is_hashed(&self) -> bool {
        self.path.starts_with("assets/")
    }

    /// Whether it is a page.
    pub fn is_page(&self) -> bool {
        self.plain.metadata.mimetype() == "text/html"
    }
}
