use serde_json::json;

use super::*;

fn rows(catalog: &Value) -> Vec<Row> {
    assert!(is_linked(catalog));
    read(catalog, &mut Cleaner::default()).expect("reads")
}

/// One data set, nested under compact names, as a graph under prefixes, and expanded.
#[test]
fn one_catalog_in_three_forms_is_one_catalog() {
    let nested = json!({"@context": "https://w3id.org/dcat-ap.jsonld", "@type": "Catalog",
        "dataset": [{"@id": "http://a/1", "@type": "Dataset", "title": {"en": "Air", "zh": "空气质量"},
            "description": "d", "publisher": {"@type": "Agent", "name": "环保局"},
            "keyword": ["空气", "监测"], "issued": "2025-01-02T03:04:05",
            "accrualPeriodicity": "http://publications.europa.eu/resource/authority/frequency/DAILY",
            "accessRights": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
            "distribution": {"@type": "Distribution",
                "format": "http://publications.europa.eu/resource/authority/file-type/CSV"}}]});
    let graph = json!({"@context": {}, "@graph": [
        {"@id": "http://a/c", "@type": ["dcat:Catalog"], "dcat:dataset": {"@id": "http://a/1"}},
        {"@id": "http://a/1", "@type": "dcat:Dataset",
            "dct:title": [{"@language": "en", "@value": "Air"}, {"@language": "zh-CN", "@value": "空气质量"}],
            "dct:description": "d", "dct:publisher": {"@id": "http://a/p"},
            "dcat:keyword": ["空气", "监测"], "dct:issued": {"@value": "2025-01-02T03:04:05"},
            "dct:accrualPeriodicity": {"@id": "http://publications.europa.eu/resource/authority/frequency/DAILY"},
            "dct:accessRights": {"@id": "http://publications.europa.eu/resource/authority/access-right/PUBLIC"},
            "dcat:distribution": [{"@id": "http://a/d"}]},
        {"@id": "http://a/p", "@type": "foaf:Agent", "foaf:name": "环保局"},
        {"@id": "http://a/d", "@type": "dcat:Distribution",
            "dct:format": {"@id": "http://publications.europa.eu/resource/authority/file-type/CSV"}}]});
    let expanded = json!([{"@id": "http://a/1", "@type": ["http://www.w3.org/ns/dcat#Dataset"],
        "http://purl.org/dc/terms/title": [{"@language": "zh", "@value": "空气质量"}],
        "http://purl.org/dc/terms/description": [{"@value": "d"}],
        "http://purl.org/dc/terms/publisher": [{"@type": ["http://xmlns.com/foaf/0.1/Agent"],
            "http://xmlns.com/foaf/0.1/name": [{"@value": "环保局"}]}],
        "http://www.w3.org/ns/dcat#keyword": [{"@value": "空气"}, {"@value": "监测"}],
        "http://purl.org/dc/terms/issued": [{"@value": "2025-01-02T03:04:05"}],
        "http://purl.org/dc/terms/accrualPeriodicity": [
            {"@id": "http://publications.europa.eu/resource/authority/frequency/DAILY"}],
        "http://purl.org/dc/terms/accessRights": [
            {"@id": "http://publications.europa.eu/resource/authority/access-right/PUBLIC"}],
        "http://www.w3.org/ns/dcat#distribution": [{"http://purl.org/dc/terms/format": [
            {"@id": "http://publications.europa.eu/resource/authority/file-type/CSV"}]}]}]);
    let first = rows(&nested);
    assert_eq!(first.len(), 1);
    let row = &first[0];
    for (field, expected) in [
        (Field::Identifier, "http://a/1"),
        (Field::Name, "空气质量"),
        (Field::Agency, "环保局"),
        (Field::Keywords, "空气;监测"),
        (Field::UpdateCycle, "DAILY"),
        (Field::Formats, "CSV"),
        (Field::Share, "unconditional"),
        (Field::Open, "yes"),
        (Field::PublishedAt, "2025-01-02T03:04:05"),
    ] {
        assert_eq!(row.get(field), Some(expected), "{field:?}");
    }
    assert_eq!(rows(&graph), first);
    assert_eq!(rows(&expanded), first);
}

#[test]
fn a_catalog_without_data_sets_is_refused() {
    let empty = json!({"@context": {}, "@graph": [{"@id": "http://a/c", "@type": "dcat:Catalog"}]});
    assert!(read(&empty, &mut Cleaner::default()).is_err());
    // A data.json catalog is no linked data, though it has a context.
    assert!(!is_linked(&json!({"@context": "x", "conformsTo": "y", "dataset": []})));
}
