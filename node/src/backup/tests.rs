#![allow(clippy::unwrap_used)]

use super::*;

/// A home with an empty chain of the development consortium's kind is too much here: any ledger will
/// do for the paths that need none.
#[test]
fn only_plain_names_are_files_of_a_backup() {
    for good in ["config.toml", "genesis.toml", "ledger/CURRENT", "ledger/000012.sst"] {
        assert!(is_plain(good), "{good}");
    }
    for bad in [
        "",
        "ledger/",
        "ledger/..",
        "ledger/../x",
        "/etc/passwd",
        "ledger/a/b",
        "keys/node.pem",
        "ledger/.",
        "../config.toml",
        "ledger/a b",
        "ledger//a",
        "manifest.json",
    ] {
        assert!(!is_plain(bad), "{bad}");
    }
}

#[test]
fn a_home_with_data_is_refused_before_anything_is_read() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("data")).unwrap();
    let error = restore(home.path(), Path::new("/nowhere")).unwrap_err();
    assert!(matches!(error, BackupError::HasData(_)), "{error}");
}

#[test]
fn a_backup_without_a_manifest_or_with_a_strange_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(verify(folder.path()), Err(BackupError::Io { .. })));
    let path = folder.path().join(MANIFEST);
    fs::write(&path, "{}").unwrap();
    assert!(matches!(verify(folder.path()), Err(BackupError::Damaged { .. })));
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        program: "mulud".to_owned(),
        chain_id: "mulu-backup".parse().unwrap(),
        genesis: Digest::ZERO,
        height: Height(1),
        block: Digest::ZERO,
        state_root: Digest::ZERO,
        made_ms: 0,
        files: vec![FileRecord {
            path: "ledger/../../outside".to_owned(),
            bytes: 0,
            sha256: Digest::ZERO,
        }],
    };
    fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    let error = verify(folder.path()).unwrap_err();
    assert!(error.to_string().contains("is no file of a backup"), "{error}");
}
