use super::*;
use crate::import::prepare::{SourceFormat, prepare, read};
use crate::import::testing::binding;

#[test]
fn codes_are_told_apart_by_who_has_them() {
    let text = "信息资源代码,信息资源名称,关联资源代码\n306001/1,甲,306001/2、306001/9、306001/1、306001/8\n306001/2,乙,306001/9\n";
    let source = read(text.as_bytes().to_vec(), SourceFormat::Csv, &Default::default());
    let mut batch = prepare(&source.expect("reads").rows, &binding());
    let on_chain = BTreeSet::from(["306001/9".to_owned()]);
    let related = part(&mut batch.prepared, &on_chain, &mut batch.used);
    let now: Vec<&Vec<String>> = batch.prepared.iter().map(|r| &r.content.related).collect();
    assert_eq!(now, [&vec!["306001/9".to_owned()], &vec!["306001/9".to_owned()]]);
    let later: Vec<&Vec<String>> = related.later.values().collect();
    assert_eq!(later, [&vec!["306001/2".to_owned(), "306001/9".to_owned()]]);
    let unknown = batch.used.notes.kept.iter().filter(|n| n.instead == Fallback::RelatedUnknown);
    assert_eq!(unknown.map(|n| n.found.as_str()).collect::<Vec<_>>(), ["306001/8"]);
}
