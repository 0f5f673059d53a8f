//! Wardline: clinical messaging on one binary and one MongoDB. The rooms of the house, lowest first;
//! which may know which is checked by `tests/architecture.rs`.

pub mod app;
pub mod config;
pub mod domain;
pub mod gateway;
pub mod hub;
pub mod service;
pub mod store;
pub mod telemetry;
