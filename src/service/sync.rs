//! `chat:sync`: catching up after any disconnect. It leads from the positions a client knows to the
//! present state: new messages, changed old ones, and every member's positions.

use std::collections::{BTreeMap, BTreeSet};

use super::Services;
use crate::domain::{
    ConversationId, Result,
    access::Actor,
    conversation::{Conversation, ConversationKind},
    encoded_size,
    paging::SeqRange,
    receipts::MessageView,
};

/// The most messages of one answer, new and changed together.
const MAX_SYNC_MESSAGES: u64 = 500;

/// The most bytes of one answer's messages, about.
const MAX_SYNC_BYTES: usize = 2 << 20;
/// The number of a conversation's messages that are read at once.
const READ_STEP_MESSAGES: u64 = 100;

/// The rest of an answer's limits.
struct Budget {
    messages: u64,
    bytes: usize,
}

impl Budget {
    fn is_exhausted(&self) -> bool {
        self.messages == 0 || self.bytes == 0
    }

    /// Takes a message into the answer, unless it does not fit; the first one always fits.
    fn take(&mut self, view: &MessageView) -> bool {
        let weight = encoded_size::of(view);
        if self.is_exhausted() || (weight > self.bytes && self.messages < MAX_SYNC_MESSAGES) {
            self.bytes = 0;
            return false;
        }
        self.messages -= 1;
        self.bytes = self.bytes.saturating_sub(weight);
        true
    }
}
/// The most conversations of one answer with something new, and of those without.
const MAX_ANSWERED_CONVERSATIONS: usize = 200;
/// The most members' positions of one answer.
const MAX_MEMBER_POSITIONS: usize = 20_000;

/// The positions of a client in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncFrom {
    pub seq: u64,
    pub rev: u64,
}

/// The result of a sync for one conversation.
#[derive(Debug, Clone)]
pub struct ConversationSync {
    /// The present state; the client is at its `seq` and `rev` once it has everything.
    pub session: Conversation,
    /// The messages after the client's `seq`, oldest first.
    pub messages: Vec<MessageView>,
    /// Older messages that changed after the client's `rev`, in their present state.
    pub changed: Vec<MessageView>,
    /// The client's positions after this answer; it asks again from here while `has_more`.
    pub reached: SyncFrom,
    pub has_more: bool,
    /// Messages up to this `seq` are not visible to the client; it must delete its copies.
    pub hidden: u64,
}

/// The result of a sync.
#[derive(Debug, Clone)]
pub struct Synced {
    pub sessions: Vec<ConversationSync>,
    /// Conversations that the client named and of which the user is not, or no longer, a member.
    pub removed: Vec<ConversationId>,
    pub has_more: bool,
}

/// Limits a user's conversations to those of one answer, and returns whether a conversation has to
/// wait for the next. Conversations known to the client come first: gaps are closed before new
/// conversations are filled. With each answer the client names more of them, so the sync ends. Of
/// the unchanged conversations, those with the newest activity are enough.
fn limit_to_page(
    sessions: &mut Vec<Conversation>,
    from: &BTreeMap<ConversationId, SyncFrom>,
) -> bool {
    let is_quiet = |session: &Conversation| {
        from.get(&session.id)
            .is_some_and(|known| known.seq >= session.seq && known.rev >= session.rev)
    };
    sessions.sort_by_key(|session| (is_quiet(session), !from.contains_key(&session.id)));
    let (mut behind, mut quiet, mut members, mut left_out) = (0, 0, 0, false);
    sessions.retain(|session| {
        let quiet_one = is_quiet(session);
        let count = if quiet_one { &mut quiet } else { &mut behind };
        let fits = *count < MAX_ANSWERED_CONVERSATIONS
            && (members == 0 || members + session.members.len() <= MAX_MEMBER_POSITIONS);
        if fits {
            *count += 1;
            members += session.members.len();
        }
        left_out |= !fits && !quiet_one;
        fits
    });
    left_out
}

impl Services {
    /// Brings a client from its positions to the present state. Conversations it does not name are
    /// new to it.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    #[tracing::instrument(name = "conversations.sync", level = "debug", skip_all)]
    pub async fn sync(
        &self,
        actor: &Actor,
        from: &BTreeMap<ConversationId, SyncFrom>,
    ) -> Result<Synced> {
        let mut sessions = self.store.all_conversations_of(actor.user).await?;
        let mine: BTreeSet<ConversationId> = sessions.iter().map(|session| session.id).collect();
        let left_out = limit_to_page(&mut sessions, from);
        let mut budget = Budget {
            messages: MAX_SYNC_MESSAGES,
            bytes: MAX_SYNC_BYTES,
        };
        let mut synced = Vec::with_capacity(sessions.len());
        for session in sessions {
            let known = from.get(&session.id).copied().unwrap_or_default();
            let one = self
                .sync_conversation(actor, session, known, &mut budget)
                .await?;
            synced.push(one);
        }
        // A user whose membership ended during the read gets nothing of that conversation.
        let groups: Vec<ConversationId> = synced
            .iter()
            .filter(|one| one.session.kind == ConversationKind::Group)
            .map(|one| one.session.id)
            .collect();
        let memberships = if groups.is_empty() {
            BTreeMap::new()
        } else {
            self.store.memberships_of(&groups, actor.user).await?
        };
        let mut has_more = left_out;
        synced.retain(|one| {
            let still = one.session.kind == ConversationKind::Private
                || memberships
                    .get(&one.session.id)
                    .is_some_and(|hidden| *hidden <= one.hidden);
            // The user may have joined again since: the client asks again.
            has_more |= one.has_more || !still;
            still
        });
        Ok(Synced {
            has_more,
            removed: from
                .keys()
                .filter(|id| !mine.contains(id))
                .copied()
                .collect(),
            sessions: synced,
        })
    }

    async fn sync_conversation(
        &self,
        actor: &Actor,
        session: Conversation,
        known: SyncFrom,
        budget: &mut Budget,
    ) -> Result<ConversationSync> {
        let hidden = session
            .members
            .get(&actor.user)
            .map_or(session.seq, |member| member.hidden_seq);
        let start = known.seq.max(hidden).min(session.seq);
        let mut changed = Vec::new();
        let mut reached = SyncFrom {
            seq: start,
            rev: known.rev.min(session.rev),
        };
        if reached.rev < session.rev && start > hidden {
            let found = if budget.is_exhausted() {
                Vec::new()
            } else {
                self.store
                    .messages_changed_since(session.id, reached.rev, start, budget.messages)
                    .await?
            };
            let mut is_complete = !budget.is_exhausted() && (found.len() as u64) < budget.messages;
            let places: Vec<(ConversationId, u64)> =
                found.iter().map(|found| (session.id, found.seq)).collect();
            let receipts = self
                .store
                .receipts_at(&places)
                .await?
                .remove(&session.id)
                .unwrap_or_default();
            for message in found {
                let (rev, is_hidden) = (message.rev, message.seq <= hidden);
                let view = MessageView::with_receipts(message, &receipts);
                if !is_hidden && !budget.take(&view) {
                    is_complete = false;
                    break;
                }
                reached.rev = rev;
                changed.extend(Some(view).filter(|_| !is_hidden));
            }
            if is_complete {
                reached.rev = session.rev;
            }
        } else {
            reached.rev = session.rev;
        }
        let mut messages = Vec::new();
        // The read goes step by step, so that messages beyond the limits are not read.
        while reached.seq < session.seq && !budget.is_exhausted() {
            let step = READ_STEP_MESSAGES.min(budget.messages);
            let range = SeqRange {
                after: reached.seq,
                up_to: session.seq.min(reached.seq.saturating_add(step)),
            };
            let found = self.views_in(session.id, range).await?;
            let (wanted, before) = (found.len(), messages.len());
            messages.extend(found.into_iter().take_while(|view| budget.take(view)));
            if messages.len() - before < wanted {
                reached.seq = messages
                    .last()
                    .map_or(start, |last: &MessageView| last.message.seq);
                break;
            }
            reached.seq = range.up_to;
        }
        self.record_reply_targets(&mut messages, |_| hidden).await?;
        self.record_reply_targets(&mut changed, |_| hidden).await?;
        self.record_delivered(actor.user, messages.iter().map(|view| &*view.message));
        let has_more = reached.seq < session.seq || reached.rev < session.rev;
        Ok(ConversationSync {
            session,
            messages,
            changed,
            reached,
            has_more,
            hidden,
        })
    }
}
