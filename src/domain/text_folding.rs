//! Folding: the form in which texts are compared, for the search in messages and for names of
//! users.
//!
//! Texts that look alike or are typed alike have one form. It has lower case, the usual width, no
//! accents, letters as on an English keyboard. It has simplified Chinese, composed kana and hangul,
//! and no characters that are never drawn.

use std::{collections::HashMap, ops::RangeInclusive, sync::OnceLock};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_properties::UnicodeEmoji;

use super::text::is_ignorable;

/// Pairs of a traditional character and its simplified one.
const SIMPLIFIED_PAIRS: &str = include_str!("simplified.txt");
/// The range of most Han characters, in one table.
const HAN_RANGE: RangeInclusive<char> = '\u{3400}'..='\u{9fff}';
/// Separates two numbers that would join in the folded form: `10⁹` is not 109. It is never drawn.
pub const NUMBER_BOUNDARY: char = '\u{1f}';
/// The base of the single character that stands for a keycap: this plus its key.
const KEYCAP_BASE: u32 = 0xf_0000;

/// A folded character, and its bytes in the original text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    pub c: char,
    pub from: usize,
    pub to: usize,
}

/// The class of a folded character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Letter,
    Digit,
    /// A letter of a script that is written without spaces.
    Unspaced,
    /// An emoji, or a sign that users search for.
    Symbol,
    /// Everything between words.
    Gap,
}

/// Returns the class of a folded character.
#[must_use]
pub fn class(c: char) -> Class {
    match c {
        'a'..='z' => Class::Letter,
        '0'..='9' => Class::Digit,
        _ if c.is_ascii() => Class::Gap,
        // Kana, bopomofo, hangul, Han with its extensions.
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3105}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' => Class::Unspaced,
        c if is_symbol(c) => Class::Symbol,
        c if c.is_alphabetic() => Class::Letter,
        c if c.is_numeric() => Class::Digit,
        _ => Class::Gap,
    }
}

/// Returns whether a character is Han: Chinese is broken by line ends and blanks anywhere.
#[must_use]
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Returns whether a letter is Greek.
#[must_use]
pub fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}')
}

/// Returns whether a character is an emoji, or one of the arrows and signs that are none.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}' | '\u{f0000}'..='\u{f007f}')
        || (!c.is_ascii() && c.is_emoji_char())
}

/// Returns a text in the form that is compared.
#[must_use]
pub fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len());
    let mut rest = text.char_indices().peekable();
    while let Some((from, first)) = rest.next() {
        if is_never_drawn(first) {
            continue;
        }
        // Marks upon a character, or composed with it, belong to it.
        let mut to = from + first.len_utf8();
        let mut is_alone = true;
        while let Some((at, next)) =
            rest.next_if(|(_, next)| extends_previous(*next) || is_never_drawn(*next))
        {
            is_alone &= is_never_drawn(next);
            to = at + next.len_utf8();
        }
        let mut push = |c: char| folded.push(Folded { c, from, to });
        match first {
            _ if is_alone && first.is_ascii() => push(first.to_ascii_lowercase()),
            _ if is_alone && HAN_RANGE.contains(&first) => push(simplify_han(first)),
            '0'..='9' | '#' | '*' if text[from..to].contains('\u{20e3}') => {
                push(char::from_u32(KEYCAP_BASE + u32::from(first)).unwrap_or(first));
            }
            _ if is_symbol(first) => push(first),
            _ => compose(&text[from..to], &mut push),
        }
    }
    folded
}

/// Returns the folded text alone.
#[must_use]
pub fn folded(text: &str) -> String {
    fold(text)
        .into_iter()
        .map(|folded| folded.c)
        .filter(|c| *c != NUMBER_BOUNDARY)
        .collect()
}

fn is_never_drawn(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && !c.is_whitespace();
    }
    is_ignorable(c)
        || (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{fff9}'..='\u{fffb}')
}

fn extends_previous(c: char) -> bool {
    !c.is_ascii()
        && (is_combining_mark(c)
            || is_ignorable(c)
            || matches!(c, '\u{1161}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7fb}' | '\u{ff9e}' | '\u{ff9f}'))
}

/// Folds one character with its marks.
fn compose(cluster: &str, push: &mut impl FnMut(char)) {
    // An accent within a syllable would keep its letters apart, so it is removed first.
    let is_hangul =
        cluster.starts_with(|c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}'));
    let mut drawn = cluster
        .chars()
        .filter(|c| !(is_never_drawn(*c) || is_hangul && is_combining_mark(*c)))
        .peekable();
    // A single hangul letter stays single: as part of a syllable it would join the syllable before
    // it.
    let letter = drawn
        .next_if(|c| matches!(c, '\u{3131}'..='\u{318e}' | '\u{ffa1}'..='\u{ffdc}'))
        .map(standalone_jamo);
    let parts: Vec<char> = letter.into_iter().chain(drawn.nfkc()).collect();
    // A raised figure or a fraction is a separate number.
    let is_own = cluster
        .chars()
        .next()
        .is_some_and(|c| class(c) == Class::Digit && decimal_digit(c).is_none())
        && parts.iter().any(char::is_ascii_digit);
    if is_own {
        push(NUMBER_BOUNDARY);
    }
    for part in parts {
        if class(part) == Class::Unspaced {
            push(simplify_han(part));
        } else if let Some(digit) = decimal_digit(part) {
            push(digit);
        } else if let Some(sign) = fold_sign(part) {
            push(sign);
        } else {
            for c in std::iter::once(part)
                .nfd()
                .filter(|c| !is_combining_mark(*c))
                .flat_map(char::to_lowercase)
            {
                match typed_form(c) {
                    Some(letters) => letters.chars().for_each(&mut *push),
                    None if !is_combining_mark(c) => push(fold_sign(c).unwrap_or(c)),
                    None => {}
                }
            }
        }
    }
    if is_own {
        push(NUMBER_BOUNDARY);
    }
}

/// Returns a hangul letter in its usual width.
fn standalone_jamo(c: char) -> char {
    // The halfwidth consonants come in the order of the usual ones; the vowels in rows of six.
    let usual = match u32::from(c) {
        code @ 0xffa1..=0xffbe => 0x3131 + code - 0xffa1,
        code @ 0xffc2..=0xffc7 => 0x314f + code - 0xffc2,
        code @ 0xffca..=0xffcf => 0x3155 + code - 0xffca,
        code @ 0xffd2..=0xffd7 => 0x315b + code - 0xffd2,
        code @ 0xffda..=0xffdc => 0x3161 + code - 0xffda,
        code => code,
    };
    char::from_u32(usual).unwrap_or(c)
}

/// Returns the figure of a decimal digit of any script.
fn decimal_digit(c: char) -> Option<char> {
    const DIGIT_ZEROS: [u32; 22] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
        0xe50, 0xed0, 0xf20, 0x1040, 0x17e0, 0x1810, 0xff10, 0x1_d7ce, 0x1_d7d8,
    ];
    let code = u32::from(c);
    let zero = DIGIT_ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// Returns the common form of signs with one meaning; no accent rule may decompose these signs.
fn fold_sign(c: char) -> Option<char> {
    Some(match c {
        '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{2032}' => '\'',
        '\u{2236}' | '\u{a789}' => ':',
        // Separators of Arabic numbers.
        '\u{66b}' => '.',
        '\u{66c}' => ',',
        // A sign of Braille without a dot is a blank.
        '\u{2800}' => ' ',
        '\u{2248}' | '\u{223c}' | '\u{301c}' => '~',
        '≧' | '⩾' | '≥' => '≥',
        '≦' | '⩽' | '≤' => '≤',
        // A stroke through a sign negates it.
        _ if std::iter::once(c).nfd().any(|part| part == '\u{338}') => c,
        _ => return None,
    })
}

/// Returns letters with strokes and ligatures as they are typed on an English keyboard.
fn typed_form(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ð' | 'đ' | 'ɖ' | 'ɗ' => "d",
        'ø' | 'ɵ' | 'ɔ' => "o",
        'ł' | 'ƚ' | 'ɫ' => "l",
        'ħ' | 'ɦ' | 'ⱨ' => "h",
        'ı' | 'ɨ' => "i",
        'ȷ' | 'ɉ' => "j",
        'ŧ' | 'ƭ' | 'ⱦ' | 'ʈ' => "t",
        'ŋ' | 'ɲ' | 'ƞ' => "n",
        'ƀ' | 'ɓ' | 'ƃ' => "b",
        'ʉ' => "u",
        'ĸ' | 'ƙ' => "k",
        'ǥ' | 'ɠ' => "g",
        'ƶ' | 'ȥ' => "z",
        'ⱥ' => "a",
        'ȼ' | 'ƈ' => "c",
        'ɇ' | 'ə' | 'ɛ' | 'ǝ' => "e",
        'ɍ' => "r",
        'ɏ' | 'ƴ' => "y",
        'ƥ' => "p",
        'ƒ' => "f",
        'ς' => "σ",
        _ => return None,
    })
}

/// Returns a character in simplified Chinese.
fn simplify_han(c: char) -> char {
    static SIMPLIFIED_TABLE: OnceLock<(Vec<char>, HashMap<char, char>)> = OnceLock::new();
    let (table, others) = SIMPLIFIED_TABLE.get_or_init(|| {
        let mut table: Vec<char> = HAN_RANGE.collect();
        let mut others = HashMap::new();
        let pairs: Vec<char> = SIMPLIFIED_PAIRS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::chars)
            .collect();
        for pair in pairs.chunks_exact(2) {
            if HAN_RANGE.contains(&pair[0]) {
                table[pair[0] as usize - *HAN_RANGE.start() as usize] = pair[1];
            } else {
                others.insert(pair[0], pair[1]);
            }
        }
        (table, others)
    });
    if HAN_RANGE.contains(&c) {
        table[c as usize - *HAN_RANGE.start() as usize]
    } else {
        others.get(&c).copied().unwrap_or(c)
    }
}

/// Returns a Greek letter's name in English.
#[must_use]
pub fn greek_name(c: char) -> Option<&'static str> {
    const GREEK_NAMES: [&str; 25] = [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
        "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon",
        "phi", "chi", "psi", "omega",
    ];
    let place = u32::from(c).checked_sub(u32::from('α'))?;
    GREEK_NAMES.get(usize::try_from(place).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_alike_or_is_typed_alike_is_the_same() {
        for (one, other) in [
            ("Novák", "novak"),
            ("Nova\u{301}k", "novak"),
            ("ｃｈｅｎ", "chen"),
            (
                "Sørensen Łukasz Đorđe Æther Straße cœur İzmir ılık",
                "sorensen lukasz dorde aether strasse coeur izmir ilik",
            ),
            ("陳立偉 血壓", "陈立伟 血压"),
            ("\u{1112}\u{116a}\u{11ab}자", "환자"),
            ("か\u{3099}んしﾞ", "がんじ"),
            ("ｶﾞﾝ", "ガン"),
            ("ﾡﾾￂￇￊￏￒￗￚￜ", "ㄱㅎㅏㅔㅕㅚㅛㅠㅡㅣ"),
            ("규\u{1}ᆪ", "귟"),
            ("pe\u{ad}ni\u{200b}cil\u{feff}lin", "penicillin"),
            ("血\u{200b}压", "血压"),
            ("ﬁne ㎎ ①", "fine mg 1"),
            ("≧ ⩽ −5 ’", "≥ ≤ -5 '"),
            ("٣٫٥ ١٬٥٠٠", "3.5 1,500"),
            ("血\u{2800}压", "血 压"),
            ("ά", "α"),
            ("µ", "μ"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("≁"), folded("∼"));
        assert_eq!(folded("규ㄳ"), "규ㄳ", "two characters stay two");
        assert_eq!(folded("10⁹ 1½"), "109 11⁄2", "the cuts are not shown");
        assert!(fold("10⁹").iter().any(|folded| folded.c == NUMBER_BOUNDARY));
        assert_eq!(class(fold("5\u{fe0f}\u{20e3}")[0].c), Class::Symbol);
        for emoji in "⭐⏰⬆™㊗👍🇨⏳ℹ".chars() {
            assert_eq!(
                class(fold(&emoji.to_string())[0].c),
                Class::Symbol,
                "{emoji}"
            );
        }
    }

    proptest! {
        #[test]
        fn folding_stays_in_the_text_and_changes_nothing_twice(text in "\\PC{0,40}|[a-zé血壓がㄱ-ㅎ가-힣ㅏ-ㅣᄀ-ᇿﾡ-ￜ0-9½\u{1}\u{fff9}\u{300}-\u{303}\u{200b}\u{fe0f}]{0,20}") {
            let once = fold(&text);
            for folded in &once {
                prop_assert!(text.get(folded.from..folded.to).is_some_and(|part| !part.is_empty()));
            }
            prop_assert!(once.windows(2).all(|pair| pair[0].from <= pair[1].from));
            let plain = folded(&text);
            prop_assert_eq!(folded(&plain).replace(' ', ""), plain.replace(' ', ""));
        }
    }
}
