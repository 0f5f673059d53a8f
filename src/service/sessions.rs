//! Sessions: opening a private one, listing one's own.

use std::collections::BTreeSet;

use super::{Services, courtesy::Made};
use crate::domain::{
    Error, Result, SessionId, UserId,
    access::Actor,
    cursors::{PageRequest, SessionsCursor},
    error::FieldErrors,
    event::{Audience, Event},
    paging::{Page, Pagination},
    session::{Member, Session, SessionKind},
    user::{Role, User},
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
    /// A page of somebody's sessions, newest activity first; with a cursor, those behind it in the order of the
    /// first page. An admin may look at others'; that is put on record.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn sessions_of(
        &self,
        actor: &Actor,
        user: UserId,
        request: &PageRequest<SessionsCursor>,
    ) -> Result<(Vec<SessionView>, Pagination)> {
        self.look(actor, user, "sessions.list").await?;
        let (sessions, pagination) = match &request.cursor {
            None => self.first_sessions(user, request).await?,
            Some(cursor) => self.next_sessions(user, request.page, cursor).await?,
        };
        let people: BTreeSet<UserId> = sessions.iter().flat_map(Session::participants).collect();
        let profiles = self.profiles(actor, people).await?;
        let views =
            sessions.into_iter().map(|session| session.seen_by(actor.user)).map(|session| SessionView {
                profiles: session.participants().filter_map(|id| profiles.get(&id).cloned()).collect(),
                unread: session.members.get(&user).map_or(0, |member| member.unread),
                seat: session.members.get(&user).cloned(),
                session,
            });
        Ok((views.collect(), pagination))
    }

    async fn first_sessions(
        &self,
        user: UserId,
        request: &PageRequest<SessionsCursor>,
    ) -> Result<(Vec<Session>, Pagination)> {
        let page = request.page;
        let now = self.clock.now();
        let (sessions, total) = self.store.sessions_of(user, page).await?;
        let times = sessions.iter().map(|session| (session.id, session.last_message_time));
        let next = request.wants_next.then(|| SessionsCursor::behind(times, now));
        Ok((sessions, Pagination::of(page, total).with_next(next.as_ref())))
    }

    async fn next_sessions(
        &self,
        user: UserId,
        page: Page,
        cursor: &SessionsCursor,
    ) -> Result<(Vec<Session>, Pagination)> {
        let ((sessions, next), total) = tokio::try_join!(
            self.store.sessions_behind(user, cursor, page.limit),
            self.store.count_sessions_of(user)
        )?;
        Ok((sessions, Pagination::behind(page, total, next.as_ref())))
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
        let profiles = self.profiles(actor, BTreeSet::from([first, second])).await?;
        if profiles.len() != 2 {
            return Err(Error::NotFound("user"));
        }
        let gone: Vec<UserId> =
            profiles.values().filter(|user| !user.is_active).map(|user| user.id).collect();
        if !gone.is_empty() && !self.store.has_private_session(first, second).await? {
            let known = self.known_among(actor, &gone).await?;
            if known.is_empty() {
                return Err(Error::NotFound("user"));
            }
            return Err(self.recipient_inactive(known).await);
        }
        if !self.store.has_private_session(first, second).await? {
            self.courtesy.make(actor.user, Made::PrivateSession, 1)?;
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

    /// Those of these people whose account the caller may know of: admins everybody's, others those of people
    /// with whom they share a session.
    pub(super) async fn known_among(&self, actor: &Actor, people: &[UserId]) -> Result<Vec<UserId>> {
        if actor.role == Role::Admin {
            return Ok(people.to_vec());
        }
        let circle = self.circle_of(actor.user).await?;
        Ok(people.iter().copied().filter(|user| circle.contains(user)).collect())
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
