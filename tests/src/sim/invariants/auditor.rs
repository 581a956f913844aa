//! The auditor accepts what the final chain says of a subject, and refuses it after any change.

use mulu_chain::block::BlockId;
use mulu_chain::bundle::{self, Bundle, Check};
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
        let votes = &mut b.tip.certificate.signatures;
        votes.truncate(votes.len().div_ceil(2));
    });
    forge("a transaction left out", &mut |b| {
        if !b.transactions.is_empty() {
            b.transactions.remove(random.index(b.transactions.len()));
        }
    });
    forge("an event left out", &mut |b| {
        if let Some(history) = b.histories.iter_mut().rfind(|h| !h.events.is_empty()) {
            history.events.pop();
        }
    });
    forge("another's envelope", &mut |b| {
        if let [first, .., last] = b.transactions.as_mut_slice() {
            std::mem::swap(&mut first.envelope, &mut last.envelope);
        }
    });
    all
}

fn accepts(bytes: &[u8], genesis: &BlockId) -> bool {
    let Ok(bundle) = Bundle::from_bytes(bytes) else { return false };
    bundle::verify(&bundle, genesis).iter().all(Check::passed)
}
