use super::*;

#[test]
fn texts_stand_for_keys() {
    let hex = "ab".repeat(32);
    let one = |text: &str| candidates(text);
    assert_eq!(one(&format!("entry/sha256:{hex}")), [format!("entry/sha256:{hex}")]);
    assert_eq!(one(&format!("entry/{hex}")), [format!("entry/sha256:{hex}")]);
    assert_eq!(one(&hex).len(), HASHED.len());
    assert_eq!(one("91350100M000100Y43"), ["member/91350100M000100Y43"]);
    assert_eq!(one("91350100M000100Y43:data").len(), 3);
    assert_eq!(one("duty/91350100M000100Y43:data"), ["duty/91350100M000100Y43:data"]);
    for key in ["params", "regions", "delegation/91350100M000100Y43/…", "source/ab"] {
        assert_eq!(one(key), [key]);
    }
    assert_eq!(one("region/110000"), ["region/110000"]);
    let evidence = format!("evidence/ed25519:{hex}/7/0/prevote");
    assert_eq!(one(&evidence), [evidence.as_str()]);
    assert!(one("307001/000001").is_empty());
    assert!(one("abcdef").is_empty());
}

#[test]
fn beginnings_of_hashes() {
    assert_eq!(hash_digits("sha256:ab12…"), Some("ab12"));
    assert_eq!(hash_digits("ab12cd"), Some("ab12cd"));
    assert_eq!(hash_digits("AB12"), None);
    assert_eq!(hash_digits("hello"), None);
}
