//! The directory: who works here, and who is here now.

use std::collections::{BTreeMap, BTreeSet};

use super::{Services, audit::AuditedAction};
use crate::{
    config::Environment,
    domain::{
        ConversationId, Result, UserId,
        access::Actor,
        cursors::{NameCursor, PageRequest},
        paging::Pagination,
        presence::Status,
        user::{AccountStatus, DirectoryReader, Role, User, username_key},
    },
    store::users::UserFilter,
};

/// Where entries stand in a list of `total` that is ordered by username; what was asked for beyond the page is
/// taken off.
pub(super) fn by_name<T>(
    request: &PageRequest<NameCursor>,
    entries: &mut Vec<T>,
    total: u64,
    name: impl Fn(&T) -> &str,
) -> Pagination {
    let has_more = request.cut(entries);
    let last = entries.last().map(|entry| NameCursor(username_key(name(entry))));
    match request.cursor {
        Some(_) => Pagination::behind(request.page, total, last.filter(|_| has_more).as_ref()),
        None => Pagination::of(request.page, total).with_next(last.filter(|_| request.wants_next).as_ref()),
    }
}

impl Services {
    /// A page of the people, by username, or those behind a cursor; with `session`, of those in it. Deactivated accounts are for admins
    /// to see.
    ///
    /// # Errors
    /// `Forbidden` for others who ask for those; `ConversationNotFound` without a seat; when MongoDB does not
    /// answer.
    pub async fn users(
        &self,
        actor: &Actor,
        filter: &UserFilter,
        session: Option<ConversationId>,
        request: &PageRequest<NameCursor>,
    ) -> Result<(Vec<User>, Pagination)> {
        if filter.standing != AccountStatus::Active {
            actor.must_be_admin()?;
            self.record(AuditedAction::by(actor, "users.inactive")).await?;
        }
        let mut filter = filter.clone();
        if let Some(session) = session {
            filter.among = Some(self.seat(session, actor.user).await?.participants().collect());
        }
        let (mut users, total) = self.store.list_users(&filter, request).await?;
        let pagination = by_name(request, &mut users, total, |user| &user.username);
        self.show(actor, &mut users).await?;
        Ok((users, pagination))
    }

    /// Everybody online or away, by username.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn users_online(&self, actor: &Actor) -> Result<Vec<User>> {
        // The database knows of other nodes, this node's board is ahead of the database for its own.
        let mut users = self.store.users_present().await?;
        let known: BTreeSet<UserId> = users.iter().map(|user| user.id).collect();
        let here = self.presence.present();
        let missing = here.iter().map(|presence| presence.user).filter(|id| !known.contains(id));
        users.extend(self.store.users_by_id(missing).await?.into_iter().filter(|user| user.is_active));
        self.show(actor, &mut users).await?;
        users.retain(|user| user.status != Status::Offline);
        users.sort_by_key(|a| a.username.to_lowercase());
        Ok(users)
    }

    /// Profiles by id as the caller sees them, with presence. They are of people with whom somebody shares a
    /// session, or wants to.
    pub(super) async fn profiles(
        &self,
        actor: &Actor,
        ids: BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, User>> {
        let mut users = self.store.users_by_id(ids).await?;
        self.show(actor, &mut users).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    /// Shows people as the caller sees them: with the presence that this node knows, without what is not theirs
    /// to know.
    pub(super) async fn show(&self, actor: &Actor, users: &mut [User]) -> Result<()> {
        self.overlay_presence(users);
        let contacts = self.settings.directory_contacts;
        let reader = DirectoryReader { user: actor.user, role: actor.role, contacts };
        let circle =
            if self.is_stranger(actor).await? { Some(self.circle_of(actor.user).await?) } else { None };
        for user in users {
            reader.narrow(user);
            if circle.as_ref().is_some_and(|circle| !circle.contains(&user.id)) {
                user.status = Status::Offline;
                user.last_seen = None;
            }
        }
        Ok(())
    }

    /// Whether the caller made their account themselves, in a house in production: they learn of the coming and
    /// going only of those with whom they share a session.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn is_stranger(&self, actor: &Actor) -> Result<bool> {
        if self.settings.environment == Environment::Development || actor.role != Role::User {
            return Ok(false);
        }
        Ok(self.store.user(actor.user).await?.is_none_or(|account| account.user.self_registered))
    }

    /// The caller, and everybody with whom they share a session.
    pub(super) async fn circle_of(&self, user: UserId) -> Result<BTreeSet<UserId>> {
        let circles = self.store.circles_of(&[user]).await?;
        Ok(circles.into_iter().flatten().chain([user]).collect())
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
