//! Imported histories: the same conversation state as in the commit path, with past times.

use std::sync::Arc;

use super::Services;
use crate::domain::{
    MessageId, Result, Timestamp, UserId,
    conversation::Conversation,
    conversation_state::{
        ConversationState, MessageRef, Preloaded, ReadCommand, SendCommand, SendOutcome,
    },
    message::{Draft, Message},
};

/// The history of a conversation, while it is being created.
pub(super) struct ConversationImport {
    state: ConversationState,
    refs: Vec<MessageRef>,
}

impl ConversationImport {
    pub fn of(session: Conversation) -> Self {
        Self {
            state: ConversationState::open(session),
            refs: Vec::new(),
        }
    }

    /// Adds `draft`, sent at `at`, as a reply to `answered` if given.
    pub fn write(
        &mut self,
        draft: Draft,
        answered: Option<&Message>,
        at: Timestamp,
    ) -> Result<Arc<Message>> {
        draft.check()?;
        let (id, sender) = (MessageId::generate(), draft.sender);
        let preloaded = answered.map_or(Preloaded::None, |answered| {
            Preloaded::Message(Some(Box::new(answered.clone())))
        });
        let draft = Draft {
            reply_to: answered.map(|answered| answered.id),
            ..draft
        };
        let send = SendCommand {
            id,
            draft,
            origin: None,
        };
        let (SendOutcome::Sent { message, .. } | SendOutcome::Repeated { message }) =
            self.state.apply_one(send, preloaded, at)?;
        self.refs.push(MessageRef {
            id,
            seq: message.seq,
            sender,
        });
        Ok(message)
    }

    /// Records that `reader` had read up to `seq` at `at`.
    pub fn read(&mut self, reader: UserId, seq: u64, at: Timestamp) -> Result<()> {
        let session = self.state.session.id;
        let after = self
            .state
            .session
            .members
            .get(&reader)
            .map_or(0, |member| member.read_seq);
        let Some(up_to) = usize::try_from(seq)
            .ok()
            .and_then(|seq| self.refs.get(seq.checked_sub(1)?))
            .copied()
        else {
            return Ok(());
        };
        let read: Vec<MessageRef> = self
            .refs
            .iter()
            .filter(|m| m.seq > after && m.seq <= seq && m.sender != reader)
            .copied()
            .collect();
        let preloaded = Preloaded::Unread {
            count: read.len() as u64,
            newest: read,
        };
        let read = ReadCommand {
            session,
            reader,
            up_to,
            origin: None,
        };
        self.state.apply_one(read, preloaded, at)?;
        Ok(())
    }

    /// Returns the state of the conversation with its changes.
    pub fn into_state(self) -> ConversationState {
        self.state
    }
}

impl Services {
    /// Stores a history in one transaction; `false` when another writer changed the conversation
    /// meanwhile.
    pub(super) async fn import_conversation(&self, past: ConversationImport) -> Result<bool> {
        self.store.import(past.state).await
    }
}
