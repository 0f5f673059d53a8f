//! The state of a conversation, and how each command changes it. The code is pure: the commit path
//! (`store/writer`) applies a whole batch before it writes to the database. It also allows tests of
//! the invariants by the thousand:
//!
//! - `seq` is 1, 2, 3 … in the order in which sends are applied;
//! - a member's `unread` equals the count of others' messages above `read_seq`, without deleted and
//!   system messages;
//! - `read_seq` never decreases; a receipt is never removed;
//! - `event_seq` is 1, 2, 3 … over messages and logged changes, in the order in which they are
//!   applied.
//!
//! The writer applies commands in their order to a [`ConversationState`]. Then it stores the
//! changes that the state lists, and then it publishes the [`Outcome`]s.

mod command;
mod membership;
mod revision;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

pub use command::{
    AnyCommand, Command, DeleteCommand, DeliverCommand, DeliveryOutcome, EditCommand, GroupChange,
    GroupCommand, Lookup, MessageRef, Outcome, Preloaded, ReactCommand, ReadCommand, ReadOutcome,
    RecallCommand, RemovalOutcome, Revision, RevisionOutcome, SendCommand, SendOutcome,
    transaction_bytes_of,
};

use super::{
    ConversationId, Error, Field, MessageId, Result, Timestamp, UserId,
    change_log::{ChangeKind, ChangeLog, LoggedChange},
    conversation::{Conversation, ConversationKind, LastMessage, Member},
    error::FieldErrors,
    ids::ConnectionId,
    job::NewJob,
    message::{Draft, Message},
    message_parts::{Mentions, ReplyTo},
    receipts::{Receipt, ReceiptKind},
};
use revision::Removal;

/// How many of a conversation's newest messages the state keeps, so that marking them read needs no
/// read of the database.
const MAX_RECENT_MESSAGES: usize = 64;
/// The most messages whose `read` status one change of a read position reports one by one.
pub const MAX_REPORTED_MESSAGES: usize = 200;

/// A conversation's state, with the changes of the current batch so far.
#[derive(Debug, Clone)]
pub struct ConversationState {
    pub session: Conversation,
    /// The newest messages that count, ascending by `seq`, without deleted ones; complete above
    /// `recent_after`.
    recent: VecDeque<MessageRef>,
    recent_after: u64,
    changes: Changes,
}

/// The parts of a member's entry that change independently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberField {
    /// The whole entry: the member joined, left, or has another role.
    Membership,
    Unread,
    Sent,
    Read,
    Delivered,
}

/// The content of a message before an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub message: MessageId,
    pub session: ConversationId,
    pub content: String,
    pub written_at: Timestamp,
    pub replaced_at: Timestamp,
}

/// The changes to be stored.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub messages: Vec<Arc<Message>>,
    /// Stored messages in their new state.
    pub revised: BTreeMap<MessageId, Arc<Message>>,
    pub edits: Vec<Edit>,
    pub log: ChangeLog,
    /// The jobs that these changes cause.
    pub jobs: Vec<NewJob>,
    pub receipts: Vec<Receipt>,
    /// The members and parts of their entries that differ from what is stored.
    pub members: BTreeSet<(UserId, MemberField)>,
    /// Whether the members or the group's profile may differ.
    pub profile_or_membership_changed: bool,
}

impl Changes {
    /// Returns whether nothing is to be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.revised.is_empty()
            && self.receipts.is_empty()
            && self.members.is_empty()
            && self.jobs.is_empty()
            && !self.profile_or_membership_changed
    }
}

impl ConversationState {
    /// Returns the state of a conversation that was just loaded.
    #[must_use]
    pub fn open(session: Conversation) -> Self {
        let recent_after = session.seq;
        Self {
            session,
            recent: VecDeque::new(),
            recent_after,
            changes: Changes::default(),
        }
    }

    /// Returns the changes of the batch so far.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Adds a job, to be stored together with the changes of this batch.
    pub fn schedule(&mut self, job: NewJob) {
        self.changes.jobs.push(job);
    }

    /// Closes a stored batch: keeps the state and clears the changes.
    #[must_use]
    pub fn into_committed(mut self) -> Self {
        self.changes = Changes::default();
        self
    }

    /// Returns a message as this batch has changed it.
    #[must_use]
    pub fn revised(&self, id: MessageId) -> Option<&Arc<Message>> {
        self.changes.revised.get(&id)
    }

    /// Returns what must be preloaded before the command can be applied.
    #[must_use]
    pub fn lookup(&self, operation: &AnyCommand) -> Option<Lookup> {
        match operation {
            AnyCommand::Deliver(_) | AnyCommand::UpdateGroup(_) => None,
            AnyCommand::Send(SendCommand { draft, .. }) => {
                let answered = draft.reply_to?;
                (!self.recent.iter().any(|m| m.id == answered)).then_some(Lookup::Message(answered))
            }
            AnyCommand::Delete(DeleteCommand { message, .. })
            | AnyCommand::Recall(RecallCommand { message, .. })
            | AnyCommand::Edit(EditCommand { message, .. })
            | AnyCommand::React(ReactCommand { message, .. }) => Some(Lookup::Message(*message)),
            AnyCommand::Read(ReadCommand { reader, up_to, .. }) => {
                let after = self.session.members.get(reader)?.read_seq;
                (after < up_to.seq && after < self.recent_after).then_some(Lookup::Unread {
                    reader: *reader,
                    after,
                    up_to: up_to.seq,
                })
            }
        }
    }

    /// Applies one command and returns its own outcome.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_one<C: Command>(
        &mut self,
        command: C,
        preloaded: Preloaded,
        now: Timestamp,
    ) -> Result<C::Output> {
        let outcome = self.apply(&command.into(), preloaded, now)?;
        C::output(outcome).ok_or(Error::Internal)
    }

    /// Applies one command.
    ///
    /// # Errors
    /// `ConversationNotFound` when its caller is not a member, `NotFound`, `Forbidden`,
    /// `InvalidMessage`, `Conflict`, `WindowClosed`. After an error the state is unchanged.
    pub fn apply(
        &mut self,
        operation: &AnyCommand,
        preloaded: Preloaded,
        now: Timestamp,
    ) -> Result<Outcome> {
        match operation {
            AnyCommand::Send(SendCommand { id, draft, origin }) => {
                self.send(*id, draft, *origin, &preloaded, now)
            }
            AnyCommand::Read(ReadCommand {
                reader,
                up_to,
                origin,
                ..
            }) => self.read(*reader, *up_to, *origin, preloaded, now),
            AnyCommand::Deliver(DeliverCommand {
                receiver, messages, ..
            }) => self.deliver(*receiver, messages, now),
            AnyCommand::Delete(DeleteCommand { by, moderator, .. }) => self.remove_message(
                preloaded_message(&preloaded)?,
                *by,
                Removal::Delete {
                    moderator: *moderator,
                },
                now,
            ),
            AnyCommand::Recall(RecallCommand { by, window, .. }) => self.remove_message(
                preloaded_message(&preloaded)?,
                *by,
                Removal::Recall { window: *window },
                now,
            ),
            AnyCommand::Edit(EditCommand {
                by,
                content,
                mentions,
                window,
                ..
            }) => self.edit(
                preloaded_message(&preloaded)?,
                *by,
                (content, mentions.as_ref()),
                *window,
                now,
            ),
            AnyCommand::React(ReactCommand { by, emoji, on, .. }) => {
                self.react(preloaded_message(&preloaded)?, *by, (emoji, *on), now)
            }
            AnyCommand::UpdateGroup(GroupCommand {
                by,
                change,
                system_messages,
                ..
            }) => {
                let before = (self.session.clone(), self.changes.clone());
                let outcome = self.update_group(*by, change, *system_messages, now);
                if outcome.is_err() {
                    (self.session, self.changes) = before;
                }
                outcome
            }
        }
    }

    fn send(
        &mut self,
        id: MessageId,
        draft: &Draft,
        origin: Option<ConnectionId>,
        preloaded: &Preloaded,
        now: Timestamp,
    ) -> Result<Outcome> {
        let Some(member) = self.session.members.get(&draft.sender) else {
            return Err(Error::ConversationNotFound);
        };
        require_voice(member)?;
        let counterpart = self.session.counterpart(draft.sender);
        if draft
            .receiver
            .is_some_and(|receiver| counterpart.is_some() && Some(receiver) != counterpart)
        {
            let problem = "must be the other participant";
            return Err(Error::InvalidMessage(FieldErrors::one(
                Field::Recipient,
                problem,
            )));
        }
        let reply_to = match draft.reply_to {
            Some(answered) => Some(self.reply_target(answered, preloaded, member.hidden_seq)?),
            None => None,
        };
        let reply_to = reply_to.map(|reply| ReplyTo {
            as_of: draft.reply_to_as_of,
            ..reply
        });
        self.require_members(&draft.mentions)?;
        let session = &mut self.session;
        // A conversation's times never run backwards, whatever the machine's clock does.
        let at = now.max(session.last_message_time);
        session.seq += 1;
        session.event_seq += 1;
        session.message_count += 1;
        session.last_message_time = at;
        session.updated_at = at;
        let message = Arc::new(Message {
            receiver: counterpart,
            reply_to,
            ..Message::of(draft, id, session.seq, session.event_seq, at)
        });
        session.last_message = Some(LastMessage::from(&*message));
        let mut unread = Vec::with_capacity(session.members.len().saturating_sub(1));
        for (user, member) in &mut session.members {
            if *user == draft.sender {
                member.sent += 1;
                self.changes.members.insert((*user, MemberField::Sent));
            } else {
                member.unread += 1;
                unread.push((*user, member.unread));
                self.changes.members.insert((*user, MemberField::Unread));
            }
        }
        self.push_recent(MessageRef {
            id,
            seq: message.seq,
            sender: message.sender,
        });
        self.changes.messages.push(Arc::clone(&message));
        let receivers = unread.iter().map(|(user, _)| *user).collect();
        Ok(Outcome::Send(SendOutcome::Sent {
            message,
            receivers,
            unread,
            origin,
        }))
    }

    /// Returns the reply's target. It must be in the same conversation and visible to the sender.
    fn reply_target(&self, id: MessageId, preloaded: &Preloaded, hidden: u64) -> Result<ReplyTo> {
        let known = self.recent.iter().find(|m| m.id == id).map(|m| m.seq);
        let seq = known.or_else(|| match preloaded {
            Preloaded::Message(Some(message)) => {
                let stands = message.session == self.session.id
                    && message.id == id
                    && !message.is_deleted
                    && message.system_notice.is_none();
                stands.then_some(message.seq)
            }
            Preloaded::Message(None) | Preloaded::None | Preloaded::Unread { .. } => None,
        });
        let seq = seq.filter(|seq| *seq > hidden).ok_or_else(|| {
            Error::InvalidMessage(FieldErrors::one(
                Field::ReplyTo,
                "must be a message of this session",
            ))
        })?;
        Ok(ReplyTo {
            message: id,
            seq,
            as_of: None,
        })
    }

    fn require_members(&self, mentions: &Mentions) -> Result<()> {
        let members = &self.session.members;
        if mentions
            .people()
            .iter()
            .all(|user| members.contains_key(user))
        {
            Ok(())
        } else {
            let problem = "must be members of this session";
            Err(Error::InvalidMessage(FieldErrors::one(
                Field::Mentions,
                problem,
            )))
        }
    }

    fn read(
        &mut self,
        reader: UserId,
        up_to: MessageRef,
        origin: Option<ConnectionId>,
        preloaded: Preloaded,
        now: Timestamp,
    ) -> Result<Outcome> {
        let others = self.session.others(reader);
        let newest = self.session.seq;
        let in_group = self.session.kind == ConversationKind::Group;
        let member = self
            .session
            .members
            .get_mut(&reader)
            .ok_or(Error::ConversationNotFound)?;
        if up_to.seq <= member.hidden_seq {
            return Err(Error::NotFound("message"));
        }
        let after = member.read_seq;
        let target = up_to.seq.min(newest);
        let mut outcome = ReadOutcome {
            reader,
            up_to,
            moved: false,
            count: 0,
            unread: member.unread,
            messages: Vec::new(),
            others,
            at: now,
            origin,
            in_group,
        };
        if target <= after {
            return Ok(Outcome::Read(outcome));
        }
        (outcome.count, outcome.messages) = match preloaded {
            Preloaded::Unread { count, newest } => (count, newest),
            Preloaded::None | Preloaded::Message(_) => {
                let unread =
                    |m: &&MessageRef| m.seq > after && m.seq <= target && m.sender != reader;
                let read: Vec<_> = self.recent.iter().filter(unread).copied().collect();
                (read.len() as u64, read)
            }
        };
        member.unread = member.unread.saturating_sub(outcome.count);
        member.read_seq = target;
        member.read_at = Some(now);
        outcome.moved = true;
        outcome.unread = member.unread;
        self.session.updated_at = self.session.updated_at.max(now);
        let members = &self.session.members;
        outcome.messages.retain(|m| members.contains_key(&m.sender));
        self.changes
            .members
            .extend([(reader, MemberField::Read), (reader, MemberField::Unread)]);
        self.add_receipt(ReceiptKind::Read, reader, (after + 1, target), now);
        Ok(Outcome::Read(outcome))
    }

    fn deliver(
        &mut self,
        receiver: UserId,
        messages: &[MessageRef],
        now: Timestamp,
    ) -> Result<Outcome> {
        let newest = self.session.seq;
        let member = self
            .session
            .members
            .get_mut(&receiver)
            .ok_or(Error::ConversationNotFound)?;
        let known = member.read_seq.max(member.hidden_seq);
        let mut asked: Vec<MessageRef> = messages
            .iter()
            .filter(|m| m.sender != receiver && m.seq <= newest && m.seq > known)
            .copied()
            .collect();
        asked.sort_unstable_by_key(|m| m.seq);
        let mut fresh: Vec<MessageRef> = Vec::with_capacity(asked.len());
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for m in asked {
            if !member.delivered.insert(m.seq) {
                continue;
            }
            // If only the receiver's own messages lie between two ranges, the ranges are merged.
            let before = member.delivered.end_before(m.seq);
            let bridge =
                before.filter(|end| all_sent_by(&self.recent, receiver, end + 1, m.seq - 1));
            if let Some(end) = bridge {
                member.delivered.bridge(end, m.seq);
            }
            match runs.last_mut() {
                Some((_, to)) if *to + 1 == m.seq || bridge == Some(*to) => *to = m.seq,
                _ => runs.push((m.seq, m.seq)),
            }
            fresh.push(m);
        }
        for run in runs {
            self.add_receipt(ReceiptKind::Delivered, receiver, run, now);
        }
        if !fresh.is_empty() {
            self.changes
                .members
                .insert((receiver, MemberField::Delivered));
        }
        // Former members receive no status of their messages.
        fresh.retain(|m| self.session.members.contains_key(&m.sender));
        let in_group = self.session.kind == ConversationKind::Group;
        Ok(Outcome::Delivered(DeliveryOutcome {
            receiver,
            messages: fresh,
            at: now,
            in_group,
        }))
    }

    /// Records one user's range. Equal ranges at the same time share a receipt.
    fn add_receipt(
        &mut self,
        kind: ReceiptKind,
        user: UserId,
        (from, to): (u64, u64),
        at: Timestamp,
    ) {
        let same = |r: &&mut Receipt| r.kind == kind && (r.from, r.to, r.at) == (from, to, at);
        match self.changes.receipts.iter_mut().rev().find(same) {
            Some(known) if known.users.contains(&user) => {}
            Some(known) => known.users.push(user),
            None => self.changes.receipts.push(Receipt {
                kind,
                users: vec![user],
                from,
                to,
                at,
            }),
        }
    }

    /// Logs a change of a stored message under the next event number.
    fn log_change(
        &mut self,
        message: MessageId,
        kind: ChangeKind,
        by: UserId,
        at: Timestamp,
    ) -> LoggedChange {
        self.session.event_seq += 1;
        let change = LoggedChange {
            conversation: self.session.id,
            event_seq: self.session.event_seq,
            after_seq: self.session.seq,
            kind,
            by,
            at,
            message,
            is_current: true,
        };
        self.changes.log.push(change.clone());
        change
    }

    fn push_recent(&mut self, message: MessageRef) {
        self.recent.push_back(message);
        if self.recent.len() > MAX_RECENT_MESSAGES
            && let Some(forgotten) = self.recent.pop_front()
        {
            self.recent_after = forgotten.seq;
        }
    }
}

/// Returns whether every message of `from..=to` is kept in memory and `author` wrote it.
fn all_sent_by(recent: &VecDeque<MessageRef>, author: UserId, from: u64, to: u64) -> bool {
    let start = recent.partition_point(|m| m.seq < from);
    let theirs = recent
        .range(start..)
        .take_while(|m| m.seq <= to && m.sender == author)
        .count() as u64;
    to + 1 == from + theirs
}

/// Checks that a member may write.
///
/// # Errors
/// `Forbidden` for a silenced one.
pub fn require_voice(member: &Member) -> Result<()> {
    if member.silenced {
        return Err(Error::Forbidden("you are silenced in this group"));
    }
    Ok(())
}

/// Returns the preloaded message.
fn preloaded_message(preloaded: &Preloaded) -> Result<&Message> {
    match preloaded {
        Preloaded::Message(Some(message)) => Ok(message),
        Preloaded::Message(None) | Preloaded::None | Preloaded::Unread { .. } => {
            Err(Error::NotFound("message"))
        }
    }
}

#[cfg(test)]
#[path = "conversation_state_tests.rs"]
mod tests;
