//! Tampering with transactions and with their place in the log.

use mulu_chain::bundle::Frame;
use mulu_chain::digest::Digest;
use mulu_chain::log::Outcome;
use mulu_chain::signature::{Signature, SigningKey};
use mulu_chain::transaction::{Envelope, EnvelopeSignature};

use super::{Class, Mutant, Random, World, flip, pick};

const LOG: &[&str] = &["log-inclusion"];
const SIGNED: &[&str] = &["signatures"];

pub const CLASSES: &[Class] = &[
    Class { name: "log: an outcome changed", checks: LOG, change: outcome },
    Class { name: "log: a height, place or time changed", checks: LOG, change: place },
    Class { name: "log: a payload changed", checks: LOG, change: payload },
    Class { name: "log: a payload changed and signed anew", checks: LOG, change: signed_anew },
    Class { name: "log: a signature changed", checks: SIGNED, change: signature },
    Class {
        name: "log: signatures of two transactions swapped",
        checks: SIGNED,
        change: signatures_swapped,
    },
    Class { name: "log: a co-signature left out", checks: LOG, change: cosignature_left_out },
    Class { name: "log: a co-signature added", checks: LOG, change: cosignature_added },
    Class { name: "log: two transactions swapped", checks: LOG, change: swapped },
    Class { name: "log: a transaction twice", checks: LOG, change: twice },
    Class { name: "log: a transaction inserted", checks: LOG, change: inserted },
    Class { name: "log: a part left out", checks: LOG, change: left_out },
    Class { name: "log: the hash of a stub changed", checks: LOG, change: stub_hash },
    Class { name: "log: the level of a stub changed", checks: LOG, change: stub_level },
    Class { name: "log: a stub split in two", checks: LOG, change: stub_split },
    Class {
        name: "log: an envelope that validators let pass unsigned",
        checks: SIGNED,
        change: let_pass,
    },
];

fn transactions(mutant: &Mutant) -> Vec<usize> {
    let is = |frame: &Frame| matches!(frame, Frame::Transaction { .. });
    (0..mutant.frames.len()).filter(|at| is(&mutant.frames[*at])).collect()
}

fn stubs(mutant: &Mutant) -> Vec<usize> {
    let is = |frame: &Frame| matches!(frame, Frame::LogStub { .. });
    (0..mutant.frames.len()).filter(|at| is(&mutant.frames[*at])).collect()
}

fn outcome(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &transactions(mutant)) else { return false };
    let Frame::Transaction { outcome, .. } = &mut mutant.frames[at] else { return false };
    *outcome = match outcome {
        Outcome::Accepted => Outcome::Rejected { rule: "ENT-05".to_owned(), action: 0 },
        Outcome::Rejected { action, .. } if random.index(2) == 0 => {
            Outcome::Rejected { rule: "AUT-08".to_owned(), action: *action + 1 }
        }
        Outcome::Rejected { .. } => Outcome::Accepted,
    };
    true
}

fn place(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &transactions(mutant)) else { return false };
    let Frame::Transaction { height, index, time_ms, .. } = &mut mutant.frames[at] else {
        return false;
    };
    match random.index(3) {
        0 => height.0 ^= 1 << random.index(64),
        1 => *index ^= 1 << random.index(32),
        _ => time_ms.0 ^= 1 << random.index(64),
    }
    true
}

fn envelope<'m>(mutant: &'m mut Mutant, random: &mut Random) -> Option<&'m mut Envelope> {
    let at = pick(random, &transactions(mutant))?;
    match &mut mutant.frames[at] {
        Frame::Transaction { envelope, .. } => Some(envelope),
        _ => None,
    }
}

fn payload(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(envelope) = envelope(mutant, random) else { return false };
    let mut payload = envelope.payload().to_vec();
    flip(random, &mut payload);
    *envelope = Envelope::new(payload, envelope.signatures().to_vec()).expect("the same form");
    true
}

fn signed_anew(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let key = SigningKey::from_seed(&[(random.next_u64() & 0xff) as u8; 32]);
    let Some(envelope) = envelope(mutant, random) else { return false };
    let mut payload = envelope.payload().to_vec();
    if random.index(2) == 0 {
        flip(random, &mut payload);
    }
    *envelope = Envelope::sign(payload, &[&key]).expect("a small payload");
    true
}

fn signature(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(envelope) = envelope(mutant, random) else { return false };
    let mut signatures = envelope.signatures().to_vec();
    let at = random.index(signatures.len());
    let mut bytes = *signatures[at].signature.as_bytes();
    flip(random, &mut bytes);
    signatures[at].signature = Signature::from_bytes(bytes);
    *envelope = Envelope::new(envelope.payload().to_vec(), signatures).expect("the same form");
    true
}

fn signatures_swapped(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let transactions = transactions(mutant);
    let (Some(a), Some(b)) = (pick(random, &transactions), pick(random, &transactions)) else {
        return false;
    };
    let taken = |at: usize| match &mutant.frames[at] {
        Frame::Transaction { envelope, .. } => envelope.clone(),
        _ => unreachable!("it was picked as one"),
    };
    let (of_a, of_b) = (taken(a), taken(b));
    let mix = |one: &Envelope, other: &Envelope| {
        Envelope::new(one.payload().to_vec(), other.signatures().to_vec()).expect("the same form")
    };
    for (at, mixed) in [(a, mix(&of_a, &of_b)), (b, mix(&of_b, &of_a))] {
        if let Frame::Transaction { envelope, .. } = &mut mutant.frames[at] {
            *envelope = mixed;
        }
    }
    a != b
}

fn cosignature_left_out(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(envelope) = envelope(mutant, random) else { return false };
    let mut signatures = envelope.signatures().to_vec();
    if signatures.len() < 2 {
        return false;
    }
    let at = random.index(signatures.len());
    signatures.remove(at);
    *envelope = Envelope::new(envelope.payload().to_vec(), signatures).expect("the same form");
    true
}

fn cosignature_added(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let key = SigningKey::from_seed(&[(random.next_u64() & 0xff) as u8; 32]);
    let Some(envelope) = envelope(mutant, random) else { return false };
    let signed = Envelope::sign(envelope.payload().to_vec(), &[&key]).expect("a small payload");
    let mut signatures: Vec<EnvelopeSignature> = envelope.signatures().to_vec();
    signatures.extend_from_slice(signed.signatures());
    signatures.sort_by_key(|signature| signature.key);
    match Envelope::new(envelope.payload().to_vec(), signatures) {
        Ok(more) => *envelope = more,
        Err(_) => return false,
    }
    true
}

fn swapped(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let transactions = transactions(mutant);
    let (Some(a), Some(b)) = (pick(random, &transactions), pick(random, &transactions)) else {
        return false;
    };
    mutant.frames.swap(a, b);
    a != b
}

fn twice(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &transactions(mutant)) else { return false };
    mutant.frames.insert(at, mutant.frames[at].clone());
    true
}

/// Properly signed, at a place in the log where there was none.
fn inserted(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &transactions(mutant)) else { return false };
    let Frame::Transaction { height, index, time_ms, .. } = &mutant.frames[at] else {
        return false;
    };
    let key = SigningKey::from_seed(&[(random.next_u64() & 0xff) as u8; 32]);
    let payload = format!("{{\"n\":{}}}", random.next_u64()).into_bytes();
    let frame = Frame::Transaction {
        height: *height,
        index: *index + 1,
        time_ms: *time_ms,
        outcome: Outcome::Accepted,
        envelope: Envelope::sign(payload, &[&key]).expect("a small payload"),
        events: Vec::new(),
    };
    let to = if random.index(2) == 0 { at + 1 } else { mutant.frames.len() };
    mutant.frames.insert(to, frame);
    true
}

fn left_out(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let parts = [transactions(mutant), stubs(mutant)].concat();
    let Some(at) = pick(random, &parts) else { return false };
    mutant.frames.remove(at);
    true
}

fn stub_hash(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &stubs(mutant)) else { return false };
    let Frame::LogStub { hash, .. } = &mut mutant.frames[at] else { return false };
    *hash = Digest::sha256(&random.next_u64().to_le_bytes());
    true
}

fn stub_level(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &stubs(mutant)) else { return false };
    let Frame::LogStub { level, .. } = &mut mutant.frames[at] else { return false };
    *level ^= 1 << random.index(8);
    true
}

/// Into its true halves: the same root, another file that says the same.
fn stub_split(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &stubs(mutant)) else { return false };
    let Frame::LogStub { level, .. } = mutant.frames[at] else { return false };
    if level == 0 {
        return false;
    }
    let before: u64 = mutant.frames[..at]
        .iter()
        .map(|frame| match frame {
            Frame::LogStub { level, .. } => 1 << level,
            Frame::LogLeaf(_) | Frame::Transaction { .. } => 1,
            _ => 0,
        })
        .sum();
    let half = |from: u64| {
        let mut frontier = mulu_chain::log::LogFrontier::default();
        for logged in &world.log[from as usize..(from + (1 << (level - 1))) as usize] {
            frontier.append(logged.entry.leaf_hash());
        }
        Frame::LogStub { level: level - 1, hash: frontier.root() }
    };
    let halves = [half(before), half(before + (1 << (level - 1)))];
    mutant.frames.splice(at..=at, halves);
    true
}

/// The log holds it, the certificate vouches for the log: only the signature itself tells.
fn let_pass(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let tamper = |envelope: Envelope| {
        let mut signatures = envelope.signatures().to_vec();
        signatures[0].signature = Signature::from_bytes([0x21; 64]);
        Envelope::new(envelope.payload().to_vec(), signatures).expect("the same form")
    };
    let world = World::with(random.next_u64() % 64, super::Asked::Record, tamper);
    *mutant = world.mutant();
    true
}
