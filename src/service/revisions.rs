//! What happens to messages after they were written: edits, recalls, reactions; and who has got them.

use std::sync::Arc;

use super::{
    Services,
    audit::AuditedAction,
    creation_limits::CreatedThing,
    messages::{once_stored, settled, unmentioned},
};
use crate::domain::{
    Error, MessageId, Result, UserId,
    access::Actor,
    conversation_state::{Command, Edit, Outcome},
    error::FieldErrors,
    event::Tombstone,
    message::{MAX_TEXT_CHARS, Message},
    message_parts::{Mentions, is_old_emoji, is_valid_emoji},
    paging::SeqRange,
    receipts::{MessageView, ReceiptTally},
};

/// Who has got a message, and who has read it.
#[derive(Debug, Clone)]
pub struct Receipts {
    pub message: Message,
    /// Whom it concerns, its sender aside: who has read it, and who may yet do so. Who is not active any more
    /// and has not will not.
    pub people: Vec<UserId>,
    pub tally: ReceiptTally,
}

impl Services {
    /// Writes one's own message anew, within the edit window. Without `mentions` they stay.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `WindowClosed`, `InvalidMessage`, `MessageTooLarge`.
    pub async fn edit(
        &self,
        actor: &Actor,
        message: MessageId,
        content: String,
        mentions: Option<Mentions>,
    ) -> Result<MessageView> {
        if content.chars().nth(MAX_TEXT_CHARS).is_some() {
            return Err(Error::MessageTooLarge { limit: MAX_TEXT_CHARS });
        }
        let session = self.known(message).await?.session;
        let (by, window) = (actor.user, self.settings.edit_window);
        let asked = mentions.clone().unwrap_or_default();
        let operation = Command::Edit { session, message, by, content, mentions, window };
        match self.change(operation).await? {
            Outcome::Revised { message, .. } => {
                let warnings = unmentioned(&asked, &message.mentions);
                Ok(MessageView { warnings, ..once_stored(self.view(message).await)? })
            }
            _ => Err(Error::Internal),
        }
    }

    /// Takes one's own message back, within the recall window. Idempotent.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `WindowClosed`.
    pub async fn recall(&self, actor: &Actor, message: MessageId) -> Result<Tombstone> {
        let known = self.known(message).await?;
        self.release_files(&known.file_ids()).await?;
        let (session, window) = (known.session, self.settings.recall_window);
        match self.change(Command::Recall { session, message, by: actor.user, window }).await? {
            Outcome::Deleted { tombstone, fresh, .. } => {
                if fresh {
                    let act = AuditedAction::by(actor, "message.recall").on(known.sender);
                    self.note_done(act.object(&message).session(session));
                }
                Ok(tombstone)
            }
            _ => Err(Error::Internal),
        }
    }

    /// Puts an emoji on a message (`on`), or takes it off. Idempotent.
    ///
    /// # Errors
    /// `NotFound`; `Validation` for what is no emoji, unless it is one of an earlier time and taken off; `Conflict` for too many kinds.
    pub async fn react(
        &self,
        actor: &Actor,
        message: MessageId,
        emoji: String,
        on: bool,
    ) -> Result<Arc<Message>> {
        let is_good = if on { is_valid_emoji(&emoji) } else { is_old_emoji(&emoji) };
        if !is_good {
            let problem = "must be exactly one emoji";
            return Err(Error::Validation(FieldErrors::one("emoji", problem)));
        }
        let session = self.known(message).await?.session;
        self.courtesy.make(actor.user, CreatedThing::Reaction, 1)?;
        match self.change(Command::React { session, message, by: actor.user, emoji, on }).await? {
            Outcome::Revised { message, .. } => Ok(message),
            _ => Err(Error::Internal),
        }
    }

    /// What a message said before it was edited, oldest first: for admins, on record.
    ///
    /// # Errors
    /// `Forbidden` for everybody else; `NotFound`.
    pub async fn edits(&self, actor: &Actor, message: MessageId) -> Result<Vec<Edit>> {
        actor.must_be_admin()?;
        let message = self.known(message).await?;
        let act = AuditedAction::by(actor, "message.edits")
            .on(message.sender)
            .object(&message.id)
            .session(message.session);
        self.record(act).await?;
        // An older program beside this one leaves them behind: nobody reads them.
        if message.is_deleted { Ok(Vec::new()) } else { self.store.edits_of(message.id).await }
    }

    /// Who has got a message, and who has read it, each since when.
    ///
    /// # Errors
    /// `NotFound` for those who may not see the message.
    pub async fn receipts(&self, actor: &Actor, message: MessageId) -> Result<Receipts> {
        let message = self.known(message).await?;
        let session = self.seat(message.session, actor.user).await.map_err(unseen)?;
        let seat = session.members.get(&actor.user);
        if seat.is_none_or(|member| message.seq <= member.hidden_seq) {
            return Err(Error::NotFound("message"));
        }
        let range = SeqRange { after: message.seq - 1, up_to: message.seq };
        let receipts = self.store.receipts_in(message.session, range).await?;
        self.must_still_sit(&session, actor.user).await.map_err(unseen)?;
        let tally = ReceiptTally::of(message.seq, message.sender, &receipts);
        let mut people = session.audience(message.seq);
        people.extend(tally.delivered.keys().copied().filter(|user| !session.members.contains_key(user)));
        let inactive = self.store.inactive();
        people.retain(|user| {
            *user != message.sender && (tally.read.contains_key(user) || !inactive.contains(user))
        });
        Ok(Receipts { message, people, tally })
    }

    async fn known(&self, message: MessageId) -> Result<Message> {
        self.store.message(message).await?.ok_or(Error::NotFound("message"))
    }

    async fn change(&self, operation: Command) -> Result<Outcome> {
        settled(self.queue.submit(operation)?).await.map_err(unseen)
    }
}

/// A message of a session without a seat is as absent as any other.
fn unseen(error: Error) -> Error {
    match error {
        Error::ConversationNotFound => Error::NotFound("message"),
        other => other,
    }
}
