//! The tokenizer: the same rules split stored texts, queries, and the texts in which matches are
//! marked.
//!
//! Texts are folded first (see [`fold`](crate::domain::text_folding::fold)). Letters form words, which are
//! stemmed. Digits form words of their own, so that `10 ml` finds `10ml`. These are one number,
//! which no part of it finds: digits with `.` or `:` between them, groups of thousands (`1,500`,
//! `1'500`), a decimal comma (`0,5`), and one-character fractions. Other commas separate the
//! numbers of a list (`3，5床`). Han, kana and hangul are written without spaces: the index stores
//! each of their characters and each pair of neighbours, at the character's position. A search
//! therefore finds any part of a message, wherever a dictionary would have cut it. A dictionary
//! cuts a name inside a sentence in different ways, depending on the words beside it. The
//! dictionary (jieba) therefore cuts only *queries*: see [`super::keyword`].

use std::ops::Range;

use super::{
    fractions::{self, FRACTION_SLASH},
    index_terms::{stem, term_with_signs},
};
use crate::domain::text_folding::{
    Class, Folded, NUMBER_BOUNDARY, class, greek_name, is_greek, is_han,
};

/// The maximum number of significant characters of a word; longer ones are equal if they begin
/// alike.
pub(super) const MAX_WORD_CHARS: usize = 64;
/// Numbers of at least this length are identifiers and telephone numbers: their beginnings and ends
/// find them.
pub(super) const MIN_LONG_NUMBER_DIGITS: usize = 6;
/// The minimum number of digits of such a beginning or end, and of letters of a begun word.
pub(super) const MIN_PART_CHARS: usize = 3;
/// The maximum size in bytes of a comma that groups thousands: the ASCII one and the Arabic one.
/// The wide Chinese ones occur in lists only.
const MAX_COMMA_BYTES: usize = 2;
/// The maximum number of signs that touch a word on one side.
const MAX_ADJACENT_SIGNS: usize = 4;

/// The kind of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Letters,
    Digits,
    /// Digits with `.`, `:` or a fraction's stroke between them, or in groups of thousands.
    Number,
    Symbol,
}

/// Letters, a number, or one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub kind: Kind,
    /// Another name of the same thing.
    pub other: Option<&'static str>,
    /// The word joined with what follows it over a hyphen.
    pub joined: Option<JoinedWords>,
    pub signs: SignedWord,
}

/// Words joined by hyphens or apostrophes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JoinedWords {
    pub text: String,
    /// The number of joined words.
    pub words: usize,
    /// The end of the last word in the text.
    pub to: usize,
}

/// Signs that touch a word: `≥38`, `Rh+`, `HBsAg(-)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SignedWord {
    pub before: String,
    pub behind: String,
}

/// The content of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PieceKind {
    Word(Word),
    /// Characters of a script that is written without spaces.
    Run(Vec<Folded>, SignedWord),
}

/// A piece of a text, at its position (counted in words, and in characters of scripts without
/// spaces).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub what: PieceKind,
    pub position: usize,
    /// The range of its folded characters.
    pub span: Range<usize>,
    /// Its byte range in the text.
    pub from: usize,
    pub to: usize,
}

impl Piece {
    /// Returns a part of a run, with the same place in the text and no signs.
    pub fn part(&self, chars: Vec<Folded>, position: usize) -> Self {
        Self {
            what: PieceKind::Run(chars, SignedWord::default()),
            position,
            ..self.clone()
        }
    }

    /// Returns the number of positions it takes. A number of several parts takes two, so that its
    /// first part is not adjacent to the unit behind it.
    pub fn width(&self) -> usize {
        match &self.what {
            PieceKind::Run(chars, _) => chars.len(),
            PieceKind::Word(word) => 1 + usize::from(word.leading_parts().next().is_some()),
        }
    }
}

/// Returns the pieces of a folded text, in order.
pub(super) fn pieces(folded: &[Folded]) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let (mut at, mut position) = (0, 0);
    while let Some(first) = folded.get(at) {
        let taken = match class(first.c) {
            Class::Gap => partial_number(folded, at),
            Class::Digit => Some(scan_number(folded, at, String::new())),
            Class::Letter => Some(scan_letters(folded, at)),
            Class::Unspaced => Some(scan_run(folded, at)),
            Class::Symbol => Some(scan_symbol(folded, at)),
        };
        let Some((mut what, end)) = taken else {
            at += 1;
            continue;
        };
        let touching = signs_around(folded, at..end);
        match &mut what {
            PieceKind::Word(word) if word.kind != Kind::Symbol => word.signs = touching,
            PieceKind::Run(_, signs) => *signs = touching,
            PieceKind::Word(_) => {}
        }
        let piece = Piece {
            what,
            position,
            span: at..end,
            from: first.from,
            to: folded[end - 1].to,
        };
        position += piece.width();
        found.push(piece);
        at = end;
    }
    join_words(folded, &mut found);
    fractions::record_fractions(folded, &mut found);
    found
}

type ScanResult = (PieceKind, usize);

fn word(text: impl IntoIterator<Item = char>, kind: Kind) -> PieceKind {
    let text = text.into_iter().take(MAX_WORD_CHARS).collect();
    PieceKind::Word(Word {
        text,
        kind,
        other: None,
        joined: None,
        signs: SignedWord::default(),
    })
}

fn is(folded: &[Folded], at: usize, kind: Class) -> bool {
    folded.get(at).is_some_and(|folded| class(folded.c) == kind)
}

/// Scans a number without a leading zero: `.5` is `0.5`. Its point must not end a sentence or an
/// abbreviation (`No.5`). A percentage may also begin right behind a word: `NaCl.9%`.
fn partial_number(folded: &[Folded], at: usize) -> Option<ScanResult> {
    let begins = match at.checked_sub(1).and_then(|before| folded.get(before)) {
        None => true,
        Some(before) => {
            before.c.is_whitespace() || "([{<>≤≥=~+-±/,;:、\"'“”‘【〈《「『|*_#&".contains(before.c)
        }
    };
    let figures = folded[at + 1..]
        .iter()
        .take_while(|next| class(next.c) == Class::Digit)
        .count();
    let is_percent = folded
        .get(at + 1 + figures)
        .is_some_and(|next| matches!(next.c, '%' | '‰'));
    let is_behind_a_word = at.checked_sub(1).is_some_and(|before| {
        matches!(class(folded[before].c), Class::Letter | Class::Unspaced)
            || ")]}'\"”】".contains(folded[before].c)
    });
    let begins = begins || (is_percent && is_behind_a_word);
    (begins && folded[at].c == '.' && is(folded, at + 1, Class::Digit))
        .then(|| scan_number(folded, at, "0".to_owned()))
}

fn scan_number(folded: &[Folded], start: usize, mut text: String) -> ScanResult {
    let (mut end, mut kind) = (start, Kind::Digits);
    if let Some(groups) = grouped_number_end(folded, start) {
        let figures = folded[start..groups].iter().map(|next| next.c);
        text.extend(figures.map(|c| if class(c) == Class::Digit { c } else { ',' }));
        (end, kind) = (groups, Kind::Number);
    }
    while let Some(next) = folded.get(end) {
        if class(next.c) == Class::Digit {
            text.push(next.c);
        } else if end > start && is_decimal_comma(folded, start, end) {
            kind = Kind::Number;
            text.push('.');
        } else if matches!(next.c, '.' | ':' | '·' | FRACTION_SLASH)
            && is(folded, end + 1, Class::Digit)
            && (end > start || !text.is_empty())
        {
            kind = Kind::Number;
            text.push(if next.c == '·' { '.' } else { next.c });
        } else {
            break;
        }
        end += 1;
    }
    (word(text.chars(), kind), end)
}

/// Returns whether the comma at `at`, in a number that begins at `start`, is a decimal comma (`0,5
/// mg`). Several commas make a list. So does the wide Chinese comma (`3，5床`), except behind a zero
/// or before a unit.
fn is_decimal_comma(folded: &[Folded], start: usize, at: usize) -> bool {
    let is_digit = |at: usize| is(folded, at, Class::Digit);
    let is_mark = |at: usize| {
        folded
            .get(at)
            .is_some_and(|mark| matches!(mark.c, ',' | '\''))
    };
    let follows = |at: usize| {
        at.checked_sub(2)
            .is_some_and(|before| is_digit(before) && is_mark(at - 1))
    };
    if folded[at].c != ',' || !(start..at).all(is_digit) || !is_digit(at + 1) || follows(start) {
        return false;
    }
    let end = (at + 1..=folded.len())
        .find(|at| !is_digit(*at))
        .unwrap_or(folded.len());
    if is_mark(end) && is_digit(end + 1) {
        return false;
    }
    let is_wide = folded[at].to - folded[at].from > MAX_COMMA_BYTES;
    let is_nought = at == start + 1 && folded[start].c == '0';
    let unit = end + usize::from(folded.get(end).is_some_and(|blank| blank.c == ' '));
    let has_unit = is(folded, unit, Class::Letter)
        || folded
            .get(unit)
            .is_some_and(|sign| matches!(sign.c, '%' | '°'));
    !is_wide || is_nought || has_unit
}

/// Returns the end of a number in groups of thousands. All groups have three digits and the same
/// separator. Returns `None` where it is a list or continues one.
fn grouped_number_end(folded: &[Folded], start: usize) -> Option<usize> {
    let digits = |at: usize| {
        folded[at..]
            .iter()
            .take_while(|next| class(next.c) == Class::Digit)
            .count()
    };
    let mark = |at: usize| {
        folded
            .get(at)
            .map(|mark| mark.c)
            .filter(|c| matches!(c, ',' | '\''))
    };
    if start
        .checked_sub(1)
        .is_some_and(|at| mark(at).is_some() && at > 0 && is(folded, at - 1, Class::Digit))
    {
        return None;
    }
    if folded[start].c == '0' {
        return None;
    }
    let mut end = start + Some(digits(start)).filter(|first| (1..=3).contains(first))?;
    let first = mark(end)?;
    while mark(end).is_some() && is(folded, end + 1, Class::Digit) {
        let is_of_thousands = mark(end) == Some(first)
            && (first != ',' || folded[end].to - folded[end].from <= MAX_COMMA_BYTES)
            && digits(end + 1) == 3;
        if !is_of_thousands {
            return None;
        }
        end += 4;
    }
    (end > start + 3).then_some(end)
}

fn scan_letters(folded: &[Folded], start: usize) -> ScanResult {
    let is_of =
        |at: usize, greek: bool| is(folded, at, Class::Letter) && is_greek(folded[at].c) == greek;
    let greek = is_greek(folded[start].c);
    let end_of = |start: usize, greek: bool| {
        let mut end = start;
        while is_of(end, greek)
            || (end > start
                && folded.get(end).is_some_and(|c| c.c == '\'')
                && is_of(end + 1, greek))
        {
            end += 1;
        }
        end
    };
    let end = end_of(start, greek);
    let chars = |range: Range<usize>| folded[range].iter().map(|folded| folded.c);
    let name = greek_name(folded[start].c).filter(|_| greek && end == start + 1);
    match name {
        // The micro sign is often typed as u.
        Some("mu") if is_of(end, false) => {
            let unit = end_of(end, false);
            (
                word(std::iter::once('u').chain(chars(end..unit)), Kind::Letters),
                unit,
            )
        }
        Some("mu") => {
            let mut micro = word(['u'], Kind::Letters);
            if let PieceKind::Word(micro) = &mut micro {
                micro.other = Some("mu");
            }
            (micro, end)
        }
        Some(name) => (word(name.chars(), Kind::Letters), end),
        None => (word(chars(start..end), Kind::Letters), end),
    }
}

/// Scans a run; Chinese continues across blanks and line ends.
fn scan_run(folded: &[Folded], start: usize) -> ScanResult {
    let mut chars = Vec::new();
    let mut end = start;
    while let Some(next) = folded.get(end) {
        if class(next.c) == Class::Unspaced {
            chars.push(*next);
            end += 1;
            continue;
        }
        let blanks = folded[end..]
            .iter()
            .take_while(|next| next.c.is_whitespace())
            .count();
        let goes_on = blanks > 0
            && is_han(folded[end - 1].c)
            && folded.get(end + blanks).is_some_and(|next| is_han(next.c));
        if !goes_on {
            break;
        }
        end += blanks;
    }
    (PieceKind::Run(chars, SignedWord::default()), end)
}

/// Scans a symbol; a flag is a pair of letters.
fn scan_symbol(folded: &[Folded], at: usize) -> ScanResult {
    let is_flag = |at: usize| {
        folded
            .get(at)
            .is_some_and(|c| matches!(c.c, '\u{1f1e6}'..='\u{1f1ff}'))
    };
    let end = at + 1 + usize::from(is_flag(at) && is_flag(at + 1));
    (
        word(folded[at..end].iter().map(|folded| folded.c), Kind::Symbol),
        end,
    )
}

/// Returns whether a character is a sign that changes the meaning of an adjacent word.
pub(super) fn is_sign(c: char) -> bool {
    matches!(
        c,
        '+' | '-' | '<' | '>' | '≤' | '≥' | '±' | '~' | '≠' | '≮' | '≯' | '='
    )
}

fn signs_around(folded: &[Folded], span: Range<usize>) -> SignedWord {
    // Most words stand between blanks.
    let is_bare = |at: Option<&Folded>| {
        at.is_none_or(|at| !(is_sign(at.c) || matches!(at.c, NUMBER_BOUNDARY | '(')))
    };
    if is_bare(folded.get(span.end))
        && is_bare(span.start.checked_sub(1).and_then(|at| folded.get(at)))
    {
        return SignedWord::default();
    }
    let is_word = |at: Option<usize>| {
        let c = at
            .and_then(|at| folded.get(at))
            .map(|folded| class(folded.c));
        c.is_some_and(|class| class != Class::Gap)
    };
    let c = |at: usize| folded.get(at).map(|folded| folded.c);
    let mut behind = span.end + usize::from(c(span.end) == Some(NUMBER_BOUNDARY));
    let opens = c(behind) == Some('(');
    behind += usize::from(opens);
    let run: String = folded[behind.min(folded.len())..]
        .iter()
        .map(|c| c.c)
        .take_while(|c| is_sign(*c))
        .collect();
    let after = behind + run.chars().count();
    let is_whole = if opens {
        c(after) == Some(')')
    } else {
        run != "-" || !is_word(Some(after))
    };
    let behind = if is_whole {
        normalize_signs(&run)
    } else {
        String::new()
    };
    let start =
        span.start - usize::from(span.start > 0 && c(span.start - 1) == Some(NUMBER_BOUNDARY));
    let run: Vec<char> = folded[..start]
        .iter()
        .rev()
        .map(|c| c.c)
        .take_while(|c| is_sign(*c))
        .take(MAX_ADJACENT_SIGNS + 1)
        .collect();
    let run: String = run.into_iter().rev().collect();
    let prior = start.checked_sub(run.chars().count() + 1);
    let before = if run == "-" && is_word(prior) {
        String::new()
    } else {
        normalize_signs(&run)
    };
    SignedWord { before, behind }
}

/// Returns signs in the form in which they are compared; a dash, or a line of signs, is ignored.
fn normalize_signs(run: &str) -> String {
    if run.is_empty() {
        return String::new();
    }
    let run = run.replace(">=", "≥").replace("<=", "≤").replace("+-", "±");
    let is_dash = run.len() > 1 && run.chars().all(|c| c == '-') || run.contains('=');
    if is_dash || run.chars().count() > MAX_ADJACENT_SIGNS {
        String::new()
    } else {
        run
    }
}

/// Records which words a hyphen or an apostrophe joins.
fn join_words(folded: &[Folded], pieces: &mut [Piece]) {
    if !folded.iter().any(|folded| matches!(folded.c, '-' | '\'')) {
        return;
    }
    let mut first = 0;
    while first < pieces.len() {
        let mut last = first;
        while last + 1 < pieces.len() && are_joined(folded, &pieces[last], &pieces[last + 1]) {
            last += 1;
        }
        let texts = pieces[first..=last]
            .iter()
            .filter_map(|piece| match &piece.what {
                PieceKind::Word(word) => Some(word.text.replace('\'', "")),
                PieceKind::Run(..) => None,
            });
        let text: String = texts
            .collect::<String>()
            .chars()
            .take(MAX_WORD_CHARS)
            .collect();
        let to = pieces[last].to;
        if let PieceKind::Word(word) = &mut pieces[first].what {
            let is_long = word.kind == Kind::Letters
                || (word.kind == Kind::Digits && text.len() >= MIN_LONG_NUMBER_DIGITS);
            if is_long && (last > first || text != word.text) {
                word.joined = Some(JoinedWords {
                    text,
                    words: last - first + 1,
                    to,
                });
            }
        }
        first = last + 1;
    }
}

fn are_joined(folded: &[Folded], one: &Piece, next: &Piece) -> bool {
    let (PieceKind::Word(first), PieceKind::Word(second)) = (&one.what, &next.what) else {
        return false;
    };
    let is_joining = |c: char| c == '-' || (c == '\'' && first.kind == Kind::Digits);
    first.kind == second.kind
        && matches!(first.kind, Kind::Letters | Kind::Digits)
        && next.span.start == one.span.end + 1
        && is_joining(folded[one.span.end].c)
}

impl Word {
    /// Returns the first parts of an address, a version or a date: the text before each separator
    /// when there are several. An amount has no such parts.
    pub fn leading_parts(&self) -> impl Iterator<Item = &str> {
        let marks: Vec<usize> = self
            .text
            .match_indices(['.', ':'])
            .map(|(at, _)| at)
            .collect();
        let has_parts = self.kind == Kind::Number && marks.len() > 1 && !self.text.contains(',');
        marks
            .into_iter()
            .filter(move |_| has_parts)
            .map(|at| &self.text[..at])
    }

    /// Returns its term in the index.
    pub fn term(&self) -> String {
        if self.kind == Kind::Letters {
            stem(&self.text)
        } else {
            self.text.clone()
        }
    }

    /// Returns its term in the index together with the signs that touch it here.
    pub fn signed_term(&self) -> String {
        term_with_signs(&self.signs.before, &self.term(), &self.signs.behind)
            .unwrap_or_else(|| self.term())
    }
}

/// Returns the terms at a run's first and last character with their signs.
pub(super) fn signed_ends(piece: &Piece) -> Vec<(usize, String)> {
    let PieceKind::Run(chars, signs) = &piece.what else {
        return Vec::new();
    };
    let (Some(first), Some(last)) = (chars.first(), chars.last()) else {
        return Vec::new();
    };
    let before =
        term_with_signs(&signs.before, &first.c.to_string(), "").map(|term| (piece.position, term));
    let behind = term_with_signs("", &last.c.to_string(), &signs.behind)
        .map(|term| (piece.position + chars.len() - 1, term));
    before.into_iter().chain(behind).collect()
}
