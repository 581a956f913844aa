//! The witness by the book: each answer of C2SP tlog-witness, and that nothing is forgotten.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::checkpoint::{Checkpoint, log_key};
use mulu_chain::digest::Digest;
use mulu_chain::log::{LogFrontier, leaf_hash, node_hash};
use mulu_chain::note::NoteSignature;

use super::*;

const ORIGIN: &str = "mulu/mulu-test";

fn validator(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn witness(folder: &Path) -> Witness {
    let list = folder.join("log.keys");
    let keys: Vec<String> =
        (1..=4).map(|n| log_key(ORIGIN, validator(n).public_key()).to_string()).collect();
    std::fs::write(&list, keys.join("\n")).expect("written");
    let secret = SigningKey::from_seed(&[99; 32]);
    Witness::new("witness.example/w1", secret, &[list], &folder.join("data")).expect("a witness")
}

fn leaf(number: u8) -> Digest {
    leaf_hash(&[number])
}

/// A log of three leaves after one of two.
fn root(size: u8) -> Digest {
    let mut frontier = LogFrontier::default();
    (0..size).for_each(|n| drop(frontier.append(leaf(n))));
    frontier.root()
}

fn request(old: &str, proof: &[Digest], size: u64, root: Digest, signers: &[u8]) -> Vec<u8> {
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root };
    note(old, proof, &checkpoint, signers)
}

fn note(old: &str, proof: &[Digest], checkpoint: &Checkpoint, signers: &[u8]) -> Vec<u8> {
    let text = checkpoint.text();
    let sign = |n: &u8| {
        log_key(&checkpoint.origin, validator(*n).public_key()).sign(&validator(*n), &text, 0)
    };
    let note = Note { text: text.clone(), signatures: signers.iter().map(sign).collect() };
    let proof: String =
        proof.iter().map(|hash| format!("{}\n", STANDARD.encode(hash.as_bytes()))).collect();
    format!("old {old}\n{proof}\n{note}").into_bytes()
}

#[test]
fn each_answer_is_the_one_the_specification_asks_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(folder.path());
    let quorum = [1, 2, 3];
    let ask = |body: Vec<u8>| witness.add_checkpoint(&body, 1_700_000_000);
    let status = |body: Vec<u8>| ask(body).status;

    let foreign = Checkpoint { origin: "mulu/other".to_owned(), size: 2, root: root(2) };
    assert_eq!(status(note("0", &[], &foreign, &quorum)), 404, "unknown log");
    assert_eq!(status(request("0", &[], 2, root(2), &[1, 2])), 403, "no quorum");
    assert_eq!(status(request("0", &[], 2, root(2), &[1, 1, 1])), 403, "one signer thrice");
    assert_eq!(status(request("0", &[], 2, root(2), &[7, 8, 9])), 403, "strangers");
    assert_eq!(status(request("3", &[], 2, root(2), &quorum)), 400, "old exceeds the size");
    for body in ["", "old 0", "old x\n\n", "old 00\n\nx\n", "new 0\n\n"] {
        assert_eq!(status(body.as_bytes().to_vec()), 400, "{body:?}");
    }
    let conflict = ask(request("1", &[], 2, root(2), &quorum));
    assert_eq!((conflict.status, conflict.body.as_str()), (409, "0\n"), "nothing is known yet");
    assert_eq!(conflict.media_type, "text/x.tlog.size");
    assert_eq!(status(request("0", &[leaf(0)], 2, root(2), &quorum)), 422, "a proof of nothing");

    let good = ask(request("0", &[], 2, root(2), &quorum));
    assert_eq!(good.status, 200);
    let line: NoteSignature = good.body.trim_end().parse().expect("a line");
    let text = Checkpoint { origin: ORIGIN.to_owned(), size: 2, root: root(2) }.text();
    assert!(witness.key.verifies(&text, &line));
    assert_eq!(line.bytes[..8], 1_700_000_000u64.to_be_bytes(), "with its time");

    // The same again is cosigned again; another log of that size never.
    assert_eq!(status(request("2", &[], 2, root(2), &quorum)), 200);
    assert_eq!(ask(request("2", &[], 2, root(3), &quorum)).body, "2\n");
    assert_eq!(status(request("0", &[], 2, root(2), &quorum)), 409, "old is what is known");

    let proof = [leaf(2)];
    assert_eq!(status(request("2", &[], 3, root(3), &quorum)), 422, "no proof");
    assert_eq!(status(request("2", &[leaf(1)], 3, root(3), &quorum)), 422, "another proof");
    let rewritten = node_hash(&node_hash(&leaf(0), &leaf(9)), &leaf(2));
    assert_eq!(status(request("2", &proof, 3, rewritten, &quorum)), 422, "rewritten");
    assert_eq!(status(request("2", &proof, 3, root(3), &quorum)), 200);
    assert_eq!(ask(request("2", &[], 2, root(2), &quorum)).body, "3\n", "never back");
}

#[test]
fn what_was_cosigned_outlives_the_witness_and_damage_stops_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = witness(folder.path());
    assert_eq!(first.add_checkpoint(&request("0", &[], 2, root(2), &[1, 2, 3]), 5).status, 200);
    let list = [folder.path().join("log.keys")];
    let data = folder.path().join("data");
    let again = || Witness::new("w", SigningKey::from_seed(&[99; 32]), &list, &data);
    assert_eq!(again().expect_err("it is in use").exit, Exit::Usage);
    drop(first);
    let second = again().expect("a witness");
    let answer = second.add_checkpoint(&request("0", &[], 3, root(3), &[1, 2, 3]), 6);
    assert_eq!((answer.status, answer.body.as_str()), (409, "2\n"));
    drop(second);
    let kept = std::fs::read_dir(&data).expect("a folder").map(|e| e.expect("an entry").path());
    let kept = kept.into_iter().find(|p| p.extension().is_some_and(|e| e == "note"));
    std::fs::write(kept.expect("a note"), "mulu/").expect("written");
    assert_eq!(again().expect_err("damaged").exit, Exit::Usage);
}

#[test]
fn a_disk_that_does_not_take_it_means_no_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(folder.path());
    std::fs::remove_dir_all(folder.path().join("data")).expect("removed");
    assert_eq!(witness.add_checkpoint(&request("0", &[], 2, root(2), &[1, 2, 3]), 5).status, 500);
    let store = witness.store.lock().expect("no panic");
    assert_eq!(store.known(ORIGIN), None, "and it was not remembered either");
}

#[test]
fn it_speaks_http_and_is_not_to_be_held_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        http::serve(&listener, &|body: &[u8]| witness.add_checkpoint(body, 5))
    });
    let say = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(bytes).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("done");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let body = request("0", &[], 2, root(2), &[1, 2, 3]);
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = say(&[head.as_bytes(), &body].concat());
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("— witness.example/w1 "),
        "{answer}"
    );
    let rows: [(&str, &str); 8] = [
        ("GET /add-checkpoint HTTP/1.1\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\n\r\n", "404"),
        ("POST /add-checkpoint HTTP/1.1\r\n\r\n", "411"),
        ("POST /add-checkpoint HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", "411"),
        ("POST /add-checkpoint HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", "413"),
        ("POST /add-checkpoint HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400"),
        ("POST /add-checkpoint HTTP/1.1\r\ncontent-length: 5\r\n\r\nold", "400"),
        ("hello", "400"),
    ];
    for (said, status) in rows {
        let answer = say(said.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{said:?}: {answer}");
    }
}
