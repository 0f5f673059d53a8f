//! Wardline: clinical messaging on one binary and one MongoDB. `tests/architecture.rs` checks which
//! module may use which.

pub mod app;
pub mod bus;
pub mod config;
pub mod domain;
pub mod gateway;
pub mod hub;
pub mod service;
pub mod store;
pub mod telemetry;
