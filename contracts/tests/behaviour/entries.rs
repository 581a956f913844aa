//! What holds an entry's names, when it became stricter, and in which capacity a member acts on it.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, entry_key};
use serde_json::{Value, json};

use crate::bounds::{case, changed};
use crate::cases::after;
use crate::relations::second;
use crate::world::*;
use crate::{Case, key_at};

fn revise(world: &World, content: Value) -> Value {
    json!({"type": "entry.revise", "entry_id": entry_id(CODE), "prev": world.entry_version(),
        "entry": content})
}

fn verdict(world: &World, action: Value) -> Result<(), &'static str> {
    Case::new(world, PROVIDER, &[PROVIDER_OFFICER], action).verdict()
}

#[test]
fn resource_codes() {
    let publish = case("entry.publish");
    let longest = format!("306001/{}", "x".repeat(57));
    for (code, fits) in [
        ("306001/1", true),
        ("306001ab/Z9", true),
        (longest.as_str(), true),
        (&format!("{longest}x"), false),
        ("3060a1/1", false),
        ("30600/1", false),
        ("006001/1", false),
        ("306001-/1", false),
        ("306001/", false),
        ("306001/-", false),
        ("/1", false),
    ] {
        let found = changed(&publish, "/entry/codes/0", json!(code));
        let expected = if fits { Ok(()) } else { Err(Rule::EntryCodeForm.id()) };
        assert_eq!(found, expected, "{code}");
    }
}

/// Each way of sharing has its own words and no others; nothing that is not shared is open.
#[test]
fn ways_of_sharing() {
    let publish = case("entry.publish");
    let (words, no) = (Some("履职所需"), None);
    for (kind, condition, basis, expected) in [
        ("unconditional", no, no, Ok(())),
        ("conditional", words, no, Ok(())),
        ("none", no, words, Ok(())),
        ("conditional", no, no, Err(Rule::EntryCondition.id())),
        ("none", no, no, Err(Rule::EntryNoShareBasis.id())),
        ("unconditional", words, no, Err(Rule::EntryShareSurplus.id())),
        ("unconditional", no, words, Err(Rule::EntryShareSurplus.id())),
        ("conditional", words, words, Err(Rule::EntryShareSurplus.id())),
        ("none", words, words, Err(Rule::EntryShareSurplus.id())),
    ] {
        let share = json!({"type": kind, "condition": condition, "no_share_basis": basis});
        assert_eq!(changed(&publish, "/entry/share", share.clone()), expected, "{share}");
        let mut open = publish.clone();
        open.action["entry"]["share"] = share;
        open.action["entry"]["open"]["is_open"] = json!(true);
        let expected = match (expected, kind) {
            (Ok(()), "none") => Err(Rule::EntryOpen.id()),
            _ => expected,
        };
        assert_eq!(open.verdict(), expected, "{kind} and open");
    }
    // Sensitive data of persons is never shared with everybody, item by item or as a whole.
    let mut open = publish;
    open.action["entry"]["share"] = json!({"type": "unconditional"});
    for (of_entry, of_items, fits) in [
        ("general", ["general", "none", "general"], true),
        ("sensitive", ["general", "none", "general"], false),
        ("general", ["sensitive", "none", "general"], false),
        // The third item is not shared at all.
        ("general", ["general", "none", "sensitive"], true),
    ] {
        let mut open = open.clone();
        open.action["entry"]["personal_info"] = json!(of_entry);
        for (number, of_item) in of_items.iter().enumerate() {
            open.action["entry"]["items"][number]["personal_info"] = json!(of_item);
        }
        let expected = if fits { Ok(()) } else { Err(Rule::EntrySensitive.id()) };
        assert_eq!(open.verdict(), expected, "{of_entry} {of_items:?}");
    }
}

/// Items may be missing only where every format can do without.
#[test]
fn formats_without_items() {
    let mut bare = case("entry.publish");
    bare.action["entry"]["items"] = json!([]);
    for (categories, fits) in [
        (&["efile", "image", "media"][..], true),
        (&["efile", "sheet"], false),
        (&["database"], false),
        (&["self"], false),
        (&["service"], false),
    ] {
        let formats: Vec<Value> =
            categories.iter().map(|name| json!({"category": name, "type": "x"})).collect();
        let found = changed(&bare, "/entry/formats", json!(formats));
        let expected = if fits { Ok(()) } else { Err(Rule::EntryNoItems.id()) };
        assert_eq!(found, expected, "{categories:?}");
    }
    // Nothing can then be named in a request, and something must be where there are items.
    bare.action["entry"]["formats"] = json!([{"category": "efile", "type": "pdf"}]);
    let (world, _) = bare.run();
    let mut request = case("authorization.request");
    request.world = world;
    request.action["entry_version"] = json!(request.world.entry_version());
    assert_eq!(request.clone().verdict(), Err(Rule::AuthorizationItems.id()));
    request.action["items"] = json!([]);
    assert_eq!(request.clone().verdict(), Ok(()));
}

/// A name and a standard item are held by an entry that is published, suspended or returned, and
/// given up by a revision.
#[test]
fn what_an_entry_holds() {
    let claiming = with(content(), "/authoritative_for", json!(["法人名称"]));
    let world = after(&World::new(), false, publish(claiming.clone()));
    let key = entry_key(&entry_id(CODE));
    let same_name = with(second(), "/name", content()["name"].clone());
    let same_item = with(second(), "/authoritative_for", json!(["法人名称"]));
    for (status, holds) in [
        ("published", true),
        ("suspended", true),
        ("returned", true),
        ("withdrawn", false),
        ("rejected", false),
        ("retired", false),
    ] {
        let mut world = world.clone();
        world.patch(&key, "/status", json!(status));
        for (other, rule) in
            [(&same_name, Rule::EntryNameTaken), (&same_item, Rule::EntryAuthoritative)]
        {
            let expected = if holds { Err(rule.id()) } else { Ok(()) };
            assert_eq!(verdict(&world, publish(other.clone())), expected, "{status}");
        }
    }
    // Given up, taken by another, and not to be had back, neither by revision nor by resumption.
    let renamed = with(content(), "/name", json!("旧名"));
    let given_up = after(&world, false, revise(&world, renamed));
    let taken = with(same_name, "/authoritative_for", json!(["法人名称"]));
    let taken = after(&given_up, false, publish(taken));
    assert_eq!(verdict(&taken, revise(&taken, content())), Err(Rule::EntryNameTaken.id()));
    let back = with(claiming.clone(), "/name", json!("旧名"));
    assert_eq!(verdict(&taken, revise(&taken, back)), Err(Rule::EntryAuthoritative.id()));
    assert_eq!(verdict(&world, revise(&world, claiming)), Ok(()), "its own");
    let mut withdrawn = taken;
    withdrawn.patch(&key, "/content/name", content()["name"].clone());
    withdrawn.patch(&key, "/status", json!("withdrawn"));
    let resume = json!({"type": "entry.resume", "entry_id": entry_id(CODE), "reason": "恢复",
        "prev": withdrawn.entry_version()});
    assert_eq!(verdict(&withdrawn, resume), Err(Rule::EntryNameTaken.id()));
}

/// What is published again is checked again.
#[test]
fn revisions_and_resumptions_are_checked() {
    let world = World::published();
    let unknown = json!([format!("{PROVIDER}:none")]);
    let found = verdict(&world, revise(&world, with(content(), "/responsibilities", unknown)));
    assert_eq!(found, Err(Rule::DutyUnknown.id()));
    let withdrawn = case("entry.withdraw");
    let (mut world, _) = withdrawn.run();
    let at = format!("duty/{PROVIDER}:register");
    world.patch(&at, "/status", json!("abolished"));
    let resume = json!({"type": "entry.resume", "entry_id": entry_id(CODE), "reason": "恢复",
        "prev": world.entry_version()});
    assert_eq!(verdict(&world, resume), Err(Rule::DutyNotInForce.id()));
    // Whoever moves an entry to another office is entitled to both.
    let mut moved = case("entry.revise");
    moved.world.patch(&key_at(PROVIDER_OFFICER), "/office", json!(data_office()));
    moved.office = Some(data_office());
    assert_eq!(moved.verdict(), Err(Rule::KeyOffice.id()));
}

/// Grants made before need the provider's word once the level rose or less is shared.
#[test]
fn an_entry_remembers_when_it_became_stricter() {
    let none = json!({"type": "none", "no_share_basis": "保密法"});
    let open = json!({"type": "unconditional"});
    let raised = with(content(), "/level", json!("general-3"));
    let lowered = with(content(), "/level", json!("general-2"));
    let since = |world: &World| -> Value {
        let key = entry_key(&entry_id(CODE));
        let entry: Value = serde_json::from_slice(&world.state[&key]).unwrap();
        entry["stricter_since_height"].clone()
    };
    let world = World::published();
    for (new, expected) in [
        (raised.clone(), json!(2)),
        (with(content(), "/share", none), json!(2)),
        (with(content(), "/share", open), json!(null)),
        (lowered.clone(), json!(null)),
    ] {
        assert_eq!(since(&after(&world, false, revise(&world, new))), expected);
    }
    // It stays remembered.
    let world = after(&world, false, revise(&world, raised));
    let world = after(&world, false, revise(&world, lowered));
    assert_eq!(since(&world), json!(2));
    // A grant of that height is not older; the height before is.
    let mut receipt = case("receipt.record");
    let key = entry_key(&entry_id(CODE));
    let grant = receipt.world.only_authorization();
    let signed = grant.finalized_at_height.unwrap().0;
    receipt.world.patch(&key, "/stricter_since_height", json!(signed));
    assert_eq!(receipt.verdict(), Ok(()));
    receipt.world.patch(&key, "/stricter_since_height", json!(signed + 1));
    assert_eq!(receipt.verdict(), Err(Rule::ReceiptStricter.id()));
    let at = format!("authorization/{}", grant.authorization_id);
    receipt.world.patch(&at, "/confirmed_at_height", json!(signed + 1));
    assert_eq!(receipt.verdict(), Ok(()));
}

/// A member that is an authority and a provider acts as the one whose key signed; on its own records
/// as a provider if an officer signed, with no other authority needed.
#[test]
fn in_which_capacity_a_member_acts() {
    let grant = World::finalized();
    let entry = |world: &World, verb: &str| {
        json!({"type": format!("entry.{verb}"), "entry_id": entry_id(CODE),
            "prev": world.entry_version(), "reason": "整改"})
    };
    let about = |verb: &str| with(grant.about(verb), "/reason", json!("核查"));
    for action in [entry(&grant, "suspend"), about("suspend"), about("revoke")] {
        let name = action["type"].to_string();
        // As the authority that it is, though an officer signed with the same key; a grant is then
        // suspended as a party only (SPEC, `authorization.suspend`).
        let mut world = grant.clone();
        world.patch(&key_at(AUTHORITY_KEY), "/roles", json!(["authority", "officer"]));
        let found = Case::new(&world, AUTHORITY, &[AUTHORITY_KEY], action.clone()).verdict();
        let as_party = action["type"] == "authorization.suspend";
        let expected = if as_party { Err(Rule::AuthorizationParty.id()) } else { Ok(()) };
        assert_eq!(found, expected, "{name}");
        // On its own record as an authority, when no officer signed.
        let mut world = grant.clone();
        world.patch(&key_at(PROVIDER_ADMIN), "/roles", json!(["authority"]));
        let found = Case::new(&world, PROVIDER, &[PROVIDER_ADMIN], action.clone()).verdict();
        assert_eq!(found, Ok(()), "{name}");
        // As a provider, when one did: that takes no second authority.
        world.patch("params", "/authority_threshold", json!(2));
        let keys = [PROVIDER_ADMIN, PROVIDER_OFFICER];
        let found = Case::new(&world, PROVIDER, &keys, action.clone()).verdict();
        assert_eq!(found, Ok(()), "{name}");
        let found = Case::new(&world, PROVIDER, &[PROVIDER_ADMIN], action).verdict();
        assert_eq!(found, Err(Rule::KeyThreshold.id()), "{name}");
    }
    // A provider's key that is revoked by its own administrator needs no authority.
    let mut revoke = case("key.revoke");
    revoke.world.patch(&key_at(PROVIDER_ADMIN), "/roles", json!(["authority", "administrator"]));
    revoke.world.patch("params", "/authority_threshold", json!(2));
    assert_eq!(revoke.verdict(), Ok(()));
}

fn stored(world: &World) -> Value {
    serde_json::from_slice(&world.state[&entry_key(&entry_id(CODE))]).unwrap()
}

/// Who suspended an entry is remembered only while it is suspended, and follows a transfer.
#[test]
fn who_suspended_an_entry() {
    for by in [PROVIDER, AUTHORITY] {
        let suspends = |case: &Case| case.name() == "entry.suspend" && case.member == by;
        let (world, _) = crate::cases_sharing::all().into_iter().find(suspends).unwrap().run();
        assert_eq!(stored(&world)["suspended_by"], by);
        for verb in ["return", "reject"] {
            let decide = json!({"type": format!("entry.{verb}"), "entry_id": entry_id(CODE),
                "prev": world.entry_version(), "reason": "整改"});
            assert_eq!(stored(&after(&world, true, decide)).get("suspended_by"), None, "{verb}");
        }
        let mut transfer = case("entry.transfer");
        transfer.world = world;
        transfer.world.patch(&format!("member/{CONSUMER}"), "/roles", json!(["provider"]));
        transfer.action["prev"] = json!(transfer.world.entry_version());
        let (world, _) = transfer.run();
        let expected = if by == PROVIDER { CONSUMER } else { AUTHORITY };
        assert_eq!(stored(&world)["suspended_by"], expected);
        assert_eq!(stored(&world)["status"], "suspended");
    }
}

/// A transfer that makes an entry stricter is remembered like a revision.
#[test]
fn a_transfer_can_make_an_entry_stricter() {
    let transfer = case("entry.transfer");
    let height = transfer.world.height;
    for (level, before, expected) in [
        ("general-2", None, json!(null)),
        ("general-3", None, json!(height)),
        ("general-2", Some(1), json!(1)),
        ("general-3", Some(1), json!(height)),
    ] {
        let mut transfer = transfer.clone();
        transfer.world.patch(&entry_key(&entry_id(CODE)), "/stricter_since_height", json!(before));
        transfer.action["prev"] = json!(transfer.world.entry_version());
        transfer.action["entry"]["level"] = json!(level);
        let (world, _) = transfer.run();
        assert_eq!(stored(&world)["stricter_since_height"], expected, "{level} {before:?}");
    }
}

/// The cases of a first version and of one that takes another's place.
fn releases() -> Vec<Case> {
    let all = crate::cases_sharing::all().into_iter();
    let releases: Vec<Case> = all.filter(|case| case.name() == "entry.release").collect();
    assert_eq!(releases.len(), 2);
    releases
}

/// What was submitted is checked again when it is released, and takes its names only then.
#[test]
fn releases_are_checked_and_claim() {
    for mut release in releases() {
        let mut ended = release.clone();
        ended.world.patch(&format!("duty/{PROVIDER}:register"), "/status", json!("abolished"));
        assert_eq!(ended.verdict(), Err(Rule::DutyNotInForce.id()));
        let mut core = release.clone();
        let key = mulu_contracts::state::submission_key(&entry_id(CODE));
        core.world.patch(&key, "/content/secret", json!(true));
        core.action["submission"] = json!(core.world.version(&key));
        assert_eq!(core.verdict(), Err(Rule::EntrySecret.id()));

        release.world.patch(&key, "/content/name", json!("新名"));
        release.action["submission"] = json!(release.world.version(&key));
        let rival = with(second(), "/name", json!("新名"));
        assert_eq!(verdict(&release.world, publish(rival.clone())), Ok(()), "not taken yet");
        let taken = after(&release.world, false, publish(rival.clone()));
        let late = Case { world: taken, ..release.clone() }.verdict();
        assert_eq!(late, Err(Rule::EntryNameTaken.id()));
        let (released, _) = release.run();
        assert_eq!(verdict(&released, publish(rival)), Err(Rule::EntryNameTaken.id()));
    }
}

/// A member replaces its own open submission; another member waits until it is closed.
#[test]
fn submissions_are_replaced() {
    let mut submit = case("entry.submit");
    let (submitted, _) = submit.clone().run();
    submit.world = submitted;
    assert_eq!(submit.verdict(), Ok(()));
    let key = mulu_contracts::state::submission_key(&entry_id(CODE));
    submit.world.patch(&key, "/provider", json!(CONSUMER));
    for (status, fits) in [
        ("submitted", false),
        ("registered", false),
        ("returned", true),
        ("rejected", true),
        ("released", true),
    ] {
        let mut submit = submit.clone();
        submit.world.patch(&key, "/status", json!(status));
        let expected = if fits { Ok(()) } else { Err(Rule::EntryCodeTaken.id()) };
        assert_eq!(submit.verdict(), expected, "{status}");
    }
    // Each one has the next number.
    let first = case("entry.submit");
    let mut world = first.world;
    for number in 1..=3 {
        world = after(&world, false, first.action.clone());
        let stored: Value = serde_json::from_slice(&world.state[&key]).unwrap();
        assert_eq!(stored["number"], number);
    }
}

/// A returned entry is published by its revision, and what was said against it is gone.
#[test]
fn a_revision_answers_a_return() {
    let returned = after(&World::published(), true, {
        let world = World::published();
        json!({"type": "entry.return", "entry_id": entry_id(CODE), "reason": "整改",
            "prev": world.entry_version()})
    });
    assert_eq!(stored(&returned)["status_reason"], "整改");
    let revised = stored(&after(&returned, false, revise(&returned, content())));
    assert_eq!((&revised["status"], revised.get("status_reason")), (&json!("published"), None));
}
