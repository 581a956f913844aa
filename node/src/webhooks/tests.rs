use mulu_chain::types::Height;

use super::cursor;
use crate::events::Place;

#[test]
fn a_place_comes_back_and_damage_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("webhooks").join("a.place");
    assert_eq!(cursor::read(&path).expect("no file is no error"), None);
    for place in [Place::at(Height(0)), Place { height: Height(70_000), index: 4 }] {
        cursor::write(&path, place).expect("written");
        assert_eq!(cursor::read(&path).expect("read"), Some(place));
    }
    for damage in ["", "mulu-webhook-place-v1", "mulu-webhook-place-v1 7", "v2 7/1", "\u{0}"] {
        std::fs::write(&path, damage).expect("written");
        assert!(cursor::read(&path).is_err(), "{damage:?}");
    }
}
