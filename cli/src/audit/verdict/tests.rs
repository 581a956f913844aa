//! Verdicts where a reader may easily go wrong.

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{
    Authorization, AuthorizationAgree, AuthorizationFinalize, AuthorizationRequest, Counts, Limits,
    Purpose, Window,
};
use mulu_contracts::catalog::ShareMethod;
use mulu_contracts::entry::EntryPublish;
use mulu_contracts::receipt::{ReceiptKind, ReceiptRecord};
use mulu_contracts::state::{authorization_key, entry_id, entry_key, record_id, version_hash};

use crate::audit::tests::{CONSUMER, PROVIDER, content};
use crate::audit::verify;
use crate::audit::world::{self, Role, World};

/// A grant that hands another on, when finalized, does not end that other in its verdicts.
#[test]
fn a_grant_handed_on_is_not_ended() {
    const THIRD: usize = 2;
    let mut world = World::new();
    let officers =
        [PROVIDER, CONSUMER, THIRD].map(|department| world::key(department, Role::Officer));
    let id = entry_id("307001/000001");
    let publish = EntryPublish { entry: content("一") };
    world.commit(PROVIDER, &[&officers[PROVIDER]], Action::EntryPublish(Box::new(publish)));
    let window = Window { from_ms: world.time_ms, to_ms: world.time_ms + 86_400_000 };
    let purpose = Purpose { basis: "条例".to_owned(), scenario: "审批".to_owned(), code: None };
    let grant = |world: &mut World, from: usize, to: usize, parent: Option<Digest>| {
        let request = AuthorizationRequest {
            entry_id: id,
            entry_version: version_hash(world.state.get(&entry_key(&id)).expect("published")),
            items: vec!["uscc".to_owned()],
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
            parent,
            onward: parent.is_none(),
            auto_agree: false,
        };
        let request = Action::AuthorizationRequest(request);
        let authorization_id = record_id(&world.commit(to, &[&officers[to]], request), 0);
        let agree = AuthorizationAgree { authorization_id };
        world.commit(from, &[&officers[from]], Action::AuthorizationAgree(agree));
        let record = world.state.get(&authorization_key(&authorization_id)).expect("agreed");
        let record: Authorization = serde_json::from_slice(record).expect("JSON");
        let terms_hash = record.terms_hash.expect("agreed");
        let finalize = AuthorizationFinalize { authorization_id, terms_hash };
        let both = [&officers[from], &officers[to]];
        world.commit(from, &both, Action::AuthorizationFinalize(finalize));
        authorization_id
    };
    let parent = grant(&mut world, PROVIDER, CONSUMER, None);
    grant(&mut world, CONSUMER, THIRD, Some(parent));
    let denied = ReceiptRecord {
        authorization_id: parent,
        terms_hash: None,
        kind: ReceiptKind::Denied,
        items: vec!["name".to_owned()],
        purpose: purpose.clone(),
        window: Window { from_ms: window.from_ms, to_ms: world.time_ms },
        counts: Counts::default(),
        digest: None,
        seq: 1,
        prev_receipt: None,
        peer_receipt: None,
        lines: None,
        corrects: None,
        lineage: None,
        system: None,
        operator_hash: None,
    };
    world.commit(PROVIDER, &[&officers[PROVIDER]], Action::ReceiptRecord(denied));
    let bytes = world.bundle(&entry_key(&id)).to_bytes();
    let audited = verify(bytes.as_slice(), &world.genesis()).expect("a bundle");
    assert!(audited.failed().is_empty(), "{:#?}", audited.checks);
    let refused = audited.verdicts.iter().find(|v| v.verdict == "NOT AUTHORIZED");
    let refused = refused.expect("a use was denied");
    assert_eq!(refused.basis, "RCP-04", "{refused:?}");
}
