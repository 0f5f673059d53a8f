use super::*;

/// Returns what the library receives of a packet; `None` if nothing.
fn passes(packet: &str) -> Option<String> {
    let body = filter_body(packet.as_bytes());
    Some(String::from_utf8(body).unwrap()).filter(|text| !text.is_empty())
}

/// Packets, and what the library receives of them.
const PACKETS: [(&str, Option<&str>); 38] = [
    ("2", Some("2")),
    ("3probe", Some("3probe")),
    ("40{\"token\":\"x\"}", Some("40{\"token\":\"x\"}")),
    ("41", Some("41")),
    ("42[\"users:online\"]", Some("42[\"users:online\"]")),
    (
        "427[ \"users:online\" , {}]",
        Some("427[ \"users:online\" , {}]"),
    ),
    ("42[\"消息\",1]", Some("42[\"消息\",1]")),
    ("42/,7[\"a\"]", Some("42/,7[\"a\"]")),
    ("42/ward,7[5]", Some("42/ward,7[5]")),
    ("42/ward", Some("42/ward")),
    ("437[]", Some("437[]")),
    // Invalid names.
    ("42[5,{}]", Some("42[\"\"]")),
    ("4212[5,{}]", Some("4212[\"\"]")),
    ("42/,12[5]", Some("4212[\"\"]")),
    ("42[null]", Some("42[\"\"]")),
    ("42[true]", Some("42[\"\"]")),
    ("42[[\"a\"]]", Some("42[\"\"]")),
    ("42[{\"a\":1}]", Some("42[\"\"]")),
    ("42[]", Some("42[\"\"]")),
    ("42{}", Some("42[\"\"]")),
    ("42", Some("42[\"\"]")),
    ("429", Some("429[\"\"]")),
    ("42\"a\"", Some("42[\"\"]")),
    ("42[\"a", Some("42[\"\"]")),
    ("42[\"a\" 1]", Some("42[\"\"]")),
    ("42[\"a\u{1}\"]", Some("42[\"\"]")),
    // Names with escapes.
    (
        "421[\"message\\u003asend\",{\"a\":\"\\\"\"}]",
        Some("421[\"message:send\",{\"a\":\"\\\"\"}]"),
    ),
    ("42[\"\\\"\\\\\"]", Some("42[\"\"]")),
    ("42[\"\\x\"]", Some("42[\"\"]")),
    // Attachments: as announced, wrongly announced, and without an event.
    (
        "451-[\"a\",{\"_placeholder\":true,\"num\":0}]",
        Some("42[\"a\",{\"_placeholder\":true,\"num\":0}]"),
    ),
    ("452-/,3[\"a\"]", Some("42/,3[\"a\"]")),
    ("45[\"a\"]", Some("42[\"a\"]")),
    ("45-[\"a\"]", Some("42[\"a\"]")),
    ("4599999999999999999999-8[6]", Some("428[\"\"]")),
    (
        "461-3[{\"_placeholder\":true,\"num\":0}]",
        Some("433[{\"_placeholder\":true,\"num\":0}]"),
    ),
    ("451-/ward,[\"a\"]", None),
    ("43[]", None),
    ("bAAEC", None),
];

#[test]
fn an_event_without_a_name_is_refused_by_ours_and_binary_stays_out() {
    for (packet, expected) in PACKETS {
        assert_eq!(passes(packet).as_deref(), expected, "{packet}");
    }
    let all = PACKETS.map(|(packet, _)| packet).join("\u{1e}");
    let left: Vec<&str> = PACKETS.iter().filter_map(|(_, passes)| *passes).collect();
    assert_eq!(passes(&all).unwrap(), left.join("\u{1e}"));
    let endless = format!("427[\"{}\"]", "a".repeat(5_000));
    assert_eq!(
        passes(&endless).as_deref(),
        Some("427[\"\"]"),
        "no event has such a name"
    );
}

fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>, line: &mut Vec<u8>) {
    match key {
        Some(key) => {
            let start = line.len();
            write_frame(true, payload.len() as u64, key, payload, line);
            line[start] = first;
        }
        None => line.extend([&[first, u8::try_from(payload.len()).unwrap()], payload].concat()),
    }
}

/// Returns the messages in these bytes, by the plainest reading of RFC 6455: kind and payload.
fn read(mut line: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (mut messages, mut partial) = (Vec::new(), None);
    while !line.is_empty() {
        let (first, mark) = (line[0], line[1]);
        let (length, head) = match mark & 0x7f {
            126 => (usize::from(u16::from_be_bytes([line[2], line[3]])), 4),
            127 => (
                usize::try_from(u64::from_be_bytes(line[2..10].try_into().unwrap())).unwrap(),
                10,
            ),
            short => (usize::from(short), 2),
        };
        let (key, head): ([u8; 4], usize) = match mark & 0x80 {
            0 => ([0; 4], head),
            _ => (line[head..head + 4].try_into().unwrap(), head + 4),
        };
        let payload = line[head..head + length].iter().zip(0..);
        let payload: Vec<u8> = payload
            .map(|(byte, place): (&u8, usize)| byte ^ key[place % 4])
            .collect();
        line = &line[head + length..];
        match first & 0x0f {
            control @ 8.. => messages.push((control, payload)),
            kind => {
                let (kind, mut whole) = if kind == 0 {
                    partial.take().unwrap()
                } else {
                    (kind, Vec::new())
                };
                whole.extend(payload);
                if first & 0x80 == 0 {
                    partial = Some((kind, whole));
                } else {
                    messages.push((kind, whole));
                }
            }
        }
    }
    assert!(partial.is_none(), "a message without an end");
    messages
}

#[test]
fn frames_pass_alike_however_they_are_cut() {
    let long = format!(
        "42[\"message:send\",{{\"content\":\"{}\"}}]",
        "x".repeat(70_000)
    );
    let middle = format!("453-11[\"chat:history\",\"{}\"]", "y".repeat(120));
    let other = middle.replace("453-", "42");
    let endless = format!("429[\"{}\"]", "z".repeat(3_000));
    let mut pairs: Vec<(&str, Option<&str>)> = PACKETS.to_vec();
    pairs.extend([
        (&*long, Some(&*long)),
        (&middle, Some(&other)),
        (&endless, Some("429[\"\"]")),
    ]);
    for fragment in [usize::MAX, 1, 2, 5, 64] {
        let (mut line, mut expected, mut pings) = (Vec::new(), Vec::new(), 0);
        for (number, (packet, passes)) in pairs.iter().enumerate() {
            if packet.starts_with('b') {
                continue;
            }
            let key = [3, 141, u8::try_from(number).unwrap(), 59];
            let pieces: Vec<_> = packet.as_bytes().chunks(fragment).collect();
            for (place, piece) in pieces.iter().enumerate() {
                let kind = if place == 0 { TEXT_OPCODE } else { 0 };
                let last = if place + 1 == pieces.len() { 0x80 } else { 0 };
                frame(last | kind, piece, Some(key), &mut line);
                if place == 0 {
                    frame(0x89, b"42[5]", Some(key), &mut line);
                    pings += 1;
                }
            }
            expected.extend(passes.map(str::to_owned));
            // Attachments that were announced, or were not.
            frame(0x82, &[0x1e; 200], Some(key), &mut line);
            frame(0x02, b"", Some(key), &mut line);
            frame(0x80, b"42[5]", Some(key), &mut line);
        }
        for step in [1, 3, 512, line.len()] {
            let mut incoming_filter = PacketFilter::default();
            let passed: Vec<u8> = line
                .chunks(step)
                .flat_map(|piece| incoming_filter.filter_bytes(piece).into_owned())
                .collect();
            let (controls, texts): (Vec<_>, Vec<_>) =
                read(&passed).into_iter().partition(|(kind, _)| *kind >= 8);
            let texts: Vec<_> = texts
                .into_iter()
                .map(|(_, text)| String::from_utf8(text).unwrap())
                .collect();
            assert_eq!(
                texts, expected,
                "fragments of {fragment}, in pieces of {step}"
            );
            let ping = (9, b"42[5]".to_vec());
            assert!(controls.len() == pings && controls.iter().all(|control| *control == ping));
            assert!(incoming_filter.front.is_empty());
        }
    }
    // The library refuses what no client may send.
    let mut line = Vec::new();
    frame(0x81, b"42[5]", None, &mut line);
    frame(0x83, b"42[5]", Some([1; 4]), &mut line);
    assert_eq!(PacketFilter::default().filter_bytes(&line), line);
}

#[test]
fn whole_frames_that_pass_are_not_copied() {
    let mut incoming_filter = PacketFilter::default();
    let long = format!(
        "42[\"message:send\",{{\"content\":\"{}\"}}]",
        "x".repeat(70_000)
    );
    for (packet, passes) in [(&*long, Some(&*long))].iter().chain(&PACKETS) {
        let (mut line, key) = (Vec::new(), Some([3, 141, 5, 59]));
        frame(0x81, packet.as_bytes(), key, &mut line);
        frame(0x89, b"42[5]", key, &mut line);
        frame(0x81, b"42[\"users:online\"]", key, &mut line);
        // Binary frames carry what polling encodes as base64.
        let passes = if packet.starts_with('b') {
            Some(*packet)
        } else {
            *passes
        };
        let left = incoming_filter.filter_bytes(&line);
        let is_borrowed = matches!(left, Cow::Borrowed(_));
        assert_eq!(is_borrowed, passes == Some(*packet), "{packet:.50}");
        let (_, texts): (Vec<_>, Vec<_>) =
            read(&left).into_iter().partition(|(kind, _)| *kind >= 8);
        let texts: Vec<_> = texts
            .into_iter()
            .map(|(_, text)| String::from_utf8(text).unwrap())
            .collect();
        assert_eq!(
            texts,
            passes
                .into_iter()
                .chain(["42[\"users:online\"]"])
                .collect::<Vec<_>>(),
            "{packet:.50}"
        );
    }
}
