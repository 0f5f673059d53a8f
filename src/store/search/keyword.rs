//! Parses a search keyword into units that must all be found.
//!
//! There are no operators, so no keyword is invalid: an unclosed quote is a mark like any other.
//! Words in quotes must stand together, in order, with the signs that touch them. Outside quotes,
//! each word may stand anywhere; what is written without a space (`x-ray`, `120/80`, `10ml`, `3床`)
//! stands together. Jieba splits Chinese into words, each of which may stand anywhere. The last
//! word may be a beginning. Joined words may be written as one. A few digits may begin or end a
//! long number.

use std::{collections::BTreeSet, sync::OnceLock};

use jieba_rs::Jieba;

use super::{
    fractions, index_terms,
    tokenizer::{self, Kind, MIN_LONG_NUMBER_DIGITS, MIN_PART_CHARS, Piece, PieceKind, Word},
};
use crate::domain::text_folding::{Folded, NUMBER_BOUNDARY, fold};

/// The maximum number of terms in one phrase; a longer one becomes several phrases.
const MAX_PHRASE_TERMS: usize = 32;

/// The quotation marks of a phrase: straight, curly, full-width and Chinese.
const PHRASE_QUOTES: [char; 9] = ['"', '“', '”', '„', '＂', '「', '」', '『', '』'];

/// The separators of words besides spaces.
const WORD_SEPARATORS: [char; 7] = [',', ';', '，', '；', '、', '。', '\u{2800}'];

/// Terms at these distances from the first one's position; a single term is a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Phrase {
    pub terms: Vec<(usize, String)>,
    /// The last term is the beginning of a word.
    pub is_prefix: bool,
}

/// A unit that must be found, in any of these forms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueryTerm(pub Vec<Phrase>);

/// Returns jieba's dictionary, loaded at the first call: a quarter of a second, some 30 MB.
pub(super) fn dictionary() -> &'static Jieba {
    static DICTIONARY: OnceLock<Jieba> = OnceLock::new();
    DICTIONARY.get_or_init(Jieba::new)
}

/// Parses a keyword. A keyword of marks alone has no unit.
pub(super) fn parse_keyword(keyword: &str) -> Vec<QueryTerm> {
    let parts: Vec<&str> = keyword.split(|c| PHRASE_QUOTES.contains(&c)).collect();
    let mut units = BTreeSet::new();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        if index % 2 == 1 && !is_last {
            add_quoted(&tokenizer::pieces(&fold(part)), &mut units);
        } else {
            let split_keyword = split_keyword(part);
            for (place, word) in split_keyword.iter().enumerate() {
                add_plain(
                    word,
                    is_last && place + 1 == split_keyword.len(),
                    &mut units,
                );
            }
        }
    }
    units.into_iter().collect()
}

/// Splits at blanks and separators. The last part is the one being typed. A comma between digits
/// belongs to a number.
fn split_keyword(text: &str) -> Vec<&str> {
    let is_digit = |c: Option<char>| c.is_some_and(char::is_numeric);
    let mut words = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let behind = at + c.len_utf8();
        let in_number = matches!(c, ',' | '，')
            && is_digit(text[..at].chars().next_back())
            && is_digit(text[behind..].chars().next());
        if c.is_whitespace() || (WORD_SEPARATORS.contains(&c) && !in_number) {
            words.push(&text[start..at]);
            start = behind;
        }
    }
    words.push(&text[start..]);
    words
}

/// Adds the units of a word outside quotes, written without a space.
fn add_plain(word: &str, is_last: bool, units: &mut BTreeSet<QueryTerm>) {
    let folded = fold(word);
    let pieces = tokenizer::pieces(&folded);
    let is_open = |piece: &Piece| is_last && piece.span.end == folded.len();
    let mut together: Vec<Piece> = Vec::new();
    for piece in pieces {
        let touches = together
            .last()
            .is_some_and(|last| are_adjacent(&folded, last, &piece));
        let is_run = |piece: Option<&Piece>| {
            piece.is_some_and(|piece| matches!(piece.what, PieceKind::Run(..)))
        };
        if !touches && (is_run(together.last()) || is_run(Some(&piece))) {
            add_unit(&std::mem::take(&mut together), false, units);
        }
        let PieceKind::Run(chars, _) = &piece.what else {
            together.push(piece);
            continue;
        };
        // The first and the last word of a run are adjacent to what the run touches.
        let mut position = piece.position;
        for (index, word) in segment(chars).into_iter().enumerate() {
            if index > 0 {
                add_unit(&std::mem::take(&mut together), false, units);
            }
            let length = word.len();
            together.push(piece.part(word, position));
            position += length;
        }
    }
    let is_prefix = together.last().is_some_and(is_open);
    add_unit(&together, is_prefix, units);
}

/// Returns whether only signs stand between two pieces.
fn are_adjacent(folded: &[Folded], one: &Piece, next: &Piece) -> bool {
    let between = &folded[one.span.end..next.span.start];
    between
        .iter()
        .all(|between| tokenizer::is_sign(between.c) || between.c == NUMBER_BOUNDARY)
}

/// Returns the words of a run. The dictionary has Han only; kana and hangul stay as written.
fn segment(chars: &[Folded]) -> Vec<Vec<Folded>> {
    let is_foreign = |c: char| matches!(c, '\u{3041}'..='\u{31ff}' | '\u{ac00}'..='\u{d7a3}');
    if chars.len() == 1 || chars.iter().any(|folded| is_foreign(folded.c)) {
        return vec![chars.to_vec()];
    }
    let text: String = chars.iter().map(|folded| folded.c).collect();
    let mut rest = chars;
    let mut words = Vec::new();
    for token in dictionary().cut(&text, true) {
        let (word, after) = rest.split_at(token.word.chars().count().min(rest.len()));
        words.push(word.to_vec());
        rest = after;
    }
    words
}

/// Adds pieces that stand together, in every form in which they may be written.
fn add_unit(pieces: &[Piece], is_prefix: bool, units: &mut BTreeSet<QueryTerm>) {
    let Some(last) = pieces.last() else { return };
    let terms = terms(pieces, Word::term);
    if terms.len() > MAX_PHRASE_TERMS {
        return units.extend(single_phrase(&terms));
    }
    let before = || terms[..terms.len() - 1].iter().cloned();
    let with_last = |term: String| before().chain([(last.position, term)]).collect::<Vec<_>>();
    let mut forms = vec![new_phrase(&terms, false)];
    if let PieceKind::Word(word) = &last.what {
        let length = word.text.chars().count();
        if is_prefix && word.kind == Kind::Letters && length >= MIN_PART_CHARS {
            forms.push(new_phrase(&with_last(word.text.clone()), true));
        }
        if word.kind == Kind::Digits && length >= MIN_PART_CHARS {
            forms.push(new_phrase(
                &with_last(index_terms::number_part_term(&word.text)),
                false,
            ));
        }
        if let Some(other) = word.other {
            forms.push(new_phrase(&with_last(index_terms::stem(other)), false));
        }
    }
    if let PieceKind::Word(first) = &pieces[0].what {
        if let Some(joined) = first
            .joined
            .as_ref()
            .filter(|joined| joined.words == pieces.len())
        {
            let stem = if first.kind == Kind::Letters {
                index_terms::stem(&joined.text)
            } else {
                joined.text.clone()
            };
            forms.push(new_phrase(&[(0, stem)], false));
            if is_prefix
                && first.kind == Kind::Letters
                && joined.text.chars().count() >= MIN_PART_CHARS
            {
                forms.push(new_phrase(&[(0, joined.text.clone())], true));
            }
            if first.kind == Kind::Digits && joined.text.len() >= MIN_LONG_NUMBER_DIGITS {
                forms.push(new_phrase(
                    &[(0, index_terms::number_part_term(&joined.text))],
                    false,
                ));
            }
        }
        if let Some(other) = first.other.filter(|_| pieces.len() > 1) {
            let rest = terms[1..].iter().cloned();
            forms.push(new_phrase(
                &[(terms[0].0, index_terms::stem(other))]
                    .into_iter()
                    .chain(rest)
                    .collect::<Vec<_>>(),
                false,
            ));
        }
    }
    if let Some(whole) = fractions::as_whole_number(pieces) {
        forms.push(new_phrase(&self::terms(&whole, Word::term), false));
    }
    units.insert(QueryTerm(forms));
}

/// Adds everything between quotes, with the signs that touch it.
fn add_quoted(pieces: &[Piece], units: &mut BTreeSet<QueryTerm>) {
    let terms = |pieces: &[Piece]| {
        let mut terms = terms(pieces, Word::signed_term);
        terms.extend(pieces.iter().flat_map(tokenizer::signed_ends));
        terms.sort();
        terms
    };
    let mut asked = single_phrase(&terms(pieces));
    if let ([QueryTerm(forms)], Some(whole)) = (&mut asked[..], fractions::as_whole_number(pieces))
    {
        forms.push(new_phrase(&terms(&whole), false));
    }
    units.extend(asked);
}

/// Returns the terms of pieces, at their positions.
fn terms(pieces: &[Piece], of_word: impl Fn(&Word) -> String) -> Vec<(usize, String)> {
    let mut terms = Vec::new();
    for piece in pieces {
        match &piece.what {
            PieceKind::Word(word) => terms.push((piece.position, of_word(word))),
            PieceKind::Run(chars, _) => push_literal_terms(chars, piece.position, &mut terms),
        }
    }
    terms
}

fn single_phrase(terms: &[(usize, String)]) -> Vec<QueryTerm> {
    terms
        .chunks(MAX_PHRASE_TERMS)
        .map(|part| QueryTerm(vec![new_phrase(part, false)]))
        .collect()
}

fn new_phrase(terms: &[(usize, String)], is_prefix: bool) -> Phrase {
    let start = terms.first().map_or(0, |(at, _)| *at);
    Phrase {
        terms: terms
            .iter()
            .map(|(at, term)| (at - start, term.clone()))
            .collect(),
        is_prefix,
    }
}

/// Adds the pairs that cover a run, or its only character.
fn push_literal_terms(chars: &[Folded], position: usize, terms: &mut Vec<(usize, String)>) {
    if let [only] = chars {
        terms.push((position, only.c.into()));
    }
    let last = chars.len().saturating_sub(2);
    for (index, pair) in chars.windows(2).enumerate() {
        if index % 2 == 0 || index == last {
            terms.push((
                position + index,
                pair.iter().map(|folded| folded.c).collect(),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The units' first forms.
    fn shown(keyword: &str) -> Vec<String> {
        parse_keyword(keyword)
            .iter()
            .map(|unit| show(&unit.0[0]))
            .collect()
    }

    /// The other forms of a keyword's only unit.
    fn others(keyword: &str) -> Vec<String> {
        let units = parse_keyword(keyword);
        assert_eq!(units.len(), 1, "{keyword}");
        units[0].0[1..].iter().map(show).collect()
    }

    fn show(phrase: &Phrase) -> String {
        let terms: Vec<String> = phrase
            .terms
            .iter()
            .map(|(at, term)| format!("{term}@{at}"))
            .collect();
        format!(
            "{}{}",
            terms.join(" "),
            if phrase.is_prefix { "…" } else { "" }
        )
        .replace(char::is_control, "^")
    }

    #[test]
    fn several_words_are_several_units_and_quotes_make_one() {
        assert_eq!(
            shown("Checked  charts checks"),
            ["chart@0", "check@0", "check@0"]
        );
        assert_eq!(shown("\"checked charts\""), ["check@0 chart@1"]);
        assert_eq!(
            shown("“the 血压正常 today”"),
            ["the@0 血压@1 正常@3 today@5"]
        );
        assert_eq!(shown("x-ray, 10ml"), ["10@0 ml@1", "x@0 ray@1"]);
        assert_eq!(shown("1,500 ml, 2，5"), ["1,500@0", "2@0 5@1", "ml@0"]);
    }

    #[test]
    fn chinese_is_cut_into_words_and_stands_beside_what_it_touches() {
        assert_eq!(shown("血压正常"), ["正常@0", "血压@0"]);
        assert_eq!(shown("糖尿病患者"), ["患者@0", "糖尿@0 尿病@1"]);
        assert_eq!(shown("压"), ["压@0"]);
        assert_eq!(shown("3床"), ["3@0 床@1"]);
        assert_eq!(shown("第3天"), ["第@0 3@1 天@2"]);
        assert_eq!(shown("K+高"), ["k@0 高@1"]);
        assert_eq!(shown("CT片"), ["ct@0 片@1"]);
        assert_eq!(
            shown("血压正常3床患者"),
            ["患者@0", "正常@0 3@2 床@3", "血压@0"]
        );
    }

    #[test]
    fn what_may_be_written_otherwise_has_other_forms() {
        assert_eq!(others("amox"), ["amox@0…"]);
        assert!(
            others("amox ").is_empty() && others("am").is_empty() && others("\"amox\"").is_empty()
        );
        assert_eq!(
            others("anti-coag"),
            ["anti@0 coag@1…", "anticoag@0", "anticoag@0…"]
        );
        assert_eq!(others("456"), ["^456@0"]);
        assert_eq!(others("MRN00004"), ["mrn@0 ^00004@1"]);
        assert!(others("5mg").is_empty() && others("45").is_empty() && others("0.456").is_empty());
        assert_eq!(
            others("138-0013-8000"),
            ["138@0 0013@1 ^8000@2", "13800138000@0", "^13800138000@0"]
        );
        assert_eq!(shown("β-blocker"), ["beta@0 blocker@1"]);
        assert_eq!(others("µ"), ["mu@0"]);
        assert_eq!(shown("\"Rh+\" \"≥38\""), ["^rh+@0", "^≥38@0"]);
    }

    #[test]
    fn operators_and_open_quotes_are_plain_text() {
        assert_eq!(shown("\"open quote"), ["open@0", "quot@0"]);
        assert_eq!(shown("dose AND (chart OR -bed*)^2 text:x"), {
            let mut all = [
                "dose@0",
                "and@0",
                "chart@0",
                "or@0",
                "bed@0 2@1",
                "text@0 x@1",
            ];
            all.sort_unstable();
            all
        });
        for nothing in ["", "\"\"", "!?…", "\" \"", "\u{0}", "()"] {
            assert!(parse_keyword(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn a_keyword_of_any_form_stays_small() {
        for hostile in [
            "\"".repeat(200),
            "a ".repeat(100),
            "的".repeat(200),
            "a-".repeat(100),
            "\"a".repeat(100),
            "µ-".repeat(100),
        ] {
            let units = parse_keyword(&hostile);
            assert!(units.len() <= 100);
            assert!(
                units
                    .iter()
                    .flat_map(|unit| &unit.0)
                    .all(|phrase| phrase.terms.len() <= MAX_PHRASE_TERMS)
            );
            assert!(units.iter().all(|unit| unit.0.len() <= 8));
        }
    }
}
