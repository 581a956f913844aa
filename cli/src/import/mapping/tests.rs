use super::*;

#[test]
fn values_and_constants_apply() {
    let mapping: Mapping = toml::from_str(
        "[values.share]\n'1' = 'unconditional'\n[constants]\nshare = 'none'\nlevel = 'general-2'",
    )
    .expect("a mapping");
    let mut row = Row::default();
    row.set(Field::Share, "1".to_owned());
    mapping.apply(&mut row);
    assert_eq!(row.get(Field::Share), Some("unconditional"));
    assert_eq!(row.get(Field::Level), Some("general-2"));
    let mut empty = Row::default();
    mapping.apply(&mut empty);
    assert_eq!(empty.get(Field::Share), Some("none"));
}

#[test]
fn unknown_fields_are_refused() {
    assert!(toml::from_str::<Mapping>("[columns]\nnme = 'x'").is_err());
    for field in Field::ALL {
        let text = format!("[constants]\n{} = 'x'", field.name());
        assert!(toml::from_str::<Mapping>(&text).is_ok(), "{text}");
    }
}
