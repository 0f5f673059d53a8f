use proptest::prelude::*;

use super::{
    super::{excerpts::excerpts, keyword::parse_keyword, tokenizer::MAX_WORD_CHARS},
    *,
};

/// The terms of a text, without the marked ones.
fn texts(text: &str) -> Vec<String> {
    let all = tokens(text).into_iter().map(|token| token.text);
    all.filter(|text| {
        !text.starts_with([NUMBER_PART_PREFIX, WHOLE_WORD_PREFIX, SIGNED_WORD_PREFIX])
    })
    .collect()
}

fn finds(text: &str, keyword: &str) -> bool {
    let units = parse_keyword(keyword);
    !units.is_empty() && excerpts(&[text], &units).is_some()
}

#[test]
fn english_is_folded_and_stemmed_and_numbers_stand_alone() {
    assert_eq!(
        texts("Patients' charts, CHECKED"),
        ["patient", "chart", "check"]
    );
    assert_eq!(texts("the nurse's 10ml"), ["the", "nurs", "10", "ml"]);
    assert_eq!(
        texts("ＢＰ １２０／８０ Café ﬁne"),
        ["bp", "120", "80", "cafe", "fine"]
    );
}

#[test]
fn of_chinese_every_character_and_pair_has_its_place() {
    let found: Vec<_> = tokens("K 血压高")
        .into_iter()
        .map(|t| (t.text, t.position))
        .collect();
    let expected = [
        ("k", 0),
        ("血", 1),
        ("血压", 1),
        ("压", 2),
        ("压高", 2),
        ("高", 3),
    ];
    assert_eq!(found, expected.map(|(text, at)| (text.to_owned(), at)));
    let token = &tokens("，血压")[1];
    assert_eq!(
        (token.offset_from, token.offset_to),
        (3, 9),
        "bytes of the text"
    );
}

#[test]
fn no_text_breaks_it() {
    for text in [
        "",
        "'",
        "'a'",
        "\u{0}\u{ffff}",
        "👩🏽‍⚕️👍",
        "ﷺ",
        "İ",
        "が",
        "한글",
        "ё",
        "+",
        "(+)",
        "½",
        ".5",
        "-",
        "10⁹",
        "5️⃣",
        "🇨",
    ] {
        for token in tokens(text) {
            assert!(
                text.get(token.offset_from..token.offset_to).is_some(),
                "{text}"
            );
            assert!(!token.text.is_empty(), "{text}");
        }
    }
    assert_eq!(texts("👍"), ["👍"]);
    assert_eq!(texts(&"x".repeat(200))[0].len(), MAX_WORD_CHARS);
}

/// A text, the keywords that find it, and those that do not.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

fn check(cases: &[Case]) {
    for (text, found, not_found) in cases {
        for keyword in *found {
            assert!(finds(text, keyword), "{keyword} in {text}");
        }
        for keyword in *not_found {
            assert!(!finds(text, keyword), "{keyword} not in {text}");
        }
    }
}

#[test]
fn a_number_is_found_by_itself_and_not_by_its_tail() {
    check(&[
        (
            "morphine 0.5mg iv",
            &["0.5mg", "\"0.5 mg\"", "0.5", "０．５mg", "morph"],
            &["5mg", "\"5mg\"", "5", "0", "0.5 ml"],
        ),
        (
            "1,500 ml，.25mg",
            &["1,500 ml", ".25mg", "0.25mg"],
            &["500 ml", "500", "1", "25mg", "25"],
        ),
        (
            "INR 2.7, 2:8, 0·5",
            &["2.7", "2:8", "2：8", "0.5"],
            &["2:7", "2.8", "7", "8", "2"],
        ),
        (
            "10⁹/L 1½ Ca²⁺",
            &["10^9", "1 1/2", "Ca2+", "\"Ca2+\""],
            &["109", "11/2", "\"Ca2-\""],
        ),
        (
            "½ tab，¾片, 2½ 支 then 1⁄4 amp",
            &[
                "½ tab",
                "1/2 tab",
                "\"½ tab\"",
                "\"1/2 tab\"",
                "1/2",
                "3/4片",
                "2½",
                "2 1/2",
                "1/4 amp",
                "¼",
            ],
            &["\"2 tab\"", "4片", "4", "1", "1/3", "½片"],
        ),
        (
            "give 1/2 tab, 1/4片",
            &["½ tab", "\"½ tab\"", "¼片", "1/2", "½"],
            &["¾", "½片"],
        ),
        (
            "٣٫٥ mg ١٬٥٠٠ ml",
            &["3.5 mg", "1,500 ml", "٣٫٥"],
            &["5 mg", "\"5 mg\"", "500", "3"],
        ),
        (
            "1'500 ml，1’250.5 ml",
            &["1'500 ml", "1,500", "1’500", "1,250.5"],
            &["500 ml", "1", "250", "250.5"],
        ),
        (
            "1,234,567 IU then 12,000",
            &["1,234,567", "1’234’567", "12,000"],
            &["567", "234", "12", "1,234", "000"],
        ),
        (
            "NaCl.9% 盐水.45% (.3%)",
            &["0.9%", ".9%", "NaCl.9%", ".45%", "盐水.45%", "0.3"],
            &["9%", "45%", "3%"],
        ),
        (
            "Bed No.5. 9% (ok).7 beds...8",
            &["No.5", "5", "9%", "7", "8"],
            &["0.5", "0.9", "0.7", "0.8"],
        ),
        (".9% 0.45%", &["0.9%", ".9%", ".45%"], &["9%", "45%"]),
        (
            "warfarin 0,5mg then 2,5 mg, pH 7,35 at 38,5°C",
            &[
                "0,5mg",
                "0.5mg",
                "\"2.5 mg\"",
                "2,5 mg",
                "7,35",
                "7.35",
                "38.5",
            ],
            &["5mg", "5 mg", "\"5mg\"", "35", "5°C", "2 mg", "38"],
        ),
        (
            "0，5mg，１，５ mg",
            &["0.5mg", "0,5 mg", "1.5mg", "１，５mg"],
            &["5mg", "5"],
        ),
        ("0,500 g", &["0.500 g", "0,500"], &["500", "500 g"]),
        (
            "3，5床都好",
            &["5床", "3", "\"3，5床\"", "3，5床"],
            &["35床", "3.5"],
        ),
        ("12，500床", &["500床", "12"], &["12,500"]),
        (
            "beds 1,2,3 and 10,11,1200",
            &["1", "2", "3", "beds 1,2,3", "10", "11", "1200"],
            &["1.2", "12"],
        ),
        (
            "1,500,2 5,1,500 1'500,3",
            &["500", "2", "5", "3"],
            &["1,500"],
        ),
        (
            "血\u{2800}压 blood\u{2800}pressure",
            &["血压", "\"血压\"", "pressure", "血\u{2800}压"],
            &["bloodpressure"],
        ),
        (
            "BP 120/80, 10-5",
            &["120", "80", "120/80", "10", "5"],
            &["105", "20/80"],
        ),
        (
            "at 192.168.20.7 v2.4.1 on 2026.11.29",
            &["192.168", "192.168.20.7", "2.4", "2026", "2026.11"],
            &["168.20", "20.7", "4.1", "11.29", "\"2.4 on\""],
        ),
    ]);
}

#[test]
fn a_text_is_found_by_what_clinicians_type() {
    check(&[
        (
            "3床 患者发热",
            &["3床", "\"3床\"", "患者发热"],
            &["13床", "3患者"],
        ),
        (
            "13床 输液 3 次，请看床边",
            &["13床", "3次", "床边"],
            &["3床"],
        ),
        (
            "2号楼第3天K+高CT片",
            &["2号楼", "第3天", "K+高", "CT片"],
            &["2楼", "第3次", "K+低"],
        ),
        (
            "amoxicillin, hypotension",
            &["amox", "hypotensi", "hyp", "amoxicillin"],
            &["moxi", "hy", "amox ", "\"amox\"", "amoxil"],
        ),
        (
            "MRN0000456 床 138-0013-8000",
            &[
                "MRN00004",
                "456",
                "0000",
                "13800138000",
                "38000",
                "138",
                "MRN0000456",
            ],
            &["00456 x", "45", "3800"],
        ),
        ("陳立偉血壓", &["陈立伟", "血压", "陳立伟"], &["陈立人"]),
        (
            "Co-trimoxazole O'Brien re-check",
            &[
                "cotrimoxazole",
                "cotrim",
                "obrien",
                "o’brien",
                "recheck",
                "co-trimoxazole",
            ],
            &["trimco"],
        ),
        (
            "cotrimoxazole",
            &["Co-trimoxazole", "co-trim"],
            &["co trimoxazole"],
        ),
        (
            "5 µg/kg/min β-blocker TNFα",
            &[
                "ug/kg/min",
                "μg",
                "beta-blocker",
                "betablocker",
                "TNF-alpha",
                "tnf α",
            ],
            &["mg/kg", "alpha-blocker"],
        ),
        (
            "\u{1112}\u{116a}\u{11ab}\u{110c}\u{1161} がんじゃ",
            &["환자", "か\u{3099}んし\u{3099}ゃ"],
            &["한자"],
        ),
        (
            "peni\u{200b}cil\u{ad}lin 血\u{200b}压",
            &["penicillin", "pen\u{feff}icillin", "血压"],
            &["cillin"],
        ),
        (
            "HBsAg(+) Rh- ≥38 <5 K+ HIV（－）",
            &[
                "\"HBsAg(+)\"",
                "\"HBsAg+\"",
                "\"Rh-\"",
                "\">=38\"",
                "\"≥38\"",
                "\"<5\"",
                "\"HIV-\"",
                "\"Rh\"",
                "Rh+",
                "38",
            ],
            &[
                "\"HBsAg-\"",
                "\"Rh+\"",
                "\"<38\"",
                "\">5\"",
                "\"K-\"",
                "\"HIV+\"",
            ],
        ),
        (
            "K↑ 尿蛋白++ 阳性(+)",
            &["\"K↑\"", "\"尿蛋白++\"", "\"阳性(+)\"", "尿蛋白"],
            &["\"K↓\"", "\"尿蛋白+\"", "\"阳性(-)\""],
        ),
        (
            "Sørensen Łukasz Đorđe Æther Straße",
            &["sorensen", "lukasz", "dorde", "aether", "strasse", "ŁUKASZ"],
            &["rensen"],
        ),
        (
            "患者血\n压 正　常",
            &["血压", "正常", "\"血压正常\""],
            &["压患"],
        ),
        (
            "⭐ ⏰ ⬆️ 🇨🇳 5️⃣ ❤",
            &["⭐", "⏰", "⬆", "⬆️", "🇨🇳", "5️⃣", "❤️"],
            &["🇨🇭", "5", "🌟"],
        ),
        ("👩🏽‍⚕️👍🏽", &["👩🏽‍⚕️", "👍", "👍🏽"], &["👎"]),
    ]);
}

/// A word as it may stand in a message.
fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Zéøßα-ωµ]{1,12}",
        "[0-9]{1,9}([.,:/-][0-9]{1,4}){0,3}",
        "[a-z]{1,6}['’-][a-z]{1,6}",
        "[血压壓正常患者床第號]{1,6}",
        "[<>≥+-]?[0-9]{1,3}(mg|ml|床|%)?[+-]?",
        "[a-z0-9血床がㄱ가👍⭐+(=.,、·½²⁹\u{200b}\u{ad}-]{1,10}",
    ]
}

proptest! {
    #[test]
    fn every_word_finds_the_text_it_stands_in(words in prop::collection::vec(written(), 1..8), at in any::<prop::sample::Index>()) {
        let text = words.join(" ");
        let word = at.get(&words);
        if !parse_keyword(word).is_empty() {
            prop_assert!(finds(&text, word), "{:?} in {:?}", word, text);
            prop_assert!(finds(&text, &format!("\"{word}\"")), "\"{}\" in {:?}", word, text);
        }
        for pair in words.windows(2) {
            let quoted = format!("\"{} {}\"", pair[0], pair[1]);
            prop_assert!(parse_keyword(&quoted).is_empty() || finds(&text, &quoted), "{} in {:?}", quoted, text);
        }
    }

    #[test]
    fn a_beginning_of_three_letters_finds_the_word(word in "[a-z]{3,14}", length in 3_usize..14) {
        let begun = &word[..length.min(word.len())];
        prop_assert!(finds(&format!("give {word} now"), begun), "{} of {}", begun, word);
    }

    #[test]
    fn an_amount_finds_that_amount_only(
        one in "[0-9]{1,3}([.:][0-9]{1,2}|[,'][0-9]{3})?",
        other in "[0-9]{1,3}([.:][0-9]{1,2}|[,'][0-9]{3})?",
        unit in "(mg|ml|单位| mg)",
    ) {
        let text = format!("give {one}{unit} now");
        let are_same = one.replace('\'', ",") == other.replace('\'', ",");
        prop_assert_eq!(finds(&text, &format!("{other}{}", unit.trim())), are_same);
        prop_assert_eq!(finds(&text, &other), are_same);
    }

    #[test]
    fn whatever_is_written_is_cut_at_its_own_places(text in "\\PC{0,30}|[a-z0-9血床が가👍+('=.,:½²’\u{300}\u{200b} -]{0,30}") {
        let tokens = tokens(&text);
        prop_assert!(tokens.windows(2).all(|pair| pair[0].position <= pair[1].position));
        for token in tokens {
            prop_assert!(text.get(token.offset_from..token.offset_to).is_some_and(|part| !part.is_empty()));
        }
    }
}
