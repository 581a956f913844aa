use super::*;

#[test]
fn a_file_round_trips_and_paths_are_anchored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sub/profiles.toml");
    let mut profiles = Profiles::default();
    profiles.profile.insert(
        "market".to_owned(),
        Profile {
            node: Some("http://127.0.0.1:26701".to_owned()),
            key: Some("keys/officer.pem".into()),
            genesis: Some("genesis.toml".to_owned()),
            ..Profile::default()
        },
    );
    profiles.write(&path).expect("written");
    assert_eq!(Profiles::read(&path).expect("read"), profiles);
    let (name, profile) = profiles.select(None).expect("selects").expect("the only one");
    assert_eq!(name, "market");
    let profile = profile.anchored(Path::new("/srv/net"));
    assert_eq!(profile.key.as_deref(), Some(Path::new("/srv/net/keys/officer.pem")));
    assert_eq!(profile.genesis.as_deref(), Some("/srv/net/genesis.toml"));
}

#[test]
fn an_absent_file_is_empty_and_an_unknown_name_is_usage() {
    let profiles = Profiles::read(Path::new("/nonexistent/profiles.toml")).expect("empty");
    assert_eq!(profiles, Profiles::default());
    let failure = profiles.select(Some("nobody")).expect_err("unknown");
    assert_eq!(failure.exit, Exit::Usage);
}

#[test]
fn unknown_fields_are_refused() {
    assert!(toml::from_str::<Profiles>("[profile.a]\nnod = 'x'").is_err());
}
