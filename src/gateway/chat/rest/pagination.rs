//! The entries of a list that a client requests.

use std::str::FromStr;

use crate::{
    domain::{
        cursors::{BadCursor, PageRequest, START_CURSOR},
        paging::Page,
    },
    gateway::http::fields::{Fields, FromFields},
};

/// `page` and `limit` of a list, with this list's bounds.
pub struct Paged<C, const DEFAULT: u64, const MAX: u64>(pub PageRequest<C>);

pub(super) fn page(fields: &mut Fields, default: u64, max: u64) -> Option<Page> {
    let (page, limit) = (fields.integer("page"), fields.integer("limit"));
    match Page::checked(page, limit, default, max) {
        Ok(page) => Some(page),
        Err(error) => {
            if let Some(problems) = error.fields() {
                fields.problems(problems);
            }
            None
        }
    }
}

/// Reads a page, or a cursor.
pub(super) fn page_or_cursor<C: FromStr<Err = BadCursor>>(
    fields: &mut Fields,
    default: u64,
    max: u64,
) -> Option<PageRequest<C>> {
    let given = fields.text("cursor").filter(|text| !text.is_empty());
    let cursor = match given.as_deref() {
        None | Some(START_CURSOR) => None,
        Some(text) => text
            .parse()
            .map_err(|problem: BadCursor| fields.problem("cursor", problem.to_string()))
            .ok(),
    };
    let (wants_next, page) = (given.is_some(), page(fields, default, max)?);
    if wants_next && page.page > 1 {
        fields.problem("cursor", "cannot be given together with page");
    }
    Some(PageRequest {
        page,
        cursor,
        wants_next,
    })
}

impl<C: FromStr<Err = BadCursor>, const DEFAULT: u64, const MAX: u64> FromFields
    for Paged<C, DEFAULT, MAX>
{
    fn read(fields: &mut Fields) -> Option<Self> {
        page_or_cursor(fields, DEFAULT, MAX).map(Self)
    }
}
