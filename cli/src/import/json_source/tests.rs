use super::*;

#[test]
fn a_data_json_catalog_of_either_version_is_read() {
    let text = r#"{"conformsTo":"https://project-open-data.cio.gov/v1.1/schema","dataset":[
      {"identifier":"a-1","title":"Roads","description":"All\nroads","publisher":{"name":"DOT"},
       "keyword":["road","map"],"accessLevel":"public","accrualPeriodicity":"R/P1Y",
       "issued":"2019-05-06","distribution":[{"mediaType":"text/csv"},{"format":"ZIP"},{}]},
      {"identifier":"a-2","title":"Cases","accessLevel":"non-public","rights":"Act 5"},
      {"title":"no identifier","theme":{"prefLabel":"Health"},"accessLevel":"secret"}]}"#;
    let rows = data_json(text, &mut Cleaner::default()).expect("a catalog");
    let [roads, cases, other] = rows.as_slice() else { panic!("three records") };
    assert_eq!(roads.get(Field::Summary), Some("All roads"));
    assert_eq!(roads.get(Field::Formats), Some("csv;ZIP"));
    assert_eq!(roads.get(Field::Keywords), Some("road;map"));
    assert_eq!(roads.get(Field::Share), Some("unconditional"));
    assert_eq!(cases.get(Field::NoShareBasis), Some("Act 5"));
    assert_eq!(other.get(Field::ClassPath), Some("Health"));
    assert_eq!(other.get(Field::Share), Some("secret"));
    assert!(data_json("{}", &mut Cleaner::default()).is_err());
}

#[test]
fn ckan_packages_are_read_line_by_line() {
    let text = concat!(
        r#"{"id":"u1","name":"roads","title":"Roads","notes":"x","organization":{"title":"DOT"},"#,
        r#""tags":[{"name":"t"}],"resources":[{"format":"CSV"},{"format":""}],"state":"active","#,
        r#""private":false,"extras":[{"key":"frequency","value":"monthly"}]}"#,
        "\n\n",
        r#"{"id":"u2","title":"Hidden","private":true}"#,
        "\n",
    );
    let rows = ckan_jsonl(text, &mut Cleaner::default()).expect("two packages");
    let [roads, hidden] = rows.as_slice() else { panic!("two records") };
    assert_eq!(roads.get(Field::UpdateCycle), Some("monthly"));
    assert_eq!(roads.get(Field::Formats), Some("CSV"));
    assert_eq!(roads.excluded, None);
    assert_eq!((hidden.line, hidden.excluded), (3, Some("private")));
    assert!(ckan_jsonl("{}\nnope\n", &mut Cleaner::default()).is_err());
}
