//! Pages: one type for every list, and the computation of a page of a conversation's messages.

use std::{fmt, str::FromStr};

use super::{
    EntryId, Field, Timestamp,
    error::{Error, FieldErrors},
};

/// The number and size of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// The last entry that a page may reach to.
pub const MAX_PAGED_ENTRIES: u64 = 1 << 31;

impl Page {
    /// Checks `page` ≥ 1 and 1 ≤ `limit` ≤ `max`; absent values are 1 and `default`.
    ///
    /// # Errors
    /// `Validation` naming each invalid one.
    pub fn checked(
        page: Option<i64>,
        limit: Option<i64>,
        default: u64,
        max: u64,
    ) -> Result<Self, Error> {
        let mut errors = FieldErrors::default();
        let page = page.map_or(Some(1), |p| u64::try_from(p).ok().filter(|p| *p >= 1));
        if page.is_none() {
            errors.add(Field::Page, "must be 1 or more");
        }
        let limit = limit.map_or(Some(default), |l| {
            u64::try_from(l).ok().filter(|l| (1..=max).contains(l))
        });
        if limit.is_none() {
            errors.add(Field::Limit, format!("must be 1 to {max}"));
        }
        if let (Some(page), Some(limit)) = (page, limit)
            && page
                .checked_mul(limit)
                .is_none_or(|last| last > MAX_PAGED_ENTRIES)
        {
            errors.add(
                Field::Page,
                format!("times limit must be at most {MAX_PAGED_ENTRIES}"),
            );
            return Err(Error::Validation(errors));
        }
        match (page, limit) {
            (Some(page), Some(limit)) => Ok(Self { page, limit }),
            _ => Err(Error::Validation(errors)),
        }
    }

    /// Returns how many entries come before this page.
    #[must_use]
    pub fn skip(self) -> u64 {
        (self.page - 1).saturating_mul(self.limit)
    }
}

/// The position of a list's answer in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pagination {
    pub page: u64,
    pub limit: u64,
    pub total: u64,
    pub pages: u64,
    pub has_more: bool,
    /// The cursor of the following entries, where a list has cursors and there are more.
    pub next: Option<String>,
}

impl Pagination {
    /// Returns the pagination of `page` in a list of `total`.
    #[must_use]
    pub fn of(page: Page, total: u64) -> Self {
        let pages = total.div_ceil(page.limit);
        Self {
            page: page.page,
            limit: page.limit,
            total,
            pages,
            has_more: page.page < pages,
            next: None,
        }
    }

    /// Returns the pagination of entries behind a cursor in a list of `total`; `next` is the cursor
    /// behind them.
    #[must_use]
    pub fn behind(page: Page, total: u64, next: Option<&impl ToString>) -> Self {
        let next = next.map(ToString::to_string);
        Self {
            has_more: next.is_some(),
            next,
            ..Self::of(page, total)
        }
    }

    /// Adds the cursor of the entries behind the page, if there are any.
    #[must_use]
    pub fn with_next(self, next: Option<&impl ToString>) -> Self {
        let next = next.filter(|_| self.has_more).map(ToString::to_string);
        Self { next, ..self }
    }
}

/// A position in a list that is ordered by time, newest first: behind the entry of this time and
/// id. Entries that are added, removed or moved meanwhile shift no other entry past it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: EntryId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.0, self.id)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let parse = || {
            let (at, id) = text.rsplit_once('-')?;
            Some(Self {
                at: Timestamp(at.parse().ok()?),
                id: id.parse().ok()?,
            })
        };
        parse().ok_or("must be a cursor as an answer gave it")
    }
}

/// The requested messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// A page counted from the newest.
    Page(Page),
    /// The newest `limit` below `seq`.
    Before { seq: u64, limit: u64 },
    /// The oldest `limit` above `seq`.
    After { seq: u64, limit: u64 },
}

/// A range of `seq`: `after < seq ≤ up_to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqRange {
    pub after: u64,
    pub up_to: u64,
}

impl SeqRange {
    /// Returns whether the range is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.after >= self.up_to
    }
}

impl Window {
    /// Returns the range of `seq` that this window shows of a conversation with the newest message
    /// `newest`. The caller may not see messages up to `hidden`. Because `seq` has no gaps, this is
    /// arithmetic: page 10,000 costs what page 1 costs.
    #[must_use]
    pub fn range(self, newest: u64, hidden: u64) -> SeqRange {
        let (after, up_to) = match self {
            Window::Page(page) => {
                let up_to = newest.saturating_sub(page.skip());
                (up_to.saturating_sub(page.limit), up_to)
            }
            Window::Before { seq, limit } => {
                let up_to = newest.min(seq.saturating_sub(1));
                (up_to.saturating_sub(limit), up_to)
            }
            Window::After { seq, limit } => {
                let after = seq.max(hidden);
                (after, newest.min(after.saturating_add(limit)))
            }
        };
        SeqRange {
            after: after.max(hidden),
            up_to,
        }
    }

    /// Returns the pagination of this window over the same conversation.
    #[must_use]
    pub fn pagination(self, newest: u64, hidden: u64) -> Pagination {
        let total = newest.saturating_sub(hidden);
        let range = self.range(newest, hidden);
        match self {
            Window::Page(page) => Pagination::of(page, total),
            Window::Before { limit, .. } => Pagination {
                has_more: !range.is_empty() && range.after > hidden,
                ..Pagination::of(Page { page: 1, limit }, total)
            },
            Window::After { limit, .. } => Pagination {
                has_more: !range.is_empty() && range.up_to < newest,
                ..Pagination::of(Page { page: 1, limit }, total)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn page_one_holds_the_newest() {
        let first = Window::Page(Page { page: 1, limit: 50 });
        assert_eq!(
            first.range(120, 0),
            SeqRange {
                after: 70,
                up_to: 120
            }
        );
        let last = Window::Page(Page { page: 3, limit: 50 });
        assert_eq!(
            last.range(120, 0),
            SeqRange {
                after: 0,
                up_to: 20
            }
        );
        assert!(
            Window::Page(Page { page: 4, limit: 50 })
                .range(120, 0)
                .is_empty()
        );
        assert!(first.pagination(120, 0).has_more);
        assert!(!last.pagination(120, 0).has_more);
    }

    #[test]
    fn bad_pages_are_refused_not_clamped() {
        let Err(Error::Validation(fields)) = Page::checked(Some(0), Some(101), 50, 100) else {
            panic!("page 0 and limit 101 were taken")
        };
        assert_eq!(
            fields.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
            [Field::Limit, Field::Page]
        );
        assert_eq!(
            Page::checked(None, None, 50, 100).unwrap(),
            Page { page: 1, limit: 50 }
        );
        assert!(Page::checked(Some(-1), None, 50, 100).is_err());
        assert!(Page::checked(Some(1 << 31), Some(1), 50, 100).is_ok());
        for (page, limit) in [
            (i64::MAX, Some(100)),
            ((1 << 31) + 1, Some(1)),
            (1 << 31, None),
        ] {
            let Err(Error::Validation(fields)) = Page::checked(Some(page), limit, 50, 100) else {
                panic!("page {page} was taken")
            };
            assert_eq!(
                fields.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
                [Field::Page]
            );
        }
    }

    proptest! {
        #[test]
        fn pages_cover_every_message_once(newest in 0u64..500, hidden in 0u64..500, limit in 1u64..100) {
            let hidden = hidden.min(newest);
            let mut seen = Vec::new();
            let mut page = 1;
            loop {
                let window = Window::Page(Page { page, limit });
                let range = window.range(newest, hidden);
                seen.extend((range.after + 1..=range.up_to).rev());
                if !window.pagination(newest, hidden).has_more { break; }
                page += 1;
            }
            prop_assert_eq!(seen, (hidden + 1..=newest).rev().collect::<Vec<_>>());
        }
    }
}
