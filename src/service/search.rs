//! Search: in the caller's own conversations, from the start of their memberships on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Services;
use crate::{
    domain::{
        ConversationId, Error, Field, Result, UserId,
        access::{Action, Actor},
        cursors::{FoundCursor, PageRequest},
        error::FieldErrors,
        message::{Message, MessageType},
        paging::{Page, Pagination},
        receipts::{MessageView, Receipt},
        statistics::TimeOrDay,
    },
    store::search::{Excerpt, IndexQuery, MentionQuery},
};

/// The most characters of a keyword.
pub const MAX_KEYWORD_CHARS: usize = 200;
/// How far pages reach into the results: beyond it a better keyword is quicker than another page.
/// Cursors reach to the end.
pub const MAX_PAGED_RESULTS: u64 = 10_000;

const FROM_AFTER_TO: &str = "must not be later than to";

/// A search request.
#[derive(Debug, Clone)]
pub struct Search {
    /// The caller, if named.
    pub user: Option<UserId>,
    /// `None` lists all messages that pass the filters; then at least one must be set.
    pub keyword: Option<String>,
    /// Only messages that mention the caller by name, or all members.
    pub mention_filter: Option<MentionFilter>,
    /// Only in this conversation.
    pub session: Option<ConversationId>,
    /// Only messages of this sender.
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    /// Sent at this time or later.
    pub from: Option<TimeOrDay>,
    /// Sent at this time or earlier.
    pub to: Option<TimeOrDay>,
    pub page: PageRequest<FoundCursor>,
}

/// The kind of mention to search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MentionFilter {
    /// The caller, by name.
    Me,
    /// All members at once.
    All,
}

/// The error of a text that names no kind of mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be me or all")]
pub struct UnknownMentionFilter;

impl std::str::FromStr for MentionFilter {
    type Err = UnknownMentionFilter;
    fn from_str(text: &str) -> std::result::Result<Self, UnknownMentionFilter> {
        match text {
            "me" => Ok(Self::Me),
            "all" => Ok(Self::All),
            _ => Err(UnknownMentionFilter),
        }
    }
}

impl Search {
    /// Returns every invalid field.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        let is_filtered = self.session.is_some()
            || self.sender.is_some()
            || self.kind.is_some()
            || self.mention_filter.is_some()
            || self.from.is_some()
            || self.to.is_some();
        let is_good = match self.keyword() {
            None => is_filtered,
            Some(keyword) => keyword.chars().nth(MAX_KEYWORD_CHARS).is_none(),
        };
        if !is_good {
            errors.add(
                Field::Keyword,
                format!("must have 1 to {MAX_KEYWORD_CHARS} characters, unless there is a filter"),
            );
        }
        let Page { page, limit } = self.page.page;
        if page.saturating_mul(limit) > MAX_PAGED_RESULTS {
            errors.add(
                Field::Page,
                format!("reaches beyond the newest {MAX_PAGED_RESULTS}: use a narrower search, or cursor"),
            );
        }
        if self
            .from
            .zip(self.to)
            .is_some_and(|(from, to)| from.is_after(to))
        {
            errors.add(Field::From, FROM_AFTER_TO);
        }
        errors
    }

    /// Returns the keyword; a blank one counts as none.
    fn keyword(&self) -> Option<&str> {
        self.keyword
            .as_deref()
            .filter(|keyword| !keyword.trim().is_empty())
    }
}

/// A found message, and the matching excerpts.
#[derive(Debug, Clone)]
pub struct FoundMessage {
    pub view: MessageView,
    pub excerpts: Vec<Excerpt>,
}

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<FoundMessage>,
    pub pagination: Pagination,
    /// The index is being built or catching up: there may be more results.
    pub is_behind: bool,
}

impl Services {
    /// Returns messages of the caller's conversations, newest first.
    ///
    /// # Errors
    /// `Forbidden` for another user's name, for admins too; `ConversationNotFound` without a
    /// membership in the named conversation; `Validation`; `RateLimited` when too many search at
    /// once.
    #[tracing::instrument(name = "messages.search", level = "debug", skip_all)]
    pub async fn find_messages(&self, actor: &Actor, search: Search) -> Result<Found> {
        actor.require_about(Action::Converse, search.user.unwrap_or(actor.user))?;
        search.problems().into_result(Error::Validation)?;
        let page = search.page.page;
        let calendar = self.calendar();
        let (from, to) = (
            search.from.map(|from| calendar.first(from)),
            search.to.map(|to| calendar.last(to)),
        );
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Error::Validation(FieldErrors::one(
                Field::From,
                FROM_AFTER_TO,
            )));
        }
        let question = IndexQuery {
            visible_conversations: self
                .searchable_conversations(actor.user, search.session)
                .await?,
            keyword: search.keyword().map(str::to_owned),
            mentions: search
                .mention_filter
                .map(|mention_filter| match mention_filter {
                    MentionFilter::Me => MentionQuery::Person(actor.user),
                    MentionFilter::All => MentionQuery::Everybody,
                }),
            sender: search.sender,
            kind: search.kind,
            from,
            to,
            skip: usize::try_from(page.skip()).unwrap_or(usize::MAX),
            limit: usize::try_from(page.limit).unwrap_or(usize::MAX),
            behind: search.page.cursor,
        };
        let matches = self.search.find(question).await?;
        let messages = self.store.messages_by_id(&matches.ids).await?;
        // Messages deleted since they were indexed are left out.
        let messages = messages
            .into_iter()
            .filter(|message| !message.is_deleted && message.system_notice.is_none());
        let shown = self.search.excerpts(&matches, messages.collect()).await?;
        let receipts = self
            .receipts_for(shown.iter().map(|(message, _)| message))
            .await?;
        let visible_conversations = self
            .searchable_memberships(actor.user, shown.iter().map(|(message, _)| message))
            .await?;
        let mut by_id: HashMap<_, _> = shown
            .into_iter()
            .map(|(message, excerpts)| (message.id, (message, excerpts)))
            .collect();
        let mut hits = Vec::with_capacity(by_id.len());
        for id in &matches.ids {
            let Some((message, excerpts)) = by_id.remove(id) else {
                continue;
            };
            // A second check: messages of a conversation that was left during the search are not
            // returned.
            if visible_conversations
                .get(&message.session)
                .is_some_and(|hidden| message.seq > *hidden)
            {
                let receipts = receipts
                    .get(&message.session)
                    .map_or(&[][..], Vec::as_slice);
                hits.push(FoundMessage {
                    view: MessageView::with_receipts(message, receipts),
                    excerpts,
                });
            }
        }
        let mut views: Vec<MessageView> = hits.iter().map(|hit| hit.view.clone()).collect();
        self.record_reply_targets(&mut views, |session| {
            visible_conversations
                .get(&session)
                .copied()
                .unwrap_or(u64::MAX)
        })
        .await?;
        for (hit, view) in hits.iter_mut().zip(views) {
            hit.view = view;
        }
        let pagination = match search.page.cursor {
            Some(_) => Pagination::behind(page, matches.total, matches.next.as_ref()),
            None => Pagination::of(page, matches.total)
                .with_next(matches.next.filter(|_| search.page.wants_next).as_ref()),
        };
        Ok(Found {
            hits,
            pagination,
            is_behind: matches.is_behind,
        })
    }

    /// Returns the conversations that a user may search, each with the position up to which it is
    /// hidden.
    async fn searchable_conversations(
        &self,
        user: UserId,
        only: Option<ConversationId>,
    ) -> Result<HashMap<ConversationId, u64>> {
        let visible_conversations: HashMap<ConversationId, u64> = match only {
            Some(session) => self
                .store
                .memberships_of(&[session], user)
                .await?
                .into_iter()
                .collect(),
            None => self.store.all_memberships_of(user).await?,
        };
        if only.is_some() && visible_conversations.is_empty() {
            Err(Error::ConversationNotFound)
        } else {
            Ok(visible_conversations)
        }
    }

    async fn searchable_memberships(
        &self,
        user: UserId,
        messages: impl Iterator<Item = &Message>,
    ) -> Result<BTreeMap<ConversationId, u64>> {
        let sessions: BTreeSet<ConversationId> = messages.map(|message| message.session).collect();
        let sessions: Vec<ConversationId> = sessions.into_iter().collect();
        if sessions.is_empty() {
            Ok(BTreeMap::new())
        } else {
            self.store.memberships_of(&sessions, user).await
        }
    }

    /// Returns the receipts of messages of several conversations, in one query.
    async fn receipts_for(
        &self,
        messages: impl Iterator<Item = &Message>,
    ) -> Result<HashMap<ConversationId, Vec<Receipt>>> {
        let places: Vec<(ConversationId, u64)> = messages
            .map(|message| (message.session, message.seq))
            .collect();
        self.store.receipts_at(&places).await
    }
}
