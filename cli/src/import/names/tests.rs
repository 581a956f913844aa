use super::*;

fn named<'a>(name: &'a str, agency: &'a str, identifier: &'a str) -> Named<'a> {
    Named { name, agency, identifier }
}

#[test]
fn repeated_names_get_agency_then_number_whatever_the_order() {
    let records = [
        named("預算", "甲局", "3"),
        named("预算", "甲局", "9"),
        named("預算", "乙局", "2"),
        named("預算", "甲局", "1"),
        named("公告", "", "5"),
        named("公告", "", "4"),
    ];
    let expected = ["預算（甲局） 2", "预算", "預算（乙局）", "預算（甲局）", "公告 2", "公告"];
    let (names, changed) = unique(&records);
    assert_eq!(names, expected);
    assert_eq!(changed, 4);
    let reversed: Vec<Named> = records.iter().rev().copied().collect();
    let (mut names, _) = unique(&reversed);
    names.reverse();
    assert_eq!(names, expected);
}

#[test]
fn made_names_are_recognised() {
    let names: Vec<String> = told_apart("統計", "文化部").take(3).collect();
    assert_eq!(names, ["統計（文化部）", "統計（文化部） 2", "統計（文化部） 3"]);
    let names: Vec<String> = told_apart("統計", "").take(2).collect();
    assert_eq!(names, ["統計 2", "統計 3"]);
    for name in ["統計", "統計（文化部）", "統計（文化部） 2", "統計 12"] {
        assert!(is_of(name, "統計"), "{name}");
    }
    for name in ["統計表", "總統計", "統計 二", "統計 "] {
        assert!(!is_of(name, "統計"), "{name}");
    }
}

#[test]
fn a_made_name_never_takes_a_given_one() {
    let records = [named("a", "x", "1"), named("a", "x", "2"), named("a（x）", "", "3")];
    let (names, _) = unique(&records);
    assert_eq!(names, ["a（x） 2", "a（x） 3", "a（x）"]);
}
