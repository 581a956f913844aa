//! The kept corpus: `tests/corpus/<target>/<name>`, small files with readable names.

use std::fs;
use std::path::PathBuf;

use super::outcome::Outcome;
use super::target::Target;

/// Longest name of a kept file, in characters.
const NAME_CHARS_MAX: usize = 60;

/// A kept input.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its file name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The folder of a target.
pub fn folder(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// Every kept input of a target, by name.
pub fn read(target: &Target) -> Vec<Kept> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder(target)).into_iter().flatten().flatten() {
        let bytes = fs::read(entry.path()).expect("a kept file is readable");
        kept.push(Kept { name: entry.file_name().to_string_lossy().into_owned(), bytes });
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    kept
}

/// Writes an input; a file of that name is replaced.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write(target: &Target, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder(target))?;
    let path = folder(target).join(name);
    fs::write(&path, bytes)?;
    Ok(path)
}

/// A file name that says what the target answers.
pub fn name_of(outcome: &Outcome) -> String {
    let word = match outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Refused(_) => "refused",
    };
    let mut name = word.to_owned();
    for part in outcome.class().split(|c: char| !c.is_ascii_alphanumeric()) {
        if !part.is_empty() && name.len() + part.len() < NAME_CHARS_MAX {
            name.push('-');
            name.push_str(&part.to_ascii_lowercase());
        }
    }
    name
}
