//! The doors: each folder speaks one protocol and decides nothing. What they share of HTTP is in
//! [`http`]. To remove a gateway is to delete its folder and its line here and in `app.rs`.

pub mod chat;
pub mod http;
pub mod web;
