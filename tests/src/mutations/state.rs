//! Tampering with records and with what is said to be absent.

use mulu_chain::bundle::{Frame, build};
use mulu_chain::digest::Digest;
use mulu_chain::state::{StateLeaf, key_hash, value_hash};

use super::{Asked, Class, Mutant, Random, World, flip, pick};

const STATE: &[&str] = &["state-records"];

pub const CLASSES: &[Class] = &[
    Class { name: "state: a value changed", checks: STATE, change: value },
    Class { name: "state: a key changed", checks: STATE, change: key },
    Class { name: "state: two values swapped", checks: STATE, change: swapped },
    Class { name: "state: a record of an earlier height", checks: STATE, change: stale },
    Class {
        name: "state: parameters of an earlier height",
        checks: STATE,
        change: stale_parameters,
    },
    Class { name: "state: the whole state of an earlier height", checks: STATE, change: earlier },
    Class { name: "state: a part left out", checks: STATE, change: left_out },
    Class { name: "state: a part twice", checks: STATE, change: twice },
    Class { name: "state: two parts swapped", checks: STATE, change: order },
    Class { name: "state: the hash of a stub changed", checks: STATE, change: stub_hash },
    Class { name: "state: the depth of a part changed", checks: STATE, change: depth },
    Class { name: "state: a stub split in two", checks: STATE, change: stub_split },
    Class {
        name: "state: a record that exists called absent",
        checks: STATE,
        change: called_absent,
    },
    Class { name: "state: a key called absent elsewhere", checks: STATE, change: absent_elsewhere },
    Class {
        name: "state: an absent key twice, or out of order",
        checks: STATE,
        change: absent_twice,
    },
    Class { name: "state: an absent key called present", checks: STATE, change: called_present },
    Class {
        name: "state: the leaf beside an absent key changed",
        checks: STATE,
        change: other_leaf,
    },
    Class {
        name: "state: everything hidden behind one stub",
        checks: &["question", "histories-complete", "state-records", "bundle-form"],
        change: hidden,
    },
    Class {
        name: "state: the record asked about hidden",
        checks: &["question", "state-records"],
        change: record_hidden,
    },
];

fn at(mutant: &Mutant, wanted: impl Fn(&Frame) -> bool) -> Vec<usize> {
    (0..mutant.frames.len()).filter(|at| wanted(&mutant.frames[*at])).collect()
}

fn parts(mutant: &Mutant) -> Vec<usize> {
    at(mutant, |frame| {
        matches!(
            frame,
            Frame::Stub { .. } | Frame::Record { .. } | Frame::Leaf { .. } | Frame::Empty { .. }
        )
    })
}

fn records(mutant: &Mutant) -> Vec<usize> {
    at(mutant, |frame| matches!(frame, Frame::Record { .. }))
}

fn value(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &records(mutant)) else { return false };
    let Frame::Record { value, .. } = &mut mutant.frames[at] else { return false };
    match random.index(3) {
        0 => value.push(b' '),
        1 => {
            value.pop();
        }
        _ => flip(random, value),
    }
    true
}

fn key(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &records(mutant)) else { return false };
    let Frame::Record { key, .. } = &mut mutant.frames[at] else { return false };
    if random.index(2) == 0 {
        key.push('x')
    } else {
        key.pop();
    }
    true
}

fn swapped(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let records = records(mutant);
    let (Some(a), Some(b)) = (pick(random, &records), pick(random, &records)) else { return false };
    let taken = |frame: &Frame| match frame {
        Frame::Record { value, .. } => value.clone(),
        _ => Vec::new(),
    };
    let (of_a, of_b) = (taken(&mutant.frames[a]), taken(&mutant.frames[b]));
    for (at, other) in [(a, of_b), (b, of_a)] {
        if let Frame::Record { value, .. } = &mut mutant.frames[at] {
            *value = other;
        }
    }
    a != b
}

fn older(world: &World, mutant: &mut Mutant, random: &mut Random, at: usize) -> bool {
    let height = random.index(6);
    let Frame::Record { key, value, .. } = &mut mutant.frames[at] else { return false };
    let Some(before) = world.states[height].get(key) else { return false };
    let changed = before != value;
    *value = before.clone();
    changed
}

fn stale(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &records(mutant)) else { return false };
    older(world, mutant, random, at)
}

fn stale_parameters(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let found = at(mutant, |f| matches!(f, Frame::Record { key, .. } if key == "params"));
    let Some(at) = pick(random, &found) else { return false };
    older(world, mutant, random, at)
}

/// A proof that holds, under another block's root.
fn earlier(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let wanted = mutant.frames.iter().filter_map(|frame| match frame {
        Frame::Record { key, .. } | Frame::Absent { key } => Some(key.clone()),
        _ => None,
    });
    let frames = build::state_frames(&world.states[random.index(6)], &wanted.collect());
    replace_state(mutant, frames);
    true
}

fn replace_state(mutant: &mut Mutant, state: Vec<Frame>) {
    let is_state = |frame: &Frame| {
        matches!(
            frame,
            Frame::Stub { .. }
                | Frame::Record { .. }
                | Frame::Leaf { .. }
                | Frame::Empty { .. }
                | Frame::Absent { .. }
        )
    };
    let first = mutant.frames.iter().position(is_state).expect("it has a state");
    mutant.frames.retain(|frame| !is_state(frame));
    mutant.frames.splice(first..first, state);
}

fn left_out(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let parts = parts(mutant);
    let Some(at) = pick(random, &parts) else { return false };
    mutant.frames.remove(at);
    while matches!(mutant.frames.get(at), Some(Frame::Absent { .. })) {
        mutant.frames.remove(at);
    }
    parts.len() > 1
}

fn twice(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let stubs = at(mutant, |f| matches!(f, Frame::Stub { .. } | Frame::Record { .. }));
    let Some(at) = pick(random, &stubs) else { return false };
    mutant.frames.insert(at, mutant.frames[at].clone());
    true
}

fn order(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let parts = at(mutant, |f| matches!(f, Frame::Stub { .. } | Frame::Record { .. }));
    let (Some(a), Some(b)) = (pick(random, &parts), pick(random, &parts)) else { return false };
    // What is said to be absent follows its own part.
    let followed = |at: usize| matches!(mutant.frames.get(at + 1), Some(Frame::Absent { .. }));
    if a == b || followed(a) || followed(b) {
        return false;
    }
    mutant.frames.swap(a, b);
    true
}

fn stub_hash(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &at(mutant, |f| matches!(f, Frame::Stub { .. }))) else {
        return false;
    };
    let Frame::Stub { hash, .. } = &mut mutant.frames[at] else { return false };
    *hash = Digest::sha256(&random.next_u64().to_le_bytes());
    true
}

fn depth(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &parts(mutant)) else { return false };
    let bit = random.index(16);
    match &mut mutant.frames[at] {
        Frame::Stub { depth, .. }
        | Frame::Record { depth, .. }
        | Frame::Leaf { depth, .. }
        | Frame::Empty { depth } => *depth ^= 1 << bit,
        _ => return false,
    }
    true
}

/// A hash is not taken apart, but two made-up ones have a parent.
fn stub_split(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &at(mutant, |f| matches!(f, Frame::Stub { .. }))) else {
        return false;
    };
    let Frame::Stub { depth, hash } = mutant.frames[at].clone() else { return false };
    let other = Digest::sha256(&random.next_u64().to_le_bytes());
    let halves = [hash, other].map(|hash| Frame::Stub { depth: depth + 1, hash });
    mutant.frames.splice(at..=at, halves);
    true
}

fn called_absent(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &records(mutant)) else { return false };
    let Frame::Record { depth, key, value } = mutant.frames[at].clone() else { return false };
    let leaf = StateLeaf { key_hash: key_hash(&key), value_hash: value_hash(&value) };
    let honest =
        if random.index(2) == 0 { Frame::Leaf { depth, leaf } } else { Frame::Empty { depth } };
    mutant.frames.splice(at..=at, [honest, Frame::Absent { key }]);
    true
}

fn absent_elsewhere(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    // A key that exists, where another part's hash shows nothing of it.
    let records = records(mutant);
    let Some(at) = pick(random, &records) else { return false };
    let known: Vec<&String> = world.states[6].keys().collect();
    let key = known[random.index(known.len())].clone();
    mutant.frames.insert(at + 1, Frame::Absent { key });
    true
}

fn absent_twice(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &at(mutant, |f| matches!(f, Frame::Absent { .. }))) else {
        return false;
    };
    mutant.frames.insert(at, mutant.frames[at].clone());
    true
}

fn called_present(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if world.asked != Asked::Absent {
        return false;
    }
    let Some(at) =
        pick(random, &at(mutant, |f| matches!(f, Frame::Leaf { .. } | Frame::Empty { .. })))
    else {
        return false;
    };
    let (depth, key) = match (&mutant.frames[at], &mutant.frames[at + 1]) {
        (Frame::Leaf { depth, .. } | Frame::Empty { depth }, Frame::Absent { key }) => {
            (*depth, key.clone())
        }
        _ => return false,
    };
    let value = random.next_u64().to_le_bytes().to_vec();
    mutant.frames.splice(at..=at + 1, [Frame::Record { depth, key, value }]);
    true
}

fn other_leaf(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &at(mutant, |f| matches!(f, Frame::Leaf { .. }))) else {
        return false;
    };
    let Frame::Leaf { leaf, .. } = &mut mutant.frames[at] else { return false };
    let other = Digest::sha256(&random.next_u64().to_le_bytes());
    if random.index(2) == 0 {
        leaf.key_hash = other
    } else {
        leaf.value_hash = other
    }
    true
}

fn hidden(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let depth = 0;
    let hash = world.tip().state_root;
    replace_state(mutant, vec![Frame::Stub { depth, hash }]);
    random.index(1) == 0 && matches!(world.asked, Asked::Record | Asked::Absent)
}

/// Its true hash instead of it: the root holds, the answer is gone.
fn record_hidden(world: &World, mutant: &mut Mutant, _: &mut Random) -> bool {
    if world.asked != Asked::Record {
        return false;
    }
    let Some(Frame::Head(head)) = mutant.frames.first() else { return false };
    let asked = head.question.clone();
    let mut wanted: std::collections::BTreeSet<String> = mutant
        .frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Record { key, .. } => Some(key.clone()),
            _ => None,
        })
        .collect();
    wanted.remove(&asked);
    replace_state(mutant, build::state_frames(&world.states[6], &wanted));
    true
}
