use mulu_chain::log::leaf_hash;

use super::{prove, root};

/// Every line of lists of 1 to 33 lines is proved; none is under another root, size or line.
#[test]
fn each_line_is_proved_and_no_other() {
    for size in 1..=33usize {
        let lines: Vec<String> = (0..size).map(|n| format!("call {n}")).collect();
        let leaves: Vec<_> = lines.iter().map(|line| leaf_hash(line.as_bytes())).collect();
        let (root, count) = (root(&leaves), u64::try_from(size).expect("small"));
        for number in 1..=size {
            let proof = prove(&lines, number).expect("a line");
            let verify = |line: &str, count, root: &_| {
                proof.inclusion.verify(line.as_bytes(), count, root).is_ok()
            };
            assert!(verify(&proof.line, count, &root), "{number} of {size}");
            assert!(!verify("another call", count, &root));
            assert!(!verify(&proof.line, count, &leaf_hash(b"another root")));
        }
        assert!(prove(&lines, 0).is_none() && prove(&lines, size + 1).is_none());
    }
}
