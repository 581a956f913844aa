//! Applications in other languages: the Python package and the page for any language, against the
//! golden vectors and a running consortium. Where Python or its `cryptography` is missing, the test
//! says so and counts as skipped.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mulu_tests::consortium::{Consortium, programs};

const MARKET: usize = 0;
const HEALTH: usize = 1;
const HEALTH_MEMBER: &str = "11110000MULU00021K";
const ENTRY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo/entry.json");

/// A virtual environment with the packages may be named.
fn interpreter() -> std::ffi::OsString {
    std::env::var_os("MULU_PYTHON").unwrap_or_else(|| "python3".into())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The SDK's interpreter, or none and a line that says what is missing.
fn python(needs: &str) -> Option<Command> {
    let missing = !Command::new(interpreter())
        .args(["-c", &format!("import {needs}")])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if missing {
        eprintln!("SKIPPED: python3 with {needs} is not installed");
        return None;
    }
    let mut command = Command::new(interpreter());
    command.env("PYTHONPATH", root().join("sdk/python/src")).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

fn succeed(output: &Output, what: &str) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}\n{erred}");
    said
}

#[test]
fn the_python_package_reads_the_golden_vectors() {
    let Some(mut python) = python("cryptography") else { return };
    let output = python
        .args(["-m", "unittest", "discover", "-s", "sdk/python/tests", "-p", "test_vectors.py"])
        .current_dir(root())
        .output()
        .unwrap();
    succeed(&output, "the vectors");
}

/// Runs the shell blocks of the page as one script.
fn run_page(consortium: &Consortium) {
    let page = std::fs::read_to_string(root().join("docs/submit-from-any-language.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 5);
    let script = format!("set -euo pipefail\n{}", blocks.concat());
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("NODE", consortium.url(HEALTH))
        .env("KEY", consortium.dir.join("keys/health-commission-officer.pem"))
        .env("MEMBER", HEALTH_MEMBER)
        .env("OFFICE", format!("{HEALTH_MEMBER}:yzyg"))
        .output()
        .unwrap();
    succeed(&output, "the page");
    let answer = std::fs::read_to_string(folder.path().join("answer")).unwrap();
    assert!(answer.contains("\"AUT-01\"") && answer.contains("\"help\""), "{answer}");
    let later = std::fs::read_to_string(folder.path().join("later")).unwrap();
    assert!(later.contains("not_found"), "a refused transaction is in no block: {later}");
}

/// Events of the ordinary OpenLineage client become one receipt of the mapped grant.
fn lineage(consortium: &Consortium, grant: &str) {
    let Some(mut job) = python("openlineage.client") else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (mapping, queue) = (consortium.dir.join("lineage.toml"), consortium.dir.join("lineage"));
    let text = format!(
        "[[grant]]\nauthorization = \"{grant}\"\ninput_name = \"public.enterprises\"\njob = \"nightly-*\"\n"
    );
    std::fs::write(&mapping, text).unwrap();
    let (mapping, queue) = (mapping.to_string_lossy(), queue.to_string_lossy());
    let profile = ["--profile", "health-commission-application"];
    let listen = format!("127.0.0.1:{port}");
    let mut serving = Command::new(programs().join("mulu"))
        .args(["--profiles", &consortium.dir.join("profiles.toml").to_string_lossy()])
        .args(profile)
        .args(["lineage", "serve", "--listen", &listen, "--mapping", &mapping, "--queue", &queue])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(&listen).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = job
        .arg(root().join("sdk/python/examples/lineage_job.py"))
        .env("OPENLINEAGE_URL", format!("http://{listen}"))
        .output();
    serving.kill().unwrap();
    serving.wait().unwrap();
    succeed(&output.unwrap(), "the ordinary client");
    let arguments = [&profile[..], &["lineage", "file", "--mapping", &mapping, "--queue", &queue]];
    let filed = consortium.mulu_json(&arguments.concat());
    assert_eq!(filed, serde_json::json!({ "recorded": 1, "refused": 0 }));
    let record = consortium.get(HEALTH, &format!("/v1/records/authorization/{grant}"));
    let used = &record["value"]["totals"]["used"];
    // 42 calls and records of the example before; each run counts once, whatever its events.
    assert_eq!(
        (&used["calls"], &used["records"], &used["bytes"]),
        (&44.into(), &242.into(), &6400.into()),
        "{used}"
    );
}

#[test]
fn applications_in_other_languages_work_against_a_consortium() {
    let consortium = Consortium::started();
    consortium.mulu_ok(&["--profile", "market-regulation", "entry", "publish", ENTRY_FILE]);
    run_page(&consortium);

    let Some(mut example) = python("cryptography") else { return };
    let officer = consortium.dir.join("keys/health-commission-officer.pem");
    let mut child = example
        .arg(root().join("sdk/python/examples/grant_and_receipts.py"))
        .env("MULU_NODE", consortium.url(HEALTH))
        .env("MULU_KEY", &officer)
        .env("MULU_PROVIDER_KEY", consortium.dir.join("keys/market-regulation-officer.pem"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The provider answers what the application asks.
    let until = Instant::now() + Duration::from_secs(60);
    let id = loop {
        let list = consortium.get(MARKET, "/v1/authorizations");
        if let Some(id) = list["items"][0]["value"]["authorization_id"].as_str() {
            break id.to_owned();
        }
        if Instant::now() >= until || child.try_wait().unwrap().is_some() {
            succeed(&child.wait_with_output().unwrap(), "the example asked nothing");
            panic!("the example asked nothing");
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    consortium.mulu_ok(&["--profile", "market-regulation", "authorization", "agree", &id]);
    let said = succeed(&child.wait_with_output().unwrap(), "the example");
    assert!(said.contains("'calls': 42"), "{said}");

    let output = python("cryptography")
        .unwrap()
        .args(["-m", "unittest", "discover", "-s", "sdk/python/tests", "-p", "test_node.py"])
        .current_dir(root())
        .env("MULU_NODE", consortium.url(MARKET))
        .env("MULU_KEY", &officer)
        .env("MULU_MEMBER", HEALTH_MEMBER)
        .env("MULU_OFFICE", "yzyg")
        .output()
        .unwrap();
    succeed(&output, "the package against a node");

    lineage(&consortium, &id);

    // The same through the command line: everything that concerned the authorization, in order.
    let events =
        consortium.mulu_ok(&["--profile", "health-commission", "events", "--authorization", &id]);
    let kinds: Vec<&str> = ["request", "agree", "finalize", "receipt.record"].to_vec();
    let places: Vec<_> = kinds.iter().map(|kind| events.find(kind).unwrap_or(usize::MAX)).collect();
    assert!(places.is_sorted() && *places.last().unwrap() != usize::MAX, "{events}");
    // Requested, agreed, finalized, and a version for each receipt.
    let versions = consortium.mulu_json(&["--profile", "health-commission", "versions", &id]);
    assert!(versions["items"].as_array().unwrap().len() >= 5, "{versions}");
    let diff = consortium.mulu_json(&["--profile", "health-commission", "diff", &id]);
    assert_eq!(
        diff["changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["path"] == "/totals/used/calls")
            .count(),
        1,
        "{diff}"
    );
}
