//! Exports are read again by the import, hold no formula, and pass the shapes of DCAT-AP.

use std::process::Command;

use mulu_chain::types::Height;
use mulu_contracts::entry::{EntryContent, EntryStatus};
use mulu_contracts::state::{encode, entry_id, version_hash};
use serde_json::json;

use super::*;
use crate::import::mapping::Mapping;
use crate::import::prepare::{Read, SourceFormat, prepare, read};
use crate::import::testing::binding;

fn naming() -> Naming {
    Naming {
        chain_id: "mulu-test".to_owned(),
        base_url: "http://127.0.0.1:26701".to_owned(),
        contact: Some("data@example.gov.cn".to_owned()),
        height: 42,
        today: "2026-11-28".to_owned(),
    }
}

/// Entries of each share type, one whose name is a formula.
fn entries() -> Vec<Exported> {
    let shares = [
        json!({"type": "unconditional"}),
        json!({"type": "conditional", "condition": "履职所需", "methods": ["platform-api"]}),
        json!({"type": "none", "no_share_basis": "保密法"}),
    ];
    let content = |number: usize, share: &serde_json::Value| -> EntryContent {
        let names = ["=cmd|' /C calc'!A0", "企业登记信息", "内部台账"];
        serde_json::from_value(json!({
            "codes": [format!("306001/{number}")], "class_path": ["部门", "政法", "登记"],
            "name": names[number], "keywords": if number == 1 { json!([]) } else { json!(["a", "b"]) },
            "office": "91350100M000100Y43:data", "region": "110000", "summary": "摘要\"引号\"",
            "formats": [{"category": "sheet", "type": "xlsx"}, {"category": "efile", "type": "csv"}],
            "items": [{"item_id": "1", "name": "名称", "type": "C"}],
            "share": share, "open": {"is_open": number == 0}, "update_cycle": "daily",
            "published_at": "2025-11-01", "level": "general-1", "personal_info": "none",
            "responsibilities": ["91350100M000100Y43:registration"], "no_system": "台账",
            "extensions": if number == 2 { json!([]) } else {
                json!([{"name": format!("服务对象{number}"), "value": "企业、公众"}])
            },
        }))
        .expect("an entry")
    };
    let exported = |(number, share): (usize, &serde_json::Value)| {
        let content = content(number, share);
        let entry = Entry {
            entry_id: entry_id(content.first_code()),
            provider: "91350100M000100Y43".to_owned(),
            version: 1,
            prev: None,
            status: EntryStatus::Published,
            published_at_height: Height(1),
            updated_at_height: Height(7),
            withdrawal_reason: None,
            status_reason: None,
            suspended_by: None,
            frozen: None,
            stricter_since_height: None,
            transferred: None,
            content,
        };
        let version = version_hash(&encode(&entry));
        Exported { entry, version, provider: "市场监督管理局".to_owned() }
    };
    shares.iter().enumerate().map(exported).collect()
}

fn again(bytes: Vec<u8>) -> Read {
    read(bytes, SourceFormat::Auto, &Mapping::default()).expect("reads")
}

#[test]
fn tables_are_imported_again() {
    for (bytes, format) in [
        (table::csv(&entries()).expect("writes"), SourceFormat::Csv),
        (table::xlsx(&entries()).expect("writes"), SourceFormat::Xlsx),
    ] {
        let source = again(bytes);
        assert_eq!((source.format, source.rows.len()), (format, 3));
        let batch = prepare(&source.rows, &binding());
        assert!(batch.rejected.is_empty(), "{:?}", batch.rejected);
        for (prepared, exported) in batch.prepared.iter().zip(entries()) {
            let (found, wanted) = (&prepared.content, &exported.entry.content);
            assert_eq!(found.codes, wanted.codes);
            assert_eq!(found.class_path, wanted.class_path);
            assert_eq!((&found.share, &found.open), (&wanted.share, &wanted.open));
            assert_eq!(found.update_cycle, wanted.update_cycle);
            assert_eq!(found.extensions, wanted.extensions);
            assert_eq!(
                (&found.summary, &found.published_at),
                (&wanted.summary, &wanted.published_at)
            );
        }
    }
}

#[test]
fn no_cell_is_a_formula() {
    let csv = String::from_utf8(table::csv(&entries()).expect("writes")).expect("UTF-8");
    assert!(csv.contains("'=cmd") && !csv.contains(",=cmd"));
    // A workbook's cells are texts, whatever they begin with.
    let source = again(table::xlsx(&entries()).expect("writes"));
    let name = source.rows[0].get(crate::import::row::Field::Name);
    assert_eq!(name, Some("=cmd|' /C calc'!A0"));
}

#[test]
fn data_json_and_dcat_ap_are_imported_again() {
    for (catalog, format) in [
        (data_json::catalog(&entries(), &naming()), SourceFormat::DataJson),
        (dcat_ap::catalog(&entries(), &naming()), SourceFormat::DcatJsonld),
    ] {
        let source = again(serde_json::to_vec_pretty(&catalog).expect("JSON"));
        assert_eq!((source.format, source.rows.len()), (format, 3));
        let shares: Vec<_> =
            source.rows.iter().map(|row| row.get(crate::import::row::Field::Share)).collect();
        assert_eq!(shares, [Some("unconditional"), Some("conditional"), Some("none")]);
    }
    for dataset in data_json::catalog(&entries(), &naming())["dataset"].as_array().expect("a list")
    {
        for field in [
            "title",
            "description",
            "keyword",
            "modified",
            "publisher",
            "contactPoint",
            "identifier",
            "accessLevel",
        ] {
            assert!(dataset.get(field).is_some(), "{field} is required");
        }
        assert!(!dataset["keyword"].as_array().expect("a list").is_empty());
    }
}

/// pyshacl (PyPI) over the shapes of DCAT-AP 3.0.0, where both are at hand: `MULU_PYSHACL` names a Python
/// that has it, `MULU_REFERENCE_DATA` the folder of the shapes. Else it is skipped, and says so.
#[test]
fn dcat_ap_passes_its_shapes() {
    let python = std::env::var("MULU_PYSHACL").unwrap_or_else(|_| "python3".to_owned());
    let data =
        std::env::var("MULU_REFERENCE_DATA").unwrap_or_else(|_| "../../shared/data".to_owned());
    let shapes = std::path::Path::new(&data).join("dcat-ap/3.0.0/shacl/dcat-ap-SHACL.ttl");
    let able = Command::new(&python).args(["-c", "import pyshacl"]).output();
    if !able.is_ok_and(|output| output.status.success()) || !shapes.exists() {
        println!("skipped: no pyshacl ({python}) or no shapes ({})", shapes.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("catalog.jsonld");
    let catalog = dcat_ap::catalog(&entries(), &naming());
    std::fs::write(&file, catalog.to_string()).expect("written");
    let check = |file: &std::path::Path| {
        let output = Command::new(&python)
            .args(["-m", "pyshacl", "-s"])
            .arg(&shapes)
            .args(["-df", "json-ld", "-f", "human"])
            .arg(file)
            .output()
            .expect("pyshacl runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (conforms, report) = check(&file);
    assert!(conforms, "{report}");
    // The check can fail: a data set without its title does not pass.
    let broken = catalog.to_string().replacen("\"dct:title\"", "\"dct:untitled\"", 2);
    std::fs::write(&file, broken).expect("written");
    assert!(!check(&file).0);
}
