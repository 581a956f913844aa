use mulu_chain::bundle::{Bundle, Frame};
use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::Authorization;
use mulu_contracts::authorization::{
    AuthorizationAgree, AuthorizationFinalize, AuthorizationOffer, AuthorizationRequest,
    AuthorizationStanding, Counts, Extent, Limits, Purpose, Window,
};
use mulu_contracts::catalog::ShareMethod;
use mulu_contracts::entry::{
    EntryContent, EntryPublish, EntryRevise, EntryStanding, EntryWithdraw,
};
use mulu_contracts::receipt::{ReceiptKind, ReceiptRecord};
use mulu_contracts::state::{
    authorization_key, entry_id, entry_key, receipt_key, record_id, version_hash,
};
use serde_json::json;

use super::world::{self, Role, World};
use super::*;

pub const PROVIDER: usize = 0;
pub const CONSUMER: usize = 1;

pub fn content(summary: &str) -> EntryContent {
    serde_json::from_value(json!({
        "codes": ["307001/000001"], "name": "企业登记信息", "office": world::office(PROVIDER),
        "region": "110000", "summary": summary, "formats": [{ "category": "database", "type": "mysql" }],
        "items": [{ "item_id": "uscc", "name": "统一社会信用代码", "type": "C" },
                  { "item_id": "name", "name": "名称", "type": "C" }],
        "share": { "type": "conditional", "condition": "用于行政审批核验" }, "open": { "is_open": false },
        "update_cycle": "daily", "published_at": "2025-12-01", "level": "general-2",
        "personal_info": "none", "responsibilities": [world::duty(PROVIDER)],
        "no_system": "测试"
    }))
    .expect("an entry")
}

pub struct Told {
    pub world: World,
    pub entry: String,
    authorization: String,
    receipts: Vec<String>,
}

/// Publish, revise, request, offer, agree, finalize, deliver, receive, use, deny, withdraw.
pub fn story() -> Told {
    let mut world = World::new();
    let officer = world::key(PROVIDER, Role::Officer);
    let theirs = world::key(CONSUMER, Role::Officer);
    let program = world::key(CONSUMER, Role::Application);
    let id = entry_id("307001/000001");
    let entry = entry_key(&id);
    let version = |world: &World| version_hash(world.state.get(&entry).expect("published"));

    let publish = EntryPublish { entry: content("一") };
    world.commit(PROVIDER, &[&officer], Action::EntryPublish(Box::new(publish)));
    let revise = EntryRevise { entry_id: id, prev: version(&world), entry: content("二") };
    world.commit(PROVIDER, &[&officer], Action::EntryRevise(Box::new(revise)));

    let window = Window { from_ms: world.time_ms, to_ms: world.time_ms + 86_400_000 };
    let purpose = Purpose { basis: "条例".to_owned(), scenario: "审批".to_owned(), code: None };
    let request = AuthorizationRequest {
        entry_id: id,
        entry_version: version(&world),
        items: vec!["uscc".to_owned(), "name".to_owned()],
        purpose: purpose.clone(),
        scope: "核验".to_owned(),
        method: ShareMethod::PlatformApi,
        window,
        limits: Limits { calls: Some(100), ..Limits::default() },
        obligations: None,
        recipients: Vec::new(),
        policy_hash: None,
        legal_text_hash: None,
        replaces: None,
        parent: None,
        onward: false,
        auto_agree: false,
    };
    let requested = world.commit(CONSUMER, &[&theirs], Action::AuthorizationRequest(request));
    let authorization_id = record_id(&requested, 0);
    let authorization = authorization_key(&authorization_id);
    let granted = Extent {
        items: vec!["uscc".to_owned()],
        window,
        limits: Limits { calls: Some(50), ..Limits::default() },
        obligations: None,
        recipients: Vec::new(),
        policy_hash: Some(Digest::sha256(b"policy")),
        legal_text_hash: None,
    };
    let offer = AuthorizationOffer { authorization_id, granted };
    world.commit(PROVIDER, &[&officer], Action::AuthorizationOffer(offer));
    let agree = AuthorizationAgree { authorization_id };
    world.commit(CONSUMER, &[&theirs], Action::AuthorizationAgree(agree));
    let record: Authorization =
        serde_json::from_slice(world.state.get(&authorization).expect("agreed")).expect("JSON");
    let terms_hash = record.terms_hash.expect("agreed");
    let finalize = AuthorizationFinalize { authorization_id, terms_hash };
    let both = [&officer, &theirs];
    world.commit(PROVIDER, &both, Action::AuthorizationFinalize(finalize));

    let mut receipts: Vec<Digest> = Vec::new();
    let mut last: [Option<(u64, Digest)>; 2] = [None, None];
    for (kind, department) in [
        (ReceiptKind::Delivered, PROVIDER),
        (ReceiptKind::Received, CONSUMER),
        (ReceiptKind::Used, CONSUMER),
        (ReceiptKind::Denied, PROVIDER),
    ] {
        let peer = receipts.first().copied().filter(|_| kind == ReceiptKind::Received);
        let (seq, prev_receipt) = last[department].map_or((0, None), |(s, id)| (s, Some(id)));
        let record = ReceiptRecord {
            authorization_id,
            terms_hash: Some(terms_hash),
            kind,
            items: vec!["uscc".to_owned()],
            purpose: purpose.clone(),
            window: Window { from_ms: window.from_ms, to_ms: world.time_ms },
            counts: Counts { calls: 20, records: 20, bytes: 0 },
            digest: Some(Digest::sha256(b"batch")),
            seq: seq + 1,
            prev_receipt,
            peer_receipt: peer,
            lines: None,
            corrects: None,
            lineage: None,
            system: None,
            operator_hash: None,
        };
        let signer = if department == PROVIDER { &officer } else { &program };
        let transaction = world.commit(department, &[signer], Action::ReceiptRecord(record));
        let id = record_id(&transaction, 0);
        last[department] = Some((seq + 1, id));
        receipts.push(id);
    }
    let withdraw =
        EntryWithdraw { entry_id: id, prev: version(&world), reason: "职责调整".to_owned() };
    world.commit(PROVIDER, &[&officer], Action::EntryWithdraw(withdraw));
    let receipts = receipts.iter().map(receipt_key).collect();
    Told { world, entry, authorization, receipts }
}

fn checks(bundle: &Bundle, genesis: &Digest) -> Vec<Check> {
    verify(bundle.to_bytes().as_slice(), genesis).expect("a bundle").checks
}

/// Changes the record under a key, wherever it lies.
fn forge(bundle: &mut Bundle, key: &str, change: impl Fn(&str) -> String) {
    let found = bundle.frames.iter_mut().find_map(|frame| match frame {
        Frame::Record { key: found, value, .. } if found == key => Some(value),
        _ => None,
    });
    let value = found.expect("in the bundle");
    let text = std::str::from_utf8(value).expect("UTF-8");
    let changed = change(text);
    assert_ne!(changed, text, "{key}");
    *value = changed.into_bytes();
}

fn failed(bundle: &Bundle, genesis: &Digest) -> Vec<&'static str> {
    checks(bundle, genesis).iter().filter(|c| !c.passed()).map(|c| c.name).collect()
}

#[test]
fn a_whole_story_verifies() {
    let story = story();
    let bundle = story.world.bundle(&story.entry);
    let checks = checks(&bundle, &story.world.genesis());
    let why: Vec<_> = checks.iter().filter(|c| !c.passed()).collect();
    assert!(why.is_empty(), "{why:#?}");
    let count = |name: &str| checks.iter().find(|c| c.name == name).map(|c| c.count);
    assert_eq!(count("envelopes-parse"), Some(11));
    assert_eq!(count("entries-derived"), Some(3));
    assert_eq!(count("authorizations-derived"), Some(1));
    assert_eq!(count("authorizations-complete"), Some(1));
    assert_eq!(count("finalized-by-both"), Some(1));
    assert_eq!(count("receipts-within-grants"), Some(4));
}

#[test]
fn another_genesis_is_not_trusted() {
    let story = story();
    let bundle = story.world.bundle(&story.entry);
    assert!(failed(&bundle, &Digest::sha256(b"another")).contains(&"genesis"));
}

/// A record changed inside the bundle fails its proof, and also the check that derives it.
#[test]
fn a_forged_record_is_found_twice() {
    let story = story();
    for (key, from, to, check) in [
        (story.entry.clone(), "\"version\":3", "\"version\":4", "entries-derived"),
        (story.authorization.clone(), "\"calls\":20", "\"calls\":19", "authorizations-derived"),
        (story.receipts[2].clone(), "\"calls\":20", "\"calls\":02", "receipts-within-grants"),
        (story.receipts[1].clone(), "\"seq\":1", "\"seq\":7", "receipts-within-grants"),
    ] {
        let mut bundle = story.world.bundle(&story.entry);
        forge(&mut bundle, &key, |value| value.replacen(from, to, 1));
        let failed = failed(&bundle, &story.world.genesis());
        assert!(failed.contains(&"state-records") && failed.contains(&check), "{key}: {failed:?}");
    }
}

#[test]
fn a_left_out_event_or_authorization_is_found() {
    let story = story();
    let mut bundle = story.world.bundle(&story.entry);
    let number = |bundle: &Bundle| {
        let subjects = bundle.frames.iter().filter_map(|frame| match frame {
            Frame::History { subject } => Some(subject.clone()),
            _ => None,
        });
        subjects.zip(0u32..).find(|(subject, _)| *subject == story.authorization).expect("told").1
    };
    let history = number(&bundle);
    // The use before the last event, which counts.
    let mut touches = bundle.frames.iter_mut().rev().filter_map(|frame| match frame {
        Frame::Transaction { events, .. } => {
            events.iter().any(|touch| touch.history == history).then_some(events)
        }
        _ => None,
    });
    let events = touches.nth(1).expect("several events");
    events.retain(|touch| touch.history != history);
    let names = failed(&bundle, &story.world.genesis());
    assert!(names.contains(&"histories-complete"), "{names:?}");
    assert!(names.contains(&"receipts-within-grants") || names.contains(&"authorizations-derived"));

    let mut bundle = story.world.bundle(&story.entry);
    let gone = number(&bundle);
    bundle.frames.retain(
        |frame| !matches!(frame, Frame::History { subject } if *subject == story.authorization),
    );
    for frame in &mut bundle.frames {
        let Frame::Transaction { events, .. } = frame else { continue };
        events.retain(|touch| touch.history != gone);
        for touch in events {
            touch.history -= u32::from(touch.history > gone);
        }
    }
    let names = failed(&bundle, &story.world.genesis());
    assert_eq!(names, ["authorizations-complete"]);
}

#[test]
fn a_key_that_was_not_in_force_is_found() {
    let story = story();
    let mut bundle = story.world.bundle(&story.entry);
    let officer = world::key(CONSUMER, Role::Officer).public_key();
    let key = format!("key/{officer}");
    forge(&mut bundle, &key, |value| {
        value.replace("\"status\":\"active\"", "\"status\":\"revoked\"").replace(
            "\"registered_at_height\":0",
            "\"registered_at_height\":0,\"revoked_at_height\":2",
        )
    });
    let names = failed(&bundle, &story.world.genesis());
    for name in ["state-records", "signers-in-force", "finalized-by-both"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

/// Whatever happens to the bytes, verification answers, and never says yes.
#[test]
fn flipped_bytes_never_verify() {
    let story = story();
    let bytes = story.world.bundle(&story.entry).to_bytes();
    let genesis = story.world.genesis();
    let mut prng = crate::catalog::generate::Prng::new(5);
    let size = u64::try_from(bytes.len()).expect("small");
    for _ in 0..150 {
        let at = usize::try_from(prng.below(size)).expect("small");
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << prng.below(8);
        let Ok(audited) = verify(flipped.as_slice(), &genesis) else { continue };
        assert!(audited.checks.iter().any(|check| !check.passed()), "byte {at}");
    }
}

/// What was suspended, resumed, replaced and retired derives again, too.
#[test]
fn a_story_with_turns_verifies() {
    let Told { mut world, entry, authorization, receipts } = story();
    let officer = world::key(PROVIDER, Role::Officer);
    let theirs = world::key(CONSUMER, Role::Officer);
    let entry_id = entry_id("307001/000001");
    let turn = |world: &World, reason: &str| {
        let prev = version_hash(world.state.get(&entry).expect("published"));
        EntryStanding { entry_id, prev, reason: reason.to_owned() }
    };
    for action in [Action::EntryResume, Action::EntrySuspend, Action::EntryResume] {
        let turn = turn(&world, "核查");
        world.commit(PROVIDER, &[&officer], action(turn));
    }
    let record = |world: &World, key: &str| -> Authorization {
        serde_json::from_slice(world.state.get(key).expect("requested")).expect("JSON")
    };
    let old = record(&world, &authorization);
    let authorization_id = old.authorization_id;
    let turns = [
        (CONSUMER, &theirs, Action::AuthorizationSuspend as fn(AuthorizationStanding) -> Action),
        (CONSUMER, &theirs, Action::AuthorizationResume),
        (PROVIDER, &officer, Action::AuthorizationSuspend),
    ];
    for (department, key, action) in turns {
        let standing = AuthorizationStanding { authorization_id, reason: "核查".to_owned() };
        world.commit(department, &[key], action(standing));
    }
    let request = AuthorizationRequest {
        entry_id,
        entry_version: version_hash(world.state.get(&entry).expect("published")),
        items: old.requested.items.clone(),
        purpose: old.purpose.clone(),
        scope: old.scope.clone(),
        method: old.method,
        window: old.requested.window,
        limits: old.requested.limits,
        obligations: None,
        recipients: Vec::new(),
        policy_hash: None,
        legal_text_hash: None,
        replaces: Some(authorization_id),
        parent: None,
        onward: false,
        auto_agree: false,
    };
    let requested = world.commit(CONSUMER, &[&theirs], Action::AuthorizationRequest(request));
    let authorization_id = record_id(&requested, 0);
    let agree = AuthorizationAgree { authorization_id };
    world.commit(PROVIDER, &[&officer], Action::AuthorizationAgree(agree));
    let terms_hash = record(&world, &authorization_key(&authorization_id)).terms().hash();
    let finalize = AuthorizationFinalize { authorization_id, terms_hash };
    world.commit(PROVIDER, &[&officer, &theirs], Action::AuthorizationFinalize(finalize));
    // The provider corrects its delivery after the grant has ended.
    let id = |number: usize| {
        receipts[number].strip_prefix("receipt/").and_then(|id| id.parse().ok()).expect("an id")
    };
    let correction = ReceiptRecord {
        authorization_id: old.authorization_id,
        terms_hash: old.terms_hash,
        kind: ReceiptKind::Delivered,
        items: vec!["uscc".to_owned()],
        purpose: old.purpose.clone(),
        window: Window { from_ms: old.requested.window.from_ms, to_ms: world.time_ms },
        counts: Counts { calls: 15, records: 15, bytes: 0 },
        digest: Some(Digest::sha256(b"batch")),
        seq: 3,
        prev_receipt: Some(id(3)),
        peer_receipt: None,
        lines: Some(15),
        corrects: Some(id(0)),
        lineage: None,
        system: None,
        operator_hash: None,
    };
    world.commit(PROVIDER, &[&officer], Action::ReceiptRecord(correction));
    let retired = turn(&world, "职责调整");
    world.commit(PROVIDER, &[&officer], Action::EntryRetire(retired));
    let checks = checks(&world.bundle(&entry), &world.genesis());
    let why: Vec<_> = checks.iter().filter(|c| !c.passed()).collect();
    assert!(why.is_empty(), "{why:#?}");
    let count = |name: &str| checks.iter().find(|c| c.name == name).map(|c| c.count);
    assert_eq!(count("entries-derived"), Some(7));
    assert_eq!(count("receipts-within-grants"), Some(5));
    assert_eq!(count("authorizations-derived"), Some(2));
    assert_eq!(count("finalized-by-both"), Some(2));
}

/// The report says what the records mean, is the same each time, and is text only.
#[test]
fn verdicts_and_the_page_are_a_function_of_the_bundle() {
    let story = story();
    let bytes = story.world.bundle(&story.entry).to_bytes();
    let genesis = story.world.genesis();
    let page = || {
        let audited = verify(bytes.as_slice(), &genesis).expect("a bundle");
        let words: Vec<_> = audited.verdicts.iter().map(|v| v.verdict).collect();
        assert!(words.contains(&"AUTHORIZED") && words.contains(&"CURRENT"), "{words:?}");
        html::report(&audited, &genesis, crate::lang::Lang::Zh, |_| ("", ""))
    };
    let once = page();
    assert_eq!(once, page());
    assert!(once.contains("<svg") && !once.contains("<script") && !once.contains("src="));
}
