//! What survives, what is cut off, what is left alone.

#![allow(clippy::unwrap_used)]

use mulu_chain::signature::SigningKey;

use super::*;
use crate::disk::OsDisk;

fn taken(number: u8, valid_until: u64) -> Taken {
    let key = SigningKey::from_seed(&[number; 32]);
    let envelope = Envelope::sign(vec![b'{', number, b'}'], &[&key]).unwrap();
    Taken { received_height: Height(u64::from(number)), valid_until: Height(valid_until), envelope }
}

fn open(path: &Path, ledger: &Ledger) -> io::Result<(JournalFile, Vec<Taken>)> {
    JournalFile::open(Arc::new(OsDisk), path, ledger, u64::MAX)
}

fn write(journal: &mut JournalFile, taken: &[Taken]) -> bool {
    journal.append(&frames(taken)).is_ok()
}

#[test]
fn what_was_acknowledged_is_there_again_and_a_torn_tail_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submissions.log");
    let ledger = Ledger::in_memory();
    let (mut journal, found) = open(&path, &ledger).unwrap();
    assert_eq!(found, []);
    let both = [taken(1, 100), taken(2, 100)];
    assert!(write(&mut journal, &both) && write(&mut journal, &both[..1]));
    let whole = std::fs::read(&path).unwrap();
    let last = frame(&both[0]).len();
    // Every length: all frames that are whole, and nothing else.
    for length in 0..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let (_, found) = open(&path, &ledger).unwrap();
        let first = MAGIC.len() + last;
        let expected =
            if length >= first + frame(&both[1]).len() { 2 } else { usize::from(length >= first) };
        assert_eq!(found, both[..expected], "of {length} bytes");
    }
}

#[test]
fn a_changed_byte_is_noticed_and_foreign_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submissions.log");
    let ledger = Ledger::in_memory();
    let (mut journal, _) = open(&path, &ledger).unwrap();
    assert!(write(&mut journal, &[taken(1, 100)]));
    let whole = std::fs::read(&path).unwrap();
    for at in MAGIC.len()..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        assert_eq!(read(&OsDisk, &path).unwrap(), [], "byte {at}");
    }
    std::fs::write(&path, "something else").unwrap();
    assert!(open(&path, &ledger).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"something else");
}
