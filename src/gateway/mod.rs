//! The gateways: each folder translates one protocol and decides nothing. Their common HTTP parts
//! are in [`http`]. A gateway is removed by deleting its folder and its line here and in `app.rs`.

pub mod accounts;
pub mod chat;
pub mod http;
pub mod i18n;
pub mod realtime;
pub mod transport;
pub mod web;
