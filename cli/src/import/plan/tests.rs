use mulu_chain::types::Height;
use mulu_contracts::state::{encode, version_hash};

use super::*;
use crate::import::convert::Binding;
use crate::import::prepare::{SourceFormat, prepare, read};
use crate::import::testing::binding;

fn prepared(text: &str, binding: &Binding) -> Vec<Prepared> {
    let source = read(text.as_bytes().to_vec(), SourceFormat::Csv, &Default::default());
    prepare(&source.expect("reads").rows, binding).prepared
}

/// The chain after a plan was carried out.
fn carried_out(plan: &Plan) -> BTreeMap<String, Existing> {
    let entry = |planned: &Planned| {
        let content = planned.prepared.content.clone();
        let entry = Entry {
            entry_id: mulu_contracts::state::entry_id(content.first_code()),
            provider: "91350100M000100Y43".to_owned(),
            version: 1,
            prev: None,
            status: EntryStatus::Published,
            published_at_height: Height(1),
            updated_at_height: Height(1),
            withdrawal_reason: None,
            status_reason: None,
            suspended_by: None,
            frozen: None,
            stricter_since_height: None,
            transferred: None,
            content,
        };
        let version = version_hash(&encode(&entry));
        Existing::of(entry, version).expect("has a source")
    };
    plan.planned.iter().map(entry).collect()
}

const FIRST: &str = "标识符,名称,摘要\na,甲,一\nb,乙,二\nc,丙,三\n";

#[test]
fn importing_twice_sends_nothing_the_second_time() {
    let first =
        plan(prepared(FIRST, &binding()), &BTreeMap::new(), Explicit::default(), &Way::Publish);
    assert_eq!((first.planned.len(), first.unchanged), (3, 0));
    assert!(first.planned.iter().all(Planned::is_new));
    let chain = carried_out(&first);
    // Another day, another default duty, another order of rows: still the same records.
    let later = Binding {
        today: "2027-02-03".to_owned(),
        fetched_at: "later".to_owned(),
        duty: "91350100M000100Y43:other".to_owned(),
        ..binding()
    };
    let again = "标识符,名称,摘要\nc,丙,三\na,甲,一\nb,乙,二\n";
    let second = plan(prepared(again, &later), &chain, Explicit::default(), &Way::Publish);
    assert_eq!((second.planned.len(), second.unchanged), (0, 3));
}

#[test]
fn changed_records_are_revised_and_keep_what_the_source_does_not_say() {
    let first =
        plan(prepared(FIRST, &binding()), &BTreeMap::new(), Explicit::default(), &Way::Publish);
    let mut chain = carried_out(&first);
    let later = Binding {
        today: "2027-02-03".to_owned(),
        class: "307001".to_owned(),
        duty: "91350100M000100Y43:other".to_owned(),
        ..binding()
    };
    let changed = "标识符,名称,摘要\na,甲,新\nb,乙,二\nd,丁,四\n";
    let second = plan(prepared(changed, &later), &chain, Explicit::default(), &Way::Publish);
    // Another class changes the derived code of every record, hence its hash; the code stays.
    let revised: Vec<&Planned> = second.planned.iter().filter(|p| !p.is_new()).collect();
    assert_eq!(revised.len(), 2);
    for planned in revised {
        let content = &planned.prepared.content;
        assert!(content.first_code().starts_with("306001/"));
        assert_eq!(content.published_at, "2026-11-21");
        assert_eq!(content.responsibilities, ["91350100M000100Y43:registration"]);
    }
    for existing in chain.values_mut() {
        existing.published = false;
    }
    let third = plan(
        prepared("标识符,名称,摘要\na,甲,新\nb,乙,二\n", &binding()),
        &chain,
        Explicit::default(),
        &Way::Publish,
    );
    assert_eq!((third.planned.len(), third.unchanged, third.rejected.len()), (0, 1, 1));
}

#[test]
fn a_taken_name_is_told_apart_once_and_for_all() {
    let text = "标识符,名称,提供方\na,统计,甲局\n";
    let mut first =
        plan(prepared(text, &binding()), &BTreeMap::new(), Explicit::default(), &Way::Publish);
    let planned = first.planned.first_mut().expect("one");
    assert!(planned.rename());
    assert_eq!(planned.prepared.content.name, "统计（甲局）");
    assert!(planned.rename());
    assert_eq!(planned.prepared.content.name, "统计（甲局） 2");
    let chain = carried_out(&first);
    let second = plan(prepared(text, &binding()), &chain, Explicit::default(), &Way::Publish);
    assert_eq!((second.planned.len(), second.unchanged), (0, 1));
    let changed = "标识符,名称,提供方,摘要\na,统计,甲局,新\n";
    let third = plan(prepared(changed, &binding()), &chain, Explicit::default(), &Way::Publish);
    let revised = third.planned.first().expect("changed");
    assert_eq!(revised.prepared.content.name, "统计（甲局） 2");
}

#[test]
fn an_express_duty_rebinds_every_entry() {
    let first =
        plan(prepared(FIRST, &binding()), &BTreeMap::new(), Explicit::default(), &Way::Publish);
    let chain = carried_out(&first);
    let other = Binding { duty: "91350100M000100Y43:other".to_owned(), ..binding() };
    let explicit = Explicit { duty: true, ..Explicit::default() };
    let second = plan(prepared(FIRST, &other), &chain, explicit, &Way::Publish);
    assert_eq!((second.planned.len(), second.unchanged), (3, 0));
    let same = plan(prepared(FIRST, &binding()), &chain, explicit, &Way::Publish);
    assert_eq!((same.planned.len(), same.unchanged), (0, 3));
}
