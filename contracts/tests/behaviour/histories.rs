//! Where an action is remembered: the subjects whose histories get its event, no more and no fewer.

use std::collections::BTreeSet;

use crate::cases_sharing::all;
use crate::world::*;

#[test]
fn every_action_is_remembered_where_it_belongs() {
    let mut names = BTreeSet::new();
    for case in all() {
        let (name, expected) = (case.name().to_owned(), case.touched.clone());
        let (_, found) = case.run();
        assert_eq!(found, expected, "{name}");
        names.insert(name);
    }
    // The closed list of actions (`Action`): a new one needs its case here.
    assert_eq!(names.len(), 62, "{names:?}");
}

/// Whatever a delegate does is in the history of the delegation, beside all other subjects.
#[test]
fn what_a_delegate_does_is_remembered_with_the_delegation() {
    let grant = all().into_iter().find(|case| case.name() == "delegation.grant").unwrap();
    let (mut world, _) = grant.run();
    let payload = world.payload(CONSUMER, None, vec![publish(content())]);
    let transaction = sign(&with(payload, "/on_behalf_of", PROVIDER.into()), &[CONSUMER_OFFICER]);
    world.accept(transaction);
    let at = format!("delegation/{PROVIDER}/{CONSUMER}");
    assert_eq!(world.histories[&at].len(), 2);
    assert_eq!(world.histories[&crate::cases::bound()[0]].len(), 1);
}
