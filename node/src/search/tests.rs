use serde_json::json;

use super::engine::Engine;
use super::{Found, Request};

fn entry(name: &str, summary: &str, items: &[&str], share: &str) -> Option<Vec<u8>> {
    let items: Vec<_> = items.iter().map(|name| json!({ "item_id": "i", "name": name })).collect();
    let record = json!({
        "provider": "A", "status": "published",
        "content": {
            "codes": ["307017/Demo1"], "name": name, "summary": summary, "items": items,
            "keywords": ["市场主体"], "office": "A:x", "share": { "type": share },
            "open": { "is_open": true },
        },
    });
    Some(record.to_string().into_bytes())
}

fn find(engine: &Engine, text: &str) -> Found {
    let request = Request { text: text.to_owned(), limit: 10, ..Request::default() };
    engine.find(&request).expect("an answer")
}

#[test]
fn chinese_words_of_two_characters_and_english_words_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, marker) = (folder.path().join("search"), folder.path().join("rebuild"));
    let engine = Engine::open(&path, &marker, "g").expect("a new index");
    let mut progress = engine.progress();
    progress.filling = false;
    let entries = [
        (
            "entry/1".to_owned(),
            entry(
                "企业登记基本信息",
                "各类市场主体的登记注册数据",
                &["统一社会信用代码", "法定代表人"],
                "conditional",
            ),
        ),
        (
            "entry/2".to_owned(),
            entry(
                "医疗机构执业许可",
                "Licences of medical institutions",
                &["机构名称"],
                "unconditional",
            ),
        ),
        (
            "entry/3".to_owned(),
            entry("公交线路目录", "Bus routes and stops", &["线路编号"], "conditional"),
        ),
    ];
    engine.write(&entries, progress.clone()).expect("written");
    for (text, expected) in [
        ("登记", &["entry/1"][..]),
        ("数据", &["entry/1"]),
        ("目录", &["entry/3"]),
        ("线路", &["entry/3"]),
        ("法定代表人", &["entry/1"]),
        ("企业 登记", &["entry/1"]),
        ("MEDICAL", &["entry/2"]),
        ("bus stops", &["entry/3"]),
        ("bus medical", &[]),
        ("无人机", &[]),
        ("🦀 ( \" *", &[]),
    ] {
        assert_eq!(find(&engine, text).keys, expected, "{text}");
    }
    assert_eq!(find(&engine, "307017/DEMO1").total, 3, "a code is one word");

    let all = find(&engine, "");
    assert_eq!((all.total, all.index.entries, all.index.complete), (3, 3, true));
    let share = &all.facets["share"];
    assert_eq!((share[0].value.as_str(), share[0].count), ("conditional", 2));
    let request = Request {
        facets: vec![("share", "unconditional".to_owned())],
        limit: 10,
        ..Request::default()
    };
    assert_eq!(engine.find(&request).expect("an answer").keys, ["entry/2"]);

    // An entry that changed is found as it is now, and only once.
    let changed = [("entry/3".to_owned(), entry("地铁线路", "", &[], "none"))];
    engine.write(&changed, progress).expect("written");
    assert_eq!(find(&engine, "公交").total, 0);
    assert_eq!(find(&engine, "地铁").keys, ["entry/3"]);
    assert_eq!(find(&engine, "").total, 3);
    drop(engine);

    // It comes back as it was; another chain's is made anew; so is one an operator wants anew.
    let engine = Engine::open(&path, &marker, "g").expect("the same index");
    assert_eq!(find(&engine, "地铁").total, 1);
    std::fs::write(&marker, "").expect("a marker");
    engine.rebuild_if_asked().expect("emptied");
    assert_eq!((find(&engine, "").total, engine.progress().filling), (0, true));
    assert!(!marker.exists());
    drop(engine);
    let engine = Engine::open(&path, &marker, "other").expect("a new index");
    assert_eq!(find(&engine, "").total, 0);
}

/// A measurement, and no test of speed: `make measure` runs it.
#[test]
#[ignore = "a measurement of a minute: make measure"]
fn many_entries_are_indexed_and_searched_fast() {
    use std::time::Instant;
    const ENTRIES: usize = 100_000;
    let words = [
        "企业", "登记", "许可", "医疗", "机构", "公交", "线路", "人口", "住房", "税务", "教育",
        "统计",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let engine =
        Engine::open(&folder.path().join("s"), &folder.path().join("r"), "g").expect("new");
    let word = |n: usize| words[(n * 7919 + n / 13) % words.len()];
    let started = Instant::now();
    for start in (0..ENTRIES).step_by(5_000) {
        let batch: Vec<_> = (start..start + 5_000)
            .map(|n| {
                let name = format!("{}{}信息{n}", word(n), word(n + 1));
                let summary =
                    format!("本市{}{}{}的数据，每日更新", word(n + 2), word(n + 3), word(n + 5));
                let value = entry(
                    &name,
                    &summary,
                    &["统一社会信用代码", "名称", word(n + 4)],
                    "conditional",
                );
                (format!("entry/{n}"), value)
            })
            .collect();
        engine.write(&batch, engine.progress()).expect("written");
    }
    let indexed = started.elapsed();
    let mut times: Vec<_> = (0..1_000)
        .map(|n| {
            let text = if n % 2 == 0 {
                word(n).to_owned()
            } else {
                format!("{} {}", word(n), word(n + 1))
            };
            let started = Instant::now();
            let request = Request { text, limit: 20, ..Request::default() };
            engine.find(&request).expect("an answer");
            started.elapsed()
        })
        .collect();
    times.sort();
    // For scale, in the same run: a look through all names, which finds no facet and ranks nothing.
    let names: Vec<String> =
        (0..ENTRIES).map(|n| format!("{}{}信息{n}", word(n), word(n + 1))).collect();
    let started = Instant::now();
    let found = names.iter().filter(|name| name.contains(word(3))).count();
    let scan = started.elapsed();
    println!(
        "{ENTRIES} entries indexed in {indexed:?}; found p50 {:?}, p99 {:?}; all names looked through in \
         {scan:?} ({found} found), {:.1} times the p50",
        times[500],
        times[990],
        scan.as_secs_f64() / times[500].as_secs_f64()
    );
}
