//! Groups: who is in, in which role, and how the group shows itself. What changes is written down as a
//! system message with a `seq` of its own, which is unread for nobody.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{
        Error, MessageId, Result, Timestamp, UserId,
        event::GroupEvent,
        message::{Draft, Message},
        parts::{Note, NoteKind},
        session::{LastMessage, MAX_MEMBERS, Member, MemberRole, ProfileChange, SessionKind},
    },
    Account, GroupChange, MemberPart, Outcome,
};

/// Writes what a change leaves behind, while it is being made.
struct Minutes {
    by: UserId,
    at: Timestamp,
    ids: std::array::IntoIter<MessageId, 4>,
    event: GroupEvent,
}

impl Account {
    pub(super) fn regroup(
        &mut self,
        by: UserId,
        change: &GroupChange,
        notes: [MessageId; 4],
        now: Timestamp,
    ) -> Result<Outcome> {
        let own = self.session.members.get(&by).ok_or(Error::ConversationNotFound)?.role;
        // A session's times never run backwards, whatever the machine's clock does.
        let at = now.max(self.session.last_message_time);
        let event = GroupEvent::nothing(&self.session, by, at);
        let mut minutes = Minutes { by, at, ids: notes.into_iter(), event };
        let is_group = self.session.kind == SessionKind::Group;
        match change {
            GroupChange::Member { user, role: None, muted } => self.mute(*user, *muted, &mut minutes)?,
            _ if !is_group => return Err(Error::Forbidden("a private session has two people and no name")),
            GroupChange::Add(users) => {
                must_manage(own)?;
                self.add(users, &mut minutes)?;
            }
            GroupChange::Remove(user) => self.remove(own, *user, &mut minutes)?,
            GroupChange::Member { user, role: Some(role), muted } => {
                self.mute(*user, *muted, &mut minutes)?;
                self.set_role(own, *user, *role, &mut minutes)?;
            }
            GroupChange::Profile(profile) => {
                must_manage(own)?;
                self.set_profile(profile, &mut minutes);
            }
        }
        if minutes.event.is_fresh {
            self.session.rev += 1;
            self.session.updated_at = self.session.updated_at.max(at);
            self.changes.frame = true;
        }
        minutes.event.session = Arc::new(self.session.clone());
        Ok(Outcome::Regrouped(Arc::new(minutes.event)))
    }

    fn add(&mut self, users: &[UserId], minutes: &mut Minutes) -> Result<()> {
        let session = &mut self.session;
        let new: BTreeSet<UserId> =
            users.iter().copied().filter(|user| !session.members.contains_key(user)).collect();
        if new.is_empty() {
            return Ok(());
        }
        if session.members.len() + new.len() > MAX_MEMBERS {
            return Err(Error::Conflict("a group has at most 500 people"));
        }
        for user in &new {
            let mut member = Member::joining(minutes.at, session.seq);
            if session.profile.history_visible {
                member.hidden_seq = 0;
            }
            session.members.insert(*user, member);
            self.changes.members.insert((*user, MemberPart::Seat));
        }
        minutes.event.joined = new.iter().copied().collect();
        self.note(NoteKind::Joined, String::new(), new.into_iter().collect(), minutes);
        Ok(())
    }

    fn remove(&mut self, own: MemberRole, user: UserId, minutes: &mut Minutes) -> Result<()> {
        let leaves = user == minutes.by;
        if !leaves {
            must_manage(own)?;
        }
        let role = self.session.members.get(&user).ok_or(Error::NotFound("participant"))?.role;
        if role == MemberRole::Owner {
            if own != MemberRole::Owner {
                return Err(Error::Forbidden("an owner is removed by an owner"));
            }
            if self.session.owners() == 1 && self.session.members.len() > 1 {
                return Err(Error::Conflict("make somebody else an owner first"));
            }
        }
        self.session.members.remove(&user);
        self.changes.members.insert((user, MemberPart::Seat));
        minutes.event.left = vec![user];
        let kind = if leaves { NoteKind::Left } else { NoteKind::Removed };
        self.note(kind, String::new(), vec![user], minutes);
        Ok(())
    }

    fn mute(&mut self, user: UserId, muted: Option<bool>, minutes: &mut Minutes) -> Result<()> {
        let member = self.session.members.get_mut(&user).ok_or(Error::NotFound("participant"))?;
        let Some(muted) = muted.filter(|muted| *muted != member.muted) else {
            return Ok(());
        };
        if user != minutes.by {
            return Err(Error::Forbidden("everybody mutes for themselves"));
        }
        member.muted = muted;
        self.changes.members.insert((user, MemberPart::Seat));
        minutes.event.changed = vec![user];
        minutes.event.is_fresh = true;
        Ok(())
    }

    fn set_role(
        &mut self,
        own: MemberRole,
        user: UserId,
        role: MemberRole,
        minutes: &mut Minutes,
    ) -> Result<()> {
        if own != MemberRole::Owner {
            return Err(Error::Forbidden("only an owner gives roles"));
        }
        let owners = self.session.owners();
        let member = self.session.members.get_mut(&user).ok_or(Error::NotFound("participant"))?;
        if member.role == role {
            return Ok(());
        }
        if member.role == MemberRole::Owner && owners == 1 {
            return Err(Error::Conflict("make somebody else an owner first"));
        }
        member.role = role;
        self.changes.members.insert((user, MemberPart::Seat));
        minutes.event.changed = vec![user];
        self.note(NoteKind::Role, role.as_str().to_owned(), vec![user], minutes);
        Ok(())
    }

    fn set_profile(&mut self, change: &ProfileChange, minutes: &mut Minutes) {
        let profile = &mut self.session.profile;
        let mut notes = Vec::new();
        if let Some(name) = change.name.as_ref().filter(|name| **name != profile.name) {
            profile.name.clone_from(name);
            notes.push((NoteKind::Renamed, name.clone()));
        }
        if let Some(topic) = change.topic.as_ref().filter(|topic| **topic != profile.topic) {
            profile.topic.clone_from(topic);
            notes.push((NoteKind::Topic, topic.clone()));
        }
        if let Some(avatar) = change.avatar.as_ref().filter(|avatar| **avatar != profile.avatar) {
            profile.avatar.clone_from(avatar);
            notes.push((NoteKind::Avatar, String::new()));
        }
        if let Some(visible) = change.history_visible.filter(|visible| *visible != profile.history_visible) {
            profile.history_visible = visible;
            notes.push((NoteKind::History, if visible { "open" } else { "closed" }.to_owned()));
            if visible {
                // The past opens for those who came before this, too. It stays read.
                for (user, member) in self.session.members.iter_mut().filter(|(_, m)| m.hidden_seq > 0) {
                    member.hidden_seq = 0;
                    self.changes.members.insert((*user, MemberPart::Seat));
                }
            }
        }
        for (kind, content) in notes {
            self.note(kind, content, Vec::new(), minutes);
        }
    }

    /// Writes a system message.
    fn note(&mut self, kind: NoteKind, content: String, subjects: Vec<UserId>, minutes: &mut Minutes) {
        minutes.event.is_fresh = true;
        let Some(id) = minutes.ids.next() else { return };
        let session = &mut self.session;
        session.seq += 1;
        session.last_message_time = minutes.at;
        let draft = Draft { content, ..Draft::blank(session.id, minutes.by) };
        let message = Arc::new(Message {
            note: Some(Note { kind, subjects }),
            ..Message::of(&draft, id, session.seq, minutes.at)
        });
        session.last_message = Some(LastMessage::from(&*message));
        self.changes.messages.push(Arc::clone(&message));
        minutes.event.notes.push(message);
    }
}

fn must_manage(role: MemberRole) -> Result<()> {
    if role.manages() { Ok(()) } else { Err(Error::Forbidden("only an owner or an admin changes the group")) }
}
