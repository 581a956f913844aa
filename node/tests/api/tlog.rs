//! The log as other people's tools read it: the crates `signed_note` and `tlog_tiles`, which share
//! no code with ours, verify the checkpoint, fetch the tiles and prove every entry.

use std::collections::BTreeMap;

use mulu_chain::checkpoint::{Checkpoint, TlogProof, log_key, origin};
use mulu_chain::log::leaf_hash;
use mulu_chain::note::Note;
use mulu_chain::tiles::Tile;
use mulu_chain::transaction::Envelope;
use mulu_node::replica::handle::Status;
use mulu_node::storage::Ledger;
use signed_note::{Note as OtherNote, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint as OtherCheckpoint, Error, Hash, Tile as OtherTile, TileHashReader, TileReader,
    check_record, check_tree, prove_record, prove_tree, record_hash,
};

use crate::fixture::{CHAIN, World, chain_id, envelope, officer_key, payload, validator_key};

/// One full tile and a part of the next.
const LEAVES: usize = 260;

async fn world() -> (World, Checkpoint) {
    let world = World::new();
    for number in 0..LEAVES {
        let payload = payload(CHAIN, &number.to_string(), 10_000);
        let envelope = Envelope::sign(payload, &[&officer_key()]).expect("a small envelope");
        world.submit("?wait=committed", &envelope).await.ok();
    }
    let tip = world.get("/v1/blocks/latest").await.ok();
    let header = serde_json::from_value(tip["header"].clone()).expect("a header");
    let checkpoint = Checkpoint::of(&header);
    sign(&world, &checkpoint);
    (world, checkpoint)
}

fn sign(world: &World, checkpoint: &Checkpoint) {
    let key = validator_key();
    let text = checkpoint.text();
    let line = log_key(&checkpoint.origin, key.public_key()).sign(&key, &text, 0);
    let note = Note { text, signatures: vec![line] }.to_string();
    world.status.send_modify(|status: &mut Status| status.checkpoint = Some(note.into()));
}

/// The node's tiles, fetched under the paths of C2SP tlog-tiles.
struct Fetched(BTreeMap<String, Vec<u8>>);

impl TileReader for Fetched {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[OtherTile]) -> Result<Vec<Vec<u8>>, Error> {
        // That crate keeps the height in its paths, as Go's checksum database does.
        let path = |tile: &OtherTile| tile.path().replacen("tile/8/", "tile/", 1);
        tiles.iter().map(|t| self.0.get(&path(t)).cloned().ok_or(Error::InvalidTile)).collect()
    }

    fn save_tiles(&self, _: &[OtherTile], _: &[Vec<u8>]) {}
}

#[tokio::test]
async fn other_tools_verify_the_checkpoint_and_prove_every_entry_from_the_tiles() {
    let (world, checkpoint) = world().await;
    let answer = world.get("/checkpoint").await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let note = OtherNote::from_bytes(&answer.body).expect("a signed note");
    let vkey = log_key(&origin(&chain_id()), validator_key().public_key()).to_string();
    let verifier = StandardVerifier::new(&vkey).expect("a verifier key");
    let (verified, unknown) =
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("it verifies");
    assert_eq!((verified.len(), unknown.len()), (1, 0));
    let other = OtherCheckpoint::from_bytes(note.text()).expect("a checkpoint");
    assert_eq!((other.origin(), other.size()), (checkpoint.origin.as_str(), LEAVES as u64));
    assert_eq!(other.hash().0, *checkpoint.root.as_bytes());

    let mut tiles = BTreeMap::new();
    for tile in Tile::all(checkpoint.size) {
        tiles.insert(tile.to_string(), world.get(&format!("/{tile}")).await.body);
    }
    assert_eq!(tiles.len(), 3, "two of the leaves, one of the level above");
    let tiles = Fetched(tiles);
    let reader = TileHashReader::new(other.size(), *other.hash(), &tiles);
    let leaves = entries(&world).await;
    assert_eq!(leaves.len(), LEAVES);
    for (index, leaf) in (0u64..).zip(&leaves) {
        let proof = prove_record(other.size(), index, &reader).expect("authenticated tiles");
        check_record(&proof, other.size(), *other.hash(), index, record_hash(leaf)).expect("LOG");
        assert_eq!(record_hash(leaf).0, *leaf_hash(leaf).as_bytes());
    }
    let older = prove_tree(other.size(), 100, &reader).expect("authenticated tiles");
    let old_root = tree_hash_of(&leaves[..100]);
    check_tree(&older, other.size(), *other.hash(), 100, old_root).expect("consistent");
    check_tree(&older, other.size(), *other.hash(), 99, old_root).expect_err("another size");
}

/// All leaves out of the bundles of entries.
async fn entries(world: &World) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    for path in ["/tile/entries/000", "/tile/entries/001.p/4"] {
        let body = world.get(path).await.body;
        let mut rest = body.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (leaf, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            leaves.push(leaf.to_vec());
            rest = after;
        }
        assert!(rest.is_empty(), "whole entries");
    }
    leaves
}

fn tree_hash_of(leaves: &[Vec<u8>]) -> Hash {
    let mut frontier = mulu_chain::log::LogFrontier::default();
    leaves.iter().for_each(|leaf| drop(frontier.append(leaf_hash(leaf))));
    Hash(*frontier.root().as_bytes())
}

#[tokio::test]
async fn a_transactions_proof_is_a_file_that_verifies() {
    let world = World::new();
    let envelope = envelope("1");
    let path = format!("/v1/transactions/{}/tlog-proof", envelope.id());
    world.get("/checkpoint").await.problem(404, "not_found");
    world.get(&path).await.problem(404, "not_found");
    world.submit("?wait=committed", &envelope).await.ok();
    world.submit("?wait=committed", &crate::fixture::envelope("2")).await.ok();
    let tip = world.get("/v1/blocks/latest").await.ok();
    let header = serde_json::from_value(tip["header"].clone()).expect("a header");
    sign(&world, &Checkpoint::of(&header));
    let answer = world.get(&path).await;
    let text = String::from_utf8(answer.body).expect("text");
    let proof = TlogProof::parse(&text).expect("a proof");
    proof.verify(&chain_id(), &world.validators).expect("a quorum vouches, the leaf is there");
    assert_eq!(proof.inclusion.hashes.len(), 1);
    world.get("/v1/transactions/x/tlog-proof").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn what_the_log_does_not_have_is_404() {
    let world = World::new();
    world.submit("?wait=committed", &envelope("1")).await.ok();
    assert_eq!(world.get("/tile/0/000.p/1").await.body.len(), 32);
    let paths =
        ["0/000", "0/000.p/2", "0/001.p/1", "1/000.p/1", "entries/000", "x", "0/0", "9/000"];
    for path in paths {
        world.get(&format!("/tile/{path}")).await.problem(404, "not_found");
    }
    // An empty log has no tiles at all.
    assert_eq!(Ledger::in_memory().tile(&"tile/0/000.p/1".parse().expect("a tile")).ok(), None);
}
