//! What every gateway shares of HTTP: reading input, rendering answers, limits, addresses, origins.

pub mod address;
pub mod answer;
pub mod extract;
pub mod fields;
pub mod form;
pub mod layers;
pub mod limits;
pub mod listener;
pub mod operations;
pub mod origin;
pub mod serve;

use std::sync::Arc;

use crate::{config::Settings, service::Services};

/// What a handler can reach.
#[derive(Clone)]
pub struct Door {
    pub services: Arc<Services>,
    pub settings: Arc<Settings>,
    pub limits: Arc<limits::Limits>,
}
