use mulu_chain::bundle::{Bundle, Frame};

use super::*;
use crate::audit::world::World;

fn side(bundle: &Bundle, genesis: &BlockId) -> Side {
    Side::read(bundle.to_bytes().as_slice(), genesis).expect("a bundle")
}

fn bundle(world: &World) -> Bundle {
    world.bundle("params")
}

#[test]
fn two_decided_blocks_at_one_height_name_who_signed_both() {
    let (mut one, mut other) = (World::new(), World::new());
    one.idle(3);
    other.idle(3);
    let genesis = one.genesis();
    let same = compare(&side(&bundle(&one), &genesis), &side(&bundle(&other), &genesis));
    assert_eq!(same, Comparison::Same { height: Height(3), by: "block" });
    other.time_ms += 1;
    // Three of the four sign each.
    let three = |mut bundle: Bundle, but: usize| {
        for frame in &mut bundle.frames {
            if let Frame::Tip(tip) = frame {
                tip.certificate.signatures.remove(but);
            }
        }
        bundle
    };
    let (a, b) = (three(bundle(&one), 0), three(bundle(&other), 3));
    let (a, b) = (side(&a, &genesis), side(&b, &genesis));
    assert!(a.failed.is_empty() && b.failed.is_empty(), "{:?} {:?}", a.failed, b.failed);
    let Comparison::Fork { height, culprits, power, .. } = compare(&a, &b) else {
        panic!("a fork is not seen")
    };
    assert_eq!((height, culprits.len(), power), (Height(3), 2, (2, 4)));
}

#[test]
fn nothing_in_common_is_undecided() {
    let (mut one, mut other) = (World::new(), World::new());
    one.idle(3);
    other.idle(4);
    let genesis = one.genesis();
    let (a, b) = (side(&bundle(&one), &genesis), side(&bundle(&other), &genesis));
    assert_eq!(compare(&a, &b), Comparison::Undecided);
}
