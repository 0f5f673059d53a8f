//! How a text becomes words: the same rules for what is stored in the index, for what is asked, and for what
//! is marked in a hit.
//!
//! Texts are folded first (see [`fold`](crate::domain::fold)). Letters make words, which are stemmed; digits
//! make words of their own, so that `10ml` is found by `10 ml`, and digits with `.` or `:` between them, groups of
//! thousands (`1,500`, `1'500`), a decimal comma (`0,5`) and fractions in one character are one number, which no
//! part of it finds; other commas set the numbers of a list apart (`3，5床`). Han, kana and hangul are written without
//! spaces: of those every character and every pair of neighbours stands in the index, each at its character's
//! position. So whatever stands in a message is found, wherever a dictionary would have cut it: a name inside a
//! sentence is cut one way today and another way beside other words. The dictionary (jieba) cuts what is *asked*: see
//! [`super::keyword`].

use std::ops::Range;

use super::{
    fractions::{self, FRACTION},
    terms::{signed, stem},
};
use crate::domain::fold::{CUT, Class, Folded, class, greek_name, is_greek, is_han};

/// The most characters of a word that count; longer ones are equal if they begin alike.
pub(super) const MAX_WORD: usize = 64;
/// Numbers of so many digits are identifiers and telephone numbers: their beginnings and ends find them.
pub(super) const LONG_NUMBER: usize = 6;
/// The fewest digits of such a beginning or end, and the fewest letters of a word that was begun.
pub(super) const MIN_PART: usize = 3;
/// The most bytes of a comma that groups thousands: the ASCII one and the Arabic one. The wide ones of Chinese
/// stand in lists only.
const MAX_COMMA: usize = 2;
/// The most signs that touch a word on one side.
const MAX_SIGNS: usize = 4;

/// What a word is made of.
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
    /// Another name of the same.
    pub other: Option<&'static str>,
    /// The word with what follows it over a hyphen, in one.
    pub joined: Option<Joined>,
    pub signs: Signs,
}

/// Words that hyphens or apostrophes join, as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joined {
    pub text: String,
    /// How many words it is made of.
    pub words: usize,
    /// Where in the text its last word ends.
    pub to: usize,
}

/// Signs that touch a word: `≥38`, `Rh+`, `HBsAg(-)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signs {
    pub before: String,
    pub behind: String,
}

/// What stands at a position of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Word(Word),
    /// Characters of a script that is written without spaces.
    Run(Vec<Folded>, Signs),
}

/// A piece of a text, at its position (counted in words and in characters without spaces between).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub what: What,
    pub position: usize,
    /// Its folded characters.
    pub span: Range<usize>,
    /// Its bytes in the text.
    pub from: usize,
    pub to: usize,
}

impl Piece {
    /// A part of a run, which stands in the same place between what touches the whole.
    pub fn part(&self, chars: Vec<Folded>, position: usize) -> Self {
        Self { what: What::Run(chars, Signs::default()), position, ..self.clone() }
    }

    /// How many positions it takes. A number of several parts takes two, so that its first part does not
    /// stand beside the unit behind it.
    pub fn width(&self) -> usize {
        match &self.what {
            What::Run(chars, _) => chars.len(),
            What::Word(word) => 1 + usize::from(word.leading().next().is_some()),
        }
    }
}

/// The pieces of a folded text, in order.
pub(super) fn pieces(folded: &[Folded]) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let (mut at, mut position) = (0, 0);
    while let Some(first) = folded.get(at) {
        let taken = match class(first.c) {
            Class::Gap => begun_number(folded, at),
            Class::Digit => Some(number(folded, at, String::new())),
            Class::Letter => Some(letters(folded, at)),
            Class::Unspaced => Some(run(folded, at)),
            Class::Symbol => Some(symbol(folded, at)),
        };
        let Some((mut what, end)) = taken else {
            at += 1;
            continue;
        };
        let touching = signs(folded, at..end);
        match &mut what {
            What::Word(word) if word.kind != Kind::Symbol => word.signs = touching,
            What::Run(_, signs) => *signs = touching,
            What::Word(_) => {}
        }
        let piece = Piece { what, position, span: at..end, from: first.from, to: folded[end - 1].to };
        position += piece.width();
        found.push(piece);
        at = end;
    }
    join(folded, &mut found);
    fractions::note(folded, &mut found);
    found
}

type Taken = (What, usize);

fn word(text: impl IntoIterator<Item = char>, kind: Kind) -> What {
    let text = text.into_iter().take(MAX_WORD).collect();
    What::Word(Word { text, kind, other: None, joined: None, signs: Signs::default() })
}

fn is(folded: &[Folded], at: usize, kind: Class) -> bool {
    folded.get(at).is_some_and(|folded| class(folded.c) == kind)
}

/// `.5` is `0.5`: the point that begins it is no end of a sentence, and no abbreviation's (`No.5`). Of percent it
/// begins a number behind a word, too: `NaCl.9%`.
fn begun_number(folded: &[Folded], at: usize) -> Option<Taken> {
    let begins = match at.checked_sub(1).and_then(|before| folded.get(before)) {
        None => true,
        Some(before) => {
            before.c.is_whitespace() || "([{<>≤≥=~+-±/,;:、\"'“”‘【〈《「『|*_#&".contains(before.c)
        }
    };
    let figures = folded[at + 1..].iter().take_while(|next| class(next.c) == Class::Digit).count();
    let is_percent = folded.get(at + 1 + figures).is_some_and(|next| matches!(next.c, '%' | '‰'));
    let is_behind_a_word = at.checked_sub(1).is_some_and(|before| {
        matches!(class(folded[before].c), Class::Letter | Class::Unspaced)
            || ")]}'\"”】".contains(folded[before].c)
    });
    let begins = begins || (is_percent && is_behind_a_word);
    (begins && folded[at].c == '.' && is(folded, at + 1, Class::Digit))
        .then(|| number(folded, at, "0".to_owned()))
}

fn number(folded: &[Folded], start: usize, mut text: String) -> Taken {
    let (mut end, mut kind) = (start, Kind::Digits);
    if let Some(groups) = grouped(folded, start) {
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
        } else if matches!(next.c, '.' | ':' | '·' | FRACTION)
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

/// Whether the comma at `at`, in a number that begins at `start`, stands where others have a point (`0,5 mg`). More
/// than one make a list; so does the wide comma of Chinese (`3，5床`), but behind a nought or before a unit.
fn is_decimal_comma(folded: &[Folded], start: usize, at: usize) -> bool {
    let is_digit = |at: usize| is(folded, at, Class::Digit);
    let is_mark = |at: usize| folded.get(at).is_some_and(|mark| matches!(mark.c, ',' | '\''));
    let follows = |at: usize| at.checked_sub(2).is_some_and(|before| is_digit(before) && is_mark(at - 1));
    if folded[at].c != ',' || !(start..at).all(is_digit) || !is_digit(at + 1) || follows(start) {
        return false;
    }
    let end = (at + 1..=folded.len()).find(|at| !is_digit(*at)).unwrap_or(folded.len());
    if is_mark(end) && is_digit(end + 1) {
        return false;
    }
    let is_wide = folded[at].to - folded[at].from > MAX_COMMA;
    let is_nought = at == start + 1 && folded[start].c == '0';
    let unit = end + usize::from(folded.get(end).is_some_and(|blank| blank.c == ' '));
    let has_unit =
        is(folded, unit, Class::Letter) || folded.get(unit).is_some_and(|sign| matches!(sign.c, '%' | '°'));
    !is_wide || is_nought || has_unit
}

/// Where a number in groups of thousands ends, which all have three digits and one kind of mark between them;
/// none where it is a list, or goes on one.
fn grouped(folded: &[Folded], start: usize) -> Option<usize> {
    let digits = |at: usize| folded[at..].iter().take_while(|next| class(next.c) == Class::Digit).count();
    let mark = |at: usize| folded.get(at).map(|mark| mark.c).filter(|c| matches!(c, ',' | '\''));
    if start.checked_sub(1).is_some_and(|at| mark(at).is_some() && at > 0 && is(folded, at - 1, Class::Digit))
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
            && (first != ',' || folded[end].to - folded[end].from <= MAX_COMMA)
            && digits(end + 1) == 3;
        if !is_of_thousands {
            return None;
        }
        end += 4;
    }
    (end > start + 3).then_some(end)
}

fn letters(folded: &[Folded], start: usize) -> Taken {
    let is_of = |at: usize, greek: bool| is(folded, at, Class::Letter) && is_greek(folded[at].c) == greek;
    let greek = is_greek(folded[start].c);
    let end_of = |start: usize, greek: bool| {
        let mut end = start;
        while is_of(end, greek)
            || (end > start && folded.get(end).is_some_and(|c| c.c == '\'') && is_of(end + 1, greek))
        {
            end += 1;
        }
        end
    };
    let end = end_of(start, greek);
    let chars = |range: Range<usize>| folded[range].iter().map(|folded| folded.c);
    let name = greek_name(folded[start].c).filter(|_| greek && end == start + 1);
    match name {
        // The sign for a millionth is typed as u.
        Some("mu") if is_of(end, false) => {
            let unit = end_of(end, false);
            (word(std::iter::once('u').chain(chars(end..unit)), Kind::Letters), unit)
        }
        Some("mu") => {
            let mut micro = word(['u'], Kind::Letters);
            if let What::Word(micro) = &mut micro {
                micro.other = Some("mu");
            }
            (micro, end)
        }
        Some(name) => (word(name.chars(), Kind::Letters), end),
        None => (word(chars(start..end), Kind::Letters), end),
    }
}

/// Chinese goes on behind blanks and ends of lines.
fn run(folded: &[Folded], start: usize) -> Taken {
    let mut chars = Vec::new();
    let mut end = start;
    while let Some(next) = folded.get(end) {
        if class(next.c) == Class::Unspaced {
            chars.push(*next);
            end += 1;
            continue;
        }
        let blanks = folded[end..].iter().take_while(|next| next.c.is_whitespace()).count();
        let goes_on = blanks > 0
            && is_han(folded[end - 1].c)
            && folded.get(end + blanks).is_some_and(|next| is_han(next.c));
        if !goes_on {
            break;
        }
        end += blanks;
    }
    (What::Run(chars, Signs::default()), end)
}

/// A flag is a pair of letters.
fn symbol(folded: &[Folded], at: usize) -> Taken {
    let is_flag = |at: usize| folded.get(at).is_some_and(|c| matches!(c.c, '\u{1f1e6}'..='\u{1f1ff}'));
    let end = at + 1 + usize::from(is_flag(at) && is_flag(at + 1));
    (word(folded[at..end].iter().map(|folded| folded.c), Kind::Symbol), end)
}

/// Whether a character is a sign that changes what a word beside it means.
pub(super) fn is_sign(c: char) -> bool {
    matches!(c, '+' | '-' | '<' | '>' | '≤' | '≥' | '±' | '~' | '≠' | '≮' | '≯' | '=')
}

fn signs(folded: &[Folded], span: Range<usize>) -> Signs {
    // Most words stand between blanks.
    let is_bare = |at: Option<&Folded>| at.is_none_or(|at| !(is_sign(at.c) || matches!(at.c, CUT | '(')));
    if is_bare(folded.get(span.end)) && is_bare(span.start.checked_sub(1).and_then(|at| folded.get(at))) {
        return Signs::default();
    }
    let is_word = |at: Option<usize>| {
        let c = at.and_then(|at| folded.get(at)).map(|folded| class(folded.c));
        c.is_some_and(|class| class != Class::Gap)
    };
    let c = |at: usize| folded.get(at).map(|folded| folded.c);
    let mut behind = span.end + usize::from(c(span.end) == Some(CUT));
    let opens = c(behind) == Some('(');
    behind += usize::from(opens);
    let run: String =
        folded[behind.min(folded.len())..].iter().map(|c| c.c).take_while(|c| is_sign(*c)).collect();
    let after = behind + run.chars().count();
    let is_whole = if opens { c(after) == Some(')') } else { run != "-" || !is_word(Some(after)) };
    let behind = if is_whole { meant(&run) } else { String::new() };
    let start = span.start - usize::from(span.start > 0 && c(span.start - 1) == Some(CUT));
    let run: Vec<char> =
        folded[..start].iter().rev().map(|c| c.c).take_while(|c| is_sign(*c)).take(MAX_SIGNS + 1).collect();
    let run: String = run.into_iter().rev().collect();
    let prior = start.checked_sub(run.chars().count() + 1);
    let before = if run == "-" && is_word(prior) { String::new() } else { meant(&run) };
    Signs { before, behind }
}

/// Signs as they are compared; a dash, or a line of signs, means nothing.
fn meant(run: &str) -> String {
    if run.is_empty() {
        return String::new();
    }
    let run = run.replace(">=", "≥").replace("<=", "≤").replace("+-", "±");
    let is_dash = run.len() > 1 && run.chars().all(|c| c == '-') || run.contains('=');
    if is_dash || run.chars().count() > MAX_SIGNS { String::new() } else { run }
}

/// Notes which words a hyphen or an apostrophe joins.
fn join(folded: &[Folded], pieces: &mut [Piece]) {
    if !folded.iter().any(|folded| matches!(folded.c, '-' | '\'')) {
        return;
    }
    let mut first = 0;
    while first < pieces.len() {
        let mut last = first;
        while last + 1 < pieces.len() && are_joined(folded, &pieces[last], &pieces[last + 1]) {
            last += 1;
        }
        let texts = pieces[first..=last].iter().filter_map(|piece| match &piece.what {
            What::Word(word) => Some(word.text.replace('\'', "")),
            What::Run(..) => None,
        });
        let text: String = texts.collect::<String>().chars().take(MAX_WORD).collect();
        let to = pieces[last].to;
        if let What::Word(word) = &mut pieces[first].what {
            let is_long =
                word.kind == Kind::Letters || (word.kind == Kind::Digits && text.len() >= LONG_NUMBER);
            if is_long && (last > first || text != word.text) {
                word.joined = Some(Joined { text, words: last - first + 1, to });
            }
        }
        first = last + 1;
    }
}

fn are_joined(folded: &[Folded], one: &Piece, next: &Piece) -> bool {
    let (What::Word(first), What::Word(second)) = (&one.what, &next.what) else { return false };
    let is_joining = |c: char| c == '-' || (c == '\'' && first.kind == Kind::Digits);
    first.kind == second.kind
        && matches!(first.kind, Kind::Letters | Kind::Digits)
        && next.span.start == one.span.end + 1
        && is_joining(folded[one.span.end].c)
}

impl Word {
    /// The first parts of an address, a version, a date: what stands before each separator when there are
    /// several; an amount has no such parts.
    pub fn leading(&self) -> impl Iterator<Item = &str> {
        let marks: Vec<usize> = self.text.match_indices(['.', ':']).map(|(at, _)| at).collect();
        let has_parts = self.kind == Kind::Number && marks.len() > 1 && !self.text.contains(',');
        marks.into_iter().filter(move |_| has_parts).map(|at| &self.text[..at])
    }

    /// What stands in the index for it.
    pub fn term(&self) -> String {
        if self.kind == Kind::Letters { stem(&self.text) } else { self.text.clone() }
    }

    /// What stands in the index for it and the signs that touch it here.
    pub fn exact(&self) -> String {
        signed(&self.signs.before, &self.term(), &self.signs.behind).unwrap_or_else(|| self.term())
    }
}

/// The terms at a run's first and last character with their signs.
pub(super) fn signed_ends(piece: &Piece) -> Vec<(usize, String)> {
    let What::Run(chars, signs) = &piece.what else { return Vec::new() };
    let (Some(first), Some(last)) = (chars.first(), chars.last()) else { return Vec::new() };
    let before = signed(&signs.before, &first.c.to_string(), "").map(|term| (piece.position, term));
    let behind =
        signed("", &last.c.to_string(), &signs.behind).map(|term| (piece.position + chars.len() - 1, term));
    before.into_iter().chain(behind).collect()
}
