use super::*;
use crate::config::Config;
use crate::disk::OsDisk;
use crate::home::{self, NewHome};

fn home(folder: &Path) -> PathBuf {
    let home = folder.join("home");
    let config = Config::new("node", "11110000MULU00013Q");
    let new =
        NewHome { home: home.clone(), genesis: None, config, observer: false, invitation: None };
    home::create(&OsDisk, &new).unwrap();
    home
}

#[test]
fn a_validator_key_is_replaced_with_an_empty_vote_log() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let old = keys::load_validator(&home).unwrap().unwrap().public_key();
    fs::remove_file(home.join("data/votes").join(FRESH_MARKER)).unwrap();
    fs::write(home.join("data/votes/log"), "what the old key signed").unwrap();

    let next = prepare(&OsDisk, &home, KeyFile::Validator).unwrap();
    assert_eq!(prepare(&OsDisk, &home, KeyFile::Validator).unwrap(), next);
    assert_ne!(next.public_key, old);
    assert_eq!(keys::load_validator(&home).unwrap().unwrap().public_key(), old);

    let done = activate(&OsDisk, &home, KeyFile::Validator).unwrap();
    assert_eq!(keys::load_validator(&home).unwrap().unwrap().public_key(), next.public_key);
    assert_eq!(keys::load(&done.retired.unwrap()).unwrap().public_key(), old);
    assert!(home.join("data/votes").join(FRESH_MARKER).exists());
    assert!(!home.join("data/votes/log").exists());
    let again = activate(&OsDisk, &home, KeyFile::Validator);
    assert!(matches!(again, Err(RotateError::NoNext { .. })));
}

/// Whatever a crash left half done, the old key never lies beside an empty vote log.
#[test]
fn an_interrupted_change_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    fs::remove_file(home.join("data/votes").join(FRESH_MARKER)).unwrap();
    let next = prepare(&OsDisk, &home, KeyFile::Validator).unwrap();
    let kept = home.join("keys/kept.pem");
    fs::rename(KeyFile::Validator.path(&home), &kept).unwrap();
    assert!(keys::load_validator(&home).unwrap().is_none());
    activate(&OsDisk, &home, KeyFile::Validator).unwrap();
    assert_eq!(keys::load_validator(&home).unwrap().unwrap().public_key(), next.public_key);
}

#[test]
fn a_transport_key_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let old = keys::load_identity(&home).unwrap().public().to_peer_id();
    prepare(&OsDisk, &home, KeyFile::Node).unwrap();
    activate(&OsDisk, &home, KeyFile::Node).unwrap();
    assert_ne!(keys::load_identity(&home).unwrap().public().to_peer_id(), old);
}
