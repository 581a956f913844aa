//! The deterministic crates are pure: their dependency trees hold nothing that touches the world.

#![allow(clippy::unwrap_used)]

use std::process::Command;

const FORBIDDEN: [&str; 14] = [
    "tokio",
    "libp2p",
    "rocksdb",
    "mio",
    "tracing",
    "rand",
    "getrandom",
    "socket2",
    "axum",
    "hyper",
    "chrono",
    "time",
    "log",
    "crossbeam-channel",
];

fn tree(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none", "-p", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn deterministic_crates_touch_nothing_of_the_world() {
    for package in ["mulu-chain", "mulu-contracts", "mulu-genesis"] {
        let tree = tree(package);
        assert!(tree.iter().any(|name| name == package));
        let found: Vec<_> = tree.iter().filter(|n| FORBIDDEN.contains(&n.as_str())).collect();
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

#[test]
fn the_command_line_builds_without_node_rocksdb_and_libp2p() {
    let tree = tree("mulu-cli");
    for name in ["mulu-node", "rocksdb", "libp2p", "tokio"] {
        assert!(!tree.iter().any(|n| n == name), "mulu-cli depends on {name}");
    }
}

#[test]
fn deterministic_sources_name_no_clock_float_or_hash_map() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = 0;
    for package in ["chain", "contracts", "genesis"] {
        let mut folders = vec![root.join(package).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("sources are readable") {
                let path = entry.expect("sources are readable").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs")
                    && path.file_name().is_some_and(|n| n != "tests.rs")
                {
                    files += 1;
                    check_source(&path);
                }
            }
        }
    }
    assert!(files > 20, "only {files} sources found");
}

fn check_source(path: &std::path::Path) {
    let text = std::fs::read_to_string(path).expect("sources are readable");
    let words =
        ["HashMap", "HashSet", "SystemTime", "Instant", "f32", "f64", "std::net", "std::fs"];
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        for word in words {
            let found = code.match_indices(word).any(|(at, _)| {
                let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                edge(code[..at].chars().next_back()) && edge(code[at + word.len()..].chars().next())
            });
            assert!(!found, "{}:{}: {word}", path.display(), number + 1);
        }
    }
}
