//! Four departments as four processes: what the product is for, and what it must survive.

#![allow(clippy::unwrap_used)]

use std::process::Command;
use std::time::{Duration, Instant};

use mulu_tests::consortium::{Consortium, DEPARTMENTS, programs};
use serde_json::{Value, json};

const MARKET: usize = 0;
const HEALTH: usize = 1;
const TRANSPORT: usize = 2;
const BUREAU: usize = 3;

const ENTRY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo/entry.json");
const ENTRY_CODE: &str = "307017/demo0001";

/// Publishes the demonstration's entry under a code and name of its own.
fn publish(consortium: &Consortium, number: usize) {
    let mut entry: Value = serde_json::from_slice(&std::fs::read(ENTRY_FILE).unwrap()).unwrap();
    entry["codes"] = json!([format!("307017/test{number:04}")]);
    entry["name"] = json!(format!("测试目录条目 {number}"));
    let file = consortium.dir.join(format!("entry-{number}.json"));
    std::fs::write(&file, entry.to_string()).unwrap();
    let file = file.to_string_lossy().into_owned();
    consortium.mulu_ok(&["--profile", "market-regulation", "entry", "publish", &file]);
}

/// A finalized authorization on the demonstration's entry; returns its id.
fn authorize(consortium: &Consortium) -> String {
    consortium.mulu_ok(&["--profile", "market-regulation", "entry", "publish", ENTRY_FILE]);
    consortium.mulu_ok(&[
        "--profile",
        "health-commission",
        "authorization",
        "request",
        "--entry",
        ENTRY_CODE,
        "--item",
        "name",
        "--item",
        "uscc",
        "--basis",
        "《医疗机构管理条例》",
        "--scenario",
        "执业登记核验",
        "--scope",
        "医政医管处",
        "--method",
        "platform-api",
        "--from",
        "2026-01-01",
        "--to",
        "2028-12-31",
        "--calls",
        "100",
    ]);
    let list = consortium.get(HEALTH, "/v1/authorizations");
    let id = list["items"][0]["value"]["authorization_id"].as_str().unwrap().to_owned();
    consortium.mulu_ok(&["--profile", "market-regulation", "authorization", "agree", &id]);
    let provider = consortium.dir.join("keys/market-regulation-officer.pem");
    let provider = provider.to_string_lossy();
    consortium.mulu_ok(&[
        "--profile",
        "health-commission",
        "authorization",
        "finalize",
        &id,
        "--cosign-key",
        &provider,
    ]);
    id
}

#[test]
fn killed_department_rejoins_equal_and_its_bundle_verifies_offline() {
    let mut consortium = Consortium::started();
    let authorization = authorize(&consortium);
    let record = |calls: &str| {
        consortium.mulu(&[
            "--profile",
            "health-commission",
            "receipt",
            "record",
            &authorization,
            "--kind",
            "used",
            "--calls",
            calls,
        ])
    };
    assert!(record("60").status.success());
    let over = record("60");
    assert_eq!(over.status.code(), Some(5), "over quota is refused by the rules");
    assert!(String::from_utf8_lossy(&over.stderr).contains("RCP-08"));

    // A power cut at one department; three of four go on.
    consortium.kill(TRANSPORT);
    let before = consortium.height(MARKET);
    for number in 0..3 {
        publish(&consortium, number);
    }
    assert!(consortium.height(MARKET) >= before + 3);

    // It comes back with what it had, fetches the rest, and votes again.
    let started = Instant::now();
    consortium.start(TRANSPORT);
    let (height, root) = consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]);
    println!("rejoined at height {height}, state {root}, after {:?}", started.elapsed());
    consortium.kill(MARKET);
    consortium.mulu_ok(&[
        "--profile",
        "transport-bureau",
        "--key",
        &consortium.dir.join("keys/health-commission-officer.pem").to_string_lossy(),
        "--member",
        "11110000MULU00021K",
        "--office",
        "yzyg",
        "authorization",
        "request",
        "--entry",
        ENTRY_CODE,
        "--item",
        "name",
        "--basis",
        "法",
        "--scenario",
        "景",
        "--scope",
        "围",
        "--method",
        "platform-api",
        "--from",
        "2026-01-01",
        "--to",
        "2026-12-31",
    ]);
    consortium.start(MARKET);
    consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]);

    // An auditor asks the department that was away, and then nobody.
    let genesis = consortium.genesis();
    let bundle = consortium.dir.join("entry.bundle");
    let file = bundle.to_string_lossy().into_owned();
    consortium.mulu_ok(&[
        "--profile",
        "transport-bureau",
        "audit",
        "export",
        ENTRY_CODE,
        "--out",
        &file,
        "--genesis",
        &genesis,
    ]);
    for node in 0..DEPARTMENTS.len() {
        assert!(consortium.stop(node).success(), "a node asked to stop ends with status 0");
    }
    let report = consortium.mulu_json(&["audit", "verify", &file, "--genesis", &genesis]);
    assert_eq!(report["verdict"], "VERIFIED", "{report}");
    let bytes = std::fs::read(&bundle).unwrap();
    for part in 1..8 {
        let mut changed = bytes.clone();
        changed[bytes.len() * part / 8] ^= 1;
        std::fs::write(&bundle, &changed).unwrap();
        let verified = consortium.mulu(&["audit", "verify", &file, "--genesis", &genesis]);
        assert!(matches!(verified.status.code(), Some(1 | 2)), "part {part} changed and accepted");
    }
    std::fs::write(&bundle, &bytes).unwrap();
    let other = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let foreign = consortium.mulu(&["audit", "verify", &file, "--genesis", other]);
    assert_eq!(foreign.status.code(), Some(1), "another genesis is a failed verification");
}

#[test]
fn all_departments_restart_at_once_without_executing_again() {
    let mut consortium = Consortium::started();
    for number in 0..3 {
        publish(&consortium, number);
    }
    let (height, root) = consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]);
    for node in 0..DEPARTMENTS.len() {
        consortium.kill(node);
    }
    let started = Instant::now();
    for node in 0..DEPARTMENTS.len() {
        consortium.start(node);
    }
    consortium.wait_ready();
    assert!(started.elapsed() < Duration::from_secs(20), "restart took {:?}", started.elapsed());
    assert_eq!(consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]), (height, root));
    publish(&consortium, 10);
    assert!(consortium.height(MARKET) > height);
}

#[test]
fn a_shell_with_openssl_and_curl_signs_a_transaction() {
    let consortium = Consortium::started();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo/submit.sh");
    let output = Command::new("bash")
        .arg(script)
        .arg(consortium.url(MARKET))
        .arg(consortium.dir.join("keys/market-regulation-officer.pem"))
        .arg(ENTRY_FILE)
        .output()
        .expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("\"accepted\""), "{printed}");
    consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]);
    let entries = consortium.get(BUREAU, "/v1/entries");
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(1));
}

fn post(consortium: &Consortium, body: &[u8]) -> (u16, Value) {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().http_status_as_error(false).build(),
    );
    let mut answer = agent
        .post(format!("{}/v1/transactions?wait=committed", consortium.url(MARKET)))
        .header("content-type", "application/json")
        .send(body)
        .expect("the node answers");
    (answer.status().as_u16(), answer.body_mut().read_json().expect("every answer is JSON"))
}

#[test]
fn bad_transactions_get_a_rule_and_what_to_do() {
    use mulu_chain::signature::SigningKey;
    use mulu_chain::transaction::Envelope;
    let consortium = Consortium::started();
    let stranger = SigningKey::from_seed(&[9; 32]);
    let payload = |change: &dyn Fn(&mut Value)| {
        let mut payload = json!({
            "schema_version": 1, "chain_id": "mulu-devnet",
            "submitter": {"member": "11110000MULU00013Q", "office": "11110000MULU00013Q:djzc"},
            "valid_until": 1000,
            "actions": [{"type": "entry.withdraw",
                "entry_id": format!("sha256:{}", "1".repeat(64)),
                "prev": format!("sha256:{}", "2".repeat(64)), "reason": "目录调整"}],
        });
        change(&mut payload);
        payload.to_string().into_bytes()
    };
    let sign = |payload: Vec<u8>| {
        Envelope::sign(payload, &[&stranger]).unwrap().to_json().to_string().into_bytes()
    };
    let mut mis_signed: Value = serde_json::from_slice(&sign(payload(&|_| {}))).unwrap();
    mis_signed["signatures"][0]["sig"] = json!(format!("{}==", "A".repeat(86)));
    let float = String::from_utf8(payload(&|_| {})).unwrap().replace("1000", "1000.5").into_bytes();
    let twice = String::from_utf8(payload(&|_| {}))
        .unwrap()
        .replacen("{", "{\"schema_version\":1,", 1)
        .into_bytes();
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("not JSON", b"{".to_vec(), "TX-01"),
        (
            "another payload type",
            br#"{"payloadType":"text/plain","payload":"","signatures":[]}"#.to_vec(),
            "TX-03",
        ),
        ("mis-signed", mis_signed.to_string().into_bytes(), "TX-05"),
        ("a float", sign(float), "JSN-04"),
        ("a key twice", sign(twice), "JSN-03"),
        ("an unknown field", sign(payload(&|p| p["extra"] = json!(1))), "TX-06"),
        (
            "an unknown action",
            sign(payload(&|p| p["actions"][0]["type"] = json!("entry.erase"))),
            "TX-06",
        ),
        (
            "an object as an array",
            sign(payload(&|p| p["submitter"] = json!(["11110000MULU00013Q", "x"]))),
            "TX-06",
        ),
        ("another chain", sign(payload(&|p| p["chain_id"] = json!("mulu-other"))), "TX-07"),
        ("expired", sign(payload(&|p| p["valid_until"] = json!(0))), "TX-10"),
        ("an unknown key", sign(payload(&|_| {})), "KEY-01"),
    ];
    for (what, body, rule) in rows {
        let (status, problem) = post(&consortium, &body);
        assert!((400..500).contains(&status), "{what}: {status} {problem}");
        assert_eq!(problem["code"], rule, "{what}: {problem}");
        assert!(problem["help"].as_str().is_some_and(|h| h.len() > 10), "{what}: {problem}");
    }

    // A replayed transaction returns its first result, from any node.
    publish(&consortium, 1);
    let history = consortium.get(MARKET, "/v1/blocks/latest");
    let id = history["transactions"][0]["id"].as_str().unwrap().to_owned();
    let first = consortium.get(MARKET, &format!("/v1/transactions/{id}"));
    let envelope = first["envelope"].to_string();
    let (status, again) = post(&consortium, envelope.as_bytes());
    assert_eq!(status, 200, "{again}");
    assert_eq!(again["height"], first["height"]);
    assert_eq!(again["outcome"], first["outcome"]);

    // A revoked key is refused from the next block on.
    let officer = consortium.mulu_ok(&[
        "key",
        "show",
        &consortium.dir.join("keys/market-regulation-officer.pem").to_string_lossy(),
    ]);
    let officer =
        officer.split_whitespace().find(|w| w.starts_with("ed25519:")).unwrap().to_owned();
    consortium.mulu_ok(&[
        "--profile",
        "market-regulation-administrator",
        "key",
        "revoke",
        &officer,
        "--reason",
        "人员调离",
        "--yes",
    ]);
    let refused =
        consortium.mulu(&["--profile", "market-regulation", "entry", "publish", ENTRY_FILE]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("KEY-02"));
}

/// Starts a node that must refuse to run, and returns what it said.
fn refuses_to_start(home: &std::path::Path) -> String {
    let output = Command::new(programs().join("mulud"))
        .args(["start", "--home"])
        .arg(home)
        .env("MULU_LANG", "en")
        .output()
        .expect("mulud runs");
    assert!(!output.status.success(), "{} started", home.display());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn operator_mistakes_are_refused_in_one_sentence() {
    let mut consortium = Consortium::started();
    publish(&consortium, 0);
    consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]);
    let home = consortium.home(TRANSPORT);

    // The folder is in use.
    let said = refuses_to_start(&home);
    assert!(said.contains("another mulud"), "{said}");
    assert!(consortium.stop(TRANSPORT).success());

    // The port is taken.
    let config = std::fs::read_to_string(home.join("config.toml")).unwrap();
    let taken = consortium.url(MARKET).replace("http://", "");
    let own = consortium.url(TRANSPORT).replace("http://", "");
    std::fs::write(home.join("config.toml"), config.replace(&own, &taken)).unwrap();
    let said = refuses_to_start(&home);
    assert!(said.contains(&taken) && said.contains("config.toml"), "{said}");

    // A misspelt setting names file, line and fix.
    std::fs::write(home.join("config.toml"), config.replace("moniker", "monicker")).unwrap();
    let said = refuses_to_start(&home);
    assert!(said.contains("config.toml:") && said.contains("monicker"), "{said}");
    std::fs::write(home.join("config.toml"), &config).unwrap();

    // A garbled founding document names file, line and column.
    let genesis = std::fs::read_to_string(home.join("genesis.toml")).unwrap();
    std::fs::write(home.join("genesis.toml"), genesis.replacen("[[member]]", "[[membre]]", 1))
        .unwrap();
    let said = refuses_to_start(&home);
    assert!(said.contains("genesis.toml:") && said.contains("membre"), "{said}");

    // Another consortium's founding document, on this one's data.
    std::fs::write(home.join("genesis.toml"), genesis.replace("mulu-devnet", "mulu-other"))
        .unwrap();
    let said = refuses_to_start(&home);
    assert!(said.contains("another chain"), "{said}");
    std::fs::write(home.join("genesis.toml"), &genesis).unwrap();

    // The key is missing, or open to everyone.
    std::fs::rename(home.join("keys/node.pem"), home.join("keys/away.pem")).unwrap();
    let said = refuses_to_start(&home);
    assert!(said.contains("node.pem"), "{said}");
    std::fs::rename(home.join("keys/away.pem"), home.join("keys/node.pem")).unwrap();

    // With everything in place it starts again, and stands where the others stand.
    consortium.start(TRANSPORT);
    consortium.wait_ready();
    consortium.wait_equal(&[MARKET, HEALTH, TRANSPORT, BUREAU]);
}
