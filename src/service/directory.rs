//! The directory: who works here, and who is here now.

use std::collections::{BTreeMap, BTreeSet};

use super::Services;
use crate::{
    domain::{
        Result, UserId,
        access::Actor,
        paging::{Page, Pagination},
        presence::Status,
        user::{Standing, User},
    },
    store::users::UserFilter,
};

impl Services {
    /// A page of the people, by username. Deactivated accounts are for admins to see.
    ///
    /// # Errors
    /// `Forbidden` for others who ask for those; when MongoDB does not answer.
    pub async fn users(
        &self,
        actor: &Actor,
        filter: &UserFilter,
        page: Page,
    ) -> Result<(Vec<User>, Pagination)> {
        if filter.standing != Standing::Active {
            actor.must_be_admin()?;
        }
        let (mut users, total) = self.store.list_users(filter, page).await?;
        self.overlay_presence(&mut users);
        Ok((users, Pagination::of(page, total)))
    }

    /// Everybody online or away, by username.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn users_online(&self, _actor: &Actor) -> Result<Vec<User>> {
        // The database knows of other nodes, this node's board is ahead of the database for its own.
        let mut users = self.store.users_present().await?;
        let known: BTreeSet<UserId> = users.iter().map(|user| user.id).collect();
        let here = self.presence.present();
        let missing = here.iter().map(|presence| presence.user).filter(|id| !known.contains(id));
        users.extend(self.store.users_by_id(missing).await?.into_iter().filter(|user| user.is_active));
        self.overlay_presence(&mut users);
        users.retain(|user| user.status != Status::Offline);
        users.sort_by_key(|a| a.username.to_lowercase());
        Ok(users)
    }

    /// Profiles by id, with presence.
    pub(super) async fn profiles(&self, ids: BTreeSet<UserId>) -> Result<BTreeMap<UserId, User>> {
        let mut users = self.store.users_by_id(ids).await?;
        self.overlay_presence(&mut users);
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    /// Replaces what the database says of people's presence by what this node knows better.
    pub(super) fn overlay_presence(&self, users: &mut [User]) {
        for user in users {
            if let Some(presence) = self.presence.of(user.id) {
                user.status = presence.status;
                user.last_seen = Some(presence.last_seen);
            }
        }
    }
}
