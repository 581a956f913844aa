use super::*;
use crate::catalog::generate::entries;
use crate::import::clean::Cleaner;
use crate::import::mapping::Mapping;
use crate::import::row::Field;
use crate::import::{csv_source, encoding, json_source};

#[test]
fn both_forms_are_read_by_the_importer() {
    let bytes = csv(entries(50, 3)).expect("written");
    assert!(bytes.starts_with(MARK));
    let text = encoding::decode(bytes).expect("UTF-8").text;
    let read =
        csv_source::read(&text, &Mapping::default(), &mut Cleaner::default()).expect("reads");
    assert_eq!(read.rows.len(), 50);
    assert!(read.columns.unused.is_empty(), "{:?}", read.columns.unused);

    let bytes = data_json(entries(50, 3));
    let text = encoding::decode(bytes).expect("UTF-8").text;
    let rows = json_source::data_json(&text, &mut Cleaner::default()).expect("reads");
    let names = |rows: &[crate::import::row::Row]| -> Vec<String> {
        rows.iter().filter_map(|r| r.get(Field::Name)).map(str::to_owned).collect()
    };
    assert_eq!(names(&rows), names(&read.rows));
}
