//! A crash between two names of the ledger's folder costs nothing.

use super::*;

fn folders(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_new_ledger_takes_its_place_after_a_crash_at_any_name() {
    // What a crash leaves, and the next snapshot finds beside its `ledger.new`.
    for left in [&["ledger"][..], &["ledger", "ledger.empty"], &["ledger.empty"], &[]] {
        let folder = tempfile::tempdir().unwrap();
        for name in left.iter().chain(&["ledger.new"]) {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("CURRENT"), name).unwrap();
        }
        put_in_place(folder.path()).unwrap();
        assert_eq!(folders(folder.path()), ["ledger"], "{left:?}");
        let current = fs::read_to_string(folder.path().join("ledger").join("CURRENT")).unwrap();
        assert_eq!(current, "ledger.new");
    }
}
