//! Groups: making one, looking at it, changing it and who is in it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Services,
    messages::{once_stored, settled},
};
use crate::domain::{
    Error, MessageId, Result, SessionId, UserId,
    access::Actor,
    error::FieldErrors,
    event::{Audience, Event, GroupEvent},
    ledger::{GroupChange, Operation, Outcome},
    session::{MAX_MEMBERS, Profile, ProfileChange, Session},
    user::User,
};

/// A group that somebody asks for.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub profile: Profile,
    /// Besides the caller, who is its owner.
    pub participants: Vec<UserId>,
}

impl NewGroup {
    /// Every bad field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let Profile { name, avatar, topic, .. } = self.profile.clone();
        let change = ProfileChange {
            name: Some(name),
            avatar: Some(avatar),
            topic: Some(topic),
            ..ProfileChange::default()
        };
        change.problems()
    }
}

/// A session with who is in it.
#[derive(Debug, Clone)]
pub struct SessionInfo {
    pub session: Arc<Session>,
    pub profiles: Vec<User>,
}

impl Services {
    /// Makes a group. The caller is its owner.
    ///
    /// # Errors
    /// `Validation` naming every bad field; `NotFound` when somebody does not exist.
    pub async fn open_group(&self, actor: &Actor, new: NewGroup) -> Result<SessionInfo> {
        let mut problems = new.problems();
        let others: BTreeSet<UserId> =
            new.participants.into_iter().filter(|user| *user != actor.user).collect();
        if others.is_empty() || others.len() >= MAX_MEMBERS {
            problems.add("participants", "must make a group of 2 to 500 people");
        }
        problems.into_result(Error::Validation)?;
        self.must_be_people(&others).await?;
        let session = Session::group(actor.user, others, new.profile, self.clock.now());
        self.store.insert_group(&session).await?;
        self.note_changed(session.id);
        let session = Arc::new(session);
        let everybody = Audience::Users(session.participants().collect());
        self.hub.publish(&everybody, &Event::SessionCreated(Arc::clone(&session)));
        once_stored(self.info(session).await)
    }

    /// One session with who is in it.
    ///
    /// # Errors
    /// `ConversationNotFound` without a seat.
    pub async fn session_info(&self, actor: &Actor, session: SessionId) -> Result<SessionInfo> {
        let session = self.seat(session, actor.user).await?;
        self.info(Arc::new(session)).await
    }

    /// Changes a group or who is in it; answers it as it is then. When it is so already nothing happens.
    ///
    /// # Errors
    /// `ConversationNotFound` without a seat; `NotFound` for somebody who is not there; `Forbidden`;
    /// `Conflict` when it would have no owner, or too many people.
    pub async fn regroup(
        &self,
        actor: &Actor,
        session: SessionId,
        change: GroupChange,
    ) -> Result<Arc<GroupEvent>> {
        if let GroupChange::Add(users) = &change {
            // Without a seat nobody learns who works here.
            self.seat(session, actor.user).await?;
            self.must_be_people(&users.iter().copied().collect()).await?;
        }
        let notes = std::array::from_fn(|_| MessageId::generate());
        let operation = Operation::Regroup { session, by: actor.user, change, notes };
        match settled(self.queue.submit(operation)?).await? {
            Outcome::Regrouped(change) => Ok(change),
            _ => Err(Error::Internal),
        }
    }

    /// [`Services::regroup`], answered with who is in it then.
    ///
    /// # Errors
    /// As `regroup`; `OutcomeUnknown` when it is stored and the people cannot be looked up.
    pub async fn regrouped(
        &self,
        actor: &Actor,
        session: SessionId,
        change: GroupChange,
    ) -> Result<SessionInfo> {
        let change = self.regroup(actor, session, change).await?;
        once_stored(self.info(Arc::clone(&change.session)).await)
    }

    /// A session with its people's profiles.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    async fn info(&self, session: Arc<Session>) -> Result<SessionInfo> {
        let profiles = self.profiles(session.participants().collect()).await?;
        Ok(SessionInfo { session, profiles: profiles.into_values().collect() })
    }

    async fn must_be_people(&self, users: &BTreeSet<UserId>) -> Result<()> {
        let found = self.store.users_by_id(users.iter().copied()).await?;
        let active = found.iter().filter(|user| user.is_active).count();
        if active == users.len() { Ok(()) } else { Err(Error::NotFound("user")) }
    }

    /// Tells a change of a group: first to those who have gone, who hear nothing after it.
    pub(super) fn announce_regrouped(&self, session: SessionId, version: u64, change: &Arc<GroupEvent>) {
        if !change.is_fresh {
            return;
        }
        for user in &change.left {
            // What is on its way to them from elsewhere stops here.
            self.forget_typing(session, *user);
            self.forget_counts(session, *user);
            self.note_unread(session, version, &[(*user, 0)]);
            let event = Event::SessionRemoved { user: *user, change: Arc::clone(change) };
            self.hub.publish(&Audience::Users(vec![*user]), &event);
        }
        if !change.joined.is_empty() {
            let event = Event::SessionCreated(Arc::clone(&change.session));
            self.hub.publish(&Audience::Users(change.joined.clone()), &event);
        }
        let members = &change.session.members;
        for note in &change.notes {
            if members.contains_key(&change.by) {
                let to_author = Audience::Users(vec![change.by]);
                self.hub.publish(&to_author, &Event::MessageSent(Arc::clone(note)));
            }
            let others = Audience::Users(change.session.others(change.by));
            self.hub.publish(&others, &Event::MessageReceived(Arc::clone(note)));
        }
        let rest = members.keys().copied().filter(|user| !change.joined.contains(user)).collect();
        self.hub.publish(&Audience::Users(rest), &Event::SessionUpdated(Arc::clone(change)));
    }
}
