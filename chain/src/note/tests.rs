//! Notes: the published example of the format, our own lines, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

/// The example in the documentation of Go's sumdb/note package.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const EXAMPLE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn the_published_example_verifies() {
    let key: NoteKey = PETER.parse().unwrap();
    assert_eq!(key.to_string(), PETER);
    let note: Note = EXAMPLE.parse().unwrap();
    assert_eq!(note.to_string(), EXAMPLE);
    assert_eq!(note.signers(std::slice::from_ref(&key)).unwrap(), [&key]);
    let changed: Note = EXAMPLE.replace("answer", "solution").parse().unwrap();
    assert!(matches!(changed.signers(&[key]), Err(NoteInvalid::Signature(_))));
}

#[test]
fn both_kinds_of_lines_verify_and_no_changed_one_does() {
    let secret = SigningKey::from_seed(&[7; 32]);
    for kind in [NoteKeyKind::Ed25519, NoteKeyKind::Cosignature] {
        let key = NoteKey { name: "witness.example/w1".to_owned(), kind, key: secret.public_key() };
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        let text = "log.example\n3\nhash\n".to_owned();
        let line = key.sign(&secret, &text, 1_700_000_000);
        assert!(key.verifies(&text, &line));
        assert!(!key.verifies("log.example\n4\nhash\n", &line));
        for at in 0..line.bytes.len() {
            let mut changed = line.clone();
            changed.bytes[at] ^= 1;
            assert!(!key.verifies(&text, &changed), "byte {at}");
        }
        let note = Note { text, signatures: vec![line.clone(), line] };
        let again: Note = note.to_string().parse().unwrap();
        assert_eq!(
            again.signers(std::slice::from_ref(&key)).unwrap().len(),
            1,
            "a signer counts once"
        );
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let too_many = format!("text\n\n{}", "— a AAAAAAA=\n".repeat(NOTE_SIGNATURES_MAX + 1));
    let refused = [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— a AAAAAAA=",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n— a AAAA\n",
        "text\n\n— a !!!!\n",
        "text\n\n— AAAAAAA=\n",
        "text\n\n— a b AAAAAAA=\n",
        "te\rxt\n\n— a AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        too_many.as_str(),
    ];
    for note in refused {
        assert!(note.parse::<Note>().is_err(), "{note:?}");
    }
    assert!("x".repeat(NOTE_BYTES_MAX + 1).parse::<Note>() == Err(NoteInvalid::Bound));
    for key in [
        "",
        "a+b",
        "a+00000000+AQ==",
        &PETER.replace("c74f", "c74e"),
        &PETER.replace("Peter", "Pe ter"),
    ] {
        assert!(key.parse::<NoteKey>().is_err(), "{key}");
    }
}
