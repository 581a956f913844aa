//! The auditor accepts what the final chain says of a subject, and refuses it after any change.

use mulu_chain::block::BlockId;
use mulu_chain::bundle::{self, Bundle, Check, Frame};
use mulu_node::storage::Ledger;

use super::violated;
use crate::sim::random::Random;

/// Mutations tried on each bundle.
pub const MUTATIONS: u64 = 5;

/// Audits a subject on one node's ledger; returns how many mutations were refused.
pub fn audit(
    node: usize,
    ledger: &Ledger,
    genesis: &BlockId,
    subject: &str,
    random: &mut Random,
) -> Result<u64, super::Violation> {
    let built = ledger.bundle(subject);
    let Ok(Some(built)) = built else {
        violated("auditor accepts", format!("node {node}: no bundle of {subject}: {built:?}"))?;
        return Ok(0);
    };
    let bytes = built.to_bytes();
    if !accepts(&bytes, genesis) {
        violated("auditor accepts", format!("node {node}: the bundle of {subject} is refused"))?;
    }
    for (what, other) in forgeries(&built, random) {
        if accepts(&other.to_bytes(), genesis) {
            violated("auditor refuses", format!("node {node}: {subject} with {what} is accepted"))?;
        }
    }
    for _ in 0..MUTATIONS {
        let mut changed = bytes.clone();
        let what = match random.below(4) {
            0 => {
                let length = random.index(changed.len());
                changed.truncate(length);
                format!("truncated to {length}")
            }
            1 => {
                let (from, to) = (random.index(changed.len()), random.index(changed.len()));
                changed.swap(from, to);
                format!("bytes {from} and {to} swapped")
            }
            _ => {
                let bit = random.below(8 * changed.len() as u64);
                let at = usize::try_from(bit / 8).unwrap_or(0);
                changed[at] ^= 1 << (bit % 8);
                format!("bit {bit} flipped")
            }
        };
        if changed != bytes && accepts(&changed, genesis) {
            violated("auditor refuses", format!("node {node}: {subject} with {what} is accepted"))?;
        }
    }
    Ok(MUTATIONS)
}

/// What a forger who knows the format would try: every part is well formed, and one is not true.
fn forgeries(true_one: &Bundle, random: &mut Random) -> Vec<(&'static str, Bundle)> {
    let mut all = Vec::new();
    let mut forge = |what, change: &mut dyn FnMut(&mut Bundle)| {
        let mut other = true_one.clone();
        change(&mut other);
        if other != *true_one {
            all.push((what, other));
        }
    };
    forge("half of the votes", &mut |b| {
        for frame in &mut b.frames {
            if let Frame::Tip(tip) = frame {
                let votes = &mut tip.certificate.signatures;
                votes.truncate(votes.len().div_ceil(2));
            }
        }
    });
    let told: Vec<usize> = (0..true_one.frames.len())
        .filter(|at| matches!(true_one.frames[*at], Frame::Transaction { .. }))
        .collect();
    forge("a transaction left out", &mut |b| {
        if !told.is_empty() {
            b.frames.remove(told[random.index(told.len())]);
        }
    });
    forge("an event left out", &mut |b| {
        let events = b.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Transaction { events, .. } if !events.is_empty() => Some(events),
            _ => None,
        });
        if let Some(events) = events {
            events.pop();
        }
    });
    forge("another's envelope", &mut |b| {
        let [first, .., last] = told.as_slice() else { return };
        let of = |b: &Bundle, at: usize| match &b.frames[at] {
            Frame::Transaction { envelope, .. } => Some(envelope.clone()),
            _ => None,
        };
        let (one, other) = (of(b, *first), of(b, *last));
        for (at, new) in [(*first, other), (*last, one)] {
            if let (Frame::Transaction { envelope, .. }, Some(new)) = (&mut b.frames[at], new) {
                *envelope = new;
            }
        }
    });
    all
}

fn accepts(bytes: &[u8], genesis: &BlockId) -> bool {
    let Ok(bundle) = Bundle::from_bytes(bytes) else { return false };
    bundle::verify(&bundle, genesis).iter().all(Check::passed)
}
