//! Cells of tables for spreadsheets: a user's text stays unchanged and never becomes a formula
//! (OWASP, CSV injection).

use unicode_normalization::UnicodeNormalization;

use crate::domain::text::is_invisible;

/// Characters that a spreadsheet may take for the end of a cell, whatever its list separator.
const CELL_SEPARATORS: [char; 12] = [
    ',', ';', '|', '\t', '\n', '\r', '\u{b}', '\u{c}', '，', '；', '、', '،',
];
/// Characters that a spreadsheet may strip from the beginning of a cell.
const CELL_QUOTES: [char; 12] = [
    '"', '\'', '`', '“', '”', '‘', '’', '„', '＂', '＇', '«', '»',
];

/// Returns the cell with an apostrophe before each part that a spreadsheet would take for a
/// formula. Such a part is at the beginning, or after a separator that would begin another cell.
#[must_use]
pub fn neutralize_formula(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len() + 1);
    // The beginning of the cell, or of a part that could become one; `None` after a harmless
    // character.
    let mut start = Some(0);
    let mut is_first = !cell.starts_with(['\t', '\r', '\n']);
    if !is_first {
        out.push('\'');
    }
    for c in cell.chars() {
        if CELL_SEPARATORS.contains(&c) {
            out.push(c);
            start = Some(out.len());
            continue;
        }
        if let Some(begins) = start.filter(|_| !is_invisible(c) && !CELL_QUOTES.contains(&c)) {
            if begins_formula(c) {
                out.insert(begins, '\'');
                // After separators alone, the cell itself may be the part that is split.
                if is_first && begins > 0 {
                    out.insert(0, '\'');
                }
            }
            start = None;
            is_first = false;
        }
        out.push(c);
    }
    out
}

/// Whether a character is, or is folded to, one that begins a formula.
fn begins_formula(c: char) -> bool {
    c == '\u{2212}'
        || std::iter::once(c)
            .nfkc()
            .next()
            .is_some_and(|c| matches!(c, '=' | '+' | '-' | '@'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_cell_becomes_a_formula() {
        for (given, written) in [
            ("=1+1", "'=1+1"),
            ("@sum", "'@sum"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("＝1", "'＝1"),
            ("－1＋1", "'－1＋1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("\u{200b}\u{feff} +1", "'\u{200b}\u{feff} +1"),
            ("\"=1", "'\"=1"),
            ("'=1", "''=1"),
            ("ICU;=1", "ICU;'=1"),
            ("ICU, \"-1", "ICU,' \"-1"),
            (";=1", "';'=1"),
            ("a|＠x", "a|'＠x"),
            ("a\n=1", "a\n'=1"),
            ("a-b, c+d", "a-b, c+d"),
            ("急诊科（一）; ICU", "急诊科（一）; ICU"),
            ("x=1", "x=1"),
            ("", ""),
        ] {
            assert_eq!(neutralize_formula(given), written, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn behind_every_separator_stands_no_formula(cell in "[=+@＝a;,|\t\r\n \u{200b}\u{a0}\"'-]{0,16}") {
            let written = neutralize_formula(&cell);
            let skipped = |c: char| is_invisible(c) || "\"`“”".contains(c);
            for part in written.split(CELL_SEPARATORS) {
                let first = part.chars().find(|c| !skipped(*c));
                prop_assert!(!first.is_some_and(begins_formula), "{:?} of {:?}", part, cell);
            }
            let kept: String = written.chars().filter(|c| *c != '\'').collect();
            prop_assert_eq!(kept, cell.replace('\'', ""));
        }
    }
}
