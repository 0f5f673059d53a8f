//! The HTTP parts that all gateways share: reading input, rendering answers, limits, addresses,
//! origins.

pub mod accept_header;
pub mod address;
pub mod answer;
pub mod audit_context;
pub mod connection_slots;
pub mod csv_cells;
pub mod document;
pub mod drainable_body;
pub mod error;
pub mod extract;
pub mod field_names;
pub mod fields;
pub mod file_name;
pub mod form;
pub mod layers;
pub mod limits;
pub mod listener;
pub mod load_meter;
pub mod operations;
pub mod origin;
pub mod serve;
pub mod token_expiry;

use std::sync::Arc;

use load_meter::{Heavy, HeavyPermit, LoadOwner};

use crate::{
    config::Settings,
    domain::{Result, UserId},
    service::Services,
};

/// The state that handlers use.
#[derive(Clone)]
pub struct AppState {
    pub services: Arc<Services>,
    pub settings: Arc<Settings>,
    pub limits: Arc<limits::Limits>,
    pub load_meter: load_meter::LoadMeter,
}

impl AppState {
    /// Waits for a permit for a heavy call of a user, which counts as `weight` events. It is
    /// refused while the user has too many unread bytes. A refusal costs nothing. Without limits
    /// (`RATE_LIMIT=off`) every call waits until it has its permit.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn turn(&self, user: UserId, heavy: Heavy, weight: usize) -> Result<HeavyPermit> {
        self.limits.spend_events(user, weight)?;
        let load_account = self.load_meter.load_account(LoadOwner::Person(user));
        load_account.check_capacity()?;
        let turn = load_account
            .turn(heavy, !self.settings.limits.rate_limit)
            .await?;
        // Other answers may have used up the capacity meanwhile.
        load_account.check_capacity()?;
        Ok(turn)
    }
}
