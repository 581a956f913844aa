//! `scripts/fifth.sh` is true: a fifth department joins, votes, replaces its keys and leaves while
//! others go on.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use mulu_tests::consortium::{Ports, programs};

#[test]
fn a_fifth_department_joins_votes_rotates_and_leaves() {
    let ports = Ports::take();
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/fifth.sh");
    let output = Command::new(script)
        .env("BIN", programs())
        .env("DEMO_DIR", folder.path())
        .env("PORT", ports.p2p.to_string())
        .env("API_PORT", ports.api.to_string())
        .env("MULU_LANG", "en")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("error: MEM-10 "), "who votes does not leave: {told}");
    // After joining, from a snapshot, with new keys; and the three others at the end.
    assert_eq!(told.matches("have state root").count(), 6, "{told}");
    assert!(told.contains("the snapshot holds"), "{told}");
    assert!(told.contains("were committed meanwhile, 0 failed"), "{told}");
}
