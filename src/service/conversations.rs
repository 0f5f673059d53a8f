//! Conversations: opening a private one, listing the caller's own.

use std::collections::BTreeSet;

use super::{Services, creation_limits::CreatedThing};
use crate::domain::{
    ConversationId, Error, Field, Result, UserId,
    access::{Action, Actor, Facts, OpenConversation},
    conversation::{Conversation, ConversationKind, Member},
    cursors::{ConversationsCursor, PageRequest},
    error::FieldErrors,
    event::{ConversationEvent, Envelope, Event, Scope},
    paging::{Page, Pagination},
    user::{AccountKind, User},
};

/// A conversation as a user's list shows it.
#[derive(Debug, Clone)]
pub struct ConversationView {
    pub session: Conversation,
    pub profiles: Vec<User>,
    /// The unread messages of the list's user.
    pub unread: u64,
    /// The membership of the list's user.
    pub member: Option<Member>,
}

impl Services {
    /// Returns a page of a user's conversations, newest activity first. With a cursor, it returns
    /// those behind it in the order of the first page. An admin may read another user's list; that
    /// read is audited.
    ///
    /// # Errors
    /// `Forbidden`.
    #[tracing::instrument(name = "conversations.list", level = "debug", skip_all)]
    pub async fn conversations_of(
        &self,
        actor: &Actor,
        user: UserId,
        request: &PageRequest<ConversationsCursor>,
    ) -> Result<(Vec<ConversationView>, Pagination)> {
        self.audit_read(actor, user, "sessions.list").await?;
        let (sessions, pagination) = match &request.cursor {
            None => self.first_page(user, request).await?,
            Some(cursor) => self.page_after_cursor(user, request.page, cursor).await?,
        };
        let people: BTreeSet<UserId> = sessions
            .iter()
            .flat_map(Conversation::participants)
            .collect();
        let profiles = self.profiles(actor, people).await?;
        let views = sessions
            .into_iter()
            .map(|session| session.visible_to(actor.user))
            .map(|session| ConversationView {
                profiles: session
                    .participants()
                    .filter_map(|id| profiles.get(&id).cloned())
                    .collect(),
                unread: session.members.get(&user).map_or(0, |member| member.unread),
                member: session.members.get(&user).cloned(),
                session,
            });
        Ok((views.collect(), pagination))
    }

    async fn first_page(
        &self,
        user: UserId,
        request: &PageRequest<ConversationsCursor>,
    ) -> Result<(Vec<Conversation>, Pagination)> {
        let page = request.page;
        let now = self.clock.now();
        let (sessions, total) = self.store.conversations_of(user, page).await?;
        let times = sessions
            .iter()
            .map(|session| (session.id, session.last_message_time));
        let next = request
            .wants_next
            .then(|| ConversationsCursor::behind(times, now));
        Ok((
            sessions,
            Pagination::of(page, total).with_next(next.as_ref()),
        ))
    }

    async fn page_after_cursor(
        &self,
        user: UserId,
        page: Page,
        cursor: &ConversationsCursor,
    ) -> Result<(Vec<Conversation>, Pagination)> {
        let ((sessions, next), total) = tokio::try_join!(
            self.store
                .conversations_after_cursor(user, cursor, page.limit),
            self.store.count_conversations_of(user)
        )?;
        Ok((sessions, Pagination::behind(page, total, next.as_ref())))
    }

    /// Returns the private conversation of two users, one of whom is the caller; `true` when it is
    /// new.
    ///
    /// # Errors
    /// `Validation` for a conversation with the caller alone, `Forbidden` for two other users,
    /// `NotFound` when the other user does not exist.
    #[tracing::instrument(name = "conversations.open_private", level = "debug", skip_all)]
    pub async fn open_private(
        &self,
        actor: &Actor,
        first: UserId,
        second: UserId,
    ) -> Result<(ConversationView, bool)> {
        if first == second {
            return Err(Error::Validation(FieldErrors::one(
                Field::OtherUser,
                "must be another person",
            )));
        }
        let own = if actor.user == first { first } else { second };
        let grant = actor.authorize::<OpenConversation>(Facts::Subject(own))?;
        let profiles = self
            .profiles(actor, BTreeSet::from([first, second]))
            .await?;
        let is_customer = |user: &User| user.account == AccountKind::Customer;
        if profiles.len() != 2 || profiles.values().any(is_customer) {
            return Err(Error::NotFound("user"));
        }
        let gone: Vec<UserId> = profiles
            .values()
            .filter(|user| !user.is_active)
            .map(|user| user.id)
            .collect();
        if !gone.is_empty() && !self.store.has_private_conversation(first, second).await? {
            let known = self.require_known(actor, &gone).await?;
            if known.is_empty() {
                return Err(Error::NotFound("user"));
            }
            return Err(self.inactive_recipient_error(known).await);
        }
        if !self.store.has_private_conversation(first, second).await? {
            self.creation_limits
                .count_created(actor.user, CreatedThing::PrivateSession, 1)?;
        }
        let (session, is_new) = self
            .store
            .open_private_conversation(&grant, first, second, self.clock.now())
            .await?;
        if is_new {
            self.record_changed(session.id);
            let event = ConversationEvent::Created(std::sync::Arc::new(session.clone()));
            self.publish(Envelope::of(
                Scope::of(&session),
                vec![first, second],
                Event::Conversation(event),
            ));
        }
        let member = session.members.get(&actor.user).cloned();
        let unread = member.as_ref().map_or(0, |member| member.unread);
        Ok((
            ConversationView {
                session,
                profiles: profiles.into_values().collect(),
                unread,
                member,
            },
            is_new,
        ))
    }

    /// Returns those of these users whose account the caller may see. An admin may see all
    /// accounts. Others may see those of users with whom they share a conversation.
    pub(super) async fn require_known(
        &self,
        actor: &Actor,
        people: &[UserId],
    ) -> Result<Vec<UserId>> {
        if actor.require(Action::ListInactive).is_ok() {
            return Ok(people.to_vec());
        }
        let circle = self.contacts_of(actor.user).await?;
        Ok(people
            .iter()
            .copied()
            .filter(|user| circle.contains(user))
            .collect())
    }

    /// Checks that the user is still a member of the group that was read. A former member must not
    /// see what was written or changed after the membership ended.
    pub(super) async fn recheck_membership(
        &self,
        session: &Conversation,
        user: UserId,
    ) -> Result<()> {
        match session.kind {
            // Nobody leaves a private conversation.
            ConversationKind::Private => Ok(()),
            ConversationKind::Group => {
                let memberships = self.store.memberships_of(&[session.id], user).await?;
                if memberships.contains_key(&session.id) {
                    Ok(())
                } else {
                    Err(Error::ConversationNotFound)
                }
            }
        }
    }

    /// Returns a conversation of which `user` is a member; otherwise it is not found.
    pub(super) async fn require_membership(
        &self,
        session: ConversationId,
        user: UserId,
    ) -> Result<Conversation> {
        self.store
            .conversation_for_member(session, user)
            .await?
            .ok_or(Error::ConversationNotFound)
    }
}
