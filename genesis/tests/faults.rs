//! Every class of fault is told at its place, with the rule and a way to mend it; and every fault
//! of a document is told, not only the first.

use mulu_genesis::{FAULTS_MAX, Fault, FoundingInvalid};

const MINIMAL: &str = include_str!("data/minimal.toml");

fn faults_of(text: &str) -> FoundingInvalid {
    mulu_genesis::parse(text, "genesis.toml").expect_err("the document has a fault")
}

/// Replaces the first `from` by `to` and expects exactly one fault, at the first `place` after the
/// change's line begins, whose message contains `message`.
fn check([from, to, place, message]: [&str; 4]) {
    assert!(MINIMAL.contains(from), "{from:?} is not in the document");
    let text = MINIMAL.replacen(from, to, 1);
    let invalid = faults_of(&text);
    let [fault] = invalid.faults.as_slice() else { panic!("{to:?}: one fault\n{invalid}") };
    assert!(fault.message.contains(message), "{to:?}: {message:?}\n{invalid}");
    assert!(!fault.help.is_empty() && !fault.help_zh.is_empty(), "{invalid}");
    let line = text.lines().nth(fault.line - 1).unwrap_or_default();
    let at_fault: String = line.chars().skip(fault.column - 1).collect();
    assert!(at_fault.starts_with(place), "{to:?}: expected {place:?}\n{invalid}");
    // The shown line and the caret agree with line and column.
    let shown: String = fault.source_line.chars().skip(fault.caret_offset).collect();
    assert!(shown.starts_with(place), "{to:?}\n{invalid}");
}

const ADMINISTRATOR: &str = "466627d52773c9d5cda6c8fd28ea31ec7b94e68aa8d42e2ad31a75dc8d24ed07";
const PEER: &str = "12D3KooWNMLWt6k12idUdnSNcfxsa2ZFFj1NL5Ro9koDmgVFDkxt";

#[test]
fn syntax_and_shape() {
    for row in [
        // Not TOML.
        ["name = \"大数据局\"", "name = \"大数据局", "", "not TOML"],
        ["time = ", "time ", "", "not TOML"],
        ["chain_id = \"mulu-test\"", "chain_id = \"a\"\nchain_id = \"b\"", "chain_id", "not TOML"],
        // Unknown, missing, wrong type.
        ["name_en =", "nane_en =", "nane_en", "no field `nane_en`"],
        ["[params]\n", "[params]\nquorum = 1\n", "quorum", "`params` has no field `quorum`"],
        ["[[office]]", "[[ofice]]", "ofice", "the document has no field `ofice`"],
        [
            "region = \"110000\"\nroles = [\"provider\", \"c",
            "roles = [\"provider\", \"c",
            "[[member]]",
            "lacks the field `region`",
        ],
        ["title = \"政务数据共享条例\", ", "", "{ kind", "lacks the field `title`"],
        ["chain_id = \"mulu-test\"\n", "", "", "the document lacks the field `chain_id`"],
        ["power = 1", "power = \"1\"", "\"1\"", "must be a whole number, found string"],
        ["power = 1", "power = 1.5", "1.5", "must be a whole number, found float"],
        ["power = 1", "power = -1", "-1", "from 0 to"],
        ["power = 1", "power = 99999999999999999999", "9999", "from 0 to 9007199254740991"],
        ["protection_level = 3", "protection_level = 256", "256", "from 0 to 255"],
        ["name = \"大数据局\"", "name = 1", "1", "must be text in quotes, found integer"],
        ["roles = [\"authority\"]", "roles = \"authority\"", "\"authority\"", "an array of texts"],
        ["roles = [\"authority\"]", "roles = [1, \"authority\"]", "1", "text in quotes"],
        ["[params]\nauthority_threshold = 1", "params = 1", "1", "must be a table"],
        ["nodes = [{ peer_id = ", "nodes = [1, { peer_id = ", "1", "must be a table"],
        ["time = \"2026-01-01T00:00:00Z\"", "time = 2026", "2026", "must be a date or time"],
    ] {
        check(row);
    }
}

#[test]
fn texts_and_forms() {
    for row in [
        ["大数据局", " 大数据局", "\" 大", "JSN-12"],
        ["大数据局", "大数据\\u0007局", "\"大", "JSN-06"],
        ["大数据局", "大\u{202E}数据局", "\"大", "JSN-07"],
        ["Data Bureau", "Bureau de donne\u{301}es", "\"Bureau", "JSN-08"],
        ["mulu-test", "Mulu Test", "\"Mulu", "not a chain id"],
        ["2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "\"2026-02-30", "not a time in UTC"],
        ["\"2026-01-01T00:00:00Z\"", "2026-01-01", "2026-01-01", "not a time in UTC"],
        ["ed25519:4666", "ed25519:466", "\"ed25519:466", "SIG-01"],
        ["ed25519:4666", "sha256:4666", "\"sha256", "SIG-01"],
        [
            ADMINISTRATOR,
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "\"ed25519",
            "SIG-02",
        ],
        [PEER, "12D3KooW", "\"12D3KooW\"", "peer id is 52 characters"],
        [PEER, "12D3KooWNMLWt6k12idUdnSNcfxsa2ZFFj1NL5Ro9koDmgVFDkx0", "\"12D3", "base58"],
        [
            "[\"authority\"]",
            "[\"autority\"]",
            "\"autority\"",
            "unknown variant `autority`, expected one of",
        ],
        ["\"running\"", "\"online\"", "\"online\"", "unknown variant `online`"],
        ["kind = \"regulation\"", "kind = \"decree\"", "\"decree\"", "unknown variant `decree`"],
        ["category = \"other\"", "category = \"none\"", "\"none\"", "unknown variant `none`"],
        ["comment = \"目录条目\"", "columns_hash = \"md5:0\"", "\"md5", "not a digest"],
    ] {
        check(row);
    }
}

#[test]
fn rules_of_single_records() {
    for row in [
        [
            "uscc = \"11110000MULU00013Q\"",
            "uscc = \"11110000MULU00013R\"",
            "\"11110000MULU00013R\"",
            "MEM-04",
        ],
        [
            "uscc = \"11110000MULU00013Q\"",
            "uscc = \"11110000mulu00013q\"",
            "\"11110000mulu",
            "MEM-03",
        ],
        ["region = \"110000\"", "region = \"Beijing\"", "\"Beijing\"", "FLD-07"],
        ["roles = [\"provider\", \"consumer\"]", "roles = []", "[]", "MEM-06"],
        ["code = \"catalog\"", "code = \"Catalog\"", "\"Catalog\"", "FLD-04"],
        ["name = \"目录管理处\"", "name = \"\"", "\"\"", "FLD-01"],
        [
            "effective_from = \"2025-08-01\"",
            "effective_from = \"2025-08-32\"",
            "\"2025-08-32\"",
            "FLD-03",
        ],
        ["protection_level = 3", "protection_level = 5", "5", "SYS-06"],
        [
            "roles = [\"administrator\"]",
            "roles = [\"administrator\", \"administrator\"]",
            "[\"admin",
            "KEY-11",
        ],
        [
            "roles = [\"administrator\"]",
            "roles = [\"administrator\", \"authority\"]",
            "[\"admin",
            "KEY-10",
        ],
        [
            "legal_basis = [\n  { kind = \"regulation\", title = \"政务数据共享条例\", document_no = \"国务院令第809号\" },\n]",
            "legal_basis = []",
            "[]",
            "FLD-02",
        ],
        ["authority_threshold = 1", "authority_threshold = 0", "0", "PAR-01"],
        ["authority_threshold = 1", "authority_threshold = 1\nblock_bytes_max = 1", "1", "PAR-01"],
    ] {
        check(row);
    }
}

#[test]
fn references_and_the_whole() {
    let second_office = "[[office]]\nmember = \"11110000MULU00048B\"\ncode = \"catalog\"\nname = \"二处\"\n\n[[office]]";
    let borrowed = format!(
        "region = \"110000\"\nnodes = [{{ peer_id = \"{PEER}\" }}]\nroles = [\"provider\", \"c"
    );
    for row in [
        [
            "[[office]]\nmember = \"11110000MULU00048B\"",
            "[[office]]\nmember = \"11110000MULU00021K\"",
            "\"11110000MULU00021K\"",
            "MEM-01",
        ],
        ["office = \"catalog\"\nlabel", "office = \"missing\"\nlabel", "\"missing\"", "OFF-01"],
        [
            "office = \"catalog\"\nlabel",
            "office = \"11110000MULU00013Q:x\"\nlabel",
            "\"11110000MULU00013Q:x\"",
            "OFF-01",
        ],
        ["duties = [\"catalog-001\"]", "duties = [\"catalog-002\"]", "[\"catalog-002\"]", "DUT-01"],
        [
            "uscc = \"11110000MULU00013Q\"",
            "uscc = \"11110000MULU00048B\"",
            "\"11110000MULU00048B\"",
            "MEM-05",
        ],
        ["[[office]]", second_office, "\"catalog\"", "OFF-04"],
        [
            "roles = [\"administrator\"]",
            "roles = [\"officer\"]",
            "\"11110000MULU00013Q\"",
            "MEM-08",
        ],
        [
            "region = \"110000\"\nroles = [\"provider\", \"c",
            &borrowed,
            "\"12D3KooW",
            "already belongs to 11110000MULU00048B",
        ],
        ["power = 1", "power = 0", "0", "VAL-01"],
        ["roles = [\"validator\"]", "roles = [\"auditor\"]", "\"ed25519:ba3b", "VAL-02"],
        [
            "[[validator]]\nmember = \"11110000MULU00048B\"",
            "[[validator]]\nmember = \"11110000MULU00013Q\"",
            "\"ed25519:ba3b",
            "VAL-02",
        ],
        ["authority_threshold = 1", "authority_threshold = 2", "2", "2, but 1 members"],
        ["roles = [\"authority\"]", "roles = [\"auditor\"]", "", "1, but 0 members"],
    ] {
        check(row);
    }
    let none = MINIMAL.replace("[[validator]]", "[[unused]]");
    let messages: Vec<String> = faults_of(&none).faults.into_iter().map(|f| f.message).collect();
    assert!(messages.iter().any(|m| m == "the document has no section [[validator]]"));
    let start = MINIMAL.find("[[validator]]").expect("a section");
    let end = MINIMAL.find("[[duty]]").expect("a section");
    let text = format!("validator = []\n{}{}", &MINIMAL[..start], &MINIMAL[end..]);
    let invalid = faults_of(&text);
    assert!(invalid.faults[0].message.starts_with("VAL-01"), "{invalid}");
    assert_eq!((invalid.faults[0].line, invalid.faults[0].column), (1, 13));
}

#[test]
fn all_faults_are_told_in_order_and_none_that_only_follows() {
    let text = MINIMAL
        .replacen("region = \"110000\"", "region = \"11\"", 1)
        .replacen("uscc = \"11110000MULU00013Q\"", "uscc = \"11110000MULU00013R\"", 1)
        .replacen("code = \"catalog\"", "code = \"CATALOG\"", 1)
        .replacen("power = 1", "power = 0", 1)
        .replacen("effective_from = \"2025-08-01\"", "effective_from = \"yesterday\"", 1);
    let invalid = faults_of(&text);
    let rule = |fault: &Fault| fault.message.split(':').next().unwrap_or("").to_owned();
    let told: Vec<String> = invalid.faults.iter().map(rule).collect();
    // The first member is out, so its office, duty and system cannot be judged: they wait for
    // the next reading. What does not follow is told.
    assert_eq!(told[..2], ["FLD-07", "MEM-04"], "{invalid}");
    assert!(!told.contains(&"OFF-01".to_owned()), "{invalid}");
    assert!(invalid.faults.is_sorted_by_key(|fault| fault.line));
    assert!(!invalid.truncated);
}

#[test]
fn the_list_is_bounded() {
    let keys = "[[key]]\nmember = \"x\"\npublic_key = \"y\"\nroles = []\n".repeat(FAULTS_MAX * 2);
    let invalid = faults_of(&format!("{MINIMAL}\n{keys}"));
    assert_eq!(invalid.faults.len(), FAULTS_MAX);
    assert!(invalid.truncated);
    assert!(invalid.to_string().ends_with("mend these first (其余问题从略)"));
    let offices = "[[office]]\nmember = \"x\"\ncode = \"y\"\nname = \"z\"\n".repeat(FAULTS_MAX * 2);
    let invalid = faults_of(&format!("{MINIMAL}\n{offices}"));
    assert_eq!((invalid.faults.len(), invalid.truncated), (FAULTS_MAX, true));
    let huge = "#".repeat(mulu_genesis::DOCUMENT_BYTES_MAX + 1);
    assert_eq!(faults_of(&huge).faults.len(), 1);
}

#[test]
fn a_fault_looks_like_this() {
    let text = MINIMAL.replacen("name = \"大数据局\"", "name = \"大数据局\" # 名称\nnmae = 1", 1);
    assert_eq!(
        faults_of(&text).to_string(),
        "genesis.toml:11:1: `member` has no field `nmae`\n\
         \x20  |\n\
         11 | nmae = 1\n\
         \x20  | ^^^^\n\
         \x20  = help: did you mean `name`? the fields are: \
         uscc, name, name_en, region, roles, nodes, uscc_check_waived\n\
         \x20  = 提示：是否应为“name”？可用字段：\
         uscc, name, name_en, region, roles, nodes, uscc_check_waived"
    );
    // Carets stand under wide characters, and nothing in the document repaints the terminal.
    let text = MINIMAL.replacen("name = \"大数据局\"", "name = \"大\u{202E}数\"", 1);
    let shown = faults_of(&text).to_string();
    assert!(shown.contains("\n10 | name = \"大\u{FFFD}数\"\n   |        ^^^^^^^\n"), "{shown}");
    assert!(!shown.contains('\u{202E}'));
}
