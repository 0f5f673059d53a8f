//! The frames of sound streams without a container, with their length in bytes.

/// Returns the length of an MPEG audio frame of any version and layer (ISO/IEC 11172-3, 2.4.2.3;
/// MPEG-2.5 extends it).
pub(super) fn mpeg_frame(bytes: &[u8]) -> Option<usize> {
    const MPEG_1_KILOBITS: [[usize; 14]; 3] = [
        [
            32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
        ],
        [
            32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
        ],
        [
            32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
        ],
    ];
    const MPEG_2_KILOBITS: [[usize; 14]; 2] = [
        [
            32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
        ],
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [0xff, second, third, ..] = *bytes else {
        return None;
    };
    if second & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = (second >> 3 & 3, 4 - usize::from(second >> 1 & 3));
    let rate_index = usize::from(third >> 2 & 3);
    let bit_index = usize::from(third >> 4);
    if version == 1 || layer == 4 || rate_index == 3 || !(1..=14).contains(&bit_index) {
        return None;
    }
    let rate = [44_100, 48_000, 32_000][rate_index] / [4, 1, 2, 1][usize::from(version)];
    let is_first = version == 3;
    let kilobits = if is_first {
        MPEG_1_KILOBITS[layer - 1]
    } else {
        MPEG_2_KILOBITS[usize::from(layer > 1)]
    }[bit_index - 1];
    let padding = usize::from(third >> 1 & 1);
    Some(match layer {
        1 => (12_000 * kilobits / rate + padding) * 4,
        3 if !is_first => 72_000 * kilobits / rate + padding,
        _ => 144_000 * kilobits / rate + padding,
    })
}

/// Returns the length of a frame of an AAC stream (ADTS; ISO/IEC 13818-7, 6.2).
pub(super) fn adts_frame(bytes: &[u8]) -> Option<usize> {
    let [0xff, second, third, fourth, fifth, sixth, ..] = *bytes else {
        return None;
    };
    if second & 0xf6 != 0xf0 || third >> 2 & 15 > 12 {
        return None;
    }
    let size = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    (size > 7).then_some(size)
}

/// A frame of AC-3 or of Enhanced AC-3.
pub(super) struct Ac3Frame {
    /// Bytes.
    pub size: usize,
    /// Of each channel; none for a part that plays together with the frame before.
    pub samples: u64,
    /// Samples a second.
    pub rate: u64,
    pub is_enhanced: bool,
}

/// Returns the data of a frame's head (ETSI TS 102 366, 4.3 and annex E, 1.2).
pub(super) fn ac3_frame(bytes: &[u8]) -> Option<Ac3Frame> {
    const AC3_KILOBITS: [usize; 19] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
    ];
    let [0x0b, 0x77, third, fourth, fifth, sixth, ..] = *bytes else {
        return None;
    };
    let rate_index = usize::from(fifth >> 6);
    match sixth >> 3 {
        ..=10 => {
            let (kilobits, odd) = (
                AC3_KILOBITS.get(usize::from(fifth & 63) / 2)?,
                usize::from(fifth & 1),
            );
            let (words, rate) = match rate_index {
                0 => (kilobits * 2, 48_000),
                1 => (kilobits * 320 / 147 + odd, 44_100),
                2 => (kilobits * 3, 32_000),
                _ => return None,
            };
            Some(Ac3Frame {
                size: words * 2,
                samples: 1_536,
                rate,
                is_enhanced: false,
            })
        }
        11..=16 => {
            let words = (usize::from(third & 7) << 8 | usize::from(fourth)) + 1;
            let (rate, blocks) = match (rate_index, usize::from(fifth >> 4 & 3)) {
                (3, 3) => return None,
                (3, half) => ([24_000, 22_050, 16_000][half], 6),
                (index, blocks) => ([48_000, 44_100, 32_000][index], [1, 2, 3, 6][blocks]),
            };
            // Further channels, or another programme.
            let (kind, substream) = (third >> 6, (third >> 3) & 0b111);
            let is_first = kind != 1 && substream == 0;
            let samples = if is_first { blocks * 256 } else { 0 };
            (words > 3).then_some(Ac3Frame {
                size: words * 2,
                samples,
                rate,
                is_enhanced: true,
            })
        }
        _ => None,
    }
}
