//! Files read back what was put in; every damage and every lie about the layout is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use super::*;
use crate::block::{Block, HEADER_VERSION, Header, PROTOCOL_VERSION, body_hash};
use crate::certificate::CommitCertificate;
use crate::digest::Digest;
use crate::signature::SigningKey;
use crate::transaction::Envelope;
use crate::types::TimeMs;

fn chain_id() -> ChainId {
    "mulu-archive".parse().unwrap()
}

/// Blocks that follow each other, and the id of block 0.
fn blocks(count: u64) -> (BlockId, Vec<CertifiedBlock>) {
    let genesis = Digest::sha256(b"block 0");
    let key = SigningKey::from_seed(&[7; 32]);
    let mut parent = genesis;
    let blocks = (1..=count).map(|height| {
        let payload = format!("{{\"height\":{height}}}").into_bytes();
        let transactions = vec![Envelope::sign(payload, &[&key]).unwrap()];
        let header = Header {
            version: HEADER_VERSION,
            chain_id: chain_id(),
            protocol_version: PROTOCOL_VERSION,
            height: Height(height),
            time_ms: TimeMs(height),
            parent,
            proposer: Some(key.public_key()),
            transactions: 1,
            body: body_hash(&transactions),
            log_size: height,
            log_root: Digest::ZERO,
            state_root: Digest::ZERO,
            validator_set_hash: Digest::ZERO,
            next_validator_set_hash: Digest::ZERO,
        };
        parent = header.id();
        let certificate = CommitCertificate::new(Height(height), 0, parent, Vec::new());
        CertifiedBlock { block: Block { header, transactions }, certificate }
    });
    (genesis, blocks.collect())
}

fn file(genesis: BlockId, blocks: &[CertifiedBlock]) -> (ArchiveHead, Vec<u8>) {
    let first = blocks[0].block.header.height;
    let mut builder = ArchiveBuilder::new(chain_id(), genesis, first);
    for block in blocks {
        builder.push(block).unwrap();
    }
    builder.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<CertifiedBlock>, ArchiveInvalid> {
    Archive::open(bytes)?.blocks().collect()
}

/// The file with another last part, its checksum made good again.
fn resealed(mut content: Vec<u8>) -> Vec<u8> {
    let checksum = Sha256::digest(&content);
    content.extend(checksum);
    content
}

#[test]
fn what_is_put_in_comes_out() {
    let (genesis, all) = blocks(5);
    for part in [&all[..], &all[2..], &all[4..]] {
        let (head, bytes) = file(genesis, part);
        assert_eq!(read(&bytes).unwrap(), part);
        assert_eq!(Archive::open(&bytes).unwrap().head(), &head);
        assert_eq!(heights_of_name(&head.file_name()), Some((head.first, head.last)));
        for block in part {
            let height = block.block.header.height;
            let at = head.index_position(height, bytes.len() as u64).unwrap() as usize;
            let at = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
            let encoded = length_prefixed(&bytes[at..]).unwrap();
            assert_eq!(&decode_block(encoded, height, &head).unwrap(), block);
        }
        assert_eq!(head.index_position(head.last.next(), bytes.len() as u64), None);
    }
}

#[test]
fn the_layout_is_pinned() {
    let (genesis, all) = blocks(2);
    let digest = Digest::sha256(&file(genesis, &all).1).to_hex();
    assert_eq!(&digest[..16], "6df974c1f223a424", "the layout of archive files changed");
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let (genesis, all) = blocks(2);
    let (_, bytes) = file(genesis, &all);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(read(&damaged).is_err(), "a flip at {at}");
        assert!(read(&bytes[..at]).is_err(), "a cut at {at}");
    }
}

#[test]
fn a_resealed_lie_is_refused() {
    let (genesis, all) = blocks(3);
    let (_, bytes) = file(genesis, &all);
    let content = bytes[..bytes.len() - CHECKSUM_BYTES].to_vec();

    let mut longer = content.clone();
    longer.push(0);
    assert_eq!(read(&resealed(longer)), Err(ArchiveInvalid::Layout));

    let mut offsets = content.clone();
    let at = offsets.len() - 8;
    offsets[at] ^= 1;
    assert_eq!(read(&resealed(offsets)), Err(ArchiveInvalid::Layout));

    for at in 0..content.len() {
        let mut lie = content.clone();
        lie[at] ^= 0x10;
        if let Ok(blocks) = read(&resealed(lie)) {
            // Certificates carry no weight here beyond naming the block.
            let same = blocks.iter().zip(&all).all(|(a, b)| a.block == b.block);
            assert!(same, "a lie at {at} changed a block");
        }
    }

    let (_, swapped) = file(genesis, &all[1..]);
    let mut other = ArchiveBuilder::new(chain_id(), genesis, Height(1));
    assert!(matches!(other.push(&all[1]), Err(ArchiveInvalid::Block { .. })));
    other.push(&all[0]).unwrap();
    assert_ne!(other.finish().unwrap().1, swapped);
}

#[test]
fn names_that_are_not_ours_are_not_taken() {
    for name in [
        "blocks-000000000001-000000000002.mulu-archive.part",
        "blocks-1-2.mulu-archive",
        "blocks-000000000000-000000000002.mulu-archive",
        "blocks-000000000003-000000000002.mulu-archive",
        "blocks-00000000000a-000000000002.mulu-archive",
        "blocks-99999999999999999999-99999999999999999999.mulu-archive",
    ] {
        assert_eq!(heights_of_name(name), None, "{name}");
    }
}
