//! Presence: a user has the most present status of their connections.

use std::str::FromStr;

use super::{OnlineSocketId, Timestamp, UserId};

/// The status of a connection, and of a user over all connections. Ordered: the most present wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// Not connected, or hidden.
    #[default]
    Offline,
    /// Connected but idle.
    Away,
    /// Present.
    Online,
}

impl Status {
    /// All statuses, for schemas and checks.
    pub const ALL: [Status; 3] = [Status::Online, Status::Away, Status::Offline];

    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Online => "online",
            Status::Away => "away",
            Status::Offline => "offline",
        }
    }
}

/// The error of a text that names no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a status is one of online, away, offline")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownStatus)
    }
}

/// A user's status at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    pub user: UserId,
    pub status: Status,
    pub last_seen: Timestamp,
}

/// One connection as `online_users` stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineSocket {
    /// The document's own id.
    pub id: OnlineSocketId,
    pub user: UserId,
    /// The name of the connection in the protocol (Socket.IO's `sid`).
    pub socket_id: String,
    pub status: Status,
    pub user_agent: String,
    pub ip_address: String,
    pub connected_at: Timestamp,
}

/// Returns the most present of the given statuses; offline when there are none.
#[must_use]
pub fn aggregate(statuses: impl IntoIterator<Item = Status>) -> Status {
    statuses.into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_connection_speaks_for_the_person() {
        assert_eq!(
            aggregate([Status::Away, Status::Online, Status::Offline]),
            Status::Online
        );
        assert_eq!(aggregate([Status::Away, Status::Offline]), Status::Away);
        assert_eq!(aggregate([]), Status::Offline);
    }
}
