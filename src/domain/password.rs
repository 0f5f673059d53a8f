//! Rules for passwords: nothing that a guesser tries first.

use std::{collections::HashSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;

use super::{
    error::Problem,
    text::{is_invisible, is_visible},
};

/// The most common passwords, folded; `password/LICENSES.md` names their sources.
static COMMON_PASSWORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("password/common.txt").lines().collect());

/// The name of this program is the first guess after the most common passwords.
const PROGRAM_NAME: &str = "wardline";

/// Returns the form in which passwords are compared with known ones. Width, case, accents, blanks
/// and invisible characters make no difference.
fn fold(text: &str) -> String {
    super::text_folding::folded(text)
        .chars()
        .filter(|c| !is_invisible(*c))
        .collect()
}

/// Returns the folded text without signs: a dash stops no guesser.
fn without_signs(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Returns the form in which a password is hashed. It does not depend on how a keyboard composes
/// its letters. Nothing is cut off.
#[must_use]
pub fn normalized(password: &str) -> String {
    password.nfc().collect()
}

/// Returns the problem of a new password for a user with this username and real name.
#[must_use]
pub fn find_problem(password: &str, username: &str, real_name: &str) -> Option<Problem> {
    let count = password
        .chars()
        .filter(|c| *c == ' ' || !is_invisible(*c))
        .count();
    if count < 8 || password.chars().count() > 128 || !is_visible(password) {
        return Some("must have 8 to 128 characters and not be the username".into());
    }
    let folded = fold(password);
    let bare_one = without_signs(&folded);
    let is_name = |name: &str| {
        folded == fold(name) || (!bare_one.is_empty() && bare_one == without_signs(&fold(name)))
    };
    if is_name(username) {
        return Some(
            (
                "PASSWORD_NAME",
                "must have 8 to 128 characters and not be the username",
            )
                .into(),
        );
    }
    if is_name(real_name) {
        return Some(("PASSWORD_NAME", "must not be the real name").into());
    }
    if bare_one == PROGRAM_NAME
        || COMMON_PASSWORDS.contains(folded.as_str())
        || COMMON_PASSWORDS.contains(bare_one.as_str())
    {
        return Some(
            (
                "PASSWORD_COMMON",
                "must not be one of the commonest passwords",
            )
                .into(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(password: &str) -> bool {
        find_problem(password, "nurse.li1", "Li Na Marie").is_some()
    }

    #[test]
    fn what_everybody_guesses_is_refused() {
        for bad in [
            "1234567",
            "",
            "password",
            "PassWord",
            "ｐａｓｓｗｏｒｄ",
            "12345678",
            "11111111",
            "iloveyou",
            "trustno1",
            "pass word",
            "administrator",
            "michelle",
            "wardline",
            "WardLine",
            "NURSE.LI1",
            "Li Na Marie",
            "linamarie",
            "li.na-marie",
            "        ",
            "\0\0\0\0\0\0\0\0",
            "\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}",
            "pa\u{200b}ssword",
            "pássword",
            "pass-word",
            "WARD-LINE",
        ] {
            assert!(is_refused(bad), "{bad}");
        }
        assert!(is_refused(&"x".repeat(129)));
        for good in [
            "a long enough password",
            "wardline-demo",
            "correct-horse-battery",
            " 12345678!x ",
            "李娜今天值夜班吗",
        ] {
            assert!(!is_refused(good), "{good}");
        }
        assert!(!is_refused(&"密".repeat(128)));
        assert!(
            COMMON_PASSWORDS.len() > 10_000
                && COMMON_PASSWORDS.iter().all(|word| fold(word) == *word)
        );
    }

    #[test]
    fn a_letter_is_the_same_however_it_is_composed() {
        assert_eq!(
            normalized("caf\u{65}\u{301} au lait "),
            normalized("caf\u{e9} au lait ")
        );
        assert_ne!(normalized("password one "), normalized("password one"));
    }
}
