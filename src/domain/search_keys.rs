//! Search keys of users: any part of their names, department and title, in any order, as typed on
//! any keyboard; Chinese names also by pinyin.

use std::collections::BTreeSet;

use pinyin::ToPinyinMulti;

use super::text_folding::{Class, NUMBER_BOUNDARY, class, fold, is_han};

/// The most keys of one user.
pub const MAX_KEYS_PER_USER: usize = 128;
/// The most characters of a key.
const MAX_KEY_CHARS: usize = 64;
/// The most readings of one name, over all readings of its characters.
const MAX_READINGS: usize = 32;
/// The most readings of a part of a name.
const MAX_PART_READINGS: usize = 8;

/// Signs that stand in no name by themselves; all others between two words count as a blank.
const SIGNIFICANT_SYMBOLS: [char; 15] = [
    '$', '^', '*', '+', '?', '[', ']', '{', '}', '|', '\\', '<', '>', '=', '%',
];

/// A user's texts that are searched.
#[derive(Debug, Clone, Copy, Default)]
pub struct PersonTexts<'a> {
    pub username: &'a str,
    pub real_name: &'a str,
    pub department: &'a str,
    pub title: &'a str,
}

/// Returns the parts of a search text, each of which must begin a key; empty when it has marks
/// only.
#[must_use]
pub fn parts(search: &str) -> Vec<String> {
    let parts: BTreeSet<String> = split_words(search, false)
        .into_iter()
        .map(|word| word.into_iter().collect())
        .collect();
    parts.into_iter().collect()
}

/// Returns the form under which names of departments are compared: folded, without what stands
/// between the words.
#[must_use]
pub fn key_of(name: &str) -> String {
    let words: Vec<String> = split_words(name, true)
        .into_iter()
        .map(|word| word.into_iter().collect())
        .collect();
    // A name of marks only is compared unchanged.
    if words.is_empty() {
        name.trim().to_owned()
    } else {
        words.join(" ")
    }
}

impl PersonTexts<'_> {
    /// Returns the keys of this user: folded, the most useful first when there are too many.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let texts = [self.real_name, self.username, self.department, self.title];
        let texts = texts.map(|text| split_words(text, true));
        let mut keys = SearchKeys::default();
        for words in &texts {
            // From each word, and each Chinese character, to the end.
            for (index, word) in words.iter().enumerate() {
                let starts = if word.first().copied().is_some_and(is_han) {
                    word.len()
                } else {
                    1
                };
                for start in 0..starts {
                    keys.add(
                        word[start..]
                            .iter()
                            .chain(words[index + 1..].iter().flatten()),
                    );
                }
            }
        }
        for words in [&texts[0], &texts[2], &texts[3]] {
            words
                .iter()
                .filter(|word| word.first().copied().is_some_and(is_han))
                .for_each(|word| keys.add_pinyin(word));
        }
        for word in texts[..2].iter().flatten() {
            (1..word.len()).for_each(|start| keys.add(&word[start..]));
        }
        keys.all.into_iter().collect()
    }
}

#[derive(Default)]
struct SearchKeys {
    all: BTreeSet<String>,
}

impl SearchKeys {
    fn add<'a>(&mut self, key: impl IntoIterator<Item = &'a char>) {
        if self.all.len() < MAX_KEYS_PER_USER {
            self.all
                .insert(key.into_iter().take(MAX_KEY_CHARS).collect());
        }
    }

    /// Adds the readings of a Chinese word, and the initials of its characters: whole, then from
    /// each character on.
    fn add_pinyin(&mut self, word: &[char]) {
        let syllables: Vec<Vec<String>> = word.iter().map(|c| readings(*c)).collect();
        let initials: Vec<Vec<String>> = syllables.iter().map(|of_one| initials(of_one)).collect();
        for start in 0..word.len() {
            let most = if start == 0 {
                MAX_READINGS
            } else {
                MAX_PART_READINGS
            };
            for said in [&syllables, &initials] {
                for key in combine(&said[start..], most) {
                    self.add(&key.chars().collect::<Vec<char>>());
                }
            }
        }
    }
}

/// Returns every reading of a character, without tones; a character without a reading is itself.
fn readings(c: char) -> Vec<String> {
    let mut readings = Vec::new();
    if let Some(multi) = c.to_pinyin_multi() {
        for reading in multi {
            let plain = reading.plain().replace('ü', "v");
            // The forms of a pinyin keyboard, of one without ü, and of a passport.
            let forms = if plain.contains('v') {
                vec![
                    plain.clone(),
                    plain.replace('v', "u"),
                    plain.replace('v', "yu"),
                ]
            } else {
                vec![plain]
            };
            for form in forms {
                if !readings.contains(&form) {
                    readings.push(form);
                }
            }
        }
    }
    if readings.is_empty() {
        vec![c.to_string()]
    } else {
        readings
    }
}

fn initials(readings: &[String]) -> Vec<String> {
    let mut initials: Vec<String> = Vec::new();
    for initial in readings
        .iter()
        .filter_map(|reading| reading.chars().next())
        .map(String::from)
    {
        if !initials.contains(&initial) {
            initials.push(initial);
        }
    }
    initials
}

/// Returns at most `most` combinations of one choice of each, the first choices first.
fn combine(choices: &[Vec<String>], most: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    for choice in choices {
        let longer = choice
            .iter()
            .flat_map(|one| all.iter().map(move |begun| format!("{begun}{one}")));
        all = longer.take(most).collect();
    }
    all
}

/// Returns a name's words, folded. With `is_whole`, Chinese is one word whatever blanks it
/// contains.
fn split_words(name: &str, is_whole: bool) -> Vec<Vec<char>> {
    let mut words: Vec<Vec<char>> = Vec::new();
    let mut last: Option<Class> = None;
    for c in fold(name)
        .into_iter()
        .map(|folded| folded.c)
        .filter(|c| *c != NUMBER_BOUNDARY)
    {
        let kind = match class(c) {
            // Letters and digits of a name belong together.
            Class::Digit => Class::Letter,
            // Users who type such a sign search for it.
            Class::Gap if SIGNIFICANT_SYMBOLS.contains(&c) => Class::Symbol,
            class => class,
        };
        match kind {
            Class::Gap => {
                if !(is_whole && c.is_whitespace() && last == Some(Class::Unspaced)) {
                    last = None;
                }
            }
            kind => {
                match words.last_mut() {
                    Some(word) if last == Some(kind) && kind != Class::Symbol => word.push(c),
                    _ => words.push(vec![c]),
                }
                last = Some(kind);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(named: PersonTexts<'_>, search: &str) -> bool {
        let keys = named.keys();
        let parts = parts(search);
        !parts.is_empty()
            && parts
                .iter()
                .all(|part| keys.iter().any(|key| key.starts_with(part)))
    }

    #[test]
    fn people_are_found_by_any_part_of_what_they_are_called() {
        let li = PersonTexts {
            username: "nurse.li",
            real_name: "李 娜",
            department: "急诊科",
            title: "护士长 (Charge nurse)",
        };
        for search in [
            "nurse.li",
            "nurse li",
            "li nurse",
            "NURSE",
            "rse",
            "李娜",
            "李 娜",
            "娜",
            "娜 李",
            "lina",
            "li na",
            "ln",
            "lǐ nà",
            "ji zhen",
            "jizhenke",
            "jzk",
            "急診",
            "急诊 护士",
            "李娜 charge",
            "ｌｉｎａ",
            "护士长",
            "hsz",
        ] {
            assert!(finds(li, search), "{search}");
        }
        for other in [
            "王",
            "lina x",
            "nursing",
            "急诊 内科",
            "nl",
            "!?",
            ".*",
            "(n+)+$",
            "nurse.li?",
        ] {
            assert!(!finds(li, other), "{other}");
        }
        let novak = PersonTexts {
            username: "jnovak2",
            real_name: "Novák, Jan O'Brien-Sørensen",
            ..PersonTexts::default()
        };
        for search in [
            "novak",
            "jan novak",
            "NOVÁK JAN",
            "Nova\u{301}k",
            "obrien",
            "o'brien",
            "sorensen",
            "brien-sor",
            "novak2",
        ] {
            assert!(finds(novak, search), "{search}");
        }
        let stores = PersonTexts {
            username: "s2",
            real_name: "Pharmacy + Stores",
            ..PersonTexts::default()
        };
        for search in [
            "pharmacy stores",
            "pharmacy+stores",
            "pharmacy + stores",
            "+ stores",
            "+",
        ] {
            assert!(finds(stores, search), "{search}");
        }
        let shan = PersonTexts {
            username: "s1",
            real_name: "單曾呂",
            ..PersonTexts::default()
        };
        for search in [
            "单曾吕",
            "shanzenglv",
            "danceng",
            "szl",
            "dcl",
            "shan zeng lu",
            "zenglyu",
        ] {
            assert!(finds(shan, search), "{search}");
        }
    }

    #[test]
    fn departments_are_one_however_they_are_written() {
        for name in ["ICU", " ICU ", "icu", "ＩＣＵ", "I\u{200b}CU"] {
            assert_eq!(key_of(name), "icu", "{name}");
        }
        assert_eq!(key_of("急診科"), key_of("急 诊科"));
        assert_ne!(key_of("内科一"), key_of("内科二"));
        assert_ne!(key_of("--"), key_of(""));
    }

    proptest! {
        #[test]
        fn a_person_has_few_keys_and_is_found_by_each_name(username in "[a-z._-]{3,32}", real_name in "[a-zA-Zé 李娜單曾解仇行樂和差著]{1,64}") {
            let named = PersonTexts { username: &username, real_name: &real_name, department: "单差行解仇曾乐和着好大重长", title: "" };
            prop_assert!(named.keys().len() <= MAX_KEYS_PER_USER);
            for name in [&username, &real_name] {
                let first = split_words(name, true).into_iter().next();
                prop_assert!(first.is_none_or(|word| finds(named, &word.into_iter().collect::<String>())), "{}", name);
            }
        }
    }
}
