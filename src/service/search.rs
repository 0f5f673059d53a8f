//! Searching: in one's own sessions, from the time of one's membership on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Services;
use crate::{
    domain::{
        Error, Result, SessionId, Timestamp, UserId,
        access::Actor,
        error::FieldErrors,
        message::{Message, MessageType},
        paging::{Page, Pagination},
        receipts::{MessageView, Receipt},
    },
    store::search::{Excerpt, Question},
};

/// The most characters of a keyword.
pub const MAX_KEYWORD: usize = 200;
/// How far into what was found pages reach: beyond it a better keyword is quicker than another page.
pub const MAX_DEPTH: u64 = 10_000;

/// What somebody looks for.
#[derive(Debug, Clone)]
pub struct Search {
    /// Who asks, when they say.
    pub user: Option<UserId>,
    pub keyword: String,
    /// Only in this session.
    pub session: Option<SessionId>,
    /// Only what this person wrote.
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    /// Written at this time or later.
    pub from: Option<Timestamp>,
    /// Written at this time or earlier.
    pub to: Option<Timestamp>,
    pub page: Page,
}

impl Search {
    /// Every bad field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if self.keyword.trim().is_empty() || self.keyword.chars().nth(MAX_KEYWORD).is_some() {
            errors.add("keyword", format!("must have 1 to {MAX_KEYWORD} characters"));
        }
        if self.page.page.saturating_mul(self.page.limit) > MAX_DEPTH {
            errors.add("page", format!("reaches beyond the newest {MAX_DEPTH}: use a narrower search"));
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            errors.add("from", "must not be later than to");
        }
        errors
    }
}

/// A found message, and where in it the words stand.
#[derive(Debug, Clone)]
pub struct Hit {
    pub view: MessageView,
    pub excerpts: Vec<Excerpt>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    pub pagination: Pagination,
    /// The index is being built or catching up: there may be more.
    pub is_behind: bool,
}

impl Services {
    /// Finds messages in the caller's sessions, newest first.
    ///
    /// # Errors
    /// `Forbidden` for another's name, for admins too; `ConversationNotFound` without a seat in the named
    /// session; `Validation`; `RateLimited` when too many search at once.
    pub async fn find_messages(&self, actor: &Actor, search: Search) -> Result<Found> {
        actor.must_be(search.user.unwrap_or(actor.user))?;
        search.problems().into_result(Error::Validation)?;
        let page = search.page;
        let question = Question {
            seats: self.searchable(actor.user, search.session).await?,
            keyword: search.keyword,
            sender: search.sender,
            kind: search.kind,
            from: search.from,
            to: search.to,
            skip: usize::try_from(page.skip()).unwrap_or(usize::MAX),
            limit: usize::try_from(page.limit).unwrap_or(usize::MAX),
        };
        let matches = self.search.find(question).await?;
        let messages = self.store.messages_by_id(&matches.ids).await?;
        // What was deleted since it was indexed is not there any more.
        let messages = messages.into_iter().filter(|message| !message.is_deleted && message.note.is_none());
        let shown = self.search.excerpts(&matches, messages.collect()).await?;
        let receipts = self.receipts_for(shown.iter().map(|(message, _)| message)).await?;
        let seats = self.seats_for(actor.user, shown.iter().map(|(message, _)| message)).await?;
        let mut by_id: HashMap<_, _> =
            shown.into_iter().map(|(message, excerpts)| (message.id, (message, excerpts))).collect();
        let mut hits = Vec::with_capacity(by_id.len());
        for id in &matches.ids {
            let Some((message, excerpts)) = by_id.remove(id) else { continue };
            // A second look: what was read while somebody lost their seat is not told to them.
            if seats.get(&message.session).is_some_and(|hidden| message.seq > *hidden) {
                let receipts = receipts.get(&message.session).map_or(&[][..], Vec::as_slice);
                hits.push(Hit { view: MessageView::with_receipts(message, receipts), excerpts });
            }
        }
        Ok(Found { hits, pagination: Pagination::of(page, matches.total), is_behind: matches.is_behind })
    }

    /// Where somebody may search: their sessions, each with what is hidden from them.
    async fn searchable(&self, user: UserId, only: Option<SessionId>) -> Result<HashMap<SessionId, u64>> {
        let seats: HashMap<SessionId, u64> = match only {
            Some(session) => self.store.seats_of(&[session], user).await?.into_iter().collect(),
            None => self.store.all_seats_of(user).await?,
        };
        if only.is_some() && seats.is_empty() { Err(Error::ConversationNotFound) } else { Ok(seats) }
    }

    async fn seats_for(
        &self,
        user: UserId,
        messages: impl Iterator<Item = &Message>,
    ) -> Result<BTreeMap<SessionId, u64>> {
        let sessions: BTreeSet<SessionId> = messages.map(|message| message.session).collect();
        let sessions: Vec<SessionId> = sessions.into_iter().collect();
        if sessions.is_empty() { Ok(BTreeMap::new()) } else { self.store.seats_of(&sessions, user).await }
    }

    /// The receipts of messages of several sessions, in one query.
    async fn receipts_for(
        &self,
        messages: impl Iterator<Item = &Message>,
    ) -> Result<HashMap<SessionId, Vec<Receipt>>> {
        let places: Vec<(SessionId, u64)> = messages.map(|message| (message.session, message.seq)).collect();
        self.store.receipts_at(&places).await
    }
}
