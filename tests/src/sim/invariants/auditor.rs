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

fn accepts(bytes: &[u8], genesis: &BlockId) -> bool {
    let Ok(bundle) = Bundle::from_bytes(bytes) else { return false };
    bundle::verify(&bundle, genesis).iter().all(Check::passed)
}
