//! `mulud votes` on homes as they lie on disk.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::Arc;

use mulu_chain::types::Height;
use mulu_genesis::devnet::{DepartmentKeys, DevnetKeys, founding_text};
use mulu_node::config::Config;
use mulu_node::disk::OsDisk;
use mulu_node::explain::Language;
use mulu_node::home::{self, NewHome};
use mulu_node::keys;
use mulu_node::replica::guard::LogRecord;
use mulu_node::storage::Ledger;
use mulu_node::vote_log::{self, VoteLog};
use mulu_node::votes_command::{VotesError, resume, show};

/// A node that was started once, with these frames in its vote log.
fn started(home: &Path, frames: &[LogRecord]) {
    let key = |number: u8| mulu_chain::signature::SigningKey::from_seed(&[number; 32]).public_key();
    let departments = [10, 20, 30, 40].map(|n| DepartmentKeys {
        node: key(n),
        validator: key(n + 1),
        administrator: key(n + 2),
        officer: key(n + 3),
        application: key(n + 4),
    });
    let devnet = DevnetKeys { departments, authority: key(1), auditor: key(2) };
    let text = founding_text("mulu-votes", "2026-01-01T00:00:00Z", &devnet);
    let founding = mulu_genesis::parse(&text, "genesis.toml").unwrap();
    let config = Config::new("test".to_owned(), "11370000MB0000001A".to_owned());
    let home = home.to_path_buf();
    let new =
        NewHome { home: home.clone(), genesis: None, config, observer: false, invitation: None };
    home::create(&OsDisk, &new).unwrap();
    assert!(matches!(show(&home), Err(VotesError::NeverStarted(_))));
    let ledger = Ledger::open(&home.join("data/ledger")).unwrap();
    ledger.initialize(founding.block()).unwrap();
    let key = keys::load_validator(&home).unwrap().unwrap().public_key();
    let owner = vote_log::owner(founding.chain_id().as_str(), key.as_bytes());
    let disk = Arc::new(OsDisk);
    let (mut log, _) =
        VoteLog::open(disk, &home.join("data/votes"), owner, LogRecord::doubt_frame).unwrap();
    log.append(&frames.iter().map(LogRecord::to_frame).collect::<Vec<_>>()).unwrap();
    // A running node's log is nobody else's.
    assert!(matches!(show(&home), Err(VotesError::Node(_))));
}

#[test]
fn an_alarm_is_shown_and_cleared_by_hand_only_with_yes() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    started(&home, &[LogRecord::Mark(Height(1)), LogRecord::alarm("the key is elsewhere")]);
    let report = show(&home).unwrap();
    assert_eq!((report.standing, report.frames), ("alarm", 2));
    assert_eq!(report.last_height, Height(1));
    assert_eq!(report.reason.as_deref(), Some("the key is elsewhere"));
    assert!(report.text(Language::English).contains("ALARM"));
    assert!(report.text(Language::Chinese).contains("警报"));
    assert!(matches!(resume(&home, "found it", false), Err(VotesError::Unconfirmed)));
    assert_eq!(show(&home).unwrap(), report, "nothing changed");
    assert_eq!(resume(&home, "found it", true).unwrap().standing, "sure");
    assert_eq!(show(&home).unwrap().standing, "sure");
    assert!(matches!(resume(&home, "again", true), Err(VotesError::Sure)));
}

#[test]
fn doubt_is_shown_and_ended_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    started(&home, &[LogRecord::Mark(Height(0))]);
    std::fs::remove_file(home.join("data/votes/log")).unwrap();
    let report = show(&home).unwrap();
    assert_eq!(report.standing, "doubt");
    assert!(report.reason.is_some());
    assert_eq!(resume(&home, "all of us lost power", true).unwrap().standing, "sure");
}

#[test]
fn a_ledger_that_is_behind_its_log_must_catch_up_first() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    started(&home, &[LogRecord::Mark(Height(9))]);
    assert_eq!(show(&home).unwrap().standing, "doubt");
    assert!(matches!(resume(&home, "x", true), Err(VotesError::LedgerBehind { .. })));
}
