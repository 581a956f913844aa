//! Reference data outside the repository: used where it is, counted as skipped where it is not.

use std::path::PathBuf;

/// The folder of reference data, if there is one: `MULU_REFERENCE_DATA`, else `../shared/data`
/// beside the repository.
pub fn folder() -> Option<PathBuf> {
    let path = match std::env::var_os("MULU_REFERENCE_DATA") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
    };
    path.is_dir().then_some(path)
}

/// A file or folder of the reference data; prints `skipped` when it is missing.
pub fn path(name: &str) -> Option<PathBuf> {
    let found = folder().map(|folder| folder.join(name)).filter(|path| path.exists());
    if found.is_none() {
        println!("skipped: no reference data {name}");
    }
    found
}
