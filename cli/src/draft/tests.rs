use super::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

#[test]
fn a_draft_collects_signatures_and_becomes_the_envelope() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tx.json");
    let draft = Draft::new(br#"{"a":1}"#.to_vec()).expect("small");
    assert_eq!(draft.envelope().expect_err("unsigned").exit, Exit::Permission);
    draft.write(&path).expect("written");
    let mut read = Draft::read(&path).expect("read");
    assert_eq!(read, draft);
    for seed in [9, 3, 9] {
        read.sign(&key(seed));
    }
    assert_eq!(read.signatures.len(), 2);
    read.write(&path).expect("written");
    let again = Draft::read(&path).expect("read");
    assert_eq!(again, read);
    let envelope = again.envelope().expect("signed");
    assert_eq!(envelope.id(), draft.id());
    assert!(envelope.verify().is_ok());
}

#[test]
fn other_files_are_refused() {
    for text in ["", "{}", r#"{"payloadType":"x","payload":"","signatures":[]}"#] {
        assert!(Draft::from_json(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Draft::new(vec![b' '; PAYLOAD_BYTES_MAX + 1]).is_err());
}
