//! `docs/bounds.md` against the constants: each number, both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use mulu_node::config::Config;
use mulu_node::replica::{
    candidates, checkpoints, core, evidence, guard, intake, known, mempool, peers, pending,
    proposals, report, serving, sync, wire,
};
use mulu_node::{
    agenda, backup, bootstrap, driver, events, house, ingest, journal, keeper, lobby, p2p, run,
    search, snapshot_server, storage, vote_log, webhooks,
};

/// A bound as a number: of things, bytes or milliseconds.
trait Number {
    fn number(self) -> u128;
}

macro_rules! numbers {
    ($($kind:ty),+) => { $(impl Number for $kind {
        fn number(self) -> u128 {
            u128::try_from(self).expect("bounds are not negative")
        }
    })+ };
}

numbers!(usize, u32, u64, i64);

impl Number for Duration {
    fn number(self) -> u128 {
        self.as_millis()
    }
}

macro_rules! bounds {
    ($($file:literal $module:ident: $($name:ident),+;)+) => {
        BTreeMap::from([$($((($file, stringify!($name)), $module::$name.number()),)+)+])
    };
}

fn constants() -> BTreeMap<(&'static str, &'static str), u128> {
    bounds! {
        "replica/core.rs" core: CORE_QUEUE_HEIGHTS_MAX, CORE_QUEUE_MESSAGES_MAX, STATUS_INTERVAL;
        "replica/candidates.rs" candidates: BODIES_PER_SENDER_MAX, PROPOSALS_PER_ROUND_MAX, PROPOSALS_PER_PROPOSER_MAX, PROPOSALS_FAR_PER_PROPOSER_MAX, HEIGHTS_AHEAD_MAX;
        "replica/checkpoints.rs" checkpoints: CHECKPOINTS_KEPT_MAX, CHECKPOINT_INTERVAL_MS;
        "replica/proposals.rs" proposals: ROUNDS_AHEAD_MAX, BLOCK_AGE_MS_MAX;
        "replica/mempool.rs" mempool: MEMPOOL_TRANSACTIONS_MAX, MEMPOOL_BYTES_MAX, MEMPOOL_MEMBER_TRANSACTIONS_MAX;
        "replica/known.rs" known: KNOWN_BYTES_MAX;
        "replica/pending.rs" pending: PENDING_BYTES_MAX;
        "replica/intake.rs" intake: EXECUTE_MAX, PUSH_DELAY, RESEND_TRANSACTIONS_MAX, PUSH_BYTES_MAX;
        "replica/wire.rs" wire: FRAME_BYTES_MAX, PUSH_TRANSACTIONS_MAX, SYNC_BLOCKS_MAX, PEER_ID_BYTES_MAX;
        "replica/sync.rs" sync: BLOCKS_AHEAD_MAX, BYTES_AHEAD_MAX, REQUEST_MS_MAX, PASS_OVER_MS, ONE_BEHIND_MS;
        "replica/serving.rs" serving: SERVE_INTERVAL_MS, SERVE_REQUESTS_MAX, SERVE_BYTES_MAX, SERVE_ANSWER_BYTES_MAX;
        "replica/peers.rs" peers: IDENTITY_INTERVAL_MS;
        "replica/evidence.rs" evidence: WATCH_HEIGHTS_BACK_MAX, WATCH_HEIGHTS_AHEAD_MAX, STATEMENTS_PER_HEIGHT_MAX, EVIDENCE_PER_VALIDATOR_MAX;
        "replica/report.rs" report: REPORT_HEIGHTS_MAX, REPORT_TURN_MS;
        "replica/guard.rs" guard: REASON_CHARS_MAX;
        "vote_log/mod.rs" vote_log: FRAME_BYTES_MAX, ROTATE_BYTES;
        "ingest.rs" ingest: DECODING_MAX, VERIFIED_MAX, VERIFIED_BYTES_MAX, INPUT_BYTES_MAX, SMALL_FRAME_BYTES_MAX, PUSHES_WAITING_MAX, PUSH_FRAME_BYTES_MAX;
        "bootstrap.rs" bootstrap: ANSWER_MAX, CONNECT_MAX, HEIGHTS_MIN, TOLD_EVERY;
        "snapshot_server.rs" snapshot_server: QUESTIONS_MAX, SERVED_BYTES_PER_S;
        "lobby.rs" lobby: PASSES_MAX, PASSES_PER_MEMBER_MAX, PASS_MS_MAX, PETITIONS_MAX, PETITIONS_PER_PEER_MAX;
        "lobby/task.rs" lobby: REQUESTS_MAX;
        "journal.rs" journal: REWRITE_BYTES, JOURNAL_BYTES_MAX, BODY_BYTES_MAX, GROUPS_MAX, EXPIRED_HEIGHTS;
        "run.rs" run: AGAIN_PAUSE, INPUTS_MAX, SUBMISSIONS_MAX, EVENTS_MAX, STOP_GRACE;
        "agenda.rs" agenda: INPUTS_BEFORE_TIMER_MAX, SUBMISSION_TURN, IDLE_WAIT;
        "events/reader.rs" events: EXAMINED_MAX, HEIGHTS_PASSED_MAX;
        "webhooks.rs" webhooks: WEBHOOKS_MAX, DELIVERY_EVENTS_MAX, DELIVERY_TIMEOUT, PAUSE_FIRST, PAUSE_LONGEST;
        "search.rs" search: QUERY_BYTES_MAX, RESULTS_MAX, OFFSET_MAX, FACET_VALUES_MAX;
        "search/touched.rs" search: TOUCHED_MAX;
        "driver.rs" driver: READ_ONLY_WAIT;
        "keeper.rs" keeper: TICK, SIZES_INTERVAL, SCRUB_INTERVAL, SCRUB_DELAY, ARCHIVE_RETRY, STEPS_PER_TICK_MAX, RECLAIM_AFTER;
        "house.rs" house: DAMAGES_MAX;
        "backup.rs" backup: FILES_MAX, MANIFEST_BYTES_MAX, ANSWER_MAX, POLL;
        "storage/mod.rs" storage: PRUNE_CHANGES_MAX, ARCHIVE_FILES_MAX, SCRUB_BYTES_PER_STEP;
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn document() -> String {
    std::fs::read_to_string(root().join("docs/bounds.md")).expect("docs/bounds.md")
}

/// File and constant of each row, and its number.
fn rows(document: &str) -> Vec<(String, String, u128)> {
    let cells = |line: &str| line.split('|').map(|c| c.trim().to_owned()).collect::<Vec<_>>();
    let table = document.split("## Timers").next().expect("a first part");
    table
        .lines()
        .filter(|line| line.starts_with('|') && line.contains(".rs`"))
        .map(|line| {
            let cells = cells(line);
            let number = cells[2].split(' ').next().expect("a number").replace(',', "");
            let text = |cell: &str| cell.trim_matches('`').to_owned();
            (text(&cells[4]), text(&cells[3]), number.parse().expect("a number"))
        })
        .collect()
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a short time")
}

#[test]
fn every_row_says_what_the_constant_is() {
    let constants = constants();
    let rows = rows(&document());
    for (file, name, number) in &rows {
        let constant = constants.get(&(file.as_str(), name.as_str()));
        assert_eq!(constant, Some(number), "{name} in {file}");
    }
    assert_eq!(rows.len(), constants.len(), "each constant has one row");
}

/// Whoever adds a bound to these files is told to write it down.
#[test]
fn every_bound_in_these_files_has_a_row() {
    let rows = rows(&document());
    let written: BTreeSet<_> = rows.iter().map(|(file, name, _)| (file, name)).collect();
    let files: BTreeSet<_> = rows.iter().map(|(file, ..)| file).collect();
    let mut found = 0;
    for file in files {
        let source = std::fs::read_to_string(root().join("node/src").join(file)).expect("source");
        for line in source.lines() {
            let declared = line.trim_start().trim_start_matches("pub ");
            let Some((name, kind)) =
                declared.strip_prefix("const ").and_then(|rest| rest.split_once(": "))
            else {
                continue;
            };
            // The number of a format bounds nothing, nor does a unit.
            if name.ends_with("_VERSION") || name == "MIB" {
                continue;
            }
            let counts = ["usize", "u32", "u64", "i64", "Duration"];
            if counts.iter().any(|k| kind.starts_with(k)) {
                found += 1;
                assert!(written.contains(&(file, &name.to_owned())), "{name} in {file}");
            }
        }
    }
    // The ledger's constants stand in files of its folder, which holds others.
    let ledger = rows.iter().filter(|(file, ..)| file == "storage/mod.rs").count();
    assert_eq!(found + ledger, rows.len());
}

/// The timers of the page are those of a new configuration.
#[test]
fn the_timers_are_those_of_a_new_configuration() {
    let document = document();
    let consensus = Config::new(String::new(), String::new()).consensus;
    let says = |words: String| assert!(document.contains(&words), "{words}");
    let thousands = |n: u64| match n {
        1_000.. => format!("{},{:03}", n / 1_000, n % 1_000),
        _ => n.to_string(),
    };
    for (name, value) in [
        ("propose_timeout_ms", consensus.propose_timeout_ms),
        ("vote_timeout_ms", consensus.vote_timeout_ms),
        ("timeout_delta_ms", consensus.timeout_delta_ms),
        ("timeout_ms_max", consensus.timeout_ms_max),
        ("rebroadcast_ms", consensus.rebroadcast_ms),
        ("block_interval_ms_min", consensus.block_interval_ms_min),
    ] {
        says(format!("`{name}` {} ms", thousands(value)));
    }
    let redial = [p2p::REDIAL_FIRST, p2p::REDIAL_LONGEST].map(millis);
    says(format!("| {} ms | doubles | {} ms |", redial[0], thousands(redial[1])));
    // 10 + 1 + 1 + 2 × 30 s, from the numbers above.
    let cap = consensus.timeout_ms_max;
    let status = millis(core::STATUS_INTERVAL);
    let bound = redial[1] + status + consensus.rebroadcast_ms + 2 * 3 * cap;
    says(format!("= {} s", bound / 1_000));
}
