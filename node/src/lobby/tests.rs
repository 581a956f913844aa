use std::time::Duration;

use mulu_chain::signature::SigningKey;
use mulu_contracts::action::Action;
use mulu_contracts::key::NewKey;
use mulu_contracts::member::{MemberAdmit, NewMember, Node};
use mulu_contracts::payload::{Payload, SCHEMA_VERSION, Submitter};
use mulu_genesis::devnet::{DATA_BUREAU, DEPARTMENTS, DepartmentKeys, DevnetKeys, founding_text};
use mulu_genesis::peer_id::peer_id_of;

use super::petition::Taken;
use super::*;
use crate::storage::Ledger;

const NEWCOMER: &str = "11110000MULU000566";
const NOW: TimeMs = TimeMs(1_800_000_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn peer(seed: u8) -> PeerId {
    peer_id_of(&key(seed).public_key()).parse().unwrap()
}

/// Seeds: department d has node d·10, validator d·10+1, administrator +2; the authority has 90.
fn world(folder: &std::path::Path) -> (Ledger, Lobby) {
    let public = |seed| key(seed).public_key();
    let mut departments = (1..=4u8).map(|d| DepartmentKeys {
        node: public(d * 10),
        validator: public(d * 10 + 1),
        administrator: public(d * 10 + 2),
        officer: public(d * 10 + 3),
        application: public(d * 10 + 4),
    });
    let keys = DevnetKeys {
        departments: std::array::from_fn(|_| departments.next().unwrap()),
        authority: public(90),
        auditor: public(91),
    };
    let text = founding_text("mulu-lobby", "2026-01-01T00:00:00Z", &keys);
    let founding = mulu_genesis::parse(&text, "genesis.toml").unwrap();
    let ledger = Ledger::in_memory();
    ledger.initialize(founding.block()).unwrap();
    let lobby =
        Lobby::open(founding.chain_id().clone(), folder.join("lobby.json"), BTreeSet::new());
    let admitted = admitted_peers(&ledger).unwrap();
    lobby.lock().members = admitted.into_iter().map(|(peer, _)| peer).collect();
    (ledger, lobby)
}

fn pass(guest: u8, expires_ms: u64, by: u8) -> Pass {
    let guest = peer_id_of(&key(guest).public_key());
    Pass::sign("mulu-lobby".parse().unwrap(), NEWCOMER.into(), guest, expires_ms, &key(by))
}

fn request(node: u8, valid_until: u64) -> Envelope {
    let member = NewMember {
        uscc: NEWCOMER.into(),
        name: "民政局".into(),
        name_en: None,
        region: "110000".into(),
        roles: vec![mulu_contracts::member::MemberRole::Provider],
        nodes: vec![Node { peer_id: peer(node).to_string(), name: None }],
        uscc_check_waived: false,
    };
    let first = NewKey {
        public_key: key(70).public_key(),
        roles: vec![KeyRole::Administrator],
        office: None,
        label: None,
        valid_from: None,
        valid_to: None,
    };
    let payload = Payload {
        schema_version: SCHEMA_VERSION,
        chain_id: "mulu-lobby".parse().unwrap(),
        submitter: Submitter { member: DATA_BUREAU.uscc.into(), office: None },
        on_behalf_of: None,
        created_at: None,
        valid_until,
        nonce: None,
        actions: vec![Action::MemberAdmit(MemberAdmit { member, keys: vec![first] })],
    };
    Envelope::sign(serde_json::to_vec(&payload).unwrap(), &[&key(70)]).unwrap()
}

fn signed_too(envelope: &Envelope, seed: u8) -> Envelope {
    let extra = Envelope::sign(envelope.payload().to_vec(), &[&key(seed)]).unwrap();
    let all = [envelope.signatures(), extra.signatures()].concat();
    Envelope::new(envelope.payload().to_vec(), all).unwrap()
}

#[test]
fn a_newcomer_is_let_in_asks_and_is_signed_for() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, lobby) = world(folder.path());
    let take = |envelope, from| lobby.take_petition(envelope, from, &ledger, NOW).unwrap();
    assert_eq!(lobby.role(&peer(60)), Role::Stranger);
    assert_eq!(lobby.role(&peer(10)), Role::Member);
    let pass = pass(60, NOW.0 + 1_000, 12);
    assert_eq!(lobby.take_pass(&pass, &ledger, NOW).unwrap(), Ok(true));
    assert_eq!(lobby.take_pass(&pass, &ledger, NOW).unwrap(), Ok(false));
    let role = lobby.role(&peer(60));
    assert_eq!(role, Role::Pass(pass.id()));
    let by_pass = Some((peer(60), role));

    let asked = request(71, 1_000);
    assert!(matches!(take(asked.clone(), by_pass), Ok(Taken::Changed(_))));
    assert!(matches!(take(asked.clone(), by_pass), Ok(Taken::Known)));
    assert_eq!(lobby.role(&peer(71)), Role::Guest);
    // The pass serves one node.
    let other = take(request(72, 1_000), by_pass);
    assert_eq!(other.unwrap_err(), PetitionRefused::PassUsed);
    assert_eq!(lobby.role(&peer(72)), Role::Stranger);
    // A guest asks for itself only.
    let guest = Some((peer(71), Role::Guest));
    assert!(matches!(take(asked.clone(), guest), Ok(Taken::Known)));
    assert_eq!(take(request(72, 9), guest).unwrap_err(), PetitionRefused::NotItsOwn);

    let views = lobby.petitions(&ledger, NOW).unwrap();
    assert_eq!(views.len(), 1);
    assert_eq!(views[0].missing.as_ref().unwrap().rule, "KEY-03");
    assert_eq!(views[0].could_sign.keys().collect::<Vec<_>>(), [DATA_BUREAU.uscc]);
    // A signature that counts for nothing would spoil the others (KEY-06).
    for spoiler in [12, 13] {
        let spoiled = take(signed_too(&asked, spoiler), None);
        assert!(matches!(spoiled, Err(PetitionRefused::Signature(..))), "{spoiler}: {spoiled:?}");
    }
    let Ok(Taken::Changed(complete)) = take(signed_too(&asked, 90), None) else { panic!() };
    assert_eq!(lobby.judge_envelope(&complete, &ledger, NOW).unwrap(), Ok(()));
    // Another opening of the file finds the same.
    let again = Lobby::open(lobby.chain_id.clone(), lobby.path.clone(), BTreeSet::new());
    assert_eq!(again.role(&peer(71)), Role::Guest);
    assert_eq!(again.petitions(&ledger, NOW).unwrap().len(), 1);
}

#[test]
fn passes_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, lobby) = world(folder.path());
    let take = |pass: Pass| lobby.take_pass(&pass, &ledger, NOW).unwrap();
    let soon = NOW.0 + 1_000;
    assert_eq!(take(pass(60, NOW.0 - 1, 12)), Err(PassRefused::Time));
    assert_eq!(take(pass(60, NOW.0 + PASS_MS_MAX + 1, 12)), Err(PassRefused::Time));
    let officer = key(13).public_key().to_string();
    assert_eq!(take(pass(60, soon, 13)), Err(PassRefused::Key(officer)));
    let member = DEPARTMENTS[0].uscc.to_owned();
    let known = Pass::sign(lobby.chain_id.clone(), member.clone(), "x".into(), soon, &key(12));
    assert_eq!(take(known), Err(PassRefused::Member(member)));
    assert!(matches!(take(pass(10, soon, 12)), Err(PassRefused::Guest(_))));
    let forged = Pass { expires_ms: soon + 1, ..pass(60, soon, 12) };
    assert_eq!(take(forged), Err(PassRefused::Invalid(PassInvalid::Signature)));
    for guest in 0..4 {
        assert_eq!(take(pass(60 + guest, soon, 12)), Ok(true));
    }
    assert_eq!(take(pass(64, soon, 12)), Err(PassRefused::Full));
}

#[test]
fn petitions_are_bounded_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, lobby) = world(folder.path());
    let member = Some((peer(10), Role::Member));
    for number in 0..PETITIONS_PER_PEER_MAX as u64 {
        let taken = lobby.take_petition(request(71, 500 + number), member, &ledger, NOW).unwrap();
        assert!(matches!(taken, Ok(Taken::Changed(_))), "{number}");
    }
    let full = lobby.take_petition(request(71, 5), member, &ledger, NOW).unwrap();
    assert_eq!(full.unwrap_err(), PetitionRefused::Full);
    let hopeless = lobby.take_petition(request(71, 0), None, &ledger, NOW).unwrap();
    assert!(matches!(hopeless, Err(PetitionRefused::Rejected(_))));

    assert_eq!(lobby.take_pass(&pass(60, NOW.0 + 1, 12), &ledger, NOW).unwrap(), Ok(true));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (events, _seen) = tokio::sync::mpsc::channel(8);
        let config = crate::p2p::P2pConfig {
            identity: crate::keys::identity_of(&key(10)),
            listen: "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            peers: Vec::new(),
        };
        let (p2p, task) = crate::p2p::spawn(config, BTreeSet::new(), events).await.unwrap();
        lobby.refresh(&ledger, &p2p, NOW).unwrap();
        assert!(matches!(lobby.role(&peer(60)), Role::Pass(_)));
        lobby.refresh(&ledger, &p2p, TimeMs(NOW.0 + 2)).unwrap();
        assert_eq!(lobby.role(&peer(60)), Role::Stranger, "an expired pass is over");
        p2p.shutdown();
        let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
    });
}
