//! Changes of a message after it was sent: edits, reactions, recall and deletion.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        Error, Result, Timestamp, UserId,
        conversation::{ConversationKind, Member},
        error::FieldErrors,
        event::Tombstone,
        message::Message,
        message_parts::{MAX_REACTION_KINDS, Mentions, Reaction, is_same_emoji},
        text::is_visible,
    },
    ChangeKind, ConversationState, Edit, Field, MemberField, Outcome, RemovalOutcome, Revision,
    RevisionOutcome, require_voice,
};

/// The kind of a removal, and the right it is based on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Removal {
    Delete { moderator: bool },
    Recall { window: Duration },
}

impl ConversationState {
    /// Returns the membership of a user who may see the message; otherwise it is not found.
    fn require_visible(&self, message: &Message, user: UserId) -> Result<&Member> {
        let member = self
            .session
            .members
            .get(&user)
            .filter(|member| member.hidden_seq < message.seq);
        member
            .filter(|_| message.session == self.session.id)
            .ok_or(Error::NotFound("message"))
    }

    pub(super) fn edit(
        &mut self,
        message: &Message,
        by: UserId,
        (content, mentions): (&str, Option<&Mentions>),
        window: Duration,
        now: Timestamp,
    ) -> Result<Outcome> {
        require_voice(self.require_visible(message, by)?)?;
        require_own(message, by)?;
        if message.is_deleted {
            return Err(Error::NotFound("message"));
        }
        if !message.merged.is_empty() {
            return Err(Error::Forbidden(
                "messages forwarded as one stay as they are",
            ));
        }
        if message
            .forwarded
            .as_ref()
            .is_some_and(|origin| origin.sender != by)
        {
            return Err(Error::Forbidden(
                "a forwarded message of another user is not edited",
            ));
        }
        let mentions = mentions.unwrap_or(&message.mentions);
        self.require_members(mentions)?;
        if !is_visible(content) && message.file.is_none() {
            return Err(Error::InvalidMessage(FieldErrors::one(
                Field::Content,
                "must not be empty",
            )));
        }
        let audience = self.session.audience(message.seq);
        if message.content == content && message.mentions == *mentions {
            let message = Arc::new(message.clone());
            return Ok(Outcome::Revised(RevisionOutcome {
                message,
                how: Revision::Edited,
                change: None,
                audience,
            }));
        }
        require_window(message, window, now, "the time for editing has passed")?;
        let at = self.advance_rev(message, now);
        self.changes.edits.push(Edit {
            message: message.id,
            session: message.session,
            content: message.content.clone(),
            written_at: message.edited_at.unwrap_or(message.created_at),
            replaced_at: at,
        });
        let edited = Arc::new(Message {
            content: content.to_owned(),
            mentions: mentions.clone(),
            edited_at: Some(at),
            rev: self.session.rev,
            updated_at: at,
            ..message.clone()
        });
        if let Some(last) = self
            .session
            .last_message
            .as_mut()
            .filter(|last| last.id == edited.id)
        {
            last.preview = edited.preview();
        }
        self.changes.revised.insert(edited.id, Arc::clone(&edited));
        let change = self.log_change(edited.id, ChangeKind::Edited, by, at);
        Ok(Outcome::Revised(RevisionOutcome {
            message: edited,
            how: Revision::Edited,
            change: Some(change),
            audience,
        }))
    }

    pub(super) fn react(
        &mut self,
        message: &Message,
        by: UserId,
        (emoji, on): (&str, bool),
        now: Timestamp,
    ) -> Result<Outcome> {
        require_voice(self.require_visible(message, by)?)?;
        if message.system_notice.is_some() {
            return Err(Error::Forbidden("a system message stays as it is"));
        }
        if message.is_deleted {
            return Err(Error::NotFound("message"));
        }
        let audience = self.session.audience(message.seq);
        // The emoji in the form that was sent first, so that every device matches it.
        let alike = || {
            message
                .reactions
                .iter()
                .filter(|reaction| is_same_emoji(&reaction.emoji, emoji))
        };
        let known = alike()
            .find(|reaction| reaction.users.contains(&by))
            .or_else(|| alike().next());
        let emoji = known.map_or(emoji, |reaction| reaction.emoji.as_str());
        let how = Revision::Reacted {
            by,
            emoji: emoji.to_owned(),
            on,
        };
        let mut reactions = message.reactions.clone();
        let fresh = if on {
            add_reaction(&mut reactions, emoji, by)?
        } else {
            remove_reaction(&mut reactions, emoji, by)
        };
        if !fresh {
            let message = Arc::new(message.clone());
            return Ok(Outcome::Revised(RevisionOutcome {
                message,
                how,
                change: None,
                audience,
            }));
        }
        let at = self.advance_rev(message, now);
        let kind = ChangeKind::Reacted {
            emoji: emoji.to_owned(),
            on,
        };
        let change = self.log_change(message.id, kind, by, at);
        let reacted = Arc::new(Message {
            reactions,
            rev: self.session.rev,
            updated_at: at,
            ..message.clone()
        });
        self.changes
            .revised
            .insert(reacted.id, Arc::clone(&reacted));
        Ok(Outcome::Revised(RevisionOutcome {
            message: reacted,
            how,
            change: Some(change),
            audience,
        }))
    }

    pub(super) fn remove_message(
        &mut self,
        message: &Message,
        by: UserId,
        ending: Removal,
        now: Timestamp,
    ) -> Result<Outcome> {
        let moderated = matches!(ending, Removal::Delete { moderator: true });
        if message.session != self.session.id {
            return Err(Error::NotFound("message"));
        }
        if !moderated {
            let member = self.require_visible(message, by)?;
            let is_managed = matches!(ending, Removal::Delete { .. })
                && self.session.kind == ConversationKind::Group
                && member.role.can_manage();
            if !is_managed {
                require_own(message, by)?;
            }
        }
        if message.system_notice.is_some() {
            return Err(Error::Forbidden("a system message stays as it is"));
        }
        let audience = self.session.audience(message.seq);
        if message.is_deleted {
            let tombstone = Tombstone::of(message);
            return Ok(Outcome::Deleted(RemovalOutcome {
                tombstone,
                change: None,
                audience,
                unread: Vec::new(),
            }));
        }
        let kind = match ending {
            Removal::Delete { .. } => ChangeKind::Deleted,
            Removal::Recall { window } => {
                require_window(message, window, now, "the time for recalling has passed")?;
                ChangeKind::Recalled
            }
        };
        let at = self.advance_rev(message, now);
        let recalled_at = (kind == ChangeKind::Recalled).then_some(at);
        let change = self.log_change(message.id, kind, by, at);
        let session = &mut self.session;
        let mut into_tombstone = message.into_tombstone(by, at, session.rev);
        into_tombstone.recalled_at = recalled_at;
        session.message_count = session.message_count.saturating_sub(1);
        if let Some(last) = session
            .last_message
            .as_mut()
            .filter(|last| last.id == message.id)
        {
            last.is_deleted = true;
            last.is_merged = false;
            last.preview.clear();
        }
        let mut unread = Vec::new();
        for (user, member) in &mut session.members {
            if *user == message.sender {
                if member.joined_seq < message.seq {
                    member.sent = member.sent.saturating_sub(1);
                    self.changes.members.insert((*user, MemberField::Sent));
                }
            } else if member.read_seq < message.seq {
                member.unread = member.unread.saturating_sub(1);
                unread.push((*user, member.unread));
                self.changes.members.insert((*user, MemberField::Unread));
            }
        }
        self.recent.retain(|m| m.seq != message.seq);
        let tombstone = Tombstone::of(&into_tombstone);
        self.changes
            .revised
            .insert(into_tombstone.id, Arc::new(into_tombstone));
        Ok(Outcome::Deleted(RemovalOutcome {
            tombstone,
            change: Some(change),
            audience,
            unread,
        }))
    }

    /// Increments `rev` and returns the time of a change to a message: never before the message
    /// itself.
    fn advance_rev(&mut self, message: &Message, now: Timestamp) -> Timestamp {
        let at = now.max(message.updated_at);
        self.session.rev += 1;
        self.session.updated_at = self.session.updated_at.max(at);
        at
    }
}

fn require_own(message: &Message, by: UserId) -> Result<()> {
    if message.system_notice.is_some() {
        return Err(Error::Forbidden("a system message stays as it is"));
    }
    if message.sender == by {
        Ok(())
    } else {
        Err(Error::Forbidden("only its sender or an admin may"))
    }
}

fn require_window(
    message: &Message,
    window: Duration,
    now: Timestamp,
    late: &'static str,
) -> Result<()> {
    if now.since(message.created_at) <= window {
        Ok(())
    } else {
        Err(Error::WindowClosed(late))
    }
}

fn add_reaction(reactions: &mut Vec<Reaction>, emoji: &str, by: UserId) -> Result<bool> {
    if let Some(known) = reactions
        .iter_mut()
        .find(|reaction| reaction.emoji == emoji)
    {
        let is_new = !known.users.contains(&by);
        if is_new {
            known.users.push(by);
        }
        return Ok(is_new);
    }
    if reactions.len() >= MAX_REACTION_KINDS {
        return Err(Error::Conflict("a message has at most 20 kinds of emoji"));
    }
    reactions.push(Reaction {
        emoji: emoji.to_owned(),
        users: vec![by],
    });
    Ok(true)
}

fn remove_reaction(reactions: &mut Vec<Reaction>, emoji: &str, by: UserId) -> bool {
    let Some(known) = reactions
        .iter_mut()
        .find(|reaction| reaction.emoji == emoji)
    else {
        return false;
    };
    let before = known.users.len();
    known.users.retain(|user| *user != by);
    let is_gone = known.users.len() < before;
    reactions.retain(|reaction| !reaction.users.is_empty());
    is_gone
}
