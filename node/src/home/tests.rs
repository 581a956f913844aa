use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::disk::OsDisk;

const MEMBER: &str = "11370000MB0000001A";

fn new(home: &Path) -> NewHome {
    let config = Config::new("node", MEMBER);
    NewHome { home: home.join("home"), genesis: None, config, observer: false, invitation: None }
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.expect("readable");
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path()).iter().map(|file| format!("{name}/{file}"))),
            false => drop(found.insert(name)),
        }
    }
    found
}

#[test]
fn a_new_home_is_whole_private_and_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = new(folder.path());
    let created = create(&OsDisk, &new).expect("created");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let expected = ["config.toml", "data/votes/FRESH", "keys/node.pem", "keys/validator.pem"];
    assert_eq!(files(&new.home), expected.map(str::to_owned).into());
    assert_eq!(mode(&new.home.join("keys")), 0o700);
    assert_eq!(mode(&KeyFile::Validator.path(&new.home)), 0o600);
    assert_eq!(Config::load(&new.home).expect("usable").member, MEMBER);
    let identity = keys::load_identity(&new.home).expect("an identity");
    assert_eq!(identity.public().to_peer_id(), created.peer_id);
    let validator = keys::load_validator(&new.home).expect("readable").expect("a key");
    assert_eq!(Some(validator.public_key()), created.validator);
    assert!(created.kept.is_empty() && created.founding.is_none());

    let again = create(&OsDisk, &new).err().expect("refused");
    assert!(matches!(again, HomeError::Exists { .. }), "{again}");
    assert!(again.chinese().contains("从不覆盖"), "{}", again.chinese());
}

#[test]
fn keys_that_are_there_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = new(folder.path());
    create_folder(&OsDisk, &new.home.join("keys")).expect("a folder");
    let key = keys::generate().expect("a key");
    let path = KeyFile::Validator.path(&new.home);
    keys::write_new(&OsDisk, &path, &key).expect("written");
    let created = create(&OsDisk, &new).expect("created");
    assert_eq!(created.validator, Some(key.public_key()));
    assert_eq!(created.kept, [path]);
    // An old key may have voted: nothing says that it did not.
    let expected = ["config.toml", "keys/node.pem", "keys/validator.pem"];
    assert_eq!(files(&new.home), expected.map(str::to_owned).into());
}

#[test]
fn an_observer_gets_no_validator_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = NewHome { observer: true, ..new(folder.path()) };
    assert_eq!(create(&OsDisk, &new).expect("created").validator, None);
    assert_eq!(files(&new.home), ["config.toml", "keys/node.pem"].map(str::to_owned).into());
    keys::write_new(
        &OsDisk,
        &KeyFile::Validator.path(&new.home),
        &keys::generate().expect("a key"),
    )
    .expect("written");
    fs::remove_file(new.home.join("config.toml")).expect("removed");
    let error = create(&OsDisk, &new).err().expect("refused");
    assert!(matches!(error, HomeError::ObserverWithKey { .. }), "{error}");
}

#[test]
fn nothing_is_written_when_something_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("genesis.toml");
    fs::write(&broken, "").expect("written");
    let plain = new(folder.path());
    let peer = "/ip4/1.2.3.4/tcp/1".parse().expect("a multiaddr");
    let mut no_peer = plain.clone();
    no_peer.config.p2p.peers = vec![peer];
    let rows = [
        (NewHome { config: Config::new("node", "123"), ..plain.clone() }, "`123` is not a unified"),
        (no_peer, "not the full address of a peer"),
        (NewHome { genesis: Some(folder.path().join("absent")), ..plain.clone() }, "absent"),
        (NewHome { genesis: Some(broken), ..plain.clone() }, "genesis.toml:1:1"),
    ];
    for (new, expected) in rows {
        let error = create(&OsDisk, &new).err().expect(expected).to_string();
        assert!(error.contains(expected), "{error}\nwithout\n{expected}");
        assert!(!new.home.exists(), "{expected}: the folder was made");
    }
}
