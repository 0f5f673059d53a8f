//! `chat:sync`: the way back after any disconnect. From the positions a client remembers to the state
//! as it is: what is new, what of the old has changed, how far each member has come.

use std::collections::{BTreeMap, BTreeSet};

use super::Services;
use crate::domain::{
    Result, SessionId,
    access::Actor,
    paging::SeqRange,
    receipts::MessageView,
    session::{Session, SessionKind},
};

/// The most messages of one answer, new and changed together.
const MAX_MESSAGES: u64 = 500;

/// How far a client has come in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncFrom {
    pub seq: u64,
    pub rev: u64,
}

/// One session's share of the way back.
#[derive(Debug, Clone)]
pub struct SessionSync {
    /// As it stands; its `seq` and `rev` are where the client is once it has everything.
    pub session: Session,
    /// The messages after the client's `seq`, oldest first.
    pub messages: Vec<MessageView>,
    /// Older messages that changed after the client's `rev`, as they now are.
    pub changed: Vec<MessageView>,
    /// Where the client is with this answer: it asks again from here while `has_more`.
    pub reached: SyncFrom,
    pub has_more: bool,
    /// Messages up to this `seq` are not shown to the client: what it has of them is to be forgotten.
    pub hidden: u64,
}

/// The way back.
#[derive(Debug, Clone)]
pub struct Synced {
    pub sessions: Vec<SessionSync>,
    /// Sessions that the client named and has no seat in (any more).
    pub removed: Vec<SessionId>,
    pub has_more: bool,
}

impl Services {
    /// Brings a client from where it was to what is. Sessions it does not name are new to it.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn sync(&self, actor: &Actor, from: &BTreeMap<SessionId, SyncFrom>) -> Result<Synced> {
        let mut sessions = self.store.all_sessions_of(actor.user).await?;
        let mine: BTreeSet<SessionId> = sessions.iter().map(|session| session.id).collect();
        // What the client knows comes first: gaps are closed before new sessions are filled.
        sessions.sort_by_key(|session| !from.contains_key(&session.id));
        let mut budget = MAX_MESSAGES;
        let mut synced = Vec::with_capacity(sessions.len());
        for session in sessions {
            let known = from.get(&session.id).copied().unwrap_or_default();
            let one = self.sync_session(actor, session, known, budget).await?;
            budget -= (one.messages.len() + one.changed.len()) as u64;
            synced.push(one);
        }
        // Who lost a seat while this was read gets nothing of that session.
        let groups: Vec<SessionId> = synced
            .iter()
            .filter(|one| one.session.kind == SessionKind::Group)
            .map(|one| one.session.id)
            .collect();
        let seats = if groups.is_empty() {
            BTreeMap::new()
        } else {
            self.store.seats_of(&groups, actor.user).await?
        };
        let mut has_more = false;
        synced.retain(|one| {
            let still = one.session.kind == SessionKind::Private
                || seats.get(&one.session.id).is_some_and(|hidden| *hidden <= one.hidden);
            // They may have come back since: the client asks again.
            has_more |= one.has_more || !still;
            still
        });
        Ok(Synced {
            has_more,
            removed: from.keys().filter(|id| !mine.contains(id)).copied().collect(),
            sessions: synced,
        })
    }

    async fn sync_session(
        &self,
        actor: &Actor,
        session: Session,
        known: SyncFrom,
        budget: u64,
    ) -> Result<SessionSync> {
        let hidden = session.members.get(&actor.user).map_or(session.seq, |member| member.hidden_seq);
        let start = known.seq.max(hidden).min(session.seq);
        let mut changed = Vec::new();
        let mut reached = SyncFrom { seq: start, rev: known.rev.min(session.rev) };
        if reached.rev < session.rev && start > hidden {
            let found = if budget == 0 {
                Vec::new()
            } else {
                self.store.messages_changed(session.id, reached.rev, start, budget).await?
            };
            let complete = budget > 0 && (found.len() as u64) < budget;
            reached.rev =
                if complete { session.rev } else { found.last().map_or(reached.rev, |last| last.rev) };
            for message in found.into_iter().filter(|message| message.seq > hidden) {
                let range = SeqRange { after: message.seq - 1, up_to: message.seq };
                let receipts = self.store.receipts_in(session.id, range).await?;
                changed.push(MessageView::with_receipts(message, &receipts));
            }
        } else {
            reached.rev = session.rev;
        }
        let left = budget.saturating_sub(changed.len() as u64);
        let range = SeqRange { after: start, up_to: session.seq.min(start.saturating_add(left)) };
        let messages = self.views_in(session.id, range).await?;
        self.note_delivered(actor.user, messages.iter().map(|view| &*view.message));
        reached.seq = range.up_to;
        let has_more = reached.seq < session.seq || reached.rev < session.rev;
        Ok(SessionSync { session, messages, changed, reached, has_more, hidden })
    }
}
