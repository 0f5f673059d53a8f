//! Avatars: the pictures of users and groups.

use std::fmt;

use super::FileId;

/// The most characters of an address that a client chooses.
pub const MAX_AVATAR_CHARS: usize = 512;
/// The prefix of the text form of an avatar that is a stored file; its id follows.
const FILE_SCHEME: &str = "file:";

/// The picture of a profile. A gateway makes the address of a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Avatar {
    #[default]
    None,
    /// A file of this service.
    File(FileId),
    /// An address that a client chose: another path of this site, or a picture of another host.
    Address(String),
}

impl Avatar {
    /// Returns the avatar at an address that names no stored file; an empty address is none.
    #[must_use]
    pub fn at(address: String) -> Self {
        if address.is_empty() {
            Self::None
        } else {
            Self::Address(address)
        }
    }

    /// Returns the stored file that it shows.
    #[must_use]
    pub fn file(&self) -> Option<FileId> {
        match self {
            Avatar::File(id) => Some(*id),
            Avatar::None | Avatar::Address(_) => None,
        }
    }

    /// Returns the address that a client chose; empty when there is none.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Avatar::Address(address) => address,
            Avatar::None | Avatar::File(_) => "",
        }
    }

    /// Reads the text form. No address that a client may choose has the form of a file.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        match text.strip_prefix(FILE_SCHEME).map(str::parse) {
            Some(Ok(id)) => Self::File(id),
            Some(Err(_)) | None => Self::at(text),
        }
    }
}

/// The text form, for the database and the audit log: `file:` and the id, or the address.
impl fmt::Display for Avatar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Avatar::None => Ok(()),
            Avatar::File(id) => write!(f, "{FILE_SCHEME}{id}"),
            Avatar::Address(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::is_picture_address;

    #[test]
    fn the_text_form_is_read_back() {
        for avatar in [
            Avatar::None,
            Avatar::File(FileId::generate()),
            Avatar::Address("https://pictures.example/a.png".into()),
            Avatar::Address("/pictures/a.png".into()),
        ] {
            assert_eq!(Avatar::from_text(avatar.to_string()), avatar);
        }
    }

    #[test]
    fn no_client_can_choose_the_form_of_a_file() {
        let form = Avatar::File(FileId::generate()).to_string();
        assert!(!is_picture_address(&form), "{form}");
    }
}
