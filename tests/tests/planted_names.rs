//! The programs that are shipped hold no planted bug: not even the names are there.

use std::path::Path;

#[test]
fn the_programs_know_no_planted_bug() {
    // Beside the tests' own folder lie the programs that were built with them.
    let own = std::env::current_exe().expect("a path");
    let built = own.parent().and_then(Path::parent).expect("the build's folder");
    let mut seen = 0;
    for program in ["mulud", "mulu", "simulate"] {
        let Ok(bytes) = std::fs::read(built.join(program)) else { continue };
        seen += 1;
        let found = bytes.windows(8).position(|window| window == b"planted-");
        assert_eq!(found, None, "{program} holds the name of a planted bug");
    }
    assert!(seen > 0, "no program lies in {}", built.display());
}
