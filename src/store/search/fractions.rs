//! Fractions: a search finds both `½` in one character and `1/2` with a stroke.

use super::tokenizer::{JoinedWords, Kind, Piece, PieceKind};
use crate::domain::text_folding::Folded;

/// The stroke of a one-character fraction after folding: `½` is a number of its own, and a search
/// for 2 does not find it.
pub(super) const FRACTION_SLASH: char = '\u{2044}';

/// Records which numbers form a fraction, so that both spellings find it: `1/2` as `½`.
pub(super) fn record_fractions(folded: &[Folded], pieces: &mut [Piece]) {
    let c = |at: usize| folded.get(at).map(|folded| folded.c);
    for index in 1..pieces.len() {
        let [upper, lower] = &mut pieces[index - 1..=index] else {
            continue;
        };
        let (PieceKind::Word(first), PieceKind::Word(second)) = (&mut upper.what, &lower.what)
        else {
            continue;
        };
        let has_stroke = lower.span.start == upper.span.end + 1 && c(upper.span.end) == Some('/');
        // A date has two strokes.
        let is_alone = c(lower.span.end) != Some('/')
            && upper.span.start.checked_sub(1).and_then(c) != Some('/');
        let are_figures = first.kind == Kind::Digits
            && second.kind == Kind::Digits
            && first.text.len() == 1
            && (1..=2).contains(&second.text.len());
        if has_stroke && is_alone && are_figures && first.joined.is_none() {
            let text = format!("{}{FRACTION_SLASH}{}", first.text, second.text);
            first.joined = Some(JoinedWords {
                text,
                words: 2,
                to: lower.to,
            });
        }
    }
}

/// Returns the same pieces with each stroke fraction joined; `None` when there is no fraction.
pub(super) fn as_whole_number(pieces: &[Piece]) -> Option<Vec<Piece>> {
    let mut whole: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut less = 0;
    let mut rest = pieces.iter();
    while let Some(piece) = rest.next() {
        let mut piece = piece.clone();
        piece.position -= less;
        if let PieceKind::Word(first) = &mut piece.what
            && let Some(joined) = first
                .joined
                .take_if(|joined| joined.text.contains(FRACTION_SLASH))
            && let Some(lower) = rest.next()
        {
            (first.text, first.kind) = (joined.text, Kind::Number);
            if let PieceKind::Word(second) = &lower.what {
                first.signs.behind.clone_from(&second.signs.behind);
            }
            (piece.span.end, piece.to) = (lower.span.end, lower.to);
            less += 1;
        }
        whole.push(piece);
    }
    (less > 0).then_some(whole)
}
