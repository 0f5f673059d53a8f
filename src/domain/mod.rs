//! The domain types and their pure rules: no I/O, no clock, no randomness of its own.
//!
//! All layers above (store, hub, services, gateways) use these types; this module knows none of
//! those layers. The rules for messages are in [`conversation_state`], the access rules in
//! [`access`], the events for clients in [`event`].

pub mod access;
pub mod audit;
pub mod avatar;
pub mod change_log;
pub mod conversation;
pub mod conversation_state;
pub mod cursors;
pub mod encoded_size;
pub mod error;
pub mod event;
mod field;
pub mod file;
pub mod ids;
pub mod job;
pub mod message;
pub mod message_parts;
pub mod network;
pub mod paging;
pub mod password;
pub mod presence;
pub mod receipts;
pub mod search_keys;
pub mod statistics;
pub mod text;
pub mod text_folding;
pub mod time;
pub mod user;

pub use error::{Error, Result};
pub use field::Field;
pub use ids::{
    AuditEntryId, ConversationId, EntryId, FileId, MessageId, OnlineSocketId, TokenId, UserId,
};
pub use network::Network;
pub use time::{Clock, SystemClock, Timestamp};
