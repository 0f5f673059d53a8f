//! Fractions: `½` in one character and `1/2` with a stroke are found by each other.

use super::words::{Joined, Kind, Piece, What};
use crate::domain::fold::Folded;

/// The stroke of a fraction in one character, once it is folded: `½` is a number of its own, of which 2 is no part.
pub(super) const FRACTION: char = '\u{2044}';

/// Notes which figures are a fraction, so that it is found in whichever way it is written: `1/2` as `½`.
pub(super) fn note(folded: &[Folded], pieces: &mut [Piece]) {
    let c = |at: usize| folded.get(at).map(|folded| folded.c);
    for index in 1..pieces.len() {
        let [upper, lower] = &mut pieces[index - 1..=index] else { continue };
        let (What::Word(first), What::Word(second)) = (&mut upper.what, &lower.what) else { continue };
        let has_stroke = lower.span.start == upper.span.end + 1 && c(upper.span.end) == Some('/');
        // A date has two strokes.
        let is_alone =
            c(lower.span.end) != Some('/') && upper.span.start.checked_sub(1).and_then(c) != Some('/');
        let are_figures = first.kind == Kind::Digits
            && second.kind == Kind::Digits
            && first.text.len() == 1
            && (1..=2).contains(&second.text.len());
        if has_stroke && is_alone && are_figures && first.joined.is_none() {
            let text = format!("{}{FRACTION}{}", first.text, second.text);
            first.joined = Some(Joined { text, words: 2, to: lower.to });
        }
    }
}

/// The same pieces with every fraction that is written with a stroke in one; none when there is no fraction.
pub(super) fn made_whole(pieces: &[Piece]) -> Option<Vec<Piece>> {
    let mut whole: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut less = 0;
    let mut rest = pieces.iter();
    while let Some(piece) = rest.next() {
        let mut piece = piece.clone();
        piece.position -= less;
        if let What::Word(first) = &mut piece.what
            && let Some(joined) = first.joined.take_if(|joined| joined.text.contains(FRACTION))
            && let Some(lower) = rest.next()
        {
            (first.text, first.kind) = (joined.text, Kind::Number);
            if let What::Word(second) = &lower.what {
                first.signs.behind.clone_from(&second.signs.behind);
            }
            (piece.span.end, piece.to) = (lower.span.end, lower.to);
            less += 1;
        }
        whole.push(piece);
    }
    (less > 0).then_some(whole)
}
