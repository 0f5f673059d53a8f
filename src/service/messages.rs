//! Messages: sending, reading, deleting, and looking back.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{Services, aside::aside, audit::Act, courtesy::Made};
use crate::{
    domain::{
        Error, MessageId, Result, SessionId, UserId,
        access::Actor,
        event::{Tombstone, Unread},
        ids::ConnectionId,
        ledger::{MessageRef, Operation, Outcome, ReadOutcome},
        message::{Draft, IdempotencyKey, Message},
        paging::{Pagination, SeqRange, Window},
        parts::Mentions,
        receipts::{MessageView, Warning},
        user::Role,
        weight,
    },
    store::writer::Reply,
};

/// How long an author waits to hear what became of an operation. It only passes when the database is
/// away in the middle of a commit: then nobody can say.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What a page of messages may weigh. A page by number cannot be cut without leaving messages out between it
/// and the next: beyond its weight it omits records of forwarded messages, and what is left, 100 of the longest
/// texts, fits. Who walks by `seq` goes on where the page ended.
const PAGE_BYTES: usize = 2 << 20;
const WHOLE_PAGE_BYTES: usize = 6 << 20;
const WALK_BYTES: usize = 1 << 20;
/// As how many people all of a session count, who are called together.
const ALL_CALLED: usize = 50;

/// A run of a session's messages.
#[derive(Debug, Clone)]
pub struct History {
    pub messages: Vec<MessageView>,
    pub pagination: Pagination,
}

/// Somebody's unread counts.
pub type Unreads = Unread;

/// A message that was queued for commit; its place in the order is taken.
pub struct PendingSend {
    reply: Reply,
    key: Option<IdempotencyKey>,
    /// Whom its author wanted to mention.
    mentions: Mentions,
}

impl Services {
    /// Queues a message without waiting for its commit: messages that one caller queues one after the
    /// other are stored in that order. Only a message with a file has to be waited for: its file is looked
    /// for first.
    ///
    /// # Errors
    /// `Forbidden` for another's name, `InvalidMessage`, `MessageTooLarge`, `RateLimited`; `NotFound` for a
    /// file that is not there for the caller.
    pub async fn begin_send(&self, actor: &Actor, mut draft: Draft) -> Result<PendingSend> {
        actor.must_be(draft.sender)?;
        draft.check()?;
        if draft.file.is_some() {
            Box::pin(self.attach_file(actor, &mut draft)).await?;
        }
        let key = draft.idempotency_key();
        let mentions = draft.mentions.clone();
        let called = match &draft.mentions {
            Mentions::All => ALL_CALLED,
            Mentions::People(people) => people.len(),
        };
        self.courtesy.make(draft.sender, Made::Mentions, called)?;
        let operation = Operation::Send { id: MessageId::generate(), draft };
        Ok(PendingSend { reply: self.queue.submit(operation)?, key, mentions })
    }

    /// Waits for a queued message to be committed and answers it as stored. A repeated `clientMsgId`
    /// answers the first one.
    ///
    /// # Errors
    /// `ConversationNotFound` without a seat; `Unavailable` (nothing stored); `OutcomeUnknown`.
    pub async fn finish_send(&self, pending: PendingSend) -> Result<MessageView> {
        match settled(pending.reply).await {
            Ok(Outcome::Sent { message, receivers, .. }) => {
                let mut warnings = unmentioned(&pending.mentions, &message.mentions);
                warnings.extend(self.unheard(&message, &receivers));
                Ok(MessageView { warnings, ..MessageView::fresh(message) })
            }
            // What is rare is boxed: the calls of the database would make this future, which is moved about with
            // every message, four times as large.
            Ok(Outcome::Repeated { message }) => Box::pin(self.repeated(message)).await,
            Err(Error::RecipientInactive { users, .. }) => {
                Box::pin(self.sent_to_inactive(pending.key, users)).await
            }
            Err(error) => Err(error),
            Ok(
                Outcome::Read(_)
                | Outcome::Delivered { .. }
                | Outcome::Deleted { .. }
                | Outcome::Revised { .. }
                | Outcome::Regrouped(_),
            ) => Err(Error::Internal),
        }
    }

    /// What is sent to people who are not active any more: refused, unless it was stored while they were.
    async fn sent_to_inactive(&self, key: Option<IdempotencyKey>, users: Vec<UserId>) -> Result<MessageView> {
        if let Some(key) = key
            && let Some(message) = self.store.message_by_client_id(key).await?
        {
            return self.repeated(Arc::new(message)).await;
        }
        Err(self.recipient_inactive(users).await)
    }

    /// The first message of a repeated `clientMsgId`.
    async fn repeated(&self, message: Arc<Message>) -> Result<MessageView> {
        let (session, sender) = (message.session, message.sender);
        let view = once_stored(self.view(message).await)?;
        // Who has lost their seat since reads nothing of it any more, not even this.
        once_stored(self.seat(session, sender).await)?;
        Ok(MessageView { is_repeat: true, ..view })
    }

    /// That nobody else in a group is active, if so.
    pub(super) fn unheard(&self, message: &Message, receivers: &[UserId]) -> Option<Warning> {
        let inactive = self.store.inactive();
        let is_group = message.receiver.is_none();
        (is_group && receivers.iter().all(|user| inactive.contains(user)))
            .then_some(Warning::NoActiveRecipient)
    }

    /// The refusal of a message to people who are not active any more, by name.
    pub(super) async fn recipient_inactive(&self, users: Vec<UserId>) -> Error {
        let people = self.store.users_by_id(users.iter().copied()).await.unwrap_or_default();
        let names = people.into_iter().map(|user| user.real_name).collect();
        Error::RecipientInactive { users, names }
    }

    /// [`Services::begin_send`] and [`Services::finish_send`] in one.
    ///
    /// # Errors
    /// As both.
    pub async fn send(&self, actor: &Actor, draft: Draft) -> Result<MessageView> {
        let pending = self.begin_send(actor, draft).await?;
        self.finish_send(pending).await
    }

    /// A window of a session's messages, oldest first, with their receipts.
    ///
    /// # Errors
    /// `ConversationNotFound` without a seat.
    pub async fn history(&self, actor: &Actor, session: SessionId, window: Window) -> Result<History> {
        let session = self.seat(session, actor.user).await?;
        let hidden = session.members.get(&actor.user).map_or(session.seq, |member| member.hidden_seq);
        let mut messages = self.views_in(session.id, window.range(session.seq, hidden)).await?;
        self.note_answered(&mut messages, |_| hidden).await?;
        self.must_still_sit(&session, actor.user).await?;
        let mut pagination = window.pagination(session.seq, hidden);
        let (most, keeps_newest) = match window {
            Window::Page(_) => (WHOLE_PAGE_BYTES, true),
            Window::Before { .. } => (WALK_BYTES, true),
            Window::After { .. } => (WALK_BYTES, false),
        };
        pagination.has_more |= aside(weight::of_texts(&messages), || {
            if matches!(window, Window::Page(_)) {
                weight::abridge(&mut messages, PAGE_BYTES);
            }
            weight::bound(&mut messages, most, keeps_newest)
        });
        Ok(History { messages, pagination })
    }

    /// Marks a message and every earlier one of its session as read by the caller. Idempotent.
    ///
    /// # Errors
    /// `Forbidden` for another's name; `NotFound` when the message is not there for the caller.
    pub async fn mark_read(
        &self,
        actor: &Actor,
        reader: UserId,
        message: MessageId,
        origin: Option<ConnectionId>,
    ) -> Result<(ReadOutcome, Unread)> {
        actor.must_be(reader)?;
        let message = self.store.message(message).await?.ok_or(Error::NotFound("message"))?;
        let up_to = MessageRef { id: message.id, seq: message.seq, sender: message.sender };
        let operation = Operation::Read { session: message.session, reader, up_to, origin };
        let outcome = settled(self.queue.submit(operation)?).await.map_err(|error| match error {
            // A message of a session without a seat is as absent as any other.
            Error::ConversationNotFound => Error::NotFound("message"),
            other => other,
        })?;
        let Outcome::Read(outcome) = outcome else {
            return Err(Error::Internal);
        };
        Ok((outcome, once_stored(self.count_unread(reader).await)?))
    }

    /// Marks everything up to `seq` as read by the caller; a position beyond the newest message is its.
    /// Answers how many became read, and what is left.
    ///
    /// # Errors
    /// `ConversationNotFound` without a seat.
    pub async fn read_to(
        &self,
        actor: &Actor,
        session: SessionId,
        seq: u64,
        origin: Option<ConnectionId>,
    ) -> Result<(u64, Unread)> {
        let reader = actor.user;
        let stored = self.seat(session, reader).await?;
        let seq = seq.min(stored.seq);
        let mut count = 0;
        if stored.members.get(&reader).is_some_and(|member| member.read_seq < seq) {
            let range = SeqRange { after: seq - 1, up_to: seq };
            let message = self.store.messages_in(session, range).await?.pop().ok_or(Error::Internal)?;
            let up_to = MessageRef { id: message.id, seq, sender: message.sender };
            let operation = Operation::Read { session, reader, up_to, origin };
            if let Outcome::Read(outcome) = settled(self.queue.submit(operation)?).await? {
                count = outcome.count;
            }
        }
        Ok((count, once_stored(self.count_unread(reader).await)?))
    }

    /// The caller's own unread counts.
    ///
    /// # Errors
    /// `Forbidden` for another's, for admins too.
    pub async fn unread(&self, actor: &Actor, user: UserId) -> Result<Unread> {
        actor.must_be(user)?;
        self.count_unread(user).await
    }

    async fn count_unread(&self, user: UserId) -> Result<Unread> {
        Ok(self
            .store
            .unread_of(user)
            .await?
            .into_iter()
            .map(|unread| (unread.session, unread.count))
            .collect())
    }

    /// Replaces a message by a tombstone: its sender's right, or an admin's. Idempotent.
    ///
    /// # Errors
    /// `Forbidden` for another's name or message; `NotFound`.
    pub async fn delete(&self, actor: &Actor, by: UserId, id: MessageId) -> Result<Tombstone> {
        actor.must_be(by)?;
        let message = self.store.message(id).await?.ok_or(Error::NotFound("message"))?;
        let moderator = actor.role == Role::Admin && message.sender != by;
        let act = Act::by(actor, "message.delete").on(message.sender).object(&id).session(message.session);
        if moderator {
            self.record(act.clone()).await?;
        }
        self.release_files(&message.file_ids()).await?;
        let operation = Operation::Delete { session: message.session, message: id, by, moderator };
        match settled(self.queue.submit(operation)?).await {
            Ok(Outcome::Deleted { tombstone, fresh, .. }) => {
                if fresh && !moderator {
                    self.note_done(act);
                }
                Ok(tombstone)
            }
            Ok(_) => Err(Error::Internal),
            Err(Error::ConversationNotFound) => Err(Error::NotFound("message")),
            Err(error) => Err(error),
        }
    }

    /// One stored message with its receipts.
    pub(super) async fn view(&self, message: Arc<Message>) -> Result<MessageView> {
        let range = SeqRange { after: message.seq - 1, up_to: message.seq };
        let receipts = self.store.receipts_in(message.session, range).await?;
        let mut view = [MessageView::with_receipts((*message).clone(), &receipts)];
        self.note_answered(&mut view, |_| 0).await?;
        let [view] = view;
        Ok(view)
    }

    /// Notes at each answer what became of the message it answers, as far as its reader may see that one:
    /// `hidden` says up to where a session's past is hidden from them.
    pub(super) async fn note_answered(
        &self,
        views: &mut [MessageView],
        hidden: impl Fn(SessionId) -> u64,
    ) -> Result<()> {
        let answered: BTreeSet<MessageId> =
            views.iter().filter_map(|view| Some(view.message.reply_to?.message)).collect();
        if answered.is_empty() {
            return Ok(());
        }
        let here: HashMap<MessageId, Arc<Message>> =
            views.iter().map(|view| (view.message.id, Arc::clone(&view.message))).collect();
        let elsewhere: Vec<MessageId> = answered.into_iter().filter(|id| !here.contains_key(id)).collect();
        let mut found = here;
        if !elsewhere.is_empty() {
            let messages = self.store.messages_by_id(&elsewhere).await?;
            found.extend(messages.into_iter().map(|message| (message.id, Arc::new(message))));
        }
        for view in views {
            let Some(reply) = view.message.reply_to else { continue };
            let visible = reply.seq > hidden(view.message.session);
            let target = found.get(&reply.message).filter(|_| visible);
            // An answer that waited for a connection answers what its author saw then; nobody saw what was said later.
            let sent = view.message.created_at;
            let answered = reply.as_of.map_or(sent, |as_of| as_of.min(sent));
            view.answered = target.and_then(|target| target.fate_since(answered));
        }
        Ok(())
    }

    /// A run of messages with their receipts.
    pub(super) async fn views_in(&self, session: SessionId, range: SeqRange) -> Result<Vec<MessageView>> {
        let (messages, receipts) =
            tokio::try_join!(self.store.messages_in(session, range), self.store.receipts_in(session, range))?;
        Ok(messages.into_iter().map(|message| MessageView::with_receipts(message, &receipts)).collect())
    }
}

/// That people were not mentioned since they are not active, if so.
pub(super) fn unmentioned(asked: &Mentions, stored: &Mentions) -> Vec<Warning> {
    let kept = stored.people();
    let dropped: Vec<UserId> = asked.people().iter().copied().filter(|user| !kept.contains(user)).collect();
    if dropped.is_empty() { Vec::new() } else { vec![Warning::MentionInactive(dropped)] }
}

/// Waits for what became of an operation.
pub(super) async fn settled(reply: Reply) -> Result<Outcome> {
    match tokio::time::timeout(ANSWER_LIMIT, reply).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(Error::OutcomeUnknown),
    }
}

/// What an answer still needs once the change itself is stored: when it cannot be had, the change is not
/// refused.
pub(super) fn once_stored<T>(needed: Result<T>) -> Result<T> {
    needed.map_err(|error| match error {
        Error::Unavailable | Error::RateLimited { .. } => Error::OutcomeUnknown,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_never_called_refused() {
        assert!(matches!(once_stored::<()>(Err(Error::Unavailable)), Err(Error::OutcomeUnknown)));
        assert!(matches!(once_stored::<()>(Err(Error::OutcomeUnknown)), Err(Error::OutcomeUnknown)));
        assert!(matches!(once_stored::<()>(Err(Error::Forbidden("no"))), Err(Error::Forbidden("no"))));
        assert!(matches!(once_stored(Ok(1)), Ok(1)));
    }
}
