//! The files that are compiled in, each perhaps with packed twins (`app.js.br`, `app.js.gz`) that the web
//! build made beside it.

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// The page everything begins with.
pub const INDEX: &str = "index.html";

/// The web client; empty when it was not built. `build.rs` sees to it that a new build is noticed.
#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[allow_missing = true]
pub struct Client;

/// A way a body may be packed for its way, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// Its name in `Accept-Encoding` and `Content-Encoding` (RFC 9110, 8.4.1).
    pub const fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
            Coding::Identity => "identity",
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Coding::Brotli => ".br",
            Coding::Gzip => ".gz",
            Coding::Identity => "",
        }
    }
}

/// One file of the client in all its forms.
pub struct Asset {
    path: String,
    plain: EmbeddedFile,
    packed: Vec<(Coding, EmbeddedFile)>,
}

impl Asset {
    /// The file at `path`, which has no leading slash. Packed twins are no files of their own.
    pub fn find<E: RustEmbed>(path: &str) -> Option<Self> {
        let packings = [Coding::Brotli, Coding::Gzip];
        if packings.iter().any(|coding| path.ends_with(coding.suffix())) {
            return None;
        }
        let plain = E::get(path)?;
        let twin = |coding: Coding| Some((coding, E::get(&format!("{path}{}", coding.suffix()))?));
        let packed = packings.into_iter().filter_map(twin).collect();
        Some(Self { path: path.to_owned(), plain, packed })
    }

    /// Whether there are several forms, so that caches must tell them apart.
    pub fn varies(&self) -> bool {
        !self.packed.is_empty()
    }

    /// The best form that `accepts` allows; unpacked when it allows none.
    pub fn form(&self, accepts: impl Fn(Coding) -> bool) -> (Coding, Cow<'static, [u8]>) {
        let best = self.packed.iter().find(|(coding, _)| accepts(*coding));
        best.map_or_else(
            || (Coding::Identity, self.plain.data.clone()),
            |(coding, file)| (*coding, file.data.clone()),
        )
    }

    /// The entity tag of a form: another one for each, since their bytes differ.
    pub fn tag(&self, coding: Coding) -> String {
        let hash = self.plain.metadata.sha256_hash();
        // A dozen bytes of SHA-256 are enough to tell builds apart.
        let hash = hash[..12].iter().fold(0_u128, |hash, byte| hash << 8 | u128::from(*byte));
        format!("\"{hash:024x}-{}\"", coding.name())
    }

    /// Its media type, texts with their character set.
    pub fn media_type(&self) -> String {
        let essence = self.plain.metadata.mimetype();
        if essence.starts_with("text/") { format!("{essence}; charset=utf-8") } else { essence.to_owned() }
    }

    /// Whether the name holds a hash of the content: then it never changes.
    pub fn is_hashed(&self) -> bool {
        self.path.starts_with("assets/")
    }

    /// Whether it is a page.
    pub fn is_page(&self) -> bool {
        self.plain.metadata.mimetype() == "text/html"
    }
}
