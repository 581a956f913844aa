//! What tests share.

use std::path::PathBuf;

/// The folder of reference data: `$MULU_REFERENCE_DATA`, else `../shared/data` beside the
/// repository; none (and a line that says so) when it is not there.
pub fn reference_data() -> Option<PathBuf> {
    let folder = std::env::var_os("MULU_REFERENCE_DATA")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    if folder.join("tw-opendata").is_dir() {
        return Some(folder);
    }
    println!("skipped: no reference data in {}", folder.display());
    None
}
