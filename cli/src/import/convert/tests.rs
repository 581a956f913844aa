use mulu_contracts::catalog::ItemType;

use super::*;

fn binding() -> Binding {
    super::super::testing::binding()
}

fn row(fields: &[(Field, &str)]) -> Row {
    let mut row = Row { line: 2, ..Row::default() };
    row.set(Field::Name, "公共图书馆名录".to_owned());
    for (field, text) in fields {
        row.set(*field, (*text).to_owned());
    }
    row
}

fn converted(fields: &[(Field, &str)]) -> Result<(Prepared, Used), Reason> {
    let mut used = Used::default();
    let row = row(fields);
    let name = row.get(Field::Name).unwrap_or_default();
    convert(&row, "id-1", name, &binding(), &mut used).map(|prepared| (prepared, used))
}

#[test]
fn a_bare_row_gets_the_documented_defaults() {
    let (prepared, used) = converted(&[]).expect("imported");
    let content = prepared.content;
    assert_eq!(content.codes, [derived_code("306001", "test-list", "id-1")]);
    assert!(is_resource_code(content.first_code()));
    assert_eq!(content.share.kind, ShareType::Unconditional);
    assert!(content.open.is_open && prepared.dateless);
    assert_eq!(content.update_cycle, UpdateCycle::Irregular);
    assert_eq!(content.summary, content.name);
    assert_eq!(content.formats.len(), 1);
    assert_eq!(content.published_at, "2026-11-21");
    for default in [Fallback::Share, Fallback::Format, Fallback::Summary, Fallback::PublishedAt] {
        assert_eq!(used.of(default), 1, "{default:?}");
    }
}

/// What fits is kept, what does not is counted; nothing is cut.
#[test]
fn extended_metadata_is_taken_as_it_is() {
    let mut row = row(&[]);
    let said = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    row.extensions = vec![
        said("服务对象", "企业"),
        said("长", &"字".repeat(501)),
        said(&"名".repeat(65), "值"),
        said("a", &"字".repeat(500)),
        said("b", &"字".repeat(500)),
        said("c", &"字".repeat(500)),
        said("生成方式", "人工"),
    ];
    let mut used = Used::default();
    let prepared = convert(&row, "id-1", "名录", &binding(), &mut used).expect("imported");
    let kept = prepared.content.extensions;
    let names: Vec<&str> = kept.iter().map(|kept| kept.name.as_str()).collect();
    assert_eq!(names, ["服务对象", "a", "b", "生成方式"]);
    assert_eq!(used.of(Fallback::Extension), 3);
    row.extensions = (0..40).map(|n| said(&n.to_string(), "值")).collect();
    let prepared = convert(&row, "id-1", "名录", &binding(), &mut used).expect("imported");
    assert_eq!(prepared.content.extensions.len(), 32);
}

#[test]
fn share_types_are_named_never_numbered() {
    for (share, code) in
        [("1", "share"), ("共享", "share"), ("有条件共享", "ENT-09"), ("不予共享", "ENT-10")]
    {
        assert_eq!(converted(&[(Field::Share, share)]).expect_err(share).0, code);
    }
    let (prepared, _) = converted(&[
        (Field::Share, "有条件共享"),
        (Field::ShareCondition, "审批核验"),
        (Field::ShareMethods, "服务接口、文件下载、飞鸽"),
    ])
    .expect("imported");
    assert_eq!(prepared.content.share.kind, ShareType::Conditional);
    assert_eq!(prepared.content.share.methods.len(), 2);
    assert!(!prepared.content.open.is_open);
    let (prepared, _) = converted(&[(Field::Share, "不予共享"), (Field::ShareCondition, "统计法")])
        .expect("the basis in the condition's column");
    assert_eq!(prepared.content.share.no_share_basis.as_deref(), Some("统计法"));
}

#[test]
fn items_are_split_outside_brackets_and_prose_is_no_item() {
    let (prepared, used) = converted(&[
        (Field::Items, "SW_No：停水案件代碼、日期、平均(元/公斤、每日),日期"),
        (Field::Formats, "ZIP,xlsx,utf-8"),
    ])
    .expect("imported");
    let names: Vec<&str> = prepared.content.items.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["SW_No", "日期", "平均(元/公斤、每日)"]);
    let first = prepared.content.items.first().and_then(|i| i.desc.as_deref());
    assert_eq!(first, Some("停水案件代碼"));
    assert_eq!((used.of(Fallback::ItemTwice), used.of(Fallback::FormatWord)), (1, 1));
    assert_eq!(prepared.content.formats.len(), 2);

    let (prepared, used) = converted(&[(Field::Items, "統計期、項目。")]).expect("imported");
    assert_eq!((prepared.content.items.len(), used.of(Fallback::ItemsProse)), (2, 0));

    let prose = "本資料集說明各機關之預算。其欄位請參閱附件";
    let (prepared, used) =
        converted(&[(Field::Items, prose), (Field::Formats, "xlsx")]).expect("imported");
    assert!(prepared.content.items.is_empty());
    assert_eq!((used.of(Fallback::ItemsProse), used.of(Fallback::FormatAsFile)), (1, 1));
}

#[test]
fn secrets_and_foreign_rows_are_refused_with_their_cell() {
    for (found, refused) in [
        ("非涉密", false),
        ("否", false),
        ("是", true),
        ("机密", true),
        ("2", true),
        ("內部", true),
    ] {
        let result = converted(&[(Field::Secret, found)]);
        let why = result.err().map(|(code, field, _)| (code, field));
        assert_eq!(why, refused.then_some(("ENT-15", Some(Field::Secret))), "{found}");
    }
    for (found, refused) in [
        ("91350100M000100Y43", false),
        ("91350100m000100y43", false),
        ("M000100Y-4", false),
        ("11110000MULU00013Q", true),
        ("市大数据局", true),
    ] {
        let result = converted(&[(Field::ProviderCode, found)]);
        let why = result.err().map(|(code, field, _)| (code, field));
        assert_eq!(why, refused.then_some(("provider", Some(Field::ProviderCode))), "{found}");
    }
}

#[test]
fn what_is_not_taken_is_noted_with_its_line() {
    let (prepared, used) = converted(&[
        (Field::UpdateCycle, "每5分鐘"),
        (Field::ShareMethods, "飞鸽"),
        (Field::Related, "见附件"),
        (Field::Items, "名称、名称"),
    ])
    .expect("imported");
    assert_eq!(prepared.content.update_cycle, UpdateCycle::Irregular);
    let notes: Vec<(u64, Option<Field>, &str)> =
        used.notes.kept.iter().map(|n| (n.line, n.instead.field(), n.found.as_str())).collect();
    let cell = |field, found| (2, Some(field), found);
    let expected = [
        cell(Field::Items, "名称"),
        cell(Field::ShareMethods, "飞鸽"),
        cell(Field::UpdateCycle, "每5分鐘"),
        cell(Field::Related, "见附件"),
    ];
    assert_eq!(notes.len(), expected.len());
    assert!(expected.iter().all(|note| notes.contains(note)), "{notes:?}");
}

#[test]
fn a_classification_in_digits_is_the_class_of_the_code() {
    let (prepared, _) = converted(&[(Field::ClassPath, "3/07/017")]).expect("imported");
    assert!(prepared.content.first_code().starts_with("307017/"));
    assert!(prepared.content.keywords.is_empty());
    let (prepared, _) = converted(&[(Field::ClassPath, "部门/行政许可")]).expect("imported");
    assert!(prepared.content.first_code().starts_with("306001/"));
    assert_eq!(prepared.content.keywords, ["部门", "行政许可"]);
}

#[test]
fn item_types_pair_with_names() {
    let (prepared, _) =
        converted(&[(Field::Items, "名称、日期"), (Field::ItemTypes, "字符型C(18)、日期型D")])
            .expect("imported");
    assert_eq!(prepared.content.items.first().and_then(|item| item.length), Some(18));
    let kinds: Vec<ItemType> = prepared.content.items.iter().map(|i| i.kind).collect();
    assert_eq!(kinds, [ItemType::C, ItemType::D]);
    let unknown = converted(&[(Field::Items, "名称"), (Field::ItemTypes, "奇怪")]);
    assert_eq!(unknown.expect_err("unknown type").0, "item_type");
}

#[test]
fn dates_in_many_forms() {
    for (found, date) in [
        ("2013/03/18", "2013-03-18"),
        ("2018-06-12 15:48:07", "2018-06-12"),
        ("2019-05-06T00:00:00Z", "2019-05-06"),
        ("20200229", "2020-02-29"),
        ("2020年2月9日", "2020-02-09"),
    ] {
        let (prepared, _) = converted(&[(Field::PublishedAt, found)]).expect(found);
        assert_eq!(prepared.content.published_at, date);
    }
    for found in ["2013/02/30", "去年", "13"] {
        assert_eq!(converted(&[(Field::PublishedAt, found)]).expect_err(found).0, "FLD-03");
    }
}

#[test]
fn the_content_hash_follows_the_source_and_not_the_operator() {
    let hash = |fields: &[(Field, &str)], binding: &Binding| {
        let mut used = Used::default();
        let row = row(fields);
        let prepared = convert(&row, "id-1", "名称", binding, &mut used).expect("imported");
        prepared.content.source.expect("a source").content_hash
    };
    let base = hash(&[], &binding());
    let other_day = Binding { today: "2027-01-01".to_owned(), ..binding() };
    let other_duty = Binding { duty: "x:y".to_owned(), office: "x:z".to_owned(), ..binding() };
    assert_eq!(base, hash(&[], &other_day));
    assert_eq!(base, hash(&[], &other_duty));
    assert_ne!(base, hash(&[(Field::Summary, "新")], &binding()));
    assert_ne!(base, hash(&[(Field::PublishedAt, "2020-01-01")], &binding()));
}
