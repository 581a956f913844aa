//! The reports against a running consortium: each finds what is there, and nothing once it is
//! mended.

#![allow(clippy::unwrap_used)]

use mulu_tests::consortium::Consortium;
use serde_json::{Value, json};

const ENTRY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo/entry.json");
const ENTRY_CODE: &str = "307017/demo0001";
const MARKET: &str = "11110000MULU00013Q";
const HEALTH: &str = "11110000MULU00021K";
/// What an empty file has as SHA-256, and another digest.
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const OTHER: &str = "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

struct World(Consortium);

impl World {
    /// `mulu` as one of the profiles, its arguments separated by blanks.
    fn run(&self, profile: &str, arguments: &str) -> String {
        let mut all = vec!["--yes", "--profile", profile];
        all.extend(arguments.split(' '));
        let said = self.0.mulu_ok(&all);
        // Whoever acts next asks another node.
        self.0.wait_equal(&[0, 1, 2, 3]);
        said
    }

    fn items(&self, report: &str) -> Vec<Value> {
        let answer = self.0.mulu_json(&["--profile", "auditor", "report", report]);
        let items = answer["items"].as_array().unwrap().clone();
        assert_eq!(answer["count"], items.len(), "{report}");
        items
    }

    /// The one finding of a report, as key, word and member.
    fn only(&self, report: &str) -> (String, String, String) {
        let items = self.items(report);
        let [item] = items.as_slice() else { panic!("{report}: {items:#?}") };
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        (text("key"), text("what"), text("member"))
    }

    fn found(&self, report: &str, key: &str, what: &str, member: &str) {
        let wanted = (key.to_owned(), what.to_owned(), member.to_owned());
        assert_eq!(self.only(report), wanted, "{report}");
    }

    fn nothing(&self, report: &str) {
        assert_eq!(self.items(report), Vec::<Value>::new(), "{report}");
    }

    /// A finalized grant on the entry, with these options; returns its id.
    fn grant(&self, options: &str) -> String {
        let known: Vec<String> = self.ids();
        self.run(
            "health-commission",
            &format!(
                "authorization request --entry {ENTRY_CODE} --item name --basis 法 --scenario 核验 \
                 --scope 处 --method platform-api {options}"
            ),
        );
        let id = self.ids().into_iter().find(|id| !known.contains(id)).unwrap();
        self.run("market-regulation", &format!("authorization agree {id}"));
        let key = self.0.dir.join("keys/market-regulation-officer.pem");
        let key = key.display();
        self.run("health-commission", &format!("authorization finalize {id} --cosign-key {key}"));
        id
    }

    fn ids(&self) -> Vec<String> {
        let list = self.0.get(0, "/v1/authorizations");
        let items = list["items"].as_array().unwrap();
        items.iter().map(|i| i["value"]["authorization_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Records a receipt; returns its id.
    fn receipt(&self, profile: &str, grant: &str, options: &str) -> String {
        self.run(profile, &format!("receipt record {grant} {options}"));
        let list = self.0.get(0, &format!("/v1/receipts?authorization_id={grant}"));
        let items = list["items"].as_array().unwrap();
        let last = items.iter().max_by_key(|i| i["value"]["recorded_at_height"].as_u64()).unwrap();
        last["value"]["receipt_id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn every_report_finds_what_is_there_and_nothing_once_it_is_mended() {
    let world = World(Consortium::started());
    let (provider, consumer) = ("market-regulation", "health-commission");

    // The catalog: 14 duties and 10 systems, of which one entry names one each.
    assert_eq!(world.items("duties-without-data").len(), 14);
    assert_eq!(world.items("systems-without-entries").len(), 10);
    world.run(provider, &format!("entry publish {ENTRY_FILE}"));
    let named = |items: &[Value], key: String| items.iter().any(|item| item["key"] == key);
    let duties = world.items("duties-without-data");
    assert_eq!(duties.len(), 13);
    assert!(!named(&duties, format!("duty/{MARKET}:dj-001")));
    assert!(named(&duties, format!("duty/{HEALTH}:fy-001")));
    let systems = world.items("systems-without-entries");
    assert_eq!(systems.len(), 9);
    assert!(!named(&systems, format!("system/{MARKET}:sys-dj")));

    // Grants: unused until something is counted; one that is not yet in force is not unused.
    world.nothing("unused-grants");
    world.grant("--from 2090-01-01 --to 2091-12-31");
    world.nothing("unused-grants");
    let grant = world.grant("--from 2026-01-01 --to 2028-12-31 --delete-by 2026-02-01");
    world.found("unused-grants", &format!("authorization/{grant}"), "active", HEALTH);

    // A delivery waits for its consumer; a correction of it does, too.
    let delivered = |options: &str| {
        let options = format!("--kind delivered --calls 3 --digest {options}");
        world.receipt(provider, &grant, &options)
    };
    let first = delivered(DIGEST);
    world.nothing("unused-grants");
    world.found("unmatched-deliveries", &format!("receipt/{first}"), "unconfirmed", HEALTH);
    let second = delivered(&format!("{DIGEST} --corrects {first}"));
    world.found("unmatched-deliveries", &format!("receipt/{second}"), "unconfirmed", HEALTH);

    // Received with another digest; then the provider corrects what it had said, twice.
    world.nothing("overdue-obligations");
    let options = format!("--kind received --calls 3 --digest {OTHER} --answers {second}");
    let received = world.receipt(consumer, &grant, &options);
    world.nothing("unmatched-deliveries");
    world.found("mismatches", &format!("receipt/{received}"), "mismatch", HEALTH);
    let third = delivered(&format!("{DIGEST} --corrects {second}"));
    world.found("mismatches", &format!("receipt/{received}"), "mismatch", HEALTH);
    delivered(&format!("{OTHER} --corrects {third}"));
    world.nothing("mismatches");
    world.nothing("unmatched-deliveries");

    // What was received should be gone since February; one deletion of two is not enough.
    let overdue = |word| {
        world.found("overdue-obligations", &format!("authorization/{grant}"), word, HEALTH);
    };
    overdue("delete-overdue");
    let options = format!("--kind received --calls 1 --digest {OTHER}");
    world.receipt(consumer, &grant, &options);
    world.receipt(consumer, &grant, &format!("--kind deleted --answers {received}"));
    overdue("delete-overdue");
    world.receipt(consumer, &grant, "--kind deleted");
    world.nothing("overdue-obligations");

    // Reports of use, due a millisecond after both had signed and every hundred years from then on.
    let reporting = world.grant("--from 2026-01-01 --to 2028-12-31 --report-every 1");
    let rarely = world.grant("--from 2026-01-01 --to 2028-12-31 --report-every 3000000000000");
    let late = format!("authorization/{reporting}");
    world.found("overdue-obligations", &late, "report-overdue", HEALTH);
    world.run(consumer, &format!("authorization relinquish {reporting}"));
    world.run(consumer, &format!("authorization relinquish {rarely}"));
    world.nothing("overdue-obligations");

    // A duty ends: its entry is due, and is no longer once it rests on another.
    world.nothing("rebind-due");
    let out = world.0.dir.join("abolish.json");
    let out = out.display();
    let duty = format!("{MARKET}:dj-001");
    world.run(
        "market-regulation-administrator",
        &format!("duty abolish {duty} --basis 机构改革方案 --out {out}"),
    );
    world.run("data-bureau-authority", &format!("tx sign {out}"));
    world.run("market-regulation-administrator", &format!("tx submit {out}"));
    let (key, what, member) = world.only("rebind-due");
    assert_eq!((what.as_str(), member.as_str()), ("duty-abolished", MARKET));
    looks(&world, &key);
    let mut entry: Value = serde_json::from_slice(&std::fs::read(ENTRY_FILE).unwrap()).unwrap();
    entry["responsibilities"] = json!([format!("{MARKET}:xy-001")]);
    let revised = world.0.dir.join("revised.json");
    std::fs::write(&revised, entry.to_string()).unwrap();
    world.run(provider, &format!("entry revise {ENTRY_CODE} {}", revised.display()));
    world.nothing("rebind-due");
    // No calendar is announced, so nothing has a deadline.
    world.nothing("overdue");
}

/// What people see: a table with names in the language asked for, and only what concerns them.
fn looks(world: &World, key: &str) {
    let report = |more: &str| world.run("auditor", &format!("report rebind-due {more}"));
    let english = report("--of 11110000MULU00013Q");
    let lines: Vec<&str> = english.lines().collect();
    let [header, row] = lines.as_slice() else { panic!("{english}") };
    assert!(header.starts_with("RECORD"), "{english}");
    assert!(row.starts_with(&key[..24]), "{english}");
    assert!(row.contains("经营主体基本登记信息") && row.contains("市场监督管理局"), "{english}");
    assert!(row.ends_with("its duty 11110000MULU00013Q:dj-001 was abolished"), "{english}");
    let chinese = report("--lang zh");
    assert!(chinese.starts_with("记录") && chinese.trim_end().ends_with("已废止"), "{chinese}");
    assert_eq!(report("--of 11110000MULU00021K"), "", "it concerns nobody else");
}
