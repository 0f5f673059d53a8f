//! The chat gateway: `/api/chat`, `/api/auth` and the Socket.IO events, as `docs/contracts/chat.md`
//! names them.
//!
//! [`file_address`] makes the addresses of files, [`json`] is the wire form of all data, [`rest`] the REST calls, [`socket`] the events.

mod file_address;
pub mod json;
pub mod rest;
pub mod socket;
