//! The bookkeeping of a session: how each operation changes its state. Pure, so that the commit path
//! (`store/writer`) can work out a whole batch before it touches the database, and so that the
//! invariants can be tested by the thousand:
//!
//! - `seq` is 1, 2, 3 … in the order in which sends are applied;
//! - a member's `unread` is what counting gives: messages of others above `read_seq`, not deleted;
//! - `read_seq` never goes back; a receipt is never taken back.
//!
//! The writer applies operations in their order to an [`Account`], then stores what the account says
//! has changed, then publishes the [`Outcome`]s.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Error, MessageId, Result, SessionId, Timestamp, UserId,
    event::Tombstone,
    ids::ConnectionId,
    message::{Draft, Message},
    receipts::{Receipt, ReceiptKind},
    session::{LastMessage, Session},
};

/// How many of a session's newest messages an account remembers, so that marking them read needs no
/// look at the database.
const REMEMBERED: usize = 64;
/// The most messages whose `read` status one step of a read position reports one by one.
pub const MAX_REPORTED: usize = 200;

/// As much of a message as receipts need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef {
    pub id: MessageId,
    pub seq: u64,
    pub sender: UserId,
}

/// A change that somebody asks for.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Write a message under this id.
    Send { id: MessageId, draft: Draft },
    /// Move a read position up to a message.
    Read { session: SessionId, reader: UserId, up_to: MessageRef, origin: Option<ConnectionId> },
    /// Note that messages reached a device of `receiver`.
    Deliver { session: SessionId, receiver: UserId, messages: Vec<MessageRef> },
    /// Replace a message by a tombstone; `moderator` may do so with other people's.
    Delete { session: SessionId, message: MessageId, by: UserId, moderator: bool },
}

impl Operation {
    /// The session it belongs to: operations of one session keep their order.
    #[must_use]
    pub fn session(&self) -> SessionId {
        match self {
            Operation::Send { draft, .. } => draft.session,
            Operation::Read { session, .. }
            | Operation::Deliver { session, .. }
            | Operation::Delete { session, .. } => *session,
        }
    }

    /// About how many bytes it adds to a transaction.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Operation::Send { draft, .. } => 512 + draft.content.len(),
            Operation::Read { .. } => 256,
            Operation::Delete { .. } => 512,
            Operation::Deliver { messages, .. } => 256 + messages.len() * 32,
        }
    }
}

/// What has to be looked up before an operation can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The messages of others in `after < seq ≤ up_to` that are not deleted.
    Unread { reader: UserId, after: u64, up_to: u64 },
    /// One message.
    Message(MessageId),
}

/// What a lookup found.
#[derive(Debug, Clone)]
pub enum Facts {
    /// Nothing was needed.
    None,
    /// How many there are, and the newest of them (at most [`MAX_REPORTED`]).
    Unread { count: u64, newest: Vec<MessageRef> },
    /// The message, when it is there.
    Message(Option<Message>),
}

/// What came of an operation.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The message is new.
    Sent { message: Arc<Message>, receivers: Vec<UserId>, unread: Vec<(UserId, u64)> },
    /// The same `clientMsgId` was sent before: this is the first one.
    Repeated { message: Arc<Message> },
    /// The read position is at or beyond what was asked.
    Read(ReadOutcome),
    /// These messages had not reached a device of `receiver` before.
    Delivered { receiver: UserId, messages: Vec<MessageRef>, at: Timestamp },
    /// A tombstone stands there; `fresh` says that it is new.
    Deleted {
        tombstone: Tombstone,
        fresh: bool,
        /// Everybody in the session, the sender too.
        participants: Vec<UserId>,
        /// Whose counts changed, and to what.
        unread: Vec<(UserId, u64)>,
    },
}

/// What came of a step of a read position.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    pub reader: UserId,
    /// The message up to which it was asked.
    pub up_to: MessageRef,
    /// Whether the position moved.
    pub moved: bool,
    /// How many unread messages this step read.
    pub count: u64,
    /// The reader's unread messages left in this session.
    pub unread: u64,
    /// The newest of the messages just read.
    pub messages: Vec<MessageRef>,
    pub others: Vec<UserId>,
    pub at: Timestamp,
    pub origin: Option<ConnectionId>,
}

/// A session's state with what a batch has changed in it so far.
#[derive(Debug, Clone)]
pub struct Account {
    pub session: Session,
    /// The newest messages, ascending by `seq`, without deleted ones; complete above `recent_after`.
    recent: VecDeque<MessageRef>,
    recent_after: u64,
    changes: Changes,
}

/// What is to be stored.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub messages: Vec<Arc<Message>>,
    pub tombstones: Vec<Tombstone>,
    pub receipts: Vec<Receipt>,
    /// What of whose entry differs from what is stored.
    pub members: BTreeSet<(UserId, MemberPart)>,
}

/// The parts of a member's entry that change apart from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberPart {
    Unread,
    Sent,
    Read,
    Delivered,
}

impl Changes {
    /// Whether nothing is to be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.tombstones.is_empty()
            && self.receipts.is_empty()
            && self.members.is_empty()
    }
}

impl Account {
    /// A session as it was just loaded.
    #[must_use]
    pub fn open(session: Session) -> Self {
        let recent_after = session.seq;
        Self { session, recent: VecDeque::new(), recent_after, changes: Changes::default() }
    }

    /// What the batch has changed so far.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Closes a stored batch: the state stands, the changes are done.
    #[must_use]
    pub fn settled(mut self) -> Self {
        self.changes = Changes::default();
        self
    }

    /// What must be looked up before `operation` can be applied.
    #[must_use]
    pub fn lookup(&self, operation: &Operation) -> Option<Lookup> {
        match operation {
            Operation::Send { .. } | Operation::Deliver { .. } => None,
            Operation::Delete { message, .. } => Some(Lookup::Message(*message)),
            Operation::Read { reader, up_to, .. } => {
                let after = self.session.members.get(reader)?.read_seq;
                (after < up_to.seq && after < self.recent_after).then_some(Lookup::Unread {
                    reader: *reader,
                    after,
                    up_to: up_to.seq,
                })
            }
        }
    }

    /// Applies one operation.
    ///
    /// # Errors
    /// `ConversationNotFound` when its author has no seat in the session, `NotFound`, `Forbidden`,
    /// `InvalidMessage`: the state is as before.
    pub fn apply(&mut self, operation: &Operation, facts: Facts, now: Timestamp) -> Result<Outcome> {
        match operation {
            Operation::Send { id, draft } => self.send(*id, draft, now),
            Operation::Read { reader, up_to, origin, .. } => self.read(*reader, *up_to, *origin, facts, now),
            Operation::Deliver { receiver, messages, .. } => self.deliver(*receiver, messages, now),
            Operation::Delete { by, moderator, .. } => match facts {
                Facts::Message(Some(message)) => self.delete(&message, *by, *moderator, now),
                Facts::Message(None) | Facts::None | Facts::Unread { .. } => Err(Error::NotFound("message")),
            },
        }
    }

    fn send(&mut self, id: MessageId, draft: &Draft, now: Timestamp) -> Result<Outcome> {
        let session = &mut self.session;
        if !session.members.contains_key(&draft.sender) {
            return Err(Error::ConversationNotFound);
        }
        let counterpart = session.counterpart(draft.sender);
        if draft.receiver.is_some_and(|receiver| counterpart.is_some() && Some(receiver) != counterpart) {
            let problem = "must be the other participant";
            return Err(Error::InvalidMessage(super::error::FieldErrors::one("receiverId", problem)));
        }
        // A session's times never run backwards, whatever the machine's clock does.
        let at = now.max(session.last_message_time);
        session.seq += 1;
        session.message_count += 1;
        session.last_message_time = at;
        session.updated_at = at;
        let message = Arc::new(Message {
            id,
            session: session.id,
            sender: draft.sender,
            receiver: counterpart,
            content: draft.content.clone(),
            kind: draft.kind,
            file: draft.file.clone(),
            client_msg_id: draft.client_msg_id.clone(),
            seq: session.seq,
            rev: 0,
            is_deleted: false,
            created_at: at,
            updated_at: at,
        });
        session.last_message = Some(LastMessage::from(&*message));
        let mut unread = Vec::with_capacity(session.members.len().saturating_sub(1));
        for (user, member) in &mut session.members {
            if *user == draft.sender {
                member.sent += 1;
                self.changes.members.insert((*user, MemberPart::Sent));
            } else {
                member.unread += 1;
                unread.push((*user, member.unread));
                self.changes.members.insert((*user, MemberPart::Unread));
            }
        }
        self.remember(MessageRef { id, seq: message.seq, sender: message.sender });
        self.changes.messages.push(Arc::clone(&message));
        let receivers = unread.iter().map(|(user, _)| *user).collect();
        Ok(Outcome::Sent { message, receivers, unread })
    }

    fn read(
        &mut self,
        reader: UserId,
        up_to: MessageRef,
        origin: Option<ConnectionId>,
        facts: Facts,
        now: Timestamp,
    ) -> Result<Outcome> {
        let others = self.session.others(reader);
        let newest = self.session.seq;
        let member = self.session.members.get_mut(&reader).ok_or(Error::ConversationNotFound)?;
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
        };
        if target <= after {
            return Ok(Outcome::Read(outcome));
        }
        (outcome.count, outcome.messages) = match facts {
            Facts::Unread { count, newest } => (count, newest),
            Facts::None | Facts::Message(_) => {
                let unread = |m: &&MessageRef| m.seq > after && m.seq <= target && m.sender != reader;
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
        self.changes.members.extend([(reader, MemberPart::Read), (reader, MemberPart::Unread)]);
        self.changes.receipts.push(Receipt {
            kind: ReceiptKind::Read,
            users: vec![reader],
            from: after + 1,
            to: target,
            at: now,
        });
        Ok(Outcome::Read(outcome))
    }

    fn deliver(&mut self, receiver: UserId, messages: &[MessageRef], now: Timestamp) -> Result<Outcome> {
        let newest = self.session.seq;
        let member = self.session.members.get_mut(&receiver).ok_or(Error::ConversationNotFound)?;
        let known = member.read_seq.max(member.hidden_seq);
        let mut asked: Vec<MessageRef> = messages
            .iter()
            .filter(|m| m.sender != receiver && m.seq <= newest && m.seq > known)
            .copied()
            .collect();
        asked.sort_unstable_by_key(|m| m.seq);
        let mut fresh: Vec<MessageRef> = Vec::with_capacity(asked.len());
        for m in asked {
            if !member.delivered.insert(m.seq) {
                continue;
            }
            // What lies between the runs of a dialogue is the receiver's own: the runs become one.
            let before = member.delivered.end_before(m.seq);
            let bridge = before.filter(|end| all_by(&self.recent, receiver, end + 1, m.seq - 1));
            if let Some(end) = bridge {
                member.delivered.bridge(end, m.seq);
            }
            match self.changes.receipts.last_mut() {
                Some(last)
                    if last.kind == ReceiptKind::Delivered
                        && last.users == [receiver]
                        && last.at == now
                        && (last.to + 1 == m.seq || bridge == Some(last.to)) =>
                {
                    last.to = m.seq;
                }
                _ => self.changes.receipts.push(Receipt {
                    kind: ReceiptKind::Delivered,
                    users: vec![receiver],
                    from: m.seq,
                    to: m.seq,
                    at: now,
                }),
            }
            fresh.push(m);
        }
        if !fresh.is_empty() {
            self.changes.members.insert((receiver, MemberPart::Delivered));
        }
        Ok(Outcome::Delivered { receiver, messages: fresh, at: now })
    }

    fn delete(&mut self, message: &Message, by: UserId, moderator: bool, now: Timestamp) -> Result<Outcome> {
        let session = &mut self.session;
        if message.session != session.id || (!moderator && !session.members.contains_key(&by)) {
            return Err(Error::NotFound("message"));
        }
        if message.sender != by && !moderator {
            return Err(Error::Forbidden("only its sender or an admin deletes a message"));
        }
        let participants: Vec<UserId> = session.participants().collect();
        let mut tombstone = Tombstone {
            message: message.id,
            session: session.id,
            seq: message.seq,
            rev: message.rev,
            deleted_by: by,
            at: message.updated_at,
        };
        if message.is_deleted {
            return Ok(Outcome::Deleted { tombstone, fresh: false, participants, unread: Vec::new() });
        }
        session.rev += 1;
        session.message_count = session.message_count.saturating_sub(1);
        session.updated_at = session.updated_at.max(now);
        tombstone.rev = session.rev;
        tombstone.at = now;
        if let Some(last) = session.last_message.as_mut().filter(|last| last.id == message.id) {
            last.is_deleted = true;
            last.preview.clear();
        }
        let mut unread = Vec::new();
        for (user, member) in &mut session.members {
            if *user == message.sender {
                member.sent = member.sent.saturating_sub(1);
                self.changes.members.insert((*user, MemberPart::Sent));
            } else if member.read_seq < message.seq && member.hidden_seq < message.seq {
                member.unread = member.unread.saturating_sub(1);
                unread.push((*user, member.unread));
                self.changes.members.insert((*user, MemberPart::Unread));
            }
        }
        self.recent.retain(|m| m.seq != message.seq);
        self.changes.tombstones.push(tombstone.clone());
        Ok(Outcome::Deleted { tombstone, fresh: true, participants, unread })
    }

    fn remember(&mut self, message: MessageRef) {
        self.recent.push_back(message);
        if self.recent.len() > REMEMBERED
            && let Some(forgotten) = self.recent.pop_front()
        {
            self.recent_after = forgotten.seq;
        }
    }
}

/// Whether every message of `from..=to` is remembered and `author` wrote it.
fn all_by(recent: &VecDeque<MessageRef>, author: UserId, from: u64, to: u64) -> bool {
    let start = recent.partition_point(|m| m.seq < from);
    let theirs = recent.range(start..).take_while(|m| m.seq <= to && m.sender == author).count() as u64;
    to + 1 == from + theirs
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
