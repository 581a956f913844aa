//! The mutator: deterministic from a seed, a few edits per input.

use super::json_mutate;

/// Longest input it makes, in bytes.
pub const INPUT_BYTES_MAX: usize = 16 * 1024;
/// Most edits of one input.
const EDITS_MAX: usize = 5;
/// Longest block that is deleted, repeated or inserted, in bytes.
const BLOCK_BYTES_MAX: usize = 128;

const INTERESTING: [u64; 16] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    (1 << 53) - 1,
    1 << 60,
    1 << 62,
    1 << 63,
    u64::MAX,
];

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins from a seed and a name, so that targets do not share a sequence.
    pub fn new(seed: u64, name: &str) -> Self {
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Random(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    /// The next 64 bits.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.number() % bound).unwrap_or(0)
    }

    /// A random byte.
    pub fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Makes a new input of two known ones.
pub fn mutate(input: &[u8], other: &[u8], text: bool, random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for done in 0..EDITS_MAX {
        // Half of the inputs get one edit, a quarter two: near the valid ones most is to be found.
        if done > 0 && random.below(2) == 0 {
            break;
        }
        if text && random.below(4) != 0 {
            bytes = json_mutate::edit(&bytes, random);
        } else {
            edit(&mut bytes, other, random);
        }
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

fn edit(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let length = bytes.len();
    let at = random.below(length);
    match random.below(12) {
        0 | 1 if length > 0 => bytes[at] ^= 1 << random.below(8),
        2 if length > 0 => bytes[at] = random.byte(),
        3 | 4 => overwrite(bytes, at, random),
        5 => bytes.truncate(at),
        6 => {
            let end = (at + 1 + random.below(BLOCK_BYTES_MAX)).min(length);
            bytes.drain(at.min(end)..end);
        }
        7 => {
            let end = (at + 1 + random.below(BLOCK_BYTES_MAX)).min(length);
            let block = bytes.get(at..end).unwrap_or_default().to_vec();
            let to = random.below(length + 1);
            bytes.splice(to..to, block);
        }
        8 => {
            let block: Vec<u8> = (0..=random.below(16)).map(|_| random.byte()).collect();
            bytes.splice(at..at, block);
        }
        9 => tweak_length(bytes, at),
        _ => {
            // Splice: this one's beginning, the other's end.
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

/// Writes an interesting integer of 1, 2, 4 or 8 bytes, little-endian, as the codec does.
fn overwrite(bytes: &mut [u8], at: usize, random: &mut Random) {
    let number = random.pick(&INTERESTING).to_le_bytes();
    let width = 1 << random.below(4);
    for (target, byte) in bytes.iter_mut().skip(at).zip(&number[..width]) {
        *target = *byte;
    }
}

/// Finds what looks like a `u64` length at or after `at` and adds or takes one.
fn tweak_length(bytes: &mut [u8], at: usize) {
    let length = bytes.len();
    let found = (at..length.saturating_sub(7)).find(|start| {
        let number =
            bytes[*start..].first_chunk::<8>().map_or(u64::MAX, |b| u64::from_le_bytes(*b));
        number != 0 && number <= length as u64
    });
    if let Some(start) = found {
        bytes[start] = if at.is_multiple_of(2) {
            bytes[start].wrapping_add(1)
        } else {
            bytes[start].wrapping_sub(1)
        };
    }
}
