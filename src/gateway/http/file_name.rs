//! The name of a file in a form, as the many programs that send forms write it into
//! `Content-Disposition`.
//!
//! Browsers, `OkHttp` and undici write `%22`, `%0D` and `%0A` for what a quoted text cannot hold
//! (WHATWG HTML, "multipart form data") and nothing else. curl, Go and Ruby write `\"` and `\\`.
//! Python and .NET write `filename*` (RFC 8187), mail libraries its numbered pieces (RFC 2231),
//! .NET and Java encoded words of mail (RFC 2047). Old programs write bytes of their machine's code
//! page, or omit the quotes.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, WINDOWS_1252};

/// Returns the name of the file in a `Content-Disposition`, if it has one.
#[must_use]
pub fn file_name(disposition: &[u8]) -> Option<String> {
    let mut plain = None;
    let mut extended = None;
    let mut pieces: Vec<(u32, bool, Vec<u8>)> = Vec::new();
    for (name, value) in parameters(guessed(disposition).as_bytes()) {
        match name.strip_prefix("filename") {
            Some("") => plain = plain.or(Some(value)),
            Some("*") => extended = extended.or_else(|| extended_text(&value)),
            Some(number) => {
                let number = number.strip_prefix('*').unwrap_or_default();
                let (number, is_extended) = number
                    .strip_suffix('*')
                    .map_or((number, false), |rest| (rest, true));
                if let Ok(place) = number.parse() {
                    pieces.push((place, is_extended, value));
                }
            }
            None => {}
        }
    }
    extended
        .or_else(|| joined(pieces))
        .or_else(|| plain.map(|value| plain_text(&value)))
}

/// Returns the name of the field in a `Content-Disposition`, if it has one.
#[must_use]
pub fn field_name(disposition: &[u8]) -> Option<String> {
    let named = parameters(guessed(disposition).as_bytes())
        .into_iter()
        .find(|(name, _)| name == "name");
    named.map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
}

/// Returns the parameters of a header in UTF-8: names in lower case, quoted values without their
/// quotes and escapes.
fn parameters(header: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    // The part before the first semicolon is the kind.
    let mut rest = after(header, b';');
    while let Some(parameter) = rest {
        let Some(equals) = parameter.iter().position(|byte| *byte == b'=') else {
            break;
        };
        if let Some(end) = parameter[..equals].iter().position(|byte| *byte == b';') {
            rest = Some(&parameter[end + 1..]);
            continue;
        }
        let name = String::from_utf8_lossy(&parameter[..equals])
            .trim()
            .to_ascii_lowercase();
        let value = parameter[equals + 1..].trim_ascii_start();
        let (value, behind) = if let Some((b'"', quoted)) = value.split_first() {
            unquoted(quoted)
        } else {
            let end = value
                .iter()
                .position(|byte| *byte == b';')
                .unwrap_or(value.len());
            (value[..end].trim_ascii_end().to_vec(), &value[end..])
        };
        found.push((name, value));
        rest = after(behind, b';');
    }
    found
}

fn after(bytes: &[u8], mark: u8) -> Option<&[u8]> {
    bytes
        .iter()
        .position(|byte| *byte == mark)
        .map(|place| &bytes[place + 1..])
}

/// Returns a quoted text up to its end, and what follows. A backslash is an escape only before a
/// quote or a backslash: old browsers write whole Windows paths without escaping them.
fn unquoted(quoted: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut text = Vec::with_capacity(quoted.len());
    let mut at = 0;
    while let Some(byte) = quoted.get(at) {
        match (byte, quoted.get(at + 1)) {
            (b'\\', Some(escaped @ (b'"' | b'\\'))) => {
                text.push(*escaped);
                at += 2;
            }
            (b'"', _) => return (text, &quoted[at + 1..]),
            _ => {
                text.push(*byte);
                at += 1;
            }
        }
    }
    (text, &[])
}

/// Decodes `charset'language'percent-encoded` (RFC 8187).
fn extended_text(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    decoded(charset, &percent_decoded(text))
}

/// Joins the pieces of RFC 2231 in their order; the first one names the character set.
fn joined(mut pieces: Vec<(u32, bool, Vec<u8>)>) -> Option<String> {
    pieces.sort_by_key(|(place, ..)| *place);
    let (_, is_extended, first) = pieces.first()?;
    let (charset, first) = if *is_extended {
        let mut parts = first.splitn(3, |byte| *byte == b'\'');
        let charset = parts.next()?.to_vec();
        let _language = parts.next()?;
        (charset, parts.next()?.to_vec())
    } else {
        (b"utf-8".to_vec(), first.clone())
    };
    let mut bytes = Vec::new();
    for (number, (place, is_extended, value)) in pieces.iter().enumerate() {
        if usize::try_from(*place).ok()? != number {
            return None;
        }
        let value = if number == 0 { &first } else { value };
        if *is_extended {
            bytes.extend(percent_decoded(value));
        } else {
            // The header was read as text. The text becomes bytes in the pieces' own character set
            // again.
            let encoding = Encoding::for_label(charset.trim_ascii())?;
            bytes.extend_from_slice(&encoding.encode(std::str::from_utf8(value).ok()?).0);
        }
    }
    decoded(&charset, &bytes)
}

fn decoded(charset: &[u8], bytes: &[u8]) -> Option<String> {
    let encoding = Encoding::for_label(charset.trim_ascii())?;
    let (text, _, is_broken) = encoding.decode(bytes);
    (!is_broken).then(|| text.into_owned())
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(bytes.get(..2)?).ok()?, 16).ok()
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    replaced(text, b'%', Some)
}

/// Replaces each `mark` with two hexadecimal digits by its byte, if `allowed` accepts it.
fn replaced(text: &[u8], mark: u8, allowed: impl Fn(u8) -> Option<u8> + Copy) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let code = (*byte == mark)
            .then(|| hex_pair(&text[at + 1..]))
            .flatten()
            .and_then(allowed);
        bytes.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    bytes
}

fn plain_text(value: &[u8]) -> String {
    if let Some(text) = mail_words(value) {
        return text;
    }
    // Browsers encode only these three: any other percent sign is part of the name.
    let bytes = replaced(value, b'%', |code| {
        matches!(code, b'"' | b'\r' | b'\n').then_some(code)
    });
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Decodes a text of unknown character set. It is UTF-8; else Chinese (GB18030, which includes
/// GBK), if all of it is Chinese and it does not look like Western words; else Western. It is
/// decoded before it is parsed: the second byte of a Chinese character may be a backslash or a
/// letter.
fn guessed(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let western = WINDOWS_1252.decode_without_bom_handling(bytes).0;
    let chinese = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    chinese
        .filter(|text| text.chars().all(is_plausible) && !is_western(&western))
        .unwrap_or(western)
}

/// Whether a character occurs in Chinese names: no private-use character, and of the rarest planes
/// Han only.
fn is_plausible(c: char) -> bool {
    !matches!(c, '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fffd}')
        && (c <= '\u{ffff}' || matches!(c, '\u{20000}'..='\u{323af}'))
}

/// Whether a text that was decoded as Western has its high characters where Western words have
/// them. They are: a single letter beside an ASCII letter (`Müller`), two between ASCII letters
/// (`Größe`), the sign of a degree or a millionth between a digit and a letter. No word has a
/// capital after a small letter. Most Chinese characters, decoded as Western, begin with a capital
/// or contain a sign.
fn is_western(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let end = at + chars[at..].iter().take_while(|c| !c.is_ascii()).count();
        if end > at {
            let before = at.checked_sub(1).map(|before| chars[before]);
            let behind = chars.get(end).copied();
            let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
            let all_letters = chars[at..end]
                .iter()
                .all(|c| c.is_alphabetic() && !matches!(c, 'ª' | 'µ' | 'º'));
            let fits = match end - at {
                1 if matches!(chars[at], '°' | 'µ') => {
                    is_letter(behind) && before.is_none_or(|c| c.is_ascii_digit() || c == ' ')
                }
                1 => all_letters && (is_letter(before) || is_letter(behind)),
                2 => all_letters && is_letter(before) && is_letter(behind),
                _ => false,
            };
            let word = before
                .into_iter()
                .chain(chars[at..end].iter().copied())
                .chain(behind);
            let word: Vec<char> = word.filter(|c| c.is_alphabetic()).collect();
            let is_bent = chars[at] != 'µ'
                && chars[at] != '°'
                && word
                    .windows(2)
                    .any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase());
            if !fits || is_bent {
                return false;
            }
        }
        at = end.max(at + 1);
    }
    true
}

/// Decodes a text with `=?charset?B?…?=` and `=?charset?Q?…?=` in it (RFC 2047), without the blanks
/// between two of them. Returns `None` when none of them is complete.
fn mail_words(value: &[u8]) -> Option<String> {
    let mut rest = std::str::from_utf8(value).ok()?.trim();
    let mut text = String::new();
    let mut found = false;
    let mut behind_a_word = false;
    while let Some(start) = rest.find("=?") {
        let (plain, word) = rest.split_at(start);
        let read = mail_word(word);
        if !(behind_a_word && read.is_some() && plain.trim().is_empty()) {
            text.push_str(plain);
        }
        behind_a_word = read.is_some();
        found |= behind_a_word;
        rest = if let Some((decoded, behind)) = read {
            text.push_str(&decoded);
            behind
        } else {
            text.push_str("=?");
            &word[2..]
        };
    }
    text.push_str(rest);
    (found && !text.is_empty()).then_some(text)
}

/// Decodes the encoded word at the beginning of a text; returns it with what follows.
fn mail_word(text: &str) -> Option<(String, &str)> {
    let (charset, word) = text.strip_prefix("=?")?.split_once('?')?;
    let (kind, word) = word.split_once('?')?;
    let (encoded, behind) = word.split_once("?=")?;
    let bytes = match kind {
        "B" | "b" => base64(encoded)?,
        "Q" | "q" => replaced(encoded.replace('_', " ").as_bytes(), b'=', Some),
        _ => return None,
    };
    // A language may follow the character set (RFC 2231).
    let charset = charset.split('*').next().unwrap_or_default();
    Some((decoded(charset.as_bytes(), &bytes)?, behind))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &[u8]) -> String {
        file_name(header)
            .unwrap_or_else(|| panic!("no name in {}", String::from_utf8_lossy(header)))
    }

    #[test]
    fn every_program_is_understood() {
        for (header, expected) in [
            // Browsers, OkHttp, undici.
            (
                r#"form-data; name="file"; filename="5%22 scar.txt""#,
                r#"5" scar.txt"#,
            ),
            (
                r#"form-data; name="file"; filename="100%25 50%20.txt""#,
                "100%25 50%20.txt",
            ),
            (
                r#"form-data; name="file"; filename="a%0D%0Ab.txt""#,
                "a\r\nb.txt",
            ),
            (r#"form-data; name="file"; filename="胸片.jpg""#, "胸片.jpg"),
            // curl, Go, Ruby, Perl.
            (
                r#"form-data; name="file"; filename="5\" scar \\ x.txt""#,
                r#"5" scar \ x.txt"#,
            ),
            (
                r#"form-data; name="file"; filename="a;b=c.txt""#,
                "a;b=c.txt",
            ),
            // An old browser's path.
            (
                r#"form-data; name="file"; filename="C:\Users\Li\ecg.pdf""#,
                r"C:\Users\Li\ecg.pdf",
            ),
            // Python's and .NET's.
            (
                "form-data; name=\"file\"; filename*=utf-8''%E8%83%B8%E7%89%87.jpg",
                "胸片.jpg",
            ),
            (
                "form-data; name=\"file\"; filename*=iso-8859-1'de'M%FCller.pdf",
                "Müller.pdf",
            ),
            (
                r#"form-data; name=file; filename="=?utf-8?B?6IO454mHLmpwZw==?="; filename*=utf-8''%E8%83%B8%E7%89%87.jpg"#,
                "胸片.jpg",
            ),
            (
                r#"form-data; name=file; filename="=?utf-8?B?6IO454mHLmpwZw==?=""#,
                "胸片.jpg",
            ),
            (
                r#"form-data; name=file; filename="=?UTF-8?Q?M=C3=BCller?= =?UTF-8?Q?_1.pdf?=""#,
                "Müller 1.pdf",
            ),
            (
                "form-data; name=file; filename*0*=utf-8''%E8%83%B8; filename*1=.jpg",
                "胸.jpg",
            ),
            (
                r#"form-data; name=file; filename="=?utf-8?B?6IO454mH?=.jpg""#,
                "胸片.jpg",
            ),
            (
                r#"form-data; name=file; filename="ct =?utf-8?B?6IO4?= =?x?= 1.jpg""#,
                "ct 胸 =?x?= 1.jpg",
            ),
            // No quotes, odd case, order and blanks.
            ("form-data; name=file; filename=my file.txt", "my file.txt"),
            (r#"Form-Data; FileName = "X.txt" ; name="file""#, "X.txt"),
            (
                r#"form-data; name="filename=no"; filename="yes.txt""#,
                "yes.txt",
            ),
            // A broken extension does not hide the plain name.
            (
                r#"form-data; filename="ok.txt"; filename*=nonsense"#,
                "ok.txt",
            ),
        ] {
            assert_eq!(name(header.as_bytes()), expected, "{header}");
        }
        assert_eq!(file_name(b"form-data; name=\"file\""), None);
        assert_eq!(file_name(b""), None);
    }

    #[test]
    fn names_in_bytes_of_a_code_page_are_read_whole() {
        let of = |encoding: &'static Encoding, name: &str| {
            let bytes = encoding.encode(name).0;
            [
                b"form-data; name=\"file\"; filename=\"".as_slice(),
                &bytes,
                b"\"",
            ]
            .concat()
        };
        for text in [
            "胸片.jpg",
            "张玥 报告.txt",
            "朱镕基.txt",
            "朱镕.txt",
            "李珺.pdf",
            "刘昇",
            "體檢報告.doc",
            "誠乗.txt",
            "誠乗",
            "乗",
            "CT片（2）.jpg",
            "心电图—李娜·1.pdf",
            "𠮷田の検査.pdf",
            r"C:\病房\乗\图.png",
        ] {
            assert_eq!(name(&of(GB18030, text)), text);
        }
        for text in [
            "Größe.txt",
            "Müller.pdf",
            "MÜLLER",
            "Ärzte.pdf",
            "Übergröße",
            "Medicação_1.pdf",
            "Curaçao café.txt",
            "André_2.txt",
            "œuvre.txt",
            "38°C 5µg.txt",
            "Größe – 3½.txt",
        ] {
            assert_eq!(name(&of(WINDOWS_1252, text)), text);
        }
    }

    #[test]
    fn the_field_is_named_in_any_case() {
        for header in [
            r#"form-data; NAME="file"; FILENAME="x.txt""#,
            "Form-Data; Name=file; fileName=x.txt",
        ] {
            assert_eq!(field_name(header.as_bytes()).as_deref(), Some("file"));
            assert_eq!(name(header.as_bytes()), "x.txt");
        }
        assert_eq!(field_name(br#"form-data; filename="name=x""#), None);
    }

    #[test]
    fn broken_headers_harm_nobody() {
        let whole =
            br#"form-data; name="file"; filename="=?utf-8?B?6IO4?="; filename*0*=utf-8''%E8%8"#;
        for end in 0..whole.len() {
            let _ = file_name(&whole[..end]);
            let mut bent = whole.to_vec();
            bent[end] ^= 0x1f;
            let _ = file_name(&bent);
        }
    }
}
