//! Forwarding: messages that the caller may read, to conversations where they may write, all or
//! nothing.

use std::collections::BTreeSet;

use super::Services;
use crate::domain::{
    ConversationId, Error, Field, MessageId, Result,
    access::{Actor, Converse, Facts},
    conversation_state::{SendCommand, SendOutcome, transaction_bytes_of},
    error::FieldErrors,
    message::{Draft, MAX_IDEMPOTENCY_KEY_CHARS, Message},
    message_parts::{Forwarded as Origin, Quote},
    receipts::{MessageView, Warning},
};

/// The most messages of one request.
pub const MAX_FORWARDED_MESSAGES: usize = 100;
/// The most conversations of one request.
pub const MAX_FORWARD_TARGETS: usize = 20;
/// The most bytes that one request writes: a transaction is at most 16 MB.
const MAX_FORWARDED_BYTES: usize = 4 << 20;
/// The most bytes of one merged message.
const MAX_MERGED_BYTES: usize = 128 << 10;

/// Whether several messages stay separate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each becomes a message of its own.
    Each,
    /// All become one.
    Merged,
}

/// A request to forward messages.
#[derive(Debug, Clone)]
pub struct Forwarding {
    pub messages: Vec<MessageId>,
    pub targets: Vec<ConversationId>,
    pub mode: Mode,
    /// The key that makes a repeated request the same request.
    pub client_msg_id: Option<String>,
}

/// The stored messages: by target, then by message.
#[derive(Debug, Clone)]
pub struct Forwarded {
    pub messages: Vec<MessageView>,
    /// It was done before; nothing is published again.
    pub is_repeat: bool,
}

impl Forwarded {
    /// Returns the warnings for the sender about the stored messages, each once.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = Vec::new();
        for warning in self.messages.iter().flat_map(|message| &message.warnings) {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        warnings
    }
}

impl Forwarding {
    /// Returns every invalid field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if self.messages.is_empty() || self.messages.len() > MAX_FORWARDED_MESSAGES {
            errors.add(Field::Messages, "must name 1 to 100 messages");
        }
        if self.targets.is_empty() || self.targets.len() > MAX_FORWARD_TARGETS {
            errors.add(Field::TargetConversations, "must name 1 to 20 sessions");
        }
        if self
            .client_msg_id
            .as_ref()
            .is_some_and(|id| id.is_empty() || id.chars().count() > MAX_IDEMPOTENCY_KEY_CHARS)
        {
            errors.add(Field::IdempotencyKey, "must have 1 to 64 characters");
        }
        errors
    }

    /// Returns how many messages the request stores.
    #[must_use]
    pub fn writes(&self) -> usize {
        let each = match self.mode {
            Mode::Each => self.messages.len(),
            Mode::Merged => 1,
        };
        each.saturating_mul(self.targets.len())
    }

    /// Returns the prefix of the `clientMsgId`s of all its messages; no two requests to one
    /// conversation share it.
    fn prefix(&self) -> Option<String> {
        self.client_msg_id
            .as_ref()
            .map(|id| format!("forward:{}:{id}:", id.len()))
    }
}

impl Services {
    /// Forwards messages. Either all of it is stored, or nothing.
    ///
    /// # Errors
    /// `NotFound` for a message the caller cannot see, `ConversationNotFound` for a conversation
    /// without a membership; `Validation`, `MessageTooLarge`, `RateLimited`.
    #[tracing::instrument(name = "messages.forward", level = "debug", skip_all)]
    pub async fn forward(&self, actor: &Actor, forwarding: &Forwarding) -> Result<Forwarded> {
        let grant = actor.authorize::<Converse>(Facts::None)?;
        forwarding.problems().into_result(Error::Validation)?;
        if let Some(done) = self.forwarded_before(actor, forwarding).await? {
            return Ok(done);
        }
        let sources = self.load_sources(actor, forwarding).await?;
        let drafts = match forwarding.mode {
            Mode::Each => sources
                .iter()
                .map(|source| draft_copy(actor, source))
                .collect(),
            Mode::Merged => vec![merged_draft(actor, &sources)?],
        };
        // Refusals come first, before a write, a copy for each target, or a paused lane.
        let weight: usize = drafts.iter().map(transaction_bytes_of).sum();
        if weight.saturating_mul(forwarding.targets.len()) > MAX_FORWARDED_BYTES {
            return Err(Error::MessageTooLarge {
                limit: MAX_FORWARDED_BYTES,
            });
        }
        let targets: BTreeSet<ConversationId> = forwarding.targets.iter().copied().collect();
        let targets: Vec<ConversationId> = targets.into_iter().collect();
        if self.store.memberships_of(&targets, actor.user).await?.len() < targets.len() {
            return Err(Error::ConversationNotFound);
        }
        self.hold_forwarded_files(&drafts).await?;
        let operations = commands(forwarding, &drafts);
        let outcomes = match self.queue.submit_across_lanes(&grant, operations).await {
            Ok(outcomes) => outcomes,
            // The same request came twice at once, and the other one was first.
            Err(Error::Conflict(conflict)) => {
                let done = self.forwarded_before(actor, forwarding).await?;
                return done.ok_or(Error::Conflict(conflict));
            }
            Err(Error::RecipientInactive { users, .. }) => {
                return Err(self.inactive_recipient_error(users).await);
            }
            Err(error) => return Err(error),
        };
        let messages = outcomes.into_iter().map(|outcome| match outcome {
            SendOutcome::Sent {
                message, receivers, ..
            } => {
                let warnings = self
                    .no_active_receiver_warning(&message, &receivers)
                    .into_iter()
                    .collect();
                MessageView {
                    warnings,
                    ..MessageView::fresh(message)
                }
            }
            SendOutcome::Repeated { message } => MessageView {
                is_repeat: true,
                ..MessageView::fresh(message)
            },
        });
        Ok(Forwarded {
            messages: messages.collect(),
            is_repeat: false,
        })
    }

    /// Returns what an earlier request with the same `clientMsgId` stored.
    async fn forwarded_before(
        &self,
        actor: &Actor,
        forwarding: &Forwarding,
    ) -> Result<Option<Forwarded>> {
        let Some(prefix) = forwarding.prefix() else {
            return Ok(None);
        };
        let mut messages = Vec::new();
        let targets = &forwarding.targets;
        for message in self
            .store
            .messages_by_client_prefix(targets, actor.user, &prefix)
            .await?
        {
            let view = self.view(std::sync::Arc::new(message)).await?;
            messages.push(MessageView {
                is_repeat: true,
                ..view
            });
        }
        if messages.is_empty() {
            return Ok(None);
        }
        // A former member reads nothing of the conversation, not even this message.
        let sessions: BTreeSet<ConversationId> =
            messages.iter().map(|view| view.message.session).collect();
        // Messages in only some of the targets come from another request: this one is neither a
        // repeat nor new.
        if targets.iter().any(|target| !sessions.contains(target)) {
            return Err(Error::Conflict(
                "this clientMsgId was forwarded to a part of these sessions",
            ));
        }
        let sessions: Vec<ConversationId> = sessions.into_iter().collect();
        if self
            .store
            .memberships_of(&sessions, actor.user)
            .await?
            .len()
            < sessions.len()
        {
            return Err(Error::ConversationNotFound);
        }
        Ok(Some(Forwarded {
            messages,
            is_repeat: true,
        }))
    }

    /// Returns the messages in the requested order; the caller may read each of them.
    async fn load_sources(&self, actor: &Actor, forwarding: &Forwarding) -> Result<Vec<Message>> {
        let found = self.store.messages_by_id(&forwarding.messages).await?;
        let sessions: Vec<ConversationId> = found.iter().map(|message| message.session).collect();
        let memberships = self.store.memberships_of(&sessions, actor.user).await?;
        let visible = |message: &&Message| {
            let hidden = memberships.get(&message.session);
            hidden.is_some_and(|hidden| message.seq > *hidden) && !message.is_deleted
        };
        let source = |id: &MessageId| {
            let message = found
                .iter()
                .find(|message| message.id == *id)
                .filter(visible);
            let message = message.ok_or(Error::NotFound("message"))?;
            if message.system_notice.is_some() {
                let problem = "must not be system messages";
                return Err(Error::Validation(FieldErrors::one(
                    Field::Messages,
                    problem,
                )));
            }
            Ok(message.clone())
        };
        forwarding.messages.iter().map(source).collect()
    }
}

/// Returns a message with the content of another one, without its mentions and its reply.
fn draft_copy(actor: &Actor, source: &Message) -> Draft {
    let origin = Origin {
        message: source.id,
        sender: source.sender,
        created_at: source.created_at,
        edited_at: source.edited_at,
    };
    Draft {
        content: source.content.clone(),
        kind: source.kind,
        file: source.file.clone(),
        merged: source.merged.clone(),
        // A message that is forwarded again keeps its first author.
        forwarded: Some(match source.forwarded {
            Some(first) => Origin {
                edited_at: source.edited_at.or(first.edited_at),
                ..first
            },
            None => origin,
        }),
        ..Draft::blank(source.session, actor.user)
    }
}

/// Returns one message that contains several.
fn merged_draft(actor: &Actor, sources: &[Message]) -> Result<Draft> {
    if sources.iter().any(|source| !source.merged.is_empty()) {
        let problem = "must not be merged messages already";
        return Err(Error::Validation(FieldErrors::one(
            Field::Messages,
            problem,
        )));
    }
    let quote = |source: &Message| Quote {
        message: source.id,
        sender: source.sender,
        content: source.content.clone(),
        kind: source.kind,
        file: source.file.clone(),
        created_at: source.created_at,
        edited_at: source.edited_at,
    };
    let bytes: usize = sources.iter().map(|source| source.content.len()).sum();
    if bytes > MAX_MERGED_BYTES {
        return Err(Error::MessageTooLarge {
            limit: MAX_MERGED_BYTES,
        });
    }
    let session = sources
        .first()
        .map(|source| source.session)
        .ok_or(Error::Internal)?;
    Ok(Draft {
        merged: sources.iter().map(quote).collect(),
        ..Draft::blank(session, actor.user)
    })
}

fn commands(forwarding: &Forwarding, drafts: &[Draft]) -> Vec<SendCommand> {
    let prefix = forwarding.prefix();
    let mut operations = Vec::with_capacity(forwarding.targets.len() * drafts.len());
    for (place, session) in forwarding.targets.iter().enumerate() {
        for (number, draft) in drafts.iter().enumerate() {
            let client_msg_id = prefix
                .as_ref()
                .map(|prefix| format!("{prefix}{place:02}:{number:02}"));
            let draft = Draft {
                session: *session,
                client_msg_id,
                ..draft.clone()
            };
            operations.push(SendCommand {
                id: MessageId::generate(),
                draft,
                origin: None,
            });
        }
    }
    operations
}
