//! The terms that the index stores for a text, each at its position.
//!
//! For words they are the stems, for scripts without spaces the characters and pairs. More terms
//! stand at the same positions, each with a prefix that no text contains: words as written where
//! their stem differs, beginnings and ends of long numbers, words with the signs that touch them.

use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

use super::tokenizer::{
    Kind, MIN_LONG_NUMBER_DIGITS, MIN_PART_CHARS, PieceKind, SignedWord, Word, pieces, signed_ends,
};
use crate::domain::text_folding::{Folded, fold};

/// The name of these rules in the index.
pub(super) const ANALYZER_NAME: &str = "ward";

/// Numbers longer than this are found only as a whole.
const MAX_LONG_NUMBER_DIGITS: usize = 32;
/// Marks a beginning or an end of a long number.
const NUMBER_PART_PREFIX: char = '\u{1}';
/// Marks a word as written, where its stem differs.
const WHOLE_WORD_PREFIX: char = '\u{2}';
/// Marks a word with its signs.
const SIGNED_WORD_PREFIX: char = '\u{3}';

/// Returns a term with the signs around it; `None` without signs.
pub(super) fn term_with_signs(before: &str, term: &str, behind: &str) -> Option<String> {
    (!before.is_empty() || !behind.is_empty())
        .then(|| format!("{SIGNED_WORD_PREFIX}{before}{term}{behind}"))
}

/// Returns the term of a beginning or an end of a long number.
pub(super) fn number_part_term(digits: &str) -> String {
    format!("{NUMBER_PART_PREFIX}{digits}")
}

/// Returns the two term prefixes of the words with this beginning.
pub(super) fn term_prefixes(begun: &str) -> [String; 2] {
    [begun.to_owned(), format!("{WHOLE_WORD_PREFIX}{begun}")]
}

/// Returns the stem of a word.
pub(super) fn stem(word: &str) -> String {
    frostem::Stemmer::new(frostem::Algorithm::English)
        .stem(word)
        .into_owned()
}

/// Collects the terms of a text.
#[derive(Debug, Default)]
struct TermRecorder {
    tokens: Vec<Token>,
}

impl TermRecorder {
    fn add(&mut self, text: String, position: usize, (from, to): (usize, usize)) {
        self.tokens.push(Token {
            offset_from: from,
            offset_to: to,
            position,
            text,
            position_length: 1,
        });
    }

    fn add_letters(&mut self, text: &str, position: usize, bytes: (usize, usize)) {
        let stem = stem(text);
        if stem != text {
            self.add(format!("{WHOLE_WORD_PREFIX}{text}"), position, bytes);
        }
        self.add(stem, position, bytes);
    }

    fn add_digits(&mut self, text: &str, position: usize, bytes: (usize, usize)) {
        if (MIN_LONG_NUMBER_DIGITS..=MAX_LONG_NUMBER_DIGITS).contains(&text.len())
            && text.is_ascii()
        {
            for length in MIN_PART_CHARS..text.len() {
                self.add(number_part_term(&text[..length]), position, bytes);
                self.add(
                    number_part_term(&text[text.len() - length..]),
                    position,
                    bytes,
                );
            }
        }
        self.add(text.to_owned(), position, bytes);
    }

    fn add_word(&mut self, word: &Word, position: usize, bytes: (usize, usize)) {
        match word.kind {
            Kind::Letters => self.add_letters(&word.text, position, bytes),
            Kind::Digits => self.add_digits(&word.text, position, bytes),
            Kind::Symbol => self.add(word.text.clone(), position, bytes),
            Kind::Number => {
                let parts: Vec<String> = word.leading_parts().map(str::to_owned).collect();
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
            self.add_letters(other, position, bytes);
        }
        if let Some(joined) = &word.joined {
            // Next to the piece before it, and next to the piece behind it.
            for position in [position, position + joined.words - 1] {
                let bytes = (bytes.0, joined.to);
                match word.kind {
                    Kind::Digits => self.add_digits(&joined.text, position, bytes),
                    _ => self.add_letters(&joined.text, position, bytes),
                }
            }
        }
        if word.signs == SignedWord::default() {
            return;
        }
        let (before, behind, term) = (&word.signs.before, &word.signs.behind, word.term());
        for term in [
            term_with_signs(before, &term, ""),
            term_with_signs("", &term, behind),
            term_with_signs(before, &term, behind),
        ]
        .into_iter()
        .flatten()
        {
            self.add(term, position, bytes);
        }
    }

    fn add_run(&mut self, chars: &[Folded], position: usize) {
        for (index, one) in chars.iter().enumerate() {
            let at = position + index;
            self.add(one.c.into(), at, (one.from, one.to));
            if let Some(next) = chars.get(index + 1) {
                self.add([one.c, next.c].iter().collect(), at, (one.from, next.to));
            }
        }
    }
}

/// Returns the terms of a text, by position.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut recorder = TermRecorder::default();
    for piece in pieces(&fold(text)) {
        match &piece.what {
            PieceKind::Word(word) => {
                recorder.add_word(word, piece.position, (piece.from, piece.to));
            }
            PieceKind::Run(chars, _) => {
                recorder.add_run(chars, piece.position);
                for (position, term) in signed_ends(&piece) {
                    let c = chars[position - piece.position];
                    recorder.add(term, position, (c.from, c.to));
                }
            }
        }
    }
    let mut tokens = recorder.tokens;
    tokens.sort_by(|one, other| (one.position, &one.text).cmp(&(other.position, &other.text)));
    tokens.dedup_by(|one, other| (one.position, &one.text) == (other.position, &other.text));
    tokens
}

/// Splits a text into the terms of the index.
#[derive(Debug, Clone, Default)]
struct IndexTokenizer {
    tokens: Vec<Token>,
}

/// The terms from [`IndexTokenizer`].
struct IndexTokenStream<'a> {
    tokens: &'a mut Vec<Token>,
    next: usize,
}

impl Tokenizer for IndexTokenizer {
    type TokenStream<'a> = IndexTokenStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> IndexTokenStream<'a> {
        self.tokens = tokens(text);
        IndexTokenStream {
            tokens: &mut self.tokens,
            next: 0,
        }
    }
}

impl TokenStream for IndexTokenStream<'_> {
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

/// Returns the index's analyzers.
pub(super) fn analyzers() -> TokenizerManager {
    let analyzers = TokenizerManager::default();
    analyzers.register(
        ANALYZER_NAME,
        TextAnalyzer::builder(IndexTokenizer::default()).build(),
    );
    analyzers
}

#[cfg(test)]
#[path = "index_terms_tests.rs"]
mod tests;
