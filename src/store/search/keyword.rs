//! What somebody asked for, taken apart: units that must all be found.
//!
//! There are no operators, so there is nothing to get wrong: a quote that is never closed is a mark like any
//! other. In quotes everything stands together, in order. Outside, each word may stand anywhere; what is
//! written without a space (`x-ray`, `120/80`, `10ml`) stands together. Chinese is cut into words by jieba,
//! each of which may stand anywhere.

use std::{collections::BTreeSet, sync::OnceLock};

use jieba_rs::Jieba;

use super::words::{self, Folded, Piece};

/// The most words that are looked for as one phrase; a longer one becomes several phrases.
const MAX_PHRASE: usize = 32;

/// What marks a phrase, straight, curly, full-width and Chinese.
const QUOTES: [char; 9] = ['"', '“', '”', '„', '＂', '「', '」', '『', '』'];

/// What separates words besides spaces.
const SEPARATORS: [char; 7] = [',', ';', '，', '；', '、', '。', '\u{0}'];

/// Terms that stand at these distances from the first one's position: one alone is a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit(pub Vec<(usize, String)>);

/// jieba's dictionary, read at the first call: a quarter of a second, some 30 MB.
pub(super) fn dictionary() -> &'static Jieba {
    static DICTIONARY: OnceLock<Jieba> = OnceLock::new();
    DICTIONARY.get_or_init(Jieba::new)
}

/// Takes a keyword apart. Nothing but marks leaves no unit.
pub(super) fn units(keyword: &str) -> Vec<Unit> {
    let parts: Vec<&str> = keyword.split(|c| QUOTES.contains(&c)).collect();
    let mut units = BTreeSet::new();
    for (index, part) in parts.iter().enumerate() {
        let is_closed = index + 1 < parts.len();
        if index % 2 == 1 && is_closed {
            phrase(&words::pieces(&words::fold(part)), &mut units);
        } else {
            for word in part.split(|c: char| c.is_whitespace() || SEPARATORS.contains(&c)) {
                plain(words::pieces(&words::fold(word)), &mut units);
            }
        }
    }
    units.into_iter().collect()
}

/// Words outside quotes.
fn plain(pieces: Vec<Piece>, units: &mut BTreeSet<Unit>) {
    let mut together = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Word { .. } => together.push(piece),
            Piece::Run { chars, .. } => {
                phrase(&std::mem::take(&mut together), units);
                for word in cut(&chars) {
                    phrase(&[Piece::Run { chars: word, position: 0 }], units);
                }
            }
        }
    }
    phrase(&together, units);
}

/// A run's words. Only Han is in the dictionary; kana and hangul stay as they are written.
fn cut(chars: &[Folded]) -> Vec<Vec<Folded>> {
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

/// Everything of these pieces, at its place.
fn phrase(pieces: &[Piece], units: &mut BTreeSet<Unit>) {
    let mut terms = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Word { text, position, .. } => terms.push((*position, words::stem(text))),
            Piece::Run { chars, position } => literal(chars, *position, &mut terms),
        }
    }
    for part in terms.chunks(MAX_PHRASE) {
        let start = part[0].0;
        units.insert(Unit(part.iter().map(|(at, term)| (at - start, term.clone())).collect()));
    }
}

/// The pairs that cover a run, or its only character.
fn literal(chars: &[Folded], position: usize, terms: &mut Vec<(usize, String)>) {
    if let [only] = chars {
        terms.push((position, only.c.into()));
    }
    let last = chars.len().saturating_sub(2);
    for (index, pair) in chars.windows(2).enumerate() {
        if index % 2 == 0 || index == last {
            terms.push((position + index, pair.iter().map(|folded| folded.c).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(keyword: &str) -> Vec<String> {
        let show = |unit: Unit| {
            let terms: Vec<String> = unit.0.into_iter().map(|(at, term)| format!("{term}@{at}")).collect();
            terms.join(" ")
        };
        units(keyword).into_iter().map(show).collect()
    }

    #[test]
    fn several_words_are_several_units_and_quotes_make_one() {
        assert_eq!(shown("Checked  charts checks"), ["chart@0", "check@0"]);
        assert_eq!(shown("\"checked charts\""), ["check@0 chart@1"]);
        assert_eq!(shown("“the 血压正常 today”"), ["the@0 血压@1 正常@3 today@5"]);
        assert_eq!(shown("x-ray, 10ml"), ["10@0 ml@1", "x@0 ray@1"]);
    }

    #[test]
    fn chinese_is_cut_into_words() {
        assert_eq!(shown("血压正常"), ["正常@0", "血压@0"]);
        assert_eq!(shown("糖尿病患者"), ["患者@0", "糖尿@0 尿病@1"]);
        assert_eq!(shown("压"), ["压@0"]);
    }

    #[test]
    fn operators_and_open_quotes_are_plain_text() {
        assert_eq!(shown("\"open quote"), ["open@0", "quot@0"]);
        assert_eq!(shown("dose AND (chart OR -bed*)^2 text:x"), {
            let mut all = ["dose@0", "and@0", "chart@0", "or@0", "bed@0 2@1", "text@0 x@1"];
            all.sort_unstable();
            all
        });
        for nothing in ["", "\"\"", "!?…", "\" \"", "\u{0}", "()"] {
            assert!(units(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn a_keyword_of_any_form_stays_small() {
        for hostile in
            ["\"".repeat(200), "a ".repeat(100), "的".repeat(200), "a-".repeat(100), "\"a".repeat(100)]
        {
            let units = units(&hostile);
            assert!(units.len() <= 100);
            assert!(units.iter().all(|unit| unit.0.len() <= MAX_PHRASE));
        }
    }
}
