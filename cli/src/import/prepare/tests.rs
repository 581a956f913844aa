use super::*;
use crate::import::rules;
use crate::import::testing::binding;

fn read_text(text: &str) -> Read {
    read(text.as_bytes().to_vec(), SourceFormat::Auto, &Mapping::default()).expect("reads")
}

#[test]
fn formats_are_told_by_their_look() {
    let cases = [
        ("title\nx\n", SourceFormat::Csv),
        ("{\"dataset\":[]}", SourceFormat::DataJson),
        ("{\n \"dataset\":[]}", SourceFormat::DataJson),
        (
            "{\"id\":\"a\",\"title\":\"x\"}\n{\"id\":\"b\",\"title\":\"y\"}\n",
            SourceFormat::CkanJsonl,
        ),
    ];
    for (text, format) in cases {
        assert_eq!(read_text(text).format, format, "{text}");
    }
}

#[test]
fn bad_rows_are_reported_and_good_ones_prepared() {
    let text = "标识符,信息资源名称,共享类型\na,好,无条件共享\na,重复标识,无条件共享\nb,数字,2\nc,,无条件共享\n";
    let batch = prepare(&read_text(text).rows, &binding());
    let codes: Vec<(u64, &str)> =
        batch.rejected.iter().map(|r| (r.line, r.code.as_str())).collect();
    assert_eq!(codes, [(3, "identifier"), (5, "name"), (4, "share")]);
    assert_eq!(batch.prepared.len(), 1);
}

/// Every row of the real lists becomes an entry that the rules accept, or has a reason.
#[test]
fn the_real_lists_convert_under_the_rules() {
    let Some(folder) = crate::testing::reference_data() else { return };
    for (name, total, most_rejected) in [("national.csv", 35_955, 10), ("taipei.csv", 1_127, 30)] {
        let bytes = std::fs::read(folder.join("tw-opendata").join(name)).expect("readable");
        let source = read(bytes, SourceFormat::Auto, &Mapping::default()).expect("reads");
        let mut batch = prepare(&source.rows, &binding());
        rules::check(&mut batch, &binding(), 1_795_300_000_000);
        assert_eq!(batch.prepared.len() + batch.rejected.len(), total, "{name}");
        let why: Vec<String> = batch
            .rejected
            .iter()
            .map(|r| format!("{} {} {}", r.line, r.code, r.reason.en))
            .collect();
        assert!(why.len() <= most_rejected, "{name}: {why:#?}");
        let names: std::collections::BTreeSet<&str> =
            batch.prepared.iter().map(|p| p.content.name.as_str()).collect();
        assert_eq!(names.len(), batch.prepared.len(), "{name}: names are unique");
    }
}

#[test]
fn a_generated_catalog_converts_without_rejection() {
    let bytes = crate::catalog::write::csv(crate::catalog::generate::entries(2_000, 1));
    let source = read(bytes.expect("written"), SourceFormat::Auto, &Mapping::default());
    let mut batch = prepare(&source.expect("reads").rows, &binding());
    rules::check(&mut batch, &binding(), 1_795_300_000_000);
    let why: Vec<&str> = batch.rejected.iter().map(|r| r.reason.en.as_str()).collect();
    assert!(why.is_empty(), "{why:?}");
    assert_eq!(batch.prepared.len(), 2_000);
    assert!(batch.prepared.iter().all(|p| p.content.items.len() >= 6));
}

/// The workbook of the 2017 guide, as UTF-8, as GBK and in traditional characters of its headers.
#[test]
fn the_fields_of_the_guide_become_whole_entries() {
    let utf8 = include_str!("guide.csv");
    let (gbk, _, unmapped) = encoding_rs::GBK.encode(utf8);
    assert!(!unmapped);
    let traditional = utf8
        .replace("信息资源名称", "資訊資源名稱")
        .replace("数据类型", "數據類型")
        .replace("更新周期", "更新週期")
        .replace("共享类型", "共享類型")
        .replace("有条件共享", "有條件共享");
    let sources = [utf8.as_bytes().to_vec(), gbk.into_owned(), traditional.into_bytes()];
    for bytes in sources {
        let source = read(bytes, SourceFormat::Auto, &Mapping::default()).expect("reads");
        assert_eq!(source.unused_columns, ["所属系统"]);
        let mut batch = prepare(&source.rows, &binding());
        rules::check(&mut batch, &binding(), 1_795_300_000_000);
        let [licence, notice] = batch.prepared.as_slice() else { panic!("{:?}", batch.rejected) };
        assert_eq!(
            serde_json::to_value(&licence.content).expect("JSON"),
            serde_json::json!({
                "codes": ["307017/0001"],
                "class_path": ["部门信息资源类", "市级部门", "食品监管"],
                "name": "食品经营许可信息",
                "keywords": ["某某局", "部门信息资源类", "市级部门", "食品监管"],
                "office": "91350100M000100Y43:data",
                "region": "110000",
                "summary": "食品经营许可证的核发、变更与注销信息",
                "formats": [
                    { "category": "sheet", "type": "xlsx" },
                    { "category": "database", "type": "mysql" },
                ],
                "items": [
                    { "item_id": "许可证编号", "name": "许可证编号", "type": "C", "length": 32 },
                    { "item_id": "经营者名称", "name": "经营者名称", "type": "C", "length": 200 },
                    { "item_id": "有效期至", "name": "有效期至", "type": "D" },
                ],
                "share": {
                    "type": "conditional",
                    "condition": "限食品安全监督抽检",
                    "methods": ["platform-api"],
                },
                "open": { "is_open": false },
                "update_cycle": "daily",
                "published_at": "2018-03-01",
                "related": ["307017/0002"],
                "level": "general-1",
                "personal_info": "none",
                "responsibilities": ["91350100M000100Y43:registration"],
                "no_system": "来源目录未登记信息系统",
                "source": licence.content.source,
            })
        );
        assert_eq!(notice.content.share.kind, mulu_contracts::catalog::ShareType::Unconditional);
        assert_eq!(notice.content.open.condition.as_deref(), Some("注明来源"));
        let notes: Vec<(u64, &str)> =
            batch.used.notes.kept.iter().map(|note| (note.line, note.found.as_str())).collect();
        assert_eq!(notes, [(7, "飞鸽传书"), (7, "每旬")]);
        let refused: Vec<(u64, &str, Option<Field>)> =
            batch.rejected.iter().map(|r| (r.line, r.code.as_str(), r.field)).collect();
        let expected = [
            (8, "share", Some(Field::Share)),
            (9, "ENT-15", Some(Field::Secret)),
            (10, "provider", Some(Field::ProviderCode)),
            (11, "ENT-09", Some(Field::ShareCondition)),
        ];
        assert_eq!(refused, expected);
    }
}
