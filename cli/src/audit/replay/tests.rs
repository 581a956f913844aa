//! A replay from an archive folder: what holds verifies, and what does not is named.

use std::path::Path;

use mulu_chain::archive::ArchiveBuilder;
use mulu_chain::block::Header;
use mulu_chain::digest::Digest;
use mulu_chain::types::TimeMs;

use super::*;
use crate::audit::tests::story;
use crate::audit::world::World;

/// Writes blocks into a folder as one archive file, and returns its path.
fn archive(folder: &Path, world: &World, blocks: &[CertifiedBlock]) -> std::path::PathBuf {
    let first = blocks.first().expect("blocks").block.header.height;
    let chain = world.founding().chain_id().clone();
    let mut builder = ArchiveBuilder::new(chain, world.genesis(), first);
    for block in blocks {
        builder.push(block).expect("in order");
    }
    let (head, bytes) = builder.finish().expect("blocks");
    let path = folder.join(head.file_name());
    std::fs::write(&path, bytes).expect("written");
    path
}

/// Replays a folder from a standing.
fn replayed(
    folder: &Path,
    world: &World,
    from: Standing,
) -> (Replay, Result<Progress, Difference>) {
    let mut replay = Replay::new(from).expect("a standing");
    let mut source = Folder::open(folder, world.genesis()).expect("a folder");
    let result = run(&mut replay, &mut source, 2, &mut |_, _| Ok(())).expect("it can be read");
    (replay, result)
}

/// The difference that a replay of these blocks ends at.
fn difference(world: &World, blocks: &[CertifiedBlock]) -> Difference {
    let folder = tempfile::tempdir().expect("a folder");
    archive(folder.path(), world, blocks);
    let from = founding(world.founding());
    replayed(folder.path(), world, from).1.expect_err("something is wrong with it")
}

#[test]
fn an_archive_folder_replays_to_its_last_block() {
    let world = story().world;
    let blocks = world.blocks(|_| ());
    let folder = tempfile::tempdir().expect("a folder");
    // Two files: a replay goes from one to the next.
    archive(folder.path(), &world, &blocks[..4]);
    archive(folder.path(), &world, &blocks[4..]);
    let (replay, result) = replayed(folder.path(), &world, founding(world.founding()));
    let progress = result.expect("nothing is wrong");
    assert_eq!((progress.blocks, progress.transactions), (11, 11));
    assert_eq!(replay.header().id(), blocks[10].block.header.id());
}

#[test]
fn a_replay_goes_on_where_another_stood() {
    let world = story().world;
    let blocks = world.blocks(|_| ());
    let (first, all) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    archive(first.path(), &world, &blocks[..4]);
    archive(all.path(), &world, &blocks);
    let (replay, result) = replayed(first.path(), &world, founding(world.founding()));
    assert_eq!(result.expect("nothing is wrong").blocks, 4);
    let kept = first.path().join("audit.state");
    save(&kept, &world.genesis(), replay.standing()).expect("written");
    let standing = load(&kept, &world.genesis()).expect("read").expect("there");
    let (_, result) = replayed(all.path(), &world, standing);
    assert_eq!(result.expect("nothing is wrong").blocks, 7);

    let mut bytes = std::fs::read(&kept).expect("there");
    *bytes.last_mut().expect("bytes") ^= 1;
    std::fs::write(&kept, bytes).expect("written");
    load(&kept, &world.genesis()).expect_err("it is damaged");
}

/// Headers that break a rule, signed by everybody all the same: named by height, record and field.
#[test]
fn what_a_quorum_signed_against_the_rules_is_named() {
    let world = story().world;
    type Change = fn(&mut Header);
    let rows: [(&str, &str, Change); 5] = [
        ("state_root", "BLK-07", |h| h.state_root = Digest::sha256(b"another")),
        ("log_root", "BLK-07", |h| h.log_root = Digest::sha256(b"another")),
        ("log_size", "BLK-07", |h| h.log_size += 1),
        ("time_ms", "BLK-05", |h| h.time_ms = TimeMs(1)),
        ("next_validator_set_hash", "BLK-07", |h| {
            h.next_validator_set_hash = Digest::sha256(b"another");
        }),
    ];
    for (field, rule, change) in rows {
        let forged = |header: &mut Header| {
            if header.height == Height(5) {
                change(header);
            }
        };
        let found = difference(&world, &world.blocks(forged));
        assert_eq!(found.height, Height(5), "{found}");
        assert_eq!((found.record.as_str(), found.field, found.rule), ("header", field, rule));
        let writes = found.changed.iter().any(|key| key.starts_with("authorization/"));
        assert_eq!(writes, field == "state_root", "{found:?}");
    }
}

/// An archive's reader refuses it before any rule is asked.
#[test]
fn a_block_that_does_not_follow_is_named() {
    let world = story().world;
    let blocks = world.blocks(|header| {
        if header.height == Height(5) {
            header.parent = Digest::sha256(b"another");
        }
    });
    let found = difference(&world, &blocks);
    assert_eq!((found.height, found.record.as_str(), found.field), (Height(5), "block", "form"));
}

#[test]
fn a_block_without_a_quorum_is_named() {
    let world = story().world;
    let mut blocks = world.blocks(|_| ());
    blocks[6].certificate.signatures.truncate(2);
    let found = difference(&world, &blocks);
    assert_eq!((found.height, found.record.as_str()), (Height(7), "certificate"));
    assert_eq!((found.field, found.rule), ("signatures", "CRT-01..04"));
}

#[test]
fn a_damaged_archive_file_ends_the_replay() {
    let world = story().world;
    let folder = tempfile::tempdir().expect("a folder");
    let path = archive(folder.path(), &world, &world.blocks(|_| ()));
    let mut bytes = std::fs::read(&path).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let found = replayed(folder.path(), &world, founding(world.founding())).1;
    let found = found.expect_err("it is damaged");
    assert_eq!((found.record.as_str(), found.field), ("block", "form"));
}
