//! How long texts and lists may be: the longest is accepted, one more is not, and neither is none.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::entry_id;
use serde_json::{Value, json};

use crate::Case;
use crate::cases_sharing::all;
use crate::world::*;

pub fn changed(case: &Case, path: &str, new: Value) -> Result<(), &'static str> {
    let mut case = case.clone();
    case.action = with(case.action, path, new);
    case.verdict()
}

pub fn case(name: &str) -> Case {
    all().into_iter().find(|case| case.name() == name).unwrap()
}

/// A text of the field is refused when empty or one character too long.
fn text(case: &Case, path: &str, most: usize) {
    let name = case.name();
    for length in [0, most + 1] {
        let found = changed(case, path, json!("字".repeat(length)));
        assert_eq!(found, Err(Rule::FieldText.id()), "{name} {path} {length}");
    }
    assert_eq!(changed(case, path, json!("字".repeat(most))), Ok(()), "{name} {path}");
}

#[test]
fn reasons() {
    let mut counted = 0;
    for case in all() {
        for field in ["reason", "basis", "answer"] {
            if case.action.get(field).is_some() {
                text(&case, &format!("/{field}"), 500);
                counted += 1;
            }
        }
    }
    assert!(counted > 30, "{counted}");
}

#[test]
fn texts() {
    let mut publish = case("entry.publish");
    publish.action["entry"]["extensions"] = json!([{"name": "服务对象", "value": "企业"}]);
    for (path, most) in [
        ("name", 500),
        ("alias", 128),
        ("keywords/0", 64),
        ("summary", 2500),
        ("formats/0/type", 36),
        ("formats/0/note", 256),
        ("items/0/item_id", 128),
        ("items/0/code", 128),
        ("items/0/name", 128),
        ("items/0/desc", 500),
        ("items/0/column", 128),
        ("share/condition", 500),
        ("open/condition", 500),
        ("extensions/0/name", 64),
        ("extensions/0/value", 500),
    ] {
        text(&publish, &format!("/entry/{path}"), most);
    }
    // A table is judged by its length before it is looked up.
    let tables = |length: usize| json!([{"name": "字".repeat(length)}]);
    let main = format!("{PROVIDER}:main");
    publish.action["entry"]["systems"] = json!([{"system": main}]);
    publish.action["entry"]["items"][0]["system"] = json!(main);
    for (length, found) in [
        (0, Err(Rule::FieldText)),
        (127, Err(Rule::SystemTable)),
        (128, Ok(())),
        (129, Err(Rule::FieldText)),
    ] {
        publish.world.patch(&format!("system/{main}"), "/tables", tables(128));
        let table = json!("字".repeat(length));
        let verdict = changed(&publish, "/entry/items/0/table", table);
        assert_eq!(verdict, found.map_err(Rule::id), "{length}");
    }
    publish.action["entry"]["items"][0]["system"] = Value::Null;
    let hash = format!("sha256:{:064}", 1);
    let mut rare = publish;
    rare.action["entry"]["source"] =
        json!({"system": "ckan", "identifier": "42", "content_hash": hash});
    rare.action["entry"]["systems"] = json!([]);
    rare.action["entry"]["no_system"] = json!("手工台账");
    rare.action["entry"]["registration"] =
        json!({"type": "first", "code": "登记证", "date": "2025-01-01"});
    rare.action["entry"]["authoritative_for"] = json!(["法人名称"]);
    rare.action["entry"]["share"] = json!({"type": "none", "no_share_basis": "保密法"});
    for (path, most) in [
        ("source/system", 512),
        ("source/identifier", 512),
        ("source/fetched_at", 256),
        ("registration/code", 128),
        ("no_system", 500),
        ("authoritative_for/0", 128),
        ("share/no_share_basis", 500),
    ] {
        text(&rare, &format!("/entry/{path}"), most);
    }
    for (name, path, most) in [
        ("member.admit", "/member/name", 256),
        ("member.admit", "/member/name_en", 256),
        ("member.admit", "/member/nodes/0/name", 64),
        ("member.admit", "/keys/0/label", 64),
        ("office.establish", "/office/name", 256),
        ("office.establish", "/office/name_en", 256),
        ("key.register", "/key/label", 64),
        ("region.set", "/regions/0/name", 256),
        ("class.set", "/classes/0/name", 256),
        ("system.register", "/system/profile/filing_no", 200),
        ("system.register", "/system/profile/crypto_review/result", 64),
        ("system.register", "/system/profile/host", 256),
        ("system.register", "/system/profile/database", 64),
        ("duty.register", "/duty/name", 200),
        ("duty.register", "/duty/description", 2000),
        ("duty.register", "/duty/legal_basis/0/title", 500),
        ("duty.register", "/duty/legal_basis/0/document_no", 200),
        ("duty.register", "/duty/legal_basis/0/article", 200),
        ("duty.transfer", "/successor/name", 200),
        ("system.register", "/system/name", 200),
        ("system.register", "/system/tables/0/name", 128),
        ("system.register", "/system/tables/0/comment", 500),
        ("system.revise", "/system/name", 200),
        ("authorization.request", "/purpose/basis", 1000),
        ("authorization.request", "/purpose/scenario", 1000),
        ("authorization.request", "/purpose/code", 64),
        ("authorization.request", "/scope", 1000),
        ("correction.open", "/finding", 1000),
        ("objection.open", "/ground", 1000),
        ("operation.plan", "/title", 256),
    ] {
        text(&case(name), path, most);
    }
    for denied in all().iter().filter(|case| case.action["kind"] == "denied") {
        text(denied, "/purpose/basis", 1000);
        text(denied, "/purpose/scenario", 1000);
        text(denied, "/purpose/code", 64);
        text(denied, "/items/0", 128);
    }
    // What names something that must exist is judged by its form first.
    let long = json!("字".repeat(129));
    assert_eq!(changed(&case("correction.open"), "/item", long), Err(Rule::FieldText.id()));
    let long = json!("字".repeat(513));
    assert_eq!(changed(&case("objection.open"), "/subject", long), Err(Rule::FieldText.id()));
}

/// A list with one element too many, and, where there must be one, with none; with `most` elements it
/// breaks `at_most`, if anything.
fn list(
    case: &Case,
    path: &str,
    most: usize,
    at_most: Option<Rule>,
    element: impl Fn(usize) -> Value,
) {
    let name = case.name();
    let elements = |count: usize| Value::from((0..count).map(&element).collect::<Vec<_>>());
    let found = changed(case, path, elements(most + 1));
    assert_eq!(found, Err(Rule::FieldCount.id()), "{name} {path}");
    let expected = at_most.map_or(Ok(()), |rule| Err(rule.id()));
    assert_eq!(changed(case, path, elements(most)), expected, "{name} {path}");
}

#[test]
fn lists() {
    let publish = case("entry.publish");
    let word = |n: usize| json!(format!("w{n}"));
    let code = |n: usize| json!(format!("306001/x{n}"));
    let of_provider = |n: usize| json!(format!("{PROVIDER}:n{n}"));
    let item = |n: usize| json!({"item_id": format!("i{n}"), "name": "n", "type": "C"});
    list(&publish, "/entry/codes", 8, None, code);
    list(&publish, "/entry/keywords", 32, None, word);
    list(&publish, "/entry/related", 32, Some(Rule::EntryRelated), code);
    let format = |_| json!({"category": "database", "type": "mysql"});
    list(&publish, "/entry/formats", 8, None, format);
    list(&publish, "/entry/items", 500, None, item);
    list(&publish, "/entry/authoritative_for", 64, None, word);
    list(
        &publish,
        "/entry/extensions",
        32,
        None,
        |n| json!({"name": format!("n{n}"), "value": "v"}),
    );
    list(&publish, "/entry/responsibilities", 64, Some(Rule::DutyUnknown), of_provider);
    let binding = |n: usize| json!({"system": format!("{PROVIDER}:n{n}")});
    list(&publish, "/entry/systems", 16, Some(Rule::SystemUnknown), binding);
    const METHODS: [&str; 6] =
        ["platform-db", "platform-file", "platform-api", "mail", "copy", "medium"];
    list(&publish, "/entry/share/methods", 6, None, |n| json!(METHODS[n % 6]));

    let basis = |_| json!({"kind": "law", "title": "登记法"});
    list(&case("duty.register"), "/duty/legal_basis", 32, None, basis);
    let system = case("system.register");
    list(&system, "/system/tables", 1000, None, |n| json!({"name": format!("t{n}")}));
    list(&system, "/system/duties", 64, Some(Rule::DutyUnknown), of_provider);
    let peer = |n: usize| json!({"peer_id": format!("{}{}{}", &PEER[..50], n / 9 + 1, n % 9 + 1)});
    list(&case("member.admit"), "/member/nodes", 16, None, peer);
    let key = |n: usize| {
        let seed = u8::try_from(n + 50).unwrap();
        json!({"public_key": key_text(seed), "roles": ["administrator"]})
    };
    list(&case("member.admit"), "/keys", 8, Some(Rule::KeyPossession), key);
    let division =
        |n: usize| json!({"code": format!("{}", 110_000 + n), "name": "区", "from": "2020-01-01"});
    list(&case("region.set"), "/regions", 500, None, division);
    let wide = |n: usize| match n {
        0 => json!({"code": "3", "name": "类"}),
        1 => json!({"code": "301", "name": "项"}),
        n => json!({"code": format!("301{n:03}"), "name": "目"}),
    };
    list(&case("class.set"), "/classes", 500, None, wide);
    let counter = case("authorization.counter");
    list(&counter, "/requested/items", 500, Some(Rule::AuthorizationItems), word);
    let entry = |n: usize| json!(entry_id(&format!("306001/x{n}")));
    list(&case("operation.plan"), "/entries", 200, Some(Rule::EntryUnknown), entry);
    let action = |n: usize| json!(format!("a{n}"));
    let grant = case("delegation.grant");
    list(&grant, "/scope", 15, Some(Rule::DelegationUndelegable), action);
    let request = case("authorization.request");
    list(&request, "/items", 500, Some(Rule::AuthorizationItems), word);
    let offer = case("authorization.offer");
    list(&offer, "/granted/items", 500, Some(Rule::AuthorizationWider), word);
    let mut onward = case("authorization.request");
    onward.action["onward"] = json!(true);
    list(&onward, "/recipients", 64, Some(Rule::MemberUnknown), word);
    let mask = |n: usize| json!(format!("m{n}"));
    let mut masked = request;
    masked.action["obligations"] = json!({});
    list(&masked, "/obligations/mask_items", 500, Some(Rule::AuthorizationObligations), mask);
    let denied = all().into_iter().find(|case| case.action["kind"] == "denied").unwrap();
    list(&denied, "/items", 500, None, word);
}

#[test]
fn no_element_occurs_twice() {
    let twice = |element: Value| json!([element.clone(), element]);
    let mut masked = case("authorization.request");
    masked.action["obligations"] = json!({});
    let denied = all().into_iter().find(|case| case.action["kind"] == "denied").unwrap();
    let register = format!("{PROVIDER}:register");
    for (case, path, element) in [
        (case("entry.publish"), "/entry/codes", json!(CODE)),
        (case("entry.publish"), "/entry/authoritative_for", json!("法人名称")),
        (case("entry.publish"), "/entry/responsibilities", json!(register)),
        (case("entry.publish"), "/entry/share/methods", json!("mail")),
        (case("system.register"), "/system/duties", json!(register)),
        (case("system.register"), "/system/tables", json!({"name": "t"})),
        (
            case("region.set"),
            "/regions",
            json!({"code": "110000", "name": "北京市", "from": "2020-01-01"}),
        ),
        (case("class.set"), "/classes", json!({"code": "3", "name": "类"})),
        (case("operation.plan"), "/entries", json!(entry_id(CODE))),
        (case("authorization.offer"), "/granted/items", json!("name")),
        (masked, "/obligations/mask_items", json!("name")),
        (denied, "/items", json!("name")),
    ] {
        let found = changed(&case, path, twice(element));
        assert_eq!(found, Err(Rule::FieldDuplicate.id()), "{} {path}", case.name());
    }
}

#[test]
fn forms() {
    for (name, path, rule, wrong) in [
        ("duty.register", "/duty/code", Rule::FieldCode, json!("D")),
        ("duty.register", "/duty/effective_to", Rule::FieldDate, json!("2030-13-01")),
        ("duty.transfer", "/successor/code", Rule::FieldCode, json!("D")),
        ("system.register", "/system/code", Rule::FieldCode, json!("S")),
        ("region.set", "/regions/0/to", Rule::FieldDate, json!("2030-13-01")),
        ("entry.publish", "/entry/published_at", Rule::FieldDate, json!("2025-11-1")),
        ("entry.publish", "/entry/related", Rule::EntryCodeForm, json!(["306001"])),
        ("system.register", "/system/protection_level", Rule::SystemProtection, json!(0)),
        ("system.register", "/system/protection_level", Rule::SystemProtection, json!(5)),
    ] {
        assert_eq!(changed(&case(name), path, wrong), Err(rule.id()), "{name} {path}");
    }
    for (name, path, right) in [
        ("system.register", "/system/protection_level", json!(1)),
        ("system.register", "/system/protection_level", json!(4)),
        ("duty.register", "/duty/effective_to", json!("2020-01-01")),
        ("region.set", "/regions/0/to", json!("2020-01-01")),
        ("entry.publish", "/entry/published_at", json!("2025-11-21")),
        ("office.establish", "/office/code", json!("z9-".repeat(10))),
    ] {
        assert_eq!(changed(&case(name), path, right), Ok(()), "{name} {path}");
    }
}

/// Base58 of the right length that begins as the two kinds of peer ids do.
#[test]
fn peer_ids() {
    let admit = case("member.admit");
    for (peer_id, fits) in [
        (PEER.to_owned(), true),
        (format!("Qm{}", "1".repeat(44)), true),
        (format!("12D3KooW{}", "z".repeat(56)), true),
        (format!("Qm{}", "1".repeat(43)), false),
        (format!("12D3KooW{}", "z".repeat(57)), false),
        (format!("Qn{}", "1".repeat(44)), false),
        (format!("Qm0{}", "1".repeat(43)), false),
        (format!("QmO{}", "1".repeat(43)), false),
        (format!("QmI{}", "1".repeat(43)), false),
        (format!("Qml{}", "1".repeat(43)), false),
        (format!("Qm-{}", "1".repeat(43)), false),
    ] {
        let found = changed(&admit, "/member/nodes/0/peer_id", json!(peer_id));
        let expected = if fits { Ok(()) } else { Err(Rule::MemberPeerId.id()) };
        assert_eq!(found, expected, "{peer_id}");
    }
}

/// A registration certificate is dated, and ends no earlier than it begins.
#[test]
fn registrations() {
    let publish = case("entry.publish");
    for (date, valid_to, expected) in [
        ("2025-01-01", None, Ok(())),
        ("2025-01-01", Some("2025-01-01"), Ok(())),
        ("2025-01-02", Some("2025-01-01"), Err(Rule::FieldDates.id())),
        ("2025-1-1", None, Err(Rule::FieldDate.id())),
        ("2025-01-01", Some("2025-2-1"), Err(Rule::FieldDate.id())),
    ] {
        let registration =
            json!({"type": "first", "code": "登记证", "date": date, "valid_to": valid_to});
        let found = changed(&publish, "/entry/registration", registration);
        assert_eq!(found, expected, "{date} {valid_to:?}");
    }
    // An item that is not shared is not open; one that is may be.
    for (item, fits) in [("0", true), ("2", false)] {
        let found = changed(&publish, &format!("/entry/items/{item}/open"), json!(true));
        let expected = if fits { Ok(()) } else { Err(Rule::EntryOpen.id()) };
        assert_eq!(found, expected, "{item}");
    }
}
