use super::*;

#[test]
fn every_action_is_packed_once_within_both_bounds() {
    let sizes: Vec<usize> = (0..3_000).map(|i| 40 + (i * 37) % 2_000).collect();
    let runs = pack(&sizes);
    let mut next = 0;
    for run in &runs {
        let run = run.as_ref().expect("all fit");
        assert_eq!(run.start, next);
        next = run.end;
        let bytes: usize = sizes[run.clone()].iter().map(|s| s + 1).sum();
        assert!(bytes + FRAME_BYTES <= PAYLOAD_BYTES_MAX && run.len() <= ACTIONS_MAX);
    }
    assert_eq!(next, sizes.len());
    let small = pack(&vec![10; 1_100]);
    assert_eq!(small, [Ok(0..500), Ok(500..1_000), Ok(1_000..1_100)]);
}

#[test]
fn what_fits_nowhere_is_told() {
    assert_eq!(pack(&[]), []);
    assert_eq!(pack(&[5, 100_000, 6]), [Ok(0..1), Err(1), Ok(2..3)]);
    assert_eq!(pack(&[100_000]), [Err(0)]);
}
