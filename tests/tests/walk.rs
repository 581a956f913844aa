//! `scripts/walk.sh` is true: it runs to its end, with the refusals it tells of.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use mulu_tests::consortium::{Ports, programs};

#[test]
fn the_walk_runs_as_it_is_told() {
    let ports = Ports::take();
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/walk.sh");
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
    for rule in ["RCP-08", "RCP-04", "KEY-07"] {
        assert!(told.contains(&format!("error: {rule} ")), "{rule} is cited: {told}");
    }
    assert_eq!(told.matches("exit status 5, as it should be").count(), 3);
    let (before, after) = told.split_once("is reported until its provider").unwrap();
    assert!(before.contains("it has 3 signature(s)"), "{before}");
    assert!(after.contains("was transferred: bind to 11110000MULU00021K:sp-001"), "{after}");
    assert!(after.contains("upheld"), "{after}");
    // Twice: once with the node that exported, once with no node running.
    assert_eq!(told.matches("VERIFIED: entry/").count(), 2);
    assert!(told.contains("with no node running"));
}
