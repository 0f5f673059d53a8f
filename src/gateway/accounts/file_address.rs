//! The addresses of stored files in this gateway: `/api/chat/files/` and the id.

use crate::domain::{FileId, avatar::Avatar};

/// The prefix of every address of a stored file.
pub const PREFIX: &str = "/api/chat/files/";

/// Returns the address of a file.
#[must_use]
pub fn of(id: FileId) -> String {
    format!("{PREFIX}{id}")
}

/// Returns the file that an address names.
#[must_use]
pub fn file_at(address: &str) -> Option<FileId> {
    address.strip_prefix(PREFIX)?.parse().ok()
}

/// Returns the address of an avatar; empty when there is none.
#[must_use]
pub fn of_avatar(avatar: &Avatar) -> String {
    match avatar {
        Avatar::None => String::new(),
        Avatar::File(id) => of(*id),
        Avatar::Address(address) => address.clone(),
    }
}

/// Returns the avatar at an address.
#[must_use]
pub fn avatar_at(address: String) -> Avatar {
    file_at(&address).map_or_else(|| Avatar::at(address), Avatar::File)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_file() {
        let id = FileId::generate();
        assert_eq!(file_at(&of(id)), Some(id));
        for bad in [
            "",
            "https://evil.example/a.png",
            "//evil.example/a",
            "https://evil.example/api/chat/files/64b7f0c2a1b2c3d4e5f60718",
            "/api/chat/files/../users",
            "javascript:alert(1)",
            "/api/chat/files/",
            "/api/chat/files/x-ray",
            "/api/chat/files/64b7f0c2a1b2c3d4e5f60718/thumbnail",
        ] {
            assert_eq!(file_at(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_avatar_keeps_its_address() {
        for address in [
            "",
            "/api/chat/files/64b7f0c2a1b2c3d4e5f60718",
            "/pictures/a.png",
            "https://pictures.example/a.png",
            "file:64b7f0c2a1b2c3d4e5f60718",
        ] {
            assert_eq!(of_avatar(&avatar_at(address.to_owned())), address);
        }
    }
}
