//! Groups: members, their roles, and the group's profile. Each change is recorded as a system
//! message with a `seq` of its own. It is unread for nobody.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{
        Error, MessageId, Result, Timestamp, UserId,
        conversation::{
            ConversationKind, GroupProfileChange, LastMessage, MAX_MEMBERS, Member, MemberRole,
        },
        event::GroupEvent,
        message::{Draft, Message},
        message_parts::{SystemNotice, SystemNoticeKind},
    },
    ConversationState, GroupChange, MemberField, Outcome,
};

/// Collects the records of a change while it is applied.
struct GroupChangeRecorder {
    by: UserId,
    at: Timestamp,
    ids: std::array::IntoIter<MessageId, 4>,
    event: GroupEvent,
}

impl ConversationState {
    pub(super) fn update_group(
        &mut self,
        by: UserId,
        change: &GroupChange,
        system_messages: [MessageId; 4],
        now: Timestamp,
    ) -> Result<Outcome> {
        let own = self
            .session
            .members
            .get(&by)
            .ok_or(Error::ConversationNotFound)?
            .role;
        // A conversation's times never run backwards, whatever the machine's clock does.
        let at = now.max(self.session.last_message_time);
        let event = GroupEvent::nothing(&self.session, by, at);
        let mut recorder = GroupChangeRecorder {
            by,
            at,
            ids: system_messages.into_iter(),
            event,
        };
        let is_group = self.session.kind == ConversationKind::Group;
        match change {
            GroupChange::Member {
                user,
                role: None,
                muted,
                silenced: None,
            } => self.set_muted(*user, *muted, &mut recorder)?,
            _ if !is_group => {
                return Err(Error::Forbidden(
                    "a private session has two people and no name",
                ));
            }
            GroupChange::Add(users) => {
                require_manager(own)?;
                self.add_members(users, &mut recorder)?;
            }
            GroupChange::Remove(user) => self.remove_member(own, *user, &mut recorder)?,
            GroupChange::Member {
                user,
                role,
                muted,
                silenced,
            } => {
                self.set_muted(*user, *muted, &mut recorder)?;
                if let Some(role) = role {
                    self.set_role(own, *user, *role, &mut recorder)?;
                }
                if let Some(silenced) = silenced {
                    self.set_silenced(own, *user, *silenced, &mut recorder)?;
                }
            }
            GroupChange::GroupProfile(profile) => {
                require_manager(own)?;
                self.set_profile(profile, &mut recorder);
            }
        }
        if recorder.event.is_fresh {
            self.session.rev += 1;
            self.session.updated_at = self.session.updated_at.max(at);
            self.changes.profile_or_membership_changed = true;
        }
        recorder.event.session = Arc::new(self.session.clone());
        Ok(Outcome::GroupUpdated(Arc::new(recorder.event)))
    }

    fn add_members(&mut self, users: &[UserId], recorder: &mut GroupChangeRecorder) -> Result<()> {
        let session = &mut self.session;
        let new: BTreeSet<UserId> = users
            .iter()
            .copied()
            .filter(|user| !session.members.contains_key(user))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        if session.members.len() + new.len() > MAX_MEMBERS {
            return Err(Error::Conflict("a group has at most 500 people"));
        }
        for user in &new {
            let mut member = Member::joining(recorder.at, session.seq);
            if session.profile.history_visible {
                member.hidden_seq = 0;
            }
            session.members.insert(*user, member);
            self.changes
                .members
                .insert((*user, MemberField::Membership));
        }
        recorder.event.joined = new.iter().copied().collect();
        self.write_system_message(
            SystemNoticeKind::Joined,
            String::new(),
            new.into_iter().collect(),
            recorder,
        );
        Ok(())
    }

    fn remove_member(
        &mut self,
        own: MemberRole,
        user: UserId,
        recorder: &mut GroupChangeRecorder,
    ) -> Result<()> {
        let leaves = user == recorder.by;
        if !leaves {
            require_manager(own)?;
        }
        let role = self
            .session
            .members
            .get(&user)
            .ok_or(Error::NotFound("participant"))?
            .role;
        if role == MemberRole::Owner {
            if own != MemberRole::Owner {
                return Err(Error::Forbidden("an owner is removed by an owner"));
            }
            if self.session.owner_count() == 1 && self.session.members.len() > 1 {
                return Err(Error::Conflict("make another member an owner first"));
            }
        }
        self.session.members.remove(&user);
        self.changes.members.insert((user, MemberField::Membership));
        recorder.event.left = vec![user];
        let kind = if leaves {
            SystemNoticeKind::Left
        } else {
            SystemNoticeKind::Removed
        };
        self.write_system_message(kind, String::new(), vec![user], recorder);
        Ok(())
    }

    fn set_muted(
        &mut self,
        user: UserId,
        muted: Option<bool>,
        recorder: &mut GroupChangeRecorder,
    ) -> Result<()> {
        let member = self
            .session
            .members
            .get_mut(&user)
            .ok_or(Error::NotFound("participant"))?;
        let Some(muted) = muted.filter(|muted| *muted != member.muted) else {
            return Ok(());
        };
        if user != recorder.by {
            return Err(Error::Forbidden("everybody mutes for themselves"));
        }
        member.muted = muted;
        self.changes.members.insert((user, MemberField::Membership));
        recorder.event.changed = vec![user];
        recorder.event.is_fresh = true;
        Ok(())
    }

    /// Silences a member, or lets them write again: owners everybody but owners, admins only plain
    /// members.
    fn set_silenced(
        &mut self,
        own: MemberRole,
        user: UserId,
        silenced: bool,
        recorder: &mut GroupChangeRecorder,
    ) -> Result<()> {
        require_manager(own)?;
        let member = self
            .session
            .members
            .get_mut(&user)
            .ok_or(Error::NotFound("participant"))?;
        if member.role >= own || member.role == MemberRole::Owner {
            return Err(Error::Forbidden("only a member of lower rank is silenced"));
        }
        if member.silenced == silenced {
            return Ok(());
        }
        member.silenced = silenced;
        self.changes.members.insert((user, MemberField::Membership));
        recorder.event.changed = vec![user];
        let kind = if silenced {
            SystemNoticeKind::Silenced
        } else {
            SystemNoticeKind::Unsilenced
        };
        self.write_system_message(kind, String::new(), vec![user], recorder);
        Ok(())
    }

    fn set_role(
        &mut self,
        own: MemberRole,
        user: UserId,
        role: MemberRole,
        recorder: &mut GroupChangeRecorder,
    ) -> Result<()> {
        if own != MemberRole::Owner {
            return Err(Error::Forbidden("only an owner gives roles"));
        }
        let owner_count = self.session.owner_count();
        let member = self
            .session
            .members
            .get_mut(&user)
            .ok_or(Error::NotFound("participant"))?;
        if member.role == role {
            return Ok(());
        }
        if member.role == MemberRole::Owner && owner_count == 1 {
            return Err(Error::Conflict("make another member an owner first"));
        }
        member.role = role;
        // Nobody could let an owner write again.
        member.silenced &= role != MemberRole::Owner;
        self.changes.members.insert((user, MemberField::Membership));
        recorder.event.changed = vec![user];
        self.write_system_message(
            SystemNoticeKind::Role,
            role.as_str().to_owned(),
            vec![user],
            recorder,
        );
        Ok(())
    }

    fn set_profile(&mut self, change: &GroupProfileChange, recorder: &mut GroupChangeRecorder) {
        let profile = &mut self.session.profile;
        let mut system_messages = Vec::new();
        if let Some(name) = change.name.as_ref().filter(|name| **name != profile.name) {
            profile.name.clone_from(name);
            system_messages.push((SystemNoticeKind::Renamed, name.clone()));
        }
        if let Some(topic) = change
            .topic
            .as_ref()
            .filter(|topic| **topic != profile.topic)
        {
            profile.topic.clone_from(topic);
            system_messages.push((SystemNoticeKind::Topic, topic.clone()));
        }
        if let Some(avatar) = change
            .avatar
            .as_ref()
            .filter(|avatar| **avatar != profile.avatar)
        {
            profile.avatar.clone_from(avatar);
            system_messages.push((SystemNoticeKind::Avatar, String::new()));
        }
        if let Some(visible) = change
            .history_visible
            .filter(|visible| *visible != profile.history_visible)
        {
            profile.history_visible = visible;
            system_messages.push((
                SystemNoticeKind::History,
                if visible { "open" } else { "closed" }.to_owned(),
            ));
            if visible {
                // Earlier members see the history, too. It stays read.
                for (user, member) in self
                    .session
                    .members
                    .iter_mut()
                    .filter(|(_, m)| m.hidden_seq > 0)
                {
                    member.hidden_seq = 0;
                    self.changes
                        .members
                        .insert((*user, MemberField::Membership));
                }
            }
        }
        for (kind, content) in system_messages {
            self.write_system_message(kind, content, Vec::new(), recorder);
        }
    }

    /// Writes a system message.
    fn write_system_message(
        &mut self,
        kind: SystemNoticeKind,
        content: String,
        subjects: Vec<UserId>,
        recorder: &mut GroupChangeRecorder,
    ) {
        recorder.event.is_fresh = true;
        let Some(id) = recorder.ids.next() else {
            return;
        };
        let session = &mut self.session;
        session.seq += 1;
        session.event_seq += 1;
        session.last_message_time = recorder.at;
        let draft = Draft {
            content,
            ..Draft::blank(session.id, recorder.by)
        };
        let message = Arc::new(Message {
            system_notice: Some(SystemNotice { kind, subjects }),
            ..Message::of(&draft, id, session.seq, session.event_seq, recorder.at)
        });
        session.last_message = Some(LastMessage::from(&*message));
        self.changes.messages.push(Arc::clone(&message));
        recorder.event.system_messages.push(message);
    }
}

fn require_manager(role: MemberRole) -> Result<()> {
    if role.can_manage() {
        Ok(())
    } else {
        Err(Error::Forbidden(
            "only an owner or an admin changes the group",
        ))
    }
}
