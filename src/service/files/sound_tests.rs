//! Recordings as browsers and phones make them, written by hand: each says in its own way how long it is, or
//! does not.

use std::{io::Cursor, time::Duration};

use super::*;
use crate::service::files::sniff;

fn heard(bytes: Vec<u8>) -> Option<Heard> {
    let mime = sniff::guess(&bytes).mime.expect("a known kind");
    listen(Cursor::new(bytes), mime, Instant::now() + Duration::from_secs(5))
}

fn assert_lasts(bytes: Vec<u8>, seconds: f64) {
    let heard = heard(bytes).expect("it is heard");
    let found = heard.seconds.expect("it has a length");
    assert!((found - seconds).abs() < 0.08, "{found} s instead of {seconds} s");
    assert!(!heard.has_pictures);
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

/// An EBML element; without a size it goes on to the end, as live recordings do.
fn element(id: &[u8], contents: &[u8], says_size: bool) -> Vec<u8> {
    let mut size = if says_size { (contents.len() as u64).to_be_bytes() } else { [0xff; 8] };
    size[0] = 1;
    [id, &size, contents].concat()
}

/// What Chromium's recorder writes: no length, segments and clusters of unknown size.
fn webm(packets: u16) -> Vec<u8> {
    let sized = |id: &[u8], contents: &[u8]| element(id, contents, true);
    let head = sized(
        &[0x1a, 0x45, 0xdf, 0xa3],
        &[
            sized(&[0x42, 0x86], &[1]),
            sized(&[0x42, 0xf7], &[1]),
            sized(&[0x42, 0xf2], &[4]),
            sized(&[0x42, 0xf3], &[8]),
            // Its name stands as the sniffer knows it, with a size of one byte.
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
    let audio = [sized(&[0xb5], &48_000_f32.to_be_bytes()), sized(&[0x9f], &[1])].concat();
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
        let block = [&[0x81][..], &(number * 20).to_be_bytes(), &[0x80, 0xf8, 0xff, 0xfe]].concat();
        cluster.extend(sized(&[0xa3], &block));
    }
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &cluster, false);
    let segment = element(&[0x18, 0x53, 0x80, 0x67], &[info, tracks, cluster].concat(), false);
    [head, segment].concat()
}

/// Frames of 128 kbit/s at 44.1 kHz, 1,152 samples each, without a head that counts them.
fn mp3(frames: usize) -> Vec<u8> {
    let frame = [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 413]].concat();
    frame.repeat(frames)
}

fn ogg_page(granule: u64, number: u32, flags: u8, packets: &[&[u8]]) -> Vec<u8> {
    let sizes: Vec<u8> = packets.iter().map(|packet| u8::try_from(packet.len()).unwrap()).collect();
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
            check = if check & 0x8000_0000 == 0 { check << 1 } else { (check << 1) ^ 0x04c1_1db7 };
        }
        check
    });
    page[22..26].copy_from_slice(&check.to_le_bytes());
    page
}

/// Opus as Firefox records it: the last page says how many samples there were.
fn ogg(seconds: u32) -> Vec<u8> {
    let head = [b"OpusHead", &[1, 1, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0][..]].concat();
    let tags = [b"OpusTags", &[4, 0, 0, 0, b't', b'e', b's', b't', 0, 0, 0, 0][..]].concat();
    let mut pages = ogg_page(0, 0, 2, &[&head]);
    pages.extend(ogg_page(0, 1, 0, &[&tags]));
    let packets = [&[0xf8, 0xff, 0xfe][..]; 50];
    for second in 1..=seconds {
        let last = if second == seconds { 4 } else { 0 };
        pages.extend(ogg_page(u64::from(second) * 48_000, 1 + second, last, &packets));
    }
    pages
}

fn atom(kind: [u8; 4], contents: &[u8]) -> Vec<u8> {
    [&u32::try_from(8 + contents.len()).unwrap().to_be_bytes()[..], &kind, contents].concat()
}

/// A voice memo of a phone: one sample of `seconds` at 1,000 ticks a second.
fn m4a(seconds: u32) -> Vec<u8> {
    let ticks = (seconds * 1_000).to_be_bytes();
    let words = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
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
    let head =
        [&words(&[7, 0, 0, 1, 0])[..], &ticks, &words(&[0, 0, 0, 0x0100_0000]), &matrix, &words(&[0, 0])]
            .concat();
    let media = [&words(&[0, 0, 0])[..], &scale, &ticks, &[0x55, 0xc4, 0, 0]].concat();
    let handler = [&words(&[0, 0])[..], b"soun", &words(&[0, 0, 0]), &[0]].concat();
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
        atom(*b"stsd", &[&words(&[0, 1])[..], &atom(*b"mp4a", &entry)].concat()),
        atom(*b"stts", &[&words(&[0, 1, 1])[..], &ticks].concat()),
        atom(*b"stsc", &words(&[0, 1, 1, 1, 1])),
        atom(*b"stsz", &words(&[0, 4, 1])),
        atom(*b"stco", &words(&[0, 1, 32])),
    ]
    .concat();
    let data =
        atom(*b"dinf", &atom(*b"dref", &[&words(&[0, 1])[..], &atom(*b"url ", &words(&[1]))].concat()));
    let info = [atom(*b"smhd", &words(&[0, 0])), data, atom(*b"stbl", &table)].concat();
    let media = [atom(*b"mdhd", &media), atom(*b"hdlr", &handler), atom(*b"minf", &info)].concat();
    let track = [atom(*b"tkhd", &head), atom(*b"mdia", &media)].concat();
    let movie = [atom(*b"mvhd", &movie), atom(*b"trak", &track)].concat();
    [atom(*b"ftyp", b"M4A \0\0\0\0M4A isom"), atom(*b"mdat", &[0; 4]), atom(*b"moov", &movie)].concat()
}

#[test]
fn a_recording_is_as_long_as_it_sounds() {
    assert_lasts(wav(3), 3.0);
    assert_lasts(webm(150), 3.0);
    assert_lasts(mp3(100), 2.612);
    assert_lasts(ogg(4), 4.0);
    assert_lasts(m4a(5), 5.0);
}

#[test]
fn what_breaks_off_or_is_bent_harms_nobody() {
    for whole in [wav(1), webm(20), mp3(10), ogg(1), m4a(2)] {
        for end in (16..whole.len()).step_by(whole.len() / 40) {
            if let Some(mime) = sniff::guess(&whole[..end]).mime {
                let _ =
                    listen(Cursor::new(whole[..end].to_vec()), mime, Instant::now() + Duration::from_secs(1));
            }
            let mut bent = whole.clone();
            bent[end] ^= 0x55;
            let _ = listen(Cursor::new(bent), "audio/mpeg", Instant::now() + Duration::from_secs(1));
        }
    }
}
