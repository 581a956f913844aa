//! The operator's manual, the alert rules and the dashboard are true of a real node: every command of
//! `docs/operate.md` is run, every metric that a rule or a panel names is exported.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use mulu_tests::consortium::{Consortium, programs};
use mulu_tests::processes::floor::floor_drill;

/// The node the manual is about.
const NODE: usize = 3;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The lines of a document's `sh` blocks.
fn commands(document: &str) -> String {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let mut inside = false;
    let mut lines = String::new();
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => lines.extend([line, "\n"]),
            _ => {}
        }
    }
    lines
}

/// `systemctl`, as far as the manual uses it, for one node whose process id is in a file.
const SYSTEMCTL: &str = r#"#!/bin/sh
set -eu
stop() {
  pid=$(cat "$NODE_PID"); kill "$pid"
  n=0; while kill -0 "$pid" 2>/dev/null; do n=$((n + 1)); [ $n -lt 300 ] || exit 1; sleep 0.1; done
}
start() { nohup mulud start --home "$NODE_HOME" >>"$NODE_LOG" 2>&1 </dev/null & echo $! >"$NODE_PID"; }
case "$1" in stop) stop;; start) start;; restart) stop; start;; esac
"#;

#[test]
fn every_command_of_the_manual_runs_against_a_real_node() {
    let english = commands("docs/operate.md");
    assert_eq!(english, commands("docs/operate.zh.md"), "both languages give the same commands");
    let mut consortium = Consortium::started();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("bin")).unwrap();
    fs::create_dir_all(path("new")).unwrap();
    fs::write(path("bin/systemctl"), SYSTEMCTL).unwrap();
    fs::set_permissions(path("bin/systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    // The node goes over to the script: from now on it is stopped and started by process id.
    consortium.stop(NODE);
    let home = consortium.home(NODE);
    let script = english
        .replace("/var/lib/mulu", &home.to_string_lossy())
        .replace("/srv/new", &path("new").to_string_lossy())
        .replace("/srv/backup", &path("backup").to_string_lossy())
        .replace("http://127.0.0.1:26701", &consortium.url(NODE));
    let ready = format!("until curl -fsS {}/readyz; do sleep 0.2; done", consortium.url(NODE));
    let script = format!("set -eux\nsystemctl start mulud\n{ready}\n{script}");
    let search = format!(
        "{}:{}:{}",
        path("bin").display(),
        programs().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("timeout")
        .args(["100", "sh", "-c", &script])
        .env("PATH", search)
        .env("NODE_HOME", &home)
        .env("NODE_PID", path("pid"))
        .env("NODE_LOG", consortium.log_path(NODE))
        .env("MULU_PROFILES", consortium.dir.join("profiles.toml"))
        .env("MULU_PROFILE", "data-bureau")
        .env("MULU_LANG", "en")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let stop = || {
        let pid = fs::read_to_string(path("pid")).unwrap_or_default();
        drop(Command::new("kill").arg(pid.trim()).status());
    };
    if !output.status.success() {
        stop();
        panic!("{}\n{said}\n{}", output.status, consortium.log(NODE));
    }
    assert!(said.contains("backup is whole") && said.contains("restored from"), "{said}");
    assert!(said.contains(", 0 damaged"), "{said}");
    // The restored validator had no vote log: it abstained, and the log says why.
    let log = consortium.log(NODE);
    assert!(log.contains("the vote log is in doubt"), "{log}");
    let metrics = exported(&consortium);
    stop();

    let rules = fs::read_to_string(root().join("docker/alerts.yml")).unwrap();
    let dashboard = fs::read_to_string(root().join("docker/grafana/dashboards/mulu.json")).unwrap();
    let named: BTreeSet<String> = metric_names(&rules).chain(metric_names(&dashboard)).collect();
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named.difference(&metrics).collect();
    assert!(missing.is_empty(), "named but not exported: {missing:?}\n{metrics:?}");
}

/// The names of the samples on a node's page, by help and type lines, so that families without a
/// sample yet count too.
fn exported(consortium: &Consortium) -> BTreeSet<String> {
    let url = format!("{}/metrics", consortium.url(0));
    let page = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
    let mut names = BTreeSet::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        match kind {
            "counter" => drop(names.insert(format!("{name}_total"))),
            "histogram" => names.extend(["bucket", "sum", "count"].map(|s| format!("{name}_{s}"))),
            _ => drop(names.insert(name.to_owned())),
        }
    }
    names
}

/// Words of a text that begin with `mulu_`.
fn metric_names(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("mulu_"))
        .map(str::to_owned)
}

#[test]
fn a_nearly_full_disk_makes_a_node_read_only_and_room_brings_it_back() {
    match floor_drill() {
        Ok(None) => {}
        Ok(Some(why)) => println!("NOT RUN: {why}"),
        Err(words) => panic!("{words}"),
    }
}
