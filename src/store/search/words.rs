//! How a text becomes words: the same rules for what is stored in the index, for what is asked, and for what
//! is marked in a hit.
//!
//! Case, width and accents are folded. Letters make words, which are stemmed; digits make words of their
//! own, so that `10ml` is found by `10 ml`. Han, kana and hangul are written without spaces: of those every
//! character and every pair of neighbours stands in the index, each at its character's position. So whatever
//! stands in a message is found, wherever a dictionary would have cut it: a name inside a sentence is cut one
//! way today and another way beside other words. The dictionary (jieba) cuts what is *asked*: see
//! [`super::query`].

use tantivy::tokenizer::{
    Language, RawTokenizer, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager,
};
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// The name under which the index knows these rules.
pub(super) const ANALYZER: &str = "ward";

/// The most characters of a word that count; longer ones are equal if they begin alike.
const MAX_WORD: usize = 64;

/// A folded character and the bytes of the text that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folded {
    pub c: char,
    pub from: usize,
    pub to: usize,
}

/// A piece of a text, at its position (counted in words and in characters without spaces between).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Letters, digits, or one symbol.
    Word { text: String, position: usize, from: usize, to: usize },
    /// Characters of a script that is written without spaces.
    Run { chars: Vec<Folded>, position: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Unspaced,
    Symbol,
    Gap,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' => Class::Letter,
        '0'..='9' => Class::Digit,
        // Kana, bopomofo, hangul, Han with its extensions.
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3105}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' => Class::Unspaced,
        // Signs and emoji: somebody looks for them, too.
        '\u{2190}'..='\u{21ff}' | '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}' => Class::Symbol,
        c if c.is_alphabetic() => Class::Letter,
        c if c.is_numeric() => Class::Digit,
        _ => Class::Gap,
    }
}

/// The text in lower case, without accents, in the usual width.
pub(super) fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len());
    for (from, c) in text.char_indices() {
        let to = from + c.len_utf8();
        if c.is_ascii() {
            folded.push(Folded { c: c.to_ascii_lowercase(), from, to });
        } else if class(c) == Class::Unspaced && !('\u{f900}'..='\u{faff}').contains(&c) {
            folded.push(Folded { c, from, to });
        } else {
            decompose_compatible(c, |part| {
                if !is_combining_mark(part) {
                    folded.extend(part.to_lowercase().map(|c| Folded { c, from, to }));
                }
            });
        }
    }
    folded
}

/// The pieces of a folded text, in order.
pub(super) fn pieces(folded: &[Folded]) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut at, mut position) = (0, 0);
    while let Some(first) = folded.get(at) {
        let kind = class(first.c);
        let end = match kind {
            Class::Gap | Class::Symbol => at + 1,
            kind => word_end(folded, at, kind),
        };
        let part = &folded[at..end];
        match kind {
            Class::Gap => {}
            Class::Unspaced => {
                found.push(Piece::Run { chars: part.to_vec(), position });
                position += part.len();
            }
            Class::Letter | Class::Digit | Class::Symbol => {
                let text = part.iter().take(MAX_WORD).map(|folded| straight(folded.c)).collect();
                found.push(Piece::Word { text, position, from: first.from, to: part[part.len() - 1].to });
                position += 1;
            }
        }
        at = end;
    }
    found
}

fn word_end(folded: &[Folded], start: usize, kind: Class) -> usize {
    let mut end = start + 1;
    while let Some(next) = folded.get(end) {
        let joins = kind == Class::Letter
            && straight(next.c) == '\''
            && folded.get(end + 1).is_some_and(|after| class(after.c) == Class::Letter);
        if class(next.c) != kind && !joins {
            break;
        }
        end += 1;
    }
    end
}

fn straight(c: char) -> char {
    if c == '\u{2019}' { '\'' } else { c }
}

/// Cuts a text into what stands in the index; stemming comes after it.
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
        self.tokens.clear();
        for piece in pieces(&fold(text)) {
            match piece {
                Piece::Word { text, position, from, to } => {
                    self.tokens.push(token(text, position, from, to));
                }
                Piece::Run { chars, position } => {
                    for (index, one) in chars.iter().enumerate() {
                        let at = position + index;
                        self.tokens.push(token(one.c.into(), at, one.from, one.to));
                        if let Some(next) = chars.get(index + 1) {
                            self.tokens.push(token([one.c, next.c].iter().collect(), at, one.from, next.to));
                        }
                    }
                }
            }
        }
        Cut { tokens: &mut self.tokens, next: 0 }
    }
}

fn token(text: String, position: usize, from: usize, to: usize) -> Token {
    Token { offset_from: from, offset_to: to, position, text, position_length: 1 }
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

/// The rules as the index runs them.
pub(super) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Cutter::default()).filter(Stemmer::new(Language::English)).build()
}

/// The index's list of analyzers.
pub(super) fn analyzers() -> TokenizerManager {
    let analyzers = TokenizerManager::default();
    analyzers.register(ANALYZER, analyzer());
    analyzers
}

/// A word's stem.
pub(super) fn stem(word: &str) -> String {
    let mut stemmer =
        TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(Language::English)).build();
    let mut stream = stemmer.token_stream(word);
    if stream.advance() { stream.token().text.clone() } else { word.to_owned() }
}

/// What of a text stands in the index.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(text);
    let mut tokens = Vec::new();
    while stream.advance() {
        tokens.push(stream.token().clone());
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn english_is_folded_and_stemmed_and_numbers_stand_alone() {
        assert_eq!(texts("Patients' charts, CHECKED"), ["patient", "chart", "check"]);
        assert_eq!(texts("the nurse's 10ml"), ["the", "nurs", "10", "ml"]);
        assert_eq!(texts("ＢＰ １２０／８０ Café ﬁne"), ["bp", "120", "80", "cafe", "fine"]);
    }

    #[test]
    fn of_chinese_every_character_and_pair_has_its_place() {
        let found: Vec<_> = tokens("K+血压高").into_iter().map(|t| (t.text, t.position)).collect();
        let expected = [("k", 0), ("血", 1), ("血压", 1), ("压", 2), ("压高", 2), ("高", 3)];
        assert_eq!(found, expected.map(|(text, at)| (text.to_owned(), at)));
        let token = &tokens("，血压")[1];
        assert_eq!((token.offset_from, token.offset_to), (3, 9), "bytes of the text");
    }

    #[test]
    fn no_text_breaks_it() {
        for text in ["", "'", "'a'", "\u{0}\u{ffff}", "👩🏽‍⚕️👍", "ﷺ", "İ", "が", "한글", "ё"]
        {
            for token in tokens(text) {
                assert!(text.get(token.offset_from..token.offset_to).is_some(), "{text}");
                assert!(!token.text.is_empty(), "{text}");
            }
        }
        assert_eq!(texts("👍"), ["👍"]);
        assert_eq!(texts(&"x".repeat(200))[0].len(), MAX_WORD);
    }
}
