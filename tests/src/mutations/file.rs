//! Tampering with the file as such: cut, padded, out of order, bits changed.

use mulu_chain::bundle::Frame;

use super::{Asked, Class, Mutant, Random, World, flip};

const FORM: &[&str] = &["bundle-form"];
const ANY: &[&str] = &[
    "bundle-form",
    "genesis",
    "validator-sets",
    "tip-certificate",
    "state-records",
    "signatures",
    "log-entries",
    "log-inclusion",
    "histories-complete",
    "question",
];

pub const CLASSES: &[Class] = &[
    Class { name: "file: cut at any byte", checks: FORM, change: cut },
    Class { name: "file: cut between frames", checks: FORM, change: cut_between },
    Class { name: "file: bytes appended", checks: FORM, change: padded },
    Class { name: "file: a byte inserted", checks: FORM, change: inserted },
    Class { name: "file: the length of a frame changed", checks: FORM, change: length },
    Class { name: "file: the last frame counts wrong", checks: FORM, change: miscounted },
    Class { name: "file: two files in one", checks: FORM, change: doubled },
    Class { name: "file: any one bit flipped", checks: ANY, change: bit },
    Class { name: "file: another magic", checks: FORM, change: magic },
    Class { name: "head: another version", checks: FORM, change: version },
    Class { name: "order: a part moved", checks: FORM, change: moved },
    Class { name: "order: the head or the tip twice", checks: FORM, change: twice },
    Class { name: "order: the head or the tip left out", checks: FORM, change: left_out },
    Class { name: "order: the parts after the tip left out", checks: FORM, change: only_the_tip },
];

/// Where each frame's length stands, and how long it is.
fn places(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut at = 8;
    let mut places = Vec::new();
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        let length = usize::try_from(length).expect("a usize");
        places.push((at, length));
        at += 4 + length;
    }
    places
}

fn cut(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    bytes.truncate(8 + random.index(bytes.len() - 8));
    mutant.bytes = Some(bytes);
    true
}

fn cut_between(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    let places = places(&bytes);
    bytes.truncate(places[random.index(places.len())].0);
    mutant.bytes = Some(bytes);
    true
}

fn padded(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    bytes.extend((0..1 + random.index(40)).map(|_| (random.next_u64() & 0xff) as u8));
    mutant.bytes = Some(bytes);
    true
}

fn inserted(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    let places = places(&bytes);
    // Behind a frame's last byte: the frame then has a byte too many for what it says.
    let (at, length) = places[random.index(places.len())];
    bytes[at..at + 4].copy_from_slice(&u32::try_from(length + 1).expect("small").to_le_bytes());
    bytes.insert(at + 4 + length, (random.next_u64() & 0xff) as u8);
    mutant.bytes = Some(bytes);
    true
}

fn length(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    let places = places(&bytes);
    let (at, length) = places[random.index(places.len())];
    let other = match random.index(4) {
        0 => length + 1,
        1 => length.saturating_sub(1),
        2 => 262_145,
        _ => u32::MAX as usize,
    };
    bytes[at..at + 4].copy_from_slice(&u32::try_from(other).expect("a u32").to_le_bytes());
    mutant.bytes = Some(bytes);
    true
}

fn miscounted(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    let end = bytes.len() - 8;
    let counted = u64::from_le_bytes(bytes[end..].try_into().expect("eight bytes"));
    let other =
        if random.index(2) == 0 { counted + 1 + random.next_u64() % 9 } else { counted - 1 };
    bytes[end..].copy_from_slice(&other.to_le_bytes());
    mutant.bytes = Some(bytes);
    true
}

fn doubled(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let bytes = mutant.bytes();
    let again = if random.index(2) == 0 { &bytes[..] } else { &bytes[8..] };
    mutant.bytes = Some([&bytes[..], again].concat());
    true
}

fn bit(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    // Another range, or another key that is absent as well, may be another true statement.
    if !matches!(world.asked, Asked::Record | Asked::Transaction) {
        return false;
    }
    let mut bytes = mutant.bytes();
    flip(random, &mut bytes[8..]);
    mutant.bytes = Some(bytes);
    true
}

fn magic(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let mut bytes = mutant.bytes();
    flip(random, &mut bytes[..8]);
    mutant.bytes = Some(bytes);
    true
}

fn version(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(Frame::Head(head)) = mutant.frames.first_mut() else { return false };
    head.version = [0, 1, 3, u16::MAX][random.index(4)];
    true
}

/// The part of a bundle a frame belongs to.
fn part(frame: &Frame) -> u8 {
    match frame {
        Frame::Head(_) => 0,
        Frame::SetChange(_) => 1,
        Frame::Tip(_) => 2,
        Frame::History { .. } => 4,
        Frame::LogStub { .. } | Frame::LogLeaf(_) | Frame::Transaction { .. } => 5,
        _ => 3,
    }
}

fn moved(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let from = random.index(mutant.frames.len());
    let frame = mutant.frames.remove(from);
    let to = random.index(mutant.frames.len() + 1);
    mutant.frames.insert(to, frame);
    !mutant.frames.is_sorted_by_key(part)
}

fn twice(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let wanted = if random.index(2) == 0 { 0 } else { 2 };
    let at = mutant.frames.iter().position(|frame| part(frame) == wanted).expect("it has one");
    mutant.frames.insert(at, mutant.frames[at].clone());
    true
}

fn left_out(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let wanted = if random.index(2) == 0 { 0 } else { 2 };
    mutant.frames.retain(|frame| part(frame) != wanted);
    true
}

fn only_the_tip(_: &World, mutant: &mut Mutant, _: &mut Random) -> bool {
    mutant.frames.retain(|frame| part(frame) <= 2);
    true
}
