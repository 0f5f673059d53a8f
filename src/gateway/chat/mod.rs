//! The chat gateway: `/api/chat` and the Socket.IO events, as `docs/contracts/chat.md`
//! names them.
//!
//! [`json`] is the wire form of all data, [`rest`] the REST calls, [`realtime`] the Socket.IO
//! events. Accounts and the addresses of files are shared with other gateways (`gateway/accounts`).

pub mod json;
pub mod realtime;
pub mod rest;

use super::accounts::file_address;
