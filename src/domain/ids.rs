//! Identifiers: one type for each noun, so that a conversation's id cannot be used as a user's.
//!
//! An id is twelve bytes, written as 24 lower-case hex digits. The database has its own form of it,
//! which is made in the store.

use std::{
    fmt,
    str::FromStr,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Clock, SystemClock};

/// The error of a text that is not 24 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hexadecimal digits")]
pub struct InvalidId;

fn parse_hex(text: &str) -> Result<[u8; 12], InvalidId> {
    let digits: &[u8; 24] = text.as_bytes().try_into().map_err(|_| InvalidId)?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(InvalidId),
    };
    let mut id = [0; 12];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Ok(id)
}

/// Returns the digits of an id. Every event needs them, so there is no allocation.
fn hex(id: [u8; 12]) -> [u8; 24] {
    const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 24];
    for (pair, byte) in text.chunks_exact_mut(2).zip(id) {
        pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
        pair[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    text
}

/// This process, in the ids that it makes.
static PROCESS: LazyLock<[u8; 5]> = LazyLock::new(rand::random);
/// The number of the next id; it starts anywhere and wraps.
static NEXT_NUMBER: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(rand::random()));

/// Returns a new id, unique across nodes: four bytes of seconds, five of the process, three of a
/// counter. Ids of one process ascend, so that an index grows at its end.
fn next_id() -> [u8; 12] {
    let [.., s1, s2, s3, s4] = SystemClock.now().seconds().to_be_bytes();
    let [p1, p2, p3, p4, p5] = *PROCESS;
    let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
    let [_, n1, n2, n3] = number.to_be_bytes();
    [s1, s2, s3, s4, p1, p2, p3, p4, p5, n1, n2, n3]
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 12]);

        impl $name {
            /// The lowest id, which names nothing.
            pub const NIL: Self = Self([0; 12]);

            /// Returns a new id, unique across nodes.
            #[must_use]
            pub fn generate() -> Self {
                Self(next_id())
            }

            /// Returns the id with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            /// Returns its bytes.
            #[must_use]
            pub const fn bytes(self) -> [u8; 12] {
                self.0
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

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(std::str::from_utf8(&hex(self.0)).unwrap_or_default())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                parse_hex(&text).map(Self).map_err(de::Error::custom)
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
id! {
    /// One row of the audit log.
    AuditEntryId
}
id! {
    /// One connection in `online_users`.
    OnlineSocketId
}
id! {
    /// One entry of a list that is ordered by time, whatever it holds.
    EntryId
}

macro_rules! entry {
    ($($name:ident)*) => {$(
        impl From<$name> for EntryId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }

        impl From<EntryId> for $name {
            fn from(id: EntryId) -> Self {
                Self(id.0)
            }
        }
    )*};
}
entry! { ConversationId AuditEntryId }

/// One issued token: its `jti` claim, which another issuer that shares the secret chooses freely.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(pub std::sync::Arc<str>);

impl TokenId {
    /// Returns a new id, unique across nodes.
    #[must_use]
    pub fn generate() -> Self {
        Self(EntryId::generate().to_string().into())
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

    #[test]
    fn an_id_is_hex() {
        let id: UserId = "64b7F0c2a1b2c3d4e5f60718".parse().unwrap();
        assert_eq!(id.bytes()[..4], [0x64, 0xb7, 0xf0, 0xc2]);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"64b7f0c2a1b2c3d4e5f60718\"");
        assert_eq!(serde_json::from_str::<UserId>(&json).unwrap(), id);
    }

    #[test]
    fn no_two_ids_are_alike() {
        let ids: std::collections::BTreeSet<_> =
            (0..10_000).map(|_| MessageId::generate()).collect();
        assert_eq!(ids.len(), 10_000);
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
