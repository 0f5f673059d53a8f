//! The chat gateway: `/api/chat` and the Socket.IO events, as `docs/contracts/chat.md`
//! names them.
//!
//! [`json`] is the wire form of all data, [`rest`] the REST calls, [`socket`] the events. Accounts and
//! the addresses of files are shared with other gateways (`gateway/accounts`).

pub mod json;
pub mod rest;
pub mod socket;

use super::accounts::file_address;
