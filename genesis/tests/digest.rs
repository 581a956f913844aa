//! The digest of a founding document: fixed values, and what does and does not change it.

mod common;

use mulu_chain::digest::Digest;
use mulu_chain::state::{key_hash, root_of, value_hash};
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::member::Member;
use mulu_contracts::state::{decode, member_key};

const MINIMAL: &str = include_str!("data/minimal.toml");
const MINIMAL_DIGEST: &str =
    "sha256:7f8773ee79ca6fd59a205cf8f47fd7deef8a66d5ab5a467aac880829b94a1855";
const DEVNET_DIGEST: &str =
    "sha256:331a8d5270d6450302ba2c2cdc0579b920f82807c7bb089ed357c7ad90273a20";

fn digest(text: &str) -> Digest {
    match mulu_genesis::parse(text, "test.toml") {
        Ok(founding) => founding.digest(),
        Err(invalid) => panic!("{invalid}"),
    }
}

#[test]
fn fixed_documents_have_fixed_digests() {
    // A changed value means a changed block 0: a new chain for everybody. Never by accident.
    assert_eq!(digest(MINIMAL).to_string(), MINIMAL_DIGEST);
    assert_eq!(digest(&common::devnet_text()).to_string(), DEVNET_DIGEST);
}

#[test]
fn block_0_commits_to_what_the_document_says() {
    let founding = mulu_genesis::parse(MINIMAL, "test.toml").expect("accepted");
    let block = founding.block();
    let header = &block.header;
    assert_eq!(founding.chain_id().as_str(), "mulu-test");
    assert_eq!(header.time_ms, TimeMs(1_767_225_600_000));
    assert_eq!((header.height, header.parent), (Height::GENESIS, Digest::ZERO));
    assert_eq!((header.transactions, header.log_size, header.proposer), (0, 0, None));
    assert_eq!(header.log_root, Digest::sha256(b""), "RFC 6962: the empty tree");
    let pairs = block.state.iter().map(|(key, value)| (key_hash(key), value_hash(value)));
    assert_eq!(header.state_root, root_of(pairs));
    assert_eq!(header.validator_set_hash, block.validators.hash());
    assert_eq!(header.next_validator_set_hash, block.validators.hash());
    let key = member_key("11110000MULU00048B");
    let member: Member = decode(&key, &block.state[&key]).expect("a member");
    assert_eq!((member.name.as_str(), member.nodes.len()), ("大数据局", 1));
    assert!(!block.state.keys().any(|key| key.starts_with("history/")));
}

/// The document's blocks: the head and one text for each section, with its comments.
fn sections(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = text.match_indices("\n[").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    starts.push(text.len());
    starts.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

#[test]
fn the_order_of_sections_comments_and_blanks_do_not_matter() {
    for text in [MINIMAL.to_owned(), common::devnet_text()] {
        let expected = digest(&text);
        let parts = sections(&text);
        let (head, tail) = parts.split_at(1);
        let reversed: Vec<&str> = head.iter().chain(tail.iter().rev()).copied().collect();
        assert_eq!(digest(&reversed.concat()), expected);
        for turn in [1, 2, 5] {
            let mut turned = tail.to_vec();
            turned.rotate_left(turn % tail.len());
            assert_eq!(digest(&format!("{}{}", head.concat(), turned.concat())), expected);
        }
        let bare: String = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| format!("{line}   # a remark\n"))
            .collect();
        assert_eq!(digest(&bare), expected);
        assert_eq!(digest(&text.replace('\n', "\r\n")), expected);
    }
}

#[test]
fn everything_else_matters() {
    let expected = digest(MINIMAL);
    let rows = [
        ("mulu-test", "mulu-tost"),
        ("00:00:00Z", "00:00:01Z"),
        ("authority_threshold = 1", "authority_threshold = 1\nheartbeat_ms = 1000"),
        ("大数据局", "数据局"),
        ("110000\"", "110101\""),
        ("power = 1", "power = 2"),
        ("[\"authority\"]", "[\"authority\", \"officer\"]"),
        ("\"provider\", \"authority\"", "\"authority\", \"provider\""),
    ];
    for (from, to) in rows {
        assert_ne!(digest(&MINIMAL.replacen(from, to, 1)), expected, "{from}");
    }
    // Defaults written out are the same parameters.
    let spelled = MINIMAL.replace(
        "authority_threshold = 1",
        "valid_heights_max = 100_000\nclock_skew_ms = 120_000\nauthority_threshold = 1",
    );
    assert_eq!(digest(&spelled), expected);
}
