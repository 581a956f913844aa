//! A key file in PKCS#8 PEM.

use mulu_node::disk::OsDisk;
use mulu_node::keys::{KeyError, load_with, write_new};
use tempfile::TempDir;

use super::{Outcome, scratch};
use crate::fuzz::chain::sample;
use crate::fuzz::target::Seeds;

thread_local! {
    static FOLDER: TempDir = scratch::folder();
}

/// A key that is read is written and read back the same.
pub fn run(data: &[u8]) -> Outcome {
    FOLDER.with(|folder| {
        let (path, copy) = (folder.path().join("key.pem"), folder.path().join("copy.pem"));
        scratch::write(&path, data);
        match load_with(&path, || Ok(Some(b"mulu".to_vec().into()))) {
            Ok(key) => {
                let _ = std::fs::remove_file(&copy);
                write_new(&OsDisk, &copy, &key).expect("a new file");
                let again = load_with(&copy, || Ok(None)).expect("what we write we read");
                assert!(again.seed() == key.seed(), "another key came back");
                Outcome::accepted("key")
            }
            Err(KeyError::Malformed { reason, .. }) => Outcome::refused(&reason),
            Err(KeyError::PassphraseMissing { .. }) => Outcome::refused(&"passphrase missing"),
            Err(KeyError::PassphraseWrong { .. }) => Outcome::refused(&"passphrase wrong"),
            Err(_) => Outcome::refused(&"unreadable"),
        }
    })
}

/// A key as we write it; the corpus holds openssl's, encrypted with `mulu`.
pub fn seeds() -> Seeds {
    let folder = scratch::folder();
    let path = folder.path().join("key.pem");
    write_new(&OsDisk, &path, &sample::key(1)).expect("a new file");
    let plain = std::fs::read(&path).expect("it was written");
    vec![("plain", plain)]
}
