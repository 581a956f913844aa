//! A node over HTTP that tells the truth, ends early, or tells another story.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use mulu_chain::log::{LogFrontier, consistency_ranges};
use mulu_contracts::action::Action;
use mulu_contracts::entry::EntryPublish;
use serde_json::json;

use super::*;
use crate::audit::tests::{PROVIDER, content};
use crate::audit::world::{self, Role, World};
use crate::lang::Lang;

/// Answers by the path and query of a request, for as long as the test runs.
fn serve(answers: BTreeMap<String, Vec<u8>>) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut request, mut buffer) = (Vec::new(), [0u8; 1024]);
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let Ok(read @ 1..) = stream.read(&mut buffer) else { break };
                request.extend(&buffer[..read]);
            }
            let text = String::from_utf8_lossy(&request).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match answers.get(path) {
                Some(body) => ("200 OK", body.as_slice()),
                None => ("404 Not Found", b"{}".as_slice()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    Node::new(&format!("http://{address}"), Duration::from_secs(10), Lang::En).expect("a node")
}

fn publish(world: &mut World, summary: &str, code: &str) {
    let officer = world::key(PROVIDER, Role::Officer);
    let mut entry = content(summary);
    entry.codes = vec![code.parse().expect("a code")];
    entry.name = format!("企业登记信息 {code}");
    world.commit(PROVIDER, &[&officer], Action::EntryPublish(Box::new(EntryPublish { entry })));
}

/// The bundle of the parameters at the tip, and its header.
fn headers(world: &World) -> (Vec<u8>, CertifiedHeader) {
    let bytes = world.bundle("params").to_bytes();
    let side = Side::read(bytes.as_slice(), &world.genesis()).expect("a bundle");
    assert!(side.failed.is_empty(), "{:?}", side.failed);
    let (decided, _) = last(side).expect("a header");
    (bytes, decided)
}

/// A node with these bundles; the last is its tip. Its log is `leaves`.
fn node(worlds: &[(Vec<u8>, CertifiedHeader)], leaves: &[Digest]) -> Node {
    let mut answers = BTreeMap::new();
    let tip = worlds.last().expect("a tip").1.header.height;
    answers.insert("/v1/status".to_owned(), json!({ "height": tip }).to_string().into_bytes());
    for (bytes, decided) in worlds {
        let height = decided.header.height;
        answers.insert(format!("/v1/bundles/params?height={height}"), bytes.clone());
        for (_, to) in worlds.iter().filter(|(_, to)| to.header.height >= height) {
            let (old, new) = (decided.header.log_size, to.header.log_size);
            let hashes: Vec<Digest> = match old == new {
                true => Vec::new(),
                false => consistency_ranges(old, new).iter().map(|r| root(leaves, *r)).collect(),
            };
            let path = format!("/v1/consistency?from={height}&to={}", to.header.height);
            answers.insert(path, json!({ "hashes": hashes }).to_string().into_bytes());
        }
    }
    serve(answers)
}

fn root(leaves: &[Digest], (from, to): (u64, u64)) -> Digest {
    let at = |index: u64| usize::try_from(index).expect("small");
    let mut frontier = LogFrontier::default();
    leaves[at(from)..at(to)].iter().for_each(|leaf| drop(frontier.append(*leaf)));
    frontier.root()
}

#[test]
fn what_was_trusted_is_the_beginning_of_what_is_shown() {
    let mut world = World::new();
    let genesis = world.genesis();
    for number in 1..4 {
        publish(&mut world, "一", &format!("307001/00000{number}"));
    }
    let early = headers(&world);
    let mut other = World::new();
    for number in 1..4 {
        publish(&mut other, "另", &format!("307001/00000{number}"));
    }
    let forked = headers(&other);
    publish(&mut world, "二", "307001/000009");
    let late = headers(&world);
    let leaves = world.leaves();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/folder/trusted.bundle");
    let honest = node(&[early.clone(), late.clone()], &leaves);
    let refused = |node: &Node, shown: &CertifiedHeader| {
        let failure = check(node, &path, &genesis, shown).expect_err("it contradicts");
        assert_eq!(failure.exit, Exit::VerificationFailed);
        failure.lines(Lang::En).join("\n")
    };

    check(&honest, &path, &genesis, &early.1).expect("nothing is remembered yet");
    assert_eq!(std::fs::read(&path).expect("written"), early.0);
    check(&honest, &path, &genesis, &late.1).expect("it goes on");
    assert_eq!(std::fs::read(&path).expect("written"), late.0);
    check(&honest, &path, &genesis, &early.1).expect("an earlier height may be asked about");
    assert_eq!(std::fs::read(&path).expect("written"), late.0, "the later one is kept");

    let shorter = refused(&node(std::slice::from_ref(&early), &leaves), &early.1);
    let member = world::uscc(0);
    assert!(shorter.contains("ends at height 3") && shorter.contains(&member), "{shorter}");

    std::fs::write(&path, &early.0).expect("written");
    let fork = refused(&node(std::slice::from_ref(&forked), &leaves), &forked.1);
    assert!(fork.contains("FORK at height 3") && fork.contains(&member), "{fork}");

    // The right block, and a proof of nothing.
    let liar = node(&[early.clone(), late.clone()], &vec![Digest::sha256(b"leaf"); leaves.len()]);
    let unproved = refused(&liar, &late.1);
    assert!(unproved.contains("LOG-02"), "{unproved}");
    assert_eq!(std::fs::read(&path).expect("there"), early.0, "nothing new is trusted");

    std::fs::write(&path, b"damaged").expect("written");
    let damaged = check(&honest, &path, &genesis, &late.1).expect_err("it cannot be read");
    assert_eq!(damaged.exit, Exit::Usage);
}
