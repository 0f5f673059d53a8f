//! Excerpts: where the searched words stand in a text, by the same rules as in the index, and the
//! parts of the text to show.

use std::{collections::HashMap, ops::Range};

use super::{
    index_terms,
    keyword::{Phrase, QueryTerm},
};

/// The maximum number of excerpts of one message.
const MAX_EXCERPTS: usize = 3;
/// The number of characters shown before and behind the first found word of an excerpt.
const CONTEXT_CHARS_BEFORE: usize = 30;
const CONTEXT_CHARS_AFTER: usize = 90;

/// A part of a message's text with the marks of the found words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    /// Byte ranges of `text`: ascending and disjoint.
    pub marks: Vec<Range<usize>>,
    /// Whether text was cut off before and behind it.
    pub is_cut: (bool, bool),
}

/// Returns the excerpts of these texts; `None` when a unit is in none of them.
pub(super) fn excerpts(texts: &[&str], units: &[QueryTerm]) -> Option<Vec<Excerpt>> {
    let mut is_found = vec![false; units.len()];
    let mut excerpts = Vec::new();
    for text in texts {
        let marks = find_marks(text, units, &mut is_found);
        if excerpts.len() < MAX_EXCERPTS {
            excerpts.extend(cut_excerpts(text, &marks, MAX_EXCERPTS - excerpts.len()));
        }
    }
    is_found.into_iter().all(|found| found).then_some(excerpts)
}

/// The positions and the byte ranges of each term.
type TermPositions = HashMap<String, Vec<(usize, Range<usize>)>>;

/// Returns the ranges of all units, joined where they touch, and records which units were found.
fn find_marks(text: &str, units: &[QueryTerm], is_found: &mut [bool]) -> Vec<Range<usize>> {
    let mut places = TermPositions::new();
    for token in index_terms::tokens(text) {
        let place = (token.position, token.offset_from..token.offset_to);
        places.entry(token.text).or_default().push(place);
    }
    let mut found = Vec::new();
    for (unit, is_found) in units.iter().zip(is_found) {
        for phrase in &unit.0 {
            let phrase_ranges = phrase_ranges(&places, phrase);
            *is_found |= !phrase_ranges.is_empty();
            found.extend(phrase_ranges);
        }
    }
    found.sort_by_key(|span| (span.start, span.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in found {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

/// Returns the ranges of a phrase.
fn phrase_ranges(places: &TermPositions, phrase: &Phrase) -> Vec<Range<usize>> {
    let Some(((at, last), before)) = phrase.terms.split_last() else {
        return Vec::new();
    };
    let ends: Vec<&(usize, Range<usize>)> = if phrase.is_prefix {
        let term_prefixes = index_terms::term_prefixes(last);
        let begins = |term: &String| term_prefixes.iter().any(|begun| term.starts_with(begun));
        places
            .iter()
            .filter(|(term, _)| begins(term))
            .flat_map(|(_, places)| places)
            .collect()
    } else {
        places.get(last).into_iter().flatten().collect()
    };
    let with_the_rest = |(position, bytes): &&(usize, Range<usize>)| {
        before
            .iter()
            .rev()
            .try_fold(bytes.clone(), |span, (earlier, term)| {
                let places = places.get(term)?;
                let position = (position + earlier).checked_sub(*at)?;
                // The positions of a term ascend.
                let index = places.binary_search_by_key(&position, |(at, _)| *at).ok()?;
                let here = &places[index].1;
                Some(span.start.min(here.start)..span.end.max(here.end))
            })
    };
    ends.iter().filter_map(with_the_rest).collect()
}

/// Returns up to `most` excerpts of the text around the marks.
fn cut_excerpts(text: &str, marks: &[Range<usize>], most: usize) -> Vec<Excerpt> {
    let mut excerpts = Vec::new();
    let mut rest = marks;
    while let Some(first) = rest.first()
        && excerpts.len() < most
    {
        let start = text[..first.start]
            .char_indices()
            .rev()
            .nth(CONTEXT_CHARS_BEFORE - 1)
            .map_or(0, |(at, _)| at);
        let end = text[first.end..]
            .char_indices()
            .nth(CONTEXT_CHARS_AFTER)
            .map_or(text.len(), |(at, _)| first.end + at);
        let here = rest.partition_point(|mark| mark.end <= end);
        let within = &rest[..here.max(1)];
        excerpts.push(Excerpt {
            text: text[start..end].to_owned(),
            marks: within
                .iter()
                .map(|mark| mark.start - start..mark.end - start)
                .collect(),
            is_cut: (start > 0, end < text.len()),
        });
        rest = &rest[here.max(1)..];
    }
    excerpts
}

#[cfg(test)]
mod tests {
    use super::{super::keyword::parse_keyword, *};

    fn shown(texts: &[&str], keyword: &str) -> Option<Vec<String>> {
        let show = |excerpt: Excerpt| {
            let mut text = excerpt.text.clone();
            for mark in excerpt.marks.iter().rev() {
                text.insert(mark.end, ']');
                text.insert(mark.start, '[');
            }
            text
        };
        Some(
            excerpts(texts, &parse_keyword(keyword))?
                .into_iter()
                .map(show)
                .collect(),
        )
    }

    #[test]
    fn what_was_asked_is_marked_and_all_of_it_must_be_there() {
        assert_eq!(
            shown(&["患者血压很正常"], "血压正常").unwrap(),
            ["患者[血压]很[正常]"]
        );
        assert_eq!(
            shown(&["Two PATIENTS checked"], "patient check").unwrap(),
            ["Two [PATIENTS] [checked]"]
        );
        assert_eq!(shown(&["糖尿病患者"], "糖尿病").unwrap(), ["[糖尿病]患者"]);
        assert_eq!(
            shown(&["chart", "a bed"], "chart beds").unwrap(),
            ["[chart]", "a [bed]"]
        );
        assert_eq!(shown(&["患者血压"], "血压正常"), None);
        assert_eq!(shown(&["charts were checked"], "\"checked charts\""), None);
        assert_eq!(
            shown(&["BP １２０／８０ ok"], "120/80").unwrap(),
            ["BP [１２０／８０] ok"]
        );
    }

    #[test]
    fn long_texts_are_shown_around_what_was_found() {
        let text = format!(
            "{}血压{}血压{}",
            "一".repeat(500),
            "二".repeat(500),
            "三".repeat(50)
        );
        let excerpts = excerpts(&[&text], &parse_keyword("血压")).unwrap();
        assert_eq!(excerpts.len(), 2);
        assert_eq!(excerpts[0].is_cut, (true, true));
        assert_eq!(excerpts[1].is_cut, (true, false));
        for excerpt in excerpts {
            assert_eq!(&excerpt.text[excerpt.marks[0].clone()], "血压");
            assert!(excerpt.text.chars().count() <= CONTEXT_CHARS_BEFORE + 2 + CONTEXT_CHARS_AFTER);
        }
    }
}
