use super::*;

fn pass() -> Pass {
    let key = SigningKey::from_seed(&[7; 32]);
    Pass::sign("mulu-devnet".parse().unwrap(), "11110000MULU00013Q".into(), "12D3".into(), 9, &key)
}

#[test]
fn a_pass_holds_only_as_it_was_signed() {
    let chain: ChainId = "mulu-devnet".parse().unwrap();
    let good = pass();
    assert_eq!(good.check(&chain), Ok(()));
    assert_eq!(good.check(&"another".parse().unwrap()), Err(PassInvalid::Chain));
    for changed in [
        Pass { member: "x".into(), ..pass() },
        Pass { guest: "x".into(), ..pass() },
        Pass { expires_ms: 10, ..pass() },
        Pass { key: SigningKey::from_seed(&[8; 32]).public_key(), ..pass() },
    ] {
        assert_eq!(changed.check(&chain), Err(PassInvalid::Signature));
    }
    for text in ["", "a\0b", &"x".repeat(PASS_TEXT_BYTES_MAX + 1)] {
        assert_eq!(Pass { member: text.into(), ..pass() }.check(&chain), Err(PassInvalid::Text));
    }
}

#[test]
fn texts_cannot_trade_bytes_with_each_other() {
    let key = SigningKey::from_seed(&[7; 32]);
    let sign = |member: &str, guest: &str| {
        Pass::sign("c".parse().unwrap(), member.into(), guest.into(), 1, &key).id()
    };
    assert_ne!(sign("ab", "c"), sign("a", "bc"));
}
