//! Texts that one user writes and others see: their visible part, and the characters allowed in a
//! name.

use url::Url;

/// The most marks on one letter of a name; more of them cover the lines above and below.
const MAX_MARKS_PER_LETTER: usize = 4;

/// Returns whether a character is never drawn (Unicode's `Default_Ignorable_Code_Point`).
#[must_use]
pub fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns whether a character is invisible: blanks, ignorable ones, and two characters that are
/// drawn as nothing.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_ignorable(c)
        || c == '\u{2800}'
        || matches!(c, '\u{fff9}'..='\u{fffb}')
}

/// Returns whether a text has a visible part.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_invisible)
}

/// Returns whether a character shapes the emoji or letter before it, though it is never drawn
/// itself. These are joiners, variation selectors and the letters of a flag.
fn is_shaping(c: char) -> bool {
    matches!(
        c,
        '\u{200c}' | '\u{200d}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Returns a name, a title or a topic as it is stored. It has no characters that change the
/// direction of writing or are never drawn. It has no blanks around it, and no more marks on a
/// letter than a script needs. Returns `None` when nothing is visible. Emoji and letters keep their
/// shaping characters; control characters stay, for the caller to refuse.
#[must_use]
pub fn visible_text(given: &str) -> Option<String> {
    let mut text = String::with_capacity(given.len());
    let mut marks = 0;
    for c in given.chars() {
        // A shaping character needs a character before it.
        let is_lost = is_shaping(c) && text.chars().next_back().is_none_or(char::is_whitespace);
        if is_lost || (is_ignorable(c) && !is_shaping(c)) {
            continue;
        }
        // A line end of another kind would be one in a list, too.
        let c = if matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        };
        marks = if unicode_normalization::char::is_combining_mark(c) {
            marks + 1
        } else {
            0
        };
        if marks <= MAX_MARKS_PER_LETTER {
            text.push(c);
        }
    }
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{2800}');
    let text = text.trim_end_matches(['\u{200c}', '\u{200d}']);
    is_visible(text).then(|| text.to_owned())
}

/// Returns whether a browser takes an address for a picture of this service or of a plainly named
/// https host, and for nothing else. An empty address is none.
#[must_use]
pub fn is_picture_address(text: &str) -> bool {
    // Browsers remove or replace these characters, and readers do not see them.
    if text.chars().any(|c| is_invisible(c) || c == '\\') {
        return false;
    }
    let Some(base) = Url::parse("https://house.invalid/")
        .ok()
        .filter(|_| !text.is_empty())
    else {
        return text.is_empty();
    };
    let Ok(read) = base.join(text) else {
        return false;
    };
    if text.starts_with('/') {
        return read.origin() == base.origin() && read.username().is_empty();
    }
    // Three slashes would lead to a host, too, and a reader would look for it in the wrong place.
    let is_plain = text
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("https://"))
        && text.as_bytes().get(8) != Some(&b'/');
    is_plain
        && read.scheme() == "https"
        && read.has_host()
        && read.username().is_empty()
        && read.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_can_be_seen_of_it() {
        for (given, seen) in [
            ("  ICU  ", "ICU"),
            ("\u{202e}neb", "neb"),
            ("\u{200b}Li\u{2060} Na\u{feff}", "Li Na"),
            ("\u{3000}李娜\u{2800}", "李娜"),
            ("急诊 🚑\u{fe0f}", "急诊 🚑\u{fe0f}"),
            ("👩🏽\u{200d}⚕\u{fe0f}", "👩🏽\u{200d}⚕\u{fe0f}"),
            (
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            ),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("葛\u{e0100}城", "葛\u{e0100}城"),
            (
                "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}b",
                "a\u{301}\u{301}\u{301}\u{301}b",
            ),
        ] {
            assert_eq!(visible_text(given).as_deref(), Some(seen), "{given:?}");
        }
        for nothing in [
            "",
            " \t",
            "\u{200b}\u{200b}",
            "\u{2800}",
            "\u{3164}",
            "\u{115f}",
            "\u{ffa0}",
            "\u{202e}",
            "\u{200d}",
            "\u{fe0f} \u{ad}",
            "\u{e0041}",
        ] {
            assert_eq!(visible_text(nothing), None, "{nothing:?}");
            assert!(!is_visible(nothing), "{nothing:?}");
        }
        assert!(is_visible("\u{200b}.") && is_visible("你"));
    }

    #[test]
    fn an_address_is_what_a_browser_takes_it_for() {
        for good in [
            "",
            "/pictures/64b7f0c2a1b2c3d4e5f60718",
            "https://pictures.example/a.png",
            "HTTPS://pictures.example/李.png",
        ] {
            assert!(is_picture_address(good), "{good}");
        }
        for bad in [
            "//evil.example/a",
            "/\\evil.example/a",
            "\\\\evil.example",
            "/\t/evil.example/a",
            " /a",
            "https:evil.example",
            "https:///evil.example",
            "https:\\\\evil.example",
            "https://",
            "https://house@evil.example/",
            "https://a:b@evil.example/",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "http://pictures.example/a.png",
            "a.png",
            "https://pict\u{200b}ures.example/",
        ] {
            assert!(!is_picture_address(bad), "{bad}");
        }
    }
}
