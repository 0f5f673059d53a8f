//! Sessions: opening a private one, listing one's own.

use std::collections::BTreeSet;

use super::Services;
use crate::domain::{
    Error, Result, SessionId, UserId,
    access::Actor,
    error::FieldErrors,
    event::{Audience, Event},
    paging::{Page, Pagination},
    session::{Member, Session, SessionKind},
    user::User,
};

/// A session as a list shows it to one person.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub session: Session,
    pub profiles: Vec<User>,
    /// The asked person's unread messages.
    pub unread: u64,
    /// The asked person's seat.
    pub seat: Option<Member>,
}

impl Services {
    /// A page of somebody's sessions, newest activity first. An admin may look at others'; that is
    /// put on record.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn sessions_of(
        &self,
        actor: &Actor,
        user: UserId,
        page: Page,
    ) -> Result<(Vec<SessionView>, Pagination)> {
        self.look(actor, user, "sessions.list").await?;
        let (sessions, total) = self.store.sessions_of(user, page).await?;
        let people: BTreeSet<UserId> = sessions.iter().flat_map(Session::participants).collect();
        let profiles = self.profiles(people).await?;
        let views = sessions.into_iter().map(|session| SessionView {
            profiles: session.participants().filter_map(|id| profiles.get(&id).cloned()).collect(),
            unread: session.members.get(&user).map_or(0, |member| member.unread),
            seat: session.members.get(&user).cloned(),
            session,
        });
        Ok((views.collect(), Pagination::of(page, total)))
    }

    /// The private session of two people, one of whom is the caller; `true` when it is new.
    ///
    /// # Errors
    /// `Validation` with oneself, `Forbidden` for two others, `NotFound` when the other does not exist.
    pub async fn open_private(
        &self,
        actor: &Actor,
        first: UserId,
        second: UserId,
    ) -> Result<(SessionView, bool)> {
        if first == second {
            return Err(Error::Validation(FieldErrors::one("userId2", "must be another person")));
        }
        if actor.user != first {
            actor.must_be(second)?;
        }
        let profiles = self.profiles(BTreeSet::from([first, second])).await?;
        if profiles.len() != 2 || profiles.values().any(|user| !user.is_active) {
            return Err(Error::NotFound("user"));
        }
        let fresh = Session::private(first, second, self.clock.now());
        let (session, is_new) = self.store.private_session(fresh).await?;
        if is_new {
            self.note_changed(session.id);
            let event = Event::SessionCreated(std::sync::Arc::new(session.clone()));
            self.hub.publish(&Audience::Users(vec![first, second]), &event);
        }
        let seat = session.members.get(&actor.user).cloned();
        let unread = seat.as_ref().map_or(0, |member| member.unread);
        Ok((SessionView { session, profiles: profiles.into_values().collect(), unread, seat }, is_new))
    }

    /// What was read of a group is answered only to those who still have their seat: what was said, or
    /// changed, after they lost it is not theirs to see.
    pub(super) async fn must_still_sit(&self, session: &Session, user: UserId) -> Result<()> {
        match session.kind {
            // Nobody leaves a private session.
            SessionKind::Private => Ok(()),
            SessionKind::Group => {
                let seats = self.store.seats_of(&[session.id], user).await?;
                if seats.contains_key(&session.id) { Ok(()) } else { Err(Error::ConversationNotFound) }
            }
        }
    }

    /// A session in which `user` has a seat; without one it is not there.
    pub(super) async fn seat(&self, session: SessionId, user: UserId) -> Result<Session> {
        self.store.session_of(session, user).await?.ok_or(Error::ConversationNotFound)
    }
}
