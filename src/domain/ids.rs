//! Identifiers: one type for each noun, so that a conversation's id cannot be used as a user's.
//!
//! In JSON an id is 24 lower-case hex digits, in BSON an `ObjectId`. The same type serves both: it
//! asks the format whether it is human readable.

use std::{fmt, str::FromStr};

use bson::{Bson, oid::ObjectId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The error of a text that is not 24 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hexadecimal digits")]
pub struct InvalidId;

fn parse_hex(text: &str) -> Result<ObjectId, InvalidId> {
    if text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        ObjectId::parse_str(text).map_err(|_| InvalidId)
    } else {
        Err(InvalidId)
    }
}

/// Returns the digits of an id. Every event needs them, so there is no allocation.
fn hex(id: ObjectId) -> [u8; 24] {
    const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 24];
    for (pair, byte) in text.chunks_exact_mut(2).zip(id.bytes()) {
        pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
        pair[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    text
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub ObjectId);

        impl $name {
            /// Returns a new id, unique across nodes (an `ObjectId`: time, process, counter).
            #[must_use]
            pub fn generate() -> Self {
                Self(ObjectId::new())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hex(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&hex(self.0)).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl From<$name> for Bson {
            fn from(id: $name) -> Self {
                Bson::ObjectId(id.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(std::str::from_utf8(&hex(self.0)).unwrap_or_default())
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    parse_hex(&text).map(Self).map_err(de::Error::custom)
                } else {
                    ObjectId::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

id! {
    /// A user (or, later, a guest or a customer).
    UserId
}
id! {
    /// A conversation: private or group.
    ConversationId
}
id! {
    /// One message.
    MessageId
}
id! {
    /// One stored file.
    FileId
}
/// One issued token: its `jti` claim, which another issuer that shares the secret chooses freely.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(pub std::sync::Arc<str>);

impl TokenId {
    /// Returns a new id, unique across nodes.
    #[must_use]
    pub fn generate() -> Self {
        Self(ObjectId::new().to_hex().into())
    }
}

/// One running process of the service. A restart is a new node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

impl NodeId {
    /// Returns a new random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node-{:016x}", self.0)
    }
}

/// One live connection of a user, unique over all nodes. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    pub node: NodeId,
    /// Counted on its node from 0.
    pub number: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Row {
        id: UserId,
    }

    #[test]
    fn an_id_is_hex_in_json_and_an_object_id_in_bson() {
        let id: UserId = "64b7f0c2a1b2c3d4e5f60718".parse().unwrap();
        assert_eq!(
            serde_json::to_string(&id).unwrap(),
            "\"64b7f0c2a1b2c3d4e5f60718\""
        );
        let bytes = bson::serialize_to_vec(&Row { id }).unwrap();
        let row: bson::Document = bson::deserialize_from_slice(&bytes).unwrap();
        assert_eq!(row.get_object_id("id").unwrap(), id.0);
        let back: Row = bson::deserialize_from_slice(&bytes).unwrap();
        assert_eq!(back.id, id);
    }

    #[test]
    fn anything_but_24_hex_digits_is_refused() {
        for text in [
            "",
            "64b7",
            "64b7f0c2a1b2c3d4e5f6071g",
            "64b7f0c2a1b2c3d4e5f607180",
            "twelve bytes",
        ] {
            assert!(text.parse::<UserId>().is_err(), "{text}");
        }
    }
}
