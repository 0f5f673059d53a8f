//! Texts that one person writes and others see: what of them can be seen at all, and what may stand in a name.

use url::Url;

/// How many marks may stand on one letter of a name; more of them run over the lines above and below.
const MAX_MARKS_PER_LETTER: usize = 4;

/// Whether a character is never drawn (Unicode's `Default_Ignorable_Code_Point`).
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

/// Whether nobody sees a character: blanks, what is never drawn, and two characters that are drawn as nothing.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_ignorable(c)
        || c == '\u{2800}'
        || matches!(c, '\u{fff9}'..='\u{fffb}')
}

/// Whether there is anything to see in a text.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_invisible)
}

/// What turns the direction of writing around: `gpj.exe` must not read as `exe.jpg`.
#[must_use]
pub fn turns_around(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What belongs to the shape of an emoji or a letter before it, though it is never drawn itself: joiners,
/// variation selectors, the letters of a flag.
fn shapes(c: char) -> bool {
    matches!(
        c,
        '\u{200c}' | '\u{200d}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// A name, a title, a topic as it is stored: without what turns the direction of writing or is never drawn,
/// without blanks around it, with no more marks on a letter than a script needs. None when nothing can be
/// seen. Emoji and letters keep what shapes them; control characters stay, for the caller to refuse.
#[must_use]
pub fn visible_text(given: &str) -> Option<String> {
    let mut text = String::with_capacity(given.len());
    let mut marks = 0;
    for c in given.chars() {
        // A shape needs something to be the shape of.
        let is_lost = shapes(c) && text.chars().next_back().is_none_or(char::is_whitespace);
        if is_lost || (is_ignorable(c) && !shapes(c)) {
            continue;
        }
        // A line's end of another kind is one in a list, too.
        let c = if matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') { ' ' } else { c };
        marks = if unicode_normalization::char::is_combining_mark(c) { marks + 1 } else { 0 };
        if marks <= MAX_MARKS_PER_LETTER {
            text.push(c);
        }
    }
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{2800}');
    let text = text.trim_end_matches(['\u{200c}', '\u{200d}']);
    is_visible(text).then(|| text.to_owned())
}

/// Whether a browser takes an address for a picture of this service or of an https host that it names
/// openly, and for nothing else; empty is none.
#[must_use]
pub fn is_picture_address(text: &str) -> bool {
    // What a browser cuts out or turns round before it reads an address, and what nobody sees.
    if text.chars().any(|c| is_invisible(c) || c == '\\') {
        return false;
    }
    let Some(house) = Url::parse("https://house.invalid/").ok().filter(|_| !text.is_empty()) else {
        return text.is_empty();
    };
    let Ok(read) = house.join(text) else { return false };
    if text.starts_with('/') {
        return read.origin() == house.origin() && read.username().is_empty();
    }
    // Three slashes, too, would lead to a host: to one that a reader looks for in the wrong place.
    let is_plain = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
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
            ("a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}b", "a\u{301}\u{301}\u{301}\u{301}b"),
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
            "/api/chat/files/64b7f0c2a1b2c3d4e5f60718",
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
