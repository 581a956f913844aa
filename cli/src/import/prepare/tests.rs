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
