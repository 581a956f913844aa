//! The simulator's oracles find every planted bug, and nothing where none is planted.

use std::process::Command;

#[test]
fn every_planted_bug_is_found() {
    let status = Command::new(env!("CARGO_BIN_EXE_planted")).status().expect("the program runs");
    assert!(status.success(), "a planted bug was not found, or the control found something");
}
