//! Cursors: positions in lists that change during paging. Clients return them unchanged and must
//! not interpret them. A forged cursor gives at most another part of a list that the client may
//! read anyway.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    ConversationId, EntryId, Timestamp,
    paging::{Cursor, Page},
};

/// The cursor of the first request.
pub const START_CURSOR: &str = "start";
/// The longest cursor's text.
const MAX_CURSOR_BYTES: usize = 4_096;

/// The age at which every commit is visible to a read. It exceeds the duration of a commit and the
/// difference of the nodes' clocks.
const SETTLING_TIME: Duration = Duration::from_mins(1);

/// The error of a text that is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cursor as an answer gave it")]
pub struct BadCursor;

/// The requested entries of a list: a page, or as many as a page has behind a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<C> {
    pub page: Page,
    pub cursor: Option<C>,
    /// Whether the answer contains the cursor of the next request.
    pub wants_next: bool,
}

impl<C> PageRequest<C> {
    /// Returns how many entries to read: behind a cursor one more, which tells whether there are
    /// more.
    #[must_use]
    pub fn window(&self) -> Page {
        match self.cursor {
            Some(_) => Page {
                page: 1,
                limit: self.page.limit.saturating_add(1),
            },
            None => self.page,
        }
    }

    /// Removes what [`PageRequest::window`] read beyond the page; `true` when there was something.
    pub fn trim_extra<T>(&self, entries: &mut Vec<T>) -> bool {
        let limit = usize::try_from(self.page.limit).unwrap_or(usize::MAX);
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        has_more
    }
}

/// A position in a list that is ordered by a fixed name: behind this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCursor(pub String);

/// A position in the results of a search, newest first: behind the message of this time, position
/// and half of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundCursor {
    pub at: i64,
    pub seq: u64,
    pub id: u64,
}

/// A position in a user's conversations, newest activity first, in the order when the first page
/// was read. A conversation with newer activity keeps its position. `place` is that of the last
/// conversation without recent activity then; `seen` are the others of the first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationsCursor {
    pub since: Timestamp,
    pub place: Cursor,
    pub seen: BTreeSet<ConversationId>,
}

impl ConversationsCursor {
    /// Returns the cursor behind a first page that was read at `now`. The page gives each
    /// conversation with the time of its newest activity.
    pub fn behind(page: impl Iterator<Item = (ConversationId, Timestamp)>, now: Timestamp) -> Self {
        let since = now.minus(SETTLING_TIME);
        let top = Cursor {
            at: Timestamp(i64::MAX),
            id: EntryId::from_bytes([0xff; 12]),
        };
        page.fold(
            Self {
                since,
                place: top,
                seen: BTreeSet::new(),
            },
            |mut cursor, (id, at)| {
                if at > since {
                    cursor.seen.insert(id);
                } else {
                    cursor.place = Cursor { at, id: id.into() };
                }
                cursor
            },
        )
    }
}

/// Returns the text of a cursor: its kind, and its parts.
fn pack(kind: u8, parts: &[&[u8]]) -> String {
    let mut bytes = vec![kind];
    for part in parts {
        bytes.extend_from_slice(part);
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The content of a cursor's text.
struct CursorParts(Vec<u8>, usize);

impl CursorParts {
    fn of(kind: u8, text: &str) -> Result<Self, BadCursor> {
        let bytes = (text.len() <= MAX_CURSOR_BYTES)
            .then(|| URL_SAFE_NO_PAD.decode(text).ok())
            .flatten();
        let bytes = bytes
            .filter(|bytes| bytes.first() == Some(&kind))
            .ok_or(BadCursor)?;
        Ok(Self(bytes, 1))
    }

    fn rest(&self) -> &[u8] {
        &self.0[self.1..]
    }

    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], BadCursor> {
        let part = self
            .rest()
            .first_chunk::<LENGTH>()
            .copied()
            .ok_or(BadCursor)?;
        self.1 += LENGTH;
        Ok(part)
    }

    fn end(&self) -> Result<(), BadCursor> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(BadCursor)
        }
    }
}

const NAME_CURSOR_TAG: u8 = b'n';
const SEARCH_CURSOR_TAG: u8 = b'f';
const CONVERSATIONS_CURSOR_TAG: u8 = b's';

impl fmt::Display for NameCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pack(NAME_CURSOR_TAG, &[self.0.as_bytes()]))
    }
}

impl FromStr for NameCursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let parts = CursorParts::of(NAME_CURSOR_TAG, text)?;
        String::from_utf8(parts.rest().to_vec())
            .map(Self)
            .map_err(|_| BadCursor)
    }
}

impl fmt::Display for FoundCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.at.to_be_bytes(),
            self.seq.to_be_bytes(),
            self.id.to_be_bytes(),
        ];
        f.write_str(&pack(
            SEARCH_CURSOR_TAG,
            &parts.each_ref().map(<[u8; 8]>::as_slice),
        ))
    }
}

impl FromStr for FoundCursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = CursorParts::of(SEARCH_CURSOR_TAG, text)?;
        let at = i64::from_be_bytes(parts.take()?);
        let (seq, id) = (
            u64::from_be_bytes(parts.take()?),
            u64::from_be_bytes(parts.take()?),
        );
        parts.end().map(|()| Self { at, seq, id })
    }
}

impl fmt::Display for ConversationsCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (since, at) = (self.since.0.to_be_bytes(), self.place.at.0.to_be_bytes());
        let seen: Vec<u8> = self.seen.iter().flat_map(|id| id.bytes()).collect();
        f.write_str(&pack(
            CONVERSATIONS_CURSOR_TAG,
            &[&since, &at, &self.place.id.bytes(), &seen],
        ))
    }
}

impl FromStr for ConversationsCursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = CursorParts::of(CONVERSATIONS_CURSOR_TAG, text)?;
        let since = Timestamp(i64::from_be_bytes(parts.take()?));
        let at = Timestamp(i64::from_be_bytes(parts.take()?));
        let place = Cursor {
            at,
            id: EntryId::from_bytes(parts.take()?),
        };
        let mut seen = BTreeSet::new();
        while !parts.rest().is_empty() {
            seen.insert(ConversationId::from_bytes(parts.take()?));
        }
        Ok(Self { since, place, seen })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sessions() -> impl Strategy<Value = ConversationsCursor> {
        let id = || any::<[u8; 12]>().prop_map(EntryId::from_bytes);
        let seen = proptest::collection::btree_set(id().prop_map(ConversationId::from), 0..100);
        (any::<i64>(), any::<i64>(), id(), seen).prop_map(|(since, at, id, seen)| {
            ConversationsCursor {
                since: Timestamp(since),
                place: Cursor {
                    at: Timestamp(at),
                    id,
                },
                seen,
            }
        })
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(
            name in ".{0,64}", at: i64, seq: u64, id: u64, sessions in sessions(),
        ) {
            let name = NameCursor(name);
            prop_assert_eq!(name.to_string().parse(), Ok(name));
            let found = FoundCursor { at, seq, id };
            prop_assert_eq!(found.to_string().parse(), Ok(found));
            prop_assert_eq!(found.to_string().parse::<NameCursor>(), Err(BadCursor));
            prop_assert_eq!(sessions.to_string().parse(), Ok(sessions));
        }

        #[test]
        fn what_is_none_is_refused(text in ".{0,80}", bytes: Vec<u8>) {
            for text in [text, URL_SAFE_NO_PAD.encode(bytes)] {
                if let Ok(found) = text.parse::<FoundCursor>() {
                    prop_assert_eq!(found.to_string(), text.clone());
                }
                let _ = (text.parse::<ConversationsCursor>(), text.parse::<NameCursor>());
            }
        }
    }

    #[test]
    fn a_cursor_is_bounded() {
        let long = NameCursor("x".repeat(MAX_CURSOR_BYTES)).to_string();
        assert_eq!(long.parse::<NameCursor>(), Err(BadCursor));
        assert_eq!("".parse::<NameCursor>(), Err(BadCursor));
    }
}
