//! The directory: all users, and those who are present.

use std::collections::{BTreeMap, BTreeSet};

use super::{Services, audit::AuditedAction};
use crate::{
    config::Environment,
    domain::{
        ConversationId, Result, UserId,
        access::{Action, Actor},
        cursors::{NameCursor, PageRequest},
        paging::Pagination,
        presence::Status,
        user::{AccountStatus, DirectoryReader, Role, User, username_key},
    },
    store::users::UserFilter,
};

/// Returns the positions of entries in a list of `total` that is ordered by username, and removes
/// the extra entry beyond the page.
pub(super) fn paginate_by_username<T>(
    request: &PageRequest<NameCursor>,
    entries: &mut Vec<T>,
    total: u64,
    name: impl Fn(&T) -> &str,
) -> Pagination {
    let has_more = request.trim_extra(entries);
    let last = entries
        .last()
        .map(|entry| NameCursor(username_key(name(entry))));
    match request.cursor {
        Some(_) => Pagination::behind(request.page, total, last.filter(|_| has_more).as_ref()),
        None => Pagination::of(request.page, total)
            .with_next(last.filter(|_| request.wants_next).as_ref()),
    }
}

impl Services {
    /// Returns a page of the users by username, or those behind a cursor; with `session`, its
    /// members. Only admins see deactivated accounts.
    ///
    /// # Errors
    /// `Forbidden` for guests, and for others who ask for deactivated accounts; `ConversationNotFound` without a
    /// membership; when MongoDB does not answer.
    #[tracing::instrument(name = "users.list", level = "debug", skip_all)]
    pub async fn users(
        &self,
        actor: &Actor,
        filter: &UserFilter,
        session: Option<ConversationId>,
        request: &PageRequest<NameCursor>,
    ) -> Result<(Vec<User>, Pagination)> {
        actor.require(Action::ListPeople)?;
        if filter.account_status != AccountStatus::Active {
            actor.require(Action::ListInactive)?;
            self.record(AuditedAction::by(actor, "users.inactive"))
                .await?;
        }
        let mut filter = filter.clone();
        if let Some(session) = session {
            filter.only_users = Some(
                self.require_membership(session, actor.user)
                    .await?
                    .participants()
                    .collect(),
            );
        }
        let (mut users, total) = self.store.list_users(&filter, request).await?;
        let pagination = paginate_by_username(request, &mut users, total, |user| &user.username);
        self.adapt_to_caller(actor, &mut users).await?;
        Ok((users, pagination))
    }

    /// Returns the staff that are online or away, by username; a guest gets those with whom they
    /// share a conversation.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    #[tracing::instrument(name = "users.list_online", level = "debug", skip_all)]
    pub async fn users_online(&self, actor: &Actor) -> Result<Vec<User>> {
        // The database knows the other nodes; for this node its own registry is newer.
        let mut users = self.store.find_present_users().await?;
        let known: BTreeSet<UserId> = users.iter().map(|user| user.id).collect();
        let here = self.presence.present();
        let missing = here
            .iter()
            .map(|presence| presence.user)
            .filter(|id| !known.contains(id));
        users.extend(
            self.store
                .users_by_id(missing)
                .await?
                .into_iter()
                .filter(|user| user.is_active),
        );
        users.retain(|user| user.account.is_staff());
        // A guest sees those with whom they share a conversation.
        if actor.require(Action::ListPeople).is_err() {
            let circle = self.contacts_of(actor.user).await?;
            users.retain(|user| circle.contains(&user.id));
        }
        self.adapt_to_caller(actor, &mut users).await?;
        users.retain(|user| user.status != Status::Offline);
        users.sort_by_key(|a| a.username.to_lowercase());
        Ok(users)
    }

    /// Returns profiles by id as the caller sees them, with presence. They are of users with whom a
    /// caller shares a conversation, or wants to.
    pub(super) async fn profiles(
        &self,
        actor: &Actor,
        ids: BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, User>> {
        let mut users = self.store.users_by_id(ids).await?;
        self.adapt_to_caller(actor, &mut users).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    /// Adapts users to the caller: adds the presence known to this node, removes what the caller
    /// may not see.
    pub(super) async fn adapt_to_caller(&self, actor: &Actor, users: &mut [User]) -> Result<()> {
        self.overlay_presence(users);
        let contacts = self.settings.people.directory_contacts;
        let reader = DirectoryReader {
            user: actor.user,
            role: actor.role,
            contacts,
        };
        let circle = if self.sees_contacts_only(actor).await? {
            Some(self.contacts_of(actor.user).await?)
        } else {
            None
        };
        for user in users {
            reader.narrow(user);
            if circle
                .as_ref()
                .is_some_and(|circle| !circle.contains(&user.id))
            {
                user.status = Status::Offline;
                user.last_seen = None;
            }
        }
        Ok(())
    }

    /// Returns whether the caller is no member of staff, or, in production, registered their own
    /// account. Such a user receives presence only of users with whom they share a conversation.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn sees_contacts_only(&self, actor: &Actor) -> Result<bool> {
        if !actor.account.is_staff() {
            return Ok(true);
        }
        if self.settings.general.environment == Environment::Development || actor.role != Role::User
        {
            return Ok(false);
        }
        Ok(self
            .store
            .user(actor.user)
            .await?
            .is_none_or(|account| account.user.self_registered))
    }

    /// Returns the user, and all users with whom they share a conversation.
    pub(super) async fn contacts_of(&self, user: UserId) -> Result<BTreeSet<UserId>> {
        let circles = self.store.fellow_members_of(&[user]).await?;
        Ok(circles.into_iter().flatten().chain([user]).collect())
    }

    /// Replaces the database's presence of users by this node's newer one.
    pub(super) fn overlay_presence(&self, users: &mut [User]) {
        for user in users {
            if let Some(presence) = self.presence.of(user.id) {
                user.status = presence.status;
                user.last_seen = Some(presence.last_seen);
            }
        }
    }
}
