//! Recordings as browsers and phones make them, built by hand: each declares its length in its own
//! way, or does not.

use std::{io::Cursor, time::Duration};

use super::*;
use crate::service::files::sniff;

fn found_sound(bytes: &[u8]) -> Option<SoundInfo> {
    let mime = sniff::guess_type(bytes).mime.expect("a known kind");
    measure_sound(
        || Cursor::new(bytes.to_vec()),
        mime,
        Instant::now() + Duration::from_secs(5),
    )
}

fn assert_lasts(bytes: &[u8], seconds: f64) {
    let found_sound = found_sound(bytes).expect("it is heard");
    let found = found_sound.seconds.expect("it has a length");
    assert!(
        (found - seconds).abs() < 0.08,
        "{found} s instead of {seconds} s"
    );
    assert!(!found_sound.has_pictures);
}

/// One second of silence at 8 kHz, times `seconds`.
fn wav(seconds: u32) -> Vec<u8> {
    let data = vec![0_u8; usize::try_from(seconds * 16_000).unwrap()];
    let size = u32::try_from(data.len()).unwrap();
    let format = [1_u16.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    let rates = [8_000_u32.to_le_bytes(), 16_000_u32.to_le_bytes()].concat();
    let block = [2_u16.to_le_bytes(), 16_u16.to_le_bytes()].concat();
    [
        &b"RIFF"[..],
        &(36 + size).to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &format,
        &rates,
        &block,
        b"data",
        &size.to_le_bytes(),
        &data,
    ]
    .concat()
}

/// An EBML element; without a size it extends to the end, as live recordings do.
fn element(id: &[u8], contents: &[u8], says_size: bool) -> Vec<u8> {
    let mut size = if says_size {
        (contents.len() as u64).to_be_bytes()
    } else {
        [0xff; 8]
    };
    size[0] = 1;
    [id, &size, contents].concat()
}

/// The output of Chromium's recorder: no length, segments and clusters of unknown size.
fn webm(packets: u16) -> Vec<u8> {
    let sized = |id: &[u8], contents: &[u8]| element(id, contents, true);
    let head = sized(
        &[0x1a, 0x45, 0xdf, 0xa3],
        &[
            sized(&[0x42, 0x86], &[1]),
            sized(&[0x42, 0xf7], &[1]),
            sized(&[0x42, 0xf2], &[4]),
            sized(&[0x42, 0xf3], &[8]),
            // The document type in the form that the sniffer knows, with a size of one byte.
            b"\x42\x82\x84webm".to_vec(),
            sized(&[0x42, 0x87], &[4]),
            sized(&[0x42, 0x85], &[2]),
        ]
        .concat(),
    );
    let info = sized(
        &[0x15, 0x49, 0xa9, 0x66],
        &[
            sized(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]),
            sized(&[0x4d, 0x80], b"Chrome"),
            sized(&[0x57, 0x41], b"Chrome"),
        ]
        .concat(),
    );
    let opus = [b"OpusHead", &[1, 1, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0][..]].concat();
    let audio = [
        sized(&[0xb5], &48_000_f32.to_be_bytes()),
        sized(&[0x9f], &[1]),
    ]
    .concat();
    let track = [
        sized(&[0xd7], &[1]),
        sized(&[0x73, 0xc5], &[1]),
        sized(&[0x83], &[2]),
        sized(&[0x86], b"A_OPUS"),
        sized(&[0x63, 0xa2], &opus),
        sized(&[0xe1], &audio),
    ]
    .concat();
    let tracks = sized(&[0x16, 0x54, 0xae, 0x6b], &sized(&[0xae], &track));
    let mut cluster = sized(&[0xe7], &[0]);
    for number in 0..packets {
        // Twenty milliseconds each.
        let block = [
            &[0x81][..],
            &(number * 20).to_be_bytes(),
            &[0x80, 0xf8, 0xff, 0xfe],
        ]
        .concat();
        cluster.extend(sized(&[0xa3], &block));
    }
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &cluster, false);
    let segment = element(
        &[0x18, 0x53, 0x80, 0x67],
        &[info, tracks, cluster].concat(),
        false,
    );
    [head, segment].concat()
}

/// Frames of 128 kbit/s at 44.1 kHz, 1,152 samples each, without a head that counts them.
fn mp3(frames: usize) -> Vec<u8> {
    let frame = [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 413]].concat();
    frame.repeat(frames)
}

fn ogg_page(granule: u64, number: u32, flags: u8, packets: &[&[u8]]) -> Vec<u8> {
    let sizes: Vec<u8> = packets
        .iter()
        .map(|packet| u8::try_from(packet.len()).unwrap())
        .collect();
    let mut page = [
        &b"OggS\0"[..],
        &[flags],
        &granule.to_le_bytes(),
        &7_u32.to_le_bytes(),
        &number.to_le_bytes(),
        &[0; 4],
        &[u8::try_from(sizes.len()).unwrap()],
        &sizes,
        &packets.concat(),
    ]
    .concat();
    let check = page.iter().fold(0_u32, |mut check, byte| {
        check ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            check = if check & 0x8000_0000 == 0 {
                check << 1
            } else {
                (check << 1) ^ 0x04c1_1db7
            };
        }
        check
    });
    page[22..26].copy_from_slice(&check.to_le_bytes());
    page
}

/// Opus as Firefox records it: the last page declares the number of samples.
fn ogg(seconds: u32) -> Vec<u8> {
    let head = [b"OpusHead", &[1, 1, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0][..]].concat();
    let tags = [
        b"OpusTags",
        &[4, 0, 0, 0, b't', b'e', b's', b't', 0, 0, 0, 0][..],
    ]
    .concat();
    let mut pages = ogg_page(0, 0, 2, &[&head]);
    pages.extend(ogg_page(0, 1, 0, &[&tags]));
    let packets = [&[0xf8, 0xff, 0xfe][..]; 50];
    for second in 1..=seconds {
        let last = if second == seconds { 4 } else { 0 };
        pages.extend(ogg_page(
            u64::from(second) * 48_000,
            1 + second,
            last,
            &packets,
        ));
    }
    pages
}

fn atom(kind: [u8; 4], contents: &[u8]) -> Vec<u8> {
    [
        &u32::try_from(8 + contents.len()).unwrap().to_be_bytes()[..],
        &kind,
        contents,
    ]
    .concat()
}

/// A voice memo of a phone.
fn m4a(seconds: u32) -> Vec<u8> {
    movie(seconds, *b"M4A ", *b"soun", None)
}

/// A movie of one track, one sample of `seconds` at 1,000 ticks a second. `codec` is an entry that
/// the library does not know, in place of AAC.
fn movie(seconds: u32, brand: [u8; 4], handler: [u8; 4], codec: Option<[u8; 4]>) -> Vec<u8> {
    let ticks = (seconds * 1_000).to_be_bytes();
    let words = |numbers: &[u32]| {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let scale = 1_000_u32.to_be_bytes();
    let matrix = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let movie = [
        &words(&[0, 0, 0])[..],
        &scale,
        &ticks,
        &words(&[0x1_0000, 0x0100_0000, 0, 0]),
        &matrix,
        &words(&[0; 6]),
        &words(&[2]),
    ]
    .concat();
    let head = [
        &words(&[7, 0, 0, 1, 0])[..],
        &ticks,
        &words(&[0, 0, 0, 0x0100_0000]),
        &matrix,
        &words(&[0, 0]),
    ]
    .concat();
    let media = [&words(&[0, 0, 0])[..], &scale, &ticks, &[0x55, 0xc4, 0, 0]].concat();
    let handler = [&words(&[0, 0])[..], &handler, &words(&[0, 0, 0]), &[0]].concat();
    // AAC at 8 kHz, one channel: a descriptor of a decoder in one of an elementary stream.
    let decoder = [&[4, 17, 0x40, 0x15][..], &[0; 11], &[5, 2, 0x15, 0x88]].concat();
    let stream = [&[3, 25, 0, 1, 0][..], &decoder, &[6, 1, 2]].concat();
    let esds = atom(*b"esds", &[&[0; 4][..], &stream].concat());
    let entry = [
        &[0, 0, 0, 0, 0, 0, 0, 1][..],
        &words(&[0, 0]),
        &[0, 1, 0, 16, 0, 0, 0, 0],
        &words(&[8_000 << 16]),
        &esds,
    ]
    .concat();
    let table = [
        atom(
            *b"stsd",
            &[
                &words(&[0, 1])[..],
                &atom(codec.unwrap_or(*b"mp4a"), &entry),
            ]
            .concat(),
        ),
        atom(*b"stts", &[&words(&[0, 1, 1])[..], &ticks].concat()),
        atom(*b"stsc", &words(&[0, 1, 1, 1, 1])),
        atom(*b"stsz", &words(&[0, 4, 1])),
        atom(*b"stco", &words(&[0, 1, 32])),
    ]
    .concat();
    let data = atom(
        *b"dinf",
        &atom(
            *b"dref",
            &[&words(&[0, 1])[..], &atom(*b"url ", &words(&[1]))].concat(),
        ),
    );
    let info = [
        atom(*b"smhd", &words(&[0, 0])),
        data,
        atom(*b"stbl", &table),
    ]
    .concat();
    let media = [
        atom(*b"mdhd", &media),
        atom(*b"hdlr", &handler),
        atom(*b"minf", &info),
    ]
    .concat();
    let track = [atom(*b"tkhd", &head), atom(*b"mdia", &media)].concat();
    let movie = [atom(*b"mvhd", &movie), atom(*b"trak", &track)].concat();
    let brands = [&brand[..], b"\0\0\0\0isom"].concat();
    [
        atom(*b"ftyp", &brands),
        atom(*b"mdat", &[0; 4]),
        atom(*b"moov", &movie),
    ]
    .concat()
}

#[test]
fn a_recording_is_as_long_as_it_sounds() {
    assert_lasts(&wav(3), 3.0);
    assert_lasts(&webm(150), 3.0);
    assert_lasts(&mp3(100), 2.612);
    assert_lasts(&ogg(4), 4.0);
    assert_lasts(&m4a(5), 5.0);
}

#[test]
fn what_breaks_off_or_is_bent_harms_nobody() {
    for whole in [
        wav(1),
        webm(20),
        mp3(10),
        ogg(1),
        m4a(2),
        amr(20),
        caf(1),
        flac(1),
        wma(1),
        adts(9),
    ] {
        for end in (16..whole.len()).step_by(whole.len() / 40) {
            if let Some(mime) = sniff::guess_type(&whole[..end]).mime {
                let cut = whole[..end].to_vec();
                let _ = measure_sound(
                    || Cursor::new(cut.clone()),
                    mime,
                    Instant::now() + Duration::from_secs(1),
                );
            }
            let mut bent = whole.clone();
            bent[end] ^= 0x55;
            let _ = measure_sound(
                || Cursor::new(bent.clone()),
                "audio/mpeg",
                Instant::now() + Duration::from_secs(1),
            );
        }
    }
}

/// Frames of MPEG-2.5, as dictation devices record: 8 kbit/s at 8 kHz, 576 samples each, each of
/// its own rate.
fn slow_mp3(frames: usize) -> Vec<u8> {
    let small = [&[0xff, 0xe3, 0x18, 0xc4][..], &[0; 68]].concat();
    let large = [&[0xff, 0xe3, 0x28, 0xc4][..], &[0; 140]].concat();
    (0..frames)
        .flat_map(|number| {
            if number % 3 == 0 {
                large.clone()
            } else {
                small.clone()
            }
        })
        .collect()
}

/// An AAC stream without a container: 1,024 samples a frame at 16 kHz.
fn adts(frames: usize) -> Vec<u8> {
    [&[0xff, 0xf1, 0x60, 0x40, 0x04, 0x1f, 0xfc][..], &[0x21; 25]]
        .concat()
        .repeat(frames)
}

/// Telephone speech without a container: 20 ms a frame.
fn amr(frames: usize) -> Vec<u8> {
    [
        b"#!AMR\n".to_vec(),
        [&[0x3c][..], &[0; 31]].concat().repeat(frames),
    ]
    .concat()
}

fn amr_wide(frames: usize) -> Vec<u8> {
    [
        b"#!AMR-WB\n".to_vec(),
        [&[0x44][..], &[0; 60]].concat().repeat(frames),
    ]
    .concat()
}

/// Apple's recorder: 16-bit sound at 8 kHz.
fn caf(seconds: u32) -> Vec<u8> {
    let numbers = |numbers: &[u32]| {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let description = [
        &8_000_f64.to_be_bytes()[..],
        b"lpcm",
        &numbers(&[0, 2, 1, 1, 16]),
    ]
    .concat();
    let data = vec![0; 4 + usize::try_from(seconds * 16_000).unwrap()];
    let chunk = |kind: &[u8], contents: &[u8]| {
        [
            kind,
            &u64::try_from(contents.len()).unwrap().to_be_bytes(),
            contents,
        ]
        .concat()
    };
    [
        b"caff\0\x01\0\0".to_vec(),
        chunk(b"desc", &description),
        chunk(b"data", &data),
    ]
    .concat()
}

/// The front of a FLAC with the number of its samples, at 8 kHz, and one silent frame.
fn flac(seconds: u32) -> Vec<u8> {
    let samples = u64::from(seconds) * 8_000;
    // 20 bits of rate, 3 of channels, 5 of depth, 36 of samples.
    let packed = (8_000_u64 << 44) | (15 << 36) | samples;
    let info = [
        &[0x10, 0, 0x10, 0][..],
        &[0; 6],
        &packed.to_be_bytes(),
        &[0; 16],
    ]
    .concat();
    [
        b"fLaC\x80\0\0\x22".to_vec(),
        info,
        vec![0xff, 0xf8, 0x69, 0x08, 0, 0, 0, 0],
    ]
    .concat()
}

/// Windows Media: a header with the play time and the buffer's three seconds.
fn wma(seconds: u64) -> Vec<u8> {
    let times = [(seconds + 3) * 10_000_000, 0, 3_000];
    let times: Vec<u8> = times.iter().flat_map(|time| time.to_le_bytes()).collect();
    let properties = [&[0; 40][..], &times, &[0; 16]].concat();
    let head = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65";
    let size = u64::try_from(24 + properties.len()).unwrap();
    let object = [&head[..], &size.to_le_bytes(), &properties].concat();
    let top = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
    [
        &top[..],
        &(30 + size).to_le_bytes(),
        &[1, 0, 0, 0, 1, 2],
        &object,
    ]
    .concat()
}

/// Frames of AC-3 at 192 kbit/s, or of its successor, of 32 ms each.
fn ac3(is_enhanced: bool, frames: usize) -> Vec<u8> {
    let head = if is_enhanced {
        [0x0b, 0x77, 0x01, 0x7f, 0x3f, 0x80]
    } else {
        [0x0b, 0x77, 0, 0, 0x14, 0x40]
    };
    [&head[..], &[0; 762]].concat().repeat(frames)
}

/// Apple's messages: Opus in packets of varying size, counted by a table; the end of the sound is
/// not declared.
fn caf_of_packets(packets: u64) -> Vec<u8> {
    let numbers = |numbers: &[u32]| {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let description = [
        &24_000_f64.to_be_bytes()[..],
        b"opus",
        &numbers(&[0, 0, 480, 1, 0]),
    ]
    .concat();
    let table = [packets.to_be_bytes(), (packets * 480).to_be_bytes(), [0; 8]].concat();
    let chunk =
        |kind: &[u8], size: u64, contents: &[u8]| [kind, &size.to_be_bytes(), contents].concat();
    [
        b"caff\0\x01\0\0".to_vec(),
        chunk(b"desc", 32, &description),
        chunk(b"pakt", 24, &table),
        chunk(b"data", u64::MAX, &[0; 900]),
    ]
    .concat()
}

/// A dictation device's WAV around MP3: the number of samples is declared beside the sound.
fn packed_wav(seconds: u32) -> Vec<u8> {
    let rates = [8_000_u32.to_le_bytes(), 0_u32.to_le_bytes()].concat();
    let format = [&[0x55, 0, 1, 0][..], &rates, &[1, 0, 0, 0]].concat();
    let fact = [&b"fact\x04\0\0\0"[..], &(seconds * 8_000).to_le_bytes()].concat();
    let sound = [&b"data\x64\0\0\0"[..], &[0; 100]].concat();
    [
        &b"RIFF\xa4\0\0\0WAVEfmt \x10\0\0\0"[..],
        &format,
        &fact,
        &sound,
    ]
    .concat()
}

/// The same file with its document type in another encoding.
fn renamed(webm: &[u8]) -> Vec<u8> {
    let (short, long) = (b"\x42\x82\x84webm", b"\x42\x82\x01\0\0\0\0\0\0\x04webm");
    let place = webm
        .windows(short.len())
        .position(|part| part == short)
        .unwrap();
    let mut renamed = [&webm[..place], long, &webm[place + short.len()..]].concat();
    // The head is longer now.
    renamed[11] += u8::try_from(long.len() - short.len()).unwrap();
    renamed
}

#[test]
fn what_telephones_and_recorders_write_has_its_type_and_its_length() {
    let tagged = [&b"ID3\x03\0\0\0\0\0\x0a"[..], &[0; 10], &mp3(100)].concat();
    for (bytes, mime, seconds, has_pictures) in [
        (slow_mp3(100), "audio/mpeg", 7.2, false),
        (tagged, "audio/mpeg", 2.612, false),
        (adts(100), "audio/aac", 6.4, false),
        (amr(150), "audio/amr", 3.0, false),
        (amr_wide(150), "audio/amr-wb", 3.0, false),
        (caf(4), "audio/x-caf", 4.0, false),
        (flac(5), "audio/flac", 5.0, false),
        (wma(6), "audio/x-ms-wma", 6.0, false),
        (
            movie(5, *b"3gp4", *b"soun", Some(*b"samr")),
            "audio/3gpp",
            5.0,
            false,
        ),
        (
            movie(5, *b"qt  ", *b"vide", Some(*b"hvc1")),
            "video/quicktime",
            5.0,
            true,
        ),
        (
            movie(5, *b"isom", *b"vide", Some(*b"hvc1")),
            "video/mp4",
            5.0,
            true,
        ),
        // One is labelled as a film and is speech; the other is labelled as speech and is a film.
        (movie(5, *b"isom", *b"soun", None), "audio/mp4", 5.0, false),
        (
            movie(5, *b"M4A ", *b"vide", Some(*b"avc1")),
            "video/mp4",
            5.0,
            true,
        ),
        // QuickTime from before it had this label.
        (
            movie(5, *b"qt  ", *b"vide", Some(*b"mp4v")).split_off(20),
            "video/quicktime",
            5.0,
            true,
        ),
        (ac3(false, 100), "audio/ac3", 3.2, false),
        (ac3(true, 100), "audio/eac3", 3.2, false),
        (caf_of_packets(150), "audio/x-caf", 3.0, false),
        (
            [&b"RF64\xff\xff\xff\xff"[..], &wav(3)[8..]].concat(),
            "audio/wav",
            3.0,
            false,
        ),
        (packed_wav(6), "audio/wav", 6.0, false),
        // The document type is written with a size of eight bytes.
        (renamed(&webm(150)), "audio/webm", 3.0, false),
    ] {
        let guessed = sniff::guess_type(&bytes)
            .mime
            .unwrap_or_else(|| panic!("{mime} is not known"));
        let found_sound = found_sound(&bytes).unwrap_or_else(|| panic!("{mime} is not heard"));
        assert_eq!(
            (
                sniff::type_by_content(guessed, found_sound.has_pictures),
                found_sound.has_pictures
            ),
            (mime, has_pictures)
        );
        let found = found_sound
            .seconds
            .unwrap_or_else(|| panic!("{mime} has no length"));
        assert!(
            (found - seconds).abs() < 0.1,
            "{mime}: {found} s instead of {seconds} s"
        );
    }
}
