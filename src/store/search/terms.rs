//! What stands in the index for a text, each term at its place.
//!
//! For words their stems, for scripts without spaces characters and pairs. Besides, at the same positions, each
//! with a mark before it that no text has: words as they are written where their stem is another, beginnings and
//! ends of long numbers, words with the signs that touch them.

use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

use super::words::{Kind, LONG_NUMBER, MIN_PART, Signs, What, Word, pieces, signed_ends};
use crate::domain::fold::{Folded, fold};

/// The name under which the index knows these rules.
pub(super) const ANALYZER: &str = "ward";

/// Numbers longer than this are found whole only.
const MAX_LONG_NUMBER: usize = 32;
/// Marks a beginning or an end of a long number.
const PART: char = '\u{1}';
/// Marks a word as it is written, where its stem is another.
const WHOLE: char = '\u{2}';
/// Marks a word with its signs.
const SIGNED: char = '\u{3}';

/// A term with the signs around it; none without signs.
pub(super) fn signed(before: &str, term: &str, behind: &str) -> Option<String> {
    (!before.is_empty() || !behind.is_empty()).then(|| format!("{SIGNED}{before}{term}{behind}"))
}

/// The term of a beginning or an end of a long number.
pub(super) fn part_of_number(digits: &str) -> String {
    format!("{PART}{digits}")
}

/// The two ways in which terms begin whose words begin so.
pub(super) fn beginnings(begun: &str) -> [String; 2] {
    [begun.to_owned(), format!("{WHOLE}{begun}")]
}

/// A word's stem.
pub(super) fn stem(word: &str) -> String {
    frostem::Stemmer::new(frostem::Algorithm::English).stem(word).into_owned()
}

/// Writes down what stands in the index.
#[derive(Debug, Default)]
struct Notes {
    tokens: Vec<Token>,
}

impl Notes {
    fn add(&mut self, text: String, position: usize, (from, to): (usize, usize)) {
        self.tokens.push(Token { offset_from: from, offset_to: to, position, text, position_length: 1 });
    }

    fn letters(&mut self, text: &str, position: usize, bytes: (usize, usize)) {
        let stem = stem(text);
        if stem != text {
            self.add(format!("{WHOLE}{text}"), position, bytes);
        }
        self.add(stem, position, bytes);
    }

    fn digits(&mut self, text: &str, position: usize, bytes: (usize, usize)) {
        if (LONG_NUMBER..=MAX_LONG_NUMBER).contains(&text.len()) && text.is_ascii() {
            for length in MIN_PART..text.len() {
                self.add(part_of_number(&text[..length]), position, bytes);
                self.add(part_of_number(&text[text.len() - length..]), position, bytes);
            }
        }
        self.add(text.to_owned(), position, bytes);
    }

    fn word(&mut self, word: &Word, position: usize, bytes: (usize, usize)) {
        match word.kind {
            Kind::Letters => self.letters(&word.text, position, bytes),
            Kind::Digits => self.digits(&word.text, position, bytes),
            Kind::Symbol => self.add(word.text.clone(), position, bytes),
            Kind::Number => {
                let parts: Vec<String> = word.leading().map(str::to_owned).collect();
                if !parts.is_empty() {
                    self.add(word.text.clone(), position + 1, bytes);
                }
                for part in parts {
                    self.add(part, position, bytes);
                }
                self.add(word.text.clone(), position, bytes);
            }
        }
        if let Some(other) = word.other {
            self.letters(other, position, bytes);
        }
        if let Some(joined) = &word.joined {
            // Beside what stands before it, and beside what stands behind it.
            for position in [position, position + joined.words - 1] {
                let bytes = (bytes.0, joined.to);
                match word.kind {
                    Kind::Digits => self.digits(&joined.text, position, bytes),
                    _ => self.letters(&joined.text, position, bytes),
                }
            }
        }
        if word.signs == Signs::default() {
            return;
        }
        let (before, behind, term) = (&word.signs.before, &word.signs.behind, word.term());
        for term in [signed(before, &term, ""), signed("", &term, behind), signed(before, &term, behind)]
            .into_iter()
            .flatten()
        {
            self.add(term, position, bytes);
        }
    }

    fn run(&mut self, chars: &[Folded], position: usize) {
        for (index, one) in chars.iter().enumerate() {
            let at = position + index;
            self.add(one.c.into(), at, (one.from, one.to));
            if let Some(next) = chars.get(index + 1) {
                self.add([one.c, next.c].iter().collect(), at, (one.from, next.to));
            }
        }
    }
}

/// What of a text stands in the index, by position.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut notes = Notes::default();
    for piece in pieces(&fold(text)) {
        match &piece.what {
            What::Word(word) => notes.word(word, piece.position, (piece.from, piece.to)),
            What::Run(chars, _) => {
                notes.run(chars, piece.position);
                for (position, term) in signed_ends(&piece) {
                    let c = chars[position - piece.position];
                    notes.add(term, position, (c.from, c.to));
                }
            }
        }
    }
    let mut tokens = notes.tokens;
    tokens.sort_by(|one, other| (one.position, &one.text).cmp(&(other.position, &other.text)));
    tokens.dedup_by(|one, other| (one.position, &one.text) == (other.position, &other.text));
    tokens
}

/// Cuts a text into what stands in the index.
#[derive(Debug, Clone, Default)]
struct Cutter {
    tokens: Vec<Token>,
}

/// What [`Cutter`] has cut.
struct Cut<'a> {
    tokens: &'a mut Vec<Token>,
    next: usize,
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Cut<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut<'a> {
        self.tokens = tokens(text);
        Cut { tokens: &mut self.tokens, next: 0 }
    }
}

impl TokenStream for Cut<'_> {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.tokens.len()
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}

/// The index's list of analyzers.
pub(super) fn analyzers() -> TokenizerManager {
    let analyzers = TokenizerManager::default();
    analyzers.register(ANALYZER, TextAnalyzer::builder(Cutter::default()).build());
    analyzers
}

#[cfg(test)]
#[path = "terms_tests.rs"]
mod tests;
