use super::*;
use crate::import::prepare::{SourceFormat, prepare, read};
use crate::import::testing::binding;

#[test]
fn rows_the_rules_refuse_are_found_one_by_one() {
    let text = "标识符,信息资源名称,信息资源代码,发布日期,个人信息\n\
                a,好一,307001/1,2020-01-01,\n\
                b,未来,307001/2,2999-01-01,\n\
                c,好二,307001/3,2020-01-01,\n\
                d,敏感,307001/4,2020-01-01,敏感个人信息\n\
                e,同码,307001/3,2020-01-01,\n";
    let source = read(text.as_bytes().to_vec(), SourceFormat::Auto, &Default::default());
    let mut batch = prepare(&source.expect("reads").rows, &binding());
    check(&mut batch, &binding(), 1_795_300_000_000);
    let refused: Vec<(&str, &str)> =
        batch.rejected.iter().map(|r| (r.identifier.as_str(), r.code.as_str())).collect();
    assert_eq!(refused, [("b", "ENT-21"), ("d", "ENT-14"), ("e", "ENT-06")]);
    assert_eq!(batch.prepared.len(), 2);
}

#[test]
fn a_binding_with_a_system_is_in_order() {
    let binding = Binding { system: Some("91350100M000100Y43:registry".to_owned()), ..binding() };
    let source = read(b"title\nx\n".to_vec(), SourceFormat::Auto, &Default::default());
    let mut batch = prepare(&source.expect("reads").rows, &binding);
    check(&mut batch, &binding, 1_795_300_000_000);
    assert_eq!((batch.prepared.len(), batch.rejected.len()), (1, 0));
}

#[test]
fn some_rules_concern_every_row() {
    assert!(is_about_one_row("ENT-07") && is_about_one_row("FLD-01"));
    assert!(!is_about_one_row("KEY-04") && !is_about_one_row("DUT-03"));
    assert!(!is_about_one_row("ENT-23"));
}
