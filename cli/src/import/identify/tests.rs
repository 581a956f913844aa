use super::*;

fn row(line: u64, fields: &[(Field, &str)]) -> Row {
    let mut row = Row { line, ..Row::default() };
    for (field, text) in fields {
        row.set(*field, (*text).to_owned());
    }
    row
}

#[test]
fn identifiers_are_made_only_where_the_source_has_none() {
    let rows = [
        row(2, &[(Field::Agency, "文化部"), (Field::Name, "統計")]),
        row(
            3,
            &[(Field::Agency, "文化部"), (Field::Name, "目錄"), (Field::PublishedAt, "2013/03/18")],
        ),
        row(
            4,
            &[(Field::Agency, "文化部"), (Field::Name, "目錄"), (Field::PublishedAt, "2013/03/18")],
        ),
        row(5, &[(Field::Agency, "文化部"), (Field::Name, "目錄")]),
        row(6, &[(Field::Identifier, "a"), (Field::Name, "x")]),
        row(7, &[(Field::Identifier, "a"), (Field::Name, "y")]),
        row(8, &[(Field::Code, "307001/1"), (Field::Name, "z")]),
    ];
    let mut used = Used::default();
    let is = |text: &str| Identity::Is(text.to_owned());
    let expected = [
        is("文化部/統計"),
        is("文化部/目錄/2013/03/18"),
        is("文化部/目錄/2013/03/18#2"),
        is("文化部/目錄"),
        is("a"),
        Identity::Taken { identifier: "a".to_owned(), first_line: 6 },
        is("307001/1"),
    ];
    assert_eq!(identify(&rows, &mut used), expected);
    assert_eq!(used.of(Fallback::Identifier), 4);
}
