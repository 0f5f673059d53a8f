//! Groups: creating one, reading it, changing it and its members.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Services,
    audit::AuditedAction,
    creation_limits::CreatedThing,
    messages::{await_outcome, or_outcome_unknown},
};
use crate::domain::{
    ConversationId, Error, Field, MessageId, Result, UserId,
    access::{Action, Actor, Converse, Facts, OpenConversation},
    audit::FieldChange,
    conversation::{Conversation, GroupProfile, GroupProfileChange, MAX_MEMBERS},
    conversation_state::{GroupChange, GroupCommand},
    error::FieldErrors,
    event::{ConversationEvent, Envelope, Event, GroupEvent, MessageEvent, Scope},
    text::visible_text,
    user::{AccountKind, User},
};

/// The most groups that others may have added a user to.
const MAX_GROUPS_PER_USER: u64 = 2_000;

/// A request for a new group.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub profile: GroupProfile,
    /// The members besides the caller, who is the owner.
    pub participants: Vec<UserId>,
}

impl NewGroup {
    /// Returns every invalid field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let GroupProfile {
            name,
            avatar,
            topic,
            ..
        } = self.profile.clone();
        let change = GroupProfileChange {
            name: Some(name),
            avatar: Some(avatar),
            topic: Some(topic),
            ..GroupProfileChange::default()
        };
        change.problems()
    }

    /// Returns the profile with its texts as they are stored: their visible part.
    fn seen(&self) -> GroupProfile {
        let seen = |text: &str| visible_text(text).unwrap_or_default();
        let GroupProfile { name, topic, .. } = &self.profile;
        GroupProfile {
            name: seen(name),
            topic: seen(topic),
            ..self.profile.clone()
        }
    }
}

/// A conversation with its members' profiles.
#[derive(Debug, Clone)]
pub struct ConversationInfo {
    pub session: Arc<Conversation>,
    pub profiles: Vec<User>,
}

impl Services {
    /// Creates a group. The caller is its owner.
    ///
    /// # Errors
    /// `Validation` naming every bad field; `NotFound` when a user does not exist.
    #[tracing::instrument(name = "conversations.open_group", level = "debug", skip_all)]
    pub async fn open_group(&self, actor: &Actor, new: NewGroup) -> Result<ConversationInfo> {
        let grant = actor.authorize::<OpenConversation>(Facts::None)?;
        let (mut problems, profile) = (new.problems(), new.seen());
        let others: BTreeSet<UserId> = new
            .participants
            .into_iter()
            .filter(|user| *user != actor.user)
            .collect();
        if others.is_empty() || others.len() >= MAX_MEMBERS {
            problems.add(Field::Members, "must make a group of 2 to 500 people");
        }
        problems.into_result(Error::Validation)?;
        self.require_users(actor, &others, Field::Members).await?;
        self.creation_limits
            .count_created(actor.user, CreatedThing::NewMembers, others.len())?;
        self.creation_limits
            .count_created(actor.user, CreatedThing::Group, 1)?;
        self.require_group_quota(&others).await?;
        let number = self.store.next_conversation_number().await?;
        let session = Conversation::group(number, actor.user, others, profile, self.clock.now());
        self.store.insert_group(&grant, &session).await?;
        self.record_changed(session.id);
        let session = Arc::new(session);
        let event = ConversationEvent::Created(Arc::clone(&session));
        self.publish(Envelope::of(
            Scope::of(&session),
            session.participants().collect(),
            Event::Conversation(event),
        ));
        or_outcome_unknown(self.info(actor, session).await)
    }

    /// Returns one conversation with its members' profiles.
    ///
    /// # Errors
    /// `ConversationNotFound` without a membership.
    #[tracing::instrument(name = "conversations.get", level = "debug", skip_all, fields(conversation.id = %session))]
    pub async fn conversation_info(
        &self,
        actor: &Actor,
        session: ConversationId,
    ) -> Result<ConversationInfo> {
        let session = self.require_membership(session, actor.user).await?;
        self.info(actor, Arc::new(session)).await
    }

    /// Changes a group or its members, and returns it after the change. An ineffective change does
    /// nothing.
    ///
    /// # Errors
    /// `ConversationNotFound` without a membership; `NotFound` for a user who is not a member;
    /// `Forbidden`; `Conflict` when the group would have no owner, or too many members.
    #[tracing::instrument(name = "conversations.apply_group_change", level = "debug", skip_all, fields(conversation.id = %session))]
    pub async fn apply_group_change(
        &self,
        actor: &Actor,
        session: ConversationId,
        change: GroupChange,
    ) -> Result<Arc<GroupEvent>> {
        let grant = actor.authorize::<Converse>(Facts::None)?;
        if let GroupChange::Add(users) = &change {
            actor.require(Action::AddMembers)?;
            // Without a membership, no caller may learn which users exist.
            let members = self.require_membership(session, actor.user).await?.members;
            let new = users
                .iter()
                .copied()
                .filter(|user| !members.contains_key(user));
            let new = new.collect();
            self.require_users(actor, &new, Field::NewMembers).await?;
            self.creation_limits
                .count_created(actor.user, CreatedThing::NewMembers, new.len())?;
            self.require_group_quota(&new).await?;
        }
        let change = match change {
            GroupChange::GroupProfile(profile) => GroupChange::GroupProfile(profile.seen()),
            other => other,
        };
        let opens = match &change {
            GroupChange::GroupProfile(profile) => profile.history_visible,
            _ => None,
        };
        let system_messages = std::array::from_fn(|_| MessageId::generate());
        let operation = GroupCommand {
            session,
            by: actor.user,
            change,
            system_messages,
        };
        let change = await_outcome(self.queue.submit(&grant, operation)?).await?;
        if let Some(visible) = opens.filter(|_| change.is_fresh) {
            let changes = vec![FieldChange::of("historyVisible", &!visible, &visible)];
            self.record_done(
                AuditedAction::by(actor, "group.history")
                    .session(session)
                    .changes(changes),
            );
        }
        Ok(change)
    }

    /// Changes a group as [`Services::apply_group_change`], and returns it with its members' profiles.
    ///
    /// # Errors
    /// As `apply_group_change`; `OutcomeUnknown` when it is stored and the users cannot be read.
    #[tracing::instrument(name = "conversations.change_group", level = "debug", skip_all, fields(conversation.id = %session))]
    pub async fn change_group(
        &self,
        actor: &Actor,
        session: ConversationId,
        change: GroupChange,
    ) -> Result<ConversationInfo> {
        let change = self.apply_group_change(actor, session, change).await?;
        or_outcome_unknown(self.info(actor, Arc::clone(&change.session)).await)
    }

    /// Returns a conversation with its members' profiles.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    async fn info(&self, actor: &Actor, session: Arc<Conversation>) -> Result<ConversationInfo> {
        let profiles = self
            .profiles(actor, session.participants().collect())
            .await?;
        Ok(ConversationInfo {
            session,
            profiles: profiles.into_values().collect(),
        })
    }

    /// Checks that no user is added to more groups than a user can leave again.
    async fn require_group_quota(&self, users: &BTreeSet<UserId>) -> Result<()> {
        let full = self
            .store
            .users_in_too_many_groups(users, MAX_GROUPS_PER_USER)
            .await?;
        if full.is_empty() {
            return Ok(());
        }
        let people = self.store.users_by_id(full.iter().copied()).await?;
        let names = people.into_iter().map(|user| user.real_name).collect();
        Err(Error::GroupsFull { users: full, names })
    }

    /// Checks that all of these users exist and are active. The error names in `field` those that
    /// the caller may know of.
    async fn require_users(
        &self,
        actor: &Actor,
        users: &BTreeSet<UserId>,
        field: Field,
    ) -> Result<()> {
        let mut found = self.store.users_by_id(users.iter().copied()).await?;
        // A customer is reached at the service desk only.
        found.retain(|user| user.account != AccountKind::Customer);
        let gone: Vec<UserId> = found
            .iter()
            .filter(|user| !user.is_active)
            .map(|user| user.id)
            .collect();
        if gone.is_empty() && found.len() == users.len() {
            return Ok(());
        }
        let known = if gone.is_empty() {
            Vec::new()
        } else {
            self.require_known(actor, &gone).await?
        };
        if known.is_empty() {
            return Err(Error::NotFound("user"));
        }
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let problem = format!(
            "must not name people who are not active any more: {}",
            known.join(", ")
        );
        Err(Error::Validation(FieldErrors::one(
            field,
            ("INACTIVE", problem.as_str()),
        )))
    }

    /// Publishes a change of a group. Removed users receive it first, and nothing after it.
    pub(super) fn publish_group_update(&self, scope: Scope, change: &Arc<GroupEvent>) {
        if !change.is_fresh {
            return;
        }
        let publish = |users: Vec<UserId>, event: Event| {
            self.publish(Envelope::of(scope, users, event));
        };
        for user in &change.left {
            self.end_typing_of_member(scope.conversation, *user);
            self.discard_counts(scope.conversation, *user);
            self.record_unread(scope, &[(*user, 0)]);
            let event = ConversationEvent::MemberRemoved {
                user: *user,
                change: Arc::clone(change),
            };
            publish(vec![*user], Event::Conversation(event));
        }
        if !change.joined.is_empty() {
            let event = ConversationEvent::Created(Arc::clone(&change.session));
            publish(change.joined.clone(), Event::Conversation(event));
        }
        let members = &change.session.members;
        for system_message in &change.system_messages {
            let author = members.contains_key(&change.by).then_some(change.by);
            let mut audience: Vec<UserId> = author.into_iter().collect();
            audience.extend(change.session.others(change.by));
            let event = MessageEvent::Created(Arc::clone(system_message));
            publish(audience, Event::Message(event));
        }
        let rest = members
            .keys()
            .copied()
            .filter(|user| !change.joined.contains(user))
            .collect();
        let event = ConversationEvent::Updated(Arc::clone(change));
        publish(rest, Event::Conversation(event));
    }
}
