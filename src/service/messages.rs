//! Messages: sending, reading, deleting, and the history.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tracing::Instrument;

use super::{
    Services, audit::AuditedAction, blocking::run_heavy_work, creation_limits::CreatedThing,
};
use crate::{
    domain::{
        ConversationId, Error, MessageId, Result, UserId,
        access::{Action, Actor, Converse, Facts},
        conversation_state::{
            Command, DeleteCommand, MessageRef, ReadCommand, ReadOutcome, RemovalOutcome,
            SendCommand, SendOutcome,
        },
        encoded_size,
        event::{Tombstone, Unread},
        ids::ConnectionId,
        message::{Draft, IdempotencyKey, Message},
        message_parts::Mentions,
        paging::{Pagination, SeqRange, Window},
        receipts::{MessageView, Warning},
    },
    store::commit::PendingReply,
};

/// How long a caller waits for the outcome of a command. It only passes when the database fails in
/// the middle of a commit. Then the outcome is unknown.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of a page of messages. A page by number must not be cut, since the next one would
/// not contain the messages left out. Beyond its limit it omits the records of forwarded messages.
/// The rest, 100 of the longest texts, fits. A client that pages by `seq` goes on where the page
/// ended.
const ABRIDGED_PAGE_BYTES: usize = 2 << 20;
const MAX_PAGE_BYTES: usize = 6 << 20;
const MAX_SEQ_WINDOW_BYTES: usize = 1 << 20;
/// The number of users that a mention of all members counts for.
const MENTION_ALL_USER_COUNT: usize = 50;

/// A range of a conversation's messages.
#[derive(Debug, Clone)]
pub struct History {
    pub messages: Vec<MessageView>,
    pub pagination: Pagination,
}

/// A user's unread counts.
pub type Unreads = Unread;

/// A message that was queued for commit; its place in the order is fixed.
pub struct PendingSend {
    reply: PendingReply<SendCommand>,
    key: Option<IdempotencyKey>,
    /// The users that the sender wanted to mention.
    mentions: Mentions,
    /// The span of the whole send, from queueing to the outcome.
    span: tracing::Span,
}

impl Services {
    /// Queues a message without waiting for its commit. Messages that one caller queues one after
    /// the other are stored in that order. Only a message with a file must be awaited, since its
    /// file is read first.
    ///
    /// # Errors
    /// `Forbidden` for another user's name, `InvalidMessage`, `MessageTooLarge`, `RateLimited`;
    /// `NotFound` for a file that the caller cannot see.
    pub async fn begin_send(
        &self,
        actor: &Actor,
        draft: Draft,
        origin: Option<ConnectionId>,
    ) -> Result<PendingSend> {
        let span = tracing::debug_span!(
            "messages.send",
            conversation.id = %draft.session,
            message.id = tracing::field::Empty,
        );
        let queued = self
            .queue_send(actor, draft, origin)
            .instrument(span.clone());
        Ok(PendingSend {
            span,
            ..queued.await?
        })
    }

    async fn queue_send(
        &self,
        actor: &Actor,
        mut draft: Draft,
        origin: Option<ConnectionId>,
    ) -> Result<PendingSend> {
        let grant = actor.authorize::<Converse>(Facts::Subject(draft.sender))?;
        draft.check()?;
        if draft.file.is_some() {
            Box::pin(self.attach_file(actor, &mut draft)).await?;
        }
        let key = draft.idempotency_key();
        let mentions = draft.mentions.clone();
        let called = match &draft.mentions {
            Mentions::All => MENTION_ALL_USER_COUNT,
            Mentions::People(people) => people.len(),
        };
        self.creation_limits
            .count_created(draft.sender, CreatedThing::Mentions, called)?;
        let operation = SendCommand {
            id: MessageId::generate(),
            draft,
            origin,
        };
        Ok(PendingSend {
            reply: self.queue.submit(&grant, operation)?,
            key,
            mentions,
            span: tracing::Span::none(),
        })
    }

    /// Waits for the commit of a queued message and returns the message as stored. A repeated
    /// `clientMsgId` returns the first message.
    ///
    /// # Errors
    /// `ConversationNotFound` without a membership; `Unavailable` (nothing stored);
    /// `OutcomeUnknown`.
    pub async fn finish_send(&self, pending: PendingSend) -> Result<MessageView> {
        let span = pending.span.clone();
        self.await_send(pending).instrument(span).await
    }

    async fn await_send(&self, pending: PendingSend) -> Result<MessageView> {
        match await_outcome(pending.reply).await {
            Ok(SendOutcome::Sent {
                message, receivers, ..
            }) => {
                pending
                    .span
                    .record("message.id", tracing::field::display(message.id));
                let mut warnings = unmentioned_warning(&pending.mentions, &message.mentions);
                warnings.extend(self.no_active_receiver_warning(&message, &receivers));
                Ok(MessageView {
                    warnings,
                    ..MessageView::fresh(message)
                })
            }
            // Rare cases are boxed. Their database calls would make this future four times as
            // large, and it is moved with every message.
            Ok(SendOutcome::Repeated { message }) => Box::pin(self.view_of_repeat(message)).await,
            Err(Error::RecipientInactive { users, .. }) => {
                Box::pin(self.resolve_inactive_recipient(pending.key, users)).await
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the result of a message to inactive users: it is refused, unless it was stored while
    /// they were active.
    async fn resolve_inactive_recipient(
        &self,
        key: Option<IdempotencyKey>,
        users: Vec<UserId>,
    ) -> Result<MessageView> {
        if let Some(key) = key
            && let Some(message) = self.store.message_by_client_id(key).await?
        {
            return self.view_of_repeat(Arc::new(message)).await;
        }
        Err(self.inactive_recipient_error(users).await)
    }

    /// Returns the first message of a repeated `clientMsgId`.
    async fn view_of_repeat(&self, message: Arc<Message>) -> Result<MessageView> {
        let (session, sender) = (message.session, message.sender);
        let view = or_outcome_unknown(self.view(message).await)?;
        // A former member reads nothing of the conversation, not even this message.
        or_outcome_unknown(self.require_membership(session, sender).await)?;
        Ok(MessageView {
            is_repeat: true,
            ..view
        })
    }

    /// Returns a warning if no other member of a group is active.
    pub(super) fn no_active_receiver_warning(
        &self,
        message: &Message,
        receivers: &[UserId],
    ) -> Option<Warning> {
        let inactive = self.store.inactive();
        let is_group = message.receiver.is_none();
        (is_group && receivers.iter().all(|user| inactive.contains(user)))
            .then_some(Warning::NoActiveRecipient)
    }

    /// Returns the error for a message to inactive users, with their names.
    pub(super) async fn inactive_recipient_error(&self, users: Vec<UserId>) -> Error {
        let people = self
            .store
            .users_by_id(users.iter().copied())
            .await
            .unwrap_or_default();
        let names = people.into_iter().map(|user| user.real_name).collect();
        Error::RecipientInactive { users, names }
    }

    /// Combines [`Services::begin_send`] and [`Services::finish_send`].
    ///
    /// # Errors
    /// As both.
    pub async fn send(&self, actor: &Actor, draft: Draft) -> Result<MessageView> {
        let pending = self.begin_send(actor, draft, None).await?;
        self.finish_send(pending).await
    }

    /// Returns a window of a conversation's messages, oldest first, with their receipts.
    ///
    /// # Errors
    /// `ConversationNotFound` without a membership.
    #[tracing::instrument(name = "messages.list", level = "debug", skip_all, fields(conversation.id = %session))]
    pub async fn history(
        &self,
        actor: &Actor,
        session: ConversationId,
        window: Window,
    ) -> Result<History> {
        let session = self.require_membership(session, actor.user).await?;
        let hidden = session
            .members
            .get(&actor.user)
            .map_or(session.seq, |member| member.hidden_seq);
        let mut messages = self
            .views_in(session.id, window.range(session.seq, hidden))
            .await?;
        self.record_reply_targets(&mut messages, |_| hidden).await?;
        self.recheck_membership(&session, actor.user).await?;
        let mut pagination = window.pagination(session.seq, hidden);
        let (most, keeps_newest) = match window {
            Window::Page(_) => (MAX_PAGE_BYTES, true),
            Window::Before { .. } => (MAX_SEQ_WINDOW_BYTES, true),
            Window::After { .. } => (MAX_SEQ_WINDOW_BYTES, false),
        };
        pagination.has_more |= run_heavy_work(encoded_size::of_texts(&messages), || {
            if matches!(window, Window::Page(_)) {
                encoded_size::abridge(&mut messages, ABRIDGED_PAGE_BYTES);
            }
            encoded_size::bound(&mut messages, most, keeps_newest)
        });
        Ok(History {
            messages,
            pagination,
        })
    }

    /// Marks a message and every earlier one of its conversation as read by the caller. Idempotent.
    ///
    /// # Errors
    /// `Forbidden` for another user's name; `NotFound` when the caller cannot see the message.
    #[tracing::instrument(name = "messages.mark_read", level = "debug", skip_all, fields(message.id = %message))]
    pub async fn mark_read(
        &self,
        actor: &Actor,
        reader: UserId,
        message: MessageId,
        origin: Option<ConnectionId>,
    ) -> Result<(ReadOutcome, Unread)> {
        let grant = actor.authorize::<Converse>(Facts::Subject(reader))?;
        let message = self
            .store
            .message(message)
            .await?
            .ok_or(Error::NotFound("message"))?;
        let up_to = MessageRef {
            id: message.id,
            seq: message.seq,
            sender: message.sender,
        };
        let operation = ReadCommand {
            session: message.session,
            reader,
            up_to,
            origin,
        };
        let outcome = await_outcome(self.queue.submit(&grant, operation)?)
            .await
            .map_err(|error| match error {
                // A message of a conversation without a membership is reported like an absent one.
                Error::ConversationNotFound => Error::NotFound("message"),
                other => other,
            })?;
        Ok((
            outcome,
            or_outcome_unknown(self.count_unread(reader).await)?,
        ))
    }

    /// Marks a message as read as [`Services::mark_read`], and returns it as it then is.
    ///
    /// # Errors
    /// As `mark_read`; `OutcomeUnknown` when the position is stored and the message cannot be read.
    pub async fn mark_read_and_view(
        &self,
        actor: &Actor,
        reader: UserId,
        message: MessageId,
    ) -> Result<(MessageView, ReadOutcome, Unread)> {
        let (outcome, unread) = self.mark_read(actor, reader, message, None).await?;
        let stored = or_outcome_unknown(self.store.message(message).await)?;
        let stored = Arc::new(stored.ok_or(Error::NotFound("message"))?);
        let view = or_outcome_unknown(self.view(stored).await)?;
        Ok((view, outcome, unread))
    }

    /// Marks everything up to `seq` as read by the caller. A position beyond the newest message
    /// counts as the newest. Returns how many messages became read, and how many are left.
    ///
    /// # Errors
    /// `ConversationNotFound` without a membership.
    #[tracing::instrument(name = "conversations.mark_read", level = "debug", skip_all, fields(conversation.id = %session))]
    pub async fn mark_read_up_to(
        &self,
        actor: &Actor,
        session: ConversationId,
        seq: u64,
        origin: Option<ConnectionId>,
    ) -> Result<(u64, Unread)> {
        let grant = actor.authorize::<Converse>(Facts::None)?;
        let reader = actor.user;
        let stored = self.require_membership(session, reader).await?;
        let seq = seq.min(stored.seq);
        let mut count = 0;
        if stored
            .members
            .get(&reader)
            .is_some_and(|member| member.read_seq < seq)
        {
            let range = SeqRange {
                after: seq - 1,
                up_to: seq,
            };
            let message = self
                .store
                .messages_in(session, range)
                .await?
                .pop()
                .ok_or(Error::Internal)?;
            let up_to = MessageRef {
                id: message.id,
                seq,
                sender: message.sender,
            };
            let operation = ReadCommand {
                session,
                reader,
                up_to,
                origin,
            };
            count = await_outcome(self.queue.submit(&grant, operation)?)
                .await?
                .count;
        }
        Ok((count, or_outcome_unknown(self.count_unread(reader).await)?))
    }

    /// Returns the caller's own unread counts.
    ///
    /// # Errors
    /// `Forbidden` for another user's counts, for admins too.
    #[tracing::instrument(name = "messages.count_unread", level = "debug", skip_all)]
    pub async fn unread(&self, actor: &Actor, user: UserId) -> Result<Unread> {
        actor.require_about(Action::Converse, user)?;
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

    /// Replaces a message by a tombstone; the sender or an admin may do so. Idempotent.
    ///
    /// # Errors
    /// `Forbidden` for another user's name or message; `NotFound`.
    #[tracing::instrument(name = "messages.delete", level = "debug", skip_all, fields(message.id = %id))]
    pub async fn delete(&self, actor: &Actor, by: UserId, id: MessageId) -> Result<Tombstone> {
        let grant = actor.authorize::<Converse>(Facts::Subject(by))?;
        let message = self
            .store
            .message(id)
            .await?
            .ok_or(Error::NotFound("message"))?;
        let moderator = message.sender != by && actor.require(Action::Moderate).is_ok();
        let act = AuditedAction::by(actor, "message.delete")
            .on(message.sender)
            .object(&id)
            .session(message.session);
        if moderator {
            self.record(act.clone()).await?;
        }
        self.release_files(&message.file_ids()).await?;
        let operation = DeleteCommand {
            session: message.session,
            message: id,
            by,
            moderator,
        };
        match await_outcome(self.queue.submit(&grant, operation)?).await {
            Ok(RemovalOutcome {
                tombstone, change, ..
            }) => {
                if change.is_some() && !moderator {
                    self.record_done(act);
                }
                Ok(tombstone)
            }
            Err(Error::ConversationNotFound) => Err(Error::NotFound("message")),
            Err(error) => Err(error),
        }
    }

    /// Returns one stored message with its receipts.
    pub(super) async fn view(&self, message: Arc<Message>) -> Result<MessageView> {
        let range = SeqRange {
            after: message.seq - 1,
            up_to: message.seq,
        };
        let receipts = self.store.receipts_in(message.session, range).await?;
        let mut view = [MessageView::with_receipts((*message).clone(), &receipts)];
        self.record_reply_targets(&mut view, |_| 0).await?;
        let [view] = view;
        Ok(view)
    }

    /// Records at each reply the state of the message it replies to, as far as the reader may see
    /// it. `hidden` is the position up to which the conversation's history is hidden from the
    /// reader.
    pub(super) async fn record_reply_targets(
        &self,
        views: &mut [MessageView],
        hidden: impl Fn(ConversationId) -> u64,
    ) -> Result<()> {
        let answered: BTreeSet<MessageId> = views
            .iter()
            .filter_map(|view| Some(view.message.reply_to?.message))
            .collect();
        if answered.is_empty() {
            return Ok(());
        }
        let here: HashMap<MessageId, Arc<Message>> = views
            .iter()
            .map(|view| (view.message.id, Arc::clone(&view.message)))
            .collect();
        let elsewhere: Vec<MessageId> = answered
            .into_iter()
            .filter(|id| !here.contains_key(id))
            .collect();
        let mut found = here;
        if !elsewhere.is_empty() {
            let messages = self.store.messages_by_id(&elsewhere).await?;
            found.extend(
                messages
                    .into_iter()
                    .map(|message| (message.id, Arc::new(message))),
            );
        }
        for view in views {
            let Some(reply) = view.message.reply_to else {
                continue;
            };
            let visible = reply.seq > hidden(view.message.session);
            let target = found.get(&reply.message).filter(|_| visible);
            // A reply that waited for a connection refers to what its sender saw, not to later
            // edits.
            let sent = view.message.created_at;
            let answered = reply.as_of.map_or(sent, |as_of| as_of.min(sent));
            view.answered = target.and_then(|target| target.change_since(answered));
        }
        Ok(())
    }

    /// Returns a range of messages with their receipts.
    pub(super) async fn views_in(
        &self,
        session: ConversationId,
        range: SeqRange,
    ) -> Result<Vec<MessageView>> {
        let (messages, receipts) = tokio::try_join!(
            self.store.messages_in(session, range),
            self.store.receipts_in(session, range)
        )?;
        Ok(messages
            .into_iter()
            .map(|message| MessageView::with_receipts(message, &receipts))
            .collect())
    }
}

/// Returns a warning if users were not mentioned because they are inactive.
pub(super) fn unmentioned_warning(asked: &Mentions, stored: &Mentions) -> Vec<Warning> {
    let kept = stored.people();
    let dropped: Vec<UserId> = asked
        .people()
        .iter()
        .copied()
        .filter(|user| !kept.contains(user))
        .collect();
    if dropped.is_empty() {
        Vec::new()
    } else {
        vec![Warning::MentionInactive(dropped)]
    }
}

/// Waits for the outcome of a command.
pub(super) async fn await_outcome<C: Command>(reply: PendingReply<C>) -> Result<C::Output> {
    tokio::time::timeout(OUTCOME_TIMEOUT, reply.outcome())
        .await
        .unwrap_or(Err(Error::OutcomeUnknown))
}

/// Maps the errors of reads that follow a stored change. A failed read must not be reported as a
/// refusal of the change.
pub(super) fn or_outcome_unknown<T>(needed: Result<T>) -> Result<T> {
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
        assert!(matches!(
            or_outcome_unknown::<()>(Err(Error::Unavailable)),
            Err(Error::OutcomeUnknown)
        ));
        assert!(matches!(
            or_outcome_unknown::<()>(Err(Error::OutcomeUnknown)),
            Err(Error::OutcomeUnknown)
        ));
        assert!(matches!(
            or_outcome_unknown::<()>(Err(Error::Forbidden("no"))),
            Err(Error::Forbidden("no"))
        ));
        assert!(matches!(or_outcome_unknown(Ok(1)), Ok(1)));
    }
}
