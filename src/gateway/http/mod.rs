//! What every gateway shares of HTTP: reading input, rendering answers, limits, addresses, origins.

pub mod accept;
pub mod address;
pub mod answer;
pub mod cells;
pub mod document;
pub mod extract;
pub mod fields;
pub mod file_name;
pub mod form;
pub mod layers;
pub mod leftover;
pub mod limits;
pub mod listener;
pub mod operations;
pub mod origin;
pub mod places;
pub mod scales;
pub mod serve;
pub mod standing;
pub mod trail;

use std::sync::Arc;

use scales::{Heavy, Owner, Turn};

use crate::{
    config::Settings,
    domain::{Result, UserId},
    service::Services,
};

/// What a handler can reach.
#[derive(Clone)]
pub struct Door {
    pub services: Arc<Services>,
    pub settings: Arc<Settings>,
    pub limits: Arc<limits::Limits>,
    pub scales: scales::Scales,
}

impl Door {
    /// Lets a person do something heavy, which counts as `weight` events: when it is their turn, and while not
    /// too much waits for them to be read. A refusal costs nothing. Without limits (`RATE_LIMIT=off`) everybody waits
    /// until it is their turn.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn turn(&self, user: UserId, heavy: Heavy, weight: usize) -> Result<Turn> {
        self.limits.spend(user, weight)?;
        let purse = self.scales.purse(Owner::Person(user));
        purse.has_room()?;
        let turn = purse.turn(heavy, !self.settings.rate_limit).await?;
        // What was read meanwhile may have filled the room.
        purse.has_room()?;
        Ok(turn)
    }
}
