use super::*;

fn frame(size: usize) -> Bytes {
    Bytes::from(vec![0u8; size])
}

fn fly_all(outbound: &mut Outbound<usize>, next: &mut usize) {
    let mut send = |_: Bytes| {
        *next += 1;
        *next
    };
    while outbound.send_next(&mut send) {}
}

#[test]
fn frames_stay_within_their_bound() {
    let mut outbound: Outbound<usize> = Outbound::new();
    let dropped: usize = (0..OUTBOUND_FRAMES_MAX + 10).map(|_| outbound.push(frame(1))).sum();
    assert_eq!(
        (dropped, outbound.len(), outbound.bytes),
        (10, OUTBOUND_FRAMES_MAX, OUTBOUND_FRAMES_MAX)
    );
}

#[test]
fn bytes_stay_within_their_bound_and_the_oldest_goes_first() {
    let mut outbound: Outbound<usize> = Outbound::new();
    assert_eq!(outbound.push(frame(OUTBOUND_BYTES_MAX - 1)), 0);
    assert_eq!(outbound.push(frame(1)), 0);
    assert_eq!(outbound.push(frame(2)), 1);
    assert_eq!((outbound.len(), outbound.bytes), (2, 3));
}

#[test]
fn frames_on_the_wire_are_never_dropped_for_new_ones() {
    let (mut outbound, mut next) = (Outbound::new(), 0);
    let size = OUTBOUND_BYTES_MAX / 4;
    (0..4).for_each(|_| assert_eq!(outbound.push(frame(size)), 0));
    fly_all(&mut outbound, &mut next);
    assert_eq!(outbound.push(frame(1)), 1, "the new frame is the one dropped");
    assert_eq!((outbound.len(), outbound.bytes), (4, 4 * size));
    assert_eq!(outbound.landed(&1), Some(size));
    assert_eq!(outbound.landed(&1), None);
    assert_eq!(outbound.push(frame(1)), 0);
}

#[test]
fn the_wire_holds_only_so_many() {
    let (mut outbound, mut next) = (Outbound::new(), 0);
    (0..OUTBOUND_FRAMES_MAX).for_each(|_| assert_eq!(outbound.push(frame(1)), 0));
    fly_all(&mut outbound, &mut next);
    assert_eq!(outbound.in_flight.len(), IN_FLIGHT_MAX);
    assert!(outbound.landed(&7).is_some());
    fly_all(&mut outbound, &mut next);
    assert_eq!(outbound.in_flight.len(), IN_FLIGHT_MAX);
    assert_eq!(outbound.len(), OUTBOUND_FRAMES_MAX - 1);
}
