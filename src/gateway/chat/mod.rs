//! The chat gateway: `/api/chat`, `/api/auth` and the Socket.IO events, as `docs/contracts/chat.md`
//! names them.
//!
//! [`json`] is the wire form of all data, [`rest`] the REST calls, [`socket`] the events.

pub mod json;
pub mod rest;
pub mod socket;
