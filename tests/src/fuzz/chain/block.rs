//! A block, as a peer or the disk gives it.

use mulu_chain::block::{Block, CertifiedBlock};
use mulu_chain::codec;
use mulu_chain::limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX};

use super::sample;
use super::{Outcome, canonical};
use crate::fuzz::target::Seeds;

/// A block is canonical and within its bounds; the certified form of it decodes too.
pub fn run(data: &[u8]) -> Outcome {
    let block = match Block::from_bytes(data) {
        Ok(block) => block,
        Err(invalid) => return Outcome::refused(&invalid),
    };
    assert!(codec::encode(&block) == data, "another encoding of the block was taken");
    assert!(block.transactions.len() <= BLOCK_TRANSACTIONS_MAX);
    assert!(data.len() <= block.size_bound() && block.size_bound() <= BLOCK_BYTES_MAX);
    let certified = CertifiedBlock { block, certificate: sample::certificate() };
    let bytes = codec::encode(&certified);
    assert!(canonical::<CertifiedBlock, BLOCK_BYTES_MAX>(&bytes).as_ref() == Ok(&certified));
    Outcome::accepted("well formed")
}

/// A block of one transaction, and an empty one.
pub fn seeds() -> Seeds {
    let full = sample::block();
    let mut empty = full.clone();
    empty.transactions.clear();
    empty.header.transactions = 0;
    empty.header.body = mulu_chain::block::body_hash(&[]);
    vec![("one-transaction", codec::encode(&full)), ("empty", codec::encode(&empty))]
}
