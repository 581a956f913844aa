use super::*;

#[test]
fn ids_are_plain_numbers() {
    let id = EventId { height: Height(12), index: 3 };
    assert_eq!("12/3".parse(), Ok(id));
    assert_eq!(id.to_string(), "12/3");
    for wrong in ["", "12", "/", "12/", "/3", "+1/2", "1/-2", "1/2/3", "1/4294967296", " 1/2"] {
        assert_eq!(wrong.parse::<EventId>(), Err(EventIdInvalid), "{wrong}");
    }
}

#[test]
fn a_place_is_where_the_seen_ends() {
    assert_eq!(Place::at(Height(0)).seen(), None);
    let third = Place { height: Height(7), index: 3 };
    assert_eq!(third.seen().map(Place::after), Some(third));
    // "All of height 6" comes before the first of height 7, and after whatever 6 holds.
    let seen = Place::at(Height(7)).seen().expect("not the first");
    assert!(Place::after(seen) < Place::at(Height(7)));
    assert_eq!((seen.height, seen.index), (Height(6), u32::MAX));
}

#[test]
fn kinds_are_whole_words() {
    let filter = Filter::default().kind(Some("authorization, receipt.record".into()));
    let filter = filter.expect("two kinds");
    for (name, wanted) in [
        ("authorization.offer", true),
        ("authorization", true),
        ("receipt.record", true),
        ("receipt.recorded", false),
        ("receipt", false),
        ("authorizations.offer", false),
        ("entry.publish", false),
    ] {
        assert_eq!(filter.wants_types([name].into_iter()), wanted, "{name}");
    }
    assert!(!filter.wants_types(std::iter::empty()));
    for wrong in ["", ",", "Entry", "a,,b", "entry/x"] {
        assert!(Filter::default().kind(Some(wrong.into())).is_err(), "{wrong}");
    }
    let long = "x".repeat(FILTER_TEXT_BYTES_MAX + 1);
    assert_eq!(Filter::default().member(Some(long)), Err(FilterInvalid("member")));
}
