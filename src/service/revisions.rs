//! Changes of messages after they were sent: edits, recalls, reactions; and their receipts.

use std::sync::Arc;

use super::{
    Services,
    audit::AuditedAction,
    creation_limits::CreatedThing,
    messages::{await_outcome, or_outcome_unknown, unmentioned_warning},
};
use crate::domain::{
    Error, Field, MessageId, Result, UserId,
    access::{Action, Actor, Converse, Facts, Grant},
    conversation_state::{Command, Edit, EditCommand, ReactCommand, RecallCommand},
    error::FieldErrors,
    event::Tombstone,
    message::{MAX_TEXT_CHARS, Message},
    message_parts::{Mentions, is_old_emoji, is_valid_emoji},
    paging::SeqRange,
    receipts::{MessageView, ReceiptTally},
};

/// The receipts of a message.
#[derive(Debug, Clone)]
pub struct Receipts {
    pub message: Message,
    /// The users concerned, without the sender: those who have read it, and those who may still do
    /// so. An inactive user who has not read it is left out.
    pub people: Vec<UserId>,
    pub tally: ReceiptTally,
}

impl Services {
    /// Edits the caller's own message, within the edit window. Without `mentions` they stay.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `WindowClosed`, `InvalidMessage`, `MessageTooLarge`.
    #[tracing::instrument(name = "messages.edit", level = "debug", skip_all, fields(message.id = %message))]
    pub async fn edit(
        &self,
        actor: &Actor,
        message: MessageId,
        content: String,
        mentions: Option<Mentions>,
    ) -> Result<MessageView> {
        if content.chars().nth(MAX_TEXT_CHARS).is_some() {
            return Err(Error::MessageTooLarge {
                limit: MAX_TEXT_CHARS,
            });
        }
        let grant = actor.authorize::<Converse>(Facts::None)?;
        let session = self.load_message(message).await?.session;
        let (by, window) = (actor.user, self.settings.messages.edit_window);
        let asked = mentions.clone().unwrap_or_default();
        let operation = EditCommand {
            session,
            message,
            by,
            content,
            mentions,
            window,
        };
        let message = self.submit_revision(&grant, operation).await?.message;
        let warnings = unmentioned_warning(&asked, &message.mentions);
        Ok(MessageView {
            warnings,
            ..or_outcome_unknown(self.view(message).await)?
        })
    }

    /// Recalls the caller's own message, within the recall window. Idempotent.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `WindowClosed`.
    #[tracing::instrument(name = "messages.recall", level = "debug", skip_all, fields(message.id = %message))]
    pub async fn recall(&self, actor: &Actor, message: MessageId) -> Result<Tombstone> {
        let grant = actor.authorize::<Converse>(Facts::None)?;
        let known = self.load_message(message).await?;
        self.release_files(&known.file_ids()).await?;
        let (session, window) = (known.session, self.settings.messages.recall_window);
        let operation = RecallCommand {
            session,
            message,
            by: actor.user,
            window,
        };
        let removal = self.submit_revision(&grant, operation).await?;
        if removal.change.is_some() {
            let act = AuditedAction::by(actor, "message.recall").on(known.sender);
            self.record_done(act.object(&message).session(session));
        }
        Ok(removal.tombstone)
    }

    /// Adds an emoji to a message (`on`), or removes it. Idempotent.
    ///
    /// # Errors
    /// `NotFound`; `Validation` for a text that is no emoji, unless it is an older reaction that is
    /// removed; `Conflict` for too many kinds.
    #[tracing::instrument(name = "messages.react", level = "debug", skip_all, fields(message.id = %message))]
    pub async fn react(
        &self,
        actor: &Actor,
        message: MessageId,
        emoji: String,
        on: bool,
    ) -> Result<Arc<Message>> {
        let is_good = if on {
            is_valid_emoji(&emoji)
        } else {
            is_old_emoji(&emoji)
        };
        if !is_good {
            let problem = "must be exactly one emoji";
            return Err(Error::Validation(FieldErrors::one(Field::Emoji, problem)));
        }
        let session = self.load_message(message).await?.session;
        let grant = actor.authorize::<Converse>(Facts::None)?;
        self.creation_limits
            .count_created(actor.user, CreatedThing::Reaction, 1)?;
        let operation = ReactCommand {
            session,
            message,
            by: actor.user,
            emoji,
            on,
        };
        Ok(self.submit_revision(&grant, operation).await?.message)
    }

    /// Returns the earlier contents of an edited message, oldest first: for admins; the read is
    /// audited.
    ///
    /// # Errors
    /// `Forbidden` for all others; `NotFound`.
    #[tracing::instrument(name = "messages.list_edits", level = "debug", skip_all, fields(message.id = %message))]
    pub async fn edits(&self, actor: &Actor, message: MessageId) -> Result<Vec<Edit>> {
        actor.require(Action::ReadEdits)?;
        let message = self.load_message(message).await?;
        let act = AuditedAction::by(actor, "message.edits")
            .on(message.sender)
            .object(&message.id)
            .session(message.session);
        self.record(act).await?;
        // An older program beside this one may leave edits behind: they are not returned.
        if message.is_deleted {
            Ok(Vec::new())
        } else {
            self.store.edits_of(message.id).await
        }
    }

    /// Returns who received a message and who read it, and since when.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see the message.
    #[tracing::instrument(name = "messages.list_receipts", level = "debug", skip_all, fields(message.id = %message))]
    pub async fn receipts(&self, actor: &Actor, message: MessageId) -> Result<Receipts> {
        let message = self.load_message(message).await?;
        let session = self
            .require_membership(message.session, actor.user)
            .await
            .map_err(hide_as_not_found)?;
        let member = session.members.get(&actor.user);
        if member.is_none_or(|member| message.seq <= member.hidden_seq) {
            return Err(Error::NotFound("message"));
        }
        let range = SeqRange {
            after: message.seq - 1,
            up_to: message.seq,
        };
        let receipts = self.store.receipts_in(message.session, range).await?;
        self.recheck_membership(&session, actor.user)
            .await
            .map_err(hide_as_not_found)?;
        let tally = ReceiptTally::of(message.seq, message.sender, &receipts);
        let mut people = session.audience(message.seq);
        people.extend(
            tally
                .delivered
                .keys()
                .copied()
                .filter(|user| !session.members.contains_key(user)),
        );
        let inactive = self.store.inactive();
        people.retain(|user| {
            *user != message.sender && (tally.read.contains_key(user) || !inactive.contains(user))
        });
        Ok(Receipts {
            message,
            people,
            tally,
        })
    }

    async fn load_message(&self, message: MessageId) -> Result<Message> {
        self.store
            .message(message)
            .await?
            .ok_or(Error::NotFound("message"))
    }

    async fn submit_revision<C: Command>(
        &self,
        grant: &Grant<Converse>,
        command: C,
    ) -> Result<C::Output> {
        await_outcome(self.queue.submit(grant, command)?)
            .await
            .map_err(hide_as_not_found)
    }
}

/// Reports a message of a conversation without a membership like an absent one.
fn hide_as_not_found(error: Error) -> Error {
    match error {
        Error::ConversationNotFound => Error::NotFound("message"),
        other => other,
    }
}
